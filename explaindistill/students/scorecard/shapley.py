"""Exact Shapley values of a scorecard's log-odds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explaindistill.students._explaining.shapley import FamilyShapley

__all__ = ["card_shapley"]


def card_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> FamilyShapley:
    """Points of each column less their mean, times the card's slope: ``phi_ij = s (z_j(x_i) - mean_b z_j(b))``.

    Several conditions on one column add up. The base is ``a + s`` times the mean total of the background, with the a
    and s of :class:`ScorecardClassifier`; risks in the table are rounded from these log-odds.
    """
    model, slope = student.model_, float(student.slope_)
    row_points, background_points = model.values(X) * slope, model.values(background) * slope
    values = np.zeros((len(X), len(model.schema), 1))
    for q, column in enumerate(model.columns):
        values[:, model.schema.names.index(column.feature), 0] += row_points[:, q] - background_points[:, q].mean()
    base = np.array([student.offset_ + background_points.sum(axis=1).mean()])
    return values, base, list(model.classes[1:]), "logit"
