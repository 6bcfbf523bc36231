"""The smallest change of a row that a list of rules answers differently."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.explaining.nearest import Box, Condition, nearest_box
from explaindistill.students._explaining.counterfactual import Problem

__all__ = ["nearest_in_rules"]

Reading = tuple[int, int, bool]
"""Where the list is being read: the rule, its literal, and whether that rule has already decided."""


def nearest_in_rules(student: Any, problem: Problem) -> NDArray[np.float64] | None:
    """Cheapest row that some rule with the wanted answer decides: it holds, and of each earlier one a literal fails."""
    model = student.rules_
    values = np.array([*(rule.value for rule in model.rules), model.default])
    wanted = problem.goal.met(values)
    orders = {i for i, f in enumerate(model.schema) if f.kind == "ordered"}

    def branch(state: Reading, box: Box) -> Iterator[tuple[Reading, Box]] | bool:
        r, at, decided = state
        if decided or r == len(model.rules):
            return bool(wanted[r])
        return _answers(model.rules[r], r, at, box, orders)

    return nearest_box((0, 0, False), Box.whole(problem.axes, problem.now), branch)


def _answers(rule: Any, r: int, at: int, box: Box, orders: set[int]) -> Iterator[tuple[Reading, Box]]:
    """One literal of a rule: it holds and the next is asked (or the rule decides), or it fails and the rule is left."""
    if at == len(rule.literals):
        yield (r, at, True), box
        return
    literal = rule.literals[at]
    is_order = literal.feature in orders
    for condition in _conditions(literal, True, is_order):
        if (smaller := box.narrow(condition)) is not None:
            yield (r, at + 1, False), smaller
    for condition in _conditions(literal, False, is_order):
        if (smaller := box.narrow(condition)) is not None:
            yield (r + 1, 0, False), smaller


def _conditions(literal: Any, holds: bool, is_order: bool) -> Iterator[Condition]:
    """A literal, or its contrary, as conditions that exclude each other; an unseen value of an order is missing."""
    column, missing = literal.feature, literal.missing == holds
    if literal.codes is not None or is_order:

        def answers(code: float) -> bool:
            value = math.nan if is_order and code < 0 else code
            return bool(literal(np.array([value]))[0]) == holds

        yield Condition(column, holds_code=answers, missing=missing)
    elif holds:
        yield Condition(column, literal.low, literal.high, missing=missing)
    else:
        # not (low < x <= high) is x <= low or x > high; where the literal is empty (low = high = inf) the first is all
        yield Condition(column, high=literal.low, missing=missing)
        if math.isfinite(literal.high):
            yield Condition(column, low=max(literal.low, literal.high), missing=False)
