"""The questions of one fitting: each distinct row asked once, and never more of them than the budget allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.budget import Budget
from explaindistill.asking.labelling import label_keyed
from explaindistill.data.row_keys import KeyedRows
from explaindistill.data.schema import Schema

__all__ = ["CountedTeacher", "Questions"]


class Questions:
    """Ask about frames; rows that were asked before are answered from memory where that is kept.

    Parameters
    ----------
    teacher : Teacher
    schema : Schema
        Restores the container that the teacher knows.
    store : LabelStore, path or None
    budget : Budget
        Counts the distinct rows and those that the store did not know, and ends where its ``n_queries`` does.
    remember : bool
        Whether a row may come twice: where a sampler asks too. Takes memory in proportion to the questions.
    """

    def __init__(self, teacher: Any, schema: Schema, store: Any, budget: Budget, remember: bool = False) -> None:
        self.teacher, self.schema, self.store, self.budget = teacher, schema, store, budget
        self.remember = remember
        self._answers: dict[bytes, NDArray[np.float64]] = {}

    def __call__(self, rows: pd.DataFrame | KeyedRows) -> NDArray[np.float64]:
        """Answers of rows ``(n, ...)``; rows that come with their keys are not keyed again.

        Raises
        ------
        BudgetError
            Before anything is asked, if the budget is too small for these rows.
        """
        keyed = rows if isinstance(rows, KeyedRows) else KeyedRows.of(rows)
        if not self.remember:
            return self._ask(keyed)
        names = [key.tobytes() for key in keyed.keys]
        distinct = [names[i] for i in keyed.first]
        new = [i for i, name in enumerate(distinct) if name not in self._answers]
        if new:
            fresh = self._ask(keyed.distinct(np.array(new)))
            self._answers.update(zip([distinct[i] for i in new], fresh, strict=True))
        return np.stack([self._answers[name] for name in names])

    def _ask(self, keyed: KeyedRows) -> NDArray[np.float64]:
        restored = keyed.with_rows(self.schema.restore(keyed.rows))
        return label_keyed(self.teacher, restored, store=self.store, budget=self.budget)


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
        self._end = questions.budget.distinct + most

    @property
    def remaining(self) -> int:
        """Distinct rows that the sampler may still ask about."""
        return max(self._end - self.questions.budget.distinct, 0)

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable classes ``(n,)``."""
        P = self.questions(self.questions.schema.frame(X))
        return np.asarray(self.classes_)[P.argmax(axis=1)]

    def __sklearn_clone__(self) -> CountedTeacher:
        return self
