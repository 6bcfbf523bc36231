r"""Penalised iteratively re-weighted least squares on binned rows, with smoothing chosen on the way.

Minimises :math:`D(y, X\beta) + \sum_j \lambda_j \beta^\top S_j \beta` where D is the deviance and :math:`S = \sum_j
\lambda_j S_j` below. With the weights :math:`w_i`, curvatures :math:`c_i` and scores :math:`s_i` of the rows at the
present :math:`\beta` a step solves the working model

.. math:: (X^\top \mathrm{diag}(w c)\, X + S)\, \beta' = X^\top \mathrm{diag}(w c)\, X \beta + X^\top (w s).

It needs three sums over rows i (cross-products, score and deviance), which are additive over chunks; everything else is
small. p is the number of coefficients.

References
----------
Wood, Li, Shaddick and Augustin (2017), doi:10.1080/01621459.2016.1195744.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.additive.families import Bernoulli, Family, Gaussian
from explaindistill.numerics.additive.gram import Design
from explaindistill.numerics.additive.line_search import step_length
from explaindistill.numerics.additive.reml import Smoothing, Solution, solve
from explaindistill.numerics.additive.row_sums import BinnedParts, BinnedRows, CurvatureSample, Statistics, binned_parts
from explaindistill.numerics.optimum import OPTIMUM

__all__ = [
    "AdditiveFit",
    "FitOptions",
    "fit_additive",
    "sampled",
]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
EDF_TOLERANCE = 1e-2
"""Relative change of the degrees of freedom of every block below which the smoothing has settled: a curve of 5 degrees
of freedom that moves by 0.06 looks the same."""
SMOOTHING_ROUNDS = 20
"""Newton steps with smoothing that moves; after them the smoothing stays, so that the coefficients can converge."""
INNER_STEPS = 6
"""Smoothing steps on one working model of a Gaussian, which is exact; of other families, which the next Newton step
replaces, two."""
DISPERSION_FLOOR = 1e-6  # of what the intercept alone leaves: without a floor, saturated data have no optimum
ROUNDED = 1e-12  # relative error of a mean of doubles, with room: of a constant answer nothing else is left to explain
POLISHES = 8
"""Steps on an old curvature before it is measured anew: each costs a score, a new curvature the cross-products."""


@dataclass(frozen=True)
class FitOptions:
    """How a penalised fit is made.

    Attributes
    ----------
    phi : float, optional
        Known dispersion (1 for true 0/1 outcomes); estimated when None.
    noisy : bool
        Whether what the model leaves is noise, of which every row has its share, or the misfit of answers without
        noise, of which rows count by their curvature; decides the degrees of freedom of the dispersion.
    fixed : bool
        Keep the smoothing as given.
    max_iter : int
    tol : float
        On the relative change of the penalised deviance.
    rounds : int
        After so many steps the smoothing is left as it is.
    check : bool
        Look at the end, on all rows, whether the fit is at its optimum, and walk on with the curvature of all rows
        where it is not; False for drafts.
    """

    phi: float | None = None
    noisy: bool = True
    fixed: bool = False
    max_iter: int = 60
    tol: float = 1e-8
    rounds: int = SMOOTHING_ROUNDS
    check: bool = True


DEFAULTS = FitOptions()


@dataclass(frozen=True)
class AdditiveFit:
    """A fitted additive model.

    Attributes
    ----------
    beta : ndarray of shape (outputs, p)
    V : tuple of (p, p) matrices, one per output
        Inverse of the penalised curvature; times ``phi`` it is the posterior covariance.
    smoothing : list of arrays
        Smoothing parameters of each block.
    phi : float
        Dispersion.
    edf : ndarray of shape (blocks,)
        Effective degrees of freedom of each block, all outputs together.
    deviance : float
    n_iter : int
    converged : bool
        Whether ``optimality`` is at most ``OPTIMUM``; of a draft, whether its last step was small.
    optimality : float
        Excess of the penalised loss per unit of weight over its minimum at this smoothing, as Newton's decrement with
        the curvature of *all* rows foretells it; relative to the loss of the intercept alone where the outcome has a
        unit. NaN for drafts, which are not checked.
    """

    beta: Matrix
    V: tuple[Matrix, ...]
    smoothing: list[Vector]
    phi: float
    edf: Vector
    deviance: float
    n_iter: int
    converged: bool
    optimality: float = np.nan


def dispersion(deviance: float, weight: float, edf: float, floor: float) -> float:
    """Deviance per residual degree of freedom, D / (n - edf); weights that are not counts cannot make it negative.

    At least a tenth of the rows counts as residual: a fit that spends nine degrees of freedom in ten says little of
    noise.
    """
    return max(deviance / max(weight - edf, 0.1 * weight), floor)


def settled(before: Vector, now: Vector, n_iter: int, rounds: int = SMOOTHING_ROUNDS) -> bool:
    """Whether the smoothing may be left as it is, so that only the coefficients still have to settle.

    ``before`` and ``now`` are the degrees of freedom of each block.
    """
    still = np.abs(now - before) <= EDF_TOLERANCE * (1.0 + now)
    return bool(still.all()) or n_iter >= rounds


def fit_additive(
    design: Design,
    rows: BinnedRows | BinnedParts,
    family: Family,
    options: FitOptions = DEFAULTS,
    *,
    smoothing: Sequence[Vector | None] | None = None,
    start: Vector | None = None,
    curvature_rows: CurvatureSample | BinnedParts | None = None,
    pool: ThreadPoolExecutor | None = None,
) -> AdditiveFit:
    """Fit one linear predictor.

    Parameters
    ----------
    design : Design
    rows : BinnedRows or BinnedParts
    family : Family
    options : FitOptions
    smoothing : smoothing parameters to start from, optional
    start : ndarray of shape (p,), optional
    curvature_rows : CurvatureSample or BinnedParts, optional
        Measure the curvature on these rows only; the score is always that of all rows, so that the solution at one
        smoothing is the same and only the way to it changes.
    pool : ThreadPoolExecutor, optional
    """
    rows = binned_parts(rows, pool)
    beta = np.zeros(design.size)
    beta[0] = rows.level(family)
    if start is not None:
        beta = start.copy()
    state = _State(design, rows, family, sampled(curvature_rows, rows))
    stats = state.collect(beta)
    smooth = Smoothing(design, np.diag(stats.gram), smoothing, stats.weight, options.noisy)
    alone = rows.constant_deviance(family)
    solver = _Solver(smooth, options, options.fixed, floor=DISPERSION_FLOOR * max(alone, 1e-12) / stats.weight)
    fit = solver.run(state, stats, beta)
    if not options.check:
        return fit
    # cross-entropy has no unit; other losses are held against what the intercept alone leaves. Of a constant that is
    # the rounding of its mean, so that no loss counts as less than that of answers so much off
    is_bernoulli = isinstance(family, Bernoulli)
    rounded = alone if is_bernoulli else rows.constant_deviance(family, 1 + ROUNDED)
    unit = stats.weight if is_bernoulli else max(alone, rounded, np.finfo(float).tiny)
    return solver.proven(replace(state, sample=None), fit, unit)


def sampled(sample: CurvatureSample | BinnedParts | None, rows: BinnedParts) -> BinnedParts | None:
    """The rows of a sample; positions are those of rows in memory."""
    if not isinstance(sample, CurvatureSample):
        return sample
    return BinnedParts.of(rows.parts.step(sample.of), rows.pool)


@dataclass(frozen=True)
class _State:
    """The rows, and where their curvature is measured."""

    design: Design
    rows: BinnedParts
    family: Family
    sample: BinnedParts | None

    def collect(self, beta: Vector) -> Statistics:
        """Statistics at some coefficients; with curvature from a sample, whose weights stand for all rows."""
        if self.sample is None:
            return self.rows.collect(self.design, self.family, beta)
        G = self.sample.curvature(self.design, self.family, beta)
        return self.rows.gradient(self.design, self.family, beta, G)

    def score(self, stats: Statistics, beta: Vector) -> Statistics:
        """Score and deviance at other coefficients, the cross-products as they were."""
        return self.rows.gradient(self.design, self.family, beta, stats.gram)

    def walk(self, beta: Vector, step: Vector, S: Matrix) -> Vector:
        """Walk from ``beta`` along a step, as far as the penalised deviance falls."""
        linear, bend = float(beta @ S @ step), float(step @ S @ step)
        pull = self.rows.pull_along(self.design, self.family, beta, step)

        def slope(t: float) -> float:
            # half the derivative of D(eta + t along) + (beta + t step)' S (beta + t step); deviance' = -2 score
            return linear + t * bend - pull(t)

        return beta + step_length(slope, slope(0.0)) * step


@dataclass
class _Solver:
    """Alternates Newton steps on the coefficients and Fellner-Schall steps on the smoothing."""

    smooth: Smoothing
    options: FitOptions
    fixed: bool
    floor: float
    phi: float = 1.0

    def run(self, state: _State, stats: Statistics, beta: Vector) -> AdditiveFit:
        """Alternate both kinds of steps until the smoothing has settled and the penalised deviance no longer falls."""
        max_iter, tol, rounds = self.options.max_iter, self.options.tol, self.options.rounds
        linear = isinstance(state.family, Gaussian) and state.sample is None
        edf = np.full(len(state.design.blocks), np.inf)
        n_iter, converged = 0, False
        solution = self._working(state, stats, beta, 0)
        while n_iter < max_iter and not converged:
            n_iter += 1
            beta, stats, fall = self._newton(state, stats, beta, solution, linear)
            small = tol * (abs(stats.deviance) + self.floor * stats.weight)
            if self.fixed and fall > small and not linear and not state.design.bounded.any():
                beta, stats, fall, more = self._polish(state, stats, beta, solution, small)
                n_iter += more
            converged = self.fixed and fall <= small
            now = solution.edf
            self.fixed = self.fixed or settled(edf, now, n_iter, rounds)
            edf = now
            if not converged and n_iter < max_iter:
                solution = self._working(state, stats, beta, n_iter)
        self.phi = self._dispersion(stats, 1.0 + float(solution.edf.sum()))
        return AdditiveFit(
            beta[None], (solution.inverse(),), self.smooth.values, self.phi, solution.edf,
            stats.deviance, n_iter, converged,
        )  # fmt: skip

    def proven(self, state: _State, fit: AdditiveFit, unit: float) -> AdditiveFit:
        r"""Check the optimum on all rows; where it is none, walk on with their curvature, the smoothing as it is.

        Newton's decrement :math:`\frac12 g^\top (G + S)^{-1} g` with g the score less the pull of the penalty is what
        the quadratic model promises of half the penalised deviance; bounded coefficients stay at least 0.
        """
        beta, S, max_iter = fit.beta[0], self.smooth.matrix(), self.options.max_iter
        for n_iter in range(max_iter + 1):
            stats = state.collect(beta)
            solution = solve(stats.gram, stats.gram @ beta + stats.score, S, state.design)
            step = solution.beta - beta
            pull = stats.score - S @ beta
            excess = float(pull @ step - 0.5 * (step @ stats.gram @ step + step @ S @ step)) / unit
            if excess <= OPTIMUM or n_iter == max_iter:
                break
            beta = state.walk(beta, step, S)
        self.phi = self._dispersion(stats, 1.0 + float(solution.edf.sum()))
        return replace(
            fit, beta=beta[None], V=(solution.inverse(),), phi=self.phi, edf=solution.edf, deviance=stats.deviance,
            n_iter=fit.n_iter + n_iter, converged=bool(excess <= OPTIMUM), optimality=max(excess, 0.0),
        )  # fmt: skip

    def _newton(
        self, state: _State, stats: Statistics, beta: Vector, solution: Solution, linear: bool
    ) -> tuple[Vector, Statistics, float]:
        """Walk to the solution of the working model; returns the fall of the penalised deviance too."""
        S = self.smooth.matrix()
        before = stats.deviance + float(beta @ S @ beta)
        moved = solution.beta if linear else state.walk(beta, solution.beta - beta, S)
        if linear:
            stats = _shift(stats, moved - beta)
        elif self.fixed and not state.design.bounded.any():
            stats = state.score(stats, moved)
        else:
            stats = state.collect(moved)
        return moved, stats, abs(before - stats.deviance - float(moved @ S @ moved))

    def _polish(
        self, state: _State, stats: Statistics, beta: Vector, solution: Solution, small: float
    ) -> tuple[Vector, Statistics, float, int]:
        """More steps with the curvature as it is, which cost a score each; a last one that fails asks for a new one."""
        S, fall = self.smooth.matrix(), np.inf
        for count in range(1, POLISHES + 1):
            before = stats.deviance + float(beta @ S @ beta)
            trial = beta + solution.apply(stats.score - S @ beta)
            at_trial = state.score(stats, trial)
            fall = before - at_trial.deviance - float(trial @ S @ trial)
            if fall < -small:
                break
            beta, stats = trial, at_trial
            if fall <= small:
                return beta, stats, abs(fall), count
        return beta, state.collect(beta), np.inf, count

    def _dispersion(self, stats: Statistics, edf: float) -> float:
        """The known dispersion, or :func:`dispersion` with as many rows as say something about what is left."""
        if self.options.phi is not None:
            return self.options.phi
        n = stats.weight if self.options.noisy else stats.informative()
        return dispersion(stats.deviance, n, edf, self.floor)

    def _working(self, state: _State, stats: Statistics, beta: Vector, n_iter: int) -> Solution:
        r"""Solve the working model, moving the smoothing a few times unless it is fixed or the start is far.

        At the solution, a move :math:`\delta` away, the working model's deviance is :math:`D - 2 s^\top \delta +
        \delta^\top G \delta` with the score s and the cross-products G: it sets the dispersion.
        """
        b = stats.gram @ beta + stats.score
        solution = solve(stats.gram, b, self.smooth.matrix(), state.design)
        if self.fixed or not state.design.blocks or (n_iter == 0 and not isinstance(state.family, Gaussian)):
            return solution
        edf = solution.edf
        for _ in range(INNER_STEPS if isinstance(state.family, Gaussian) else 2):
            move = solution.beta - beta
            predicted = stats.deviance - 2.0 * stats.score @ move + move @ stats.gram @ move
            inner = replace(stats, deviance=max(float(predicted), 0.0))
            self.phi = self._dispersion(inner, 1.0 + float(solution.edf.sum()))
            self.smooth.settle([solution], self.phi)
            solution = solve(stats.gram, b, self.smooth.matrix(), state.design)
            before, edf = edf, solution.edf
            if n_iter < 2 or settled(before, edf, 0):
                break
        return solution


def _shift(stats: Statistics, move: Vector) -> Statistics:
    """Statistics of a linear model at moved coefficients, without looking at the rows.

    Score s - G m and deviance D - 2 s'm + m'G m after the move m, exact since the curvature of a Gaussian is 1.
    """
    along = stats.gram @ move
    deviance = stats.deviance - 2.0 * stats.score @ move + move @ along
    return replace(stats, score=stats.score - along, deviance=max(float(deviance), 0.0))
