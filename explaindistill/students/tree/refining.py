"""A tree whose leaves move towards labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explaindistill.errors import InvalidInputError
from explaindistill.students._changed import changed
from explaindistill.students._toward import Array, Move, held_back
from explaindistill.students.tree.model import TreeModel

__all__ = ["toward_labels"]


def toward_labels(self: Any, frame: pd.DataFrame, answer: Array, labels: Array) -> Move:
    """Way of the leaves to the means of their labels; questions stay. See ``protocols.Student``.

    Raises
    ------
    InvalidInputError
        For a tree with ``monotone=``.
    """
    if self.monotone:
        raise InvalidInputError(
            "student has monotone=, which moved leaves could break; refine a student without it, "
            "or fit this one with label_weight="
        )
    tree: TreeModel = self.tree_
    leaf = tree.route(frame)
    n = np.bincount(leaf, minlength=len(tree.value)).astype(float)
    total = np.stack([np.bincount(leaf, weights=y, minlength=len(n)) for y in labels.T], axis=1).astype(float)
    toward = held_back(tree.value, total, n)
    return lambda strength: changed(self, tree_=tree.with_value(_values(tree, n, toward, strength)))


def _values(tree: TreeModel, n: Array, toward: Array, strength: float) -> Array:
    """Leaves that labels fell into go the share ``strength`` of the way; inner nodes are means of what is below them.

    Children come after their parent, so that going backwards the means of both children are final.
    """
    value = np.where(n[:, None] > 0, (1 - strength) * tree.value + strength * toward, tree.value)
    for node in np.flatnonzero(tree.feature >= 0)[::-1]:
        pair = [tree.left[node], tree.right[node]]
        value[node] = np.average(value[pair], axis=0, weights=tree.weight[pair])
    return value
