"""The same terms on the same grids, with curves that other labels would give them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.additive.families import FAMILIES, Bernoulli
from explaindistill.numerics.additive.row_sums import BinnedRows, binned_parts
from explaindistill.students._changed import changed
from explaindistill.students._toward import Array, Move
from explaindistill.students.gam.design import (
    AdditiveTerm,
    Columns,
    discretise_columns,
    main_on,
    pair_on,
)
from explaindistill.students.gam.finishing import Additive, finish
from explaindistill.students.gam.problem import AdditiveProblem
from explaindistill.students.gam.settings import read_options
from explaindistill.students.gam.shapes import Shape, TermGrid

__all__ = ["toward_labels"]


def toward_labels(self: Any, frame: pd.DataFrame, answer: Array, labels: Array) -> Move:
    r"""Way from a student's curves to those of the labels, :math:`f_j \leftarrow (1 - a) f_j + a\, g_j`.

    The :math:`g_j` are fitted to the labels on the knots and categories of the student, their smoothness by restricted
    likelihood; a mixture of curves that are monotone, convex or 0 at a point is so too. Places that none of the rows
    come near keep the student's value.

    Raises
    ------
    InvalidInputError
        If a term was edited by hand or stands on other knots, or no row has values that the student knows.
    """
    if self.edits_:
        raise InvalidInputError(
            "student has terms that were edited by hand, and refining would undo that; refine first"
        )
    is_known = np.logical_and.reduce(
        [g.weights(self.schema_.column(frame, g.axis))[3] for s in self.shapes_ for g in s.grids]
        or [np.ones(len(frame), dtype=bool)]
    )
    if not is_known.any():
        raise InvalidInputError("X must have rows whose categories the student has seen, got none")
    with threadpool_limits(1):
        model = _fitted(self, frame.loc[is_known].reset_index(drop=True), labels[is_known])
    toward = {shape.name: shape for shape in model.shapes}
    if any(s.values.shape != toward[s.name].values.shape for s in self.shapes_ if s.name in toward):
        raise InvalidInputError("student has curves on other knots than its fit gave them; refine before compressing")

    def move(strength: float) -> Any:
        intercept = (1 - strength) * self.intercept_ + strength * model.intercept
        shapes = [_mixed(s, toward[s.name], strength) if s.name in toward else s for s in self.shapes_]
        return changed(self, intercept_=intercept, shapes_=shapes)

    return move


def _fitted(student: Any, frame: pd.DataFrame, labels: Array) -> Additive:
    """The same terms on the same knots, fitted to labels: of classes noisy outcomes, of dispersion 1."""
    classes = getattr(student, "classes_", None)
    family: Any = FAMILIES[student.loss] if classes is None else Bernoulli() if len(classes) == 2 else None
    y = labels if family is None else np.ascontiguousarray(labels[:, -1])
    noisy = classes is not None
    chosen = replace(read_options(student, student.schema_, family, noisy), noisy=noisy, phi=1.0 if noisy else None)
    weight = np.ones(len(frame))
    columns = discretise_columns(student.schema_, frame, weight, None)
    problem = AdditiveProblem(chosen, columns, binned_parts(BinnedRows(columns.codes, y, weight)))
    candidates = [_term(shape, problem, columns, weight) for shape in student.shapes_]
    terms = [term for term in candidates if term is not None]
    return finish(problem, terms, problem.solve(terms), [], [])


def _term(shape: Shape, problem: AdditiveProblem, columns: Columns, weight: Array) -> AdditiveTerm | None:
    grids = tuple(_inner(grid) for grid in shape.grids)
    if len(grids) == 2:
        return pair_on(columns, weight, grids)
    return main_on(columns, grids[0], problem.options.shaping[grids[0].axis])


def _inner(grid: TermGrid) -> TermGrid:
    """The grid without the knots that only say how its curve ends."""
    inner = grid.within()[: len(grid.knots)]
    return replace(grid, knots=grid.knots[inner], seen=None)


def _mixed(shape: Shape, other: Shape, strength: float) -> Shape:
    """Mixture of two curves; its standard error is not known."""
    toward = np.where(_near(other), other.values, shape.values)
    values = (1 - strength) * shape.values + strength * toward
    spread = (1 - strength) * shape.spread + strength * other.spread
    return shape.with_values(values, sd=np.full(values.shape, np.nan), spread=spread)


def _near(shape: Shape) -> NDArray[np.bool_]:
    """Where rows were near; between and beyond knots a curve is carried on by its smoothness."""
    out = np.ones(shape.n.shape, dtype=bool)
    for axis, grid in enumerate(shape.grids):
        alone = shape.n.sum(axis=tuple(i for i in range(shape.n.ndim) if i != axis)) > 0
        alone[: len(grid.knots)] = True
        out &= np.expand_dims(alone, tuple(i for i in range(shape.n.ndim) if i != axis))
    return out
