"""One additive fitting problem: what was asked, the rows as bins, and fits of sets of terms to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.additive.families import Family
from explaindistill.numerics.additive.gram import Block, Design, columns_of_totals, cross_of, gram_of
from explaindistill.numerics.additive.pirls import SMOOTHING_ROUNDS, AdditiveFit, FitOptions, fit_additive
from explaindistill.numerics.additive.row_sums import BinnedParts
from explaindistill.numerics.additive.softmax import fit_softmax
from explaindistill.numerics.sums import added, added_all
from explaindistill.students.gam.bins import are_varied
from explaindistill.students.gam.design import AdditiveTerm, Columns, Shaping
from explaindistill.students.gam.sums import At, alone_sums, constant_loss, sample_rows, sample_sizes

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
CURVATURE_SALT = 1
"""Of the draw of these rows: other draws take other rows."""


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
    """One fitting problem: options, columns, and rows in one part or many."""

    options: AdditiveOptions
    columns: Columns
    rows: BinnedParts
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
            return fit_softmax(design, self.rows, settings, smoothing=smoothing, start=start, curvature_rows=sample)
        first = None if start is None else start[0]
        return fit_additive(
            design, self.rows, options.family, settings, smoothing=smoothing, start=first, curvature_rows=sample
        )

    def curvature_sample(self, terms: list[AdditiveTerm]) -> BinnedParts | None:
        """With very many rows, curvature is measured on rows drawn by what stands in them; the score never is.

        A place of a grid that few rows touch would have no curvature there, and a step without curvature is endless:
        all its rows are taken, and count once, while the drawn rows stand for the others. Where many rows are equal,
        and the draw finds few different ones, all are measured.
        """
        n, rows = len(self.rows), self.rows
        if self.exact or n <= CURVATURE_ROWS:
            return None
        rare = {}
        for margin in {m.axis: m for t in terms for m in t.block.margins}.values():
            near = columns_of_totals((margin,), self.columns.counts[margin.axis]) < RARE_ROWS
            rare[margin.axis] = (near[margin.lo] & (margin.share < 1)) | (near[margin.hi] & (margin.share > 0))
        share = CURVATURE_ROWS / n
        if not are_varied(rows.parts, share, CURVATURE_SALT, CURVATURE_ROWS / 2):
            return None
        drawn = rare, share, CURVATURE_SALT
        n_certain, n_drawn, others, chosen = rows.parts.ask(sample_sizes, *drawn, reduce=added_all)
        if n_certain + CURVATURE_ROWS >= n or n_drawn == 0:
            return None
        scale = float(others.value()) / float(chosen.value())
        return BinnedParts.of(rows.parts.step(sample_rows, *drawn, scale), rows.pool)

    def at(self, terms: list[AdditiveTerm], fit: AdditiveFit) -> At:
        """A fit, as sums over rows are asked for it."""
        design, family = Design(tuple(t.block for t in terms)), self.options.family
        if family is None:
            return At(design, fit.beta, None, self.rows.weight, self.rows.weight)
        return At(design, fit.beta, family, *self.rows.bounds(family, design, fit.beta[0]))

    def alone(
        self, terms: list[AdditiveTerm], fit: AdditiveFit, blocks: list[Block]
    ) -> list[tuple[Matrix, Matrix, list[Vector]]]:
        """Of each block by itself at a fit: its cross-products with an intercept, raw ones, and the pull per output."""
        sums = self.rows.parts.ask(alone_sums, self.at(terms, fit), blocks, reduce=added_all)
        out = []
        for block, (curve, pulls) in zip(blocks, sums, strict=True):
            one = Design((block,))
            out.append((gram_of(one, curve), curve[1][0], list(cross_of(one, pulls))))
        return out

    def null_deviance(self) -> float:
        """Deviance of the best model without terms: the link of the weighted mean of y."""
        family = self.options.family
        level = np.log(np.maximum(self.rows.mean, 1e-12)) if family is None else np.array([self.rows.level(family)])
        return float(self.rows.parts.ask(constant_loss, family, level, reduce=added).value())


def _carry(terms: list[AdditiveTerm], design: Design, old: list[AdditiveTerm], fit: AdditiveFit) -> Matrix:
    """Coefficients of an earlier fit, put where the same terms now are."""
    cuts = dict(zip((t.name for t in old), Design(tuple(t.block for t in old)).slices, strict=True))
    out = np.zeros((len(fit.beta), design.size))
    out[:, 0] = fit.beta[:, 0]
    for term, cut in zip(terms, design.slices, strict=True):
        if term.name in cuts:
            out[:, cut] = fit.beta[:, cuts[term.name]]
    return out
