"""What a Distiller can do with objects beyond what it can with rows: show one, and print what its columns refer to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.rows import one_or_more
from explaindistill.distillation.objects.columns import ObjectColumns
from explaindistill.distillation.objects.rows import ObjectRows
from explaindistill.errors import InvalidInputError

__all__ = ["ObjectMethods"]


class ObjectMethods:
    """Methods of a Distiller with ``domain=``; without one they refuse, or add nothing."""

    student_: Any
    view_: Any
    object_rows_: ObjectRows | None

    def show(self, value: object) -> object:
        """One object with what counted for the student's answer, drawn or marked by its domain.

        Parameters
        ----------
        value : object, or a row
            A text, an image, a sound; one row as a mapping, Series or frame where the object is a column of a table.

        Returns
        -------
        As the domain says: text in HTML that a notebook shows, or Axes of matplotlib.

        Raises
        ------
        InvalidInputError
            Without a domain, or for more than one object.
        """
        check_is_fitted(self)
        rows = self.object_rows_
        if rows is None:
            raise InvalidInputError("show needs a Distiller with domain=; explain gives the reasons for a row")
        frame = rows.frame(one_or_more(value) if rows.is_mixed else rows.alone(value))
        if len(frame) != 1:
            raise InvalidInputError(f"show needs one object, got {len(frame)}")
        columns: ObjectColumns = self.view_.features
        blank = getattr(rows.domain, "blank", None)
        if blank is not None:
            empty = np.empty(1, dtype=object)
            empty[0] = blank
            frame = pd.concat([frame, rows.replaced(frame, empty)], ignore_index=True)
        reasons = self.student_.explain(columns.transform(frame), as_frame=True)
        return rows.domain.show(rows.objects(frame)[0], columns.columns_, reasons)

    @property
    def _of_objects(self) -> bool:
        """Whether rows are objects and nothing else."""
        rows = getattr(self, "object_rows_", None)
        return rows is not None and not rows.is_mixed

    def lists(self) -> str:
        """The lists that the columns of a domain refer to, in words; empty where there are none."""
        check_is_fitted(self)
        return self._lists

    @property
    def _lists(self) -> str:
        """The lists that a domain's columns refer to, in words."""
        if getattr(self, "object_rows_", None) is None:
            return ""
        columns = self.view_.features.columns_
        return str(columns.describe()) if hasattr(columns, "describe") else ""

    @property
    def _n_listed(self) -> int | None:
        """How many entries these lists hold; None where columns refer to none."""
        if getattr(self, "object_rows_", None) is None:
            return None
        return getattr(self.view_.features.columns_, "n_listed_", None)
