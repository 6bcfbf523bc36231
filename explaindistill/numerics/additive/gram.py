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

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel

__all__ = ["Block", "Design", "Marginal", "cross", "gram", "predictor", "raw_cross", "raw_gram"]

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
    out = np.full(codes.shape[1], beta[0])
    for block, cut in zip(design.blocks, design.slices, strict=True):
        raw = block.Z @ beta[cut]
        if len(block.margins) == 1:
            (a,) = block.margins
            effect = (1.0 - a.share) * raw[a.lo] + a.share * raw[a.hi]
            _gather(codes[a.axis], effect, out)
        else:
            a, b = block.margins
            table = a.table() @ raw.reshape(a.size, b.size)
            _gather_pair(codes[a.axis], b.of(codes), table, out)
    return out


def cross(design: Design, codes: Codes, r: Vector) -> Vector:
    """Return ``X.T @ r`` for rows given by their bins."""
    parts = [np.array([r.sum()])]
    parts += [block.Z.T @ raw_cross(block.margins, codes, r) for block in design.blocks]
    return np.concatenate(parts)


def raw_cross(margins: tuple[Marginal, ...], codes: Codes, r: Vector) -> Vector:
    """Sum of ``r`` on each raw column of a term."""
    a = margins[0]
    if len(margins) == 1:
        total = np.zeros(len(a.lo))
        _scatter(codes[a.axis], r, total)
        out = np.bincount(a.lo, (1.0 - a.share) * total, a.size)
        return np.asarray(out + np.bincount(a.hi, a.share * total, a.size), dtype=np.float64)
    b = margins[1]
    table = np.zeros((len(a.lo), b.size))
    _scatter_pair(codes[a.axis], b.of(codes), r, table)
    return (a.table().T @ table).ravel()


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
    out = np.zeros((design.size, design.size))
    out[0] = cross(design, codes, w)
    out[:, 0] = out[0]
    pairs = [(s, t) for s in range(len(design.blocks)) for t in range(s + 1)]

    def fill(pair: tuple[int, int]) -> None:
        s, t = pair
        first, second = design.blocks[s], design.blocks[t]
        product = first.Z.T @ raw_gram(first.margins, second.margins, codes, w) @ second.Z
        out[design.slices[s], design.slices[t]] = product
        out[design.slices[t], design.slices[s]] = product.T

    _each(fill, pairs, pool if codes.shape[1] * len(pairs) > WORTH_THREADS else None)
    return (out + out.T) / 2  # a block with itself is symmetric up to rounding only


def raw_gram(left: tuple[Marginal, ...], right: tuple[Marginal, ...], codes: Codes, w: Vector) -> Matrix:
    """Weighted products of the raw columns of two terms, ``(raw of left, raw of right)``."""
    if len(left) == 2 and len(right) == 1:
        return raw_gram(right, left, codes, w).T
    out = np.zeros((_n_raw(left), _n_raw(right)))
    a, b = tuple(m.of(codes) for m in left), tuple(m.of(codes) for m in right)
    if len(right) == 1:
        _main_main(a[0], b[0], w, out)
    elif len(left) == 1:
        _main_pair(a[0], b[0], b[1], w, right[1].size, out)
    else:
        _pair_pair(a, b, w, left[1].size, right[1].size, out)
    return out


def _n_raw(margins: tuple[Marginal, ...]) -> int:
    """Raw columns of a term: those of its column, or the products of both columns'."""
    return int(np.prod([m.size for m in margins]))


def _each(task: Callable[[Any], None], items: Iterable[Any], pool: ThreadPoolExecutor | None) -> None:
    """Do a task for each item, on the threads of the pool where there is one."""
    if pool is None:
        for item in items:
            task(item)
    else:
        list(pool.map(task, items))


@kernel
def _gather(codes: Any, effect: Any, out: Any) -> None:
    """Add to row i the effect ``(m,)`` of its bin."""
    for i in range(len(codes)):
        out[i] += effect[codes[i]]


@kernel
def _scatter(codes: Any, r: Any, out: Any) -> None:
    """Add ``r[i]`` to the bin of row i, in ``out`` ``(m,)``."""
    for i in range(len(codes)):
        out[codes[i]] += r[i]


@kernel
def _gather_pair(ca: Any, second: Any, table: Any, out: Any) -> None:
    """Add to row i the surface at its two bins: ``table`` is ``(bins of the first, raw columns of the second)``."""
    cb, lo, hi, share = second
    for i in range(len(ca)):
        a, b = ca[i], cb[i]
        t = share[b]
        out[i] += (1.0 - t) * table[a, lo[b]] + t * table[a, hi[b]]


@kernel
def _scatter_pair(ca: Any, second: Any, r: Any, out: Any) -> None:
    """Share ``r[i]`` out to the two raw columns of the second that row i touches, in the line of its first bin."""
    cb, lo, hi, share = second
    for i in range(len(ca)):
        a, b = ca[i], cb[i]
        v = share[b] * r[i]
        out[a, lo[b]] += r[i] - v
        out[a, hi[b]] += v


@kernel
def _main_main(first: Any, second: Any, w: Any, out: Any) -> None:
    """Sum ``w[i] * x[i, j] * x[i, k]`` over rows i, j the first column's raw columns and k the second's; four a row."""
    ca, la, ha, ta = first
    cb, lb, hb, tb = second
    for i in range(len(w)):
        a, b = ca[i], cb[i]
        u = w[i] * ta[a]
        v = w[i] - u
        s = tb[b]
        out[la[a], lb[b]] += v * (1.0 - s)
        out[la[a], hb[b]] += v * s
        out[ha[a], lb[b]] += u * (1.0 - s)
        out[ha[a], hb[b]] += u * s


@kernel
def _main_pair(main: Any, first: Any, second: Any, w: Any, width: Any, out: Any) -> None:
    """Do as :func:`_main_main` for a column and a pair, ``width`` raw columns of whose second stand side by side."""
    ca, la, ha, ta = main
    cb, lb, hb, tb = first
    cc, lc, hc, tc = second
    for i in range(len(w)):
        a, b, c = ca[i], cb[i], cc[i]
        u1 = w[i] * ta[a]
        u0 = w[i] - u1
        s, t = tb[b], tc[c]
        j0, j1 = lb[b] * width, hb[b] * width
        k0, k1 = lc[c], hc[c]
        for row, u in ((la[a], u0), (ha[a], u1)):
            v1 = u * s
            v0 = u - v1
            out[row, j0 + k0] += v0 * (1.0 - t)
            out[row, j0 + k1] += v0 * t
            out[row, j1 + k0] += v1 * (1.0 - t)
            out[row, j1 + k1] += v1 * t


@kernel
def _pair_pair(left: Any, right: Any, w: Any, width: Any, breadth: Any, out: Any) -> None:
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
        x00, x01 = (1.0 - s) * (1.0 - t), (1.0 - s) * t
        x10, x11 = s * (1.0 - t), s * t
        u1 = w[i] * p
        u0 = w[i] - u1
        for row, u in (
            (a0 + lb[b], u0 * (1.0 - q)),
            (a0 + hb[b], u0 * q),
            (a1 + lb[b], u1 * (1.0 - q)),
            (a1 + hb[b], u1 * q),
        ):
            out[row, j0 + k0] += u * x00
            out[row, j0 + k1] += u * x01
            out[row, j1 + k0] += u * x10
            out[row, j1 + k1] += u * x11
