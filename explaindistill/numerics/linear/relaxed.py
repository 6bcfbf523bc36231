"""Relaxed refits: the coefficients that a path chose, fitted again with next to no penalty.

Symbols are those of :mod:`explaindistill.numerics.linear.elastic_net`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from explaindistill.numerics.linear.elastic_net import MOST_STEPS, ROUNDING, SMALLEST_SHARE, blocks_of
from explaindistill.numerics.linear.row_sums import Array, ArraySums, LinearFit, Rows, RowSums

__all__ = ["LEAST_SQUARES_RIDGE", "RIDGE", "refit_classes", "refit_gaussian", "refit_logistic", "refit_values"]

RIDGE = 1e-6
"""Penalty of the relaxed refit, on standardised coefficients: keeps separable classes finite."""
LEAST_SQUARES_RIDGE = 1e-10
"""The same of least squares, which need no more than what tells a direction from the rounding of its products."""


def refit_gaussian(Z: Rows, Y: Array, w: Array, support: NDArray[np.bool_]) -> LinearFit:
    """Least squares on the chosen columns of rows in memory; see :func:`refit_values`."""
    return refit_values(ArraySums(Z, Y, w), support)


def refit_values(sums: RowSums, support: NDArray[np.bool_]) -> LinearFit:
    r"""Least squares on the chosen columns of each output; of collinear columns the shortest solution.

    With the covariance :math:`G = V \Lambda V^\top` of the columns and c theirs with the output
    :math:`\beta = V (\Lambda + \rho)^{-1} V^\top c`, where :math:`\rho` is :data:`LEAST_SQUARES_RIDGE`; directions
    whose eigenvalue is rounding have no share in it.
    """
    coef = np.zeros((sums.n_columns, len(sums.mean)))
    centre, G, c = sums.covariances()
    for m in range(coef.shape[1]):
        chosen = support[:, m]
        if chosen.any():
            values, V = linalg.eigh(G[np.ix_(chosen, chosen)])
            is_sure = values > ROUNDING * values[-1]
            share = np.where(is_sure, 1.0 / (np.where(is_sure, values, 1.0) + LEAST_SQUARES_RIDGE), 0.0)
            coef[chosen, m] = V @ (share * (V.T @ c[chosen, m]))
    return LinearFit(sums.mean - centre @ coef, coef)


def refit_logistic(
    Z: Rows, P: Array, w: Array, support: NDArray[np.bool_], start: LinearFit, tol: float = 1e-10
) -> LinearFit:
    """Relaxed refit of rows in memory; see :func:`refit_classes`."""
    return refit_classes(ArraySums(Z, P, w), support, start, tol)


def refit_classes(sums: RowSums, support: NDArray[np.bool_], start: LinearFit, tol: float = 1e-10) -> LinearFit:
    """Relaxed refit: Newton on the chosen coefficients of all classes together, with next to no penalty.

    ``theta`` holds each class's intercept and then its coefficients. Intercepts of several classes are penalised a
    thousandth as much as coefficients, since moving all alike changes no answer; a single one is free.

    Parameters
    ----------
    sums : RowSums
    support : ndarray of bool, shape (p, K)
        The coefficients that may differ from 0.
    start : LinearFit
        Where to begin; coefficients outside the support are dropped.

    References
    ----------
    Meinshausen (2007), doi:10.1016/j.csda.2006.12.019.
    """
    K = support.shape[1]
    blocks = blocks_of(support)
    theta = np.concatenate([np.r_[start.intercept[c], start.coef[b, c]] for c, b in enumerate(blocks)])
    cuts = np.cumsum([0, *(len(b) + 1 for b in blocks)])
    ridge = np.full(len(theta), RIDGE)
    ridge[cuts[:-1]] = 0.0 if K == 1 else RIDGE * 1e-3
    pieces = [slice(a, b) for a, b in pairwise(cuts.tolist())]

    def spread(theta: Array) -> LinearFit:
        """The fit of the stacked coefficients."""
        coef = np.zeros(support.shape)
        for c, (b, s) in enumerate(zip(blocks, pieces, strict=True)):
            coef[b, c] = theta[s][1:]
        return LinearFit(theta[cuts[:-1]], coef)

    def ridged(theta: Array) -> tuple[float, LinearFit]:
        """What is minimised, and the fit there."""
        fit = spread(theta)
        return sums.divergence(fit, blocks) + 0.5 * float(ridge @ theta**2), fit

    value, fit = ridged(theta)
    for _ in range(MOST_STEPS):
        gradient, H = sums.joint(fit, blocks)
        step = linalg.solve(H + np.diag(ridge + 1e-13), gradient - ridge * theta, assume_a="pos")
        share = 1.0
        while share > SMALLEST_SHARE and (new := ridged(theta + share * step))[0] > value + 1e-15:
            share /= 2
        if share <= SMALLEST_SHARE:
            break
        theta, (value, fit) = theta + share * step, new
        if np.abs(step).max() < tol * max(1.0, np.abs(theta).max()):
            break
    return LinearFit(fit.intercept - (fit.intercept.mean() if K > 1 else 0.0), fit.coef)
