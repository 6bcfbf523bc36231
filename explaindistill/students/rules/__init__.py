"""Rule lists: if – else if – else, few conditions each, with how many rows a rule takes and how often it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor

__all__ = ["RuleListClassifier", "RuleListRegressor"]

__getattr__ = plugins.lazy(__name__, dict.fromkeys(__all__, "estimators"))
