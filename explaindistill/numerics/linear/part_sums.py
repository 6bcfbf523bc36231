r"""Sums over rows in parts that are the same however the rows are cut and ordered, to the last bit.

A row's own numbers are reckoned in one order of operations, and no sum over rows rounds:

- losses are added as an :class:`~explaindistill.numerics.exact_sums.ExactSum`;
- products of a column and a residual are rounded to a grid, and what that takes off to a second, finer one;
- matrix products are made of numbers on a grid so coarse that their products have few digits; what the rounding to it
  takes off, on a second grid, is multiplied apart.

All columns are standardised and all weights sum to 1, so that no sum of products can be much larger than 1, which says
how fine the grids may be. The Hessian goes without the second grid: it only leads to the optimum, which is where the
gradient says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
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
    cross_entropies,
    entropy_gains,
    modelled,
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
    _last: list[tuple[LinearFit, list[Array]]] = field(default_factory=list)

    def opened(self) -> DesignedRows:
        """The rows."""
        return self

    def over(self, used: NDArray[np.intp] | None) -> Iterator[tuple[Array, Array, Array]]:
        """Lines of the columns in use (all when None), targets and weights, some thousand rows at a time."""
        for rows, lines in self.Z if used is None else self.Z.over(used):
            yield lines, self.Y[rows], self.w[rows]

    @cached_property
    def entropy(self) -> Array:
        """Negative entropy of each row's targets."""
        return np.asarray(xlogy(self.Y, self.Y).sum(axis=1))

    def answers(self, fit: LinearFit) -> list[Array]:
        """Probabilities of a fit, block by block, where it was the last that was looked at; else none."""
        return self._last[0][1] if self._last and self._last[0][0] is fit else []

    def hold(self, fit: LinearFit, answers: list[Array]) -> None:
        """Keep the probabilities of a fit until the next: rows in memory are asked twice about a step that is taken."""
        self._last[:] = [(fit, answers)]


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
    out = np.empty((len(lines), len(fit.intercept)))
    out[:] = fit.intercept
    _predicted(lines, fit.coef[used], out)
    return out


def _in_use(fit: LinearFit, further: Blocks = ()) -> NDArray[np.intp]:  # type: ignore[assignment]
    """Columns with a coefficient, and those of blocks."""
    has = (fit.coef != 0).any(axis=1)
    for block in further:
        has[block] = True
    return np.flatnonzero(has)


def _looked(part: RowsOfPart, fit: LinearFit, blocks: Blocks | None, want: tuple[bool, bool, bool]) -> Any:
    """Losses, gradients of columns and intercepts, and the curvature of blocks.

    ``want`` says whether losses, gradients, and gradients of columns beyond the blocks are asked for.
    """
    rows, K = part.opened(), len(fit.intercept)
    loss, gradient, everywhere = want
    used = np.arange(len(fit.coef)) if everywhere else _in_use(fit, blocks or [])
    losses, levels, answers = [], [], [] if loss else rows.answers(fit)
    slope, are_known = np.zeros((2, len(used), K)), bool(answers)
    curve = None if blocks is None else _Curve(blocks, used, K)
    for i, (lines, P, w) in enumerate(rows.over(used)):
        if not are_known:
            eta = _predictor(lines, used, fit)
            answers.append(modelled(eta))
        if loss:
            losses.append(cross_entropies(P, eta))
        if gradient:
            residual = w[:, None] * (P[:, -K:] - answers[i])
            _products(lines, residual, COARSE, FINE, slope)
            levels.append(residual)
        if curve is not None:
            curve.add(lines, w, answers[i])
    rows.hold(fit, answers)
    return (
        ExactSum.of(rows.w * (np.concatenate([np.zeros(0), *losses]) + rows.entropy)) if loss else None,
        slope if gradient else None,
        _total(levels, K) if gradient else None,
        None if curve is None else curve.sum,
    )


class _Curve:
    r"""Sums that make the Hessian of the cross-entropy.

    Of several classes it is :math:`\sum_{c<d} B_{cd}^\top W Q_c Q_d B_{cd}`, where a line of :math:`B_{cd}` holds the
    columns of class c and, with the other sign, those of class d: no difference of two sums, so that rounding leaves it
    without a negative direction, and what moves all classes alike exactly without curvature.
    """

    def __init__(self, blocks: Blocks, used: NDArray[np.intp], K: int) -> None:
        self.pieces, _, _ = pieces_of(blocks)
        self.places = [np.searchsorted(used, b) for b in blocks]
        self.pairs = list(combinations(range(K), 2)) if K > 1 else [(0, 0)]
        self.sum = np.zeros((self.pieces[-1].stop,) * 2)

    def add(self, lines: Array, w: Array, Q: Array) -> None:
        """Add some rows."""
        for c, d in self.pairs:
            classes = (c,) if c == d else (c, d)
            root = np.sqrt(w * Q[:, c] * (1 - Q[:, c] if c == d else Q[:, d]))
            at = np.concatenate([np.arange(self.pieces[e].start, self.pieces[e].stop) for e in classes])
            A = np.empty((len(lines), len(at)), order="F")
            stop = 0
            for e, sign in zip(classes, (1.0, -1.0), strict=False):
                start, stop = stop, stop + 1 + len(self.places[e])
                A[:, start] = sign * root
                np.multiply(lines[:, self.places[e]], A[:, start, None], out=A[:, start + 1 : stop])
            A += FIRST
            A -= FIRST
            self.sum[np.ix_(at, at)] += A.T @ A


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
    p, size = len(centre), len(centre) + len(mean)
    out = np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size))
    for lines, Y, w in part.opened().over(None):
        rest = np.empty((len(lines), size), order="F")
        np.subtract(lines, centre, out=rest[:, :p])
        np.subtract(Y, mean, out=rest[:, p:])
        rest *= np.sqrt(w)[:, None]
        first = rounded(rest, FIRST)
        rest -= first
        rest += fine
        rest -= fine
        for total, product in zip(out, (first.T @ first, first.T @ rest, rest.T @ rest), strict=True):
            np.add(total, product, out=total)
    return out


def _pulled(part: RowsOfPart, fit: LinearFit) -> tuple[Array, ExactSum, ExactSum]:
    K, used = len(fit.intercept), np.arange(len(fit.coef))
    v, levels, bends = np.zeros((2, *fit.coef.shape)), [], []
    for lines, P, w in part.opened().over(None):
        Q = modelled(_predictor(lines, used, fit))
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
    _squares: list[tuple[Array, Array, Array]] = field(default_factory=list)

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

    def _look(self, fit: LinearFit, blocks: Blocks | None) -> tuple[Any, ...]:
        """Loss and gradient of a fit, of all columns or with the curvature of blocks; kept until the next."""
        sums = self.parts.ask(_looked, fit, blocks, (True, True, blocks is None), reduce=added_each)
        self._last[:] = [fit, blocks, sums]
        return tuple(sums)

    def _known(self, fit: LinearFit) -> bool:
        return bool(self._last) and self._last[0] is fit

    def divergence(self, fit: LinearFit, ahead: Blocks | None = None) -> float:
        """See ``RowSums``; what comes next is asked for at once, and kept."""
        sums = self._last[2] if self._known(fit) else self._look(fit, ahead)
        return float(sums[0].value())

    def slopes(self, fit: LinearFit) -> Array:
        """See ``RowSums``."""
        is_known = self._known(fit) and self._last[1] is None
        sums = self._last[2] if is_known else self._look(fit, None)
        return np.asarray(sums[1].sum(axis=0))

    def joint(self, fit: LinearFit, blocks: Blocks) -> tuple[Array, Array]:
        """See ``RowSums``."""
        at = np.zeros(self.n_columns, dtype=np.intp)
        used = _in_use(fit, blocks)
        at[used] = np.arange(len(used))
        if self._known(fit) and self._last[1] is None:  # all gradients are known
            _, slope, level, _ = self._last[2]
            H = self.parts.ask(_looked, fit, blocks, (False, False, False), reduce=added_each)[3]
            at = np.arange(self.n_columns)
        elif self._known(fit) and self._last[1] is blocks:
            _, slope, level, H = self._last[2]
        else:
            _, slope, level, H = self.parts.ask(_looked, fit, blocks, (False, True, False), reduce=added_each)
        slope, level = slope.sum(axis=0), level.value()
        gradient = np.concatenate([np.r_[level[c], slope[at[b], c]] for c, b in enumerate(blocks)])
        return gradient, H.copy()

    def covariances(self) -> tuple[Array, Array, Array]:
        """See ``RowSums``; asked for once."""
        if not self._squares:
            self._squares.append(self._asked_covariances())
        return self._squares[0]

    def _asked_covariances(self) -> tuple[Array, Array, Array]:
        centre = self.parts.ask(_centre, self.n_columns, reduce=added).sum(axis=0)[:, 0]
        first, cross, second = self.parts.ask(_covariances, centre, self.mean, self._fine, reduce=added_each)
        S = first + (cross + cross.T) + second
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
