"""Decision trees with constant leaves, fitted to soft labels: grown on sharpened targets, filled with the soft ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

__all__ = ["TreeClassifier", "TreeRegressor"]

__getattr__ = plugins.lazy(__name__, dict.fromkeys(__all__, "estimators"))
