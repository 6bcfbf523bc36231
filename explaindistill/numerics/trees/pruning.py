r"""Cost-complexity pruning: nested subtrees by weakest link, the best of them chosen on rows that fitting never saw.

The subtree below node :math:`t` costs :math:`\alpha_t = \sum_{s \text{ below } t} \Delta_s / (|T_t| - 1)` of training
loss per leaf that is saved, with :math:`\Delta_s` the drop of the loss by the split at node s (t itself counts) and
:math:`|T_t|` the leaves below t; the node with the smallest :math:`\alpha` becomes a leaf first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["choose", "weakest_links"]


def weakest_links(
    gain: NDArray[np.float64], feature: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]
) -> list[frozenset[int]]:
    """Nodes that are leaves in each of the nested subtrees, the whole tree first, the root alone last.

    Parameters
    ----------
    gain : ndarray, shape (n_nodes,)
        Drop of the training loss by each split.
    feature, left, right : int64 ndarrays, shape (n_nodes,)
        -1 for a leaf; children come after their parent.

    References
    ----------
    Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees, chapter 3.

    Examples
    --------
    >>> two = np.array([0, 1, -1, -1, -1]), np.array([1, 3, -1, -1, -1]), np.array([2, 4, -1, -1, -1])
    >>> [sorted(s) for s in weakest_links(np.array([5.0, 1.0, 0, 0, 0]), *two)]
    [[2, 3, 4], [1, 2], [0]]
    """
    ended = feature < 0
    nested = [_leaves(ended, left, right)]
    while not ended[0]:
        drop, size = np.where(ended, 0.0, gain), np.ones(len(gain), dtype=np.int64)
        for node in range(len(gain) - 1, -1, -1):
            if not ended[node]:
                drop[node] += drop[left[node]] + drop[right[node]]
                size[node] = size[left[node]] + size[right[node]]
        alive = np.zeros(len(gain), dtype=np.bool_)
        alive[0] = True
        for node in np.flatnonzero(~ended).tolist():
            alive[[left[node], right[node]]] = alive[node]
        price = np.where(alive & ~ended, drop / np.maximum(size - 1, 1), np.inf)
        ended = ended | (price <= price.min())
        nested.append(_leaves(ended, left, right))
    return nested


def _leaves(ended: NDArray[np.bool_], left: NDArray[np.int64], right: NDArray[np.int64]) -> frozenset[int]:
    """Nodes at which a way down from the root first meets an end."""
    leaves, stack = [], [0]
    while stack:
        node = stack.pop()
        if ended[node]:
            leaves.append(node)
        else:
            stack += [int(left[node]), int(right[node])]
    return frozenset(leaves)


def choose(losses: NDArray[np.float64], weight: NDArray[np.float64], standard_errors: float) -> int:
    r"""Find the last column (smallest subtree) whose mean loss is the lowest, or near it.

    With :math:`e_i` the loss of row i under a subtree less that under the best one and the shares of the weight
    :math:`u_i = w_i / \sum_j w_j`, the mean :math:`\bar e = \sum_i u_i e_i` has the standard error
    :math:`\sqrt{\sum_i u_i^2 (e_i - \bar e)^2}`.

    Parameters
    ----------
    losses : ndarray, shape (n, s)
        Loss of each fresh row under each subtree.
    weight : ndarray, shape (n,)
    standard_errors : float, at least 0
        How far above the lowest mean, in standard errors of the paired difference.
    """
    share = weight / weight.sum()
    mean = share @ losses
    best = int(len(mean) - 1 - np.argmin(mean[::-1]))
    excess = losses - losses[:, best, None]
    spread = np.sqrt(np.maximum(share**2 @ (excess - share @ excess) ** 2, 0.0))
    return int(np.flatnonzero(mean - mean[best] <= standard_errors * spread)[-1])
