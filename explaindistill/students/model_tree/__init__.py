"""Model trees: a few named coefficients in each leaf instead of a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor

__all__ = ["ModelTreeClassifier", "ModelTreeRegressor"]

__getattr__ = plugins.lazy(__name__, dict.fromkeys(__all__, "estimators"))
