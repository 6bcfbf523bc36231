r"""Shapes that hold exactly: values at the knots written as sums of steps that must not be negative.

With piecewise-linear functions "increasing" is "every step between knots is at least 0" and "convex" is "every change
of slope is at least 0": :math:`\theta = T\gamma` with :math:`\gamma_j \ge 0`, which a quadratic programme keeps
exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from explaindistill.errors import InvalidInputError

__all__ = ["bounded_solve", "shape_basis"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
MAX_EXCHANGES = 200
"""Exchanges of the bounded solve: block pivoting ends after a few, one at a time after at most a few per coordinate."""
PATIENCE = 3
"""Block exchanges that may pass without fewer coordinates being wrong, before they are exchanged one at a time."""


def shape_basis(knots: Vector, monotone: int, convex: int) -> tuple[Matrix, NDArray[np.bool_]]:
    """Basis of functions on knots, up to a constant, in which the asked shape is a bound at zero.

    Without convexity column j is a step at knot j + 1, of which ``sign`` says the direction. With it the first column
    is the line x and the others are hinges ``max(x - x_j, 0)``, or ``max(x_j - x, 0)`` where the slope is to stay on
    its side of 0 from the other end; x runs from 0 to 1 over the knots.

    Parameters
    ----------
    knots : ndarray of shape (k,), increasing
    monotone : 1 (rises), -1 (falls) or 0
    convex : 1 (convex), -1 (concave) or 0

    Returns
    -------
    T : ndarray of shape (k, k - 1)
        Values at the knots are ``constant + T @ gamma``.
    bounded : ndarray of shape (k - 1,), bool
        Where gamma must not be negative.

    Examples
    --------
    >>> T, bounded = shape_basis(np.array([0.0, 1.0, 3.0]), 1, 0)
    >>> (T @ [1.0, 2.0]).tolist(), bounded.tolist()
    ([0.0, 1.0, 3.0], [True, True])
    """
    k = len(knots)
    if monotone not in (-1, 0, 1) or convex not in (-1, 0, 1):
        raise InvalidInputError(f"monotone and convex must be -1, 0 or 1, got {monotone!r} and {convex!r}")
    sign = -1.0 if monotone == -1 else 1.0
    if convex == 0:
        return sign * np.tri(k, k - 1, -1), np.full(k - 1, monotone != 0)
    x = (knots - knots[0]) / (knots[-1] - knots[0])
    bend = float(convex)
    # Bends start at the knot from which the slope moves away from zero in the direction that keeps it monotone.
    if monotone == 0 or sign == bend:
        hinges = np.maximum(x[:, None] - x[None, 1:-1], 0.0)
        line = x[:, None]
    else:
        hinges = np.maximum(x[None, 1:-1] - x[:, None], 0.0)
        line = x[:, None]
    T = np.hstack([sign * line, bend * hinges])
    return T, np.append(monotone != 0, np.ones(k - 2, dtype=bool))


def bounded_solve(H: Matrix, b: Vector, bounded: NDArray[np.bool_]) -> tuple[Vector, NDArray[np.bool_]]:
    r"""Minimise :math:`\tfrac12 x^\top H x - b^\top x` with some coordinates at least 0, by block pivoting.

    At the minimum a free coordinate j has :math:`x_j \ge 0` and a held one :math:`(Hx - b)_j \ge 0`; all that break
    this change sides at once, and what is free is solved anew.

    Parameters
    ----------
    H : ndarray of shape (p, p), positive definite
    b : ndarray of shape (p,)
    bounded : ndarray of shape (p,), bool

    Returns
    -------
    x : ndarray of shape (p,)
    free : ndarray of shape (p,), bool
        Coordinates that are not held at zero.

    References
    ----------
    Júdice and Pires (1994), doi:10.1016/0305-0548(94)90106-6.

    Examples
    --------
    >>> x, free = bounded_solve(np.eye(2), np.array([1.0, -1.0]), np.array([True, True]))
    >>> x.tolist(), free.tolist()
    ([1.0, 0.0], [True, False])
    """
    free = np.ones(len(b), dtype=bool)
    best, patience = len(b) + 1, PATIENCE
    scale = max(float(np.abs(b).max(initial=0.0)), 1e-300)
    x = np.zeros(len(b))
    for _ in range(MAX_EXCHANGES):
        x = np.zeros(len(b))
        x[free] = cho_solve(cho_factor(H[np.ix_(free, free)]), b[free])
        pull = H @ x - b
        wrong = bounded & np.where(free, x < 0, pull < -1e-12 * scale)  # a pull below that is rounding
        count = int(wrong.sum())
        if count == 0:
            break
        if count < best:
            best, patience = count, PATIENCE
        else:
            patience -= 1
        if patience < 0:  # exchange one at a time: slow, but cannot cycle
            last = np.flatnonzero(wrong)[-1]
            wrong = np.zeros_like(wrong)
            wrong[last] = True
        free ^= wrong
    return np.where(bounded, np.maximum(x, 0.0), x), free
