"""Terms of several outputs, each with a coefficient for every output, where a limit counts terms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.linear.penalty_choice import PATH_TOLERANCE, ROOM, PenalisedFits, PenalisedProblem
from explaindistill.numerics.linear.row_sums import Array, LinearFit

__all__ = ["whole_terms"]

AT_ONCE = 8
"""One in so many of the terms that are too many goes at a time: the last eight one by one, where it matters most."""
COMPARED = 1e-4
"""Precision of refits that are only compared; the fit that is handed over is solved again."""
THIRDS = 3
"""One row in three judges the terms that the other two chose."""


def whole_terms(
    problem: PenalisedFits, sample: PenalisedProblem, sparse: LinearFit, max_terms: int, penalties: Array
) -> LinearFit:
    r"""At most ``max_terms`` columns with coefficients of all outputs, or ``sparse`` where it is as good.

    An L1 penalty leaves each class the few columns that it needs most, so that ten columns of ten classes are one or
    two for each. Where columns are limited and their coefficients are not, every output may use all of them. Columns
    are dropped from the first fit on the path with :data:`ROOM` times as many, the weakest first: those of the
    smallest :math:`\sum_k \beta_{jk}^2`, standardised, after a refit without penalty. Both kinds of term are fitted to
    two thirds of the rows, and what is worse on the last third is not taken.

    Parameters
    ----------
    problem : PenalisedFits
        All rows, for the last refit.
    sample : PenalisedProblem
        The rows that decide.
    sparse : LinearFit
        From `penalty_choice.limit_terms`, of the same limit.
    max_terms : int
    penalties : falling numbers

    Returns
    -------
    LinearFit

    Examples
    --------
    Three classes that differ in one column of two: each needs its own slope.

    >>> Z = np.linspace(-1.7, 1.7, 200)[:, None] * [[1.0, 0.0]] + np.outer(np.arange(200) % 2 - 0.5, [0.0, 2.0])
    >>> P = np.exp(Z[:, :1] * [[-1.0, 0.0, 2.0]] + Z[:, 1:] * [[0.1, 0.0, 0.0]])
    >>> rows = PenalisedProblem(Z, P / P.sum(axis=1, keepdims=True), np.full(200, 1 / 200), True, 1.0)
    >>> grid = np.geomspace(0.5, 1e-3, 20)
    >>> (whole_terms(rows, rows, rows.null(), 1, grid).coef != 0).sum(axis=1).tolist()
    [3, 0]
    """
    n = len(sample.arrays.w)
    last = np.arange(n) % THIRDS == THIRDS - 1
    if n < THIRDS:
        return sparse
    train, test = sample.rows(~last), sample.rows(last)
    narrow = train.refit(sparse, tol=COMPARED)
    if test.loss(_cut(train, max_terms, penalties)) >= test.loss(narrow):
        return sparse
    fit = _cut(sample, max_terms, penalties)
    return problem.refit(fit, _full(fit))


def _cut(rows: PenalisedProblem, max_terms: int, penalties: Array) -> LinearFit:
    """Columns of the path, refitted with all their coefficients, without the weakest."""
    path = rows.path(penalties, PATH_TOLERANCE, ROOM * max_terms)
    fit = rows.refit(path[-1], _full(path[-1]), tol=COMPARED)
    while (excess := fit.n_terms - max_terms) > 0:
        strength = np.round((fit.coef**2).sum(axis=1), 9)
        strength[~(fit.coef != 0).any(axis=1)] = np.inf
        support = _full(fit)
        support[np.argsort(strength, kind="stable")[: max(excess // AT_ONCE, 1)]] = False
        fit = rows.refit(fit, support, tol=COMPARED)
    return fit


def _full(fit: LinearFit) -> NDArray[np.bool_]:
    """All coefficients of the columns that have one."""
    return np.broadcast_to((fit.coef != 0).any(axis=1)[:, None], fit.coef.shape).copy()
