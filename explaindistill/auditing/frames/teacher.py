"""The frame ``teacher``: what to know of the teacher before imitating it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.teacher_check import CheckOptions, teacher_check

__all__ = ["FRAMES", "measure"]

FRAMES = ("teacher",)


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Check the teacher on the audited rows; its decisions are those of the audit's rule."""
    rows, rule, teacher = inputs.rows, inputs.rule, inputs.teacher
    decision: dict[str, Any] = {"classes": rule.classes}
    if rule.classes is not None:
        decision["decide"] = inputs.rule_of(teacher.P).decide
    ask = teacher.answer if teacher.can_be_asked else None
    checked = CheckOptions(**rows.sampling())
    table = teacher_check(rows.frame, teacher.P, rows.y, answer=ask, rng=rng, options=checked, **decision)
    return {"teacher": _without_learnt(table, inputs)}


def _without_learnt(table: pd.DataFrame, inputs: AuditInput) -> pd.DataFrame:
    """The check, in which no column that was made of the teacher's answers is suspected to hold the outcome itself."""
    columns = {} if inputs.objects is None else inputs.objects.columns
    learnt = {name for name, made_by in columns.items() if name in getattr(made_by.columns_, "from_answers_", ())}
    if not learnt:
        return table
    flagged = table["feature"].isin(learnt) & table["suspicious"].eq(True)
    changes = {"suspicious": table["suspicious"].mask(flagged, False)}
    return table.assign(**changes, reason=table["reason"].mask(flagged, "learnt from the teacher's answers"))
