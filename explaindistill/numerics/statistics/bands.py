r"""Simultaneous bands by the bootstrap: as wide as the largest of all deviations asks, not each place for itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["max_t_band"]

Floats = NDArray[np.float64]
Z95 = 1.6448536269514722  # one-sided standard normal quantile of 95 %


def max_t_band(
    estimate: Floats, draws: Floats, level: float = 0.95, usable: NDArray[np.bool_] | None = None
) -> tuple[Floats, Floats, Floats, float]:
    r"""Band :math:`\hat\theta_j \pm c\, s_j` that holds all :math:`\theta_j` at once.

    :math:`s_j` is the standard deviation of the draws, c the ``level`` quantile of :math:`\max_j |\theta^*_j -
    \hat\theta_j| / s_j`; with B draws its upper 95 % limit, which nears it as B grows: the quantile of level + 1.645
    sqrt(level (1 - level) / B), as the share of draws below c is binomial. The p-value counts the estimate as one draw
    more, (1 + k) / (1 + B), so that it is never 0.

    Parameters
    ----------
    estimate : ndarray of shape (m,)
    draws : ndarray of shape (B, m)
        Bootstrap replicates.
    level : float in (0, 1)
    usable : ndarray of shape (m,), bool, optional
        Places that the band speaks of; the others get NaN.

    Returns
    -------
    low, high : ndarrays of shape (m,)
    p : ndarray of shape (m,)
        Share of the draws whose largest deviation is at least :math:`|\hat\theta_j| / s_j`: a p-value that already
        allows for all places.
    critical : float
        c above.

    References
    ----------
    Ruppert, Wand and Carroll (2003), Semiparametric Regression, sec. 6.5.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(size=(2000, 5))
    >>> low, high, p, critical = max_t_band(np.zeros(5), draws)
    >>> bool(2.4 < critical < 2.7)
    True
    """
    spread = draws.std(axis=0, ddof=1)
    used = spread > 1e-12 * max(float(np.abs(draws).max(initial=0.0)), 1e-300)
    if usable is not None:
        used &= usable
    blank = np.full(len(estimate), np.nan)
    if not used.any():
        return blank, blank.copy(), blank.copy(), float("nan")
    largest = (np.abs(draws[:, used] - estimate[used]) / spread[used]).max(axis=1)
    # as many draws as there are do not tell a quantile exactly: its upper limit is taken, so that few draws widen
    at = min(level + Z95 * np.sqrt(level * (1 - level) / len(draws)), 1.0)
    critical = float(np.quantile(largest, at))
    half = np.where(used, critical * spread, np.nan)
    t_value = np.divide(np.abs(estimate), spread, out=blank.copy(), where=used)
    p = np.where(used, (1 + (largest[None, :] >= t_value[:, None]).sum(axis=1)) / (1 + len(draws)), np.nan)
    return estimate - half, estimate + half, p, critical
