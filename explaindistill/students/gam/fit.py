"""How an additive student is fitted: main effects, pairs found in what they leave, the terms that matter, intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
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
    raw_gram,
)
from explaindistill.numerics.additive.pairs import scan_pairs
from explaindistill.numerics.additive.pirls import AdditiveFit
from explaindistill.numerics.additive.reml import Smoothing, solve
from explaindistill.numerics.additive.row_sums import BinnedRows
from explaindistill.students._intake import Intake
from explaindistill.students.gam.design import (
    AdditiveTerm,
    Columns,
    cells,
    discretise_columns,
    main_term,
    pair_term,
)
from explaindistill.students.gam.finishing import Additive, Removal, Trial, finish
from explaindistill.students.gam.problem import CURVATURE_ROWS, AdditiveOptions, AdditiveProblem, TermsFit

__all__ = ["fit_terms"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]
SCAN_ROWS = 100_000
"""Rows that pairs are ranked on: the ranking of some hundred pairs changes little beyond, the time grows in step."""
SCAN_CELLS, FEW_SCAN_CELLS, FEW_ROWS = 12, 6, 2_000
"""Cells per column in the scan, which has their square per pair; with fewer rows each would hold too few of them."""
HELD_OUT = 0.2
"""Share of the rows on which the number of pairs is chosen; the curves need the others."""
LEAST_HELD_OUT = 20
"""Held-out rows below which nothing is chosen: no interval would exclude 0."""
PAIR_COUNTS = (1, 2, 3, 5, 8, 12, 18, 27, 40, 60)
"""Numbers of pairs that are tried, each half as large again as the last, up to what a person can still look at."""
JOINED_ROWS = 2_000
"""Rows up to which equal ones are joined: small tables have many of them, and finding them in large ones costs more
than it saves."""
LEAST_EDF = 1e-2
"""Effective degrees of freedom below which a direction is left out: hundreds of them add up to a few."""
G_FLOOR = 1e-7
"""Share of the mean eigenvalue that stands for a direction no row sees: half of the digits of a float."""
EVIDENCE = 9.0
"""Squared pull of the rows on a direction, in units of the dispersion, from which it stays although its smoothing has
all but emptied it: three standard errors. The smoothing falls by a factor a step, so that a direction which only a few
rows speak of (one person far out) can look empty in a draft and belong to the fit."""
PREVIEW_STEPS = 8
"""Updates of the smoothing of a term looked at alone; each is cheap, and it only has to find the right size."""
FEW_PAIRS = 12
"""Pairs up to which their coefficients can be fitted together at once; more are first thinned by a draft."""
NORMAL_95 = 1.96
"""Half width of a normal 95 % interval, in standard errors."""


@contextmanager
def _threads(n: int) -> Iterator[ThreadPoolExecutor | None]:
    if n == 1:
        yield None
    else:
        with ThreadPoolExecutor(n) as pool:
            yield pool


def _preview(
    problem: AdditiveProblem, terms: list[AdditiveTerm], fit: AdditiveFit, new: list[AdditiveTerm]
) -> TermsFit:
    """New terms at zero, smoothed as each would be alone on what the others leave, without its empty directions.

    The dispersion will fall once the terms are in, and more directions wake up; a quarter of it leaves room for that.
    """
    if not new:
        return terms, fit
    score, curvature = problem.score(problem.predictors(terms, fit))
    rows = problem.rows
    weight = rows.weight * curvature.sum(axis=1) / score.shape[1]
    grams, corners = [], []
    together = Design(tuple(t.block for t in new))
    for term in new:
        design = Design((term.block,))
        G = gram(design, rows.codes, weight)
        smooth = Smoothing(design, np.diag(G))
        pulls = [cross(design, rows.codes, rows.weight * s) for s in score.T]
        fits = [solve(G, pull, smooth.matrix(), design) for pull in pulls]
        (cut,) = design.slices
        corners.append([(f.beta[cut], f.corner(cut)) for f in fits])
        grams.append(G[1:, 1:])
    diagonal = np.concatenate([[0.0], *(np.diag(G) for G in grams)])
    smooth = Smoothing(together, diagonal, n_rows=float(problem.rows.weight.sum()))
    smooth.settle_corners(corners, fit.phi / 4, PREVIEW_STEPS)
    smaller = []
    for term, G, lam in zip(new, grams, smooth.values, strict=True):
        smaller.append(_alive(term, G, lam, LEAST_EDF)[0])
    width = sum(t.block.size for t in smaller)
    betas = np.hstack([fit.beta, np.zeros((len(fit.beta), width))])
    return terms + smaller, replace(fit, beta=betas, smoothing=[*fit.smoothing, *smooth.values], V=())


def _alive(
    term: AdditiveTerm,
    G: Matrix,
    lam: Vector,
    least: float,
    wanted: Callable[[Matrix], NDArray[np.bool_]] | None = None,
) -> tuple[AdditiveTerm, Matrix, NDArray[np.bool_]]:
    """Return the term in its directions with at least ``least`` edf, the basis of all, and which directions these are.

    In the basis U of :func:`_directions` direction j has ``1 / (1 + d_j)`` effective degrees of freedom; ``wanted``
    says of a basis which directions stay whatever their edf.
    """
    block = term.block
    S = sum(v * penalty for v, penalty in zip(lam, block.penalties, strict=True))
    U, price = _directions(S, G)
    alive = 1.0 / (1.0 + np.maximum(price, 0.0)) > least
    alive[:2] = True
    if wanted is not None:
        alive |= wanted(U)
    basis = U[:, alive]
    halves = [_root(penalty) @ basis for penalty in block.penalties]
    costs = tuple(half.T @ half for half in halves)
    small = replace(block, Z=block.Z @ basis, penalties=costs, bounded=np.zeros(basis.shape[1], dtype=bool))
    return replace(term, block=small), U, alive


def _directions(S: Matrix, G: Matrix) -> tuple[Matrix, Vector]:
    """U with ``U' G U = I`` and ``U' S U = diag(d)``, d rising, for a G that rows may leave without rank.

    Directions that the rows do not see get a ten-millionth of the mean, and G is brought to the unit matrix before S is
    looked at: where a teacher is sure of nearly all rows, G may be as small as the rounding of its own sums.
    """
    values, vectors = np.linalg.eigh((G + G.T) / 2)
    least = max(G_FLOOR * float(np.mean(np.maximum(values, 0.0))), 1e-30)
    whiten = vectors / np.sqrt(np.maximum(values, least))
    inner = whiten.T @ S @ whiten
    price, turn = np.linalg.eigh((inner + inner.T) / 2)
    return whiten @ turn, price


def _root(S: Matrix) -> Matrix:
    """Return R with ``R' R = S``: squares of it stay non-negative where products of S would round below zero."""
    values, vectors = np.linalg.eigh(S)
    return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T


def _compress(problem: AdditiveProblem, terms: list[AdditiveTerm], fit: AdditiveFit, least: float) -> TermsFit:
    """Leave out the directions of a term that its smoothing has already emptied: those with less than ``least`` edf.

    A smooth curve on 32 knots moves in a handful of directions; without the others each further step is several times
    cheaper, and the fit is the same as far as ``least`` of a degree of freedom can be seen. A direction u of a term
    with ``u' G u = 1`` and the price ``s = u' S u`` has ``1 / (1 + s)`` edf; G is the term's curvature on all rows.
    Of noise the pull ``u' g`` of the rows, g the term's score, has the variance of the dispersion: a direction that
    they pull at more than :data:`EVIDENCE` stays.
    """
    score, curvature = problem.score(problem.predictors(terms, fit))
    rows = problem.rows
    weight = rows.weight * curvature.sum(axis=1) / curvature.shape[1]
    slices = Design(tuple(t.block for t in terms)).slices
    smaller: list[AdditiveTerm] = []
    betas: list[NDArray[Any]] = [fit.beta[:, :1]]
    for term, cut, lam in zip(terms, slices, fit.smoothing, strict=True):
        block = term.block
        if block.bounded.any() or block.size < 3:
            smaller.append(term)
            betas.append(fit.beta[:, cut])
            continue
        G = block.Z.T @ raw_gram(block.margins, block.margins, rows.codes, weight) @ block.Z
        design = Design((block,))
        pull = np.column_stack([cross(design, rows.codes, rows.weight * s)[1:] for s in score.T])

        def is_pulled(U: Matrix, pull: Matrix = pull) -> Flags:
            return np.asarray(((U.T @ pull) ** 2).max(axis=1) > EVIDENCE * fit.phi)

        small, U, alive = _alive(term, G, lam, least, is_pulled)
        smaller.append(small)
        betas.append(np.linalg.solve(U, fit.beta[:, cut].T)[alive].T)
    return smaller, replace(fit, beta=np.hstack(betas), V=())


def fit_terms(options: AdditiveOptions, intake: Intake, y: NDArray[np.float64]) -> Additive:
    """Fit an additive model to rows that passed the door; ``y`` is ``(n,)``, or ``(n, k)`` for softmax."""
    # linear algebra on one thread: its bits then do not depend on the cores, and small matrices wait for nobody
    with threadpool_limits(1), _threads(options.n_threads) as pool:
        columns = discretise_columns(intake.schema, intake.X, intake.weight, pool)
        rows = BinnedRows(columns.codes, y, intake.weight)
        if len(rows) <= JOINED_ROWS:
            rows = rows.joined()
            columns = replace(columns, codes=rows.codes)
        model = _grown(AdditiveProblem(options, columns, rows, pool))
        if model.fit.converged or len(rows) <= CURVATURE_ROWS:
            return model
        # curvature from a sample of rows led to no optimum: measure it on all rows, the choice of smoothing too
        return _grown(AdditiveProblem(options, columns, rows, pool, exact=True))


def _grown(problem: AdditiveProblem) -> Additive:
    """Main effects, pairs found in what they leave, the terms that matter, intervals."""
    options = problem.options
    mains = [main_term(problem.columns, i, options.n_knots, shaping) for i, shaping in enumerate(options.shaping)]
    terms = [t for t in mains if t is not None]
    draft = problem.solve(terms, draft=True)
    n_pairs, trials = _choose_pairs(problem, terms) if options.n_pairs == "auto" else (int(options.n_pairs), [])
    terms, fit = _with_pairs(problem, terms, draft, n_pairs)
    path: list[Removal] = []
    if options.max_terms is not None and len(terms) > options.max_terms:
        terms, fit, path = _cut_terms(problem, terms, fit, options.max_terms)
    return finish(problem, terms, fit, path, trials)


def _with_pairs(problem: AdditiveProblem, terms: list[AdditiveTerm], draft: AdditiveFit, n_pairs: int) -> TermsFit:
    """The terms that a draft was fitted to and the pairs that promise most beside them, fitted to the end."""
    # without pairs the last fit is cheap, and its directions may be kept a tenth as lively
    terms, fit = _compress(problem, terms, draft, LEAST_EDF if n_pairs else LEAST_EDF / 10)
    pairs = _pair_terms(problem, terms, fit, n_pairs) if n_pairs and len(terms) > 1 else []
    before = _preview(problem, terms, fit, pairs)
    if len(pairs) > FEW_PAIRS:
        terms = before[0]
        before = _compress(problem, terms, problem.solve(terms, before, draft=True), LEAST_EDF)
    return before[0], problem.solve(before[0], before)


def rank_pairs(problem: AdditiveProblem, terms: list[AdditiveTerm], fit: AdditiveFit) -> list[tuple[int, int]]:
    """All pairs of columns, the most promising first; columns whose shape is asked for stay alone."""
    paired = {t.axes for t in terms if len(t.grids) == 2}
    free = [t.axes[0] for t in terms if len(t.grids) == 1 and not problem.options.shaping[t.axes[0]].is_asked]
    pairs = [p for p in combinations(sorted(free), 2) if p not in paired]
    if not pairs:
        return []
    score, curvature = problem.score(problem.predictors(terms, fit))
    n = len(problem.rows)
    sample = np.arange(n) if n <= SCAN_ROWS else np.linspace(0, n - 1, SCAN_ROWS).astype(np.intp)
    tables, sizes = cells(problem.columns, SCAN_CELLS if n >= FEW_ROWS else FEW_SCAN_CELLS)
    coarse = np.stack([t[c[sample]] for t, c in zip(tables, problem.columns.codes, strict=True)])
    weight = problem.rows.weight[sample]
    gains = scan_pairs(
        coarse, sizes, np.ascontiguousarray((score[sample] * weight[:, None]).T),
        np.ascontiguousarray((curvature[sample] * weight[:, None]).T), pairs, fit.phi, problem.pool,
    )  # fmt: skip
    return [pairs[i] for i in np.argsort(-gains, kind="stable")]


def _pair_terms(
    problem: AdditiveProblem, terms: list[AdditiveTerm], fit: AdditiveFit, wanted: int
) -> list[AdditiveTerm]:
    """The pairs that promise most, as terms."""
    new: list[AdditiveTerm] = []
    for axes in rank_pairs(problem, terms, fit):
        if len(new) == wanted:
            break
        term = pair_term(problem.columns, problem.rows.weight, axes, problem.options.n_pair_knots)
        if term is not None:
            new.append(term)
    return new


def _choose_pairs(problem: AdditiveProblem, terms: list[AdditiveTerm]) -> tuple[int, list[Trial]]:
    """Raise the number of pairs until the loss on held-out rows stops falling beyond its interval."""
    rng = np.random.default_rng(problem.options.seed)
    held = rng.random(len(problem.rows)) < HELD_OUT
    if held.sum() < LEAST_HELD_OUT or len(terms) < 2:
        return 0, []
    inside, outside = np.flatnonzero(~held), np.flatnonzero(held)
    train = AdditiveProblem(problem.options, _subset(problem.columns, inside), problem.rows.take(inside), problem.pool)
    test = AdditiveProblem(problem.options, _subset(problem.columns, outside), problem.rows.take(outside), problem.pool)
    terms, fit = _compress(train, terms, train.solve(terms, draft=True), LEAST_EDF)
    best, weight = test.loss(test.predictors(terms, fit)), test.rows.weight
    trials, chosen = [(0, float(np.average(best, weights=weight)), np.nan, np.nan)], 0
    current, most = list(terms), len(terms) * (len(terms) - 1) // 2
    for count in [c for c in PAIR_COUNTS if c <= most]:
        before = _preview(train, current, fit, _pair_terms(train, current, fit, count - chosen))
        current, fit = before[0], train.solve(before[0], before, draft=True)
        loss = test.loss(test.predictors(current, fit))
        gain = best - loss
        centre = float(np.average(gain, weights=weight))
        error = NORMAL_95 * float(np.sqrt(np.average((gain - centre) ** 2, weights=weight) / len(gain)))
        trials.append((count, float(np.average(loss, weights=weight)), centre - error, centre + error))
        if centre - error <= 0:
            break
        best, chosen = loss, count
    return chosen, trials


def _subset(columns: Columns, chosen: NDArray[np.intp]) -> Columns:
    return Columns(columns.schema, np.ascontiguousarray(columns.codes[:, chosen]), columns.values, columns.mass)


def _cut_terms(
    problem: AdditiveProblem, terms: list[AdditiveTerm], fit: AdditiveFit, keep: int
) -> tuple[list[AdditiveTerm], AdditiveFit, list[Removal]]:
    """Take out what matters least, in two rounds with a refit after each."""
    alone = problem.loss(np.tile(problem.level(), (len(problem.rows), 1)))
    null = max(float(problem.rows.weight @ alone), 1e-300)
    path: list[Removal] = []
    for target in dict.fromkeys([max(keep, (len(terms) + keep) // 2), keep]):
        if target >= len(terms):
            continue
        design = Design(tuple(t.block for t in terms))
        dropped = eliminate(design, fit, target, _parents(terms) if problem.options.heredity else None)
        deviance = fit.deviance
        for i, d in enumerate(dropped):
            deviance += d.rise
            path.append((len(terms) - i - 1, terms[d.block].name, d.rise, 1.0 - deviance / null))
        gone = {d.block for d in dropped}
        rest = [t for i, t in enumerate(terms) if i not in gone]
        terms, fit = rest, problem.solve(rest, (terms, fit))
        path[-1] = (*path[-1][:3], 1.0 - fit.deviance / null)
    return terms, fit, path


def _parents(terms: list[AdditiveTerm]) -> Mapping[int, tuple[int, ...]]:
    where = {t.axes[0]: i for i, t in enumerate(terms) if len(t.grids) == 1}
    pairs: Iterable[tuple[int, AdditiveTerm]] = ((i, t) for i, t in enumerate(terms) if len(t.grids) == 2)
    return {i: tuple(where[a] for a in t.axes if a in where) for i, t in pairs}
