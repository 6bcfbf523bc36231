"""What a row may become: numbers within bounds, and choices among a few values of some columns, with their costs.

A number that becomes z costs ``price * |z - now|``, a choice what its option costs; the cost of a row is their sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["PAST", "Axis", "Choice", "Number"]

PAST = 1e-6
"""A strict bound is passed by at most this share of the column's range: too little to be a change of its own, enough
for a number with few digits."""
STEP_SLACK = 1e-9  # of a step: a bound that is a whole number of steps away up to rounding is


@dataclass(frozen=True)
class Number:
    """A column that may be any number in ``[low, high]``, or stay at ``now``; multiples of ``step`` apart, 0 for any.

    ``price`` is the cost of one unit.
    """

    column: int
    now: float
    low: float
    high: float
    step: float
    price: float

    def nearest(self, low: float = -math.inf, high: float = math.inf) -> float:
        """Return the cheapest value with ``low < value <= high``; NaN where there is none.

        Examples
        --------
        >>> age = Number(0, now=30.0, low=18.0, high=80.0, step=1.0, price=0.1)
        >>> age.nearest(low=40.5), age.nearest(high=20.5), age.nearest(low=80.0)
        (41.0, 20.0, nan)
        """
        if low < self.now <= high:
            return self.now
        top = min(high, self.high)
        if top < self.low or low >= self.high:
            return math.nan
        if self.now <= low or self.now < self.low:
            value = self._above(low) if low >= self.low else self.low
        else:
            value = (
                top if self.step == 0 else self.now - math.ceil((self.now - top) / self.step - STEP_SLACK) * self.step
            )
        return value if max(low, np.nextafter(self.low, -np.inf)) < value <= top else math.nan

    def _above(self, low: float) -> float:
        """Cheapest value above ``low``: the next step, else the number of fewest digits within :data:`PAST` of it."""
        if self.step > 0:
            value = self.now + math.floor((low - self.now) / self.step + STEP_SLACK) * self.step
            return value if value > low else value + self.step
        room = min(PAST * max(self.high - self.low, 1e-300), max(self.high - low, 0.0))
        for digits in range(-math.floor(math.log10(max(room, 1e-300))) + 2):
            short = math.floor(low * 10**digits + 1) / 10**digits
            if low < short <= low + room:
                return short
        return min(float(np.nextafter(low, np.inf)), self.high)

    def cost(self, value: float) -> float:
        """Cost of becoming ``value``."""
        return 0.0 if value == self.now else abs(value - self.now) * self.price


@dataclass(frozen=True)
class Choice:
    """Columns that may together take one of a few values; the first option is what they are now, at no cost."""

    columns: tuple[int, ...]
    options: tuple[tuple[float, ...], ...]
    costs: tuple[float, ...]


Axis = Number | Choice
