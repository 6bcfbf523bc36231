r"""Standardised columns of many rows, held or made anew some thousand rows at a time.

Every sum over rows is a sum over blocks of :data:`ROWS_AT_ONCE` rows in their order, whether the blocks are held in
memory or read each time they are passed: both give the same bits, so that what fits into memory changes no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["HELD_NUMBERS", "ROWS_AT_ONCE", "RowBlocks", "row_blocks", "row_slices"]

Array = NDArray[np.float64]
Columns = NDArray[np.intp] | None
Reader = Callable[[slice | NDArray[np.intp], Columns], Array]
"""Raw values in Fortran order of some rows, and of some columns where they are named."""
ROWS_AT_ONCE = 4096
"""Rows of a block: long enough for a matrix product, short enough that a hundred columns of ten classes take 32 MB."""
HELD_NUMBERS = 1 << 22
"""Numbers of a design that are held, 32 MB: reading them anew costs about as much as one matrix product with them."""


def row_slices(n: int) -> Iterator[slice]:
    """The blocks of n rows, in order."""
    for start in range(0, n, ROWS_AT_ONCE):
        yield slice(start, min(start + ROWS_AT_ONCE, n))


class RowBlocks:
    """Columns ``(n, p)`` less ``centre``, times ``factor``, as blocks of rows.

    Parameters
    ----------
    read : callable
        Raw values ``(m, q)`` of the rows asked for, by a slice or by their numbers, and of the q columns (None: all).
    shape : (n, p)
    centre, factor : ndarrays of shape (p,)
    held : list of ndarrays, optional
        The blocks, where they are in memory already.
    hold : bool
        Whether blocks may be held between two passes.
    """

    def __init__(
        self,
        read: Reader,
        shape: tuple[int, int],
        centre: Array,
        factor: Array,
        held: list[Array] | None = None,
        hold: bool = True,
    ) -> None:
        self.shape = shape
        self._read, self._centre, self._factor = read, centre, factor
        self._held = held
        if hold and held is None and shape[0] * shape[1] <= HELD_NUMBERS:
            self._held = [self._made(rows) for rows in row_slices(shape[0])]

    def __len__(self) -> int:
        return self.shape[0]

    def over(self, used: NDArray[np.intp]) -> Iterator[tuple[slice, Array]]:
        """Which rows a block holds, and their lines ``(m, q)`` of the q columns in use."""
        columns = None if len(used) == self.shape[1] else used
        for i, rows in enumerate(row_slices(self.shape[0])):
            if self._held is None:
                yield rows, self._made(rows, columns)
            else:
                lines = self._held[i]
                yield rows, lines if columns is None else np.asfortranarray(lines[:, columns])

    def __iter__(self) -> Iterator[tuple[slice, Array]]:
        """Which rows a block holds, and their lines ``(m, p)``."""
        return self.over(np.arange(self.shape[1]))

    def predictor(self, coef: Array) -> Array:
        """``Z @ coef``, ``(n, K)``; only columns with a coefficient are read."""
        out = np.zeros((self.shape[0], coef.shape[1]))
        used = np.flatnonzero((coef != 0).any(axis=1))
        if len(used):
            for rows, lines in self.over(used):
                out[rows] = lines @ coef[used]
        return out

    def onto(self, values: Array) -> Array:
        """``Z.T @ values``, ``(p, K)``."""
        out = np.zeros((self.shape[1], values.shape[1]))
        for rows, lines in self:
            out += lines.T @ values[rows]
        return out

    def take(self, mask: NDArray[np.bool_]) -> RowBlocks:
        """The same columns on some rows."""
        if mask.all():
            return self
        chosen = np.flatnonzero(mask)

        def read(rows: slice | NDArray[np.intp], columns: Columns) -> Array:
            return self._read(chosen[rows], columns)

        return RowBlocks(read, (len(chosen), self.shape[1]), self._centre, self._factor)

    def _made(self, rows: slice, columns: Columns = None) -> Array:
        lines = self._read(rows, columns)
        lines -= self._centre if columns is None else self._centre[columns]
        lines *= self._factor if columns is None else self._factor[columns]
        return lines


def row_blocks(Z: Array | RowBlocks) -> RowBlocks:
    """Columns that are standardised already, as blocks."""
    if isinstance(Z, RowBlocks):
        return Z
    shape = Z.shape[0], Z.shape[1]

    def read(rows: slice | NDArray[np.intp], columns: Columns) -> Array:
        return np.array(Z[rows] if columns is None else Z[rows][:, columns], order="F")

    held = [Z[rows] for rows in row_slices(shape[0])]
    return RowBlocks(read, shape, np.zeros(shape[1]), np.ones(shape[1]), held)
