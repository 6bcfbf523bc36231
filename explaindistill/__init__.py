"""Distil a black box into a model that a person can read, and measure how far it can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.asking.labelling import label
    from explaindistill.asking.store import LabelStore
    from explaindistill.auditing.about import About
    from explaindistill.auditing.audits import audit
    from explaindistill.auditing.policies import PolicyAudit, audit_policy, grid_check
    from explaindistill.auditing.record import Audit
    from explaindistill.auditing.twin_models import Comparison, ComparisonSettings, distill_and_compare
    from explaindistill.data.datasets import lending
    from explaindistill.data.schema import Feature, Schema
    from explaindistill.distillation.choosing.best import best
    from explaindistill.distillation.choosing.student_choice import StudentChoice
    from explaindistill.distillation.compression import compress
    from explaindistill.distillation.distiller import Distiller
    from explaindistill.distillation.policies import PolicyDistiller
    from explaindistill.distillation.refining import refine
    from explaindistill.distillation.scoring import fidelity_scorer, make_fidelity_scorer
    from explaindistill.distillation.studies.frontiers import frontier
    from explaindistill.distillation.studies.fronts import Frontier
    from explaindistill.distillation.studies.lineages import lineage
    from explaindistill.distillation.studies.query_curves import query_curve
    from explaindistill.distillation.wrappers.deferring import DeferringClassifier
    from explaindistill.distillation.wrappers.online import OnlineStudent
    from explaindistill.scale.parquet import ParquetRows, open_parquet
    from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
    from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor
    from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor
    from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor
    from explaindistill.students.scorecard.estimators import ScorecardClassifier
    from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor
    from explaindistill.teachers import Rights

__version__ = "0.1.0"

_HOMES = {
    "About": "auditing.about",
    "Audit": "auditing.record",
    "Comparison": "auditing.twin_models",
    "ComparisonSettings": "auditing.twin_models",
    "DeferringClassifier": "distillation.wrappers.deferring",
    "Distiller": "distillation.distiller",
    "Feature": "data.schema",
    "Frontier": "distillation.studies.fronts",
    "GAMClassifier": "students.gam.estimators",
    "GAMRegressor": "students.gam.estimators",
    "LabelStore": "asking.store",
    "LinearClassifier": "students.linear.estimators",
    "LinearRegressor": "students.linear.estimators",
    "ModelTreeClassifier": "students.model_tree.estimators",
    "ModelTreeRegressor": "students.model_tree.estimators",
    "OnlineStudent": "distillation.wrappers.online",
    "ParquetRows": "scale.parquet",
    "PolicyAudit": "auditing.policies.audit",
    "PolicyDistiller": "distillation.policies.distiller",
    "Rights": "teachers",
    "RuleListClassifier": "students.rules.estimators",
    "RuleListRegressor": "students.rules.estimators",
    "Schema": "data.schema",
    "ScorecardClassifier": "students.scorecard.estimators",
    "TreeClassifier": "students.tree.estimators",
    "TreeRegressor": "students.tree.estimators",
    "StudentChoice": "distillation.choosing.student_choice",
    "audit": "auditing.audits",
    "audit_policy": "auditing.policies.audit",
    "best": "distillation.choosing.best",
    "compress": "distillation.compression",
    "distill_and_compare": "auditing.twin_models",
    "fidelity_scorer": "distillation.scoring",
    "frontier": "distillation.studies.frontiers",
    "grid_check": "auditing.policies.grid",
    "label": "asking.labelling",
    "lending": "data.datasets",
    "lineage": "distillation.studies.lineages",
    "make_fidelity_scorer": "distillation.scoring",
    "open_parquet": "scale.parquet",
    "query_curve": "distillation.studies.query_curves",
    "refine": "distillation.refining",
}

__all__ = [
    "About",
    "Audit",
    "Comparison",
    "ComparisonSettings",
    "DeferringClassifier",
    "Distiller",
    "Feature",
    "Frontier",
    "GAMClassifier",
    "GAMRegressor",
    "LabelStore",
    "LinearClassifier",
    "LinearRegressor",
    "ModelTreeClassifier",
    "ModelTreeRegressor",
    "OnlineStudent",
    "ParquetRows",
    "PolicyAudit",
    "PolicyDistiller",
    "Rights",
    "RuleListClassifier",
    "RuleListRegressor",
    "Schema",
    "ScorecardClassifier",
    "StudentChoice",
    "TreeClassifier",
    "TreeRegressor",
    "audit",
    "audit_policy",
    "best",
    "compress",
    "distill_and_compare",
    "fidelity_scorer",
    "frontier",
    "grid_check",
    "label",
    "lending",
    "lineage",
    "make_fidelity_scorer",
    "open_parquet",
    "query_curve",
    "refine",
]


__getattr__ = plugins.lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    """Public names, whether loaded yet or not."""
    return sorted([*__all__, "__version__"])
