"""Columns that look like a row number or a key: no student should learn from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.families import dense

__all__ = ["is_key"]

LEAST_ROWS = 50
"""With fewer values, different ones say nothing."""
DISTINCT_SHARE = 0.95
"""Of texts, from which on they are taken for keys."""
EXPECTED_TIES = 7.0
"""Pairs of equal values among values drawn by chance: that there are none then has a probability below e**-7 < .001."""
UNIFORM_ROWS = 200
"""From so many rows on, the shape of a distribution tells numbers handed out from numbers measured."""
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
    if len(present) < LEAST_ROWS:
        return False
    if kind in ("categorical", "ordered"):
        return bool(present.nunique() >= DISTINCT_SHARE * len(present))
    if kind != "integer" or not present.is_unique:
        return False
    values = present.to_numpy(dtype=np.float64)
    steps = np.diff(values)
    return bool((steps > 0).all() or (steps < 0).all()) or _handed_out(np.sort(values))


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
