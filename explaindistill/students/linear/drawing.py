"""A linear student as a drawing: one bar per coefficient."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.design import Column
from explaindistill.data.drawing import BarsDrawing, effect_unit
from explaindistill.data.schema import Feature
from explaindistill.students.linear.model import LinearModel

__all__ = ["drawing"]


def drawing(self: Any) -> BarsDrawing:
    """Say what there is to draw: coefficients per standard deviation of their columns.

    Returns
    -------
    BarsDrawing
        Its ``frame`` has ``term``, ``output``, ``estimate`` (per standard deviation), ``coefficient`` (per unit) and
        ``mean`` (what the term adds on the mean over the rows of the fit); see :mod:`explaindistill.data.drawing`.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"age": [i % 50 for i in range(200)]})
    >>> bars = xd.LinearRegressor(penalty=0).fit(X, 0.1 * X["age"]).drawing()
    >>> bars.frame[["term", "coefficient", "estimate"]].round(2).values.tolist()
    [['age', 0.1, 1.44]]
    """
    check_is_fitted(self)
    model: LinearModel = self.model_
    classes = None if model.classes is None else model.classes.tolist()
    K = len(model.intercept)
    rows = []
    columns = zip(model.columns, model.coef.tolist(), model.scale.tolist(), model.at_mean.tolist(), strict=True)
    for column, coefficients, scale, means in columns:
        term = _words(column, model.schema[column.feature])
        for output, coefficient, mean in zip(model.outputs, coefficients, means, strict=True):
            words = term if K == 1 else f"{term} → {output}"
            rows.append((words, output, coefficient * scale, coefficient, mean))
    frame = pd.DataFrame(rows, columns=["term", "output", "estimate", "coefficient", "mean"])
    unit = effect_unit(classes, K, self.target_name_)
    return BarsDrawing(frame, unit, "coefficient", f"{unit} per standard deviation", "linear", "Coefficients")


def _words(column: Column, feature: Feature) -> str:
    if column.operation == "missing":
        return f"{feature.name} is missing"
    if column.operation == "level":
        return feature.name if feature.kind == "boolean" else f"{feature.name} = {column.level}"
    return feature.name
