"""How linear students are fitted: a sample of the rows chooses the penalty and the terms, all rows set the numbers.

Rows in memory are one part of rows in partitions. Every sum over all rows is the same in any order (see
:mod:`explaindistill.numerics.linear.part_sums`), and the sample is drawn by what stands in the rows, so that the fit
does not depend on how rows are cut and ordered, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from explaindistill.data.design_rows import DesignRows
from explaindistill.data.parts import AnsweredPart, FramePart
from explaindistill.data.schema import Schema
from explaindistill.numerics.exact_sums import lifted
from explaindistill.numerics.linear.part_sums import PartSums
from explaindistill.numerics.linear.penalty_choice import (
    PenalisedFits,
    PenalisedProblem,
    choose,
    limit_terms,
    penalty_grid,
)
from explaindistill.numerics.linear.row_blocks import RowBlocks
from explaindistill.numerics.linear.row_sums import LinearFit
from explaindistill.numerics.linear.whole_terms import whole_terms
from explaindistill.numerics.one_part import OnePart
from explaindistill.protocols import Partitions
from explaindistill.students._drawn_rows import DrawnRows, drawn_rows
from explaindistill.students._intake import Intake
from explaindistill.students._optimum import settle
from explaindistill.students.linear.model import FittedRows, LinearModel, fitted_model
from explaindistill.students.linear.rows import LinearDesign, opened, spread_of_targets, standardised, total_weight

__all__ = ["SumRows", "deciding_folds", "fit_linear"]

N_FOLDS = 5
"""A fifth of the rows is held out at a time."""
FOLDS_FROM = 30
"""Distinct rows below which none can be spared: the penalty is chosen on the rows of fitting."""
ONE_FOLD_FROM = 5000
"""Distinct rows from which one held-out fifth is enough; below, each fifth is held out in turn."""
MOST_ROWS = 12_000
"""Distinct rows that the choice of the penalty looks at; the last fit takes all rows."""
LEAST_ROWS = 3000
"""The same, where there are many classes."""
LEAST_PENALTY = 1e-4
"""Share of the largest penalty at which the path ends that drops terms of a fit without penalty."""
WAY_OUT = "raise penalty, or look for columns that all but repeat each other or all but tell the answer"
PATH_TOL = 1e-8
"""Relative change at which a given penalty counts as solved: far below the digits that are shown."""


@dataclass(frozen=True, eq=False)
class SumRows:
    """What a linear student fits to.

    Attributes
    ----------
    parts : Partitions of AnsweredPart
    n : int
        Rows of all parts.
    schema : Schema
    classes : ndarray of shape (k,), or None
    """

    parts: Partitions
    n: int
    schema: Schema
    classes: NDArray[Any] | None

    @classmethod
    def in_memory(cls, intake: Intake) -> SumRows:
        """Rows that passed the door."""
        answered = AnsweredPart(FramePart(0, intake.X), intake.schema.names, intake.Y, intake.weight, None)
        return cls(OnePart(answered), len(intake.X), intake.schema, intake.classes)

    @property
    def n_scores(self) -> int:
        """Predictors whose coefficients depend on each other: those of three and more classes."""
        return 1 if self.classes is None or len(self.classes) == 2 else len(self.classes)


def rows_that_decide(n_scores: int) -> int:
    """Distinct rows that choose: the work of a step grows with the square of the scores."""
    return max(MOST_ROWS // n_scores, LEAST_ROWS)


def deciding_folds(rank: NDArray[np.intp], n_scores: int) -> tuple[NDArray[np.intp], int]:
    """Fold of each row (-1: it does not decide) and how many folds are held out in turn, to choose the penalty.

    The work of a step grows with the square of the scores, so that with many of them fewer rows decide.
    """
    folds = np.where(rank < rows_that_decide(n_scores), rank % N_FOLDS, -1)
    n_folds = N_FOLDS if rank.max() >= FOLDS_FROM else 0
    return folds, 1 if rank.max() >= ONE_FOLD_FROM // n_scores else n_folds


def fit_linear(estimator: Any, rows: SumRows) -> LinearModel:
    """Fit to rows in parts, of which one may be all; sets what a choice leaves on the estimator."""
    # small products: one thread is faster on a busy machine, and bits do not depend on the number of cores
    with threadpool_limits(1, user_api="blas"):
        return _fitted(estimator, rows)


def _fitted(estimator: Any, rows: SumRows) -> LinearModel:
    """Columns, standardised; outputs in units of their spread; the chosen fit; all back in the user's units."""
    is_classes = rows.classes is not None
    total = total_weight(rows.parts)
    design, linear = standardised(rows.parts, rows.schema, estimator.max_levels, total)
    k = 1 if rows.classes is None else len(rows.classes)
    size = np.ones(k) if is_classes else spread_of_targets(rows.parts, total)
    ready = linear.step(opened, design, size, isinstance(rows.parts, OnePart))
    sums = PartSums.of(ready, rows.n, len(design.columns))
    whole = PenalisedFits(sums, is_classes, estimator.l1_ratio)
    fit = _Choice(estimator, rows, design, size, total, whole).fit()
    if not is_classes:
        fit = LinearFit(fit.intercept * size, fit.coef * size)
    fitted = FittedRows(rows.schema, list(design.columns), ready, design.mean, design.scale, design.base)
    return fitted_model(fit, fitted, rows.classes, estimator.digits)


@dataclass(frozen=True, eq=False)
class _Choice:
    """The penalty, and the fit at it."""

    estimator: Any
    rows: SumRows
    design: LinearDesign
    size: NDArray[np.float64]
    total: float
    whole: PenalisedFits

    def fit(self) -> LinearFit:
        """Fit at the penalty that held-out rows choose, or at a given one; then cut down to ``max_terms``."""
        student, whole = self.estimator, self.whole
        if student.penalty == "auto":
            fit, penalties, sample = self._chosen()
        else:
            fit, penalties = self._at_given_penalty()
            sample = None
        penalty = None if student.relaxed_ or student.penalty == 0 else student.penalty_
        if student.max_terms is not None and fit.n_terms > student.max_terms:
            if sample is None:
                sample = self._problem(self._drawn(rows_that_decide(self.rows.n_scores)))
            fit = limit_terms(whole, sample, fit, student.max_terms, penalties)
            if fit.coef.shape[1] > 1:  # a second coefficient of a term does not count against the limit
                fit = whole_terms(whole, sample, fit, student.max_terms, penalties)
            penalty = None
        fit, excess = whole.settled(fit, penalty)
        settle(student, excess, way_out=WAY_OUT)
        return fit

    def _chosen(self) -> tuple[LinearFit, NDArray[np.float64], PenalisedProblem]:
        student, n_scores = self.estimator, self.rows.n_scores
        most = rows_that_decide(n_scores)
        penalties = penalty_grid(self.whole, student.n_penalties)
        drawn = self._drawn(max(most, ONE_FOLD_FROM // n_scores + 1, FOLDS_FROM + 1))
        folds, tries = deciding_folds(drawn.rank, n_scores)
        sample = self._problem(drawn.first(most))
        fit, trace = choose(
            sample, folds[folds >= 0], penalties, student.tolerance, student.relax, tries, student.max_terms, self.whole
        )
        student.penalty_, student.relaxed_ = float(penalties[trace.chosen]), trace.relaxed
        student.path_ = pd.DataFrame(
            {
                "penalty": trace.penalty,
                "n_terms": trace.n_terms,
                "explained": trace.explained,
                "explained_relaxed": trace.explained_relaxed,
            }
        )
        return fit, penalties, sample

    def _at_given_penalty(self) -> tuple[LinearFit, NDArray[np.float64]]:
        student, whole = self.estimator, self.whole
        top = penalty_grid(whole, 1)[0]
        student.penalty_, student.relaxed_ = float(student.penalty), bool(student.relax)
        # each of ten penalties starts where the last ended, from one at which no term is left
        penalties = np.geomspace(max(top, student.penalty), student.penalty or top * LEAST_PENALTY, 10)
        fit = whole.null()
        if student.penalty > 0:
            # where little was left to explain the path ended early
            fit = whole.at(student.penalty_, whole.path(penalties, PATH_TOL)[-1], PATH_TOL)
        if student.relax or student.penalty == 0:
            fit = whole.refit(fit, None if student.penalty > 0 else np.ones(fit.coef.shape, dtype=bool))
        return fit, penalties

    def _drawn(self, most: int) -> DrawnRows:
        seed = 0 if self.estimator.random_state is None else int(self.estimator.random_state)
        return drawn_rows(self.rows.parts, most, seed, lifted(self.total))

    def _problem(self, drawn: DrawnRows) -> PenalisedProblem:
        """The columns of some rows, standardised as those of all."""
        design, w = self.design, drawn.weight / drawn.weight.sum()
        values = DesignRows(design.columns, design.schema, drawn.X)
        Z = RowBlocks(values, (len(w), len(design.columns)), design.mean, design.factor)
        return PenalisedProblem(Z, drawn.Y / self.size, w, self.whole.classification, self.whole.l1_ratio)
