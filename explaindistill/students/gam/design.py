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
from explaindistill.numerics.additive.purify import pure_basis
from explaindistill.numerics.additive.splines import (
    curvature_penalty,
    discretise,
    quantile_knots,
    slope_penalty,
)
from explaindistill.students.gam.shapes import TermGrid

__all__ = [
    "Columns",
    "Shaping",
    "Term",
    "cells",
    "discretise_columns",
    "main_on",
    "main_term",
    "marginal",
    "pair_on",
    "pair_term",
    "read_shaping",
]

Vector = NDArray[np.float64]
MAX_LEVELS = 254
MAX_PAIR_LEVELS = 10


@dataclass(frozen=True)
class Columns:
    """Rows as bins: ``codes`` ``(d, n)``, and per column the value and the weight of each bin (missing last)."""

    schema: Schema
    codes: Codes
    values: list[Vector]
    mass: list[Vector]


@dataclass(frozen=True)
class Shaping:
    """What was asked of one column's shape; None where nothing was."""

    monotone: str | None = None
    convex: str | None = None
    zero_at: float | None = None

    @property
    def asked(self) -> bool:
        """Whether anything was asked."""
        return self != Shaping()


@dataclass(frozen=True)
class Term:
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
        bins = 65_534 if schema[i].is_category else 1022
        values[i], codes[i], mass[i] = discretise(schema.column(frame, i), weight, bins)

    if pool is None or len(frame) < 20_000:
        for i in range(len(schema)):
            one(i)
    else:
        list(pool.map(one, range(len(schema))))
    return Columns(schema, codes, values, mass)


def marginal(grid: TermGrid, values: Vector) -> Marginal:
    """What each bin of the grid's column weighs on the grid; the bin after the last is for missing values."""
    lo, hi, share, _ = grid.weights(np.append(values, np.nan))
    return Marginal(grid.axis, lo, hi, share, grid.size)


def _grid(columns: Columns, axis: int, n_knots: int, max_levels: int) -> TermGrid:
    feature, values, mass = columns.schema[axis], columns.values[axis], columns.mass[axis]
    missing = bool(mass[-1] > 0)
    if not feature.is_category:
        knots = quantile_knots(values, mass[:-1], n_knots)
        return TermGrid(feature.name, axis, knots, np.empty(0, dtype=np.int64), missing)
    position = np.full(len(feature.categories), -1, dtype=np.int64)
    seen = values.astype(np.int64)
    if len(seen) <= max_levels:
        position[seen] = np.arange(len(seen))
    else:
        heavy = np.sort(np.argsort(-mass[:-1], kind="stable")[: max_levels - 1])
        position[seen] = max_levels - 1
        position[seen[heavy]] = np.arange(len(heavy))
    return TermGrid(feature.name, axis, np.empty(0), position, missing)


def main_term(columns: Columns, axis: int, n_knots: int, shaping: Shaping) -> Term | None:
    """One column's term; None for a column with one value only."""
    grid = _grid(columns, axis, n_knots, MAX_LEVELS)
    return None if grid.size < 2 else main_on(columns, grid, shaping)


def main_on(columns: Columns, grid: TermGrid, shaping: Shaping) -> Term:
    """One column's term on a grid that is given."""
    axis = grid.axis
    m = marginal(grid, columns.values[axis])
    centre = columns.mass[axis] @ m.table() / columns.mass[axis].sum()
    if shaping.zero_at is not None:
        lo, hi, share, _ = grid.weights(np.array([shaping.zero_at]))
        centre = np.zeros(grid.size)
        np.add.at(centre, np.concatenate([lo, hi]), np.concatenate([1.0 - share, share]))
    Z, bounded = _main_basis(grid, centre, shaping)
    penalties = [Z.T @ S @ Z for S in _costs(grid, columns.schema[axis])]
    kept = tuple(S for S in penalties if np.trace(S) > 1e-12)
    return Term(grid.feature, (grid,), Block((m,), Z, kept, bounded))


def _main_basis(grid: TermGrid, centre: Vector, shaping: Shaping) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Coefficients whose function is zero on the whole (or at a point) and of the shape that was asked."""
    if shaping.monotone is None and shaping.convex is None:
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
    """Penalties on the values of a grid: bending and differing from a constant, or for categories any effect."""
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


def pair_term(columns: Columns, weight: Vector, axes: tuple[int, int], n_knots: int) -> Term | None:
    """Pure interaction of two columns; None where there is none to be had."""
    return pair_on(columns, weight, tuple(_grid(columns, i, n_knots, MAX_PAIR_LEVELS) for i in axes))


def pair_on(columns: Columns, weight: Vector, grids: tuple[TermGrid, ...]) -> Term | None:
    """Pure interaction on two grids that are given; None where there is none to be had."""
    a, b = (marginal(g, columns.values[g.axis]) for g in grids)
    Z = pure_basis(a, b, columns.codes, weight)
    if Z.shape[1] == 0:
        return None
    costs = []
    for i, (grid, other) in enumerate(zip(grids, grids[::-1], strict=True)):
        bend = _costs(grid, columns.schema[grid.axis])[0]
        if len(grid.knots) > 2:
            costs.append(np.kron(bend, np.eye(other.size)) if i == 0 else np.kron(np.eye(other.size), bend))
    penalties = [*(Z.T @ S @ Z for S in costs), np.eye(Z.shape[1])]
    kept = tuple(S for S in penalties if np.trace(S) > 1e-12)
    name = f"{grids[0].feature} × {grids[1].feature}"
    return Term(name, grids, Block((a, b), Z, kept, np.zeros(Z.shape[1], dtype=bool)))


def cells(columns: Columns, n_cells: int) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """Coarse cell of each bin of each column, and how many cells there are, for the scan over pairs."""
    tables = [
        coarse_cells(mass, n_cells, not feature.is_category)
        for mass, feature in zip(columns.mass, columns.schema.features, strict=True)
    ]
    return tables, np.array([int(t.max()) + 1 for t in tables], dtype=np.int64)


def read_shaping(
    schema: Schema,
    monotone: Mapping[str, str] | None,
    convex: Mapping[str, str] | None,
    zero_at: Mapping[str, float] | None,
) -> list[Shaping]:
    """What is asked of each column; unknown columns and categories are refused."""
    asked: dict[str, dict[str, Any]] = {
        "monotone": dict(monotone or {}),
        "convex": dict(convex or {}),
        "zero_at": dict(zero_at or {}),
    }
    for argument, given in asked.items():
        for name in given:
            if schema[name].is_category:
                raise InvalidInputError(f"{argument} needs a numeric column, {name!r} is {schema[name].kind}")
    return [
        Shaping(
            asked["monotone"].get(n),
            asked["convex"].get(n),
            None if n not in asked["zero_at"] else float(asked["zero_at"][n]),
        )
        for n in schema.names
    ]
