"""A student that follows a stream: bounded memory, refits where they pay, drift found at a stated rate of alarms."""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2_contingency, ks_2samp
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.class_words import class_words
from explaindistill.data.rows import as_frame
from explaindistill.data.schema import Schema
from explaindistill.data.targets import SoftTargets, as_soft_targets
from explaindistill.distillation.student_fit import fit_student, task_of
from explaindistill.distillation.wrappers.row_sketch import RowSketch
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.change import SCALES, Alarm, ChangeTest
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.numerics.trees.shrinkage import shrunk, unshrunk
from explaindistill.protocols import Rows
from explaindistill.students.tree.model import TreeModel

__all__ = ["OnlineStudent"]

Array = NDArray[np.float64]
REFERENCE_BLOCKS = 4
"""Blocks after a change that the inputs of an alarm are compared with."""
INPUT_LEVEL = 0.01
"""Level, for all columns together, at which an alarm is put down to the inputs."""
REGRESSION_MISS = 0.8
"""In regression a row is missed where its error is above this quantile of the errors at the last fit."""
TAILS = (0.1, 0.9)
"""Quantiles of teacher less student at the last fit beyond which an answer is unusually low or high."""


@dataclass(frozen=True)
class _Event:
    """One line of the history."""

    row: int
    event: str
    reason: str
    n_fit: int
    fidelity: float
    n: int
    p_value: float
    columns: tuple[str, ...] = ()


class OnlineStudent(BaseEstimator):
    r"""Any student, kept faithful to a teacher whose answers arrive as a stream.

    Rows are worked on in blocks. Each block is predicted, waits in a window of at most 8 blocks in which a change would
    show, and is then learned: it goes into a sample that chunks of the stream add up to
    (:class:`~explaindistill.distillation.wrappers.row_sketch.RowSketch`) and into the means of a tree's leaves. Memory
    does not grow. The student is fitted anew from the sample

    - each time the rows learned since the last change have grown by the factor ``growth`` ("more rows");
    - when the share of rows on which it differs from the teacher has risen, or that of answers unusually far above or
      below its own ("drift"): the sample then starts anew with the rows of the window that gave the alarm.

    Parameters
    ----------
    student : scikit-learn estimator
        Cloned at every fit.
    max_rows : int, at least 1
        Distinct rows in the sample that fits are made from.
    block_rows : int, at least 1
        Rows are collected into blocks of this size; how they arrive makes no difference.
    false_alarms : float, above 0 and below 1
        Expected false alarms per row of an unchanging stream, at most (1e-7: one in ten million rows).
    growth : float, above 1
    classes : array of shape (k,), optional
        Classes of the columns of soft labels given as an array; needed for hard labels.
    random_state : int
        Chooses the sample.

    Attributes
    ----------
    student_ : the fitted student of now
    classes_ : ndarray of shape (k,), for a classifier
    history_ : DataFrame
        One row per fit and alarm: ``row`` of the stream, ``event`` (``"fit"``, ``"drift"``), ``reason`` (``"first"``,
        ``"more rows"``, ``"drift"``; of a drift ``"teacher"`` where no column's distribution has moved, ``"data"``
        where some has, and the teacher may have changed or not, ``"cannot say"`` right after a fit), ``n_fit`` rows in
        the sample, ``fidelity`` of the student that was replaced, on ``n`` rows that it was not fitted to,
        ``p_value`` of the window, ``columns`` that have moved.
    n_rows_ : int
        Rows worked on.

    Notes
    -----
    The student differs from the teacher on a row where the most probable classes differ; in regression where the error
    is above the 0.8 quantile of the errors on the sample at the last fit. Right after the first fit, or a change, there
    is nothing to compare with yet, and another change in those few blocks goes unseen. A slow change can escape the
    windows, since it also moves what they are compared with.

    Examples
    --------
    A teacher changes its mind; the student notices and follows:

    >>> from explaindistill.students.tree import TreeClassifier
    >>> rng = np.random.default_rng(0)
    >>> online = OnlineStudent(TreeClassifier(4), block_rows=500, classes=["no", "yes"])
    >>> for i in range(20):
    ...     X = pd.DataFrame(rng.random((1000, 2)), columns=["a", "b"])
    ...     p = np.where(X["a"] > 0.5, 0.9, 0.1) if i < 10 else np.where(X["b"] > 0.3, 0.9, 0.1)
    ...     online.update(X, np.c_[1 - p, p])
    >>> online.history_.query("event == 'drift'")[["row", "reason"]].values.tolist()
    [[10500, 'teacher']]
    >>> print(online.student_.describe().splitlines()[1])
    if b <= 0.3:
    """

    student_: Any
    classes_: NDArray[Any]
    _waiting: list[tuple[pd.DataFrame, Array]]
    _named_classes: ArrayLike | None

    def __init__(
        self,
        student: Any,
        *,
        max_rows: int = 50_000,
        block_rows: int = 1_000,
        false_alarms: float = 1e-7,
        growth: float = 2.0,
        classes: ArrayLike | None = None,
        random_state: int = 0,
    ) -> None:
        self.student = student
        self.max_rows = max_rows
        self.block_rows = block_rows
        self.false_alarms = false_alarms
        self.growth = growth
        self.classes = classes
        self.random_state = random_state

    def update(self, X: Rows, P: ArrayLike) -> None:
        """Take in rows and the teacher's answers: probabilities ``(n, k)``, labels, or values in regression.

        Raises
        ------
        InvalidInputError
            For bad parameters, other columns or classes than before, or rows and answers of different length.
        """
        self._begin()
        self._waiting.append(self._read(X, P))
        n = sum([len(y) for _, y in self._waiting])
        if n < self.block_rows:
            return
        frame, Y = _joined(self._waiting)
        whole = n - n % self.block_rows
        for start in range(0, whole, self.block_rows):
            rows = slice(start, start + self.block_rows)
            self._learn(frame[rows], Y[rows])
        self._waiting = [(frame[whole:], Y[whole:])] if whole < n else []

    def fit(self, X: Rows, y: ArrayLike) -> Self:
        """Begin anew with these rows, down to the last one."""
        for name in [n for n in vars(self) if n.startswith("_") or n.endswith("_")]:
            delattr(self, name)
        self.update(X, y)
        if self._waiting:
            self._learn(*_joined(self._waiting))
            self._waiting = []
        return self

    def partial_fit(self, X: Rows, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """As :meth:`update`, in scikit-learn's form; ``classes`` may be given at the first call."""
        self._begin()
        if classes is not None:
            self._named_classes = classes
        self.update(X, y)
        return self

    @property
    def history_(self) -> pd.DataFrame:
        """Fits and alarms so far; see the class."""
        check_is_fitted(self, "_history")
        names = ["row", "event", "reason", "n_fit", "fidelity", "n", "p_value", "columns"]
        return pd.DataFrame([vars(e) for e in self._history], columns=names)

    def fidelity(self, level: float = 0.95) -> pd.DataFrame:
        """Share of rows not missed, each predicted before it was learned.

        Returns
        -------
        DataFrame
            ``period`` (``"student of now"``, ``"all"``: each row by the student of its time), ``fidelity``, ``low``,
            ``high`` (Wilson), ``n``. NaN where ``n`` is 0.
        """
        check_is_fitted(self, "_history")
        rows = []
        for period, (missed, n) in (("student of now", self._since_fit), ("all", self._total)):
            low, high = wilson(n - missed, n, level)
            rows.append((period, (n - missed) / n if n else np.nan, float(low), float(high), int(n)))
        return pd.DataFrame(rows, columns=["period", "fidelity", "low", "high", "n"])

    def predict(self, X: Rows) -> NDArray[Any]:
        """Answer of the student of now."""
        check_is_fitted(self, "student_")
        return np.asarray(self.student_.predict(X))

    def predict_proba(self, X: Rows) -> Array:
        """Probabilities ``(n, k)`` of the student of now."""
        check_is_fitted(self, "student_")
        return np.asarray(self.student_.predict_proba(X))

    def _begin(self) -> None:
        if hasattr(self, "_history"):
            return
        for name, least in (("max_rows", 1), ("block_rows", 1)):
            if getattr(self, name) < least:
                raise InvalidInputError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not self.growth > 1:
            raise InvalidInputError(f"growth must be above 1, got {self.growth}")
        self._test = ChangeTest(self.false_alarms)
        self._waiting = []
        self._named_classes = self.classes
        self._total, self._since_fit = np.zeros((2, 2), dtype=np.int64)
        self._leaf_sums: Array | None = None
        self.n_rows_ = 0
        self._start_anew()
        self._history: list[_Event] = []

    def _read(self, X: Any, P: Any) -> tuple[pd.DataFrame, Array]:
        frame = as_frame(X).reset_index(drop=True)
        self._array = not isinstance(X, pd.DataFrame)
        names = getattr(self, "_names", frame.columns.tolist())
        if frame.columns.tolist() != names:
            raise InvalidInputError(f"X must have the columns of the first rows, {names}, got {frame.columns.tolist()}")
        if len(np.asarray(P)) != len(frame):
            raise InvalidInputError(f"X and P must have as many rows, got {len(frame)} and {len(np.asarray(P))}")
        if self._classifies():
            Y, classes, _ = as_soft_targets(P, self._named_classes)
            if not np.array_equal(classes, getattr(self, "classes_", classes)):
                raise InvalidInputError(f"classes must stay {class_words(self.classes_)}, got {class_words(classes)}")
            self.classes_ = classes
        else:
            Y = np.asarray(P, dtype=np.float64).reshape(len(frame), -1)
            if not np.isfinite(Y).all():
                raise InvalidInputError("P must be finite, got NaN or infinity; drop those rows")
        self._names = names
        return frame, Y

    def _classifies(self) -> bool:
        return task_of(self.student) == "classification"

    def _learn(self, X: pd.DataFrame, Y: Array) -> None:
        """Predict a block; what leaves the window is learned."""
        self.n_rows_ += len(X)
        self._n_blocks += 1
        self._window.append((X, Y))
        if hasattr(self, "student_"):
            missed = int(self._missed(self._answers(self.student_, X), Y).sum())
            self._total += (missed, len(X))
            self._since_fit += (missed, len(X))
            if (alarm := self._test.add(self._events(X, Y), len(X))) is not None:
                self._change(alarm)
                return
        while len(self._window) > min(SCALES[-1], self._n_blocks // 2):
            self._absorb(*self._window.popleft())
        if self._n_absorbed >= self._next_fit:
            self._refit("more rows" if self._history else "first")

    def _absorb(self, X: pd.DataFrame, Y: Array) -> None:
        """Learn rows that no window can doubt any more."""
        if len(self._reference) < REFERENCE_BLOCKS:
            self._reference.append(X)
        self._fill_leaves(X, Y)
        self._sketch.add(X, Y)
        self._n_absorbed += len(X)

    def _missed(self, said: Array, Y: Array) -> NDArray[np.bool_]:
        if self._classifies():
            return np.asarray(said.argmax(axis=1) != Y.argmax(axis=1))
        return np.asarray(_error(said, Y) > self._limit)

    def _events(self, X: pd.DataFrame, Y: Array) -> NDArray[np.int64]:
        """Rows that the student, as it was fitted, misses, and those answered unusually low or high, per output."""
        answers = self._answers(self._fitted, X)
        less = _less(Y, answers)
        sides = (less < self._tails[0]).sum(axis=0), (less > self._tails[1]).sum(axis=0)
        return np.concatenate([[self._missed(answers, Y).sum()], *sides])

    def _answers(self, student: Any, X: pd.DataFrame) -> Array:
        rows = X.to_numpy() if self._array else X
        answers = student.predict_proba(rows) if self._classifies() else student.predict(rows)
        return np.asarray(answers, dtype=np.float64).reshape(len(X), -1)

    def _change(self, alarm: Alarm) -> None:
        """Start anew with the rows of the window that gave the alarm."""
        X, Y = _joined(list(self._window)[-alarm.n_blocks :])
        moved = _moved(self._reference, X)
        reason = "cannot say" if not self._reference else "data" if moved else "teacher"
        self._note("drift", reason, 0, alarm.p_value, moved)
        self._start_anew()
        self._leaf_sums = None
        self._n_blocks = len(X) // self.block_rows
        self._absorb(X, Y)
        self._refit("drift")

    def _start_anew(self) -> None:
        self._sketch = RowSketch(self.max_rows, self.random_state)
        self._window: deque[tuple[pd.DataFrame, Array]] = deque()
        self._reference: list[pd.DataFrame] = []
        self._n_blocks = self._n_absorbed = 0
        self._next_fit = 0.0

    def _refit(self, reason: str) -> None:
        X, Y, weight = self._sketch.rows()
        self._note("fit", reason, len(X), np.nan)
        classes = self.classes_ if self._classifies() else None
        values = Y if classes is not None or Y.shape[1] > 1 else Y[:, 0]
        targets = SoftTargets(X, values, weight, np.full(len(X), "observed"), classes, len(X))
        self._fitted = self.student_ = clone(self.student)
        fit_student(self.student_, targets, Schema.infer(X.to_numpy() if self._array else X))
        self._next_fit = self.growth * self._n_absorbed
        answers = self._answers(self.student_, X)
        self._limit = np.quantile(_error(answers, Y), REGRESSION_MISS)
        self._tails = np.quantile(_less(Y, answers), TAILS, axis=0)
        tree = getattr(self.student_, "tree_", None)
        self._leaf_sums = None
        if isinstance(tree, TreeModel) and not self.student_.monotone:
            self._leaf_sums = unshrunk(*_shape(tree), self.student_.shrinkage_) * tree.weight[:, None]
        self._test.reset()
        self._since_fit[:] = 0
        # rows that wait in the window were not fitted to: what the new student misses there is fit to be compared with
        for block, answer in self._window:
            events = self._events(block, answer)
            self._test.add(events, len(block))
            self._since_fit += (events[0], len(block))

    def _fill_leaves(self, X: pd.DataFrame, Y: Array) -> None:
        """Nodes of a tree know all rows that they have seen since it was grown, those of its fit first."""
        if self._leaf_sums is None:
            return
        tree = self.student_.tree_
        leaf, sums = tree.route(tree.schema.frame(X)), self._leaf_sums
        weight, count = tree.weight.copy(), tree.count.copy()
        np.add.at(sums, leaf, Y)
        weight += np.bincount(leaf, minlength=len(weight))
        count += np.bincount(leaf, minlength=len(count))
        for node in np.flatnonzero(tree.feature >= 0)[::-1]:
            pair = [tree.left[node], tree.right[node]]
            sums[node], weight[node], count[node] = sums[pair].sum(axis=0), weight[pair].sum(), count[pair].sum()
        self.student_ = copy(self.student_)
        fuller = replace(tree, value=sums / weight[:, None], weight=weight, count=count)
        if tree.observed is not None:  # a stream brings real rows
            fuller = replace(fuller, observed=tree.observed + count - tree.count)
        self.student_.tree_ = fuller.with_value(shrunk(*_shape(fuller), self.student_.shrinkage_))

    def _note(self, event: str, reason: str, n_fit: int, p_value: float, columns: tuple[str, ...] = ()) -> None:
        missed, n = self._since_fit.tolist()
        fidelity = 1 - missed / n if n else np.nan
        self._history.append(_Event(self.n_rows_, event, reason, n_fit, fidelity, n, p_value, columns))


def _joined(parts: list[tuple[pd.DataFrame, Array]]) -> tuple[pd.DataFrame, Array]:
    return pd.concat([x for x, _ in parts], ignore_index=True), np.concatenate([y for _, y in parts])


def _shape(tree: TreeModel) -> tuple[Array, Array, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    return tree.value, tree.in_rows, tree.feature, tree.left, tree.right


def _less(Y: Array, said: Array) -> Array:
    """Teacher less student ``(n, m)``; of two classes one says it all."""
    return (Y - said)[:, 1:] if Y.shape[1] == 2 else Y - said


def _error(said: Array, Y: Array) -> Array:
    return np.asarray(np.abs(said - Y).max(axis=1))


def _moved(before: list[pd.DataFrame], now: pd.DataFrame) -> tuple[str, ...]:
    """Columns whose distribution differs between two samples, all columns together at the 1 % level."""
    if not before:
        return ()
    then = pd.concat(before, ignore_index=True)
    schema = Schema.infer(pd.concat([then, now], ignore_index=True))
    moved = []
    for j, feature in enumerate(schema):
        a, b = (schema.column(rows, j) for rows in (then, now))
        if _p_value(a, b, feature.is_category) <= INPUT_LEVEL / len(schema):
            moved.append(feature.name)
    return tuple(moved)


def _p_value(a: Array, b: Array, is_category: bool) -> float:
    """Kolmogorov–Smirnov for numbers (missing below all others), chi-squared for categories."""
    a, b = np.nan_to_num(a, nan=-np.inf), np.nan_to_num(b, nan=-np.inf)
    if not is_category:
        return float(ks_2samp(a, b).pvalue)
    levels, code = np.unique(np.concatenate([a, b]), return_inverse=True)
    table = [np.bincount(codes, minlength=len(levels)) for codes in np.split(code, [len(a)])]
    return float(chi2_contingency(table).pvalue) if len(levels) > 1 else 1.0
