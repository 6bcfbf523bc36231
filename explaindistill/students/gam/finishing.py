"""From fitted coefficients to what an additive student is: functions on grids, with their standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.additive.gram import Design, columns_of_totals, gram_of
from explaindistill.numerics.additive.pirls import AdditiveFit
from explaindistill.numerics.exact_sums import ExactSum
from explaindistill.numerics.sums import added_all
from explaindistill.students.gam.design import AdditiveTerm, ends
from explaindistill.students.gam.problem import AdditiveProblem
from explaindistill.students.gam.shapes import Blend, Shape, TermGrid, blended
from explaindistill.students.gam.sums import squared_score_sums, term_sums

__all__ = ["Additive", "Removal", "Trial", "finish"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Removal = tuple[int, str, float, float]
"""A term that was taken out: terms left, its name, the rise of the deviance, and the share that the others explain."""
Trial = tuple[int, float, float, float]
"""A number of pairs: its held-out loss, and the low and high end of what it gained."""


@dataclass(frozen=True)
class Additive:
    """A fitted sum of terms.

    Attributes
    ----------
    intercept : ndarray of shape (outputs,)
    shapes : list of Shape
    path : list of Removal
    trials : list of Trial
    fit : AdditiveFit
    """

    intercept: Vector
    shapes: list[Shape]
    path: list[Removal]
    trials: list[Trial]
    fit: AdditiveFit


def finish(
    problem: AdditiveProblem,
    terms: list[AdditiveTerm],
    fit: AdditiveFit,
    path: list[Removal],
    trials: list[Trial],
) -> Additive:
    """Turn coefficients into functions on grids, with their standard errors.

    A term's values on its grid are ``theta = T' beta`` and their variances the diagonal of ``T' C T``, with C the
    covariance of its coefficients and T its basis, carried on to the places beyond the values seen.
    """
    design, rows = Design(tuple(t.block for t in terms)), problem.rows
    covariances = _covariances(problem, terms, design, fit)
    sums = rows.parts.ask(term_sums, problem.at(terms, fit), rows.weight, reduce=added_all)
    shapes = [
        _shape(problem, term, fit, cut, [C[cut, cut] for C in covariances], float(edf), near)
        for term, cut, edf, near in zip(terms, design.slices, fit.edf, sums, strict=True)
    ]
    return Additive(fit.beta[:, 0].copy(), shapes, path, trials, fit)


def _shape(
    problem: AdditiveProblem, term: AdditiveTerm, fit: AdditiveFit, cut: slice, covariances: list[Matrix], edf: float,
    sums: tuple[Matrix, list[ExactSum]],
) -> Shape:  # fmt: skip
    """One term as a function on its grids; ``cut`` are its coefficients, ``covariances`` theirs, one per output.

    ``sums`` are those of :func:`~explaindistill.students.gam.sums.term_sums`.
    """
    Z, old = term.block.Z, tuple(g.size for g in term.grids)
    values = np.stack([(Z @ b[cut]).reshape(old) for b in fit.beta])
    grids, blends = _ends(term, problem)
    size = tuple(g.size for g in grids)
    T = blended(Z.T.reshape(-1, *old), blends).reshape(Z.shape[1], -1)
    variance = [np.einsum("ji,jk,ki->i", T, C, T).reshape(size) for C in covariances]
    n = np.zeros(size)
    n[np.ix_(*(g.within() for g in grids))] = columns_of_totals(term.block.margins, sums[0]).reshape(old)
    spread = [float(total.value()) / problem.rows.weight for total in sums[1]]
    return Shape(
        name=term.name,
        grids=grids,
        values=blended(_exact(values, term, problem), blends),
        sd=np.sqrt(np.maximum(np.stack(variance), 0.0)),
        n=n,
        edf=edf,
        spread=np.array(spread),
    )


def _ends(term: AdditiveTerm, problem: AdditiveProblem) -> tuple[tuple[TermGrid, ...], list[Blend | None]]:
    """How a term goes on beyond its bounds: pairs level at once, numbers after a line, see :func:`ends`.

    A value far out would otherwise run away on a line that nothing but the last two knots decided. A column that must
    be convex or concave keeps its line, since a level end would break the shape; a point that must be 0 is reached.
    """
    grids: list[TermGrid] = list(term.grids)
    blends: list[Blend | None] = [None] * len(grids)
    for i, grid in enumerate(term.grids):
        shaping = problem.options.shaping[grid.axis]
        if len(grid.knots) < 2 or problem.columns.schema[grid.axis].kind == "boolean" or shaping.convex:
            continue
        reach = ends(grid, shaping, problem.columns) if len(grids) == 1 else (0.0, 0.0)
        grids[i], blends[i] = grid.extended(reach)
    return tuple(grids), blends


def _exact(values: Matrix, term: AdditiveTerm, problem: AdditiveProblem) -> Matrix:
    """Undo the last bit of rounding, so that monotone is monotone to the last digit."""
    shaping = problem.options.shaping[term.axes[0]]
    if len(term.grids) == 1 and shaping.monotone:
        k = term.grids[0].n_places
        walk = np.maximum if shaping.monotone > 0 else np.minimum
        values[:, :k] = walk.accumulate(values[:, :k], axis=1)
    return values


def _covariances(problem: AdditiveProblem, terms: list[AdditiveTerm], design: Design, fit: AdditiveFit) -> list[Matrix]:
    r"""Covariance of the coefficients.

    For noisy outcomes the posterior :math:`\phi V`; for a teacher's answers
    :math:`V \sum_i w_i s_i^2 x_i x_i^\top V`, to which a bootstrap of the corpus tends when each replicate takes one
    Newton step.
    """
    if problem.options.noisy:
        return [fit.phi * V for V in fit.V]
    at, sample = problem.at(terms, fit), problem.curvature_sample(terms)
    rows = problem.rows if sample is None else sample
    bound = rows.weight * (at.score / problem.rows.weight) ** 2
    sums = rows.parts.ask(squared_score_sums, at, bound, rows.pool, reduce=added_all)
    return [V @ gram_of(design, each) @ V for V, each in zip(fit.V, sums, strict=True)]
