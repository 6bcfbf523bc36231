r"""Several classes at once: softmax cross-entropy on soft labels with one shared design.

Minimises :math:`2 \sum_i w_i \mathrm{KL}(y_i \,\|\, p_i) + \sum_k \beta_k^\top S \beta_k` with :math:`p_{ik} =
e^{\eta_{ik}} / \sum_l e^{\eta_{il}}` and :math:`\eta_{ik} = x_i^\top \beta_k`; ``i`` runs over rows, ``k`` and ``l``
over classes. Newton's equations couple the classes; they are solved by conjugate gradients, preconditioned with the
blocks of the single classes, so that no matrix larger than one class's is ever made and the joint optimum is reached
all the same. Smoothing parameters are shared by the classes, which leaves the choice of a reference class without any
effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax, xlogy

from explaindistill.numerics.additive.gram import (
    Design,
    cross,
    gram,
    predictor,
)
from explaindistill.numerics.additive.line_search import step_length
from explaindistill.numerics.additive.pirls import (
    DEFAULTS,
    DISPERSION_FLOOR,
    AdditiveFit,
    FitOptions,
    dispersion,
    settled,
)
from explaindistill.numerics.additive.reml import Smoothing, Solution, solve
from explaindistill.numerics.additive.row_sums import BinnedRows, CurvatureSample
from explaindistill.numerics.optimum import OPTIMUM

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
    """The rows, and where their curvature is measured; ``B`` is ``(classes, p)``, ``eta``, ``P`` ``(n, classes)``."""

    design: Design
    rows: BinnedRows
    curvature_rows: CurvatureSample | None
    pool: ThreadPoolExecutor | None

    def predictors(self, B: Matrix) -> Matrix:
        """``eta[i, k]``, the predictor of row i for class k."""
        return np.column_stack([predictor(self.design, self.rows.codes, b) for b in B])

    def deviance(self, eta: Matrix) -> float:
        """Twice the weighted Kullback-Leibler divergence from the labels."""
        negative_entropy = xlogy(self.rows.y, self.rows.y).sum(axis=1)
        loss = logsumexp(eta, axis=1) - np.einsum("ij,ij->i", self.rows.y, eta) + negative_entropy
        return float(2.0 * self.rows.weight @ np.maximum(loss, 0.0))

    def score(self, P: Matrix) -> Matrix:
        """``X' (w (y_k - p_k))`` for each class k, ``(classes, p)``."""
        R = (self.rows.y - P) * self.rows.weight[:, None]
        return np.stack([cross(self.design, self.rows.codes, np.ascontiguousarray(r)) for r in R.T])

    def informative(self, P: Matrix) -> float:
        """Return how many rows say something about a misfit; see ``Statistics.informative``."""
        curvature = np.sum(P * (1.0 - P), axis=1)
        return float((self.rows.weight @ curvature) ** 2 / max(self.rows.weight @ curvature**2, 1e-300))

    def dispersion(self, deviance: float, P: Matrix | None, edf: float, floor: float) -> float:
        """Deviance per residual degree of freedom; ``P`` where rows count by their curvature, None for noise.

        ``phi = D / (k - 1) / (n - 1 - edf / k)`` for deviance D and k classes; n is the sum of the weights for noise,
        and the number of informative rows for a teacher's answers.

        A row of k classes has k - 1 answers of its own, and of the degrees of freedom of k predictors that sum to zero
        one in k is no freedom. An answer between 0 and 1 of mean p has a variance of at most p (1 - p), hence at most
        1; first steps, which all but interpolate, would otherwise say far more and smooth every curve away.
        """
        k = self.rows.y.shape[1]
        if P is None:
            return dispersion(deviance / (k - 1), float(self.rows.weight.sum()), 1.0 + edf / k, floor)
        return min(dispersion(deviance / (k - 1), self.informative(P), 1.0 + edf / k, floor), 1.0)

    def grams(self, P: Matrix) -> list[Matrix]:
        """One class at a time: ``X' diag(w p (1 - p)) X``."""
        codes, weight = self.rows.codes, self.rows.weight
        if (sample := self.curvature_rows) is not None:
            codes, weight = np.ascontiguousarray(codes[:, sample.positions]), sample.weight
            P = P[sample.positions]
        curvature = weight[:, None] * np.maximum(P * (1.0 - P), CURVATURE_FLOOR)
        return [gram(self.design, codes, np.ascontiguousarray(c), self.pool) for c in curvature.T]

    def curve(self, P: Matrix, D: Matrix, S: Matrix) -> Matrix:
        r"""Apply the full penalised curvature to a direction ``D`` of shape (classes, p).

        Of row i the curvature of the loss is :math:`w_i (\mathrm{diag}(p_i) - p_i p_i^\top)` between classes; with
        :math:`a_i` the predictors of D it gives :math:`w_i p_{ik} (a_{ik} - \sum_l p_{il} a_{il})` for class k.
        """
        along = self.predictors(D)
        bend = P * (along - np.einsum("ij,ij->i", P, along)[:, None]) * self.rows.weight[:, None]
        out = np.stack([cross(self.design, self.rows.codes, np.ascontiguousarray(c)) for c in bend.T])
        return out + D @ S + self._ridge() * D

    def _ridge(self) -> float:
        """:data:`RIDGE` times the weight of all rows."""
        return RIDGE * float(self.rows.weight.sum())


def fit_softmax(
    design: Design,
    rows: BinnedRows,
    options: FitOptions = DEFAULTS,
    *,
    smoothing: Sequence[Vector | None] | None = None,
    start: Matrix | None = None,
    curvature_rows: CurvatureSample | None = None,
    pool: ThreadPoolExecutor | None = None,
) -> AdditiveFit:
    """Fit one linear predictor per class; the parameters are those of ``fit_additive``.

    ``rows.y`` is ``(n, k)``; the predictors of a row sum to about zero and their softmax is the probability.
    """
    problem, weight = _Problem(design, rows, curvature_rows, pool), rows.weight.sum()
    B, floor = _constant_model(problem)
    B = B if start is None else start.copy()
    eta = problem.predictors(B)
    P, deviance = softmax(eta, axis=1), problem.deviance(eta)
    grams = problem.grams(P)
    smooth = Smoothing(design, np.diag(sum(grams)), smoothing, float(weight), options.noisy)
    solutions: list[Solution] = []
    edf, phi, fixed = np.full(len(design.blocks), np.inf), 1.0, options.fixed
    converged, n_iter = False, 0
    for n_iter in range(1, options.max_iter + 1):
        S = smooth.matrix()
        solutions = [_block(g, S, design) for g in grams]
        B, eta, after, before = _newton(problem, B, eta, P, solutions, S, deviance)
        B, eta = B - B.mean(axis=0), eta - eta.mean(axis=1, keepdims=True)
        P, deviance = softmax(eta, axis=1), problem.deviance(eta)
        now = _edf(solutions)
        phi = options.phi or problem.dispersion(deviance, None if options.noisy else P, float(np.sum(now)), floor)
        if fixed and abs(before - after) <= options.tol * (abs(after) + floor * weight):
            converged = True
            break
        fixed = fixed or settled(edf, now, n_iter, options.rounds)
        edf = now
        grams = problem.grams(P)
        if not fixed and design.blocks and n_iter > 1:
            smooth.settle([replace(s, beta=b) for s, b in zip(solutions, B, strict=True)], phi)
    inverses = tuple(s.inverse() for s in solutions)
    fit = AdditiveFit(B, inverses, smooth.values, phi, _edf(solutions), deviance, n_iter, converged)
    if not options.check:
        return fit
    return _proven(replace(problem, curvature_rows=None), fit, smooth.matrix(), options.max_iter)


def _proven(problem: _Problem, fit: AdditiveFit, S: Matrix, max_iter: int) -> AdditiveFit:
    r"""Check the optimum on all rows; where it is none, walk on with their curvature, the smoothing as it is.

    Newton's decrement :math:`\frac12 \langle g, H^{-1} g\rangle` with the coupled curvature H of all classes; conjugate
    gradients find :math:`H^{-1} g`.
    """
    B = fit.beta
    for n_iter in range(max_iter + 1):
        eta = problem.predictors(B)
        P, deviance = softmax(eta, axis=1), problem.deviance(eta)
        solutions = [_block(g, S, problem.design) for g in problem.grams(P)]
        pull = problem.score(P) - B @ S
        step = _conjugate(lambda D, P=P: problem.curve(P, D, S), pull, solutions)
        excess = 0.5 * float(np.sum(pull * step)) / float(problem.rows.weight.sum())
        if excess <= OPTIMUM or n_iter == max_iter:
            break
        B = _newton(problem, B, eta, P, solutions, S, deviance)[0]
    return replace(
        fit, beta=B, V=tuple(s.inverse() for s in solutions), edf=_edf(solutions), deviance=deviance,
        n_iter=fit.n_iter + n_iter, converged=bool(excess <= OPTIMUM), optimality=max(excess, 0.0),
    )  # fmt: skip


def _constant_model(problem: _Problem) -> tuple[Matrix, float]:
    """Coefficients of the best constant answer, its logits centred, and the least dispersion that it stands for."""
    rows = problem.rows
    B = np.zeros((rows.y.shape[1], problem.design.size))
    share = rows.weight @ rows.y + RARE
    B[:, 0] = np.log(share) - np.log(share).mean()
    alone = problem.deviance(problem.predictors(B))
    return B, DISPERSION_FLOOR * max(alone, 1e-12) / rows.weight.sum()


def _edf(solutions: list[Solution]) -> Vector:
    """Degrees of freedom of each block, those of all classes added up."""
    return np.asarray(np.sum([s.edf for s in solutions], axis=0))


def _block(G: Matrix, S: Matrix, design: Design) -> Solution:
    """Inverse of one class's own block of the penalised curvature, G + S."""
    return solve(G, np.zeros(len(G)), S, design)


def _newton(
    problem: _Problem, B: Matrix, eta: Matrix, P: Matrix, blocks: list[Solution], S: Matrix, deviance: float
) -> tuple[Matrix, Matrix, float, float]:
    """One damped Newton step; returns coefficients, predictors and the objective after and before."""
    before = deviance + float(np.sum((B @ S) * B))
    pull = problem.score(P) - B @ S
    step = _conjugate(lambda D: problem.curve(P, D, S), pull, blocks)
    step -= step.mean(axis=0)  # what all classes share moves no probability, and costs
    along = problem.predictors(step)
    linear, bend = float(np.sum((B @ S) * step)), float(np.sum((step @ S) * step))

    def slope(t: float) -> float:
        # half the derivative of the penalised deviance along the step
        gap = problem.rows.y - softmax(eta + t * along, axis=1)
        return linear + t * bend - float(problem.rows.weight @ np.einsum("ij,ij->i", gap, along))

    length = step_length(slope, slope(0.0))
    trial, moved = B + length * step, eta + length * along
    after = problem.deviance(moved) + float(np.sum((trial @ S) * trial))
    return trial, moved, after, before


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
