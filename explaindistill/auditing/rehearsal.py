"""The dry run of an audit: what it would ask of the teacher, counted while a student answers in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.asking.forecast import Forecast, StandIn
from explaindistill.auditing.answers import answer_of
from explaindistill.auditing.audit_rows import AuditRows
from explaindistill.auditing.failures import Failures
from explaindistill.auditing.frames.every import measure_all
from explaindistill.auditing.frames.importance import INTERACTIONS
from explaindistill.auditing.frames.worst_case import questions_at_most
from explaindistill.auditing.inputs import AuditInput, prepare
from explaindistill.auditing.objects.columns import in_columns, object_rows_of
from explaindistill.auditing.options import AuditOptions
from explaindistill.auditing.overlap import unseen
from explaindistill.data.rows_sent import asking_for
from explaindistill.data.student_view import StudentView
from explaindistill.distillation.distiller import Distiller
from explaindistill.distillation.stable import most_questions
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.ensemble_shapley import is_readable

__all__ = ["Rehearsal"]

SILENT = frozenset(
    {
        "cells", "comparison", "corpus", "ensemble", "mistakes", "performance", "profile", "scores", "stability",
        "students", "thresholds", "worst_case",
    }
)  # fmt: skip
"""Modules of frames that ask nothing by themselves, or (ensemble, stability, worst case) whose questions are bounded
here; the others are measured as in the audit. None of them draws from the audit's stream of chance numbers."""
SCALES = ("probability", "logit", "value")
OPEN = frozenset({INTERACTIONS})
"""Which columns are paired depends on the teacher's answers, and with them how many of the rows are equal."""


@dataclass(frozen=True)
class Rehearsal:
    """An audit whose teacher is not asked.

    Attributes
    ----------
    teacher : teacher adapter
    students : mapping of str to fitted student or Distiller
    rows : AuditRows
    rule : DecisionRule
    options : AuditOptions
    train : pair (X, y), optional
    store : path or LabelStore, optional

    Examples
    --------
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> from explaindistill.teachers import as_teacher
    >>> X = pd.DataFrame({"debt": [i / 300 for i in range(300)], "sex": ["f", "m"] * 150})
    >>> teacher = as_teacher(lambda X: X["debt"].to_numpy() ** 2)
    >>> tree = xd.TreeRegressor(max_leaf_nodes=4).fit(X, X["debt"] ** 2)
    >>> forecast = xd.audit(teacher, tree, X, dry_run=True)
    >>> teacher.rows_sent_.total
    0
    >>> report = xd.audit(teacher, tree, X)
    >>> report.manifest["rows_sent"]["total"] == teacher.rows_sent_.total <= forecast.total
    True
    """

    teacher: Any
    students: Mapping[str, Any]
    rows: AuditRows
    rule: DecisionRule
    options: AuditOptions
    train: tuple[Any, Any] | None = None
    store: Any = None

    def forecast(self, stress: Any = None, second_teacher: Any = None) -> Forecast:
        """Rows by purpose, money and loss of privacy; nothing is asked, and nothing is written to the store."""
        student = next(iter(self.students.values()))
        answer = answer_of(student, StudentView(self.rows.schema), self.rule)
        schema = self.rows.schema

        def as_the_teacher(rows: Any) -> NDArray[np.float64]:
            """The student's answers in the order of the teacher's classes, which need not be sorted."""
            answers = answer(schema.frame(rows))
            classes = self.teacher.classes_
            return answers if classes is None else answers[:, np.searchsorted(self.rule.classes, classes)]

        stand_in = self.teacher  # of a command whose fits were rehearsed before
        if not isinstance(stand_in, StandIn):
            stand_in = StandIn(self.teacher, as_the_teacher, self.store, OPEN)
        distillers = [s for s in self.students.values() if isinstance(s, Distiller)]
        keep, _, _ = unseen(self.rows.frame, distillers, self.train)
        second = None if second_teacher is None else StandIn(second_teacher, as_the_teacher, self.store, OPEN)
        inputs = prepare(stand_in, self.students, self.rows.take(keep), self.rule, stress=stress, second_teacher=second)
        if (objects := object_rows_of(self.students)) is not None:
            inputs = in_columns(inputs, objects)
        failures = Failures(strict=False)
        with asking_for("audit"):
            measure_all(inputs, self.options, failures, SILENT)
        for purpose, most in self._bounds(inputs, distillers):
            stand_in.allow(most, purpose)
        forecast = stand_in.forecast(self.options.price_per_row)
        rows = dict(forecast.rows) | ({} if second is None else second.rows_sent_.by_purpose)
        return replace(forecast, rows=rows, failures=tuple(dict.fromkeys(failures.names())))

    def _bounds(self, inputs: AuditInput, distillers: list[Distiller]) -> Iterator[tuple[str, int]]:
        """Most rows of what is not rehearsed: refits, members of an ensemble by themselves, searches."""
        teacher = self.teacher.teacher if isinstance(self.teacher, StandIn) else self.teacher
        if hasattr(teacher, "disagreement"):
            yield "audit: ensemble", len(inputs.rows)
        if self.options.n_refits and self.train is not None:
            most = sum(most_questions(d.n_queries, len(self.train[0])) for d in distillers)
            yield "audit: stability", self.options.n_refits * most
        if self.options.n_explained and any(is_readable(getattr(teacher, "estimator", None), s) for s in SCALES):
            yield "audit: importance", 0  # what is counted is at most: values that are read need no question
        if most := questions_at_most(inputs, self.options):
            yield "audit: worst_case", most
