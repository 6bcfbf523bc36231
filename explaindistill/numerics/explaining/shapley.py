r"""Interventional Shapley values in closed form: of boxes with constant or linear contents, and of pairs of columns.

The value of a coalition S at a row x is :math:`v(S) = \tfrac1m \sum_b f(x_S, b_{\bar S})`. It is linear in f, so that
a model that is a sum of simple functions is explained by explaining each of them against each background row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoxFunction", "LinearPart", "boxes_shapley", "interaction_shapley"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class LinearPart:
    """What one column adds inside a box: to the rows ``(n, K)`` and to the background ``(m, K)``."""

    column: int
    rows: Floats
    background: Floats


@dataclass(frozen=True)
class BoxFunction:
    """A function that is a constant plus linear parts where conditions on some columns hold, and 0 elsewhere.

    Attributes
    ----------
    columns : tuple of F int
    rows : ndarray of shape (n, F), bool
        Whether the condition on each column holds for each row; ``background`` ``(m, F)`` likewise.
    value : ndarray of shape (K,)
    parts : tuple of LinearPart
    """

    columns: tuple[int, ...]
    rows: Flags
    background: Flags
    value: Floats
    parts: tuple[LinearPart, ...] = ()


def boxes_shapley(boxes: Sequence[BoxFunction], n: int, m: int, d: int, n_outputs: int) -> Floats:
    r"""Exact values of a sum of boxes.

    Against one background row, a column of a box is *needed* (only x holds its condition; the set A), *forbidden* (only
    b holds it; B) or *free*. A constant then gives :math:`\tfrac{(|A|-1)!\,|B|!}{(|A|+|B|)!}` to each needed column
    and takes :math:`\tfrac{|A|!\,(|B|-1)!}{(|A|+|B|)!}` from each forbidden one; a linear part of a free column is its
    difference times the same game with that column needed, too.

    Parameters
    ----------
    boxes : sequence of BoxFunction
    n, m, d, n_outputs : int
        Rows, background rows, columns, outputs.

    Returns
    -------
    ndarray of shape (n, d, n_outputs)

    References
    ----------
    Lundberg et al. (2020), doi:10.1038/s42256-019-0138-9 (constants); the linear parts follow from linearity.

    Examples
    --------
    The answer is 6 where both columns are large; x has both, the only background row neither:

    >>> yes, no = np.array([[True, True]]), np.array([[False, False]])
    >>> boxes_shapley([Box((0, 1), yes, no, np.array([6.0]))], 1, 1, 2, 1)[0, :, 0].tolist()
    [3.0, 3.0]
    """
    out = np.zeros((n, d, n_outputs))
    for box in boxes:
        _add_box(out, box, m)
    return out / m


def _add_box(out: Floats, box: BoxFunction, m: int) -> None:
    x, b = box.rows.astype(float), box.background.astype(float)
    n, size = x.shape[0], x.shape[1] + 1
    needed = np.rint(x @ (1 - b).T).astype(np.intp)
    forbidden = np.rint((1 - x) @ b.T).astype(np.intp)
    live = (1 - x) @ (1 - b).T < 0.5
    give, take = _shares(size)
    own, off = give[needed, forbidden] * live, take[needed, forbidden] * live
    plain = not box.parts
    more, less = (own, off) if plain else (give[needed + 1, forbidden] * live, take[needed + 1, forbidden] * live)
    for k, value in enumerate(box.value):
        if plain:
            gain, loss = own * value, off * value
        else:
            fixed, moving = _contents(out, box, k, value, (n, m), more)
            gain, loss = own * fixed + more * moving, off * fixed + less * moving
        added = x * (gain @ (1 - b)) - (1 - x) * (loss @ b)
        for f, column in enumerate(box.columns):
            out[:, column, k] += added[:, f]


def _contents(
    out: Floats, box: BoxFunction, k: int, value: float, shape: tuple[int, int], more: Floats
) -> tuple[Floats, Floats]:
    """What the box holds for each pair of row and background row: what is settled, and what free columns may add."""
    fixed, moving = np.full(shape, value), np.zeros(shape)
    for part in box.parts:
        x, b = part.rows[:, k][:, None], part.background[:, k][None, :]
        if part.column in box.columns:
            f = box.columns.index(part.column)
            here, there = box.rows[:, f][:, None], box.background[:, f][None, :]
            free = here & there
            fixed += np.where(here & ~there, x, b)
        else:
            free = np.ones(shape, dtype=bool)
            fixed += b
        moved = np.where(free, x - b, 0.0)
        moving += moved
        out[:, part.column, k] += (moved * more).sum(axis=1)
    return fixed, moving


def _shares(size: int) -> tuple[Floats, Floats]:
    """What a needed column gets and a forbidden one loses, by the number of both."""
    give, take = np.zeros((size + 1, size + 1)), np.zeros((size + 1, size + 1))
    for a in range(size + 1):
        for b in range(size + 1):
            if a:
                give[a, b] = factorial(a - 1) * factorial(b) / factorial(a + b)
            if b:
                take[a, b] = factorial(a) * factorial(b - 1) / factorial(a + b)
    return give, take


def interaction_shapley(both: Floats, first: Floats, second: Floats, neither: float | Floats) -> tuple[Floats, Floats]:
    """Exact values of a function of two columns, from the four coalitions' values.

    Parameters
    ----------
    both, first, second : ndarrays of shape (n, K)
        Values where both columns, the first or the second alone are those of the row.
    neither : float or ndarray of shape (K,)

    Returns
    -------
    first, second : ndarrays of shape (n, K)

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> [v.item() for v in interaction_shapley(4 * one, 1 * one, 0 * one, 0.0)]
    [2.5, 1.5]
    """
    return (both - second + first - neither) / 2, (both - first + second - neither) / 2
