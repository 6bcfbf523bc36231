"""The frames of an audit: each a measure of the case, one line per thing measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill import plugins
from explaindistill.audit_importance import measure_importance
from explaindistill.case import Case, Subject, aligned
from explaindistill.distiller import Distiller
from explaindistill.measures._rows import frame, row
from explaindistill.measures.bias import group_fidelity, group_gaps, group_means_frame, group_rates
from explaindistill.measures.columns import describe_columns
from explaindistill.measures.decision import decisions
from explaindistill.measures.fidelity import fidelity, regression_fidelity
from explaindistill.measures.mistakes import mistakes
from explaindistill.measures.performance import performance, regression_performance
from explaindistill.measures.stability import stability
from explaindistill.measures.teacher_cells import teacher_cells
from explaindistill.measures.transfer import transfer
from explaindistill.protocols import Complexity

__all__ = ["cells", "measure"]

MISTAKE_REGIONS = 6
MISTAKE_ROWS = 30
CELLS = 24
WITHOUT = " without teacher"

Frames = dict[str, pd.DataFrame]


def measure(case: Case, rng: np.random.Generator, n_refits: int = 0, n_explained: int = 500) -> Frames:
    """All frames of an audit but the verdicts; see :class:`explaindistill.auditing.Audit`."""
    importance = measure_importance(case, rng, n_explained)
    return {
        "fidelity": _stack(_fidelity(case)),
        "performance": _stack(_performance(case)),
        **_bias(case),
        "mistakes": _stack(_mistakes(case, rng)),
        "stability": _stack(_stability(case, n_refits)),
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
    return _stack(iter(found)), trees


def decided(case: Case, P: NDArray[np.float64]) -> NDArray[Any]:
    """Decisions by the rule of the case."""
    return decisions(P, case.classes, case.favorable, case.threshold, sample_weight=case.weight)


def _stack(parts: Iterator[pd.DataFrame]) -> pd.DataFrame:
    found = [p for p in parts if len(p)]
    return pd.concat(found, ignore_index=True) if found else frame([])


def _fidelity(case: Case) -> Iterator[pd.DataFrame]:
    for s in case.subjects:
        yield _fidelity_on(case, s, np.ones(len(case.frame), dtype=bool))
        if case.equal_in_value.any() and not case.equal_in_value.all():
            part = _fidelity_on(case, s, ~case.equal_in_value)
            yield part[part["subset"] == ""].assign(subset="without rows equal to fitting rows")


def _fidelity_on(case: Case, s: Subject, kept: NDArray[np.bool_]) -> pd.DataFrame:
    shared: dict[str, Any] = {"clusters": _at(case.clusters, kept), "sample_weight": _at(case.weight, kept)}
    shared |= {"subject": s.name}
    if case.task == "regression":
        return regression_fidelity(case.P[kept], s.P[kept], **shared)
    rule: dict[str, Any] = {"classes": case.classes, "threshold": case.threshold, "favorable": case.favorable}
    return fidelity(case.P[kept], s.P[kept], **rule, **shared)


def _at(values: NDArray[Any] | None, kept: NDArray[np.bool_]) -> NDArray[Any] | None:
    return None if values is None else values[kept]


def _performance(case: Case) -> Iterator[pd.DataFrame]:
    for name, P in named_answers(case):
        metric = "accuracy" if case.task == "classification" else "r2"
        if case.y is None:
            yield _cannot_say(metric, name, "true labels were not given: pass y")
        elif P is None:
            yield _cannot_say(metric, name, "rows to train on were not given: pass train=(X, y)")
        else:
            yield _performance_of(case, name, P)


def named_answers(case: Case) -> Iterator[tuple[str, NDArray[np.float64] | None]]:
    """Every model of the case with its answers; None where a twin without teacher could not be trained."""
    yield "teacher", case.P
    for s in case.subjects:
        yield s.name, s.P
        yield s.name + WITHOUT, s.baseline


def _performance_of(case: Case, name: str, P: NDArray[np.float64]) -> pd.DataFrame:
    shared: dict[str, Any] = {"clusters": case.clusters, "sample_weight": case.weight, "subject": name}
    if case.task == "regression":
        return regression_performance(case.y, P, **shared)
    rule: dict[str, Any] = {"classes": case.classes, "threshold": case.threshold, "favorable": case.favorable}
    return performance(case.y, P, **rule, **shared)


def _cannot_say(metric: str, subject: str, reason: str) -> pd.DataFrame:
    line = row(metric, np.nan, np.nan, np.nan, n=0, subject=subject, status="undefined", reason=reason)
    return frame([line])


def _bias(case: Case) -> Frames:
    """Rates, gaps, fidelity and transfer by group; empty without sensitive columns or a favourable class."""
    empty = dict.fromkeys(("rates", "gaps", "group_fidelity", "transfer"), frame([]))
    if case.attributes.shape[1] == 0:
        return empty
    shared: dict[str, Any] = {"attributes": case.attributes, "sample_weight": case.weight}
    if case.task == "regression":
        rates = _stack(
            group_means_frame(v, y=None if name == "labels" else case.y, subject=name, **shared)
            for name, v in _outcomes(case)
        )
        shared_fidelity = shared | {"task": "regression"}
        fidelities = _stack(group_fidelity(case.P, s.P, subject=s.name, **shared_fidelity) for s in case.subjects)
        return empty | {"rates": rates, "gaps": group_gaps(rates), "group_fidelity": fidelities}
    shared |= {"clusters": case.clusters}
    decision = dict(_outcomes(case))
    fidelities = _stack(
        group_fidelity(decision["teacher"], decision[s.name], subject=s.name, **shared) for s in case.subjects
    )
    if case.favorable is None:
        return empty | {"group_fidelity": fidelities}
    shared |= {"favorable": case.favorable}
    rates = _stack(
        group_rates(d, y=None if name == "labels" else case.y, subject=name, **shared) for name, d in decision.items()
    )
    shifts = _stack(
        transfer(
            case.y, decision["teacher"], decision[s.name], decision.get(s.name + WITHOUT), subject=s.name, **shared
        )
        for s in case.subjects
    )
    return {"rates": rates, "gaps": group_gaps(rates), "group_fidelity": fidelities, "transfer": shifts}


def _outcomes(case: Case) -> Iterator[tuple[str, NDArray[Any]]]:
    """True labels, and the decision or value of every model."""
    if case.y is not None:
        yield "labels", case.y
    for name, P in named_answers(case):
        if P is not None:
            yield name, P if case.task == "regression" else decided(case, P)


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
