"""Folds by content: which rows a penalty is chosen on depends on what rows say, not on where they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.row_keys import row_keys

__all__ = ["content_folds", "content_keys", "content_rank"]


def content_rank(X: Any, seed: int = 0) -> NDArray[np.intp]:
    """Place of each row in a shuffle of the distinct rows, from a key of its values and the seed.

    Equal rows share a place, so that a weight of 2 is the same as the row twice, and the order of rows does not
    matter. Rows of places below m are a random sample of m distinct rows.

    Parameters
    ----------
    X : DataFrame or array of n rows
    seed : int

    Examples
    --------
    >>> sorted(content_rank(np.array([[1.0], [2.0], [3.0], [1.0]])).tolist(), key=lambda place: place > 2)[-1] <= 2
    True
    """
    return np.unique(content_keys(X, seed), return_inverse=True)[1].astype(np.intp)


def content_keys(X: Any, seed: int = 0) -> NDArray[np.uint64]:
    """Number of each row ``(n,)`` by which :func:`content_rank` shuffles: the same wherever the row lies.

    Examples
    --------
    >>> content_keys(np.array([[1.0], [2.0], [1.0]]))[[0, 2]].tolist() == content_keys(np.array([[1.0]])).tolist() * 2
    True
    """
    key = row_keys(X)[:, 0]
    salt = np.random.default_rng(seed).integers(1, 2**63, dtype=np.uint64)
    with np.errstate(over="ignore"):
        key = (key ^ salt) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(31)
    return key


def content_folds(X: Any, n_folds: int, seed: int = 0) -> NDArray[np.intp]:
    """Fold of each row, ``0 .. n_folds - 1``; distinct rows are spread evenly, nothing held out was seen in fitting.

    Examples
    --------
    >>> folds = content_folds(np.array([[1.0], [2.0], [3.0], [1.0]]), 2)
    >>> bool(folds[0] == folds[3]), sorted(set(folds.tolist()))
    (True, [0, 1])
    """
    return content_rank(X, seed) % n_folds
