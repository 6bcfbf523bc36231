"""Distil a black box into a model that a person can read, and measure how far it can be trusted."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explaindistill.auditing import Audit, audit
    from explaindistill.distiller import Distiller
    from explaindistill.frontiers import Frontier, frontier
    from explaindistill.query_curves import query_curve
    from explaindistill.schema import Feature, Schema
    from explaindistill.students.gam import GAMClassifier, GAMRegressor
    from explaindistill.students.linear import LinearClassifier, LinearRegressor
    from explaindistill.students.model_tree import ModelTreeClassifier, ModelTreeRegressor
    from explaindistill.students.rules import RuleListClassifier, RuleListRegressor
    from explaindistill.students.scorecard import ScorecardClassifier
    from explaindistill.students.tree import TreeClassifier, TreeRegressor
    from explaindistill.twins import Comparison, distill_and_compare

__version__ = "0.1.0.dev0"

_HOMES = {
    "Audit": "auditing",
    "Comparison": "twins",
    "Distiller": "distiller",
    "Feature": "schema",
    "Frontier": "frontiers",
    "GAMClassifier": "students.gam",
    "GAMRegressor": "students.gam",
    "LinearClassifier": "students.linear",
    "LinearRegressor": "students.linear",
    "ModelTreeClassifier": "students.model_tree",
    "ModelTreeRegressor": "students.model_tree",
    "RuleListClassifier": "students.rules",
    "RuleListRegressor": "students.rules",
    "Schema": "schema",
    "ScorecardClassifier": "students.scorecard",
    "TreeClassifier": "students.tree",
    "TreeRegressor": "students.tree",
    "audit": "auditing",
    "distill_and_compare": "twins",
    "fidelity_scorer": "scoring",
    "frontier": "frontiers",
    "query_curve": "query_curves",
}

__all__ = [
    "Audit",
    "Comparison",
    "Distiller",
    "Feature",
    "Frontier",
    "GAMClassifier",
    "GAMRegressor",
    "LinearClassifier",
    "LinearRegressor",
    "ModelTreeClassifier",
    "ModelTreeRegressor",
    "RuleListClassifier",
    "RuleListRegressor",
    "Schema",
    "ScorecardClassifier",
    "TreeClassifier",
    "TreeRegressor",
    "audit",
    "distill_and_compare",
    "fidelity_scorer",
    "frontier",
    "query_curve",
]


def __getattr__(name: str) -> Any:
    """Load a public name at its first use, so that importing the package costs little."""
    if name not in _HOMES:
        raise AttributeError(f"module 'explaindistill' has no attribute {name!r}")
    return getattr(importlib.import_module(f"explaindistill.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Public names, whether loaded yet or not."""
    return sorted([*__all__, "__version__"])
