"""The frame ``worst_case``: the largest disagreement of teacher and student that a search near people finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.audit_rows import AuditRows
from explaindistill.auditing.frames._lines import cannot_say, in_parts, unasked
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.options import AuditOptions
from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.measures.disagreement import SearchOptions, most_questions, worst_disagreements
from explaindistill.measures.disagreement_frame import EXTRA, disagreement_frame
from explaindistill.measures.groups import groupings

__all__ = ["FRAMES", "measure", "questions_at_most"]

FRAMES = ("worst_case",)
METRIC = "largest_disagreement"


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    """One search per student where it is asked for; the students share its questions evenly. Nothing is left to chance.

    Rows of weight 0 are no beginnings, and no donors of values.
    """
    students = inputs.students if options.worst_case else ()
    rows = _counted(inputs.rows)
    parts = [(s.name, lambda s=s: [_of_student(inputs, rows, s, options)]) for s in students]
    return {"worst_case": in_parts(parts, EXTRA)}


def questions_at_most(inputs: AuditInput, options: AuditOptions) -> int:
    """Rows at most that the searches of all students ask the teacher about."""
    if not options.worst_case or not inputs.teacher.can_be_asked:
        return 0
    rows = _counted(inputs.rows)
    sizes = np.concatenate(
        [np.zeros(0, dtype=int), *(np.bincount(g.codes) for g in groupings(rows.attributes, intersections=False))]
    )
    search = search_options(options, len(inputs.students))
    return len(inputs.students) * most_questions(len(rows), rows.frame.shape[1], sizes, search)


def search_options(options: AuditOptions, n_students: int) -> SearchOptions:
    """A student's part of the questions; groups begin with enough rows for their figures to be shown, or not at all."""
    defaults = SearchOptions()
    total = defaults.n_questions if options.worst_case is True else int(options.worst_case)
    return replace(
        defaults,
        n_questions=max(total // n_students, 1),
        n_rows=max(defaults.n_rows, options.min_group_size),
        n_group_rows=max(defaults.n_group_rows, options.min_group_size),
        min_group_size=options.min_group_size,
    )


def _counted(rows: AuditRows) -> AuditRows:
    return rows if rows.weight is None else rows.take(rows.weight > 0)


def _of_student(inputs: AuditInput, rows: AuditRows, s: Model, options: AuditOptions) -> pd.DataFrame:
    if not inputs.teacher.can_be_asked:
        return cannot_say(METRIC, s.name, unasked(inputs, "changed")).assign(**dict.fromkeys(EXTRA[:4], ""))
    keep = np.ones(len(inputs.rows), dtype=bool) if inputs.rows.weight is None else inputs.rows.weight > 0
    search = worst_disagreements(
        inputs.teacher.answer,
        s.answer,
        rows.frame.reset_index(drop=True),
        (inputs.teacher.P[keep], s.P[keep]),
        schema=rows.schema,
        attributes=rows.attributes,
        options=search_options(options, len(inputs.students)),
    )
    return disagreement_frame(
        search,
        rows.frame.reset_index(drop=True),
        rows.schema,
        (inputs.rule_of(inputs.teacher.P), inputs.rule_of(s.P)),
        subject=s.name,
        min_size=min(MIN_CATEGORY_SIZE, options.min_group_size),
    )
