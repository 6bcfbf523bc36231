"""Sums over the rows of an additive fit beyond those of a Newton step; each is asked of one part of the rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from explaindistill.numerics.additive.families import Family
from explaindistill.numerics.additive.gram import Block, Design, Marginal, bin_totals, predictors, products, totals
from explaindistill.numerics.additive.pairs import pair_tables
from explaindistill.numerics.additive.purify import pair_products
from explaindistill.numerics.additive.row_sums import BinnedRows
from explaindistill.numerics.exact_sums import ExactSum, lifted, rounded
from explaindistill.students.gam.bins import row_draws

__all__ = [
    "At", "PairQuestion", "alone_sums", "constant_loss", "gain_sums", "kept_side", "loss_of", "pair_sums",
    "pure_sums", "sample_rows", "sample_sizes", "score_of", "squared_score_sums", "term_sums",
]  # fmt: skip

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
LEAST_CURVATURE = 1e-8
"""Least ``p (1 - p)`` of a row, as where a teacher is sure: a working response divides by it."""


@dataclass(frozen=True, eq=False)
class At:
    """Coefficients ``(K, p)`` of a design, the family (None: softmax), and bounds on sums of sizes of rows.

    ``score`` and ``curvature`` bound the sums of the sizes of weighted scores and curvatures over all rows.
    """

    design: Design
    beta: Matrix
    family: Family | None
    score: float
    curvature: float

    def predictors(self, rows: BinnedRows) -> Matrix:
        """Linear predictors ``eta_ik = b_k0 + sum_t z_t(x_i)' beta_kt`` ``(n, K)``."""
        return predictors(self.design, rows.codes, self.beta).T

    def scores(self, rows: BinnedRows) -> tuple[Matrix, Matrix]:
        """Unweighted scores and curvatures ``(n, K)``; see :func:`score_of`."""
        return score_of(rows, self.family, self.predictors(rows))


def score_of(rows: BinnedRows, family: Family | None, eta: Matrix) -> tuple[Matrix, Matrix]:
    """Unweighted scores ``d log L_i / d eta_ik`` and curvatures ``-d2 log L_i / d eta_ik^2`` ``(n, K)``.

    With softmax ``y_ik - p_ik`` and the diagonal ``p_ik (1 - p_ik)``.
    """
    if family is None:
        P = softmax(eta, axis=1)
        return rows.y - P, np.maximum(P * (1.0 - P), LEAST_CURVATURE)
    return family.score(rows.y, eta[:, 0])[:, None], family.curvature(eta[:, 0])[:, None]


def loss_of(rows: BinnedRows, family: Family | None, eta: Matrix) -> Vector:
    """Deviance ``(n,)`` of each row; with softmax ``2 sum_k y_ik log(y_ik / p_ik)``, 0 where y_ik is 0."""
    if family is None:
        P = np.log(np.maximum(softmax(eta, axis=1), 1e-300))
        best = np.log(np.maximum(rows.y, 1e-300))
        return np.asarray(2.0 * np.sum(rows.y * (best - P), axis=1))
    return family.deviance(rows.y, eta[:, 0])


def constant_loss(rows: BinnedRows, family: Family | None, level: Vector) -> ExactSum:
    """Weighted deviances of a constant predictor."""
    return ExactSum.of(rows.weight * loss_of(rows, family, np.tile(level, (len(rows), 1))))


def alone_sums(rows: BinnedRows, at: At, blocks: list[Block]) -> list[Any]:
    """Of each block by itself: cross-products by the mean curvature of the outputs, and the pull of each score."""
    score, curvature = at.scores(rows)
    weight = rows.weight * curvature.sum(axis=1) / curvature.shape[1]
    pulls = np.ascontiguousarray(rows.weight * score.T)
    designs = [Design((block,)) for block in blocks]
    return [
        (products(one, rows.codes, weight, at.curvature), totals(one, rows.codes, pulls, at.score)) for one in designs
    ]


@dataclass(frozen=True, eq=False)
class PairQuestion:
    """Which pairs are ranked: cells of the bins of each column, how many, pairs of columns, and the share of rows."""

    tables: list[NDArray[np.uint8]]
    sizes: NDArray[np.int64]
    pairs: list[tuple[int, int]]
    share: float
    salt: int


def pair_sums(
    rows: BinnedRows, at: At, question: PairQuestion, pool: ThreadPoolExecutor | None
) -> tuple[list[Any], ExactSum, int]:
    """Scores and curvatures in the cells of pairs, on drawn rows; the sum of the curvatures, and the number of rows."""
    if question.share < 1:
        rows = rows.take(np.flatnonzero(row_draws(rows, question.share, question.salt)))
    score, curvature = at.scores(rows)
    coarse = np.stack([t[c] for t, c in zip(question.tables, rows.codes, strict=True)])
    R = np.ascontiguousarray((score * rows.weight[:, None]).T)
    W = np.ascontiguousarray((curvature * rows.weight[:, None]).T)
    R, W = rounded(R, lifted(at.score)), rounded(W, lifted(at.curvature))
    cells = pair_tables(coarse, question.sizes, R, W, question.pairs, pool)
    return cells, ExactSum.of(np.ascontiguousarray(W.T)), len(rows)


def pure_sums(rows: BinnedRows, margins: list[tuple[Marginal, Marginal]], bound: float) -> list[Matrix]:
    """Products that say which surfaces of pairs are pure."""
    return [pair_products(a, b, rows.codes, rows.weight, bound) for a, b in margins]


def kept_side(rows: BinnedRows, share: float, salt: int, held: bool) -> BinnedRows:
    """Rows that are held out, or the others."""
    return rows.take(np.flatnonzero(row_draws(rows, share, salt) == held))


def gain_sums(rows: BinnedRows, now: At, before: At | None, centre: float) -> tuple[ExactSum, ExactSum]:
    """Weighted losses, or what they have gained; and the weighted squares of the distance of gains from a centre."""
    loss = loss_of(rows, now.family, now.predictors(rows))
    gain = loss if before is None else loss_of(rows, before.family, before.predictors(rows)) - loss
    return ExactSum.of(rows.weight * gain), ExactSum.of(rows.weight * (gain - centre) ** 2)


def _rare_rows(rows: BinnedRows, rare: dict[int, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Rows in a bin that few rows share."""
    certain = np.zeros(len(rows), dtype=bool)
    for axis, bins in rare.items():
        certain |= bins[rows.codes[axis]]
    return certain


def sample_sizes(rows: BinnedRows, rare: dict[int, NDArray[np.bool_]], share: float, salt: int) -> tuple[Any, ...]:
    """Rows that are certain to be in a sample, others that are drawn, and the weights of all others and of these."""
    certain = _rare_rows(rows, rare)
    drawn = ~certain & row_draws(rows, share, salt)
    return int(certain.sum()), int(drawn.sum()), ExactSum.of(rows.weight[~certain]), ExactSum.of(rows.weight[drawn])


def sample_rows(
    rows: BinnedRows, rare: dict[int, NDArray[np.bool_]], share: float, salt: int, scale: float
) -> BinnedRows:
    """The sample: certain rows, which count once, and drawn ones, which stand for all others."""
    certain = _rare_rows(rows, rare)
    drawn = ~certain & row_draws(rows, share, salt)
    weight = np.where(drawn, scale * rows.weight, rows.weight)
    chosen = np.flatnonzero(certain | drawn)
    return BinnedRows(np.ascontiguousarray(rows.codes[:, chosen]), rows.y[chosen], weight[chosen])


def squared_score_sums(rows: BinnedRows, at: At, bound: float, pool: ThreadPoolExecutor | None) -> list[Any]:
    """Cross-products by the squared scores, one per output."""
    score, _ = at.scores(rows)
    weights = (np.ascontiguousarray(rows.weight * s**2) for s in score.T)
    return [products(at.design, rows.codes, w, bound, pool) for w in weights]


def term_sums(rows: BinnedRows, at: At, bound: float) -> list[tuple[Any, list[ExactSum]]]:
    """Of each term the weight of the rows near each place, and the weighted sizes of what it adds, per output."""
    out = []
    for block, cut in zip(at.design.blocks, at.design.slices, strict=True):
        one = Design((block,))
        coefficients = np.pad(at.beta[:, cut], ((0, 0), (1, 0)))  # without the intercept
        sizes = [ExactSum.of(rows.weight * np.abs(eta)) for eta in predictors(one, rows.codes, coefficients)]
        out.append((bin_totals(block.margins, rows.codes, rows.weight, bound), sizes))
    return out
