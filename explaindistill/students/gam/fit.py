"""How an additive student is fitted: main effects, pairs found in what they leave, the terms that matter, intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from explaindistill.data.parts import AnsweredPart, FramePart
from explaindistill.data.schema import Schema
from explaindistill.numerics.additive.elimination import eliminate
from explaindistill.numerics.additive.gram import Design
from explaindistill.numerics.additive.pairs import PRIOR_ROWS, pair_gains
from explaindistill.numerics.additive.pirls import AdditiveFit
from explaindistill.numerics.additive.reml import Smoothing, solve
from explaindistill.numerics.additive.row_sums import BinnedParts
from explaindistill.numerics.one_part import OnePart
from explaindistill.numerics.sums import added_all
from explaindistill.protocols import Partitions
from explaindistill.students._intake import Intake
from explaindistill.students.gam.bins import are_varied, binned
from explaindistill.students.gam.design import (
    AdditiveTerm,
    cells,
    main_term,
    pair_grids,
    pair_margins,
    pair_of,
)
from explaindistill.students.gam.finishing import Additive, Removal, Trial, finish
from explaindistill.students.gam.problem import CURVATURE_ROWS, AdditiveOptions, AdditiveProblem, TermsFit
from explaindistill.students.gam.sums import At, PairQuestion, gain_sums, kept_side, pair_sums, pure_sums

__all__ = ["CurveRows", "fit_terms"]

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
"""Different held-out rows below which nothing is chosen: no interval would exclude 0."""
MOST_VARIED = 5_000
"""Held-out rows of which it is counted how many differ: of so many the least number do, or too few of all."""
PAIR_COUNTS = (1, 2, 3, 5, 8, 12, 18, 27, 40, 60)
"""Numbers of pairs that are tried, each half as large again as the last, up to what a person can still look at."""
SCAN_SALT, HELD_SALT = 2, 3
"""Of the draws of rows for the scan and of rows that are held out, so that they are not the same."""
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
    grams, corners = [], []
    together = Design(tuple(t.block for t in new))
    for term, (G, _, pulls) in zip(new, problem.alone(terms, fit, [t.block for t in new]), strict=True):
        design = Design((term.block,))
        smooth = Smoothing(design, np.diag(G))
        fits = [solve(G, pull, smooth.matrix(), design) for pull in pulls]
        (cut,) = design.slices
        corners.append([(f.beta[cut], f.corner(cut)) for f in fits])
        grams.append(G[1:, 1:])
    diagonal = np.concatenate([[0.0], *(np.diag(G) for G in grams)])
    smooth = Smoothing(together, diagonal, n_rows=problem.rows.weight)
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
    slices = Design(tuple(t.block for t in terms)).slices
    smaller: list[AdditiveTerm] = []
    betas: list[NDArray[Any]] = [fit.beta[:, :1]]
    sums = problem.alone(terms, fit, [t.block for t in terms])
    for term, cut, lam, (_, raw, pulls) in zip(terms, slices, fit.smoothing, sums, strict=True):
        block = term.block
        if block.bounded.any() or block.size < 3:
            smaller.append(term)
            betas.append(fit.beta[:, cut])
            continue
        G = block.Z.T @ raw @ block.Z
        pull = np.column_stack([p[1:] for p in pulls])

        def is_pulled(U: Matrix, pull: Matrix = pull) -> Flags:
            return np.asarray(((U.T @ pull) ** 2).max(axis=1) > EVIDENCE * fit.phi)

        small, U, alive = _alive(term, G, lam, least, is_pulled)
        smaller.append(small)
        betas.append(np.linalg.solve(U, fit.beta[:, cut].T)[alive].T)
    return smaller, replace(fit, beta=np.hstack(betas), V=())


def fit_terms(options: AdditiveOptions, rows: CurveRows) -> Additive:
    """Fit an additive model to rows that passed the door, in one part or many."""
    # linear algebra on one thread: its bits then do not depend on the cores, and small matrices wait for nobody
    with threadpool_limits(1), _threads(options.n_threads if isinstance(rows.parts, OnePart) else 1) as pool:
        columns, binned_rows = binned(rows.parts, rows.n, rows.schema, rows.outcome, pool)
        model = _grown(AdditiveProblem(options, columns, binned_rows))
        if model.fit.converged or len(binned_rows) <= CURVATURE_ROWS:
            return model
        # curvature from a sample of rows led to no optimum: measure it on all rows, the choice of smoothing too
        return _grown(AdditiveProblem(options, columns, binned_rows, exact=True))


@dataclass(frozen=True, eq=False)
class CurveRows:
    """What an additive student fits to.

    Attributes
    ----------
    parts : Partitions of AnsweredPart
    n : int
        Rows of all parts.
    schema : Schema
    outcome : int or None
        Which answer is fitted; None for all of several classes.
    """

    parts: Partitions
    n: int
    schema: Schema
    outcome: int | None

    @classmethod
    def in_memory(cls, intake: Intake, outcome: int | None) -> CurveRows:
        """Rows that passed the door."""
        answered = AnsweredPart(FramePart(0, intake.X), intake.schema.names, intake.Y, intake.weight, None)
        return cls(OnePart(answered), len(intake.X), intake.schema, outcome)


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
    n, rows = len(problem.rows), problem.rows
    tables, sizes = cells(problem.columns, SCAN_CELLS if n >= FEW_ROWS else FEW_SCAN_CELLS)
    share = min(SCAN_ROWS / n, 1.0)
    if share < 1 and not are_varied(rows.parts, share, SCAN_SALT, SCAN_ROWS / 2):
        share = 1.0
    question = PairQuestion(tables, sizes, pairs, share, SCAN_SALT)
    sums, curvature, n_drawn = rows.parts.ask(pair_sums, problem.at(terms, fit), question, rows.pool, reduce=added_all)
    gains = pair_gains(sums, PRIOR_ROWS * curvature.value() / n_drawn, fit.phi)
    return [pairs[i] for i in np.argsort(-gains, kind="stable")]


def _pair_terms(
    problem: AdditiveProblem, terms: list[AdditiveTerm], fit: AdditiveFit, wanted: int
) -> list[AdditiveTerm]:
    """The pairs that promise most, as terms."""
    new: list[AdditiveTerm] = []
    ranked = rank_pairs(problem, terms, fit) if wanted else []
    while ranked and len(new) < wanted:
        best, ranked = ranked[: wanted - len(new)], ranked[wanted - len(new) :]
        grids = [pair_grids(problem.columns, axes, problem.options.n_pair_knots) for axes in best]
        margins = [pair_margins(problem.columns, pair) for pair in grids]
        products = problem.rows.parts.ask(pure_sums, margins, problem.rows.weight, reduce=added_all)
        candidates = (pair_of(problem.columns, *each) for each in zip(grids, products, strict=True))
        new += [term for term in candidates if term is not None]
    return new


def _choose_pairs(problem: AdditiveProblem, terms: list[AdditiveTerm]) -> tuple[int, list[Trial]]:
    """Raise the number of pairs until the loss on held-out rows stops falling beyond its interval."""
    rows, salt = problem.rows, problem.options.seed + HELD_SALT
    if len(terms) < 2 or not are_varied(rows.parts, min(HELD_OUT, MOST_VARIED / len(rows)), salt, LEAST_HELD_OUT):
        return 0, []
    sides = (rows.parts.step(kept_side, HELD_OUT, salt, held) for held in (False, True))
    train, test = (AdditiveProblem(problem.options, problem.columns, BinnedParts.of(side, rows.pool)) for side in sides)
    if len(train.rows) == 0:
        return 0, []
    terms, fit = _compress(train, terms, train.solve(terms, draft=True), LEAST_EDF)
    best = test.at(terms, fit)
    trials, chosen = [(0, _mean_gain(test, best, None)[0], np.nan, np.nan)], 0
    current, most = list(terms), len(terms) * (len(terms) - 1) // 2
    for count in [c for c in PAIR_COUNTS if c <= most]:
        before = _preview(train, current, fit, _pair_terms(train, current, fit, count - chosen))
        current, fit = before[0], train.solve(before[0], before, draft=True)
        now = test.at(current, fit)
        centre, spread = _mean_gain(test, now, best)
        error = NORMAL_95 * spread / float(np.sqrt(len(test.rows)))
        trials.append((count, _mean_gain(test, now, None)[0], centre - error, centre + error))
        if centre - error <= 0:
            break
        best, chosen = now, count
    return chosen, trials


def _mean_gain(test: AdditiveProblem, now: At, before: At | None) -> tuple[float, float]:
    """Weighted mean and standard deviation of what a fit gains on held-out rows; of its loss without another."""
    total, _ = test.rows.parts.ask(gain_sums, now, before, 0.0, reduce=added_all)
    centre = float(total.value()) / test.rows.weight
    _, squares = test.rows.parts.ask(gain_sums, now, before, centre, reduce=added_all)
    return centre, float(np.sqrt(squares.value() / test.rows.weight))


def _cut_terms(
    problem: AdditiveProblem, terms: list[AdditiveTerm], fit: AdditiveFit, keep: int
) -> tuple[list[AdditiveTerm], AdditiveFit, list[Removal]]:
    """Take out what matters least, in two rounds with a refit after each."""
    null = max(problem.null_deviance(), 1e-300)
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
