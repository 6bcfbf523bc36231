"""Rows made of real rows' values: which swaps of one value there are, and how far each lies from real rows.

A made-up row is a row of ``source``: for each unit (a column, or the columns of a one-hot group) the position of the
real row that its value comes from. So no value is invented, and a distance needs no new encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RealRows"]

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
SAME = 1e-12
"""Squared distances up to this are 0: rows that differ lie at least half a rank apart, some 1e-5 of a million rows,
whose square is 1e-10."""
BLOCK = 2**22
"""Distances that are held at once: 32 MB."""


@dataclass(frozen=True, eq=False)
class RealRows:
    """Real rows, by unit, as levels that can be compared and as points whose distances mean something.

    Attributes
    ----------
    levels : ndarray of int, shape (n, u)
        Equal where the values of a unit are equal.
    points : ndarray of shape (n, q)
        Coordinates; those of unit ``j`` are the columns ``starts[j]`` to ``starts[j + 1]``.
    starts : ndarray of int, shape (u + 1,)

    Examples
    --------
    >>> rows = RealRows(np.array([[0, 0], [1, 0], [1, 1]]), np.array([[0.0, 0], [1, 0], [1, 1]]), np.array([0, 1, 2]))
    >>> rows.nearest(np.array([0]), 2).tolist(), rows.distances_between(np.array([0, 2])).tolist()
    ([[1, 2]], [1.0, 1.0])
    >>> rows.swaps(np.array([0, 0]), np.array([1, 2]), np.array([True, True]))[0].tolist()
    [[1, 0], [0, 2]]
    """

    levels: NDArray[np.int64]
    points: Floats
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.levels)

    def nearest(self, at: Positions, k: int) -> Positions:
        """Positions ``(m, k)`` of the nearest rows that differ from those at ``at``, the nearest first.

        Rows that equal the one asked about stand last, where there are no others.
        """
        k = min(k, len(self))
        out = np.empty((len(at), k), dtype=np.intp)
        for start, square in self._squares(at):
            square[square <= SAME] = np.inf
            # ties by position, so that the same rows give the same neighbours
            out[start : start + len(square)] = np.argsort(square, axis=1, kind="stable")[:, :k]
        return out

    def distances_between(self, at: Positions) -> Floats:
        """Distance ``(m,)`` from each row at ``at`` to the nearest that differs; infinite where none does."""
        out = np.empty(len(at))
        for start, square in self._squares(at):
            square[square <= SAME] = np.inf
            out[start : start + len(square)] = np.sqrt(square.min(axis=1))
        return out

    def swaps(
        self, row: Positions, donors: Positions, free: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Rows ``(m, u)`` with one unit of ``row`` swapped for a donor's other value, and the rank of that donor.

        Parameters
        ----------
        row : ndarray of shape (u,)
            One row of ``source``.
        donors : ndarray of shape (k,)
            Rows whose values are swapped in, the nearest first; of equal values the nearest donor's is taken.
        free : ndarray of bool, shape (u,)
            Units that may be swapped.
        """
        units = np.arange(len(row))
        values = self.levels[donors]
        new = (values != self.levels[row, units]) & free
        rank, unit = np.nonzero(new)
        code = values[rank, unit] * len(units) + unit
        _, first = np.unique(code, return_index=True)
        rank, unit = rank[np.sort(first)], unit[np.sort(first)]
        out = np.repeat(row[None], len(rank), axis=0)
        out[np.arange(len(rank)), unit] = donors[rank]
        return out, rank

    def coordinates(self, source: NDArray[np.intp]) -> Floats:
        """Points ``(m, q)`` of made-up rows."""
        unit = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        return np.asarray(self.points[source[:, unit], np.arange(self.points.shape[1])])

    def distances(self, source: NDArray[np.intp], near: Positions) -> Floats:
        """Distance ``(m,)`` from made-up rows to the nearest of the real rows ``near``."""
        made_up, real = self.coordinates(source), self.points[near]
        gap = ((made_up**2).sum(axis=1)[:, None] + (real**2).sum(axis=1)) - 2.0 * (made_up @ real.T)
        closest = gap.argmin(axis=1)
        # the differences themselves: the squares above cancel where points are equal
        return np.asarray(np.sqrt(((made_up - real[closest]) ** 2).sum(axis=1)))

    def _squares(self, at: Positions) -> Iterator[tuple[int, Floats]]:
        """Squared distances from blocks of the rows at ``at`` to all rows, each with its start."""
        length = (self.points**2).sum(axis=1)
        rows = max(BLOCK // len(self), 1)
        for start in range(0, len(at), rows):
            block = at[start : start + rows]
            yield start, np.maximum(length[block, None] + length - 2.0 * (self.points[block] @ self.points.T), 0.0)
