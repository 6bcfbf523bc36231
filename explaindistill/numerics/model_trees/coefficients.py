r"""The coefficient that lowers the loss of a model tree most, for any of its nodes and given all that are there.

In the second-order form of the loss a new coefficient of node v, term t and output k gains, with all others free to
move,

.. math:: \frac{b^2}{2\,(a - c^\top H^{-1} c + \lambda)}, \qquad b = \sum_i g_{ik} z_{it}, \quad
    a = \sum_i h_{ik} z_{it}^2, \quad c_j = \sum_i h_{ik} z_{it} x_{ij},

the sums over the rows i below v, with the columns :math:`x_{ij}` and the penalised Hessian H of the coefficients j that
output k has already.
"""

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
COLLINEAR = 1e-3
"""Share of a term's own curvature that has to be left once the present coefficients are taken out: with less it is
nearly a sum of them, and its coefficient would be mostly noise."""


def best_coefficient(state: GrowthState, limits: LinearTreeLimits) -> Move | None:
    """The coefficient (drop of the loss, node, term, output) that would help most, given all that are there."""
    problem, model = state.problem, state.model
    best: Move | None = None
    for k in range(problem.n_outputs):
        present = np.array([j for j in range(len(model.beta)) if model.output[j] == k], dtype=np.int64)
        sums = _node_sums(state, k, present)
        bend = _hessian(state, k, present)
        factor = cho_factor(bend, check_finite=False)
        for node, (gradient, diagonal, cross) in sorted(sums.items()):
            allowed = _allowed(state, node, k, limits)
            if not allowed.any():
                continue
            spare = diagonal - (cross * cho_solve(factor, cross.T, check_finite=False).T).sum(axis=1)
            usable = allowed & (spare > COLLINEAR * diagonal) & (diagonal > 0)
            drop = np.zeros(len(gradient))
            drop[usable] = 0.5 * gradient[usable] ** 2 / (spare[usable] + problem.ridge)
            t = int(np.argmax(np.round(drop, 15)))
            if drop[t] > (best[0] * (1 + 1e-9) if best else 0.0):  # better by more than rounding
                best = (float(drop[t]), node, t, k)
    return best


def _allowed(state: GrowthState, node: int, k: int, limits: LinearTreeLimits) -> NDArray[np.bool_]:
    """Terms ``(p,)`` that node and output could be given: within the limit of every leaf below, and not there already.

    A term is there where the node itself has it, or both of its children do.
    """
    problem, model = state.problem, state.model
    allowed = np.ones(problem.n_terms, dtype=np.bool_)
    for leaf in model.below(node):
        terms = state.terms(leaf)
        if len(terms) >= limits.leaf_terms:
            allowed &= np.isin(np.arange(problem.n_terms), sorted(terms))
    terms_of = [set[int](), set[int](), set[int]()]
    family = (node, model.left[node], model.right[node])
    for v, t, o in zip(model.node, model.term, model.output, strict=True):
        if o == k and t < problem.n_terms and v in family:
            terms_of[family.index(v)].add(t)
    allowed[sorted(terms_of[0] | (terms_of[1] & terms_of[2]))] = False
    return allowed


def _node_sums(state: GrowthState, k: int, present: Ints) -> dict[int, tuple[Floats, Floats, Floats]]:
    """Gradient b, curvature a and curvature c with the present coefficients of each term, for every node."""
    problem, model = state.problem, state.model
    p = problem.n_terms
    place = np.full(len(model.beta), -1)
    place[present] = np.arange(len(present))
    term = np.array(model.term)
    sums = {v: (np.zeros(p), np.zeros(p), np.zeros((p, len(present)))) for v in range(len(model.parent))}
    for leaf, at in state.on_path.items():
        rows, on_path = model.members[leaf], at[place[at] >= 0]
        Z, h = problem.design[rows], state.h[rows, k]
        gradient = Z[:, :p].T @ state.g[rows, k]
        diagonal = h @ (Z[:, :p] ** 2)
        cross = Z[:, :p].T @ (Z[:, term[on_path]] * h[:, None])
        for v in model.path(leaf):
            sums[v][0][:] += gradient
            sums[v][1][:] += diagonal
            sums[v][2][:, place[on_path]] += cross
    return sums


def _hessian(state: GrowthState, k: int, present: Ints) -> Floats:
    """Penalised Hessian ``H`` of the present coefficients of output k."""
    problem, model = state.problem, state.model
    place = np.full(len(model.beta), -1)
    place[present] = np.arange(len(present))
    term = np.array(model.term)
    bend = np.diag(penalties(model, problem)[present])
    for leaf, at in state.on_path.items():
        on_path = at[place[at] >= 0]
        Z = problem.design[model.members[leaf]][:, term[on_path]]
        bend[np.ix_(place[on_path], place[on_path])] += Z.T @ (Z * state.h[model.members[leaf], k][:, None])
    return bend
