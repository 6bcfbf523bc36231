"""Smaller copies of a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from explaindistill.students._changed import (
    DIGITS,
    Step,
    changed,
    on_grid,
    significant,
    simplex,
    simplex_on_grid,
)
from explaindistill.students._toward import Array
from explaindistill.students.tree.model import TreeModel

__all__ = ["on_value_grid", "smaller"]


def smaller(self: Any, *, keep_values: bool = False) -> Iterator[Step]:
    """Copies with fewer digits, two leaves merged or a column dropped, each with what was done, in words.

    Parameters
    ----------
    keep_values : bool
        Values lie on a grid and are left alone.
    """
    tree: TreeModel = self.tree_
    for digits in DIGITS:
        if not keep_values:
            value = simplex(tree.value, digits) if hasattr(self, "classes_") else significant(tree.value, digits)
            if (value != tree.value).any():
                yield f"values with {digits} digits", changed(self, tree_=tree.with_value(value))
        finite = np.isfinite(tree.threshold)
        threshold = tree.threshold.copy()
        threshold[finite] = significant(threshold[finite], digits)
        if (threshold[finite] != tree.threshold[finite]).any():
            yield f"thresholds with {digits} digits", changed(self, tree_=replace(tree, threshold=threshold))
        gain, weight = significant(tree.gain, digits), significant(tree.weight, digits)
        if (gain != tree.gain).any() or (weight != tree.weight).any():
            yield (
                f"gains and weights with {digits} digits",
                changed(self, tree_=replace(tree, gain=gain, weight=weight)),
            )
    yield from _cut_back(self, tree)


def _cut_back(student: Any, tree: TreeModel) -> Iterator[Step]:
    r"""Two leaves merged where the squared error rises least, and the column of least gain no longer asked for.

    Merging leaves l and r under one parent raises the error by
    :math:`\tfrac{w_l w_r}{w_l + w_r} \sum_k (v_{lk} - v_{rk})^2`.
    """
    leaf = tree.feature < 0
    ends = np.flatnonzero(~leaf)
    ends = ends[leaf[tree.left[ends]] & leaf[tree.right[ends]]]
    if len(ends):
        w, v = tree.weight, tree.value
        left, right = tree.left[ends], tree.right[ends]
        rise = w[left] * w[right] / (w[left] + w[right]) * ((v[left] - v[right]) ** 2).sum(axis=1)
        node = int(ends[np.argmin(rise)])
        name = tree.schema[int(tree.feature[node])].name
        yield f"leaves merged at a split of {name}", changed(student, tree_=tree.cut_at({node}))
    used = np.unique(tree.feature[~leaf])
    if len(used) > 1:
        gains = np.array([tree.gain[tree.feature == f].sum() for f in used])
        weakest = int(used[np.argmin(gains)])
        without = tree.cut_at(set(np.flatnonzero(tree.feature == weakest).tolist()))
        yield f"feature {tree.schema[weakest].name} dropped", changed(student, tree_=without)


def on_value_grid(self: Any, bits: int) -> Any:
    """Copy whose values and thresholds lie on ``2**bits`` levels; probabilities still sum to 1."""
    tree: TreeModel = self.tree_
    value = simplex_on_grid(tree.value, bits) if hasattr(self, "classes_") else on_grid(tree.value, bits)
    return changed(self, tree_=replace(tree.with_value(value), threshold=_threshold_grid(tree, bits)))


def _threshold_grid(tree: TreeModel, bits: int) -> Array:
    """Thresholds at the nearest of ``2**bits`` levels between the least and the largest value of their feature."""
    out = tree.threshold.copy()
    for node in np.flatnonzero(np.isfinite(tree.threshold) & (tree.feature >= 0)):
        column = tree.schema[int(tree.feature[node])]
        width = column.maximum - column.minimum
        if width > 0:
            unit = width / (2**bits - 1)
            out[node] = column.minimum + np.rint((out[node] - column.minimum) / unit) * unit
    return out
