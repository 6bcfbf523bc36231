"""A mean return that knows its interval and how many episodes it was measured on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.statistics.mean_limits import mean_limits

__all__ = ["MeanReturn"]


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
        return f"{float(self):.4g} [{self.low:.4g}, {self.high:.4g}], {self.n} episodes"

    __str__ = __repr__
