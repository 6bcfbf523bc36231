"""A small change of a row that changes any model's answer, searched for: beam over axes, then back towards the row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.explaining.axes import (
    PAST,
    Axis,
    Choice,
    Number,
)

__all__ = ["nearest_search"]

Floats = NDArray[np.float64]
SAME_AXES = 2  # rows that change the same axes, of those polished or kept: others are to have a chance
POLISHED = 12  # rows of a round that are brought back, which asks the model some twenty times per number
NEAR_STEPS = 3  # steps on either side of a number that are always tried: the cheapest changes are small ones
COST_WEIGHT = (
    1e-3  # of the cost against the gap that is left, in the order of rows that do not get there: it breaks ties
)
LEAST_SAVING = 1e-12  # of the cost: less is rounding


def nearest_search(
    axes: Sequence[Axis],
    now: Sequence[float],
    gap: Callable[[Floats], Floats],
    *,
    most_axes: int = 3,
    n_values: int = 32,
    width: int = 8,
) -> Floats | None:
    """A cheap row for which ``gap`` reaches 0, by beam search over axes; the cheapest found, not proven the cheapest.

    Each round changes one more axis of the best partial rows, at ``n_values`` places of a number or at every option;
    then each changed number is brought back as far as the answer allows.

    Parameters
    ----------
    axes, now
        As in :func:`nearest_sum`.
    gap : callable
        From rows ``(n, d)`` to numbers: at least 0 where the answer is the wanted one.
    most_axes : int, at least 1
        Axes changed together.
    n_values, width : int, at least 1
        Places tried on a number; partial rows kept.

    Examples
    --------
    >>> axes = [Number(0, 1.0, 0.0, 9.0, 0.0, 1.0)]
    >>> nearest_search(axes, [1.0], lambda Z: Z[:, 0] ** 2 - 9.0).round(5).tolist()
    [3.0]
    """
    start = np.array(now, dtype=float)
    best, price = None, math.inf
    beam: list[tuple[Floats, tuple[int, ...], float]] = [(start, (), 0.0)]
    for _ in range(min(most_axes, len(axes))):
        trials = [
            (row, (*used, a), cost + paid)
            for base, used, paid in beam
            for a, axis in enumerate(axes)
            if a not in used
            for row, cost in _moves(base, axis, n_values)
            if cost + paid < price
        ]
        if not trials:
            break
        reach = gap(np.array([row for row, _, _ in trials]))
        for i in _promising(trials, reach):
            polished, cost = _brought_back(trials[i][0], trials[i][1], axes, gap)
            if cost < price - LEAST_SAVING:
                best, price = polished, cost
        order = sorted(
            np.flatnonzero(reach < 0), key=lambda i: (-reach[i] + COST_WEIGHT * trials[i][2], trials[i][2], i)
        )
        beam = _apart([trials[i] for i in order], width)
    return best


def _moves(base: Floats, axis: Axis, n_values: int) -> Iterator[tuple[Floats, float]]:
    """Rows that differ from ``base`` along one axis, each with what this costs."""
    if isinstance(axis, Choice):
        for option, cost in zip(axis.options[1:], axis.costs[1:], strict=True):
            row = base.copy()
            row[list(axis.columns)] = option
            yield row, cost
        return
    places = np.linspace(axis.low, axis.high, n_values)
    if axis.step:
        steps = np.rint((places - axis.now) / axis.step)
        near = np.arange(-NEAR_STEPS, NEAR_STEPS + 1)
        places = axis.now + np.unique(np.append(steps, near)) * axis.step
    for value in places:
        if value != axis.now and axis.low <= value <= axis.high:
            row = base.copy()
            row[axis.column] = value
            yield row, axis.cost(float(value))


def _promising(trials: list[tuple[Floats, tuple[int, ...], float]], reach: Floats) -> list[int]:
    """Cheapest rows that get there, two per set of axes."""
    per_axes: dict[tuple[int, ...], int] = {}
    out = []
    for i in sorted(np.flatnonzero(reach >= 0), key=lambda i: (trials[i][2], i)):
        axes = tuple(sorted(trials[i][1]))
        per_axes[axes] = per_axes.get(axes, 0) + 1
        if per_axes[axes] <= SAME_AXES:
            out.append(int(i))
    return out[:POLISHED]


def _apart(
    trials: list[tuple[Floats, tuple[int, ...], float]], width: int
) -> list[tuple[Floats, tuple[int, ...], float]]:
    """The first rows, at most two that change the same axes."""
    per_axes: dict[tuple[int, ...], int] = {}
    out = []
    for trial in trials:
        axes = tuple(sorted(trial[1]))
        per_axes[axes] = per_axes.get(axes, 0) + 1
        if per_axes[axes] <= SAME_AXES:
            out.append(trial)
        if len(out) == width:
            break
    return out


def _brought_back(
    row: Floats, used: tuple[int, ...], axes: Sequence[Axis], gap: Callable[[Floats], Floats]
) -> tuple[Floats, float]:
    """Bring each changed axis back as far as the answer allows, twice around."""
    row = row.copy()
    for _ in range(2):
        for a in sorted(used, key=lambda a: -_cost(axes[a], row)):
            axis = axes[a]
            for trial in _closer(row, axis):
                if _cost(axis, trial) < _cost(axis, row) and gap(trial[None])[0] >= 0:
                    row = trial
                    break
            if isinstance(axis, Number):
                row = _bisect(row, axis, gap)
    return row, sum(_cost(axes[a], row) for a in used)


def _closer(row: Floats, axis: Axis) -> Iterator[Floats]:
    """The row with one axis at what it is now, or at a cheaper option."""
    columns, options = (
        ([axis.column], [(axis.now,)]) if isinstance(axis, Number) else (list(axis.columns), axis.options)
    )
    for option in options:
        trial = row.copy()
        trial[columns] = option
        yield trial


def _bisect(row: Floats, axis: Number, gap: Callable[[Floats], Floats]) -> Floats:
    """Halve the way from a changed number back to what it is now, as long as the answer stays the wanted one.

    Until both ends are one step apart, or :data:`PAST` of the range (1.5 of either, so that rounding cannot go on for
    ever).
    """
    good, bad = float(row[axis.column]), axis.now
    limit = axis.step if axis.step else PAST * max(axis.high - axis.low, 1e-300)
    while abs(good - bad) > limit * 1.5:
        middle = (good + bad) / 2
        if axis.step:
            middle = axis.now + round((middle - axis.now) / axis.step) * axis.step
        trial = row.copy()
        trial[axis.column] = middle
        if axis.low <= middle <= axis.high and gap(trial[None])[0] >= 0:
            good, row = middle, trial
        else:
            bad = middle
    return row


def _cost(axis: Axis, row: Floats) -> float:
    """Cost of what a row has on one axis."""
    if isinstance(axis, Number):
        return axis.cost(float(row[axis.column]))
    now = tuple(row[list(axis.columns)].tolist())
    return axis.costs[axis.options.index(now)]
