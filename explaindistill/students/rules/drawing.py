"""A list of rules as a drawing: what each asks, answers and covers, the default last."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.drawing import RulesDrawing, answer_words
from explaindistill.students.rules.model import RuleList

__all__ = ["drawing"]


def drawing(self: Any) -> RulesDrawing:
    """Say what there is to draw: the rules in their order, with the rows of fitting that each decides.

    Returns
    -------
    RulesDrawing
        See :mod:`explaindistill.data.drawing`.

    Examples
    --------
    >>> from explaindistill import RuleListClassifier
    >>> X = pd.DataFrame({"x": np.arange(100)})
    >>> student = RuleListClassifier(max_rules=1).fit(X, np.where(X["x"] < 30, "no", "yes"))
    >>> student.drawing().frame["coverage"].round(2).tolist()
    [0.7, 0.3]
    """
    check_is_fitted(self)
    model: RuleList = self.rules_
    classes = tuple(self.classes_.tolist()) if hasattr(self, "classes_") else None
    # the regressor's table has a line per output; what a line says of coverage is the same in all of them
    frame = self.table_.drop_duplicates("rule", ignore_index=True)
    shown = frame[["rule", "n", "coverage", "coverage_low", "coverage_high"]]
    conditions = [*(rule.words(model.schema) for rule in model.rules), frame["condition"].iloc[-1]]
    shown.insert(1, "condition", conditions[: len(shown)])
    for name, column in (("agreement", "precision"), ("low", "precision_low"), ("high", "precision_high")):
        shown = shown.assign(**{name: frame.get(column, np.nan)})
    values = [*(rule.value for rule in model.rules), model.default]
    words = [answer_words(v, classes) for v in values]
    whose = str(frame["rows"].iloc[0]) if "rows" in frame else "rows of fitting"
    return RulesDrawing(shown.assign(answer=words, values=pd.Series(values, dtype=object)), classes, rows=whose)
