"""The smallest change of a row that a tree answers differently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.explaining.nearest import Box, Condition, nearest_box
from explaindistill.students._explaining.counterfactual import Problem

__all__ = ["nearest_in_tree"]


def nearest_in_tree(student: Any, problem: Problem) -> NDArray[np.float64] | None:
    """Cheapest row in any leaf with the wanted answer."""
    tree = student.tree_
    wanted = problem.goal.met(tree.value)

    def branch(node: int, box: Box) -> Iterator[tuple[int, Box]] | bool:
        if tree.feature[node] < 0:
            return bool(wanted[node])
        sides = ((int(tree.left[node]), True), (int(tree.right[node]), False))
        return (
            (child, smaller)
            for child, goes_left in sides
            if (smaller := box.narrow(_split(tree, node, goes_left))) is not None
        )

    return nearest_box(0, Box.whole(problem.axes, problem.now), branch)


def _split(tree: Any, node: int, left: bool) -> Condition:
    """What holds on one side of a split: ``x <= t`` or ``x > t``, or a set of codes; and where missing values go."""
    column, table = int(tree.feature[node]), tree.sets[node]
    missing = bool(tree.missing_left[node]) == left
    if table is None:
        cut = float(tree.threshold[node])
        return Condition(column, high=cut, missing=missing) if left else Condition(column, low=cut, missing=missing)
    unseen = bool(tree.unseen_left[node])

    def holds(code: float) -> bool:
        return (bool(table[int(code)]) if 0 <= code < len(table) else unseen) == left

    return Condition(column, holds_code=holds, missing=missing)
