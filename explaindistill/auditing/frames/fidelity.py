"""The frame ``fidelity``: on the audited rows, by rule of the student, on stressed and on the caller's own rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.frames._lines import RECORDED_ONLY, Incomplete, cannot_say, in_parts
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import SECOND, WITHOUT, Model
from explaindistill.auditing.objects.record import ObjectAudit
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity, regression_fidelity
from explaindistill.measures.paired_shares import paired_share_difference
from explaindistill.measures.table import frame, shares
from explaindistill.numerics.statistics.tallies import tally

__all__ = ["EQUAL", "FRAMES", "STRESSED", "WHAT_IF", "measure"]

FRAMES = ("fidelity",)
EQUAL = "without rows equal to fitting rows"
STRESSED = "stressed rows (columns shuffled apart)"
WHAT_IF = "what-if rows of the caller"
REGION = "where "
Part = tuple[str, Callable[[], Iterable[pd.DataFrame]]]
STRESS_ROWS = 2_000
"""Stressed rows at most: each is one more question to the teacher, and 2,000 hold a share within 2 points."""


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, Incomplete]:
    """Everything about how a student repeats its teacher; lines of other rows than the audited ones have a ``subset``.

    Subjects are the students, each student ``without teacher`` (against the teacher, beside it), and the second
    teacher, whose agreement with the first is the ceiling that noise sets.
    """
    stressed = _shuffled(inputs.rows.frame, rng) if inputs.teacher.can_be_asked else None
    audited: list[Part] = [rows_and_words for s in inputs.students for rows_and_words in _on_audited_rows(inputs, s)]
    elsewhere: list[Part] = [("second teacher", partial(_ceiling, inputs)), *_elsewhere(inputs, stressed)]
    return {"fidelity": in_parts([*audited, *elsewhere])}


def compared(
    inputs: AuditInput,
    T: NDArray[np.float64],
    S: NDArray[np.float64],
    rules: tuple[DecisionRule, DecisionRule],
    **sampling: Any,
) -> pd.DataFrame:
    """Fidelity of answers ``S`` to answers ``T``, whatever the task, by the rule of either side."""
    if inputs.task == "regression":
        return regression_fidelity(T, S, **sampling)
    return fidelity(T, S, rules[0], student_rule=rules[1], **sampling)


def _on_audited_rows(inputs: AuditInput, s: Model) -> Iterator[Part]:
    every = np.ones(len(inputs.rows), dtype=bool)
    equal = inputs.rows.equal_in_value
    yield f"{s.name}, audited rows", lambda: [_between(inputs, s, every)]
    yield f"{s.name}, by rule", lambda: [_by_region(inputs, s)]
    if equal.any() and not equal.all():
        yield f"{s.name}, {EQUAL}", lambda: [_overall(_between(inputs, s, ~equal), EQUAL)]
    if s.name in inputs.baselines:
        yield f"{s.name}{WITHOUT}", lambda: [_overall(_between(inputs, inputs.baselines[s.name], every))]


def _between(inputs: AuditInput, model: Model, rows: NDArray[np.bool_]) -> pd.DataFrame:
    """A model against the teacher on the marked rows."""
    sampling = inputs.rows.sampling(rows)
    rules = inputs.rule_of(inputs.teacher.P), inputs.rule_of(model.P)
    return compared(inputs, inputs.teacher.P[rows], model.P[rows], rules, subject=model.name, **sampling)


def _overall(table: pd.DataFrame, subset: str = "") -> pd.DataFrame:
    return table[table["subset"] == ""].assign(subset=subset)


def _by_region(inputs: AuditInput, s: Model) -> pd.DataFrame:
    """Agreement inside every leaf of the student, whose rule stands under ``subset``."""
    regions = None if inputs.task == "regression" else s.regions(inputs.rows.frame)
    if regions is None:
        return frame([])
    leaf, words = regions
    leaves, codes = np.unique(leaf, return_inverse=True)
    same = inputs.decided(inputs.teacher.P) == inputs.decided(s.P)
    counted = tally(same, codes, len(leaves), **inputs.rows.sampling())
    names = [{"subject": s.name, "subset": REGION + str(words.get(one, one))} for one in leaves.tolist()]
    return frame(shares("agreement", counted, names, level=0.95))


def _ceiling(inputs: AuditInput) -> Iterator[pd.DataFrame]:
    """The second teacher against the first, and how far each student stays below that."""
    if inputs.second_teacher is None:
        return
    every = np.ones(len(inputs.rows), dtype=bool)
    yield _overall(_between(inputs, inputs.second_teacher, every))
    if inputs.task == "regression":
        return
    first, second = inputs.decided(inputs.teacher.P), inputs.decided(inputs.second_teacher.P)
    for s in inputs.students:
        same: dict[str, Any] = {"subject": s.name, "reference": SECOND, **inputs.rows.sampling()}
        yield frame(
            [paired_share_difference("agreement_over_ceiling", inputs.decided(s.P) == first, second == first, **same)]
        )


def _shuffled(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Rows whose columns come from different people: each value is real, their company is not."""
    n = min(len(rows), STRESS_ROWS)
    return pd.DataFrame({c: rows[c].iloc[rng.choice(len(rows), n, replace=False)].array for c in rows.columns})


def _elsewhere(inputs: AuditInput, stressed: pd.DataFrame | None) -> Iterator[Part]:
    """Fidelity on rows that are not the audited ones: shuffled ones, and those that the caller brought."""
    if inputs.objects is not None:  # instead of shuffled columns these are edited by name: frame "edits"
        if inputs.objects.stress is not None:
            yield WHAT_IF, partial(_answered, inputs, inputs.objects, inputs.objects.stress, WHAT_IF)
        return
    for rows, subset in ((stressed, STRESSED), (inputs.stress, WHAT_IF)):
        if rows is not None:
            yield subset, partial(_on_rows, inputs, rows, subset)
    if stressed is None:
        metric = "r2" if inputs.task == "regression" else "agreement"
        reason = RECORDED_ONLY.format("new")
        yield STRESSED, lambda: [cannot_say(metric, s.name, reason, subset=STRESSED) for s in inputs.students]


def _answered(inputs: AuditInput, objects: ObjectAudit, rows: pd.DataFrame, subset: str) -> Iterator[pd.DataFrame]:
    T = objects.answers["teacher"](rows)
    for s in inputs.students:
        rules = inputs.rule_of(inputs.teacher.P), inputs.rule_of(s.P)
        yield _overall(compared(inputs, T, objects.answers[s.name](rows), rules, subject=s.name), subset)


def _on_rows(inputs: AuditInput, rows: pd.DataFrame, subset: str) -> Iterator[pd.DataFrame]:
    T = inputs.teacher.answer(rows)
    for s in inputs.students:
        rules = inputs.rule_of(inputs.teacher.P), inputs.rule_of(s.P)
        yield _overall(compared(inputs, T, s.answer(rows), rules, subject=s.name), subset)
