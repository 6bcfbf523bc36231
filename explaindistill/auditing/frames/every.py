"""The frames of an audit: each a measure of the case, one line per thing measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill import plugins
from explaindistill.auditing.frames.fidelity import fidelity_frame
from explaindistill.auditing.frames.groups import group_frames
from explaindistill.auditing.frames.importance import measure_importance
from explaindistill.auditing.frames.teacher import teacher_frame
from explaindistill.auditing.inputs import (
    Case,
    aligned,
    cannot_say,
    decided,
    named_answers,
    stack,
)
from explaindistill.distillation.distiller import Distiller
from explaindistill.measures.columns import describe_columns
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.mistakes import mistakes
from explaindistill.measures.performance import performance, regression_performance
from explaindistill.measures.stability import stability
from explaindistill.measures.teacher_cells import teacher_cells
from explaindistill.protocols import Complexity

__all__ = ["cells", "measure"]

MISTAKE_REGIONS = 6
MISTAKE_ROWS = 30
CELLS = 24

Frames = dict[str, pd.DataFrame]


def measure(case: Case, rng: np.random.Generator, n_refits: int = 0, n_explained: int = 500) -> Frames:
    """All frames of an audit but the verdicts; see :class:`explaindistill.auditing.audits.Audit`."""
    importance = measure_importance(case, rng, n_explained)
    return {
        "fidelity": fidelity_frame(case, rng),
        "performance": stack(_performance(case)),
        "teacher": teacher_frame(case, rng),
        **group_frames(case, importance["importance"], rng),
        "mistakes": stack(_mistakes(case, rng)),
        "stability": stack(_stability(case, n_refits)),
        **importance,
        "complexity": _complexity(case),
        "corpus": _corpus(case),
        "columns": describe_columns(case.frame, case.schema),
        "students": _students(case),
    }


def cells(case: Case, minimum: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The teacher's mean answer in cells of the columns that each student may see, and the tree that makes the cells.

    A cell holds at least ``minimum`` audited rows, and the cells together are all rows once: none can be worked out
    from others.
    """
    kind = plugins.public("students", "tree")["TreeRegressor"]
    found, trees = [], {}
    for s in case.subjects:
        rows = case.frame[[c for c in case.frame.columns if c in s.features]]
        if len(rows) < max(minimum, 2) or rows.shape[1] == 0:
            continue
        tree = kind(max_leaf_nodes=CELLS, min_samples_leaf=max(minimum, 1)).fit(rows, case.P)
        asked: dict[str, Any] = {"classes": case.classes, "minimum": minimum, "subject": s.name}
        found.append(teacher_cells(rows, case.P, tree, **asked))
        trees[s.name] = tree
    return stack(found), trees


def _performance(case: Case) -> Iterator[pd.DataFrame]:
    for name, P in named_answers(case):
        metric = "accuracy" if case.task == "classification" else "r2"
        if case.y is None:
            yield cannot_say(metric, name, "true labels were not given: pass y")
        elif P is None:
            yield cannot_say(metric, name, "rows to train on were not given: pass train=(X, y)")
        else:
            yield _performance_of(case, name, P)


def _performance_of(case: Case, name: str, P: NDArray[np.float64]) -> pd.DataFrame:
    shared: dict[str, Any] = {"clusters": case.clusters, "sample_weight": case.weight, "subject": name}
    if case.task == "regression":
        return regression_performance(case.y, P, **shared)
    return performance(case.y, P, DecisionRule(case.classes, case.favorable, case.threshold), **shared)


def _mistakes(case: Case, rng: np.random.Generator) -> Iterator[pd.DataFrame]:
    """Where each student decides differently from the teacher."""
    if case.task == "regression":
        return
    kind = plugins.public("students", "tree")["TreeClassifier"]

    def grow(rows: pd.DataFrame, wrong: NDArray[np.bool_]) -> Any:
        return kind(max_leaf_nodes=MISTAKE_REGIONS, min_samples_leaf=MISTAKE_ROWS).fit(rows, wrong)

    seed = int(rng.integers(2**31))
    for s in case.subjects:
        wrong = decided(case, case.P) != decided(case, s.P)
        yield mistakes(case.frame, wrong, grow, rng=seed, sample_weight=case.weight, subject=s.name)


def _stability(case: Case, n_refits: int) -> Iterator[pd.DataFrame]:
    """Refit each student on bootstrapped rows of fitting, with a fresh seed and a fresh corpus."""
    for s in case.subjects:
        if n_refits and case.train is not None and isinstance(s.given, Distiller):
            yield _stability_of(case, s.name, s.given, n_refits)


def _stability_of(case: Case, name: str, given: Distiller, n_refits: int) -> pd.DataFrame:
    train: Any = case.train
    rows, labels = case.schema.frame(train[0]), np.asarray(train[1])
    used: dict[int, Distiller] = {}

    def refit(seed: int) -> Any:
        at = np.sort(np.random.default_rng([seed, 3]).integers(len(rows), size=len(rows)))
        again = clone(given).set_params(random_state=seed)
        again.fit(case.schema.restore(rows.iloc[at].reset_index(drop=True)), labels[at])
        used[id(again.student_)] = again
        return again.student_

    def answer(student: Any, X: pd.DataFrame) -> NDArray[Any]:
        again = used[id(student)]
        if case.task == "regression":
            return np.asarray(again.predict(case.schema.restore(X)), dtype=float)
        return decided(case, aligned(again.predict_proba(case.schema.restore(X)), again.classes_, case.classes))

    return stability(refit, case.frame, answer, seeds=range(n_refits), subject=name)


def _complexity(case: Case) -> pd.DataFrame:
    lines = []
    for s in case.subjects:
        if hasattr(s.inner, "complexity"):
            record = s.inner.complexity()
        else:
            record = Complexity(type(s.inner).__name__, 0, len(s.features), 0)
        known = hasattr(s.inner, "complexity")
        values = record.as_dict() if known else dict.fromkeys(record.as_dict()) | {"family": record.family}
        lines.append({"subject": s.name, **values})
    return pd.DataFrame(lines)


def _corpus(case: Case) -> pd.DataFrame:
    parts = [s.given.corpus_.to_frame().assign(subject=s.name) for s in case.subjects if isinstance(s.given, Distiller)]
    if not parts:
        return pd.DataFrame(columns=["subject", "fact", "value"])
    return pd.concat(parts, ignore_index=True)[["subject", "fact", "value"]]


def _students(case: Case) -> pd.DataFrame:
    lines = [
        {
            "subject": s.name,
            "family": type(s.inner).__name__,
            "n_features_seen": len(s.features),
            "features_seen": ", ".join(s.features),
            "targets": getattr(s.given, "label_mode_", "as fitted by the caller"),
        }
        for s in case.subjects
    ]
    return pd.DataFrame(lines)
