"""Both ends of a column of numbers, and round bounds that are nobody's; ends of parts of the rows add up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.columns import Kind

__all__ = ["Tails", "calendar_unit", "power_of"]

STEPS = 10
"""A bound is rounded to a power of ten of which the range holds at least this many, and fewer than ten times as many:
coarse enough to be nobody's value, fine enough to read a range by. A trade-off."""
LEAST_POWER = -300
"""Least power of ten that bounds are rounded to: below it a step would be subnormal, or 0."""
CALENDAR = ((3650.0, "Y"), (365.0, "M"), (10.0, "D"), (0.0, "h"))
"""Days in the range from which dates are rounded to whole years, months, days and hours: as coarse as `STEPS` asks."""
SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True, eq=False)
class Tails:
    """The people at both ends of a column of numbers; of parts of the rows it adds up to that of all.

    Attributes
    ----------
    min_size : int
        People from an end beyond which nothing is kept.
    lows, highs : pairs of ndarrays of one length
        The smallest distinct values in rising order, and the largest in falling order, each with how many people have
        it: as many as it takes for ``min_size`` people.
    n : int
        People with a value.
    is_flag : bool
        Whether every value is 0 or 1.
    """

    min_size: int
    lows: tuple[NDArray[np.float64], NDArray[np.int64]]
    highs: tuple[NDArray[np.float64], NDArray[np.int64]]
    n: int
    is_flag: bool

    @classmethod
    def of(cls, values: NDArray[np.float64], min_size: int, count: NDArray[np.int64] | None) -> Tails:
        """Look at values ``(n,)``, NaN for missing."""
        has_value = ~np.isnan(values)
        present = values[has_value]
        people = None if count is None else count[has_value]
        n = len(present) if people is None else int(people.sum())
        is_flag = bool(((present == 0) | (present == 1)).all())
        ends = [_end(sign * present, people, min_size) for sign in (1.0, -1.0)]
        return cls(min_size, ends[0], (-ends[1][0], ends[1][1]), n, is_flag)

    def __add__(self, other: Tails) -> Tails:
        """Of the rows of both."""
        lows, highs = (
            _end(sign * np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]]), self.min_size)
            for sign, a, b in ((1.0, self.lows, other.lows), (-1.0, self.highs, other.highs))
        )
        is_flag = self.is_flag and other.is_flag
        return Tails(self.min_size, lows, (-highs[0], highs[1]), self.n + other.n, is_flag)

    def inner(self) -> tuple[float, float]:
        """Values of the people ``min_size`` from each end; with fewer than twice as many the middle ones."""
        beyond = min(self.min_size, (self.n + 1) // 2)
        low, high = (float(v[np.searchsorted(people.cumsum(), beyond)]) for v, people in (self.lows, self.highs))
        return min(low, high), max(low, high)

    def shown(self, kind: Kind) -> tuple[float, float]:
        """Bounds that are nobody's; see :func:`shown_bounds`."""
        if self.n == 0:
            return math.nan, math.nan
        ends = float(self.lows[0][0]), float(self.highs[0][0])
        if self.min_size <= 1 or self.is_flag:
            return ends
        low, high = self.inner()
        if low == high:
            values, people = (np.concatenate(pair) for pair in zip(self.lows, self.highs, strict=True))
            if people[values == low].max() >= self.min_size:
                return low, high
        return _outward_dates(low, high) if kind == "datetime" else _outward(low, high, kind == "integer")


def _end(
    values: NDArray[np.float64], people: NDArray[np.int64] | None, min_size: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Smallest distinct values and their people, until there are ``min_size`` of these."""
    if len(values) > min_size:
        # each value stands for one person at least, so that no larger one is needed
        near = values <= np.partition(values, min_size - 1)[min_size - 1]
        values, people = values[near], None if people is None else people[near]
    distinct, number = np.unique(values, return_inverse=True)
    n = np.bincount(number, people, minlength=len(distinct)).astype(np.int64)
    enough = np.cumsum(n) - n < min_size
    return distinct[enough], n[enough]


def _outward(low: float, high: float, whole: bool) -> tuple[float, float]:
    """Multiples of a power of ten at or beyond two numbers; of the range, or of their size where there is no range."""
    size = high - low or abs(low)
    if size == 0 or not math.isfinite(size):
        return low, high
    power = power_of(size, whole)
    step = 10.0**power
    out = math.floor(low / step), math.ceil(high / step)
    down, up = (round(n * step, max(-power, 0)) for n in out)
    return min(down, low), max(up, high)


def power_of(size: float, whole: bool) -> int:
    """Power of ten of which a range of this size holds ``STEPS`` or more; whole numbers stay whole."""
    power = max(math.floor(math.log10(size) - math.log10(STEPS)), LEAST_POWER)
    return max(power, 0) if whole else power


def calendar_unit(low: float, high: float) -> str:
    """Unit of the calendar that moments between these, in seconds, are rounded to."""
    days = (high - low) / SECONDS_PER_DAY
    return next(name for least, name in CALENDAR if days >= least)


def _outward_dates(low: float, high: float) -> tuple[float, float]:
    """Starts of a year, month, day or hour at or beyond two moments, in seconds since 1970."""
    unit = calendar_unit(low, high)
    begun = np.floor([low, high]).astype("datetime64[s]").astype(f"datetime64[{unit}]")
    one = np.array([1]).astype(f"timedelta64[{unit}]")
    starts: NDArray[np.int64] = np.append(begun, begun[1] + one).astype("datetime64[s]").astype(np.int64)
    down, last, following = (float(v) for v in starts)
    return down, last if last == high else following
