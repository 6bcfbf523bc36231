"""The frames of importance: the teacher and its students on the same rows, background and scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from explaindistill.auditing.answers import Answer
from explaindistill.auditing.frames._lines import RECORDED_ONLY, Measured, attempt, cannot_say, drawn, in_parts, stack
from explaindistill.auditing.frames._silencing import silencing
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.options import AuditOptions
from explaindistill.data.rows_sent import asking_for
from explaindistill.measures.attribution_cells import ENDS, attribution_cells, value_ranks
from explaindistill.measures.attributions import (
    Attributions,
    attribution_gaps,
    attribution_importance,
    compare_attributions,
)
from explaindistill.measures.ensemble_shapley import ensemble_shapley, is_readable
from explaindistill.measures.favorable import which_is_wanted
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.importance import compare_importance, permutation_growth, permutation_importance
from explaindistill.measures.interactions import missed_interactions
from explaindistill.measures.row_values import RowValues
from explaindistill.measures.shapley import shapley_sampled
from explaindistill.measures.table import frame, row

__all__ = ["FRAMES", "INTERACTIONS", "measure"]

FRAMES = ("importance", "importance_comparison", "attribution_gaps", "attribution_cells", "interactions")
PERMUTED_ROWS = 1_000
"""Rows at most in which columns are shuffled: each costs a question per column and shuffle."""
REPEATS = 3
"""Shuffles of each column: the rows that are shuffled vary less between them than from row to row."""
BACKGROUND_ROWS = 100
"""Rows that stand for "the column is not known": every value is a mean over them."""
ORDERS = 4
"""Orders of the columns along which sampled values walk: two, each forth and back."""
SPREAD_COLUMNS = 10
"""Columns whose values are counted in cells: more lines are not looked at in one picture."""
PAIRED_COLUMNS = 8
"""Interactions are looked for among the columns that move the teacher most: 28 pairs."""
PAIRED_ROWS = 200
"""Rows at most on which pairs are tried: with eight columns each costs 1 + 8 + 28 questions."""
INTERACTIONS = "audit: importance: interactions"
"""Purpose of the questions about pairs of columns."""
UNITS = {"logit": "log-odds"}
"""Scales as people say them."""
TREES = "exact, trees read by shap"
"""Method of the values of a teacher that is a sum of trees."""
CLIP = 1e-4
"""Probabilities are held this far from 0 and 1 before their logit is taken."""

Floats = NDArray[np.float64]
Score = Callable[[pd.DataFrame], Floats]
Tables = list[pd.DataFrame]


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> Measured:
    """Permutation importances of all models; Shapley values where ``n_explained`` asks for them; the own structure."""
    importance, likeness = _permutation(inputs, rng)
    scene = _scene(inputs, rng, options.n_explained) if options.n_explained else None
    attributed = _Attributed() if scene is None else _shapley_values(scene, options.min_group_size)
    of_shapley, shapley_likeness, gaps, cells = (
        _raised(attributed, table) for table in ("importance", "likeness", "gaps", "cells")
    )
    return {
        "importance": in_parts(
            [
                ("permutation", lambda: importance),
                ("Shapley values", of_shapley),
                ("structure", lambda: _structure(inputs)),
            ],
            ["feature", "sd", "share"],
        ),
        "importance_comparison": in_parts([("permutation", lambda: likeness), ("Shapley values", shapley_likeness)]),
        "attribution_gaps": in_parts([("", gaps)], ["feature"]),
        "attribution_cells": in_parts([("", cells)], ["feature", *ENDS]),
        **attempt(["interactions"], lambda: {"interactions": _pairs(inputs, scene, of_shapley)}),
    }


def _shapley_values(scene: _Scene, least: int) -> _Attributed | Exception:
    """Tables made of Shapley values, or the error that they met: permutation importances are not lost by it."""
    try:
        values = _explained(scene)
        scene.inputs.row_values.extend(_of_rows(scene, values))
        tables = _attributed(scene, values)
        tables.cells.extend(_spread(scene, values, least))
        return tables
    except MemoryError:
        raise
    except Exception as error:  # whatever a student's own values meet
        return error


def _of_rows(scene: _Scene, values: list[_Values]) -> Iterator[RowValues]:
    """The values row by row, for whoever has the audit in memory."""
    spoken, rows = _spoken_of(scene.inputs), scene.inputs.rows.frame
    models = {model.name: model for model in scene.inputs.models()}
    for v in values:
        exact = v.error is None
        model = models[v.subject]
        answers = (scene.student(model, v.scale) if exact else scene.on(model.answer, v.scale))(scene.X)
        unit = UNITS.get(v.scale, v.scale) + ("" if spoken is None else f" of {spoken}")
        yield RowValues(
            v.subject, unit, v.scale, v.phi, answers, tuple(map(str, scene.X.columns)), rows.index[scene.at]
        )


def _raised(attributed: _Attributed | Exception, table: str) -> Callable[[], Tables]:
    def tables() -> Tables:
        if isinstance(attributed, Exception):
            raise attributed
        return list(getattr(attributed, table))

    return tables


def _pairs(inputs: AuditInput, scene: _Scene | None, of_shapley: Callable[[], Tables]) -> pd.DataFrame:
    """Interactions that students miss, where there is a teacher to ask and more than one column."""
    tables = []
    if scene is not None and inputs.teacher.can_be_asked and scene.X.shape[1] > 1:
        with asking_for(INTERACTIONS):
            tables = [_interactions(scene, of_shapley())]
    return stack(tables, ["feature", "feature_2"])


def _permutation(inputs: AuditInput, rng: np.random.Generator) -> tuple[Tables, Tables]:
    """Permutation importance of every model with the same shuffles, and how alike the rankings are."""
    chosen = drawn(len(inputs.rows), PERMUTED_ROWS, rng)
    rows, sampling = inputs.rows.coded.iloc[chosen].reset_index(drop=True), inputs.rows.sampling(chosen)
    clusters, weight = sampling["clusters"], sampling["sample_weight"]
    seed = int(rng.integers(2**31))
    tables, by_row = {}, {}
    for model in inputs.models():
        if model.can_be_asked:
            growth = permutation_growth(
                model.answer, rows, rng=np.random.default_rng(seed), n_repeats=REPEATS, sample_weight=weight
            )
            tables[model.name] = permutation_importance(growth, clusters=clusters, subject=model.name)
            by_row[model.name] = np.column_stack([growth.by_feature[c].mean(axis=0) for c in sorted(growth.by_feature)])
    if inputs.objects is not None:
        silenced, alike = silencing(inputs, seed)
        return [*silenced, *tables.values()], alike
    if "teacher" not in tables:
        return [cannot_say("permutation", "teacher", RECORDED_ONLY.format("changed")), *tables.values()], []
    likeness = [
        compare_importance(
            tables["teacher"],
            tables[s.name],
            rows=(by_row["teacher"], by_row[s.name]),
            rng=seed,
            subject=s.name,
            sample_weight=None if weight is None else weight[weight > 0],
        )
        for s in inputs.students
    ]
    return list(tables.values()), likeness


def _structure(inputs: AuditInput) -> Iterator[pd.DataFrame]:
    """What the students' own structure says."""
    for s in inputs.students:
        if hasattr(s.inner, "importance"):
            table = s.inner.importance()
            lines = [
                row("structure", e, np.nan, np.nan, n=0, subject=s.name, feature=f)
                for f, e in zip(table["feature"], table["estimate"], strict=True)
            ]
            yield frame(lines, extra=["feature"])


@dataclass(frozen=True)
class _Scene:
    """Rows to explain, the background, and one function per model and scale.

    ``at`` and ``behind`` are the positions of ``X`` and ``background`` among the audited rows.
    """

    inputs: AuditInput
    X: pd.DataFrame
    background: pd.DataFrame
    at: NDArray[np.intp]
    behind: NDArray[np.intp]
    seed: int

    def coded(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """``X`` and ``background`` with their text as codes, for walks that mix them many times."""
        X, background = (self.inputs.rows.coded.iloc[at].reset_index(drop=True) for at in (self.at, self.behind))
        return X, background

    def on(self, answer: Answer, scale: str) -> Score:
        """Answers as one number: the value, or a class's probability or log-odds: the favourable one's if known.

        Of two classes either gives the same importance.
        """
        k = self.inputs.rule.column
        if k is None:
            return answer

        def score(rows: pd.DataFrame) -> Floats:
            p = answer(rows)[:, k]
            return np.asarray(logit(np.clip(p, CLIP, 1 - CLIP)) if scale == "logit" else p)

        return score

    def student(self, s: Model, scale: str) -> Score:
        """What the exact Shapley values of a student sum to."""
        if scale != "logit":
            return self.on(s.answer, scale)
        log_odds = getattr(s.inner, "log_odds", s.inner.decision_function)
        sign = 1.0 if _spoken_of(self.inputs) == s.inner.classes_[1] else -1.0
        return lambda rows: sign * np.asarray(log_odds(s.seen(rows, self.inputs.rows)), dtype=float)


@dataclass(frozen=True)
class _Values:
    """Shapley values ``(n, d)`` of one model on one scale; the error where they were sampled."""

    subject: str
    scale: str
    phi: Floats
    error: Floats | None
    method: str = "exact"


@dataclass(frozen=True)
class _Remainder:
    """What is sampled of a model: its score less that of a control whose values ``phi`` are exact, or 0 for none."""

    subject: str
    scale: str
    score: Score
    phi: Floats | float


@dataclass(frozen=True)
class _Attributed:
    """Tables made of Shapley values."""

    importance: Tables = field(default_factory=list)
    likeness: Tables = field(default_factory=list)
    gaps: Tables = field(default_factory=list)
    cells: Tables = field(default_factory=list)


def _scene(inputs: AuditInput, rng: np.random.Generator, n_explained: int) -> _Scene | None:
    """None where there is no one number to explain: several classes, none of them favourable."""
    if inputs.task == "classification" and inputs.rule.column is None:
        return None
    rows, n = inputs.rows.frame, len(inputs.rows)
    at, behind = drawn(n, n_explained, rng), drawn(n, BACKGROUND_ROWS, rng)
    X, background = (rows.iloc[i].reset_index(drop=True) for i in (at, behind))
    return _Scene(inputs, X, background, at, behind, int(rng.integers(2**31)))


def _spoken_of(inputs: AuditInput) -> Any:
    """The class whose probability is explained; None for values."""
    column = inputs.rule.column
    return None if column is None else inputs.rule.classes[column]


def _explained(scene: _Scene) -> list[_Values]:
    """Exact values where a student has them; the teacher's, and other students', sampled on the same walks."""
    inputs = scene.inputs
    exact = {s.name: values for s in inputs.students if (values := _exact(scene, s)) is not None}
    plain = "value" if inputs.task == "regression" else "probability"
    scales = list(dict.fromkeys(v.scale for v in exact.values())) or [plain]
    of_teacher: list[_Values] = []
    remainders: list[_Remainder] = []
    if inputs.teacher.can_be_asked:
        of_teacher = [values for scale in scales if (values := _read(scene, scale)) is not None]
        sampled = [scale for scale in scales if scale not in {v.scale for v in of_teacher}]
        remainders += [_controlled(scene, exact, scale) for scale in sampled]
    remainders += [
        _Remainder(s.name, plain, scene.on(s.answer, plain), 0.0) for s in inputs.students if s.name not in exact
    ]
    return [*of_teacher, *_sampled(scene, remainders), *exact.values()]


def _read(scene: _Scene, scale: str) -> _Values | None:
    """Exact values of a teacher that is a sum of trees on this scale, without a question; None of all others."""
    teacher = scene.inputs.teacher
    estimator = getattr(teacher.inner, "estimator", None)
    if not hasattr(teacher.inner, "column_of") or not is_readable(estimator, scale):
        return None  # one that stands in for a teacher has no such column: a rehearsal counts what sampling would ask
    column = None if scale == "value" else teacher.inner.column_of(_spoken_of(scene.inputs))
    score = scene.on(teacher.answer, scale)
    answers = score(scene.X), score(scene.background)
    phi = ensemble_shapley(estimator, scene.X, scene.background, answers, column=column, scale=scale)
    return None if phi is None else _Values("teacher", scale, phi, None, TREES)


def _exact(scene: _Scene, s: Model) -> _Values | None:
    """A student's own exact values on all columns; None where its family has none, or they are of another scale."""
    rule = scene.inputs.rule
    if s.view.is_transformed or not hasattr(s.inner, "shapley"):
        return None
    values = s.inner.shapley(*(s.view.restored(rows) for rows in (scene.X, scene.background)))
    if values.scale == "log" or (values.scale == "logit" and rule.classes is not None and len(rule.classes) > 2):
        return None
    spoken = _spoken_of(scene.inputs)
    named = spoken in values.outputs
    sign = 1.0 if rule.task == "regression" or named else -1.0
    phi = np.zeros(scene.X.shape)
    phi[:, [scene.X.columns.get_loc(c) for c in s.features]] = sign * values.of(spoken if named else None)
    return _Values(s.name, values.scale, phi, None)


def _controlled(scene: _Scene, exact: Mapping[str, _Values], scale: str) -> _Remainder:
    """The teacher less the student that repeats it best on this scale, and what that student's values are."""
    teacher = scene.on(scene.inputs.teacher.answer, scale)
    rivals = [s for s in scene.inputs.students if s.name in exact and exact[s.name].scale == scale]
    if not rivals:
        return _Remainder("teacher", scale, teacher, 0.0)
    answers = teacher(scene.X)
    best = min(rivals, key=lambda s: float(((scene.student(s, scale)(scene.X) - answers) ** 2).mean()))
    control = scene.student(best, scale)
    return _Remainder("teacher", scale, lambda rows: teacher(rows) - control(rows), exact[best.name].phi)


def _sampled(scene: _Scene, remainders: list[_Remainder]) -> list[_Values]:
    """All remainders on the same walks: their values ``(n, d)`` are those of the control plus what was sampled."""
    if not remainders:
        return []

    def scores(rows: pd.DataFrame) -> Floats:
        return np.column_stack([remainder.score(rows) for remainder in remainders])

    phi, error = shapley_sampled(scores, *scene.coded(), n_permutations=ORDERS, rng=scene.seed)
    phi, error = (v.reshape(*scene.X.shape, -1) for v in (phi, error))
    return [_Values(r.subject, r.scale, r.phi + phi[:, :, i], error[:, :, i]) for i, r in enumerate(remainders)]


def _attributed(scene: _Scene, values: list[_Values]) -> _Attributed:
    """Importance, likeness to the teacher, and gaps between groups, of every model and scale."""
    rows, features = scene.inputs.rows, list(map(str, scene.X.columns))
    weight = None if rows.weight is None else rows.weight[scene.at]
    labels = {g.attribute: _labels(g)[scene.at] for g in groupings(rows.attributes, intersections=False)}
    of_teacher: dict[str, Attributions] = {}
    tables = _Attributed()
    for v in values:
        shared: dict[str, Any] = {"sample_weight": weight, "subject": v.subject}
        shapley = Attributions(v.phi, features, v.error, v.scale, len(scene.background))
        method = v.method if v.error is None else "sampled, control variate"
        tables.importance.append(attribution_importance(shapley, method=method, **shared))
        if v.subject == "teacher":
            of_teacher[v.scale] = shapley
        elif v.scale in of_teacher:
            noisy = replace(shapley, error=None)  # only the teacher's noise is taken off
            tables.likeness.append(compare_attributions(of_teacher[v.scale], noisy, rng=scene.seed, **shared))
        if scene.inputs.task == "classification" and scene.inputs.rule.position is None:
            if labels:  # whom a column raises depends on which decision people want
                why = which_is_wanted(scene.inputs.rule.classes)
                tables.gaps.append(cannot_say("attribution_gap", v.subject, why).assign(feature=""))
            continue
        tables.gaps.extend(
            attribution_gaps(shapley, label, attribute=a, rng=scene.seed, **shared)
            for a, label in labels.items()
            if pd.Series(label).nunique() > 1
        )
    return tables


def _spread(scene: _Scene, values: list[_Values], least: int) -> Iterator[pd.DataFrame]:
    """Counts of rows by their values, scale by scale, of the columns that move the first model of the scale most."""
    features, ranks = list(map(str, scene.X.columns)), value_ranks(scene.X)
    weight = scene.inputs.rows.weight
    for scale in dict.fromkeys(v.scale for v in values):
        mine = [v for v in values if v.scale == scale]
        largest = np.argsort(-np.abs(mine[0].phi).mean(axis=0), kind="stable")[:SPREAD_COLUMNS]
        for v in mine:
            yield attribution_cells(
                v.phi, {features[j]: int(j) for j in largest}, ranks, minimum=max(least, 1),
                sample_weight=None if weight is None else weight[scene.at], subject=v.subject, subset=scale,
            )  # fmt: skip


def _labels(grouping: Grouping) -> NDArray[Any]:
    """Name of each row's group; None where it is missing."""
    names = np.array([None if gone else n for n, gone in zip(grouping.names, grouping.missing, strict=True)], object)
    return np.asarray(names[grouping.codes])


def _interactions(scene: _Scene, importance: Tables) -> pd.DataFrame:
    """Pairs among the columns that move the teacher most."""
    teacher = next(table for table in importance if table["subject"].iloc[0] == "teacher")
    top = teacher.sort_values(["estimate", "feature"], ascending=[False, True])["feature"].head(PAIRED_COLUMNS)
    scale = str(teacher["subset"].iloc[0])
    students = {s.name: scene.on(s.answer, scale) for s in scene.inputs.students}
    return missed_interactions(
        scene.on(scene.inputs.teacher.answer, scale), students, scene.X.head(PAIRED_ROWS), scene.background,
        columns=[c for c in scene.X.columns if c in set(top)], rng=scene.seed, scale=scale,
    )  # fmt: skip
