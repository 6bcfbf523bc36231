"""Scorecard student: integer points that add up on paper, and a risk per total."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.students.scorecard.estimators import ScorecardClassifier

__all__ = ["ScorecardClassifier"]

__getattr__ = plugins.lazy(__name__, dict.fromkeys(__all__, "estimators"))
