"""How an additive student is fitted: main effects, pairs found in what they leave, the terms that matter, intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from explaindistill.numerics.additive.elimination import eliminate
from explaindistill.numerics.additive.gram import (
    Design,
    cross,
    gram,
    predictor,
    raw_cross,
    raw_gram,
)
from explaindistill.numerics.additive.pairs import scan_pairs
from explaindistill.numerics.additive.pirls import AdditiveFit, BinnedRows
from explaindistill.numerics.additive.reml import Smoothing, solve
from explaindistill.students._intake import Intake
from explaindistill.students.gam.design import (
    Columns,
    Term,
    cells,
    discretise_columns,
    main_term,
    pair_term,
)
from explaindistill.students.gam.problem import Case, Recipe
from explaindistill.students.gam.shapes import (
    TAIL,
    Blend,
    Shape,
    TermGrid,
    blended,
)

__all__ = ["Additive", "finish", "fit_terms"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
SCAN_ROWS = 100_000
HELD_OUT = 0.2
JOINED_ROWS = 2_000
LEAST_EDF = 1e-2
G_FLOOR = 1e-7
PREVIEW_STEPS = 8
FEW_PAIRS = 12


@dataclass(frozen=True)
class Additive:
    """A fitted sum of terms.

    Attributes
    ----------
    intercept : ndarray of shape (outputs,)
    shapes : list of Shape
    path : list of (number of terms left, term that went, rise of the deviance, share of it explained)
    trials : list of (number of pairs, held-out loss, low and high of the last gain)
    fit : AdditiveFit
    """

    intercept: Vector
    shapes: list[Shape]
    path: list[tuple[int, str, float, float]]
    trials: list[tuple[int, float, float, float]]
    fit: AdditiveFit


@contextmanager
def _threads(n: int) -> Iterator[ThreadPoolExecutor | None]:
    if n == 1:
        yield None
    else:
        with ThreadPoolExecutor(n) as pool:
            yield pool


def _preview(case: Case, terms: list[Term], fit: AdditiveFit, new: list[Term]) -> tuple[list[Term], AdditiveFit]:
    """New terms at zero, smoothed as each would be alone on what the others leave, without its empty directions.

    The dispersion will fall once the terms are in, and more directions wake up; a quarter of it leaves room for that.
    """
    if not new:
        return terms, fit
    score, curvature = case.score(case.predictors(terms, fit))
    some = case.curvature_rows()
    chosen = np.arange(len(case.rows)) if some is None else some
    rows = case.rows if some is None else case.rows.take(chosen)
    scale = float(case.rows.weight.sum() / rows.weight.sum())
    score, curvature = score[chosen], curvature[chosen].sum(axis=1)
    weight = rows.weight * curvature / score.shape[1]
    grams, corners = [], []
    together = Design(tuple(t.block for t in new))
    for term in new:
        design = Design((term.block,))
        G = gram(design, rows.codes, scale * weight)
        smooth = Smoothing(design, np.diag(G))
        pulls = [scale * cross(design, rows.codes, rows.weight * s) for s in score.T]
        fits = [solve(G, pull, smooth.matrix(), design) for pull in pulls]
        (cut,) = design.slices
        corners.append([(f.beta[cut], f.corner(cut)) for f in fits])
        grams.append(G[1:, 1:])
    diagonal = np.concatenate([[0.0], *(np.diag(G) for G in grams)])
    smooth = Smoothing(together, diagonal, n_rows=float(case.rows.weight.sum()))
    smooth.settle_corners(corners, fit.phi / 4, PREVIEW_STEPS)
    smaller = []
    for term, G, lam in zip(new, grams, smooth.values, strict=True):
        smaller.append(_alive(term, G, lam, LEAST_EDF)[0])
    width = sum(t.block.size for t in smaller)
    betas = np.hstack([fit.beta, np.zeros((len(fit.beta), width))])
    return terms + smaller, replace(fit, beta=betas, smoothing=[*fit.smoothing, *smooth.values], V=())


def _alive(term: Term, G: Matrix, lam: Vector, least: float) -> tuple[Term, Matrix]:
    """Return the term in its directions with at least ``least`` edf, and the basis of all, the liveliest first."""
    block = term.block
    S = sum(v * part for v, part in zip(lam, block.penalties, strict=True))
    U, price = _directions(S, G)
    kept = max(2, int((1.0 / (1.0 + np.maximum(price, 0.0)) > least).sum()))
    basis = U[:, :kept]
    halves = [_root(part) @ basis for part in block.penalties]
    costs = tuple(half.T @ half for half in halves)
    small = replace(block, Z=block.Z @ basis, penalties=costs, bounded=np.zeros(basis.shape[1], dtype=bool))
    return replace(term, block=small), U


def _directions(S: Matrix, G: Matrix) -> tuple[Matrix, Vector]:
    """U with ``U' G U = I`` and ``U' S U`` diagonal, the cheapest first, for a G that rows may leave without rank.

    Directions that the rows do not see get a ten-millionth of the mean, and G is brought to the unit matrix before S is
    looked at: where a teacher is sure of nearly all rows, G may be as small as the rounding of its own sums.
    """
    seen, vectors = np.linalg.eigh((G + G.T) / 2)
    least = max(G_FLOOR * float(np.mean(np.maximum(seen, 0.0))), 1e-30)
    whiten = vectors / np.sqrt(np.maximum(seen, least))
    inner = whiten.T @ S @ whiten
    price, turn = np.linalg.eigh((inner + inner.T) / 2)
    return whiten @ turn, price


def _root(S: Matrix) -> Matrix:
    """Return R with ``R' R = S``: squares of it stay non-negative where products of S would round below zero."""
    values, vectors = np.linalg.eigh(S)
    return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T


def _compress(case: Case, terms: list[Term], fit: AdditiveFit, least: float) -> tuple[list[Term], AdditiveFit]:
    """Leave out the directions of a term that its smoothing has already emptied: those with less than ``least`` edf.

    A smooth curve on 32 knots moves in a handful of directions; without the others each further step is several times
    cheaper, and the fit is the same as far as ``least`` of a degree of freedom can be seen.
    """
    _, curvature = case.score(case.predictors(terms, fit))
    some = case.curvature_rows()
    rows = case.rows if some is None else case.rows.take(some)
    weight = rows.weight * (curvature if some is None else curvature[some]).sum(axis=1)
    scale = float(case.rows.weight.sum() / rows.weight.sum()) / curvature.shape[1]
    slices = Design(tuple(t.block for t in terms)).slices
    smaller: list[Term] = []
    betas: list[NDArray[Any]] = [fit.beta[:, :1]]
    for term, cut, lam in zip(terms, slices, fit.smoothing, strict=True):
        block = term.block
        if block.bounded.any() or block.size < 3:
            smaller.append(term)
            betas.append(fit.beta[:, cut])
            continue
        G = scale * block.Z.T @ raw_gram(block.margins, block.margins, rows.codes, weight) @ block.Z
        small, U = _alive(term, G, lam, least)
        smaller.append(small)
        betas.append(np.linalg.solve(U, fit.beta[:, cut].T)[: small.block.size].T)
    return smaller, replace(fit, beta=np.hstack(betas), V=())


def fit_terms(recipe: Recipe, intake: Intake, y: NDArray[np.float64]) -> Additive:
    """Fit an additive model to rows that passed the door; ``y`` is ``(n,)``, or ``(n, k)`` for softmax."""
    # linear algebra on one thread: its bits then do not depend on the cores, and small matrices wait for nobody
    with threadpool_limits(1), _threads(recipe.n_threads) as pool:
        columns = discretise_columns(intake.schema, intake.X, intake.weight, pool)
        rows = BinnedRows(columns.codes, y, intake.weight)
        if len(rows) <= JOINED_ROWS:
            rows = rows.joined()
            columns = replace(columns, codes=rows.codes)
        case = Case(recipe, columns, rows, pool)
        made = [main_term(columns, i, recipe.n_knots, shaping) for i, shaping in enumerate(recipe.shaping)]
        terms = [t for t in made if t is not None]
        fit = case.solve(terms, draft=True)
        trials: list[tuple[int, float, float, float]] = []
        wanted = recipe.n_pairs
        if wanted == "auto":
            wanted, trials = _choose_pairs(case, terms)
        terms, fit = _compress(case, terms, fit, LEAST_EDF if wanted else LEAST_EDF / 10)
        grown = _pair_terms(case, terms, fit, int(wanted)) if wanted and len(terms) > 1 else []
        before = _preview(case, terms, fit, grown)
        if len(grown) > FEW_PAIRS:
            terms = before[0]
            before = _compress(case, terms, case.solve(terms, before, draft=True), LEAST_EDF)
        terms, fit = before[0], case.solve(before[0], before)
        path: list[tuple[int, str, float, float]] = []
        if recipe.max_terms is not None and len(terms) > recipe.max_terms:
            terms, fit, path = _cut_terms(case, terms, fit, recipe.max_terms)
        return finish(case, terms, fit, path, trials)


def rank_pairs(case: Case, terms: list[Term], fit: AdditiveFit) -> list[tuple[int, int]]:
    """All pairs of columns, the most promising first; columns whose shape is asked for stay alone."""
    taken = {t.axes for t in terms if len(t.grids) == 2}
    free = [t.axes[0] for t in terms if len(t.grids) == 1 and not case.recipe.shaping[t.axes[0]].asked]
    pairs = [p for p in combinations(sorted(free), 2) if p not in taken]
    if not pairs:
        return []
    score, curvature = case.score(case.predictors(terms, fit))
    n = len(case.rows)
    some = np.arange(n) if n <= SCAN_ROWS else np.linspace(0, n - 1, SCAN_ROWS).astype(np.intp)
    tables, sizes = cells(case.columns, 12 if n >= 2000 else 6)
    coarse = np.stack([t[c[some]] for t, c in zip(tables, case.columns.codes, strict=True)])
    weight = case.rows.weight[some]
    gains = scan_pairs(
        coarse, sizes, np.ascontiguousarray((score[some] * weight[:, None]).T),
        np.ascontiguousarray((curvature[some] * weight[:, None]).T), pairs, fit.phi, case.pool,
    )  # fmt: skip
    return [pairs[i] for i in np.argsort(-gains, kind="stable")]


def _pair_terms(case: Case, terms: list[Term], fit: AdditiveFit, wanted: int) -> list[Term]:
    """The pairs that promise most, as terms."""
    new: list[Term] = []
    for axes in rank_pairs(case, terms, fit):
        if len(new) == wanted:
            break
        term = pair_term(case.columns, case.rows.weight, axes, case.recipe.n_pair_knots)
        if term is not None:
            new.append(term)
    return new


def _choose_pairs(case: Case, terms: list[Term]) -> tuple[int, list[tuple[int, float, float, float]]]:
    """Raise the number of pairs until the loss on held-out rows stops falling beyond its interval."""
    rng = np.random.default_rng(case.recipe.seed)
    held = rng.random(len(case.rows)) < HELD_OUT
    if held.sum() < 20 or len(terms) < 2:
        return 0, []
    inside, outside = np.flatnonzero(~held), np.flatnonzero(held)
    train = Case(case.recipe, _subset(case.columns, inside), case.rows.take(inside), case.pool)
    test = Case(case.recipe, _subset(case.columns, outside), case.rows.take(outside), case.pool)
    terms, fit = _compress(train, terms, train.solve(terms, draft=True), LEAST_EDF)
    best, weight = test.loss(test.predictors(terms, fit)), test.rows.weight
    trials, chosen = [(0, float(np.average(best, weights=weight)), np.nan, np.nan)], 0
    current, most = list(terms), len(terms) * (len(terms) - 1) // 2
    for count in [c for c in (1, 2, 3, 5, 8, 12, 18, 27, 40, 60) if c <= most]:
        before = _preview(train, current, fit, _pair_terms(train, current, fit, count - chosen))
        current, fit = before[0], train.solve(before[0], before, draft=True)
        loss = test.loss(test.predictors(current, fit))
        gain = best - loss
        centre = float(np.average(gain, weights=weight))
        error = 1.96 * float(np.sqrt(np.average((gain - centre) ** 2, weights=weight) / len(gain)))
        trials.append((count, float(np.average(loss, weights=weight)), centre - error, centre + error))
        if centre - error <= 0:
            break
        best, chosen = loss, count
    return chosen, trials


def _subset(columns: Columns, chosen: NDArray[np.intp]) -> Columns:
    return Columns(columns.schema, np.ascontiguousarray(columns.codes[:, chosen]), columns.values, columns.mass)


def _cut_terms(
    case: Case, terms: list[Term], fit: AdditiveFit, keep: int
) -> tuple[list[Term], AdditiveFit, list[tuple[int, str, float, float]]]:
    """Take out what matters least, in two rounds with a refit after each."""
    alone = case.loss(np.tile(case.level(), (len(case.rows), 1)))
    null = max(float(case.rows.weight @ alone), 1e-300)
    path: list[tuple[int, str, float, float]] = []
    for target in dict.fromkeys([max(keep, (len(terms) + keep) // 2), keep]):
        if target >= len(terms):
            continue
        design = Design(tuple(t.block for t in terms))
        dropped = eliminate(design, fit, target, _parents(terms) if case.recipe.heredity else None)
        deviance = fit.deviance
        for i, d in enumerate(dropped):
            deviance += d.rise
            path.append((len(terms) - i - 1, terms[d.block].name, d.rise, 1.0 - deviance / null))
        gone = {d.block for d in dropped}
        kept = [t for i, t in enumerate(terms) if i not in gone]
        terms, fit = kept, case.solve(kept, (terms, fit))
        path[-1] = (*path[-1][:3], 1.0 - fit.deviance / null)
    return terms, fit, path


def _parents(terms: list[Term]) -> Mapping[int, tuple[int, ...]]:
    where = {t.axes[0]: i for i, t in enumerate(terms) if len(t.grids) == 1}
    pairs: Iterable[tuple[int, Term]] = ((i, t) for i, t in enumerate(terms) if len(t.grids) == 2)
    return {i: tuple(where[a] for a in t.axes if a in where) for i, t in pairs}


def finish(
    case: Case,
    terms: list[Term],
    fit: AdditiveFit,
    path: list[tuple[int, str, float, float]],
    trials: list[tuple[int, float, float, float]],
) -> Additive:
    """Turn coefficients into functions on grids, with their standard errors."""
    design = Design(tuple(t.block for t in terms))
    covariances = _covariances(case, terms, design, fit)
    shapes = []
    for i, (term, cut) in enumerate(zip(terms, design.slices, strict=True)):
        Z, old = term.block.Z, tuple(g.size for g in term.grids)
        values = np.stack([(Z @ b[cut]).reshape(old) for b in fit.beta])
        grids, blends = _ends(term, case)
        size = tuple(g.size for g in grids)
        T = blended(Z.T.reshape(-1, *old), blends).reshape(Z.shape[1], -1)
        variance = [np.einsum("ji,jk,ki->i", T, C[cut, cut], T).reshape(size) for C in covariances]
        n = np.zeros(size)
        near = raw_cross(term.block.margins, case.rows.codes, case.rows.weight).reshape(old)
        n[np.ix_(*(g.within() for g in grids))] = near
        alone = Design((term.block,))
        spread = [
            np.average(np.abs(predictor(alone, case.rows.codes, np.append(0.0, b[cut]))), weights=case.rows.weight)
            for b in fit.beta
        ]
        shapes.append(
            Shape(
                name=term.name,
                grids=grids,
                values=blended(_exact(values, term, case), blends),
                sd=np.sqrt(np.maximum(np.stack(variance), 0.0)),
                n=n,
                edf=float(fit.edf[i]),
                spread=np.array(spread),
            )
        )
    return Additive(fit.beta[:, 0].copy(), shapes, path, trials, fit)


def _ends(term: Term, case: Case) -> tuple[tuple[TermGrid, ...], list[Blend | None]]:
    """How a term goes on beyond the values seen: pairs level at once, numbers after a tenth of their range.

    A value far out would otherwise run away on a line that nothing but the last two knots decided. A column that must
    be convex or concave keeps its line, since a level end would break the shape; a point that must be 0 is reached.
    """
    grids: list[TermGrid] = list(term.grids)
    blends: list[Blend | None] = [None] * len(grids)
    for i, grid in enumerate(term.grids):
        shaping = case.recipe.shaping[grid.axis]
        if len(grid.knots) < 2 or case.columns.schema[grid.axis].kind == "boolean" or shaping.convex is not None:
            continue
        reach = (0.0, 0.0)
        if len(grids) == 1:
            far = TAIL * float(np.ptp(grid.knots))
            zero = shaping.zero_at if shaping.zero_at is not None else grid.knots[0]
            reach = (max(far, float(grid.knots[0] - zero)), max(far, float(zero - grid.knots[-1])))
        grids[i], blends[i] = grid.extended(reach)
    return tuple(grids), blends


def _exact(values: Matrix, term: Term, case: Case) -> Matrix:
    """Undo the last bit of rounding, so that monotone is monotone to the last digit."""
    shaping = case.recipe.shaping[term.axes[0]]
    if len(term.grids) == 1 and shaping.monotone is not None:
        k = term.grids[0].n_places
        walk = np.maximum if shaping.monotone == "up" else np.minimum
        values[:, :k] = walk.accumulate(values[:, :k], axis=1)
    return values


def _covariances(case: Case, terms: list[Term], design: Design, fit: AdditiveFit) -> list[Matrix]:
    r"""Covariance of the coefficients.

    For noisy outcomes the posterior :math:`\phi V`; for a teacher's answers
    :math:`V \sum_i w_i s_i^2 x_i x_i^\top V`, to which a bootstrap of the corpus tends when each replicate takes one
    Newton step.
    """
    if case.recipe.noisy:
        return [fit.phi * V for V in fit.V]
    rows, scale = case.rows, 1.0
    score, _ = case.score(case.predictors(terms, fit))
    if (some := case.curvature_rows()) is not None:
        rows, score = rows.take(some), score[some]
        scale = float(case.rows.weight.sum() / rows.weight.sum())
    out = []
    for V, s in zip(fit.V, score.T, strict=True):
        M = gram(design, rows.codes, np.ascontiguousarray(scale * rows.weight * s**2), case.pool)
        out.append(V @ M @ V)
    return out
