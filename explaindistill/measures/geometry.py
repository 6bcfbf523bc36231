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

MOST_ROWS = 1_000


def geometry(
    E: ArrayLike,
    leaves: ArrayLike,
    *,
    rng: np.random.Generator | int = 0,
    n_bootstrap: int = 200,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """Match of a partition of the rows with the teacher's space.

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
        leaves, bias-corrected (0 for independence; may fall below 0).

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
    if len(space) < 10:
        raise InvalidInputError(f"E must have at least 10 rows, got {len(space)}")
    generator = np.random.default_rng(rng)
    at = np.sort(generator.permutation(len(space))[:MOST_ROWS])
    space = StandardScaler().fit_transform(space[at])
    codes = np.unique(groups[at], return_inverse=True)[1]
    n_groups = int(codes.max()) + 1
    seed = int(generator.integers(2**31))
    found = KMeans(n_groups, n_init=3, random_state=seed).fit_predict(space) if n_groups > 1 else np.zeros_like(codes)
    draws = [generator.integers(len(at), size=len(at)) for _ in range(n_bootstrap)]
    rand = [adjusted_rand_score(found[d], codes[d]) for d in draws]
    lines = [_line("adjusted_rand", adjusted_rand_score(found, codes), rand, len(at), level, subject, n_groups)]
    folds = np.array_split(generator.permutation(len(at)), 10)
    rest = [np.setdiff1d(np.arange(len(at)), fold) for fold in folds]
    own = distance_correlation(space, codes)
    left = [distance_correlation(space[r], codes[r]) for r in rest]
    lines.append(_jackknifed("distance_correlation", own, left, len(at), level, subject, n_groups))
    return frame(lines)


def _line(
    metric: str, estimate: float, draws: list[float], n: int, level: float, subject: str, n_groups: int
) -> dict[str, Any]:
    """Estimate with the spread of the bootstrap around its own centre."""
    if n_groups < 2:
        return row(metric, np.nan, np.nan, np.nan, n=n, subject=subject, status="undefined", reason="a single group")
    low, centre, high = np.quantile(draws, [(1 - level) / 2, 0.5, (1 + level) / 2])
    limits = (estimate - (centre - low), estimate + (high - centre))
    return row(metric, estimate, *limits, n=n, k=n_groups, method="bootstrap", subject=subject)


def _jackknifed(
    metric: str, estimate: float, left: list[float], n: int, level: float, subject: str, n_groups: int
) -> dict[str, Any]:
    """Estimate with the delete-a-tenth jackknife: equal rows, which a bootstrap makes, would have distance 0."""
    if n_groups < 2 or np.isnan(estimate):
        return row(metric, np.nan, np.nan, np.nan, n=n, subject=subject, status="undefined", reason="a single group")
    error = np.sqrt((len(left) - 1) / len(left) * ((np.array(left) - np.mean(left)) ** 2).sum())
    half = float(stats.t.ppf(0.5 + level / 2, len(left) - 1) * error)
    limits = (estimate - half, estimate + half)
    return row(metric, estimate, *limits, n=n, k=n_groups, method="jackknife", subject=subject)


def distance_correlation(E: NDArray[np.float64], groups: NDArray[np.intp]) -> float:
    """Bias-corrected distance correlation of points and a partition of them.

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
    own = (A * A).sum() * (B * B).sum()
    return float((A * B).sum() / np.sqrt(own)) if own > 0 else float("nan")


def _square(condensed: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    out = np.zeros((n, n))
    out[np.triu_indices(n, 1)] = condensed
    return out + out.T


def _centred(D: NDArray[np.float64]) -> NDArray[np.float64]:
    """U-centred distances with a zero diagonal."""
    n = len(D)
    rows = D.sum(axis=1, keepdims=True) / (n - 2)
    out = D - rows - rows.T + D.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(out, 0.0)
    return np.asarray(out)
