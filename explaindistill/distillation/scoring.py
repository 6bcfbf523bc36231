"""Fidelity as scikit-learn's ``scoring=`` wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, r2_score

from explaindistill.teachers import as_teacher

__all__ = ["fidelity_scorer", "score"]


def fidelity_scorer(teacher: Any) -> Callable[..., float]:
    """Scorer for scikit-learn's ``scoring=``: agreement with the teacher, or R² against it in regression.

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
    adapter = as_teacher(teacher)
    task = "regression" if adapter.classes_ is None else "classification"

    def fidelity(estimator: Any, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        return score(adapter.predict(X), estimator.predict(X), task, sample_weight)

    return fidelity


def score(truth: Any, answer: Any, task: str, sample_weight: ArrayLike | None = None) -> float:
    """Accuracy of classes, or R² of values.

    Examples
    --------
    >>> score(["a", "b"], ["a", "a"], "classification"), score([0.0, 2.0], [0.0, 1.0], "regression")
    (0.5, 0.5)
    """
    measure = accuracy_score if task == "classification" else r2_score
    return float(measure(truth, answer, sample_weight=sample_weight))
