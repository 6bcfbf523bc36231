r"""Coefficients that start somewhere and are moved by labels, held back as if some rows had said where they start.

.. math:: \min_\theta \sum_i \ell\big(y_i, z_i^\top \theta\big)
    + \tfrac12 \sum_{jk} r\, c_{jk} (\theta_{jk} - \theta^0_{jk})^2

where :math:`c_{jk}` is the mean curvature that a row brings which column j touches: the prior weighs as much as r rows.
``i`` runs over rows, ``j`` over columns, ``k`` over outputs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.model_trees.leaf_models import Loss, mean_loss, respond

__all__ = ["fit_towards"]

Array = NDArray[np.float64]
STEPS = 100  # the bound on the softmax's curvature makes its steps short, so that they may be many
TOLERANCE = 1e-10  # of the objective: a step that brings less ends the fit
SMALLEST_SHARE = 1e-6  # of a step: halved so often (20 times) without a fall, the fit has ended
LEAST_CURVATURE = 1e-9  # where a fit is certain: keeps the equations definite


def fit_towards(
    Z: Array, Y: Array, start: Array, support: NDArray[np.bool_], loss: Loss, prior_rows: float = 10.0
) -> Array:
    """Newton's method, one output after the other, with steps halved where the loss would rise.

    Parameters
    ----------
    Z : array of shape (n, q)
        Columns, an intercept among them where there is one.
    Y : array of shape (n, K)
        Labels; K is 1 for "binary".
    start : array of shape (q, K)
    support : array of bool, shape (q, K)
        Coefficients that may move.
    loss : "binary", "softmax" or "squared"
    prior_rows : float, above 0

    Returns
    -------
    array of shape (q, K)

    Examples
    --------
    Ten rows that say 1 against a start of 0 that counts as ten rows:

    >>> fit_towards(np.ones((10, 1)), np.ones((10, 1)), np.zeros((1, 1)), np.ones((1, 1), bool), "squared").item()
    0.5
    """
    theta, w = start.copy(), np.ones(len(Z))
    touched = np.maximum((Z != 0).sum(axis=0), 1)[:, None]
    prior = prior_rows * np.maximum((Z**2).T @ _curvature(respond(Z @ start, loss), loss) / touched, LEAST_CURVATURE)

    def objective(theta: Array) -> float:
        """The module's equation."""
        return mean_loss(Z @ theta, Y, w, loss) + 0.5 * float((prior * (theta - start) ** 2).sum())

    value = objective(theta)
    for _ in range(STEPS):
        mean = respond(Z @ theta, loss)
        curved = _curvature(mean, loss)
        step = np.zeros_like(theta)
        for k in range(theta.shape[1]):
            free = support[:, k]
            A = Z[:, free]
            gradient = A.T @ (Y[:, k] - mean[:, k]) - prior[free, k] * (theta[free, k] - start[free, k])
            step[free, k] = np.linalg.solve((A * curved[:, k, None]).T @ A + np.diag(prior[free, k]), gradient)
        share = 1.0
        while share > SMALLEST_SHARE and (new := objective(theta + share * step)) > value:
            share /= 2
        if share <= SMALLEST_SHARE:
            break
        theta, gain, value = theta + share * step, value - new, new
        if gain <= TOLERANCE * (1.0 + abs(value)):
            break
    return theta


def _curvature(mean: Array, loss: Loss) -> Array:
    """Second derivative by each predictor; of a softmax the bound that holds for all outputs at once.

    diag(m) - m m' is at most diag(m), with the means m of a row, so that each output can be stepped for itself.
    """
    if loss == "squared":
        return np.ones_like(mean)
    return np.maximum(mean if loss == "softmax" else mean * (1.0 - mean), LEAST_CURVATURE)
