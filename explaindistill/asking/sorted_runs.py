"""Runs of sorted row keys, two words each, and their answers: merged, and searched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["Answers", "Keys", "faults_of", "merged", "packed", "positions"]

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


def faults_of(keys: Keys, answers: Answers) -> Iterator[str]:
    """What a run with right check sums may still have wrong.

    Examples
    --------
    >>> list(faults_of(np.array([[2, 0], [1, 0]], dtype=np.uint64), np.array([0.5])))
    ['2 keys and 1 answers', 'the keys are not sorted']
    """
    if len(keys) != len(answers):
        yield f"{len(keys)} keys and {len(answers)} answers"
    if not np.isfinite(answers).all():
        yield "an answer is no finite number"
    first, second = keys[:, 0], keys[:, 1]
    if ((first[1:] < first[:-1]) | ((first[1:] == first[:-1]) & (second[1:] < second[:-1]))).any():
        yield "the keys are not sorted"
