"""Rows that are given more than once: how many, and whether chance makes so many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.coincidences import (
    by_chance,
    chance_of_divisor,
    equal_pairs,
    sum_of_marks,
    words_of,
)

__all__ = ["COPIES_WAY_OUT", "copies"]

Words = NDArray[np.uint64]
Codes = NDArray[np.integer[Any]]
MATERIAL = 1.05
"""Design effect from which copies matter: a nominal 95 % interval of rows whose variance is 1.05 times as large holds
in 94.4 %, which nobody would notice."""
BEYOND = 5.0
"""Equal pairs per pair that chance makes, from which rows count as copies. Calibrated: on thirteen public tables, cut
down to their 3, 5, 7 and 10 columns of fewest values, it was at most 3.6 where no copies are known (houses of one age
at one place), and beyond 200 where they are."""
SELDOM = 0.01
"""Chance at which counts that share a divisor are no longer taken for chance: one audit in a hundred is warned of
falsely by it at most."""
MOST_LEVELS = 20
"""Values of a column up to which the rows of each value are looked at by themselves: labels and groups, of which one is
often given more times than the rest."""
COMPARED_ROWS = 100_000
"""Rows among which near misses are counted. A trade-off: all pairs of as many rows take a second."""
COPIES_WAY_OUT = (
    "drop the copies (X.drop_duplicates(), and y alike), or give each set of copies as one cluster: "
    "groups=X.groupby(list(X), dropna=False, observed=True).ngroup()"
)


def copies(rows: pd.DataFrame, *, clusters: ArrayLike | None = None) -> pd.DataFrame:
    r"""Count rows that equal an earlier row in every column, and say whether chance makes so many.

    With P pairs of equal rows among n, E of which chance makes, the variance of a mean is
    :math:`1 + 2 (P - E) / n` times as large as that of independent rows: intervals are too narrow by its root. Where m
    of the rows are d copies each, whatever else is equal by chance, it is :math:`1 + (d - 1) m / n` times as large.

    =====================  =============================================================================
    verdict                when
    =====================  =============================================================================
    ``none``               no two rows are equal
    ``negligible``         copies or not, the variance is less than 1.05 times as large
    ``covered``            the same, after rows of one cluster are left out: ``clusters`` account for them
    ``dependent``          how often each distinct row stands is always a multiple of one number, among all
                           rows or among those of one value of a column of up to 20, as chance makes it in
                           less than one of a hundred tables; or there are five times as many equal pairs as
                           chance makes, they matter, and more different rows are possible than there are
                           rows
    ``as chance gives``    otherwise: columns of few values have equal rows by themselves
    =====================  =============================================================================

    Parameters
    ----------
    rows : DataFrame of n rows
        All that is known of each row: what models see, true labels, groups. A column that only numbers the rows has no
        place in it.
    clusters : array of shape (n,), optional
        Rows of one cluster are known not to be independent.

    Returns
    -------
    DataFrame
        Canonical columns, one line of the metric ``copies``: ``k`` rows of ``n`` equal an earlier one, ``estimate`` is
        their share; ``n_effective`` is what the rows are worth. Then ``expected``, equal pairs that chance makes (NaN
        where it did not have to be asked), and ``verdict``; ``reason`` says in a sentence what was seen.

    References
    ----------
    Kish (1965), Survey Sampling (design effect); for the expected pairs see
    `explaindistill.numerics.statistics.coincidences`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> once = pd.DataFrame({"income": rng.normal(size=200), "sex": rng.choice(["f", "m"], 200)})
    >>> few = pd.DataFrame(rng.integers(0, 3, (600, 6)))
    >>> [copies(t)["verdict"][0] for t in (once, pd.concat([once] * 10), few)]
    ['none', 'dependent', 'as chance gives']
    """
    n = len(rows)
    codes = [pd.factorize(rows[c], use_na_sentinel=False)[0].astype(np.int32) for c in rows.columns]
    # a column that only recodes another one adds nothing
    different = list({blake2b(c.tobytes()).digest(): c for c in codes}.values())
    n_possible = math.prod(float(c.max(initial=0)) + 1.0 for c in different)  # inf of 200 columns, and no warning
    labels = _labels(clusters, n)
    # the clusters' words stand beside those of the columns: drawn alone they would be the words of the first column
    *words, words_of_clusters = words_of([*different, labels])
    marked = _Marked(different, words)
    whole = sum_of_marks(words, different, n) if rows.shape[1] else np.arange(n, dtype=np.uint64)
    of_clusters = words_of_clusters[labels]
    apart = _Apart(whole, whole if clusters is None else whole + of_clusters)
    named = [(str(c), of) for c, of in zip(rows.columns, codes, strict=True) if 0 < of.max(initial=0) < MOST_LEVELS]
    verdict, expected, added, reason = _judged(marked, apart, named, n_possible)
    share = apart.equal.repeats / n if n else np.nan
    line = row("copies", share, share, share, n=n, k=apart.equal.repeats, n_effective=n / (1 + added),
               method="counted", subject="rows", reason=reason, expected=expected, verdict=verdict)  # fmt: skip
    return frame([line], extra=("expected", "verdict"))


def _labels(clusters: ArrayLike | None, n: int) -> Codes:
    """Clusters by number; all rows are of one where there are none."""
    if clusters is None:
        return np.zeros(n, dtype=np.int64)
    labels = pd.factorize(np.asarray(clusters), use_na_sentinel=False)[0]
    if len(labels) != n:
        raise InvalidInputError(f"clusters must have one entry per row: {n} rows, got {len(labels)}")
    return np.asarray(labels)


class _Apart:
    """Equal rows, and those of them that no cluster holds together.

    Attributes
    ----------
    n : int
        Rows.
    equal : Coincidences
        Of all rows.
    pairs : float
        Equal pairs of rows of different clusters.
    first, counts : ndarray of int, shape (distinct rows,)
        A row of each kind, and how many there are: those of one cluster count once.
    """

    def __init__(self, whole: Words, inside: Words) -> None:
        """From marks of the rows, and of the rows with their clusters; the same twice where there are none."""
        self.n, self.equal = len(whole), equal_pairs(whole)
        self.pairs, once = self.equal.pairs, np.arange(len(whole))
        if inside is not whole:
            self.pairs -= equal_pairs(inside).pairs
            once = np.unique(inside, return_index=True)[1]
        _, first, self.counts = np.unique(whole[once], return_index=True, return_counts=True)
        self.first = once[first]


class _Marked(NamedTuple):
    """Columns that differ as codes, and the word of each code."""

    codes: list[Codes]
    words: list[Words]

    def at(self, rows: Codes) -> Words:
        """Marks of some rows, by column."""
        marks = [word[c[rows]] for word, c in zip(self.words, self.codes, strict=True)]
        return np.array(marks, dtype=np.uint64).reshape(len(marks), len(rows))


def _judged(
    marked: _Marked, apart: _Apart, named: Sequence[tuple[str, Codes]], n_possible: float
) -> tuple[str, float, float, str]:
    """Verdict, equal pairs that chance makes, what copies add to the variance, and what was seen."""
    equal, n = apart.equal, apart.n
    sentence = f"{equal.repeats:,} of {n:,} rows equal an earlier row in every column"
    if not equal.repeats:
        return "none", 0.0, 0.0, ""
    if 1 + 2 * equal.pairs / n < MATERIAL:
        return "negligible", np.nan, 0.0, sentence
    if 1 + 2 * apart.pairs / n < MATERIAL:
        return "covered", np.nan, 0.0, f"{sentence}, inside of clusters"
    added, words = _multiplied(apart, named, n)
    if words:
        return "dependent", np.nan, added, f"{sentence}: {words}"
    expected = _expected(marked, n)
    sentence += f"; {equal.pairs:,.0f} pairs are equal, and chance makes about {expected:,.0f}"
    added = 2 * (apart.pairs - expected) / n
    if apart.pairs > BEYOND * expected and n_possible > n and 1 + added >= MATERIAL:
        return "dependent", expected, added, sentence
    return "as chance gives", expected, 0.0, sentence


def _multiplied(apart: _Apart, named: Sequence[tuple[str, Codes]], n: int) -> tuple[float, str]:
    """What copies add to the variance where counts share a divisor, and the sentence; without one, 0 and nothing.

    All rows come first, then those of each value of a column. As chance may do it in any of them, the chances of all
    that are looked at are added up (Bonferroni).
    """
    times = _divided(apart.counts, np.zeros(len(apart.counts), dtype=np.int64))
    looks = [(column, _divided(apart.counts, codes[apart.first])) for column, codes in named]
    if times and times[0].chance <= SELDOM:
        return times[0].added(n), f"each distinct row stands {times[0].words()}"
    tried = 1 + sum(len(levels) for _, levels in looks)
    seldom = [(level, column) for column, levels in looks for level in levels if level.chance * tried <= SELDOM]
    level, column = max(seldom, default=(_Level(1, 0, 0, 1.0), ""), key=lambda pair: pair[0].added(n))
    if 1 + level.added(n) < MATERIAL:
        return 0.0, ""
    return level.added(n), f"of one value of {column!r} each distinct row stands {level.words()}"


class _Level(NamedTuple):
    """Rows of one value: what divides how often each distinct one stands, rows, distinct ones, chance of that."""

    divisor: int
    rows: int
    distinct: int
    chance: float

    def added(self, n: int) -> float:
        return (self.divisor - 1) * self.rows / n

    def words(self) -> str:
        alike = self.divisor * self.distinct == self.rows
        return f"{self.divisor} times" + ("" if alike else " or a multiple of that")


def _divided(counts: Codes, levels: Codes) -> list[_Level]:
    """Of each level the divisor of its counts."""
    if not len(counts):
        return []
    order = np.argsort(levels, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(levels[order]) != 0])
    sums, sizes = np.add.reduceat(counts[order], starts), np.diff(np.r_[starts, len(counts)])
    divisors = np.gcd.reduceat(counts[order], starts)
    figures = zip(divisors.tolist(), sums.tolist(), sizes.tolist(), strict=True)
    return [_Level(d, rows, k, chance_of_divisor(d, k)) for d, rows, k in figures]


def _expected(marked: _Marked, n: int) -> float:
    """Equal pairs of all rows that chance makes; of many rows, a random sample stands for all."""
    if n <= COMPARED_ROWS:
        return by_chance(marked.at(np.arange(n)))
    drawn = np.sort(np.random.default_rng(0).choice(n, COMPARED_ROWS, replace=False))
    return by_chance(marked.at(drawn)) * (n / COMPARED_ROWS) ** 2
