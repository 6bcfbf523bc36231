"""Rows that are there already: drawn without repetition as long as there are any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Draw

__all__ = ["ObservedSampler"]


class ObservedSampler:
    """The observed rows themselves, in random order; after the last one the round begins anew.

    Attributes
    ----------
    schema_ : Schema

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 40, 60]})
    >>> draw = ObservedSampler().fit(X).draw(4, np.random.default_rng(0))
    >>> sorted(draw.rows["age"].tolist()[:3]), len(draw.rows), bool(draw.observed.all())
    ([20, 40, 60], 4, True)
    """

    def fit(self, X: Any, schema: Schema | None = None) -> ObservedSampler:
        """Keep the rows; ``schema`` is inferred when None."""
        self.schema_ = Schema.infer(X) if schema is None else schema
        self.rows_ = self.schema_.frame(X)
        return self

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` rows."""
        return self.draw(n, rng).rows

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` rows with the positions they come from."""
        if n < 1:
            raise InvalidInputError(f"n must be at least 1, got {n}")
        rounds = [rng.permutation(len(self.rows_)) for _ in range(-(-n // len(self.rows_)))]
        at = np.concatenate(rounds)[:n].astype(np.int64)
        rows = self.rows_.iloc[at].reset_index(drop=True)
        return Draw(rows, at.reshape(-1, 1), np.ones(n, dtype=bool))
