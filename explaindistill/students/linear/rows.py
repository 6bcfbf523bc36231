"""Rows of a linear fit, in one part or many: the columns that they give, standardised by sums over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.design import Column, ColumnFacts, columns_of, rounded_centre, unit_of
from explaindistill.data.design_rows import DesignRows
from explaindistill.data.parts import AnsweredPart, FramePart
from explaindistill.data.schema import Schema
from explaindistill.numerics.exact_sums import ExactSum, lifted, rounded
from explaindistill.numerics.linear.part_sums import DesignedRows
from explaindistill.numerics.linear.row_blocks import RowBlocks, row_slices
from explaindistill.numerics.sums import added, added_each
from explaindistill.protocols import Partitions

__all__ = ["LinearDesign", "LinearRows", "facts_of", "opened", "spread_of_targets", "standardised", "total_weight"]

Array = NDArray[np.float64]
CONSTANT = 1e-9  # of its mean, below which a column's spread is rounding: the mean itself is rounded to 1e-16 of it


@dataclass(frozen=True, eq=False)
class LinearDesign:
    """Columns of the rows of a fit, and how they are standardised.

    Attributes
    ----------
    schema : Schema
    columns : tuple of p Column
    base : dict of feature name to its base level
    mean, scale : ndarrays of shape (p,)
        Weighted mean and standard deviation of each column; the scale of a constant is 0.
    """

    schema: Schema
    columns: tuple[Column, ...]
    base: dict[str, Any]
    mean: Array
    scale: Array

    @property
    def factor(self) -> Array:
        """What columns less their mean are multiplied by."""
        return np.divide(1.0, self.scale, out=np.zeros_like(self.scale), where=self.scale > 0)


@dataclass(frozen=True, eq=False)
class LinearRows:
    """A part of the rows whose design is made when it is asked for.

    Attributes
    ----------
    part : AnsweredPart
    design : LinearDesign
    values : DesignRows or None
        Its numbers, where they are in memory anyway; None where they are read each time.
    total : float
        Weight of all rows.
    size : ndarray of shape (k,)
        What targets are divided by.
    """

    part: AnsweredPart
    design: LinearDesign
    values: DesignRows | None
    total: float
    size: Array

    def opened(self, hold: bool = False) -> DesignedRows:
        """Standardised columns, targets and weights; ``hold`` allows blocks of the columns to be kept."""
        design, answered = self.design, self.part
        values = _values(answered, design) if self.values is None else self.values
        shape = len(answered.Y), len(design.columns)
        Z = RowBlocks(values, shape, design.mean, design.factor, hold=hold)
        return DesignedRows(Z, answered.Y / self.size, answered.weights() / self.total)


def _values(part: AnsweredPart, design: LinearDesign) -> DesignRows:
    names = list(dict.fromkeys(c.feature for c in design.columns))
    return DesignRows(design.columns, design.schema, part.frame(names))


def total_weight(parts: Partitions) -> float:
    """Weight of all rows."""
    return float(parts.ask(_total, reduce=added).value())


def _total(part: AnsweredPart) -> ExactSum:
    return ExactSum.of(part.weights())


@dataclass(frozen=True, eq=False)
class _Seen:
    """What some rows show of a feature; of parts of the rows it adds up to that of all."""

    n_missing: int
    mass: Array | None
    weight: float
    sum: ExactSum | None
    low: float
    high: float

    def __add__(self, other: _Seen) -> _Seen:
        mass = None if self.mass is None or other.mass is None else self.mass + other.mass
        total = None if self.sum is None or other.sum is None else self.sum + other.sum
        low, high = min(self.low, other.low), max(self.high, other.high)
        return _Seen(self.n_missing + other.n_missing, mass, self.weight + other.weight, total, low, high)


def _seen(part: AnsweredPart, schema: Schema, lift: float, total: float) -> tuple[_Seen, ...]:
    out = []
    rows, weight = part.frame(), rounded(part.weights(), lift)
    share = weight / total
    for feature in schema:
        numbers = schema.column(rows, feature.name)
        present = ~np.isnan(numbers)
        n_missing = int((~present).sum())
        if feature.is_category:
            seen = numbers >= 0
            mass = np.bincount(numbers[seen].astype(np.intp), weight[seen], len(feature.categories))
            out.append(_Seen(n_missing, mass.astype(np.float64), 0.0, None, np.inf, -np.inf))
        elif feature.kind == "boolean":
            out.append(_Seen(n_missing, None, 0.0, None, np.inf, -np.inf))
        else:
            values = numbers[present] / unit_of(feature)
            ends = values.min(initial=np.inf), values.max(initial=-np.inf)
            # shares of the weight first: 1e300 times a weight may be no double
            products = ExactSum.of(values * share[present])
            out.append(_Seen(n_missing, None, float(weight[present].sum()), products, *map(float, ends)))
    return tuple(out)


def _squares(part: AnsweredPart, schema: Schema, at: dict[int, tuple[float, float]]) -> tuple[ExactSum, ...]:
    """Weighted squares of the distance of numbers from their mean, in units of the largest, which may be 1e300."""
    out = []
    rows, weight = part.frame([schema[f].name for f in at]), part.weights()
    for f, (mean, largest) in at.items():
        values = schema.column(rows, schema[f].name) / unit_of(schema[f])
        present = ~np.isnan(values)
        out.append(ExactSum.of(weight[present] * ((values[present] - mean) / largest) ** 2))
    return tuple(out)


def facts_of(parts: Partitions, schema: Schema, total: float) -> list[ColumnFacts]:
    """What decides the columns of a design, from all rows."""
    seen = parts.ask(_seen, schema, lifted(total), total, reduce=added_each)
    means = {f: s.sum.value() * (total / s.weight) for f, s in enumerate(seen) if s.sum is not None and s.weight > 0}
    far = {f: (mean, max(seen[f].high - mean, mean - seen[f].low)) for f, mean in means.items()}
    spread_out = {f: pair for f, pair in far.items() if pair[1] > 0}
    squares = parts.ask(_squares, schema, spread_out, reduce=added_each) if spread_out else ()
    spreads = {
        f: largest * float(np.sqrt(square.value() / seen[f].weight))
        for (f, (_, largest)), square in zip(spread_out.items(), squares, strict=True)
    }
    centres = {f: rounded_centre(mean, spreads.get(f, 0.0)) for f, mean in means.items()}
    return [ColumnFacts(s.n_missing > 0, s.mass, centres.get(f)) for f, s in enumerate(seen)]


def standardised(parts: Partitions, schema: Schema, max_levels: int, total: float) -> tuple[LinearDesign, Partitions]:
    """The design of all rows, and the parts as :class:`LinearRows`, whose targets have no unit yet."""
    columns, base = columns_of(schema, facts_of(parts, schema, total), max_levels)
    p = len(columns)
    raw = LinearDesign(schema, tuple(columns), base, np.zeros(p), np.ones(p))
    rows = parts.step(_linear_rows, raw, total)
    mean = rows.ask(_means, p, reduce=added).value()
    scale = np.sqrt(rows.ask(_deviations, mean, reduce=added).value())
    scale[scale <= CONSTANT * np.maximum(1.0, np.abs(mean))] = 0.0
    return LinearDesign(schema, tuple(columns), base, mean, scale), rows


def _linear_rows(part: AnsweredPart, design: LinearDesign, total: float) -> LinearRows:
    in_memory = isinstance(part.source, FramePart)
    values = _values(part, design) if in_memory else None
    return LinearRows(part, design, values, total, np.ones(part.Y.shape[1]))


def _blocks(rows: LinearRows) -> Any:
    values = _values(rows.part, rows.design) if rows.values is None else rows.values
    w = rows.part.weights() / rows.total
    return ((values(block), w[block]) for block in row_slices(len(w)))


def _means(rows: LinearRows, p: int) -> ExactSum:
    out = ExactSum.of(np.zeros((0, p)))
    for lines, w in _blocks(rows):
        out += ExactSum.of(lines * w[:, None])
    return out


def _deviations(rows: LinearRows, mean: Array) -> ExactSum:
    out = ExactSum.of(np.zeros((0, len(mean))))
    for lines, w in _blocks(rows):
        out += ExactSum.of((lines - mean) ** 2 * w[:, None])
    return out


def spread_of_targets(parts: Partitions, total: float) -> Array:
    """Weighted standard deviation ``(k,)`` of each target; 1 where it is constant."""
    mean = parts.ask(_target_sums, None, total, reduce=added).value()
    spread = np.sqrt(parts.ask(_target_sums, mean, total, reduce=added).value())
    return np.where(spread > 0, spread, 1.0)


def _target_sums(part: AnsweredPart, mean: Array | None, total: float) -> ExactSum:
    w = part.weights()[:, None] / total
    return ExactSum.of(w * (part.Y if mean is None else (part.Y - mean) ** 2))


def opened(rows: LinearRows, design: LinearDesign, size: Array, hold: bool) -> LinearRows | DesignedRows:
    """The part with its design and the unit of its targets; as columns where these may be held."""
    ready = LinearRows(rows.part, design, rows.values, rows.total, size)
    return ready.opened(hold=True) if hold else ready
