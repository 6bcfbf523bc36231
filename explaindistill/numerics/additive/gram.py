r"""Cross-products of an additive design that is never written down.

Rows carry only the bin of each column. A bin touches at most two raw columns of a term (four for a pair), so that
:math:`X^\top W X` is filled block by block from those few products. Every statistic is a sum over rows: statistics of
chunks, collected one after another or on other machines, add up to the statistics of all rows.

In a row i whose bin of the column is m, a term of one column has the raw columns

.. math:: x_{i,\mathrm{lo}_m} = 1 - s_m, \qquad x_{i,\mathrm{hi}_m} = s_m, \qquad x_{ij} = 0 \text{ elsewhere},

and a term of a pair the products of both columns' raw columns, number (j, k) at ``j * size + k``. ``i`` runs over rows,
``m`` over the bins of a column, ``j`` and ``k`` over raw columns; with raw coefficients :math:`r = Z\beta` the design
of a block is its raw columns times ``Z``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel
from explaindistill.numerics.exact_sums import lifted, rounded

__all__ = [
    "Block", "Design", "Effects", "Marginal", "bin_totals", "columns_of_totals", "cross", "cross_of", "gram",
    "gram_of", "predictor", "predictors", "products", "raw_cross", "raw_gram", "totals",
]  # fmt: skip

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Codes = NDArray[np.uint16]
WORTH_THREADS = 200_000
"""Rows times pairs of blocks below which one thread works alone: a trade-off between handing out the pairs and the work
that is shared."""


class RowBins(NamedTuple):
    """Bins of the rows in one column, ``codes`` ``(n,)``, and what each bin weighs; a :class:`Marginal` for kernels."""

    codes: Codes
    lo: NDArray[np.int32]
    hi: NDArray[np.int32]
    share: Vector


@dataclass(frozen=True)
class Marginal:
    """What each bin of one column weighs: ``(1 - share)`` on raw column ``lo``, ``share`` on ``hi``.

    Attributes
    ----------
    axis : int
        Row of the codes.
    lo, hi : ndarray of shape (m,), int32
    share : ndarray of shape (m,)
    size : int
        Number of raw columns.
    """

    axis: int
    lo: NDArray[np.int32]
    hi: NDArray[np.int32]
    share: Vector
    size: int

    @cached_property
    def amplitude(self) -> float:
        """Largest sum of the sizes of the two weights of a bin; above 1 where a line goes on beyond the knots."""
        return float(np.max(np.abs(self.share) + np.abs(1.0 - self.share), initial=1.0))

    def of(self, codes: Codes) -> RowBins:
        """Return the bins of rows ``(d, n)`` in this column."""
        return RowBins(codes[self.axis], self.lo, self.hi, self.share)

    def table(self) -> Matrix:
        """Return the basis at each bin, ``(m, size)``."""
        out = np.zeros((len(self.lo), self.size))
        rows = np.arange(len(self.lo))
        np.add.at(out, (rows, self.lo), 1.0 - self.share)
        np.add.at(out, (rows, self.hi), self.share)
        return out


@dataclass(frozen=True)
class Block:
    r"""One term: a marginal or the product of two, its coefficients ``raw = Z @ beta``, and what they cost.

    Attributes
    ----------
    margins : one or two Marginals
    Z : ndarray of shape (raw, k)
        Absorbs the constraints: centred, pure, monotone, zero at a point.
    penalties : tuple of (k, k) matrices
    bounded : ndarray of shape (k,), bool
        Coefficients that must not be negative.
    """

    margins: tuple[Marginal, ...]
    Z: Matrix
    penalties: tuple[Matrix, ...]
    bounded: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return int(self.Z.shape[1])

    @cached_property
    def amplitude(self) -> float:
        """Largest sum of the sizes of what one row has in the raw columns."""
        return math.prod(m.amplitude for m in self.margins)


@dataclass(frozen=True)
class Design:
    """An intercept and blocks; column 0 is the intercept."""

    blocks: tuple[Block, ...]
    slices: tuple[slice, ...] = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        ends = np.cumsum([1, *(b.size for b in self.blocks)])
        cuts = tuple(slice(int(a), int(b)) for a, b in pairwise(ends))
        object.__setattr__(self, "slices", cuts)
        object.__setattr__(self, "size", int(ends[-1]))

    @property
    def bounded(self) -> NDArray[np.bool_]:
        """Mask ``(size,)`` of coefficients that must not be negative."""
        return np.concatenate([[False], *(b.bounded for b in self.blocks)]).astype(bool)


def predictor(design: Design, codes: Codes, beta: Vector) -> Vector:
    """Return ``X @ beta`` for rows given by their bins ``(d, n)``."""
    return predictors(design, codes, beta[None])[0]


def predictors(design: Design, codes: Codes, B: Matrix) -> Matrix:
    """Return ``X @ b``, ``(K, n)``, for each of the K lines of ``B`` ``(K, p)``."""
    return Effects.of(design, B).predictors(codes)


@dataclass(frozen=True, eq=False)
class Effects:
    """What a design adds up to at some coefficients ``(K, p)``, bin by bin.

    Attributes
    ----------
    blocks : tuple of Block
    intercepts : ndarray of shape (K,)
    tables : list of arrays
        Of each block what it adds in each bin ``(K, m)``; of a pair ``(K, m, raw columns of the second)``.
    """

    blocks: tuple[Block, ...]
    intercepts: Vector
    tables: list[Matrix]

    @classmethod
    def of(cls, design: Design, B: Matrix) -> Effects:
        """At coefficients ``(K, p)``."""
        tables = []
        for block, cut in zip(design.blocks, design.slices, strict=True):
            a = block.margins[0]
            table = np.empty((len(B), len(a.lo), math.prod(m.size for m in block.margins[1:])))
            raw = (B[:, cut] @ block.Z.T).reshape(len(B), a.size, table.shape[2])
            _blend(a.lo, a.hi, a.share, raw, table)
            tables.append(table if len(block.margins) == 2 else table[:, :, 0])
        return cls(design.blocks, B[:, 0], tables)

    def predictors(self, codes: Codes) -> Matrix:
        """Linear predictors ``(K, n)`` of rows given by their bins."""
        out = np.repeat(self.intercepts[:, None], codes.shape[1], axis=1)
        for block, table in zip(self.blocks, self.tables, strict=True):
            a = block.margins[0]
            if len(block.margins) == 1:
                _gather(codes[a.axis], table, out)
            else:
                _gather_pair(codes[a.axis], block.margins[1].of(codes), table, out)
        return out

    def reach(self) -> tuple[Vector, Vector]:
        """Bounds of the predictors over all bins, ``(K,)`` each."""
        low, high = self.intercepts, self.intercepts
        for block, table in zip(self.blocks, self.tables, strict=True):
            least, most = table.min(axis=1), table.max(axis=1)
            if len(block.margins) == 2:  # between two raw columns of the second, or on a line beyond them
                most = np.maximum(most, -least).max(axis=1) * block.margins[1].amplitude
                least = -most
            low, high = low + least, high + most
        return low, high


def cross(design: Design, codes: Codes, r: Vector) -> Vector:
    """Return ``X.T @ r`` for rows given by their bins."""
    return cross_of(design, totals(design, codes, r))


def totals(design: Design, codes: Codes, r: Matrix, bound: float = 0.0) -> list[Any]:
    """What rows add to ``X.T @ r``: the sum of ``r``, and of each block its sums by bin.

    ``r`` is ``(n,)``, or ``(K, n)`` for K outputs, which all sums have in front then. ``bound`` is a bound on the sum
    of the sizes of one line of ``r`` over all rows, also those of other parts: each addend is then rounded so that
    totals are the same in any order (see :mod:`explaindistill.numerics.exact_sums`). 0 rounds nothing.
    """
    coarse = rounded(r, lifted(bound))
    return [
        coarse.sum(axis=-1),
        *(
            _of_bins(b.margins[0], codes, coarse) if len(b.margins) == 1 else bin_totals(b.margins, codes, r, bound)
            for b in design.blocks
        ),
    ]


def cross_of(design: Design, sums: list[Any]) -> Matrix:
    """``X.T @ r`` from :func:`totals`: ``(p,)``, or ``(K, p)``."""
    parts = [np.asarray(sums[0])[..., None]]
    for block, total in zip(design.blocks, sums[1:], strict=True):
        parts.append(columns_of_totals(block.margins, total) @ block.Z)
    return np.concatenate(parts, axis=-1)


def raw_cross(margins: tuple[Marginal, ...], codes: Codes, r: Vector) -> Vector:
    """Sum of ``r`` on each raw column of a term."""
    return columns_of_totals(margins, bin_totals(margins, codes, r))


def bin_totals(margins: tuple[Marginal, ...], codes: Codes, r: Matrix, bound: float = 0.0) -> Matrix:
    """Sum of ``r`` in each bin of a column; of two, in each bin of the first on each raw column of the second."""
    a = margins[0]
    if len(margins) == 1:
        return _of_bins(a, codes, rounded(r, lifted(bound)))
    b = margins[1]
    lift = lifted(bound * b.amplitude)
    table = np.zeros((*r.shape[:-1], len(a.lo), b.size))
    _scatter_pair(codes[a.axis], b.of(codes), _lines(rounded(r, lift), 1), lift, _lines(table, 2))
    return table


def _of_bins(margin: Marginal, codes: Codes, r: Matrix) -> Matrix:
    """Sum of ``r`` in each bin, as it is."""
    total = np.zeros((*r.shape[:-1], len(margin.lo)))
    _scatter(codes[margin.axis], _lines(r, 1), _lines(total, 1))
    return total


def _lines(array: Matrix, n_axes: int) -> Matrix:
    """Outputs as one axis in front of the last ``n_axes``, also of a single output that has no axis."""
    cut = array.ndim - n_axes
    return array.reshape(math.prod(array.shape[:cut]), *array.shape[cut:])


def columns_of_totals(margins: tuple[Marginal, ...], total: Matrix) -> Vector:
    """Sums on each raw column of a term from :func:`bin_totals`."""
    a = margins[0]
    lines = _lines(total if len(margins) == 2 else total[..., None], 2)
    out = np.zeros((len(lines), a.size, lines.shape[2]))
    _unblend(a.lo, a.hi, a.share, lines, out)
    return out.reshape(*total.shape[: total.ndim - len(margins)], a.size * lines.shape[2])


def gram(design: Design, codes: Codes, w: Vector, pool: ThreadPoolExecutor | None = None) -> Matrix:
    """Return ``X.T @ diag(w) @ X`` for rows given by their bins, filled block by block.

    Parameters
    ----------
    design : Design
    codes : ndarray of shape (d, n), uint16
    w : ndarray of shape (n,)
        Working weights.
    pool : ThreadPoolExecutor, optional
        Blocks are shared out among its threads; the result does not depend on their number.
    """
    return gram_of(design, products(design, codes, w, 0.0, pool))


def products(
    design: Design, codes: Codes, w: Vector, bound: float = 0.0, pool: ThreadPoolExecutor | None = None
) -> tuple[list[Any], list[Matrix]]:
    """What rows add to :func:`gram`: totals of ``w``, and raw products of each pair of blocks; see :func:`totals`."""
    pairs = _pairs(design)
    out: list[Any] = [None] * len(pairs)

    def fill(place: int) -> None:
        first, second = (design.blocks[i] for i in pairs[place])
        scale = bound * first.amplitude * second.amplitude
        out[place] = raw_gram(first.margins, second.margins, codes, w, scale)

    _each(fill, range(len(pairs)), pool if codes.shape[1] * len(pairs) > WORTH_THREADS else None)
    return totals(design, codes, w, bound), out


def gram_of(design: Design, sums: tuple[list[Any], list[Matrix]]) -> Matrix:
    """``X.T @ diag(w) @ X`` from :func:`products`."""
    out = np.zeros((design.size, design.size))
    out[0] = cross_of(design, sums[0])
    out[:, 0] = out[0]
    for (s, t), raw in zip(_pairs(design), sums[1], strict=True):
        product = design.blocks[s].Z.T @ raw @ design.blocks[t].Z
        out[design.slices[s], design.slices[t]] = product
        out[design.slices[t], design.slices[s]] = product.T
    return (out + out.T) / 2  # a block with itself is symmetric up to rounding only


def _pairs(design: Design) -> list[tuple[int, int]]:
    return [(s, t) for s in range(len(design.blocks)) for t in range(s + 1)]


def raw_gram(
    left: tuple[Marginal, ...], right: tuple[Marginal, ...], codes: Codes, w: Vector, bound: float = 0.0
) -> Matrix:
    """Weighted products of the raw columns of two terms, ``(raw of left, raw of right)``.

    ``bound`` is a bound on the sum of the sizes of all addends of all rows; see :func:`totals`.
    """
    if len(left) == 2 and len(right) == 1:
        return raw_gram(right, left, codes, w, bound).T
    out = np.zeros((_n_raw(left), _n_raw(right)))
    a, b = tuple(m.of(codes) for m in left), tuple(m.of(codes) for m in right)
    lift = lifted(bound)
    if len(right) == 1:
        _main_main(a[0], b[0], w, lift, out)
    elif len(left) == 1:
        _main_pair(a[0], b[0], b[1], w, lift, right[1].size, out)
    else:
        _pair_pair(a, b, w, lift, left[1].size, right[1].size, out)
    return out


def _n_raw(margins: tuple[Marginal, ...]) -> int:
    """Raw columns of a term: those of its column, or the products of both columns'."""
    return math.prod(m.size for m in margins)


def _each(task: Callable[[Any], None], items: Iterable[Any], pool: ThreadPoolExecutor | None) -> None:
    """Do a task for each item, on the threads of the pool where there is one."""
    if pool is None:
        for item in items:
            task(item)
    else:
        list(pool.map(task, items))


@kernel
def _blend(lo: Any, hi: Any, share: Any, raw: Any, out: Any) -> None:
    """Value in each bin ``(K, m, w)`` from those at the raw columns ``(K, size, w)``."""
    for k in range(out.shape[0]):
        for j in range(out.shape[1]):
            for c in range(out.shape[2]):
                out[k, j, c] = (1.0 - share[j]) * raw[k, lo[j], c] + share[j] * raw[k, hi[j], c]


@kernel
def _unblend(lo: Any, hi: Any, share: Any, total: Any, out: Any) -> None:
    """Share the sum of each bin out to its raw columns: the transpose of :func:`_blend`."""
    for k in range(total.shape[0]):
        for j in range(total.shape[1]):
            for c in range(total.shape[2]):
                out[k, lo[j], c] += (1.0 - share[j]) * total[k, j, c]
                out[k, hi[j], c] += share[j] * total[k, j, c]


@kernel
def _gather(codes: Any, effect: Any, out: Any) -> None:
    """Add to row i the effect of its bin, ``(K, m)`` to ``(K, n)``."""
    for k in range(len(out)):
        for i in range(len(codes)):
            out[k, i] += effect[k, codes[i]]


@kernel
def _scatter(codes: Any, r: Any, out: Any) -> None:
    """Add ``r[k, i]`` to the bin of row i, in ``out`` ``(K, m)``."""
    for k in range(len(out)):
        for i in range(len(codes)):
            out[k, codes[i]] += r[k, i]


@kernel
def _gather_pair(ca: Any, second: Any, table: Any, out: Any) -> None:
    """Add to row i the surface at its two bins: ``table`` is ``(K, bins of the first, raw columns of the second)``."""
    cb, lo, hi, share = second
    for k in range(len(out)):
        for i in range(len(ca)):
            a, b = ca[i], cb[i]
            t = share[b]
            out[k, i] += (1.0 - t) * table[k, a, lo[b]] + t * table[k, a, hi[b]]


@kernel
def _scatter_pair(ca: Any, second: Any, r: Any, lift: Any, out: Any) -> None:
    """Share ``r[k, i]`` out to the two raw columns of the second that row i touches, in the line of its first bin."""
    cb, lo, hi, share = second
    for k in range(len(out)):
        for i in range(len(ca)):
            a, b = ca[i], cb[i]
            v = (share[b] * r[k, i] + lift) - lift
            out[k, a, lo[b]] += r[k, i] - v
            out[k, a, hi[b]] += v


@kernel
def _main_main(first: Any, second: Any, w: Any, lift: Any, out: Any) -> None:
    """Sum ``w[i] * x[i, j] * x[i, k]`` over rows i, j the first column's raw columns and k the second's; four a row.

    What goes to one raw column is rounded, the other gets the rest, so that nothing is lost.
    """
    ca, la, ha, ta = first
    cb, lb, hb, tb = second
    for i in range(len(w)):
        a, b = ca[i], cb[i]
        x = (w[i] + lift) - lift
        u = (x * ta[a] + lift) - lift
        v = x - u
        s = tb[b]
        v1 = (v * s + lift) - lift
        u1 = (u * s + lift) - lift
        out[la[a], lb[b]] += v - v1
        out[la[a], hb[b]] += v1
        out[ha[a], lb[b]] += u - u1
        out[ha[a], hb[b]] += u1


@kernel
def _main_pair(main: Any, first: Any, second: Any, w: Any, lift: Any, width: Any, out: Any) -> None:
    """Do as :func:`_main_main` for a column and a pair, ``width`` raw columns of whose second stand side by side."""
    ca, la, ha, ta = main
    cb, lb, hb, tb = first
    cc, lc, hc, tc = second
    for i in range(len(w)):
        a, b, c = ca[i], cb[i], cc[i]
        x = (w[i] + lift) - lift
        u1 = (x * ta[a] + lift) - lift
        u0 = x - u1
        s, t = tb[b], tc[c]
        j0, j1 = lb[b] * width, hb[b] * width
        k0, k1 = lc[c], hc[c]
        for row, u in ((la[a], u0), (ha[a], u1)):
            v1 = (u * s + lift) - lift
            v0 = u - v1
            p1 = (v0 * t + lift) - lift
            q1 = (v1 * t + lift) - lift
            out[row, j0 + k0] += v0 - p1
            out[row, j0 + k1] += p1
            out[row, j1 + k0] += v1 - q1
            out[row, j1 + k1] += q1


@kernel
def _pair_pair(left: Any, right: Any, w: Any, lift: Any, width: Any, breadth: Any, out: Any) -> None:
    """Do as :func:`_main_main` for two pairs, with ``width`` and ``breadth`` raw columns of their second columns."""
    ca, la, ha, ta = left[0]
    cb, lb, hb, tb = left[1]
    cc, lc, hc, tc = right[0]
    cd, ld, hd, td = right[1]
    for i in range(len(w)):
        a, b, c, d = ca[i], cb[i], cc[i], cd[i]
        p, q, s, t = ta[a], tb[b], tc[c], td[d]
        a0, a1 = la[a] * width, ha[a] * width
        j0, j1 = lc[c] * breadth, hc[c] * breadth
        k0, k1 = ld[d], hd[d]
        x = (w[i] + lift) - lift
        u1 = (x * p + lift) - lift
        u0 = x - u1
        u01 = (u0 * q + lift) - lift
        u11 = (u1 * q + lift) - lift
        for row, u in ((a0 + lb[b], u0 - u01), (a0 + hb[b], u01), (a1 + lb[b], u1 - u11), (a1 + hb[b], u11)):
            v1 = (u * s + lift) - lift
            v0 = u - v1
            p1 = (v0 * t + lift) - lift
            q1 = (v1 * t + lift) - lift
            out[row, j0 + k0] += v0 - p1
            out[row, j0 + k1] += p1
            out[row, j1 + k0] += v1 - q1
            out[row, j1 + k1] += q1
