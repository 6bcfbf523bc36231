"""A mean return that knows its interval and how many episodes it was measured on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.statistics.mean_limits import mean_limits

__all__ = ["MeanReturn", "limit_words"]


def limit_words(low: float, high: float) -> str:
    """Limits in brackets, or why there are none: where all episodes earned alike, they do not say how far one may fall.

    Examples
    --------
    >>> limit_words(1.0, 2.5), limit_words(float("nan"), float("nan"))
    ('[1, 2.5]', '[no limits: all earned alike]')
    """
    return f"[{low:.4g}, {high:.4g}]" if np.isfinite(low) else "[no limits: all earned alike]"


class MeanReturn(float):
    """A float: the mean return, with ``low``, ``high`` and the number ``n`` of episodes.

    Examples
    --------
    >>> value = MeanReturn.of(np.array([1.0, 2.0, 3.0, 2.0]), (0.0, 5.0))
    >>> value, value > 1.5, value.n
    (2 [0.7008, 3.299], 4 episodes, True, 4)
    """

    low: float
    high: float
    n: int

    @classmethod
    def of(cls, returns: NDArray[np.float64], ends: tuple[float, float]) -> MeanReturn:
        """Mean of the returns of independent episodes; where all are alike, unseen ones may lie between the ends."""
        reach = (min(ends[0], float(returns.min())), max(ends[1], float(returns.max())))
        limits = mean_limits(returns, np.zeros(len(returns), dtype=int), 1, ends=reach)
        value = cls(float(limits.mean[0]))
        value.low, value.high, value.n = float(limits.low[0]), float(limits.high[0]), len(returns)
        return value

    def __repr__(self) -> str:
        """Mean, interval and episodes in one line."""
        return f"{float(self):.4g} {limit_words(self.low, self.high)}, {self.n} episodes"

    __str__ = __repr__
