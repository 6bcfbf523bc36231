"""A student still to be chosen: what a distiller fits where the reader's budget decides the family."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE, check_category_size
from explaindistill.data.student_view import StudentView
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.choosing.competition import compete
from explaindistill.distillation.choosing.fitting import FittedRival, fit_within
from explaindistill.distillation.choosing.reading_budget import ReadingBudget
from explaindistill.distillation.choosing.rivals import rivals
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import one_of

__all__ = ["StudentChoice", "ranked_columns"]

OPTIMIZE = ("decisions", "probabilities")
SHORT = 0.5
"""Categories of a column, as a share of the numbers that may be read, up to which splits on it fit into the budget: a
split lists at most half of them, so that one takes a quarter of the budget at most."""


class StudentChoice(BaseEstimator):
    """The best student of any family within a reader's budget; given to ``Distiller`` in place of a student.

    Parameters
    ----------
    max_lines, max_numbers, max_columns : int, at least 1, or None
        See :class:`~explaindistill.distillation.choosing.reading_budget.ReadingBudget`.
    optimize : "decisions" or "probabilities", default="decisions"
        ``"decisions"``: as many rows as possible on which teacher and student decide alike. ``"probabilities"``: the
        least Kullback-Leibler divergence of the student's probabilities from the teacher's. No matter in regression.
    min_category_size : int, at least 1
        As in every student: categories of fewer rows are "(other)".

    Attributes
    ----------
    candidates_ : DataFrame
        After :meth:`chosen`: how the students did; see
        :class:`~explaindistill.distillation.choosing.competition.Competition`.

    Examples
    --------
    >>> from explaindistill import Distiller
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 300), "z": np.arange(300) % 7})
    >>> choice = StudentChoice(max_lines=2)
    >>> student = Distiller(lambda X: (X["x"].to_numpy() > 0.5) * 1.0, choice, random_state=0).fit(X)
    >>> student.student_.complexity().n_lines
    2
    """

    def __init__(
        self,
        max_lines: int | None = None,
        max_numbers: int | None = None,
        max_columns: int | None = None,
        optimize: Literal["decisions", "probabilities"] = "decisions",
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.max_lines = max_lines
        self.max_numbers = max_numbers
        self.max_columns = max_columns
        self.optimize = optimize
        self.min_category_size = min_category_size

    def checked(self) -> ReadingBudget:
        """The budget, once all parameters have been checked."""
        one_of("optimize", self.optimize, OPTIMIZE)
        check_category_size(self.min_category_size)
        return ReadingBudget(self.max_lines, self.max_numbers, self.max_columns)

    def chosen(self, targets: SoftTargets, view: StudentView, people: pd.DataFrame) -> FittedRival:
        """Let all families compete on the real rows, and fit the winner to all rows.

        Parameters
        ----------
        targets : SoftTargets
            Real and made-up rows with their answers.
        view : StudentView
        people : DataFrame
            The real rows, whole.
        """
        budget = self.checked()
        real = targets.take(np.flatnonzero(targets.origin == "observed"))
        if not len(real):
            raise InvalidInputError("the students compete on real rows that the teacher answered, got none of them")
        n_classes = None if targets.classes is None else len(targets.classes)
        columns = ranked_columns(real, view, self.max_columns)
        short = _short_columns(view, self.max_numbers)
        field = rivals(n_classes, budget, columns, self.optimize, self.min_category_size, short)
        competition = compete(field, real, view, budget, self.optimize)
        for rival in competition.ranking:
            fitted = fit_within(rival, targets, view, budget, people)
            if fitted is not None:
                frame = competition.frame
                self.candidates_ = frame.assign(chosen=frame["student"] == rival.name)
                self.candidates_.attrs = frame.attrs
                return fitted
        raise InvalidInputError(f"no student keeps to {budget.words()} on all rows; allow more")


def _short_columns(view: StudentView, max_numbers: int | None) -> tuple[str, ...] | None:
    """Columns of few categories or none; None where numbers are not limited, or all columns are short, or none is."""
    if max_numbers is None or view.is_transformed:
        return None
    schema = view.schema
    short = tuple(n for n in view.names if len(schema[schema.names.index(n)].categories) <= SHORT * max_numbers)
    return short if 0 < len(short) < len(view.names) else None


def ranked_columns(real: SoftTargets, view: StudentView, n: int | None) -> tuple[str, ...] | None:
    """The ``n`` columns that a sum of curves leans on most; None where there is no limit, or no more columns."""
    if n is None or view.is_transformed or n >= len(view.names):
        return None
    from explaindistill.distillation.student_fit import fit_student
    from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor

    student = GAMRegressor() if real.classes is None else GAMClassifier()
    fit_student(student, real, view.schema, view.of(real.X))
    table = student.importance().sort_values("estimate", ascending=False, kind="stable")
    return tuple(table["feature"].head(n))
