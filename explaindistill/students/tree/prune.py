"""A fitted tree cut back by fresh rows."""

from __future__ import annotations

from copy import copy
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.weights import as_weights
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import number_in
from explaindistill.numerics.trees.pruning import choose, weakest_links

__all__ = ["pruned"]

E = TypeVar("E")


def pruned(estimator: E, X: Any, Y: NDArray[np.float64], sample_weight: ArrayLike | None, standard_errors: float) -> E:
    """Return a copy of the estimator with the subtree of least squared error on fresh rows and targets ``Y`` (n, m).

    Row i of ``losses`` ``(n, S)`` is ``sum_k (y_ik - v_k)^2`` for the value v of its leaf in each subtree s.
    """
    number_in("standard_errors", standard_errors, 0)
    student: Any = copy(estimator)
    tree = student.tree_
    leaf = student.apply(X)
    if Y.shape != (len(leaf), tree.value.shape[1]):
        raise InvalidInputError(f"y must have {len(leaf)} rows and {tree.value.shape[1]} columns, got shape {Y.shape}")
    weight = as_weights(sample_weight, len(leaf))
    subtrees = weakest_links(tree.gain, tree.feature, tree.left, tree.right)
    losses = np.empty((len(leaf), len(subtrees)))
    for s, leaves in enumerate(subtrees):
        above = np.arange(len(tree.feature))
        for node in range(1, len(above)):
            if node not in leaves:
                above[node] = above[tree.parent[node]]
        ends = np.where(np.isin(above, np.array(sorted(leaves))), above, -1)
        losses[:, s] = ((Y - tree.value[ends[leaf]]) ** 2).sum(axis=1)
    chosen = subtrees[choose(losses, weight, standard_errors)]
    student.tree_ = tree.cut_at(set(chosen))
    return student
