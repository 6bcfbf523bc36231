"""A teacher of objects as an audit of their columns meets it: no row of columns can be put to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.distillation.objects.teacher import ObjectTeacher
from explaindistill.errors import TeacherError

__all__ = ["AskedByObject", "behind"]

PASSED_ON = frozenset(
    {
        "delta", "epsilon", "estimator", "fingerprint", "max_epsilon", "mean_price_per_row", "module", "n_answered",
        "name", "price_per_million_tokens", "price_per_row", "rights", "rows_sent_", "teachers", "weights",
    }
)  # fmt: skip
"""Members that answer without rows."""


class AskedByObject:
    """The teacher beside columns that were made of objects: it says who it is, and answers no row of them.

    ``knows`` is what tells the package that nothing may be made up or changed in these columns in order to ask.

    Parameters
    ----------
    teacher : Teacher
        Asked with objects elsewhere.

    Examples
    --------
    >>> from explaindistill.protocols import can_be_asked
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = AskedByObject(CallableTeacher(len))
    >>> can_be_asked(teacher), teacher.name
    (False, 'len')
    """

    def __init__(self, teacher: Any) -> None:
        self.teacher = teacher
        self.classes_ = teacher.classes_

    def knows(self, X: Any) -> NDArray[np.bool_]:
        """None of the rows."""
        return np.zeros(len(X), dtype=bool)

    def predict(self, X: Any) -> NDArray[Any]:
        """No answer."""
        raise TeacherError("the teacher answers objects, and these are rows of columns that were made of them")

    predict_proba = predict

    def __getattr__(self, member: str) -> Any:
        if member not in PASSED_ON:
            raise AttributeError(member)
        return getattr(self.teacher, member)

    def __sklearn_clone__(self) -> AskedByObject:
        return self


def behind(teacher: Any) -> Any:
    """The adapter that the user's own teacher has, whatever asks it.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> type(behind(AskedByObject(CallableTeacher(len)))).__name__
    'CallableTeacher'
    """
    while isinstance(teacher, AskedByObject | ObjectTeacher):
        teacher = teacher.teacher
    return teacher
