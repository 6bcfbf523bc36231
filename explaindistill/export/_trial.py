"""Rows on which an export has to prove itself: every question, its bound and the numbers beside it, and odd values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from explaindistill.data.columns import from_numbers, to_numbers
from explaindistill.data.program import (
    AnyOf,
    AtMost,
    Clipped,
    Condition,
    Input,
    Leaf,
    Missing,
    Not,
    OneOf,
    Program,
    Split,
    Unseen,
)

__all__ = ["MOST_ROWS", "trial_rows"]

MOST_ROWS = 500
"""A student with more questions is tried on this many rows, evenly chosen: an export takes less than a second."""
ODD_NUMBERS = (0.0, -0.0, 5e-324, 1e15, -1e15)
"""Zero of both signs, the smallest number there is, and numbers far out that lose no digit in sums."""
ODD_TEXTS = ("", " ", "None", "nan", "NA", "null", "0", "'\"\\", "\ufffd\U0001f600")
RANDOM_ROWS = 60  # pairs of values that no single question would bring together
ROUNDS = 2  # rows per leaf
LATEST = 4e9  # seconds since 1970, the year 2096: pandas and every language hold such dates

Row = dict[str, Any]
Values = dict[str, list[Any]]
"""Values of each column that a row may still have at a place of a tree."""


def trial_rows(program: Program, blank: bool = True) -> list[Row]:
    """Rows as mappings of names to plain values, None where one is missing; dates are seconds since 1970.

    Parameters
    ----------
    program : Program
    blank : bool
        Whether the empty text is among the unseen categories; some formats take it for a missing value.

    Returns
    -------
    list of dict
        At most :data:`MOST_ROWS`, the same ones for the same program.

    Examples
    --------
    >>> from explaindistill.data.program import program_of
    >>> from explaindistill.students.tree import TreeRegressor
    >>> tree = TreeRegressor(min_samples_leaf=1).fit([[1.5], [2.5], [2.5]], [0.0, 1.0, 1.0])
    >>> {2.0, np.nextafter(2.0, 3), np.nextafter(2.0, 1), None} <= {row["x0"] for row in trial_rows(program_of(tree))}
    True
    """
    rng = np.random.default_rng(0)
    values = {column.name: _values(column, program, blank) for column in program.inputs}
    usual = {name: _usual(candidates) for name, candidates in values.items()}
    rows = [{name: candidates[i] for name, candidates in usual.items()} for i in (0, -1)]
    rows.append(dict.fromkeys(values))
    for name, candidates in values.items():
        rows += [_drawn(usual, rng) | {name: value} for value in candidates]
    if program.tree is not None:
        rows += list(_routed(program.tree, values, rng))
    rows += [_drawn(usual, rng) for _ in range(RANDOM_ROWS if values else 0)]
    rows = list({repr(row): row for row in rows}.values())
    if len(rows) <= MOST_ROWS:
        return rows
    return [rows[i] for i in np.linspace(0, len(rows) - 1, MOST_ROWS).astype(int)]


def _usual(candidates: list[Any]) -> list[Any]:
    """Without numbers far out, which would drown what other columns add."""
    return [v for v in candidates if not isinstance(v, float) or abs(v) < abs(ODD_NUMBERS[-1])]


def _drawn(values: Mapping[str, list[Any]], rng: np.random.Generator) -> Row:
    return {name: candidates[int(rng.integers(len(candidates)))] for name, candidates in values.items()}


def _values(column: Input, program: Program, blank: bool) -> list[Any]:
    """Values of one column that a student may treat in different ways, missing (None) in the middle of them."""
    if column.kind == "boolean":
        return [False, None, True]
    if column.is_category:
        unseen = ODD_TEXTS if column.is_text else (max(column.categories, default=0) + 1, -1e9)
        odd = [v for v in unseen if v not in column.categories and (blank or v != "")]
        return [*column.categories, None, *odd]
    bounds = sorted({b for b in _bounds(column, program) if math.isfinite(b)})
    if column.kind == "datetime":
        near = {b + step for b in bounds for step in (-1e-6, 0.0, 1e-6)}
        return [None, *_moments(sorted(v for v in near | {0.0, -1e9, LATEST} if abs(v) <= LATEST))]
    near = {float(v) for b in bounds for v in (np.nextafter(b, -np.inf), b, np.nextafter(b, np.inf))}
    return [*sorted(near), None, *(v for v in ODD_NUMBERS if v not in near or v == 0)]


def _moments(seconds: list[float]) -> list[float]:
    """As the student reads them from dates of whole microseconds."""
    dates = from_numbers(np.array(seconds), "datetime", (), "datetime64[us]")
    return [float(v) for v in np.unique(to_numbers(dates, "datetime", ()))]


def _bounds(column: Input, program: Program) -> Iterator[float]:
    """Every number that the program compares the column with, and the ends of what fitting saw."""
    if column.minimum is not None and column.maximum is not None:
        yield from (column.minimum, (column.minimum + column.maximum) / 2, column.maximum)
    for condition in _conditions(program):
        if condition.input == column and isinstance(condition, AtMost):
            yield condition.bound
        elif condition.input == column and isinstance(condition, OneOf):
            yield from (float(v) for v in condition.values)
        elif condition.input == column and isinstance(condition, Clipped):
            numbers = (condition.low, condition.high, condition.centre, condition.fill)
            yield from (v * condition.unit for v in numbers if v is not None)
    for grid in (grid for curve in program.curves for grid in curve.grids if grid.input == column):
        yield from grid.knots


def _conditions(program: Program) -> Iterator[AtMost | Missing | Unseen | OneOf | Clipped]:
    """Every question about one value, and every number that is added up."""
    for term in program.terms:
        yield from _single(term.factor)
    waiting = [program.tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Split):
            yield from _single(node.condition)
            waiting += [node.yes, node.no]
        elif node is not None:
            for term in node.terms:
                yield from _single(term.factor)


def _single(factor: Condition | Clipped) -> Iterator[AtMost | Missing | Unseen | OneOf | Clipped]:
    if isinstance(factor, Not):
        yield from _single(factor.condition)
    elif isinstance(factor, AnyOf):
        for condition in factor.conditions:
            yield from _single(condition)
    else:
        yield factor


def _holds(condition: Condition, value: Any) -> bool:
    """Whether a condition on one column holds for a value."""
    if isinstance(condition, Not):
        return not _holds(condition.condition, value)
    if isinstance(condition, AnyOf):
        return any(_holds(c, value) for c in condition.conditions)
    if isinstance(condition, Missing) or value is None:
        return isinstance(condition, Missing) and value is None
    if isinstance(condition, AtMost):
        return bool(value <= condition.bound)
    return value in condition.values if isinstance(condition, OneOf) else value not in condition.input.categories


def _restricted(condition: Condition, truth: bool, values: Values) -> Values | None:
    """The values with which a condition can be true, or false; None where there are none left.

    Of several columns of which any may decide, the first that can does.
    """
    if isinstance(condition, Not):
        return _restricted(condition.condition, not truth, values)
    names = list(dict.fromkeys(c.input.name for c in _single(condition)))
    if len(names) == 1:
        fitting = [v for v in values[names[0]] if _holds(condition, v) == truth]
        return values | {names[0]: fitting} if fitting else None
    assert isinstance(condition, AnyOf)
    if truth:
        ways = (_restricted(c, True, values) for c in condition.conditions)
        return next((way for way in ways if way is not None), None)
    narrowed: Values | None = values
    for operand in condition.conditions:
        narrowed = narrowed and _restricted(operand, False, narrowed)
    return narrowed


def _edges(condition: Condition) -> Iterable[tuple[str, Any]]:
    """Values beside which the answer to a condition changes, by column."""
    for c in _single(condition):
        assert not isinstance(c, Clipped)
        if isinstance(c, AtMost):
            yield from ((c.input.name, float(np.nextafter(c.bound, to))) for to in (-np.inf, np.inf))
            yield c.input.name, c.bound
        elif isinstance(c, OneOf):
            yield from ((c.input.name, v) for v in c.values)
        yield c.input.name, None


def _routed(tree: Split | Leaf, values: Values, rng: np.random.Generator) -> Iterator[Row]:
    """Rows that come to every question with a value at its edge, and rows that end in every leaf."""
    waiting = [(tree, values)]
    while waiting:
        node, open_values = waiting.pop()
        if isinstance(node, Leaf):
            yield from (_drawn(open_values, rng) for _ in range(ROUNDS))
            continue
        for name, value in dict.fromkeys(_edges(node.condition)):
            if value in open_values[name]:
                yield _drawn(open_values, rng) | {name: value}
        for side, truth in ((node.yes, True), (node.no, False)):
            below = _restricted(node.condition, truth, open_values)
            if below is not None:
                waiting.append((side, below))
