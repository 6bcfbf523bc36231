r"""Sums over rows in parts that are the same however the rows are cut and ordered, to the last bit.

A row's own numbers are reckoned in one order of operations, and no sum over rows rounds:

- losses are added as an :class:`~explaindistill.numerics.exact_sums.ExactSum`;
- products of a column and a residual are rounded to a grid, and what that takes off to a second, finer one;
- matrix products are made of numbers on a grid so coarse that their products have few digits; what the rounding to it
  takes off, on a second grid, is multiplied apart.

All columns are standardised and all weights sum to 1, so that no sum of products can be much larger than 1, which says
how fine the grids may be. The Hessian of two classes goes without the second grid: it only leads to the optimum, which
is where the gradient says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from explaindistill.numerics._jit import kernel
from explaindistill.numerics.exact_sums import ExactSum, lifted, rounded
from explaindistill.numerics.linear.row_blocks import RowBlocks
from explaindistill.numerics.linear.row_sums import (
    Array,
    Blocks,
    LinearFit,
    classify,
    cross_entropies,
    entropy_gains,
    pieces_of,
    value_gains,
)
from explaindistill.numerics.sums import added, added_each, both
from explaindistill.protocols import Partitions

__all__ = ["DesignedRows", "PartSums", "RowsOfPart"]

LARGEST = 8.0
"""Bound on a sum of sizes of products of a standardised column and a residual in units of its spread, with room."""
COARSE = lifted(LARGEST)
FINE = lifted(2.0**-19)  # of 2**30 rows, each of which the coarse grid leaves at most 2**-49
FACTOR_DIGITS = 26
"""Of the first grid of factors: products have twice as many, and their sum up to 1 is within the 53 of a double."""
FIRST = 1.5 * 2.0 ** (52 - FACTOR_DIGITS)
MOST_DIGITS = 40  # of the second grid, up to 2**26 rows


@dataclass(frozen=True, eq=False)
class DesignedRows:
    """Standardised columns, targets ``(n, k)`` and weights ``(n,)`` of some of the rows; weights of all sum to 1."""

    Z: RowBlocks
    Y: Array
    w: Array

    def opened(self) -> DesignedRows:
        """The rows."""
        return self

    def over(self, used: NDArray[np.intp] | None) -> Iterator[tuple[Array, Array, Array]]:
        """Lines of the columns in use (all when None), targets and weights, some thousand rows at a time."""
        for rows, lines in self.Z if used is None else self.Z.over(used):
            yield lines, self.Y[rows], self.w[rows]


class RowsOfPart(Protocol):
    """A part of the rows, which may be read each time it is asked."""

    def opened(self) -> DesignedRows:
        """The rows."""
        ...


@kernel
def _predicted(lines: Any, coef: Any, out: Any) -> None:
    """Add ``lines @ coef`` to ``out`` ``(m, K)``, column by column: a row's sum does not depend on the others."""
    for j in range(lines.shape[1]):
        for k in range(coef.shape[1]):
            b = coef[j, k]
            if b != 0.0:
                for i in range(lines.shape[0]):
                    out[i, k] += lines[i, j] * b


@kernel
def _products(lines: Any, r: Any, coarse: Any, fine: Any, out: Any) -> None:
    """Add ``lines.T @ r`` to ``out`` ``(2, p, K)``, on two grids; four rows at once, since no order matters."""
    m = lines.shape[0]
    whole = m - m % 4
    for j in range(lines.shape[1]):
        for k in range(r.shape[1]):
            h0 = h1 = h2 = h3 = 0.0
            l0 = l1 = l2 = l3 = 0.0
            for i in range(0, whole, 4):
                x0, x1 = lines[i, j] * r[i, k], lines[i + 1, j] * r[i + 1, k]
                x2, x3 = lines[i + 2, j] * r[i + 2, k], lines[i + 3, j] * r[i + 3, k]
                a0, a1, a2, a3 = (
                    (x0 + coarse) - coarse,
                    (x1 + coarse) - coarse,
                    (x2 + coarse) - coarse,
                    (x3 + coarse) - coarse,
                )
                h0 += a0
                h1 += a1
                h2 += a2
                h3 += a3
                l0 += ((x0 - a0) + fine) - fine
                l1 += ((x1 - a1) + fine) - fine
                l2 += ((x2 - a2) + fine) - fine
                l3 += ((x3 - a3) + fine) - fine
            for i in range(whole, m):
                x = lines[i, j] * r[i, k]
                a = (x + coarse) - coarse
                h0 += a
                l0 += ((x - a) + fine) - fine
            out[0, j, k] += (h0 + h1) + (h2 + h3)
            out[1, j, k] += (l0 + l1) + (l2 + l3)


def _predictor(lines: Array, used: NDArray[np.intp], fit: LinearFit) -> Array:
    """Linear predictor of some rows."""
    out = np.tile(fit.intercept, (len(lines), 1))
    _predicted(lines, np.ascontiguousarray(fit.coef[used]), out)
    return out


def _in_use(fit: LinearFit, further: Blocks = ()) -> NDArray[np.intp]:  # type: ignore[assignment]
    """Columns with a coefficient, and those of blocks."""
    has = (fit.coef != 0).any(axis=1)
    for block in further:
        has[block] = True
    return np.flatnonzero(has)


def _looked(part: RowsOfPart, fit: LinearFit, blocks: Blocks | None, loss: bool, slopes: bool, fine: float) -> Any:
    """Losses, slopes of all columns, and what :func:`joint` gives, where they are asked for."""
    rows, K = part.opened(), len(fit.intercept)
    used = np.arange(len(fit.coef)) if slopes else _in_use(fit, blocks or [])
    losses, levels = [], []
    slope = np.zeros((2, len(used), K))
    curve = None if blocks is None else _Curve(blocks, used, K, fine)
    for lines, P, w in rows.over(used):
        eta = _predictor(lines, used, fit)
        if loss:
            losses.append(w * (cross_entropies(P, eta) + xlogy(P, P).sum(axis=1)))
        if not slopes and curve is None:
            continue
        Q = np.ascontiguousarray(classify(eta)[:, -K:])
        residual = w[:, None] * (P[:, -K:] - Q)
        _products(lines, residual, COARSE, FINE, slope)
        if curve is not None:
            levels.append(residual)
            curve.add(lines, w, Q)
    return (
        _total(losses) if loss else None,
        slope if slopes or curve is not None else None,
        _total(levels, K) if curve is not None else None,
        *((None, None, None) if curve is None else (curve.first, curve.cross, curve.second)),
    )


class _Curve:
    """Sums that make the Hessian of the cross-entropy; see :func:`~explaindistill.numerics.linear.row_sums.joint`."""

    def __init__(self, blocks: Blocks, used: NDArray[np.intp], K: int, fine: float) -> None:
        self.pieces, _, _ = pieces_of(blocks)
        self.places = [np.searchsorted(used, b) for b in blocks]
        self.fine = fine
        size = self.pieces[-1].stop
        self.first = np.zeros((size, size))
        # one class of two needs no second grid
        self.cross = np.zeros((size, size)) if K > 1 else None
        self.second = np.zeros((size, size)) if K > 1 else None

    def add(self, lines: Array, w: Array, Q: Array) -> None:
        """Add some rows."""
        K = Q.shape[1]
        root = np.sqrt(w[:, None] * Q * (1 - Q) if K == 1 else w[:, None] * Q)
        side_by_side = np.empty((len(lines), len(self.first)))
        for c, (b, s) in enumerate(zip(self.places, self.pieces, strict=True)):
            of_class = side_by_side[:, s]
            of_class[:, 0], of_class[:, 1:] = root[:, c], lines[:, b] * root[:, c : c + 1]
            self._squared(of_class, s, 1.0)
            if K > 1:
                of_class *= np.sqrt(Q[:, c])[:, None]
        if K > 1:
            self._squared(side_by_side, slice(0, len(self.first)), -1.0)

    def _squared(self, A: Array, s: slice, sign: float) -> None:
        first = rounded(A, FIRST)
        self.first[s, s] += sign * (first.T @ first)
        if self.cross is not None and self.second is not None:
            rest = rounded(A - first, self.fine)
            self.cross[s, s] += sign * (first.T @ rest)
            self.second[s, s] += sign * (rest.T @ rest)


def _whole(first: Array, cross: Array | None, second: Array | None) -> Array:
    """The matrix of which these are the sums."""
    return first.copy() if cross is None or second is None else first + (cross + cross.T) + second


def _total(values: list[Array], *shape: int) -> ExactSum:
    """The sum of all; a part may be without rows."""
    return ExactSum.of(np.concatenate([np.zeros((0, *shape)), *values]))


def _mean(part: RowsOfPart) -> ExactSum:
    rows = part.opened()
    return ExactSum.of(rows.w[:, None] * rows.Y)


def _is_hard(part: RowsOfPart) -> Any:
    return np.array([(part.opened().Y.max(axis=1) == 1).all()])


def _centre(part: RowsOfPart, p: int) -> Array:
    out = np.zeros((2, p, 1))
    for lines, _, w in part.opened().over(None):
        _products(lines, np.ascontiguousarray(w[:, None]), COARSE, FINE, out)
    return out


def _covariances(part: RowsOfPart, centre: Array, mean: Array, fine: float) -> tuple[Array, Array, Array]:
    size = len(centre) + len(mean)
    out = np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size))
    for lines, Y, w in part.opened().over(None):
        A = np.hstack([lines - centre, Y - mean]) * np.sqrt(w)[:, None]
        first = rounded(A, FIRST)
        rest = rounded(A - first, fine)
        for total, product in zip(out, (first.T @ first, first.T @ rest, rest.T @ rest), strict=True):
            np.add(total, product, out=total)
    return out


def _pulled(part: RowsOfPart, fit: LinearFit) -> tuple[Array, ExactSum, ExactSum]:
    K, used = len(fit.intercept), np.arange(len(fit.coef))
    v, levels, bends = np.zeros((2, *fit.coef.shape)), [], []
    for lines, P, w in part.opened().over(None):
        Q = np.ascontiguousarray(classify(_predictor(lines, used, fit))[:, -K:])
        residual = w[:, None] * (P[:, -K:] - Q)
        _products(lines, residual, COARSE, FINE, v)
        levels.append(residual)
        bends.append(w[:, None] * (Q * (1 - Q)))
    return v, _total(levels, K), _total(bends, K)


def _entropies(part: RowsOfPart, fit: LinearFit, share: float) -> ExactSum:
    used = _in_use(fit)
    gains = [w * entropy_gains(P, _predictor(lines, used, fit), share) for lines, P, w in part.opened().over(used)]
    return _total(gains)


def _value_slopes(part: RowsOfPart, fit: LinearFit) -> Array:
    used, out = np.arange(len(fit.coef)), np.zeros((2, *fit.coef.shape))
    for lines, Y, w in part.opened().over(None):
        _products(lines, w[:, None] * (Y - _predictor(lines, used, fit)), COARSE, FINE, out)
    return out


def _dual_values(part: RowsOfPart, fit: LinearFit, mean: Array, shares: Array) -> ExactSum:
    used = _in_use(fit)
    gains = [
        w[:, None] * value_gains(Y, _predictor(lines, used, fit), mean, shares)
        for lines, Y, w in part.opened().over(used)
    ]
    return _total(gains, len(mean))


@dataclass(frozen=True, eq=False)
class PartSums:
    """Sums over rows in parts; see :class:`~explaindistill.numerics.linear.row_sums.RowSums`.

    Parameters
    ----------
    parts : Partitions of RowsOfPart
    n : int
        Rows of all parts.
    n_columns : int
    mean : ndarray of shape (k,)
        Weighted mean of the targets.
    """

    parts: Partitions
    n: int
    n_columns: int
    mean: Array
    _last: list[Any] = field(default_factory=list)

    @classmethod
    def of(cls, parts: Partitions, n: int, n_columns: int) -> PartSums:
        """Ask for the mean of the targets."""
        return cls(parts, n, n_columns, parts.ask(_mean, reduce=added).value())

    @property
    def _fine(self) -> float:
        """Second grid of factors: the squares of what the first leaves of n rows still add up exactly."""
        digits = min(MOST_DIGITS, 53 - math.ceil(math.log2(max(self.n, 2)) / 2))
        return float(1.5 * 2.0 ** (52 - digits))

    def is_hard(self) -> bool:
        """Whether each row has one class for certain."""
        return bool(self.parts.ask(_is_hard, reduce=both)[0])

    def _look(self, fit: LinearFit, blocks: Blocks | None, loss: bool, slopes: bool) -> tuple[Any, ...]:
        sums = self.parts.ask(_looked, fit, blocks, loss, slopes, self._fine, reduce=added_each)
        self._last[:] = [fit, blocks, slopes, sums]
        return tuple(sums)

    def divergence(self, fit: LinearFit, ahead: Blocks | None = None) -> float:
        """See ``RowSums``; what comes next is asked for at once, and kept."""
        if self._last and self._last[0] is fit and self._last[3][0] is not None:
            return float(self._last[3][0].value())
        return float(self._look(fit, ahead, True, ahead is None)[0].value())

    def slopes(self, fit: LinearFit) -> Array:
        """See ``RowSums``."""
        is_known = self._last and self._last[0] is fit and self._last[2]
        sums = self._last[3] if is_known else self._look(fit, None, True, True)
        return np.asarray(sums[1].sum(axis=0))

    def joint(self, fit: LinearFit, blocks: Blocks) -> tuple[Array, Array]:
        """See ``RowSums``."""
        last = self._last
        is_known = last and last[0] is fit and last[1] is blocks
        sums = (
            last[3] if is_known else self.parts.ask(_looked, fit, blocks, False, False, self._fine, reduce=added_each)
        )
        _, slope, level, *H = sums
        at = np.zeros(self.n_columns, dtype=np.intp)
        used = _in_use(fit, blocks)
        at[used] = np.arange(len(used))
        slope, level = slope.sum(axis=0), level.value()
        gradient = np.concatenate([np.r_[level[c], slope[at[b], c]] for c, b in enumerate(blocks)])
        return gradient, _whole(*H)

    def covariances(self) -> tuple[Array, Array, Array]:
        """See ``RowSums``."""
        centre = self.parts.ask(_centre, self.n_columns, reduce=added).sum(axis=0)[:, 0]
        S = _whole(*self.parts.ask(_covariances, centre, self.mean, self._fine, reduce=added_each))
        p = self.n_columns
        return centre, np.ascontiguousarray(S[:p, :p]), np.ascontiguousarray(S[:p, p:])

    def pull(self, fit: LinearFit) -> tuple[Array, Array, Array]:
        """See ``RowSums``."""
        v, level, bend = self.parts.ask(_pulled, fit, reduce=added_each)
        return v.sum(axis=0), level.value(), bend.value()

    def dual_entropy(self, fit: LinearFit, share: float) -> float:
        """See ``RowSums``."""
        return float(self.parts.ask(_entropies, fit, share, reduce=added).value())

    def value_slopes(self, fit: LinearFit) -> Array:
        """See ``RowSums``."""
        return np.asarray(self.parts.ask(_value_slopes, fit, reduce=added).sum(axis=0))

    def dual_values(self, fit: LinearFit, shares: Array) -> Array:
        """See ``RowSums``."""
        return np.asarray(self.parts.ask(_dual_values, fit, self.mean, shares, reduce=added).value())
