"""One additive fitting problem: what was asked, the rows as bins, and fits of sets of terms to them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from explaindistill.numerics.additive.families import Family
from explaindistill.numerics.additive.gram import Design, predictor
from explaindistill.numerics.additive.pirls import (
    SMOOTHING_ROUNDS,
    AdditiveFit,
    BinnedRows,
    fit_additive,
)
from explaindistill.numerics.additive.softmax import fit_softmax
from explaindistill.students.gam.design import Columns, Shaping, Term

__all__ = ["Case", "Recipe"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
CURVATURE_ROWS = 30_000
DRAFT_ROUNDS = 4


@dataclass(frozen=True)
class Recipe:
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
class Case:
    """One fitting problem: rows, columns, recipe and threads."""

    recipe: Recipe
    columns: Columns
    rows: BinnedRows
    pool: ThreadPoolExecutor | None

    def solve(
        self, terms: list[Term], before: tuple[list[Term], AdditiveFit] | None = None, draft: bool = False
    ) -> AdditiveFit:
        """Fit terms, from where an earlier fit left those that it shares; a draft is only roughly smoothed."""
        rounds = DRAFT_ROUNDS if draft else SMOOTHING_ROUNDS
        design = Design(tuple(t.block for t in terms))
        known = {} if before is None else dict(zip((t.name for t in before[0]), before[1].smoothing, strict=True))
        smoothing = [known.get(t.name) for t in terms]
        some = self.curvature_rows()
        recipe = self.recipe
        start = None if before is None else _carry(terms, design, *before)
        if recipe.family is None:
            return fit_softmax(
                design, self.rows, phi=recipe.phi, noisy=recipe.noisy, smoothing=smoothing, start=start,
                max_iter=recipe.max_iter, tol=recipe.tol, rounds=rounds, curvature_rows=some, pool=self.pool,
            )  # fmt: skip
        return fit_additive(
            design, self.rows, recipe.family, phi=recipe.phi, noisy=recipe.noisy, smoothing=smoothing,
            start=None if start is None else start[0],
            max_iter=recipe.max_iter, tol=1e-4 if draft else recipe.tol, rounds=rounds, curvature_rows=some,
            pool=self.pool,
        )  # fmt: skip

    def curvature_rows(self) -> NDArray[np.intp] | None:
        """With very many rows, curvature is measured on evenly spread rows; the score never is."""
        if len(self.rows) <= CURVATURE_ROWS:
            return None
        return np.linspace(0, len(self.rows) - 1, CURVATURE_ROWS).astype(np.intp)

    def predictors(self, terms: list[Term], fit: AdditiveFit) -> Matrix:
        """Linear predictors ``(n, outputs)``."""
        design = Design(tuple(t.block for t in terms))
        return np.column_stack([predictor(design, self.rows.codes, b) for b in fit.beta])

    def score(self, eta: Matrix) -> tuple[Matrix, Matrix]:
        """Unweighted scores and curvatures ``(n, outputs)``."""
        if self.recipe.family is None:
            P = softmax(eta, axis=1)
            return self.rows.y - P, np.maximum(P * (1.0 - P), 1e-8)
        family = self.recipe.family
        return family.score(self.rows.y, eta[:, 0])[:, None], family.curvature(eta[:, 0])[:, None]

    def level(self) -> Vector:
        """Linear predictors ``(outputs,)`` of the best model without terms."""
        if self.recipe.family is None:
            return np.log(np.maximum(self.rows.weight @ self.rows.y, 1e-12) / self.rows.weight.sum())
        return np.array([self.recipe.family.start(self.rows.y, self.rows.weight)])

    def loss(self, eta: Matrix) -> Vector:
        """Deviance of each row."""
        if self.recipe.family is None:
            P = np.log(np.maximum(softmax(eta, axis=1), 1e-300))
            own = np.log(np.maximum(self.rows.y, 1e-300))
            return 2.0 * np.sum(self.rows.y * (own - P), axis=1)
        return self.recipe.family.deviance(self.rows.y, eta[:, 0])


def _carry(terms: list[Term], design: Design, old: list[Term], fit: AdditiveFit) -> Matrix:
    """Coefficients of an earlier fit, put where the same terms now are."""
    cuts = dict(zip((t.name for t in old), Design(tuple(t.block for t in old)).slices, strict=True))
    out = np.zeros((len(fit.beta), design.size))
    out[:, 0] = fit.beta[:, 0]
    for term, cut in zip(terms, design.slices, strict=True):
        if term.name in cuts:
            out[:, cut] = fit.beta[:, cuts[term.name]]
    return out
