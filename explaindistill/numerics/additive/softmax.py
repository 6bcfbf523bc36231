r"""Several classes at once: softmax cross-entropy on soft labels with one shared design.

Minimises :math:`2 \sum_i w_i \mathrm{KL}(y_i \,\|\, p_i) + \sum_k \beta_k^\top S \beta_k` with :math:`p_{ik} =
e^{\eta_{ik}} / \sum_l e^{\eta_{il}}` and :math:`\eta_{ik} = x_i^\top \beta_k`; ``i`` runs over rows, ``k`` and ``l``
over classes. Newton's equations couple the classes; they are solved by conjugate gradients, preconditioned with the
blocks of the single classes, so that no matrix larger than one class's is ever made and the joint optimum is reached
all the same. Smoothing parameters are shared by the classes, which leaves the choice of a reference class without any
effect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from explaindistill.numerics.additive.gram import Design, Effects, cross_of, gram_of, predictors, products, totals
from explaindistill.numerics.additive.line_search import step_length
from explaindistill.numerics.additive.pirls import (
    DEFAULTS,
    DISPERSION_FLOOR,
    AdditiveFit,
    FitOptions,
    dispersion,
    sampled,
    settled,
)
from explaindistill.numerics.additive.reml import Smoothing, Solution, solve
from explaindistill.numerics.additive.row_sums import BinnedParts, BinnedRows, CurvatureSample, binned_parts
from explaindistill.numerics.exact_sums import ExactSum
from explaindistill.numerics.optimum import OPTIMUM
from explaindistill.numerics.sums import added, added_all
from explaindistill.protocols import Partitions

__all__ = ["fit_softmax"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
CURVATURE_FLOOR = 1e-8  # of p (1 - p), so that rows which the fit is sure of leave every block definite
RIDGE = 1e-9
"""Curvature added per unit of weight, for the one direction that the loss does not see (all classes moved alike):
enough to keep the conjugate gradients definite, too little to be seen in a coefficient."""
RARE = 1e-3  # rows of each class that are added at the start, so that a class that never occurs has a finite logit


@dataclass(frozen=True)
class _Problem:
    """The rows, and where their curvature is measured."""

    design: Design
    rows: BinnedParts
    sample: BinnedParts | None

    def at(self, B: Matrix) -> _Answers:
        """Answers at some coefficients ``(classes, p)``."""
        parts = self.rows.parts.step(_answered, self.design, B)
        deviance, curvature, squared = (float(x.value()) for x in parts.ask(_losses, reduce=added_all))
        return _Answers(self, B, parts, 2.0 * deviance, curvature, squared)

    def dispersion(self, at: _Answers, by_curvature: bool, edf: float, floor: float) -> float:
        """Deviance per residual degree of freedom; of rows that count by their curvature, or of noise.

        ``phi = D / (k - 1) / (n - 1 - edf / k)`` for deviance D and k classes; n is the sum of the weights for noise,
        and the number of informative rows for a teacher's answers.

        A row of k classes has k - 1 answers of its own, and of the degrees of freedom of k predictors that sum to zero
        one in k is no freedom. An answer between 0 and 1 of mean p has a variance of at most p (1 - p), hence at most
        1; first steps, which all but interpolate, would otherwise say far more and smooth every curve away.
        """
        k = len(at.B)
        if not by_curvature:
            return dispersion(at.deviance / (k - 1), self.rows.weight, 1.0 + edf / k, floor)
        return min(dispersion(at.deviance / (k - 1), at.informative, 1.0 + edf / k, floor), 1.0)

    def grams(self, B: Matrix) -> list[Matrix]:
        """One class at a time: ``X' diag(w p (1 - p)) X``."""
        rows = self.rows if self.sample is None else self.sample
        sums = rows.parts.ask(_curvatures, self.design, B, rows.weight, rows.pool, reduce=added_all)
        return [gram_of(self.design, each) for each in sums]

    @property
    def ridge(self) -> float:
        """:data:`RIDGE` times the weight of all rows."""
        return RIDGE * self.rows.weight


@dataclass(frozen=True, eq=False)
class _Answers:
    """All rows at the coefficients ``B``: parts of :class:`_AnsweredRows`, and sums over them."""

    problem: _Problem
    B: Matrix
    parts: Partitions
    deviance: float
    curvature: float
    curvature_squared: float

    @property
    def informative(self) -> float:
        """How many rows say something about a misfit; see ``Statistics.informative``."""
        return self.curvature**2 / max(self.curvature_squared, 1e-300)

    def score(self) -> Matrix:
        """``X' (w (y_k - p_k))`` for each class k, ``(classes, p)``."""
        sums = self.parts.ask(_scores, self.problem.design, self.problem.rows.weight, reduce=added_all)
        return cross_of(self.problem.design, sums)

    def curve(self, D: Matrix, S: Matrix) -> Matrix:
        r"""Apply the full penalised curvature to a direction ``D`` of shape (classes, p).

        Of row i the curvature of the loss is :math:`w_i (\mathrm{diag}(p_i) - p_i p_i^\top)` between classes; with
        :math:`a_i` the predictors of D it gives :math:`w_i p_{ik} (a_{ik} - \sum_l p_{il} a_{il})` for class k.
        """
        design, rows = self.problem.design, self.problem.rows
        along = Effects.of(design, D)
        low, high = along.reach()
        widest = float(high.max() - low.min())
        sums = self.parts.ask(_bends, design, along, rows.weight * widest, reduce=added_all)
        return cross_of(design, sums) + D @ S + self.problem.ridge * D

    def pull_along(self, step: Matrix) -> Callable[[float], float]:
        """Weighted scores times the predictors of a step, summed, at ``B + t step``: a function of t."""
        line = self.parts.step(_line, self.problem.design, step)

        def pull(t: float) -> float:
            return float(line.ask(_pulled, t, reduce=added).value())

        return pull


@dataclass(frozen=True, eq=False)
class _AnsweredRows:
    """Rows of a part; outcomes, predictors and probabilities ``(classes, n)``, and predictors along a step."""

    rows: BinnedRows
    y: Matrix
    eta: Matrix
    P: Matrix
    along: Matrix | None = None


def _probabilities(eta: Matrix) -> Matrix:
    """Softmax over the classes, which come first: sums over a short first axis are several times as fast."""
    out = np.exp(eta - eta.max(axis=0))
    out /= out.sum(axis=0)
    return out


def _answered(rows: BinnedRows, design: Design, B: Matrix) -> _AnsweredRows:
    eta = predictors(design, rows.codes, B)
    return _AnsweredRows(rows, np.ascontiguousarray(rows.y.T), eta, _probabilities(eta))


def _losses(part: _AnsweredRows) -> tuple[ExactSum, ExactSum, ExactSum]:
    """Divergences, curvatures and their squares."""
    y, w, top = part.y, part.rows.weight, part.eta.max(axis=0)
    negative_entropy = xlogy(y, y).sum(axis=0)
    loss = top + np.log(np.exp(part.eta - top).sum(axis=0)) - (y * part.eta).sum(axis=0) + negative_entropy
    curvature = np.sum(part.P * (1.0 - part.P), axis=0)
    return ExactSum.of(w * np.maximum(loss, 0.0)), ExactSum.of(w * curvature), ExactSum.of(w * curvature**2)


def _scores(part: _AnsweredRows, design: Design, bound: float) -> list[Any]:
    return totals(design, part.rows.codes, (part.y - part.P) * part.rows.weight, bound)


def _curvatures(rows: BinnedRows, design: Design, B: Matrix, bound: float, pool: ThreadPoolExecutor | None) -> Any:
    P = _probabilities(predictors(design, rows.codes, B))
    curvature = rows.weight * np.maximum(P * (1.0 - P), CURVATURE_FLOOR)
    return [products(design, rows.codes, c, bound, pool) for c in curvature]


def _bends(part: _AnsweredRows, design: Design, direction: Effects, bound: float) -> list[Any]:
    rows, P = part.rows, part.P
    along = direction.predictors(rows.codes)
    along -= (P * along).sum(axis=0)
    along *= P
    along *= rows.weight
    return totals(design, rows.codes, along, bound)


def _line(part: _AnsweredRows, design: Design, step: Matrix) -> _AnsweredRows:
    return replace(part, along=predictors(design, part.rows.codes, step))


def _pulled(part: _AnsweredRows, t: float) -> ExactSum:
    assert part.along is not None
    gap = part.y - _probabilities(part.eta + t * part.along)
    return ExactSum.of(part.rows.weight * (gap * part.along).sum(axis=0))


def fit_softmax(
    design: Design,
    rows: BinnedRows | BinnedParts,
    options: FitOptions = DEFAULTS,
    *,
    smoothing: Sequence[Vector | None] | None = None,
    start: Matrix | None = None,
    curvature_rows: CurvatureSample | BinnedParts | None = None,
    pool: ThreadPoolExecutor | None = None,
) -> AdditiveFit:
    """Fit one linear predictor per class; the parameters are those of ``fit_additive``.

    ``rows.y`` is ``(n, k)``; the predictors of a row sum to about zero and their softmax is the probability.
    """
    rows = binned_parts(rows, pool)
    problem, weight = _Problem(design, rows, sampled(curvature_rows, rows)), rows.weight
    B, floor = _constant_model(problem)
    at = problem.at(B if start is None else start.copy())
    grams = problem.grams(at.B)
    smooth = Smoothing(design, np.diag(sum(grams)), smoothing, float(weight), options.noisy)
    solutions: list[Solution] = []
    edf, phi, fixed = np.full(len(design.blocks), np.inf), 1.0, options.fixed
    converged, n_iter = False, 0
    for n_iter in range(1, options.max_iter + 1):
        S = smooth.matrix()
        solutions = [_block(g, S, design) for g in grams]
        before = _penalised(at, S)
        moved = _newton(at, solutions, S)
        at = problem.at(moved - moved.mean(axis=0))
        after = _penalised(at, S)
        now = _edf(solutions)
        phi = options.phi or problem.dispersion(at, not options.noisy, float(np.sum(now)), floor)
        if fixed and abs(before - after) <= options.tol * (abs(after) + floor * weight):
            converged = True
            break
        fixed = fixed or settled(edf, now, n_iter, options.rounds)
        edf = now
        grams = problem.grams(at.B)
        if not fixed and design.blocks and n_iter > 1:
            smooth.settle([replace(s, beta=b) for s, b in zip(solutions, at.B, strict=True)], phi)
    inverses = tuple(s.inverse() for s in solutions)
    fit = AdditiveFit(at.B, inverses, smooth.values, phi, _edf(solutions), at.deviance, n_iter, converged)
    if not options.check:
        return fit
    return _proven(replace(problem, sample=None), fit, smooth.matrix(), options.max_iter)


def _penalised(at: _Answers, S: Matrix) -> float:
    """What is minimised."""
    return at.deviance + float(np.sum((at.B @ S) * at.B))


def _proven(problem: _Problem, fit: AdditiveFit, S: Matrix, max_iter: int) -> AdditiveFit:
    r"""Check the optimum on all rows; where it is none, walk on with their curvature, the smoothing as it is.

    Newton's decrement :math:`\frac12 \langle g, H^{-1} g\rangle` with the coupled curvature H of all classes; conjugate
    gradients find :math:`H^{-1} g`.
    """
    B = fit.beta
    for n_iter in range(max_iter + 1):
        at = problem.at(B)
        solutions = [_block(g, S, problem.design) for g in problem.grams(B)]
        pull = at.score() - B @ S
        step = _conjugate(lambda D, at=at: at.curve(D, S), pull, solutions)
        excess = 0.5 * float(np.sum(pull * step)) / problem.rows.weight
        if excess <= OPTIMUM or n_iter == max_iter:
            break
        B = _newton(at, solutions, S)
    return replace(
        fit, beta=B, V=tuple(s.inverse() for s in solutions), edf=_edf(solutions), deviance=at.deviance,
        n_iter=fit.n_iter + n_iter, converged=bool(excess <= OPTIMUM), optimality=max(excess, 0.0),
    )  # fmt: skip


def _constant_model(problem: _Problem) -> tuple[Matrix, float]:
    """Coefficients of the best constant answer, its logits centred, and the least dispersion that it stands for."""
    rows = problem.rows
    share = rows.mean * rows.weight + RARE
    B = np.zeros((len(share), problem.design.size))
    B[:, 0] = np.log(share) - np.log(share).mean()
    return B, DISPERSION_FLOOR * max(problem.at(B).deviance, 1e-12) / rows.weight


def _edf(solutions: list[Solution]) -> Vector:
    """Degrees of freedom of each block, those of all classes added up."""
    return np.asarray(np.sum([s.edf for s in solutions], axis=0))


def _block(G: Matrix, S: Matrix, design: Design) -> Solution:
    """Inverse of one class's own block of the penalised curvature, G + S."""
    return solve(G, np.zeros(len(G)), S, design)


def _newton(at: _Answers, blocks: list[Solution], S: Matrix) -> Matrix:
    """Coefficients after one damped Newton step."""
    B = at.B
    step = _conjugate(lambda D: at.curve(D, S), at.score() - B @ S, blocks)
    step -= step.mean(axis=0)  # what all classes share moves no probability, and costs
    linear, bend = float(np.sum((B @ S) * step)), float(np.sum((step @ S) * step))
    pull = at.pull_along(step)

    def slope(t: float) -> float:
        # half the derivative of the penalised deviance along the step
        return linear + t * bend - pull(t)

    return np.asarray(B + step_length(slope, slope(0.0)) * step)


def _conjugate(apply, target: Matrix, blocks: list[Solution], rtol: float = 1e-3, limit: int = 40) -> Matrix:  # type: ignore[no-untyped-def]  # a callable on matrices
    """Preconditioned conjugate gradients on (classes, p) arrays: solve ``apply(x) = target``.

    ``z`` is the residual ``r`` times the inverse of each class's block, ``d`` the direction. A residual of a
    thousandth, in the preconditioner's norm, or 40 products are enough for a Newton step, which is halved and repeated
    anyway.

    References
    ----------
    Saad (2003), Iterative Methods for Sparse Linear Systems, algorithm 9.1, doi:10.1137/1.9780898718003.
    """
    x = np.zeros_like(target)
    r = target.copy()
    z = np.stack([s.apply(q) for s, q in zip(blocks, r, strict=True)])
    d, rz = z.copy(), float(np.sum(r * z))
    first = rz
    for _ in range(limit):
        if rz <= rtol**2 * first or rz <= 0:
            break
        Ad = apply(d)
        alpha = rz / float(np.sum(d * Ad))
        x += alpha * d
        r -= alpha * Ad
        z = np.stack([s.apply(q) for s, q in zip(blocks, r, strict=True)])
        rz, previous = float(np.sum(r * z)), rz
        d = z + (rz / previous) * d
    return x
