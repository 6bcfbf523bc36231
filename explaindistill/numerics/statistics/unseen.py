r"""Rows of a kind that no sample has shown yet: how many there may be, and how far they would move a mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.numerics.statistics.intervals import normal_quantile

__all__ = ["far_loss", "mean_excess", "unseen_share", "widened"]

Floats = NDArray[np.float64]


def unseen_share(n: float, level: float = 0.95) -> float:
    r"""Upper limit of the share of rows of a kind that none of ``n`` rows is of: :math:`1 - (1 - level)^{1/n}`.

    A larger share would leave a sample without such rows less often than ``1 - level``. Rows that were not seen can be
    more than none only, so all of ``1 - level`` is on this side. About :math:`3 / n` at 95 %, Hanley and Lippman-Hand's
    rule of three. NaN without rows.

    References
    ----------
    Hanley and Lippman-Hand (1983), doi:10.1001/jama.1983.03330370053031.

    Examples
    --------
    >>> round(unseen_share(60), 3), round(unseen_share(2000), 4)
    (0.049, 0.0015)
    """
    normal_quantile(level)
    return float(-np.expm1(np.log1p(-level) / n)) if n > 0 else float("nan")


def far_loss(
    first: Floats, second: Floats, loss: Callable[[Floats, Floats], Floats], weight: ArrayLike | None = None
) -> float:
    r"""Mean loss of rows whose answer of one model is another row's that lies at the far end.

    With answers :math:`a_i` of the first model, :math:`b_i` of the second and the loss d, the greater of
    :math:`E_i \max_e d(a_i, b_e)` and :math:`E_i \max_e d(a_e, b_i)` over rows e with the least or greatest answer in
    any column. So a row of an unseen kind may be as wrong as a sure answer to another row would be here. With less, a
    sample without its one wrong row in a hundred would rule that row out; the worst of all rows in place of their mean
    would make intervals twice as wide and hold no more of such laws (`benchmarks/coverage_abroad.py`, tails).

    Parameters
    ----------
    first, second : ndarray of shape (n, columns)
    loss : callable
        From two arrays of this shape to the loss of each row ``(n,)``.
    weight : array of shape (n,), optional

    Examples
    --------
    >>> far_loss(np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]]), lambda a, b: ((a - b) ** 2).sum(axis=1))
    1.0
    """
    means = []
    for still, moved, swapped in ((first, second, False), (second, first, True)):
        ends = np.unique(moved[np.r_[moved.argmin(axis=0), moved.argmax(axis=0)]], axis=0)
        worst = np.full(len(still), -np.inf)
        for end in ends:
            answers = np.broadcast_to(end, still.shape)
            worst = np.maximum(worst, loss(answers, still) if swapped else loss(still, answers))
        means.append(float(np.average(worst, weights=None if weight is None else np.asarray(weight))))
    return max(means)


def mean_excess(values: Floats) -> float:
    r"""How far beyond the largest of n values one that was not drawn may be expected to lie.

    :math:`\frac1k \sum_{i \le k} x_{(i)} - x_{(k+1)}` over the k largest values in falling order, k the root of n: the
    mean by which values beyond a high threshold exceed it. Of an exponential tail it is the same at every threshold, so
    that the largest value is one as well; of a longer tail it is too small. 0 below two values.

    References
    ----------
    Davison and Smith (1990), doi:10.1111/j.2517-6161.1990.tb01796.x.

    Examples
    --------
    >>> mean_excess(np.array([0.0, 0.0, 1.0, 3.0])), mean_excess(np.ones(9))
    (2.0, 0.0)
    """
    if len(values) < 2:
        return 0.0
    most = int(np.sqrt(len(values)))
    largest = np.sort(values)[-most - 1 :]
    return float(largest[1:].mean() - largest[0])


def widened(estimate: float, limits: ArrayLike, reach: tuple[float, float], n: float, level: float = 0.95) -> Floats:
    r"""Limits of a mean that allow for rows of an unseen kind: none has zero width.

    A sample of n rows may lack a kind of rows that is up to u of all, see `unseen_share`. If such rows move the figure
    m by up to d per unit of their share, then the upper limit h becomes :math:`m + \sqrt{(h - m)^2 + (d u)^2}`, and the
    lower one likewise: the two errors are independent, their distances add as squares (MOVER).

    Parameters
    ----------
    estimate : float
    limits : array of shape (2,)
    reach : (float, float)
        How far down and how far up such rows would move the figure per unit of their share; below 0 is none.
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
    [0.0, 0.14]
    """
    low, high = np.asarray(limits, dtype=float)
    share = unseen_share(n, level)
    down, up = (step * share if step > 0 else 0.0 * share for step in reach)
    return np.array([estimate - np.hypot(estimate - low, down), estimate + np.hypot(high - estimate, up)])
