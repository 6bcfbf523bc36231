r"""Rows that are equal: how many, and how many of them chance alone would make.

Columns of few values make equal rows by themselves. How many, near misses tell: pairs of rows that are equal in all
columns but one, or but two, are no copies. Of the pairs that are equal outside of columns j and l let
:math:`n_{10}` be equal in j only, :math:`n_{01}` in l only and :math:`n_{00}` in neither. Were it chance that rows are
equal in j, and in l, :math:`n_{10} n_{01} / n_{00}` pairs would be equal in both: the estimate of Lincoln and Petersen
for what two independent looks miss together. The largest one over pairs of columns is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coincidences", "by_chance", "chance_of_divisor", "equal_pairs", "marks_of", "sum_of_marks", "words_of"]

Words = NDArray[np.uint64]
FEWEST_MISSES = 10
"""Pairs that miss in two columns, below which their number is no base for an estimate."""
LOOKED_AT = 8
"""Columns with most near misses, of which the pairs are looked at. A trade-off: the largest estimates come from
columns in which equal rows easily differ, and 28 pairs of columns are counted in a second of 100,000 rows."""


class Coincidences(NamedTuple):
    """Equal rows.

    Attributes
    ----------
    pairs : float
        Pairs of rows that are equal.
    repeats : int
        Rows that equal an earlier one.
    divisor : int
        Largest number that divides how often each distinct row stands; 1 where there is none.
    n_distinct : int

    Examples
    --------
    >>> equal_pairs(marks_of([np.array([0, 0, 0, 1, 1, 1])]).sum(axis=0))
    Coincidences(pairs=6.0, repeats=4, divisor=3, n_distinct=2)
    """

    pairs: float
    repeats: int
    divisor: int
    n_distinct: int


def marks_of(codes: Sequence[NDArray[np.intp]]) -> Words:
    """Random words ``(d, n)``, equal where codes of one column are: their sum over columns tells rows apart.

    Two of n different rows have one sum with a chance of about :math:`n^2 / 2^{65}`.

    Examples
    --------
    >>> marks = marks_of([np.array([0, 1, 0]), np.array([2, 2, 2])]).sum(axis=0)
    >>> bool(marks[0] == marks[2]), bool(marks[0] == marks[1])
    (True, False)
    """
    words = [word[c] for word, c in zip(words_of(codes), codes, strict=True)]
    return np.stack(words) if words else np.zeros((0, 0), dtype=np.uint64)


def words_of(codes: Sequence[NDArray[np.integer[Any]]]) -> list[Words]:
    """A random word for each code of each column: what :func:`marks_of` gives to the rows that have it.

    Examples
    --------
    >>> [word.shape for word in words_of([np.array([0, 1, 0]), np.array([2, 2, 2])])]
    [(2,), (3,)]
    """
    rng, top = np.random.default_rng(0), np.iinfo(np.uint64).max
    return [rng.integers(0, top, size=int(c.max(initial=0)) + 1, dtype=np.uint64, endpoint=True) for c in codes]


def sum_of_marks(words: Sequence[Words], codes: Sequence[NDArray[np.integer[Any]]], n: int) -> Words:
    """Marks of ``n`` rows summed over the columns, without holding those of all columns at once.

    Examples
    --------
    >>> codes = [np.array([0, 1, 0]), np.array([2, 2, 2])]
    >>> bool((sum_of_marks(words_of(codes), codes, 3) == marks_of(codes).sum(axis=0)).all())
    True
    """
    total = np.zeros(n, dtype=np.uint64)
    for word, c in zip(words, codes, strict=True):
        total += word[c]
    return total


def equal_pairs(marks: Words) -> Coincidences:
    """Count rows ``(n,)`` of equal marks."""
    counts = np.unique(marks, return_counts=True)[1]
    pairs = float((counts.astype(float) * (counts - 1) / 2).sum())
    divisor = int(np.gcd.reduce(counts)) if len(counts) else 1
    return Coincidences(pairs, int(len(marks) - len(counts)), divisor, len(counts))


def chance_of_divisor(divisor: int, n_distinct: int) -> float:
    r"""Chance that K counts share a divisor of at least m: at most :math:`\sum_{d \ge m} d^{1 - K}`.

    A count that is as good as random is a multiple of d once in d times; the last one is what the others leave of the
    number of rows, which d divides as well.

    Examples
    --------
    >>> round(chance_of_divisor(10, 4), 4), chance_of_divisor(2, 2)
    (0.006, 1.0)
    """
    free = n_distinct - 1
    if divisor < 2 or free < 2:
        return 1.0
    return min(1.0, float(divisor) ** -free + float(divisor) ** (1 - free) / (free - 1))  # an integral for the rest


def by_chance(marks: Words) -> float:
    """Pairs of equal rows that near misses let expect; 0 where there are hardly any.

    Parameters
    ----------
    marks : ndarray of shape (d, n)
        From `marks_of`.

    References
    ----------
    Chapman (1951), University of California Publications in Statistics 1, 131–160 (two independent looks).

    Examples
    --------
    Six columns of three values make equal rows by themselves; three hundred rows of long numbers do not, and here
    each stands twice:

    >>> rng = np.random.default_rng(0)
    >>> few = marks_of(list(rng.integers(0, 3, (6, 600))))
    >>> long = marks_of([np.tile(rng.permutation(300), 2) for _ in range(6)])
    >>> [(equal_pairs(m.sum(axis=0)).pairs, round(by_chance(m))) for m in (few, long)]
    [(247.0, 272), (300.0, 0)]
    """
    whole = marks.sum(axis=0, dtype=np.uint64)
    equal = equal_pairs(whole).pairs
    missed = [equal_pairs(whole - column).pairs - equal for column in marks]
    most = np.argsort(missed, kind="stable")[::-1][:LOOKED_AT]
    expected = 0.0
    for j, k in combinations([int(i) for i in most if missed[i] > 0], 2):
        neither = equal_pairs(whole - marks[j] - marks[k]).pairs - equal - missed[j] - missed[k]
        if neither >= FEWEST_MISSES:
            expected = max(expected, missed[j] * missed[k] / neither)
    return expected
