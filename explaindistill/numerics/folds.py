"""Folds by content: which rows a penalty is chosen on depends on what rows say, not on where they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.rowkeys import row_keys

__all__ = ["content_folds"]


def content_folds(X: Any, n_folds: int, seed: int = 0) -> NDArray[np.intp]:
    """Fold of each row, ``0 .. n_folds - 1``, from a key of its values and the seed.

    Equal rows share a fold, so that a weight of 2 is the same as the row twice, nothing held out was seen in fitting,
    and the order of rows does not matter. Distinct rows are spread evenly.

    Parameters
    ----------
    X : DataFrame or array of n rows
    n_folds : int, at least 2
    seed : int

    Examples
    --------
    >>> folds = content_folds(np.array([[1.0], [2.0], [3.0], [1.0]]), 2)
    >>> bool(folds[0] == folds[3]), sorted(set(folds.tolist()))
    (True, [0, 1])
    """
    key = row_keys(X)[:, 0]
    salt = np.random.default_rng(seed).integers(1, 2**63, dtype=np.uint64)
    with np.errstate(over="ignore"):
        key = (key ^ salt) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(31)
    _, rank = np.unique(key, return_inverse=True)
    return (rank % n_folds).astype(np.intp)
