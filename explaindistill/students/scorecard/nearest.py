"""The smallest change of a row that a scorecard answers differently."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.design import column_values
from explaindistill.numerics.explaining.axes import Axis, Choice
from explaindistill.numerics.explaining.nearest import nearest_sum
from explaindistill.students._explaining.counterfactual import Problem

__all__ = ["nearest_in_card"]

Floats = NDArray[np.float64]
SLACK = 1e-6
"""Totals are whole numbers: a millionth of a point only absorbs the rounding of sums."""


def nearest_in_card(student: Any, problem: Problem) -> Floats | None:
    """Cheapest row whose total of points has the wanted risk; a number counts by the cell of thresholds it lies in."""
    model = student.model_
    risk = np.column_stack([1 - model.risk, model.risk])
    totals = np.flatnonzero(problem.goal.met(risk)) + model.lowest
    if len(totals) == 0:
        return None
    axes = [_cells(model, axis) for axis in problem.axes]
    effects = [_points(model, axis) for axis in axes]
    values = dict(zip(model.schema.names, problem.now, strict=True))
    total = sum(
        int(z) * float(column_values(c, model.schema[c.feature], np.array([values[c.feature]]))[0])
        for c, z in zip(model.columns, model.points, strict=True)
    )
    # risks never fall with the total, so the wanted totals are a range: lowest <= total + change <= highest
    needed = np.array([totals.min() - total - SLACK, total - totals.max() - SLACK])
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
    """Points of each option less those of the first, which is the row as it is."""
    out = np.zeros(len(axis.options))
    for column, z in zip(model.columns, model.points, strict=True):
        j = model.schema.names.index(column.feature)
        if j in axis.columns:
            at = axis.columns.index(j)
            out += int(z) * column_values(column, model.schema[j], np.array([o[at] for o in axis.options]))
    return out - out[0]
