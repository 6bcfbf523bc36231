"""A fitted list of rules: its literals answer and say what they are, so the rule shown is the rule applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.literals import Literal, conjunction
from explaindistill.data.schema import Schema

__all__ = ["ListedRule", "RuleList"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ListedRule:
    """Literals that must all hold; ``value`` of the rows it takes, ``rest`` of those it leaves; share of rows, gain."""

    literals: tuple[Literal, ...]
    value: tuple[float, ...]
    rest: tuple[float, ...]
    share: float
    gain: float

    def words(self, schema: Schema) -> str:
        """Say it."""
        return conjunction(self.literals, schema)


@dataclass(frozen=True)
class RuleList:
    """Rules in order; the first that holds decides, else the last one's ``rest``; ``base`` is the mean of all rows."""

    schema: Schema
    rules: tuple[ListedRule, ...]
    base: tuple[float, ...]

    def used(self) -> list[int]:
        """Positions of the columns that are asked for."""
        return sorted({literal.feature for rule in self.rules for literal in rule.literals})

    def columns(self, X: pd.DataFrame) -> dict[int, Floats]:
        """Encoded numbers of the columns that are asked for; an unseen value of an order counts as missing."""
        out = {}
        for i in self.used():
            numbers = self.schema.column(X, i)
            out[i] = np.where(numbers < 0, np.nan, numbers) if self.schema[i].kind == "ordered" else numbers
        return out

    def deciding(self, X: pd.DataFrame) -> Ints:
        """Position ``(n,)`` of the rule that decides each row; ``len(rules)`` for the default."""
        columns = self.columns(X)
        out = np.full(len(X), len(self.rules), dtype=np.int64)
        waiting = np.arange(len(X))
        for r, rule in enumerate(self.rules):
            holds = np.ones(len(waiting), dtype=np.bool_)
            for literal in rule.literals:
                holds &= literal(columns[literal.feature][waiting])
            out[waiting[holds]] = r
            waiting = waiting[~holds]
        return out

    @property
    def default(self) -> tuple[float, ...]:
        """Value of the rows that no rule takes."""
        return self.rules[-1].rest if self.rules else self.base

    def values(self, X: pd.DataFrame) -> Floats:
        """Values ``(n, k)``."""
        table = np.array([*(rule.value for rule in self.rules), self.default])
        return np.asarray(table[self.deciding(X)])

    def explain(self, X: pd.DataFrame, outputs: list[Any]) -> pd.DataFrame:
        """One line per row, rule that was read, and output: how the answer moved when the rule held or did not."""
        rule_of = self.deciding(X)
        names = np.array(outputs, dtype=object)
        parts = [self._step(np.arange(len(X)), 0, "(base)", "all rows", np.array(self.base), names)]
        before = np.array(self.base)
        for r, rule in enumerate(self.rules):
            words = rule.words(self.schema)
            for rows, yes, to in ((rule_of == r, "yes", rule.value), (rule_of > r, "no", rule.rest)):
                moved = np.array(to) - before
                parts.append(self._step(np.flatnonzero(rows), r + 1, f"rule {r + 1}", f"{yes}: {words}", moved, names))
            before = np.array(rule.rest)
        frame = pd.concat(parts, ignore_index=True)
        return frame.sort_values(["row", "position", "step"], ignore_index=True).drop(columns="position")

    @staticmethod
    def _step(rows: Ints, step: int, term: str, reason: str, moved: Floats, names: NDArray[Any]) -> pd.DataFrame:
        """Lines of one rule for the rows that read it: it moves each output by the same ``moved`` ``(k,)``."""
        k = len(moved)
        return pd.DataFrame(
            {
                "row": np.repeat(rows, k),
                "step": step,
                "term": term,
                "reason": reason,
                "output": np.tile(names, len(rows)),
                "contribution": np.tile(moved, len(rows)),
                "position": np.tile(np.arange(k), len(rows)),
            }
        )

    def importance(self) -> pd.DataFrame:
        """Share of each column in the gain of the rules, a rule's gain in equal parts to its literals."""
        gain = np.zeros(len(self.schema))
        for rule in self.rules:
            for literal in rule.literals:
                gain[literal.feature] += rule.gain / len(rule.literals)
        share = gain / gain.sum() if gain.sum() > 0 else gain
        return pd.DataFrame({"feature": self.schema.names, "estimate": share})

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        rules = [
            {
                "literals": [literal.to_dict() for literal in rule.literals],
                "value": list(rule.value),
                "rest": list(rule.rest),
            }
            | {"share": rule.share, "gain": rule.gain}
            for rule in self.rules
        ]
        return {"schema": self.schema.to_dict(), "rules": rules, "base": list(self.base)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RuleList:
        """Inverse of :meth:`to_dict`."""
        rules = tuple(
            ListedRule(
                tuple(Literal.from_dict(row) for row in rule["literals"]),
                tuple(float(v) for v in rule["value"]),
                tuple(float(v) for v in rule["rest"]),
                float(rule["share"]),
                float(rule["gain"]),
            )
            for rule in data["rules"]
        )
        return cls(Schema.from_dict(data["schema"]), rules, tuple(float(v) for v in data["base"]))
