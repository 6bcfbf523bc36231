"""Fidelity as scikit-learn's ``scoring=`` wants it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, r2_score

from explaindistill.asking.labelling import label
from explaindistill.data.rows_sent import asking_for
from explaindistill.errors import InvalidInputError, PrivacyLossWarning
from explaindistill.protocols import Rows, TeacherLike
from explaindistill.teachers import as_teacher

__all__ = ["fidelity_scorer", "make_fidelity_scorer", "score"]

Scorer = Callable[..., float]


def fidelity_scorer(
    estimator: Any, X: Rows | None = None, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> float:
    """A scorer, ``scoring=xd.fidelity_scorer``: a fitted ``Distiller`` against its own teacher.

    Agreement with the teacher's class, or R² against its values in regression. A bare student knows no teacher:
    :func:`make_fidelity_scorer` makes its scorer.

    Parameters
    ----------
    estimator : Distiller
        Fitted; its label store, if it has one, is used.
    X : table of shape (n, d)
        Rows that the teacher is asked about.
    y : ignored
        There because scikit-learn hands it over.
    sample_weight : array of shape (n,), optional

    Returns
    -------
    float
        In 0 to 1 for classes, at most 1 for values.

    Raises
    ------
    InvalidInputError
        If the estimator has no teacher of its own.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> import explaindistill as xd
    >>> X, y = load_iris(return_X_y=True)
    >>> teacher = LogisticRegression(max_iter=500).fit(X, y)
    >>> distiller = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=6), random_state=0)
    >>> bool(cross_val_score(distiller, X, y, cv=3, scoring=xd.fidelity_scorer).mean() > 0.8)
    True
    """
    if X is None or not hasattr(estimator, "teacher_"):
        raise InvalidInputError(
            f"estimator must be a fitted Distiller with rows to score, got {'a' if X is None else 'rows and a'} "
            f"{type(estimator).__name__}{' alone' if X is None else ''}; a scorer of bare students is "
            "make_fidelity_scorer(teacher)"
        )
    objects = getattr(estimator, "object_rows_", None)
    rows = X if objects is None else objects.frame(X)
    return float(make_fidelity_scorer(estimator.teacher_, store=estimator.store)(estimator, rows, y, sample_weight))


def make_fidelity_scorer(teacher: TeacherLike, store: Any = None) -> Scorer:
    """Make a scorer of bare students for scikit-learn's ``scoring=``: agreement with ``teacher``, or R² against it.

    Parameters
    ----------
    teacher : as in Distiller
    store : path or LabelStore, optional
        Where answers are looked up and kept, so that no row is asked twice.

    Returns
    -------
    callable
        ``(estimator, X, y=None, sample_weight=None)``, a float as of :func:`fidelity_scorer`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> import explaindistill as xd
    >>> X, y = load_iris(return_X_y=True)
    >>> scorer = xd.make_fidelity_scorer(LogisticRegression(max_iter=500).fit(X, y))
    >>> bool(cross_val_score(DecisionTreeClassifier(random_state=0), X, y, scoring=scorer).mean() > 0.9)
    True
    """
    adapter = as_teacher(teacher)
    task = "regression" if adapter.classes_ is None else "classification"

    def fidelity(estimator: Any, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        with asking_for("score"):
            _warn_of_privacy_loss(adapter, X)
            truth = label(adapter, X, store=store)
        if adapter.classes_ is not None:
            truth = np.asarray(adapter.classes_)[truth.argmax(axis=1)]
        return score(truth, estimator.predict(X), task, sample_weight)

    return fidelity


def _warn_of_privacy_loss(teacher: Any, X: Any) -> None:
    """Say what these rows would cost before they are asked, where a teacher's answers cost privacy."""
    if not hasattr(teacher, "epsilon_with"):
        return
    before, after = teacher.epsilon, teacher.epsilon_with(X)
    if after > before:
        warnings.warn(
            f"scoring asks {teacher.name} about rows that it has not answered: epsilon rises from {before:.3g} to "
            f"{after:.3g} at delta={teacher.delta:g}; score rows that were asked before, or give y",
            PrivacyLossWarning,
            stacklevel=4,
        )


def score(truth: Any, answer: Any, task: str, sample_weight: ArrayLike | None = None) -> float:
    """Accuracy of classes, or R² of values.

    Examples
    --------
    >>> score(["a", "b"], ["a", "a"], "classification"), score([0.0, 2.0], [0.0, 1.0], "regression")
    (0.5, 0.5)
    """
    measure = accuracy_score if task == "classification" else r2_score
    return float(measure(truth, answer, sample_weight=sample_weight))
