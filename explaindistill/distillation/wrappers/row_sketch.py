"""A sample of a stream in bounded memory, which parts of the stream add up to."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.row_keys import row_keys

__all__ = ["RowSketch"]

SLACK = 1.25
"""Rows held before the sample is cut back, in sizes: cutting sorts, and is not worth it for every chunk."""


class RowSketch:
    r"""The ``size`` distinct rows with the smallest keys (a bottom-k sketch), each with its weight and mean target.

    A row's key is a hash of its values, so that which rows are kept depends neither on their order nor on how the
    stream was cut into chunks; sketches of parts merge to the sketch of the whole. A row that is in the sketch was in
    it from the first time on, so its weight is exact. Distinct rows are a uniform sample of all distinct rows.

    Parameters
    ----------
    size : int, at least 1
        Distinct rows kept.
    seed : int
        Chooses the hash.

    References
    ----------
    Cohen and Kaplan (2007), Summarizing data using bottom-k sketches, doi:10.1145/1281100.1281133.

    Examples
    --------
    >>> whole, parts = RowSketch(3), RowSketch(3)
    >>> X, Y = pd.DataFrame({"x": [4, 8, 4, 1, 9, 7]}), np.arange(6.0)[:, None]
    >>> whole.add(X, Y)
    >>> for i in (3, 0):
    ...     parts.add(X[i : i + 3], Y[i : i + 3])
    >>> whole.rows()[0].equals(parts.rows()[0]), whole.rows()[2].sum() >= 3
    (True, np.True_)
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size, self.seed = size, seed
        self._turn = np.random.default_rng(seed).integers(2**63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        self._highest = np.uint64(2**64 - 1)
        self._parts: list[tuple[pd.DataFrame, NDArray[np.uint64], NDArray[np.float64], NDArray[np.float64]]] = []
        self._held = 0

    def add(self, X: pd.DataFrame, Y: NDArray[np.float64], weight: NDArray[np.float64] | None = None) -> None:
        """Add rows with targets ``(n, m)`` and positive weights ``(n,)``."""
        w = np.ones(len(X)) if weight is None else weight
        with np.errstate(over="ignore"):
            key = row_keys(X)[:, 0] * self._turn
        low = key <= self._highest
        if low.any():
            self._parts.append((X[low], key[low], w[low], w[low, None] * Y[low]))
            self._held += int(low.sum())
        if self._held > SLACK * self.size:
            self._compact()

    def merge(self, other: RowSketch) -> None:
        """Add what another sketch of the same size and seed has seen."""
        self._parts += other._parts
        self._held += other._held
        self._highest = min(self._highest, other._highest)
        self._compact()

    def rows(self) -> tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.float64]]:
        """Rows in the order of their keys, mean targets ``(n, m)``, weights ``(n,)``."""
        self._compact()
        X, _, w, total = self._parts[0]
        return X, total / w[:, None], w

    def _compact(self) -> None:
        X = pd.concat([p[0] for p in self._parts], ignore_index=True)
        key, w, total = (np.concatenate([p[i] for p in self._parts]) for i in (1, 2, 3))
        key, first, number = np.unique(key, return_index=True, return_inverse=True)
        weight = np.bincount(number, w).astype(np.float64)
        sums = np.stack([np.bincount(number, column) for column in total.T], axis=1).astype(np.float64)
        smallest = slice(0, self.size)
        if len(key) >= self.size:
            self._highest = key[self.size - 1]
        X = X.iloc[first[smallest]].reset_index(drop=True)
        self._parts = [(X, key[smallest], weight[smallest], sums[smallest])]
        self._held = len(X)
