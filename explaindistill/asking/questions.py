"""The questions of one fitting: each distinct row asked once, and never more of them than the budget allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.labelling import Budget, label
from explaindistill.data.row_keys import distinct, row_keys
from explaindistill.data.schema import Schema
from explaindistill.errors import BudgetError

__all__ = ["CountedTeacher", "Questions"]


class Questions:
    """Ask about frames; rows that were asked before are answered from memory where that is kept.

    Parameters
    ----------
    teacher : Teacher
    schema : Schema
        Restores the container that the teacher knows.
    store : LabelStore, path or None
    limit : int
        Most distinct rows, whether the store knows them or not.
    remember : bool
        Whether a row may come twice: where a sampler asks too. Takes memory in proportion to the questions.

    Attributes
    ----------
    n_distinct : int
        Distinct rows so far.
    n_asked : int
        Those that the store did not know.
    """

    def __init__(self, teacher: Any, schema: Schema, store: Any, limit: int, remember: bool = False) -> None:
        self.teacher, self.schema, self.store, self.limit = teacher, schema, store, limit
        self.remember = remember
        self.n_distinct = 0
        self._purse = Budget()
        self._known: dict[bytes, NDArray[np.float64]] = {}

    @property
    def n_asked(self) -> int:
        """Rows asked of the teacher itself."""
        return self._purse.spent

    @property
    def seconds(self) -> float:
        """Wall time of the teacher's answers."""
        return self._purse.seconds

    @property
    def remaining(self) -> int:
        """Distinct rows that may still be asked."""
        return self.limit - self.n_distinct

    def __call__(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Answers of rows ``(n, ...)``.

        Raises
        ------
        BudgetError
            Before anything is asked, if the budget is too small for these rows.
        """
        if not self.remember:
            self._count(len(distinct(row_keys(rows))[0]))
            return label(self.teacher, self.schema.restore(rows), store=self.store, budget=self._purse)
        names = [key.tobytes() for key in row_keys(rows)]
        new = {name: i for i, name in enumerate(names) if name not in self._known}
        if new:
            self._count(len(new))
            asked = self.schema.restore(rows.iloc[list(new.values())])
            self._known.update(zip(new, label(self.teacher, asked, store=self.store, budget=self._purse), strict=True))
        return np.stack([self._known[name] for name in names])

    def _count(self, n: int) -> None:
        if n > self.remaining:
            raise BudgetError(
                f"the next {n} rows would exceed n_queries: {self.n_distinct} of {self.limit} rows are asked; "
                f"raise n_queries"
            )
        self.n_distinct += n


class CountedTeacher:
    """The teacher as a sampler sees it: every row counts, and what it may still ask is known.

    Parameters
    ----------
    questions : Questions
    most : int
        Distinct rows that the sampler may have asked.
    """

    def __init__(self, questions: Questions, most: int) -> None:
        self.questions = questions
        self.classes_ = questions.teacher.classes_
        self._end = questions.n_distinct + most

    @property
    def remaining(self) -> int:
        """Distinct rows that the sampler may still ask about."""
        return max(self._end - self.questions.n_distinct, 0)

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable classes ``(n,)``."""
        P = self.questions(self.questions.schema.frame(X))
        return np.asarray(self.classes_)[P.argmax(axis=1)]

    def __sklearn_clone__(self) -> CountedTeacher:
        return self
