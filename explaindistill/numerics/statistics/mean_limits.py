r"""Limits of means by group that hold of skewed values, too: incomes, delays, errors that are mostly 0.

Student's interval of a mean is too short on the side of the long tail. Hall's transformation of the studentised mean
:math:`T = \sqrt n (\bar v - \mu) / s` takes the skewness :math:`\gamma` out of it: :math:`T + \gamma (2 T^2 + 1) / (6
\sqrt n) + \gamma^2 T^3 / (27 n)` is close to normal, rises everywhere and can be turned round. The wider limit of both
is taken on either side, since the skewness itself is estimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.numerics.statistics.clusters import ClusterSums
from explaindistill.numerics.statistics.members import Member, correlation
from explaindistill.numerics.statistics.tallies import group_means, weights_of
from explaindistill.numerics.statistics.unseen import widened

__all__ = ["MeanLimits", "mean_limits"]

Floats = NDArray[np.float64]
ALIKE = 1e-12
"""Spread of values, relative to the largest, that is rounding: a sum of equal values over their number is not the value
to the last digit, and would leave an interval of almost no width."""
NO_SKEW = 1e-8
"""Skewness of a mean below which Hall's transformation is the identity, and would be 0 / 0."""


@dataclass(frozen=True, eq=False)
class MeanLimits:
    """Means of groups.

    Attributes
    ----------
    mean, low, high : ndarray of shape (groups,)
        Limits are NaN below two rows (or five clusters).
    n_effective : ndarray of shape (groups,)
        Independent rows that the rows of a group are worth.
    members : tuple of Member
        What clusters say of each group; empty where rows are independent.
    """

    mean: Floats
    low: Floats
    high: Floats
    n_effective: Floats
    members: tuple[Member, ...] = ()

    def sides(self, group: Any) -> tuple[Floats, Floats, Floats]:
        """Mean and limits of one group, or of several."""
        return self.mean[group], self.low[group], self.high[group]

    def correlations(self, group: int) -> Floats:
        """Of each group's mean with that of one group, through clusters that both have rows in."""
        if not self.members:
            return np.zeros(len(self.mean))
        return np.array([correlation(member, self.members[group]) for member in self.members])


def mean_limits(
    values: ArrayLike,
    codes: ArrayLike,
    n_groups: int,
    *,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    ends: tuple[float, float] | None = None,
) -> MeanLimits:
    """Weighted mean of each group with its limits.

    Parameters
    ----------
    values : array of shape (n,)
    codes : int array of shape (n,)
        Group of each row; negative: left out.
    sample_weight, clusters : arrays of shape (n,), optional
        Of clusters the skewness is that of their sums.
    ends : (float, float), optional
        Least and largest value that a row of an unseen kind may have; those of all rows when None. A group whose values
        are all alike, but for rounding, has no spread, and its limits are as far off as such rows may move it; of
        clusters each is then one row.

    References
    ----------
    Hall (1992), doi:10.1111/j.2517-6161.1992.tb01872.x; for unseen rows see
    `explaindistill.numerics.statistics.unseen`.

    Examples
    --------
    Ninety-five of a hundred values are 0; the long tail is on the right:

    >>> v = np.r_[np.zeros(95), 1.0, 1.0, 2.0, 2.0, 4.0]
    >>> limits = mean_limits(v, np.zeros(100, dtype=int), 1)
    >>> [round(float(x[0]), 2) for x in limits.sides([0])]
    [0.1, 0.0, 0.51]
    """
    v, g = np.asarray(values, dtype=float), np.asarray(codes, dtype=np.int64)
    w = weights_of(sample_weight, len(v))
    shared: dict[str, Any] = {"sample_weight": sample_weight, "clusters": clusters}
    mean, error, quantile = group_means(v, g, n_groups, level=level, **shared)
    inside = (g >= 0) & (w > 0)
    v, g, w = v[inside], g[inside], w[inside]
    low, high = mean - quantile * error, mean + quantile * error
    with np.errstate(invalid="ignore", divide="ignore"):
        worth = np.bincount(g, w, n_groups) ** 2 / np.bincount(g, w**2, n_groups)
    members: tuple[Member, ...] = ()
    off = w * (v - mean[g])
    square, cube = (np.asarray(np.bincount(g, off**power, n_groups), dtype=float) for power in (2, 3))
    if clusters is not None:
        sums = ClusterSums.of(v, g, n_groups, clusters=np.asarray(clusters)[inside], sample_weight=w)
        members = tuple(Member(sums, a, rarity=1.0) for a in range(n_groups))
        worth = np.array([member.n_effective for member in members])
        square, cube = ((sums.residual**power).sum(axis=0) for power in (2, 3))
    low = np.fmin(low, mean - error * _turned(quantile, square, cube))
    high = np.fmax(high, mean - error * _turned(-quantile, square, cube))
    least, largest = ends if ends is not None else (v.min(initial=np.inf), v.max(initial=-np.inf))
    for a in np.flatnonzero(np.isfinite(error) & ((error == 0) | _alike(v, g, n_groups))):
        rounding = ALIKE * max(abs(float(least)), abs(float(largest)))
        reach = [step if step > rounding else 0.0 for step in (float(mean[a] - least), float(largest - mean[a]))]
        # clusters that do not differ say nothing of how far one may: each is one row
        n = min(float(worth[a]), members[a].count) if members else float(worth[a])
        limits = widened(float(mean[a]), (mean[a], mean[a]), (reach[0], reach[1]), n, level)
        low[a], high[a] = limits if limits[0] < limits[1] else (np.nan, np.nan)  # one value only: nothing says how far
    return MeanLimits(mean, low, high, worth, members)


def _alike(v: Floats, g: NDArray[np.int64], n_groups: int) -> NDArray[np.bool_]:
    """Whether the values of each group differ by no more than rounding."""
    least, largest = np.full(n_groups, np.inf), np.full(n_groups, -np.inf)
    np.minimum.at(least, g, v)
    np.maximum.at(largest, g, v)
    with np.errstate(invalid="ignore"):
        return np.asarray(largest - least <= ALIKE * np.maximum(np.abs(least), np.abs(largest)))


def _turned(quantile: Floats, square: Floats, cube: Floats) -> Floats:
    r"""Where Hall's transformation takes the value of the quantile: :math:`(\sqrt[3]{1 + 3 a (q - b)} - 1) / a`.

    :math:`a = \gamma / (3 \sqrt n)` and :math:`b = \gamma / (6 \sqrt n)`, where :math:`\gamma / \sqrt n` is the
    skewness of the mean itself: the sum of cubes of what its rows, or clusters, add over that of squares to the 3 / 2.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        skew = cube / square**1.5
        a, b = skew / 3, skew / 6
        turned = (np.cbrt(1 + 3 * a * (quantile - b)) - 1) / a
    return np.where(np.abs(a) > NO_SKEW, turned, quantile)
