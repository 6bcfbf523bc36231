"""frontier(): many students of many sizes on one set of answers, and the simplest one that is faithful enough."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from explaindistill.asking.labelling import label
from explaindistill.asking.progress import Show, Stage, under_way
from explaindistill.data.files import write_whole
from explaindistill.data.rows_sent import asking_for
from explaindistill.data.schema import Schema
from explaindistill.data.student_view import StudentView
from explaindistill.data.targets import SoftTargets
from explaindistill.data.weights import as_weights
from explaindistill.distillation.corpus import QueryPlan, compose
from explaindistill.distillation.made_rows import FitRows
from explaindistill.distillation.objects.asking import compose_objects
from explaindistill.distillation.objects.columns import object_view
from explaindistill.distillation.objects.rows import ObjectRows
from explaindistill.distillation.objects.sampling import object_plan
from explaindistill.distillation.objects.teacher import teacher_of_objects
from explaindistill.distillation.stable import most_questions
from explaindistill.distillation.student_fit import check_task, fit_student
from explaindistill.distillation.studies.family_sizes import default_students
from explaindistill.distillation.studies.fronts import Frontier
from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity, regression_fidelity
from explaindistill.numerics.statistics.intervals import bonett_price, normal_quantile, wilson
from explaindistill.protocols import Rows, TeacherLike
from explaindistill.teachers import as_teacher

__all__ = ["frontier"]

TEST_SHARE = 0.3
"""Share of the rows that no student is fitted to where the caller gives no rows to measure on."""
ASKING, FITTING = "asking the teacher", "fitting students"
OPTIONS = frozenset({"domain", "sampler", "n_queries", "query_strategy", "proxy", "store", "random_state"})


def frontier(
    teacher: TeacherLike,
    X: Rows,
    students: Mapping[str, Any] | None = None,
    *,
    X_test: Rows | None = None,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
    folder: str | Path | None = None,
    progress: Show = None,
    **asking: Any,
) -> Frontier:
    """Fit many students to the same answers and measure them on the same rows that no fitting saw.

    Parameters
    ----------
    teacher : as in Distiller
    X : DataFrame or array of shape (n, d)
    students : mapping of name to unfitted student, optional
        All families at several sizes, see :func:`~explaindistill.distillation.studies.family_sizes.default_students`,
        when None.
    X_test : rows to measure on, optional
        A random 30 % of X, left out of fitting, when None.
    sample_weight : array of shape (n,), optional
    n_jobs : int, optional
        Processes, as in joblib.
    folder : path, optional
        Where finished students are kept as JSON, so that a run that was stopped goes on where it was.
    progress : bool or callable, optional
        How far it is, see :func:`explaindistill.label`.
    **asking
        As in Distiller: ``domain`` (all students see the same columns of it), ``sampler``, ``n_queries``,
        ``query_strategy``, ``proxy``, ``store`` and ``random_state``, an int, 0 where it is not given.

    Returns
    -------
    Frontier

    Examples
    --------
    >>> import explaindistill as xd
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> forest = RandomForestClassifier(20, random_state=0).fit(X, y)
    >>> students = {f"tree, {n} leaves": xd.TreeClassifier(max_leaf_nodes=n) for n in (2, 4, 8)}
    >>> front = xd.frontier(forest, X, students)
    >>> front.frame["n_numbers"].tolist()
    [3, 7, 15]
    >>> front.simplest(agreement=0.8).complexity().n_leaves <= 8
    True
    """
    if unknown := asking.keys() - OPTIONS:
        raise TypeError(f"frontier() got an unexpected keyword argument {min(unknown)!r}")
    domain, store, seed = asking.pop("domain", None), asking.pop("store", None), asking.pop("random_state", 0)
    plan = QueryPlan(**asking)
    objects = None if domain is None else ObjectRows.of(domain, X)
    adapter = as_teacher(teacher) if objects is None else teacher_of_objects(teacher, objects)
    if objects is not None:
        X, X_test = objects.frame(X), None if X_test is None else objects.frame(X_test)
        plan = object_plan(plan, domain)
    task = "regression" if adapter.classes_ is None else "classification"
    n_classes = None if adapter.classes_ is None else len(adapter.classes_)
    named = dict(default_students(n_classes) if students is None else students)
    for student in named.values():
        check_task(student, adapter)
    schema = Schema.infer(X)
    frame = schema.frame(X)
    weight = as_weights(sample_weight, len(frame))
    train, test = _split(frame, schema, X_test, seed)
    rows = FitRows.of(frame.iloc[train].reset_index(drop=True), schema, weight[train])
    rows_asked = most_questions(plan.n_queries, len(rows)) + len(test)
    with under_way(progress, [Stage(ASKING, work=1.0, rows=rows_asked), Stage(FITTING, 10.0)], store) as work:
        with asking_for("fit"):
            if objects is None:
                view = StudentView(schema)
                composed = compose(adapter, rows, plan, store=store, seed=seed)
            else:
                view = object_view(objects, schema)
                composed = compose_objects(adapter, rows, plan, view.features, store=store, seed=seed)
        targets = replace(composed.targets, X=view.of(composed.targets.X))
        with asking_for("held-out"):
            P = label(adapter, schema.restore(test), store=store)
        exam = _Exam(schema, view.of(test), P, adapter.classes_)
        cache = _FittedCache(folder, targets)
        jobs = (
            joblib.delayed(_one)(name, clone(student), targets, exam, cache.path(name, student))
            for name, student in named.items()
        )
        work.enter(FITTING)
        lines = []
        for line in joblib.Parallel(n_jobs=n_jobs, return_as="generator")(jobs):
            lines.append(line)
            work.tell(f"{len(lines)} of {len(named)}", len(lines) / len(named))
    return _ranked(lines, composed.corpus.n_queries + len(test), task)


def _split(frame: pd.DataFrame, schema: Schema, X_test: Any, seed: int) -> tuple[NDArray[np.intp], pd.DataFrame]:
    if X_test is not None:
        return np.arange(len(frame)), schema.frame(X_test)
    order = np.random.default_rng([seed, 2]).permutation(len(frame))
    n_test = int(TEST_SHARE * len(frame))
    if n_test < 1:
        raise InvalidInputError(f"X must have at least 4 rows to hold some out, got {len(frame)}; or give X_test")
    return np.sort(order[n_test:]), frame.iloc[np.sort(order[:n_test])].reset_index(drop=True)


@dataclass(frozen=True)
class _Exam:
    """Rows that no fitting saw, and the teacher's answers."""

    schema: Schema
    rows: pd.DataFrame
    P: NDArray[np.float64]
    classes: NDArray[Any] | None


class _FittedCache:
    """Fitted students as JSON, one file each, named by what decides the result."""

    def __init__(self, folder: str | Path | None, targets: SoftTargets) -> None:
        self.folder = None if folder is None else Path(folder)
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            body = pd.util.hash_pandas_object(targets.X, index=False).to_numpy().tobytes()
            self.corpus = hashlib.sha256(body + targets.P.tobytes() + targets.weight.tobytes()).hexdigest()

    def path(self, name: str, student: Any) -> Path | None:
        if self.folder is None or not hasattr(type(student), "from_dict"):
            return None
        text = f"{self.corpus}{name}{type(student).__name__}{sorted(student.get_params().items())}"
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"


def _one(name: str, student: Any, targets: SoftTargets, exam: _Exam, path: Path | None) -> dict[str, Any]:
    """Fit one student, or read it back, and measure it."""
    start = time.perf_counter()
    if path is not None and path.exists():
        data = json.loads(path.read_text())
        student, seconds = type(student).from_dict(data["student"]), float(data["fit_seconds"])
    else:
        fit_student(student, targets, exam.schema)
        seconds = time.perf_counter() - start
        if path is not None:
            write_whole(path, json.dumps({"student": student.to_dict(), "fit_seconds": seconds}))
    line = _measured(student, exam)
    return {"student": name, "fitted": student, "fit_seconds": seconds, **_size(student, exam.rows), **line}


def _size(student: Any, test: pd.DataFrame) -> dict[str, Any]:
    """What there is to read; NaN where nobody counts it, as of a student that is not one of ours."""
    if not hasattr(student, "complexity"):
        uncounted = dict.fromkeys(("n_lines", "n_numbers", "n_parameters"), np.nan)
        return {"family": type(student).__name__, **uncounted, "n_features": test.shape[1]}
    record = student.complexity()
    counts = {name: np.nan if (n := getattr(record, name)) is None else n for name in ("n_lines", "n_numbers")}
    return {
        "family": record.family, **counts, "n_parameters": record.n_parameters, "n_features": record.n_features,
    }  # fmt: skip


def _measured(student: Any, exam: _Exam) -> dict[str, Any]:
    """Fidelity on rows that no fitting saw, and per row how well the student repeats the teacher."""
    rows, P, classes = exam.schema.restore(exam.rows), exam.P, exam.classes
    if classes is None:
        answer = np.asarray(student.predict(rows), dtype=float)
        table = regression_fidelity(P, answer)
        same = -((answer - P) ** 2).reshape(len(P), -1).sum(axis=1)
        metric = "r2"
    else:
        answer = np.zeros(P.shape)
        answer[:, np.searchsorted(classes, student.classes_)] = student.predict_proba(rows)
        table = fidelity(P, answer, DecisionRule(classes))
        same = (answer.argmax(axis=1) == P.argmax(axis=1)).astype(float)
        metric = "agreement"
    line = table[(table["metric"] == metric) & (table["subset"] == "")].iloc[0]
    return {"metric": metric, "same": same, **{c: line[c] for c in ("n", "k", "estimate", "low", "high")}}


def _ranked(lines: list[dict[str, Any]], n_queries: int, task: str) -> Frontier:
    table = pd.DataFrame(lines).sort_values(["n_numbers", "estimate"], ascending=[True, False], kind="stable")
    students = dict(zip(table["student"], table.pop("fitted"), strict=True))
    same = np.stack(table.pop("same").tolist())
    table = table.reset_index(drop=True)
    table["low_simultaneous"], table["high_simultaneous"] = _simultaneous(table)
    table["front"] = [_standing(table, same, i, task) for i in range(len(table))]
    columns = [
        "student", "family", "n_lines", "n_numbers", "n_parameters", "n_features", "metric", "n", "k", "estimate",
        "low", "high", "low_simultaneous", "high_simultaneous", "front", "fit_seconds",
    ]  # fmt: skip
    return Frontier(table[columns], students, n_queries)


def _simultaneous(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intervals that hold for all students at once: Bonferroni's, by the ratio of normal quantiles."""
    level = 1 - 0.05 / len(table)
    if table["metric"].iloc[0] == "agreement":
        low, high = wilson(table["k"].to_numpy(float), table["n"].to_numpy(float), level)
        return np.asarray(low), np.asarray(high)
    stretch = normal_quantile(level) / normal_quantile(0.95)
    centre = table["estimate"]
    return (
        np.asarray(centre - stretch * (centre - table["low"])),
        np.asarray(centre + stretch * (table["high"] - centre)),
    )


def _standing(table: pd.DataFrame, same: NDArray[np.float64], i: int, task: str) -> str:
    """Whether a student that is no larger does better, and whether beyond chance: paired on the same rows."""
    size, value = table["n_numbers"].to_numpy(float), table["estimate"].to_numpy(float)
    if np.isnan(size[i]):
        return "no size"
    rivals = np.flatnonzero((size <= size[i]) & (value > value[i]))
    if len(rivals) == 0:
        return "front"
    best = rivals[value[rivals].argmax()]
    gain = same[best] - same[i]
    if task == "classification":
        low = float(bonett_price((gain > 0).sum(), (gain < 0).sum(), len(gain))[0])
    else:
        low = float(gain.mean() - 1.96 * gain.std(ddof=1) / np.sqrt(len(gain)))
    return "dominated" if low > 0 else "tied"
