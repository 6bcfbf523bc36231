"""Fit a rival as large as the reader's budget admits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from explaindistill.data.student_view import StudentView
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.choosing.reading_budget import ReadingBudget
from explaindistill.distillation.choosing.rivals import Rival
from explaindistill.distillation.student_fit import fit_student

__all__ = ["FittedRival", "fit_within"]


@dataclass(frozen=True, eq=False)
class FittedRival:
    """A student that keeps to the budget, what it sees of a row, and how its targets were given to it."""

    student: Any
    view: StudentView
    size: int
    label_mode: str


def fit_within(
    rival: Rival, targets: SoftTargets, view: StudentView, budget: ReadingBudget, people: pd.DataFrame | None = None
) -> FittedRival | None:
    """Fit the largest size that keeps to the budget; None where not even the smallest does.

    A size says what growth is allowed, not what comes out: categories cost a number for each level, a tree may end
    early. So a fit that exceeds the budget is repeated at a size that is smaller in proportion.

    Parameters
    ----------
    rival : Rival
    targets : SoftTargets
        Whole rows and the teacher's answers.
    view : StudentView
        What any student may see; a rival may be confined to less.
    budget : ReadingBudget
    people : DataFrame, optional
        The real rows, whole, which decide what of categories and bounds may be shown; see
        :func:`~explaindistill.distillation.student_fit.fit_student`.
    """
    confined = view if rival.columns is None else replace(view, features=list(rival.columns))
    columns = confined.of(targets.X)
    real = None if people is None else confined.of(people)
    size = rival.start
    while True:
        student = rival.make(size)
        mode = fit_student(student, targets, confined.schema, columns, real)
        excess = budget.excess(student.complexity())
        if excess <= 1:
            return FittedRival(student, confined, size, mode)
        if size <= rival.least:
            return None
        size = max(rival.least, min(size - 1, int(size / excess)))
