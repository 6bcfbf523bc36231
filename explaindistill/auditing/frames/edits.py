"""The frame ``edits``: what named changes of objects do to every model's answers, beside controls of the same size."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.frames._editing import edited_pair, edited_rows
from explaindistill.auditing.frames._lines import RECORDED_ONLY, Incomplete, cannot_say, in_parts
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.objects.record import CONTROL, ObjectAudit
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.edits import EXTRA, AnswerPair, edit_effects, over_control

__all__ = ["FRAMES", "measure"]

FRAMES = ("edits",)


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, Incomplete]:
    """A part for each edit of the domain; no line for rows of a table, which have none."""
    objects = inputs.objects
    if objects is None:
        return {"edits": in_parts([], EXTRA)}
    if not objects.can_be_asked:
        line = cannot_say("edit_flip_rate", "teacher", RECORDED_ONLY.format("changed"))
        return {"edits": in_parts([("", lambda: [line])], EXTRA)}
    pairs: dict[str, dict[str, AnswerPair]] = {}
    parts = [
        (name, partial(_of_edit, inputs, objects, name, pairs, options.min_group_size)) for name in objects.edits()
    ]
    return {"edits": in_parts(parts, EXTRA)}


def _of_edit(
    inputs: AuditInput,
    objects: ObjectAudit,
    name: str,
    pairs: dict[str, dict[str, AnswerPair]],
    minimum: int,
) -> list[pd.DataFrame]:
    """Effects of one edit; those of a control are compared with its edit's, which stand before it."""
    before, after = edited_pair(objects, name)
    changed = objects.changed(before, after)
    sampling: dict[str, Any] = inputs.rows.sampling(edited_rows(objects))
    tables = []
    pairs[name] = {}
    for model in inputs.models():
        answer = objects.answers[model.name]
        pair = AnswerPair.of(answer, before, after, changed, inputs.rule_of(model.P))
        pairs[name][model.name] = pair
        shared = {"edit": name, "subject": model.name, "minimum": minimum, **sampling}
        tables.append(edit_effects(pair, **shared))
        edit = name.removesuffix(CONTROL)
        if name.endswith(CONTROL) and edit in pairs:
            tables.append(over_control(pairs[edit][model.name], pair, **{**shared, "edit": edit}))
    return tables
