"""How many rows each rule of a list takes, and how well it does on them, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.numerics.statistics.intervals import normal_quantile, wilson
from explaindistill.numerics.trees.fixed_point import whole_weights
from explaindistill.protocols import Rows
from explaindistill.students._intake import rows
from explaindistill.students.rules.model import RuleList

__all__ = ["class_table", "regions", "value_table"]


def regions(self: Any, X: Rows) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Position ``(n,)`` of the rule that decides each row, the default last, and the words of each rule.

    Examples
    --------
    >>> from explaindistill.students.rules import RuleListRegressor
    >>> x = np.arange(100.0)
    >>> student = RuleListRegressor(max_rules=1).fit(x[:, None], np.where(x > 59, 7.0, 1.0))
    >>> student.regions([[10.0], [80.0]])
    (array([1, 0]), {0: '1. x0 > 59', 1: '2. (default)'})
    """
    model: RuleList = self.rules_
    words = [rule.words(model.schema) for rule in model.rules]
    return model.deciding(rows(self, X)), {i: f"{i + 1}. {w}" for i, w in enumerate([*words, "(default)"])}


def class_table(
    student: Any, X: pd.DataFrame, P: NDArray[np.float64], weight: NDArray[np.float64], level: float
) -> pd.DataFrame:
    """One row per rule: coverage, precision and their Wilson intervals; see ``RuleListClassifier.table``.

    Of rule r: coverage ``sum_{i in r} w_i / sum_i w_i``, and precision, the share of the weight in r of rows whose most
    probable label is the rule's class.
    """
    model: RuleList = student.rules_
    rule_of, count = model.deciding(X), _counts(weight)
    lines = []
    for i, value in enumerate([*(r.value for r in model.rules), model.default]):
        output = int(np.argmax(value))
        in_rule = rule_of == i
        right = float(count[in_rule & (P.argmax(axis=1) == output)].sum())
        line = _line(model, i, float(count[in_rule].sum()), float(count.sum()), level)
        low, high = wilson(right, line["n"], level)
        share = right / line["n"] if line["n"] > 0 else np.nan
        lines.append(
            line
            | {"output": student.classes_[output], "precision": share}
            | {"precision_low": float(low), "precision_high": float(high)}
        )
    order = ["rule", "condition", "output", "n", "coverage", "coverage_low", "coverage_high"]
    return pd.DataFrame(lines)[[*order, "precision", "precision_low", "precision_high"]]


def value_table(
    student: Any, X: pd.DataFrame, Y: NDArray[np.float64], weight: NDArray[np.float64], level: float
) -> pd.DataFrame:
    """One row per rule and output: coverage, mean and spread; see ``RuleListRegressor.table``."""
    model: RuleList = student.rules_
    rule_of, count = model.deciding(X), _counts(weight)
    lines = []
    for i in range(len(model.rules) + 1):
        in_rule = (rule_of == i) & (count > 0)
        line = _line(model, i, float(count[in_rule].sum()), float(count.sum()), level)
        for k in range(Y.shape[1]):
            mean = spread = half = np.nan
            if line["n"] > 0:
                mean = float(np.average(Y[in_rule, k], weights=count[in_rule]))
                spread = float(np.sqrt(np.average((Y[in_rule, k] - mean) ** 2, weights=count[in_rule])))
            if line["n"] > 1:
                half = normal_quantile(level) * spread / float(np.sqrt(line["n"] - 1))
            lines.append(
                line | {"output": k, "estimate": mean, "low": mean - half, "high": mean + half, "spread": spread}
            )
    order = ["rule", "condition", "output", "n", "coverage", "coverage_low", "coverage_high"]
    return pd.DataFrame(lines)[[*order, "estimate", "low", "high", "spread"]]


def _counts(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights that sum to the effective number of rows ``(sum w)^2 / sum w^2``; whole numbers are repetitions."""
    if len(weight) == 0 or not weight.any() or (weight == np.rint(weight)).all():
        return weight
    whole, _ = whole_weights(weight[weight > 0])
    if (whole == 1).all():
        return (weight > 0).astype(float)
    return weight * (weight.sum() / (weight**2).sum())


def _line(model: RuleList, i: int, n: float, total: float, level: float) -> dict[str, Any]:
    """Rule i, its n of ``total`` rows, and the Wilson interval of that share."""
    low, high = wilson(n, total, level)
    condition = model.rules[i].words(model.schema) if i < len(model.rules) else "(default)"
    share = n / total if total > 0 else np.nan
    return {"rule": i + 1, "condition": condition, "n": n, "coverage": share} | {
        "coverage_low": float(low),
        "coverage_high": float(high),
    }
