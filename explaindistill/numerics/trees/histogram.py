r"""Integer histograms of counts, weights and targets over binned columns.

A *slot* is one bin of one column; each column has ``n_bins + 1`` slots, the last one for missing values. A histogram is
``(n_slots, c)`` int64: channel 0 counts rows, the others hold sums (see :class:`Channels`),

.. math:: H_{f b c} = \sum_{i : \mathrm{code}_{f i} = b} r_{i c}

with ``i`` over the rows of a node, ``f`` over columns, ``b`` over the bins of a column, ``c`` over channels. Whole
numbers add up to the same in any order, and a node's histogram less one child's is exactly the other child's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel
from explaindistill.numerics.trees.binning import MISSING, BinRule
from explaindistill.numerics.trees.fixed_point import SCALE, WeightUnits, whole_targets

__all__ = ["Channels", "Slots", "channels"]

PACK_BITS = 42
"""Low bits of a packed number that hold the sum of the target, the high ones the count: with at most 2**20 steps per
row 2**21 rows sum to 2**41 at most, and their count fits into the 22 bits that are left, one of them the sign."""


NO_WEIGHTS = WeightUnits(1.0, 1.0, True, 0.0)  # each row counts once


class Slots(NamedTuple):
    """Where each column's bins lie in a histogram: column ``f`` has the slots ``offsets[f]:offsets[f + 1]``.

    ``n_bins`` and ``is_category`` are ``(d,)``, ``offsets`` is ``(d + 1,)``.
    """

    n_bins: NDArray[np.int64]
    offsets: NDArray[np.int64]
    is_category: NDArray[np.bool_]

    @classmethod
    def of(cls, rules: Sequence[BinRule]) -> Slots:
        """Lay out the slots of columns with these bins."""
        n_bins = np.array([r.n_bins for r in rules], dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(n_bins + 1)]).astype(np.int64)
        return cls(n_bins, offsets, np.array([r.is_category for r in rules]))

    def column(self, f: int) -> Slots:
        """The slots of one column alone."""
        n_bins = self.n_bins[f : f + 1]
        return Slots(n_bins, np.append(0, n_bins + 1), self.is_category[f : f + 1])

    @property
    def total(self) -> int:
        """Slots of all columns together."""
        return int(self.offsets[-1])


@dataclass(frozen=True, eq=False)
class Channels:
    """What is summed for each row, as whole numbers.

    Attributes
    ----------
    rows : int64 ndarray, shape (n, c), or (n,) where count and the only target share one number
        Columns: count, weight if weights are not whole numbers, then the targets.
    weight, target : int
        Channel of the weight (0 or 1), and of the first target.
    weight_unit, target_unit : float
        What 1 in those channels stands for.
    squares, square_unit : int64 ndarray of shape (n,), and what 1 in it stands for
        Weighted sum of the squared targets of each row.
    """

    rows: NDArray[np.int64]
    weight: int
    target: int
    width: int
    weight_unit: float
    target_unit: float
    squares: NDArray[np.int64]
    square_unit: float

    @property
    def packed(self) -> bool:
        """Whether count and target share one number."""
        return self.rows.ndim == 1


def channels(
    targets: NDArray[np.float64],
    weight: NDArray[np.float64] | None,
    scale: float = SCALE,
    units: WeightUnits | None = None,
) -> Channels:
    r"""Build the channels of rows.

    Parameters
    ----------
    targets : ndarray, shape (n, m), values within [-1, 1]
    weight : ndarray, shape (n,), positive, optional
    scale : float
        Steps per unit of the target.
    units : WeightUnits, optional
        Of all rows, where these are a part of them.

    Notes
    -----
    With weights :math:`w_i \approx u\,v_i` (see :func:`whole_weights`) a channel holds
    :math:`v_i\,\mathrm{round}(s\,t_{ik})` in units of :math:`u / s`, or that over :math:`2^{20}` where weights are not
    whole. The squares are averaged over the m targets, so that they too lie within 1 and keep to the same steps.
    """
    n, m = targets.shape
    if units is None:
        units = NO_WEIGHTS if weight is None else WeightUnits.of(weight)
    whole = np.ones(n, dtype=np.int64) if weight is None else units.whole(weight)
    unit, repeated = units.unit, units.is_repetition
    steps = whole_targets(targets, whole, unit, scale, repeated)
    target_unit = unit / scale if repeated else unit * SCALE / scale
    counts = whole if repeated else np.ones(n, dtype=np.int64)
    squares = whole_targets((targets**2).sum(axis=1, keepdims=True) / m, whole, unit, is_repetition=repeated)[:, 0]
    square = (squares, m * unit * (1 if repeated else SCALE) / SCALE)
    small = repeated and m == 1 and scale <= SCALE and int(counts.sum()) < 1 << (64 - PACK_BITS - 1)
    if small and bool((steps >= 0).all()):
        packed = (counts << PACK_BITS) | steps[:, 0]
        return Channels(packed, 0, 1, 2, unit, target_unit, *square)
    extra = [] if repeated else [whole[:, None]]
    rows = np.ascontiguousarray(np.concatenate([counts[:, None], *extra, steps], axis=1))
    return Channels(rows, len(extra), 1 + len(extra), rows.shape[1], unit, target_unit, *square)


@kernel
def gather(rows: NDArray[np.int64], index: NDArray[np.int32]) -> NDArray[np.int64]:
    """Channels of the rows of a node, one after the other: ``out[i, c] = rows[index[i], c]``."""
    out = np.empty((len(index), rows.shape[1]), dtype=np.int64)
    for i in range(len(index)):
        for c in range(rows.shape[1]):
            out[i, c] = rows[index[i], c]
    return out


@kernel
def fill(
    codes: NDArray[np.uint8],
    index: NDArray[np.int32],
    rows: NDArray[np.int64],
    features: NDArray[np.int64],
    slots: Slots,
    out: NDArray[np.int64],
) -> None:
    """Histogram of some columns over the rows of one node; see the module's equation.

    ``codes`` is ``(d, n)``; ``rows`` is ``(n_node, c)``, gathered; an empty ``index`` means all rows in order; ``out``
    is ``(n_slots, c)``.
    """
    n_bins, offsets = slots.n_bins, slots.offsets
    width = rows.shape[1]
    local = np.empty((256, width), dtype=np.int64)
    for f in features:
        local[:] = 0
        column = codes[f]
        for i in range(len(rows)):
            b = column[index[i]] if len(index) else column[i]
            for c in range(width):
                local[b, c] += rows[i, c]
        first = offsets[f]
        for b in range(n_bins[f]):
            out[first + b] = local[b]
        out[first + n_bins[f]] = local[MISSING]


@kernel
def fill_packed(
    codes: NDArray[np.uint8],
    index: NDArray[np.int32],
    rows: NDArray[np.int64],
    features: NDArray[np.int64],
    slots: Slots,
    out: NDArray[np.int64],
) -> None:
    """Do as :func:`fill`, for rows ``(n_node,)`` whose count and target share one number: one addition a row.

    Two accumulators in turn, so that neighbours with one code need not wait for each other.
    """
    n_bins, offsets = slots.n_bins, slots.offsets
    local = np.empty((2, 256), dtype=np.int64)
    mask = (np.int64(1) << PACK_BITS) - 1
    n = len(rows)
    for f in features:
        local[:] = 0
        column = codes[f]
        if len(index):
            for i in range(0, n - 1, 2):
                local[0, column[index[i]]] += rows[i]
                local[1, column[index[i + 1]]] += rows[i + 1]
            if n % 2:
                local[0, column[index[n - 1]]] += rows[n - 1]
        else:
            for i in range(0, n - 1, 2):
                local[0, column[i]] += rows[i]
                local[1, column[i + 1]] += rows[i + 1]
            if n % 2:
                local[0, column[n - 1]] += rows[n - 1]
        first = offsets[f]
        for b in range(n_bins[f] + 1):
            code = b if b < n_bins[f] else MISSING
            both = local[0, code] + local[1, code]
            out[first + b, 0] = both >> PACK_BITS
            out[first + b, 1] = both & mask


@kernel
def total_of(whole: NDArray[np.int64], index: NDArray[np.int32]) -> int:
    """Sum over the rows of a node: that of ``whole[i]`` over ``i`` in ``index``."""
    total = 0
    for i in index:
        total += whole[i]
    return total


@kernel
def partition(
    column: NDArray[np.uint8], index: NDArray[np.int32], goes_left: NDArray[np.bool_], spare: NDArray[np.int32]
) -> int:
    """Bring the rows that go left to the front, both sides in their old order; returns how many go left.

    ``column`` is ``(n,)``, all codes of the column; ``index`` the rows of the node, changed in place; ``spare`` is at
    least as long, for the kernel's use.
    """
    n_left = n_right = 0
    for i in range(len(index)):
        row = index[i]
        if goes_left[column[row]]:
            index[n_left] = row
            n_left += 1
        else:
            spare[n_right] = row
            n_right += 1
    for i in range(n_right):  # assigning a slice would compile its error messages too, for a second and a half
        index[n_left + i] = spare[i]
    return n_left
