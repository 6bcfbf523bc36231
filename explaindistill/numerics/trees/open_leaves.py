"""What a tree may be, its leaves while it grows, and ways to cut them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.trees.splitting import ColumnCuts

__all__ = ["CodeSplit", "FinerThreshold", "OpenLeaf", "TreeLimits", "no_cuts"]


@dataclass(frozen=True, eq=False)
class TreeLimits:
    """What a tree may be.

    Attributes
    ----------
    max_leaf_nodes, max_depth, max_features_used : int or None
    min_samples_leaf : int
        Rows; whole-number weights count as repetitions.
    min_decrease : float
        Smallest drop of the mean squared error (over all rows) that justifies a split.
    signs : int64 ndarray, shape (d,)
        1 where the first target may only rise with the column, -1 where it may only fall, else 0.
    groups : tuple of frozensets of column numbers, or None
        Columns that may stand on one path together; None for no limit.
    """

    max_leaf_nodes: int | None
    max_depth: int | None
    min_samples_leaf: int
    min_decrease: float
    max_features_used: int | None
    signs: NDArray[np.int64]
    groups: tuple[frozenset[int], ...] | None


@dataclass(frozen=True)
class FinerThreshold:
    """A threshold within two bins: rows up to ``last`` have the first of ``codes``, others the second."""

    last: float
    codes: tuple[int, int]

    def codes_of(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Codes ``(m,)`` of values in the two bins."""
        return np.where(values <= self.last, *self.codes).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class CodeSplit:
    """One way to cut a leaf: ``goes_left`` ``(256,)`` says where each code goes, ``left`` ``(c,)`` sums that side.

    With a ``finer`` threshold codes beside it change first.
    """

    gain: float
    feature: int
    goes_left: NDArray[np.bool_]
    left: NDArray[np.int64]
    finer: FinerThreshold | None = None


def no_cuts(d: int) -> ColumnCuts:
    """Return cuts of ``d`` columns none of which gains anything."""
    return ColumnCuts(np.zeros(d), np.full(d, -1), np.zeros(d, dtype=np.int64))


UNKNOWN_CUTS = no_cuts(0)  # of a leaf that has not been looked at


@dataclass(eq=False)
class OpenLeaf:
    """A leaf while the tree grows: rows ``start:end`` of the grower's index, and its best cut per column.

    ``sums`` ``(c,)`` are those of its rows, ``low`` and ``high`` bound its value, ``path`` has the columns asked above
    it.
    """

    start: int
    end: int
    depth: int
    sums: NDArray[np.int64]
    low: float
    high: float
    path: frozenset[int]
    hist: NDArray[np.int64] | None = None
    cuts: ColumnCuts = UNKNOWN_CUTS
