r"""Rows of a kind that no sample has shown yet: how many there may be, and how far they would move a mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.numerics.statistics.intervals import wilson

__all__ = ["unseen_share", "widened"]


def unseen_share(n: float, level: float = 0.95) -> float:
    r"""Upper limit of the share of rows of a kind that none of ``n`` rows is of: Wilson's, :math:`z^2 / (n + z^2)`.

    NaN without rows. Hanley and Lippman-Hand's rule of three, :math:`3 / n`, is the one-sided exact limit of the same.

    References
    ----------
    Hanley and Lippman-Hand (1983), doi:10.1001/jama.1983.03330370053031; Wilson (1927),
    doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> round(unseen_share(60), 3), round(unseen_share(2000), 4)
    (0.06, 0.0019)
    """
    return float(wilson(0.0, n, level)[1])


def widened(
    estimate: float, limits: ArrayLike, reach: tuple[float, float], n: float, level: float = 0.95
) -> NDArray[np.float64]:
    r"""Limits of a mean that allow for rows of an unseen kind: none has zero width.

    A sample of n rows may lack a kind of rows that is up to :math:`u = z^2 / (n + z^2)` of all, see `unseen_share`. If
    such rows move the figure m by up to d per unit of their share, then the upper limit h becomes
    :math:`m + \sqrt{(h - m)^2 + (d u)^2}`, and the lower one likewise: the two errors are independent, their distances
    add as squares (MOVER).

    Parameters
    ----------
    estimate : float
    limits : array of shape (2,)
    reach : (float, float)
        How far down and how far up, neither negative, such rows would move the figure per unit of their share.
    n : float
        Independent rows.
    level : float

    References
    ----------
    Zou and Donner (2008), doi:10.1002/sim.3095.

    Examples
    --------
    Twenty rows without loss, of a loss that may be 1:

    >>> widened(0.0, (0.0, 0.0), (0.0, 1.0), 20).round(2).tolist()
    [0.0, 0.16]
    """
    low, high = np.asarray(limits, dtype=float)
    share = unseen_share(n, level)
    down, up = (step * share if step > 0 else 0.0 * share for step in reach)
    return np.array([estimate - np.hypot(estimate - low, down), estimate + np.hypot(high - estimate, up)])
