"""What follows from one table is computed once while a piece of work lasts that changes none of its tables."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = ["once", "unchanged_tables"]

T = TypeVar("T")

_RESULTS: ContextVar[dict[Hashable, tuple[Any, Any]] | None] = ContextVar("results by table", default=None)


@contextmanager
def unchanged_tables() -> Iterator[None]:
    """Promise that no table is changed inside: what :func:`once` computes of one is then remembered until the end.

    Examples
    --------
    >>> table = [1, 2]
    >>> with unchanged_tables():
    ...     one, two = (once(table, "sum", lambda: [sum(table)]) for _ in range(2))
    >>> one is two
    True
    """
    token = _RESULTS.set({})
    try:
        yield
    finally:
        _RESULTS.reset(token)


def once(table: Any, key: Hashable, make: Callable[[], T]) -> T:
    """What ``make`` gives, from memory where it was made of the same object before; anew outside of such work.

    Parameters
    ----------
    table : object
        Told from others by what it is, not by what it holds.
    key : hashable
        What is made of it. The result must not be changed by anybody.
    make : callable

    Examples
    --------
    Outside of :func:`unchanged_tables` nothing is remembered:

    >>> once([1, 2], "sum", lambda: 3)
    3
    """
    results = _RESULTS.get()
    if results is None:
        return make()
    place = (id(table), key)
    if place not in results:
        results[place] = (table, make())  # the table is held, so that no other one takes its address
    result: T = results[place][1]
    return result
