"""One sparse model without splits, found along the lasso's path: what a model tree has to be better than."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.linear import penalty_choice
from explaindistill.numerics.linear.elastic_net import LinearFit
from explaindistill.numerics.model_trees.leaf_models import LinearTree, LinearTreeProblem
from explaindistill.numerics.model_trees.state import LinearTreeLimits, n_free

__all__ = ["INNER_FOLDS", "sparse_model"]

Floats = NDArray[np.float64]
INNER_FOLDS = 5  # each fit sees four fifths of the rows; BATCHES of choice.py is a multiple
N_PENALTIES = 15  # over four powers of ten: each is about half of the one before, which is as finely as a fold can tell


def sparse_model(problem: LinearTreeProblem, limits: LinearTreeLimits, folds: NDArray[np.intp]) -> LinearTree:
    """Fit the lasso, its penalty and whether its terms are fitted anew without it chosen on held-out folds.

    Parameters
    ----------
    problem : LinearTreeProblem
    limits : LinearTreeLimits
        At most so many terms and numbers; of the explained loss the share ``gain`` may be given up for fewer terms.
    folds : ndarray of int, shape (n,)
        ``0 .. INNER_FOLDS - 1``.

    Returns
    -------
    PathModel
        A root without children.
    """
    w = problem.weight / problem.weight.sum()
    Z, mean, scale = penalty_choice.standardise(problem.design[:, : problem.n_terms], w)
    Y = np.hstack([1 - problem.targets, problem.targets]) if problem.loss == "binary" else problem.targets
    lasso = penalty_choice.PenalisedProblem(Z, Y, w, problem.loss != "squared", 1.0)
    penalties = penalty_choice.penalty_grid(lasso, N_PENALTIES)
    fit, trace = penalty_choice.choose(lasso, folds, penalties, min(limits.gain, 0.5), True, INNER_FOLDS)
    within = _within(lasso, fit, limits, n_free(problem), penalties)
    lowest = None if trace.relaxed or within is not fit else float(penalties[trace.chosen])
    fit, excess = lasso.settled(within, lowest)
    coef = np.divide(fit.coef, scale[:, None], out=np.zeros_like(fit.coef), where=scale[:, None] > 0)
    model = LinearTree({0: np.arange(len(Z))}, problem.n_terms, excess=excess)
    for k in range(problem.n_outputs):
        model.add(0, problem.n_terms, k, float(fit.intercept[k] - mean @ coef[:, k]))
        for t in np.flatnonzero(coef[:, k]).tolist():
            model.add(0, t, k, float(coef[t, k]))
    return model


def _within(
    lasso: penalty_choice.PenalisedProblem, fit: LinearFit, limits: LinearTreeLimits, free: int, penalties: Floats
) -> LinearFit:
    """Drop the weakest terms until the model keeps its limits."""
    most = int(min(limits.leaf_terms, limits.parameters - free, lasso.sums.n_columns))
    while True:
        smaller = penalty_choice.limit_terms(lasso, lasso, fit, max(most, 0), penalties) if most > 0 else lasso.null()
        numbers = int((smaller.coef != 0).sum()) + free
        if numbers <= limits.parameters or most <= 0:
            return smaller
        most = min(most - 1, int(most * limits.parameters / numbers))


def without(problem: LinearTreeProblem, held: NDArray[np.bool_]) -> LinearTreeProblem:
    """The problem on the rows that are not held out; the ridge weighs as many rows as before."""
    rest = ~held
    weight, count = problem.weight[rest], problem.count[rest]
    ridge = problem.ridge * problem.count.sum() / count.sum()
    return replace(
        problem,
        design=np.ascontiguousarray(problem.design[rest]),
        targets=problem.targets[rest],
        weight=weight / weight.sum(),
        count=count,
        ridge=ridge,
    )
