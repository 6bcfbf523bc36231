"""From columns to terms: bins, grids, and the blocks of coefficients that the solver fits."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import block_diag, null_space

from explaindistill.data.schema import Feature, Schema
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.additive.gram import Block, Codes, Marginal
from explaindistill.numerics.additive.monotone import shape_basis
from explaindistill.numerics.additive.pairs import coarse_cells
from explaindistill.numerics.additive.purify import pair_products, pure_basis_of
from explaindistill.numerics.additive.splines import (
    curvature_penalty,
    discretise,
    quantile_knots,
    slope_penalty,
)
from explaindistill.numerics.ranges import is_number
from explaindistill.students._intake import names_of_columns, read_signs
from explaindistill.students.gam.shapes import HELD_TAIL, TAIL, TermGrid

__all__ = [
    "AdditiveTerm",
    "Columns",
    "Shaping",
    "cells",
    "discretise_columns",
    "ends",
    "main_on",
    "main_term",
    "marginal",
    "pair_grids",
    "pair_margins",
    "pair_of",
    "pair_on",
    "pair_term",
    "read_shaping",
]

Vector = NDArray[np.float64]
FARTHEST_ZERO = 100
"""Ranges of a column: the line from the last knot loses the square of this in accuracy, four of sixteen digits."""
MAX_LEVELS = 254
"""Categories with a place of their own: what a tree can tell apart, too (its codes are bytes); the rarest share one."""
MAX_PAIR_LEVELS = 10
"""The same in a pair, where each category makes as many coefficients as the other column has places."""
MAX_BINS, MAX_CATEGORIES = 1022, 65_534
"""Bins of a number: thirty per knot, so that binning is not seen in a curve. Of categories: what 16 bits can count."""
MANY_ROWS = 20_000
"""Rows below which starting threads takes longer than binning."""
NO_PENALTY = 1e-12
"""Trace below which a penalty is zero: a line has no bend, and zero matrices would only slow the solver down."""


@dataclass(frozen=True)
class Columns:
    """Rows as bins: ``codes`` ``(d, n)``, and per column the value and the weight of each bin (missing last).

    Of rows in parts the codes lie with these, and none are here. ``counts`` are the rows of each bin.
    """

    schema: Schema
    codes: Codes
    values: list[Vector]
    mass: list[Vector]
    counts: list[Vector]


@dataclass(frozen=True)
class Shaping:
    """What was asked of one column's shape: signs that are 0, and None, where nothing was."""

    monotone: int = 0
    convex: int = 0
    zero_at: float | None = None

    @property
    def is_asked(self) -> bool:
        """Whether anything was asked."""
        return self != Shaping()


@dataclass(frozen=True)
class AdditiveTerm:
    """A term on its way to being fitted."""

    name: str
    grids: tuple[TermGrid, ...]
    block: Block

    @property
    def axes(self) -> tuple[int, ...]:
        """Positions of its columns."""
        return tuple(g.axis for g in self.grids)


def discretise_columns(schema: Schema, frame: pd.DataFrame, weight: Vector, pool: ThreadPoolExecutor | None) -> Columns:
    """Bin every column; categories keep one bin each."""
    codes = np.empty((len(schema), len(frame)), dtype=np.uint16)
    values: list[Vector] = [np.empty(0)] * len(schema)
    mass: list[Vector] = [np.empty(0)] * len(schema)

    def one(i: int) -> None:
        bins = MAX_CATEGORIES if schema[i].is_category else MAX_BINS
        values[i], codes[i], mass[i] = discretise(schema.column(frame, i), weight, bins)

    if pool is None or len(frame) < MANY_ROWS:
        for i in range(len(schema)):
            one(i)
    else:
        list(pool.map(one, range(len(schema))))
    counts = [np.bincount(c, minlength=len(m)).astype(np.float64) for c, m in zip(codes, mass, strict=True)]
    return Columns(schema, codes, values, mass, counts)


def ends(grid: TermGrid, shaping: Shaping, columns: Columns) -> tuple[float, float]:
    """How far a curve goes on as a straight line below its first and above its last knot, before it is level.

    For the whole range where people lie beyond the knots, since the bounds that may be shown are not theirs: they
    decide the line, and of few rows they are many. Else for a tenth of it, which nobody has decided.
    """
    if shaping.convex:
        return np.inf, np.inf  # a level end would break the shape
    values, (first, last) = columns.values[grid.axis], grid.knots[[0, -1]].tolist()
    span = last - first
    below, above = (HELD_TAIL if beyond else TAIL for beyond in (values[0] < first, values[-1] > last))
    zero = shaping.zero_at if shaping.zero_at is not None else first
    return max(below * span, first - zero), max(above * span, zero - last)


def marginal(grid: TermGrid, values: Vector, reach: tuple[float, float] = (0.0, 0.0)) -> Marginal:
    """What each bin of the grid's column weighs on the grid; the bin after the last is for missing values.

    People beyond the bounds that may be shown are beyond the knots, too: there the function is fitted as it answers, a
    straight line as far as it reaches and then level.
    """
    if len(grid.knots):
        values = np.clip(values, grid.knots[0] - reach[0], grid.knots[-1] + reach[1])
    lo, hi, share, _ = grid.weights(np.append(values, np.nan))
    return Marginal(grid.axis, lo, hi, share, grid.size)


def _grid(columns: Columns, axis: int, n_knots: int, max_levels: int) -> TermGrid:
    """Knots of a number, or a place for each category of the fit; with too many of them the lightest share the last."""
    feature, values, mass = columns.schema[axis], columns.values[axis], columns.mass[axis]
    missing = bool(mass[-1] > 0)
    if not feature.is_category:
        # no knot, and so no number, is of one person far out alone
        within, place = np.unique(np.clip(values, feature.minimum, feature.maximum), return_inverse=True)
        knots = quantile_knots(within, np.bincount(place, weights=mass[:-1]).astype(float), n_knots)
        if len(knots) > 1:
            knots[[0, -1]] = feature.minimum, feature.maximum
        return TermGrid(feature.name, axis, knots, np.empty(0, dtype=np.int64), missing)
    position = np.full(len(feature.categories), -1, dtype=np.int64)
    codes = values.astype(np.int64)
    if len(codes) <= max_levels:
        position[codes] = np.arange(len(codes))
    else:
        heavy = np.sort(np.argsort(-mass[:-1], kind="stable")[: max_levels - 1])
        position[codes] = max_levels - 1
        position[codes[heavy]] = np.arange(len(heavy))
    return TermGrid(feature.name, axis, np.empty(0), position, missing)


def main_term(columns: Columns, axis: int, n_knots: int, shaping: Shaping) -> AdditiveTerm | None:
    """One column's term; None for a column with one value only."""
    grid = _grid(columns, axis, n_knots, MAX_LEVELS)
    return None if grid.size < 2 else main_on(columns, grid, shaping)


def main_on(columns: Columns, grid: TermGrid, shaping: Shaping) -> AdditiveTerm:
    """One column's term on a grid that is given: values on the grid are ``theta = Z beta``, penalties ``Z' S Z``.

    Centred, so that ``sum_i w_i f(x_i) = 0`` over the rows (or ``f(zero_at) = 0``): c' theta = 0 for the mean c of the
    rows' weights on the grid. The intercept then is the mean, and no constant can move between terms.
    """
    axis = grid.axis
    reach = ends(grid, shaping, columns) if len(grid.knots) else (0.0, 0.0)
    m = marginal(grid, columns.values[axis], reach)
    centre = columns.mass[axis] @ m.table() / columns.mass[axis].sum()
    if shaping.zero_at is not None:
        lo, hi, share, _ = grid.weights(np.array([shaping.zero_at]))
        centre = np.zeros(grid.size)
        np.add.at(centre, np.concatenate([lo, hi]), np.concatenate([1.0 - share, share]))
    Z, bounded = _main_basis(grid, centre, shaping)
    costs = (Z.T @ S @ Z for S in _costs(grid, columns.schema[axis]))
    penalties = tuple(S for S in costs if np.trace(S) > NO_PENALTY)
    return AdditiveTerm(grid.feature, (grid,), Block((m,), Z, penalties, bounded))


def _main_basis(grid: TermGrid, centre: Vector, shaping: Shaping) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Basis Z of the functions with ``centre' theta = 0`` and of the shape that was asked, and which are bounded at 0.

    With a shape ``theta = (T - 1 centre' T) gamma``, gamma at least 0 where bounded: taking a constant off changes
    neither slopes nor bends.
    """
    if not shaping.monotone and not shaping.convex:
        Z = null_space(centre[None, :])
        return np.ascontiguousarray(Z), np.zeros(Z.shape[1], dtype=bool)
    if len(grid.knots) < 2:
        T, bounded = np.zeros((max(len(grid.knots), 1), 0)), np.zeros(0, dtype=bool)
    else:
        T, bounded = shape_basis(grid.knots, shaping.monotone, shaping.convex)
    if grid.missing:
        T, bounded = block_diag(T, np.ones((1, 1))), np.append(bounded, False)
    return T - centre @ T, bounded


def _costs(grid: TermGrid, feature: Feature) -> list[NDArray[np.float64]]:
    """Penalties on the values of a grid: bending and differing from a constant, or for categories any effect.

    ``theta' S theta`` is the integral of ``f''^2`` (bend) or ``f'^2`` (slope) of the piecewise linear f. Each has a
    strength of its own, so that a term may shrink to a line and the line to nothing. The value of missing ones counts
    by its distance from the mean of the others.
    """
    k = grid.n_places
    if len(grid.knots) == 0 and feature.kind != "ordered":
        return [np.eye(grid.size)]
    places = grid.knots if len(grid.knots) else np.arange(float(k))
    slope, bend = np.zeros((grid.size, grid.size)), np.zeros((grid.size, grid.size))
    slope[:k, :k], bend[:k, :k] = slope_penalty(places), curvature_penalty(places)
    if grid.missing:
        apart = np.append(np.full(k, -1.0 / k), 1.0)
        slope += np.outer(apart, apart)
    return [bend, slope]


def pair_grids(columns: Columns, axes: tuple[int, int], n_knots: int) -> tuple[TermGrid, TermGrid]:
    """Grids of the interaction of two columns."""
    a, b = axes
    return _grid(columns, a, n_knots, MAX_PAIR_LEVELS), _grid(columns, b, n_knots, MAX_PAIR_LEVELS)


def pair_term(columns: Columns, weight: Vector, axes: tuple[int, int], n_knots: int) -> AdditiveTerm | None:
    """Pure interaction of two columns; None where there is none to be had."""
    return pair_on(columns, weight, pair_grids(columns, axes, n_knots))


def pair_on(columns: Columns, weight: Vector, grids: tuple[TermGrid, ...]) -> AdditiveTerm | None:
    """Pure interaction on two grids that are given; None where there is none to be had."""
    a, b = pair_margins(columns, grids)
    return pair_of(columns, grids, pair_products(a, b, columns.codes, weight))


def pair_margins(columns: Columns, grids: tuple[TermGrid, ...]) -> tuple[Marginal, Marginal]:
    """What the bins of both columns weigh on their grids."""
    a, b = (marginal(g, columns.values[g.axis]) for g in grids)
    return a, b


def pair_of(columns: Columns, grids: tuple[TermGrid, ...], products: NDArray[np.float64]) -> AdditiveTerm | None:
    """Pure interaction from ``pair_products`` of all rows; None where there is none to be had.

    Values on the product of the grids are ``vec(theta) = Z beta`` with Z orthogonal, over the rows, to all functions of
    one column alone. Bending along one axis is ``S (x) I`` or ``I (x) S``; the identity shrinks what bends nowhere.
    """
    a, b = pair_margins(columns, grids)
    Z = pure_basis_of(products)
    if Z.shape[1] == 0:
        return None
    costs = []
    for i, (grid, other) in enumerate(zip(grids, grids[::-1], strict=True)):
        bend = _costs(grid, columns.schema[grid.axis])[0]
        if len(grid.knots) > 2:
            costs.append(np.kron(bend, np.eye(other.size)) if i == 0 else np.kron(np.eye(other.size), bend))
    inner = (*(Z.T @ S @ Z for S in costs), np.eye(Z.shape[1]))
    penalties = tuple(S for S in inner if np.trace(S) > NO_PENALTY)
    name = f"{grids[0].feature} × {grids[1].feature}"
    return AdditiveTerm(name, grids, Block((a, b), Z, penalties, np.zeros(Z.shape[1], dtype=bool)))


def cells(columns: Columns, n_cells: int) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """Coarse cell of each bin of each column, and how many cells there are, for the scan over pairs."""
    tables = [
        coarse_cells(mass, n_cells, not feature.is_category)
        for mass, feature in zip(columns.mass, columns.schema.features, strict=True)
    ]
    return tables, np.array([int(t.max()) + 1 for t in tables], dtype=np.int64)


def _zero_in(feature: Feature, value: Any) -> float:
    """Where a curve is 0: a number so near that a line from the last knot to it keeps its digits."""
    far = FARTHEST_ZERO * max(feature.maximum - feature.minimum, np.finfo(float).tiny)
    low, high = feature.minimum - far, feature.maximum + far
    if not is_number(value) or not low <= value <= high:
        raise InvalidInputError(
            f"zero_at[{feature.name!r}] must be a number between {low:g} and {high:g}, which is {FARTHEST_ZERO} times "
            f"the range of the column on either side, got {value!r}"
        )
    return float(value)


def read_shaping(
    schema: Schema,
    monotone: Mapping[str, int] | None,
    convex: Mapping[str, int] | None,
    zero_at: Mapping[str, float] | None,
) -> list[Shaping]:
    """What is asked of each column; unknown columns, categories and other signs are refused."""
    for argument, wishes in (("monotone", monotone), ("convex", convex), ("zero_at", zero_at)):
        for name in names_of_columns(argument, wishes):
            if schema[name].is_category:
                raise InvalidInputError(f"{argument} needs a numeric column, {name!r} is {schema[name].kind}")
    rising, bending = read_signs("monotone", monotone, schema), read_signs("convex", convex, schema)
    zeros = {name: _zero_in(schema[name], value) for name, value in (zero_at or {}).items()}
    return [
        Shaping(int(sign), int(bend), zeros.get(name))
        for name, sign, bend in zip(schema.names, rising, bending, strict=True)
    ]
