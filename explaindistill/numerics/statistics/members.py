r"""Groups of clustered rows: as how many independent rows an interval may take them, alone and in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from explaindistill.numerics.statistics.clusters import FEWEST_EVENTS, ClusterSums, Spread, student_quantile
from explaindistill.numerics.statistics.intervals import (
    mean_of_intervals,
    mover_difference,
    normal_quantile,
    ratio_of_intervals,
    wilson,
)

__all__ = ["Member", "PairWorth", "clustered_gap", "correlation", "mean_of_members", "pair"]


@dataclass(frozen=True, eq=False)
class Member:
    """One group of clustered rows.

    Attributes
    ----------
    sums : ClusterSums
    group : int
        Position of the group in the sums.
    rarity : float
        Share of rows that carry the figure: the rarer of successes and failures, or rows that two sides decide
        differently.

    Examples
    --------
    Sixty clusters of two copies, ten of them successes, are worth no more than sixty rows:

    >>> x = np.repeat(np.arange(60) % 6 == 0, 2)
    >>> sums = ClusterSums.of(x, np.zeros(120, dtype=int), 1, clusters=np.repeat(np.arange(60), 2))
    >>> member = Member(sums, 0, 1 / 6)
    >>> round(member.n_effective), bool(member.worth(0.95) < 60)
    (59, True)
    """

    sums: ClusterSums = field(repr=False)
    group: int
    rarity: float

    @property
    def count(self) -> int:
        """Clusters with rows of the group."""
        return int(self.sums.count[self.group])

    @property
    def alone(self) -> Spread:
        """Spread of the group's mean."""
        return self.sums.each[self.group]

    @property
    def n_effective(self) -> float:
        r"""Independent rows with the variance between clusters: :math:`\sigma^2 / v`, no more than without clusters.

        Where that leaves too few events to believe v, as many as if the rows of a cluster were copies. NaN without
        rows in five clusters.
        """
        rows, copies = float(self.sums.rows[self.group]), float(self.sums.copies[self.group])
        variance = self.alone.variance
        if np.isnan(variance):
            return np.nan
        worth = self._between(variance)
        return min(worth, copies) if self.is_sparse else min(worth, rows)

    @property
    def is_sparse(self) -> bool:
        """Whether too few rows carry the figure for the variance between clusters to be believed."""
        worth = min(self._between(self.alone.variance), float(self.sums.rows[self.group]))
        return bool(worth * self.rarity < FEWEST_EVENTS)

    def _between(self, variance: float) -> float:
        unit = float(self.sums.deviation[self.group]) ** 2
        return unit / variance if variance > 0 else np.inf

    def worth(self, level: float, freedom: float | None = None) -> float:
        r"""Rows at which an interval with the *normal* quantile z holds: :math:`\sigma^2 / v \cdot (z / t)^2`.

        Score intervals depend on rows and quantile by :math:`z^2 / n` alone, so that Student's quantile t at n rows is
        z at :math:`n z^2 / t^2` rows. No more than without clusters, where nothing had to be estimated.

        Parameters
        ----------
        level : float
        freedom : float, optional
            Of the contrast that the interval is part of; that of the group alone when None.
        """
        if np.isnan(self.alone.variance) or self.is_sparse:
            return self.n_effective
        variance, satterthwaite = self.alone
        ratio = normal_quantile(level) / float(student_quantile(satterthwaite if freedom is None else freedom, level))
        return min(self._between(variance) * ratio**2, float(self.sums.rows[self.group]))


class PairWorth(NamedTuple):
    """Two groups of the same clusters: rows that either is worth, and the correlation of their means.

    ``level`` is that of the intervals that the rows are meant for.
    """

    first: float
    second: float
    correlation: float
    level: float


def pair(first: Member, second: Member, level: float) -> PairWorth:
    r"""What two groups are worth where they are compared, clusters with rows of both accounted for.

    With the squared errors :math:`v_a, v_b` and :math:`v_{a-b}` of the means and of their difference, the means
    correlate by :math:`(v_a + v_b - v_{a-b}) / (2 \sqrt{v_a v_b})`. Quantiles have the degrees of freedom of the
    difference. Where either group has too few events, the correlation is not believed either and counts as 0.

    Examples
    --------
    Twenty clusters, each half of one group and half of the other, that differ only between clusters:

    >>> x, cluster = np.repeat(np.arange(20) % 2, 10), np.repeat(np.arange(20), 10)
    >>> sums = ClusterSums.of(x, np.tile([0, 1], 100), 2, clusters=cluster)
    >>> round(pair(Member(sums, 0, 0.5), Member(sums, 1, 0.5), 0.95).correlation, 3)
    1.0
    """
    sums = first.sums
    if sums is not second.sums:
        return PairWorth(first.worth(level), second.worth(level), 0.0, level)
    one = np.eye(len(sums.mean))
    spread = sums.contrast(one[first.group] - one[second.group])
    both = first.alone.variance > 0 and second.alone.variance > 0
    if np.isnan(spread.variance) or not both or first.is_sparse or second.is_sparse:
        return PairWorth(first.worth(level), second.worth(level), 0.0, level)
    freedom = spread.freedom if np.isfinite(spread.freedom) else min(first.alone.freedom, second.alone.freedom)
    return PairWorth(first.worth(level, freedom), second.worth(level, freedom), correlation(first, second), level)


def clustered_gap(first: float, second: float, worth: PairWorth) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of the difference and of the ratio of two shares: MOVER on Wilson's limits, with their correlation.

    Parameters
    ----------
    first, second : float
        The shares.
    worth : PairWorth

    References
    ----------
    Zou and Donner (2008), doi:10.1002/sim.3095; Donner and Zou (2012), doi:10.1177/0962280210383083.

    Examples
    --------
    >>> difference, ratio = clustered_gap(0.3, 0.5, PairWorth(100.0, 100.0, 0.5, 0.95))
    >>> [round(x, 2) for x in (*difference, *ratio)]
    [-0.29, -0.1, 0.46, 0.77]
    """
    sides = []
    for share, n in ((first, worth.first), (second, worth.second)):
        low, high = wilson(share * n, n, worth.level)
        sides.append((share, float(low), float(high)))
    first_side, second_side = sides
    (low, high), (least, most) = (
        f(first_side, second_side, worth.correlation) for f in (mover_difference, ratio_of_intervals)
    )
    return (float(low), float(high)), (float(least), float(most))


def correlation(first: Member, second: Member) -> float:
    r"""Correlation of the means of two groups of the same clusters; 0 where it cannot be told.

    Examples
    --------
    >>> x, cluster = np.arange(200) % 7, np.repeat(np.arange(20), 10)
    >>> sums = ClusterSums.of(x, np.tile([0, 1], 100), 2, clusters=cluster)
    >>> round(correlation(Member(sums, 0, 1.0), Member(sums, 1, 1.0)), 2)
    0.11
    """
    one = np.eye(len(first.sums.mean))
    spread = first.sums.contrast(one[first.group] - one[second.group])
    a, b = first.alone.variance, second.alone.variance
    if first.sums is not second.sums or np.isnan(spread.variance) or not (a > 0 and b > 0):
        return 0.0
    return float(np.clip((a + b - spread.variance) / (2 * np.sqrt(a * b)), -1, 1))


def mean_of_members(
    estimate: Sequence[float], low: Sequence[float], high: Sequence[float], members: Sequence[Member]
) -> tuple[float, float, float]:
    r"""Mean of the figures of K groups of the same clusters, with its limits.

    Were the groups independent, distances to the limits would add as squares. Their mean has the variance
    :math:`v` of the contrast :math:`k_a = 1 / K` in place of :math:`\sum_a v_a / K^2`: both distances are
    :math:`\sqrt{v K^2 / \sum_a v_a}` times as long, and no shorter than of independent groups, since a correlation
    below 0 is seldom more than chance. NaN where a group has rows in fewer than five clusters.

    Examples
    --------
    Twenty clusters in which two groups rise and fall together; the mean of both is as unsure as either:

    >>> x, cluster = np.repeat(np.arange(20) % 2, 10), np.repeat(np.arange(20), 10)
    >>> sums = ClusterSums.of(x, np.tile([0, 1], 100), 2, clusters=cluster)
    >>> both = [Member(sums, a, 0.5) for a in (0, 1)]
    >>> [round(v, 2) for v in mean_of_members([0.5, 0.5], [0.3, 0.3], [0.7, 0.7], both)]
    [0.5, 0.3, 0.7]
    """
    mean, least, most = mean_of_intervals(estimate, low, high)
    if not members:
        return mean, least, most
    sums = members[0].sums
    share = np.zeros(len(sums.mean))
    share[[member.group for member in members]] = 1 / len(members)
    whole = sums.contrast(share).variance
    apart = sum(member.alone.variance for member in members) / len(members) ** 2
    if np.isnan(whole) or np.isnan(apart):
        return mean, np.nan, np.nan
    longer = max(1.0, float(np.sqrt(whole / apart))) if apart > 0 else 1.0
    return mean, mean - longer * (mean - least), mean + longer * (most - mean)
