r"""Grow a model tree under a budget of numbers: the coefficient or the split that gains most per number.

The model is a :class:`~explaindistill.numerics.leaf_models.PathModel`. Two kinds of moves compete: give a node one more
coefficient (cost 1), or split a leaf (cost of the split, the intercept of the leaf that is new, and the coefficients
that the halves add). A model without splits and a tree with constant leaves are both within reach. Gains are judged
by the second-order form of the loss around the present fit (Gram matrices per bin, prefix sums); the best cuts of a
leaf are then fitted in earnest. After each move all coefficients are fitted together again.

References
----------
Landwehr, Hall and Frank (2005), doi:10.1007/s10994-005-0466-3. Zeileis, Hothorn and Hornik (2008),
doi:10.1198/106186008X319331. Agarwal, Tan, Ronen, Singh and Yu (2022), Hierarchical shrinkage, arXiv:2202.00858.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from explaindistill.numerics.binning import MISSING, spread
from explaindistill.numerics.gram_splits import best_cut, empty_sums, gram_by_bin, term_chain
from explaindistill.numerics.leaf_models import (
    PathModel,
    Problem,
    curvature,
    mean_loss,
    penalties,
    refit,
    respond,
)

__all__ = ["Cut", "Limits", "Table", "grow_model_tree", "n_parameters"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHAIN = 3  # coefficients that each half of a cut may bring along
SCREENED = 12  # terms in the Gram matrices of a leaf
TRIED = 3  # cuts of a leaf that are fitted in earnest
LEAST = 1e-8  # share of the reducible loss below which a move is rounding
FINE = 200  # values between which a cut is looked for once more


@dataclass(frozen=True, eq=False)
class Table:
    """Binned columns: ``codes`` (n, d), and for each column its bins, whether it is a category, and categories per bin.

    ``rank`` breaks ties between columns, so that their order does not matter. ``values(f)`` are the numbers behind
    the codes: where a bin holds several, the best cut is looked for once more between them.
    """

    codes: NDArray[np.uint8]
    n_bins: Sequence[int]
    is_category: Sequence[bool]
    sizes: Sequence[Floats]
    rank: Ints
    values: Callable[[int], Floats]


@dataclass(frozen=True)
class Limits:
    """How large the model may become; see :class:`~explaindistill.students.model_tree.ModelTreeClassifier`."""

    leaves: int
    depth: int
    leaf_rows: float
    leaf_terms: int
    parameters: float
    gain: float


@dataclass(frozen=True, eq=False)
class Cut:
    """A split that a leaf could have, and the coefficients it would bring: (side, term, output), side 0 is left."""

    leaf: int
    feature: int
    goes_left: NDArray[np.bool_]
    cost: float
    terms: tuple[tuple[int, int, int], ...]
    drop: float
    score: float


def n_parameters(model: PathModel, n_terms: int, n_free: int) -> float:
    """Numbers that a person would write down: splits, one intercept per leaf and free output, coefficients."""
    slopes = sum(t != n_terms for t in model.term)
    return float(sum(model.split_cost) + n_free * len(model.members) + slopes)


def grow_model_tree(problem: Problem, table: Table, limits: Limits, n_jobs: int | None = None) -> PathModel:
    """Grow under the limits.

    Parameters
    ----------
    problem, table, limits : Problem, Table, Limits
    n_jobs : int or None
        Threads over columns; the result does not depend on them.
    """
    model = PathModel({0: np.arange(len(problem.design))}, problem.n_terms)
    for k in range(problem.n_outputs):
        model.add(0, problem.n_terms, k)
    refit(problem, model, 30, 1e-12)
    least = max(limits.gain, LEAST) * _excess(problem, model)
    cuts: dict[int, Cut | None] = {}
    stale: set[int] = {0}
    while True:
        left = limits.parameters - n_parameters(model, problem.n_terms, n_free(problem))
        state = _State(problem, model)
        move = _best_coefficient(state, limits) if left >= 1 else None
        floor = max(least, move[0] if move else 0.0)
        cut = _best_split(state, table, limits, left, cuts, stale, floor, n_jobs)
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
    refit(problem, model, 30, 1e-12)
    return model


def n_free(problem: Problem) -> int:
    """Free values of a constant leaf."""
    return problem.n_outputs - (problem.loss == "softmax")


def _excess(problem: Problem, model: PathModel) -> float:
    """Loss of the constant model over the least loss there is: the entropy of the targets."""
    eta = np.tile(model.beta, (len(problem.design), 1))
    value = mean_loss(eta, problem.targets, problem.weight, problem.loss)
    if problem.loss == "squared":
        return value
    p = problem.targets
    p = np.concatenate([p, 1.0 - p], axis=1) if problem.loss == "binary" else p
    safe = np.where(p > 0, p, 1.0)
    return max(value + float(problem.weight @ (p * np.log(safe)).sum(axis=1)), 1e-12)


class _State:
    """Residuals and curvatures of every row at the present fit."""

    def __init__(self, problem: Problem, model: PathModel) -> None:
        self.problem, self.model = problem, model
        self.eta = np.zeros_like(problem.targets)
        term, output = np.array(model.term), np.array(model.output)
        self.on_path = {leaf: model.coefficients(leaf) for leaf in sorted(model.members)}
        for leaf, at in self.on_path.items():
            rows = model.members[leaf]
            for k in range(problem.n_outputs):
                own = at[output[at] == k]
                self.eta[rows, k] = problem.design[rows][:, term[own]] @ model.beta[own]
        mean = respond(self.eta, problem.loss)
        self.g = (problem.targets - mean) * problem.weight[:, None]
        self.h = curvature(mean, problem.loss) * problem.weight[:, None]

    def terms(self, leaf: int) -> set[int]:
        """Terms in the model of a leaf."""
        return {self.model.term[j] for j in self.on_path[leaf]} - {self.problem.n_terms}


Move = tuple[float, int, int, int]


def _best_coefficient(state: _State, limits: Limits) -> Move | None:
    """The coefficient (drop of the loss, node, term, output) that would help most, given all that are there."""
    problem, model = state.problem, state.model
    best: Move | None = None
    for k in range(problem.n_outputs):
        own = np.array([j for j in range(len(model.beta)) if model.output[j] == k], dtype=np.int64)
        sums = _node_sums(state, k, own)
        bend = _own_bend(state, k, own)
        factor = cho_factor(bend, check_finite=False)
        for node, (gradient, diagonal, cross) in sorted(sums.items()):
            allowed = _allowed(state, node, k, limits)
            if not allowed.any():
                continue
            spare = diagonal - (cross * cho_solve(factor, cross.T, check_finite=False).T).sum(axis=1)
            usable = allowed & (spare > 1e-3 * diagonal) & (diagonal > 0)
            drop = np.zeros(len(gradient))
            drop[usable] = 0.5 * gradient[usable] ** 2 / (spare[usable] + problem.ridge)
            t = int(np.argmax(np.round(drop, 15)))
            if drop[t] > (best[0] * (1 + 1e-9) if best else 0.0):
                best = (float(drop[t]), node, t, k)
    return best


def _allowed(state: _State, node: int, k: int, limits: Limits) -> NDArray[np.bool_]:
    problem, model = state.problem, state.model
    allowed = np.ones(problem.n_terms, dtype=np.bool_)
    for leaf in model.below(node):
        terms = state.terms(leaf)
        if len(terms) >= limits.leaf_terms:
            allowed &= np.isin(np.arange(problem.n_terms), sorted(terms))
    there = [set[int](), set[int](), set[int]()]
    family = (node, model.left[node], model.right[node])
    for v, t, o in zip(model.node, model.term, model.output, strict=True):
        if o == k and t < problem.n_terms and v in family:
            there[family.index(v)].add(t)
    allowed[sorted(there[0] | (there[1] & there[2]))] = False
    return allowed


def _node_sums(state: _State, k: int, own: Ints) -> dict[int, tuple[Floats, Floats, Floats]]:
    """Gradient, curvature and curvature with the present coefficients of each term, for every node."""
    problem, model = state.problem, state.model
    p = problem.n_terms
    place = np.full(len(model.beta), -1)
    place[own] = np.arange(len(own))
    term = np.array(model.term)
    sums = {v: (np.zeros(p), np.zeros(p), np.zeros((p, len(own)))) for v in range(len(model.parent))}
    for leaf, at in state.on_path.items():
        rows, mine = model.members[leaf], at[place[at] >= 0]
        Z, h = problem.design[rows], state.h[rows, k]
        gradient = Z[:, :p].T @ state.g[rows, k]
        diagonal = h @ (Z[:, :p] ** 2)
        cross = Z[:, :p].T @ (Z[:, term[mine]] * h[:, None])
        for v in model.path(leaf):
            sums[v][0][:] += gradient
            sums[v][1][:] += diagonal
            sums[v][2][:, place[mine]] += cross
    return sums


def _own_bend(state: _State, k: int, own: Ints) -> Floats:
    problem, model = state.problem, state.model
    place = np.full(len(model.beta), -1)
    place[own] = np.arange(len(own))
    term = np.array(model.term)
    bend = np.diag(penalties(model, problem)[own])
    for leaf, at in state.on_path.items():
        mine = at[place[at] >= 0]
        Z = problem.design[model.members[leaf]][:, term[mine]]
        bend[np.ix_(place[mine], place[mine])] += Z.T @ (Z * state.h[model.members[leaf], k][:, None])
    return bend


def _best_split(
    state: _State,
    table: Table,
    limits: Limits,
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


def _affordable(cut: Cut, left: float, state: _State) -> bool:
    return cut.cost + n_free(state.problem) + len(cut.terms) <= left


def _cut_leaf(state: _State, table: Table, limits: Limits, left: float, leaf: int, n_jobs: int | None) -> Cut | None:
    """Score all cuts of a leaf by second order, fit the best few in earnest."""
    problem, model = state.problem, state.model
    rows = model.members[leaf]
    if model.depth(leaf) >= limits.depth or problem.count[rows].sum() < 2 * limits.leaf_rows:
        return None
    columns = _screen(state, leaf)
    mine = state.terms(leaf)
    free = np.array([t in mine or t == problem.n_terms for t in columns])
    part = _Part(rows, columns, free, limits.leaf_terms - len(mine), left, limits.leaf_rows)
    found = spread(lambda f: _cut_feature(state, table, part, leaf, f), range(table.codes.shape[1]), n_jobs)
    ranked = sorted(
        (c for c in found if c is not None), key=lambda c: (-float(f"{c.score:.9g}"), table.rank[c.feature])
    )
    earnest = [_in_earnest(state, table, c) for c in ranked[:TRIED]]
    return max(earnest, key=lambda c: float(f"{c.score:.9g}"), default=None)


@dataclass(frozen=True, eq=False)
class _Part:
    rows: Ints
    columns: Ints
    free: NDArray[np.bool_]
    room: int
    budget: float
    minimum: float


def _screen(state: _State, leaf: int) -> Ints:
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


def _cut_feature(state: _State, table: Table, part: _Part, leaf: int, f: int) -> Cut | None:
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


def _routing(table: Table, f: int, order: Ints, last: int, missing_left: bool, n: Floats) -> NDArray[np.bool_]:
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
    sides: tuple[tuple[Floats, Floats], ...], part: _Part, problem: Problem, count: int
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


def _in_earnest(state: _State, table: Table, cut: Cut) -> Cut:
    """Fit both halves of a cut from the present fit, and score it by what the loss really loses."""
    problem = state.problem
    rows = state.model.members[cut.leaf]
    left = cut.goes_left[table.codes[rows, cut.feature]]
    drop = 0.0
    for side, part in ((0, rows[left]), (1, rows[~left])):
        drop += _half(state, part, [(t, k) for s, t, k in cut.terms if s == side])
    cost = cut.cost + n_free(problem) + len(cut.terms)
    return Cut(cut.leaf, cut.feature, cut.goes_left, cut.cost, cut.terms, drop, drop / cost)


def _half(state: _State, rows: Ints, terms: list[tuple[int, int]]) -> float:
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


def _apply(state: _State, table: Table, limits: Limits, cut: Cut) -> None:
    problem, model = state.problem, state.model
    rows = model.members[cut.leaf]
    left = cut.goes_left[table.codes[rows, cut.feature]]
    if not table.is_category[cut.feature]:
        left, cut = _between(state, table, limits, cut)
    model.split(cut.leaf, cut.feature, cut.goes_left, cut.cost, rows[left], rows[~left])
    sides = (model.left[cut.leaf], model.right[cut.leaf])
    for child in sides:
        for k in range(problem.n_outputs):
            model.add(child, problem.n_terms, k)
    for side, t, k in cut.terms:
        model.add(sides[side], t, k)


def _between(state: _State, table: Table, limits: Limits, cut: Cut) -> tuple[NDArray[np.bool_], Cut]:
    """Look once more for the best cut between the values of the two bins that meet there; notes the gap."""
    model = state.model
    rows = model.members[cut.leaf]
    codes, values = table.codes[rows, cut.feature], table.values(cut.feature)[rows]
    there = codes < MISSING
    left = cut.goes_left[codes]
    low, high = codes[there & left].max(initial=0), codes[there & ~left].min(initial=MISSING)
    inner = (codes == low) | (codes == high)
    distinct = np.unique(values[inner])
    if len(distinct) > 2:
        if len(distinct) > FINE:
            distinct = distinct[np.linspace(0, len(distinct) - 1, FINE).astype(np.int64)]
        fine = np.where(codes < low, 0, FINE + 1).astype(np.uint8)
        fine[inner] = 1 + np.searchsorted(distinct, values[inner], side="left").astype(np.uint8)
        fine[~there] = MISSING
        found = _fine_cut(state, cut, limits, fine, values)
        if found is not None:
            left, missing_left = found
            go = cut.goes_left.copy()
            go[MISSING] = missing_left if (~there).any() else go[MISSING]
            cut = replace(cut, goes_left=go)
    model.gap[cut.leaf] = (
        float(values[there & left].max(initial=-np.inf)),
        float(values[there & ~left].min(initial=np.inf)),
    )
    return left, cut


def _fine_cut(
    state: _State, cut: Cut, limits: Limits, codes: NDArray[np.uint8], values: Floats
) -> tuple[NDArray[np.bool_], bool] | None:
    problem = state.problem
    rows = state.model.members[cut.leaf]
    columns = np.array([problem.n_terms, *sorted({t for _, t, _ in cut.terms} | state.terms(cut.leaf))], dtype=np.int64)
    A, b, n = empty_sums(256, problem.n_outputs, len(columns))
    X = np.ascontiguousarray(problem.design[np.ix_(rows, columns)])
    gram_by_bin(codes, X, state.g[rows], state.h[rows], problem.count[rows], A, b, n)
    at = np.append(np.flatnonzero(n[:MISSING] > 0), MISSING)
    out = np.zeros(4)
    free = np.ones(len(columns), dtype=np.bool_)
    best_cut(A[at], b[at], n[at], int(n[MISSING] > 0), np.ones(len(at) - 1), False, float(n_free(problem)), np.inf,
             limits.leaf_rows, problem.ridge, free, 0, CHAIN, out)  # fmt: skip
    if out[0] <= 0 or int(out[1]) >= len(at) - 2:
        return None
    last = at[int(out[1])]
    return np.where(codes == MISSING, bool(out[2]), codes <= last), bool(out[2])
