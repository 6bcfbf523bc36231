"""Bootstrap of rows: how often each row is drawn, and the limits that the draws give."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["percentile_limits", "row_counts"]

Floats = NDArray[np.float64]


def row_counts(n: int, n_draws: int, rng: np.random.Generator) -> Floats:
    """How often each of ``n`` rows is drawn in each bootstrap sample of n rows ``(n_draws, n)``.

    A weighted mean in every sample is one product: ``(counts * w) @ values / (counts @ w)[:, None]``.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 6.

    Examples
    --------
    >>> row_counts(4, 2, np.random.default_rng(0)).sum(axis=1).tolist()
    [4.0, 4.0]
    """
    drawn = rng.integers(0, n, (n_draws, n)) + n * np.arange(n_draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=n_draws * n).reshape(n_draws, n).astype(float)


def percentile_limits(draws: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Both limits of the middle ``level`` of the draws, along the first axis; NaN where a draw is NaN.

    Examples
    --------
    >>> low, high = percentile_limits([[0.0], [1.0], [2.0]], 0.5)
    >>> low.tolist(), high.tolist()
    ([0.5], [1.5])
    """
    tail = (1 - level) / 2
    low, high = np.quantile(np.asarray(draws, dtype=float), [tail, 1 - tail], axis=0)
    return low, high
