r"""Limits of a figure from what each unit moves it by: bootstrap-t, with room for units of a kind not seen yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from explaindistill.numerics.statistics.resampling import percentile_limits
from explaindistill.numerics.statistics.unseen import mean_excess, widened

__all__ = ["T_DRAWS", "bootstrap_t"]

Floats = NDArray[np.float64]
T_DRAWS = 999
"""Draws of a bootstrap-t: with 999 the quantiles of a 95 % interval are draws themselves, the 25th and the 975th."""


def bootstrap_t(
    estimate: float,
    moved: Sequence[Floats],
    drawn: Sequence[Floats],
    level: float = 0.95,
    reach: Sequence[tuple[float, float]] | None = None,
    studentised: Floats | None = None,
) -> tuple[float, float]:
    r"""Both limits of a figure that unit k of sample s moves by :math:`u_{sk}`, of samples drawn apart.

    The squared error is :math:`\sum_s \frac{n_s}{n_s - 1} \sum_k u_{sk}^2`. Draws give
    :math:`t^* = \sum u^* / se^*`, and the limits are :math:`m - t^*\, se` at its quantiles: influences are skewed, and
    Student's interval is too short on one side. They are never nearer than Student's with Satterthwaite's degrees of
    freedom, since few distinct influences make the drawn quantiles coarse, and are widened for units that no sample
    has shown.

    Parameters
    ----------
    estimate : float
    moved : sequence of ndarray of shape (n_s,)
        Influences of each sample, as parts of a sum.
    drawn : sequence of ndarray of shape (draws, n_s)
        How often each unit is in each draw, see `resampling.row_counts`.
    level : float
    reach : sequence of (float, float), optional
        How far down and up units of an unseen kind would move the figure per unit of their share of a sample. None: as
        much as the unit that moves it most, and beyond it by the mean excess of the units that move it most, since
        a unit that a sample lacks is further out than those that it has; see `unseen.mean_excess`.
    studentised : ndarray of shape (draws,), optional
        The :math:`t^*` of draws in which influences were formed anew, where a figure is no mean; NaN is left out.

    Returns
    -------
    low, high : float
        NaN below two units in a sample; the estimate itself where nothing moves it.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 12; Satterthwaite (1946), doi:10.2307/3002019;
    for unseen units see `unseen.widened`.

    Examples
    --------
    The mean of skewed numbers: the upper side is the longer one.

    >>> from explaindistill.numerics.statistics.resampling import row_counts
    >>> x = np.random.default_rng(0).exponential(size=100)
    >>> counts = row_counts(100, T_DRAWS, np.random.default_rng(1))
    >>> low, high = bootstrap_t(x.mean(), [(x - x.mean()) / 100], [counts])
    >>> round(float(x.mean() - low), 2), round(float(high - x.mean()), 2)
    (0.23, 0.28)
    """
    sizes = [len(u) for u in moved]
    if min(sizes) < 2:
        return float("nan"), float("nan")
    variances = np.array([_variance(u @ u, 0.0, n) for u, n in zip(moved, sizes, strict=True)])
    limits = np.full(2, estimate)
    if (error := float(np.sqrt(variances.sum()))) > 0:
        freedom = variances.sum() ** 2 / (variances**2 / (np.array(sizes) - 1)).sum()
        student = float(special.stdtrit(freedom, 0.5 + level / 2))
        t = _studentised(moved, drawn) if studentised is None else studentised[np.isfinite(studentised)]
        low, high = percentile_limits(t, level) if len(t) else (0.0, 0.0)
        limits = np.array([estimate - max(high, student) * error, estimate - min(low, -student) * error])
    for i, (u, n) in enumerate(zip(moved, sizes, strict=True)):
        ways = (n * _furthest(-u), n * _furthest(u)) if reach is None else reach[i]
        limits = widened(estimate, limits, ways, n, level)
    return float(limits[0]), float(limits[1])


def _variance(squares: Any, total: Any, n: int) -> Any:
    """Squared error of a sum of n influences from the sum of their squares and their sum."""
    return np.maximum(squares - total**2 / n, 0.0) * n / (n - 1)


def _furthest(moved: Floats) -> float:
    """How far up a unit that no sample has shown would move the figure."""
    return float(moved.max()) + mean_excess(moved)


def _studentised(moved: Sequence[Floats], drawn: Sequence[Floats]) -> Floats:
    """The sums of all draws, each over its own error; draws of units that do not differ are left out."""
    totals = [counts @ u for u, counts in zip(moved, drawn, strict=True)]
    squares = [counts @ u**2 for u, counts in zip(moved, drawn, strict=True)]
    parts = zip(squares, totals, moved, strict=True)
    spread = np.sqrt(np.sum([_variance(square, total, len(u)) for square, total, u in parts], axis=0))
    total = np.sum(totals, axis=0)
    return np.asarray(total[spread > 0] / spread[spread > 0])
