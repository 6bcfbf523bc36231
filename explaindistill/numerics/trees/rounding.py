"""Thresholds that a person can say: few digits, near the middle of a gap between training values."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

__all__ = ["fewest_digits", "plain_middle", "plainest_moment"]

DIGITS = 17  # so many significant digits tell any two float64 apart
MIDDLE = 1 / 3
"""Share of a gap, around its middle, in which a threshold lies. On the development sets of fewer than 1,000 rows
thresholds anywhere in the gap cost .4 points of agreement, those in its middle third nothing beside the exact middle;
gaps between many rows are too narrow to matter."""
PLAINER = 2
"""Digits that a number at the edge of a gap must save. The middle third always has a number at most one digit longer
than the width of the gap asks for, so that two are saved by luck only: seldom, and where there are many narrow gaps."""


def fewest_digits(low: float, high: float) -> float:
    """Find the number with the fewest digits in ``[low, high)``; of several, the one nearest to the middle.

    The largest power of ten of which a multiple ``k * 10**exponent`` lies in the gap; k near the middle or either end.

    Parameters
    ----------
    low, high : float, low < high
        Largest value on the left of a split ``x <= t``, and smallest on its right.

    Examples
    --------
    >>> fewest_digits(39.0, 45.0), fewest_digits(0.1213, 0.1291), fewest_digits(-2.0, 1.5)
    (40.0, 0.125, 0.0)
    """
    middle = low / 2 + high / 2
    width = high - low
    if not math.isfinite(width):
        return middle
    widest = math.floor(math.log10(width))
    top = max(widest, math.floor(math.log10(max(abs(low), abs(high)))))
    for exponent in range(top, top - DIGITS, -1):
        if exponent < -300:  # nearly the least power of ten that float64 holds in full (1e-307)
            break
        step = float(f"1e{exponent}")
        near = {round(middle / step), math.ceil(low / step), math.floor(high / step)}
        # 0 has no digits at any exponent: it counts as a number as coarse as the gap is wide
        round_numbers = [float(f"{k}e{exponent}") for k in near if k or exponent <= widest]
        if inside := [t for t in round_numbers if low <= t < high]:
            return min(inside, key=lambda t: (abs(t - middle), t)) + 0.0
    return low


def plain_middle(low: float, high: float) -> float:
    """Find the number with the fewest digits in the middle third of ``[low, high)``, or a far plainer one in the gap.

    Where the middle third has finer digits than both ends (39.5 between 39 and 40), the number is looked for in the
    whole gap: ends that are written so say how finely the column is measured, and nothing lies between them. So it is
    where that saves :data:`PLAINER` digits (0.3 for 0.29996).

    Parameters
    ----------
    low, high : float, low < high
        Largest value on the left of a split ``x <= t``, and smallest on its right.

    Examples
    --------
    >>> plain_middle(39.0, 45.0), plain_middle(39.0, 40.0), plain_middle(0.1213, 0.1291), plain_middle(0.29991, 0.30003)
    (42.0, 39.0, 0.125, 0.3)
    """
    anywhere = fewest_digits(low, high)
    margin = (high - low) * (1 - MIDDLE) / 2
    below, above = low + margin, high - margin
    if not (math.isfinite(margin) and low <= below < above < high):
        return anywhere
    number = fewest_digits(below, above)
    digit = _last_digit(number)
    is_finer = min(digit, 0) < min(_last_digit(low), _last_digit(high), 0)
    return anywhere if is_finer or _last_digit(anywhere) - digit >= PLAINER else number


def _last_digit(x: float) -> int:
    """Power of ten of the last digit that is not 0; 0 for 0."""
    exponent = Decimal(repr(float(x))).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def plainest_moment(low: float, high: float) -> float:
    """Find the moment in ``[low, high)`` that needs the fewest words: a year, else a month, a day, …, else a second.

    Parameters
    ----------
    low, high : float
        Seconds since 1970, low < high.

    Examples
    --------
    >>> plainest_moment(0.5 * 86400, 40.0 * 86400) / 86400
    31.0
    """
    middle = low / 2 + high / 2
    for unit in ("Y", "M", "D", "h", "m", "s"):
        near = {
            start + step
            for x in (low, middle)
            for start in [np.datetime64(math.floor(x), "s").astype(f"datetime64[{unit}]")]
            for step in np.array([0, 1]).astype(f"timedelta64[{unit}]")
        }
        moments = [float(m.astype("datetime64[s]").astype(np.int64)) for m in near]
        if inside := [t for t in moments if low <= t < high]:
            return min(inside, key=lambda t: (abs(t - middle), t))
    return low
