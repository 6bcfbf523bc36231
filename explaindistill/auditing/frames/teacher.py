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
    return {"teacher": teacher_check(rows.frame, teacher.P, rows.y, answer=ask, rng=rng, options=checked, **decision)}
