"""The coefficient that lowers the loss of a model tree most, for any of its nodes and given all that are there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from explaindistill.numerics.model_trees.leaf_models import penalties
from explaindistill.numerics.model_trees.state import GrowthState, LinearTreeLimits

__all__ = ["Move", "best_coefficient"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Move = tuple[float, int, int, int]


def best_coefficient(state: GrowthState, limits: LinearTreeLimits) -> Move | None:
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


def _allowed(state: GrowthState, node: int, k: int, limits: LinearTreeLimits) -> NDArray[np.bool_]:
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


def _node_sums(state: GrowthState, k: int, own: Ints) -> dict[int, tuple[Floats, Floats, Floats]]:
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


def _own_bend(state: GrowthState, k: int, own: Ints) -> Floats:
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
