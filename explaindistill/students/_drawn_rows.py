"""Rows drawn by what stands in them: the same rows, in the same order, however all rows are cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.folds import content_keys
from explaindistill.data.parts import AnsweredPart
from explaindistill.data.row_keys import row_keys
from explaindistill.numerics.exact_sums import rounded
from explaindistill.numerics.sums import concatenated
from explaindistill.protocols import Partitions
from explaindistill.students._parts_intake import Piece, collapsed

__all__ = ["DrawnRows", "drawn_rows"]


@dataclass(frozen=True, eq=False)
class DrawnRows:
    """Distinct rows that come first in a shuffle by content; equal rows of one answer are one row of more weight.

    Attributes
    ----------
    X : DataFrame of n rows
    Y : ndarray of shape (n, k)
    weight : ndarray of shape (n,)
    rank : int ndarray of shape (n,)
        Place of each row in the shuffle of the distinct rows.
    """

    X: pd.DataFrame
    Y: NDArray[np.float64]
    weight: NDArray[np.float64]
    rank: NDArray[np.intp]

    @property
    def n_distinct(self) -> int:
        """Number of distinct rows."""
        return int(self.rank[-1]) + 1

    def first(self, most: int) -> DrawnRows:
        """Rows of the first places."""
        n = int(np.searchsorted(self.rank, most))
        return DrawnRows(self.X.iloc[:n], self.Y[:n], self.weight[:n], self.rank[:n])


def drawn_rows(parts: Partitions, most: int, seed: int, lift: float) -> DrawnRows:
    """Draw up to ``most`` distinct rows.

    Parameters
    ----------
    parts : Partitions of AnsweredPart
    most : int
    seed : int
        Of the shuffle.
    lift : float
        Weights are rounded by it, see :func:`explaindistill.numerics.exact_sums.rounded`: those of equal rows then add
        up alike in any order.
    """
    keyed = parts.step(_keyed, seed)
    lowest = keyed.ask(_lowest, most, reduce=_joined).keys
    pieces = keyed.ask(_rows_up_to, lowest[-1], lift, reduce=concatenated)
    rows = pd.concat([piece[0] for piece in pieces], ignore_index=True)
    keys, Y, weight = (np.concatenate([piece[i] for piece in pieces]) for i in (1, 2, 3))
    rows, keys, Y, weight = collapsed(rows, keys, Y, weight)
    place = content_keys(rows, seed)
    order = np.lexsort((*Y.T, keys[:, 1], keys[:, 0], place))
    rank = np.unique(place[order], return_inverse=True)[1].astype(np.intp)
    return DrawnRows(rows.iloc[order].reset_index(drop=True), np.ascontiguousarray(Y[order]), weight[order], rank)


@dataclass(frozen=True, eq=False)
class _Keyed:
    """A part, and the place of each of its rows in the shuffle."""

    part: AnsweredPart
    place: NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class _Lowest:
    """The lowest of some keys, each once."""

    keys: NDArray[np.uint64]
    most: int


def _keyed(part: AnsweredPart, seed: int) -> _Keyed:
    return _Keyed(part, content_keys(part.frame(), seed))


def _lowest(keyed: _Keyed, most: int) -> _Lowest:
    return _Lowest(np.unique(keyed.place)[:most], most)


def _joined(a: _Lowest, b: _Lowest) -> _Lowest:
    return _Lowest(np.union1d(a.keys, b.keys)[: a.most], a.most)


def _rows_up_to(keyed: _Keyed, last: np.uint64, lift: float) -> tuple[Piece, ...]:
    answered, chosen = keyed.part, np.flatnonzero(keyed.place <= last)
    rows = answered.frame().iloc[chosen]
    weight = rounded(answered.weights()[chosen], lift)
    return (collapsed(rows, row_keys(rows), answered.Y[chosen], weight),)
