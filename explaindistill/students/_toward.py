"""What moving towards labels means everywhere: a student's numbers go a share of the way, nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PRIOR_ROWS", "Array", "Move", "held_back"]

Array = NDArray[np.float64]
Move = Callable[[float], Any]
"""From a strength above 0 and at most 1 to a copy of the student."""
PRIOR_ROWS = 10.0
"""Labels count as much as the student's own number from so many rows on: fewer than ten labels of a rare leaf are
mostly chance, and with some hundred of them the student's number no longer shows."""


def held_back(value: Array, total: Array, n: Array) -> Array:
    r"""Mean of labels, drawn to the value that was there as if it were ten more labels.

    .. math:: \tilde v_{\ell k} = \frac{\sum_{i \in \ell} y_{ik} + c v_{\ell k}}{n_\ell + c}, \quad c = 10

    Parameters
    ----------
    value : ndarray of shape (q, k)
        What q leaves or rules say now.
    total : ndarray of shape (q, k)
        Sums of the labels of their rows.
    n : ndarray of shape (q,)
        Rows in each.

    Examples
    --------
    Ten labels of 9 move a 7 half the way:

    >>> held_back(np.array([[7.0]]), np.array([[90.0]]), np.array([10.0])).tolist()
    [[8.0]]
    """
    return np.asarray((total + PRIOR_ROWS * value) / (n + PRIOR_ROWS)[:, None])
