r"""Bootstrap of a mean over pairs of rows, in which every draw forms the parts of both rows anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["PairDraws"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PairDraws:
    r"""Draws of units, for means over pairs (i, j) of n rows: :math:`m = \sum v_{ij} g_{ij} / \sum v_{ij}`.

    A draw that has row k :math:`c_k` times has the pair :math:`c_i c_j` times. Its mean is :math:`m^* = \sum c_i c_j
    v_{ij} g_{ij} / \sum c_i c_j v_{ij}`, a copy of row k moves it by :math:`u^*_k = \sum_j c_j (v_{kj} (g_{kj} - m^*) +
    v_{jk} (g_{jk} - m^*)) / \sum c_i c_j v_{ij}`, and its squared error is :math:`\frac{n}{n-1} \sum_k c_k u_k^{*2}`.
    Influences of the sample itself, drawn again, would leave out what two rows do together: with few shuffles of few
    rows, that is much.

    Attributes
    ----------
    drawn : ndarray of shape (draws, units)
        How often each unit is in each draw, see `resampling.row_counts`.
    pairs : (ndarray of int, ndarray of int)
        First and second row of each pair.
    weight : ndarray of shape (pairs,)
    rows : int
    units : ndarray of int, shape (rows,), optional
        Unit of each row; each row is one when None.

    References
    ----------
    Hoeffding (1948), doi:10.1214/aoms/1177730196 (means over pairs); Efron and Tibshirani (1993), An Introduction to
    the Bootstrap, ch. 12 (bootstrap-t).

    Examples
    --------
    The variance of twelve numbers as half of a mean over all pairs:

    >>> from explaindistill.numerics.statistics.resampling import row_counts
    >>> x = np.arange(12.0)
    >>> first, second = np.triu_indices(12, 1)
    >>> draws = PairDraws(row_counts(12, 4, np.random.default_rng(0)), (first, second), np.ones(66), 12)
    >>> bool(np.isfinite(draws.studentised((x[first] - x[second]) ** 2 / 2)).all())
    True
    """

    drawn: Floats
    pairs: tuple[Codes, Codes]
    weight: Floats
    rows: int
    units: Codes | None = None

    @cached_property
    def _counts(self) -> Floats:
        return self.drawn if self.units is None else self.drawn[:, self.units]

    @cached_property
    def _weights(self) -> Floats:
        return self._around(self.weight)

    def _around(self, values: Floats) -> Floats:
        """Of each draw and row, the sum of the values of its pairs, each as often as the draw has its other row."""
        first, second = self.pairs
        table = np.bincount(first * self.rows + second, values, self.rows**2).reshape(self.rows, self.rows)
        return self._counts @ (table + table.T)

    def studentised(self, values: Floats) -> Floats:
        """Distance of each draw's mean of these values of pairs from that of all pairs, over its own error.

        NaN for draws without a pair, or whose pairs are all alike.
        """
        counts, sums, weights = self._counts, self._around(self.weight * values), self._weights
        units = self.drawn.shape[1]
        with np.errstate(invalid="ignore", divide="ignore"):
            total = (weights * counts).sum(axis=1) / 2
            mean = (sums * counts).sum(axis=1) / 2 / total
            moved = (sums - mean[:, None] * weights) / total[:, None]
            if self.units is not None:
                moved = moved @ (self.units[:, None] == np.arange(units)).astype(float)
            error = np.sqrt((self.drawn * moved**2).sum(axis=1) * units / (units - 1))
            return np.asarray((mean - np.average(values, weights=self.weight)) / np.where(error > 0, error, np.nan))
