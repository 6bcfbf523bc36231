"""The smallest change of a row that a sum of coefficients answers differently."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from explaindistill.data.design import column_values
from explaindistill.numerics.explaining.axes import Axis, Choice, Number
from explaindistill.numerics.explaining.nearest import nearest_sum
from explaindistill.students._explaining.counterfactual import Problem

__all__ = ["nearest_in_sum"]

Floats = NDArray[np.float64]
MARGINS = (1e-9, 1e-7, 1e-5)
"""By how much of its own size a sum must pass its bound, so that rounding does not undo it; tried in turn."""
SECONDS_PER_DAY = 86400.0
"""Dates are seconds in an encoded row and days in the sum."""


def nearest_in_sum(student: Any, problem: Problem) -> Floats | None:
    """Cheapest row whose linear predictor passes its bound, or every other class's."""
    model = student.model_
    slopes = [_slopes(model, axis) for axis in problem.axes]
    eta = _predictor(model, problem)
    turns, bounds = _sides(student, problem)
    size = 1.0 + float(np.abs(eta).max())
    for margin in MARGINS:
        needed = bounds + margin * size - turns @ eta
        nearest = nearest_sum(problem.axes, problem.now, [s @ turns.T for s in slopes], needed)
        if nearest is None:
            return None
        for row in (_short(nearest, problem), nearest):
            if problem.reached(row):
                return row
    return None


def _predictor(model: Any, problem: Problem) -> Floats:
    """Linear predictor ``eta_k = b_k + sum_q (z_q(x) - c_q) beta_qk`` ``(K,)`` of the row as it is."""
    out = np.array(model.intercept, dtype=float)
    for q, column in enumerate(model.columns):
        j = model.schema.names.index(column.feature)
        value = column_values(column, model.schema[j], np.array([problem.now[j]]))[0]
        out += (value - model.centre[q]) * model.coef[q]
    return out


def _sides(student: Any, problem: Problem) -> tuple[Floats, Floats]:
    """Rows of ``turns @ eta >= bounds`` that say what is wanted.

    A value: ``eta >= low`` and ``-eta >= -high``. One of two classes: ``±eta >= logit(threshold)``, 0 where the more
    probable one decides. One of several: ``eta_k - eta_l >= 0`` against every other class l.
    """
    goal, K = problem.goal, len(student.model_.intercept)
    if goal.k is None:
        ends = [(1.0, goal.low), (-1.0, -goal.high)]
        finite = [(sign, end) for sign, end in ends if math.isfinite(end)]
        return np.array([[sign] for sign, _ in finite]).reshape(-1, 1), np.array([end for _, end in finite])
    if K == 1:
        sign = 1.0 if goal.k == 1 else -1.0
        return np.array([[sign]]), np.array([0.0 if goal.threshold is None else float(logit(goal.threshold))])
    turns = np.delete(np.eye(K)[goal.k] - np.eye(K), goal.k, axis=0)
    return turns, np.zeros(K - 1)


def _slopes(model: Any, axis: Axis) -> Floats:
    """Effect of one unit of a number ``(K,)``, or of each option of a choice ``(options, K)`` beside the first.

    ``(e_k(x + u) - e_k(x)) / u`` with e_k the sum of the terms of output k and u one unit; ``e_k(o) - e_k(o_0)`` for o.
    """
    if isinstance(axis, Choice):
        effects = np.array([_effect(model, dict(zip(axis.columns, o, strict=True))) for o in axis.options])
        return effects - effects[0]
    # a second moves the sum too little to be seen beside its rounding: the slope of a date is taken over a day
    unit = SECONDS_PER_DAY if model.schema[axis.column].kind == "datetime" else 1.0
    moved = _effect(model, {axis.column: axis.now + unit}) - _effect(model, {axis.column: axis.now})
    return moved / unit


def _effect(model: Any, values: dict[int, float]) -> Floats:
    """What columns add to the linear predictor ``(K,)`` at these encoded values, by position of the column."""
    out = np.zeros(len(model.intercept))
    for q, column in enumerate(model.columns):
        j = model.schema.names.index(column.feature)
        if j in values:
            out += column_values(column, model.schema[j], np.array([values[j]]))[0] * model.coef[q]
    return out


def _short(nearest: Floats, problem: Problem) -> Floats:
    """The row with numbers of few digits, a millionth of the range further on at most."""
    out = nearest.copy()
    for axis in problem.axes:
        if isinstance(axis, Number) and axis.step == 0 and nearest[axis.column] != axis.now:
            x, up = float(nearest[axis.column]), nearest[axis.column] > axis.now
            mirrored = axis if up else Number(axis.column, -axis.now, -axis.high, -axis.low, 0.0, axis.price)
            near = mirrored.nearest(low=x if up else -x)
            if not math.isnan(near):
                out[axis.column] = near if up else -near
    return out
