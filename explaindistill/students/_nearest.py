"""How each exact family of students finds the smallest change: its own form as boxes or as sums."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from explaindistill.data.design import column_values
from explaindistill.numerics.explaining.axes import Axis, Choice, Number
from explaindistill.numerics.explaining.nearest import (
    Box,
    Condition,
    nearest_box,
    nearest_sum,
)
from explaindistill.students._explaining.counterfactual import Problem

__all__ = ["nearest_in_card", "nearest_in_rules", "nearest_in_sum", "nearest_in_tree"]

Floats = NDArray[np.float64]
MARGINS = (1e-9, 1e-7, 1e-5)
"""By how much of its own size a sum must pass its bound, so that rounding does not undo it; tried in turn."""


def nearest_in_tree(student: Any, problem: Problem) -> Floats | None:
    """Cheapest row in any leaf with the wanted answer."""
    tree = student.tree_
    wanted = problem.goal.met(tree.value)

    def branch(node: int, box: Box) -> Iterator[tuple[int, Box]] | bool:
        if tree.feature[node] < 0:
            return bool(wanted[node])
        sides = ((int(tree.left[node]), True), (int(tree.right[node]), False))
        return ((child, part) for child, left in sides if (part := box.narrow(_split(tree, node, left))) is not None)

    return nearest_box(0, Box.whole(problem.axes, problem.now), branch)


def _split(tree: Any, node: int, left: bool) -> Condition:
    column, table = int(tree.feature[node]), tree.sets[node]
    missing = bool(tree.missing_left[node]) == left
    if table is None:
        cut = float(tree.threshold[node])
        return Condition(column, high=cut, missing=missing) if left else Condition(column, low=cut, missing=missing)
    unseen = bool(tree.unseen_left[node])

    def holds(code: float) -> bool:
        return (bool(table[int(code)]) if 0 <= code < len(table) else unseen) == left

    return Condition(column, holds_code=holds, missing=missing)


def nearest_in_rules(student: Any, problem: Problem) -> Floats | None:
    """Cheapest row that some rule with the wanted answer decides: it holds, and of each earlier one a literal fails."""
    model = student.rules_
    values = np.array([*(rule.value for rule in model.rules), model.default])
    wanted = problem.goal.met(values)
    orders = {i for i, f in enumerate(model.schema) if f.kind == "ordered"}

    def branch(state: tuple[int, int, bool], box: Box) -> Iterator[tuple[tuple[int, int, bool], Box]] | bool:
        r, at, decided = state
        if decided or r == len(model.rules):
            return bool(wanted[r])
        return _answers(model.rules[r], r, at, box, orders)

    return nearest_box((0, 0, False), Box.whole(problem.axes, problem.now), branch)


def _answers(rule: Any, r: int, at: int, box: Box, orders: set[int]) -> Iterator[tuple[tuple[int, int, bool], Box]]:
    """One literal of a rule: it holds and the next is asked (or the rule decides), or it fails and the rule is left."""
    if at == len(rule.literals):
        yield (r, at, True), box
        return
    literal = rule.literals[at]
    is_order = literal.feature in orders
    for condition in _conditions(literal, True, is_order):
        if (part := box.narrow(condition)) is not None:
            yield (r, at + 1, False), part
    for condition in _conditions(literal, False, is_order):
        if (part := box.narrow(condition)) is not None:
            yield (r + 1, 0, False), part


def _conditions(literal: Any, holds: bool, is_order: bool) -> Iterator[Condition]:
    """A literal, or its contrary, as conditions that exclude each other; an unseen value of an order is missing."""
    column, missing = literal.feature, literal.missing == holds
    if literal.codes is not None or is_order:

        def answers(code: float) -> bool:
            value = math.nan if is_order and code < 0 else code
            return bool(literal(np.array([value]))[0]) == holds

        yield Condition(column, holds_code=answers, missing=missing)
    elif holds:
        yield Condition(column, literal.low, literal.high, missing=missing)
    else:
        yield Condition(column, high=literal.low, missing=missing)
        if math.isfinite(literal.high):
            yield Condition(column, low=max(literal.low, literal.high), missing=False)


def nearest_in_sum(student: Any, problem: Problem) -> Floats | None:
    """Cheapest row whose linear predictor passes its bound, or every other class's."""
    model = student.model_
    slopes = [_slopes(model, axis) for axis in problem.axes]
    here = _predictor(model, problem)
    turns, bounds = _sides(student, problem)
    size = 1.0 + float(np.abs(here).max())
    for margin in MARGINS:
        needed = bounds + margin * size - turns @ here
        found = nearest_sum(problem.axes, problem.now, [s @ turns.T for s in slopes], needed)
        if found is None:
            return None
        for row in (_short(found, problem), found):
            if problem.reached(row):
                return row
    return None


def _predictor(model: Any, problem: Problem) -> Floats:
    """Linear predictor ``(K,)`` of the row as it is."""
    out = np.array(model.intercept, dtype=float)
    for j, column in enumerate(model.columns):
        i = model.schema.names.index(column.feature)
        out += column_values(column, model.schema[i], np.array([problem.now[i]]))[0] * model.coef[j]
    return out


def _sides(student: Any, problem: Problem) -> tuple[Floats, Floats]:
    """Rows of ``turns @ predictor >= bounds`` that say what is wanted."""
    goal, n = problem.goal, len(student.model_.intercept)
    if goal.k is None:
        ends = [(1.0, goal.low), (-1.0, -goal.high)]
        kept = [(sign, end) for sign, end in ends if math.isfinite(end)]
        return np.array([[sign] for sign, _ in kept]).reshape(-1, 1), np.array([end for _, end in kept])
    if n == 1:
        sign = 1.0 if goal.k == 1 else -1.0
        return np.array([[sign]]), np.array([0.0 if goal.threshold is None else float(logit(goal.threshold))])
    turns = np.delete(np.eye(n)[goal.k] - np.eye(n), goal.k, axis=0)
    return turns, np.zeros(n - 1)


def _slopes(model: Any, axis: Axis) -> Floats:
    """Effect of one unit of a number ``(K,)``, or of each option of a choice ``(options, K)`` beside the first."""
    if isinstance(axis, Choice):
        effects = np.array([_effect(model, dict(zip(axis.columns, o, strict=True))) for o in axis.options])
        return effects - effects[0]
    unit = _effect(model, {axis.column: axis.now + 1.0}) - _effect(model, {axis.column: axis.now})
    if model.schema[axis.column].kind == "datetime":
        day = 86400.0
        unit = (_effect(model, {axis.column: axis.now + day}) - _effect(model, {axis.column: axis.now})) / day
    return unit


def _effect(model: Any, values: dict[int, float]) -> Floats:
    """What columns add to the linear predictor at some encoded values."""
    out = np.zeros(len(model.intercept))
    for j, column in enumerate(model.columns):
        i = model.schema.names.index(column.feature)
        if i in values:
            out += column_values(column, model.schema[i], np.array([values[i]]))[0] * model.coef[j]
    return out


def _short(found: Floats, problem: Problem) -> Floats:
    """The row with numbers of few digits, a millionth of the range further on at most."""
    out = found.copy()
    for axis in problem.axes:
        if isinstance(axis, Number) and axis.step == 0 and found[axis.column] != axis.now:
            x, up = float(found[axis.column]), found[axis.column] > axis.now
            mirrored = axis if up else Number(axis.column, -axis.now, -axis.high, -axis.low, 0.0, axis.price)
            near = mirrored.nearest(low=x if up else -x)
            if not math.isnan(near):
                out[axis.column] = near if up else -near
    return out


def nearest_in_card(student: Any, problem: Problem) -> Floats | None:
    """Cheapest row whose total of points has the wanted risk; a number counts by the cell of thresholds it lies in."""
    model = student.model_
    risk = np.column_stack([1 - model.risk, model.risk])
    totals = np.flatnonzero(problem.goal.met(risk)) + model.lowest
    if len(totals) == 0:
        return None
    axes = [_cells(model, axis) for axis in problem.axes]
    effects = [_points(model, axis) for axis in axes]
    here = dict(zip(model.schema.names, problem.now, strict=True))
    now = sum(
        int(z) * float(column_values(c, model.schema[c.feature], np.array([here[c.feature]]))[0])
        for c, z in zip(model.columns, model.points, strict=True)
    )
    needed = np.array([totals.min() - now - 1e-6, now - totals.max() - 1e-6])
    return nearest_sum(axes, problem.now, [np.column_stack([e, -e]) for e in effects], needed)


def _cells(model: Any, axis: Axis) -> Choice:
    """A number as a choice: where it is, and the nearest value in every other cell between thresholds."""
    if isinstance(axis, Choice):
        return axis
    name = model.schema[axis.column].name
    cuts = sorted({c.threshold for c in model.columns if c.feature == name and c.threshold is not None})
    places = [axis.nearest(a, b) for a, b in pairwise((-math.inf, *cuts, math.inf))]
    others = [p for p in places if not math.isnan(p) and p != axis.now]
    return Choice((axis.column,), ((axis.now,), *((p,) for p in others)), (0.0, *(axis.cost(p) for p in others)))


def _points(model: Any, axis: Choice) -> Floats:
    """Points of each option beside the first."""
    out = np.zeros(len(axis.options))
    for column, z in zip(model.columns, model.points, strict=True):
        i = model.schema.names.index(column.feature)
        if i in axis.columns:
            at = axis.columns.index(i)
            out += int(z) * column_values(column, model.schema[i], np.array([o[at] for o in axis.options]))
    return out - out[0]
