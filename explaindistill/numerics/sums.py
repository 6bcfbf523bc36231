"""How answers of parts of the rows are joined: each of these is the same in any order of the parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["added", "added_all", "added_each", "both", "cells_joined", "concatenated", "runs_joined", "widened"]

Runs = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]
SparseCells = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""Number, weight, smallest and largest value of each cell that holds anything."""


def added(a: Any, b: Any) -> Any:
    """Sums: whole numbers, arrays of them, or whatever adds up by ``+``.

    Examples
    --------
    >>> added(np.array([1, 2]), np.array([10, 20])).tolist()
    [11, 22]
    """
    return a + b


def added_each(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    """Sums side by side; None with None is None.

    Examples
    --------
    >>> added_each((1, None, 2), (10, None, 20))
    (11, None, 22)
    """
    return tuple(None if x is None else x + y for x, y in zip(a, b, strict=True))


def added_all(a: Any, b: Any) -> Any:
    """Sums of the leaves of two nests of tuples and lists; None with None is None.

    Examples
    --------
    >>> added_all((1, [2, None]), (10, [20, None]))
    (11, [22, None])
    """
    if isinstance(a, list | tuple):
        return type(a)(added_all(x, y) for x, y in zip(a, b, strict=True))
    return None if a is None else a + b


def concatenated(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    """Items of both, in no order of their own.

    Examples
    --------
    >>> concatenated((1,), (2, 3))
    (1, 2, 3)
    """
    return (*a, *b)


def both(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What holds in all rows.

    Examples
    --------
    >>> both(np.array([True, True]), np.array([True, False])).tolist()
    [True, False]
    """
    return a & b


def widened(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pairs ``(m, 2)`` of a largest and a smallest value: the larger and the smaller of two.

    Examples
    --------
    >>> widened(np.array([[1.0, 5.0]]), np.array([[2.0, 4.0]])).tolist()
    [[2.0, 4.0]]
    """
    return np.stack([np.maximum(a[:, 0], b[:, 0]), np.minimum(a[:, 1], b[:, 1])], axis=1)


def runs_joined(a: Mapping[int, Runs], b: Mapping[int, Runs]) -> dict[int, Runs]:
    """Distinct values of columns with their weight: each value once.

    Examples
    --------
    >>> one, other = (np.array([1.0, 2.0]),) * 2, (np.array([2.0]),) * 2
    >>> runs_joined({0: (*one, np.array([1, 1]))}, {0: (*other, np.array([5]))})[0][2].tolist()
    [1, 6]
    """
    out = {}
    for f in a:
        values, number = np.unique(np.concatenate([a[f][0], b[f][0]]), return_inverse=True)
        mass = np.zeros(len(values), dtype=np.int64)
        np.add.at(mass, number, np.concatenate([a[f][2], b[f][2]]))
        out[f] = values, values, mass
    return out


def cells_joined(a: Mapping[int, SparseCells], b: Mapping[int, SparseCells]) -> dict[int, SparseCells]:
    """Cells of columns: weights add up, bounds widen.

    Examples
    --------
    >>> one = np.array([3]), np.array([1]), np.array([0.5]), np.array([0.5])
    >>> other = np.array([3]), np.array([2]), np.array([0.4]), np.array([0.4])
    >>> [x.tolist() for x in cells_joined({0: one}, {0: other})[0]]
    [[3], [3], [0.4], [0.5]]
    """
    out = {}
    for f in a:
        cell, number = np.unique(np.concatenate([a[f][0], b[f][0]]), return_inverse=True)
        mass = np.zeros(len(cell), dtype=np.int64)
        lows, highs = np.full(len(cell), np.inf), np.full(len(cell), -np.inf)
        np.add.at(mass, number, np.concatenate([a[f][1], b[f][1]]))
        np.minimum.at(lows, number, np.concatenate([a[f][2], b[f][2]]))
        np.maximum.at(highs, number, np.concatenate([a[f][3], b[f][3]]))
        out[f] = cell, mass, lows, highs
    return out
