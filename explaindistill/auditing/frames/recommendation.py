"""The frame ``recommendation``: which students keep a requirement when all of them are judged together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.frames._lines import stack
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.fidelity import fidelity, regression_fidelity
from explaindistill.measures.performance import performance, regression_performance
from explaindistill.measures.verdicts import judge, parse

__all__ = ["FRAMES", "measure"]

FRAMES = ("recommendation",)
MISSED = 0.05
"""Chance, at most, that any of the intervals of all students misses its figure."""
EXTRA = ["rule", "level", "verdict"]


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Each requirement on fidelity or performance held against every student, with simultaneous intervals.

    Who picks one of m students after looking at all of them is misled more often than an interval says. So each
    interval here has the level :math:`1 - .05 / m` (Bonferroni): with a chance of at most 5 % any of them misses.
    Requirements with a selection, as in ``fidelity.agreement[subject=gam]``, name their students beforehand and are
    not repeated.

    Returns
    -------
    dict
        ``recommendation``: canonical columns, then ``rule`` (key and bound), ``level`` and ``verdict``.

    References
    ----------
    Dunn (1961), doi:10.1080/01621459.1961.10482090 (Bonferroni's intervals).
    """
    level = 1 - MISSED / max(len(inputs.students), 1)
    tables = [_judged(inputs, s, key, text, level) for key, text in _plain(options) for s in inputs.students]
    return {"recommendation": stack(tables, EXTRA)}


def _plain(options: AuditOptions) -> Iterator[tuple[str, str]]:
    for key, text in options.requirements.items():
        if str(key).partition(".")[0] in {"fidelity", "performance"} and "[" not in str(key):
            yield str(key), str(text)


def _judged(inputs: AuditInput, s: Model, key: str, text: str, level: float) -> pd.DataFrame:
    """The lines of one student in one metric, at the level, with their verdicts."""
    frame, _, metric = key.partition(".")
    table = _fidelity(inputs, s, level) if frame == "fidelity" else _performance(inputs, s, level)
    chosen = table[(table["metric"] == metric) & (table["subset"] == "")]
    rule = parse(text)
    figures = zip(chosen["estimate"], chosen["low"], chosen["high"], strict=True)
    verdicts = [judge(estimate, low, high, rule)[0] for estimate, low, high in figures]
    return chosen.assign(rule=f"{key} {rule.text}", level=level, verdict=verdicts)


def _fidelity(inputs: AuditInput, s: Model, level: float) -> pd.DataFrame:
    shared: dict[str, Any] = {**inputs.rows.sampling(), "subject": s.name, "level": level}
    if inputs.task == "regression":
        return regression_fidelity(inputs.teacher.P, s.P, **shared)
    rules = inputs.rule_of(inputs.teacher.P), inputs.rule_of(s.P)
    return fidelity(inputs.teacher.P, s.P, rules[0], student_rule=rules[1], **shared)


def _performance(inputs: AuditInput, s: Model, level: float) -> pd.DataFrame:
    shared: dict[str, Any] = {**inputs.rows.sampling(), "subject": s.name, "level": level}
    if inputs.rows.y is None:
        return stack([])
    if inputs.task == "regression":
        return regression_performance(inputs.rows.y, s.P, **shared)
    return performance(inputs.rows.y, s.P, inputs.rule, **shared)
