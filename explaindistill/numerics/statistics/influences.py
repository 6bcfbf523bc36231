r"""Limits of a figure from what each unit moves it by: bootstrap-t, with room for units of a kind not seen yet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from explaindistill.numerics.statistics.resampling import percentile_limits
from explaindistill.numerics.statistics.unseen import widened

__all__ = ["T_DRAWS", "bootstrap_t"]

Floats = NDArray[np.float64]
T_DRAWS = 999
"""Draws of a bootstrap-t: with 999 the quantiles of a 95 % interval are draws themselves, the 25th and the 975th."""


def bootstrap_t(estimate: float, moved: Floats, drawn: Floats, level: float = 0.95) -> tuple[float, float]:
    r"""Both limits of a figure that unit k of n moves by :math:`u_k`.

    Draws give :math:`t^* = \sum u^* / se^*`, and the limits are :math:`m - t^*\, se` at its quantiles: influences are
    skewed, and Student's interval is too short on one side. They are never nearer than Student's, since few distinct
    influences make the drawn quantiles coarse, and are widened for units that no sample has shown, each of which may
    move the figure as much as the one that moves it most.

    Parameters
    ----------
    estimate : float
    moved : ndarray of shape (n,)
        Influences, as parts of a sum; their squares add up to about the squared error.
    drawn : ndarray of shape (draws, n)
        How often each unit is in each draw, see `resampling.row_counts`.
    level : float

    Returns
    -------
    low, high : float
        NaN below two units; the estimate itself where nothing moves it.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 12; for unseen units see `unseen.widened`.

    Examples
    --------
    The mean of skewed numbers: the upper side is the longer one.

    >>> from explaindistill.numerics.statistics.resampling import row_counts
    >>> x = np.random.default_rng(0).exponential(size=100)
    >>> low, high = bootstrap_t(x.mean(), (x - x.mean()) / 100, row_counts(100, T_DRAWS, np.random.default_rng(1)))
    >>> round(float(x.mean() - low), 2), round(float(high - x.mean()), 2)
    (0.23, 0.27)
    """
    n = len(moved)
    if n < 2:
        return float("nan"), float("nan")
    error = float(np.sqrt((moved**2).sum() * n / (n - 1)))
    if error == 0:
        return estimate, estimate
    total = drawn @ moved
    spread = np.sqrt(np.maximum(drawn @ moved**2 - total**2 / n, 0.0) * n / (n - 1))
    t = total[spread > 0] / spread[spread > 0]
    low, high = (float(x) for x in percentile_limits(t, level))
    student = float(special.stdtrit(n - 1, 0.5 + level / 2))
    limits = (estimate - max(high, student) * error, estimate - min(low, -student) * error)
    reach = (-n * float(moved.min()), n * float(moved.max()))
    low, high = widened(estimate, limits, reach, n, level)
    return float(low), float(high)
