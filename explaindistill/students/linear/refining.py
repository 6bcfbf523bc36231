"""A sum whose coefficients move towards labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.design import matrix
from explaindistill.numerics.linear.part_sums import DesignedRows
from explaindistill.numerics.linear.penalty_choice import standardise
from explaindistill.numerics.linear.relaxed import refit_gaussian, refit_logistic
from explaindistill.numerics.linear.row_blocks import row_blocks
from explaindistill.numerics.linear.row_sums import LinearFit
from explaindistill.numerics.one_part import OnePart
from explaindistill.students._changed import changed
from explaindistill.students._toward import Array, Move
from explaindistill.students.linear.model import FittedRows, LinearModel, fitted_model

__all__ = ["toward_labels"]


def toward_labels(self: Any, frame: pd.DataFrame, answer: Array, labels: Array) -> Move:
    """Coefficients fitted to a mixture of the student's answers and the labels; the list of terms stays."""
    model = self.model_

    def move(strength: float) -> Any:
        target = (1 - strength) * answer + strength * labels
        return changed(self, model_=_refitted(model, frame, target, self.digits))

    return move


def _refitted(model: LinearModel, frame: pd.DataFrame, target: Array, digits: int | None) -> LinearModel:
    """The same terms with coefficients fitted anew, without penalty, to soft labels or values."""
    columns = list(model.columns)
    values = matrix(columns, model.schema, frame)
    w = np.full(len(frame), 1.0 / len(frame))
    Z, mean, scale = standardise(values, w)
    support = (model.coef != 0) & (scale > 0)[:, None]
    if model.classes is None:
        fit = refit_gaussian(Z, target, w, support)
    else:
        # in standardised columns z = (x - mean) / scale the same sum has slopes b scale, intercept b0 + (mean - c) b
        start = LinearFit(model.intercept + (mean - model.centre) @ model.coef, model.coef * scale[:, None])
        fit = refit_logistic(Z, target, w, support, start)
    design = FittedRows(model.schema, columns, OnePart(DesignedRows(row_blocks(Z), target, w)), mean, scale, model.base)
    return fitted_model(fit, design, model.classes, digits)
