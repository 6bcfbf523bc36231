"""Does a student group the rows as the teacher does? Leaves against clusters of the teacher's own space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.spatial.distance import pdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, row

__all__ = ["distance_correlation", "geometry"]

Floats = NDArray[np.float64]
MOST_ROWS = 1_000
"""Rows whose distances are compared. A trade-off: the tables of distances have the square of it as cells, and are made
once for every fold of the jackknife."""
FEWEST = 10
"""Rows without which the ten folds of the jackknife would be empty."""
FOLDS = 10
"""Of the jackknife: each leaves out one tenth. A trade-off between degrees of freedom and time."""
STARTS = 3
"""Of k-means, the best is taken. A trade-off: more starts find a slightly better optimum and take as much longer."""


def geometry(
    E: ArrayLike,
    leaves: ArrayLike,
    *,
    rng: np.random.Generator | int = 0,
    n_bootstrap: int = 200,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    r"""Match of a partition of the rows with the teacher's space.

    With :math:`n_{ab}` rows in leaf a and cluster b, :math:`n_a` and :math:`n_b` in either, the adjusted Rand index is
    :math:`(R - E) / (M - E)` with :math:`R = \sum_{ab} \binom{n_{ab}}{2}`,
    :math:`E = \sum_a \binom{n_a}{2} \sum_b \binom{n_b}{2} / \binom{n}{2}`, and M the mean of these two sums.

    Parameters
    ----------
    E : array of shape (n, h)
        The teacher's hidden layer, or its logits; scaled to unit variance here.
    leaves : array of shape (n,)
        Group of each row in the student: the leaf of a tree, the rule of a list.
    rng : Generator or int
        At most 1,000 rows are drawn; starts of the clusters; the bootstrap.
    n_bootstrap : int
        Draws of rows for the intervals; the clusters stay.
    level, subject
        As in the other measures.

    Returns
    -------
    DataFrame
        Canonical columns. ``adjusted_rand``: of the leaves and as many k-means clusters of the teacher's space (1 the
        same groups, 0 as by chance). ``distance_correlation``: of distances in that space and of being in different
        leaves, bias-corrected (0 for independence; may fall below 0). ``n`` counts the rows, ``k`` the leaves.

    References
    ----------
    Hubert and Arabie (1985), doi:10.1007/BF01908075; Székely and Rizzo (2014), doi:10.1214/14-AOS1255.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> side = rng.integers(2, size=300)
    >>> E = np.column_stack([5.0 * side, rng.normal(size=300)])
    >>> float(geometry(E, side)["estimate"].iloc[0])
    1.0
    >>> bool(geometry(E, rng.integers(2, size=300))["estimate"].abs().max() < 0.1)
    True
    """
    space, groups = np.asarray(E, dtype=float), np.asarray(leaves)
    if space.ndim != 2 or len(space) != len(groups):
        raise InvalidInputError(f"E must be (n, h) with one row per leaf number, {len(groups)}, got {space.shape}")
    if len(space) < FEWEST:
        raise InvalidInputError(f"E must have at least {FEWEST} rows, got {len(space)}")
    generator = np.random.default_rng(rng)
    at = np.sort(generator.permutation(len(space))[:MOST_ROWS])
    space = StandardScaler().fit_transform(space[at])
    codes = np.unique(groups[at], return_inverse=True)[1]
    n_groups = int(codes.max()) + 1
    seed = int(generator.integers(2**31))
    if n_groups > 1:
        clusters = KMeans(n_groups, n_init=STARTS, random_state=seed).fit_predict(space)
    else:
        clusters = np.zeros_like(codes)
    draws = [generator.integers(len(at), size=len(at)) for _ in range(n_bootstrap)]
    rand = [adjusted_rand_score(clusters[d], codes[d]) for d in draws]
    folds = np.array_split(generator.permutation(len(at)), FOLDS)
    rest = [np.setdiff1d(np.arange(len(at)), fold) for fold in folds]
    remaining = [distance_correlation(space[r], codes[r]) for r in rest]
    figures = {
        "adjusted_rand": _bootstrapped(adjusted_rand_score(clusters, codes), rand, level),
        "distance_correlation": _jackknifed(distance_correlation(space, codes), remaining, level),
    }
    return frame(_line(metric, *figure, len(at), n_groups) | {"subject": subject} for metric, figure in figures.items())


Figure = tuple[float, float, float, str]
"""Estimate, low limit, high limit, and how the limits were computed."""


def _line(metric: str, estimate: float, low: float, high: float, method: str, n: int, n_groups: int) -> dict[str, Any]:
    if n_groups < 2 or np.isnan(estimate):
        return row(metric, np.nan, np.nan, np.nan, n=n, status="undefined", reason="a single group")
    return row(metric, estimate, low, high, n=n, k=n_groups, method=method)


def _bootstrapped(estimate: float, draws: list[float], level: float) -> Figure:
    r"""Estimate with the spread of the bootstrap around its own centre.

    Equal rows, which a bootstrap makes, are always together: all draws lie too high alike. So the distances from the
    quantiles q of the draws to their median are laid on the estimate: :math:`\hat e - (q_{.5} - q_{low})` to
    :math:`\hat e + (q_{high} - q_{.5})`.
    """
    low, centre, high = np.quantile(draws, [(1 - level) / 2, 0.5, (1 + level) / 2])
    return estimate, estimate - (centre - low), estimate + (high - centre), "bootstrap"


def _jackknifed(estimate: float, remaining: list[float], level: float) -> Figure:
    r"""Estimate with the delete-a-tenth jackknife: equal rows, which a bootstrap makes, would have distance 0.

    With :math:`e_f` of all rows but fold f of F, the variance is :math:`\frac{F-1}{F} \sum_f (e_f - \bar e)^2`, at
    F - 1 degrees of freedom (Shao and Wu, 1989, doi:10.1214/aos/1176347263).
    """
    n_folds = len(remaining)
    error = np.sqrt((n_folds - 1) / n_folds * ((np.array(remaining) - np.mean(remaining)) ** 2).sum())
    half = float(stats.t.ppf(0.5 + level / 2, n_folds - 1) * error)
    return estimate, estimate - half, estimate + half, "jackknife"


def distance_correlation(E: Floats, groups: NDArray[np.intp]) -> float:
    r"""Bias-corrected distance correlation of points and a partition of them.

    With U-centred distances A of the points and B of being in different groups (1 or 0), over rows i and j,
    :math:`\sum_{ij} A_{ij} B_{ij} / \sqrt{\sum_{ij} A_{ij}^2 \sum_{ij} B_{ij}^2}`. The common factor
    :math:`1 / n(n-3)` of the three sums falls out.

    Parameters
    ----------
    E : array of shape (n, h), at least 5 rows
    groups : array of int, shape (n,)

    Returns
    -------
    float
        NaN where all points, or all groups, are the same.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> side = rng.integers(2, size=200)
    >>> E = np.column_stack([5.0 * side + rng.normal(size=200), rng.normal(size=200)])
    >>> distance_correlation(E, side) > 0.8, abs(distance_correlation(E, rng.permutation(side))) < 0.05
    (True, True)
    >>> distance_correlation(E, np.zeros(200, dtype=int))
    nan
    """
    A = _centred(_square(pdist(E), len(E)))
    B = _centred((groups[:, None] != groups[None, :]).astype(float))
    norms = (A * A).sum() * (B * B).sum()
    return float((A * B).sum() / np.sqrt(norms)) if norms > 0 else float("nan")


def _square(condensed: Floats, n: int) -> Floats:
    """Symmetric table of the distances above its diagonal, row by row."""
    out = np.zeros((n, n))
    out[np.triu_indices(n, 1)] = condensed
    return out + out.T


def _centred(D: Floats) -> Floats:
    r"""U-centred distances with a zero diagonal.

    :math:`D_{ij} - \frac{1}{n-2} \sum_l D_{il} - \frac{1}{n-2} \sum_l D_{lj} + \frac{1}{(n-1)(n-2)} \sum_{kl} D_{kl}`
    for :math:`i \ne j` (Székely and Rizzo, 2014, definition 2): the divisors n - 2 and n - 1 in place of n take the
    bias away.
    """
    n = len(D)
    rows = D.sum(axis=1, keepdims=True) / (n - 2)
    out = D - rows - rows.T + D.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(out, 0.0)
    return np.asarray(out)
