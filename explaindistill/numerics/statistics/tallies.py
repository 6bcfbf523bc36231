r"""Counts, shares and means by group, with the number of independent rows that they are worth.

Rows i of the weights :math:`w_i` are worth :math:`(\sum_i w_i)^2 / \sum_i w_i^2` rows of one weight (Kish 1965, Survey
Sampling). ``g`` numbers groups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.clusters import ClusterSums, student_quantile
from explaindistill.numerics.statistics.intervals import normal_quantile
from explaindistill.numerics.statistics.members import Member

__all__ = ["Smooth", "Tally", "group_means", "mean_function", "row_labels", "tally", "weights_of"]


GRADIENT_STEP = 1e-6  # relative; see mean_function


@dataclass(frozen=True)
class Tally:
    """Successes per group.

    Attributes
    ----------
    n, k : ndarray of float, shape (groups,)
        Rows and successes, unweighted.
    share : ndarray
        Weighted share of successes; NaN without rows.
    n_effective : ndarray
        Independent unweighted rows that are worth as much as these: Kish's formula for weights, the variance
        between clusters for clusters (NaN with fewer than five of them).
    weight : ndarray
        Sum of the weights; ``n`` where there are none.
    members : tuple of Member
        What the clusters say of each group; empty where rows are independent.
    """

    n: NDArray[np.float64]
    k: NDArray[np.float64]
    share: NDArray[np.float64]
    n_effective: NDArray[np.float64]
    weight: NDArray[np.float64]
    members: tuple[Member, ...] = ()

    @property
    def k_effective(self) -> NDArray[np.float64]:
        """Successes among the effective rows; 0 where there are none."""
        return np.where(self.n_effective > 0, np.nan_to_num(self.share) * self.n_effective, 0.0)

    def worth(self, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Successes and rows for an interval with the normal quantile of ``level``; see `Member.worth`."""
        if not self.members:
            return self.k_effective, self.n_effective
        n = np.array([member.worth(level) for member in self.members])
        n = np.where(self.n > 0, n, 0.0)
        return np.where(n > 0, np.nan_to_num(self.share) * n, 0.0), n


def weights_of(sample_weight: ArrayLike | None, n: int) -> NDArray[np.float64]:
    """Weights ``(n,)``, ones when None; they must be finite, non-negative and not all zero."""
    if sample_weight is None:
        return np.ones(n)
    w = np.asarray(sample_weight, dtype=float).ravel()
    if len(w) != n:
        raise InvalidInputError(f"sample_weight must have one number per row: {n} rows, got {len(w)}")
    if not np.isfinite(w).all() or (w < 0).any() or (n and w.sum() <= 0):
        raise InvalidInputError("sample_weight must be finite, non-negative and not all zero")
    return w


def row_labels(clusters: ArrayLike, n: int) -> NDArray[Any]:
    """Clusters ``(n,)``, one label per row; text, numbers or anything that can be told apart.

    Examples
    --------
    >>> row_labels(["north", "south"], 2).tolist()
    ['north', 'south']
    """
    labels = np.asarray(clusters).ravel()
    if len(labels) != n:
        raise InvalidInputError(f"clusters must have one entry per row: {n} rows, got {len(labels)}")
    return labels


def tally(
    success: ArrayLike,
    codes: ArrayLike,
    n_groups: int,
    *,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
) -> Tally:
    """Count rows and successes of each group.

    Parameters
    ----------
    success : bool array of shape (n,)
    codes : int array of shape (n,)
        Group of each row, ``0 … n_groups - 1``; rows with a negative code are left out.
    sample_weight : array of shape (n,), optional
        Rows of weight 0 are left out.
    clusters : array of shape (n,), optional
        Rows of one cluster are not independent (visits of one patient, say).

    Examples
    --------
    >>> t = tally([True, False, True], [0, 0, 1], 2)
    >>> t.share.tolist(), t.n.tolist()
    ([0.5, 1.0], [2.0, 1.0])
    """
    x, g = np.asarray(success, dtype=bool), np.asarray(codes, dtype=np.int64)
    w = None if sample_weight is None else weights_of(sample_weight, len(x))
    inside = g >= 0 if w is None else (g >= 0) & (w > 0)
    labels = None if clusters is None else row_labels(clusters, len(x))
    if not inside.all():
        x, g = x[inside], g[inside]
        w = None if w is None else w[inside]
        labels = None if labels is None else labels[inside]
    n = np.bincount(g, minlength=n_groups).astype(float)
    k = np.bincount(g[x], minlength=n_groups).astype(float)
    total = n if w is None else np.bincount(g, w, n_groups)
    hits = k if w is None else np.bincount(g[x], w[x], n_groups)
    with np.errstate(invalid="ignore"):
        share = hits / total
        effective = n if w is None else total**2 / np.bincount(g, w**2, n_groups)
    effective = np.where(n > 0, np.minimum(effective, n), 0.0)
    share = np.where(n > 0, np.clip(share, 0, 1), np.nan)
    if labels is None:
        return Tally(n, k, share, effective, np.asarray(total, dtype=float))
    sums = ClusterSums.of(x, g, n_groups, clusters=labels, sample_weight=w)
    members = tuple(Member(sums, a, float(min(p, 1 - p))) for a, p in enumerate(np.nan_to_num(share)))
    worth = np.array([member.n_effective for member in members])
    return Tally(n, k, share, np.where(n > 0, worth, 0.0), np.asarray(total, dtype=float), members)


def group_means(
    values: ArrayLike,
    codes: ArrayLike,
    n_groups: int,
    *,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    r"""Weighted mean of each group, its standard error and Student's quantile at the effective rows.

    :math:`\bar v = \sum_i w_i v_i / \sum_i w_i` with the squared error :math:`\frac{n}{n - 1} \sum_i w_i^2 (v_i - \bar
    v)^2 / (\sum_i w_i)^2`; the quantile has the effective rows less one as its degrees of freedom, at least one half.
    With clusters both are those of `ClusterSums.contrast`.

    Returns
    -------
    mean, standard_error, quantile : ndarray of shape (n_groups,)
        Standard error and quantile are NaN below two rows (or five clusters).
    """
    normal_quantile(level)
    v, g = np.asarray(values, dtype=float), np.asarray(codes, dtype=np.int64)
    w = weights_of(sample_weight, len(v))
    inside = (g >= 0) & (w > 0)
    v, g, w = v[inside], g[inside], w[inside]
    n = np.bincount(g, minlength=n_groups)
    total = np.bincount(g, w, n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(g, w * v, n_groups) / total
        effective = total**2 / np.bincount(g, w**2, n_groups)
        square = np.bincount(g, (w * (v - mean[g])) ** 2, n_groups) / total**2
        error = np.sqrt(square * n / (n - 1))
    if clusters is not None:
        sums = ClusterSums.of(v, g, n_groups, clusters=np.asarray(clusters)[inside], sample_weight=w)
        spread = np.array(sums.each)
        certain = spread[:, 0] == 0  # values that are all alike leave no degrees of freedom, and need none
        quantile = np.where(certain, 0.0, student_quantile(spread[:, 1], level))
        return np.where(n > 0, mean, np.nan), np.sqrt(spread[:, 0]), quantile
    error = np.where(n > 1, error, np.nan)
    freedom = np.where(n > 1, np.maximum(effective - 1, 0.5), np.nan)
    return np.where(n > 0, mean, np.nan), error, special.stdtrit(freedom, 0.5 + level / 2)


class Smooth(NamedTuple):
    """A smooth function of means, its standard error, and the degrees of freedom of that (infinite without clusters).

    Examples
    --------
    >>> Smooth(0.5, 0.1, np.inf).limits(0.95)[0].round(3).item()
    0.304
    """

    estimate: float
    standard_error: float
    freedom: float

    def limits(self, level: float) -> NDArray[np.float64]:
        """Both limits with Student's quantile ``(2,)``, the normal one where the freedom is infinite."""
        half = student_quantile(self.freedom, level) * self.standard_error
        return np.array([self.estimate - half, self.estimate + half])


def mean_function(
    moments: NDArray[np.float64],
    function: Callable[[NDArray[np.float64]], float],
    *,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
) -> Smooth:
    r"""Value and standard error of a smooth function of means, by the delta method.

    Row i with the share :math:`u_i` of the weight moves the value by :math:`u_i \nabla f(\bar m)^\top (m_i - \bar m)`;
    the squared error is :math:`\frac{n}{n - 1}` times the sum of the squares; with clusters it is that of the mean of
    :math:`\nabla f(\bar m)^\top m_i` by `ClusterSums.contrast`. The
    gradient is a central difference with steps of a millionth, about the cube root of float64's precision, where its
    error is least.

    Parameters
    ----------
    moments : ndarray of shape (n, q)
        One row of numbers per row of data, whose means the function takes.
    function : callable
        From the ``q`` means to one number, smooth near them.

    Returns
    -------
    estimate, standard_error, freedom : float
        The last two are NaN below two rows (or five clusters), or where the function is undefined.

    Examples
    --------
    The ratio of two means:

    >>> x = np.array([[1.0, 2.0], [2.0, 4.5], [3.0, 5.5]])
    >>> value, error, freedom = mean_function(x, lambda m: m[0] / m[1])
    >>> round(value, 3), round(error, 3)
    (0.5, 0.036)
    """
    w = weights_of(sample_weight, len(moments))
    if len(moments) == 0:
        return Smooth(np.nan, np.nan, np.nan)
    share = w / w.sum()
    mean = share @ moments
    estimate = float(function(mean))
    step = GRADIENT_STEP * np.maximum(np.abs(mean), GRADIENT_STEP)
    gradient = np.array(
        [
            (function(mean + h * e) - function(mean - h * e)) / (2 * h)
            for h, e in zip(step, np.eye(len(mean)), strict=True)
        ]
    )
    moved = (moments - mean) @ gradient
    n = int((w > 0).sum())
    if n < 2 or not np.isfinite(estimate) or not np.isfinite(moved).all():
        return Smooth(estimate, np.nan, np.nan)
    if clusters is None:
        return Smooth(estimate, float(np.sqrt(((share * moved) ** 2).sum() * n / (n - 1))), np.inf)
    everyone = np.zeros(len(moved), dtype=np.int64)
    spread = ClusterSums.of(moved, everyone, 1, clusters=clusters, sample_weight=w).contrast([1.0])
    return Smooth(estimate, float(np.sqrt(spread.variance)), spread.freedom)
