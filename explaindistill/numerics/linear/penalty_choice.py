"""Choice of the penalty by fidelity on held-out rows, and of at most so many terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.linear.elastic_net import (
    Penalty,
    gaussian_fits,
    largest_penalty,
    logistic_fits,
    penalised,
    still_fit,
)
from explaindistill.numerics.linear.optimality import classes_excess, values_excess
from explaindistill.numerics.linear.relaxed import LEAST_SQUARES_RIDGE, RIDGE, refit_classes, refit_values
from explaindistill.numerics.linear.row_blocks import RowBlocks, row_blocks
from explaindistill.numerics.linear.row_sums import Array, ArraySums, LinearFit, RowSums, mean_divergence
from explaindistill.numerics.optimum import OPTIMUM

__all__ = ["PenalisedFits", "PenalisedProblem", "Trace", "choose", "limit_terms", "penalty_grid", "standardise"]

PATH_TOLERANCE = 1e-4
"""Precision of fits that are only compared; the fit that is kept is solved again."""
SETTLED = 1e-9
"""Precision of a fit that is made anew because the first was not at its optimum."""
ROOM = 2
"""Paths end at so many times the terms that are allowed: what is chosen beyond is cut down to the limit anyway, and
fits of a hundred terms, most of the work, would be made to choose ten."""
PATIENCE = 3
"""Supports that may be tried in a row without a gain on held-out rows before relaxed fits stop."""


@dataclass(frozen=True)
class PenalisedFits:
    """Penalised fits to rows of which sums are asked, and what is fitted to them."""

    sums: RowSums
    classification: bool
    l1_ratio: float

    def path(self, penalties: Array, tol: float, enough_terms: int | None = None) -> list[LinearFit]:
        """Fits at falling penalties, to the last one or the first fit of so many terms."""
        solver = logistic_fits if self.classification else gaussian_fits
        return solver(self.sums, penalties.tolist(), self.l1_ratio, tol, enough_terms)

    def at(self, penalty: float, start: LinearFit, tol: float) -> LinearFit:
        """One fit, started from another."""
        if self.classification:
            return penalised(self.sums, start, self._penalty(penalty), tol)
        return gaussian_fits(self.sums, [penalty], self.l1_ratio)[0]

    def refit(self, fit: LinearFit, support: NDArray[np.bool_] | None = None, tol: float = 1e-10) -> LinearFit:
        """Fit anew, without penalty, on the columns of a fit."""
        support = fit.coef != 0 if support is None else support
        if self.classification:
            return refit_classes(self.sums, support, fit, tol)
        return refit_values(self.sums, support)

    def null(self) -> LinearFit:
        """Intercepts alone."""
        return still_fit(self.sums.mean, self.sums.n_columns, self.classification)

    def settled(self, fit: LinearFit, penalty: float | None) -> tuple[LinearFit, float]:
        """Bound how far a fit is from its optimum on all rows; where that is too far, fit anew from the intercepts.

        Parameters
        ----------
        fit : LinearFit
        penalty : float or None
            None where the columns of the fit were fitted without one.

        Returns
        -------
        fit : LinearFit
            The better of both.
        excess : float
            Of the penalised loss per row.
        """
        excess = self._excess(fit, penalty)
        if excess > OPTIMUM:
            null = self.null()
            support = fit.coef != 0
            anew = self.refit(null, support) if penalty is None else self.at(penalty, null, SETTLED)
            if (again := self._excess(anew, penalty)) < excess:
                return anew, again
        return fit, excess

    def _penalty(self, size: float) -> Penalty:
        return Penalty(size * self.l1_ratio, size * (1 - self.l1_ratio))

    def _excess(self, fit: LinearFit, penalty: float | None) -> float:
        support = fit.coef != 0 if penalty is None else np.ones(fit.coef.shape, dtype=bool)
        weights = Penalty(0.0, RIDGE if self.classification else LEAST_SQUARES_RIDGE)
        if penalty is not None:
            weights = self._penalty(penalty)
        gap = classes_excess if self.classification else values_excess
        return gap(self.sums, fit, weights, support)


class PenalisedProblem(PenalisedFits):
    """Columns ``(n, p)`` in memory, targets ``(n, k)`` or ``(n, m)``, weights, and what is fitted to them."""

    def __init__(self, Z: Array | RowBlocks, Y: Array, w: Array, classification: bool, l1_ratio: float) -> None:
        super().__init__(ArraySums(Z, Y, w), classification, l1_ratio)

    @property
    def arrays(self) -> ArraySums:
        """The columns ``Z``, the targets ``Y`` and the weights ``w``, which sum to 1."""
        assert isinstance(self.sums, ArraySums)
        return self.sums

    def rows(self, mask: NDArray[np.bool_]) -> PenalisedProblem:
        """Return the problem on some rows, weights summing to 1 again."""
        if mask.all():
            return self
        of_all = self.arrays
        w = of_all.w[mask]
        Z = row_blocks(of_all.Z).take(mask)
        return PenalisedProblem(Z, of_all.Y[mask], w / w.sum(), self.classification, self.l1_ratio)

    def loss(self, fit: LinearFit) -> float:
        """Mean KL divergence in nats, or mean squared error over outputs."""
        rows = self.arrays
        eta = fit.predictor(rows.Z)
        if self.classification:
            return mean_divergence(rows.Y, rows.w, eta)
        return float(rows.w @ ((rows.Y - eta) ** 2).mean(axis=1))


@dataclass(frozen=True)
class Trace:
    """What the choice saw: one entry per penalty tried; ``explained`` is 1 minus loss over the loss of no term."""

    penalty: Array
    n_terms: NDArray[np.intp]
    explained: Array
    explained_relaxed: Array
    chosen: int
    relaxed: bool


def standardise(values: Array, w: Array) -> tuple[Array, Array, Array]:
    """Columns less their weighted mean, in weighted standard deviations; a constant column becomes 0, its scale 0.

    Constant is what varies by less than 1e-9 of its mean: the mean itself is rounded to 1e-16 of it.
    """
    mean = w @ values
    Z = np.asfortranarray(values - mean)
    scale = np.sqrt(w @ Z**2)
    scale[scale <= 1e-9 * np.maximum(1.0, np.abs(mean))] = 0.0
    Z *= np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    return Z, mean, scale


def penalty_grid(problem: PenalisedFits, n: int, smallest: float = 1e-4) -> Array:
    """``n`` penalties from the largest that matters down to ``smallest`` times it, evenly on the logarithm.

    The grid of Friedman, Hastie and Tibshirani (2010), section 2.5, doi:10.18637/jss.v033.i01, ten times further down:
    a teacher's answers have little noise, so that next to no penalty can be the best.
    """
    top = largest_penalty(problem.sums, problem.l1_ratio)
    # nothing to explain (one column, or a constant target): one penalty, no term
    return np.geomspace(top, top * smallest, n) if top > 1e-12 else np.ones(1)


def choose(
    problem: PenalisedProblem,
    folds: NDArray[np.intp],
    penalties: Array,
    tolerance: float,
    relax: bool,
    tries: int,
    max_terms: int | None = None,
    whole: PenalisedFits | None = None,
) -> tuple[LinearFit, Trace]:
    r"""Sparsest fit whose held-out explained share is within ``tolerance`` of the best.

    At the penalty :math:`\lambda` the share is :math:`1 - \sum_f m_f L_f(\lambda) / \sum_f m_f L_f(\infty)` with the
    mass :math:`m_f` and the held-out loss :math:`L_f` of fold f; a penalty is as good as the better of its two fits,
    and the largest penalty within the tolerance is taken. An early stop of relaxed fits asks for a fiftieth of the
    tolerance, so that it cannot decide the choice.

    Parameters
    ----------
    folds : ndarray of int, shape (n,)
        Rows of fold 0 are held out first, and so on; rows of a negative fold take no part in the choice, only in the
        last fit.
    penalties : falling numbers
    tolerance : float, at least 0
        Share of what the best fit explains that may be given up for fewer terms.
    relax : bool
        Whether unpenalised refits compete too.
    tries : int
        Number of folds that are held out in turn; 0 chooses on the rows of fitting, for a handful of distinct rows.
    max_terms : int, optional
        Terms that are allowed, where the caller will cut the choice down to them: penalties that leave more than
        :data:`ROOM` times as many are not tried. The choice itself may still have more than are allowed.
    whole : PenalisedFits, optional
        All rows, where those of ``problem`` are drawn from them: the last fit is made to these.
    """
    enough = None if max_terms is None else ROOM * max(max_terms, 1)
    losses = np.zeros((2, len(penalties)))
    base = 0.0
    path: list[LinearFit] = []
    for fold in range(tries):
        held, others = folds == fold, (folds >= 0) & (folds != fold)
        if not held.any() or not others.any():
            continue
        train, test = problem.rows(others), problem.rows(held)
        path = train.path(penalties, PATH_TOLERANCE, enough)
        mass = problem.arrays.w[held].sum()
        base += mass * test.loss(train.null())
        losses += mass * _held_out(train, test, path, relax, tolerance / 50, len(penalties))
    if tries != 1 or not path:
        path = problem.rows(folds >= 0).path(penalties, PATH_TOLERANCE, enough)
    if tries == 0:
        base = problem.loss(problem.null())
        losses = _held_out(problem, problem, path, relax, tolerance / 50, len(penalties))
    explained = 1 - losses / base if base > 0 else np.zeros_like(losses)
    best = explained.max(axis=0)
    as_good = best.max() - tolerance * abs(best.max()) - 1e-9  # shares that differ by less are equal
    # beyond its end the path of all deciding rows has more terms than are allowed, whatever the penalty
    chosen = min(int(np.flatnonzero(best >= as_good)[0]), len(path) - 1)
    cut_short = len(path) < len(penalties) or not np.isfinite(explained[0]).all()
    if cut_short and max_terms is not None and path[chosen].n_terms < max_terms:
        # a fit with room for more terms was only compared with those before the ends of the paths
        return choose(problem, folds, penalties, tolerance, relax, tries, whole=whole)
    relaxed = relax and bool(explained[1, chosen] >= explained[0, chosen])
    # a fit that is refitted is only a start and a support
    whole = problem if whole is None else whole
    fit = whole.at(float(penalties[chosen]), path[chosen], 1e-5 if relaxed else 1e-8)
    fit = whole.refit(fit) if relaxed else fit
    n_terms = np.array([f.n_terms for f in path])
    shown = np.where(np.isfinite(explained), explained, np.nan)[:, : len(path)]
    return fit, Trace(penalties[: len(path)], n_terms, shown[0], shown[1], chosen, relaxed)


def _held_out(
    train: PenalisedProblem, test: PenalisedProblem, path: list[LinearFit], relax: bool, gain: float, n: int
) -> Array:
    """Losses ``(2, n)`` on held-out rows of penalised and relaxed fits at n penalties; infinite beyond the path's end.

    Relaxed fits stop, at infinity, where they have not gained that share of the first loss for
    ``PATIENCE`` supports: smaller penalties only add
    columns to them.
    """
    losses = np.full((2, n), np.inf)
    last: NDArray[np.bool_] | None = None
    relaxed = LinearFit(path[0].intercept, np.zeros_like(path[0].coef))
    since = 0
    for i, fit in enumerate(path):
        losses[0, i] = test.loss(fit)
        if not relax or since >= PATIENCE:
            continue
        support = fit.coef != 0
        same = last is not None and bool((support == last).all())
        if not same:
            relaxed = train.refit(_warm(fit, relaxed), tol=1e-2)  # only its held-out loss is asked for
        losses[1, i] = test.loss(relaxed)
        last = support
        least = losses[1, :i].min(initial=np.inf)
        since = 0 if i == 0 or losses[1, i] < least - gain * losses[0, 0] else since + (not same)
    return losses


def _warm(fit: LinearFit, relaxed: LinearFit) -> LinearFit:
    """The columns of a fit, at the last relaxed coefficients where there are any: a start for the next refit."""
    coef = np.where((fit.coef != 0) & (relaxed.coef != 0), relaxed.coef, fit.coef)
    return LinearFit(relaxed.intercept, coef)


def limit_terms(
    problem: PenalisedFits, sample: PenalisedFits, fit: LinearFit, max_terms: int, penalties: Array
) -> LinearFit:
    """At most ``max_terms`` columns: the first fit on the path with enough, the weakest dropped one by one.

    The weakest is the column with the smallest sum over outputs of the absolute standardised coefficient after a
    refit without penalty. Columns are dropped on the rows of ``part``; the last refit takes all rows.
    """
    if fit.n_terms <= max_terms:
        return fit
    path = sample.path(penalties, PATH_TOLERANCE, max_terms)
    fit = sample.refit(next((f for f in path if f.n_terms >= max_terms), fit), tol=1e-6)
    while fit.n_terms > max_terms:
        strength = np.round(np.abs(fit.coef).sum(axis=1), 9)
        strength[strength == 0] = np.inf
        support = fit.coef != 0
        support[int(np.argmin(strength))] = False
        fit = sample.refit(fit, support, tol=1e-6)
    return problem.refit(fit)
