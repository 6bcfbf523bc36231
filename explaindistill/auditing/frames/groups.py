"""The frames of an audit that compare groups: rates, gaps, any pair, strata, unknown people, calibration, proxies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.answers import Answer
from explaindistill.auditing.frames._lines import RECORDED_ONLY, Measured, attempt, cannot_say, drawn, stack
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import WITHOUT
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.bias import (
    MEMBER,
    WEIGHT,
    GroupOptions,
    fidelity_caveat,
    group_fidelity,
    group_means_frame,
    group_rates,
)
from explaindistill.measures.calibration import calibration, reliability
from explaindistill.measures.comparisons import (
    adjust,
    gap_tests,
    power_table,
    worst_pairs,
)
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.favorable import which_is_wanted
from explaindistill.measures.gaps import SMALL, group_gaps
from explaindistill.measures.groups import MISSING
from explaindistill.measures.mean_transfer import mean_transfer
from explaindistill.measures.sensitivity import flips, leaf_audit, proxies, with_use
from explaindistill.measures.strata import stratified_gaps
from explaindistill.measures.suppression import withheld_lines
from explaindistill.measures.table import frame
from explaindistill.measures.transfer import Decisions, transfer
from explaindistill.measures.unknown_groups import missing_bounds

__all__ = ["FRAMES", "declared_gaps", "measure", "notes", "tests_of"]

FRAMES = (
    "rates", "gaps", "worst_pairs", "tests", "strata", "missing_bounds", "power", "group_fidelity", "transfer",
    "calibration", "reliability", "flips", "proxies", "leaf_audit",
)  # fmt: skip
TESTED = ("selection_rate", "true_positive_rate", "false_positive_rate")
FAMILY = (
    "selection, true positive and false positive rate of the teacher and its students, every group and intersection "
    f"of at least {SMALL} rows against its reference"
)
FLIP_ROWS = 2_000
"""Rows whose attribute is changed at most: each is one question more per value of the attribute."""
FLIP_VALUES = 50
"""A column of more values is no attribute whose every value could be tried."""
LEAF_ROWS = 30
"""Leaves of fewer rows are told as one, so that nobody can be recognised in them."""

DIRECTED = {
    "rates": "selection_rate",
    "gaps": "selection_rate_difference",
    "worst_pairs": "selection_rate_worst_ratio",
    "transfer": "transfer",
}
"""Frames that depend on which decision people want, each with its first metric."""
OF_MEANS = {
    "rates": "mean_prediction",
    "gaps": "mean_prediction_difference",
    "group_fidelity": "mae",
    "transfer": "mean_transfer",
}
"""Frames that compare groups of a regressor, each with its first metric."""
COMPARED = FRAMES[: FRAMES.index("calibration")]
"""Frames of one computation: gaps rest on rates, and most others on gaps."""


def measure(inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, Any]) -> Measured:
    """All frames of `FRAMES`; those that do not apply are empty or hold a line that says why.

    The permutation importances measured before weigh proxies: by the share that a model gives to the column.
    """
    tables: Measured = dict.fromkeys(FRAMES, frame([]))
    tables |= attempt(["calibration"], lambda: {"calibration": stack(_calibration(inputs))})
    tables |= attempt(["reliability"], lambda: {"reliability": stack(_reliability(inputs))})
    if inputs.rows.attributes.shape[1] == 0:
        return tables
    compare = _regression if inputs.task == "regression" else _classification
    tables |= attempt(COMPARED, lambda: compare(inputs, options, rng))
    # a stream of its own: what a comparison draws depends on answers, and a rehearsal would then flip other rows
    seed = int(np.random.default_rng([options.random_state, 5]).integers(2**31))
    tables |= attempt(["flips"], lambda: {"flips": stack(_flips(inputs, options.min_group_size, seed))})
    tables |= attempt(["proxies"], lambda: {"proxies": stack(_proxies(inputs, frames["importance"], seed))})
    tables |= attempt(["leaf_audit"], lambda: {"leaf_audit": stack(_leaves(inputs))})
    return tables


def notes(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """That a student's fairness says nothing of the teacher's, where it is not equally faithful to all groups."""
    caveat = fidelity_caveat(frames["group_fidelity"])
    return [caveat] if caveat else []


def _regression(inputs: AuditInput, options: AuditOptions, rng: np.random.Generator) -> Measured:
    rows = inputs.rows
    if (n_outputs := inputs.teacher.P[0].size) > 1:
        why = f"groups are compared by one value, the teacher answers {n_outputs}: audit one output at a time"
        models = [model.name for model in inputs.models()]
        of_students = ("group_fidelity", "transfer")
        return {
            name: stack(cannot_say(metric, model, why) for model in models[name in of_students :])
            for name, metric in OF_MEANS.items()
        }
    shared: dict[str, Any] = {"attributes": rows.attributes, **rows.sampling()}
    rates = stack(
        group_means_frame(v, y=None if name == "labels" else rows.y, subject=name, **shared)
        for name, v in _outcomes(inputs)
    )
    teacher = inputs.teacher.P
    fidelities = (group_fidelity(teacher, s.P, subject=s.name, task="regression", **shared) for s in inputs.students)
    tables: Measured = {"rates": _shown(rates), "gaps": group_gaps(rates), "group_fidelity": _shown(stack(fidelities))}
    values = dict(_outcomes(inputs))
    moved = partial(_transfers, inputs, values, partial(mean_transfer, margin=options.margin), shared)
    return tables | attempt(["transfer"], lambda: _named("transfer", lambda: stack(moved())))


def _shown(rates: pd.DataFrame) -> pd.DataFrame:
    """Rates without the columns that only serve to compare groups of clustered or weighted rows."""
    return rates.drop(columns=[*MEMBER, *WEIGHT], errors="ignore")


def _classification(inputs: AuditInput, options: AuditOptions, rng: np.random.Generator) -> Measured:
    y = inputs.rows.y
    shared: dict[str, Any] = {"attributes": inputs.rows.attributes, **inputs.rows.sampling()}
    decision = dict(_outcomes(inputs))
    fidelities = stack(
        group_fidelity(decision["teacher"], decision[s.name], subject=s.name, **shared) for s in inputs.students
    )
    if inputs.rule.favorable is None:
        return {"group_fidelity": _shown(fidelities), **_nobody_said(inputs)}
    shared |= {"favorable": inputs.rule.favorable}
    rates = stack(
        group_rates(d, y=None if name == "labels" else y, subject=name, **shared) for name, d in decision.items()
    )
    gaps = group_gaps(rates)
    hidden = withheld_lines(rates, inputs.rows.counted_attributes(), options.min_group_size)
    judged = ((rates["metric"] != "base_rate") | (rates["subject"] == "labels")).to_numpy()
    parts: dict[str, Callable[[], pd.DataFrame]] = {
        "worst_pairs": lambda: worst_pairs(rates[judged], withheld=hidden[judged], rng=rng),
        "tests": lambda: tests_of(rates, declared_gaps([model.name for model in inputs.models()], gaps), hidden),
        "strata": lambda: stack(_strata(inputs, decision)),
        "missing_bounds": lambda: missing_bounds(rates, gaps),
        "power": lambda: power_table(rates, gaps),
        "transfer": lambda: stack(_transfers(inputs, decision, partial(transfer, margin=options.margin), shared)),
    }
    tables: Measured = {"rates": _shown(rates), "gaps": gaps, "group_fidelity": _shown(fidelities)}
    for name, make in parts.items():
        tables |= attempt([name], partial(_named, name, make))
    return tables


def _nobody_said(inputs: AuditInput) -> dict[str, pd.DataFrame]:
    """Of each frame that depends on which decision people want a line per model that says how to say it."""
    why, models = which_is_wanted(inputs.rule.classes), inputs.models()
    return {
        name: stack(
            cannot_say(metric, model.name, why) for model in models if name != "transfer" or model.name != "teacher"
        )
        for name, metric in DIRECTED.items()
    }


def _named(name: str, make: Callable[[], pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {name: make()}


def _transfers(
    inputs: AuditInput, answers: Mapping[str, NDArray[Any]], compare: Callable[..., Any], shared: Mapping[str, Any]
) -> Iterator[pd.DataFrame]:
    """How each student moved the gaps of its teacher, of the labels and of itself without teacher."""
    for s in inputs.students:
        compared = Decisions(inputs.rows.y, answers["teacher"], answers[s.name], answers.get(s.name + WITHOUT))
        yield compare(compared, subject=s.name, **shared)


def _outcomes(inputs: AuditInput) -> Iterator[tuple[str, NDArray[Any]]]:
    """True labels, and the decision or value of every model."""
    if inputs.rows.y is not None:
        yield "labels", inputs.rows.y if inputs.task == "regression" else _labels(inputs, inputs.rows.y)
    for name, P in inputs.answers():
        if P is not None:
            yield name, P if inputs.task == "regression" else _labels(inputs, inputs.decided(P))


def _labels(inputs: AuditInput, labels: NDArray[Any]) -> Any:
    """Labels that carry all classes with them, also those that nobody got."""
    return pd.Categorical(labels, categories=inputs.rule.classes)


def declared_gaps(models: Sequence[str], gaps: pd.DataFrame) -> pd.DataFrame:
    """Gaps of the teacher and its students in three rates: the family of tests that an audit declares.

    Groups that are small stay out, whatever their rates: they could show nothing, and each would ask more of the rest.
    """
    mine = gaps["subject"].isin(models) & (gaps["status"] == "ok")
    named = ~gaps["group"].str.contains(MISSING, regex=False)
    return gaps[mine & named & gaps["metric"].isin([f"{metric}_difference" for metric in TESTED])]


def tests_of(rates: pd.DataFrame, gaps: pd.DataFrame, hidden: NDArray[np.bool_]) -> pd.DataFrame:
    """Tests of the declared gaps, adjusted without what those of withheld rates would tell."""
    tests = gap_tests(rates, gaps)
    gone = set(rates.loc[hidden, ["metric", "subject", "attribute", "group"]].itertuples(index=False, name=None))
    sides = (tests[["metric", "subject", "attribute", side]] for side in ("group", "reference"))
    keys = zip(*(side.itertuples(index=False, name=None) for side in sides), strict=True)
    return adjust(tests, FAMILY, [group in gone or other in gone for group, other in keys])


def _strata(inputs: AuditInput, decision: Mapping[str, NDArray[Any]]) -> Iterator[pd.DataFrame]:
    rows = inputs.rows
    if rows.strata is None:
        return
    shared = {"attributes": rows.attributes, "strata": rows.strata, "favorable": inputs.rule.favorable,
              **rows.sampling()}  # fmt: skip
    for name, d in decision.items():
        yield stratified_gaps(d, subject=name, **shared)


def _calibration(inputs: AuditInput) -> Iterator[pd.DataFrame]:
    """Calibration of every model against the true labels, overall and by group."""
    rows, at = inputs.rows, inputs.rule.position
    if inputs.rule.classes is None:
        return
    if at is None:
        yield cannot_say("calibration_gap", "teacher", which_is_wanted(inputs.rule.classes))
        return
    if rows.y is None:
        yield cannot_say("calibration_gap", "teacher", "true labels were not given: pass y")
        return
    labelled = pd.notna(rows.y)
    attributes = rows.attributes[labelled] if rows.attributes.shape[1] else None
    for name, P in inputs.answers():
        if P is not None:
            yield calibration(
                rows.y[labelled] == inputs.rule.favorable, P[labelled, at], attributes=attributes, intersections=False,
                subject=name, **rows.sampling(labelled),
            )  # fmt: skip


def _reliability(inputs: AuditInput) -> Iterator[pd.DataFrame]:
    """Observed shares by tenths of the probability, for the teacher and its students."""
    y, at = inputs.rows.y, inputs.rule.position
    if at is None or y is None:
        return
    labelled = pd.notna(y)
    for model in inputs.models():
        sampling = inputs.rows.sampling(labelled)
        yield reliability(y[labelled] == inputs.rule.favorable, model.P[labelled, at], subject=model.name, **sampling)


def _flips(inputs: AuditInput, minimum: int, seed: int) -> Iterator[pd.DataFrame]:
    """What changes when only a sensitive column is changed, for each model that sees it and can be asked."""
    objects = inputs.objects
    # beside objects the rows that hold them are asked about: their columns alone make no object
    rows = inputs.rows.frame if objects is None else objects.frame
    sensitive = [c for c in inputs.rows.attributes.columns if c in rows.columns]
    few = [c for c in sensitive if 2 <= rows[c].nunique() <= FLIP_VALUES]
    if inputs.task == "regression" or not few:
        return
    options = GroupOptions(min_group_size=minimum)
    chosen = drawn(len(rows), FLIP_ROWS, np.random.default_rng(seed))
    changed, sampling = rows.iloc[chosen].reset_index(drop=True), inputs.rows.sampling(chosen)
    answers = {m.name: m.answer for m in inputs.models()} if objects is None else objects.answers
    recorded = not (inputs.teacher.can_be_asked if objects is None else objects.can_be_asked)
    if recorded:
        yield cannot_say("flip_rate", "teacher", RECORDED_ONLY.format("changed"))
    for model in inputs.models():
        judge = _Judge(inputs.rule_of(model.P), answers[model.name])
        for column in () if recorded and model is inputs.teacher else few:
            if column in model.features:
                score = None if inputs.rule.position is None else judge.score
                yield flips(judge.decide, changed, column, score=score, subject=model.name, options=options, **sampling)


class _Judge:
    """Decisions and scores of one model; both about the same rows are asked once."""

    def __init__(self, rule: DecisionRule, answer: Answer) -> None:
        self._rule, self._answer = rule, answer
        self._rows: pd.DataFrame | None = None
        self._P: Any = None

    def _ask(self, rows: pd.DataFrame) -> Any:
        if rows is not self._rows:
            self._rows, self._P = rows, self._answer(rows)
        return self._P

    def decide(self, rows: pd.DataFrame) -> NDArray[Any]:
        return self._rule.decide(self._ask(rows))

    def score(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        return np.asarray(self._ask(rows)[:, self._rule.position])


def _proxies(inputs: AuditInput, importance: pd.DataFrame, seed: int) -> Iterator[pd.DataFrame]:
    """How well columns give a sensitive attribute away, beside their use by every model; predicted once."""
    strengths: dict[tuple[str, ...], pd.DataFrame] = {}
    moved = importance["metric"] == ("permutation" if inputs.objects is None else "silencing")
    permuted = importance[moved] if "feature" in importance else importance.iloc[:0]
    rows = inputs.rows.frame
    for model in inputs.models():
        columns = [c for c in rows.columns if c in model.features]
        if tuple(columns) not in strengths:
            strengths[tuple(columns)] = proxies(rows[columns], inputs.rows.attributes, random_state=seed)
        of_model = permuted[(permuted["subject"] == model.name) & (permuted["status"] == "ok")]
        share = dict(zip(of_model["feature"], of_model["share"], strict=True)) if len(of_model) else None
        yield with_use(strengths[tuple(columns)], share, model.name)


def _leaves(inputs: AuditInput) -> Iterator[pd.DataFrame]:
    """Which rule of a student meets whom, for students that have leaves or rules."""
    for s in inputs.students:
        regions = s.regions(inputs.rows.frame)
        if regions is not None:
            leaf, words = _joined(*regions)
            yield leaf_audit(leaf, inputs.rows.attributes, names=words, subject=s.name, **inputs.rows.sampling())


def _joined(leaf: NDArray[Any], words: dict[Any, str]) -> tuple[NDArray[Any], dict[Any, str]]:
    """Leaves of few rows as one, so that nobody can be recognised in them; the next leaf joins where those are few."""
    leaves, counts = np.unique(leaf, return_counts=True)
    order = np.argsort(counts, kind="stable")
    few = int((counts < LEAF_ROWS).sum())
    while 0 < few < len(leaves) and counts[order[:few]].sum() < LEAF_ROWS:
        few += 1
    if few == 0:
        return leaf, words
    rest = int(leaves.max()) + 1
    joined = np.where(np.isin(leaf, leaves[order[:few]]), rest, leaf)
    return joined, words | {rest: f"any of {few} rules that few rows meet"}
