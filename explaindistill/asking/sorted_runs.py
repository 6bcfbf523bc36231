"""Runs of sorted row keys, two words each, and their answers: merged, and searched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Answers", "Keys", "merged", "packed", "positions"]

Keys = NDArray[np.uint64]
"""Shape (n, 2)."""
Answers = NDArray[np.float64]
"""Shape (n, ...)."""


def packed(keys: Keys) -> NDArray[np.void]:
    """Keys ``(n,)`` of 16 bytes each, which can be compared as a whole."""
    return np.ascontiguousarray(keys).view("V16").ravel()


def merged(pairs: list[tuple[Keys, Answers]]) -> tuple[Keys, Answers]:
    """One run of sorted keys from several.

    Examples
    --------
    >>> one = (np.array([[2, 0]], dtype=np.uint64), np.array([0.2]))
    >>> keys, answers = merged([one, (np.array([[1, 5]], dtype=np.uint64), np.array([0.1]))])
    >>> keys.tolist(), answers.tolist()
    ([[1, 5], [2, 0]], [0.1, 0.2])
    """
    keys = np.concatenate([k for k, _ in pairs])
    answers = np.concatenate([a for _, a in pairs])
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    return keys[order], answers[order]


def positions(stored: Keys, asked: Keys) -> NDArray[np.intp]:
    """Position of each asked key among sorted stored ones, -1 where there is none.

    Examples
    --------
    >>> stored = np.array([[1, 5], [2, 0]], dtype=np.uint64)
    >>> positions(stored, np.array([[2, 0], [1, 4]], dtype=np.uint64)).tolist()
    [1, -1]
    """
    if len(stored) == 0:
        return np.full(len(asked), -1)
    first = np.ascontiguousarray(stored[:, 0])
    at = np.searchsorted(first, asked[:, 0])
    inside = np.minimum(at, len(first) - 1)
    hit = (first[inside] == asked[:, 0]) & (stored[inside, 1] == asked[:, 1])
    for i in np.flatnonzero(~hit & (first[inside] == asked[:, 0])):  # equal first words: as good as never
        end = np.searchsorted(first, asked[i, 0], side="right")
        same = np.flatnonzero(stored[at[i] : end, 1] == asked[i, 1])
        if len(same):
            inside[i], hit[i] = at[i] + same[0], True
    return np.where(hit, inside, -1)
