"""Parts of rows: what a partition holds, before and after a teacher answered, and what is drawn from it by row key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import add, and_
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.disclosure import ColumnEvidence
from explaindistill.data.evidence import ColumnSummary
from explaindistill.data.folds import content_keys
from explaindistill.data.row_keys import row_keys
from explaindistill.data.schema import Schema, sums_to_one
from explaindistill.protocols import Partitions

__all__ = [
    "AnsweredPart", "FramePart", "LowestKeys", "PartOfRows", "column_summaries", "disclosed_schema", "drawn_rows",
    "evidence_of", "schema_of",
]  # fmt: skip


class PartOfRows(Protocol):
    """One part of rows in partitions: read when it is asked for."""

    @property
    def number(self) -> int:
        """Number of the part."""
        ...

    @property
    def names(self) -> list[str]:
        """Names of its columns."""
        ...

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Its rows, with some of the columns; all when None."""
        ...


class RowCounts(Protocol):
    """What is known of the weights of all rows; ``numerics.trees.fixed_point.WeightUnits`` is one."""

    @property
    def counts(self) -> bool:
        """Whether weights are repetitions of rows as they stand."""
        ...

    def whole(self, weight: NDArray[np.float64]) -> NDArray[np.int64]:
        """Whole numbers of some of the weights."""
        ...


def _each_added(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))


@dataclass(frozen=True, eq=False)
class FramePart:
    """A part whose rows lie in memory.

    Examples
    --------
    >>> part = FramePart(0, pd.DataFrame({"age": [20, 30], "paid": [1, 0]}))
    >>> part.names, len(part.frame(["age"]))
    (['age', 'paid'], 2)
    """

    number: int
    rows: pd.DataFrame

    @property
    def names(self) -> list[str]:
        """Names of its columns."""
        return [str(name) for name in self.rows.columns]

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Its rows, with some of the columns; all when None."""
        return self.rows if names is None or list(names) == self.rows.columns.tolist() else self.rows[list(names)]


@dataclass(frozen=True, eq=False)
class AnsweredPart:
    """Rows that a teacher answered, as a student sees them.

    Attributes
    ----------
    source : PartOfRows
    names : list of str
        Columns that the student sees.
    Y : ndarray, shape (n, k)
        Answers for the rows that count.
    weight : ndarray of shape (n,), or None
        Their weights, above 0; None where all weigh 1.
    used : int ndarray of shape (n,), or None
        Their places in the source, where others have the weight 0.
    evidence : (int, tuple of ColumnEvidence), optional
        What :func:`disclosed_schema` would read all rows for again, with the size of a category that it is for; only
        where there are no weights.
    """

    source: PartOfRows
    names: list[str]
    Y: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    used: NDArray[np.intp] | None
    evidence: tuple[int, tuple[ColumnEvidence, ...]] | None = None

    @property
    def number(self) -> int:
        """Number of the part."""
        return self.source.number

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Rows that count, with some of the columns; all that the student sees when None."""
        rows = self.source.frame(self.names if names is None else names)
        return rows if self.used is None else rows.iloc[self.used]

    def weights(self) -> NDArray[np.float64]:
        """Weights ``(n,)``."""
        return np.ones(len(self.Y)) if self.weight is None else self.weight

    def column(self, schema: Schema, f: int) -> NDArray[np.float64]:
        """Numbers ``(n,)`` of a column; see ``Schema.column``."""
        return np.ascontiguousarray(schema.column(self.frame([schema[f].name]), f))


def column_summaries(part: PartOfRows, names: Sequence[str]) -> tuple[ColumnSummary, ...]:
    """What the columns of a part show."""
    rows = part.frame(names)
    return tuple(ColumnSummary.of(rows[name], number=part.number) for name in names)


def schema_of(parts: Partitions, names: Sequence[str], columns: tuple[ColumnSummary, ...] | None = None) -> Schema:
    """The schema of all rows, as ``Schema.infer`` reads it from rows in memory.

    Parameters
    ----------
    parts : Partitions of PartOfRows
    names : names of columns
    columns : what they show, where that is known already

    Raises
    ------
    InvalidInputError
        If a column differs in kind between parts.
    """
    if columns is None:
        columns = parts.ask(column_summaries, list(names), reduce=_each_added)
    schema = Schema.summed(columns)
    candidates = schema.one_hot_candidates()
    if not candidates:
        return schema
    is_group = parts.ask(_sums_to_one, list(candidates.values()), reduce=and_)
    return schema.grouped([prefix for prefix, holds in zip(candidates, is_group, strict=True) if holds])


def _sums_to_one(part: PartOfRows, groups: list[tuple[str, ...]]) -> NDArray[np.bool_]:
    rows = part.frame([name for group in groups for name in group])
    return np.array([sums_to_one(rows, group) for group in groups])


def disclosed_schema(parts: Partitions, schema: Schema, min_category_size: int, units: RowCounts) -> Schema:
    """The schema that may leave; see :func:`explaindistill.data.disclosure.disclosed`.

    Parameters
    ----------
    parts : Partitions of AnsweredPart
    schema : Schema
    min_category_size : int
    units : RowCounts
        Whole-number weights are repetitions of a person, where no row has the weight 0.
    """
    if min_category_size == 1:
        return schema
    counts = units.counts and parts.ask(_all_count, reduce=and_)
    evidence = parts.ask(_evidence, schema, min_category_size, units if counts else None, reduce=_each_added)
    features = [e.disclosed(f, min_category_size) for e, f in zip(evidence, schema, strict=True)]
    return Schema(tuple(features), schema.container, schema.notices, schema.labels)


def _all_count(part: AnsweredPart) -> bool:
    return part.used is None


def _evidence(part: AnsweredPart, schema: Schema, min_size: int, units: RowCounts | None) -> tuple[ColumnEvidence, ...]:
    """What people show; where rows have the weight 0, they are people all the same."""
    if part.evidence is not None and part.evidence[0] == min_size:
        return part.evidence[1]
    rows = part.source.frame(part.names)
    count = None if units is None or part.weight is None else units.whole(part.weight)
    return evidence_of(rows, schema, min_size, count)


def evidence_of(
    rows: pd.DataFrame, schema: Schema, min_size: int, count: NDArray[np.int64] | None
) -> tuple[ColumnEvidence, ...]:
    """What decides how much of each column may leave, as some rows show it that stand for ``count`` people each."""
    return tuple(ColumnEvidence.of(f, rows[f.name], min_size, count) for f in schema)


@dataclass(frozen=True, eq=False)
class LowestKeys:
    """The distinct rows that come first in a shuffle by content; of parts of the rows it adds up to that of all.

    Attributes
    ----------
    keys : uint64 ndarray, shape (m,)
        See :func:`explaindistill.data.folds.content_keys`; sorted.
    counts : int64 ndarray, shape (m,)
        Whole-number weight of the rows of each.
    most : float
        Keys are kept until so many rows are reached, whole sets of equal rows at a time.
    rows_per_count : float
        Rows that 1 in ``counts`` stands for; 0 where each distinct row counts once.
    """

    keys: NDArray[np.uint64]
    counts: NDArray[np.int64]
    most: float
    rows_per_count: float

    @classmethod
    def of(
        cls, rows: Any, whole: NDArray[np.int64] | None, most: float, rows_per_count: float, seed: int = 0
    ) -> LowestKeys:
        """Look at some rows, of whole-number weights; ones when None."""
        keys, number = np.unique(content_keys(rows, seed), return_inverse=True)
        counts = np.bincount(number, whole, minlength=len(keys)).astype(np.int64)
        return cls(keys, counts, most, rows_per_count)._cut()

    @classmethod
    def of_keys(cls, keys: NDArray[np.uint64], counts: NDArray[Any], most: float) -> LowestKeys:
        """The first of distinct keys that are sorted, each of which counts once."""
        return cls(keys, counts.astype(np.int64), most, 0.0)._cut()

    def _cut(self) -> LowestKeys:
        before = np.arange(len(self.keys)) if self.rows_per_count == 0 else self.rows_before()
        first = before < self.most
        return LowestKeys(self.keys[first], self.counts[first], self.most, self.rows_per_count)

    def rows_before(self) -> NDArray[np.float64]:
        """Rows of the keys before each."""
        return np.asarray((np.cumsum(self.counts) - self.counts) * self.rows_per_count, dtype=np.float64)

    def __add__(self, other: LowestKeys) -> LowestKeys:
        """Of the rows of both."""
        keys, number = np.unique(np.concatenate([self.keys, other.keys]), return_inverse=True)
        counts = np.zeros(len(keys), dtype=np.int64)
        np.add.at(counts, number, np.concatenate([self.counts, other.counts]))
        return LowestKeys(keys, counts, self.most, self.rows_per_count)._cut()


def drawn_rows(
    parts: Partitions, names: Sequence[str], n: int, others: Sequence[str] = (), seed: int = 0
) -> pd.DataFrame:
    """All rows equal to one of ``n`` distinct rows, drawn by what stands in them: the same however they are cut.

    Parameters
    ----------
    parts : Partitions of PartOfRows
    names : columns by which rows are drawn
    n : int, at least 1
    others : further columns
    seed : int
    """
    lowest = parts.ask(_lowest, list(names), n, seed, reduce=add)
    pieces = parts.ask(_rows_up_to, list(names), list(others), lowest.keys[-1], seed, reduce=add)
    rows = pd.concat(pieces, ignore_index=True)
    keys = row_keys(rows)
    return rows.iloc[np.lexsort((keys[:, 1], keys[:, 0]))].reset_index(drop=True)


def _lowest(part: PartOfRows, names: list[str], n: int, seed: int) -> LowestKeys:
    return LowestKeys.of(part.frame(names), None, n, 0.0, seed)


def _rows_up_to(
    part: PartOfRows, names: list[str], others: list[str], last: np.uint64, seed: int
) -> tuple[pd.DataFrame, ...]:
    rows = part.frame([*names, *others])
    return (rows.loc[content_keys(rows[names], seed) <= last],)
