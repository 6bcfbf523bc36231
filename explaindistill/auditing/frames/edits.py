"""The frame ``edits``: what named changes of objects do to every model's answers, beside controls of the same size."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.frames._lines import RECORDED_ONLY, Incomplete, cannot_say, drawn, in_parts
from explaindistill.auditing.frames.fidelity import compared
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.objects.record import CONTROL, ObjectAudit
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.edits import EXTRA, AnswerPair, edit_effects, over_control
from explaindistill.measures.table import frame

__all__ = ["FRAMES", "measure"]

FRAMES = ("edits",)
EDITED_ROWS = 500
"""Objects at most that are edited: each is one more question for every edit, and 500 hold a share within 4.5 points."""
SEED = 11


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
    at = drawn(len(objects.frame), EDITED_ROWS, np.random.default_rng(SEED))
    before = objects.frame.iloc[at].reset_index(drop=True)
    after = objects.edited(before, name, np.random.default_rng([SEED, zlib.crc32(name.encode())]))
    changed = objects.changed(before, after)
    sampling: dict[str, Any] = inputs.rows.sampling(at)
    tables = []
    pairs[name] = {}
    answers: dict[str, NDArray[np.float64]] = {}
    for model in inputs.models():
        answers[model.name] = model.P[at].copy()
        if changed.any():
            answers[model.name][changed] = objects.answers[model.name](after[changed])
        pair = AnswerPair.of(model.P[at], answers[model.name], changed, inputs.rule_of(model.P))
        pairs[name][model.name] = pair
        shared = {"edit": name, "subject": model.name, "minimum": minimum, **sampling}
        tables.append(edit_effects(pair, **shared))
        edit = name.removesuffix(CONTROL)
        if name.endswith(CONTROL) and edit in pairs:
            tables.append(over_control(pairs[edit][model.name], pair, **{**shared, "edit": edit}))
    if changed.sum() >= minimum:
        tables.append(_fidelity(inputs, answers, changed, name, sampling))
    return tables


def _fidelity(
    inputs: AuditInput,
    answers: Mapping[str, NDArray[np.float64]],
    changed: NDArray[np.bool_],
    name: str,
    sampling: Mapping[str, Any],
) -> pd.DataFrame:
    """Whether students still follow their teacher where objects are edited."""
    metric = "r2" if inputs.task == "regression" else "agreement"
    chosen = {key: None if values is None else values[changed] for key, values in sampling.items()}
    lines = []
    for s in inputs.students:
        rules = inputs.rule_of(inputs.teacher.P), inputs.rule_of(s.P)
        table = compared(inputs, answers["teacher"][changed], answers[s.name][changed], rules, subject=s.name, **chosen)
        lines += table[(table["metric"] == metric) & (table["subset"] == "")].assign(edit=name).to_dict("records")
    return frame(lines, EXTRA)
