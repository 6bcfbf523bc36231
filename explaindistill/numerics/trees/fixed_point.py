"""Weights and targets as whole numbers, so that their sums do not depend on the order of the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["SCALE", "repetitions", "whole_targets", "whole_weights"]

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
    top = float(weight.max())
    if (weight == np.rint(weight)).all() and weight.sum() <= MOST_WEIGHT:
        return weight.astype(np.int64), 1.0
    if (weight == top).all():
        return np.ones(len(weight), dtype=np.int64), top
    return np.maximum(np.rint(weight / top * SCALE), 1).astype(np.int64), top / SCALE


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
    targets: NDArray[np.float64], whole: NDArray[np.int64], unit: float, scale: float = SCALE
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
    """
    steps = np.rint(targets * scale)
    if unit == 1.0 or (whole == 1).all():
        return whole[:, None] * steps.astype(np.int64)
    return np.rint(steps * (whole[:, None] / SCALE)).astype(np.int64)
