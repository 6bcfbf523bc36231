"""The smallest change of a row that changes an answer: exact for boxes and for sums.

What a row may become is a list of axes a, see :mod:`~explaindistill.numerics.explaining.axes`; the cost of a change is
the sum of theirs.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from explaindistill.numerics.explaining.axes import STEP_SLACK, Axis, Choice, Number

__all__ = ["Box", "Condition", "nearest_box", "nearest_sum"]

Floats = NDArray[np.float64]
State = TypeVar("State")


@dataclass(frozen=True)
class Condition:
    """What one column must be: ``low < x <= high``, or one of some codes; a missing value holds or does not."""

    column: int
    low: float = -math.inf
    high: float = math.inf
    holds_code: Callable[[float], bool] | None = None
    missing: bool = False

    def holds(self, value: float) -> bool:
        """Whether a value satisfies it."""
        if math.isnan(value):
            return self.missing
        return self.holds_code(value) if self.holds_code is not None else self.low < value <= self.high


@dataclass(frozen=True)
class Box:
    """What is left of the axes after some conditions: a range for each number, the options of each choice."""

    axes: tuple[Axis, ...]
    now: tuple[float, ...]
    ranges: Mapping[int, tuple[float, float]]
    options: Mapping[int, tuple[int, ...]]
    cost: float = 0.0

    @classmethod
    def whole(cls, axes: Sequence[Axis], now: Sequence[float]) -> Box:
        """Everything the row may become."""
        choices = {a: tuple(range(len(x.options))) for a, x in enumerate(axes) if isinstance(x, Choice)}
        return cls(tuple(axes), tuple(now), {}, choices)

    def narrow(self, condition: Condition) -> Box | None:
        """Return what is left where the condition holds; None where nothing is."""
        for a, axis in enumerate(self.axes):
            if isinstance(axis, Number) and axis.column == condition.column:
                low, high = self.ranges.get(a, (-math.inf, math.inf))
                ranges = {**self.ranges, a: (max(low, condition.low), min(high, condition.high))}
                return replace(self, ranges=ranges)._priced()
            if isinstance(axis, Choice) and condition.column in axis.columns:
                at = axis.columns.index(condition.column)
                allowed = tuple(o for o in self.options[a] if condition.holds(axis.options[o][at]))
                return replace(self, options={**self.options, a: allowed})._priced() if allowed else None
        return self if condition.holds(self.now[condition.column]) else None

    def _priced(self) -> Box | None:
        """The box with the cost of its cheapest row; None where some number has no value in its range."""
        cost = 0.0
        for a, ends in self.ranges.items():
            axis: Any = self.axes[a]
            cost += axis.cost(axis.nearest(*ends))
        for a, allowed in self.options.items():
            choice: Any = self.axes[a]
            cost += min(choice.costs[o] for o in allowed)
        return None if math.isnan(cost) else replace(self, cost=cost)

    def point(self) -> Floats:
        """Return the cheapest row in the box; the first option of equals."""
        out = np.array(self.now)
        for a, ends in self.ranges.items():
            axis: Any = self.axes[a]
            out[axis.column] = axis.nearest(*ends)
        for a, allowed in self.options.items():
            choice: Any = self.axes[a]
            out[list(choice.columns)] = choice.options[min(allowed, key=lambda o: (choice.costs[o], o))]
        return out


def nearest_box(
    start: State, box: Box, branch: Callable[[State, Box], Iterator[tuple[State, Box]] | bool]
) -> Floats | None:
    """Cheapest row whose way through a model ends well, by best-first search.

    Parameters
    ----------
    start : state
        Where the way begins, such as the root of a tree.
    box : Box
    branch : callable
        From a state and what is left of the row to the next ones, or, at an end, to whether it is wanted. A part never
        costs less than the whole it was cut from, so that the first wanted end is the cheapest.

    Examples
    --------
    A tree of one split at 40:

    >>> age = Number(0, 30.0, 18.0, 80.0, 1.0, 0.1)
    >>> def branch(node, box):
    ...     if node != "root":
    ...         return node == "old"
    ...     sides = (("young", Condition(0, high=40.0)), ("old", Condition(0, low=40.0)))
    ...     return ((name, part) for name, c in sides if (part := box.narrow(c)) is not None)
    >>> nearest_box("root", Box.whole([age], [30.0]), branch).tolist()
    [41.0]
    """
    ticket = count()
    queue: list[tuple[float, int, State, Box]] = [(0.0, next(ticket), start, box)]
    while queue:
        _, _, state, reached = heapq.heappop(queue)
        further = branch(state, reached)
        if isinstance(further, bool):
            if further:
                return reached.point()
            continue
        for following, smaller in further:
            heapq.heappush(queue, (smaller.cost, next(ticket), following, smaller))
    return None


def nearest_sum(axes: Sequence[Axis], now: Sequence[float], slopes: Sequence[Floats], needed: Floats) -> Floats | None:
    r"""Cheapest row that moves sums of per-axis contributions far enough, as a mixed-integer programme.

    With a variable :math:`x_v \ge 0` for each option of a choice and each direction of a number, its cost :math:`c_v`
    and its effect :math:`e_{rv}` on the sum r,

    .. math:: \min_x \sum_v c_v x_v \quad\text{with}\quad \sum_v e_{rv} x_v \ge \text{needed}_r \text{ for every } r,

    options 0 or 1 and at most one of a choice, steps whole numbers.

    Parameters
    ----------
    axes : sequence of Axis
    now : sequence of float
    slopes : one array per axis
        ``(R,)`` per unit of a number; ``(options, R)`` for a choice, relative to its first option.
    needed : ndarray of shape (R,)
        How far each sum must rise.

    Returns
    -------
    ndarray, or None where no allowed row gets there

    Examples
    --------
    >>> axes = [Number(0, 1.0, 0.0, 9.0, 0.0, 1.0), Choice((1,), ((0.0,), (1.0,)), (0.0, 2.5))]
    >>> nearest_sum(axes, [1.0, 0.0], [np.array([2.0]), np.array([[0.0], [5.0]])], np.array([4.0])).tolist()
    [3.0, 0.0]
    """
    cost: list[float] = []
    upper, lower, whole, pushes = [], [], [], []
    where: list[tuple[int, int, int]] = []  # axis, option or direction, variable
    for a, (axis, slope) in enumerate(zip(axes, slopes, strict=True)):
        for option, price, ends, kind, push in _variables(axis, slope):
            where.append((a, option, len(cost)))
            cost.append(price)
            lower.append(ends[0])
            upper.append(ends[1])
            whole.append(kind)
            pushes.append(push)
    if not cost:
        return np.array(now, dtype=float) if (needed <= 0).all() else None
    rows = [LinearConstraint(np.array(pushes).T, needed, np.inf)]
    for a in range(len(axes)):
        variables = [v for i, _, v in where if i == a]
        if isinstance(axes[a], Choice) and variables:
            one = np.zeros(len(cost))
            one[variables] = 1.0
            rows.append(LinearConstraint(one[None], -np.inf, 1.0))
    solved = milp(
        np.array(cost), constraints=rows, integrality=np.array(whole), bounds=Bounds(np.array(lower), np.array(upper)),
        options={"mip_rel_gap": 0.0, "presolve": True},
    )  # fmt: skip
    if solved.x is None:
        return None
    return _read(axes, now, where, solved.x)


def _variables(axis: Axis, slope: Floats) -> Iterator[tuple[int, float, tuple[float, float], int, Floats]]:
    """Option or direction, cost, bounds, kind (1 whole, 2 zero or within bounds, 3 both), effect of each variable.

    A number is two variables, how far up and how far down, in units of its step; the kinds are those of ``scipy``'s
    ``milp``.
    """
    if isinstance(axis, Choice):
        for o in range(1, len(axis.options)):
            yield o, axis.costs[o], (0.0, 1.0), 1, slope[o]
        return
    unit = axis.step or 1.0
    up, down = (axis.low - axis.now, axis.high - axis.now), (axis.now - axis.high, axis.now - axis.low)
    for sign, (least, most) in ((1, up), (-1, down)):
        if most > 0:
            ends = (max(least, 0.0) / unit, most / unit)
            if axis.step:
                ends = (float(math.ceil(ends[0] - STEP_SLACK)), float(math.floor(ends[1] + STEP_SLACK)))
            kind = (3 if axis.step else 2) if ends[0] > 0 else (1 if axis.step else 0)
            if ends[1] > 0:
                yield sign, axis.price * unit, ends, kind, sign * slope * unit


def _read(axes: Sequence[Axis], now: Sequence[float], where: list[tuple[int, int, int]], x: Floats) -> Floats:
    """The row that a solution ``x`` stands for; ``where`` has the axis and the option or direction of each variable."""
    out = np.array(now, dtype=float)
    for a, option, v in where:
        axis = axes[a]
        if isinstance(axis, Choice):
            if x[v] > 0.5:
                out[list(axis.columns)] = axis.options[option]
        elif axis.step:
            out[axis.column] += option * round(x[v]) * axis.step
        else:
            out[axis.column] += option * x[v]
    return out
