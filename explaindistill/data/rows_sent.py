"""Rows sent to a teacher, by purpose: counted where they leave, each time they leave."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = [
    "DIRECT",
    "HIDDEN_LAYERS",
    "RowsSent",
    "asking_for",
    "count_foreign",
    "counters_of",
    "current_purpose",
    "rows_sent_to",
]

DIRECT, HIDDEN_LAYERS = "direct", "hidden layers"
"""Purposes of rows that the caller's own code asks about, and of rows whose hidden layers are read."""

_PURPOSE: ContextVar[str | None] = ContextVar("purpose of the questions", default=None)


@contextmanager
def asking_for(purpose: str) -> Iterator[None]:
    """Say what the questions inside are for; a purpose that was said further out stays, unless this one refines it.

    What a curve or an audit fits on its way is a cost of the curve or the audit, so that the outermost word counts; one
    that begins with it and a colon says more precisely what for.

    Examples
    --------
    >>> with asking_for("curve"), asking_for("fit"):
    ...     current_purpose()
    'curve'
    >>> with asking_for("audit"), asking_for("audit: importance"):
    ...     current_purpose()
    'audit: importance'
    >>> current_purpose()
    'direct'
    """
    outer = _PURPOSE.get()
    if outer is not None and not purpose.startswith(f"{outer}: "):
        yield
        return
    token = _PURPOSE.set(purpose)
    try:
        yield
    finally:
        _PURPOSE.reset(token)


def current_purpose() -> str:
    """What is being asked for in this thread."""
    return _PURPOSE.get() or DIRECT


class RowsSent:
    """The counter of an adapter: rows that were sent to its model, by purpose.

    A row that is sent again after a failure counts again, since the other side counts it, too; a row that a store or a
    memory answers is not sent. Copies and pickles carry the counts on.

    Attributes
    ----------
    by_purpose : dict of str to int
        In the order of the first question for each purpose.
    total : int

    Examples
    --------
    >>> sent = RowsSent()
    >>> with asking_for("fit"):
    ...     sent.add(200)
    >>> sent.add(3)
    >>> sent.by_purpose, sent.total
    ({'fit': 200, 'direct': 3}, 203)
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, n: int, purpose: str | None = None) -> None:
        """Count ``n`` rows that are about to be sent; threads that send for another one say its purpose."""
        key = current_purpose() if purpose is None else purpose
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + n

    @property
    def by_purpose(self) -> dict[str, int]:
        """Rows by purpose; purposes for which none was sent in the end are left out."""
        with self._lock:
            return {purpose: n for purpose, n in self._counts.items() if n}

    @property
    def total(self) -> int:
        """Rows for all purposes."""
        return sum(self.by_purpose.values())

    @classmethod
    def of_all(cls, counters: Iterable[RowsSent]) -> RowsSent:
        """The sum of several counters, each of them once.

        Examples
        --------
        >>> one, other = RowsSent(), RowsSent()
        >>> one.add(2)
        >>> other.add(3)
        >>> RowsSent.of_all([one, other, one]).total
        5
        """
        whole = cls()
        for counter in {id(c): c for c in counters}.values():
            for purpose, n in counter.by_purpose.items():
                whole.add(n, purpose)
        return whole

    def __getstate__(self) -> dict[str, Any]:
        return {"_counts": dict(self._counts)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()


_FOREIGN: dict[int, tuple[Callable[[], Any], RowsSent]] = {}
"""Counters of teachers that have none themselves; each goes with its teacher."""


def rows_sent_to(teacher: Any) -> RowsSent:
    """The counter of a teacher: that of its adapter, the sum over its members, or one that is kept for it here.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> import numpy as np
    >>> teacher = CallableTeacher(lambda X: X[:, 0])
    >>> _ = teacher.predict(np.ones((4, 1)))
    >>> rows_sent_to(teacher).by_purpose
    {'direct': 4}
    """
    counter = getattr(teacher, "rows_sent_", None)
    if isinstance(counter, RowsSent):
        return counter
    return _kept_for(teacher)


def counters_of(teacher: Any) -> list[RowsSent]:
    """The counters of the models behind a teacher: those of its members, or its own."""
    members = getattr(teacher, "teachers", None)
    if members is None:
        return [rows_sent_to(teacher)]
    return [counter for member in members for counter in counters_of(member)]


def _kept_for(teacher: Any) -> RowsSent:
    """The counter that is kept for a teacher without one of its own."""
    entry = _FOREIGN.get(id(teacher))
    if entry is not None and entry[0]() is teacher:
        return entry[1]
    counter, key = RowsSent(), id(teacher)
    try:
        _FOREIGN[key] = (weakref.ref(teacher, lambda _: _FOREIGN.pop(key, None)), counter)
    except TypeError:  # an object with slots only knows no weak references; it stays for the life of the process
        _FOREIGN[key] = (lambda: teacher, counter)
    return counter


def count_foreign(teacher: Any, n: int) -> None:
    """Count rows that are about to be sent to a teacher that does not count itself; others do it where they send."""
    if not isinstance(getattr(teacher, "rows_sent_", None), RowsSent):
        _kept_for(teacher).add(n)
