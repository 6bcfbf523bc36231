r"""How far a penalised sum can be from its optimum: a bound from duality, on all rows, that no solver has a hand in.

With the answers q of the fit (of values: its residuals r = y - q), the gradient :math:`v = Z^\top W (y - q)` and a
share :math:`s \in [0, 1]`, the point :math:`s\,w_i (y_i - q_i)` is feasible for the dual of

.. math:: F(\beta) = \sum_i w_i f(y_i, \eta_i) + l_1 |\beta|_1 + \tfrac{l_2}{2} |\beta|_2^2

wherever :math:`s |v_j| \le l_1` (or :math:`l_2 > 0`), and the minimum of F lies no lower than its value there. With
:math:`h^*(v) = \sum_j \max(|v_j| - l_1, 0)^2 / 2 l_2` the difference is

.. math:: \sum_i w_i \bigl(f(y_i, \eta_i) + f^*(s (q_i - y_i))\bigr) + l_1 |\beta|_1
          + \tfrac{l_2}{2} |\beta|_2^2 + h^*(s v)

where for classes :math:`f^*` is the negative entropy of :math:`y + s (q - y)`, for values :math:`s^2 r^2 / 2 - s r y`.

References
----------
Boyd and Vandenberghe (2004), Convex Optimization, section 5.5, doi:10.1017/CBO9780511804441. Fercoq, Gramfort and
Salmon (2015), Mind the duality gap, arXiv:1505.03410.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.linear.elastic_net import Penalty, cost
from explaindistill.numerics.linear.row_sums import ArraySums, LinearFit, Rows, RowSums

__all__ = ["classes_excess", "classes_gap", "values_excess", "values_gap"]

Array = NDArray[np.float64]
LEAST_WEIGHT = 1e-300  # of a class's curvature: divides nothing by 0


def classes_gap(Z: Rows, P: Array, w: Array, fit: LinearFit, penalty: Penalty, support: NDArray[np.bool_]) -> float:
    """Bound on the excess of the mean divergence with its penalty, in nats; intercepts by Newton's decrement.

    Parameters
    ----------
    Z, P, w : as in :func:`~explaindistill.numerics.linear.elastic_net.logistic_path`
    fit : LinearFit
    penalty : Penalty
        One of both above 0.
    support : ndarray of bool, shape (p, K)
        Coefficients that may differ from 0.

    Examples
    --------
    >>> Z, P = np.array([[-1.0], [1.0]]), np.array([[0.75, 0.25], [0.25, 0.75]])
    >>> still = LinearFit(np.zeros(1), np.zeros((1, 1)))
    >>> gap = classes_gap(Z, P, np.full(2, 0.5), still, Penalty(0.25, 0.0), np.ones((1, 1), dtype=bool))
    >>> round(gap, 12), classes_gap(Z, P, np.full(2, 0.5), still, Penalty(0.1, 0.0), np.ones((1, 1), bool)) > 0.01
    (0.0, True)
    """
    return classes_excess(ArraySums(Z, P, w), fit, penalty, support)


def classes_excess(sums: RowSums, fit: LinearFit, penalty: Penalty, support: NDArray[np.bool_]) -> float:
    """:func:`classes_gap` from sums over rows."""
    v, level, bend = sums.pull(fit)
    s, beyond = _feasible(v[support], penalty)
    entropy = sums.dual_entropy(fit, s)
    # the bound is that of the coefficients beside intercepts as they are; what those could gain comes on top
    intercepts = s * float(level @ fit.intercept) + 0.5 * float((level**2 / np.maximum(bend, LEAST_WEIGHT)).sum())
    return max(sums.divergence(fit) + cost(fit.coef, penalty) + entropy + beyond + intercepts, 0.0)


def values_gap(Z: Rows, Y: Array, w: Array, fit: LinearFit, penalty: Penalty, support: NDArray[np.bool_]) -> float:
    """Bound on the excess of half the mean squared error with its penalty, summed over outputs; as for classes."""
    return values_excess(ArraySums(Z, Y, w), fit, penalty, support)


def values_excess(sums: RowSums, fit: LinearFit, penalty: Penalty, support: NDArray[np.bool_]) -> float:
    """:func:`values_gap` from sums over rows."""
    v = sums.value_slopes(fit)
    bounds = [_feasible(v[support[:, m], m], penalty) for m in range(v.shape[1])]
    dual = sums.dual_values(fit, np.array([s for s, _ in bounds]))
    gap = 0.0
    for m, (_, beyond) in enumerate(bounds):
        gap += max(float(dual[m]) + cost(fit.coef[:, m], penalty) + beyond, 0.0)
    return gap


def _feasible(v: Array, penalty: Penalty) -> tuple[float, float]:
    """Share s of the residuals that the dual allows, and ``h*`` there."""
    l1, l2 = penalty
    if l2 > 0:
        return 1.0, float((np.maximum(np.abs(v) - l1, 0.0) ** 2).sum()) / (2 * l2)
    largest = float(np.abs(v).max(initial=0.0))
    return min(1.0, l1 / largest) if largest > 0 else 1.0, 0.0
