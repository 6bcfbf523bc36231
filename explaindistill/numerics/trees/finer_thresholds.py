"""A finer threshold than the bins allow: the best cut among the values of the two bins at a split.

The score of a side is that of :mod:`~explaindistill.numerics.trees.splitting`; ``c`` runs over channels as there.
Beyond :data:`SORTED` rows the values are first narrowed to the two neighbouring cells of equal width, of
:data:`NARROW`, between which the best cut lies: from sums per cell alone, so that it can be found where the rows lie on
many machines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel
from explaindistill.numerics.trees.splitting import CutRules

__all__ = ["finer_cut"]

SORTED = 1_000_000
"""Rows, as the first channel counts them, up to which all values are sorted: a tenth of a second."""
NARROW = 1 << 12
"""Cells: the best cut is then looked for among a 2,000th of the rows where values are spread evenly."""


def finer_cut(
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    before: NDArray[np.int64],
    total: NDArray[np.int64],
    rules: CutRules,
    sign: int = 0,
) -> tuple[float, float] | None:
    """Find the cut between some values with the largest score of both sides.

    Parameters
    ----------
    values : ndarray, shape (m,)
        Of the rows in the last bin on the left and the first on the right.
    rows : int64 ndarray, shape (m, c)
        Their channels: column 0 counts.
    before : int64 ndarray, shape (c,)
        Sums of what is left of all of them.
    total : int64 ndarray, shape (c,)
        Sums of the node.
    rules : CutRules
    sign : int
        1 or -1 where the first target may only rise or fall with the value, else 0.

    Returns
    -------
    last, score : float
        ``x <= last`` is the left side; None where no cut is allowed.
    """
    narrowed = _narrowed(values, rows, before, total, rules, sign) if rows[:, 0].sum() > SORTED else None
    if narrowed is not None:
        inside, below, coarse = narrowed
        fine = finer_cut(values[inside], rows[inside], below, total, rules, sign)
        return max((cut for cut in (coarse, fine) if cut is not None), key=lambda cut: cut[1])
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    between = np.flatnonzero(ordered[1:] > ordered[:-1])
    best = _best(before + np.cumsum(rows[order], axis=0)[between], total, rules, sign)
    return None if best is None else (float(ordered[between[best[0]]]), best[1])


def _best(before: NDArray[np.int64], total: NDArray[np.int64], rules: CutRules, sign: int) -> tuple[int, float] | None:
    """Place and score of the best of some cuts, from the sums ``(m, c)`` on their left; None where none is allowed."""
    sides = before, total - before
    weight, target = rules.weight, rules.target
    allowed = (sides[0][:, 0] >= rules.least) & (sides[1][:, 0] >= rules.least)
    value = [np.clip(s[:, target:] / s[:, weight, None], rules.low, rules.high) for s in sides]
    if sign:
        allowed &= sign * (value[1][:, 0] - value[0][:, 0]) >= 0
    if not allowed.any():
        return None
    score = sum(
        (2 * v * s[:, target:] - v * v * s[:, weight, None]).sum(axis=1) for s, v in zip(sides, value, strict=True)
    )
    best = int(np.argmax(np.where(allowed, score, -np.inf)))
    return best, float(score[best])


def _narrowed(
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    before: NDArray[np.int64],
    total: NDArray[np.int64],
    rules: CutRules,
    sign: int,
) -> tuple[NDArray[np.bool_], NDArray[np.int64], tuple[float, float]] | None:
    """Rows of the two cells beside the best cut between cells, the sums left of them, and that cut itself.

    None where no cut between cells is allowed, or where they do not narrow anything: all is sorted then.
    """
    low, high = float(values.min()), float(values.max())
    if not high > low or not np.isfinite(NARROW / (high - low)) or not np.isfinite(high - low):
        return None
    cell = np.minimum(((values - low) * (NARROW / (high - low))).astype(np.int64), NARROW - 1)
    sums, highs = np.zeros((NARROW, rows.shape[1]), dtype=np.int64), np.full(NARROW, -np.inf)
    _add_up(cell, values, rows, sums, highs)
    full = np.flatnonzero(highs > -np.inf)
    left = before + np.cumsum(sums[full], axis=0)
    best = _best(left[:-1], total, rules, sign)
    if best is None or len(full) < 3:
        return None
    place = best[0]
    inside = (cell == full[place]) | (cell == full[place + 1])
    return inside, left[place] - sums[full[place]], (float(highs[full[place]]), best[1])


@kernel
def _add_up(
    cell: NDArray[np.int64],
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    sums: NDArray[np.int64],
    highs: NDArray[np.float64],
) -> None:
    """Add the channels ``rows[i]`` of each row i to its cell, and keep each cell's largest value."""
    for i in range(len(cell)):
        for c in range(rows.shape[1]):
            sums[cell[i], c] += rows[i, c]
        highs[cell[i]] = max(highs[cell[i]], values[i])
