"""What distilling cost: questions, seconds, memory, and what follows from them at a stated price."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

__all__ = ["CORE_WATTS", "Cost", "Meter", "n_models", "price_of_a_row_sent"]

CORE_WATTS = 10.0
"""Power that a busy processor core is taken to draw; the energy that follows from it is a proxy, not a measurement."""


@dataclass(frozen=True)
class Cost:
    """Measured once, while a student was fitted, and kept with it.

    Attributes
    ----------
    n_queries, n_asked, n_stored : int
        Distinct rows that needed an answer, rows sent for them, those sent again after a failure counted again, and
        distinct rows that the store knew.
    query_seconds, fit_seconds, total_seconds : float
        Wall time of the teacher's answers, of fitting the student, and of the whole (samplers and keys included).
    cpu_seconds : float
        Time of this process on all its cores; what a remote teacher or an accelerator used is not in it.
    peak_memory_bytes : int or None
        Most memory that the process had held by the end of the fit; None where the system does not say.

    Examples
    --------
    >>> cost = Cost(100, 80, 2.0, 1.0, 4.0, 5.0, peak_memory_bytes=None, n_stored=20)
    >>> cost.as_row(price_per_row=0.05)["money"]  # the 20 answers that the store knew cost nothing
    4.0
    """

    n_queries: int
    n_asked: int
    query_seconds: float
    fit_seconds: float
    total_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int | None
    n_stored: int = 0

    @property
    def n_again(self) -> int:
        """Rows that were sent again after a failure.

        Examples
        --------
        >>> Cost(300, 333, 0.0, 0.0, 0.0, 0.0, None, n_stored=20).n_again  # 280 were new
        53
        """
        return self.n_asked - (self.n_queries - self.n_stored)

    def as_row(self, price_per_row: float | None = None) -> dict[str, Any]:
        """One line of the frame ``cost`` of an audit.

        ``energy_joules`` is ``cpu_seconds`` times 10 watts, a proxy; ``money`` is rows asked times price, None
        without a price.

        Examples
        --------
        >>> row = Cost(100, 80, 2.0, 1.0, 4.0, 5.0, None).as_row(0.01)
        >>> row["money"], row["energy_joules"], row["other_seconds"]
        (0.8, 50.0, 1.0)
        """
        return {
            "n_queries": self.n_queries,
            "n_asked": self.n_asked,
            "n_stored": self.n_stored,
            "query_seconds": self.query_seconds,
            "fit_seconds": self.fit_seconds,
            "other_seconds": max(self.total_seconds - self.query_seconds - self.fit_seconds, 0.0),
            "cpu_seconds": self.cpu_seconds,
            "peak_memory_bytes": self.peak_memory_bytes,
            "energy_joules": self.cpu_seconds * CORE_WATTS,
            "price_per_row": price_per_row,
            "money": None if price_per_row is None else self.n_asked * price_per_row,
        }


def n_models(teacher: Any) -> int:
    """Models behind a teacher, each of which is sent every row: the members of an ensemble, or 1.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> from explaindistill.teachers.ensemble import EnsembleTeacher
    >>> one = CallableTeacher(lambda X: X[:, 0])
    >>> n_models(one), n_models(EnsembleTeacher([one, EnsembleTeacher([one, one])]))
    (1, 3)
    """
    members = getattr(teacher, "teachers", None)
    return 1 if members is None else sum(n_models(member) for member in members)


def price_of_a_row_sent(teacher: Any, stated: float | None = None) -> float | None:
    """Price of one row that is sent to one model; None where nobody said one.

    Parameters
    ----------
    teacher : Teacher
        Its own ``price_per_row`` counts where none is stated, or, where tokens are paid, what a row has cost on the
        mean (``mean_price_per_row``); that of an ensemble is the mean of its members'.
    stated : float, optional
        Price of one answer of the teacher; for an ensemble all members are in it.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> from explaindistill.teachers.ensemble import EnsembleTeacher
    >>> one = CallableTeacher(lambda X: X[:, 0])
    >>> price_of_a_row_sent(one), price_of_a_row_sent(EnsembleTeacher([one, one]), 0.5)
    (None, 0.25)
    """
    if stated is not None:
        return stated / n_models(teacher)
    members = getattr(teacher, "teachers", None)
    if members is None:
        return getattr(teacher, "mean_price_per_row", None) or getattr(teacher, "price_per_row", None) or None
    prices = [price_of_a_row_sent(member) for member in members]
    priced = [(p or 0.0) * n_models(member) for p, member in zip(prices, members, strict=True)]
    return None if not any(prices) else sum(priced) / n_models(teacher)


class Meter:
    """Measures one fit from its making to :meth:`cost`.

    Examples
    --------
    >>> meter = Meter()
    >>> with meter.fitting():
    ...     total = sum(range(1000))
    >>> cost = meter.cost(n_queries=10, n_asked=4, query_seconds=0.0, n_stored=6)
    >>> cost.n_asked, 0 < cost.fit_seconds <= cost.total_seconds
    (4, True)
    """

    def __init__(self) -> None:
        self._begin, self._cpu = time.perf_counter(), time.process_time()
        self._fit_seconds = 0.0

    @contextmanager
    def fitting(self) -> Iterator[None]:
        """Count the time inside as time of fitting."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._fit_seconds += time.perf_counter() - begin

    def cost(self, *, n_queries: int, n_asked: int, query_seconds: float, n_stored: int = 0) -> Cost:
        """Return what it came to."""
        return Cost(
            n_queries=n_queries,
            n_asked=n_asked,
            query_seconds=query_seconds,
            fit_seconds=self._fit_seconds,
            total_seconds=time.perf_counter() - self._begin,
            cpu_seconds=time.process_time() - self._cpu,
            peak_memory_bytes=_peak_memory(),
            n_stored=n_stored,
        )


def _peak_memory() -> int | None:
    """High-water mark of the process in bytes."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
