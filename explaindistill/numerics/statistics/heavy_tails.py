r"""Losses of which a few rows carry so much that no sample tells their mean: the index of their tail."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["HEAVY", "carried_by_few", "tail_index"]

HEAVY = 2.0
"""Index from which downwards a law has no variance, so that no central limit theorem stands behind an interval."""
ENOUGH = 500
"""Positive values from which the index is asked for. Of fewer, the allowance for unseen rows is the wider part of an
interval and holds: of KL under a logit noise of Student's t with 2 the interval holds .92 at 400 rows, .88 at 500."""
LEAST = 0.25
"""Fewest rows of the tail as a share of the root of all; see `tail_index`."""
STEPS = 5
"""Sizes of the tail that are tried between the fewest and the most."""


def tail_index(values: ArrayLike) -> float:
    r"""Hill's index of the upper tail: of a law with :math:`P(X > x) \sim x^{-\alpha}`, an estimate of :math:`\alpha`.

    With the k + 1 largest values in falling order, :math:`1/\alpha_k = \frac1k \sum_{i \le k} \log (x_i / x_{k+1})`;
    the greatest :math:`\alpha_k` of a few k between a quarter of the root of n and the root. A handful of rows of one
    kind, alike among themselves and far above the rest, are no tail, and where k is fewer than they are the index says
    so. Values of 0 are left out. Infinite below 500 positive values, which are too few to tell.

    References
    ----------
    Hill (1975), doi:10.1214/aos/1176343247.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> round(tail_index(rng.pareto(1.0, 4000)), 1), round(tail_index(rng.exponential(size=4000)), 1)
    (1.1, 8.4)
    """
    x = np.asarray(values, dtype=float)
    x = x[x > 0]
    if len(x) < ENOUGH:
        return float("inf")
    root = np.sqrt(len(x))
    most = int(root)
    log = np.log(-np.sort(-np.partition(x, len(x) - most - 1)[-most - 1 :]))
    sizes = np.unique(np.ceil(np.geomspace(LEAST * root, most, STEPS)).astype(int))
    slopes = [float((log[:k] - log[k]).mean()) for k in sizes if k <= most]
    return float("inf") if min(slopes) <= 0 else 1 / min(slopes)


def carried_by_few(values: ArrayLike) -> str:
    """Why nothing is said of the mean of these losses; empty where something is.

    Examples
    --------
    >>> carried_by_few(np.random.default_rng(0).pareto(1.0, 4000))
    'cannot say: a few rows carry most of it, and no sample of such losses tells their mean'
    """
    if tail_index(values) >= HEAVY:
        return ""
    return "cannot say: a few rows carry most of it, and no sample of such losses tells their mean"
