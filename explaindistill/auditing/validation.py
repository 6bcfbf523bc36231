"""What `audit()` accepts: every argument is checked here, and none is asked of a model before all of them hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.schema import Schema, as_frame
from explaindistill.data.targets import one_hot
from explaindistill.distillation.student_fit import check_task
from explaindistill.errors import InvalidInputError
from explaindistill.teachers import as_teacher

__all__ = [
    "attribute_columns",
    "check_threshold",
    "favorable_class",
    "named_students",
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
    return {str(name): student for name, student in named.items()}


def same_task_teacher(second_teacher: Any, classes: NDArray[Any] | None) -> Any:
    """The adapter of a second teacher, which must answer in the classes of the first."""
    adapter = as_teacher(second_teacher)
    offered = None if adapter.classes_ is None else np.unique(adapter.classes_).tolist()
    if offered != (None if classes is None else classes.tolist()):
        raise InvalidInputError(f"second_teacher must have the teacher's classes, got {offered}")
    return adapter


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
