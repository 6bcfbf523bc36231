"""Cells of one column between round edges that are nobody's value, each with rows enough."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["cell_of", "round_edges"]

Floats = NDArray[np.float64]
TENTH_OF_GAP = 10.0
"""An edge is rounded to a power of ten that is at most a tenth of the way to its nearer neighbour: it moves by a
twentieth of a cell at most, and still is coarse enough to be nobody's value."""


def round_edges(
    values: Floats, n_cells: int, minimum: int, *, unit: float = 0.0, asked: NDArray[np.bool_] | None = None
) -> Floats:
    r"""Edges :math:`z_0 < \dots < z_K` of at most ``n_cells`` cells of about equally many rows.

    The outer edges have ``minimum`` values at or beyond them, so that neither is an extreme; all lie inside the data.

    Parameters
    ----------
    values : ndarray of shape (n,)
        No NaN.
    n_cells : int, at least 1
    minimum : int, at least 1
        Rows in a cell :math:`(z_{k-1}, z_k]`; the first and the last also hold what lies beyond. 1 takes the extremes
        as outer edges and rounds nothing.
    unit : float
        Edges are multiples of it, where it is not 0: 1 for whole numbers.
    asked : bool ndarray of shape (n,), optional
        Marks rows of a sample, of which a cell must hold two as well: one row has no spread.

    Returns
    -------
    ndarray of shape (K + 1,)
        Empty where there are not rows enough for one cell between two edges.

    Examples
    --------
    >>> round_edges(np.arange(1000) / 7.3, 4, 10).tolist()
    [2.0, 35.0, 68.0, 102.0, 135.0]
    >>> round_edges(np.repeat([0.0, 1.0, 2.0], [70, 25, 5]), 10, 10, unit=1.0).tolist()
    [0.0, 1.0]
    >>> round_edges(np.zeros(50), 10, 10).tolist()
    []
    """
    ordered = np.sort(values)
    first = minimum if minimum > 1 else 0
    if len(ordered) < max(2 * minimum, 2) or len(ordered) <= 2 * first:
        return np.empty(0)
    at = np.linspace(first, len(ordered) - 1 - first, n_cells + 1).round().astype(int)
    edges = np.unique(ordered[at])
    if minimum > 1:
        edges = _rounded(edges, unit)
    return _filled(values, edges, minimum, np.ones(len(values), dtype=bool) if asked is None else asked)


def _rounded(edges: Floats, unit: float) -> Floats:
    """Edges as multiples of a power of ten (times ``unit``); the outer ones are rounded inward."""
    if len(edges) < 2:
        return edges
    gaps = np.diff(edges)
    nearer = np.minimum(np.append(gaps, np.inf), np.insert(gaps, 0, np.inf))
    scale = unit or 1.0
    steps = [10.0 ** math.floor(math.log10(gap / scale / TENTH_OF_GAP)) for gap in nearer]
    steps = [max(step, 1.0) if unit else step for step in steps]
    places = edges / scale / steps
    whole = np.concatenate([np.ceil(places[:1]), np.round(places[1:-1]), np.floor(places[-1:])])
    # dividing by the inverse of a small power of ten writes 0.3 as 0.3, and not as 0.30000000000000004
    out = [k / round(1 / s) if s < 1 else k * s for k, s in zip(whole.tolist(), steps, strict=True)]
    return np.unique(np.array(out) * scale)


def _filled(values: Floats, edges: Floats, minimum: int, asked: NDArray[np.bool_]) -> Floats:
    """Edges without those that leave a cell with too few rows: such a cell joins the smaller of its neighbours."""
    while len(edges) > 1:
        cell = cell_of(values, edges)
        count = np.bincount(cell, minlength=len(edges) - 1)
        few = (count < minimum) | (np.bincount(cell[asked], minlength=len(edges) - 1) < 2)
        if not few.any():
            return edges
        if len(edges) == 2:
            break
        k = int(np.argmin(np.where(few, count, np.inf)))
        joins_left = k > 0 and (k == len(count) - 1 or count[k - 1] <= count[k + 1])
        edges = np.delete(edges, k if joins_left else k + 1)
    return np.empty(0)


def cell_of(values: Floats, edges: Floats) -> NDArray[np.int64]:
    r"""Cell of each value: k where :math:`z_k < x \le z_{k+1}`; what lies beyond belongs to the nearest cell.

    Examples
    --------
    >>> cell_of(np.array([-1.0, 0.0, 1.0, 1.5, 9.0]), np.array([0.0, 1.0, 2.0])).tolist()
    [0, 0, 0, 1, 1]
    """
    return np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
