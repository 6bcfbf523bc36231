"""Teachers that follow scikit-learn's API: estimators, Pipelines, and boosting packages that speak it."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.rows_sent import RowsSent
from explaindistill.errors import InvalidInputError
from explaindistill.teachers._checks import (
    Output,
    answering,
    check_output,
    checked_answer,
    class_order,
    in_order,
    no_probabilities,
    sorted_classes,
    values_not_chances,
)
from explaindistill.teachers._fingerprint import of_object

__all__ = ["EstimatorTeacher"]

_METHODS: dict[Output, str] = {
    "probabilities": "predict_proba",
    "logits": "decision_function",
    "labels": "predict",
    "value": "predict",
}


PREPARE = (
    "what is done to rows beforehand is part of the teacher: give a fitted Pipeline, or "
    "as_teacher(lambda X: model.predict_proba(prepared(X)), classes=[...])"
)


class EstimatorTeacher:
    """A fitted estimator of scikit-learn's API as a teacher.

    Parameters
    ----------
    estimator : object
        Fitted; anything with ``predict_proba``, ``decision_function`` or ``predict``.
    output : {"probabilities", "logits", "labels", "value"}, optional
        Which method is asked: ``predict_proba``, ``decision_function``, ``predict`` of classes, ``predict`` of values.
        When None, scikit-learn's kind of the estimator decides: probabilities for a classifier, values for a regressor.
    classes : array of shape (k,), optional
        Names for the estimator's own ``classes_``, in their order.

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted, or None in regression
    rows_sent_ : RowsSent
        Rows that were sent to the model, by purpose.

    Raises
    ------
    InvalidInputError
        If the estimator is not fitted, cannot give this output, or labels several targets at once.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> fitted = LogisticRegression(max_iter=500).fit(X, y)
    >>> teacher = EstimatorTeacher(fitted, classes=["setosa", "versicolor", "virginica"])
    >>> teacher.predict(X[:1]).tolist(), teacher.predict_proba(X).shape
    (['setosa'], (150, 3))
    """

    def __init__(self, estimator: Any, output: Output | None = None, classes: ArrayLike | None = None) -> None:
        _check_fitted(estimator)
        self.estimator = estimator
        trained_on = _trained_on(estimator)
        chosen = output or _output(estimator, trained_on)
        if chosen == "value":
            trained_on = None
        names = _names(trained_on, classes) if chosen != "value" else classes
        self.output: Output = check_output(chosen, names)
        if not hasattr(estimator, _METHODS[self.output]):
            raise InvalidInputError(
                f"{self.name} has no {_METHODS[self.output]}, which output={self.output!r} needs; "
                "say output='labels' for a classifier without probabilities"
            )
        self._trained_on = trained_on
        self._values_said = output is not None or (hasattr(estimator, "__sklearn_tags__") and is_regressor(estimator))
        self.classes_, self._order = class_order(names)
        self.rows_sent_ = RowsSent()

    @property
    def name(self) -> str:
        """Class of the estimator."""
        return type(self.estimator).__name__

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        if self.classes_ is None:
            raise no_probabilities(self.name)
        return self._ask(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class ``(n,)``, or values ``(n,)`` or ``(n, m)``."""
        answer = self._ask(X)
        return answer if self.classes_ is None else self.classes_[answer.argmax(axis=1)]

    def _ask(self, X: Any) -> NDArray[np.float64]:
        self.rows_sent_.add(len(X))
        with answering(self.name, X, PREPARE):
            raw = getattr(self.estimator, _METHODS[self.output])(in_order(X, _columns_of(self.estimator)))
        if self.output == "labels" and self._trained_on is not None:
            # the labels are the estimator's; from its sorted classes back to its own order, and on to that of classes_
            sorted_names, order = sorted_classes(self._trained_on)
            P = checked_answer(raw, len(X), "labels", sorted_names, None, self.name)
            return P[:, np.argsort(order)][:, self._order]
        answer = checked_answer(raw, len(X), self.output, self.classes_, self._order, self.name)
        return answer if self._values_said or self.classes_ is not None else values_not_chances(answer, self.name)

    def column_of(self, label: Any) -> int:
        """Position, among the estimator's own classes, of one of ``classes_``."""
        assert self.classes_ is not None
        assert self._order is not None
        return int(self._order[self.classes_.tolist().index(label)])

    def fingerprint(self) -> str | None:
        """Digest of the estimator's state, the classes and the output."""
        classes = None if self.classes_ is None else self.classes_.tolist()
        return of_object(self.estimator, "estimator", classes, self.output)

    def weights(self) -> bytes | None:
        """The estimator's pickle; None where it cannot be pickled."""
        try:
            return pickle.dumps(self.estimator, protocol=5)
        except Exception:  # whatever an object raises when it is pickled, the answer is the same: cannot tell
            return None

    def __sklearn_clone__(self) -> EstimatorTeacher:
        return self


def _check_fitted(estimator: Any) -> None:
    if not isinstance(estimator, type) and not hasattr(estimator, "__sklearn_tags__"):
        return  # somebody's own class with the same methods: only scikit-learn's say whether they are fitted
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise InvalidInputError(
            f"teacher must be fitted, this {type(estimator).__name__} is not; fit it first"
        ) from error
    except TypeError as error:  # not an estimator instance: a class by mistake, or an object that is only asked
        if isinstance(estimator, type):
            raise InvalidInputError(f"teacher must be a fitted object, got the class {estimator.__name__}") from error


def _columns_of(estimator: Any) -> Any:
    """Names of the columns an estimator was fitted with; None where it does not say, or saw none."""
    try:
        return getattr(estimator, "feature_names_in_", None)
    except Exception:  # a property that is computed, of an object that cannot tell
        return None


def _trained_on(estimator: Any) -> NDArray[Any] | None:
    """Classes as the estimator names them; None where it has none."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return None
    if isinstance(classes, list) and classes and np.ndim(classes[0]) > 0:
        raise InvalidInputError(
            f"teacher must label one target, this {type(estimator).__name__} labels {len(classes)} at once; "
            "give one teacher per target"
        )
    return np.asarray(classes)


def _output(estimator: Any, trained_on: NDArray[Any] | None) -> Output:
    if hasattr(estimator, "__sklearn_tags__"):
        if is_regressor(estimator):
            return "value"
        if is_classifier(estimator):
            return "probabilities"
    if trained_on is not None:
        return "probabilities"
    return "probabilities" if hasattr(estimator, "predict_proba") else "value"


def _names(trained_on: NDArray[Any] | None, classes: ArrayLike | None) -> ArrayLike | None:
    if classes is not None and trained_on is not None and len(trained_on) != len(np.asarray(classes)):
        raise InvalidInputError(
            f"classes must name the estimator's {len(trained_on)} classes, got {len(np.asarray(classes))} names"
        )
    return trained_on if classes is None else classes
