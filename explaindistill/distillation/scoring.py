"""Fidelity as scikit-learn's ``scoring=`` wants it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, r2_score

from explaindistill.asking.labelling import label
from explaindistill.data.rows_sent import asking_for
from explaindistill.errors import InvalidInputError, PrivacyLossWarning
from explaindistill.teachers import as_teacher

__all__ = ["fidelity_scorer", "score"]


def fidelity_scorer(teacher: Any, *rows: Any, store: Any = None) -> Any:
    """Scorer for scikit-learn's ``scoring=``: agreement with the teacher, or R² against it in regression.

    It makes a scorer, ``scoring=fidelity_scorer(teacher)``. Given as a scorer itself, ``scoring=fidelity_scorer``,
    it holds a fitted ``Distiller`` against its own teacher, and refuses anything else.

    Parameters
    ----------
    teacher : as in Distiller
    store : path or LabelStore, optional
        Where answers are looked up and kept, so that no row is asked twice; that of a ``Distiller`` is used by itself.

    Raises
    ------
    InvalidInputError
        If it is called as a scorer of an estimator that has no teacher.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> import explaindistill as xd
    >>> X, y = load_iris(return_X_y=True)
    >>> teacher = LogisticRegression(max_iter=500).fit(X, y)
    >>> scores = cross_val_score(DecisionTreeClassifier(random_state=0), X, y, scoring=xd.fidelity_scorer(teacher))
    >>> bool(scores.mean() > 0.9)
    True
    """
    if rows:
        distiller = teacher  # scikit-learn called it as if it were the scorer, with what is to be judged in front
        if not hasattr(distiller, "teacher_"):
            raise InvalidInputError(
                f"fidelity_scorer makes a scorer and is none, got a {type(distiller).__name__} and rows; "
                "say scoring=fidelity_scorer(teacher)"
            )
        return fidelity_scorer(distiller.teacher_, store=distiller.store)(distiller, *rows)
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
