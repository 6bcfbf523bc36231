r"""Where to cut a node so that a sparse linear model in each half lowers the loss most, per number written down.

In a node the loss is replaced by its second-order form around the present fit: with residuals :math:`g_i`, curvatures
:math:`h_i` and rows :math:`x_i` of the design (a one first), the half :math:`S` can gain

.. math:: \tfrac12\, b_S^\top (A_S + \Lambda)^{-1} b_S, \qquad A_S = \sum_{i \in S} h_i x_i x_i^\top, \quad
          b_S = \sum_{i \in S} g_i x_i .

Gram matrices are summed per bin once; prefix sums give both halves of every cut. Terms enter one by one (Schur
complements), so each cut has a curve of gain against coefficients, and its score is the best gain per number: the
split's own cost, one intercept per output for the leaf that is new, and each coefficient.

``i`` runs over rows, ``c`` over the bins of a column, ``k`` over the K outputs, ``s`` and ``t`` over the m columns of
the design that are looked at, number 0 the ones.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel

__all__ = ["BinSums", "CutCosts", "best_cut", "gram_by_bin", "term_chain"]

Floats = NDArray[np.float64]
COLLINEAR = 1e-3
"""Share of a term's own curvature that has to be left once the chosen terms are taken out: with less it is nearly a sum
of them, and its coefficient would be mostly noise."""


class BinSums(NamedTuple):
    """Gram matrices ``A`` ``(B, K, m, m)``, lower triangles, gradients ``b`` ``(B, K, m)``, rows ``n`` ``(B,)``."""

    A: Any
    b: Any
    n: Any

    def at(self, bins: NDArray[np.int64]) -> BinSums:
        """Return the sums of some bins, in that order."""
        return BinSums(self.A[bins], self.b[bins], self.n[bins])


class CutCosts(NamedTuple):
    """What a cut may cost, in numbers written down, and what its halves may hold.

    Attributes
    ----------
    leaf_cost, budget : float
        Cost of the new leaf's intercepts; a cut that costs more than the budget is left out.
    minimum : float
        Least count of rows in a half.
    ridge : float
        Penalty on each coefficient.
    free : bool ndarray, shape (m,)
        Terms that the leaf already has.
    room : int
        How many others it may take.
    depth : int
        Longest chain of terms.
    """

    leaf_cost: float
    budget: float
    minimum: float
    ridge: float
    free: NDArray[np.bool_]
    room: int
    depth: int


@kernel
def gram_by_bin(codes: NDArray[np.uint8], X: Floats, g: Floats, h: Floats, count: Floats, sums: BinSums) -> None:
    """Add each row to the Gram matrix, gradient and count of its bin; see the module's equation.

    Parameters
    ----------
    codes : uint8, shape (n,)
        Positions along the first axis of the sums.
    X : shape (n, m)
    g, h : shape (n, K)
        Negative gradients and curvatures, times the weight.
    count : shape (n,)
    sums : BinSums
        Changed in place; of ``A`` only the lower triangles.
    """
    A, b, n = sums
    rows, m = X.shape
    for i in range(rows):
        c = codes[i]
        n[c] += count[i]
        for k in range(g.shape[1]):
            for s in range(m):
                x = X[i, s]
                b[c, k, s] += g[i, k] * x
                hx = h[i, k] * x
                for t in range(s + 1):
                    A[c, k, s, t] += hx * X[i, t]


@kernel
def term_chain(
    A: Floats, b: Floats, ridge: float, free: NDArray[np.bool_], room: int, gains: Floats, picks: NDArray[np.int64]
) -> None:
    """Intercept first, then the terms that gain most, one at a time; ``A`` (lower) and ``b`` are used up.

    Of one half and one output: term t gains ``b[t] ** 2 / 2 / A[t, t]`` once the terms before it are eliminated.
    ``gains[0]`` is the intercept's gain, ``gains[j]`` that of the j-th term ``picks[j - 1]``; where none helps any
    more they are left as they are. Terms that are not ``free`` use up ``room``.
    """
    m = len(b)
    start = np.empty(m)
    for t in range(m):
        A[t, t] += ridge
        start[t] = A[t, t]
    gains[0] = 0.5 * b[0] * b[0] / A[0, 0] if A[0, 0] > 0 else 0.0
    if A[0, 0] > 0:
        _eliminate(A, b, 0)
    chosen = np.zeros(m, dtype=np.bool_)
    chosen[0] = True
    for j in range(1, len(gains)):
        best, pick = 0.0, -1
        for t in range(1, m):
            if not chosen[t] and (free[t] or room > 0) and A[t, t] > COLLINEAR * start[t]:
                gain = 0.5 * b[t] * b[t] / A[t, t]
                if gain > best:
                    best, pick = gain, t
        if pick < 0:
            break
        gains[j], picks[j - 1] = best, pick
        chosen[pick] = True
        if not free[pick]:
            room -= 1
        _eliminate(A, b, pick)


@kernel
def _eliminate(A: Floats, b: Floats, pick: int) -> None:
    """Schur complement: take one column out of ``A`` (lower) and ``b``.

    ``A[s, t] -= A[s, pick] * A[t, pick] / A[pick, pick]`` and ``b[s] -= A[s, pick] * b[pick] / A[pick, pick]``.
    """
    m = len(b)
    column = np.empty(m)
    for t in range(m):
        column[t] = A[t, pick] if t >= pick else A[pick, t]
    pivot, value = A[pick, pick], b[pick]
    for s in range(m):
        if s != pick:
            b[s] -= column[s] * value / pivot
            for t in range(s + 1):
                if t != pick:
                    A[s, t] -= column[s] * column[t] / pivot


@kernel
def _merge(gains: Floats, base_cost: float, most: int) -> tuple[float, int]:
    """Take terms from several chains, best next one first; best gain per number and how many terms.

    ``gains`` is ``(chains, depth + 1)``, one chain per half and output, its first entry the intercept's gain. With j
    terms the gain of all is divided by ``base_cost + j``.
    """
    chains, length = gains.shape
    total = 0.0
    position = np.ones(chains, dtype=np.int64)
    for c in range(chains):
        total += gains[c, 0]
    best, terms = total / base_cost, 0
    for j in range(1, most + 1):
        top, pick = 0.0, -1
        for c in range(chains):
            if position[c] < length and gains[c, position[c]] > top:
                top, pick = gains[c, position[c]], c
        if pick < 0:
            break
        total += top
        position[pick] += 1
        if total / (base_cost + j) > best:
            best, terms = total / (base_cost + j), j
    return best, terms


@kernel
def best_cut(sums: BinSums, extra: int, size: Floats, is_category: bool, costs: CutCosts, out: Floats) -> None:
    """Score every cut of bins in order; write the best into ``out``.

    Parameters
    ----------
    sums : BinSums of B + 1 bins
        Bins in the order in which they are cut; the last holds the rows whose value is missing.
    extra : int
        1 if there are rows with a missing value.
    size : shape (B,)
        Categories in each bin: a cut costs one number per category of the smaller side, and one for the column; of a
        number two, the column and the threshold.
    costs : CutCosts
    out : shape (4,)
        Score, position of the last bin on the left, whether missing goes left, number of terms.
    """
    A, b, n = sums
    bins, outputs = b.shape[0] - 1, b.shape[1]
    out[0], out[1], out[2], out[3] = 0.0, -1.0, 0.0, 0.0
    gains = np.zeros((2 * outputs, costs.depth + 1))
    picks = np.zeros(costs.depth, dtype=np.int64)
    all_A, all_b, all_n, all_size = A.sum(axis=0), b.sum(axis=0), n.sum(), size.sum()
    for side in range(1 + extra):
        left_A, left_b, left_n, left_size = np.zeros_like(all_A), np.zeros_like(all_b), 0.0, 0.0
        if side == 1:
            left_A += A[bins]
            left_b += b[bins]
            left_n += n[bins]
        for c in range(bins - 1 + (1 if extra and side == 0 else 0)):
            left_A += A[c]
            left_b += b[c]
            left_n += n[c]
            left_size += size[c]
            if n[c] == 0 or left_n < costs.minimum or all_n - left_n < costs.minimum:
                continue
            cost = costs.leaf_cost + (min(left_size, all_size - left_size) + 1.0 if is_category else 2.0)
            if cost > costs.budget or (left_size == all_size and side == 1):
                continue
            gains[:] = 0.0
            for k in range(outputs):
                right_A, right_b = all_A[k] - left_A[k], all_b[k] - left_b[k]
                term_chain(left_A[k].copy(), left_b[k].copy(), costs.ridge, costs.free, costs.room, gains[k], picks)
                term_chain(right_A, right_b, costs.ridge, costs.free, costs.room, gains[outputs + k], picks)
            score, terms = _merge(gains, cost, int(min(float(2 * costs.depth), costs.budget - cost)))
            if score > out[0] * (1 + 1e-9):  # better by more than rounding
                out[0], out[1], out[2], out[3] = score, float(c), float(side), float(terms)


def empty_sums(bins: int, outputs: int, m: int) -> BinSums:
    """Zeros of the shapes that :func:`gram_by_bin` fills, with 256 codes where ``bins`` is 256."""
    return BinSums(np.zeros((bins, outputs, m, m)), np.zeros((bins, outputs, m)), np.zeros(bins))
