r"""Interventional Shapley values in closed form: of boxes with constant or linear contents, and of pairs of columns.

The value of a coalition S at a row x is :math:`v(S) = \tfrac1m \sum_b f(x_S, b_{\bar S})`. It is linear in f, so that a
model that is a sum of simple functions is explained by explaining each of them against each background row. x is one of
n rows, b one of m background rows, ``k`` runs over outputs, ``f`` over the F columns that a box has conditions on.
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
    >>> boxes_shapley([BoxFunction((0, 1), yes, no, np.array([6.0]))], 1, 1, 2, 1)[0, :, 0].tolist()
    [3.0, 3.0]
    """
    out = np.zeros((n, d, n_outputs))
    for box in boxes:
        _add_box(out, box, m)
    return out / m


def _add_box(out: Floats, box: BoxFunction, m: int) -> None:
    """Add what one box gives to each column, summed over background rows, into ``out`` ``(n, d, K)``.

    ``needed`` and ``forbidden`` ``(n, m)`` are |A| and |B| for each pair of rows; a pair of which neither row holds
    some condition has an empty game (``live`` is 0). Within a linear part's game one column more is needed.
    """
    x, b = box.rows.astype(float), box.background.astype(float)
    n, size = x.shape[0], x.shape[1] + 1
    needed = np.rint(x @ (1 - b).T).astype(np.intp)
    forbidden = np.rint((1 - x) @ b.T).astype(np.intp)
    live = (1 - x) @ (1 - b).T < 0.5
    give, take = _shares(size)
    gives, takes = give[needed, forbidden] * live, take[needed, forbidden] * live
    plain = not box.parts
    more, less = (gives, takes) if plain else (give[needed + 1, forbidden] * live, take[needed + 1, forbidden] * live)
    for k, value in enumerate(box.value):
        if plain:
            gain, loss = gives * value, takes * value
        else:
            fixed, moving = _contents(out, box, k, value, (n, m), more)
            gain, loss = gives * fixed + more * moving, takes * fixed + less * moving
        added = x * (gain @ (1 - b)) - (1 - x) * (loss @ b)
        for f, column in enumerate(box.columns):
            out[:, column, k] += added[:, f]


def _contents(
    out: Floats, box: BoxFunction, k: int, value: float, shape: tuple[int, int], more: Floats
) -> tuple[Floats, Floats]:
    """What the box holds for each pair of row and background row ``(n, m)``: what is settled, and what may be added.

    A column that the box asks for is settled where only one of both rows holds its condition: at that row's addition. A
    free column adds the background's, and its difference times ``more`` for being in the coalition, which goes into
    ``out``.
    """
    fixed, moving = np.full(shape, value), np.zeros(shape)
    for addition in box.parts:
        x, b = addition.rows[:, k][:, None], addition.background[:, k][None, :]
        if addition.column in box.columns:
            f = box.columns.index(addition.column)
            x_holds, b_holds = box.rows[:, f][:, None], box.background[:, f][None, :]
            free = x_holds & b_holds
            fixed += np.where(x_holds & ~b_holds, x, b)
        else:
            free = np.ones(shape, dtype=bool)
            fixed += b
        moved = np.where(free, x - b, 0.0)
        moving += moved
        out[:, addition.column, k] += (moved * more).sum(axis=1)
    return fixed, moving


def _shares(size: int) -> tuple[Floats, Floats]:
    """What a needed column gets, (a - 1)! b! / (a + b)!, and a forbidden one loses, a! (b - 1)! / (a + b)!.

    By the numbers a of needed and b of forbidden columns, each up to ``size``.
    """
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

    Each column gets the mean of what it adds to the empty coalition and to the other one: of the first
    ``((first - neither) + (both - second)) / 2``.

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
