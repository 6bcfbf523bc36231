"""What samplers stand on: encoded rows that keep the rules, and a way to draw until new rows keep them too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.row_keys import row_keys
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Draw
from explaindistill.samplers._constraints import Constraint, satisfied

__all__ = ["Ground", "lay", "together"]

ROUNDS = 50
"""How often rows that break a rule are drawn again: a rule that half of the draws break fails for one row in 2**50."""

Make = Callable[[int, np.random.Generator], tuple[NDArray[np.float64], NDArray[np.int64]]]


@dataclass(frozen=True)
class Ground:
    """Encoded rows that keep the rules, and where they stood among the rows given.

    Attributes
    ----------
    Z : ndarray of shape (n, d)
    at : ndarray of int, shape (n,)
    """

    schema: Schema
    Z: NDArray[np.float64]
    at: NDArray[np.int64]
    rules: tuple[Constraint, ...]
    private: bool
    observed_keys: NDArray[np.uint64]

    def draw(self, n: int, rng: np.random.Generator, make: Make) -> Draw:
        """Rows by ``make``; those that break a rule, or copy an observed row where that is forbidden, are drawn again.

        Raises
        ------
        InvalidInputError
            If after many rounds some rows still break one; the message names the rule.
        """
        if n < 1:
            raise InvalidInputError(f"n must be at least 1, got {n}")
        Z, parents = make(n, rng)
        Z = self._legal(Z)
        wrong = np.flatnonzero(~self._fine(Z))
        for _ in range(ROUNDS):
            if len(wrong) == 0:
                break
            again, their = make(len(wrong), rng)
            Z[wrong], parents[wrong] = self._legal(again), their
            wrong = wrong[~self._fine(Z[wrong])]
        if len(wrong):
            raise InvalidInputError(self._complaint(Z[wrong]))
        parents = np.where(parents >= 0, self.at[np.maximum(parents, 0)], -1)
        return Draw(self.schema.decode(Z), parents, np.zeros(n, dtype=bool))

    def _fine(self, Z: NDArray[np.float64]) -> NDArray[np.bool_]:
        fine = satisfied(self.rules, Z)
        if self.private:
            fine &= ~np.isin(row_keys(Z)[:, 0], self.observed_keys)
        return fine

    def _legal(self, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Whole numbers rounded and bounds kept, as decoding will, so that rules are checked on what is given out."""
        for i, feature in enumerate(self.schema.features):
            if not feature.is_category:
                column = np.clip(Z[:, i], feature.minimum, feature.maximum)
                Z[:, i] = np.rint(column) if feature.kind == "integer" else column
        return Z

    def _complaint(self, Z: NDArray[np.float64]) -> str:
        for rule in self.rules:
            if not rule(Z).all():
                return f"constraint {rule.text!r} could not be kept in {ROUNDS} rounds of drawing; loosen it"
        return "private=True could not be kept: new rows keep coming out as copies; use another sampler or more rows"


def lay(X: Any, schema: Schema | None, constraints: Sequence[str], private: bool) -> Ground:
    """Encode rows and keep those that keep the rules.

    Raises
    ------
    InvalidInputError
        If fewer than 2 rows keep them.
    """
    if isinstance(constraints, str):
        raise InvalidInputError(f"constraints must be a list of texts, got one text; write [{constraints!r}]")
    if schema is None:
        schema = Schema.infer(X)
    rules = tuple(Constraint(text, schema) for text in constraints)
    Z = schema.encode(X)
    at = np.flatnonzero(satisfied(rules, Z)).astype(np.int64)
    if len(at) == 0:
        raise InvalidInputError(
            f"constraints {list(constraints)} are kept by none of the {len(Z)} rows; see to their units"
        )
    observed_keys = np.unique(row_keys(Z)[:, 0]) if private else np.empty(0, dtype=np.uint64)
    return Ground(schema, np.asfortranarray(Z[at]), at, rules, private, observed_keys)


def together(schema: Schema) -> list[list[int]]:
    """Columns that change together: each one-hot group is one, every other column its own."""
    groups: dict[str, list[int]] = {}
    for i, feature in enumerate(schema.features):
        groups.setdefault(f"{i}" if feature.one_hot is None else f"group {feature.one_hot}", []).append(i)
    return list(groups.values())
