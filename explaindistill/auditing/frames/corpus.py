"""Frames about fitting: whether made-up rows are believable, what asking cost, what each of several teachers said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.asking.cost import Cost
from explaindistill.asking.labelling import label
from explaindistill.auditing.inputs import Case, Subject, aligned
from explaindistill.distillation.corpus import default_sampler
from explaindistill.distillation.distiller import Distiller
from explaindistill.errors import InvalidInputError
from explaindistill.measures.believability import AllowedRows, believability, worries
from explaindistill.measures.decision import DecisionRule, decisions
from explaindistill.measures.fidelity import fidelity, regression_fidelity
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.samplers._constraints import Constraint, kept

__all__ = ["believed", "costs", "per_teacher"]

BELIEVED_ROWS = 1_000
"""So many made-up rows are held against as many held-out ones."""
NEAREST_ROWS = 20_000
"""Distances are taken to so many rows of fitting at most."""
AGREED, DIFFERED = "where all teachers agree", "where the teachers differ"


def costs(case: Case, price_per_row: float | None) -> pd.DataFrame:
    """One line per student that a Distiller fitted: what was recorded while it was fitted, and what follows."""
    if price_per_row is not None and not price_per_row >= 0:
        raise InvalidInputError(f"price_per_row must be at least 0, got {price_per_row}")
    price = price_per_row if price_per_row is not None else (getattr(case.teacher, "price_per_row", None) or None)
    columns = ["subject", *Cost(0, 0, 0.0, 0.0, 0.0, 0.0, None).as_row()]
    lines = [{"subject": s.name, **s.given.cost_.as_row(price)} for s in case.subjects if hasattr(s.given, "cost_")]
    return pd.DataFrame(lines, columns=columns)


def believed(case: Case) -> tuple[pd.DataFrame, list[str]]:
    """Believability of the made-up rows of each student, and what must be said about it.

    Samplers that are set alike make rows alike; they are judged once.
    """
    tables: list[pd.DataFrame] = []
    notes: list[str] = []
    known: dict[str, pd.DataFrame] = {}
    for s in case.subjects:
        if not isinstance(s.given, Distiller) or s.given.corpus_.sampler == "none":
            continue
        sampler = default_sampler() if s.given.sampler is None else s.given.sampler
        alike = f"{type(sampler).__name__} {sorted(vars(sampler).items())!r} {s.given.seed_}"
        first = alike not in known
        if first:
            known[alike] = _believed(case, s, sampler)
        table = known[alike].assign(subject=s.name)
        tables.append(table)
        if first:
            notes += worries(table)
    return (pd.concat(tables, ignore_index=True) if tables else frame([])), notes


def _believed(case: Case, s: Subject, sampler: Any) -> pd.DataFrame:
    def cannot(reason: str) -> pd.DataFrame:
        return frame([row("two_sample_auc", np.nan, np.nan, np.nan, n=0, subject=s.name, reason=reason)])

    if case.train is None:
        return cannot("rows of fitting were not given: pass train=(X, y)")
    if hasattr(sampler, "teacher"):
        return cannot("this sampler asks the teacher, which an audit does not do for rows of fitting")
    schema = s.given.schema_
    fitted = schema.frame(case.train[0])
    if min(len(case.frame), len(fitted)) < 10:
        return cannot("fewer than 10 rows of fitting or held out")
    rng = np.random.default_rng([s.given.seed_, 7])
    held = _some(schema.frame(case.frame), BELIEVED_ROWS, rng)
    made = clone(sampler, safe=False).fit(fitted, schema).sample(max(len(held), 10), rng)
    rules = [Constraint(text, schema) for text in getattr(sampler, "constraints", ())]
    return believability(
        made,
        held,
        fitted,
        AllowedRows(schema, lambda Z: kept(rules, Z), bool(getattr(sampler, "private", False))),
        most=NEAREST_ROWS,
        subject=s.name,
        random_state=s.given.seed_,
    )


def _some(rows: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    return rows if len(rows) <= n else rows.iloc[np.sort(rng.choice(len(rows), n, replace=False))]


def per_teacher(case: Case) -> pd.DataFrame:
    """Where the teacher is an ensemble: fidelity to each of its teachers, and where they agree and where they differ.

    Returns
    -------
    DataFrame
        Canonical columns. ``reference`` names a teacher, or is empty for the ensemble; ``subject`` is a student, or
        "teacher" for the ensemble itself; ``subset`` tells regions of agreement apart. ``teachers_agree`` is the
        share of rows on which all teachers decide alike, ``abstains`` the share on which the ensemble would not answer.
    """
    members = getattr(case.teacher, "teachers", None)
    if members is None or not hasattr(case.teacher, "disagreement"):
        return frame([])
    rows = case.schema.restore(case.frame)
    answers = [aligned(label(member, rows, store=case.store), member.classes_, case.classes) for member in members]
    names = [f"{i}: {getattr(m, 'name', type(m).__name__)}" for i, m in enumerate(members)]
    parts = list(_fidelity_to_each(case, answers, names))
    if case.task == "classification":
        parts += _regions(case, answers, rows)
    return pd.concat(parts, ignore_index=True)


def _fidelity_to_each(
    case: Case, answers: Sequence[NDArray[np.float64]], names: Sequence[str]
) -> Iterator[pd.DataFrame]:
    for P, name in zip(answers, names, strict=True):
        for subject, own in [("teacher", case.P), *((s.name, s.P) for s in case.subjects)]:
            yield _agreement(case, P, own, np.ones(len(own), dtype=bool), subject).assign(reference=name)


def _regions(case: Case, answers: Sequence[NDArray[np.float64]], rows: Any) -> list[pd.DataFrame]:
    decided = [decisions(P, case.classes, case.favorable, case.threshold, sample_weight=case.weight) for P in answers]
    agreed = np.logical_and.reduce([d == decided[0] for d in decided])
    shares = {"teachers_agree": agreed}
    if getattr(case.teacher, "abstain_above", None) is not None:
        shares["abstains"] = case.teacher.abstains(rows)
    parts = [frame([_share(metric, true)]) for metric, true in shares.items()]
    for s in case.subjects:
        for words, where in ((AGREED, agreed), (DIFFERED, ~agreed)):
            if where.any():
                parts.append(_agreement(case, case.P, s.P, where, s.name).assign(subset=words))
    return parts


def _share(metric: str, true: NDArray[np.bool_]) -> dict[str, Any]:
    low, high = wilson(int(true.sum()), len(true))
    k = int(true.sum())
    return row(metric, k / len(true), float(low), float(high), n=len(true), k=k, subject="teacher", method="wilson")


def _agreement(
    case: Case, P: NDArray[np.float64], S: NDArray[np.float64], where: NDArray[np.bool_], subject: str
) -> pd.DataFrame:
    def at(values: Any) -> Any:
        return None if values is None else values[where]

    shared: dict[str, Any] = {"clusters": at(case.clusters), "sample_weight": at(case.weight), "subject": subject}
    if case.task == "regression":
        table, metric = regression_fidelity(P[where], S[where], **shared), "r2"
    else:
        rule = DecisionRule(case.classes, case.favorable, case.threshold)
        table, metric = fidelity(P[where], S[where], rule, **shared), "agreement"
    return table[(table["metric"] == metric) & (table["subset"] == "")]
