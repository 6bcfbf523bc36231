"""A teacher of raw objects, asked by rows that hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.raw_objects import is_raw
from explaindistill.data.rows_sent import RowsSent, count_foreign, rows_sent_to
from explaindistill.distillation.objects.rows import ObjectRows
from explaindistill.protocols import can_be_asked
from explaindistill.teachers import as_teacher

__all__ = ["ObjectTeacher", "teacher_of_objects"]

TAKE_ROWS = frozenset(
    {"abstains", "answered", "bare", "disagreement", "epsilon_with", "hidden", "operations", "stream", "tokens"}
)
"""Further members of a teacher that take rows first."""


class ObjectTeacher:
    """A teacher that is asked with objects in its own container, whatever holds them on the way.

    It answers both rows of :class:`~explaindistill.distillation.objects.rows.ObjectRows` and what a user would ask the
    teacher itself. All else is the teacher's own.

    Parameters
    ----------
    teacher : Teacher
    rows : ObjectRows

    Examples
    --------
    >>> from explaindistill.domains.text import TextDomain
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> rows = ObjectRows.of(TextDomain(), ["so good"])
    >>> teacher = ObjectTeacher(CallableTeacher(lambda texts: [len(text) for text in texts]), rows)
    >>> teacher.predict(["so good"]).tolist(), teacher.predict(rows.frame(["so bad"])).tolist()
    ([7.0], [6.0])
    """

    def __init__(self, teacher: Any, rows: ObjectRows) -> None:
        self.teacher, self.rows = teacher, rows
        self.classes_ = teacher.classes_

    @property
    def rows_sent_(self) -> RowsSent:
        """The teacher's own counter, or the one that is kept for it."""
        return rows_sent_to(self.teacher)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        count_foreign(self.teacher, len(X))
        return self.teacher.predict_proba(self._restored(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes ``(n,)``, or values ``(n,)`` or ``(n, m)``."""
        count_foreign(self.teacher, len(X))
        return self.teacher.predict(self._restored(X))

    def fingerprint(self) -> str | None:
        """The teacher's own."""
        return self.teacher.fingerprint()

    def _restored(self, X: Any) -> Any:
        held = isinstance(X, pd.DataFrame) and self.rows.name in X.columns and is_raw(X[self.rows.name])
        return self.rows.restored(X) if held else X

    def __getattr__(self, member: str) -> Any:
        if member.startswith("__") or member in ("teacher", "rows"):  # absent while a pickle is read
            raise AttributeError(member)
        value = getattr(self.teacher, member)
        if member not in TAKE_ROWS:
            return value
        return lambda X, *others, **named: value(self._restored(X), *others, **named)

    def __sklearn_clone__(self) -> ObjectTeacher:
        return self


def teacher_of_objects(teacher: Any, rows: ObjectRows) -> Any:
    """The adapter of a teacher, asked by rows that hold objects.

    A pair of objects and answers is a record, which is looked up by content.

    Examples
    --------
    >>> from explaindistill.domains.text import TextDomain
    >>> rows = ObjectRows.of(TextDomain(), ["so good"])
    >>> teacher_of_objects((["so good"], [0.5]), rows).predict(rows.frame(["so good"])).tolist()
    [0.5]
    """
    if isinstance(teacher, ObjectTeacher):
        return ObjectTeacher(teacher.teacher, rows)
    if isinstance(teacher, tuple) and len(teacher) == 2:
        return as_teacher((rows.frame(teacher[0]), teacher[1]))
    adapter = as_teacher(teacher)
    return ObjectTeacher(adapter, rows) if can_be_asked(adapter) else adapter
