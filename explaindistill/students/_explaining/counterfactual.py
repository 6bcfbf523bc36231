"""The smallest change that flips a student's decision: one door for every student, checked with the teacher."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.rows import as_frame
from explaindistill.data.schema import Feature, Schema
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.numerics.explaining.axes import Axis, Choice, Number
from explaindistill.numerics.explaining.nearest_search import nearest_search
from explaindistill.protocols import ClassLabel, Row, TeacherLike
from explaindistill.students._intake import rows

__all__ = ["Counterfactual", "Goal", "Problem", "counterfactual", "dtype_of", "one_row"]

Floats = NDArray[np.float64]
SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """What would have to be different about one row for the decision to be another.

    Attributes
    ----------
    changes : DataFrame
        One line per changed column: ``column``, ``now``, ``becomes`` (words), ``cost``; the dearest first.
    row : DataFrame
        The changed row; None where none was found.
    wanted : class, or (low, high) in regression
    before, after : class or float
        The student's answers to the row as it is and as it would be.
    cost : float
        Sum over changed columns; NaN where none was found.
    status : "found", "already" (nothing needs to change) or "none" (no allowed change is enough)
    exact : bool
        Whether no cheaper change exists; else it is the cheapest that a search has found.
    teacher_before, teacher_after : class, float or None
        The teacher's own answers, where a teacher was given.
    teacher_agrees : bool or None
        Whether the changed row gets the wanted answer from the teacher, too. Where it is False, the advice would not
        hold with the model that decides.
    """

    changes: pd.DataFrame
    row: pd.DataFrame | None
    wanted: Any
    before: Any
    after: Any
    cost: float
    status: str
    exact: bool
    teacher_before: Any = None
    teacher_after: Any = None
    teacher_agrees: bool | None = None

    def __str__(self) -> str:
        if self.status == "already":
            return f"nothing needs to change: the answer is {self.before}"
        if self.status == "none":
            return f"no allowed change gives {self.wanted}; the answer stays {self.before}"
        lines = [f"{self.before} becomes {self.after} with {len(self.changes)} change(s):"]
        lines += [f"    {c.column}: {c.now} -> {c.becomes}" for c in self.changes.itertuples()]
        if not self.exact:
            lines.append("a cheaper change may exist: this one was searched for")
        if self.teacher_agrees is not None:
            word = "agrees" if self.teacher_agrees else "does not agree"
            lines.append(f"the teacher {word}: it says {self.teacher_after}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Goal:
    """The answer that is wanted: class ``k`` (at least ``threshold``; None: most probable), or a value in bounds."""

    k: int | None = None
    threshold: float | None = None
    low: float = -math.inf
    high: float = math.inf

    def met(self, values: Floats) -> NDArray[np.bool_]:
        """Whether answers ``(n, K)`` are the wanted one."""
        if self.k is None:
            return np.asarray((values[:, 0] >= self.low) & (values[:, 0] <= self.high))
        if self.threshold is not None:
            return np.asarray(values[:, self.k] >= self.threshold)
        return np.asarray(values.argmax(axis=1) == self.k)

    def gap(self, values: Floats) -> Floats:
        """How far answers are inside the wanted region; below 0 outside of it."""
        if self.k is None:
            far = np.minimum(values[:, 0] - self.low, self.high - values[:, 0])
        elif self.threshold is not None:
            far = values[:, self.k] - self.threshold
        else:
            far = values[:, self.k] - np.delete(values, self.k, axis=1).max(axis=1)
        # ties and rounding may contradict the sign: what is not met stays outside, be it by the least number
        return np.where(self.met(values), np.maximum(far, 0.0), np.minimum(far, -1e-300))


@dataclass(frozen=True)
class Problem:
    """One row, what it may become, and what is wanted of it."""

    schema: Schema
    now: tuple[float, ...]
    axes: tuple[Axis, ...]
    goal: Goal
    answer: Callable[[Floats], Floats]

    def reached(self, Z: Floats) -> bool:
        """Whether the student itself gives the wanted answer to an encoded row."""
        return bool(self.goal.met(self.answer(Z[None]))[0])


def counterfactual(
    self: Any,
    row: Row,
    *,
    wanted: ClassLabel | None = None,
    threshold: float | None = None,
    change: Iterable[str] | None = None,
    bounds: Mapping[str, Any] | None = None,
    prices: Mapping[str, float] | None = None,
    teacher: TeacherLike | None = None,
) -> Counterfactual:
    """Find the smallest change of a row that changes this student's decision.

    The cost of a change is its share of the column's range for numbers and orders, and 1 for a category, a flag or a
    group of one-hot columns; the sum is smallest. Missing values stay missing, and nothing becomes missing. Numbers
    stay within the values seen in fitting.

    Parameters
    ----------
    row : DataFrame with one row, Series or mapping
    wanted : class, or pair (low, high) in regression
        None: the other one of two classes, or with more classes any other.
    threshold : float in (0, 1), optional
        Two classes: decided by the wanted class's probability reaching this; None: by the most probable class.
    change : names of columns, optional
        Which may change; all when None.
    bounds : mapping of column to (low, high) or to a list of categories, optional
        Narrower limits; None on a side is the limit seen in fitting. ``{"age": (row_age, None)}`` only lets it rise.
    prices : mapping of column to positive float, optional
        Multiplies the cost of a column.
    teacher : teacher adapter, fitted estimator or callable, optional
        Asked about the row before and after; the student does not know whether its teacher would decide so.

    Returns
    -------
    Counterfactual
        ``exact`` for trees, rule lists, scorecards and linear models; searched for GAMs and model trees.

    Raises
    ------
    InvalidInputError
        For more than one row, columns or classes that do not exist, or bounds that leave nothing.

    References
    ----------
    Wachter, Mittelstadt and Russell (2017), arXiv:1711.00399; Ustun, Spangher and Liu (2019), arXiv:1809.06514.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import TreeClassifier
    >>> X = pd.DataFrame({"income": [10, 20, 30, 40, 50, 60], "age": [30, 60, 40, 50, 20, 70]})
    >>> student = TreeClassifier(min_samples_leaf=1).fit(X, ["no", "no", "no", "yes", "yes", "yes"])
    >>> print(student.counterfactual({"income": 20, "age": 60}))
    no becomes yes with 1 change(s):
        income: 20 -> 36
    """
    frame = rows(self, one_row(self, row)).reset_index(drop=True)
    answer = _answers(self, frame)
    now = tuple(self.schema_.encode(frame)[0].tolist())
    values = answer(np.array(now)[None])
    goals, target = _goals(self, values, wanted, threshold)
    before = _say(self, values, threshold, goals[0])
    empty = pd.DataFrame(columns=["column", "now", "becomes", "cost"])
    same = Counterfactual(empty, frame, target, before, before, 0.0, "already", _is_exact(self))
    if goals[0].met(values)[0]:
        return _checked(self, same, (frame, frame), goals[0], teacher)
    axes = _axes(self, now, change, dict(bounds or {}), dict(prices or {}))
    candidates = [
        (_price(axes, Z), i, Z)
        for i, goal in enumerate(goals)
        if (Z := _nearest(self, Problem(self.schema_, now, axes, goal, answer))) is not None
    ]
    if not candidates:
        return replace(same, row=None, cost=math.nan, status="none")
    _, i, Z = min(candidates, key=lambda candidate: candidate[:2])
    changed = _rows_of(self.schema_, frame, Z[None], np.array(now))
    after = _say(self, answer(Z[None]), threshold, goals[i])
    nearest = replace(same, row=changed, after=after, status="found")
    return _with_changes(_checked(self, nearest, (frame, changed), goals[i], teacher), self.schema_, now, Z, axes)


def _is_exact(student: Any) -> bool:
    return hasattr(student, "_nearest")


def _nearest(student: Any, problem: Problem) -> Floats | None:
    """The family's own exact way, or a search; either way the student itself confirms it."""
    if _is_exact(student):
        nearest: Floats | None = student._nearest(problem)
    else:
        nearest = nearest_search(problem.axes, problem.now, lambda Z: problem.goal.gap(problem.answer(Z)))
    return nearest if nearest is not None and problem.reached(nearest) else None


def one_row(student: Any, row: Row) -> Any:
    """One row as the student takes it, from a frame, a Series or a mapping."""
    if isinstance(row, pd.Series):
        row = row.to_dict()
    frame = pd.DataFrame({k: [v] for k, v in row.items()}) if isinstance(row, Mapping) else row
    n = len(as_frame(frame))
    if n != 1:
        raise InvalidInputError(f"row must be one row, got {n}; call it once per row")
    return frame if isinstance(frame, pd.DataFrame) and student.schema_.container == "frame" else np.asarray(frame)


def _answers(student: Any, frame: pd.DataFrame) -> Callable[[Floats], Floats]:
    """From encoded rows to the student's answers ``(n, K)``; columns that have not changed are those of the row."""
    now = student.schema_.encode(frame)[0]

    def answer(Z: Floats) -> Floats:
        X = student.schema_.restore(_rows_of(student.schema_, frame, Z, now))
        values = student.predict_proba(X) if hasattr(student, "classes_") else student.predict(X)
        return np.asarray(values, dtype=float).reshape(len(Z), -1)

    return answer


def _rows_of(schema: Schema, frame: pd.DataFrame, Z: Floats, now: Floats) -> pd.DataFrame:
    """Encoded rows as the user's own; a column that is as it was stays as it was, unseen categories included."""
    columns = {}
    for j, feature in enumerate(schema):
        same = np.isnan(now[j]) or (Z[:, j] == now[j]).all()
        if same:
            columns[feature.name] = frame[feature.name].take(np.zeros(len(Z), dtype=np.intp)).array
        else:
            columns[feature.name] = feature.restored(Z[:, j], dtype_of(feature, Z[:, j]))
    return pd.DataFrame(columns)


def dtype_of(feature: Feature, values: Floats) -> str:
    """Dtype of changed values: the column's, or floats where whole numbers were changed to broken ones."""
    whole = np.array_equal(values, np.rint(values))
    return feature.dtype if whole or not feature.dtype.lower().startswith(("int", "uint")) else "float64"


def _goals(student: Any, values: Floats, wanted: Any, threshold: float | None) -> tuple[list[Goal], Any]:
    if not hasattr(student, "classes_"):
        if values.shape[1] != 1:
            raise InvalidInputError(f"counterfactual needs one output, the student has {values.shape[1]}")
        if wanted is None or np.shape(wanted) != (2,) or not wanted[0] <= wanted[1]:
            raise InvalidInputError(f"wanted must be a pair (low, high) with low <= high in regression, got {wanted!r}")
        if threshold is not None:
            raise InvalidInputError("threshold is for classes; give wanted=(low, high)")
        return [Goal(low=float(wanted[0]), high=float(wanted[1]))], (float(wanted[0]), float(wanted[1]))
    classes = student.classes_.tolist()
    if threshold is not None and (len(classes) != 2 or not 0 < threshold < 1):
        raise InvalidInputError(f"threshold must lie between 0 and 1 and needs two classes, got {threshold!r}")
    if wanted is None:
        if threshold is not None:
            raise InvalidInputError("threshold needs wanted=, the class whose probability must reach it")
        others = [k for k in range(len(classes)) if k != int(values[0].argmax())]
        return [Goal(k) for k in others], classes[others[0]] if len(others) == 1 else "another class"
    if wanted not in classes:
        raise InvalidInputError(f"wanted must be one of the classes {classes}, got {wanted!r}")
    return [Goal(classes.index(wanted), threshold)], wanted


def _say(student: Any, values: Floats, threshold: float | None, goal: Goal) -> Any:
    """The answer in the user's words."""
    if goal.k is None:
        return float(values[0, 0])
    classes = student.classes_.tolist()
    if threshold is not None:
        return classes[goal.k if goal.met(values)[0] else 1 - goal.k]
    return classes[int(values[0].argmax())]


def _axes(
    student: Any,
    now: tuple[float, ...],
    change: Iterable[str] | None,
    bounds: dict[str, Any],
    prices: dict[str, float],
) -> tuple[Axis, ...]:
    """What each column, or each group of one-hot columns, may become; only columns that the student uses."""
    schema: Schema = student.schema_
    allowed = schema.names if change is None else [str(c) for c in change]
    for argument, names in (("change", allowed), ("bounds", bounds), ("prices", prices)):
        if unknown := [c for c in names if c not in schema.names]:
            near = did_you_mean(unknown[0], schema.names)
            raise InvalidInputError(
                f"{argument} names {unknown[0]!r}, the columns are: {', '.join(schema.names)}{near}"
            )
    if wrong := [c for c, p in prices.items() if not p > 0]:
        raise InvalidInputError(f"prices must be positive, got {prices[wrong[0]]!r} for {wrong[0]!r}")
    importance = student.importance().set_index("feature")["estimate"]
    used = {c for c in schema.names if importance.get(c, 0.0) > 0}
    out: list[Axis] = list(_groups(schema, now, set(allowed), used, prices))
    for j, feature in enumerate(schema):
        grouped = feature.one_hot is not None
        if feature.name in allowed and feature.name in used and not grouped and not math.isnan(now[j]):
            axis = _axis(feature, j, now[j], bounds.get(feature.name), prices.get(feature.name, 1.0))
            out += [] if axis is None else [axis]
    return tuple(out)


def _groups(
    schema: Schema, now: tuple[float, ...], allowed: set[str], used: set[str], prices: dict[str, float]
) -> Iterator[Axis]:
    """One choice per group of one-hot columns: exactly one of them is 1."""
    for members in schema.one_hot_groups.values():
        columns = tuple(schema.names.index(m) for m in members)
        current = tuple(now[j] for j in columns)
        if not set(members) <= allowed or not set(members) & used or sum(v == 1.0 for v in current) != 1:
            continue
        price = max(prices.get(m, 1.0) for m in members)
        others = [tuple(float(i == k) for i in range(len(columns))) for k in range(len(columns))]
        options = (current, *(o for o in others if o != current))
        yield Choice(columns, options, (0.0, *([price] * (len(options) - 1))))


def _axis(feature: Feature, j: int, now: float, bound: Any, price: float) -> Axis | None:
    """What one column may become, at its price per range; None where it can be nothing else."""
    if feature.is_category or feature.kind == "boolean":
        return _choice(feature, j, now, bound, price)
    low, high = (None, None) if bound is None else tuple(bound)
    dated = feature.kind == "datetime"
    low, high = (_limit(v, spare, dated) for v, spare in ((low, feature.minimum), (high, feature.maximum)))
    if low > high:
        raise InvalidInputError(f"bounds of {feature.name!r} must be low <= high within those seen, got {bound!r}")
    span = feature.maximum - feature.minimum
    if span <= 0:
        return None
    step = 1.0 if feature.kind == "integer" else 0.0
    if dated:
        whole = all(v % SECONDS_PER_DAY == 0 for v in (now, feature.minimum, feature.maximum))
        step = SECONDS_PER_DAY if whole else 1.0
    return Number(j, now, low, high, step, price / span)


def _limit(value: Any, spare: float, dated: bool) -> float:
    if value is None:
        return spare
    return pd.Timestamp(value).timestamp() if dated and not isinstance(value, int | float) else float(value)


def _choice(feature: Feature, j: int, now: float, bound: Any, price: float) -> Choice | None:
    """Categories or flags that may be chosen; of an order a step costs the price over the number of steps."""
    # nobody can become "(other)"
    named = feature.categories[: -1 if feature.other else None]
    values: list[Any] = list(named) if feature.is_category else [False, True]
    if bound is not None and (unknown := [v for v in bound if v not in values]):
        raise InvalidInputError(f"bounds of {feature.name!r} names {unknown[0]!r}, it has: {values}")
    codes = [float(i) for i, v in enumerate(values) if (bound is None or v in bound) and float(i) != now]
    if not codes:
        return None
    ordered = feature.kind == "ordered" and now >= 0 and len(values) > 1
    costs = [price * abs(c - now) / (len(values) - 1) if ordered else price for c in codes]
    return Choice((j,), ((now,), *((c,) for c in codes)), (0.0, *costs))


def _price(axes: Iterable[Axis], Z: Floats) -> float:
    return sum(_axis_price(axis, Z) for axis in axes)


def _axis_price(axis: Axis, Z: Floats) -> float:
    if isinstance(axis, Number):
        return axis.cost(float(Z[axis.column]))
    return axis.costs[axis.options.index(tuple(Z[list(axis.columns)].tolist()))]


def _with_changes(
    record: Counterfactual, schema: Schema, now: tuple[float, ...], Z: Floats, axes: tuple[Axis, ...]
) -> Counterfactual:
    """The record with a line for each column that changed; of one-hot columns the first carries the whole cost."""
    lines = []
    for axis in axes:
        columns = (axis.column,) if isinstance(axis, Number) else axis.columns
        moved = [j for j in columns if Z[j] != now[j]]
        for i, j in enumerate(moved):
            words = schema[j].words(now[j]), schema[j].words(float(Z[j]))
            lines.append((schema[j].name, *words, _axis_price(axis, Z) if i == 0 else 0.0))
    frame = pd.DataFrame(lines, columns=["column", "now", "becomes", "cost"])
    frame = frame.sort_values(["cost", "column"], ascending=[False, True], ignore_index=True)
    return replace(record, changes=frame, cost=float(frame["cost"].sum()))


def _checked(
    student: Any, record: Counterfactual, frames: tuple[pd.DataFrame, pd.DataFrame], goal: Goal, teacher: Any
) -> Counterfactual:
    """The record with what the teacher, where there is one, says of the row before and after."""
    if teacher is None:
        return record
    values = [_teacher_says(student, teacher, frame) for frame in frames]
    before, after = (_say(student, v, goal.threshold, goal) for v in values)
    return replace(record, teacher_before=before, teacher_after=after, teacher_agrees=bool(goal.met(values[1])[0]))


def _teacher_says(student: Any, teacher: Any, frame: pd.DataFrame) -> Floats:
    """Answers ``(1, K)`` of the teacher in the order of the student's classes; labels count as certain."""
    X = student.schema_.restore(frame)
    classes = getattr(student, "classes_", None)
    if classes is None:
        return np.asarray(teacher.predict(X) if hasattr(teacher, "predict") else teacher(X), dtype=float).reshape(1, -1)
    if hasattr(teacher, "predict_proba") or not hasattr(teacher, "predict"):
        P = np.asarray(teacher.predict_proba(X) if hasattr(teacher, "predict_proba") else teacher(X), dtype=float)
        names = list(getattr(teacher, "classes_", classes))
        return np.array([[P[0, names.index(c)] if c in names else 0.0 for c in classes]])
    return np.array([[float(teacher.predict(X)[0] == c) for c in classes]])
