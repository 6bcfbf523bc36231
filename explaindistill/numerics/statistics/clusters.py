r"""What a mean of clustered rows is worth: its variance between clusters, and how well that variance is known.

Rows i of cluster c have the weights :math:`w_i`, the values :math:`x_i` and the group :math:`g_i`; every group a has
the weighted mean :math:`m_a`. A contrast :math:`\sum_a k_a m_a` is off by the sum over clusters of independent
:math:`s_c = \sum_a \ell_a \sum_{i \in c, g_i = a} w_i \varepsilon_i` with :math:`\ell_a = k_a / W_a` and
:math:`W_a = \sum_{g_i = a} w_i`. Only the residuals :math:`r_c` about the estimated means are seen, and they are
shorter than the errors :math:`s_c` where a cluster has a large part of a group.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from explaindistill.numerics.statistics.intervals import normal_quantile

__all__ = ["FEWEST_CLUSTERS", "ClusterSums", "Spread", "student_quantile", "too_few_clusters"]

Floats = NDArray[np.float64]
FEWEST_CLUSTERS = 5
"""With fewer clusters nothing is said. A trade-off: of four clusters of unlike sizes the variance has about one degree
of freedom, and Student's quantile of 12.7 makes an interval that holds everything."""
FEWEST_EVENTS = 3.0
"""Effective successes, or failures, below which the variance between clusters is not believed: of so few events hardly
one cluster has two, and the clusters look independent whatever they are. The rows then count as if those of a cluster
were copies. Three and not five, since the count is itself estimated: of designs with five of them, one in ten shows
fewer than three."""
NEARLY_ONE = 1e-9
"""Share of a group in one cluster from which nothing is left of that cluster's residual, up to rounding."""
NORMAL_KURTOSIS = 3.0  # fourth moment of a normal law over its squared variance
Parts = tuple[Floats, Floats, Floats, Floats]


class Spread(NamedTuple):
    """Squared standard error of a contrast, and Satterthwaite's degrees of freedom of it; NaN where it is not known."""

    variance: float
    freedom: float


def student_quantile(freedom: ArrayLike, level: float = 0.95) -> Floats:
    """Two-sided quantile of Student's law; the normal one where ``freedom`` is infinite.

    Examples
    --------
    >>> student_quantile([3.0, np.inf]).round(3).tolist()
    [3.182, 1.96]
    """
    normal = normal_quantile(level)
    f = np.asarray(freedom, dtype=float)
    quantile = special.stdtrit(np.where(np.isfinite(f), f, 1.0), 0.5 + level / 2)
    return np.asarray(np.where(np.isposinf(f), normal, np.where(np.isnan(f), np.nan, quantile)))


def too_few_clusters(count: float) -> str:
    """Why nothing can be said of so few clusters; nothing where there are enough.

    Examples
    --------
    >>> too_few_clusters(3), too_few_clusters(5)
    ('cannot say: 3 clusters, fewer than 5', '')
    """
    return f"cannot say: {count:g} clusters, fewer than {FEWEST_CLUSTERS}" if count < FEWEST_CLUSTERS else ""


@dataclass(frozen=True, eq=False)
class ClusterSums:
    r"""Sums by cluster and group, from which every contrast of group means has its variance.

    Attributes
    ----------
    weight, square : ndarray of shape (clusters, groups)
        Sums of weights, and of their squares.
    residual : ndarray of shape (clusters, groups)
        Sums of weighted residuals in standard deviations of the group.
    mean, deviation : ndarray of shape (groups,)
        Weighted mean of each group, and the standard deviation of its rows; NaN and 0 without rows.
    excess : ndarray of shape (groups,)
        Kurtosis of the rows of each group beyond that of a normal law, at least 0; of shares p it is 1 / p (1 - p) - 6.
    correlation : float
        Estimated correlation of two rows of one cluster, at least 0.

    References
    ----------
    Bell and McCaffrey (2002), Survey Methodology 28(2), 169–181; Pustejovsky and Tipton (2018),
    doi:10.1080/07350015.2016.1247004.

    Examples
    --------
    Forty clusters of two copies are worth forty rows:

    >>> x = np.repeat(np.arange(40) % 2, 2)
    >>> sums = ClusterSums.of(x, np.zeros(80, dtype=int), 1, clusters=np.repeat(np.arange(40), 2))
    >>> round(0.25 / sums.contrast([1.0]).variance), sums.correlation
    (39, 1.0)
    """

    weight: Floats
    square: Floats
    residual: Floats
    mean: Floats
    deviation: Floats
    excess: Floats
    correlation: float

    @classmethod
    def of(
        cls,
        values: ArrayLike,
        codes: ArrayLike,
        n_groups: int,
        *,
        clusters: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> ClusterSums:
        """Sum the rows whose group is not negative and whose weight is not 0.

        Parameters
        ----------
        values : array of shape (n,)
        codes : int array of shape (n,)
            Group of each row, ``0 … n_groups - 1``; negative: left out.
        clusters : array of shape (n,)
        sample_weight : array of shape (n,), optional
        """
        x, g = np.asarray(values, dtype=float), np.asarray(codes, dtype=np.int64)
        w = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        inside = (g >= 0) & (w > 0)
        x, g, w = x[inside], g[inside], w[inside]
        cluster = np.unique(np.asarray(clusters)[inside], return_inverse=True)[1]
        count = int(cluster.max(initial=-1)) + 1

        def summed(rows: Floats) -> Floats:
            sums = np.bincount(cluster * n_groups + g, rows, count * n_groups)
            return np.asarray(sums, dtype=float).reshape(count, n_groups)

        weight, square = summed(w), summed(w**2)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(g, w * x, n_groups) / weight.sum(axis=0)
            off = x - mean[g]
            deviation = np.sqrt(np.nan_to_num(np.bincount(g, w * off**2, n_groups) / weight.sum(axis=0)))
            # What is left of equal values by rounding is no deviation.
            deviation = np.where(deviation > 1e-12 * np.maximum(1.0, np.abs(mean)), deviation, 0.0)
            scaled = np.where(deviation[g] > 0, off / deviation[g], 0.0)
            fourth = np.bincount(g, w * scaled**4, n_groups) / weight.sum(axis=0)
        excess = np.maximum(np.nan_to_num(fourth) - NORMAL_KURTOSIS, 0.0)
        residual = summed(w * scaled)
        within = np.asarray(np.bincount(cluster, w * scaled**2, count), dtype=float)
        return cls(weight, square, residual, mean, deviation, excess, _correlation(weight, square, residual, within))

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """Clusters that each group has rows in ``(groups,)``."""
        return np.asarray((self.weight > 0).sum(axis=0))

    @cached_property
    def copies(self) -> Floats:
        r"""Rows that each group is worth if those of a cluster are copies: :math:`W_a^2 / \sum_c W_{ca}^2`."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.weight.sum(axis=0) ** 2 / (self.weight**2).sum(axis=0))

    @cached_property
    def rows(self) -> Floats:
        r"""Rows that each group would be worth without clusters (Kish): :math:`W_a^2 / \sum w^2`."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.weight.sum(axis=0) ** 2 / self.square.sum(axis=0))

    def contrast(self, coefficients: ArrayLike) -> Spread:
        r"""Squared standard error of :math:`\sum_a k_a m_a` (CR2) and its degrees of freedom.

        :math:`\sum_c a_c^2 r_c^2` with :math:`a_c^2 = E s_c^2 / E r_c^2`, both expectations under a working model: rows
        of a cluster are correlated by the estimated `correlation`, rows of two clusters are not. The sum then is right
        on average where the model is, and nearly so where it is not. Its degrees of freedom are
        :math:`(\sum_c a_c^2 C_{cc})^2 / \sum_{cd} a_c^2 a_d^2 C_{cd}^2` with the covariances C of the residuals.
        Rare values make the variance itself uncertain, see `_rarity`: its addition to 1 / freedom is shared by the
        groups as they share the variance. NaN where a group of the contrast has rows in fewer than five clusters.
        """
        k = np.asarray(coefficients, dtype=float)
        if (self.count[k != 0] < FEWEST_CLUSTERS).any():
            return Spread(np.nan, np.nan)
        spread = self._normal(k)
        groups = np.flatnonzero(k)
        alone = np.array([k[a] ** 2 * self._alone[a].variance for a in groups])
        if not alone.sum() > 0:
            return spread
        rare = sum(self._rarity(int(a)) * v**2 for a, v in zip(groups, alone, strict=True)) / alone.sum() ** 2
        return Spread(spread.variance, 1 / (1 / spread.freedom + float(rare)))

    @cached_property
    def each(self) -> list[Spread]:
        """`contrast` of each group's mean alone."""
        return [self.contrast(one) for one in np.eye(len(self.mean))]

    @cached_property
    def _alone(self) -> list[Spread]:
        """Spread of each group's mean, as of normal values."""
        return [self._normal(one) for one in np.eye(len(self.mean))]

    def _rarity(self, group: int) -> float:
        r"""What rare values add to the squared relative error of the variance, halved: :math:`(1 - 1/D)^2 \kappa / n`.

        A variance of n independent values of excess kurtosis :math:`\kappa` has the squared relative error
        :math:`(2 + \kappa) / n`, of which Satterthwaite's freedom knows the first term only. The second counts twice:
        where few rare values are drawn the mean and its variance are small together. Only the part of the variance that
        clusters add, by the design effect D, has to be estimated from them.
        """
        variance = self._alone[group].variance
        if not variance > 0:
            return 0.0
        rows = float(self.rows[group])
        worth = min(float(self.deviation[group]) ** 2 / variance, rows)
        return float((1 - worth / rows) ** 2 * self.excess[group] / worth)

    def _normal(self, k: Floats) -> Spread:
        """Variance and freedom of a contrast, as if the sums of clusters were normal."""
        at = np.flatnonzero(k)
        weight, square = self.weight[:, at], self.square[:, at]
        total = weight.sum(axis=0)
        scale = np.where(total > 0, k[at] * self.deviation[at] / np.where(total > 0, total, 1.0), 0.0)
        diagonal, side, core, cross = _parts(weight, square, scale, self.correlation)
        expected = diagonal + cross
        visible = expected > NEARLY_ONE * diagonal.sum()
        factor = np.where(visible, diagonal / np.where(visible, expected, 1.0), 0.0)
        inner = (side * factor[:, None]).T @ side @ core
        squares = float(np.trace(inner @ inner) + (factor**2 * (diagonal**2 + 2 * diagonal * cross)).sum())
        variance = float((factor * (self.residual[:, at] @ scale) ** 2).sum())
        freedom = float((factor * expected).sum()) ** 2 / squares if squares > 0 else np.nan
        return Spread(variance, freedom)


def _parts(weight: Floats, square: Floats, scale: Floats, correlation: float) -> Parts:
    r"""Covariances of the residuals under the working model, as a diagonal and a product of few columns.

    With :math:`V_c = (1 - \rho)\,\mathrm{diag}(\sum w^2) + \rho W_c W_c^\top` of the groups' sums in cluster c,
    :math:`y_c = V_c \ell`, :math:`u_c = W_c \circ \ell / W` and :math:`V = \sum V_c`, residuals have the covariance
    :math:`C_{cd} = [c = d]\, \ell^\top y_c - y_c^\top u_d - u_c^\top y_d + u_c^\top V u_d`.

    Returns
    -------
    diagonal : (clusters,), the first term; side : (clusters, 2 groups), the rows (y, u); core : the matrix between two
    rows of ``side`` that makes the rest; cross : (clusters,), the rest where c = d.
    """
    groups = weight.shape[1]
    total = weight.sum(axis=0)
    y = correlation * (weight @ scale)[:, None] * weight + (1 - correlation) * square * scale
    u = weight / np.where(total > 0, total, 1.0) * scale
    whole = correlation * weight.T @ weight + (1 - correlation) * np.diag(square.sum(axis=0))
    one = np.eye(groups)
    # u is already scaled by the coefficients, and T is the sum of all groups' errors: V enters unscaled.
    core = np.block([[np.zeros((groups, groups)), -one], [-one, whole]])
    side = np.hstack([y, u])
    return y @ scale, side, core, ((side @ core) * side).sum(axis=1)


def _correlation(weight: Floats, square: Floats, residual: Floats, within: Floats) -> float:
    r"""Correlation of two rows of one cluster, from the sums of squares within and between clusters, all groups pooled.

    The square within, :math:`\sum w r^2 - r_c^2 / W_c` summed over clusters, is on average
    :math:`\omega^2 \sum_c (W_c - \sum w^2 / W_c)`; that between, :math:`\sum_c r_c^2`, is :math:`\omega^2 A + \tau^2 B`
    with A and B from the working model. The correlation is :math:`\tau^2 / (\tau^2 + \omega^2)`, no less than 0.
    """
    if len(weight) == 0:
        return 0.0
    total, between = weight.sum(axis=1), residual.sum(axis=1)
    one = np.ones(weight.shape[1])
    spread = float((total - square.sum(axis=1) / total).sum())
    rows = float((within - between**2 / total).sum()) / spread if spread > NEARLY_ONE * total.sum() else 0.0
    rows = rows if rows > NEARLY_ONE else 0.0
    (diagonal, _, _, cross), (same, _, _, shared) = (_parts(weight, square, one, rho) for rho in (0.0, 1.0))
    slope = float((same + shared).sum())
    alike = max(0.0, float((between**2).sum()) - rows * float((diagonal + cross).sum())) / slope if slope > 0 else 0.0
    return alike / (alike + rows) if alike + rows > 0 else 0.0
