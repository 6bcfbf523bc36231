"""Near neighbours of mixed rows: exact for small data, within random-projection leaves for large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from explaindistill.data.schema import Schema

__all__ = ["gaps", "nearest", "positions"]

EXACT_ROWS = 4_000
"""Up to here every row is compared with every other one."""
LEAF_ROWS = 512
"""Rows of a leaf, which are compared with each other: a block of distances that fits into the cache."""
N_TREES = 3
"""Partitions whose neighbours are merged: a row cut off from its neighbours in one lies among them in another."""
_PARTITION_SEED = 20_060_820
"""Any number, but always the same: neighbours do not depend on the caller's seed."""


def positions(Z: NDArray[np.float64], schema: Schema) -> NDArray[np.float32]:
    r"""Rows as points whose squared distances weigh every column alike.

    A number becomes its normal-free mid-rank in [0, 1], scaled to unit variance; a category becomes a one-hot row over
    :math:`\sqrt 2`, so that two different ones lie 1 apart; missing is a level of its own.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Encoded by ``schema``.

    Returns
    -------
    ndarray of float32, shape (n, q)
    """
    n = len(Z)
    parts: list[NDArray[np.float32]] = []
    for i, feature in enumerate(schema.features):
        z = Z[:, i]
        gone = np.isnan(z)
        if feature.is_category:
            parts.append(_levels(np.where(gone, len(feature.categories), z)))
            continue
        rank: NDArray[np.float64] = np.full(n, 0.5)
        if (present := ~gone).any():
            rank[present] = (rankdata(z[present]) - 0.5) / present.sum()
        spread = float(rank.std())
        if spread > 0:
            parts.append(((rank - 0.5) / (2.0**0.5 * spread)).astype(np.float32)[:, None])
        if gone.any():
            parts.append(gone.astype(np.float32)[:, None])
    return np.concatenate(parts, axis=1) if parts else np.zeros((n, 1), dtype=np.float32)


def _levels(codes: NDArray[np.float64], most: int = 32) -> NDArray[np.float32]:
    """One-hot rows over the square root of 2; the rarest of more than ``most`` levels share one column."""
    levels, at, count = np.unique(codes, return_inverse=True, return_counts=True)
    if len(levels) > most:
        rank = np.argsort(np.argsort(-count, kind="stable"), kind="stable")
        at = np.minimum(rank, most - 1)[at]
    out = np.zeros((len(codes), min(len(levels), most)), dtype=np.float32)
    out[np.arange(len(codes)), at] = np.float32(0.5**0.5)
    return out


def gaps(points: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distance ``(n,)`` from each point to the nearest of the others.

    Examples
    --------
    >>> gaps(np.array([[0.0, 0.0], [3.0, 4.0]], dtype=np.float32), np.zeros((2, 2), dtype=np.float32)).tolist()
    [0.0, 5.0]
    """
    square = np.einsum("ij,ij->i", others, others)
    out = np.empty(len(points))
    for start in range(0, len(points), 256):
        block = points[start : start + 256]
        inner = block @ others.T
        at = (square - 2.0 * inner).argmin(axis=1)
        # the differences themselves: the squares above cancel where points are equal
        out[start : start + 256] = np.sqrt(((block.astype(float) - others[at].astype(float)) ** 2).sum(axis=1))
    return out


def nearest(points: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Positions ``(n, k)`` of the k nearest other rows, in no order; the partition is seeded, so runs agree.

    Beyond ``EXACT_ROWS`` rows the search stays within the leaves of a few balanced random-projection trees and keeps
    the nearest of all of them (Dasgupta and Freund 2008, doi:10.1145/1374376.1374452).
    """
    n = len(points)
    k = min(k, n - 1)
    if k < 1:
        return np.zeros((n, 1), dtype=np.int64)
    best = np.full((n, k), -1, dtype=np.int64)
    far = np.full((n, k), np.inf, dtype=np.float32)
    if n <= EXACT_ROWS:
        _search(points, np.arange(n), best, far)
        return best
    rng = np.random.default_rng(_PARTITION_SEED)
    for _ in range(N_TREES):
        for leaf in _leaves(points, rng):
            _search(points, leaf, best, far)
    return best


def _leaves(points: NDArray[np.float32], rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Balanced leaves: each node is cut at the median of a random direction."""
    waiting, leaves = [np.arange(len(points))], []
    while waiting:
        rows = waiting.pop()
        if len(rows) <= LEAF_ROWS:
            leaves.append(rows)
            continue
        direction = rng.standard_normal((points.shape[1],)).astype(np.float32)
        ranked = rows[np.argpartition(points[rows] @ direction, len(rows) // 2)]
        waiting += [ranked[: len(rows) // 2], ranked[len(rows) // 2 :]]
    return leaves


def _search(
    points: NDArray[np.float32], rows: NDArray[np.intp], best: NDArray[np.int64], far: NDArray[np.float32]
) -> None:
    """Better neighbours for ``rows`` among themselves, written into ``best`` and ``far``."""
    points_inside = points[rows]
    square = np.einsum("ij,ij->i", points_inside, points_inside)
    k = best.shape[1]
    for start in range(0, len(rows), 1024):
        block = slice(start, start + 1024)
        gap: NDArray[np.float32] = (
            square[block, None] + square[None, :] - 2.0 * (points_inside[block] @ points_inside.T)
        )
        at = np.arange(start, start + len(gap))
        gap[at - start, at] = np.inf
        near = np.argpartition(gap, min(k, gap.shape[1]) - 1, axis=1)[:, :k]
        distances = np.take_along_axis(gap, near, axis=1)
        _merge(rows[block], rows[near], distances, best, far)


def _merge(
    rows: NDArray[np.intp],
    near: NDArray[np.intp],
    gap: NDArray[np.float32],
    best: NDArray[np.int64],
    far: NDArray[np.float32],
) -> None:
    k = best.shape[1]
    both = np.concatenate([best[rows], near], axis=1)
    gaps = np.concatenate([far[rows], gap], axis=1)
    by_id = np.argsort(both, axis=1, kind="stable")
    both, gaps = np.take_along_axis(both, by_id, axis=1), np.take_along_axis(gaps, by_id, axis=1)
    gaps[:, 1:][both[:, 1:] == both[:, :-1]] = np.inf
    keep = np.argsort(gaps, axis=1, kind="stable")[:, :k]
    best[rows] = np.take_along_axis(both, keep, axis=1)
    far[rows] = np.take_along_axis(gaps, keep, axis=1)
