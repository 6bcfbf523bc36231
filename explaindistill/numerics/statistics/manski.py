r"""Bounds of the gap of two rates when it is not known who belongs to either group, with their sampling error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from explaindistill.numerics.statistics.intervals import normal_quantile

__all__ = ["People", "imbens_manski", "manski"]

Floats = NDArray[np.float64]
STEP = 1e-6  # relative; of central differences, about the cube root of float64's precision


class People(NamedTuple):
    """Rows of one group by weight: all of them, the selected ones, and the independent rows that they are worth.

    Examples
    --------
    >>> People(10.0, 4.0, 8.0).selected
    4.0
    """

    weight: float
    selected: float
    effective: float


def manski(people: Sequence[People], ratio: bool, level: float = 0.95) -> tuple[float, float, tuple[float, float]]:
    r"""Least and greatest gap of the first group to the second, whatever group the third's people belong to.

    Of u unknown people, :math:`u_1` selected, a group of n with k selected has a rate between :math:`k / (n + u - u_1)`
    and :math:`(k + u_1) / (n + u_1)`; the least gap takes the first of the group and the second of the other.

    Parameters
    ----------
    people : three People
        The group, the reference group, those of unknown group.
    ratio : bool
        Whether the gap is a ratio, else a difference.
    level : float
        Of the sampling limits, see `imbens_manski`. Errors follow from those of the three rates and of the groups'
        shares of all rows by the delta method; ratios on the logarithmic scale.

    Returns
    -------
    low, high : float
    sampling : (float, float)

    References
    ----------
    Manski (1990), https://www.jstor.org/stable/2006592.

    Examples
    --------
    >>> low, high, (least, most) = manski([People(100, 40, 100), People(100, 60, 100), People(10, 10, 10)], True)
    >>> [round(x, 2) for x in (least, low, high, most)]
    [0.5, 0.63, 0.76, 0.94]
    """
    weights = np.array([p.weight for p in people])
    share = weights / weights.sum()
    rate = np.array([p.selected / p.weight if p.weight > 0 else 0.0 for p in people])
    n = np.array([p.effective for p in people])
    point = np.concatenate([rate, share])
    whole = float(np.nansum(n)) or np.inf  # nothing is known of the errors: NaN below
    spread = np.zeros((6, 6))
    worth = np.where((weights > 0) & (n > 0), n, np.inf)
    spread[:3, :3] = np.diag(rate * (1 - rate) / worth)
    spread[3:, 3:] = (np.diag(share) - np.outer(share, share)) / whole
    bounds, errors = [], []
    for least in (True, False):

        def figure(x: Floats, least: bool = least) -> float:
            return _gap(x[:3], x[3:], ratio, least)

        bounds.append(figure(point))
        errors.append(_error(figure, point, spread, ratio))
    if np.isnan(n[:2]).any():
        return bounds[0], bounds[1], (np.nan, np.nan)
    return bounds[0], bounds[1], _outward(bounds, errors, ratio, level)


def _gap(rate: Floats, share: Floats, ratio: bool, least: bool) -> float:
    """The least or the greatest gap, from the rates and the shares of the group, the reference and the unknown."""
    k, chosen = rate[:2] * share[:2], rate[2] * share[2]
    refused = share[2] - chosen
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = k / (share[:2] + refused), (k + chosen) / (share[:2] + chosen)
        a, b = (low[0], high[1]) if least else (high[0], low[1])
        if not ratio:
            return float(a - b)
        return float(a / b) if b > 0 else (np.nan if least else np.inf)


def _error(figure: Callable[[Floats], float], point: Floats, spread: Floats, ratio: bool) -> float:
    """Standard error of a bound by the delta method, of a ratio that of its logarithm."""
    step = STEP * np.maximum(point, STEP)
    ends = [(figure(point + h * e), figure(point - h * e)) for h, e in zip(step, np.eye(len(point)), strict=True)]
    gradient = np.array([(up - down) / (2 * h) for (up, down), h in zip(ends, step, strict=True)])
    centre = figure(point)
    if ratio:
        gradient = gradient / centre if 0 < centre < np.inf else np.full(len(point), np.nan)
    return float(np.sqrt(gradient @ spread @ gradient))


def _outward(bounds: Sequence[float], errors: Sequence[float], ratio: bool, level: float) -> tuple[float, float]:
    """Both bounds moved outward; a ratio of 0, or one that is infinite, has nowhere to go."""
    low, high = bounds
    if not ratio:
        return imbens_manski(low, high, errors[0], errors[1], level)
    if np.isnan(low) or not np.isfinite(high) or low <= 0:
        return (0.0, np.inf) if not np.isnan(low) else (np.nan, np.nan)
    least, most = imbens_manski(np.log(low), np.log(high), errors[0], errors[1], level)
    return float(np.exp(least)), float(np.exp(most))


def imbens_manski(
    low: float, high: float, low_error: float, high_error: float, level: float = 0.95
) -> tuple[float, float]:
    r"""Interval that holds a figure with ``level``, of which only estimated bounds are known.

    ``low - c low_error`` to ``high + c high_error`` with :math:`\Phi(c + W / s) - \Phi(-c)` = ``level``, where W is the
    width between the bounds and s the larger error: the figure cannot be near both bounds where they are far apart.

    References
    ----------
    Imbens and Manski (2004), doi:10.1111/j.1468-0262.2004.00555.x.

    Examples
    --------
    One bound is the two-sided quantile away, two that are far apart the one-sided:

    >>> [round(x, 3) for x in (*imbens_manski(0, 0, 1, 1), *imbens_manski(0, 100, 1, 1))]
    [-1.96, 1.96, -1.645, 101.645]
    """
    error = max(low_error, high_error)
    if not np.isfinite(error):
        return float("nan"), float("nan")
    if error <= 0:
        return low, high
    width = max(high - low, 0.0) / error
    c = optimize.brentq(
        lambda x: special.ndtr(x + width) - special.ndtr(-x) - level, 0.0, normal_quantile(level) + 1e-9
    )
    return low - c * low_error, high + c * high_error
