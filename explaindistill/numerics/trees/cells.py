"""A column's values in cells that are fine where values are dense: sums per cell, no sorting.

The range is cut into equal cells; a cell that holds too much is cut into :data:`ZOOM` of its own, from its smallest to
its largest value, again and again. Only sums, minima and maxima of rows are ever taken: they are additive over parts of
the rows, so that bins do not depend on how rows are divided among machines, and a pass costs a fraction of a sort.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel

__all__ = ["CELLS", "ZOOM", "Cells", "NewCells", "Runs", "cell_runs", "cell_search", "value_range"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Runs = tuple[Floats, Floats, Ints]
"""Smallest and largest value of each run of neighbouring values, and its weight."""
Cells = tuple[Ints, Floats, Floats]
"""Weight, smallest and largest value of each of some cells; infinity and minus infinity where a cell is empty."""
CELLS = 1 << 14
"""Equal cells between the smallest and the largest value: some 64 for each of at most 254 bins, so that with values
spread evenly a bin's end is off by a 64th of the bin at most."""
ZOOM = 256
"""Cells that a cell which holds too much is cut into: at most 508 can, so that a pass adds 130,000 cells at most."""


@dataclass(eq=False)
class _Grid:
    """Cells and the cuts that made them.

    Cut z divides from ``low[z]`` in steps of ``1 / step[z]`` into the cells ``start[z] .. start[z] + size[z] - 1``;
    ``cut_again[c]`` is the cut of cell c, or -1. ``mass``, ``lows`` and ``highs`` are the weight, smallest and largest
    value of each cell.
    """

    low: Floats
    step: Floats
    start: Ints
    size: Ints
    cut_again: Ints
    mass: Ints
    lows: Floats
    highs: Floats

    def zoomed(self, chosen: Ints, pieces: int) -> _Grid:
        """Cut some cells into pieces, which are still to be filled."""
        n, new = len(self.mass), len(chosen) * pieces
        cut_again = np.concatenate([self.cut_again, np.full(new, -1)])
        cut_again[chosen] = len(self.low) + np.arange(len(chosen))
        return _Grid(
            np.concatenate([self.low, self.lows[chosen]]),
            np.concatenate([self.step, pieces / (self.highs[chosen] - self.lows[chosen])]),
            np.concatenate([self.start, n + pieces * np.arange(len(chosen))]),
            np.concatenate([self.size, np.full(len(chosen), pieces)]),
            cut_again,
            np.concatenate([self.mass, np.zeros(new, dtype=np.int64)]),
            np.concatenate([self.lows, np.full(new, np.inf)]),
            np.concatenate([self.highs, np.full(new, -np.inf)]),
        )

    def new_cells(self, first: int) -> NewCells:
        """What is to be found in the cells from ``first`` on."""
        cuts = self.low, self.step, self.start, self.size, self.cut_again
        return NewCells(cuts, first, len(self.mass) - first)

    def filled(self, first: int, cells: Cells) -> None:
        """Write down what was found in the cells from ``first`` on."""
        self.mass[first:], self.lows[first:], self.highs[first:] = cells


@dataclass(frozen=True, eq=False)
class NewCells:
    """A question to the rows: what lies in ``n`` cells from number ``first`` on, under these cuts of the grid."""

    cuts: tuple[Floats, Floats, Ints, Ints, Ints]
    first: int
    n: int

    def of(self, values: Floats, whole: Ints | None) -> Cells:
        """The answer of some rows; answers of parts of the rows add up, see :func:`~explaindistill.numerics.sums`."""
        cells = np.zeros(self.n, dtype=np.int64), np.full(self.n, np.inf), np.full(self.n, -np.inf)
        weights = np.ones(0, dtype=np.int64) if whole is None else whole
        fill_cells(np.ascontiguousarray(values, dtype=np.float64), weights, self.cuts, cells, self.first)
        return cells


def cell_runs(values: Floats, whole: Ints | None, max_bins: int) -> Runs | None:
    """Runs fine enough for ``max_bins`` quantiles, in order; None where float64 has no equal steps in the range.

    A cell of several values is cut again where it holds more than half of a bin's fair share, ``1 / max_bins``, of the
    weight, and all are where every distinct value could have a bin. Each cut parts its smallest from its largest value,
    so that there is an end.

    Examples
    --------
    >>> lows, highs, mass = cell_runs(np.array([0.0, 1.0, 1.0, 1e9]), None, 254)
    >>> lows.tolist(), mass.tolist()
    ([0.0, 1.0, 1000000000.0], [1, 2, 1])
    """
    search = cell_search(*value_range(values), max_bins)
    try:
        cells = next(search)
        while True:
            cells = search.send(cells.of(values, whole))
    except StopIteration as end:
        return end.value


def cell_search(low: float, high: float, max_bins: int) -> Generator[NewCells, Cells, Runs | None]:
    """As :func:`cell_runs`, for rows that may lie anywhere: yields questions to all rows, and is sent their answers.

    Parameters
    ----------
    low, high : float
        Smallest and largest value.
    max_bins : int
    """
    if not high > low or not _divisible(low, high, CELLS):
        return None
    none = np.zeros(0)
    one, nothing = np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    all_of_it = _Grid(none, none, nothing, nothing, one - 1, one, np.array([low]), np.array([high]))
    grid, first = all_of_it.zoomed(one, CELLS), 1
    while True:
        grid.filled(first, (yield grid.new_cells(first)))
        leaf = (grid.cut_again < 0) & (grid.mass > 0)
        mixed = leaf & (grid.lows < grid.highs)
        coarse = mixed & (2 * max_bins * grid.mass > grid.mass[leaf].sum())
        if int(leaf.sum()) <= max_bins:
            coarse = mixed
        if not coarse.any():
            order = np.flatnonzero(leaf)[np.argsort(grid.lows[leaf], kind="stable")]
            return grid.lows[order], grid.highs[order], grid.mass[order]
        chosen = np.flatnonzero(coarse)
        if not all(_divisible(grid.lows[c], grid.highs[c], ZOOM) for c in chosen):
            return None
        first = len(grid.mass)
        grid = grid.zoomed(chosen, ZOOM)


def _divisible(low: float, high: float, pieces: int) -> bool:
    """Whether the range and its steps are finite numbers."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(high - low) and np.isfinite(pieces / (high - low)))


@kernel
def value_range(values: Floats) -> tuple[float, float]:
    """Smallest and largest value, missing ones left out."""
    low, high = np.inf, -np.inf
    for x in values:
        if x < low:  # noqa: PLR1730 - a comparison lets NaN lose
            low = x
        if x > high:  # noqa: PLR1730 - the same
            high = x
    return low, high


@kernel
def fill_cells(
    values: Floats,
    whole: Ints,
    cuts: tuple[Floats, Floats, Ints, Ints, Ints],
    cells: tuple[Ints, Floats, Floats],
    first: int,
) -> None:
    """Add each value i to its cell, where that is numbered ``first`` or above: weight, smallest and largest value.

    ``values`` is ``(n,)``; ``whole`` too, or empty where every row weighs 1; ``cuts`` are the arrays of the grid,
    ``cells`` those of the cells from ``first`` on. The largest value of a cut belongs to its last cell.
    """
    low, step, start, size, cut_again = cuts
    mass, lows, highs = cells
    weighted = len(whole) > 0
    for i in range(len(values)):
        x = values[i]
        if np.isnan(x):
            continue
        z = 0
        while z >= 0:
            c = start[z] + min(int((x - low[z]) * step[z]), size[z] - 1)
            z = cut_again[c]
        c -= first
        if c >= 0:
            mass[c] += whole[i] if weighted else 1
            lows[c] = min(lows[c], x)
            highs[c] = max(highs[c], x)
