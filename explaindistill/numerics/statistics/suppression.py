"""Which further counts must be withheld so that a withheld count cannot be worked out from the others.

Counts of groups are sums over the cells of the finest partition. A withheld count follows from the published ones
exactly where its indicator over those cells is a linear combination of theirs (Cox, 1980, doi:10.2307/2287481).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["derivable", "small_parts", "withheld"]

_ZERO = 1e-8  # the matrices are of zeros and ones: what is not zero is far from it


def derivable(groups: NDArray[np.float64], hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which hidden groups' counts follow from those of the groups that are shown.

    Those whose row of ``groups`` lies in the span of the shown rows: its projection leaves nothing.

    Parameters
    ----------
    groups : array of shape (g, c)
        1 where a cell of the finest partition belongs to the group.
    hidden : array of bool, shape (g,)

    Returns
    -------
    array of bool, shape (g,)

    Examples
    --------
    A total and two parts: the third part is the rest.

    >>> groups = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    >>> derivable(groups, np.array([False, False, False, True])).tolist()
    [False, False, False, True]
    >>> derivable(groups, np.array([False, False, True, True])).tolist()
    [False, False, False, False]
    """
    out = np.zeros(len(groups), dtype=bool)
    rest = groups[hidden] - groups[hidden] @ _projector(groups[~hidden])
    out[hidden] = (np.abs(rest) <= _ZERO).all(axis=1)
    return out


def _projector(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthogonal projector ``(c, c)`` onto the span of the rows: ``V V'`` of the eigenvectors V of ``rows' rows``."""
    values, vectors = np.linalg.eigh(rows.T @ rows)
    basis = vectors[:, values > _ZERO * max(1.0, values[-1])]
    return np.asarray(basis @ basis.T)


def small_parts(sizes: ArrayLike, minimum: int) -> NDArray[np.bool_]:
    """Parts of a whole, whose size is known, to withhold: those of too few people, and what would tell them.

    The parts that are withheld are what the shown ones leave of the whole: two at least, and together no smaller than
    ``minimum``. Nobody is told by an empty part.

    Examples
    --------
    >>> small_parts([60, 25, 14, 1, 0], 10).tolist()
    [False, False, True, True, False]
    """
    n = np.asarray(sizes, dtype=float)
    hidden = (n > 0) & (n < minimum)
    while hidden.any() and (hidden.sum() < 2 or n[hidden].sum() < minimum) and (~hidden & (n > 0)).any():
        hidden[int(np.argmin(np.where(hidden | (n == 0), np.inf, n)))] = True
    return hidden


def withheld(
    groups: NDArray[np.float64], sizes: NDArray[np.int64], families: Sequence[int], first: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The groups to withhold: those of ``first``, and the smallest others that keep them from being worked out.

    Parameters
    ----------
    groups : array of shape (g, c)
        1 where a cell belongs to the group; a row of ones stands for the total.
    sizes : array of int, shape (g,)
        Rows in each group; of the groups that take part in telling a withheld one, the smallest goes too.
    families : sequence of g integers
        Groups of one number are a partition of the rows; a group is protected by others of its own family. A negative
        number marks what is always shown, such as the total.
    first : array of bool, shape (g,)

    Returns
    -------
    array of bool, shape (g,)
        No count of a withheld group follows from the counts of those that are shown, save where its whole family is
        withheld and a shown family still tells it.

    Examples
    --------
    >>> groups = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    >>> sizes = np.array([100, 60, 35, 5])
    >>> withheld(groups, sizes, [-1, 0, 0, 0], sizes < 10).tolist()
    [False, False, True, True]
    """
    needed, family = np.array(first, dtype=bool), np.asarray(families)
    hidden, spent = needed.copy(), np.zeros(len(groups), dtype=bool)
    while (derived := derivable(groups, hidden) & ~spent).any():
        target = int(np.argmax(derived))
        weight = np.where(family == family[target], _involved(groups, hidden, target), 0.0)
        # of the shown groups that the combination leans on: those of at least half the largest coefficient
        heavy = np.flatnonzero(weight > max(_ZERO, weight.max() / 2))
        if len(heavy):
            hidden[heavy[np.argmin(sizes[heavy])]] = True
        else:
            spent[target] = True
    return _spared(groups, sizes, hidden, needed)


def _spared(
    groups: NDArray[np.float64], sizes: NDArray[np.int64], hidden: NDArray[np.bool_], needed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Show again, the largest first, what turned out not to be needed."""
    out, derived = hidden.copy(), derivable(groups, hidden)
    extra = np.flatnonzero(hidden & ~needed)
    for group in extra[np.argsort(-sizes[extra], kind="stable")]:
        out[group] = False
        if (derivable(groups, out) & ~derived).any():
            out[group] = True
    return out


def _involved(groups: NDArray[np.float64], hidden: NDArray[np.bool_], target: int) -> NDArray[np.float64]:
    """How much each shown group g weighs in the shortest combination that tells it: ``|x_g|`` of least ``x'x``."""
    shown = np.flatnonzero(~hidden)
    weights = np.linalg.lstsq(groups[shown].T, groups[target], rcond=None)[0]
    out = np.zeros(len(groups))
    out[shown] = np.abs(weights)
    return out
