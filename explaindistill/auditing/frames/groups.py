"""The frames of an audit that compare groups: rates, gaps, any pair, strata, unknown people, calibration, proxies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.inputs import (
    WITHOUT,
    Case,
    Subject,
    cannot_say,
    decided,
    named_answers,
    stack,
)
from explaindistill.measures.bias import SMALL, group_fidelity, group_gaps, group_means_frame, group_rates
from explaindistill.measures.calibration import calibration, reliability
from explaindistill.measures.comparisons import (
    adjust,
    gap_tests,
    missing_bounds,
    power_table,
    stratified_gaps,
    worst_pairs,
)
from explaindistill.measures.decision import favorable_position
from explaindistill.measures.groups import MISSING
from explaindistill.measures.sensitivity import flips, leaf_audit, proxies, with_use
from explaindistill.measures.table import frame
from explaindistill.measures.transfer import Decisions, transfer

__all__ = ["GROUP_FRAMES", "group_frames"]

GROUP_FRAMES = (
    "rates", "gaps", "worst_pairs", "tests", "strata", "missing_bounds", "power", "group_fidelity", "transfer",
    "calibration", "reliability", "flips", "proxies", "leaf_audit",
)  # fmt: skip
TESTED = ("selection_rate", "true_positive_rate", "false_positive_rate")
FAMILY = (
    "selection, true positive and false positive rate of the teacher and its students, every group and intersection "
    f"of at least {SMALL} rows against its reference"
)
FLIP_ROWS = 2_000
FLIP_VALUES = 50
LEAF_ROWS = 30
Frames = dict[str, pd.DataFrame]


def group_frames(case: Case, importance: pd.DataFrame, rng: np.random.Generator) -> Frames:
    """All frames of `GROUP_FRAMES`; those that do not apply are empty or hold a line that says why.

    Parameters
    ----------
    case : Case
    importance : DataFrame
        Permutation importances; a proxy is weighed by the share that a model gives to its column.
    rng : Generator
    """
    empty = dict.fromkeys(GROUP_FRAMES, frame([]))
    found = empty | {"calibration": stack(_calibration(case)), "reliability": stack(_reliability(case))}
    if case.attributes.shape[1] == 0:
        return found
    found |= _regression(case) if case.task == "regression" else _classification(case, rng)
    seed = int(rng.integers(2**31))
    found["flips"] = stack(_flips(case, seed))
    found["proxies"] = stack(_proxies(case, importance, seed))
    found["leaf_audit"] = stack(_leaves(case))
    return found


def _regression(case: Case) -> Frames:
    shared: dict[str, Any] = {"attributes": case.attributes, "sample_weight": case.weight}
    rates = stack(
        group_means_frame(v, y=None if name == "labels" else case.y, subject=name, **shared)
        for name, v in _outcomes(case)
    )
    fidelities = (group_fidelity(case.P, s.P, subject=s.name, task="regression", **shared) for s in case.subjects)
    return {"rates": rates, "gaps": group_gaps(rates), "group_fidelity": stack(fidelities)}


def _classification(case: Case, rng: np.random.Generator) -> Frames:
    shared: dict[str, Any] = {"attributes": case.attributes, "sample_weight": case.weight, "clusters": case.clusters}
    decision = dict(_outcomes(case))
    fidelities = stack(
        group_fidelity(decision["teacher"], decision[s.name], subject=s.name, **shared) for s in case.subjects
    )
    if case.favorable is None:
        return {"group_fidelity": fidelities}
    shared |= {"favorable": case.favorable}
    rates = stack(
        group_rates(d, y=None if name == "labels" else case.y, subject=name, **shared) for name, d in decision.items()
    )
    gaps = group_gaps(rates)
    shifts = stack(
        transfer(
            Decisions(case.y, decision["teacher"], decision[s.name], decision.get(s.name + WITHOUT)),
            subject=s.name,
            **shared,
        )
        for s in case.subjects
    )
    return {
        "rates": rates,
        "gaps": gaps,
        "worst_pairs": worst_pairs(rates[(rates["metric"] != "base_rate") | (rates["subject"] == "labels")], rng=rng),
        "tests": adjust(gap_tests(rates, _declared(case, gaps)), FAMILY),
        "strata": stack(_strata(case, decision)),
        "missing_bounds": missing_bounds(rates, gaps),
        "power": power_table(rates, gaps),
        "group_fidelity": fidelities,
        "transfer": shifts,
    }


def _outcomes(case: Case) -> Iterator[tuple[str, NDArray[Any]]]:
    """True labels, and the decision or value of every model."""
    if case.y is not None:
        yield "labels", case.y
    for name, P in named_answers(case):
        if P is not None:
            yield name, P if case.task == "regression" else decided(case, P)


def _declared(case: Case, gaps: pd.DataFrame) -> pd.DataFrame:
    """Gaps of the teacher and its students in three rates: the family of tests that an audit declares.

    Groups that are small stay out, whatever their rates: they could show nothing, and each would ask more of the rest.
    """
    mine = gaps["subject"].isin(["teacher", *(s.name for s in case.subjects)]) & (gaps["status"] == "ok")
    known = ~gaps["group"].str.contains(MISSING, regex=False)
    return gaps[mine & known & gaps["metric"].isin([f"{metric}_difference" for metric in TESTED])]


def _strata(case: Case, decision: dict[str, NDArray[Any]]) -> Iterator[pd.DataFrame]:
    if case.strata is None:
        return
    shared: dict[str, Any] = {
        "attributes": case.attributes,
        "strata": case.strata,
        "favorable": case.favorable,
    }
    for name, d in decision.items():
        yield stratified_gaps(d, subject=name, **shared)


def _calibration(case: Case) -> Iterator[pd.DataFrame]:
    """Calibration of every model against the true labels, overall and by group."""
    if case.task == "regression" or case.favorable is None:
        return
    if case.y is None:
        yield cannot_say("calibration_gap", "teacher", "true labels were not given: pass y")
        return
    known, at = pd.notna(case.y), favorable_position(case.classes, case.favorable)
    attributes = case.attributes[known] if case.attributes.shape[1] else None
    weight = None if case.weight is None else case.weight[known]
    for name, P in named_answers(case):
        if P is not None:
            yield calibration(
                case.y[known] == case.favorable, P[known, at], attributes=attributes, intersections=False,
                sample_weight=weight, subject=name,
            )  # fmt: skip


def _reliability(case: Case) -> Iterator[pd.DataFrame]:
    """Observed shares by tenths of the probability, for the teacher and its students."""
    if case.task == "regression" or case.favorable is None or case.y is None:
        return
    known, at = pd.notna(case.y), favorable_position(case.classes, case.favorable)
    for name, P in (("teacher", case.P), *((s.name, s.P) for s in case.subjects)):
        yield reliability(case.y[known] == case.favorable, P[known, at], subject=name)


def _flips(case: Case, seed: int) -> Iterator[pd.DataFrame]:
    """What changes when only a sensitive column is changed, for each model that sees it and can be asked."""
    inputs = [c for c in case.attributes.columns if c in case.frame.columns]
    few = [c for c in inputs if 2 <= case.frame[c].nunique() <= FLIP_VALUES]
    if case.task == "regression" or not few:
        return
    rows = _some(case.frame, FLIP_ROWS, seed)
    at = None if case.favorable is None else favorable_position(case.classes, case.favorable)
    models: list[tuple[str, Any, Any]] = [(s.name, s.answer, s.features) for s in case.subjects]
    if case.can_be_asked:
        models = [("teacher", case.teacher_answer, case.frame.columns), *models]
    else:
        yield cannot_say("flip_rate", "teacher", "only recorded answers: it cannot be asked about changed rows")
    for name, answer, seen in models:
        judge = _Judge(case, answer, at)
        for column in few:
            if column in seen:
                yield flips(judge.decide, rows, column, score=None if at is None else judge.score, subject=name)


class _Judge:
    """Decisions and scores of one model; both about the same rows are asked once."""

    def __init__(self, case: Case, answer: Any, at: int | None) -> None:
        self._case, self._answer, self._at = case, answer, at
        self._rows: pd.DataFrame | None = None
        self._P: Any = None

    def _ask(self, rows: pd.DataFrame) -> Any:
        if rows is not self._rows:
            self._rows, self._P = rows, self._answer(rows)
        return self._P

    def decide(self, rows: pd.DataFrame) -> NDArray[Any]:
        return decided(self._case, self._ask(rows), own=False)

    def score(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        return np.asarray(self._ask(rows)[:, self._at])


def _some(rows: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    if len(rows) <= n:
        return rows.reset_index(drop=True)
    at = np.sort(np.random.default_rng(seed).choice(len(rows), n, replace=False))
    return rows.iloc[at].reset_index(drop=True)


def _proxies(case: Case, importance: pd.DataFrame, seed: int) -> Iterator[pd.DataFrame]:
    """How well columns give a sensitive attribute away, beside their use by every model; predicted once."""
    strengths: dict[tuple[str, ...], pd.DataFrame] = {}
    told = importance[importance["metric"] == "permutation"] if "feature" in importance else importance.iloc[:0]
    everything = tuple(map(str, case.frame.columns))
    for name, seen in (("teacher", everything), *((s.name, s.features) for s in case.subjects)):
        columns = [c for c in case.frame.columns if c in seen]
        if tuple(columns) not in strengths:
            strengths[tuple(columns)] = proxies(case.frame[columns], case.attributes, random_state=seed)
        own = told[(told["subject"] == name) & (told["status"] == "ok")]
        share = dict(zip(own["feature"], own["share"], strict=True)) if len(own) else None
        yield with_use(strengths[tuple(columns)], share, name)


def _leaves(case: Case) -> Iterator[pd.DataFrame]:
    """Which rule of a student meets whom, for students that have leaves or rules."""
    for s in case.subjects:
        placed = regions(case, s)
        if placed is not None:
            leaf, words = _joined(*placed)
            yield leaf_audit(leaf, case.attributes, names=words, subject=s.name)


def _joined(leaf: NDArray[Any], words: dict[Any, str]) -> tuple[NDArray[Any], dict[Any, str]]:
    """Leaves of few rows as one, so that nobody can be recognised in them; the next leaf joins where those are few."""
    found, counts = np.unique(leaf, return_counts=True)
    order = np.argsort(counts, kind="stable")
    few = int((counts < LEAF_ROWS).sum())
    while 0 < few < len(found) and counts[order[:few]].sum() < LEAF_ROWS:
        few += 1
    if few == 0:
        return leaf, words
    rest = int(found.max()) + 1
    joined = np.where(np.isin(leaf, found[order[:few]]), rest, leaf)
    return joined, words | {rest: f"any of {few} rules that few rows meet"}


def regions(case: Case, s: Subject) -> tuple[NDArray[Any], dict[Any, str]] | None:
    """Leaf or rule of each row and its words, where the student has such; None where it has not."""
    if not (hasattr(s.inner, "apply") and hasattr(s.inner, "rules")):
        return None
    table = s.inner.rules()
    if not {"leaf", "rule"} <= set(table):
        return None
    columns = getattr(s.given, "features_", None)
    if columns is not None and not isinstance(columns, list):
        return None  # it sees transformed columns, whose rules are not about those of the audit
    seen = case.schema.restore(case.frame[list(s.features)])
    return np.asarray(s.inner.apply(seen)), dict(zip(table["leaf"], table["rule"], strict=True))
