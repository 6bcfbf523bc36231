"""The best cut of any leaf of a model tree: all are scored by second order, the best few are fitted in earnest.

Gram matrices per bin and their prefix sums give the gain of every cut of a column, and of the coefficients that the
halves would bring along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.model_trees.gram_splits import (
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
CHAIN = 3  # coefficients that each half of a cut may bring along
SCREENED = 12  # terms in the Gram matrices of a leaf
TRIED = 3  # cuts of a leaf that are fitted in earnest


def best_split(
    state: GrowthState,
    table: SplitColumns,
    limits: LinearTreeLimits,
    left: float,
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
        hopeful = [v for v in waiting if 2.0 * hopes[v] > max(top, floor)]
        if not hopeful:
            break
        leaf = max(hopeful, key=lambda v: hopes[v])
        fresh[leaf] = cuts[leaf] = _cut_leaf(state, table, limits, left, leaf, n_jobs)
        stale.discard(leaf)
    known = [c for v, c in sorted(cuts.items()) if c is not None and v not in stale and _affordable(c, left, state)]
    return max(known, key=lambda c: c.score, default=None)


def _affordable(cut: Cut, left: float, state: GrowthState) -> bool:
    return cut.cost + n_free(state.problem) + len(cut.terms) <= left


def _cut_leaf(state: GrowthState, table: SplitColumns, limits: LinearTreeLimits, left: float, leaf: int, n_jobs: int | None) -> Cut | None:
    """Score all cuts of a leaf by second order, fit the best few in earnest."""
    problem, model = state.problem, state.model
    rows = model.members[leaf]
    if model.depth(leaf) >= limits.depth or problem.count[rows].sum() < 2 * limits.leaf_rows:
        return None
    columns = _screen(state, leaf)
    mine = state.terms(leaf)
    free = np.array([t in mine or t == problem.n_terms for t in columns])
    part = _LeafSearch(rows, columns, free, limits.leaf_terms - len(mine), left, limits.leaf_rows)
    found = spread(lambda f: _cut_feature(state, table, part, leaf, f), range(table.codes.shape[1]), n_jobs)
    ranked = sorted(
        (c for c in found if c is not None), key=lambda c: (-float(f"{c.score:.9g}"), table.rank[c.feature])
    )
    earnest = [_in_earnest(state, table, c) for c in ranked[:TRIED]]
    return max(earnest, key=lambda c: float(f"{c.score:.9g}"), default=None)


@dataclass(frozen=True, eq=False)
class _LeafSearch:
    rows: Ints
    columns: Ints
    free: NDArray[np.bool_]
    room: int
    budget: float
    minimum: float


def _screen(state: GrowthState, leaf: int) -> Ints:
    """The intercept, the leaf's own terms, and those with the largest residual energy."""
    problem = state.problem
    mine = sorted(state.terms(leaf))
    others = [t for t in range(problem.n_terms) if t not in set(mine)]
    rows = state.model.members[leaf]
    if len(others) > (room := max(SCREENED - len(mine), 0)):
        Z = problem.design[rows][:, others] ** 2
        energy = (state.g[rows] ** 2).sum(axis=1) @ Z / np.maximum(state.h[rows].sum(axis=1) @ Z, 1e-300)
        others = [others[i] for i in np.argsort(-np.round(energy, 12), kind="stable")[:room]]
    return np.array([problem.n_terms, *mine, *sorted(others)], dtype=np.int64)


def _cut_feature(state: GrowthState, table: SplitColumns, part: _LeafSearch, leaf: int, f: int) -> Cut | None:
    problem = state.problem
    codes = table.codes[part.rows, f]
    m, K, bins = len(part.columns), problem.n_outputs, table.n_bins[f]
    A, b, n = empty_sums(256, K, m)
    X = np.ascontiguousarray(problem.design[np.ix_(part.rows, part.columns)])
    gram_by_bin(codes, X, state.g[part.rows], state.h[part.rows], problem.count[part.rows], A, b, n)
    order = _order(A, b, n, bins, table.is_category[f])
    if len(order) + (n[MISSING] > 0) < 2:
        return None
    at = np.append(order, MISSING)
    out = np.zeros(4)
    A, b, n, size = A[at], b[at], n[at], table.sizes[f][order]
    cost = float(n_free(problem))
    best_cut(A, b, n, int(n[-1] > 0), size, table.is_category[f], cost, part.budget, part.minimum,
             problem.ridge, part.free, part.room, CHAIN, out)  # fmt: skip
    if out[0] <= 0:
        return None
    last, missing_left, n_terms = int(out[1]), bool(out[2]), int(out[3])
    go = _routing(table, f, order, last, missing_left, n)
    left_A, left_b = _side(A, b, last, missing_left)
    sides = ((left_A, left_b), (A.sum(axis=0) - left_A, b.sum(axis=0) - left_b))
    terms = _terms(sides, part, problem, n_terms)
    split_cost = min(size[: last + 1].sum(), size[last + 1 :].sum()) + 1.0 if table.is_category[f] else 2.0
    score = float(out[0])
    return Cut(leaf, f, go, float(split_cost), terms, score * (split_cost + cost + len(terms)), score)


def _order(A: Floats, b: Floats, n: Floats, bins: int, is_category: bool) -> Ints:
    """Bins with rows, in order; categories by the step that their own intercepts would take."""
    there = np.flatnonzero(n[:bins] > 0)
    if not is_category:
        return there
    step = b[there, :, 0] / np.maximum(A[there, :, 0, 0], 1e-12)
    if step.shape[1] > 1:
        mass = A[there, :, 0, 0].sum(axis=1)
        centred = step - np.average(step, axis=0, weights=np.maximum(mass, 1e-300))
        direction = np.linalg.eigh((centred * mass[:, None]).T @ centred)[1][:, -1]
        step = centred @ (direction * np.sign(direction[np.argmax(np.abs(direction))]))[:, None]
    return there[np.argsort(np.round(step[:, 0], 10), kind="stable")]


def _side(A: Floats, b: Floats, last: int, missing_left: bool) -> tuple[Floats, Floats]:
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
        left, right = size[: last + 1].sum(), size[last + 1 :].sum()
        go[:] = left > right or (left == right and heavy)
        go[order[: last + 1]], go[order[last + 1 :]] = True, False
    else:
        go[: order[last] + 1] = True
        go[255] = heavy
    go[MISSING] = missing_left if n[-1] > 0 else heavy
    return go


def _terms(
    sides: tuple[tuple[Floats, Floats], ...], part: _LeafSearch, problem: LinearTreeProblem, count: int
) -> tuple[tuple[int, int, int], ...]:
    """The coefficients behind the score of a cut."""
    chains = []
    for side, (A, b) in enumerate(sides):
        for k in range(problem.n_outputs):
            gains, picks = np.zeros(CHAIN + 1), np.full(CHAIN, -1, dtype=np.int64)
            term_chain(A[k].copy(), b[k].copy(), problem.ridge, part.free, part.room, gains, picks)
            chains.append([(gains[j + 1], side, int(part.columns[picks[j]]), k) for j in range(CHAIN) if picks[j] >= 0])
    taken: list[tuple[int, int, int]] = []
    while len(taken) < count and any(chains):
        best = max((c for c in chains if c), key=lambda c: c[0][0])
        taken.append(best.pop(0)[1:])
    return tuple(taken)


def _in_earnest(state: GrowthState, table: SplitColumns, cut: Cut) -> Cut:
    """Fit both halves of a cut from the present fit, and score it by what the loss really loses."""
    problem = state.problem
    rows = state.model.members[cut.leaf]
    left = cut.goes_left[table.codes[rows, cut.feature]]
    drop = 0.0
    for side, part in ((0, rows[left]), (1, rows[~left])):
        drop += _half(state, part, [(t, k) for s, t, k in cut.terms if s == side])
    cost = cut.cost + n_free(problem) + len(cut.terms)
    return Cut(cut.leaf, cut.feature, cut.goes_left, cut.cost, cut.terms, drop, drop / cost)


def _half(state: GrowthState, rows: Ints, terms: list[tuple[int, int]]) -> float:
    """Drop of the loss in a few rows when an intercept per output and some coefficients are added there."""
    problem = state.problem
    pairs = [(problem.n_terms, k) for k in range(problem.n_outputs)] + terms
    output = np.array([k for _, k in pairs])
    X = problem.design[rows][:, [t for t, _ in pairs]]
    Y, w, eta = problem.targets[rows], problem.weight[rows], state.eta[rows]
    beta = np.zeros(len(pairs))

    def value(beta: Floats) -> tuple[float, Floats]:
        now = eta.copy()
        for k in range(problem.n_outputs):
            now[:, k] += X[:, output == k] @ beta[output == k]
        return mean_loss(now, Y, w, problem.loss) + 0.5 * problem.ridge * float(beta @ beta), now

    start, now = value(beta)
    best = start
    for _ in range(4):
        mean = respond(now, problem.loss)
        residual, h = (Y - mean) * w[:, None], curvature(mean, problem.loss) * w[:, None]
        step = np.zeros(len(beta))
        for k in range(problem.n_outputs):
            own = output == k
            Xk = X[:, own]
            bend = Xk.T @ (Xk * h[:, k : k + 1]) + problem.ridge * np.eye(int(own.sum()))
            step[own] = np.linalg.solve(bend, Xk.T @ residual[:, k] - problem.ridge * beta[own])
        size = 1.0
        new, eta_new = value(beta + step)
        while new > best and size > 1e-3:
            size /= 2
            new, eta_new = value(beta + size * step)
        if best - new <= 1e-4 * max(start - new, 0.0):
            break
        beta, best, now = beta + size * step, new, eta_new
    return start - best
