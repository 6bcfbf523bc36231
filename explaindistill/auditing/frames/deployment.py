"""The deployment card of an audit: what the teacher and each student take to ship and to ask."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from explaindistill.auditing.inputs import Case, Subject
from explaindistill.errors import InvalidInputError
from explaindistill.export._operations import operations
from explaindistill.measures.deployment import Footprint, deployment

__all__ = ["deployment_of"]

BATCH = 1_000


def deployment_of(case: Case, time_models: bool = False) -> pd.DataFrame:
    """Sizes, operations and, where asked for, times; see :func:`explaindistill.measures.deployment.deployment`."""
    return deployment(_teacher(case, time_models), [_student(case, s, time_models) for s in case.subjects])


def _teacher(case: Case, timed: bool) -> Footprint:
    teacher = case.teacher
    content = teacher.weights() if hasattr(teacher, "weights") else None
    count, reason = float("nan"), f"a {type(teacher).__name__} does not tell"
    if hasattr(teacher, "operations"):
        count = teacher.operations(case.schema.restore(case.frame.iloc[:1]))
        reason = "torch counts no operation in this module"
    # recorded answers are looked up, not computed: their time says nothing about the teacher
    calls = _calls(case, case.teacher_answer) if timed and case.can_be_asked else {}
    if calls and hasattr(teacher, "bare"):
        calls["bare"] = teacher.bare(case.schema.restore(case.frame.iloc[:1]))
    return Footprint("teacher", content, count, reason, **calls)


def _student(case: Case, subject: Subject, timed: bool) -> Footprint:
    student = subject.inner
    calls = _calls(case, subject.answer) if timed else {}
    try:
        form = student.to_dict()
        content = json.dumps(form, separators=(",", ":"), ensure_ascii=False).encode()
        return Footprint(subject.name, content, float(operations(student)), **calls)
    except (AttributeError, InvalidInputError):
        return Footprint(subject.name, reason=f"a {type(student).__name__} has no form of its own", **calls)


def _calls(case: Case, answer: Any) -> dict[str, Any]:
    one, many = case.frame.iloc[:1], case.frame.iloc[:BATCH]
    return {"one": lambda: answer(one), "many": lambda: answer(many), "n_many": len(many)}
