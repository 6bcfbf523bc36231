"""Exact Shapley values of curves and surfaces that add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.numerics.explaining.shapley import interaction_shapley
from explaindistill.students._explaining.shapley import FamilyShapley
from explaindistill.students.gam.shapes import Shape, TermGrid

__all__ = ["gam_shapley"]

Floats = NDArray[np.float64]


def gam_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> FamilyShapley:
    """Effect of each column less its mean; a pair by its four coalitions, each a mean over a table."""
    axes = sorted({g.axis for s in student.shapes_ for g in s.grids})
    x, b = ({j: student.schema_.column(frame, j) for j in axes} for frame in (X, background))
    values = np.zeros((len(X), len(student.schema_), len(student.intercept_)))
    base = np.array(student.intercept_, dtype=float)
    for shape in student.shapes_:
        mean = shape.contribution(b).mean(axis=0)
        base = base + mean
        if len(shape.grids) == 1:
            values[:, shape.grids[0].axis] += shape.contribution(x) - mean
            continue
        first, second = (_half(shape, side, x, b) for side in (0, 1))
        effects = interaction_shapley(shape.contribution(x), first, second, mean)
        for grid, effect in zip(shape.grids, effects, strict=True):
            values[:, grid.axis] += effect
    classes = getattr(student, "classes_", None)
    outputs = [0] if classes is None else list(classes[1:] if len(classes) == 2 else classes)
    return values, base, outputs, student.scale_


def _half(shape: Shape, side: int, x: dict[int, Floats], b: dict[int, Floats]) -> Floats:
    """Value ``(n, K)`` of the coalition of one column of a pair: ``W(x_side) T mean_b W(b_other)``.

    T ``(K, size, size)`` are the values on the product of both grids and W the weights of its places, so that the mean
    over the background is taken once for the table and not once per row.
    """
    table = shape.values if side == 0 else shape.values.swapaxes(1, 2)
    axis_grid, other_grid = shape.grids[side], shape.grids[1 - side]
    mean = table @ _weights(other_grid, b[other_grid.axis]).mean(axis=0)
    return _weights(axis_grid, x[axis_grid.axis]) @ mean.T


def _weights(grid: TermGrid, x: Floats) -> Floats:
    """Weight of each place of the grid for each value ``(n, size)``; rows of zeros where a value is not known."""
    lo, hi, share, is_known = grid.weights(x)
    out = np.zeros((len(x), grid.size))
    at = np.arange(len(x))
    np.add.at(out, (at, lo), np.where(is_known, 1.0 - share, 0.0))
    np.add.at(out, (at, hi), np.where(is_known, share, 0.0))
    return out
