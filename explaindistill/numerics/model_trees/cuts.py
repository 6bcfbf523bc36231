"""The best cut of any leaf of a model tree: all are scored by second order, the best few are fitted in earnest.

Gram matrices per bin and their prefix sums give the gain of every cut of a column, and of the coefficients that the
halves would bring along.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.model_trees.gram_splits import (
    BinSums,
    CutCosts,
    best_cut,
    empty_sums,
    gram_by_bin,
    term_chain,
)
from explaindistill.numerics.model_trees.leaf_models import (
    LinearTreeProblem,
    curvature,
    mean_loss,
    respond,
)
from explaindistill.numerics.model_trees.state import (
    Cut,
    GrowthState,
    LinearTreeLimits,
    SplitColumns,
    n_free,
)
from explaindistill.numerics.threads import spread
from explaindistill.numerics.trees.binning import MISSING

__all__ = ["CHAIN", "best_split"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHAIN = 3  # coefficients that each half of a cut may bring along: each lengthens the chain that every cut is scored by
SCREENED = 12  # terms in the Gram matrices of a leaf: their time and memory grow with the square
TRIED = 3  # cuts of a leaf that are fitted in earnest: the second-order score ranks near equals by chance
HOPE = 2.0
"""Factor by which the score of a leaf that has changed since it was looked at may have risen: leaves whose old score
times this does not reach the best one are not looked at again."""
HALF_STEPS = 4  # Newton steps of a half: from the present fit it is near, and only a score is asked for


def best_split(
    state: GrowthState,
    table: SplitColumns,
    limits: LinearTreeLimits,
    budget: float,
    cuts: dict[int, Cut | None],
    stale: set[int],
    floor: float,
    n_jobs: int | None,
) -> Cut | None:
    """The best cut of any leaf; leaves are looked at anew only where an old score says that they might win."""
    model = state.model
    if len(model.members) >= limits.leaves:
        return None
    fresh: dict[int, Cut | None] = {}
    while True:
        waiting = [v for v in sorted(model.members) if v in stale and v not in fresh]
        hopes = {v: (c.score if (c := cuts.get(v)) else np.inf if v not in cuts else 0.0) for v in waiting}
        top = max((c.score for v, c in cuts.items() if c and (v not in stale or v in fresh)), default=0.0)
        hopeful = [v for v in waiting if HOPE * hopes[v] > max(top, floor)]
        if not hopeful:
            break
        leaf = max(hopeful, key=lambda v: hopes[v])
        fresh[leaf] = cuts[leaf] = _cut_leaf(state, table, limits, budget, leaf, n_jobs)
        stale.discard(leaf)
    affordable = [
        c for v, c in sorted(cuts.items()) if c is not None and v not in stale and _cost(c, state.problem) <= budget
    ]
    return max(affordable, key=lambda c: c.score, default=None)


def _cost(cut: Cut, problem: LinearTreeProblem) -> float:
    """Numbers that a cut adds to the model: the split's own, the new leaf's intercepts, its coefficients."""
    return cut.cost + n_free(problem) + len(cut.terms)


def _cut_leaf(
    state: GrowthState, table: SplitColumns, limits: LinearTreeLimits, budget: float, leaf: int, n_jobs: int | None
) -> Cut | None:
    """Score all cuts of a leaf by second order, fit the best few in earnest."""
    problem, model = state.problem, state.model
    rows = model.members[leaf]
    if model.depth(leaf) >= limits.depth or problem.count[rows].sum() < 2 * limits.leaf_rows:
        return None
    columns = _screen(state, leaf)
    used = state.terms(leaf)
    free = np.array([t in used or t == problem.n_terms for t in columns])
    room = limits.leaf_terms - len(used)
    costs = CutCosts(float(n_free(problem)), budget, float(limits.leaf_rows), float(problem.ridge), free, room, CHAIN)
    search = _LeafSearch(rows, columns, costs)
    every = spread(lambda f: _cut_feature(state, table, search, leaf, f), range(table.codes.shape[1]), n_jobs)
    # scores to nine digits, so that the order of columns decides nothing
    ranked = sorted(
        (c for c in every if c is not None), key=lambda c: (-float(f"{c.score:.9g}"), table.rank[c.feature])
    )
    earnest = [_in_earnest(state, table, c) for c in ranked[:TRIED]]
    return max(earnest, key=lambda c: float(f"{c.score:.9g}"), default=None)


@dataclass(frozen=True, eq=False)
class _LeafSearch:
    """Rows of a leaf, columns of the design that its cuts may use, and what they may cost."""

    rows: Ints
    columns: Ints
    costs: CutCosts


def _screen(state: GrowthState, leaf: int) -> Ints:
    r"""The intercept, the leaf's own terms, and those with the largest residual energy.

    Of term t that is :math:`\sum_i z_{it}^2 \sum_k g_{ik}^2 / \sum_i z_{it}^2 \sum_k h_{ik}`: a slope that differs
    between the halves of a cut leaves large residuals where the term is large, though they add up to nothing.
    """
    problem = state.problem
    used = sorted(state.terms(leaf))
    others = [t for t in range(problem.n_terms) if t not in set(used)]
    rows = state.model.members[leaf]
    if len(others) > (room := max(SCREENED - len(used), 0)):
        Z = problem.design[rows][:, others] ** 2
        energy = (state.g[rows] ** 2).sum(axis=1) @ Z / np.maximum(state.h[rows].sum(axis=1) @ Z, 1e-300)
        others = [others[i] for i in np.argsort(-np.round(energy, 12), kind="stable")[:room]]
    return np.array([problem.n_terms, *used, *sorted(others)], dtype=np.int64)


def _cut_feature(state: GrowthState, table: SplitColumns, search: _LeafSearch, leaf: int, f: int) -> Cut | None:
    """Best cut of a leaf by column f, scored by second order; None where none gains.

    Each side may have its own intercept and slopes; of rows i with gradients g_i and curvatures h_i a side gains
    ``b' A^-1 b / 2`` with ``A = sum h_i x_i x_i'`` and ``b = sum g_i x_i``. The score is the gain of both sides per
    number that the cut adds, and ``drop`` the gain itself. 256 places: codes are bytes.
    """
    problem, rows = state.problem, search.rows
    sums = empty_sums(256, problem.n_outputs, len(search.columns))
    X = np.ascontiguousarray(problem.design[np.ix_(rows, search.columns)])
    gram_by_bin(table.codes[rows, f], X, state.g[rows], state.h[rows], problem.count[rows], sums)
    order = _order(sums, table.n_bins[f], table.is_category[f])
    if len(order) + (sums.n[MISSING] > 0) < 2:
        return None
    sums, size, out = sums.at(np.append(order, MISSING)), table.sizes[f][order], np.zeros(4)
    best_cut(sums, int(sums.n[-1] > 0), size, table.is_category[f], search.costs, out)
    if out[0] <= 0:
        return None
    last, missing_left, n_terms = int(out[1]), bool(out[2]), int(out[3])
    go = _routing(table, f, order, last, missing_left, sums.n)
    left_A, left_b = _side(sums, last, missing_left)
    sides = ((left_A, left_b), (sums.A.sum(axis=0) - left_A, sums.b.sum(axis=0) - left_b))
    terms = _terms(sides, search, problem, n_terms)
    split_cost = min(size[: last + 1].sum(), size[last + 1 :].sum()) + 1.0 if table.is_category[f] else 2.0
    score = float(out[0])
    drop = score * (split_cost + search.costs.leaf_cost + len(terms))
    return Cut(leaf, f, go, float(split_cost), terms, drop, score)


def _order(sums: BinSums, bins: int, is_category: bool) -> Ints:
    """Bins with rows, in order; categories by the step that their own intercepts would take.

    Of bin c and output k that is ``b[c, k, 0] / A[c, k, 0, 0]``, residuals over curvature; of several outputs its
    component along the first principal direction between bins, rounded since an eigenvector's last digits depend on the
    machine.
    """
    A, b, n = sums
    present = np.flatnonzero(n[:bins] > 0)
    if not is_category:
        return present
    step = b[present, :, 0] / np.maximum(A[present, :, 0, 0], 1e-12)
    if step.shape[1] > 1:
        mass = A[present, :, 0, 0].sum(axis=1)
        centred = step - np.average(step, axis=0, weights=np.maximum(mass, 1e-300))
        direction = np.linalg.eigh((centred * mass[:, None]).T @ centred)[1][:, -1]
        step = centred @ (direction * np.sign(direction[np.argmax(np.abs(direction))]))[:, None]
    return present[np.argsort(np.round(step[:, 0], 10), kind="stable")]


def _side(sums: BinSums, last: int, missing_left: bool) -> tuple[Floats, Floats]:
    """Gram matrices ``(K, m, m)`` and gradients ``(K, m)`` of the left half."""
    A, b = sums.A, sums.b
    left_A, left_b = A[: last + 1].sum(axis=0), b[: last + 1].sum(axis=0)
    if last + 1 == len(A):
        return left_A, left_b
    return (left_A + A[-1], left_b + b[-1]) if missing_left else (left_A, left_b)


def _routing(table: SplitColumns, f: int, order: Ints, last: int, missing_left: bool, n: Floats) -> NDArray[np.bool_]:
    """Which codes go left; categories without rows here go with the larger set, all else with the heavier half."""
    go = np.zeros(256, dtype=np.bool_)
    heavy = bool(n[: last + 1].sum() >= n[last + 1 : -1].sum())
    if table.is_category[f]:
        size = table.sizes[f][order]
        n_left, n_right = size[: last + 1].sum(), size[last + 1 :].sum()
        go[:] = n_left > n_right or (n_left == n_right and heavy)
        go[order[: last + 1]], go[order[last + 1 :]] = True, False
    else:
        go[: order[last] + 1] = True
        go[255] = heavy
    go[MISSING] = missing_left if n[-1] > 0 else heavy
    return go


def _terms(
    sides: tuple[tuple[Floats, Floats], ...], search: _LeafSearch, problem: LinearTreeProblem, count: int
) -> tuple[tuple[int, int, int], ...]:
    """The coefficients behind the score of a cut."""
    chains, costs = [], search.costs
    for side, (A, b) in enumerate(sides):
        for k in range(problem.n_outputs):
            gains, picks = np.zeros(CHAIN + 1), np.full(CHAIN, -1, dtype=np.int64)
            term_chain(A[k].copy(), b[k].copy(), costs.ridge, costs.free, costs.room, gains, picks)
            names = [(gains[j + 1], side, int(search.columns[picks[j]]), k) for j in range(CHAIN) if picks[j] >= 0]
            chains.append(names)
    terms: list[tuple[int, int, int]] = []
    while len(terms) < count and any(chains):
        best = max((c for c in chains if c), key=lambda c: c[0][0])
        terms.append(best.pop(0)[1:])
    return tuple(terms)


def _in_earnest(state: GrowthState, table: SplitColumns, cut: Cut) -> Cut:
    """Fit both halves of a cut from the present fit, and score it by what the loss really loses."""
    problem = state.problem
    rows = state.model.members[cut.leaf]
    goes_left = cut.goes_left[table.codes[rows, cut.feature]]
    drop = 0.0
    for side, half in ((0, rows[goes_left]), (1, rows[~goes_left])):
        drop += _half(state, half, [(t, k) for s, t, k in cut.terms if s == side])
    return replace(cut, drop=drop, score=drop / _cost(cut, problem))


def _half(state: GrowthState, rows: Ints, terms: list[tuple[int, int]]) -> float:
    """Drop of the loss in some rows when an intercept per output and some coefficients are added there.

    Newton steps of each output k for itself, ``(X' diag(h) X + ridge) step = X'(w (y - m)) - ridge beta``, halved
    together while the loss would rise, until one brings less than 1e-4 of the drop so far.
    """
    problem = state.problem
    pairs = [(problem.n_terms, k) for k in range(problem.n_outputs)] + terms
    output = np.array([k for _, k in pairs])
    X = problem.design[rows][:, [t for t, _ in pairs]]
    Y, w, eta = problem.targets[rows], problem.weight[rows], state.eta[rows]
    beta = np.zeros(len(pairs))

    def value(beta: Floats) -> tuple[float, Floats]:
        """Penalised loss at some coefficients of the half, and the linear predictors there."""
        now = eta.copy()
        for k in range(problem.n_outputs):
            now[:, k] += X[:, output == k] @ beta[output == k]
        return mean_loss(now, Y, w, problem.loss) + 0.5 * problem.ridge * float(beta @ beta), now

    start, now = value(beta)
    best = start
    for _ in range(HALF_STEPS):
        mean = respond(now, problem.loss)
        residual, h = (Y - mean) * w[:, None], curvature(mean, problem.loss) * w[:, None]
        step = np.zeros(len(beta))
        for k in range(problem.n_outputs):
            of_output = output == k
            Xk = X[:, of_output]
            bend = Xk.T @ (Xk * h[:, k : k + 1]) + problem.ridge * np.eye(int(of_output.sum()))
            step[of_output] = np.linalg.solve(bend, Xk.T @ residual[:, k] - problem.ridge * beta[of_output])
        size = 1.0
        new, eta_new = value(beta + step)
        while new > best and size > 1e-3:
            size /= 2
            new, eta_new = value(beta + size * step)
        if best - new <= 1e-4 * max(start - new, 0.0):
            break
        beta, best, now = beta + size * step, new, eta_new
    return start - best
