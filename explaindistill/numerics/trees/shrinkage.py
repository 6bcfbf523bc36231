r"""Hierarchical shrinkage of the values of a tree, and how strong it should be.

Each node is pulled towards its parent, the more so the fewer rows the parent has. The strength is chosen on rows that
growth did not see, and is 0 unless another one is better there by more than chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["STRENGTHS", "best_strength", "cross_entropy", "shrunk", "unshrunk"]

Floats = NDArray[np.float64]
STRENGTHS = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Strengths that are tried, in rows: none, then about evenly on the logarithm from less than a row to a small leaf."""
FLOOR = 1e-4
"""Least probability that a held-out answer counts with: a row that a pure leaf gets wrong costs 9.2 nats, not
infinity."""


def shrunk(
    value: Floats,
    total: Floats,
    feature: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    strength: float,
) -> Floats:
    r"""Hierarchical shrinkage: :math:`v_c = v_p + (\bar y_c - \bar y_p) / (1 + \lambda / W_p)` from the root down.

    c is a child of node p with the mean :math:`\bar y_c`, :math:`W_p` the weight of the parent, :math:`\lambda` the
    strength; the root keeps its mean.

    Parameters
    ----------
    value : ndarray, shape (n_nodes, m)
        Means of the nodes.
    total : ndarray, shape (n_nodes,)
        Weights of the nodes.
    strength : float, at least 0
        0 leaves the means as they are.

    References
    ----------
    Agarwal, Tan, Ronen, Singh and Yu (2022), Hierarchical Shrinkage, ICML, arXiv:2202.00858.
    """
    if strength == 0:
        return value
    out = value.copy()
    for node in np.flatnonzero(feature >= 0):
        for child in (left[node], right[node]):
            out[child] = out[node] + (value[child] - value[node]) / (1 + strength / total[node])
    return out


def unshrunk(
    value: Floats,
    total: Floats,
    feature: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    strength: float,
) -> Floats:
    """Means of the nodes from their shrunk values: the inverse of :func:`shrunk`, with the same arguments."""
    if strength == 0:
        return value
    mean = value.copy()
    for node in np.flatnonzero(feature >= 0):
        for child in (left[node], right[node]):
            mean[child] = mean[node] + (value[child] - value[node]) * (1 + strength / total[node])
    return mean


def cross_entropy(P: Floats, Q: Floats) -> Floats:
    r"""Cross-entropy ``(n,)`` in nats of answers ``Q`` from labels ``P``, both ``(n, k)``.

    :math:`-\sum_j p_{ij} \log q_{ij}` for row i over classes j; answers count as 1e-4 or more, divided by their sum.

    Examples
    --------
    >>> cross_entropy(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[0.5, 0.5], [0.0, 1.0]])).round(2).tolist()
    [0.69, 9.21]
    """
    floored = np.maximum(Q, FLOOR)
    return -np.einsum("ij,ij->i", P, np.log(floored / floored.sum(axis=1, keepdims=True)))


def best_strength(losses: Floats, count: Floats) -> int:
    r"""Position of the strength with the least mean loss, or 0, the first, where it is not better by a standard error.

    With :math:`g_i` the loss that row i saves against no shrinkage, :math:`n_i` the rows it stands for and
    :math:`n = \sum_i n_i`, the mean saving :math:`\bar g` has the standard error
    :math:`\sqrt{\sum_i n_i (g_i - \bar g)^2} / n`.

    Parameters
    ----------
    losses : ndarray, shape (n, s)
        Loss of each held-out row under each strength, that of no shrinkage first.
    count : ndarray, shape (n,)
        How many rows each row stands for.

    Examples
    --------
    >>> noisy = np.tile([[1.0, 0.0], [0.0, 0.9]], (5, 1))
    >>> best_strength(noisy, np.ones(10)), best_strength(noisy, np.full(10, 100.0))
    (0, 1)
    """
    rows = count.sum()
    mean = count @ losses / rows
    best = int(np.argmin(np.round(mean, 12)))  # of means that differ by rounding only the weakest strength
    gain = losses[:, 0] - losses[:, best]
    middle = mean[0] - mean[best]
    error = np.sqrt(count @ (gain - middle) ** 2) / rows
    return best if middle > error * (1 + 1e-9) else 0  # more than the error, by more than rounding
