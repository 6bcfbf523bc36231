r"""Counts and shares of rows that were counted where they lie: as `tallies` gives them of the rows themselves.

Rows that agree in all that a figure reads of them are one cell: their number n, the sum of their weights
:math:`\sum w` and of the squares :math:`\sum w^2` are all that a share and its interval rest on. Cells of parts add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.numerics.statistics.tallies import Tally

__all__ = ["Counted"]


@dataclass(frozen=True, eq=False)
class Counted:
    """How many rows each cell holds, and what they weigh.

    Attributes
    ----------
    count : int64 ndarray, shape (m,)
        Rows of a weight above 0.
    weight, square : float64 ndarray, shape (m,)
        Sums of their weights and of the squares of these; the count where rows have no weights.

    Examples
    --------
    Three rows, of which the first and the last agree:

    >>> counted = Counted.unweighted([2, 1])
    >>> tally = counted.tally([True, False], [0, 0], 1)
    >>> tally.n.tolist(), tally.share.round(3).tolist()
    ([3.0], [0.667])
    """

    count: NDArray[np.int64]
    weight: NDArray[np.float64]
    square: NDArray[np.float64]

    @classmethod
    def unweighted(cls, count: ArrayLike) -> Counted:
        """Rows of weight 1."""
        whole = np.asarray(count, dtype=np.int64)
        return cls(whole, whole.astype(float), whole.astype(float))

    def __len__(self) -> int:
        return len(self.count)

    def at(self, cells: NDArray[np.bool_]) -> Counted:
        """Only the marked cells."""
        return Counted(self.count[cells], self.weight[cells], self.square[cells])

    @property
    def worth(self) -> float:
        r"""Independent rows that all rows are worth: :math:`(\sum w)^2 / \sum w^2`."""
        return float(self.weight.sum() ** 2 / self.square.sum())

    def tally(self, success: ArrayLike, codes: ArrayLike, n_groups: int) -> Tally:
        """Rows and successes by group; see `explaindistill.numerics.statistics.tallies.tally`.

        Parameters
        ----------
        success : bool array of shape (m,)
        codes : int array of shape (m,)
            Group of each cell; cells with a negative code are left out.
        """
        x, g = np.asarray(success, dtype=bool), np.asarray(codes, dtype=np.int64)
        inside = g >= 0
        x, g, of = x[inside], g[inside], self.at(inside)
        n, total, square = (_sums(g, of_cells, n_groups) for of_cells in (of.count, of.weight, of.square))
        hits = _sums(g[x], of.weight[x], n_groups)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = hits / total
            effective = total**2 / square
        return Tally(
            n=n,
            k=_sums(g[x], of.count[x], n_groups),
            share=np.where(n > 0, np.clip(share, 0, 1), np.nan),
            n_effective=np.where(n > 0, np.minimum(effective, n), 0.0),
            weight=total,
        )


def _sums(g: NDArray[np.int64], values: NDArray[Any], n_groups: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(g, values, n_groups), dtype=np.float64)
