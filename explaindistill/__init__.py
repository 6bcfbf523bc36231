"""Distil a black box into a model that a person can read, and measure how far it can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.auditing.audits import Audit, audit
    from explaindistill.auditing.twin_models import Comparison, ComparisonSettings, distill_and_compare
    from explaindistill.data.schema import Feature, Schema
    from explaindistill.distillation.distiller import Distiller
    from explaindistill.distillation.studies.frontiers import Frontier, frontier
    from explaindistill.distillation.studies.query_curves import query_curve
    from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
    from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor
    from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor
    from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor
    from explaindistill.students.scorecard.estimators import ScorecardClassifier
    from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

__version__ = "0.1.0.dev0"

_HOMES = {
    "Audit": "auditing.audits",
    "Comparison": "auditing.twin_models",
    "ComparisonSettings": "auditing.twin_models",
    "Distiller": "distillation.distiller",
    "Feature": "data.schema",
    "Frontier": "distillation.studies.frontiers",
    "GAMClassifier": "students.gam.estimators",
    "GAMRegressor": "students.gam.estimators",
    "LinearClassifier": "students.linear.estimators",
    "LinearRegressor": "students.linear.estimators",
    "ModelTreeClassifier": "students.model_tree.estimators",
    "ModelTreeRegressor": "students.model_tree.estimators",
    "RuleListClassifier": "students.rules.estimators",
    "RuleListRegressor": "students.rules.estimators",
    "Schema": "data.schema",
    "ScorecardClassifier": "students.scorecard.estimators",
    "TreeClassifier": "students.tree.estimators",
    "TreeRegressor": "students.tree.estimators",
    "audit": "auditing.audits",
    "distill_and_compare": "auditing.twin_models",
    "fidelity_scorer": "distillation.scoring",
    "frontier": "distillation.studies.frontiers",
    "query_curve": "distillation.studies.query_curves",
}

__all__ = [
    "Audit",
    "Comparison",
    "ComparisonSettings",
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


__getattr__ = plugins.lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    """Public names, whether loaded yet or not."""
    return sorted([*__all__, "__version__"])
