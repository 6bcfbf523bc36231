"""The frame ``teachers``: what each teacher of an ensemble answered, where they agree and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.labelling import label
from explaindistill.auditing.answers import aligned
from explaindistill.auditing.frames.fidelity import compared
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.teachers.ensemble import EnsembleTeacher

__all__ = ["FRAMES", "measure"]

FRAMES = ("teachers",)
AGREED, DIFFERED = "where all teachers agree", "where the teachers differ"

Floats = NDArray[np.float64]


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Where the teacher is an ensemble: fidelity to each of its teachers, and where they agree and where they differ.

    Returns
    -------
    dict
        ``teachers`` has the canonical columns. ``reference`` names a teacher, or is empty for the ensemble; ``subject``
        is a student, or "teacher" for the ensemble itself; ``subset`` tells regions of agreement apart.
        ``teachers_agree`` is the share of rows on which all teachers decide alike, ``abstains`` the share on which the
        ensemble would not answer. No lines for a single teacher.
    """
    ensemble = inputs.teacher.inner
    members = getattr(ensemble, "teachers", None)
    if members is None or not hasattr(ensemble, "disagreement"):
        return {"teachers": frame([])}
    rows = inputs.rows.schema.restore(inputs.rows.frame)
    classes = inputs.rule.classes
    answers = [aligned(label(member, rows, store=inputs.store), member.classes_, classes) for member in members]
    names = [f"{i}: {getattr(m, 'name', type(m).__name__)}" for i, m in enumerate(members)]
    tables = list(_fidelity_to_each(inputs, answers, names))
    if inputs.task == "classification":
        tables += _regions(inputs, answers, rows)
    return {"teachers": pd.concat(tables, ignore_index=True)}


def _fidelity_to_each(inputs: AuditInput, answers: Sequence[Floats], names: Sequence[str]) -> Iterator[pd.DataFrame]:
    every = np.ones(len(inputs.rows), dtype=bool)
    for P, name in zip(answers, names, strict=True):
        for model in inputs.models():
            yield _agreement(inputs, P, model.P, every, model.name).assign(reference=name)


def _regions(inputs: AuditInput, answers: Sequence[Floats], rows: Any) -> list[pd.DataFrame]:
    decisions = [inputs.decided(P) for P in answers]
    agreed = np.logical_and.reduce([d == decisions[0] for d in decisions])
    shares = {"teachers_agree": agreed}
    ensemble = inputs.teacher.inner
    if getattr(ensemble, "abstain_above", None) is not None:
        stacked = (np.stack(answers),) if isinstance(ensemble, EnsembleTeacher) else ()  # others may know rows only
        shares["abstains"] = ensemble.abstains(rows, *stacked)
    tables = [frame([_share(metric, true)]) for metric, true in shares.items()]
    for s in inputs.students:
        for words, where in ((AGREED, agreed), (DIFFERED, ~agreed)):
            if where.any():
                tables.append(_agreement(inputs, inputs.teacher.P, s.P, where, s.name).assign(subset=words))
    return tables


def _share(metric: str, true: NDArray[np.bool_]) -> dict[str, Any]:
    k = int(true.sum())
    low, high = wilson(k, len(true))
    return row(metric, k / len(true), float(low), float(high), n=len(true), k=k, subject="teacher", method="wilson")


def _agreement(inputs: AuditInput, T: Floats, S: Floats, where: NDArray[np.bool_], subject: str) -> pd.DataFrame:
    """The headline fidelity of ``S`` to ``T`` on the marked rows."""
    rules = inputs.rule_of(T), inputs.rule_of(S)
    table = compared(inputs, T[where], S[where], rules, subject=subject, **inputs.rows.sampling(where))
    metric = "r2" if inputs.task == "regression" else "agreement"
    return table[(table["metric"] == metric) & (table["subset"] == "")]
