r"""Smooth functions of means from sums over rows, which add up over parts of the rows.

Of numbers :math:`m_i` per row with weights :math:`w_i`: n, :math:`\sum w_i`, :math:`\sum w_i^2`, :math:`\sum w_i m_i`,
:math:`\sum w_i^2 m_i` and :math:`\sum w_i^2 m_i m_i^\top` are all that the delta method reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.statistics.counted import Counted
from explaindistill.numerics.statistics.tallies import GRADIENT_STEP, Smooth

__all__ = ["MomentSums"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MomentSums:
    """Sums of q numbers per row.

    Attributes
    ----------
    n : int
        Rows of a weight above 0.
    weight, square : float
        Sums of the weights and of their squares.
    first : ndarray of shape (q,)
        Of weight times number.
    second : ndarray of shape (q,)
        Of squared weight times number.
    product : ndarray of shape (q, q)
        Of squared weight times two numbers.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [2.0, 4.5], [3.0, 5.5]])
    >>> whole = MomentSums.of(x[:1]) + MomentSums.of(x[1:])
    >>> value, error, freedom = whole.smooth(lambda m: m[0] / m[1])
    >>> round(value, 3), round(error, 3)
    (0.5, 0.036)
    """

    n: int
    weight: float
    square: float
    first: Floats
    second: Floats
    product: Floats

    @classmethod
    def of(cls, moments: Floats, weight: Floats | None = None) -> MomentSums:
        """Sums over rows of shape (n, q)."""
        if weight is None:
            total = moments.sum(axis=0)
            return cls(len(moments), float(len(moments)), float(len(moments)), total, total, moments.T @ moments)
        scaled = moments * weight[:, None]
        return cls(
            int((weight > 0).sum()),
            float(weight.sum()),
            float(weight @ weight),
            scaled.sum(axis=0),
            weight @ scaled,
            scaled.T @ scaled,
        )

    @classmethod
    def of_cells(cls, moments: Floats, counted: Counted) -> MomentSums:
        """Sums over cells of shape (m, q), inside of which all rows have the same numbers."""
        scaled = moments * counted.square[:, None]
        return cls(
            int(counted.count.sum()),
            float(counted.weight.sum()),
            float(counted.square.sum()),
            counted.weight @ moments,
            scaled.sum(axis=0),
            scaled.T @ moments,
        )

    def __add__(self, other: MomentSums) -> MomentSums:
        """Of the rows of both."""
        return MomentSums(
            self.n + other.n,
            self.weight + other.weight,
            self.square + other.square,
            self.first + other.first,
            self.second + other.second,
            self.product + other.product,
        )

    def at(self, columns: slice) -> MomentSums:
        """Sums of some of the numbers."""
        return MomentSums(
            self.n, self.weight, self.square, self.first[columns], self.second[columns], self.product[columns, columns]
        )

    @property
    def mean(self) -> Floats:
        """Weighted means ``(q,)``."""
        return np.asarray(self.first / self.weight)

    @property
    def worth(self) -> float:
        r"""Independent rows: :math:`(\sum w)^2 / \sum w^2`."""
        return self.weight**2 / self.square

    def smooth(self, function: Callable[[Floats], float]) -> Smooth:
        """Value and standard error; see `explaindistill.numerics.statistics.tallies.mean_function`."""
        if self.n == 0:
            return Smooth(np.nan, np.nan, np.nan)
        mean = self.mean
        estimate = float(function(mean))
        step = GRADIENT_STEP * np.maximum(np.abs(mean), GRADIENT_STEP)
        gradient = np.array(
            [
                (function(mean + h * e) - function(mean - h * e)) / (2 * h)
                for h, e in zip(step, np.eye(len(mean)), strict=True)
            ]
        )
        crossed = np.outer(mean, self.second)
        spread = self.product - crossed - crossed.T + np.outer(mean, mean) * self.square
        square = float(gradient @ spread @ gradient) / self.weight**2
        if self.n < 2 or not np.isfinite(estimate) or not np.isfinite(square):
            return Smooth(estimate, np.nan, np.nan)
        return Smooth(estimate, float(np.sqrt(max(square, 0.0) * self.n / (self.n - 1))), np.inf)
