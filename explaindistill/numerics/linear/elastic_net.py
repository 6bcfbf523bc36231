r"""Elastic net on soft labels: minimise cross-entropy plus a penalty on standardised coefficients.

.. math:: \sum_i w_i \, \mathrm{CE}(p_i, q_i)
          + \lambda \sum_j \left(\alpha |\beta_j| + \tfrac{1 - \alpha}{2} \beta_j^2\right), \qquad \sum_i w_i = 1

Each step replaces the loss by its quadratic at the present fit and solves that by coordinate descent on the Gram matrix
of the active columns (Friedman, Hastie and Tibshirani 2010, doi:10.18637/jss.v033.i01). ``i`` runs over rows, ``j``
over the p columns, ``c`` over the K classes or outputs with a predictor of their own: :math:`\eta_{ic} = a_c + z_i^\top
\beta_c`. ``l1`` is :math:`\lambda\alpha`, ``l2`` is :math:`\lambda (1 - \alpha)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.special import expit, xlogy

from explaindistill.numerics._jit import kernel
from explaindistill.numerics.linear.row_blocks import RowBlocks, row_blocks, row_slices

__all__ = [
    "LinearFit",
    "Penalty",
    "Rows",
    "active_blocks",
    "blocks_of",
    "classify",
    "covariances",
    "gaussian_path",
    "joint",
    "largest_penalty",
    "logistic_at",
    "logistic_path",
    "mean_divergence",
    "null_fit",
    "objective",
    "proximal_step",
]

Array = NDArray[np.float64]
Rows = Array | RowBlocks
"""Standardised columns ``(n, p)``, in memory or read block by block: sums over rows have the same bits."""
FLOOR = 1e-12
"""Least share of a class in the mean answer, so that a class that never occurs has a finite logarithm (-27.6)."""
ROUNDING = 1e-14
"""Share of the largest eigenvalue of a covariance below which one is rounding: some digits above that of float64."""
HESSIAN_RIDGE = 1e-9
"""Added to the diagonal of the quadratic: collinear columns, and the direction that moves all classes alike, have
none."""
MOST_SWEEPS = 10_000  # through all columns, of a least-squares fit: collinear columns converge slowly, but they do
MOST_STEPS = 100  # of Newton's method: from far out, each gains about a logit; near the optimum five do
SMALLEST_SHARE = 1e-6  # of a step: halved so often (20 times) without a fall of the objective, the fit has ended


class Penalty(NamedTuple):
    """Weights of ``sum |b|`` and of ``sum b**2 / 2``."""

    l1: float
    l2: float


@dataclass(frozen=True)
class LinearFit:
    """Intercepts ``(K,)`` and coefficients ``(p, K)`` on standardised columns; K is 1 for two classes."""

    intercept: Array
    coef: Array

    def predictor(self, Z: Rows) -> Array:
        """Linear predictor ``(n, K)``."""
        return row_blocks(Z).predictor(self.coef) + self.intercept

    @property
    def n_terms(self) -> int:
        """Columns with a coefficient."""
        return int((self.coef != 0).any(axis=1).sum())


def classify(eta: Array) -> Array:
    """Probabilities ``(n, k)`` from the linear predictor ``(n, K)``: logistic where K is 1, else softmax."""
    if eta.shape[1] > 1:
        lifted = np.exp(eta - eta.max(axis=1, keepdims=True))
        return lifted / lifted.sum(axis=1, keepdims=True)
    return np.hstack([expit(-eta), expit(eta)])


def mean_divergence(P: Array, w: Array, eta: Array) -> float:
    r"""Weighted mean of KL(p || q) in nats, q from the linear predictor; 0 where the fit is exact.

    :math:`\sum_i w_i \bigl(\log\sum_c e^{\eta_{ic}} - \sum_c p_{ic} \eta_{ic} + \sum_c p_{ic} \log p_{ic}\bigr)`; with
    one predictor that of class 0 is 0.
    """
    return sum(_divergence(P[rows], w[rows], eta[rows]) for rows in row_slices(len(w)))


def _divergence(P: Array, w: Array, eta: Array) -> float:
    """What some rows add to the mean."""
    if eta.shape[1] == 1:
        cross = np.logaddexp(0.0, eta[:, 0]) - P[:, 1] * eta[:, 0]
    else:
        top = eta.max(axis=1)
        cross = top + np.log(np.exp(eta - top[:, None]).sum(axis=1)) - np.einsum("ij,ij->i", P, eta)
    return float(w @ cross + w @ xlogy(P, P).sum(axis=1))


def null_fit(Y: Array, w: Array, p: int, classification: bool) -> LinearFit:
    """Intercepts alone: the logit of the mean (two classes), its centred logarithm (more), or the mean itself."""
    mean = w @ Y
    if not classification:
        return LinearFit(mean, np.zeros((p, len(mean))))
    log = np.log(np.clip(mean, FLOOR, None))
    intercept = log[1:] - log[:1] if len(mean) == 2 else log - log.mean()
    return LinearFit(intercept, np.zeros((p, len(intercept))))


def largest_penalty(Z: Rows, Y: Array, w: Array, l1_ratio: float) -> float:
    r"""Smallest penalty at which no coefficient moves; with ``l1_ratio`` below 0.001 that of 0.001 stands in.

    :math:`\max_{jc} |\sum_i w_i z_{ij} (y_{ic} - \bar y_c)| / \alpha`: a coefficient leaves 0 where its gradient
    exceeds :math:`\lambda\alpha`. The ridge alone never sets one to 0, so it has no such penalty.
    """
    gradient = np.abs(row_blocks(Z).onto(w[:, None] * (Y - w @ Y)))
    return float(gradient.max(initial=0.0)) / max(l1_ratio, 1e-3)


@kernel
def solve_quadratic(G: Array, g: Array, beta: Array, l1: float, l2: float, tol: float, max_sweeps: int) -> int:
    r"""Minimise ``(b - b0)' G (b - b0) / 2 - g'(b - b0) + l1 |b| + l2 b'b / 2`` over b, in place; returns the sweeps.

    One coordinate j at a time, with the residual gradient :math:`r = g - G (b - b_0)`:

    .. math:: u = r_j + G_{jj} b_j, \qquad b_j \leftarrow \mathrm{sign}(u) \max(|u| - l_1, 0) / (G_{jj} + l_2)

    until no step lowers the quadratic by more than ``tol**2``, in units of :math:`G_{jj}\,\mathrm{step}^2`.
    """
    p = len(beta)
    r = g.copy()
    for sweep in range(max_sweeps):
        largest = 0.0
        for j in range(p):
            a = G[j, j]
            if a <= 0.0:
                continue
            old = beta[j]
            u = r[j] + a * old
            if u > l1:
                new = (u - l1) / (a + l2)
            elif u < -l1:
                new = (u + l1) / (a + l2)
            else:
                new = 0.0
            if new != old:
                step = new - old
                beta[j] = new
                for i in range(p):
                    r[i] -= step * G[j, i]
                largest = max(largest, a * step * step)
        if largest <= tol * tol:
            return sweep + 1
    return max_sweeps


def exact_on_signs(G: Array, c: Array, beta: Array, l1: float, l2: float) -> Array:
    """Minimum of ``b' G b / 2 - c'b + l1 |b| + l2 b'b / 2`` over coefficients that keep their signs, or end at 0.

    Between columns that all but repeat each other coordinate descent takes steps so small that it stops far from the
    minimum. With the signs s fixed that is ``(G + l2) b = c - l1 s``; on the way there a coefficient that would change
    its sign stays at 0 (Lee, Battle, Raina and Ng 2007, Efficient sparse coding algorithms, NeurIPS 19).
    """
    beta = beta.copy()
    for _ in range(len(beta)):
        at = np.flatnonzero(beta)
        if not len(at):
            break
        H = G[np.ix_(at, at)] + l2 * np.eye(len(at))
        goal = linalg.lstsq(H, c[at] - l1 * np.sign(beta[at]), cond=ROUNDING)[0]
        turns = (np.sign(goal) != np.sign(beta[at])) & (l1 > 0)
        if not turns.any():
            beta[at] = goal
            break
        share = beta[at][turns] / (beta[at][turns] - goal[turns])
        beta[at] += share.min() * (goal - beta[at])
        beta[at[turns][share == share.min()]] = 0.0
    return np.ascontiguousarray(beta)


def covariances(Z: Rows, Y: Array, w: Array) -> tuple[Array, Array, Array]:
    """Weighted means ``(p,)`` of the columns, covariances ``(p, p)`` of them and ``(p, m)`` with the outputs."""
    rows_of_Z, mean = row_blocks(Z), w @ Y
    p = rows_of_Z.shape[1]
    centre, G, c = np.zeros(p), np.zeros((p, p)), np.zeros((p, Y.shape[1]))
    for rows, lines in rows_of_Z:
        centre += w[rows] @ lines
    for rows, lines in rows_of_Z:
        A = lines - centre
        G += A.T @ (w[rows, None] * A)
        c += A.T @ (w[rows, None] * (Y[rows] - mean))
    return centre, G, c


def gaussian_path(
    Z: Rows,
    Y: Array,
    w: Array,
    penalties: Sequence[float],
    l1_ratio: float,
    tol: float = 1e-9,
    enough_terms: int | None = None,
) -> list[LinearFit]:
    """Least-squares fits at each of the falling penalties; outputs share the penalty, not the columns.

    ``G`` ``(p, p)`` and ``c`` ``(p, m)`` are the weighted covariances of the columns, and of columns and outputs m. The
    path ends early at the first fit of ``enough_terms``.
    """
    mean = w @ Y
    centre, G, c = covariances(Z, Y, w)
    coef = np.zeros((Z.shape[1], Y.shape[1]))
    fits = []
    for penalty in penalties:
        for m in range(Y.shape[1]):
            beta = np.ascontiguousarray(coef[:, m])
            l1, l2 = penalty * l1_ratio, penalty * (1 - l1_ratio)
            for _ in range(2):  # an exact solution may ask for a column that was at 0
                solve_quadratic(G, c[:, m] - G @ beta, beta, l1, l2, tol, MOST_SWEEPS)
                beta = exact_on_signs(G, c[:, m], beta, l1, l2)
            coef[:, m] = beta
        fits.append(LinearFit(mean - centre @ coef, coef.copy()))
        if enough_terms is not None and fits[-1].n_terms >= enough_terms:
            break
    return fits


def logistic_path(
    Z: Rows,
    P: Array,
    w: Array,
    penalties: Sequence[float],
    l1_ratio: float,
    tol: float = 1e-7,
    enough_terms: int | None = None,
) -> list[LinearFit]:
    """Logistic (two classes) or softmax fits at each of the falling penalties, each started from the last.

    Parameters
    ----------
    Z : ndarray or RowBlocks of shape (n, p)
        Standardised columns.
    P : ndarray of shape (n, k)
        Soft labels.
    w : ndarray of shape (n,), sums to 1
    penalties : falling numbers
    l1_ratio : float in [0, 1]
        The alpha of the equation.
    tol : float
        Largest change of the linear predictor, in standard deviations of a column, at which a fit is finished.
    enough_terms : int, optional
        The path ends early at the first fit of so many terms.
    """
    fit = null_fit(P, w, Z.shape[1], classification=True)
    # hard labels can be separable: beyond this nothing is left to explain, and coefficients only grow
    enough = (1e-3 if bool((P.max(axis=1) == 1).all()) else 1e-7) * mean_divergence(P, w, fit.predictor(Z))
    fits: list[LinearFit] = []
    for penalty in penalties:
        if not fits or len(penalties) == 1 or mean_divergence(P, w, fit.predictor(Z)) > enough:
            fit = _penalised(Z, P, w, fit, Penalty(penalty * l1_ratio, penalty * (1 - l1_ratio)), tol)
        fits.append(fit)
        if enough_terms is not None and fit.n_terms >= enough_terms:
            break
    return fits


def logistic_at(
    Z: Rows, P: Array, w: Array, penalty: float, l1_ratio: float, start: LinearFit, tol: float
) -> LinearFit:
    """One logistic or softmax fit, started from another."""
    return _penalised(Z, P, w, start, Penalty(penalty * l1_ratio, penalty * (1 - l1_ratio)), tol)


def _penalised(Z: Rows, P: Array, w: Array, start: LinearFit, penalty: Penalty, tol: float) -> LinearFit:
    """Proximal Newton for all classes together, on the coefficients that are active or break optimality.

    A coefficient at 0 breaks it where its gradient exceeds ``l1``. Each step is halved until the
    objective does not rise (1e-14 of it is rounding); intercepts of several classes are centred, which changes no
    answer.

    References
    ----------
    Lee, Sun and Saunders (2014), doi:10.1137/130921428.
    """
    intercept, coef = start.intercept.copy(), start.coef.copy()
    K, Z = len(intercept), row_blocks(Z)
    eta = start.predictor(Z)
    value = objective(P, w, eta, coef, penalty)
    for _ in range(MOST_STEPS):
        active = active_blocks(Z, P, w, eta, coef, penalty)
        shift, step = proximal_step(joint(Z, blocks_of(active), P, w, eta), coef, active, penalty, tol)
        direction, share = Z.predictor(step) + shift, 1.0
        while share > SMALLEST_SHARE:
            moved = coef + share * step
            moved[np.abs(moved) < 1e-15] = 0.0
            new = objective(P, w, eta + share * direction, moved, penalty)
            if new <= value + 1e-14 * abs(value):
                break
            share /= 2
        else:
            break
        intercept, coef, value, eta = intercept + share * shift, moved, new, eta + share * direction
        if np.abs(step).max(initial=np.abs(shift).max()) <= tol:
            break
    return LinearFit(intercept - (intercept.mean() if K > 1 else 0.0), coef)


def active_blocks(Z: Rows, P: Array, w: Array, eta: Array, coef: Array, penalty: Penalty) -> NDArray[np.bool_]:
    """Coefficients ``(p, K)`` that differ from 0, or would: their gradient exceeds ``l1``."""
    gradient = np.zeros_like(coef)
    for rows, lines in row_blocks(Z):
        gradient += lines.T @ (w[rows, None] * (P[rows] - classify(eta[rows]))[:, -coef.shape[1] :])
    return (coef != 0) | (np.abs(gradient) > penalty.l1 * (1 + 1e-9))


def blocks_of(support: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Columns of each class c whose coefficient is in the support ``(p, K)``."""
    return [np.flatnonzero(column) for column in support.T]


def proximal_step(
    quadratic: tuple[Array, Array], coef: Array, active: NDArray[np.bool_], penalty: Penalty, tol: float
) -> tuple[Array, Array]:
    r"""Change of intercepts ``(K,)`` and coefficients ``(p, K)`` that minimises the quadratic of one step.

    ``quadratic`` is what :func:`joint` gives for the active coefficients. The intercepts f are eliminated from it:
    with the gradient g and the Hessian H the coefficients see :math:`H_{bb} - H_{bf} H_{ff}^{-1} H_{fb}` and :math:`g_b
    - H_{bf} H_{ff}^{-1} g_f`. It is solved to a hundredth of the fit's own tolerance.
    """
    blocks = blocks_of(active)
    cuts = np.cumsum([0, *(len(b) + 1 for b in blocks)])
    gradient, H = quadratic
    H[np.diag_indices(len(H))] += HESSIAN_RIDGE
    first = np.zeros(cuts[-1], dtype=bool)
    first[cuts[:-1]] = True
    onto = np.linalg.solve(H[np.ix_(first, first)], np.column_stack([H[np.ix_(first, ~first)], gradient[first]]))
    cross, lead = onto[:, :-1], onto[:, -1]
    G = np.ascontiguousarray(H[np.ix_(~first, ~first)] - H[np.ix_(~first, first)] @ cross)
    g = gradient[~first] - H[np.ix_(~first, first)] @ lead
    old = np.concatenate([coef[b, c] for c, b in enumerate(blocks)])
    beta = old.copy()
    solve_quadratic(G, g, beta, penalty.l1, penalty.l2, 0.01 * tol, 1000)
    step = np.zeros_like(coef)
    changes = np.split(beta - old, np.cumsum([len(b) for b in blocks])[:-1])
    for c, b in enumerate(blocks):
        step[b, c] = changes[c]
    return lead - cross @ (beta - old), step


def objective(P: Array, w: Array, eta: Array, beta: Array, penalty: Penalty) -> float:
    """What is minimised: the mean divergence plus ``l1 sum |b| + l2 sum b**2 / 2`` over all coefficients."""
    l1, l2 = penalty
    return mean_divergence(P, w, eta) + l1 * float(np.abs(beta).sum()) + 0.5 * l2 * float((beta**2).sum())


def joint(Z: Rows, blocks: list[NDArray[np.intp]], P: Array, w: Array, eta: Array) -> tuple[Array, Array]:
    r"""Gradient and Hessian of the cross-entropy in the coefficients of all classes.

    The gradient is :math:`\sum_i w_i (p_{ic} - q_{ic}) z_i`, a 1 before each :math:`z_i` for the intercept. With
    :math:`A_c` those rows with the columns of class c, :math:`Q_c` its probabilities, and :math:`u_i` the rows of the
    classes side by side, each times its probability, the Hessian is :math:`\operatorname{diag}_c(A_c^T W Q_c A_c) - U^T
    W U`: one symmetric product, made from blocks of rows that stay small, instead of one product per pair of classes.
    Two classes have one logit and one block.
    """
    K = eta.shape[1]
    cuts = np.cumsum([0, *(len(b) + 1 for b in blocks)])
    pieces = [slice(a, b) for a, b in pairwise(cuts.tolist())]
    used = np.flatnonzero(np.bincount(np.concatenate(blocks), minlength=Z.shape[1]))
    places = [np.searchsorted(used, b) for b in blocks]
    slope, level = np.zeros((len(used), K)), np.zeros(K)
    H = np.zeros((cuts[-1], cuts[-1]))
    for rows, lines in row_blocks(Z).over(used):
        Q = classify(eta[rows])[:, -K:]
        residual = w[rows, None] * (P[rows, -K:] - Q)
        slope += lines.T @ residual
        level += residual.sum(axis=0)
        root = np.sqrt(w[rows, None] * Q * (1 - Q) if K == 1 else w[rows, None] * Q)
        side_by_side = np.empty((len(lines), len(H)))
        for c, (b, s) in enumerate(zip(places, pieces, strict=True)):
            of_class = side_by_side[:, s]
            of_class[:, 0], of_class[:, 1:] = root[:, c], lines[:, b] * root[:, c : c + 1]
            H[s, s] += of_class.T @ of_class
            if K > 1:
                of_class *= np.sqrt(Q[:, c])[:, None]
        if K > 1:
            H -= side_by_side.T @ side_by_side
    return np.concatenate([np.r_[level[c], slope[b, c]] for c, b in enumerate(places)]), H
