"""The baseline of a student: the same student, trained on true labels without the teacher."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.student_view import StudentView
from explaindistill.distillation.student_fit import as_targets, fit_student
from explaindistill.errors import InvalidInputError

__all__ = ["fit_baseline"]


def fit_baseline(student: Any, view: StudentView, train: tuple[Any, Any], classes: NDArray[Any] | None) -> Any:
    """Fit an unfitted student to true labels, on the columns that its fitted copy sees.

    Parameters
    ----------
    student : unfitted estimator
        Fitted in place.
    view : StudentView
    train : pair (X, y)
    classes : array of shape (k,), or None for values

    Raises
    ------
    InvalidInputError
        If there are not as many labels as rows.
    """
    rows = view.schema.frame(train[0])
    y = np.asarray(train[1]).ravel()
    if len(y) != len(rows):
        raise InvalidInputError(f"train must hold as many labels as rows, {len(rows)}, got {len(y)}")
    fit_student(student, as_targets(rows, y, None, classes), view.schema, view.of(rows))
    return student
