"""How far long work has come: one ledger per outermost call, which whoever works inside of it writes into."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from explaindistill.asking.progress_display import Heartbeat, display_for
from explaindistill.asking.progress_report import Progress

__all__ = ["Show", "Stage", "Work", "current_work", "enter", "tell", "under_way"]

Show = bool | Callable[[Progress], object] | None
"""What ``progress=`` takes everywhere: a bar where somebody watches (None), always (True), never (False), or a call."""
NEARLY = 0.95
"""The most that a stage counts as done before it ends: what was expected of it is a guess."""


@dataclass(frozen=True)
class Stage:
    """A part of work, in words, and how long it is expected to take.

    Attributes
    ----------
    words : str
    work : float, at least 0
        Its time without the teacher's, against that of the other stages.
    rows : int, at least 0
        Rows that it is expected to ask about.

    Examples
    --------
    >>> Stage("fitting the student", work=3.0).rows
    0
    """

    words: str
    work: float = 1.0
    rows: int = 0


class Work:
    """The ledger of one outermost call. Every thread may write into it.

    Parameters
    ----------
    stages : sequence of Stage, not empty
        In their order. A stage that is never entered counts as done when a later one is.
    parent : Work, optional
        A ledger further out that hears of the same questions.

    Examples
    --------
    >>> work = Work([Stage("asking", work=0, rows=4), Stage("fitting")])
    >>> work.sent(4)
    >>> work.answered(2)
    >>> work.report().n_asked, work.report().stage
    (4, 'asking')
    """

    def __init__(self, stages: Sequence[Stage], parent: Work | None = None) -> None:
        self.parent = parent
        self.n_asked = self.n_answered = 0
        self.error: Exception | None = None
        self._lock = threading.RLock()
        self._stages = list(stages)
        self._at, self._detail, self._inside, self._answered = 0, "", 0.0, 0
        self._begin = time.perf_counter()
        self._waited = 0.0
        self._waiting_since: float | None = None
        self._share = 0.0

    def enter(self, words: str) -> None:
        """Go on to the stage of these words; one that is not in the list is a detail of the present one."""
        with self._lock:
            later = [i for i, stage in enumerate(self._stages) if stage.words == words and i >= self._at]
            if later:
                self._at, self._detail, self._inside, self._answered = later[0], "", 0.0, 0
            else:
                self._detail = words
        self._note()

    def tell(self, detail: str, share: float | None = None) -> None:
        """Say what is done inside of the present stage, and which share of it is done."""
        with self._lock:
            self._detail = detail
            self._inside = self._inside if share is None else share
        self._note()

    def sent(self, n: int) -> None:
        """Count rows that are about to be sent to the teacher; below 0 those that never left."""
        with self._lock:
            self.n_asked += n
            if self.parent is not None:
                self.parent.sent(n)
        if n > 0:  # what is taken back is told while another error is on its way
            self._note()

    def stored(self, n: int) -> None:
        """Rows that a store answers: as many fewer are asked in this stage."""
        with self._lock:
            stage = self._stages[self._at]
            self._stages[self._at] = replace(stage, rows=max(stage.rows - n, 0))
            if self.parent is not None:
                self.parent.stored(n)

    def answered(self, n: int) -> None:
        """Count rows whose answers came."""
        with self._lock:
            self.n_answered += n
            self._answered += n
            if self.parent is not None:
                self.parent.answered(n)  # no error is raised here: other answers on their way are kept first

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Time inside counts as the teacher's."""
        begin = time.perf_counter()
        with self._lock:
            self._waiting_since = begin
        try:
            with nullcontext() if self.parent is None else self.parent.waiting():
                yield
        finally:
            with self._lock:
                self._waiting_since = None
                self._waited += time.perf_counter() - begin

    def report(self) -> Progress:
        """How far it is now."""
        with self._lock:
            now = time.perf_counter()
            seconds = now - self._begin
            left = self._seconds_left(now, seconds)
            if not math.isnan(left) and seconds + left > 0:
                self._share = max(self._share, min(seconds / (seconds + left), 0.999))
            words = self._stages[self._at].words
            stage = f"{words}: {self._detail}" if self._detail else words
            return Progress(stage, self._share, self.n_asked, seconds, left)

    def _seconds_left(self, now: float, seconds: float) -> float:
        """What is left at the pace so far, of the teacher and of everything else by itself; NaN where none is known."""
        waited = self._waited + (0.0 if self._waiting_since is None else now - self._waiting_since)
        stage, later = self._stages[self._at], self._stages[self._at + 1 :]
        inside = max(self._inside, self._answered / stage.rows if stage.rows else 0.0)
        inside = min(inside, NEARLY)
        done = sum(s.work for s in self._stages[: self._at]) + inside * stage.work
        work = sum(s.work for s in later) + (1 - inside) * stage.work
        rows = sum(s.rows for s in later) + max(stage.rows - self._answered, 0)
        by_work = 0.0 if work == 0 else (seconds - waited) / done * work if done > 0 else float("nan")
        by_rows = 0.0 if rows == 0 else waited / self.n_answered * rows if self.n_answered else float("nan")
        return by_work + by_rows

    def finished(self) -> Progress:
        """The last report: all is done."""
        return replace(self.report(), share=1.0, seconds_remaining=0.0)

    def _note(self) -> None:
        """An error of a caller's own function ends the work here, in the thread that works.

        It is raised at every note from then on: a measure that takes whatever error it meets for its own loses its
        frame, and does not let the work go on.
        """
        if self.error is not None:
            raise self.error


_CURRENT: ContextVar[Work | None] = ContextVar("work under way", default=None)


def current_work() -> Work | None:
    """The ledger of the innermost call that has one, in this thread."""
    return _CURRENT.get()


def tell(detail: str, share: float | None = None) -> None:
    """Say what is done inside of the present stage, where anybody keeps count.

    Examples
    --------
    >>> tell("fitting tree", share=0.5)
    """
    if (work := current_work()) is not None:
        work.tell(detail, share)


def enter(words: str) -> None:
    """Go on to a stage of the work under way, where anybody keeps count.

    Examples
    --------
    >>> enter("fitting the student")
    """
    if (work := current_work()) is not None:
        work.enter(words)


@contextmanager
def under_way(progress: Show, stages: Sequence[Stage], store: Any = None) -> Iterator[Work]:
    """Show how far the work inside has come; work inside of other work tells its details to the outer one.

    Parameters
    ----------
    progress : None, bool or callable
        None shows a bar after two seconds in a terminal or a notebook, and nothing elsewhere; True shows it at once,
        as lines of text where there is no terminal; False shows nothing. A callable is given a
        :class:`~explaindistill.asking.progress_report.Progress` at least once a second, from a thread of its own; an
        error of it ends the work.
    stages : sequence of Stage
    store : path or LabelStore, optional
        Where answers are kept, for what is said where the work is interrupted.

    Raises
    ------
    InvalidTypeError
        Where ``progress`` is none of these.

    Examples
    --------
    >>> reports = []
    >>> with under_way(reports.append, [Stage("counting")]) as work:
    ...     work.tell("sheep", share=0.5)
    >>> reports[-1].share, reports[-1].stage
    (1.0, 'counting: sheep')
    """
    outer = current_work()
    display = display_for(progress, nested=outer is not None)
    if outer is not None and display is None:
        yield _Inner(outer)
        return
    work = Work(stages, parent=outer)
    token = _CURRENT.set(work)
    heartbeat = None if display is None else Heartbeat(work, display)
    try:
        yield work
    except KeyboardInterrupt as interruption:
        if outer is None:
            interruption.add_note(_left_behind(work, store))
        raise
    finally:
        _CURRENT.reset(token)
        if heartbeat is not None:
            heartbeat.stop()
    if heartbeat is not None:
        heartbeat.last(work.finished())


class _Inner(Work):
    """Work inside of other work: its stages are details of the outer one, which keeps the books."""

    def __init__(self, outer: Work) -> None:
        super().__init__([Stage("")])
        self._outer = outer

    def enter(self, words: str) -> None:
        self._outer.tell(words)

    def tell(self, detail: str, share: float | None = None) -> None:
        self._outer.tell(detail)


def _left_behind(work: Work, store: Any) -> str:
    """What is there of work that was interrupted."""
    stage = work.report().stage
    if not work.n_answered:
        return f"Stopped while {stage}; no answer of the teacher had come."
    answers = f"Stopped while {stage}; {work.n_answered:,} rows had been answered"
    if store is None:
        return f"{answers}. Nothing keeps them: with store= (--store) the next call would ask about none of them again."
    return f"{answers}. Their answers are in {getattr(store, 'path', store)}: the same call goes on from there."
