"""Exact Shapley values of a tree with linear leaves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.numerics.explaining.shapley import LinearPart, boxes_shapley
from explaindistill.students._explaining.shapley import FamilyShapley, box_of

__all__ = ["linear_tree_shapley"]

Floats = NDArray[np.float64]


def linear_tree_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> FamilyShapley:
    """Each leaf is a box that holds its intercept and the linear parts of the terms on its path."""
    tree = student.tree_
    sides = tree.columns(X), tree.columns(background)
    boxes = []
    for leaf, node in enumerate(tree.nodes):
        if node.feature >= 0:
            continue
        steps = []
        for v, child in pairwise(tree.path(leaf)):
            above = tree.nodes[v]
            x, b = (above.goes_left(side[above.feature]) for side in sides)
            steps.append((above.feature, x, b) if above.left == child else (above.feature, ~x, ~b))
        boxes.append(box_of(steps, np.array(node.intercept), len(X), len(background), _parts(tree, leaf, sides)))
    values = boxes_shapley(boxes, len(X), len(background), len(tree.schema), tree.n_outputs)
    classes = getattr(student, "classes_", None)
    outputs = list(range(tree.n_outputs)) if classes is None else list(classes[1:] if len(classes) == 2 else classes)
    return values, tree.predictors(background).mean(axis=0), outputs, "value" if classes is None else "logit"


def _parts(tree: Any, leaf: int, sides: tuple[dict[int, Floats], dict[int, Floats]]) -> tuple[LinearPart, ...]:
    """Linear parts of a leaf's model, one per column j: ``sum_t beta_tk z_t(x_j)`` over the terms t of that column."""
    sums: dict[int, list[Floats]] = {}
    for (t, k), coefficient in tree.formula(leaf).items():
        term = tree.terms[t]
        j = tree.schema.names.index(term.column.feature)
        totals = sums.setdefault(j, [np.zeros((len(side[j]), tree.n_outputs)) for side in sides])
        for total, side in zip(totals, sides, strict=True):
            total[:, k] += coefficient * term.values(tree.schema[j], side[j])
    return tuple(LinearPart(j, *totals) for j, totals in sums.items())
