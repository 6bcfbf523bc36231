"""A teacher whose copies are asked by workers of a cluster: which may be, one question at a time, and what was sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.rows_sent import counters_of
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Partitions

__all__ = ["asked_alone", "check_workers", "count_here"]

T = TypeVar("T")
ONE_AT_A_TIME = threading.Lock()
"""Threads of a worker share a teacher, and many cannot bear two questions at once: a network that leaves the mode of
training for a question, and goes back to it, would answer another thread in that mode."""


def check_workers(teacher: Any, parts: Partitions) -> None:
    """Refuse a teacher that no copies may answer for, where workers would ask copies.

    Raises
    ------
    InvalidInputError
    """
    reason = getattr(teacher, "one_process", None)
    if reason and getattr(parts, "elsewhere", False):
        raise InvalidInputError(
            f"teacher must not be asked by workers of a cluster where it is a {type(teacher).__name__}: {reason}; read "
            "the rows on this machine, for instance with xd.open_parquet"
        )


def asked_alone(teacher: Any, question: Callable[[], T]) -> tuple[T, NDArray[np.int64]]:
    """The answer to a question while no other thread of this process asks, and the rows that were sent for it.

    Parameters
    ----------
    teacher : teacher adapter
    question : callable
        Asks the teacher.

    Returns
    -------
    answer
    sent : int64 ndarray of shape (m,)
        To each of the m models behind the teacher.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = CallableTeacher(lambda X: X[:, 0])
    >>> answer, sent = asked_alone(teacher, lambda: teacher.predict(np.ones((4, 1))))
    >>> answer.tolist(), sent.tolist()
    ([1.0, 1.0, 1.0, 1.0], [4])
    """
    with ONE_AT_A_TIME:
        before = _totals(teacher)
        return question(), _totals(teacher) - before


def _totals(teacher: Any) -> NDArray[np.int64]:
    return np.array([counter.total for counter in counters_of(teacher)], dtype=np.int64)


def count_here(teacher: Any, parts: Partitions, sent: NDArray[np.int64]) -> None:
    """Count here what copies of a teacher sent elsewhere, for the purpose of the moment."""
    if getattr(parts, "elsewhere", False):
        for counter, n in zip(counters_of(teacher), sent.tolist(), strict=True):
            counter.add(n)
