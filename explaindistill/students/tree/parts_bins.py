"""Bins of rows in partitions: the same questions as for rows in memory, put to all parts at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.parts import AnsweredPart
from explaindistill.data.schema import Schema
from explaindistill.numerics.sums import added_each, cells_joined, runs_joined
from explaindistill.numerics.trees import binning
from explaindistill.numerics.trees.binning import (
    BinRule,
    CategoryCounts,
    binned_values,
    category_rule,
    coded,
    number_rule,
    value_runs,
)
from explaindistill.numerics.trees.cells import NewCells, Runs, cell_search
from explaindistill.numerics.trees.far_rows import TreePart
from explaindistill.numerics.trees.fixed_point import WeightUnits
from explaindistill.numerics.trees.histogram import channels
from explaindistill.protocols import Partitions
from explaindistill.students._parts_intake import PartsIntake

__all__ = ["Structure", "bin_rules", "coded_part"]


@dataclass(frozen=True, eq=False)
class Structure:
    """Targets ``(n, m)`` that decide splits: a function of answers, a temperature, and the bounds of all answers."""

    function: Callable[..., NDArray[np.float64]]
    temperature: float
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]

    def of(self, Y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Targets of some answers ``(n, k)``."""
        return np.ascontiguousarray(self.function(Y, self.temperature, (self.lows, self.highs)))


def bin_rules(intake: PartsIntake, max_bins: int, target: Structure) -> tuple[BinRule, ...]:
    """The bins of every column; see :mod:`explaindistill.numerics.trees.binning`.

    Parameters
    ----------
    intake : PartsIntake
    max_bins : int
    target : Structure
        By which more than ``max_bins`` categories are ordered.
    """
    schema, parts, units = intake.schema, intake.parts, intake.facts.units
    rules: dict[int, BinRule] = {}
    categories = [f for f, feature in enumerate(schema) if feature.kind == "categorical"]
    if categories:
        counted = parts.ask(_counts, schema, categories, max_bins, units, target, reduce=added_each)
        rules |= {f: category_rule(counts, max_bins) for f, counts in zip(categories, counted, strict=True)}
    numbers = [f for f in range(len(schema)) if f not in rules]
    runs: dict[int, Runs] = {}
    if intake.total >= binning.MANY:
        by_cells = [f for f in numbers if schema[f].kind != "ordered"]
        ends = {f: (intake.exact[f].minimum, intake.exact[f].maximum) for f in by_cells}
        runs = _by_cells(parts, schema, ends, max_bins, units)
    rest = [f for f in numbers if f not in runs]
    if rest:
        runs |= parts.ask(_runs, schema, rest, units, reduce=runs_joined)
    rules |= {f: number_rule(runs[f], max_bins) for f in numbers}
    return tuple(rules[f] for f in range(len(schema)))


def _by_cells(
    parts: Partitions, schema: Schema, ends: dict[int, tuple[float, float]], max_bins: int, units: WeightUnits
) -> dict[int, Runs]:
    """Runs of the columns in which cells tell them; the searches of all columns ask side by side."""
    searches = {f: cell_search(*bounds, max_bins) for f, bounds in ends.items()}
    questions: dict[int, NewCells] = {}
    runs: dict[int, Runs] = {}

    def advance(f: int, answer: Any) -> None:
        try:
            questions[f] = searches[f].send(answer)
        except StopIteration as end:
            questions.pop(f, None)
            if end.value is not None:
                runs[f] = end.value

    for f in searches:
        advance(f, None)
    while questions:
        round_of = dict(questions)
        for f, answer in parts.ask(_cells, schema, round_of, units, reduce=cells_joined).items():
            advance(f, _dense(answer, round_of[f].n))
    return runs


def _dense(cells: Any, n: int) -> Any:
    number, mass, lows, highs = cells
    out = np.zeros(n, dtype=np.int64), np.full(n, np.inf), np.full(n, -np.inf)
    for full, values in zip(out, (mass, lows, highs), strict=True):
        full[number] = values
    return out


def _whole(part: AnsweredPart, units: WeightUnits) -> NDArray[np.int64] | None:
    """Whole-number weights; None where all are 1."""
    if part.weight is None or (units.is_repetition and not units.counts):
        return None
    return units.whole(part.weight)


def _cells(part: AnsweredPart, schema: Schema, questions: dict[int, NewCells], units: WeightUnits) -> dict[int, Any]:
    out: dict[int, Any] = {}
    whole, rows = _whole(part, units), part.frame([schema[f].name for f in questions])
    for f, question in questions.items():
        mass, lows, highs = question.of(schema.column(rows, f), whole)
        number = np.flatnonzero(mass)
        out[f] = number, mass[number], lows[number], highs[number]
    return out


def _runs(part: AnsweredPart, schema: Schema, columns: list[int], units: WeightUnits) -> dict[int, Runs]:
    whole = _whole(part, units)
    return {f: value_runs(binned_values(part.column(schema, f), schema[f].kind), whole) for f in columns}


def _counts(
    part: AnsweredPart, schema: Schema, columns: list[int], max_bins: int, units: WeightUnits, target: Structure
) -> tuple[CategoryCounts, ...]:
    whole, sizes = _whole(part, units), [len(schema[f].categories) for f in columns]
    targets = target.of(part.Y) if max(sizes) > max_bins else None
    return tuple(
        CategoryCounts.of(part.column(schema, f), whole, n, targets if n > max_bins else None)
        for f, n in zip(columns, sizes, strict=True)
    )


@dataclass(frozen=True, eq=False)
class PartColumns:
    """Values of one column of a part, read when they are asked for."""

    part: AnsweredPart
    schema: Schema

    def __call__(self, f: int) -> NDArray[np.float64]:
        """Values ``(n,)`` of column f."""
        return self.part.column(self.schema, f)


def coded_part(
    part: AnsweredPart, schema: Schema, rules: tuple[BinRule, ...], structure: Structure, scale: float,
    units: WeightUnits, n: int,
) -> TreePart:  # fmt: skip
    """The part as growth needs it; all of its rows are in the root, the node ``(0, n)``."""
    rows = part.frame()
    codes = np.empty((len(schema), len(rows)), dtype=np.uint8)
    for f, rule in enumerate(rules):
        coded(np.ascontiguousarray(schema.column(rows, f)), schema[f].kind, rule, codes[f])
    weight = part.weight
    rooted = {(0, n): np.arange(len(rows), dtype=np.int32)}
    summed = channels(structure.of(part.Y), weight, scale, units)
    whole = None if weight is None else units.whole(weight)
    return TreePart(codes, {}, summed, rooted, PartColumns(part, schema), part.Y, whole)
