r"""Piecewise-linear splines on quantile knots: where the knots are, what a value weighs, what wiggling costs.

A function of one column is :math:`f(x) = \sum_j \beta_j h_j(x)` with hat functions :math:`h_j`, so that
:math:`\beta_j` is the function's own value at knot j. Monotone, convex or zero at a point are then statements about
the coefficients themselves, and beyond the last knots the function goes on as a straight line. ``j`` runs over knots.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "bin_codes", "bins_of", "curvature_penalty", "discretise", "hat_weights", "quantile_knots", "slope_penalty",
    "value_runs",
]  # fmt: skip

Vector = NDArray[np.float64]
SPIKE = 0.02
"""Share of the weight on one value from which it is a spike: such a value has a knot of its own, unless the knots are
so few that two of their shares are more."""
OUTER = 0.005
"""Share of the weight on either side that the uniform half of the blend leaves out: far values would pull knots to
where no rows are."""

SMALLEST_STEP = 1e-60
"""Share of the range below which two values have one knot: a penalty holds the fourth power of its inverse."""


def discretise(x: Vector, weight: Vector, max_bins: int = 1022) -> tuple[Vector, NDArray[np.uint16], Vector]:
    """Replace values by the number of their bin: every distinct value when there are few, else weighted quantiles.

    Parameters
    ----------
    x : ndarray of shape (n,)
        NaN is missing.
    weight : ndarray of shape (n,), positive
    max_bins : int, at least 3 and at most 65534

    Returns
    -------
    values : ndarray of shape (m,), increasing
        The value that stands for each bin: the weighted mean of its rows; the smallest and the largest value
        keep a bin of their own.
    codes : ndarray of shape (n,), uint16
        Bin of each row; ``m`` where it is missing.
    mass : ndarray of shape (m + 1,)
        Weight in each bin, the missing rows last.

    Examples
    --------
    >>> values, codes, mass = discretise(np.array([2.0, np.nan, 1.0, 2.0]), np.ones(4))
    >>> values.tolist(), codes.tolist(), mass.tolist()
    ([1.0, 2.0], [1, 2, 0, 1], [1.0, 2.0, 1.0])
    """
    missing = np.isnan(x)
    any_missing = bool(missing.any())
    present = x[~missing] if any_missing else x
    share = weight[~missing] if any_missing else weight
    values, last, mass = bins_of(*value_runs(present, share), max_bins)
    return values, bin_codes(x, last), np.append(mass, weight[missing].sum())


def bins_of(values: Vector, mass: Vector, max_bins: int) -> tuple[Vector, Vector, Vector]:
    """Values that stand for the bins, the last value of each, and their weight, from distinct values and theirs."""
    if len(values) <= max_bins:
        return values, values, mass
    ends = values[0], values[-1]
    group = _quantile_groups(mass, max_bins)
    last = values[np.append(group[1:] != group[:-1], True)]
    merged = np.bincount(group, mass).astype(np.float64)
    values = np.bincount(group, mass * values) / merged
    values[0], values[-1] = ends
    return values, last, merged


def bin_codes(x: Vector, last: Vector) -> NDArray[np.uint16]:
    """Bin of each row, from the last value of each bin; the number of bins where it is missing."""
    missing = np.isnan(x)
    codes = np.full(len(x), len(last), dtype=np.uint16)
    codes[~missing] = np.searchsorted(last, x[~missing]).clip(max=max(len(last) - 1, 0))
    return codes


def value_runs(x: Vector, weight: Vector) -> tuple[Vector, Vector]:
    """Distinct values and their weight; rows that all weigh the same need a sort, not an argsort."""
    if len(weight) and weight[0] == weight.min() == weight.max():
        values, count = np.unique(x, return_counts=True)
        return values, count * weight[0]
    values, inner = np.unique(x, return_inverse=True)
    return values, np.bincount(inner, weight, minlength=len(values)).astype(np.float64)


def _quantile_groups(mass: Vector, n_groups: int) -> NDArray[np.intp]:
    r"""Join neighbours until each group holds about its share; the first and the last value stay alone.

    Value j, with the middle :math:`u_j = (\sum_{i \le j} m_i - m_j / 2) / \sum_i m_i` of its mass, is in group
    :math:`\lfloor u_j (G - 2) \rfloor + 1` of G.
    """
    middle = np.cumsum(mass) - mass / 2
    group = np.floor(middle / mass.sum() * (n_groups - 2)).astype(np.intp) + 1
    group[0], group[-1] = 0, n_groups
    return np.unique(group, return_inverse=True)[1].astype(np.intp)


def quantile_knots(values: Vector, mass: Vector, n_knots: int) -> Vector:
    """Knots where the data are: every value when there are few, else quantiles of a blend, and both ends.

    The blend is half the data's own distribution and half a uniform one over the middle 99 %: a piecewise-linear
    function needs knots where the rows are many and where it could bend for long.

    A value that many rows share (a spike at zero, a code such as -9) is a knot, and so is the next value above
    it and below it: the function may then jump beside the spike.

    Parameters
    ----------
    values : ndarray of shape (m,), increasing
    mass : ndarray of shape (m,)
    n_knots : int, at least 2

    Examples
    --------
    >>> quantile_knots(np.arange(100.0), np.ones(100), 5).tolist()
    [0.0, 25.0, 50.0, 75.0, 99.0]
    >>> quantile_knots(np.array([0.0, 1.0, 5.0]), np.array([9.0, 1.0, 1.0]), 5).tolist()
    [0.0, 1.0, 5.0]
    """
    # steps of a share of the range below this one, squared twice, are no doubles
    apart = np.append(True, np.diff(values) > (values[-1] - values[0]) * SMALLEST_STEP)
    if not apart.all():
        values, mass = values[apart], np.add.reduceat(mass, np.flatnonzero(apart))
    if len(values) <= n_knots:
        return values.copy()
    spikes = np.flatnonzero(mass > mass.sum() * max(2.0 / n_knots, SPIKE))
    beside = np.concatenate([spikes - 1, spikes, spikes + 1])
    beside = beside[(beside >= 0) & (beside < len(values))]
    rest = mass.copy()
    rest[spikes] = 0.0
    picks = np.array([0, len(values) - 1], dtype=np.intp)
    if rest.any():
        middle = (np.cumsum(rest) - rest / 2) / rest.sum()
        low, high = values[np.searchsorted(middle, [OUTER, 1.0 - OUTER]).clip(max=len(values) - 1)]
        if high > low:
            middle = (middle + np.clip((values - low) / (high - low), 0.0, 1.0)) / 2
        inner = np.searchsorted(middle, np.linspace(0, 1, n_knots)[1:-1])
        picks = np.append(picks, inner.clip(max=len(values) - 1))
    return values[np.unique(np.concatenate([picks, beside]))]


def hat_weights(x: Vector, knots: Vector) -> tuple[NDArray[np.int32], NDArray[np.int32], Vector]:
    """Each value as a blend of two neighbouring knots: ``(1 - share) * f[lo] + share * f[hi]``.

    ``share`` of x between the knots lo and hi is ``(x - knots[lo]) / (knots[hi] - knots[lo])``. Outside the knots it
    leaves [0, 1], which is the straight line through the last two knots.

    Examples
    --------
    >>> lo, hi, share = hat_weights(np.array([0.25, 3.0]), np.array([0.0, 1.0, 2.0]))
    >>> lo.tolist(), hi.tolist(), share.tolist()
    ([0, 1], [1, 2], [0.25, 2.0])
    """
    if len(knots) == 1:
        zero = np.zeros(len(x), dtype=np.int32)
        return zero, zero.copy(), np.zeros(len(x))
    lo = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2).astype(np.int32)
    hi = (lo + 1).astype(np.int32)
    return lo, hi, (x - knots[lo]) / (knots[hi] - knots[lo])


def slope_penalty(knots: Vector) -> NDArray[np.float64]:
    r"""Cost of differing from a constant, :math:`\sum_j (\beta_{j+1} - \beta_j)^2`, as a matrix.

    Examples
    --------
    >>> slope_penalty(np.array([0.0, 1.0, 4.0])).tolist()
    [[1.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 1.0]]
    """
    D = np.diff(np.eye(len(knots)), axis=0)
    return D.T @ D


def curvature_penalty(knots: Vector, power: float = 2.0) -> NDArray[np.float64]:
    r"""Cost of bending, :math:`\sum_j (s_{j+1} - s_j)^2\, \bar h_j^{a}` with slopes s and knot spacings h.

    :math:`s_j = (\beta_{j+1} - \beta_j) / h_j`, and :math:`\bar h_j` is the mean of the spacings on both sides of a
    knot, all in units of the mean spacing, so that neither the unit of x nor the number of knots changes the scale.

    A straight line in x costs nothing, however unequal the knots. With a = -1 it is the integral of the squared
    second derivative; with a = 2 bending is measured between neighbouring knots, thus freer where the data are dense.

    Parameters
    ----------
    knots : ndarray of shape (k,), increasing
    power : float
        The exponent a.

    References
    ----------
    Eilers and Marx (1996), doi:10.1214/ss/1038425655.
    """
    k = len(knots)
    if k < 3:
        return np.zeros((k, k))
    h = np.diff(knots) / (knots[-1] - knots[0]) * (k - 1)
    slopes = np.diff(np.eye(k), axis=0) / h[:, None]
    between = (h[1:] + h[:-1]) / 2
    D = np.diff(slopes, axis=0) * between[:, None] ** (power / 2)
    return D.T @ D
