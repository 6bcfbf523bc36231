"""Bins of the columns of an additive fit, from rows in one part or many: the same however these are cut and ordered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.parts import AnsweredPart
from explaindistill.data.schema import Schema
from explaindistill.numerics.additive.row_sums import BinnedParts, BinnedRows
from explaindistill.numerics.additive.splines import bin_codes, bins_of, value_runs
from explaindistill.numerics.exact_sums import ExactSum, lifted, rounded
from explaindistill.numerics.mixing import mix
from explaindistill.numerics.one_part import OnePart
from explaindistill.numerics.sums import added, added_all, concatenated
from explaindistill.protocols import Partitions
from explaindistill.students.gam.design import MANY_ROWS, MAX_BINS, MAX_CATEGORIES, Columns

__all__ = ["are_varied", "binned", "row_draws"]

Vector = NDArray[np.float64]
Runs = tuple[Vector, Vector]
"""Distinct values of a column, and their weight."""
SORTED_ROWS = 50_000
"""Rows up to which bins are quantiles of all values; of more, of a column of very many values, those of so many rows,
drawn by what stands in them: thirty bins for each knot need no finer quantiles."""
SAMPLED_VALUES = 4 * MAX_BINS
"""Distinct values of the drawn rows from which a column has very many."""
JOINED_ROWS = 2_000
"""Rows up to which equal ones are joined: small tables have many of them, and finding them in large ones costs more
than it saves."""


@dataclass(frozen=True, eq=False)
class _Rules:
    """The last value of each bin of each column, how weights are rounded, and which answer is the outcome."""

    schema: Schema
    last: list[Vector]
    lift: float
    outcome: int | None


def binned(
    parts: Partitions, n: int, schema: Schema, outcome: int | None, pool: ThreadPoolExecutor | None
) -> tuple[Columns, BinnedParts]:
    """Bin every column; categories keep one bin each.

    Parameters
    ----------
    parts : Partitions of AnsweredPart
    n : int
        Rows of all parts.
    schema : Schema
    outcome : int or None
        Which answer is fitted; None for all of them together.
    pool : ThreadPoolExecutor, optional
        For rows in memory.
    """
    lift = lifted(float(parts.ask(_weight, reduce=added).value()))
    threads = pool if n >= MANY_ROWS else None
    values, last = _bins(parts, n, schema, lift, threads)
    rows = parts.step(_coded, _Rules(schema, last, lift, outcome), threads)
    if n <= JOINED_ROWS:
        rows = OnePart(_stacked(rows.ask(_as_tuple, reduce=concatenated)).joined())
    mass, counts = rows.ask(_masses, [len(v) + 1 for v in values], reduce=added_all)
    codes = np.empty((len(schema), 0), dtype=np.uint16)
    return Columns(schema, codes, values, mass, counts), BinnedParts.of(rows, pool)


def _weight(part: AnsweredPart) -> ExactSum:
    return ExactSum.of(part.weights())


def _bins(
    parts: Partitions, n: int, schema: Schema, lift: float, pool: ThreadPoolExecutor | None
) -> tuple[list[Vector], list[Vector]]:
    """Value that stands for each bin, and its last value, of each column."""
    columns = list(range(len(schema)))
    drawn: dict[int, Runs] = {}
    if n > SORTED_ROWS:
        numbers = [f for f in columns if not schema[f].is_category]
        share = SORTED_ROWS / n
        n_drawn, runs, bounds = parts.ask(_drawn_runs, schema, numbers, share, lift, reduce=_runs_and_bounds)
        if n_drawn >= SORTED_ROWS / 2:  # where few different rows are drawn, values are few
            many = [i for i, run in enumerate(runs) if len(run[0]) > SAMPLED_VALUES]
            drawn = {numbers[i]: _with_ends(runs[i], bounds[i]) for i in many}
    rest = [f for f in columns if f not in drawn]
    whole = dict(zip(rest, parts.ask(_runs, schema, rest, lift, pool, reduce=_runs_joined), strict=True))
    values, last = [], []
    for f in columns:
        distinct, mass = drawn[f] if f in drawn else whole[f]
        v, edges, _ = bins_of(distinct, mass, MAX_CATEGORIES if schema[f].is_category else MAX_BINS)
        values.append(v)
        last.append(edges)
    return values, last


def _with_ends(run: Runs, bounds: tuple[float, float]) -> Runs:
    """Drawn values, and the smallest and the largest of all, which have a bin of their own."""
    ends = np.array(bounds), np.full(2, run[1].min())
    return _runs_joined([run], [ends])[0]


def _runs(
    part: AnsweredPart, schema: Schema, columns: list[int], lift: float, pool: ThreadPoolExecutor | None
) -> list[Runs]:
    """Distinct values of columns with their weight."""
    rows, weight = part.frame([schema[f].name for f in columns]), rounded(part.weights(), lift)

    def one(f: int) -> Runs:
        x = schema.column(rows, f)
        present = ~np.isnan(x)
        return value_runs(x[present], weight[present])

    return [one(f) for f in columns] if pool is None else list(pool.map(one, columns))


def _runs_joined(a: list[Runs], b: list[Runs]) -> list[Runs]:
    """Distinct values of both; weights on one grid add up exactly."""
    out = []
    for x, y in zip(a, b, strict=True):
        values, number = np.unique(np.concatenate([x[0], y[0]]), return_inverse=True)
        mass = np.bincount(number, np.concatenate([x[1], y[1]]), minlength=len(values))
        out.append((values, mass.astype(np.float64)))
    return out


def _drawn_runs(
    part: AnsweredPart, schema: Schema, columns: list[int], share: float, lift: float
) -> tuple[int, list[Runs], list[tuple[float, float]]]:
    """The same of rows that are drawn by what stands in them, and the ends of the columns of all rows."""
    rows, weight = part.frame(), rounded(part.weights(), lift)
    keys = np.zeros(len(rows), dtype=np.uint64)
    for f in range(len(schema)):
        x = schema.column(rows, f)
        # one zero, one word for what is missing
        mix(np.where(np.isnan(x), np.nan, x + 0.0).view(np.int64), keys)
    chosen = keys < _below(share)
    runs, bounds = [], []
    for f in columns:
        x = schema.column(rows, f)
        bounds.append((float(np.nanmin(x, initial=np.inf)), float(np.nanmax(x, initial=-np.inf))))
        at = chosen & ~np.isnan(x)
        runs.append(value_runs(x[at], weight[at]))
    return int(chosen.sum()), runs, bounds


def _runs_and_bounds(a: Any, b: Any) -> Any:
    bounds = [(min(x[0], y[0]), max(x[1], y[1])) for x, y in zip(a[2], b[2], strict=True)]
    return a[0] + b[0], _runs_joined(a[1], b[1]), bounds


def _coded(part: AnsweredPart, rules: _Rules, pool: ThreadPoolExecutor | None) -> BinnedRows:
    """The part as bins."""
    rows = part.frame()
    codes = np.empty((len(rules.schema), len(rows)), dtype=np.uint16)

    def one(f: int) -> None:
        codes[f] = bin_codes(rules.schema.column(rows, f), rules.last[f])

    for _ in map(one, range(len(codes))) if pool is None else pool.map(one, range(len(codes))):
        pass
    y = part.Y if rules.outcome is None else np.ascontiguousarray(part.Y[:, rules.outcome])
    return BinnedRows(codes, y, rounded(part.weights(), rules.lift))


def _as_tuple(rows: BinnedRows) -> tuple[BinnedRows, ...]:
    return (rows,)


def _stacked(pieces: tuple[BinnedRows, ...]) -> BinnedRows:
    codes = np.concatenate([p.codes for p in pieces], axis=1)
    return BinnedRows(codes, np.concatenate([p.y for p in pieces]), np.concatenate([p.weight for p in pieces]))


def _masses(rows: BinnedRows, sizes: list[int]) -> tuple[list[Vector], list[Vector]]:
    """Weight and number of the rows in each bin of each column."""
    pairs = list(zip(rows.codes, sizes, strict=True))
    return (
        [np.bincount(c, rows.weight, minlength=m).astype(np.float64) for c, m in pairs],
        [np.bincount(c, minlength=m).astype(np.float64) for c, m in pairs],
    )


def row_draws(rows: BinnedRows, share: float, salt: int) -> NDArray[np.bool_]:
    """Which rows are drawn: about a share of them, by their bins alone, and by others for another ``salt``."""
    return np.asarray(_row_keys(rows, salt) < _below(share))


def _row_keys(rows: BinnedRows, salt: int) -> NDArray[np.uint64]:
    keys = np.full(len(rows), salt, dtype=np.uint64)
    for codes in rows.codes:
        mix(codes.astype(np.int64), keys)
    return keys


def are_varied(parts: Partitions, share: float, salt: int, least: float) -> bool:
    """Whether a draw holds so many different rows; where rows are equal it may hold none, or one a thousand times."""
    return len(parts.ask(_drawn_keys, share, salt, reduce=np.union1d)) >= least


def _drawn_keys(rows: BinnedRows, share: float, salt: int) -> NDArray[np.uint64]:
    keys = _row_keys(rows, salt)
    return np.unique(keys[keys < _below(share)])


def _below(share: float) -> np.uint64:
    return np.uint64(min(int(share * 2.0**64), 2**64 - 1))
