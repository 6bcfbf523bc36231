"""A finer threshold than the bins allow: the best cut among the values of the two bins at a split.

The score of a side is that of :mod:`~explaindistill.numerics.trees.splitting`; ``c`` runs over channels as there.
Beyond :data:`SORTED` rows the values are first narrowed to the two neighbouring cells of equal width, of
:data:`NARROW`, between which the best cut lies: from sums per cell alone. A search asks the rows and is sent answers
that add up, so that it is the same where the rows lie on many machines.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel
from explaindistill.numerics.trees.splitting import CutRules

__all__ = ["FinerCut", "Nearby", "finer_cut", "finer_search"]

SORTED = 1 << 14
"""Rows, as the first channel counts them, up to which each distinct value is looked at: some 400 kB of sums that a
machine sends, whatever the number of rows."""
NARROW = 1 << 12
"""Cells: the best cut is then looked for among a 2,000th of the rows where values are spread evenly."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Sums = tuple[Floats, Floats, Ints]
"""Smallest and largest value of each of some runs of neighbouring values, and the sums ``(m, c)`` of their channels."""


@dataclass(frozen=True)
class NearCells:
    """Values in cells ``first`` to ``last`` of :data:`NARROW` equal ones between ``low`` and ``high``."""

    low: float
    high: float
    first: int = 0
    last: int = NARROW - 1

    def cells_of(self, values: Floats) -> Ints:
        """Cell of each value; those beyond an end are in the cell there."""
        place = (values - self.low) * (NARROW / (self.high - self.low))
        return np.clip(place, 0, NARROW - 1).astype(np.int64)


@dataclass(frozen=True)
class Nearby:
    """A question to the rows in two bins: sums by cell of the last of ``steps``, or by distinct value.

    Only values within the cells of all steps before it count; of the last one too, where it is by ``value``.
    """

    steps: tuple[NearCells, ...]
    by_value: bool

    def of(self, values: Floats, rows: Ints) -> Sums:
        """The answer of some rows, whose channels are ``(m, c)``; a run of neighbouring values each, in order."""
        bounds = self.steps if self.by_value else self.steps[:-1]
        for step in bounds:
            cell = step.cells_of(values)
            inside = (step.first <= cell) & (cell <= step.last)
            values, rows = values[inside], rows[inside]
        if self.by_value:
            return distinct_sums(values, values, rows)
        sums = np.zeros((NARROW, rows.shape[1]), dtype=np.int64)
        lows, highs = np.full(NARROW, np.inf), np.full(NARROW, -np.inf)
        add_up(self.steps[-1].cells_of(values), values, rows, sums, lows, highs)
        full = highs > -np.inf
        return lows[full], highs[full], sums[full]

    def joined(self, a: Sums, b: Sums) -> Sums:
        """Answers of two parts of the rows, added up."""
        lows, highs, sums = (np.concatenate(pair) for pair in zip(a, b, strict=True))
        if self.by_value:
            return distinct_sums(lows, highs, sums)
        key = self.steps[-1].cells_of(lows)
        order = np.argsort(key, kind="stable")
        first = _firsts(key[order])
        if len(first) == 0:
            return lows, highs, sums
        ends = np.minimum.reduceat(lows[order], first), np.maximum.reduceat(highs[order], first)
        return *ends, np.add.reduceat(sums[order], first, axis=0)


@dataclass(frozen=True, eq=False)
class FinerCut:
    """``x <= last`` is the left side, whose sums are ``left`` ``(c,)``; ``score`` is that of both sides."""

    last: float
    score: float
    left: Ints


def finer_cut(
    values: Floats, rows: Ints, before: Ints, total: Ints, rules: CutRules, sign: int = 0
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
    n, ends = int(rows[:, 0].sum()), (float(values.min()), float(values.max()))
    search = finer_search(n, ends, before, total, rules, sign)
    try:
        question = next(search)
        while True:
            question = search.send(question.of(values, rows))
    except StopIteration as end:
        return None if end.value is None else (end.value.last, end.value.score)


def finer_search(
    n: int, ends: tuple[float, float], before: Ints, total: Ints, rules: CutRules, sign: int = 0
) -> Generator[Nearby, Sums, FinerCut | None]:
    """As :func:`finer_cut`, for rows that may lie anywhere: yields questions to the rows, and is sent their answers.

    Parameters
    ----------
    n : int
        Rows in the two bins, as the first channel counts them.
    ends : low, high
        Bounds of their values, more or less: what lies beyond counts as lying at the end.
    before, total, rules, sign : see :func:`finer_cut`
    """
    steps: tuple[NearCells, ...] = ()
    cuts: list[FinerCut] = []
    while n > SORTED and _divisible(*ends):
        step = NearCells(*ends)
        lows, highs, sums = yield Nearby((*steps, step), by_value=False)
        below = before + np.cumsum(sums, axis=0)
        best = _best(below[:-1], total, rules, sign)
        if best is None or len(sums) < 3:
            break
        at = best[0]
        cuts.append(FinerCut(float(highs[at]), best[1], below[at]))
        first, last = step.cells_of(np.array([lows[at], lows[at + 1]])).tolist()
        steps = (*steps, replace(step, first=first, last=last))
        before, n = below[at] - sums[at], int(sums[at : at + 2, 0].sum())
        ends = float(lows[at]), float(highs[at + 1])
    values, _, sums = yield Nearby(steps, by_value=True)
    below = before + np.cumsum(sums, axis=0)[:-1]
    best = _best(below, total, rules, sign)
    if best is not None:
        cuts.append(FinerCut(float(values[best[0]]), best[1], below[best[0]]))
    return max(cuts, key=lambda cut: cut.score, default=None)


def distinct_sums(lows: Floats, highs: Floats, rows: Ints) -> Sums:
    """Each distinct value of ``lows`` with the sums of its rows."""
    order = np.argsort(lows, kind="stable")
    first = _firsts(lows[order])
    if len(first) == 0:
        return lows, highs, rows
    return lows[order][first], highs[order][first], np.add.reduceat(rows[order], first, axis=0)


def _firsts(ordered: NDArray[np.generic]) -> NDArray[np.intp]:
    """Places at which a new value begins."""
    return np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])[: len(ordered)]


def _divisible(low: float, high: float) -> bool:
    """Whether the range and its cells are finite numbers."""
    with np.errstate(over="ignore"):
        return bool(high > low and np.isfinite(high - low) and np.isfinite(NARROW / (high - low)))


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


@kernel
def add_up(
    cell: NDArray[np.int64],
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    sums: NDArray[np.int64],
    lows: NDArray[np.float64],
    highs: NDArray[np.float64],
) -> None:
    """Add the channels ``rows[i]`` of each row i to its cell, and keep each cell's smallest and largest value."""
    for i in range(len(cell)):
        for c in range(rows.shape[1]):
            sums[cell[i], c] += rows[i, c]
        lows[cell[i]] = min(lows[cell[i]], values[i])
        highs[cell[i]] = max(highs[cell[i]], values[i])
