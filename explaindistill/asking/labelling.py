"""Ask the teacher: in batches, each distinct row once, within a budget."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.asking.budget import Budget
from explaindistill.asking.progress import Show, Stage, Work, current_work, under_way
from explaindistill.asking.shelf import Shelf
from explaindistill.asking.store import LabelStore, as_store
from explaindistill.data.answers import named_columns, probabilities
from explaindistill.data.row_keys import KeyedRows, rows_at
from explaindistill.data.rows_sent import asking_for, count_foreign, current_purpose
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.numerics.threads import as_before
from explaindistill.protocols import Teacher

__all__ = ["label", "label_keyed"]

WHO = "the teacher"
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


def label(
    teacher: Teacher,
    rows: Any,
    *,
    batch_size: int | None = None,
    progress: Show = None,
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
    progress : bool or callable, optional
        How far it is: None shows a bar after two seconds in a terminal or a notebook, True always, False never; a
        callable is given a :class:`~explaindistill.asking.progress_report.Progress`, from a thread of its own.
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
    >>> from explaindistill.asking.budget import Budget
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = CallableTeacher(lambda X: X[:, 0] ** 2)
    >>> purse = Budget(3)
    >>> label(teacher, np.array([[1.0], [2.0], [1.0]]), budget=purse).tolist(), purse.spent
    ([1.0, 4.0, 1.0], 2)
    """
    if len(rows) == 0:
        raise InvalidInputError("rows must have at least 1 row, got 0")
    keyed = KeyedRows.of(rows)
    with under_way(progress, [Stage("asking the teacher", work=0, rows=len(keyed.first))], store):
        return label_keyed(teacher, keyed, batch_size=batch_size, store=store, budget=budget)


def label_keyed(
    teacher: Teacher,
    keyed: KeyedRows,
    *,
    batch_size: int | None = None,
    store: LabelStore | str | Path | None = None,
    budget: Budget | int | None = None,
) -> NDArray[np.float64]:
    """As :func:`label`, for rows that have their keys already.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = CallableTeacher(lambda X: X[:, 0] ** 2)
    >>> label_keyed(teacher, KeyedRows.of(np.array([[3.0], [3.0]]))).tolist()
    [9.0, 9.0]
    """
    purse = budget if isinstance(budget, Budget) else Budget(budget)
    purse.need(len(keyed.first))
    with asking_for("label"), as_store(store) as opened:
        shelf = None if opened is None else opened.shelf(teacher)
        if opened is not None and shelf is None:
            warnings.warn(f"{_name(teacher)} {UNSTORED}", stacklevel=3)
        pace = _pace(shelf, teacher, batch_size)
        answers = _answers(teacher, keyed, shelf, pace, purse)
    return answers if len(keyed.first) == len(keyed) else answers[keyed.number]


def _name(teacher: Teacher) -> str:
    return str(getattr(teacher, "name", type(teacher).__name__))


def _answers(
    teacher: Teacher, keyed: KeyedRows, shelf: Shelf | None, pace: _Pace, purse: Budget
) -> NDArray[np.float64]:
    """Answers of the distinct rows: what the shelf has, and what is asked now."""
    first = keyed.first
    stored = np.zeros(len(first), dtype=bool)
    answers: NDArray[np.float64] | None = None
    work = current_work()
    if shelf is not None:
        stored, stored_answers = shelf.find(keyed.keys[first])
        if stored.any():
            answers = np.empty((len(first), *stored_answers.shape[1:]))
            answers[stored] = stored_answers
            purse.stored += int(stored.sum())
            if work is not None:
                work.stored(int(stored.sum()))
    missing = np.flatnonzero(~stored)
    purse.check(len(missing))
    spend = _counted(shelf, purse, work)
    start = 0
    while start < len(missing):
        numbers, before = missing[start : start + pace.size], purse.seconds
        start += len(numbers)
        for at, batch in _timed(_replies(teacher, rows_at(keyed.rows, first[numbers]), spend), purse, work):
            if answers is None:
                answers = np.empty((len(first), *batch.shape[1:]))
            answers[numbers[at]] = batch
            if shelf is not None:
                shelf.keep(keyed.keys[first[numbers[at]]], batch)
            if work is not None:
                work.answered(len(batch))
        pace.tell(len(numbers), purse.seconds - before)
        if shelf is not None and pace.settled and shelf.batch_size is None:
            shelf.record_batch_size(pace.size)
    assert answers is not None  # there is at least one row, so that it was stored or is answered now
    return answers


def _timed(replies: Iterator[_Reply], purse: Budget, work: Work | None) -> Iterator[_Reply]:
    """Count the time that is spent waiting for the teacher."""
    while True:
        begin = time.perf_counter()
        try:
            with as_before(), nullcontext() if work is None else work.waiting():
                reply = next(replies, None)
        finally:
            purse.seconds += time.perf_counter() - begin
        if reply is None:
            return
        yield reply


def _counted(shelf: Shelf | None, purse: Budget, work: Work | None) -> Callable[[int], None]:
    """What counts rows before they are sent: in the budget, and for good beside the answers where they are kept."""
    purpose = current_purpose()  # a teacher that streams counts in threads of its own, which know no purpose

    def spend(n: int) -> None:
        if work is not None:  # first, since it raises where a caller's function ends the work: these rows never leave
            work.sent(n)
        purse.spend(n)
        if shelf is not None:
            shelf.count_sent(purpose, n)

    return spend


def _replies(teacher: Teacher, rows: Any, spend: Callable[[int], None]) -> Iterator[_Reply]:
    """Places among the rows and their answers: all at once, or as they arrive from a teacher that streams.

    A teacher that streams counts itself what it sends, first and again.
    """
    stream = getattr(teacher, "stream", None)
    if stream is None:
        spend(len(rows))
        yield slice(0, len(rows)), ask(teacher, rows)
        return
    answered = np.zeros(len(rows), dtype=bool)
    for at, batch in stream(rows, spend):
        answered[at] = True
        yield at, batch
    if not answered.all():
        raise TeacherError(f"the teacher was asked about {len(rows)} rows and answered {int(answered.sum())}")


def ask(teacher: Teacher, rows: Any) -> NDArray[np.float64]:
    """One question: probabilities of a classifier, values of a regressor, checked whoever wrote the teacher.

    A teacher that answers few rows in a smaller batch (``few_rows``) is asked a whole one: a network's last bits depend
    on the batch, and what is kept must not depend on how many rows were left to ask. What fills it up is no question.
    """
    n, few = len(rows), int(getattr(teacher, "few_rows", 0))
    batch = rows_at(rows, np.minimum(np.arange(few + 1), n - 1)) if 0 < n <= few else rows
    count_foreign(teacher, n)
    answer: Any = teacher.predict(batch) if teacher.classes_ is None else teacher.predict_proba(batch)
    if teacher.classes_ is not None and (named := named_columns(answer, teacher.classes_, WHO)) is not None:
        answer = named
    values = np.asarray(answer, dtype=np.float64)
    if len(batch) > n and (counter := getattr(teacher, "rows_sent_", None)) is not None:
        counter.add(n - len(batch))
    if len(values) == len(batch):
        values = values[:n]
    if len(values) != len(rows):
        raise TeacherError(f"the teacher was asked about {len(rows)} rows and answered {len(values)}")
    if not np.isfinite(values).all():
        raise TeacherError("the teacher answered NaN or infinity; it must answer every row with numbers")
    if teacher.classes_ is None:
        return values
    if values.shape[1:] != (len(teacher.classes_),):
        raise TeacherError(
            f"{WHO} answered an array of shape {values.shape}; its {len(teacher.classes_)} classes need as many columns"
        )
    return probabilities(values, WHO)


class _Pace:
    """Rows per question: given, or found by doubling for as long as that makes the answers come faster."""

    def __init__(self, size: int, settled: bool = True) -> None:
        self.size, self.settled = size, settled
        self._best, self._rate = size, 0.0

    def tell(self, n: int, seconds: float) -> None:
        """``n`` rows took so long."""
        if self.settled or n < self.size:
            return
        rate = n / max(seconds, 1e-9)
        if rate >= FASTER * self._rate:
            self._best, self._rate = self.size, rate
            self.settled = self.size >= BATCH_ROWS
            self.size = min(2 * self.size, BATCH_ROWS)
        else:
            self.size, self.settled = self._best, True


def _pace(shelf: Shelf | None, teacher: Teacher, batch_size: int | None) -> _Pace:
    """Rows per question: what the caller says, else what the store recorded, else what suits the teacher.

    Where a store can record it and nobody says anything, it is found while the first rows are asked. Without a store it
    is one number, so that two runs ask, and a network answers, the same to the last bit.
    """
    recorded = None if shelf is None else shelf.batch_size
    suits = getattr(teacher, "label_rows", None) or getattr(teacher, "batch_size", None)
    if shelf is not None and batch_size is None and recorded is None and not suits:
        return _Pace(FIRST_ROWS, settled=False)
    return _Pace(_batch_size(teacher, recorded if batch_size is None else batch_size))


def _batch_size(teacher: Teacher, wished: int | None) -> int:
    """Rows per question: the teacher's ``label_rows`` where nobody wishes anything; whole batches where it has any."""
    if wished is not None and wished < 1:
        raise InvalidInputError(f"batch_size must be at least 1, got {wished}")
    if wished is None and (label_rows := getattr(teacher, "label_rows", None)):
        return int(label_rows)
    batch = int(getattr(teacher, "batch_size", 0) or 0)
    rows = wished or max(BATCH_ROWS, batch)
    return max(batch, rows - rows % batch) if batch else rows
