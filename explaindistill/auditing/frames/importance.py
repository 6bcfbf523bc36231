"""What an audit says of importance: the teacher and its students on the same rows, background and scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from explaindistill.auditing.inputs import Answer, Case, Subject
from explaindistill.distillation.distiller import Distiller
from explaindistill.measures.attributions import (
    Attributions,
    attribution_gaps,
    attribution_importance,
    compare_attributions,
)
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.importance import compare_importance, permutation_growth, permutation_importance
from explaindistill.measures.interactions import missed_interactions
from explaindistill.measures.shapley import shapley_sampled
from explaindistill.measures.table import frame, row

__all__ = ["measure_importance"]

PERMUTED_ROWS = 1_000
REPEATS = 3
BACKGROUND_ROWS = 100
ORDERS = 4
PAIRED_COLUMNS = 8
PAIRED_ROWS = 200
CLIP = 1e-4
"""Probabilities are held this far from 0 and 1 before their logit is taken."""

Floats = NDArray[np.float64]
Score = Callable[[pd.DataFrame], Floats]
Frames = dict[str, pd.DataFrame]


def measure_importance(case: Case, rng: np.random.Generator, n_explained: int) -> Frames:
    """Frames ``importance``, ``importance_comparison``, ``attribution_gaps`` and ``interactions``.

    ``n_explained`` rows get Shapley values; 0 leaves them out.
    """
    told, likened = _permutation(case, rng)
    gaps: list[pd.DataFrame] = []
    pairs: list[pd.DataFrame] = []
    scene = _scene(case, rng, n_explained) if n_explained else None
    if scene is not None:
        shapley, alike, gaps = _attributed(scene, _explained(scene))
        if case.can_be_asked and scene.X.shape[1] > 1:
            pairs = [_interactions(scene, shapley)]
        told, likened = told + shapley, likened + alike
    told += list(_structure(case))
    return {
        "importance": _stack(told, ["feature", "sd", "share"]),
        "importance_comparison": _stack(likened, []),
        "attribution_gaps": _stack(gaps, ["feature"]),
        "interactions": _stack(pairs, ["feature", "feature_2"]),
    }


def _stack(parts: list[pd.DataFrame], extra: list[str]) -> pd.DataFrame:
    found = [p for p in parts if len(p)]
    return pd.concat(found, ignore_index=True) if found else frame([], extra=extra)


def _drawn(case: Case, rng: np.random.Generator, most: int) -> NDArray[np.intp]:
    n = len(case.frame)
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _permutation(case: Case, rng: np.random.Generator) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    """Permutation importance of every model with the same shuffles, and how alike the rankings are."""
    rows = case.frame.iloc[_drawn(case, rng, PERMUTED_ROWS)].reset_index(drop=True)
    seed = int(rng.integers(2**31))
    asked = {"teacher": case.teacher_answer} if case.can_be_asked else {}
    asked |= {s.name: s.answer for s in case.subjects}
    told, by_row = {}, {}
    for name, answer in asked.items():
        growth = permutation_growth(answer, rows, rng=np.random.default_rng(seed), n_repeats=REPEATS)
        told[name] = permutation_importance(growth, subject=name)
        by_row[name] = np.column_stack([growth[0][c].mean(axis=0) for c in sorted(growth[0])])
    if "teacher" not in told:
        reason = "only recorded answers: it cannot be asked about changed rows"
        blank = row("permutation", np.nan, np.nan, np.nan, n=0, subject="teacher", status="undefined", reason=reason)
        return [frame([blank]), *told.values()], []
    likened = [
        compare_importance(
            told["teacher"], told[s.name], rows=(by_row["teacher"], by_row[s.name]), rng=seed, subject=s.name
        )
        for s in case.subjects
    ]
    return list(told.values()), likened


def _structure(case: Case) -> Iterator[pd.DataFrame]:
    """What the students' own structure says."""
    for s in case.subjects:
        if hasattr(s.inner, "importance"):
            table = s.inner.importance()
            lines = [
                row("structure", e, np.nan, np.nan, n=0, subject=s.name, feature=f)
                for f, e in zip(table["feature"], table["estimate"], strict=True)
            ]
            yield frame(lines, extra=["feature"])


@dataclass(frozen=True)
class _Scene:
    """Rows to explain, the background, and one function per model and scale."""

    case: Case
    X: pd.DataFrame
    background: pd.DataFrame
    at: NDArray[np.intp]
    seed: int

    def on(self, answer: Answer, scale: str) -> Score:
        """Answers as one number: the value, or the favourable class's probability or log-odds."""
        if self.case.task == "regression":
            return answer
        k = int(np.flatnonzero(self.case.classes == self.case.favorable)[0])

        def score(rows: pd.DataFrame) -> Floats:
            p = answer(rows)[:, k]
            return np.asarray(logit(np.clip(p, CLIP, 1 - CLIP)) if scale == "logit" else p)

        return score

    def student(self, s: Subject, scale: str) -> Score:
        """What the exact Shapley values of a student sum to."""
        if scale != "logit":
            return self.on(s.answer, scale)
        own = getattr(s.inner, "log_odds", s.inner.decision_function)
        seen, sign = self.case.schema.select(s.features), 1.0 if self.case.favorable == s.inner.classes_[1] else -1.0
        return lambda rows: sign * np.asarray(own(seen.restore(rows[list(s.features)])), dtype=float)


@dataclass(frozen=True)
class _Values:
    """Shapley values ``(n, d)`` of one model on one scale; the error where they were sampled."""

    subject: str
    scale: str
    phi: Floats
    error: Floats | None


def _scene(case: Case, rng: np.random.Generator, n_explained: int) -> _Scene | None:
    """None where there is no one number to explain: several classes, none of them favourable."""
    if case.task == "classification" and case.favorable is None:
        return None
    at = _drawn(case, rng, n_explained)
    X, background = (case.frame.iloc[rows].reset_index(drop=True) for rows in (at, _drawn(case, rng, BACKGROUND_ROWS)))
    return _Scene(case, X, background, at, int(rng.integers(2**31)))


def _explained(scene: _Scene) -> list[_Values]:
    """Exact values where a student has them; the teacher's, and other students', sampled on the same walks."""
    case = scene.case
    exact = {s.name: found for s in case.subjects if (found := _exact(scene, s)) is not None}
    plain = "value" if case.task == "regression" else "probability"
    scales = list(dict.fromkeys(v.scale for v in exact.values())) or [plain]
    wanted: list[tuple[str, str, Score, Floats | float]] = []
    if case.can_be_asked:
        wanted += [("teacher", scale, *_controlled(scene, exact, scale)) for scale in scales]
    wanted += [(s.name, plain, scene.on(s.answer, plain), 0.0) for s in case.subjects if s.name not in exact]
    return [*_sampled(scene, wanted), *exact.values()]


def _exact(scene: _Scene, s: Subject) -> _Values | None:
    """A student's own exact values on all columns; None where its family has none, or they are of another scale."""
    case = scene.case
    transformed = isinstance(s.given, Distiller) and not isinstance(s.given.features_, list | None)
    if transformed or not hasattr(s.inner, "shapley"):
        return None
    seen = case.schema.select(s.features)
    found = s.inner.shapley(*(seen.restore(rows[seen.names]) for rows in (scene.X, scene.background)))
    if found.scale == "log" or (found.scale == "logit" and len(case.classes) > 2):
        return None
    named = case.favorable in found.outputs
    sign = 1.0 if case.task == "regression" or named else -1.0
    full = np.zeros(scene.X.shape)
    full[:, [scene.X.columns.get_loc(c) for c in seen.names]] = sign * found.of(case.favorable if named else None)
    return _Values(s.name, found.scale, full, None)


def _controlled(scene: _Scene, exact: dict[str, _Values], scale: str) -> tuple[Score, Floats | float]:
    """The teacher less the student that repeats it best on this scale, and what that student's values are."""
    teacher = scene.on(scene.case.teacher_answer, scale)
    rivals = [s for s in scene.case.subjects if s.name in exact and exact[s.name].scale == scale]
    if not rivals:
        return teacher, 0.0
    told = teacher(scene.X)
    best = min(rivals, key=lambda s: float(((scene.student(s, scale)(scene.X) - told) ** 2).mean()))
    control = scene.student(best, scale)
    return lambda rows: teacher(rows) - control(rows), exact[best.name].phi


def _sampled(scene: _Scene, wanted: list[tuple[str, str, Score, Floats | float]]) -> list[_Values]:
    if not wanted:
        return []

    def asked(rows: pd.DataFrame) -> Floats:
        return np.column_stack([score(rows) for _, _, score, _ in wanted])

    found, error = shapley_sampled(asked, scene.X, scene.background, n_permutations=ORDERS, rng=scene.seed)
    found, error = (v.reshape(*scene.X.shape, -1) for v in (found, error))
    return [
        _Values(name, scale, known + found[:, :, i], error[:, :, i]) for i, (name, scale, _, known) in enumerate(wanted)
    ]


def _attributed(
    scene: _Scene, values: list[_Values]
) -> tuple[list[pd.DataFrame], list[pd.DataFrame], list[pd.DataFrame]]:
    """Frames of importance, of likeness to the teacher, and of gaps between groups."""
    case, features = scene.case, list(map(str, scene.X.columns))
    weight = None if case.weight is None else case.weight[scene.at]
    labels = {g.attribute: _labels(g)[scene.at] for g in groupings(case.attributes, intersections=False)}
    teacher = {v.scale: v for v in values if v.subject == "teacher"}
    told, likened, gaps = [], [], []
    for v in values:
        shared: dict[str, Any] = {"sample_weight": weight, "subject": v.subject}
        method = "exact" if v.error is None else "sampled, control variate"
        shapley = Attributions(v.phi, features, v.error, v.scale)
        told.append(attribution_importance(shapley, method=method, **shared))
        if v.subject != "teacher" and v.scale in teacher:
            known = teacher[v.scale]
            of_teacher = Attributions(known.phi, features, known.error, known.scale)
            noisy = Attributions(v.phi, features, None, v.scale)  # only the teacher's noise is taken off
            likened.append(compare_attributions(of_teacher, noisy, rng=scene.seed, **shared))
        gaps += [
            attribution_gaps(shapley, label, attribute=a, rng=scene.seed, **shared)
            for a, label in labels.items()
            if pd.Series(label).nunique() > 1
        ]
    return told, likened, gaps


def _labels(grouping: Grouping) -> NDArray[Any]:
    """Name of each row's group; None where it is missing."""
    names = np.array([None if gone else n for n, gone in zip(grouping.names, grouping.missing, strict=True)], object)
    return np.asarray(names[grouping.codes])


def _interactions(scene: _Scene, told: list[pd.DataFrame]) -> pd.DataFrame:
    """Pairs among the columns that move the teacher most."""
    case = scene.case
    teacher = next(t for t in told if t["subject"].iloc[0] == "teacher")
    top = teacher.sort_values(["estimate", "feature"], ascending=[False, True])["feature"].head(PAIRED_COLUMNS)
    scale = str(teacher["subset"].iloc[0])
    students = {s.name: scene.on(s.answer, scale) for s in case.subjects}
    return missed_interactions(
        scene.on(case.teacher_answer, scale), students, scene.X.head(PAIRED_ROWS), scene.background,
        columns=[c for c in scene.X.columns if c in set(top)], rng=scene.seed, scale=scale,
    )  # fmt: skip
