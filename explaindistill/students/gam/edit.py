"""Changing a term by hand: flat, or capped; what was done stays on record."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.students.gam.shapes import Shape
from explaindistill.students.gam.words import find

__all__ = ["edited"]

NO_WEIGHT = 1e-12
"""Stands for the weight of places that no row is near, so that their mean exists."""


def edited(
    student: Any,
    term: str,
    *,
    flatten: bool | tuple[float, float] = False,
    cap: tuple[float, float] | None = None,
    why: str = "",
) -> Any:
    """Copy of a student in which one term is flat or capped; intervals of that term are then unknown (NaN).

    Parameters
    ----------
    student : fitted GAMClassifier or GAMRegressor
    term : str
    flatten : bool or (low, high)
        True: the term contributes 0 everywhere. Two values of a numeric column: between them the term is constant,
        at its mean over the rows there.
    cap : (lowest, highest) effect, optional
        Effects beyond are cut off; numeric terms get a knot where the line crosses the cap, and are level beyond the
        values seen.
    why : str
        A reason, kept in ``edits_``.

    Raises
    ------
    InvalidInputError
        If there is no such term, nothing or both is asked, or a range is empty.
    """
    position, shape = find(student, term)
    if bool(flatten) == (cap is not None):
        raise InvalidInputError("give either flatten= or cap=, got " + ("both" if cap else "neither"))
    if flatten is True:
        new, what = shape.with_values(np.zeros_like(shape.values)), "flat at 0"
    elif cap is not None:
        new, what = _capped(shape, *_range("cap", cap)), f"capped to [{cap[0]}, {cap[1]}]"
    else:
        low, high = _range("flatten", flatten)
        new, what = _flat_between(shape, low, high), f"flat between {low} and {high}"
    out = copy.deepcopy(student)
    spread = shape.spread * _ratio(new, shape)
    out.shapes_[position] = new.with_values(new.values, sd=np.full(new.values.shape, np.nan), spread=spread)
    out.edits_ = [*out.edits_, {"term": term, "what": what, "why": f" ({why})" if why else ""}]
    return out


def _range(argument: str, given: Any) -> tuple[float, float]:
    low, high = float(given[0]), float(given[1])
    if not low <= high:
        raise InvalidInputError(f"{argument} must be (low, high) with low at most high, got {given}")
    return low, high


def _ratio(new: Shape, old: Shape) -> NDArray[np.float64]:
    """How much of the mean absolute effect ``sum_p n_p |f_kp|`` is left ``(K,)``, n_p the weight near place p."""
    parts = []
    for k in range(len(old.values)):
        was = float(np.sum(old.n * np.abs(old.values[k])))
        now = float(np.sum(new.n * np.abs(new.values[k])))
        parts.append(now / was if was > 0 else 0.0)
    return np.array(parts)


def _insert(shape: Shape, at: NDArray[np.float64]) -> Shape:
    """The same function with more knots; the weight near a new knot is 0 by convention."""
    grid = shape.grids[0]
    knots = np.union1d(grid.knots, at)
    lo, hi, share, _ = grid.weights(knots)
    values = (1.0 - share) * shape.values[:, lo] + share * shape.values[:, hi]
    n = np.zeros(len(knots))
    n[np.searchsorted(knots, grid.knots)] = shape.n[: len(grid.knots)]
    if grid.missing:
        values, n = np.hstack([values, shape.values[:, -1:]]), np.append(n, shape.n[-1])
    wider = replace(grid, knots=knots, seen=grid.range_seen())
    return shape.with_values(values, grids=(wider,), n=n)


def _capped(shape: Shape, low: float, high: float) -> Shape:
    """Cut effects off at both caps: knots where the line crosses them, and one range beyond each end to be level."""
    if len(shape.grids) == 1 and len(shape.grids[0].knots) > 1:
        knots = shape.grids[0].knots
        crossings = [_crossings(knots, values[: len(knots)], c) for values in shape.values for c in (low, high)]
        shape = _insert(shape, np.concatenate(crossings))
        flat_ends = np.array([knots[0] - np.ptp(knots), knots[-1] + np.ptp(knots)])
        capped = _insert(shape, flat_ends)
        return capped.with_values(_level_ends(np.clip(capped.values, low, high), len(capped.grids[0].knots)))
    return shape.with_values(np.clip(shape.values, low, high))


def _level_ends(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """A capped line must not leave the cap where it goes on beyond the values seen: its ends are level."""
    values[:, 0], values[:, k - 1] = values[:, 1], values[:, k - 2]
    return values


def _crossings(knots: NDArray[np.float64], values: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Where a line through the knots crosses a level: ``x_i + (x_i+1 - x_i) a_i / (a_i - a_i+1)``, a = f - level."""
    above = values - level
    i = np.flatnonzero(above[:-1] * above[1:] < 0)
    return knots[i] + (knots[i + 1] - knots[i]) * above[i] / (above[i] - above[i + 1])


def _flat_between(shape: Shape, low: float, high: float) -> Shape:
    """Constant between two values, ``sum_p n_p f_p / sum_p n_p``; knots just beside them keep all else as it is."""
    if len(shape.grids) != 1 or len(shape.grids[0].knots) < 2:
        raise InvalidInputError(f"flatten=(low, high) needs the term of one numeric column, {shape.name!r} is not")
    knots = shape.grids[0].knots
    edges = np.array([low, high])
    inside_range = edges[(edges > knots[0]) & (edges < knots[-1])]
    beside = np.concatenate([np.nextafter(inside_range, -np.inf), np.nextafter(inside_range, np.inf)])
    wider = _insert(shape, np.concatenate([inside_range, beside]))
    new = wider.grids[0].knots
    inside = (new >= low) & (new <= high)
    if not inside.any():
        raise InvalidInputError(f"flatten=({low}, {high}) holds no value of {shape.name!r}")
    values, weight = wider.values.copy(), wider.n[: len(new)][inside] + NO_WEIGHT
    values[:, : len(new)][:, inside] = np.average(values[:, : len(new)][:, inside], axis=1, weights=weight)[:, None]
    return wider.with_values(values)
