"""Columns that look like a row number or a key: no student should learn from them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.families import dense
from explaindistill.data.row_keys import scrambled

__all__ = ["KeyEvidence", "is_key"]

LEAST_ROWS = 50
"""With fewer values, different ones say nothing."""
DISTINCT_SHARE = 0.95
"""Of texts, from which on they are taken for keys."""
EXPECTED_TIES = 7.0
"""Pairs of equal values among values drawn by chance: that there are none then has a probability below e**-7 < .001."""
UNIFORM_ROWS = 200
"""From so many rows on, the shape of a distribution tells numbers handed out from numbers measured."""
BOTH = 2
"""Direction of a run of one row: up as well as down."""
DRAWN = 1 << 14
"""Values that decide where there are more: numbers handed out show it in so many as well as in millions."""
KOLMOGOROV = 1.63
"""Times n**-1/2: a distance from the uniform that numbers drawn from it exceed once in a hundred samples."""


def is_key(series: pd.Series, kind: str) -> bool:
    """Whether nearly all values differ in a way that measurements do not.

    Texts are keys if almost all are different. Whole numbers that all differ are keys if they go up or down row by row;
    if among as many random numbers with the same range and common divisor some would be equal (the birthday problem);
    or if they are spread evenly over their range, as numbers that were handed out are and measurements are not.

    Parameters
    ----------
    series : Series of n values
    kind : str
        Kind of the column; others than whole numbers and categories are no keys.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.permutation(30_000)[:9_000]
    >>> is_key(pd.Series(rows), "integer"), is_key(pd.Series(rows * 7919 + 5), "integer")
    (True, True)
    >>> is_key(pd.Series(rng.lognormal(10, 1, 9_000).round()), "integer")
    False
    """
    present = dense(series).dropna()
    if kind in ("categorical", "ordered"):
        return KeyEvidence.of_texts(present.nunique(), len(present))
    return kind == "integer" and KeyEvidence.of(present.to_numpy(dtype=np.float64)).is_key


@dataclass(frozen=True, eq=False)
class KeyEvidence:
    """What tells whether whole numbers are keys; of parts of the rows it adds up to that of all.

    Attributes
    ----------
    n : int
        Rows with a value.
    drawn : ndarray
        :data:`DRAWN` of the values, or all where there are fewer: those whose hash is lowest, equal ones each.
    runs : tuple of (number, first, last, direction)
        Of each part: its number, first and last value, and whether it goes up (1), down (-1) or neither (0) row by row;
        :data:`BOTH` of one row.
    """

    n: int
    drawn: NDArray[np.float64]
    runs: tuple[tuple[int, float, float, int], ...]

    @classmethod
    def of(cls, numbers: NDArray[np.float64], number: int = 0) -> KeyEvidence:
        """Look at whole numbers ``(n,)`` of part ``number``, NaN for missing."""
        present = numbers[~np.isnan(numbers)]
        if len(present) == 0:
            return cls(0, present, ())
        rises, falls = (bool((sign * np.diff(present) > 0).all()) for sign in (1, -1))
        direction = BOTH if len(present) == 1 else 1 if rises else -1 if falls else 0
        run = number, float(present[0]), float(present[-1]), direction
        return cls(len(present), _drawn(present), (run,))

    @staticmethod
    def of_texts(n_distinct: int, n: int) -> bool:
        """Whether texts are keys: almost all of them are different."""
        return n >= LEAST_ROWS and n_distinct >= DISTINCT_SHARE * n

    def __add__(self, other: KeyEvidence) -> KeyEvidence:
        """Of the rows of both."""
        both = np.concatenate([self.drawn, other.drawn])
        return KeyEvidence(self.n + other.n, _drawn(both), (*self.runs, *other.runs))

    @property
    def is_key(self) -> bool:
        """Whether they are; see :func:`is_key`."""
        values = np.sort(self.drawn)
        if self.n < LEAST_ROWS or (np.diff(values) == 0).any():
            return False
        return self._is_monotone() or _handed_out(values)

    def _is_monotone(self) -> bool:
        runs = sorted(self.runs)
        for sign in (1, -1):
            inside = all(run[3] in (sign, BOTH) for run in runs)
            if inside and all(sign * (b[1] - a[2]) > 0 for a, b in pairwise(runs)):
                return True
        return False


def _drawn(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values with the lowest hash (finaliser of splitmix64), so that a draw of draws is a draw of all."""
    if len(values) <= DRAWN:
        return values
    x = scrambled((values + 0.0).view(np.uint64))  # 0 and -0 are one value
    return values[np.argpartition(x, DRAWN - 1)[:DRAWN]]


def _handed_out(values: NDArray[np.float64]) -> bool:
    n = len(values)
    gaps = np.diff(values)
    if gaps.max() >= 2.0**53:  # no whole steps to speak of
        return False
    step = float(np.gcd.reduce(gaps.astype(np.int64)))
    places = (values[-1] - values[0]) / step + 1.0
    if n * (n - 1) / (2.0 * places) >= EXPECTED_TIES:
        return True
    uniform = (values - values[0]) / (values[-1] - values[0])
    distance = np.abs(uniform - (np.arange(n) + 0.5) / n).max() + 0.5 / n
    return n >= UNIFORM_ROWS and bool(distance < KOLMOGOROV / np.sqrt(n))
