"""Many refits of two penalised models on one design: the bootstrap's inner loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

__all__ = ["refit_twins"]

Floats = NDArray[np.float64]
MAX_STEPS = 20  # Newton's method takes four or five from a fit on nearly the same rows
TOLERANCE = 1e-4
"""Largest step, relative to the largest coefficient, at which a refit is finished: a bootstrap's own noise is far
larger."""
SLOW = 0.2
"""A step above this share of the one before asks for the curvature where it is: that costs as much as p steps."""
LEAST_CURVATURE = 1e-8  # of p (1 - p), where the fit is certain
HALVINGS = 10  # of a step: to a thousandth


def refit_twins(X: Floats, Y: Floats, weight: Floats, S: Floats, start: Floats, is_binary: bool) -> Floats:
    r"""Minimise the deviance plus :math:`\beta^\top S \beta` for each column of Y, from ``start``.

    Parameters
    ----------
    X : ndarray of shape (n, p)
    Y : ndarray of shape (n, t)
        Targets: anywhere in [0, 1] with the logit link where ``is_binary``, else values.
    weight : ndarray of shape (n,)
        Multiplicities of the rows; 0 leaves a row out.
    S : ndarray of shape (p, p)
    start : ndarray of shape (t, p)
    is_binary : bool

    Returns
    -------
    ndarray of shape (t, p)

    Examples
    --------
    >>> X, Y = np.ones((4, 1)), np.array([[0.0], [1.0], [1.0], [1.0]])
    >>> refit_twins(X, Y, np.ones(4), np.zeros((1, 1)), np.zeros((1, 1)), True).round(4).tolist()
    [[1.0986]]
    """
    drawn = weight > 0
    X, Y, weight = X[drawn], Y[drawn], weight[drawn]
    if not is_binary:
        factor = cho_factor(_ridged((X * weight[:, None]).T @ X + S))
        return np.asarray(cho_solve(factor, X.T @ (weight[:, None] * Y)).T)
    return np.array([_newton(X, y, weight, S, beta) for y, beta in zip(Y.T, start, strict=True)])


def _newton(X: Floats, y: Floats, weight: Floats, S: Floats, beta: Floats) -> Floats:
    """Newton steps, halved where the loss would rise; the curvature is found anew only where steps shrink slowly.

    The loss of the bootstrap sample is ``sum_i w_i (log(1 + exp(eta_i)) - y_i eta_i) + b'S b / 2``, half the deviance
    and half the penalty; the step solves ``(X' diag(w p (1 - p)) X + S) step = X'(w (y - p)) - S b``.
    """

    def loss(eta: Floats, b: Floats) -> float:
        """Half the penalised deviance, up to a constant."""
        return float(weight @ (np.logaddexp(0.0, eta) - y * eta) + b @ S @ b / 2)

    def curved(p: Floats) -> Any:
        """Cholesky factor of the penalised curvature."""
        curvature = weight * np.maximum(p * (1 - p), LEAST_CURVATURE)
        return cho_factor(_ridged((X * curvature[:, None]).T @ X + S))

    eta = X @ beta
    now, factor, size = loss(eta, beta), None, np.inf
    for _ in range(MAX_STEPS):
        p = expit(eta)
        pull = X.T @ (weight * (y - p)) - S @ beta
        factor = curved(p) if factor is None else factor
        step = cho_solve(factor, pull)
        if np.abs(step).max() > SLOW * size:
            factor = curved(p)
            step = cho_solve(factor, pull)
        for _ in range(HALVINGS):
            moved = X @ (beta + step)
            then = loss(moved, beta + step)
            if then <= now + 1e-9 * abs(now):  # not a rise, up to rounding
                break
            step = step / 2
        beta, eta, now, size = beta + step, moved, then, float(np.abs(step).max())
        if size <= TOLERANCE * (1 + np.abs(beta).max()):
            break
    return beta


def _ridged(H: Floats) -> Floats:
    """A ridge of 1e-9 of the mean diagonal: directions that a resample has emptied would break the factorisation."""
    return H + 1e-9 * max(float(np.trace(H)) / len(H), 1e-300) * np.eye(len(H))
