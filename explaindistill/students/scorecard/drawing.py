"""A scorecard as a drawing: one bar of points per condition, and the risk of each total."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.design import Column
from explaindistill.data.drawing import BarsDrawing
from explaindistill.data.schema import Feature

__all__ = ["drawing"]


def drawing(self: Any) -> BarsDrawing:
    """Say what there is to draw: the points of each condition, and the risk that belongs to each total.

    Returns
    -------
    BarsDrawing
        With ``totals``; see :mod:`explaindistill.data.drawing`.

    Examples
    --------
    >>> from explaindistill import ScorecardClassifier
    >>> X = pd.DataFrame({"late": np.arange(200) % 2 == 1})
    >>> card = ScorecardClassifier(max_terms=1).fit(X, np.where(np.arange(200) % 4 == 3, "bad", "good")).drawing()
    >>> card.frame["term"].tolist(), card.unit, round(float(card.totals["share"].sum()), 9)
    (['late'], 'points for good', 1.0)
    """
    check_is_fitted(self)
    model, outcome = self.model_, str(self.classes_[1])
    terms = [_words(column, model.schema[column.feature]) for column in model.columns]
    frame = pd.DataFrame({"term": terms, "estimate": model.points.astype(float)})
    x = np.arange(model.lowest, model.lowest + len(model.risk))
    totals = pd.DataFrame({"x": x, "estimate": model.risk, "share": model.share})
    return BarsDrawing(
        frame, f"points for {outcome}", "points", f"for {outcome}", "points", "The points", outcome, totals
    )


def _words(column: Column, feature: Feature) -> str:
    if column.operation in ("above", "at_most") and column.threshold is not None:
        return f"{feature.name} {'>' if column.operation == 'above' else '≤'} {feature.words(column.threshold)}"
    if column.operation == "missing":
        return f"{feature.name} is missing"
    return feature.name if feature.kind == "boolean" else f"{feature.name} = {column.level}"
