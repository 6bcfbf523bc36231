"""Quantities of ranks: area under the ROC curve with an interval for small groups, Spearman's correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from explaindistill.numerics.statistics.clusters import ClusterSums
from explaindistill.numerics.statistics.intervals import normal_quantile
from explaindistill.numerics.statistics.tallies import weights_of

__all__ = [
    "auc",
    "auc_and_interval",
    "auc_interval",
    "auc_of_counts",
    "auc_spread",
    "spearman",
    "spearman_interval",
]

HALVINGS = 60  # of an interval within [0, 1]: to 1e-18, below float64's precision


def auc(score: ArrayLike, positive: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    r"""Chance that a random positive row scores above a random negative one, ties counted half.

    :math:`\sum_v w^+_v (\sum_{u < v} w^-_u + w^-_v / 2) / (\sum_v w^+_v \sum_v w^-_v)` over the distinct scores v, with
    the weights of either side.

    Returns
    -------
    float
        NaN without positives or without negatives.

    Examples
    --------
    >>> auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    0.75
    """
    y = np.asarray(positive, dtype=bool)
    value = _ranked(score)
    return _area(value, y, weights_of(sample_weight, len(value)))


def _ranked(score: ArrayLike) -> NDArray[np.intp]:
    """Place of each score among the distinct ones."""
    return np.unique(np.asarray(score, dtype=float), return_inverse=True)[1]


def _area(value: NDArray[np.intp], y: NDArray[np.bool_], w: NDArray[np.float64]) -> float:
    size = int(value.max(initial=-1)) + 1
    plus, minus = np.bincount(value, w * y, size), np.bincount(value, w * ~y, size)
    pairs = plus.sum() * minus.sum()
    return float((plus * (np.cumsum(minus) - minus / 2)).sum() / pairs) if pairs > 0 else float("nan")


def auc_spread(
    score: ArrayLike,
    positive: ArrayLike,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
) -> tuple[float, float, tuple[float, float]]:
    r"""Variance of an AUC from the placements of each row among the other side, and its degrees of freedom.

    The placement of a row is the share of the other side below it, ties counted half. With the weighted variance
    :math:`s_\pm^2` of the placements and the effective rows :math:`n_\pm` of either side,

    .. math:: V = \frac{s_+^2}{n_+} + \frac{s_-^2}{n_-}, \qquad
        f = \frac{V^2}{(s_+^2 / n_+)^2 / (n_+ - 1) + (s_-^2 / n_-)^2 / (n_- - 1)}.

    With clusters the area is the mean placement of the positives, or one less that of the negatives, and V and f are
    those of the difference of the two means by `ClusterSums.contrast`: a cluster may hold rows of both sides.

    Returns
    -------
    variance, freedom : float
        DeLong's variance and Satterthwaite's degrees of freedom; NaN with fewer than two rows, or five clusters, of a
        side.
    worth : (float, float)
        Effective numbers of positives and negatives (Kish); with clusters as many as leave V to the independent rows
        of an AUC of this size, no more than without clusters.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), doi:10.2307/2531595; Brunner and Munzel (2000),
    doi:10.1002/(SICI)1521-4036(200001)42:1<17::AID-BIMJ17>3.0.CO;2-U.

    Examples
    --------
    >>> variance, freedom, worth = auc_spread([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    >>> round(variance, 3), round(freedom, 1), worth
    (0.125, 2.0, (2.0, 2.0))
    """
    y = np.asarray(positive, dtype=bool)
    value = _ranked(score)
    return _spread(value, y, weights_of(sample_weight, len(value)), clusters)


def _spread(
    value: NDArray[np.intp], y: NDArray[np.bool_], w: NDArray[np.float64], clusters: ArrayLike | None
) -> tuple[float, float, tuple[float, float]]:
    parts, worths, placements = [], [], np.zeros(len(value))
    for side in (y, ~y):
        weight, other_weight = w * side, w * ~side
        if weight.sum() == 0 or other_weight.sum() == 0:
            return float("nan"), float("nan"), (float(y.sum()), float((~y).sum()))
        mass = np.bincount(value, other_weight)
        placement = ((np.cumsum(mass) - mass / 2) / mass.sum())[value][side]
        placements[side] = placement
        share = weight[side] / weight.sum()
        worth = 1 / float((share**2).sum())
        mean = share @ placement
        spread = float(share @ (placement - mean) ** 2) * worth / (worth - 1) if worth > 1 else float("nan")
        parts.append(spread / worth)
        worths.append(worth)
    variance = sum(parts)
    if clusters is not None:
        sums = ClusterSums.of(placements, (~y).astype(np.int64), 2, clusters=clusters, sample_weight=w)
        between = sums.contrast([1.0, -1.0])
        shrunk = min(1.0, variance / between.variance) if between.variance > 0 else 1.0
        shrunk = np.nan if np.isnan(between.variance) else shrunk
        return between.variance, between.freedom, (worths[0] * shrunk, worths[1] * shrunk)
    inverse = sum(v**2 / (n - 1) for v, n in zip(parts, worths, strict=True) if n > 1)
    return variance, variance**2 / inverse if inverse > 0 else float("nan"), (worths[0], worths[1])


def auc_and_interval(
    score: ArrayLike,
    positive: ArrayLike,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    clusters: ArrayLike | None = None,
) -> tuple[float, float, float]:
    """Area under the ROC curve with the interval of `auc_interval`, whose limits are NaN below five clusters.

    Examples
    --------
    >>> [round(x, 2) for x in auc_and_interval(np.arange(40) % 23, np.arange(40) > 24)]
    [0.46, 0.29, 0.64]
    """
    y = np.asarray(positive, dtype=bool)
    value = _ranked(score)
    w = weights_of(sample_weight, len(value))
    variance, freedom, worth = _spread(value, y, w, clusters)
    area = _area(value, y, w)
    low, high = auc_interval(area, *worth, level, variance=variance, freedom=freedom)
    return area, float(low), float(high)


def auc_of_counts(score: ArrayLike, positive: ArrayLike, negative: ArrayLike) -> tuple[float, float, float]:
    """Area, variance and degrees of freedom as `auc` and `auc_spread` give them, of counted rows with few scores.

    Parameters
    ----------
    score : array of shape (cells,)
    positive, negative : arrays of int, shape (cells,)
        Rows of either side with that score; a score may stand in several cells.

    Examples
    --------
    >>> auc_of_counts([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], [1, 1, 0, 0])[0]
    0.75
    """
    _, value = np.unique(np.asarray(score, dtype=float), return_inverse=True)
    plus, minus = np.bincount(value, positive), np.bincount(value, negative)
    p, q = float(plus.sum()), float(minus.sum())
    if p == 0 or q == 0:
        return float("nan"), float("nan"), float("nan")
    area = float((plus * (np.cumsum(minus) - minus / 2)).sum() / (p * q))
    parts = []
    for count, n, other, m in ((plus, p, minus, q), (minus, q, plus, p)):
        placement = (np.cumsum(other) - other / 2) / m
        mean = count @ placement / n
        parts.append(float(count @ (placement - mean) ** 2) / (n - 1) / n if n > 1 else float("nan"))
    variance = sum(parts)
    inverse = sum(v**2 / (n - 1) for v, n in zip(parts, (p, q), strict=True) if n > 1)
    return area, variance, variance**2 / inverse if inverse > 0 else float("nan")


def auc_interval(
    estimate: ArrayLike,
    n_positive: ArrayLike,
    n_negative: ArrayLike,
    level: float = 0.95,
    *,
    variance: ArrayLike = np.nan,
    freedom: ArrayLike = np.nan,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Score-like interval of an AUC: all :math:`\theta` with :math:`|\hat\theta-\theta| \le z\sqrt{V(\theta)}`.

    :math:`V(\theta) = \theta(1-\theta)\,[1 + N(1-\theta)/(2-\theta) + N\theta/(1+\theta)] / (n_+ n_-)` with
    :math:`N = (n_+ + n_-)/2 - 1`. The variance is taken at the limit, not at the estimate, hence an estimate of 1
    still has a limit below 1. It supposes scores of one shape on both sides; with ``variance`` and ``freedom`` from
    `auc_spread` the interval is widened, where need be, to Student's interval on the logit scale, which does not.

    References
    ----------
    Newcombe (2006), method 5, doi:10.1002/sim.2324; Hanley and McNeil (1982), doi:10.1148/radiology.143.1.7063747.

    Examples
    --------
    >>> low, high = auc_interval(1.0, 10, 10)
    >>> round(float(low), 2), float(high)
    (0.8, 1.0)
    """
    z = normal_quantile(level)
    e, p, q = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (estimate, n_positive, n_negative)))
    pairs, extra = p * q, (p + q) / 2 - 1

    def outside(theta: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the estimate is too far from theta, in standard errors at theta."""
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = 1 + extra * (1 - theta) / (2 - theta) + extra * theta / (1 + theta)
            return np.asarray((e - theta) ** 2 > z**2 * theta * (1 - theta) * spread / pairs)

    inner = np.stack([e, e])  # both limits at once: most calls are about one area, and cost what numpy's calls cost
    outer = np.stack([np.zeros(e.shape), np.ones(e.shape)])
    for _ in range(HALVINGS):
        middle = (inner + outer) / 2
        beyond = outside(middle)
        inner, outer = np.where(beyond, inner, middle), np.where(beyond, middle, outer)
    limits = np.where((p > 0) & (q > 0), (inner + outer) / 2, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = special.stdtrit(np.asarray(freedom, dtype=float), 0.5 + level / 2)
        half = t * np.sqrt(np.asarray(variance, dtype=float)) / (e * (1 - e))
        inside = np.isfinite(half) & (e > 0) & (e < 1)
        centre = special.logit(np.where(inside, e, 0.5))
        low = np.where(inside, special.expit(centre - half), limits[0])
        high = np.where(inside, special.expit(centre + half), limits[1])
    return np.minimum(limits[0], low), np.maximum(limits[1], high)


def spearman(a: ArrayLike, b: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Correlation of mid-ranks, weighted; NaN where one side is constant.

    Examples
    --------
    >>> round(spearman([1, 2, 3, 4], [1, 3, 2, 4]), 3)
    0.8
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    w = weights_of(sample_weight, len(a))
    if len(a) == 0:
        return float("nan")
    x, y = _midranks(a, w), _midranks(b, w)
    x, y = x - w @ x / w.sum(), y - w @ y / w.sum()
    spread = np.sqrt((w @ x**2) * (w @ y**2))
    # Below this the ranks are one value up to rounding.
    return float(np.clip((w @ (x * y)) / spread, -1, 1)) if spread > 1e-9 * w.sum() ** 3 else float("nan")


def _midranks(values: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight below each row's value plus half of that at it."""
    _, value = np.unique(values, return_inverse=True)
    mass = np.bincount(value, w)
    return np.asarray((np.cumsum(mass) - mass / 2)[value])


def spearman_interval(estimate: float, n: float, level: float = 0.95) -> tuple[float, float]:
    r"""Interval on Fisher's scale with variance :math:`(1 + r^2/2)/(n-3)`; NaN below 4 rows.

    References
    ----------
    Bonett and Wright (2000), doi:10.1007/BF02294183.

    Examples
    --------
    >>> [round(x, 2) for x in spearman_interval(0.8, 30)]
    [0.58, 0.91]
    """
    if not np.isfinite(estimate) or n <= 3:
        return float("nan"), float("nan")
    centre = np.arctanh(np.clip(estimate, -1 + 1e-15, 1 - 1e-15))
    half = normal_quantile(level) * np.sqrt((1 + estimate**2 / 2) / (n - 3))
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))
