"""What `audit()` accepts: every argument is checked here, and none is asked of a model before all of them hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.class_words import class_words
from explaindistill.data.named_columns import named_columns, without
from explaindistill.data.rows import as_frame
from explaindistill.data.schema import Schema
from explaindistill.distillation.student_fit import check_task
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.measures.decision import EVEN, DecisionRule
from explaindistill.measures.favorable import class_labels, class_named, which_is_wanted
from explaindistill.teachers import as_teacher

__all__ = [
    "attribute_columns",
    "check_threshold",
    "decision_rule",
    "favorable_class",
    "in_row_order",
    "labelled_rows",
    "named_students",
    "row_values",
    "same_task_teacher",
    "strata_values",
    "stress_rows",
    "true_labels",
]


def named_students(students: Any, teacher: Any) -> dict[str, Any]:
    """Fitted students by name, each of the teacher's task; one that comes alone is called "student"."""
    named = dict(students) if isinstance(students, Mapping) else {"student": students}
    if not named:
        raise InvalidInputError("students must hold at least 1 fitted student, got none")
    if reserved := {"labels", "teacher"} & set(named):
        raise InvalidInputError(f"students must not be called {', '.join(sorted(reserved))}; choose other names")
    for name, student in named.items():
        if not hasattr(student, "predict"):
            raise InvalidInputError(f"student {name!r} must be a fitted estimator, got {type(student).__name__}")
        check_is_fitted(student)
        check_task(getattr(student, "student_", student), teacher)
        _check_classes(name, student, teacher)
    return {str(name): student for name, student in named.items()}


def _check_classes(name: Any, student: Any, teacher: Any) -> None:
    """Refuse a student whose classes are not the teacher's: its answers would stand under other classes' names."""
    offered = getattr(student, "classes_", None)
    if teacher.classes_ is None or offered is None:
        return
    for label in np.asarray(offered).tolist():
        class_named(label, np.unique(teacher.classes_), f"each class of student {name!r}")


def same_task_teacher(second_teacher: Any, classes: NDArray[Any] | None) -> Any:
    """The adapter of a second teacher, which must answer in the classes of the first."""
    adapter = as_teacher(second_teacher)
    offered = None if adapter.classes_ is None else np.unique(adapter.classes_).tolist()
    if offered != (None if classes is None else classes.tolist()):
        raise InvalidInputError(
            f"second_teacher must have the teacher's classes, got {None if offered is None else class_words(offered)}"
        )
    return adapter


def in_row_order(values: Any, X: Any, argument: str) -> Any:
    """The values in the order of the rows of X: joined by index where both have one that says which row is which.

    An index that only counts from 0 names no rows, and rows without one are joined by place.

    Raises
    ------
    InvalidInputError
        Where both name rows and these are not the same.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 40]}, index=["ann", "bob"])
    >>> in_row_order(pd.Series([1, 0], index=["bob", "ann"]), X, "y").tolist()
    [0, 1]
    """
    if not isinstance(values, pd.DataFrame | pd.Series) or not isinstance(X, pd.DataFrame | pd.Series):
        return values
    if len(values) != len(X) or values.index.equals(X.index):
        return values
    if values.index.is_unique and X.index.is_unique and len(values.index.difference(X.index, sort=False)) == 0:
        return values.loc[X.index]
    if _counts(values.index) or _counts(X.index):
        return values
    raise InvalidInputError(
        f"{argument} must have the index of X, or none: its rows are called otherwise than those of X; "
        f"give {argument}.reset_index(drop=True) if both are in the same order"
    )


def labelled_rows(X: Any, y: Any, rule: DecisionRule) -> tuple[Any, Any]:
    """Rows of fitting and their true labels in the order of the rows, the labels as the classes spell them."""
    values, labels = named_columns(X, {"train[1]": y})
    rows = without(X, labels.values())
    truth = in_row_order(values["train[1]"], rows, "train[1]")
    if rule.classes is None:
        return rows, truth
    return rows, class_labels(truth, rule.classes, "train[1]")


def _counts(index: pd.Index) -> bool:
    return index.equals(pd.RangeIndex(len(index)))


def stress_rows(stress: Any, schema: Schema) -> pd.DataFrame:
    """Rows of the caller's own in the schema's form."""
    rows = as_frame(stress)
    if missing := [c for c in schema.names if c not in rows.columns]:
        raise InvalidInputError(f"stress must have the columns of X, {', '.join(missing)} missing")
    if len(rows) == 0:
        raise InvalidInputError("stress must have at least 1 row, got none")
    return schema.frame(rows[schema.names])


def strata_values(strata: Any, rows: pd.DataFrame) -> NDArray[Any]:
    """Stratum of each row, from a column's name or one entry per row."""
    if isinstance(strata, str):
        if strata not in rows.columns:
            near = did_you_mean(strata, rows.columns)
            raise InvalidInputError(f"strata names {strata!r}, the columns are: {', '.join(rows.columns)}{near}")
        return rows[strata].to_numpy()
    return row_values(strata, rows, "strata")


def row_values(values: Any, rows: pd.DataFrame, argument: str) -> NDArray[Any]:
    """One entry per row as an array, or one sentence."""
    array = np.asarray(values)
    if array.shape != (len(rows),):
        raise InvalidInputError(f"{argument} must have one entry per row of X, {len(rows)}, got shape {array.shape}")
    return array


def attribute_columns(sensitive: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """Sensitive attributes, one row per row of X; no column where none are named."""
    if sensitive is None:
        return pd.DataFrame(index=pd.RangeIndex(len(rows)))
    if isinstance(sensitive, pd.DataFrame | pd.Series):
        attributes = sensitive.to_frame() if isinstance(sensitive, pd.Series) else sensitive
        if len(attributes) != len(rows):
            raise InvalidInputError(f"sensitive must have one row per row of X, {len(rows)}, got {len(attributes)}")
        return attributes.reset_index(drop=True)
    if not isinstance(sensitive, Iterable):
        raise InvalidInputError(f"sensitive must name columns of X, or be a DataFrame, got {sensitive!r}")
    names = [sensitive] if isinstance(sensitive, str) else list(sensitive)
    if unknown := [n for n in names if n not in rows.columns]:
        raise InvalidInputError(
            f"sensitive names {', '.join(map(str, unknown))}, the columns are: {', '.join(rows.columns)}"
            f"{did_you_mean(unknown[0], rows.columns)}; "
            "for attributes outside the model give a DataFrame"
        )
    return rows[names].reset_index(drop=True)


def true_labels(y: ArrayLike | None, n: int, classes: NDArray[Any] | None) -> NDArray[Any] | None:
    """True labels, all among the classes, or true values; None where they were not passed."""
    if y is None:
        return None
    truth = np.asarray(y).ravel()
    if len(truth) != n:
        raise InvalidInputError(f"y must have one value per row of X, {n}, got {len(truth)}")
    if classes is None:
        return truth.astype(float)
    return class_labels(truth, classes)


def favorable_class(favorable: Any, classes: NDArray[Any] | None) -> Any:
    """The class people hope for as the teacher spells it; None for values, and where nobody said it."""
    return None if favorable is None or classes is None else class_named(favorable, classes)


def decision_rule(classes: ArrayLike | None, favorable: Any, threshold: Any) -> DecisionRule:
    """Rule for a teacher's classes, sorted; a class or a threshold that it cannot hold is refused.

    Examples
    --------
    >>> rule = decision_rule(["yes", "no"], "yes", 0.7)
    >>> rule.classes.tolist(), rule.decide(np.array([[0.4, 0.6], [0.1, 0.9]])).tolist()
    (['no', 'yes'], ['no', 'yes'])
    """
    sorted_classes = None if classes is None else np.unique(classes)
    rule = DecisionRule(sorted_classes, favorable_class(favorable, sorted_classes), threshold)
    check_threshold(rule)
    return rule


def check_threshold(rule: DecisionRule) -> None:
    """Refuse a threshold that is neither a probability inside (0, 1) nor ``{"top": share}``, or one of no class."""
    threshold = rule.threshold
    share = threshold.get("top") if isinstance(threshold, Mapping) else threshold
    is_top = not isinstance(threshold, Mapping) or set(threshold) == {"top"}
    if not isinstance(share, int | float) or not 0 < share < 1 or not is_top:
        raise InvalidInputError(f'threshold must lie between 0 and 1, or be {{"top": share}}, got {threshold!r}')
    if rule.classes is None or (rule.threshold == EVEN and not isinstance(rule.threshold, Mapping)):
        return
    if rule.favorable is None:
        raise InvalidInputError(
            f"threshold {rule.threshold} is held against the probability of one class: {which_is_wanted(rule.classes)}"
        )
    if len(rule.classes) > 2 and not isinstance(rule.threshold, Mapping):
        raise InvalidInputError(
            f"threshold {rule.threshold} is for two classes, and the teacher has {len(rule.classes)}; leave it out for "
            'the most probable class, or give {"top": share}'
        )
