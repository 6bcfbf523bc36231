"""Conditions as a circuit in levels: facts about single values, and gates over them that sums of 0 and 1 decide."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.program import (
    AnyOf,
    AtMost,
    Condition,
    Input,
    Leaf,
    Missing,
    Not,
    OneOf,
    Split,
    Unseen,
)

__all__ = ["Circuit", "CountGate", "Fact"]

Literal = tuple[int, bool]
"""Place of a fact or gate in the circuit, and whether it or its opposite is meant."""


@dataclass(frozen=True)
class Fact:
    """Something about one value: ``x <= value``, ``x == value``, ``x`` is missing, or ``x`` is unseen."""

    input: Input
    kind: str
    value: object = None


@dataclass(frozen=True)
class CountGate:
    """Holds where at least ``least`` of its literals do: 1 is "or", their number is "and"."""

    literals: tuple[Literal, ...]
    least: int
    level: int


@dataclass
class Circuit:
    """Facts and gates in the order in which they were asked for; equal ones are kept once.

    Examples
    --------
    >>> age = Input("age", "integer", (), "x_age")
    >>> circuit = Circuit()
    >>> young = circuit.literal(AnyOf((AtMost(age, 18.0), Missing(age))))
    >>> circuit.literal(Not(AnyOf((AtMost(age, 18.0), Missing(age))))) == (young[0], False)
    True
    """

    parts: list[Fact | CountGate] = field(default_factory=list)
    place: dict[Fact | CountGate, int] = field(default_factory=dict)

    def literal(self, condition: Condition) -> Literal:
        """Where the truth of a condition will stand."""
        if isinstance(condition, Not):
            at, holds = self.literal(condition.condition)
            return at, not holds
        if isinstance(condition, AnyOf):
            return self.gate([self.literal(inner) for inner in condition.conditions], 1)
        if isinstance(condition, OneOf):
            return self.gate([self._fact(Fact(condition.input, "equal", v)) for v in condition.values], 1)
        if isinstance(condition, AtMost):
            return self._fact(Fact(condition.input, "at_most", condition.bound))
        assert isinstance(condition, Missing | Unseen)
        return self._fact(Fact(condition.input, "missing" if isinstance(condition, Missing) else "unseen"))

    def gate(self, literals: list[Literal], least: int) -> Literal:
        """Gate over some literals; one literal alone needs none."""
        if len(literals) == 1 and least == 1:
            return literals[0]
        level = 1 + max((self._level(at) for at, _ in literals), default=0)
        return self._placed(CountGate(tuple(sorted(set(literals))), least, level)), True

    def leaves(self, tree: Split | Leaf, path: tuple[Literal, ...] = ()) -> list[tuple[Literal, Leaf]]:
        """Each leaf with the literal that says whether a row comes there."""
        if isinstance(tree, Leaf):
            return [(self.gate(list(path), len(set(path))), tree)]
        at, holds = self.literal(tree.condition)
        yes, no = self.leaves(tree.yes, (*path, (at, holds))), self.leaves(tree.no, (*path, (at, not holds)))
        return yes + no

    def facts(self) -> list[int]:
        """Places of the facts."""
        return [i for i, entry in enumerate(self.parts) if isinstance(entry, Fact)]

    def levels(self) -> list[list[int]]:
        """Places of the gates, level by level; a gate reads facts and lower levels only."""
        gates = [(i, entry) for i, entry in enumerate(self.parts) if isinstance(entry, CountGate)]
        top = max((gate.level for _, gate in gates), default=0)
        return [[i for i, gate in gates if gate.level == level] for level in range(1, top + 1)]

    def weights(
        self, gates: list[int], columns: dict[int, int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Matrix ``W``, start ``b`` and bound ``t``: a gate holds where ``x @ W + b > t``, x the known truths.

        Parameters
        ----------
        gates : places of q gates of one level
        columns : column of x of each place that is known so far
        """
        W, b, t = np.zeros((len(columns), len(gates))), np.zeros((1, len(gates))), np.zeros((1, len(gates)))
        for j, at in enumerate(gates):
            gate = self.parts[at]
            assert isinstance(gate, CountGate)
            t[0, j] = gate.least - 0.5
            for place, holds in gate.literals:
                W[columns[place], j] += 1.0 if holds else -1.0
                b[0, j] += 0.0 if holds else 1.0
        return W, b, t

    def _fact(self, fact: Fact) -> Literal:
        return self._placed(fact), True

    def _placed(self, entry: Fact | CountGate) -> int:
        if entry not in self.place:
            self.place[entry] = len(self.parts)
            self.parts.append(entry)
        return self.place[entry]

    def _level(self, at: int) -> int:
        entry = self.parts[at]
        return entry.level if isinstance(entry, CountGate) else 0
