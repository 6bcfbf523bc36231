"""Which further counts must be withheld so that a withheld count cannot be worked out from the others.

Counts of groups are sums over the cells of the finest partition. A withheld count follows from the published ones
exactly where its indicator over those cells is a linear combination of theirs (Cox, 1980, doi:10.2307/2287481).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["derivable", "few_together", "small_parts", "withheld"]

_ZERO = 1e-8  # the matrices are of zeros and ones: what is not zero is far from it
_MOST_SETS = 20_000
"""Sets of equally many small groups up to which each is looked at. A trade-off: beyond, unions that are no rest of a
group that is shown are not looked for."""


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
    out[hidden] = (np.abs(_beyond(groups[hidden], groups[~hidden])) <= _ZERO).all(axis=1)
    return out


def _beyond(rows: NDArray[np.float64], shown: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the span of the shown rows leaves of others."""
    return rows - rows @ _projector(shown)


def _projector(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthogonal projector ``(c, c)`` onto the span of the rows: ``V V'`` of the eigenvectors V of ``rows' rows``."""
    values, vectors = np.linalg.eigh(rows.T @ rows)
    basis = vectors[:, values > _ZERO * max(1.0, values[-1])]
    return np.asarray(basis @ basis.T)


def few_together(
    groups: NDArray[np.float64],
    sizes: NDArray[np.int64],
    families: NDArray[np.int64],
    hidden: NDArray[np.bool_],
    minimum: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Unions of withheld groups of fewer people than the minimum, whose counts follow from what is shown.

    What the shown groups of a family leave of another shown group, or of everyone, and any other set of small groups
    of a family. A union is a group, too, though it has no name: whoever subtracts learns the rate of its few people.

    Parameters
    ----------
    groups : array of shape (g, c)
        1 where a cell of the finest partition belongs to the group; a row of ones stands for everyone.
    sizes : array of int, shape (g,)
        People in each group.
    families : array of g integers
        Groups of one number are a partition of the rows.
    hidden : array of bool, shape (g,)
    minimum : int
        Unions of as many people may be known.

    Returns
    -------
    array of shape (u, c)
        Members of each union.
    array of int, shape (u,)
        The family of which it is a union.

    Examples
    --------
    Two parts of 3 are what the third leaves of everyone.

    >>> groups = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    >>> hidden = np.array([False, False, True, True])
    >>> few_together(groups, np.array([66, 60, 3, 3]), np.array([-1, 0, 0, 0]), hidden, 10)
    (array([[0., 1., 1.]]), array([0]))
    """
    cells, beyond = groups.sum(axis=1), np.zeros_like(groups)
    inside = groups @ groups.T == cells  # (g, g): the second lies within the first
    beyond[hidden] = _beyond(groups[hidden], groups[~hidden])
    unions: list[NDArray[np.float64]] = []
    of: list[int] = []
    for family in np.unique(families[hidden]):
        belongs = families == family
        whole = (inside & belongs) @ cells == cells  # the family divides the group
        gone = belongs & hidden
        rests = _rests(inside[whole & ~hidden] & belongs, sizes, gone, minimum)
        few = [groups[members].sum(axis=0) for members in (*rests, *_sets(beyond, sizes, gone, minimum))]
        unions += few
        of += [int(family)] * len(few)
    rows, first = np.unique(np.array(unions).reshape(-1, groups.shape[1]), axis=0, return_index=True)
    return rows, np.array(of, dtype=np.int64)[first]


def _rests(
    inside: NDArray[np.bool_], sizes: NDArray[np.int64], gone: NDArray[np.bool_], minimum: int
) -> NDArray[np.bool_]:
    """Withheld parts of each shown group, where other parts of it are shown and these are few people together."""
    rest = inside & gone
    people = rest @ sizes
    return rest[(people > 0) & (people < minimum) & (rest.sum(axis=1) > 1) & (inside & ~gone).any(axis=1)]


def _sets(
    beyond: NDArray[np.float64], sizes: NDArray[np.int64], gone: NDArray[np.bool_], minimum: int
) -> Iterator[NDArray[np.int64]]:
    """The smallest sets of withheld groups of few people whose sum follows: what is beyond the shown ones cancels out.

    With products :math:`G = B B'` of the rests B, the rest of a set x of zeros and ones has the square :math:`x' G x`.
    """
    at = np.flatnonzero(gone & (sizes < minimum))
    products, people = beyond[at] @ beyond[at].T, sizes[at]
    sets = np.eye(len(at), dtype=bool)[np.diag(products) > _ZERO]
    while len(sets):
        last = len(at) - 1 - sets[:, ::-1].argmax(axis=1)
        which, more = np.nonzero((np.arange(len(at)) > last[:, None]) & (np.add.outer(sets @ people, people) < minimum))
        if len(which) > _MOST_SETS:
            return
        sets = sets[which]
        sets[np.arange(len(which)), more] = True
        follows = ((sets @ products) * sets).sum(axis=1) <= _ZERO
        yield from (at[one] for one in sets[follows & (sets @ people > 0)])
        sets = sets[~follows]


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
    groups: NDArray[np.float64],
    sizes: NDArray[np.int64],
    families: Sequence[int],
    first: NDArray[np.bool_],
    tried: NDArray[np.bool_] | None = None,
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
    tried : array of bool, shape (g,), optional
        Withheld to begin with, and shown again where ``first`` can do without: the answer for fewer of these.

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
    if tried is not None:
        hidden |= tried
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
    """Show again, the largest first, what the groups of ``needed`` can do without.

    Only these are held against what is shown: a neighbour that was taken for another neighbour goes with it. None that
    stays hidden follows from the rest: showing it would have told nothing more.
    """
    out, rest = hidden.copy(), _beyond(groups, groups[~hidden])
    watched = needed & (np.abs(rest) > _ZERO).any(axis=1)
    extra = np.flatnonzero(hidden & ~needed)
    for group in extra[np.argsort(-sizes[extra], kind="stable")]:
        addition = rest[group]
        if (np.abs(addition) > _ZERO).any():  # the span grows by it, and every rest loses its share of it
            less = rest - np.outer(rest @ addition / (addition @ addition), addition)
            if (np.abs(less[watched]) <= _ZERO).all(axis=1).any():
                continue
            rest = less
        out[group] = False
    return out


def _involved(groups: NDArray[np.float64], hidden: NDArray[np.bool_], target: int) -> NDArray[np.float64]:
    """How much each shown group g weighs in the shortest combination that tells it: ``|x_g|`` of least ``x'x``."""
    shown = np.flatnonzero(~hidden)
    weights = np.linalg.lstsq(groups[shown].T, groups[target], rcond=None)[0]
    out = np.zeros(len(groups))
    out[shown] = np.abs(weights)
    return out
