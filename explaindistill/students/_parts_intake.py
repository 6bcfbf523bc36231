"""The door of students that are fitted to rows in partitions: what all of them need to know of all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.data.parts import AnsweredPart, LowestKeys, disclosed_schema
from explaindistill.data.row_keys import KeyedRows, row_keys
from explaindistill.data.schema import Schema
from explaindistill.numerics.sums import added, concatenated
from explaindistill.numerics.trees.fixed_point import WeightUnits
from explaindistill.protocols import Partitions
from explaindistill.students._intake import Intake

__all__ = ["AnswerFacts", "PartsIntake", "Piece", "collapsed"]


@dataclass(frozen=True, eq=False)
class AnswerFacts:
    """Rows, weights and answers of some parts in short; of parts of the rows it adds up to that of all.

    Attributes
    ----------
    n : int
        Rows that count.
    units : WeightUnits
    lows, highs : ndarrays, shape (k,)
        Smallest and largest of each answer.
    """

    n: int
    units: WeightUnits
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]

    @classmethod
    def of(cls, part: AnsweredPart) -> AnswerFacts | None:
        """Look at a part; None where no row counts."""
        if len(part.Y) == 0:
            return None
        return cls(len(part.Y), WeightUnits.of(part.weights()), part.Y.min(axis=0), part.Y.max(axis=0))

    def __add__(self, other: AnswerFacts) -> AnswerFacts:
        """Of the rows of both."""
        lows, highs = np.minimum(self.lows, other.lows), np.maximum(self.highs, other.highs)
        return AnswerFacts(self.n + other.n, self.units + other.units, lows, highs)


def _either(a: AnswerFacts | None, b: AnswerFacts | None) -> AnswerFacts | None:
    return a + b if a is not None and b is not None else a or b


@dataclass(frozen=True, eq=False)
class PartsIntake:
    """What a student fits to, in partitions of :class:`~explaindistill.data.parts.AnsweredPart`.

    Attributes
    ----------
    schema : Schema
        What may leave of it.
    exact : Schema
        With the smallest and largest values.
    parts : Partitions
    facts : AnswerFacts
    classes : ndarray of shape (k,), or None
    total : int
        Whole-number weight of all rows.
    """

    schema: Schema
    exact: Schema
    parts: Partitions
    facts: AnswerFacts
    classes: NDArray[Any] | None
    total: int

    @classmethod
    def of(cls, estimator: Any, parts: Partitions, exact: Schema, classes: NDArray[Any] | None) -> PartsIntake:
        """Look at all rows once, and set what a fitted student has.

        Parameters
        ----------
        estimator : student
        parts : Partitions of AnsweredPart
        exact : Schema
            Of the rows that count, as the student sees them.
        classes : ndarray of shape (k,), or None
            Sorted.
        """
        facts = parts.ask(AnswerFacts.of, reduce=_either)
        size = getattr(estimator, "min_category_size", MIN_CATEGORY_SIZE)
        schema = disclosed_schema(parts, exact, size, facts.units)
        estimator.n_features_in_, estimator.feature_names_in_ = len(exact), np.array(exact.names, dtype=object)
        estimator.schema_, estimator.target_name_ = schema, None
        if classes is not None:
            estimator.classes_ = classes
        else:
            estimator.n_outputs_ = len(facts.lows)
        total = parts.ask(_whole_weight, facts.units, reduce=added)
        return cls(schema, exact, parts, facts, classes, int(total))

    @property
    def n_counted(self) -> int:
        """Rows that growth counts: whole-number weights are repetitions of a row."""
        return self.total if self.facts.units.unit == 1.0 else self.facts.n

    @property
    def rows_per_count(self) -> float:
        """Rows that 1 of a whole-number weight stands for."""
        return 1.0 if self.facts.units.is_repetition else self.facts.n / self.total

    def lowest(self, most: float, columns: Sequence[str] | None, by_rows: bool) -> LowestKeys:
        """The distinct rows that come first in a shuffle by the content of some columns; see :class:`LowestKeys`.

        ``most`` are distinct rows, or with ``by_rows`` rows.
        """
        per_count = self.rows_per_count if by_rows else 0.0
        return self.parts.ask(_lowest, columns, most, per_count, self.facts.units, reduce=added)

    def drawn(self, keys: NDArray[np.uint64], columns: Sequence[str] | None) -> Intake:
        """The rows of these keys, in memory; equal rows of one answer are one row of more weight where they may be."""
        pieces = self.parts.ask(_drawn, columns, keys[-1], self.facts.units.counts, reduce=concatenated)
        order = np.argsort(np.concatenate([piece[1][:, 0] for piece in pieces]), kind="stable")
        rows = pd.concat([piece[0] for piece in pieces], ignore_index=True).iloc[order].reset_index(drop=True)
        Y, weight = (np.concatenate([piece[i] for piece in pieces])[order] for i in (2, 3))
        if self.facts.units.counts:
            rows, _, Y, weight = collapsed(rows, np.concatenate([piece[1] for piece in pieces])[order], Y, weight)
        return Intake(self.schema, rows, np.ascontiguousarray(Y), weight, self.classes, True)


def _whole_weight(part: AnsweredPart, units: WeightUnits) -> int:
    return len(part.Y) if part.weight is None else int(units.whole(part.weight).sum())


def _lowest(
    part: AnsweredPart, columns: Sequence[str] | None, most: float, rows_per_count: float, units: WeightUnits
) -> LowestKeys:
    whole = None if part.weight is None else units.whole(part.weight)
    return LowestKeys.of(part.frame(columns), whole, most, rows_per_count)


Piece = tuple[pd.DataFrame, NDArray[np.uint64], NDArray[np.float64], NDArray[np.float64]]
"""Rows, their keys, answers and weights."""


def _drawn(part: AnsweredPart, columns: Sequence[str] | None, last: np.uint64, collapse: bool) -> tuple[Piece, ...]:
    """Rows of a part whose number in the shuffle is at most ``last``."""
    from explaindistill.data.folds import content_keys

    rows = part.frame()
    chosen = np.flatnonzero(content_keys(rows if columns is None else rows[list(columns)]) <= last)
    rows = rows.iloc[chosen]
    piece = rows, row_keys(rows), part.Y[chosen], part.weights()[chosen]
    return (collapsed(*piece) if collapse else piece,)


def collapsed(
    rows: pd.DataFrame, keys: NDArray[np.uint64], Y: NDArray[np.float64], weight: NDArray[np.float64]
) -> Piece:
    """Equal rows with equal answers as one row, whose weight is the sum of theirs."""
    if len(rows) == 0:
        return rows, keys, Y, weight
    answers = row_keys(pd.DataFrame(Y))
    with np.errstate(over="ignore"):
        keyed = KeyedRows.of(rows, keys + np.uint64(3) * answers)
    total = np.bincount(keyed.number, weight).astype(np.float64)
    return rows.iloc[keyed.first], keys[keyed.first], Y[keyed.first], total
