"""Linear students: a short list of named coefficients, fitted to soft labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor

__all__ = ["LinearClassifier", "LinearRegressor"]

__getattr__ = plugins.lazy(__name__, dict.fromkeys(__all__, "estimators"))
