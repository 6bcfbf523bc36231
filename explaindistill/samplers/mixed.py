"""Half of the rows by each of two samplers: no bet on which of them suits the rows at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Draw
from explaindistill.samplers.copula import CopulaSampler
from explaindistill.samplers.munge import MungeSampler

__all__ = ["MixedSampler"]


class MixedSampler:
    """Half of the rows by :class:`MungeSampler`, half by :class:`CopulaSampler`, in random order.

    Munge stays near single rows, the copula near the relations of all of them. Which one makes the better student of
    few rows differs from table to table by a point or two of agreement, and half of each lies near the better one.

    Parameters
    ----------
    constraints : list of str
        Rules that every new row keeps, such as ``"loan <= income * 10"``.
    private : bool, default=False
        Whether rows that equal an observed row are forbidden.

    Attributes
    ----------
    schema_ : Schema

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 21, 60, 61], "home": ["rent", "rent", "own", "own"]})
    >>> draw = MixedSampler().fit(X).draw(100, np.random.default_rng(0))
    >>> int((draw.parents[:, 0] >= 0).sum())  # rows of the copula have no parents
    50
    """

    def __init__(self, constraints: Sequence[str] = (), private: bool = False) -> None:
        self.constraints = constraints
        self.private = private

    def fit(self, X: Any, schema: Schema | None = None) -> MixedSampler:
        """Learn both from the rows; ``schema`` is inferred when None."""
        self.near_ = MungeSampler(constraints=self.constraints, private=self.private).fit(X, schema)
        self.schema_ = self.near_.schema_
        self.apart_ = CopulaSampler(constraints=self.constraints, private=self.private).fit(X, self.schema_)
        return self

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` rows."""
        return self.draw(n, rng).rows

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` rows; those of the copula have no parents. Of an odd number munge makes one more."""
        if n < 1:
            raise InvalidInputError(f"n must be at least 1, got {n}")
        near = self.near_.draw(n - n // 2, rng)
        if n < 2:
            return near
        apart = self.apart_.draw(n // 2, rng)
        order = rng.permutation(n)
        rows = pd.concat([near.rows, apart.rows], ignore_index=True).iloc[order].reset_index(drop=True)
        nobody = np.full((n // 2, near.parents.shape[1]), -1, dtype=np.int64)
        return Draw(rows, np.vstack([near.parents, nobody])[order], np.zeros(n, dtype=bool))
