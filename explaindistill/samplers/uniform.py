"""Uniform between the bounds, for stress only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.schema import Feature, Schema
from explaindistill.protocols import Draw
from explaindistill.samplers._ground import lay, together

__all__ = ["UniformSampler"]


class UniformSampler:
    """Every column uniform: numbers between their bounds, categories alike, missing as often as observed.

    For stress only: it shows what a student does far away from data.

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
    >>> X = pd.DataFrame({"a": [0.0, 0.1, 10.0]})
    >>> rows = UniformSampler().fit(X).sample(1000, np.random.default_rng(0))
    >>> bool(abs(rows["a"].mean() - 5.0) < 0.5)
    True
    """

    def __init__(self, constraints: Sequence[str] = (), private: bool = False) -> None:
        self.constraints = constraints
        self.private = private

    def fit(self, X: Any, schema: Schema | None = None) -> UniformSampler:
        """Read the bounds; ``schema`` is inferred when None."""
        self.ground_ = lay(X, schema, self.constraints, self.private)
        self.schema_ = self.ground_.schema
        self._missing = np.isnan(self.ground_.Z).mean(axis=0)
        return self

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` rows."""
        return self.draw(n, rng).rows

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` rows; they have no parents."""
        return self.ground_.draw(n, rng, self._make)

    def _make(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        out = np.empty((n, len(self.schema_)), order="F")
        for group in together(self.schema_):
            if len(group) > 1:
                chosen = rng.integers(0, len(group), n)
                for j, column in enumerate(group):
                    out[:, column] = chosen == j
                continue
            column = group[0]
            values = _uniform(self.schema_[column], n, rng)
            out[:, column] = np.where(rng.random(n) < self._missing[column], np.nan, values)
        return out, np.full((n, 1), -1, dtype=np.int64)


def _uniform(feature: Feature, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    if feature.is_category:
        return rng.integers(0, len(feature.categories), n).astype(float)
    if feature.kind in ("integer", "boolean"):
        return np.floor(feature.minimum + rng.random(n) * (feature.maximum - feature.minimum + 1.0))
    return rng.uniform(feature.minimum, feature.maximum, n)
