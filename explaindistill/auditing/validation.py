"""What `audit()` accepts: every argument is checked here, and none is asked of a model before all of them hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.rows import as_frame
from explaindistill.data.schema import Schema
from explaindistill.data.targets import one_hot
from explaindistill.distillation.student_fit import check_task
from explaindistill.errors import InvalidInputError
from explaindistill.teachers import as_teacher

__all__ = [
    "attribute_columns",
    "check_threshold",
    "favorable_class",
    "in_row_order",
    "named_students",
    "same_task_teacher",
    "strata_values",
    "stress_rows",
    "true_labels",
    "without_unseen",
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
    return {str(name): student for name, student in named.items()}


def same_task_teacher(second_teacher: Any, classes: NDArray[Any] | None) -> Any:
    """The adapter of a second teacher, which must answer in the classes of the first."""
    adapter = as_teacher(second_teacher)
    offered = None if adapter.classes_ is None else np.unique(adapter.classes_).tolist()
    if offered != (None if classes is None else classes.tolist()):
        raise InvalidInputError(f"second_teacher must have the teacher's classes, got {offered}")
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


def _counts(index: pd.Index) -> bool:
    return index.equals(pd.RangeIndex(len(index)))


def without_unseen(X: Any, sensitive: Any, students: Mapping[str, Any]) -> tuple[Any, Any]:
    """Rows without the sensitive columns that no Distiller was fitted on, and these columns as a frame.

    Such a column is nobody's input: a model that is asked about it would refuse the row.
    """
    names = [sensitive] if isinstance(sensitive, str) else sensitive
    if not isinstance(X, pd.DataFrame) or names is None or isinstance(names, pd.DataFrame | pd.Series):
        return X, sensitive
    columns = [s.schema_.names for s in students.values() if hasattr(s, "schema_") and hasattr(s, "student_")]
    others = [getattr(s, "feature_names_in_", None) for s in students.values() if not hasattr(s, "student_")]
    if not columns or any(o is None for o in others):
        return X, sensitive
    inputs = {str(c) for names_of_one in (*columns, *others) for c in names_of_one}
    unseen = [n for n in names if n in X.columns and str(n) not in inputs]
    if not unseen or any(n not in X.columns for n in names):
        return X, sensitive
    return X.drop(columns=unseen), X[list(names)]


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
            raise InvalidInputError(f"strata names {strata!r}, the columns are: {', '.join(rows.columns)}")
        return rows[strata].to_numpy()
    values = np.asarray(strata)
    if values.shape != (len(rows),):
        raise InvalidInputError(f"strata must have one entry per row of X, {len(rows)}, got shape {values.shape}")
    return values


def attribute_columns(sensitive: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """Sensitive attributes, one row per row of X; no column where none are named."""
    if sensitive is None:
        return pd.DataFrame(index=pd.RangeIndex(len(rows)))
    if isinstance(sensitive, pd.DataFrame | pd.Series):
        attributes = sensitive.to_frame() if isinstance(sensitive, pd.Series) else sensitive
        if len(attributes) != len(rows):
            raise InvalidInputError(f"sensitive must have one row per row of X, {len(rows)}, got {len(attributes)}")
        return attributes.reset_index(drop=True)
    names = [sensitive] if isinstance(sensitive, str) else list(sensitive)
    if unknown := [n for n in names if n not in rows.columns]:
        raise InvalidInputError(
            f"sensitive names {', '.join(map(str, unknown))}, the columns are: {', '.join(rows.columns)}; "
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
    one_hot(truth, classes)  # raises for a label that is no class
    return truth


def favorable_class(favorable: Any, classes: NDArray[Any] | None) -> Any:
    """The class people hope for: the second of two where none is named, None for more classes or values."""
    if classes is None:
        return None
    if favorable is None:
        return classes[1] if len(classes) == 2 else None
    if favorable not in classes.tolist():
        raise InvalidInputError(f"favorable must be one of the classes {classes.tolist()}, got {favorable!r}")
    return favorable


def check_threshold(threshold: Any) -> None:
    """Refuse a threshold that is neither a probability inside (0, 1) nor ``{"top": share}``."""
    share = threshold.get("top") if isinstance(threshold, Mapping) else threshold
    if not isinstance(share, int | float) or not 0 < share < 1:
        raise InvalidInputError(f'threshold must lie between 0 and 1, or be {{"top": share}}, got {threshold!r}')
