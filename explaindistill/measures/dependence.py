"""How answers change along one column: accumulated local effects, partial dependence, and where two models differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.schema import Feature, Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.effect_places import EffectPlaces, effect_places
from explaindistill.measures.table import few_clusters, frame, row, shares
from explaindistill.numerics.explaining.effect_curves import (
    Area,
    EffectCurve,
    accumulated,
    area_between,
    averaged,
    middle,
)
from explaindistill.numerics.ranges import whole_in
from explaindistill.numerics.statistics.bands import max_t_band
from explaindistill.numerics.statistics.clusters import student_quantile
from explaindistill.numerics.statistics.influences import T_DRAWS, bootstrap_t
from explaindistill.numerics.statistics.resampling import row_counts
from explaindistill.numerics.statistics.tallies import group_means, tally, weights_of

__all__ = ["AREAS", "CURVES", "EXTRA", "CurveOptions", "dependence"]

Floats = NDArray[np.float64]
Predict = Callable[[pd.DataFrame], Floats]
EXTRA = ("feature", "kind", "place", "value", "unit")
CURVES = ("accumulated_effect", "partial_dependence")
AREAS = tuple(f"{curve}_area" for curve in CURVES)
METHOD = "bootstrap-t of influences"
AREA_METHOD = "simultaneous band, bootstrap"
MISSING = "missing"
NO_LEVELS: Mapping[str, tuple[float, float]] = {}
"""Partial dependence has its level already."""
ROUNDING = 1e-12
"""Of a curve's size: two that differ by less are the same; answers of double precision differ by 1e-16 of theirs."""


@dataclass(frozen=True)
class CurveOptions:
    """How finely a column is looked at, and on how many rows.

    Attributes
    ----------
    n_cells : int, at least 1
        Cells of a column of numbers; each has about equally many rows. A trade-off: a local effect rests on the rows of
        one cell.
    n_levels : int, at least 2
        Levels of a column of categories, the commonest first. As many lines as a screen holds.
    n_local : int, at least 20
        Rows for local effects: two changed copies of each are asked about.
    n_partial : int, at least 20
        Rows for partial dependence, where each is asked about at every place.
    minimum : int, at least 1
        Rows that a cell or a level has at least.
    level : float
        Confidence of the intervals.

    Raises
    ------
    InvalidInputError
        For numbers out of these ranges.

    Examples
    --------
    >>> CurveOptions(n_cells=5).n_local
    500
    """

    n_cells: int = 10
    n_levels: int = 24
    n_local: int = 500
    n_partial: int = 200
    minimum: int = 10
    level: float = 0.95

    def __post_init__(self) -> None:
        least = {"n_cells": 1, "n_levels": 2, "n_local": 20, "n_partial": 20, "minimum": 1}
        for name, number in least.items():
            whole_in(name, getattr(self, name), number)


DEFAULTS = CurveOptions()


class _DrawnRows(NamedTuple):
    """Rows whose changed copies are asked about: their shares of the weight, and how often draws hold each unit."""

    rows: pd.DataFrame
    at: NDArray[np.int64]
    share: Floats
    units: NDArray[np.int64] | None
    drawn: Floats


@dataclass(frozen=True)
class _Setting:
    """What the curves of one column share; ``cell``, ``weight`` and ``clusters`` are those of all rows at a place."""

    places: EffectPlaces
    mass: Floats
    cell: NDArray[np.int64]
    weight: Floats
    clusters: NDArray[Any] | None
    unit: str
    level: float


def dependence(
    models: Mapping[str, Predict],
    X: pd.DataFrame,
    feature: Feature,
    *,
    rng: np.random.Generator | int = 0,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    unit: str = "value",
    options: CurveOptions = DEFAULTS,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    r"""Curves of every model along one column, and the area between each and the first one.

    The accumulated local effect of a column of numbers, dates or ordered categories adds up what answers change by
    where a value moves from edge to edge of the cell that it is in: no row gets a value far from its own, so that
    columns that go together do not lead to rows that do not exist. The partial dependence is the mean answer where all
    rows have the same value; of categories without an order, and of missing values, it is the only curve.

    Parameters
    ----------
    models : mapping of str to callable
        From rows to numbers ``(n,)``. The first is what the others are held against; all are asked about the same rows,
        each about all of them once, and about at most ``2 n_local + m n_partial`` changed copies for m places.
    X : DataFrame of n rows
        Not modified.
    feature : Feature
        Of one of its columns, see :class:`explaindistill.data.schema.Feature`.
    rng : Generator or int
        Draws rows where there are more than are asked about.
    sample_weight : array of shape (n,), optional
    clusters : array of shape (n,), optional
        Rows of one value are drawn together; with fewer than five there is no interval.
    unit : str
        That of the answers, such as ``"probability of yes"``.
    options : CurveOptions

    Returns
    -------
    curves : DataFrame
        Canonical columns, ``feature``, ``kind`` ("line" or "levels"), ``place`` (words), ``value`` (number on the axis;
        NaN for a level) and ``unit``. ``metric`` is ``accumulated_effect`` (mean answer to all rows plus the effect),
        ``partial_dependence``, or ``share_of_rows`` (subject ``"rows"``): the share of the rows in the cell that ends
        at this place, or at this level. Intervals hold for one place each; ``n`` counts the rows drawn.
    areas : DataFrame
        ``accumulated_effect_area`` and ``partial_dependence_area``: the mean over rows of the distance between the
        curves of a model and of the first one, both less their means, in the unit of the answers. Its interval follows
        from a band that holds all places at once, and begins at 0 where the curves may be the same.

    Raises
    ------
    NoPlacesError
        If the column has fewer than two places with rows enough, or names people.

    References
    ----------
    Apley and Zhu (2020), doi:10.1111/rssb.12377; Friedman (2001), doi:10.1214/aos/1013203451.

    Examples
    --------
    Two columns that are the same: partial dependence is of rows that do not exist, local effects are not.

    >>> X = pd.DataFrame({"a": np.arange(200.0), "b": np.arange(200.0)})
    >>> models = {"teacher": lambda rows: rows["a"].to_numpy() / 200, "twin": lambda rows: rows["b"].to_numpy() / 200}
    >>> curves, areas = dependence(models, X, Feature("a", "numeric"), options=CurveOptions(n_cells=2))
    >>> line = curves[curves["metric"] == "accumulated_effect"]
    >>> line[["subject", "value", "estimate"]].round(2).values.tolist()  # doctest: +NORMALIZE_WHITESPACE
    [['teacher', 10.0, 0.05], ['teacher', 100.0, 0.5], ['teacher', 189.0, 0.95],
     ['twin', 10.0, 0.5], ['twin', 100.0, 0.5], ['twin', 189.0, 0.5]]
    >>> areas[["metric", "subject", "reference", "estimate"]].round(2).values.tolist()  # doctest: +NORMALIZE_WHITESPACE
    [['accumulated_effect_area', 'twin', 'teacher', 0.22],
     ['partial_dependence_area', 'twin', 'teacher', 0.22]]
    """
    if feature.name not in X.columns:
        raise InvalidInputError(f"feature must be a column of X, got {feature.name!r}")
    w = weights_of(sample_weight, len(X))
    generator = np.random.default_rng(rng)
    local, partial = (
        _sample(X, w, clusters, most, np.random.default_rng(seed))
        for most, seed in zip((options.n_local, options.n_partial), generator.integers(2**31, size=2), strict=True)
    )
    marked = np.zeros(len(X), dtype=bool)
    marked[local.at] = True
    counted = np.flatnonzero(w > 0)
    numbers = Schema((feature,)).column(X.iloc[counted], 0)
    places = effect_places(
        numbers, feature, n_cells=options.n_cells, n_levels=options.n_levels, minimum=options.minimum,
        asked=marked[counted],
    )  # fmt: skip
    whole = np.full(len(X), -1, dtype=np.int64)
    whole[counted] = places.cell
    at = np.flatnonzero(whole >= 0)
    mass = np.asarray(np.bincount(whole[at], w[at], places.n_cells), dtype=float)
    setting = _Setting(places, mass, whole[at], w[at], _at(clusters, at), unit, options.level)
    curves, areas = [_density(setting, places.at_place(numbers), w[counted], _at(clusters, counted))], []
    families = [(CURVES[1], partial, _partial(models, partial, places), NO_LEVELS)]
    if places.line:
        means = _levels(models, X.iloc[counted], w[counted], _at(clusters, counted), options.level)
        families.insert(0, (CURVES[0], local, _accumulated(models, local, places, whole[local.at]), means))
    for metric, sample, of_model, levels in families:
        curves.append(frame(_points(metric, sample, of_model, setting, levels), extra=EXTRA))
        areas.append(frame(_areas(metric, sample, of_model, setting), extra=EXTRA))
    return pd.concat([t for t in curves if len(t)], ignore_index=True), pd.concat(areas, ignore_index=True)


def _at(values: ArrayLike | None, at: NDArray[np.int64]) -> Any:
    return None if values is None else np.asarray(values)[at]


def _sample(X: pd.DataFrame, w: Floats, clusters: ArrayLike | None, most: int, rng: np.random.Generator) -> _DrawnRows:
    """At most so many rows of positive weight, and bootstrap draws of them, or of their clusters."""
    at = np.flatnonzero(w > 0)
    if len(at) > most:
        at = np.sort(rng.choice(at, most, replace=False))
    units = None if clusters is None else pd.factorize(np.asarray(clusters)[at])[0].astype(np.int64)
    n_units = len(at) if units is None else int(units.max(initial=-1)) + 1
    drawn = row_counts(n_units, T_DRAWS, rng) if n_units > 1 else np.empty((0, n_units))
    return _DrawnRows(X.iloc[at].reset_index(drop=True), at, w[at] / w[at].sum(), units, drawn)


def _accumulated(
    models: Mapping[str, Predict], sample: _DrawnRows, places: EffectPlaces, cell: NDArray[np.int64]
) -> dict[str, EffectCurve]:
    """Curves about 0 from the answers to each row at both edges of its cell."""
    inside = cell >= 0
    rows, k = sample.rows[inside], cell[inside]
    moved = _with(pd.concat([rows, rows]), places, np.concatenate([k, k + 1]))
    out = {}
    for name, predict in models.items():
        below, above = np.split(np.asarray(predict(moved), dtype=float), 2)
        change = np.zeros(len(cell))
        change[inside] = above - below
        out[name] = accumulated(change, cell, places.n_cells, sample.share)
    return out


def _levels(
    models: Mapping[str, Predict], X: pd.DataFrame, w: Floats, clusters: Any, level: float
) -> dict[str, tuple[float, float]]:
    """Mean answer of each model to all rows, and half of its interval."""
    out = {}
    for name, predict in models.items():
        answers = np.asarray(predict(X), dtype=float)
        mean, error, quantile = group_means(
            answers, np.zeros(len(answers), dtype=int), 1, sample_weight=w, clusters=clusters, level=level
        )
        out[name] = float(mean[0]), float(np.nan_to_num(error[0] * quantile[0]))
    return out


def _partial(models: Mapping[str, Predict], sample: _DrawnRows, places: EffectPlaces) -> dict[str, EffectCurve]:
    """Curves from the answers to each row at every place; "missing" comes last."""
    n, m = len(sample.rows), len(places.numbers) + places.missing
    at = np.repeat(np.array([*range(len(places.numbers)), *[-1] * places.missing]), n)
    rows = _with(sample.rows.iloc[np.tile(np.arange(n), m)], places, at)
    answers = {name: np.asarray(predict(rows), dtype=float).reshape(m, n).T for name, predict in models.items()}
    return {name: averaged(a, sample.share) for name, a in answers.items()}


def _with(rows: pd.DataFrame, places: EffectPlaces, at: NDArray[np.int64]) -> pd.DataFrame:
    """Rows whose value is that of their place; -1 is a missing one."""
    numbers = np.append(places.numbers, np.nan)[at]
    out = rows.reset_index(drop=True)
    values = pd.Series(places.feature.restored(numbers), index=out.index)
    dtype = out[places.feature.name].dtype
    return out.assign(**{places.feature.name: values if values.dtype == dtype else values.astype(dtype)})


def _density(setting: _Setting, place: NDArray[np.int64], w: Floats, clusters: Any) -> pd.DataFrame:
    """Shares of the rows at each place; none where few rows have one, or few have none, whose number would follow."""
    minimum, named = setting.places.minimum, _named(setting)
    rest = int((place < 0).sum())
    if 0 < rest < minimum:
        return frame([], extra=EXTRA)
    lines: list[dict[str, Any]] = []
    for k in np.unique(place[place >= 0]).tolist():
        inside = (place == k).astype(float)
        if 0 < inside.sum() < minimum:
            return frame([], extra=EXTRA)
        counted = tally(inside, np.zeros(len(place), dtype=int), 1, clusters=clusters, sample_weight=w)
        lines += shares(
            "share_of_rows", counted, [named[k] | {"subject": "rows", "unit": "share"}], level=setting.level
        )
    return frame(lines, extra=EXTRA)


def _named(setting: _Setting) -> list[dict[str, Any]]:
    """The columns that name each place; the last one is "missing", where it is one."""
    places = setting.places
    marks, words = places.marks.tolist(), places.words
    if places.missing:
        marks, words = [*marks, float("nan")], [*words, MISSING]
    shared = {"feature": places.feature.name, "kind": "line" if places.line else "levels", "unit": setting.unit}
    return [shared | {"place": word, "value": mark} for word, mark in zip(words, marks, strict=True)]


def _points(
    metric: str,
    sample: _DrawnRows,
    of_model: Mapping[str, EffectCurve],
    setting: _Setting,
    levels: Mapping[str, tuple[float, float]],
) -> Iterator[dict[str, Any]]:
    """One line per model and place, with its own interval; errors of a curve and of its level add as squares."""
    named = _named(setting)
    for subject, curve in of_model.items():
        level, half = levels.get(subject, (0.0, 0.0))
        for j, value in enumerate(curve.value.tolist()):
            moved = _by_unit(curve.moved[:, j], sample)
            low, high = bootstrap_t(value, [moved], [sample.drawn], setting.level)
            low, high = value + level - np.hypot(value - low, half), value + level + np.hypot(high - value, half)
            line = row(metric, value + level, low, high, n=len(sample.at), method=METHOD, **named[j])
            yield line | {"subject": subject} | _unsure(sample)


def _unsure(sample: _DrawnRows) -> dict[str, Any]:
    """No limits where rows are in too few clusters."""
    few = {} if sample.units is None else few_clusters(sample.drawn.shape[1])
    return {**few, "low": np.nan, "high": np.nan} if few else {}


def _by_unit(moved: Floats, sample: _DrawnRows) -> Floats:
    """Influences of the units that are drawn: rows, or clusters."""
    if sample.units is None:
        return moved
    out = np.zeros((sample.drawn.shape[1], *moved.shape[1:]))
    np.add.at(out, sample.units, moved)
    return out


def _areas(
    metric: str, sample: _DrawnRows, of_model: Mapping[str, EffectCurve], setting: _Setting
) -> Iterator[dict[str, Any]]:
    """One line per further model: the area between its curve and that of the first, both about their means."""
    (reference, first), *others = of_model.items()
    places, n = setting.places, len(setting.places.numbers)
    named = _named(setting)[0] | {"place": "", "value": np.nan}
    for subject, curve in others:
        gap = _without_rounding(curve.less(first), curve)
        gap = middle(EffectCurve(gap.value[:n], gap.moved[:, :n]), setting.mass, places.line)
        moved = _by_unit(gap.moved, sample)
        half = np.full(n, np.nan)
        if len(moved) > 1:
            half = _half_width(gap.value, moved, sample.drawn, setting.level)
        area = area_between(gap.value, half, setting.mass, places.line)
        low, high = _with_density(area, setting)
        line = row(f"{metric}_area", area.estimate, low, high, n=len(sample.at), method=AREA_METHOD)
        yield line | named | {"subject": subject, "reference": reference} | _unsure(sample)


def _without_rounding(gap: EffectCurve, curve: EffectCurve) -> EffectCurve:
    """The difference of two curves; nothing where it is what rounding leaves of two that are the same."""
    rounding = ROUNDING * max(float(np.abs(curve.value).max(initial=0.0)), 1e-300)
    same = float(np.ptp(gap.value)) <= rounding and float(np.ptp(gap.moved, axis=1).max(initial=0.0)) <= rounding
    return EffectCurve(np.zeros_like(gap.value), np.zeros_like(gap.moved)) if same else gap


def _half_width(value: Floats, moved: Floats, drawn: Floats, level: float) -> Floats:
    """Half of a band that holds all places at once, wider by what Student's quantile asks of so few units."""
    low, high, _, _ = max_t_band(value, value + drawn @ moved, level)
    units = len(moved)
    few = float(student_quantile(units - 1, level) / student_quantile(np.inf, level))
    return np.nan_to_num((high - low) / 2) * few


def _with_density(area: Area, setting: _Setting) -> tuple[float, float]:
    """Limits that also know how sure it is where the rows are: two independent errors add as squares (MOVER)."""
    moved = setting.weight * area.moved[setting.cell] / setting.weight.sum()
    if setting.clusters is not None:
        moved = np.bincount(pd.factorize(setting.clusters)[0], moved)
    n = len(moved)
    if n < 2:
        return np.nan, np.nan
    error = float(student_quantile(n - 1, setting.level)) * np.sqrt(n / (n - 1) * float(moved @ moved))
    below, above = (float(np.hypot(side, error)) for side in (area.estimate - area.low, area.high - area.estimate))
    return max(area.estimate - below, 0.0), area.estimate + above
