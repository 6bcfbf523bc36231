"""Weights and targets as whole numbers, so that their sums do not depend on the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SCALE", "WeightUnits", "repetitions", "whole_targets", "whole_weights"]

SCALE = 2.0**20
"""Steps per unit of a target, and of the largest weight: rounding to them moves a mean of targets by 2**-21 at most,
and the sum over 2**40 repetitions of a row stays within 64 bits."""
MOST_WEIGHT = 2.0**40
"""Largest sum of whole-number weights that are kept as repetitions: times 2**20 steps of the target it is 2**60."""


def whole_weights(weight: NDArray[np.float64]) -> tuple[NDArray[np.int64], float]:
    r"""Weights as integers :math:`v_i` and a unit :math:`u` with :math:`w_i \approx u\,v_i`.

    Whole-number weights are repetitions of a row and stay what they are (``u = 1``); equal weights become ones;
    any others are rounded to :math:`2^{-20}` of the largest.

    Parameters
    ----------
    weight : ndarray, shape (n,)
        Positive.

    Returns
    -------
    whole : int64 ndarray, shape (n,), at least 1
    unit : float
        Weight of 1 in ``whole``.

    Examples
    --------
    >>> whole_weights(np.array([2.0, 1.0]))[0].tolist(), whole_weights(np.array([0.2, 0.2]))[0].tolist()
    ([2, 1], [1, 1])
    """
    units = WeightUnits.of(weight)
    return units.whole(weight), units.unit


@dataclass(frozen=True)
class WeightUnits:
    """What decides how weights become whole numbers; of parts of the rows it adds up to that of all.

    Attributes
    ----------
    smallest, largest : float
    all_whole : bool
        Whether each is a whole number.
    total : float
        Their sum; exact where all are whole, and of no use else.

    Examples
    --------
    >>> both = WeightUnits.of(np.array([2.0])) + WeightUnits.of(np.array([1.0, 1.0]))
    >>> both.total, both.unit, both.is_repetition
    (4.0, 1.0, True)
    """

    smallest: float
    largest: float
    all_whole: bool
    total: float

    @classmethod
    def of(cls, weight: NDArray[np.float64]) -> WeightUnits:
        """Look at weights ``(n,)``, positive."""
        smallest, largest = float(weight.min()), float(weight.max())
        return cls(smallest, largest, bool((weight == np.rint(weight)).all()), float(weight.sum()))

    def __add__(self, other: WeightUnits) -> WeightUnits:
        """Of the rows of both."""
        return WeightUnits(
            min(self.smallest, other.smallest),
            max(self.largest, other.largest),
            self.all_whole and other.all_whole,
            self.total + other.total,
        )

    @property
    def counts(self) -> bool:
        """Whether weights are repetitions of rows as they stand."""
        return self.all_whole and self.total <= MOST_WEIGHT

    @property
    def is_repetition(self) -> bool:
        """Whether whole numbers are repetitions of rows: the weights as they stand, or ones where all are equal."""
        return self.counts or self.smallest == self.largest

    @property
    def unit(self) -> float:
        """Weight of 1 in whole numbers."""
        return 1.0 if self.counts else self.largest if self.is_repetition else self.largest / SCALE

    def whole(self, weight: NDArray[np.float64]) -> NDArray[np.int64]:
        """Whole numbers ``(n,)``, at least 1, of some of the weights; see :func:`whole_weights`."""
        if self.counts:
            return weight.astype(np.int64)
        if self.is_repetition:
            return np.ones(len(weight), dtype=np.int64)
        return np.maximum(np.rint(weight / self.largest * SCALE), 1).astype(np.int64)


def repetitions(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""How many rows each row i stands for: whole-number weights are repetitions, others share the rows that there are.

    :math:`w_i` itself, 1 where all are equal, else :math:`n\,w_i / \sum_j w_j`.

    Examples
    --------
    >>> repetitions(np.array([2.0, 1.0])).tolist(), repetitions(np.array([0.3, 0.1])).round(9).tolist()
    ([2.0, 1.0], [1.5, 0.5])
    """
    whole, unit = whole_weights(weight)
    if unit == 1.0 or (whole == 1).all():
        return whole.astype(np.float64)
    return weight / weight.sum() * len(weight)


def whole_targets(
    targets: NDArray[np.float64],
    whole: NDArray[np.int64],
    unit: float,
    scale: float = SCALE,
    is_repetition: bool | None = None,
) -> NDArray[np.int64]:
    r"""Weighted targets as integers: :math:`v_i \cdot \mathrm{round}(s\,t_i)`, or that over :math:`2^{20}`.

    ``i`` runs over rows, the columns are targets. The second form is for weights that are not whole, so that the sum
    over :math:`10^7` rows stays within 64 bits.

    Parameters
    ----------
    targets : ndarray, shape (n, m), values within [-1, 1]
    whole, unit : see :func:`whole_weights`
    scale : float
        Steps per unit of the target.
    is_repetition : bool, optional
        Whether ``whole`` are repetitions of rows; seen from these rows when None, which may not be all there are.
    """
    steps = np.rint(targets * scale)
    if is_repetition is None:
        is_repetition = unit == 1.0 or bool((whole == 1).all())
    if is_repetition:
        return whole[:, None] * steps.astype(np.int64)
    return np.rint(steps * (whole[:, None] / SCALE)).astype(np.int64)
