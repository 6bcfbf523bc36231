"""How much arithmetic one answer of a student takes at most, counted on the program that every export writes."""

from __future__ import annotations

import math
from typing import Any

from explaindistill.data.program import AnyOf, Clipped, Curve, Leaf, Not, Program, Split, Term, program_of

__all__ = ["operations"]


def operations(student: Any) -> int:
    """Comparisons, additions, multiplications and functions of one answer, along the longest way.

    A question whether a value is among some categories counts once, as a look-up; finding the place between m knots
    counts the comparisons of a binary search; ``exp`` and a division count as one each.

    Raises
    ------
    InvalidInputError
        If the student's form is of a family that cannot be exported.

    Examples
    --------
    One question, which also asks whether there is a value:

    >>> import pandas as pd
    >>> from explaindistill.students.tree import TreeRegressor
    >>> X = pd.DataFrame({"floor": [1, 2, 8, 9]})
    >>> operations(TreeRegressor(min_samples_leaf=1, max_leaf_nodes=2).fit(X, [1.0, 1.0, 5.0, 5.0]))
    2
    """
    program = program_of(student)
    if program.tree is not None:
        return _longest(program.tree) + _link(program)
    K = program.n_outputs
    return sum(_term(t) for t in program.terms) + sum(_curve(c, K) for c in program.curves) + _link(program)


def _longest(node: Split | Leaf) -> int:
    if isinstance(node, Leaf):
        return sum(_term(term) for term in node.terms)
    return _condition(node.condition) + max(_longest(node.yes), _longest(node.no))


def _condition(condition: Any) -> int:
    if isinstance(condition, Not):
        return _condition(condition.condition)
    if isinstance(condition, AnyOf):
        return sum(_condition(one) for one in condition.conditions)
    return 1


def _term(term: Term) -> int:
    """A factor, then a multiplication (numbers only) and an addition for each output that it moves."""
    moved = sum(b != 0 for b in term.coefficients)
    factor = term.factor
    if not isinstance(factor, Clipped):
        return _condition(factor) + moved
    return 1 + (factor.unit != 1) + 2 * (factor.low is not None) + (factor.centre != 0) + 2 * moved


def _curve(curve: Curve, n_outputs: int) -> int:
    """Places on the grids, then a blend (two products, a sum) per output and fold, and the addition."""
    total, blends = 0, 0
    for grid in curve.grids:
        if len(grid.knots) > 1:
            total += math.ceil(math.log2(max(len(grid.knots) - 1, 1))) + 4  # search; missing, two minus, one division
            blends = 2 * blends + 1
        else:
            total += 1
    return total + n_outputs * (3 * blends + 1)


def _link(program: Program) -> int:
    if program.link in ("logistic", "exp"):
        return 3
    return {"softmax": 4 * program.n_outputs, "risk": 2}.get(program.link, 0)
