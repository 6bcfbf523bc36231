"""How close one set of answers is to another: agreement at the most probable class, or explained share of variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["closeness"]

Array = NDArray[np.float64]


def closeness(answer: Array, reference: Array, classification: bool, weight: Array | None = None) -> float:
    """Share of rows with the same most probable class, or R² of values (mean over outputs); NaN where undefined.

    Of output k that is ``1 - sum_i w_i (a_ik - r_ik)**2 / sum_i w_i (r_ik - mean_k)**2`` with the weighted mean of the
    reference.

    Examples
    --------
    >>> closeness(np.array([[0.4, 0.6], [0.9, 0.1]]), np.array([[0.1, 0.9], [0.3, 0.7]]), True)
    0.5
    >>> closeness(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]), False)
    1.0
    """
    w = np.full(len(answer), 1.0) if weight is None else weight
    if classification:
        return float(np.average(answer.argmax(axis=1) == reference.argmax(axis=1), weights=w))
    a, r = answer.reshape(len(answer), -1), reference.reshape(len(reference), -1)
    spread = w @ (r - w @ r / w.sum()) ** 2
    error = w @ (a - r) ** 2
    return float(np.mean(1 - np.divide(error, spread, out=np.full_like(error, np.nan), where=spread > 0)))
