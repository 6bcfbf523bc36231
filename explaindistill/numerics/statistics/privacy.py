"""Privacy of noisy votes: Rényi differential privacy of the Gaussian mechanism, composed and turned into (ε, δ)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError

__all__ = ["ORDERS", "epsilon_of_votes", "most_questions"]

ORDERS: NDArray[np.float64] = np.concatenate([1 + np.arange(1, 100) / 10, np.arange(11, 1025, dtype=float)])
"""Rényi orders that are tried: 1.1 to 10.9 in tenths, since large budgets have their minimum near 1, and 11 to 1024."""


def epsilon_of_votes(n_questions: int, noise_scale: float, delta: float) -> float:
    r"""Privacy loss of answering ``n_questions`` with the noisiest vote (GNMax).

    One record changes one teacher, hence one vote, hence two counts by 1: the Gaussian noise of scale :math:`\sigma` on
    each count gives :math:`\varepsilon(\alpha) = \alpha / \sigma^2` per question, whatever the votes are. Questions
    add up, and

    .. math:: \varepsilon = \min_\alpha \; n \frac{\alpha}{\sigma^2} + \log\frac{\alpha - 1}{\alpha}
        - \frac{\log \delta + \log \alpha}{\alpha - 1}.

    Parameters
    ----------
    n_questions : int, at least 0
    noise_scale : float above 0
        Standard deviation of the noise on each count.
    delta : float in (0, 1)

    Returns
    -------
    float
        Natural units; 0 where nothing was asked.

    References
    ----------
    Papernot et al. (2018), arXiv:1802.08908, proposition 8; Canonne, Kamath and Steinke (2020), arXiv:2004.00010,
    proposition 12, for the conversion.

    Examples
    --------
    >>> round(epsilon_of_votes(1, 40.0, 1e-5), 3) < round(epsilon_of_votes(1000, 40.0, 1e-5), 3)
    True
    """
    if noise_scale <= 0:
        raise InvalidInputError(f"noise_scale must be above 0, got {noise_scale}")
    if not 0 < delta < 1:
        raise InvalidInputError(f"delta must lie between 0 and 1, got {delta}")
    if n_questions == 0:
        return 0.0
    divergence = n_questions * ORDERS / noise_scale**2
    loss = divergence + np.log1p(-1 / ORDERS) - (np.log(delta) + np.log(ORDERS)) / (ORDERS - 1)
    return float(max(loss.min(), 0.0))


def most_questions(epsilon: float, noise_scale: float, delta: float) -> int:
    """Most questions that may be answered within ``epsilon`` at ``delta``.

    Doubled until they are too many, then found by halving in between.

    Examples
    --------
    >>> n = most_questions(1.0, 40.0, 1e-5)
    >>> epsilon_of_votes(n, 40.0, 1e-5) <= 1.0 < epsilon_of_votes(n + 1, 40.0, 1e-5)
    True
    """
    if epsilon <= 0:
        raise InvalidInputError(f"epsilon must be above 0, got {epsilon}")
    low, high = 0, 1
    while epsilon_of_votes(high, noise_scale, delta) <= epsilon:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if epsilon_of_votes(middle, noise_scale, delta) <= epsilon else (low, middle)
    return low
