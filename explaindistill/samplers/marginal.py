"""Independent columns, for stress only: rows that nobody has seen, made of values that everybody has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.schema import Schema
from explaindistill.protocols import Draw
from explaindistill.samplers._ground import lay, together

__all__ = ["MarginalSampler"]


class MarginalSampler:
    """Every column (or one-hot group) drawn from its own observed values, independently of the others.

    For stress only: students fitted to such rows lose some points of fidelity on real ones, since most of the rows lie
    where no data are.

    Parameters
    ----------
    constraints : list of str
        Rules that every new row keeps.
    private : bool, default=False
        Whether rows that equal an observed row are forbidden.

    Attributes
    ----------
    schema_ : Schema

    Examples
    --------
    >>> X = pd.DataFrame({"a": [0, 1], "b": [0, 1]})
    >>> rows = MarginalSampler().fit(X).sample(1000, np.random.default_rng(0))
    >>> bool(abs((rows["a"] == rows["b"]).mean() - 0.5) < 0.1)
    True
    """

    def __init__(self, constraints: Sequence[str] = (), private: bool = False) -> None:
        self.constraints = constraints
        self.private = private

    def fit(self, X: Any, schema: Schema | None = None) -> MarginalSampler:
        """Keep the observed values of every column; ``schema`` is inferred when None."""
        self.ground_ = lay(X, schema, self.constraints, self.private)
        self.schema_ = self.ground_.schema
        return self

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` rows."""
        return self.draw(n, rng).rows

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` rows; they have no parents."""
        return self.ground_.draw(n, rng, self._make)

    def _make(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        Z = self.ground_.Z
        out = np.empty((n, Z.shape[1]), order="F")
        for group in together(self.schema_):
            at = rng.integers(0, len(Z), n)
            for column in group:
                out[:, column] = Z[at, column]
        return out, np.full((n, 1), -1, dtype=np.int64)
