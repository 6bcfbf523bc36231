"""The door of every student: rows, labels and weights are checked here and trusted inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE, disclosed, people_of
from explaindistill.data.door import opened
from explaindistill.data.labels import as_labels, as_values
from explaindistill.data.schema import Schema
from explaindistill.data.target_names import target_name
from explaindistill.data.targets import as_soft_targets
from explaindistill.data.weights import as_weights
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.trees.fixed_point import whole_weights

__all__ = ["Intake", "column_classes", "fit_classifier", "fit_regressor", "names_of_columns", "read_signs", "rows"]


@dataclass(frozen=True)
class Intake:
    """What a student fits to: rows of weight zero are gone, classes are sorted.

    ``Y`` is ``(n, k)``: probabilities in the order of ``classes``, or outputs in regression.
    """

    schema: Schema
    X: pd.DataFrame
    Y: NDArray[np.float64]
    weight: NDArray[np.float64]
    classes: NDArray[Any] | None
    soft: bool


def fit_classifier(
    estimator: Any, X: Any, y: Any, sample_weight: ArrayLike | None = None, classes: ArrayLike | None = None
) -> Intake:
    """Check what a classifier is fitted to, and set what all of them have.

    These are ``n_features_in_``, ``feature_names_in_``, ``schema_``, ``classes_`` and ``target_name_``.

    Raises
    ------
    InvalidInputError
        For fewer than two classes, soft labels that are not probabilities, or bad weights.
    """
    frame = _open(estimator, X, y)
    estimator.target_name_ = target_name(y, getattr(estimator, "feature_names_in_", ()))
    _check_rows(frame, y)
    if _width(y) == 1:
        _check_column(y, "one label per row, or soft labels in a column per class")
        y = as_labels(y)
        _check_discrete(y)
    P, labels, soft = as_soft_targets(y, classes)
    if len(labels) < 2:
        raise InvalidInputError(f"y must have at least 2 classes, got 1 class: {labels.tolist()}")
    estimator.classes_ = labels
    return _close(estimator, frame, P, sample_weight, labels, soft)


def fit_regressor(
    estimator: Any, X: Any, y: Any, sample_weight: ArrayLike | None = None, multi_output: bool = False
) -> Intake:
    """Check what a regressor is fitted to; sets ``n_features_in_``, ``feature_names_in_``, ``schema_``, ``n_outputs_``.

    ``Y`` of the result is always ``(n, m)``; ``m`` is 1 unless ``multi_output``.
    """
    frame = _open(estimator, X, y)
    estimator.target_name_ = target_name(y, getattr(estimator, "feature_names_in_", ()))
    _check_rows(frame, y)
    if not multi_output or _width(y) == 1:
        _check_column(y, "one value per row; fit one student per column")
    values = as_values(y)
    Y = values.reshape(len(values), -1)
    estimator.n_outputs_ = Y.shape[1]
    return _close(estimator, frame, Y, sample_weight, None, True)


def rows(estimator: Any, X: Any) -> pd.DataFrame:
    """Rows for a fitted student, as a DataFrame with the columns it was fitted to."""
    check_is_fitted(estimator)
    return estimator.schema_.frame(_named(estimator, opened(estimator, X, reset=False)))


def names_of_columns(argument: str, wishes: Any) -> list[Any]:
    """Columns that a mapping of wishes names; none where it is None.

    Raises
    ------
    InvalidInputError
        For what is no mapping.

    Examples
    --------
    >>> names_of_columns("monotone", {"debt": -1})
    ['debt']
    """
    if wishes is None:
        return []
    if not isinstance(wishes, Mapping):
        raise InvalidInputError(f'{argument} must be a mapping such as {{"income": 1}} or None, got {wishes!r}')
    return list(wishes)


def read_signs(argument: str, signs: Mapping[str, int] | None, schema: Schema) -> NDArray[np.int64]:
    """What is asked of each column's direction ``(d,)``: 1, -1 or 0; a column that is not named has 0.

    Raises
    ------
    InvalidInputError
        For a column that does not exist, or another sign.

    Examples
    --------
    >>> schema = Schema.infer(pd.DataFrame({"age": [20, 30], "debt": [1.0, 2.0]}))
    >>> read_signs("monotone", {"debt": -1}, schema).tolist()
    [0, -1]
    """
    out = np.zeros(len(schema), dtype=np.int64)
    for name in names_of_columns(argument, signs):
        position, sign = schema.names.index(schema[name].name), (signs or {})[name]
        if isinstance(sign, bool) or not isinstance(sign, int | float | np.number) or sign not in (-1, 0, 1):
            raise InvalidInputError(f"{argument}[{name!r}] must be -1, 0 or 1, got {sign!r}")
        out[position] = sign
    return out


def _open(estimator: Any, X: Any, y: Any) -> pd.DataFrame:
    if y is None:
        raise InvalidInputError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    return opened(estimator, X, reset=True)


def _close(
    estimator: Any,
    frame: pd.DataFrame,
    Y: NDArray[np.float64],
    sample_weight: ArrayLike | None,
    classes: NDArray[Any] | None,
    soft: bool,
) -> Intake:
    weight = as_weights(sample_weight, len(frame))
    if not (counts := weight > 0).all():
        frame, Y, weight = frame.loc[counts], Y[counts], weight[counts]
    frame = _named(estimator, frame)
    exact = replace(Schema.infer(frame), container="frame" if hasattr(estimator, "feature_names_in_") else "array")
    # a student is an artefact: its schema, and with it all that it learns of categories and bounds, may leave
    people = people_of(frame)
    size = getattr(estimator, "min_category_size", MIN_CATEGORY_SIZE)
    schema = disclosed(exact, frame, size, people, _repetitions(weight) if people is frame else None)
    estimator.schema_ = schema
    return Intake(schema, frame, np.ascontiguousarray(Y), weight, classes, soft)


def _named(estimator: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """Columns are called x0, x1, … where the estimator was fitted to columns without names."""
    if hasattr(estimator, "feature_names_in_"):
        return frame
    return frame.set_axis([f"x{i}" for i in range(frame.shape[1])], axis=1)


def _repetitions(weight: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """People that each row stands for: whole-number weights are repetitions of a row, others say nothing of people."""
    whole, unit = whole_weights(weight)
    return whole if unit == 1.0 else None


def _check_rows(frame: pd.DataFrame, y: Any) -> None:
    shape = np.asarray(y).shape
    if len(shape) == 0:
        raise InvalidInputError(f"y should be a 1d array, got {y!r}; give one entry for each of the {len(frame)} rows")
    if (n := shape[0]) != len(frame):
        raise InvalidInputError(
            f"y must have one entry per row of X, {len(frame)}, got {n}: inconsistent numbers of samples"
        )


def _check_column(y: Any, wanted: str) -> None:
    """A column vector is taken with scikit-learn's own warning."""
    try:
        column_or_1d(np.asarray(y), warn=True)
    except ValueError as error:
        raise InvalidInputError(f"{error} y must have {wanted}") from error


def _check_discrete(y: NDArray[Any]) -> None:
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise InvalidInputError(
            f"{str(error).split('. ')[0]}: y must be classes for a Classifier, got numbers such as {y[0].item()!r}; "
            "use a Regressor, or give soft labels as two columns"
        ) from error


def column_classes(estimator: Any, y: Any) -> ArrayLike | None:
    """Classes of the columns of soft labels that a fitted classifier is given as an array; None for hard labels.

    Without ``classes=`` the columns are in the order of ``classes_``, as those of ``predict_proba`` are.
    """
    if _width(y) == 1:
        return None
    return estimator.classes_ if estimator.classes is None else estimator.classes


def _width(y: Any) -> int:
    shape = np.asarray(y).shape
    return int(shape[1]) if len(shape) == 2 else 1
