"""Confidence intervals of proportions, of their differences and ratios, alone and paired; all vectorised.

Counts need not be whole numbers: with weights or clusters the caller gives effective counts. A denominator
of 0 gives NaN, never a made-up number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from explaindistill.errors import InvalidInputError

__all__ = [
    "bonett_price",
    "clopper_pearson",
    "mean_of_intervals",
    "mover_difference",
    "mover_ratio",
    "newcombe",
    "normal_quantile",
    "ratio_of_intervals",
    "simultaneous_level",
    "wilson",
]

LARGEST_LEVEL = 1 - 1e-15
"""With one degree of freedom Student's quantile is so large that the normal level of it is 1 in floats, and the normal
quantile of 1 is infinite; this level is one of 8 standard deviations."""
Limits = tuple[NDArray[np.float64], NDArray[np.float64]]


def normal_quantile(level: float) -> float:
    """Two-sided standard normal quantile of a confidence ``level`` strictly between 0 and 1.

    Examples
    --------
    >>> round(normal_quantile(0.95), 3)
    1.96
    """
    if not 0 < level < 1:
        raise InvalidInputError(f"level must lie strictly between 0 and 1, got {level}")
    return float(special.ndtri(0.5 + level / 2))


def simultaneous_level(n_groups: int, n_rows: float, level: float = 0.95) -> float:
    """Level for each of all pairs of groups so that together they hold with ``level`` (Bonferroni).

    Each of m pairs is given ``1 - (1 - level) / m``, two-sided.
    Student's quantile with ``n_rows - n_groups`` degrees of freedom takes the normal one's place: at the far tails
    that many pairs need, score intervals of small groups are a little too short otherwise.

    Examples
    --------
    >>> round(simultaneous_level(2, 1e6), 3), round(simultaneous_level(8, 240), 5)
    (0.95, 0.99842)
    >>> simultaneous_level(2, 3.0) < 1
    True
    """
    normal_quantile(level)
    pairs = n_groups * (n_groups - 1) / 2
    quantile = special.stdtrit(max(n_rows - n_groups, 1.0), 1 - (1 - level) / (2 * pairs))
    return min(float(1 - 2 * special.ndtr(-quantile)), LARGEST_LEVEL)


def wilson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> Limits:
    r"""Score interval of a proportion: :math:`(p + z^2/2n \pm z\sqrt{p(1-p)/n + z^2/4n^2}) / (1 + z^2/n)`.

    Parameters
    ----------
    k : array
        Successes, between 0 and ``n``.
    n : array
        Trials; 0 gives NaN.
    level : float
        Confidence, strictly between 0 and 1.

    Returns
    -------
    low, high : ndarray

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953; Newcombe (1998),
    doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E.

    Examples
    --------
    >>> low, high = wilson(0, 10)
    >>> float(low), round(float(high), 3)
    (0.0, 0.278)
    """
    z = normal_quantile(level)
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.where(n > 0, k / n, np.nan)
        centre = p + z**2 / (2 * n)
        half = z * np.sqrt(np.maximum(p * (1 - p), 0) / n + z**2 / (4 * n**2))
        low, high = (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)
    # The limits meet the estimate exactly at its edges; rounding must not push them past it.
    return np.where(p <= 0, 0.0, np.clip(low, 0, p)), np.where(p >= 1, 1.0, np.clip(high, p, 1))


def clopper_pearson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> Limits:
    r"""Exact interval of a proportion from beta quantiles: coverage is never below ``level``.

    With :math:`\alpha` = 1 - level: the :math:`\alpha/2` quantile of Beta(k, n - k + 1) and the :math:`1 - \alpha/2`
    quantile of Beta(k + 1, n - k); 0 at k = 0 and 1 at k = n.

    References
    ----------
    Clopper and Pearson (1934), doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> low, high = clopper_pearson(0, 10)
    >>> float(low), round(float(high), 3)
    (0.0, 0.308)
    """
    normal_quantile(level)
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(k <= 0, 0.0, special.betaincinv(np.maximum(k, 1e-300), n - k + 1, tail))
        high = np.where(k >= n, 1.0, special.betaincinv(k + 1, np.maximum(n - k, 1e-300), 1 - tail))
    undefined = ~(n > 0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def mover_difference(
    first: tuple[ArrayLike, ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike, ArrayLike],
    correlation: ArrayLike = 0.0,
) -> Limits:
    r"""Limits of :math:`a - b` from the limits of each: distances to the limits add as squares.

    :math:`a - b - \sqrt{(a - l_a)^2 + (u_b - b)^2}` and :math:`a - b + \sqrt{(u_a - a)^2 + (b - l_b)^2}`; of estimates
    with the correlation r less :math:`2 r (a - l_a)(u_b - b)` and :math:`2 r (u_a - a)(b - l_b)` under the roots.

    Parameters
    ----------
    first, second : (estimate, low, high)
    correlation : array
        Of the two estimates; 0 where they are independent.

    References
    ----------
    Zou and Donner (2008), doi:10.1002/sim.3095.

    Examples
    --------
    >>> [round(float(x), 3) for x in mover_difference((0.5, 0.4, 0.6), (0.3, 0.2, 0.4))]
    [0.059, 0.341]
    """
    a, al, au = (np.asarray(x, dtype=float) for x in first)
    b, bl, bu = (np.asarray(x, dtype=float) for x in second)
    r = np.asarray(correlation, dtype=float)
    down, up = 2 * r * (a - al) * (bu - b), 2 * r * (au - a) * (b - bl)
    low = np.sqrt(np.maximum((a - al) ** 2 + (bu - b) ** 2 - down, 0.0))
    high = np.sqrt(np.maximum((au - a) ** 2 + (b - bl) ** 2 - up, 0.0))
    return a - b - low, a - b + high


def newcombe(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, level: float = 0.95) -> Limits:
    """Hybrid score interval of the difference ``k1/n1 - k2/n2`` of independent proportions.

    References
    ----------
    Newcombe (1998), method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Examples
    --------
    >>> [round(float(x), 4) for x in newcombe(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    k1, n1, k2, n2 = (np.asarray(x, dtype=float) for x in (k1, n1, k2, n2))
    with np.errstate(invalid="ignore", divide="ignore"):
        p1, p2 = k1 / n1, k2 / n2
    return mover_difference((p1, *wilson(k1, n1, level)), (p2, *wilson(k2, n2, level)))


def ratio_of_intervals(
    first: tuple[ArrayLike, ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike, ArrayLike],
    correlation: ArrayLike = 0.0,
) -> Limits:
    r"""Limits of ``a / b`` from the limits of two non-negative quantities (MOVER-R).

    .. math:: L = \frac{ab - \sqrt{(ab)^2 - l_a u_b (2a - l_a)(2b - u_b)}}{u_b (2b - u_b)}, \qquad
        U = \frac{ab + \sqrt{(ab)^2 - u_a l_b (2a - u_a)(2b - l_b)}}{l_b (2b - l_b)}

    These are of independent estimates. With their ``correlation`` r, :math:`r (a - l_a)(u_b - b)` is taken from ab in
    L, and :math:`r (u_a - a)(b - l_b)` in U. The low limit is 0 where ``a`` is 0; the high limit is infinite where
    ``b`` is 0; both are unknown, hence 0 and infinity, where both are 0.

    References
    ----------
    Donner and Zou (2012), doi:10.1177/0962280210383083.
    """
    a, al, au = (np.asarray(x, dtype=float) for x in first)
    b, bl, bu = (np.asarray(x, dtype=float) for x in second)
    r = np.asarray(correlation, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        down, up = a * b - r * (a - al) * (bu - b), a * b - r * (au - a) * (b - bl)
        root_low = np.sqrt(np.maximum(down**2 - al * bu * (2 * a - al) * (2 * b - bu), 0))
        root_high = np.sqrt(np.maximum(up**2 - au * bl * (2 * a - au) * (2 * b - bl), 0))
        low = (down - root_low) / (bu * (2 * b - bu))
        high = (up + root_high) / (bl * (2 * b - bl))
        # 2b = bu makes the quadratic linear: its one root is the limit of the formula.
        low = np.where(np.isclose(2 * b, bu, rtol=1e-12, atol=0), al * (2 * a - al) / (2 * down), low)
    low = np.where(a <= 0, 0.0, np.maximum(low, 0.0))
    high = np.where((b <= 0) | (bl <= 0), np.inf, high)
    undefined = np.isnan(a) | np.isnan(b)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def mover_ratio(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, level: float = 0.95) -> Limits:
    """Interval of the ratio ``(k1/n1) / (k2/n2)`` of independent proportions: MOVER-R on Wilson limits.

    The equation of :func:`ratio_of_intervals`, with a = k1/n1, b = k2/n2 and their limits by :func:`wilson`.

    References
    ----------
    Donner and Zou (2012), doi:10.1177/0962280210383083.

    Examples
    --------
    A group of which nobody was selected has a ratio of 0, and an interval that says how far it may be from 0:

    >>> low, high = mover_ratio(0, 400, 200, 400)
    >>> float(low), round(float(high), 3)
    (0.0, 0.019)
    """
    k1, n1, k2, n2 = (np.asarray(x, dtype=float) for x in (k1, n1, k2, n2))
    with np.errstate(invalid="ignore", divide="ignore"):
        p1, p2 = k1 / n1, k2 / n2
    return ratio_of_intervals((p1, *wilson(k1, n1, level)), (p2, *wilson(k2, n2, level)))


def bonett_price(gained: ArrayLike, lost: ArrayLike, n: ArrayLike, level: float = 0.95) -> Limits:
    """Interval of a paired difference of proportions ``(gained - lost) / n``.

    One is added to each discordant count and two to the pairs, then Wald's formula is applied: with the shares p of
    gained and q of lost pairs ``p - q ± z sqrt((p + q - (p - q)**2) / (n + 2))``.

    Parameters
    ----------
    gained, lost : array
        Pairs that are a success only in the first, only in the second member.
    n : array
        All pairs; 0 gives NaN.

    References
    ----------
    Bonett and Price (2012), doi:10.3102/1076998611411915.

    Examples
    --------
    >>> [round(float(x), 3) for x in bonett_price(4, 14, 100)]
    [-0.182, -0.014]
    """
    z = normal_quantile(level)
    gained, lost, n = (np.asarray(x, dtype=float) for x in (gained, lost, n))
    p, q = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = z * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    undefined = ~(n > 0)
    low, high = np.maximum(p - q - half, -1.0), np.minimum(p - q + half, 1.0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def mean_of_intervals(estimate: ArrayLike, low: ArrayLike, high: ArrayLike) -> tuple[float, float, float]:
    """Mean of independent quantities with its limits: distances to the limits add as squares.

    Examples
    --------
    >>> [round(x, 3) for x in mean_of_intervals([0.4, 0.6], [0.3, 0.5], [0.5, 0.7])]
    [0.5, 0.429, 0.571]
    """
    e, lo, hi = (np.asarray(x, dtype=float) for x in (estimate, low, high))
    if e.size == 0:
        return np.nan, np.nan, np.nan
    mean = float(e.mean())
    return (
        mean,
        mean - float(np.sqrt(((e - lo) ** 2).sum())) / e.size,
        mean + float(np.sqrt(((hi - e) ** 2).sum())) / e.size,
    )
