"""One additive fitting problem: what was asked, the rows as bins, and fits of sets of terms to them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from explaindistill.numerics.additive.families import Family
from explaindistill.numerics.additive.gram import Design, predictor, raw_cross
from explaindistill.numerics.additive.pirls import SMOOTHING_ROUNDS, AdditiveFit, FitOptions, fit_additive
from explaindistill.numerics.additive.row_sums import BinnedRows, CurvatureSample
from explaindistill.numerics.additive.softmax import fit_softmax
from explaindistill.students.gam.design import AdditiveTerm, Columns, Shaping

__all__ = ["AdditiveOptions", "AdditiveProblem"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
TermsFit = tuple[list[AdditiveTerm], AdditiveFit]
"""Terms, and the fit of their coefficients."""
CURVATURE_ROWS = 30_000
"""Rows whose curvature stands for all: the cross-products then cost a third at 300,000 rows. Every fit is checked on
all rows at its end."""
RARE_ROWS = 100
"""A place that fewer rows touch is measured on all of them: an even sample would hold none or a handful."""
DRAFT_ROUNDS = 4
"""Rounds of smoothing in a draft: what follows it smooths on from where it ends."""
DRAFT_TOL = 1e-4
"""Relative change of the penalised deviance at which a draft ends."""
LEAST_CURVATURE = 1e-8
"""Least ``p (1 - p)`` of a row, as where a teacher is sure: a working response divides by it."""


@dataclass(frozen=True)
class AdditiveOptions:
    """Every choice of the user, checked."""

    family: Family | None
    noisy: bool
    phi: float | None
    shaping: list[Shaping]
    n_pairs: int | str
    max_terms: int | None
    heredity: bool
    n_knots: int
    n_pair_knots: int
    max_iter: int
    tol: float
    n_threads: int
    seed: int


@dataclass(frozen=True)
class AdditiveProblem:
    """One fitting problem: rows, columns, options and threads."""

    options: AdditiveOptions
    columns: Columns
    rows: BinnedRows
    pool: ThreadPoolExecutor | None
    exact: bool = False

    def solve(self, terms: list[AdditiveTerm], before: TermsFit | None = None, draft: bool = False) -> AdditiveFit:
        """Fit terms, from where an earlier fit left those that it shares; a draft is only roughly smoothed."""
        rounds = DRAFT_ROUNDS if draft else SMOOTHING_ROUNDS
        design = Design(tuple(t.block for t in terms))
        earlier = {} if before is None else dict(zip((t.name for t in before[0]), before[1].smoothing, strict=True))
        smoothing = [earlier.get(t.name) for t in terms]
        sample = self.curvature_sample(terms)
        options = self.options
        start = None if before is None else _carry(terms, design, *before)
        settings = FitOptions(
            phi=options.phi,
            noisy=options.noisy,
            max_iter=options.max_iter,
            tol=DRAFT_TOL if draft and options.family is not None else options.tol,
            rounds=rounds,
            check=not draft,
        )
        if options.family is None:
            return fit_softmax(
                design, self.rows, settings, smoothing=smoothing, start=start, curvature_rows=sample, pool=self.pool
            )
        first = None if start is None else start[0]
        return fit_additive(
            design, self.rows, options.family, settings,
            smoothing=smoothing, start=first, curvature_rows=sample, pool=self.pool,
        )  # fmt: skip

    def curvature_sample(self, terms: list[AdditiveTerm]) -> CurvatureSample | None:
        """With very many rows, curvature is measured on evenly spread rows; the score never is.

        A place of a grid that few rows touch would have no curvature there, and a step without curvature is endless:
        all its rows are taken, and count once, while the spread rows stand for the others.
        """
        n = len(self.rows)
        if self.exact or n <= CURVATURE_ROWS:
            return None
        certain = np.zeros(n, dtype=bool)
        for margin in {m.axis: m for t in terms for m in t.block.margins}.values():
            codes = self.rows.codes[margin.axis]
            near = raw_cross((margin,), self.rows.codes, np.ones(n)) < RARE_ROWS
            rare = (near[margin.lo] & (margin.share < 1)) | (near[margin.hi] & (margin.share > 0))
            certain |= rare[codes]
        others = np.flatnonzero(~certain)
        if int(certain.sum()) + CURVATURE_ROWS >= n:
            return None
        spread = others[np.linspace(0, len(others) - 1, CURVATURE_ROWS).astype(np.intp)]
        weight = self.rows.weight[spread]
        scale = float(self.rows.weight[others].sum() / weight.sum())
        positions = np.concatenate([spread, np.flatnonzero(certain)])
        return CurvatureSample(positions, np.concatenate([scale * weight, self.rows.weight[certain]]))

    def predictors(self, terms: list[AdditiveTerm], fit: AdditiveFit) -> Matrix:
        """Linear predictors ``eta_ik = b_k0 + sum_t z_t(x_i)' beta_kt`` ``(n, K)``."""
        design = Design(tuple(t.block for t in terms))
        return np.column_stack([predictor(design, self.rows.codes, b) for b in fit.beta])

    def score(self, eta: Matrix) -> tuple[Matrix, Matrix]:
        """Unweighted scores ``d log L_i / d eta_ik`` and curvatures ``-d2 log L_i / d eta_ik^2`` ``(n, K)``.

        With softmax ``y_ik - p_ik`` and the diagonal ``p_ik (1 - p_ik)``.
        """
        if self.options.family is None:
            P = softmax(eta, axis=1)
            return self.rows.y - P, np.maximum(P * (1.0 - P), LEAST_CURVATURE)
        family = self.options.family
        return family.score(self.rows.y, eta[:, 0])[:, None], family.curvature(eta[:, 0])[:, None]

    def level(self) -> Vector:
        """Linear predictors ``(K,)`` of the best model without terms: the link of the weighted mean of y."""
        if self.options.family is None:
            return np.log(np.maximum(self.rows.weight @ self.rows.y, 1e-12) / self.rows.weight.sum())
        return np.array([self.options.family.start(self.rows.y, self.rows.weight)])

    def loss(self, eta: Matrix) -> Vector:
        """Deviance ``(n,)`` of each row; with softmax ``2 sum_k y_ik log(y_ik / p_ik)``, 0 where y_ik is 0."""
        if self.options.family is None:
            P = np.log(np.maximum(softmax(eta, axis=1), 1e-300))
            best = np.log(np.maximum(self.rows.y, 1e-300))
            return 2.0 * np.sum(self.rows.y * (best - P), axis=1)
        return self.options.family.deviance(self.rows.y, eta[:, 0])


def _carry(terms: list[AdditiveTerm], design: Design, old: list[AdditiveTerm], fit: AdditiveFit) -> Matrix:
    """Coefficients of an earlier fit, put where the same terms now are."""
    cuts = dict(zip((t.name for t in old), Design(tuple(t.block for t in old)).slices, strict=True))
    out = np.zeros((len(fit.beta), design.size))
    out[:, 0] = fit.beta[:, 0]
    for term, cut in zip(terms, design.slices, strict=True):
        if term.name in cuts:
            out[:, cut] = fit.beta[:, cuts[term.name]]
    return out
