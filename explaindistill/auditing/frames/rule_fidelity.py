"""The frame ``rule_fidelity``: how faithful each rule of a student is, with limits for all of its rules at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import pandas as pd

from explaindistill.auditing.frames._lines import Incomplete, cannot_say, in_parts, unasked
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.options import AuditOptions
from explaindistill.data.row_keys import distinct, row_keys
from explaindistill.distillation.made_rows import default_sampler
from explaindistill.measures.rule_fidelity import rule_fidelity

__all__ = ["FRAMES", "MADE_UP", "METRIC", "measure"]

FRAMES = ("rule_fidelity",)
METRIC, MADE_UP = "rule_agreement", "rule_agreement_made_up"
STREAM = 16
"""Chance numbers of the made-up rows, apart from those of the audit: other frames do not change with them."""
Part = tuple[str, Callable[[], Iterable[pd.DataFrame]]]


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, Incomplete]:
    """On the audited rows, which chose nothing; apart on made-up rows, where ``n_made_up`` asks for them."""
    new_rows = _made_up(inputs, options) if options.n_made_up and inputs.teacher.can_be_asked else None
    parts: list[Part] = [
        (s.name, partial(_of_student, inputs, s, options, new_rows)) for s in inputs.students if _has_rules(inputs, s)
    ]
    return {"rule_fidelity": in_parts(parts)}


def _has_rules(inputs: AuditInput, s: Model) -> bool:
    return inputs.task == "classification" and s.rules(inputs.rows.frame.head(1)) is not None


def _made_up(inputs: AuditInput, options: AuditOptions) -> pd.DataFrame:
    """Rows near the audited ones; those that equal one of these are people, and left out."""
    rng = np.random.default_rng([options.random_state, STREAM])
    people = inputs.rows.frame.reset_index(drop=True)
    new_rows = pd.DataFrame(default_sampler().fit(people, inputs.rows.schema).sample(options.n_made_up, rng))
    number = distinct(row_keys(pd.concat([people, new_rows], ignore_index=True)))[1]
    return new_rows.loc[~np.isin(number[len(people) :], number[: len(people)])]


def _of_student(
    inputs: AuditInput, s: Model, options: AuditOptions, new_rows: pd.DataFrame | None
) -> Iterator[pd.DataFrame]:
    why = _not_independent(inputs)
    if why:
        yield cannot_say(METRIC, s.name, why)
    else:
        same = inputs.decided(inputs.teacher.P) == inputs.decided(s.P)
        yield _by_rule(s, inputs.rows.frame, same, METRIC)
    if new_rows is not None:
        rules = inputs.rule_of(inputs.teacher.P), inputs.rule_of(s.P)
        same = rules[0].decide(inputs.teacher.answer(new_rows)) == rules[1].decide(s.answer(new_rows))
        yield _by_rule(s, new_rows, same, MADE_UP)
    elif options.n_made_up:
        yield cannot_say(MADE_UP, s.name, unasked(inputs, "made-up"))


def _by_rule(s: Model, rows: pd.DataFrame, same: np.ndarray, metric: str) -> pd.DataFrame:
    rules = s.rules(rows)
    assert rules is not None
    return rule_fidelity(same, *rules, metric=metric, subject=s.name)


def _not_independent(inputs: AuditInput) -> str:
    """Why exact limits do not hold of these rows; empty where they do."""
    weight = inputs.rows.weight
    if inputs.rows.clusters is not None:
        return "cannot say with clusters: exact limits need independent rows"
    if weight is not None and not np.allclose(weight, weight[:1]):
        return "cannot say with weights: exact limits count every row alike"
    if isinstance(inputs.rule.threshold, Mapping):
        return "cannot say of a top share: these very rows decide where it begins"
    return ""
