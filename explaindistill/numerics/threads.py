"""How many threads ``n_jobs`` stands for, work shared out among them, and pools of other libraries held to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.cores import available_cores

__all__ = ["as_before", "limited", "n_threads", "spread"]

T = TypeVar("T")


def n_threads(n_jobs: Any) -> int:
    """Threads for ``n_jobs``, with one meaning in the whole package.

    Parameters
    ----------
    n_jobs : int or None
        None is 1, -1 one thread per core that this process may use, a positive number is itself.

    Examples
    --------
    >>> n_threads(None), n_threads(3)
    (1, 3)
    """
    if n_jobs is None:
        return 1
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)) or (n_jobs < 1 and n_jobs != -1):
        raise InvalidInputError(
            f"n_jobs must be at least 1, or -1 for one thread per core, or None for 1 thread, got {n_jobs!r}"
        )
    if n_jobs > 0:
        return int(n_jobs)
    return available_cores()


def spread(function: Callable[[int], T], items: range, n_jobs: int | None) -> list[T]:
    """Call a function for each item on ``n_jobs`` threads; results in the order of the items.

    Pools of other libraries have one thread meanwhile: threads that each open a pool would be their product.
    """
    threads = n_threads(n_jobs)
    if threads == 1 or len(items) < 2:
        return [function(i) for i in items]
    with limited(1), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


_POOLS: ContextVar[tuple[Any, dict[str, int]] | None] = ContextVar("pools that are held", default=None)


@contextmanager
def limited(n_jobs: int | None) -> Iterator[None]:
    """Hold the pools of BLAS and OpenMP, scikit-learn's among them, to ``n_jobs`` threads at most.

    Threads of such a pool wait for each other without rest, which on a busy machine costs more than they gain. Inside
    of another limit the smaller one holds.

    Examples
    --------
    >>> with limited(1), limited(2), as_before():
    ...     pass
    """
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # it ships no types

    threads, outer = n_threads(n_jobs), _POOLS.get()
    controller = ThreadpoolController()
    now = {lib.filepath: lib.num_threads for lib in controller.lib_controllers}
    token = _POOLS.set(outer or (controller, now))
    _set(controller, {pool: min(threads, held) for pool, held in now.items()})
    try:
        yield
    finally:
        _set(controller, now)
        _POOLS.reset(token)


@contextmanager
def as_before() -> Iterator[None]:
    """Pools as they were before they were limited: for a model of the caller's, which chooses its own threads."""
    held = _POOLS.get()
    if held is None:
        yield
        return
    controller, before = held
    now = {lib.filepath: lib.num_threads for lib in controller.lib_controllers}
    _set(controller, before)
    try:
        yield
    finally:
        _set(controller, now)


def _set(controller: Any, threads: dict[str, int]) -> None:
    for lib in controller.lib_controllers:
        if lib.filepath in threads and lib.num_threads != threads[lib.filepath]:
            lib.set_num_threads(threads[lib.filepath])
