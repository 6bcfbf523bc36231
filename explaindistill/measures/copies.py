"""Rows that are given more than once: how many, and whether chance makes so many."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.coincidences import (
    Coincidences,
    by_chance,
    chance_of_divisor,
    equal_pairs,
    marks_of,
)

__all__ = ["COPIES_WAY_OUT", "copies"]

Words = NDArray[np.uint64]
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
COMPARED_ROWS = 100_000
"""Rows among which near misses are counted. A trade-off: all pairs of as many rows take a second."""
COPIES_WAY_OUT = (
    "drop the copies (X.drop_duplicates(), and y alike), or give each set of copies as one cluster: "
    "groups=X.groupby(list(X), dropna=False, observed=True).ngroup()"
)


def copies(rows: pd.DataFrame, *, clusters: ArrayLike | None = None) -> pd.DataFrame:
    r"""Count rows that equal an earlier row in every column, and say whether chance makes so many.

    With P pairs of equal rows among n, E of which chance makes, the variance of a mean is
    :math:`1 + 2 (P - E) / n` times as large as that of independent rows: intervals are too narrow by its root.

    =====================  =============================================================================
    verdict                when
    =====================  =============================================================================
    ``none``               no two rows are equal
    ``negligible``         copies or not, the variance is less than 1.05 times as large
    ``covered``            the same, after rows of one cluster are left out: ``clusters`` account for them
    ``dependent``          how often each distinct row stands is always a multiple of one number, as chance
                           makes it in less than one of a hundred tables; or there are five times as many
                           equal pairs as chance makes, they matter, and more different rows are possible
                           than there are rows
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
    codes = [pd.factorize(rows[c], use_na_sentinel=False)[0] for c in rows.columns]
    different = list({c.tobytes(): c for c in codes}.values())  # a column that only recodes another one adds nothing
    n_possible = float(np.prod([c.max(initial=0) + 1.0 for c in different]))
    marks = marks_of(different)
    whole = marks.sum(axis=0, dtype=np.uint64) if rows.shape[1] else np.arange(n, dtype=np.uint64)
    equal = equal_pairs(whole)
    apart = equal.pairs - _inside(whole, clusters)
    verdict, expected, reason = _judged(marks, equal, apart, n_possible)
    added = 2 * max(apart - np.nan_to_num(expected), 0.0) / n if verdict == "dependent" else 0.0
    share = equal.repeats / n if n else np.nan
    line = row("copies", share, share, share, n=n, k=equal.repeats, n_effective=n / (1 + added), method="counted",
               subject="rows", reason=reason, expected=expected, verdict=verdict)  # fmt: skip
    return frame([line], extra=("expected", "verdict"))


def _inside(whole: Words, clusters: ArrayLike | None) -> float:
    """Equal pairs inside of clusters; 0 without these."""
    if clusters is None:
        return 0.0
    labels = pd.factorize(np.asarray(clusters), use_na_sentinel=False)[0]
    if len(labels) != len(whole):
        raise InvalidInputError(f"clusters must have one entry per row: {len(whole)} rows, got {len(labels)}")
    return equal_pairs(whole + marks_of([labels])[0]).pairs


def _judged(marks: Words, equal: Coincidences, apart: float, n_possible: float) -> tuple[str, float, str]:
    """Verdict, equal pairs that chance makes, and what was seen; ``n_possible`` different rows there can be."""
    n = marks.shape[1]
    sentence = f"{equal.repeats:,} of {n:,} rows equal an earlier row in every column"
    if not equal.repeats:
        return "none", 0.0, ""
    if 1 + 2 * equal.pairs / n < MATERIAL:
        return "negligible", np.nan, sentence
    if 1 + 2 * apart / n < MATERIAL:
        return "covered", np.nan, f"{sentence}, inside of clusters"
    if chance_of_divisor(equal.divisor, equal.n_distinct) <= SELDOM:
        times = "each distinct row stands" + (f" {equal.divisor} times" if _alike(equal, n) else "")
        times += "" if _alike(equal, n) else f" {equal.divisor} times or a multiple of that"
        return "dependent", np.nan, f"{sentence}: {times}"
    expected = _expected(marks)
    sentence += f"; {equal.pairs:,.0f} pairs are equal, and chance makes about {expected:,.0f}"
    if apart > BEYOND * expected and n_possible > n and 1 + 2 * (apart - expected) / n >= MATERIAL:
        return "dependent", expected, sentence
    return "as chance gives", expected, sentence


def _alike(equal: Coincidences, n: int) -> bool:
    return equal.divisor * equal.n_distinct == n


def _expected(marks: Words) -> float:
    """Equal pairs of all rows that chance makes; of many rows, a random sample stands for all."""
    n = marks.shape[1]
    if n <= COMPARED_ROWS:
        return by_chance(marks)
    drawn = np.sort(np.random.default_rng(0).choice(n, COMPARED_ROWS, replace=False))
    return by_chance(marks[:, drawn]) * (n / COMPARED_ROWS) ** 2
