r"""Accumulated local effects and partial dependence of one column, and what each row moves them by.

A model answers :math:`f(x_j, x_{-j})` to the value :math:`x_j` of the column and the rest of the row. Rows i have the
shares :math:`w_i` of the whole weight. What row i moves a figure by, as part of a sum, is its influence; limits follow
from the influences, see `explaindistill.numerics.statistics.influences`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Area", "EffectCurve", "accumulated", "area_between", "averaged", "middle"]

Floats = NDArray[np.float64]


class EffectCurve(NamedTuple):
    """Values ``(m,)`` of a curve at its places, and what each row moves them by ``(n, m)``."""

    value: Floats
    moved: Floats

    def less(self, other: EffectCurve) -> EffectCurve:
        """The difference of two curves of the same rows."""
        return EffectCurve(self.value - other.value, self.moved - other.moved)


def accumulated(change: Floats, cell: NDArray[np.int64], n_cells: int, share: Floats) -> EffectCurve:
    r"""Accumulated local effects at the edges of cells, centred.

    With :math:`d_i = f(z_k, x_{i,-j}) - f(z_{k-1}, x_{i,-j})` of a row i in cell k and the weighted mean
    :math:`\bar d_k` over the rows of the cell, :math:`g(z_k) = \sum_{l \le k} \bar d_l`, less its mean over rows, of
    which those of cell k count :math:`\frac12 (g(z_{k-1}) + g(z_k))`.

    Parameters
    ----------
    change : ndarray of shape (n,)
        :math:`d_i`; not looked at where the cell is -1.
    cell : int ndarray of shape (n,)
        -1 for rows without a value, which have no part in the curve.
    n_cells : int
        Each has a row of positive share.
    share : ndarray of shape (n,)

    References
    ----------
    Apley and Zhu (2020), doi:10.1111/rssb.12377, equations 15 and 16.

    Examples
    --------
    >>> curve = accumulated(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]), 2, np.full(4, 0.25))
    >>> curve.value.tolist()
    [-1.5, -0.5, 2.5]
    """
    inside = cell >= 0
    member = np.zeros((len(change), n_cells))
    member[np.flatnonzero(inside), cell[inside]] = share[inside]
    mass = member.sum(axis=0)
    d = np.where(inside, change, 0.0)
    local = d @ member / mass
    moved = member * (d[:, None] - local) / mass
    value, moved = _summed(local[None, :])[0], _summed(moved)
    middle_value = (value[:-1] + value[1:]) / 2
    centre = float(mass @ middle_value / mass.sum())
    at = np.where(inside, middle_value[np.maximum(cell, 0)] - centre, 0.0)
    moved_centre = ((moved[:, :-1] + moved[:, 1:]) / 2 @ mass + share * at) / mass.sum()
    return EffectCurve(value - centre, moved - moved_centre[:, None])


def _summed(steps: Floats) -> Floats:
    """Sums of the first 0, 1, … columns."""
    return np.hstack([np.zeros((len(steps), 1)), np.cumsum(steps, axis=1)])


def averaged(answers: Floats, share: Floats) -> EffectCurve:
    r"""Partial dependence :math:`\sum_i w_i f(v, x_{i,-j})` at each value v: ``answers`` are ``(n, m)``.

    References
    ----------
    Friedman (2001), doi:10.1214/aos/1013203451, section 8.2.

    Examples
    --------
    >>> averaged(np.array([[0.0, 1.0], [1.0, 3.0]]), np.array([0.5, 0.5])).value.tolist()
    [0.5, 2.0]
    """
    value = share @ answers
    return EffectCurve(value, share[:, None] * (answers - value))


def middle(curve: EffectCurve, mass: Floats, line: bool) -> EffectCurve:
    """The curve less its mean over the rows: ``mass`` are the shares of cells of a ``line``, or of single places.

    Examples
    --------
    >>> middle(EffectCurve(np.array([0.0, 2.0]), np.zeros((1, 2))), np.array([1.0]), line=True).value.tolist()
    [-1.0, 1.0]
    """
    share = mass / mass.sum()
    over = np.append(share, 0.0) / 2 + np.insert(share, 0, 0.0) / 2 if line else share
    return EffectCurve(curve.value - over @ curve.value, curve.moved - (curve.moved @ over)[:, None])


class Area(NamedTuple):
    """Mean distance of two curves with its limits; ``moved`` is what a row of each cell moves it by, times the rows."""

    estimate: float
    low: float
    high: float
    moved: Floats


def area_between(difference: Floats, half: Floats, mass: Floats, line: bool) -> Area:
    r"""Mean distance of two curves over the rows, and its limits where the difference is known up to ``half``.

    On a line the difference :math:`d` runs straight between edges, and the mean of :math:`|d|` over a cell is exact.
    A band that holds the whole difference at once holds its area: the least is the mean of
    :math:`\max(|d| - h, 0)`, the greatest that of :math:`|d| + h`. The least is 0 where the curves may be the same,
    which a percentile of areas, none of them ever 0, would not say.

    Where the rows are is known from a sample as well: a further row in cell k moves the area A by
    :math:`|d|_k - A - \bar s\, d_k`, divided by the number of rows, with the cell's means :math:`|d|_k` and
    :math:`d_k` and the mean sign :math:`\bar s` of the difference, since the middle of the curve moves too.

    Parameters
    ----------
    difference, half : ndarray of shape (m,)
        The difference has a mean of 0 over the rows, see :func:`middle`.
    mass : ndarray
        Shares of the m - 1 cells of a ``line``, or of m single places.
    line : bool

    Examples
    --------
    >>> area_between(np.array([-1.0, 1.0]), np.array([0.5, 0.5]), np.array([1.0]), line=True)[:3]
    (0.5, 0.125, 1.0)
    >>> area_between(np.array([-1.0, 1.0]), np.array([0.0, 2.0]), np.array([0.5, 0.5]), line=False)[:3]
    (1.0, 0.5, 2.0)
    """
    share, d = mass / mass.sum(), difference
    if line:
        size = _above(d) + _above(-d)
        least = _above(d - half) + _above(-d - half)
        width, level = (half[:-1] + half[1:]) / 2, (d[:-1] + d[1:]) / 2
    else:
        size, width, level = np.abs(d), half, d
        least = np.maximum(size - half, 0.0)
    # of a line from p < 0 to q > 0 the share above 0 less that below is (q + p) / (q - p); without a crossing it is 1
    ends = np.abs(d[:-1]) + np.abs(d[1:]) if line else 2 * size
    sign = np.divide(2 * level, ends, out=np.zeros_like(level), where=ends > 0)
    area = float(share @ size)
    moved = size - area - float(share @ sign) * level
    return Area(area, float(share @ least), float(share @ (size + width)), moved)


def _above(ends: Floats) -> Floats:
    r"""Mean over each cell of the part above 0 of a line from p to q: :math:`p^2 / 2 (p - q)` where it crosses 0."""
    p, q = np.maximum(ends[:-1], ends[1:]), np.minimum(ends[:-1], ends[1:])
    crossing = np.divide(p**2, 2 * (p - q), out=np.zeros_like(p), where=p > q)
    return np.where(q >= 0, (p + q) / 2, np.where(p <= 0, 0.0, crossing))
