"""Exact Shapley values of a list of rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.numerics.explaining.shapley import boxes_shapley
from explaindistill.students._explaining.shapley import FamilyShapley, box_of

__all__ = ["rule_shapley"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def rule_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> FamilyShapley:
    """A rule that decides is a sum of boxes: its literals hold, and of each rule before it one literal fails first."""
    model = student.rules_
    sides = [model.columns(f) for f in (X, background)]
    boxes = [box_of(steps, value, len(X), len(background)) for steps, value in _decided(model, sides, 0, [])]
    values = boxes_shapley(boxes, len(X), len(background), len(model.schema), len(model.base))
    is_classifier = hasattr(student, "classes_")
    outputs = list(student.classes_) if is_classifier else list(range(len(model.base)))
    return values, model.values(background).mean(axis=0), outputs, "probability" if is_classifier else "value"


def _decided(
    model: Any, sides: list[dict[int, Floats]], r: int, before: list[tuple[int, Flags, Flags]]
) -> Iterator[tuple[list[tuple[int, Flags, Flags]], Floats]]:
    """Boxes from rule r on; a box that no row and no background row can reach in some column is left out.

    Rule r fails in disjoint ways, by the first of its literals that fails, so that the boxes never overlap and their
    values add up to the answer. Without leaving out there would be one box per product of literals.
    """
    if r == len(model.rules):
        yield before, np.array(model.default)
        return
    steps = before
    for literal in model.rules[r].literals:
        x, b = (literal(side[literal.feature]) for side in sides)
        failed = [*steps, (literal.feature, ~x, ~b)]
        if _reachable(failed, literal.feature):
            yield from _decided(model, sides, r + 1, failed)
        steps = [*steps, (literal.feature, x, b)]
        if not _reachable(steps, literal.feature):
            return
    yield steps, np.array(model.rules[r].value)


def _reachable(steps: list[tuple[int, Flags, Flags]], column: int) -> bool:
    """Whether any row, or any background row, meets all the conditions on one column."""
    same = [(x, b) for c, x, b in steps if c == column]
    return bool(np.logical_and.reduce([x for x, _ in same]).any() or np.logical_and.reduce([b for _, b in same]).any())
