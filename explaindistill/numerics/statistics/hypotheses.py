"""Tests of hypotheses about proportions: two groups, many groups, strata, pairs; and many tests at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.intervals import normal_quantile
from explaindistill.numerics.statistics.sparse_strata import SparseStrata

__all__ = [
    "Stratified",
    "benjamini_hochberg",
    "detectable_difference",
    "equal_proportions",
    "fisher",
    "holm",
    "mcnemar",
    "power_of_difference",
    "rows_needed",
    "stratified",
]


LEAST_EXPECTED = 5  # count in each cell from which the chi-square law is trusted (Cochran 1954, doi:10.2307/3001616)


def fisher(k1: int, n1: int, k2: int, n2: int, *, mid: bool = False) -> float:
    """P-value of Fisher's exact test that two proportions are equal, two-sided by probability.

    The sum of the hypergeometric probabilities, given the margins, of all tables no more probable than the observed
    one.

    Parameters
    ----------
    k1, n1, k2, n2 : int
        Successes and rows of both groups; NaN results without rows.
    mid : bool
        Count tables as probable as the one seen half (mid-p): less conservative.

    Examples
    --------
    >>> round(fisher(3, 10, 9, 10), 4), round(fisher(3, 10, 9, 10, mid=True), 4)
    (0.0198, 0.0102)
    """
    if n1 == 0 or n2 == 0:
        return float("nan")
    p, low = _tables(k1 + k2, n1, n2)
    observed = float(p[k1 - low])
    # Tables that are equally probable differ by rounding only.
    equal = np.isclose(p, observed, rtol=1e-9, atol=0)
    below = float(p[(p < observed) & ~equal].sum())
    return min(1.0, below + float(p[equal].sum()) * (0.5 if mid else 1.0))


def _tables(k: int, n1: int, n2: int) -> tuple[NDArray[np.float64], int]:
    """Probabilities of all tables with these margins, from the ratios of neighbours, and the first table's count.

    The table whose first cell is x has the weight of the one before times ``(k - x)(n1 - x) / ((x + 1)(n2 - k + x +
    1))``.
    """
    low, high = max(0, k - n2), min(n1, k)
    x = np.arange(low, high, dtype=float)
    steps = np.log((k - x) * (n1 - x)) - np.log((x + 1) * (n2 - k + x + 1))
    weight = np.concatenate([[0.0], np.cumsum(steps)])
    p = np.exp(weight - weight.max())
    return p / p.sum(), low


def mcnemar(gained: int, lost: int) -> float:
    """P-value of McNemar's exact test: discordant pairs fall to either side alike.

    Twice the binomial probability, with n discordant pairs and 1/2, of at most the smaller count.

    References
    ----------
    McNemar (1947), doi:10.1007/BF02295996.

    Examples
    --------
    >>> mcnemar(0, 5), mcnemar(0, 0)
    (0.0625, 1.0)
    """
    n = gained + lost
    return min(1.0, 2 * float(stats.binom.cdf(min(gained, lost), n, 0.5))) if n else 1.0


def equal_proportions(
    k: ArrayLike, n: ArrayLike, *, rng: np.random.Generator | None = None, n_draws: int = 10_000
) -> tuple[float, float]:
    """Pearson's test that several groups have one proportion: the sum over groups of ``(k - n p)**2 / (n p (1 - p))``.

    Parameters
    ----------
    k, n : array of shape (groups,)
        Groups without rows are left out.
    rng : Generator, optional
        Where an expected count is below 5, tables with the same margins are drawn, since the chi-square law is not to
        be trusted there; always the same ones when None.
    n_draws : int

    Returns
    -------
    statistic, p_value : float
        NaN below two groups; 0 and 1 where all or none are successes.

    Examples
    --------
    >>> x, p = equal_proportions([30, 50, 40], [100, 100, 100])
    >>> round(x, 3), round(p, 4)
    (8.333, 0.0155)
    """
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    k, n = k[n > 0], n[n > 0]
    if len(n) < 2:
        return float("nan"), float("nan")
    p = k.sum() / n.sum()
    if p in {0.0, 1.0}:
        return 0.0, 1.0
    observed = float(_pearson(k, n, p))
    if min(p, 1 - p) * n.min() >= LEAST_EXPECTED:
        return observed, float(stats.chi2.sf(observed, len(n) - 1))
    drawn = (rng or np.random.default_rng(0)).multivariate_hypergeometric(
        n.round().astype(np.int64), round(k.sum()), n_draws
    )
    at_least = int((_pearson(drawn, n, p) >= observed * (1 - 1e-9)).sum())  # up to rounding
    # the observed table is one of those that chance could have drawn: without it no test of drawn tables is valid
    return observed, (at_least + 1) / (n_draws + 1)


def _pearson(k: NDArray[Any], n: NDArray[np.float64], p: float) -> NDArray[np.float64]:
    """Sum over groups, the last axis, of ``(k - n p)**2 / (n p (1 - p))`` with the proportion ``p`` of all together."""
    return np.asarray(((k - n * p) ** 2 / (n * p * (1 - p))).sum(axis=-1))


@dataclass(frozen=True)
class Stratified:
    """Two groups compared inside strata.

    Attributes
    ----------
    odds_ratio, low, high : float
        Mantel–Haenszel's common odds ratio and its interval by Robins, Breslow and Greenland.
    p_value : float
        Cochran–Mantel–Haenszel test that it is 1 (no continuity correction); exact where the sum of the counts could
        not be 5 more, or 5 less, than expected (Mantel and Fleiss).
    homogeneity : float
        P-value of the Breslow–Day test, with Tarone's correction, that all strata share it; of tables drawn with the
        same margins where a fitted count is below 5.
    difference, difference_low, difference_high : float
        Mantel–Haenszel's common difference of proportions and its interval by Sato.
    """

    odds_ratio: float
    low: float
    high: float
    p_value: float
    homogeneity: float
    difference: float
    difference_low: float
    difference_high: float


def stratified(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, level: float = 0.95) -> Stratified:
    r"""Compare two groups within strata (jobs, sites, years), so that a mixture does not pass for a gap.

    Stratum i of :math:`n_i` rows has successes :math:`a_i` and failures :math:`b_i` of the first group, :math:`c_i` and
    :math:`d_i` of the second. With :math:`R_i = a_i d_i / n_i` and :math:`S_i = b_i c_i / n_i` the common odds ratio is
    :math:`\sum R_i / \sum S_i`; with :math:`P_i = (a_i + d_i) / n_i` and :math:`Q_i = (b_i + c_i) / n_i` the variance
    of its logarithm is

    .. math:: \frac{\sum P_i R_i}{2 (\sum R_i)^2} + \frac{\sum (P_i S_i + Q_i R_i)}{2 \sum R_i \sum S_i}
        + \frac{\sum Q_i S_i}{2 (\sum S_i)^2}.

    The test sums :math:`a_i` less its hypergeometric mean :math:`n_{1i} m_i / n_i`, squared over the sum of the
    variances :math:`n_{1i} n_{2i} m_i (n_i - m_i) / (n_i^2 (n_i - 1))`, with :math:`m_i = a_i + c_i`.

    Parameters
    ----------
    k1, n1, k2, n2 : array of shape (strata,)
        Successes and rows of both groups in each stratum; strata that lack one group say nothing.

    References
    ----------
    Mantel and Haenszel (1959), doi:10.1093/jnci/22.4.719; Robins, Breslow and Greenland (1986), doi:10.2307/2531052;
    Tarone (1985), doi:10.1093/biomet/72.1.91; Sato (1989), doi:10.2307/2531527.

    Examples
    --------
    >>> s = stratified([10, 40], [50, 50], [20, 45], [50, 50])
    >>> round(s.odds_ratio, 3), round(s.p_value, 3)
    (0.4, 0.01)
    """
    z = normal_quantile(level)
    a, n1, c, n2 = (np.asarray(x, dtype=float) for x in (k1, n1, k2, n2))
    both = (n1 > 0) & (n2 > 0)
    a, n1, c, n2 = a[both], n1[both], c[both], n2[both]
    b, d, n = n1 - a, n2 - c, n1 + n2
    undefined = float("nan")
    if len(n) == 0:
        return Stratified(*[undefined] * 8)
    r, s = a * d / n, b * c / n
    with np.errstate(invalid="ignore", divide="ignore"):
        odds = float(np.divide(r.sum(), s.sum()))
        p, q = (a + d) / n, (b + c) / n
        variance = (p * r).sum() / (2 * r.sum() ** 2) + (p * s + q * r).sum() / (2 * r.sum() * s.sum())
        variance += (q * s).sum() / (2 * s.sum() ** 2)
        half = z * np.sqrt(variance)
        low, high = np.exp(np.log(odds) - half), np.exp(np.log(odds) + half)
        m = a + c
        spread = (n1 * n2 * m * (n - m) / (n**2 * np.maximum(n - 1, 1))).sum()
        p_value = float(stats.chi2.sf((a - n1 * m / n).sum() ** 2 / spread, 1)) if spread > 0 else undefined
        room = (np.maximum(0, m - n2) - n1 * m / n).sum(), (np.minimum(n1, m) - n1 * m / n).sum()
        if spread > 0 and min(-room[0], room[1]) < LEAST_EXPECTED:
            p_value = _sparse(a, n1, m, n).no_effect()
    return Stratified(
        odds, float(low), float(high), p_value, _homogeneity(a, n1, m, n, odds), *_common(a, n1, c, n2, z)
    )


def _homogeneity(a: NDArray[np.float64], n1: NDArray[np.float64], m: NDArray[np.float64], n: Any, odds: float) -> float:
    r"""Breslow and Day's chi-square with Tarone's correction, on strata where both outcomes occur.

    :math:`\sum_i (a_i - \hat a_i)^2 / v_i - (\sum_i a_i - \hat a_i)^2 / \sum_i v_i`, where :math:`\hat a_i` is the
    first cell that the common odds ratio gives and :math:`1 / v_i` the sum of 1 over each of the four fitted cells.
    With fewer than five rows in a fitted cell the chi-square law is far off (of 100 strata of 2 + 2 rows it rejected 66
    times in a hundred at the level of 5): tables with the same margins take its place.
    """
    informative = (m > 0) & (m < n)
    if informative.sum() < 2 or not np.isfinite(odds) or odds <= 0:
        return float("nan")
    a, n1, m, n = a[informative], n1[informative], m[informative], n[informative]
    fitted = np.array([_fitted(*cell, odds) for cell in zip(n1, m, n, strict=True)])
    if min(x.min() for x in (fitted, n1 - fitted, m - fitted, n - n1 - m + fitted)) < LEAST_EXPECTED:
        return _sparse(a, n1, m, n).homogeneity()
    with np.errstate(divide="ignore"):
        variance = 1 / (1 / fitted + 1 / (n1 - fitted) + 1 / (m - fitted) + 1 / (n - n1 - m + fitted))
    statistic = ((a - fitted) ** 2 / variance).sum() - (a - fitted).sum() ** 2 / variance.sum()
    return float(stats.chi2.sf(max(statistic, 0.0), len(a) - 1))


def _sparse(a: Any, n1: Any, m: Any, n: Any) -> SparseStrata:
    """Strata as whole counts, those left out where one outcome only occurs: they say nothing about odds."""
    informative = (m > 0) & (m < n)
    a, n1, m, n = (np.rint(x[informative]).astype(np.int64) for x in (a, n1, m, n))
    return SparseStrata(a, n1, n - n1, m)


def _fitted(n1: float, m: float, n: float, odds: float) -> float:
    """First cell x of a table with these margins and odds ratio: ``x (n - n1 - m + x) = odds (n1 - x)(m - x)``."""
    low, high = max(0.0, m - (n - n1)), min(n1, m)

    def off(x: float) -> float:
        """Both sides of the equation less each other: rising in x, of different signs at the ends."""
        return x * (n - n1 - m + x) - odds * (n1 - x) * (m - x)

    return float(optimize.brentq(off, low, high, xtol=1e-12))


def _common(a: Any, n1: Any, c: Any, n2: Any, z: float) -> tuple[float, float, float]:
    """Mantel-Haenszel's common difference of proportions, with Sato's limits.

    Over strata of n rows, with the weight ``n1 n2 / n``: ``sum((a n2 - c n1) / n) / sum(weight)``. Its variance is
    ``(difference * sum(p) + sum(q)) / sum(weight)**2`` with ``p = (n1**2 c - n2**2 a + n1 n2 (n2 - n1) / 2) / n**2``
    and ``q = (a (n2 - c) + c (n1 - a)) / (2 n)``.
    """
    n = n1 + n2
    weight = n1 * n2 / n
    difference = float(((a * n2 - c * n1) / n).sum() / weight.sum())
    p = (n1**2 * c - n2**2 * a + n1 * n2 * (n2 - n1) / 2) / n**2
    q = (a * (n2 - c) + c * (n1 - a)) / (2 * n)
    half = z * float(np.sqrt(max(difference * p.sum() + q.sum(), 0.0)) / weight.sum())
    return difference, difference - half, difference + half


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values that keep the chance of any false alarm in the family below their size.

    The i-th smallest of m is multiplied by ``m - i + 1``, and no adjusted value is below a smaller one's.

    References
    ----------
    Holm (1979), https://www.jstor.org/stable/4615733.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    raw, order, m = _ranked(p)
    out = np.full(len(raw), np.nan)
    stepped = np.maximum.accumulate(raw[order] * (m - np.arange(m)))
    out[order] = np.minimum(stepped, 1.0)
    return out


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values that keep the expected share of false alarms among alarms below their size.

    The i-th smallest of m is multiplied by ``m / i``, and no adjusted value is above a larger one's.

    References
    ----------
    Benjamini and Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    The rank of a p-value, not the position of the i-th smallest, divides it:

    >>> benjamini_hochberg([0.04, 0.01, 0.03, 0.5]).round(4).tolist()
    [0.0533, 0.04, 0.0533, 0.5]
    """
    raw, order, m = _ranked(p)
    out = np.full(len(raw), np.nan)
    stepped = raw[order] * m / np.arange(1, m + 1)
    out[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return out


def _ranked(p: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """The p-values, positions of the defined ones in ascending order, and how many they are."""
    raw = np.asarray(p, dtype=float)
    defined = ~np.isnan(raw)
    if ((raw[defined] < 0) | (raw[defined] > 1)).any():
        raise InvalidInputError("p-values must lie between 0 and 1")
    order = np.argsort(raw, kind="stable")[: defined.sum()]
    return raw, order, int(defined.sum())


def power_of_difference(p1: float, p2: float, n1: float, n2: float, level: float = 0.95) -> float:
    r"""Chance that the two-sided pooled z-test finds the difference of two proportions.

    With the gap :math:`d = |p_1 - p_2|`, the standard error :math:`s_0` of equal (pooled) proportions, which the test
    supposes, and the true one s: :math:`\Phi((d - z s_0) / s) + \Phi((-d - z s_0) / s)`.

    Examples
    --------
    >>> round(power_of_difference(0.5, 0.4, 400, 400), 3)
    0.813
    """
    z = normal_quantile(level)
    pooled = (n1 * p1 + n2 * p2) / (n1 + n2)
    null = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    spread = np.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    gap = abs(p1 - p2)
    if spread == 0:
        return float(gap > z * null)
    return float(special.ndtr((gap - z * null) / spread) + special.ndtr((-gap - z * null) / spread))


def detectable_difference(p: float, n1: float, n2: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """Smallest drop below a reference proportion ``p`` that is found with the given power; NaN where none is.

    Parameters
    ----------
    p : float
        Proportion of the reference group.
    n1, n2 : float
        Rows of the group and of the reference group.

    Examples
    --------
    >>> round(detectable_difference(0.5, 400, 400), 3)
    0.098
    """
    if n1 <= 0 or n2 <= 0 or power_of_difference(0.0, p, n1, n2, level) < power:
        return float("nan")
    return float(optimize.brentq(lambda d: power_of_difference(p - d, p, n1, n2, level) - power, 0.0, p))


def rows_needed(p1: float, p2: float, *, ratio: float = 1.0, power: float = 0.8, level: float = 0.95) -> float:
    """Rows of the first group that find the difference with the given power; the second has ``ratio`` times as many.

    Examples
    --------
    >>> rows_needed(0.5, 0.4)
    388.0
    """
    if p1 == p2 or ratio <= 0:
        return float("inf")
    high = 2.0
    while power_of_difference(p1, p2, high, high * ratio, level) < power:
        high *= 2
    if high == 2.0:
        return high
    needed = optimize.brentq(lambda n: power_of_difference(p1, p2, n, n * ratio, level) - power, high / 2, high)
    return float(np.ceil(needed - 1e-9))
