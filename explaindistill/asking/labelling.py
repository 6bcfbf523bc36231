"""Ask the teacher: in batches, each distinct row once, within a budget."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.store import LabelStore, Shelf, as_store
from explaindistill.data.row_keys import distinct, row_keys
from explaindistill.errors import BudgetError, InvalidInputError, TeacherError
from explaindistill.protocols import Teacher

__all__ = ["Budget", "label"]

BATCH_ROWS = 16_384
"""Rows per question where neither the caller nor the teacher says otherwise, and the most that is tried."""
FIRST_ROWS = 1_024
"""Where the search for the number of rows per question begins."""
FASTER = 1.1
"""A larger question is worth it where the answers come so many times faster."""


UNSTORED = (
    "cannot be told from other teachers, so the store keeps none of its answers; say version= when you make the "
    "teacher, and change it whenever the teacher changes"
)


_Reply = tuple[slice, NDArray[np.float64]]


class Budget:
    """How many distinct rows a teacher may still be asked about, and how long its answers took.

    A question is counted before it is asked, and stays counted when the teacher fails, since the other side may have
    counted it.

    Parameters
    ----------
    limit : int, at least 1, or None
        None counts without a limit.

    Examples
    --------
    >>> budget = Budget(10)
    >>> budget.spend(4)
    >>> budget.spent, budget.remaining
    (4, 6)
    """

    def __init__(self, limit: int | None = None) -> None:
        if limit is not None and limit < 1:
            raise InvalidInputError(f"budget must be at least 1 row, got {limit}")
        self.limit = limit
        self.spent = 0
        self.seconds = 0.0

    @property
    def remaining(self) -> int | None:
        """Rows left, None without a limit."""
        return None if self.limit is None else self.limit - self.spent

    def check(self, n: int) -> None:
        """Raise BudgetError if ``n`` more rows would be too many."""
        if self.limit is not None and self.spent + n > self.limit:
            raise BudgetError(
                f"the next {n} rows would exceed the budget: {self.spent} of {self.limit} rows are spent; "
                f"ask for fewer rows or raise the budget"
            )

    def spend(self, n: int) -> None:
        """Count ``n`` rows that are about to be asked."""
        self.check(n)
        self.spent += n


def label(
    teacher: Teacher,
    rows: Any,
    *,
    batch_size: int | None = None,
    progress: bool = False,
    store: LabelStore | str | Path | None = None,
    budget: Budget | int | None = None,
) -> NDArray[np.float64]:
    """Ask a teacher about rows: equal rows once, stored rows never again.

    Parameters
    ----------
    teacher : Teacher
    rows : DataFrame or array of shape (n, d)
        In the teacher's own input space and container.
    batch_size : int, optional
        Rows per question; a teacher with batches of its own is asked in multiples of them. When None: what the store
        recorded for this teacher and machine, or is found and recorded there; 16,384 without a store.
    progress : bool, default=False
        Show rate and time left on standard error.
    store : LabelStore or path, optional
        Where answers are kept and looked up. A teacher without a fingerprint is not stored, and a warning says so.
    budget : Budget or int, optional
        Most distinct rows that may be asked; rows that the store answers cost nothing.

    Returns
    -------
    ndarray of float64, shape (n, k), (n,) or (n, m)
        Probabilities in the order of ``teacher.classes_``, or values.

    Raises
    ------
    BudgetError
        Before anything is asked, if the budget is too small for these rows.
    TeacherError
        If the teacher's answer is none. What was answered before is in the store.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = CallableTeacher(lambda X: X[:, 0] ** 2)
    >>> purse = Budget(3)
    >>> label(teacher, np.array([[1.0], [2.0], [1.0]]), budget=purse).tolist(), purse.spent
    ([1.0, 4.0, 1.0], 2)
    """
    purse = budget if isinstance(budget, Budget) else Budget(budget)
    n = len(rows)
    if n == 0:
        raise InvalidInputError("rows must have at least 1 row, got 0")
    keys = row_keys(rows)
    first, number = distinct(keys)
    with as_store(store) as opened:
        shelf = None if opened is None else opened.shelf(teacher)
        if opened is not None and shelf is None:
            warnings.warn(f"{_name(teacher)} {UNSTORED}", stacklevel=2)
        pace = _pace(shelf, teacher, batch_size)
        answers = _answers(teacher, rows, keys, first, shelf, pace, purse, progress)
    return answers if len(first) == n else answers[number]


def _name(teacher: Teacher) -> str:
    return str(getattr(teacher, "name", type(teacher).__name__))


def _answers(
    teacher: Teacher,
    rows: Any,
    keys: NDArray[np.uint64],
    first: NDArray[np.intp],
    shelf: Shelf | None,
    pace: _Pace,
    purse: Budget,
    progress: bool,
) -> NDArray[np.float64]:
    """Answers of the distinct rows: what the shelf has, and what is asked now."""
    known = np.zeros(len(first), dtype=bool)
    answers: NDArray[np.float64] | None = None
    if shelf is not None:
        known, found = shelf.find(keys[first])
        if known.any():
            answers = np.empty((len(first), *found.shape[1:]))
            answers[known] = found
    asked = np.flatnonzero(~known)
    purse.check(len(asked))
    with _bar(len(asked), progress) as advance:
        start = 0
        while start < len(asked):
            part, before = asked[start : start + pace.size], purse.seconds
            start += len(part)
            for at, batch in _timed(_replies(teacher, take(rows, first[part]), purse), purse):
                if answers is None:
                    answers = np.empty((len(first), *batch.shape[1:]))
                answers[part[at]] = batch
                if shelf is not None:
                    shelf.keep(keys[first[part[at]]], batch)
                advance(len(batch))
            pace.tell(len(part), purse.seconds - before)
            if shelf is not None and pace.found and shelf.batch_size is None:
                shelf.record_batch_size(pace.size)
    assert answers is not None  # there is at least one row, so that something was found or asked
    return answers


def _timed(replies: Iterator[_Reply], purse: Budget) -> Iterator[_Reply]:
    """Count the time that is spent waiting for the teacher."""
    while True:
        begin = time.perf_counter()
        try:
            reply = next(replies, None)
        finally:
            purse.seconds += time.perf_counter() - begin
        if reply is None:
            return
        yield reply


def _replies(teacher: Teacher, rows: Any, purse: Budget) -> Iterator[_Reply]:
    """Places among the rows and their answers: all at once, or as they arrive from a teacher that streams.

    A teacher that streams tells the budget itself what it sends, first and again.
    """
    stream = getattr(teacher, "stream", None)
    if stream is None:
        purse.spend(len(rows))
        yield slice(0, len(rows)), ask(teacher, rows)
        return
    there = np.zeros(len(rows), dtype=bool)
    for at, batch in stream(rows, purse.spend):
        there[at] = True
        yield at, batch
    if not there.all():
        raise TeacherError(f"the teacher was asked about {len(rows)} rows and answered {int(there.sum())}")


def ask(teacher: Teacher, rows: Any) -> NDArray[np.float64]:
    """One question: probabilities of a classifier, values of a regressor, checked for the number of rows.

    A teacher that answers few rows in a smaller batch (``few_rows``) is asked a whole one: a network's last bits depend
    on the batch, and what is kept must not depend on how many rows were left to ask.
    """
    n, few = len(rows), int(getattr(teacher, "few_rows", 0))
    asked = take(rows, np.minimum(np.arange(few + 1), n - 1)) if 0 < n <= few else rows
    answer = teacher.predict(asked) if teacher.classes_ is None else teacher.predict_proba(asked)
    values = np.asarray(answer, dtype=np.float64)
    if len(values) == len(asked):
        values = values[:n]
    if len(values) != len(rows):
        raise TeacherError(f"the teacher was asked about {len(rows)} rows and answered {len(values)}")
    if not np.isfinite(values).all():
        raise TeacherError("the teacher answered NaN or infinity; it must answer every row with numbers")
    return values


def take(rows: Any, at: NDArray[np.intp]) -> Any:
    """Rows at these positions, in the container they came in; a run of neighbours is not copied."""
    run = len(at) > 0 and at[-1] - at[0] + 1 == len(at) and bool((np.diff(at) == 1).all())
    where = slice(int(at[0]), int(at[-1]) + 1) if run else at
    return rows.iloc[where] if isinstance(rows, pd.DataFrame) else np.asarray(rows)[where]


class _Pace:
    """Rows per question: given, or found by doubling for as long as that makes the answers come faster."""

    def __init__(self, size: int, found: bool = True) -> None:
        self.size, self.found = size, found
        self._best, self._rate = size, 0.0

    def tell(self, n: int, seconds: float) -> None:
        """``n`` rows took so long."""
        if self.found or n < self.size:
            return
        rate = n / max(seconds, 1e-9)
        if rate >= FASTER * self._rate:
            self._best, self._rate = self.size, rate
            self.found = self.size >= BATCH_ROWS
            self.size = min(2 * self.size, BATCH_ROWS)
        else:
            self.size, self.found = self._best, True


def _pace(shelf: Shelf | None, teacher: Teacher, asked: int | None) -> _Pace:
    """Rows per question: what the caller says, else what the store recorded, else what suits the teacher.

    Where a store can record it and nobody says anything, it is found while the first rows are asked. Without a store it
    is one number, so that two runs ask, and a network answers, the same to the last bit.
    """
    recorded = None if shelf is None else shelf.batch_size
    own = getattr(teacher, "label_rows", None) or getattr(teacher, "batch_size", None)
    if shelf is not None and asked is None and recorded is None and not own:
        return _Pace(FIRST_ROWS, found=False)
    return _Pace(_batch_size(teacher, recorded if asked is None else asked))


def _batch_size(teacher: Teacher, asked: int | None) -> int:
    if asked is not None and asked < 1:
        raise InvalidInputError(f"batch_size must be at least 1, got {asked}")
    if asked is None and (chosen := getattr(teacher, "label_rows", None)):
        return int(chosen)
    own = int(getattr(teacher, "batch_size", 0) or 0)
    wanted = asked or max(BATCH_ROWS, own)
    return max(own, wanted - wanted % own) if own else wanted


@contextmanager
def _bar(total: int, shown: bool) -> Iterator[Any]:
    """Progress with rate and time left on standard error, or nothing."""
    if not shown or total == 0:
        yield lambda n: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("asking the teacher"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, rate="")

        def advance(n: int) -> None:
            bar.advance(task, n)
            speed = bar.tasks[0].speed
            bar.update(task, rate="" if speed is None else f"{speed:,.0f} rows/s")

        yield advance
