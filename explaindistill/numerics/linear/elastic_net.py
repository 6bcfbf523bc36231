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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from explaindistill.numerics._jit import kernel
from explaindistill.numerics.linear.row_sums import (
    Array,
    ArraySums,
    LinearFit,
    Rows,
    RowSums,
    classify,
    joint,
    mean_divergence,
)

__all__ = [
    "LinearFit", "Penalty", "Rows", "active_blocks", "blocks_of", "classify", "cost", "gaussian_fits", "gaussian_path",
    "joint", "largest_penalty", "logistic_fits", "logistic_path", "mean_divergence", "null_fit", "objective",
    "penalised", "proximal_step", "still_fit",
]  # fmt: skip

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


def null_fit(Y: Array, w: Array, p: int, classification: bool) -> LinearFit:
    """Intercepts alone: the logit of the mean (two classes), its centred logarithm (more), or the mean itself."""
    return still_fit(w @ Y, p, classification)


def still_fit(mean: Array, p: int, classification: bool) -> LinearFit:
    """:func:`null_fit` from the mean ``(k,)`` of the targets."""
    if not classification:
        return LinearFit(mean, np.zeros((p, len(mean))))
    log = np.log(np.clip(mean, FLOOR, None))
    intercept = log[1:] - log[:1] if len(mean) == 2 else log - log.mean()
    return LinearFit(intercept, np.zeros((p, len(intercept))))


def largest_penalty(sums: RowSums, l1_ratio: float) -> float:
    r"""Smallest penalty at which no coefficient moves; with ``l1_ratio`` below 0.001 that of 0.001 stands in.

    :math:`\max_{jc} |\sum_i w_i z_{ij} (y_{ic} - \bar y_c)| / \alpha`: a coefficient leaves 0 where its gradient
    exceeds :math:`\lambda\alpha`. The ridge alone never sets one to 0, so it has no such penalty.
    """
    gradient = np.abs(sums.value_slopes(still_fit(sums.mean, sums.n_columns, classification=False)))
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


def gaussian_path(
    Z: Rows,
    Y: Array,
    w: Array,
    penalties: Sequence[float],
    l1_ratio: float,
    tol: float = 1e-9,
    enough_terms: int | None = None,
) -> list[LinearFit]:
    """Least-squares fits of rows in memory; see :func:`gaussian_fits`."""
    return gaussian_fits(ArraySums(Z, Y, w), penalties, l1_ratio, tol, enough_terms)


def gaussian_fits(
    sums: RowSums, penalties: Sequence[float], l1_ratio: float, tol: float = 1e-9, enough_terms: int | None = None
) -> list[LinearFit]:
    """Least-squares fits at each of the falling penalties; outputs share the penalty, not the columns.

    ``G`` ``(p, p)`` and ``c`` ``(p, m)`` are the weighted covariances of the columns, and of columns and outputs m. The
    path ends early at the first fit of ``enough_terms``.
    """
    mean = sums.mean
    centre, G, c = sums.covariances()
    coef = np.zeros((sums.n_columns, len(mean)))
    fits = []
    for penalty in penalties:
        for m in range(len(mean)):
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
    """Logistic or softmax fits of rows in memory; see :func:`logistic_fits`.

    Parameters
    ----------
    Z : ndarray or RowBlocks of shape (n, p)
        Standardised columns.
    P : ndarray of shape (n, k)
        Soft labels.
    w : ndarray of shape (n,), sums to 1
    penalties, l1_ratio, tol, enough_terms : see :func:`logistic_fits`
    """
    return logistic_fits(ArraySums(Z, P, w), penalties, l1_ratio, tol, enough_terms)


def logistic_fits(
    sums: RowSums, penalties: Sequence[float], l1_ratio: float, tol: float = 1e-7, enough_terms: int | None = None
) -> list[LinearFit]:
    """Logistic (two classes) or softmax fits at each of the falling penalties, each started from the last.

    Parameters
    ----------
    sums : RowSums
        Of soft labels.
    penalties : falling numbers
    l1_ratio : float in [0, 1]
        The alpha of the equation.
    tol : float
        Largest change of the linear predictor, in standard deviations of a column, at which a fit is finished.
    enough_terms : int, optional
        The path ends early at the first fit of so many terms.
    """
    fit = still_fit(sums.mean, sums.n_columns, classification=True)
    # hard labels can be separable: beyond this nothing is left to explain, and coefficients only grow
    enough = (1e-3 if sums.is_hard() else 1e-7) * sums.divergence(fit)
    fits: list[LinearFit] = []
    for penalty in penalties:
        if not fits or len(penalties) == 1 or sums.divergence(fit) > enough:
            fit = penalised(sums, fit, Penalty(penalty * l1_ratio, penalty * (1 - l1_ratio)), tol)
        fits.append(fit)
        if enough_terms is not None and fit.n_terms >= enough_terms:
            break
    return fits


def penalised(sums: RowSums, start: LinearFit, penalty: Penalty, tol: float) -> LinearFit:
    """Proximal Newton for all classes together, on the coefficients that are active or break optimality.

    A coefficient at 0 breaks it where its gradient exceeds ``l1``. Each step is halved until the
    objective does not rise (1e-14 of it is rounding); intercepts of several classes are centred, which changes no
    answer.

    References
    ----------
    Lee, Sun and Saunders (2014), doi:10.1137/130921428.
    """
    fit, K = start, len(start.intercept)
    value = sums.divergence(fit) + cost(fit.coef, penalty)
    for _ in range(MOST_STEPS):
        active = active_blocks(sums.slopes(fit), fit.coef, penalty)
        shift, step = proximal_step(sums.joint(fit, blocks_of(active)), fit.coef, active, penalty, tol)
        share = 1.0
        while share > SMALLEST_SHARE:
            moved = fit.coef + share * step
            moved[np.abs(moved) < 1e-15] = 0.0
            trial = LinearFit(fit.intercept + share * shift, moved)
            new = sums.divergence(trial) + cost(moved, penalty)
            if new <= value + 1e-14 * abs(value):
                break
            share /= 2
        else:
            break
        fit, value = trial, new
        if np.abs(step).max(initial=np.abs(shift).max()) <= tol:
            break
    return LinearFit(fit.intercept - (fit.intercept.mean() if K > 1 else 0.0), fit.coef)


def active_blocks(slopes: Array, coef: Array, penalty: Penalty) -> NDArray[np.bool_]:
    """Coefficients ``(p, K)`` that differ from 0, or would: their gradient exceeds ``l1``."""
    return np.asarray((coef != 0) | (np.abs(slopes) > penalty.l1 * (1 + 1e-9)))


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
    return mean_divergence(P, w, eta) + cost(beta, penalty)


def cost(beta: Array, penalty: Penalty) -> float:
    """``l1 sum |b| + l2 sum b**2 / 2`` over all coefficients."""
    return penalty.l1 * float(np.abs(beta).sum()) + 0.5 * penalty.l2 * float((beta**2).sum())
