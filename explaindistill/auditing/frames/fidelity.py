"""The fidelity frame of an audit: on the audited rows, by rule of the student, on stressed and on the caller's rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.frames.groups import regions
from explaindistill.auditing.inputs import (
    SECOND,
    WITHOUT,
    Case,
    Subject,
    cannot_say,
    decided,
    stack,
)
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity, regression_fidelity
from explaindistill.measures.table import frame, row, shares
from explaindistill.numerics.statistics.intervals import bonett_price
from explaindistill.numerics.statistics.tallies import tally

__all__ = ["EQUAL", "STRESSED", "WHAT_IF", "fidelity_frame"]

EQUAL = "without rows equal to fitting rows"
STRESSED = "stressed rows (columns shuffled apart)"
WHAT_IF = "what-if rows of the caller"
REGION = "where "
STRESS_ROWS = 2_000


def fidelity_frame(case: Case, rng: np.random.Generator) -> pd.DataFrame:
    """Everything about how a student repeats its teacher; lines of other rows than the audited ones have a ``subset``.

    Subjects are the students, each student ``without teacher`` (against the teacher, beside it), and the second
    teacher, whose agreement with the first is the ceiling that noise sets.
    """
    stressed = _shuffled(case, rng) if case.can_be_asked else None
    return stack([*_on_audited_rows(case), *_ceiling(case), *_elsewhere(case, stressed)])


def _on_audited_rows(case: Case) -> Iterator[pd.DataFrame]:
    every = np.ones(len(case.frame), dtype=bool)
    for s in case.subjects:
        yield _between(case, s.P, s.name, every)
        yield _by_region(case, s)
        if case.equal_in_value.any() and not case.equal_in_value.all():
            yield _overall(_between(case, s.P, s.name, ~case.equal_in_value), EQUAL)
        if s.baseline is not None:
            yield _overall(_between(case, s.baseline, s.name + WITHOUT, every))


def _between(case: Case, P: NDArray[np.float64], subject: str, kept: NDArray[np.bool_]) -> pd.DataFrame:
    shared: dict[str, Any] = {"clusters": _at(case.clusters, kept), "sample_weight": _at(case.weight, kept)}
    return _compared(case, case.P[kept], P[kept], subject=subject, **shared)


def _compared(case: Case, T: NDArray[np.float64], S: NDArray[np.float64], **shared: Any) -> pd.DataFrame:
    if case.task == "regression":
        return regression_fidelity(T, S, **shared)
    return fidelity(T, S, DecisionRule(case.classes, case.favorable, case.threshold), **shared)


def _at(values: NDArray[Any] | None, kept: NDArray[np.bool_]) -> NDArray[Any] | None:
    return None if values is None else values[kept]


def _overall(found: pd.DataFrame, subset: str = "") -> pd.DataFrame:
    return found[found["subset"] == ""].assign(subset=subset)


def _by_region(case: Case, s: Subject) -> pd.DataFrame:
    """Agreement inside every leaf of the student, whose rule stands under ``subset``."""
    placed = None if case.task == "regression" else regions(case, s)
    if placed is None:
        return frame([])
    leaf, words = placed
    leaves, codes = np.unique(leaf, return_inverse=True)
    same = decided(case, case.P) == decided(case, s.P)
    counted = tally(same, codes, len(leaves), sample_weight=case.weight, clusters=case.clusters)
    names = [{"subject": s.name, "subset": REGION + str(words.get(one, one))} for one in leaves.tolist()]
    return frame(shares("agreement", counted, names, level=0.95))


def _ceiling(case: Case) -> Iterator[pd.DataFrame]:
    """The second teacher against the first, and how far each student stays below that."""
    if case.P_second is None:
        return
    every = np.ones(len(case.frame), dtype=bool)
    yield _overall(_between(case, case.P_second, SECOND, every))
    if case.task == "regression":
        return
    teacher, again = decided(case, case.P), decided(case, case.P_second)
    for s in case.subjects:
        yield frame([_below(decided(case, s.P) == teacher, again == teacher, case, s.name)])


def _below(student: NDArray[np.bool_], second: NDArray[np.bool_], case: Case, subject: str) -> dict[str, Any]:
    """Agreement of the student minus that of the second teacher, paired: both meet the same rows."""
    rows = np.zeros(len(student), dtype=np.int64)
    shared: dict[str, Any] = {"sample_weight": case.weight, "clusters": case.clusters}
    up, down = (tally(x, rows, 1, **shared) for x in (student & ~second, second & ~student))
    n = float(min(up.n_effective[0], down.n_effective[0]))
    gap = float(up.share[0] - down.share[0])
    low, high = bonett_price(float(up.share[0]) * n, float(down.share[0]) * n, n)
    return row(
        "agreement_over_ceiling", gap, min(float(low), gap), max(float(high), gap), n=len(student), n_effective=n,
        k=float(up.k[0] + down.k[0]), reference=SECOND, method="bonett-price", subject=subject,
    )  # fmt: skip


def _shuffled(case: Case, rng: np.random.Generator) -> pd.DataFrame:
    """Rows whose columns come from different people: each value is real, their company is not."""
    n = min(len(case.frame), STRESS_ROWS)
    columns = {c: case.frame[c].iloc[rng.choice(len(case.frame), n, replace=False)].array for c in case.frame.columns}
    return pd.DataFrame(columns)


def _elsewhere(case: Case, stressed: pd.DataFrame | None) -> Iterator[pd.DataFrame]:
    """Fidelity on rows that are not the audited ones: shuffled ones, and those that the caller brought."""
    for rows, subset in ((stressed, STRESSED), (case.stress, WHAT_IF)):
        if rows is not None:
            T = case.teacher_answer(rows)
            for s in case.subjects:
                yield _overall(_compared(case, T, s.answer(rows), subject=s.name), subset)
    if stressed is None:
        metric = "r2" if case.task == "regression" else "agreement"
        for s in case.subjects:
            yield cannot_say(
                metric, s.name, "only recorded answers: it cannot be asked about new rows", subset=STRESSED
            )
