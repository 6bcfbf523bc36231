"""Over which values of one column, all else equal, do student and teacher decide alike: one door for every student."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.rows_sent import asking_for
from explaindistill.data.schema import Feature, Schema
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.numerics.ranges import number_in, whole_in
from explaindistill.protocols import ClassLabel, Row, Rows, TeacherLike, can_be_asked
from explaindistill.students._explaining.counterfactual import SECONDS_PER_DAY, dtype_of, one_row
from explaindistill.students._intake import rows

__all__ = ["agreement_intervals"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
MOST_VALUES = 1_000
"""Whole numbers of a column that are all tried; more of them are tried on a grid. A trade-off: they are questions."""
MOST_TRIED = 4_000
"""Values of one column from which on no change is narrowed further: a teacher that flips everywhere has no end."""
FINEST = 2.0**-20
"""Share of a column's range to which a change between two values of the grid is narrowed: a millionth."""
EVERY, GRID = "every value", "grid, changes bisected"
COLUMNS = ("column", "values", "low", "high", "alike", "student", "teacher", "now", "n", "method")


@dataclass(frozen=True)
class _Axis:
    """Values of one unit: rows of ``values`` for its ``columns``; ``step`` is 0 where they are all there are."""

    name: str
    columns: tuple[int, ...]
    values: Floats
    words: tuple[str, ...]
    step: float


def agreement_intervals(
    self: Any,
    row: Row,
    teacher: TeacherLike,
    *,
    change: Iterable[str] | None = None,
    reference: Rows | None = None,
    n_grid: int = 64,
    favorable: ClassLabel | None = None,
    threshold: float | None = None,
    tolerance: float | None = None,
) -> pd.DataFrame:
    """Find the values of each column, changed alone, over which student and teacher decide alike about a row.

    Categories, flags, groups of one-hot columns and up to 1,000 whole numbers are all tried. Other numbers, and dates,
    are tried on a grid, and between two of its values with other decisions the change is narrowed by bisection: what
    happens between two values with the same decisions is not seen.

    Parameters
    ----------
    row : DataFrame with one row, Series or mapping
    teacher : teacher adapter, fitted estimator or callable
        Asked about each value: some 100 to 1,000 questions per column of numbers.
    change : names of columns, optional
        Which are changed; all when None.
    reference : DataFrame or array, optional
        Rows whose quantiles are the grid; without them it is spaced evenly between the bounds seen in fitting.
    n_grid : int, at least 2
        Values of the grid.
    favorable : class, optional
    threshold : float in (0, 1), optional
        Two classes: ``favorable`` is decided where its probability reaches it; both or neither. The most probable class
        is decided without them.
    tolerance : float of at least 0
        Regression, where it is needed: values that differ by no more count as alike.

    Returns
    -------
    DataFrame
        ``column`` (or group of one-hot columns), ``values`` (words), ``low`` and ``high`` (first and last value tried
        of a run; NaN for categories and the missing), ``alike``, ``student`` and ``teacher`` (what they decide; NaN in
        regression), ``now`` (whether the row's own value is among them), ``n`` (values tried), ``method``.
        ``frame.attrs["n_questions"]`` counts rows put to the teacher.

    Raises
    ------
    InvalidInputError
        For more than one row, unknown columns or classes, a recorded teacher, or regression without ``tolerance``.

    Examples
    --------
    >>> from explaindistill import TreeClassifier
    >>> X = pd.DataFrame({"income": range(20, 60), "home": ["own", "rent"] * 20})
    >>> teacher = lambda X: np.column_stack([X["income"] < 41.5, X["income"] >= 41.5]) * 1.0
    >>> student = TreeClassifier(max_leaf_nodes=2).fit(X, np.where(X["income"] > 35, "yes", "no"))
    >>> table = student.agreement_intervals({"income": 30, "home": "own"}, teacher)
    >>> table[["column", "values", "alike", "now"]].values.tolist()
    [['income', '24 to 35', True, True], ['income', '36 to 41', False, False], ['income', '42 to 55', True, False],
     ['home', 'own, rent', True, True]]
    """
    whole_in("n_grid", n_grid, 2)
    frame = rows(self, one_row(self, row)).reset_index(drop=True)
    schema: Schema = self.schema_
    names = schema.names if change is None else [str(c) for c in change]
    if unknown := [c for c in names if c not in schema.names]:
        near = did_you_mean(unknown[0], schema.names)
        raise InvalidInputError(f"change names {unknown[0]!r}, the columns are: {', '.join(schema.names)}{near}")
    pair = _Pair(self, teacher, frame, _Rule.of(self, favorable, threshold, tolerance))
    now = schema.encode(frame)[0]
    grid = None if reference is None else schema.encode(rows(self, reference))
    axes = [a for a in _axes(schema, now, grid, n_grid) if set(names) & {schema.names[j] for j in a.columns}]
    with asking_for("agreement intervals"):
        lines = [line for axis in axes for line in _runs(axis, schema, now, pair)]
    out = pd.DataFrame(lines, columns=list(COLUMNS))
    out.attrs["n_questions"] = pair.n_questions
    return out


@dataclass(frozen=True)
class _Rule:
    """How answers ``(n, K)`` become decisions: classes by position, or values that are alike within a tolerance."""

    classes: Any
    favorable: int | None
    threshold: float | None
    tolerance: float | None

    @classmethod
    def of(cls, student: Any, favorable: ClassLabel, threshold: float | None, tolerance: float | None) -> _Rule:
        classes = getattr(student, "classes_", None)
        if classes is None:
            number_in("tolerance", tolerance, 0, why="values of a regression count as alike within it")
            if favorable is not None or threshold is not None:
                raise InvalidInputError("favorable and threshold are for classes; leave them out in regression")
            return cls(None, None, None, tolerance)
        if tolerance is not None:
            raise InvalidInputError("tolerance is for regression; classes are alike or not, leave it out")
        if (favorable is None) != (threshold is None):
            raise InvalidInputError("favorable and threshold go together; give both, or neither")
        if threshold is None:
            return cls(classes, None, None, None)
        number_in("threshold", threshold, 0, 1, strict=True)
        if len(classes) != 2 or favorable not in classes.tolist():
            raise InvalidInputError(f"favorable must be one of two classes, got {favorable!r} of {classes.tolist()}")
        return cls(classes, classes.tolist().index(favorable), threshold, None)

    def code(self, student: Floats, teacher: Floats) -> Codes:
        """A number per row that tells what both decide; in regression 1 where they are alike, 0 elsewhere."""
        if self.classes is None:
            return np.asarray((np.abs(student - teacher).max(axis=1) <= self.tolerance).astype(np.int64))
        return self.decide(student) * len(self.classes) + self.decide(teacher)

    def decide(self, P: Floats) -> Codes:
        """Position of the class that is decided."""
        if self.favorable is None or self.threshold is None:
            return P.argmax(axis=1)
        return np.where(P[:, self.favorable] >= self.threshold, self.favorable, 1 - self.favorable)

    def words(self, code: int) -> dict[str, Any]:
        """What a code says."""
        if self.classes is None:
            return {"alike": bool(code), "student": np.nan, "teacher": np.nan}
        s, t = divmod(code, len(self.classes))
        return {"alike": s == t, "student": self.classes[s], "teacher": self.classes[t]}


class _Pair:
    """Student and teacher as one function of changed rows."""

    def __init__(self, student: Any, teacher: TeacherLike, frame: pd.DataFrame, rule: _Rule) -> None:
        if hasattr(teacher, "classes_") and not can_be_asked(teacher):
            raise InvalidInputError("teacher must answer changed rows, got one with recorded answers only")
        self.student, self.teacher, self.frame, self.rule = student, teacher, frame, rule
        self.n_questions = 0

    def codes(self, axis: _Axis, values: Floats) -> Codes:
        """What both decide where the axis takes each of the values."""
        schema: Schema = self.student.schema_
        at = np.zeros(len(values), dtype=np.intp)
        columns = {name: self.frame[name].take(at).array for name in schema.names}
        for j, column in zip(axis.columns, values.T, strict=True):
            columns[schema.names[j]] = schema[j].restored(column, dtype_of(schema[j], column[~np.isnan(column)]))
        X = schema.restore(pd.DataFrame(columns))
        self.n_questions += len(values)
        return self.rule.code(self._of(self.student, X), self._of(self.teacher, X))

    def _of(self, model: Any, X: Any) -> Floats:
        """Answers ``(n, K)`` in the order of the student's classes; labels count as certain."""
        classes = self.rule.classes
        if classes is None:
            answers = model.predict(X) if hasattr(model, "predict") else model(X)
            return np.asarray(answers, dtype=float).reshape(len(X), -1)
        if hasattr(model, "predict_proba") or not hasattr(model, "predict"):
            P = np.asarray(model.predict_proba(X) if hasattr(model, "predict_proba") else model(X), dtype=float)
            names = list(getattr(model, "classes_", classes))
            none = np.zeros(len(P))
            return np.column_stack([P[:, names.index(c)] if c in names else none for c in classes.tolist()])
        labels = np.asarray(model.predict(X))
        return np.column_stack([labels == c for c in classes.tolist()]).astype(float)


def _axes(schema: Schema, now: Floats, grid: Floats | None, n_grid: int) -> Iterator[_Axis]:
    """What each column, or each group of one-hot columns, may be."""
    grouped: set[str] = set()
    for j, feature in enumerate(schema):
        if feature.one_hot is not None:
            if feature.one_hot not in grouped:
                members = schema.one_hot_groups[feature.one_hot]
                at = tuple(schema.names.index(m) for m in members)
                yield _Axis(feature.one_hot, at, np.eye(len(at)), members, 0.0)
            grouped.add(feature.one_hot)
        else:
            yield _axis(feature, j, float(now[j]), None if grid is None else grid[:, j], n_grid)


def _axis(feature: Feature, j: int, now: float, values_fitted: Floats | None, n_grid: int) -> _Axis:
    missing = [np.nan] if feature.nullable or math.isnan(now) else []
    if feature.is_category or feature.kind == "boolean":
        n_named = len(feature.categories) - feature.other if feature.is_category else 2  # nobody becomes "(other)"
        values, step = [float(v) for v in range(n_named)], 0.0
    elif feature.kind == "integer" and feature.maximum - feature.minimum < MOST_VALUES:
        values, step = np.arange(feature.minimum, feature.maximum + 1).tolist(), 0.0
    else:
        values, step = _grid(feature, values_fitted, n_grid).tolist(), _step(feature)
    if not math.isnan(now) and not (feature.is_category and now < 0):
        values.append(now)
    column = np.array([*sorted(set(values)), *missing])
    return _Axis(feature.name, (j,), column[:, None], tuple(feature.shown(v) for v in column), step)


def _grid(feature: Feature, values_fitted: Floats | None, n_grid: int) -> Floats:
    """Quantiles of values that were seen, or evenly spaced ones; both with the bounds of fitting."""
    present = None if values_fitted is None else values_fitted[~np.isnan(values_fitted)]
    if present is None or len(present) == 0:
        between = np.linspace(feature.minimum, feature.maximum, n_grid)
    else:
        inside = np.clip(present, feature.minimum, feature.maximum)
        between = np.concatenate([[feature.minimum, feature.maximum], np.quantile(inside, np.linspace(0, 1, n_grid))])
    step = _step(feature)
    return np.rint(between / step) * step if feature.kind in ("integer", "datetime") else between


def _step(feature: Feature) -> float:
    """Width to which a change is narrowed: whole numbers, whole days where all are, else a share of the range."""
    if feature.kind == "integer":
        return 1.0
    if feature.kind == "datetime":
        whole = feature.minimum % SECONDS_PER_DAY == 0 and feature.maximum % SECONDS_PER_DAY == 0
        return SECONDS_PER_DAY if whole else 1.0
    return (feature.maximum - feature.minimum) * FINEST


def _runs(axis: _Axis, schema: Schema, now: Floats, pair: _Pair) -> Iterator[dict[str, Any]]:
    """One line per run of values about which both decide the same; categories of one pair of decisions are one run."""
    values, codes = axis.values, pair.codes(axis, axis.values)
    if axis.step > 0:
        values, codes = _narrowed(axis, values, codes, pair)
    is_now = (values == now[list(axis.columns)]).all(axis=1) | (np.isnan(values) & np.isnan(now[axis.columns[0]]))[:, 0]
    feature = schema[axis.columns[0]]
    numbers = len(axis.columns) == 1 and not feature.is_category and feature.kind != "boolean"
    for run in _grouped(values[:, 0], codes, numbers):
        low, high = (float(values[i, 0]) if numbers else math.nan for i in (run[0], run[-1]))
        words = _span(feature, low, high) if numbers else ", ".join(axis.words[i] for i in run)
        yield {
            "column": axis.name,
            "values": words,
            "low": low,
            "high": high,
            **pair.rule.words(int(codes[run[0]])),
            "now": bool(is_now[run].any()),
            "n": len(run),
            "method": GRID if axis.step > 0 else EVERY,
        }


def _grouped(values: Floats, codes: Codes, numbers: bool) -> list[list[int]]:
    """Positions of each run: neighbours of one code among numbers, all of one code among categories."""
    if not numbers:
        return [np.flatnonzero(codes == code).tolist() for code in dict.fromkeys(codes.tolist())]
    gone = np.isnan(values)
    cuts = np.flatnonzero(np.diff(codes) != 0) + 1
    cuts = np.union1d(cuts, np.flatnonzero(gone)[:1]).astype(int)  # the missing stand last, by themselves
    return [run.tolist() for run in np.split(np.arange(len(values)), cuts) if len(run)]


def _span(feature: Feature, low: float, high: float) -> str:
    return feature.shown(low) if low == high or math.isnan(low) else f"{feature.shown(low)} to {feature.shown(high)}"


def _narrowed(axis: _Axis, values: Floats, codes: Codes, pair: _Pair) -> tuple[Floats, Codes]:
    """Values with those added that close in on each change, until no change is wider than the step."""
    while True:
        column = values[:, 0]
        changes = np.flatnonzero((np.diff(codes) != 0) & (np.diff(column) > axis.step))
        if len(changes) == 0 or len(values) > MOST_TRIED:
            return values, codes
        between = column[changes] / 2 + column[changes + 1] / 2
        if axis.step >= 1:
            between = np.floor(between / axis.step) * axis.step
        new = between[(between > column[changes]) & (between < column[changes + 1])]
        if len(new) == 0:  # neighbours in floats
            return values, codes
        fresh = pair.codes(axis, new[:, None])
        order = np.argsort(np.concatenate([column, new]), kind="stable")  # NaN, the missing, stays last
        values = np.concatenate([values, new[:, None]])[order]
        codes = np.concatenate([codes, fresh])[order]
