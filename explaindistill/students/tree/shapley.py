"""Exact Shapley values of a tree with constant leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explaindistill.numerics.explaining.shapley import boxes_shapley
from explaindistill.students._explaining.shapley import FamilyShapley, box_of

__all__ = ["tree_shapley"]


def tree_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> FamilyShapley:
    r"""Each leaf is a box that holds its value: :math:`f(x) = \sum_\ell v_\ell \prod_j 1[x_j \in B_{\ell j}]`."""
    tree = student.tree_
    sides = [{f: tree.schema.column(frame, f) for f in tree.used} for frame in (X, background)]
    tests = {
        int(v): tuple(tree.goes_left(int(v), side[int(tree.feature[v])]) for side in sides)
        for v in np.flatnonzero(tree.feature >= 0)
    }
    boxes = []
    for leaf in tree.leaves:
        steps = [
            (int(tree.feature[v]), *(side if goes_left else ~side for side in tests[v]))
            for v, goes_left in tree.path(leaf)
        ]
        boxes.append(box_of(steps, tree.value[leaf], len(X), len(background)))
    values = boxes_shapley(boxes, len(X), len(background), len(tree.schema), tree.value.shape[1])
    base = np.take(tree.value, tree.route(background), axis=0).mean(axis=0)
    is_classifier = hasattr(student, "classes_")
    outputs = list(student.classes_) if is_classifier else list(range(tree.value.shape[1]))
    return values, base, outputs, "probability" if is_classifier else "value"
