r"""Grow a model tree under a budget of numbers: the coefficient or the split that gains most per number.

The model is a :class:`~explaindistill.numerics.model_trees.leaf_models.LinearTree`. Two kinds of moves compete: give a
node one more coefficient (cost 1), or split a leaf (cost of the split, the intercept of the leaf that is new, and the
coefficients that the halves add). A model without splits and a tree with constant leaves are both within reach. Gains
are judged by the second-order form of the loss around the present fit (Gram matrices per bin, prefix sums); the best
cuts of a leaf are then fitted in earnest. After each move all coefficients are fitted together again.

References
----------
Landwehr, Hall and Frank (2005), doi:10.1007/s10994-005-0466-3. Zeileis, Hothorn and Hornik (2008),
doi:10.1198/106186008X319331. Agarwal, Tan, Ronen, Singh and Yu (2022), Hierarchical shrinkage, arXiv:2202.00858.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.model_trees.coefficients import best_coefficient
from explaindistill.numerics.model_trees.cuts import CHAIN, best_split
from explaindistill.numerics.model_trees.gram_splits import CutCosts, best_cut, empty_sums, gram_by_bin
from explaindistill.numerics.model_trees.leaf_models import LinearTree, LinearTreeProblem, refit
from explaindistill.numerics.model_trees.state import (
    Cut,
    GrowthState,
    LinearTreeLimits,
    SplitColumns,
    excess,
    n_free,
    n_parameters,
)
from explaindistill.numerics.trees.binning import MISSING

__all__ = ["grow_model_tree"]

Floats = NDArray[np.float64]
LEAST = 1e-8  # share of the reducible loss below which a move is rounding
FINE = 200  # values between which a cut is looked for once more: with two codes around them they fit into a byte
FULL_FIT = 30, 1e-12
"""Steps and tolerance of the first and the last fit, which are to end at the optimum; between two moves a few steps
do."""


def grow_model_tree(
    problem: LinearTreeProblem,
    table: SplitColumns,
    limits: LinearTreeLimits,
    n_jobs: int | None = None,
    watch: Callable[[float, GrowthState], None] | None = None,
) -> LinearTree:
    """Grow under the limits.

    Parameters
    ----------
    problem, table, limits : LinearTreeProblem, SplitColumns, LinearTreeLimits
    n_jobs : int or None
        Threads over columns; the result does not depend on them.
    watch : callable, optional
        Told the numbers so far and the state of the growth, before each move and at the end.
    """
    model = LinearTree({0: np.arange(len(problem.design))}, problem.n_terms)
    for k in range(problem.n_outputs):
        model.add(0, problem.n_terms, k)
    refit(problem, model, *FULL_FIT)
    least = max(limits.gain, LEAST) * excess(problem, model)
    cuts: dict[int, Cut | None] = {}
    stale: set[int] = {0}
    while True:
        numbers = n_parameters(model, problem.n_terms, n_free(problem))
        budget = limits.parameters - numbers
        state = GrowthState(problem, model)
        if watch is not None:
            watch(numbers, state)
        move = best_coefficient(state, limits) if budget >= 1 else None
        floor = max(least, move[0] if move else 0.0)
        cut = best_split(state, table, limits, budget, cuts, stale, floor, n_jobs)
        if cut is not None and cut.score > floor:
            _apply(state, table, limits, cut)
            cuts.pop(cut.leaf)
            stale |= {model.left[cut.leaf], model.right[cut.leaf]}
        elif move is not None and move[0] > least:
            model.add(*move[1:])
            stale |= set(model.below(move[1]))
        else:
            break
        model.push_down()
        refit(problem, model)
    refit(problem, model, *FULL_FIT)
    return model


def _apply(state: GrowthState, table: SplitColumns, limits: LinearTreeLimits, cut: Cut) -> None:
    """Split a leaf as the cut says, and give its halves their intercepts and the cut's terms."""
    problem, model = state.problem, state.model
    rows = model.members[cut.leaf]
    goes_left = cut.goes_left[table.codes[rows, cut.feature]]
    if not table.is_category[cut.feature]:
        goes_left, cut = _between(state, table, limits, cut)
    model.split(cut.leaf, cut.feature, cut.goes_left, cut.cost, rows[goes_left], rows[~goes_left])
    sides = (model.left[cut.leaf], model.right[cut.leaf])
    for child in sides:
        for k in range(problem.n_outputs):
            model.add(child, problem.n_terms, k)
    for side, t, k in cut.terms:
        model.add(sides[side], t, k)


def _between(
    state: GrowthState, table: SplitColumns, limits: LinearTreeLimits, cut: Cut
) -> tuple[NDArray[np.bool_], Cut]:
    """Look once more for the best cut between the values of the two bins that meet there; notes the gap.

    Rows below both bins get the code 0, those above the last code, those within the place of their value among the
    distinct ones, at most :data:`FINE` of them.
    """
    model = state.model
    rows = model.members[cut.leaf]
    codes, values = table.codes[rows, cut.feature], table.values(cut.feature)[rows]
    present = codes < MISSING
    goes_left = cut.goes_left[codes]
    low, high = codes[present & goes_left].max(initial=0), codes[present & ~goes_left].min(initial=MISSING)
    inner = (codes == low) | (codes == high)
    distinct = np.unique(values[inner])
    if len(distinct) > 2:
        if len(distinct) > FINE:
            distinct = distinct[np.linspace(0, len(distinct) - 1, FINE).astype(np.int64)]
        fine = np.where(codes < low, 0, FINE + 1).astype(np.uint8)
        fine[inner] = 1 + np.searchsorted(distinct, values[inner], side="left").astype(np.uint8)
        fine[~present] = MISSING
        finer = _fine_cut(state, cut, limits, fine)
        if finer is not None:
            goes_left, missing_left = finer
            go = cut.goes_left.copy()
            go[MISSING] = missing_left if (~present).any() else go[MISSING]
            cut = replace(cut, goes_left=go)
    model.gap[cut.leaf] = (
        float(values[present & goes_left].max(initial=-np.inf)),
        float(values[present & ~goes_left].min(initial=np.inf)),
    )
    return goes_left, cut


def _fine_cut(
    state: GrowthState, cut: Cut, limits: LinearTreeLimits, codes: NDArray[np.uint8]
) -> tuple[NDArray[np.bool_], bool] | None:
    """Best cut of a leaf along finer codes ``(n_leaf,)``, with the terms of the leaf and of the cut.

    Returns which rows go left, and whether missing values do. None where nothing gains, or where the last code would be
    cut off, which is no cut between the values.
    """
    problem = state.problem
    rows = state.model.members[cut.leaf]
    columns = np.array([problem.n_terms, *sorted({t for _, t, _ in cut.terms} | state.terms(cut.leaf))], dtype=np.int64)
    sums = empty_sums(256, problem.n_outputs, len(columns))
    X = np.ascontiguousarray(problem.design[np.ix_(rows, columns)])
    gram_by_bin(codes, X, state.g[rows], state.h[rows], problem.count[rows], sums)
    at = np.append(np.flatnonzero(sums.n[:MISSING] > 0), MISSING)
    out = np.zeros(4)
    free = np.ones(len(columns), dtype=np.bool_)
    costs = CutCosts(float(n_free(problem)), np.inf, float(limits.leaf_rows), float(problem.ridge), free, 0, CHAIN)
    best_cut(sums.at(at), int(sums.n[MISSING] > 0), np.ones(len(at) - 1), False, costs, out)
    if out[0] <= 0 or int(out[1]) >= len(at) - 2:
        return None
    last = at[int(out[1])]
    return np.where(codes == MISSING, bool(out[2]), codes <= last), bool(out[2])
