"""How many threads ``n_jobs`` stands for, and work shared out among them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from explaindistill.errors import InvalidInputError

__all__ = ["n_threads", "spread"]

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
    # a container or `taskset` may allow fewer cores than the machine has; only Linux can say so
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(function: Callable[[int], T], items: range, n_jobs: int | None) -> list[T]:
    """Call a function for each item on ``n_jobs`` threads; results in the order of the items."""
    threads = n_threads(n_jobs)
    if threads == 1 or len(items) < 2:
        return [function(i) for i in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))
