"""A list of rules whose values move towards labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.students._changed import changed
from explaindistill.students._toward import Array, Move, held_back
from explaindistill.students.rules.model import RuleList
from explaindistill.students.rules.tables import class_table, value_table

__all__ = ["toward_labels"]


def toward_labels(self: Any, frame: pd.DataFrame, answer: Array, labels: Array) -> Move:
    """Each rule's value moves as a leaf's does; what it leaves is the mean of the rules after it."""
    model: RuleList = self.rules_
    rule_of, k = model.deciding(frame), len(model.rules)
    value = np.array([*(rule.value for rule in model.rules), model.default])
    n = np.bincount(rule_of, minlength=k + 1).astype(float)
    total = np.stack([np.bincount(rule_of, weights=y, minlength=k + 1) for y in labels.T], axis=1).astype(float)
    toward = held_back(value, total, n)
    shares = np.array([rule.share for rule in model.rules])
    shares = np.append(shares, max(1.0 - shares.sum(), 0.0))
    tabulate = class_table if hasattr(self, "classes_") else value_table

    def move(strength: float) -> Any:
        mixed = (1 - strength) * value + strength * toward
        rest = [_mean(mixed[r + 1 :], shares[r + 1 :]) for r in range(k)]
        rules = tuple(
            replace(rule, value=tuple(v.tolist()), rest=tuple(after.tolist()))
            for rule, v, after in zip(model.rules, mixed, rest, strict=False)
        )
        out = changed(self, rules_=replace(model, rules=rules, base=tuple(_mean(mixed, shares).tolist())))
        out.table_ = tabulate(out, frame, labels, np.ones(len(frame)), 0.95)
        return out

    return move


def _mean(value: Array, share: Array) -> Array:
    """Mean of values ``(q, k)`` by their shares of the rows; the default's where no rows are left."""
    return np.asarray(np.average(value, axis=0, weights=share) if share.sum() > 0 else value[-1])
