"""What an audit says about the teacher alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.inputs import Case, decided
from explaindistill.measures.teacher_check import teacher_check

__all__ = ["teacher_frame"]


def teacher_frame(case: Case, rng: np.random.Generator) -> pd.DataFrame:
    """The check of the teacher on the audited rows; its decisions are those of the case."""
    rule: dict[str, Any] = {"classes": case.classes}
    if case.classes is not None:
        rule["decide"] = lambda P: decided(case, P, own=False)
    ask = case.teacher_answer if case.can_be_asked else None
    return teacher_check(case.frame, case.P, case.y, answer=ask, rng=rng, **rule)
