"""The rows given to a fit, and those that a sampler makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.data.row_keys import KeyedRows
from explaindistill.data.schema import Schema

__all__ = ["FitRows", "default_sampler", "make_rows"]


@dataclass(frozen=True)
class FitRows:
    """The rows given to a fit, keyed once.

    Attributes
    ----------
    schema : Schema
    keyed : KeyedRows
        A frame in the schema's form, with its keys.
    weight : ndarray of shape (n,)

    Examples
    --------
    >>> X = pd.DataFrame({"x": [0.5, 0.5, 1.0]})
    >>> len(FitRows.of(X, Schema.infer(X)).keyed.first)
    2
    """

    schema: Schema
    keyed: KeyedRows
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, frame: pd.DataFrame, schema: Schema, weight: NDArray[np.float64] | None = None) -> FitRows:
        """Key a frame in the schema's form; each row weighs 1 where no weight is given."""
        return cls(schema, KeyedRows.of(frame), np.ones(len(frame)) if weight is None else weight)

    @property
    def frame(self) -> pd.DataFrame:
        """The rows themselves."""
        return self.keyed.rows

    def __len__(self) -> int:
        return len(self.keyed)


def default_sampler() -> Any:
    """The sampler that is used where the caller names none."""
    from explaindistill.samplers.munge import MungeSampler

    return MungeSampler()


def make_rows(
    sampler: Any, rows: FitRows, n: int, rng: np.random.Generator
) -> tuple[pd.DataFrame | None, NDArray[np.float64], str]:
    """Up to ``n`` made-up rows and their weights: the mean weight of the rows each was made from."""
    if n == 0:
        return None, np.empty(0), "none"
    sampler = default_sampler() if sampler is None else sampler
    draw = clone(sampler, safe=False).fit(rows.frame, rows.schema).draw(n, rng)
    new = ~draw.observed
    if not new.any():
        return None, np.empty(0), type(sampler).__name__
    parents = draw.parents[new]
    named = parents >= 0
    total = np.where(named, rows.weight[np.where(named, parents, 0)], 0.0).sum(axis=1)
    count = named.sum(axis=1)
    inherited = np.where(count > 0, total / np.maximum(count, 1), rows.weight.mean())
    return draw.rows.loc[new], inherited, type(sampler).__name__
