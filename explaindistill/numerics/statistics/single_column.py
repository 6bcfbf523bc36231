"""What one column alone tells about a target: means by bin, learnt on other rows than those they are applied to."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError

__all__ = ["bins_of", "out_of_fold_means", "out_of_fold_shares"]


def bins_of(values: ArrayLike, n_bins: int = 20) -> NDArray[np.int64]:
    """Bins of about equally many rows; each repeated value stands in one bin, missing values in one of their own.

    Bin b holds the values above the end of bin b - 1 up to its own, which is a quantile or a distinct value.

    Parameters
    ----------
    values : array of shape (n,)
        Numbers, or codes of categories: at most ``n_bins`` different values are kept apart as they are.
    n_bins : int, at least 1

    Examples
    --------
    >>> bins_of([5.0, 1.0, float("nan"), 1.0]).tolist()
    [1, 0, 2, 0]
    """
    x = np.asarray(values, dtype=float)
    gone = np.isnan(x)
    ends = np.unique(x[~gone])
    if len(ends) > n_bins:
        ends = np.unique(np.quantile(x[~gone], np.linspace(0, 1, n_bins + 1)[1:], method="lower"))
    codes = np.minimum(np.searchsorted(ends, x), max(len(ends) - 1, 0))
    return np.where(gone, len(ends), codes).astype(np.int64)


def out_of_fold_means(
    codes: ArrayLike, target: ArrayLike, rng: np.random.Generator | int = 0, n_folds: int = 5
) -> NDArray[np.float64]:
    """For each row the mean target of its bin over the rows of the other folds, shrunk by one row to their mean.

    With the sum S and the count n of the bin over the other folds and their mean m: ``(S + m) / (n + 1)``.

    Parameters
    ----------
    codes : array of int, shape (n,)
    target : array of shape (n,) or (n, m)
    n_folds : int, between 2 and n

    Examples
    --------
    >>> out_of_fold_means([0, 0, 1, 1], [0.0, 0.0, 1.0, 1.0], n_folds=4).round(2).tolist()
    [0.33, 0.33, 0.67, 0.67]
    """
    bins, y = np.asarray(codes, dtype=np.int64), np.asarray(target)
    fold = _folds(len(y), rng, n_folds)
    size = int(bins.max(initial=0)) + 1
    if y.dtype == bool:
        return _means_of_flags(bins, fold, y, size, n_folds)
    y = np.asarray(y, dtype=float)
    values = y.reshape(len(y), -1)
    out = np.empty_like(values)
    for f in range(n_folds):
        learn, held = fold != f, fold == f
        count = np.bincount(bins[learn], minlength=size)
        for j in range(values.shape[1]):
            mean = values[learn, j].mean()
            total = np.bincount(bins[learn], values[learn, j], size)
            out[held, j] = ((total + mean) / (count + 1))[bins[held]]
    return out.reshape(y.shape)


def _means_of_flags(
    bins: NDArray[np.int64], fold: NDArray[np.int64], y: NDArray[np.bool_], size: int, n_folds: int
) -> NDArray[np.float64]:
    """The same of flags, whose sums over the other folds are all sums less those of the fold, to the last bit."""
    cell = fold * size + bins
    count = np.bincount(cell, minlength=n_folds * size).reshape(n_folds, size)
    rest = count.sum(axis=0) - count
    out = np.empty((len(y), y[:1].size))
    for j, flags in enumerate(y.reshape(len(y), -1).T):
        hits = np.bincount(cell[flags], minlength=n_folds * size).reshape(n_folds, size)
        others = hits.sum(axis=0) - hits
        mean = others.sum(axis=1, keepdims=True) / rest.sum(axis=1, keepdims=True)
        out[:, j] = ((others + mean) / (rest + 1)).ravel()[cell]
    return out.reshape(y.shape)


def out_of_fold_shares(
    codes: ArrayLike, labels: ArrayLike, n_labels: int, rng: np.random.Generator | int = 0, n_folds: int = 5
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What `out_of_fold_means` gives for membership of every label, by bin and fold instead of by row.

    Rows of one bin and fold get one value, so that these few cells say all that the rows would.

    Parameters
    ----------
    codes, labels : arrays of int, shape (n,)
        Bin and label of each row.
    n_labels, rng, n_folds
        Labels are ``0 … n_labels - 1``; folds as there.

    Returns
    -------
    share : ndarray of shape (n_folds * n_bins, n_labels)
        Value that the rows of a cell get for each label.
    count : ndarray of int, the same shape
        Rows of each label in the cell.

    Examples
    --------
    >>> share, count = out_of_fold_shares([0, 0, 1, 1], [0, 0, 1, 1], 2, n_folds=4)
    >>> sorted(share[count.sum(axis=1) > 0, 1].round(2).tolist())
    [0.33, 0.33, 0.67, 0.67]
    """
    bins, y = np.asarray(codes, dtype=np.int64), np.asarray(labels, dtype=np.int64)
    fold = _folds(len(y), rng, n_folds)
    size = int(bins.max(initial=0)) + 1
    count = np.bincount((fold * size + bins) * n_labels + y, minlength=n_folds * size * n_labels)
    count = count.reshape(n_folds, size, n_labels)
    rest = count.sum(axis=0) - count
    whole = rest.sum(axis=1, keepdims=True)
    mean = whole / whole.sum(axis=2, keepdims=True)
    share = (rest + mean) / (rest.sum(axis=2, keepdims=True) + 1)
    return share.reshape(-1, n_labels), count.reshape(-1, n_labels)


def _folds(n: int, rng: np.random.Generator | int, n_folds: int) -> NDArray[np.int64]:
    """Fold of each row, all of about one size, from a shuffle."""
    if not 2 <= n_folds <= n:
        raise InvalidInputError(f"n_folds must lie between 2 and the number of rows, {n}, got {n_folds}")
    return np.asarray(np.random.default_rng(rng).permutation(n) % n_folds)
