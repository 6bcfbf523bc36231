"""The frame ``deployment``: what the teacher and each student take to ship and to ask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.asking.labelling import ask
from explaindistill.auditing.answers import Answer
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.objects.teacher import behind
from explaindistill.auditing.options import AuditOptions
from explaindistill.errors import InvalidInputError
from explaindistill.export import operations
from explaindistill.measures.deployment import Footprint, deployment

__all__ = ["FRAMES", "measure"]

FRAMES = ("deployment",)
BATCH = 1_000
"""Rows of the batch that is timed, at most."""


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Sizes, operations and, where asked for, times; see :func:`explaindistill.measures.deployment.deployment`."""
    students = [_student(inputs, s, options.time_models) for s in inputs.students]
    return {"deployment": deployment(_teacher(inputs, options.time_models), students)}


def _teacher(inputs: AuditInput, timed: bool) -> Footprint:
    model, teacher = inputs.teacher, inputs.teacher.inner
    first_row = inputs.rows.schema.restore(inputs.rows.frame.iloc[:1])
    content = teacher.weights() if callable(getattr(teacher, "weights", None)) else None
    count, reason = float("nan"), f"a {type(behind(teacher)).__name__} does not tell"
    if hasattr(teacher, "operations"):
        count = teacher.operations(first_row)
        reason = "torch counts no operation in this module"
    # recorded answers are looked up, not computed: their time says nothing about the teacher
    calls = _calls(inputs, model) if timed and model.can_be_asked else {}
    if calls and hasattr(teacher, "bare"):
        calls["bare"] = teacher.bare(first_row)
    return Footprint("teacher", content, count, reason, **calls)


def _student(inputs: AuditInput, model: Model, timed: bool) -> Footprint:
    student = model.inner
    calls = _calls(inputs, model) if timed else {}
    try:
        form = student.to_dict()
        content = json.dumps(form, separators=(",", ":"), ensure_ascii=False).encode()
        return Footprint(model.name, content, float(operations(student)), **calls)
    except (AttributeError, InvalidInputError):
        return Footprint(model.name, reason=f"a {type(student).__name__} has no form of its own", **calls)


def _calls(inputs: AuditInput, model: Model) -> dict[str, Any]:
    """What is timed; the teacher itself is, not a memory of its answers."""
    one, many = inputs.rows.frame.iloc[:1], inputs.rows.frame.iloc[:BATCH]
    answer = _unremembered(inputs) if model is inputs.teacher else model.answer
    return {"one": lambda: answer(one), "many": lambda: answer(many), "n_many": len(many)}


def _unremembered(inputs: AuditInput) -> Answer:
    """The teacher as a function of rows that asks each time."""
    return lambda rows: ask(inputs.teacher.inner, inputs.rows.schema.restore(rows))
