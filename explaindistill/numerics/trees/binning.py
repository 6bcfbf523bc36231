"""Columns as small whole numbers: at most 254 bins, one code for missing, one for unseen.

How to use it
-------------
``table = bin_table(schema, X, weight, n_jobs)`` bins a frame; ``table.codes`` is ``(n, d)`` uint8 in Fortran order
(a column is contiguous) and ``table.rules[j]`` says what the codes of column ``j`` mean. ``fit_rule`` and
``apply_rule`` do one column. Codes ``0 .. rule.n_bins - 1`` are
bins, ``MISSING`` (254) and ``UNSEEN`` (255) the two others.

Numbers: bin ``b`` holds the training values from ``rule.lows[b]`` to ``rule.highs[b]``; any threshold ``t`` with
``highs[b] <= t < lows[b + 1]`` sends the training rows of bins ``0 .. b`` to the left of ``x <= t`` and no others.
``rule.edges[b]`` is such a number, and ``apply_rule`` uses it: ``code <= b`` exactly when ``x <= edges[b]``. Up to
``max_bins`` distinct values each get a bin of their own; beyond that, bins are quantiles of the weight, and values that
hold two bins' worth of weight or more stay on their own.

Categories: each category seen gets a bin (``rule.codes[c]`` is the bin of category code ``c``, ``UNSEEN`` if no
training row had it). Of more than ``max_bins`` categories, neighbours in the order of the mean target (its first
principal direction when there are several outputs; the order of weight without a target) share a bin.

Weights are counted as whole numbers (see ``fixed_point``), so a row of weight 2 is the row twice and the order of rows
does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.numerics._jit import kernel
from explaindistill.numerics.threads import spread
from explaindistill.numerics.trees.cells import Runs, cell_runs
from explaindistill.numerics.trees.fixed_point import SCALE, whole_weights

__all__ = [
    "MANY", "MAX_BINS", "MISSING", "UNSEEN", "BinRule", "BinnedTable", "CategoryCounts", "apply_rule", "bin_table",
    "binned_values", "category_rule", "coded", "fit_rule", "number_rule", "value_runs",
]  # fmt: skip

MAX_BINS = 254  # with the two codes below all 256 values of a byte
MISSING = 254  # the code of a missing value
UNSEEN = 255  # the code of a category that no training row had
SEARCH_CELLS = 1 << 12
"""Cells that codes are looked up in: some 16 per edge, so that bisection inside a cell ends after a step or two."""
MANY = 50_000  # total weight from which cells replace sorting: a sum of weights, so that weight 2 is the row twice


@dataclass(frozen=True, eq=False)
class BinRule:
    """What the codes of one column mean.

    Attributes
    ----------
    is_category : bool
    n_bins : int
        At most 254.
    edges : ndarray, shape (n_bins - 1,)
        Numbers only: ``x <= edges[b]`` exactly when the code is at most ``b``.
    lows, highs : ndarrays, shape (n_bins,)
        Numbers only: smallest and largest training value of each bin.
    codes : uint8 ndarray, shape (n_categories,)
        Categories only: bin of each category code.
    """

    is_category: bool
    n_bins: int
    edges: NDArray[np.float64]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    codes: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class BinnedTable:
    """A frame as codes ``(n, d)`` uint8 in Fortran order, with the rule of each column."""

    codes: NDArray[np.uint8]
    rules: tuple[BinRule, ...]


def fit_rule(
    values: NDArray[np.float64],
    weight: NDArray[Any] | None = None,
    *,
    is_category: bool = False,
    n_categories: int = 0,
    max_bins: int = MAX_BINS,
    target: NDArray[np.float64] | None = None,
) -> BinRule:
    """Learn the bins of one column.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Numbers with NaN for missing, or category codes with -1 for unseen.
    weight : ndarray, shape (n,), optional
        Positive; whole numbers are repetitions.
    is_category, n_categories : bool, int
    max_bins : int, 2 to 254
    target : ndarray, shape (n,) or (n, m), optional
        Used for more than ``max_bins`` categories only.

    Examples
    --------
    >>> rule = fit_rule(np.array([3.0, 1.0, np.nan, 3.0]))
    >>> rule.edges.tolist(), apply_rule(np.array([0.0, 2.5, np.nan]), rule).tolist()
    ([2.0], [0, 1, 254])
    """
    if not 2 <= max_bins <= MAX_BINS:
        raise InvalidInputError(f"max_bins must lie between 2 and {MAX_BINS}, got {max_bins}")
    whole = None if weight is None else whole_weights(np.asarray(weight, dtype=np.float64))[0]
    if whole is not None and (whole == 1).all():
        whole = None
    if is_category:
        counts = CategoryCounts.of(values, whole, n_categories, target if n_categories > max_bins else None)
        return category_rule(counts, max_bins)
    values = np.ascontiguousarray(values, dtype=np.float64)
    total = int(len(values) if whole is None else whole.sum())
    runs = cell_runs(values, whole, max_bins) if total >= MANY else None
    return number_rule(value_runs(values, whole) if runs is None else runs, max_bins)


def apply_rule(values: NDArray[np.float64], rule: BinRule) -> NDArray[np.uint8]:
    """Codes ``(n,)`` uint8 of one column: bins, 254 for missing, 255 for unseen categories."""
    out = np.empty(len(values), dtype=np.uint8)
    _apply_into(np.ascontiguousarray(values, dtype=np.float64), rule, out)
    return out


def bin_table(
    schema: Any,
    X: Any,
    weight: NDArray[np.float64] | None = None,
    n_jobs: int | None = None,
    max_bins: int = MAX_BINS,
    target: NDArray[np.float64] | None = None,
) -> BinnedTable:
    """Bin every column of a frame, one at a time per thread: no float copy of the whole table is made.

    Parameters
    ----------
    schema : Schema
    X : DataFrame with the schema's columns
    weight : ndarray, shape (n,), optional
    n_jobs : int or None
        Threads; None is 1, -1 one per core.
    max_bins, target : see :func:`fit_rule`
    """
    codes = np.empty((len(X), len(schema)), dtype=np.uint8, order="F")

    def one(j: int) -> BinRule:
        values = np.ascontiguousarray(schema.column(X, j))
        feature = schema[j]
        rule = fit_rule(
            binned_values(values, feature.kind),
            weight,
            is_category=feature.kind == "categorical",
            n_categories=len(feature.categories),
            max_bins=max_bins,
            target=target,
        )
        coded(values, feature.kind, rule, codes[:, j])
        return rule

    return BinnedTable(codes, tuple(spread(one, range(len(schema)), n_jobs)))


def number_rule(runs: Runs, max_bins: int) -> BinRule:
    """Bins of numbers: runs of neighbouring values, and between two bins the middle of the gap, or its lower end."""
    lows, highs, mass = runs
    if len(mass) > max_bins:
        group = quantile_groups(mass, max_bins)
        first = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        lows, highs = lows[first], highs[np.r_[first[1:] - 1, len(highs) - 1]]
    middle = highs[:-1] + (lows[1:] - highs[:-1]) / 2
    edges = np.where(middle < lows[1:], middle, highs[:-1])  # neighbours in float64 have no number between them
    return BinRule(False, len(lows), edges, lows, highs, np.empty(0, dtype=np.uint8))


def value_runs(values: NDArray[np.float64], whole: NDArray[np.int64] | None) -> Runs:
    """Every distinct value with its weight, in order; missing ones left out."""
    present = ~np.isnan(values)
    if whole is None:
        distinct, mass = np.unique(values[present], return_counts=True)
        return distinct, distinct, mass
    order = np.argsort(values[present], kind="stable")
    ordered = values[present][order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])[: len(ordered)]
    if len(first) == 0:
        return ordered, ordered, np.empty(0, dtype=np.int64)
    return ordered[first], ordered[first], np.add.reduceat(whole[present][order], first)


def quantile_groups(mass: NDArray[np.int64], n_groups: int) -> NDArray[np.int64]:
    r"""Group neighbours into at most ``n_groups`` of about equal mass; two groups' worth stays on its own.

    A value with :math:`m_i \ge 2 M / G` of the mass :math:`M = \sum_i m_i` of G groups is alone; so there are at most G
    / 2 of them, and each may cost a cut on both of its sides. The rest fall, by their middle, into the quantiles
    :math:`\lfloor (\sum_{j < i} m_j + m_i / 2)\, q / M' \rfloor` of their own mass :math:`M'`, with :math:`q = G - 2a`
    beside a values that are alone.

    Parameters
    ----------
    mass : int64 ndarray, shape (m,)
        Positive.
    n_groups : int, at least 2

    Returns
    -------
    group : int64 ndarray, shape (m,), non-decreasing
    """
    alone = mass * n_groups >= 2 * mass.sum()
    rest = np.where(alone, 0, mass)
    bins = max(1, n_groups - 2 * int(alone.sum()))
    middle = np.cumsum(rest) - rest / 2
    quantile = np.minimum((middle * bins / max(1, rest.sum())).astype(np.int64), bins - 1)
    cuts = np.zeros(len(mass), dtype=np.int64)
    cuts[1:] = (quantile[1:] != quantile[:-1]) | alone[1:] | alone[:-1]
    return np.cumsum(cuts)


def binned_values(values: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """What bins are made of: an order is kept, many ordered categories are binned like numbers, few are codes."""
    return values if kind != "ordered" else np.where(values < 0, np.nan, values)


def coded(values: NDArray[np.float64], kind: str, rule: BinRule, out: NDArray[np.uint8]) -> None:
    """Write the codes ``(n,)`` of a column of a kind."""
    _apply_into(values, rule, out)
    if kind == "ordered":
        out[values < 0] = UNSEEN


@dataclass(frozen=True, eq=False)
class CategoryCounts:
    """What decides the bins of categories; of parts of the rows it adds up to that of all.

    Attributes
    ----------
    mass : int64 ndarray, shape (n_categories,)
        Weight of each.
    sums : ndarray, shape (n_categories, m), or None
        Whole-number sums of the targets, where there may be more categories than bins.
    """

    mass: NDArray[np.int64]
    sums: NDArray[np.float64] | None

    @classmethod
    def of(
        cls,
        values: NDArray[np.float64],
        whole: NDArray[np.int64] | None,
        n_categories: int,
        target: NDArray[np.float64] | None,
    ) -> CategoryCounts:
        """Count codes ``(n,)``, of which negative and missing ones are left out."""
        observed = values >= 0
        code = values[observed].astype(np.int64)
        weight = None if whole is None else whole[observed]
        mass = np.bincount(code, weight, minlength=n_categories).astype(np.int64)
        if target is None:
            return cls(mass, None)
        # rounding makes the sums whole numbers, exact in float64 and so the same in any order of rows
        steps = np.rint(np.asarray(target, dtype=np.float64).reshape(len(target), -1)[observed] * SCALE)
        if weight is not None:
            steps = steps * weight[:, None]
        return cls(mass, np.stack([np.bincount(code, column, minlength=len(mass)) for column in steps.T], axis=1))

    def __add__(self, other: CategoryCounts) -> CategoryCounts:
        """Of the rows of both."""
        sums = None if self.sums is None or other.sums is None else self.sums + other.sums
        return CategoryCounts(self.mass + other.mass, sums)


def category_rule(counts: CategoryCounts, max_bins: int) -> BinRule:
    """Bins of categories: one each where possible, else groups of neighbours in the order of the mean target."""
    mass = counts.mass
    present = np.flatnonzero(mass)
    bins = np.full(len(mass), UNSEEN, dtype=np.uint8)
    if len(present) <= max_bins:
        bins[present] = np.arange(len(present))
        n_bins = len(present)
    else:
        rank = -mass[present] if counts.sums is None else _target_rank(mass, counts.sums)[present]
        by_rank = np.lexsort((present, rank))
        order = present[by_rank]
        group = _ranked_groups(mass[order], rank[by_rank], max_bins)
        bins[order] = group
        n_bins = int(group[-1]) + 1
    none = np.empty(0)
    return BinRule(True, n_bins, none, none, none, bins)


def _ranked_groups(mass: NDArray[np.int64], rank: NDArray[Any], max_bins: int) -> NDArray[np.int64]:
    """Quantile groups that do not mix ranks, where there are few ranks enough: a step of rank costs one group.

    With steps for more than half of the bins too few would be left to divide equal ranks by mass.
    """
    step = np.r_[False, rank[1:] != rank[:-1]]
    if 2 * int(step.sum()) > max_bins:
        return quantile_groups(mass, max_bins)
    group = quantile_groups(mass, max_bins - int(step.sum()))
    return np.cumsum(step | np.r_[False, group[1:] != group[:-1]])


def _target_rank(mass: NDArray[np.int64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Mean target of each category g along the first principal direction between categories.

    The largest eigenvector of :math:`\sum_g m_g (\bar y_g - \bar y)(\bar y_g - \bar y)^\top` with the mass :math:`m_g`,
    turned so that its largest component is positive.
    """
    mean = sums / np.maximum(mass, 1)[:, None] / SCALE
    if mean.shape[1] == 1:
        return mean[:, 0]
    centred = mean - np.average(mean, axis=0, weights=mass)
    direction = np.linalg.eigh((centred * mass[:, None]).T @ centred)[1][:, -1]
    top = np.argmax(np.abs(direction))
    # categories whose means agree to 12 decimals have one rank: what is beyond is the eigenvector's rounding
    return np.round(centred @ (direction * np.sign(direction[top])), 12)


def _apply_into(values: NDArray[np.float64], rule: BinRule, out: NDArray[np.uint8]) -> None:
    """Write the code of each value.

    Edges fall into the same equal cells as values: those in lower cells lie below a value, those in higher ones above
    it, and only the edges of its own cell are bisected.
    """
    if rule.is_category:
        missing = np.isnan(values)
        code = np.where(missing | (values >= len(rule.codes)), -1, values).astype(np.int64)
        out[:] = np.append(rule.codes, np.uint8(UNSEEN))[code]
        out[missing] = MISSING
        return
    cells = SEARCH_CELLS if len(values) > SEARCH_CELLS else 1
    low = rule.edges[0] if len(rule.edges) else 0.0
    width = rule.edges[-1] - low if len(rule.edges) > 1 else 0.0
    # one cell is plain bisection; its step of 0 sends every value to cell 0
    step = (cells - 1) / width if width > 0 and np.isfinite((cells - 1) / width) else 0.0
    cell = np.clip((rule.edges - low) * step, 0, cells - 1).astype(np.int64)
    first = np.searchsorted(cell, np.arange(cells), side="left").astype(np.int64)
    last = np.searchsorted(cell, np.arange(cells), side="right").astype(np.int64)
    _assign(values, EdgeCells(rule.edges, low, step, first, last), out)


class EdgeCells(NamedTuple):
    """Edges ``(m,)`` and where to look for a value's: cell ``c`` holds ``edges[first[c]:last[c]]``.

    Cell ``c`` begins at ``low + c / step``; ``first`` and ``last`` have one entry per cell.
    """

    edges: NDArray[np.float64]
    low: float
    step: float
    first: NDArray[np.int64]
    last: NDArray[np.int64]


@kernel
def _assign(values: NDArray[np.float64], cells: EdgeCells, out: NDArray[np.uint8]) -> None:
    """Code of value i: the number of edges below it, by bisection among those of its cell; both ``(n,)``."""
    edges, low, step, first, last = cells.edges, cells.low, cells.step, cells.first, cells.last
    top = float(len(first) - 1)
    for i in range(len(values)):
        x = values[i]
        if np.isnan(x):
            out[i] = MISSING
            continue
        c = int(min(max((x - low) * step, 0.0), top))
        a, b = first[c], last[c]
        while a < b:
            m = (a + b) >> 1
            if x <= edges[m]:
                b = m
            else:
                a = m + 1
        out[i] = a
