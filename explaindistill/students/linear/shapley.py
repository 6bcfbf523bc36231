"""Exact Shapley values of a sum of columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explaindistill.students._explaining.shapley import FamilyShapley

__all__ = ["linear_shapley"]


def linear_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> FamilyShapley:
    r"""Contribution of each column less its mean over the background: ``phi_ijk = c_jk(x_i) - mean_b c_jk(b)``.

    For a sum of functions of one column each, every order of joining the coalition gives this same difference.
    """
    model = student.model_
    row_parts, background_parts = model.contributions(X), model.contributions(background)
    values = np.zeros((len(X), len(model.schema), len(model.intercept)))
    for name, contribution in row_parts.items():
        values[:, model.schema.names.index(name)] = contribution - background_parts[name].mean(axis=0)
    return values, model.predictor(background).mean(axis=0), model.outputs, model.scale_name
