"""Fit any student to soft targets: ours take them as they are, others get weighted rows."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from explaindistill.data.disclosure import fitted_on
from explaindistill.data.schema import Schema
from explaindistill.data.targets import SoftTargets
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Task

__all__ = ["as_targets", "fit_student", "task_of"]


def task_of(estimator: Any) -> Task | None:
    """Whether a scikit-learn estimator is a classifier or a regressor; None where it does not say."""
    if not hasattr(estimator, "__sklearn_tags__"):
        return None  # somebody's own class with the same methods
    kind = get_tags(estimator).estimator_type
    return {"classifier": "classification", "regressor": "regression"}.get(kind)  # type: ignore[return-value]


def fit_student(student: Any, targets: SoftTargets, schema: Schema, columns: Any = None, people: Any = None) -> str:
    """Fit ``student`` in place.

    Parameters
    ----------
    student : scikit-learn estimator
        A Pipeline is looked through to its last step.
    targets : SoftTargets
    schema : Schema
        Of the rows as the student sees them; decides between frame and array for third-party students.
    columns : DataFrame, optional
        Rows as the student sees them, where they differ from ``targets.X``.
    people : DataFrame or array, optional
        The real rows as the student sees them, which decide what of categories and bounds it may keep; those of
        ``targets`` that were observed when None, all where none was.

    Returns
    -------
    str
        How the targets were given: ``"soft"``, ``"weighted rows"`` (each row repeated per class with weight p_k),
        ``"values"``, or ``"hard"`` where the student takes no weights.
    """
    X = targets.X if columns is None else columns
    if not hasattr(student, "fit"):
        kind = type(student).__name__
        raise InvalidInputError(f"student must have a method fit, got {kind}; a StudentChoice is for Distiller alone")
    if people is None:
        observed = targets.origin == "observed"
        people = (
            X
            if observed.all() or not observed.any()
            else X.loc[observed]
            if isinstance(X, pd.DataFrame)
            else X[observed]
        )
    with fitted_on(people):
        return _fit_as_it_takes(student, targets, X, schema)


def _fit_as_it_takes(student: Any, targets: SoftTargets, X: Any, schema: Schema) -> str:
    last = student.steps[-1][1] if isinstance(student, Pipeline) else student
    soft = getattr(last, "accepts_soft_targets", False)
    # an array in, an array out: third-party students then see what scikit-learn would have shown them
    X = schema.restore(X) if isinstance(X, pd.DataFrame) else X
    if targets.classes is None:
        y = targets.P[:, 0] if targets.P.ndim == 2 and targets.P.shape[1] == 1 else targets.P
        _fit(student, last, X, y, targets.weight)
        return "values"
    if soft:
        _fit(student, last, X, pd.DataFrame(targets.P, columns=targets.classes), targets.weight)
        return "soft"
    if _weight_name(student, last) is None:
        student.fit(X, targets.classes[targets.P.argmax(axis=1)])
        return "hard"
    rows, codes = np.nonzero(targets.P > 0)
    weight = targets.P[rows, codes] * targets.weight[rows]
    repeated = X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]
    _fit(student, last, repeated, targets.classes[codes], weight)
    return "weighted rows"


def as_targets(
    X: pd.DataFrame, y: Any, weight: NDArray[np.float64] | None, classes: NDArray[Any] | None
) -> SoftTargets:
    """True labels in the form of soft targets, for a student that is trained without the teacher."""
    from explaindistill.data.targets import one_hot

    w = np.ones(len(X)) if weight is None else np.asarray(weight, dtype=float)
    P = np.asarray(y, dtype=float) if classes is None else one_hot(y, classes)
    return SoftTargets(X, P, w, np.full(len(X), "observed"), classes, 0)


def _fit(student: Any, last: Any, X: Any, y: Any, weight: NDArray[np.float64]) -> None:
    name = _weight_name(student, last)
    student.fit(X, y, **({} if name is None else {name: weight}))


def _weight_name(student: Any, last: Any) -> str | None:
    """Name under which the student's ``fit`` takes weights."""
    if not has_fit_parameter(last, "sample_weight"):
        takes_all = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(last.fit).parameters.values())
        if not (takes_all and hasattr(last, "steps")):
            return None
    return f"{student.steps[-1][0]}__sample_weight" if isinstance(student, Pipeline) else "sample_weight"


def check_task(student: Any, teacher: Any) -> Task:
    """Task of the pair.

    Raises
    ------
    InvalidInputError
        If a classifier is to mimic values, or a regressor classes.
    """
    wanted: Task = "regression" if teacher.classes_ is None else "classification"
    offered = task_of(student)
    if offered not in (None, wanted):
        way = "use a Classifier"
        if wanted == "regression":
            way = "use a Regressor, or, if it answers with classes, say them: as_teacher(teacher, classes=[...])"
        raise InvalidInputError(f"student must do {wanted} since the teacher does, got {type(student).__name__}; {way}")
    return wanted
