"""Withhold the figures of subsets of the rows that are so small that single people could be recognised in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.numerics.statistics.suppression import small_parts

__all__ = ["small_subsets"]

PARTS = ("class=", "margin decile ", "student decile ", "where ", "bin ")
"""How the names of subsets begin that together are all rows: of classes, of tenths, of the student's rules, of bins."""
ALONE = ("near the boundary", "without rows equal")
"""Subsets that have no fellow: with all rows known, they tell of those outside of them, too."""
MEANS = {"agreement": ("agreement_macro", "agreement_worst_class"), "recall": ("balanced_accuracy",)}
"""Means over the classes, and the worst of them: they tell of the last class where the others are known, or of two with
the share of all."""
PLACES = ("twin_difference",)
"""Differences of two curves at the places of a grid; of each row some weight stands at the places beside it, and what
the places of one curve weigh together is all rows."""
WHERE_MISSING = ("accuracy_where_missing", "missing_flip", "missing_shift")
"""Figures of those who have no value in a column, or of all others."""
EQUAL_ROWS = ("duplicate_rows", "duplicates_differ", "duplicate_variance")
"""Figures of rows that have an equal one; ``k`` of the first of them is their number."""


def small_subsets(table: pd.DataFrame, minimum: int) -> NDArray[np.bool_]:
    """Mark lines that tell of fewer than ``minimum`` rows, and those from which they could be worked out.

    Parameters
    ----------
    table : DataFrame with the canonical columns
        Lines of groups are left to :func:`explaindistill.measures.suppression.suppress`.
    minimum : int

    Returns
    -------
    array of bool, one per line

    Examples
    --------
    >>> from explaindistill.measures.table import frame, row
    >>> ends = {"": 100, "class=a": 60, "class=b": 37, "class=c": 3}
    >>> table = frame([row("agreement", 0.9, 0.8, 1.0, n=n, subset=subset) for subset, n in ends.items()])
    >>> table.loc[small_subsets(table, 10), "subset"].tolist()
    ['class=b', 'class=c']
    """
    out = np.zeros(len(table), dtype=bool)
    if minimum <= 1:
        return out
    n = np.nan_to_num(table["n"].to_numpy(dtype=float))
    subset, everyone = table["subset"].astype(str), (table["attribute"] == "").to_numpy()
    begins = {word: subset.str.startswith(word).to_numpy() for word in (*PARTS, *ALONE)}
    of_all = (subset == "").to_numpy()
    # of a table of decisions each class has a line per decision: the classes are parts of all rows once for each
    keys = ["subject", "metric", *(["decision"] if "decision" in table else [])]
    for key, at in table.groupby(keys, sort=False).indices.items():
        lines = at[everyone[at]]
        for beginning in PARTS:
            family = lines[begins[beginning][lines]]
            out[family] = small_parts(n[family], minimum)
            if beginning == "class=" and out[family].any() and key[1] in MEANS:
                for metric in MEANS[key[1]]:
                    out |= _line(table, str(key[0]), metric)
        whole = n[lines[of_all[lines]]].max(initial=0.0)
        for beginning in ALONE:
            family = lines[begins[beginning][lines]]
            outside = whole - n[family]
            out[family] = (n[family] > 0) & ((n[family] < minimum) | ((outside > 0) & (outside < minimum)))
        if key[1] in PLACES:
            for at_feature in table.iloc[lines].groupby("feature", sort=False).indices.values():
                out[lines[at_feature]] = small_parts(n[lines[at_feature]], minimum)
    return out | _where_missing(table, n, minimum) | _equal_rows(table, minimum)


def _where_missing(table: pd.DataFrame, n: NDArray[np.float64], minimum: int) -> NDArray[np.bool_]:
    """Figures of people without a value, or with one, where either are few."""
    named = table["metric"].isin(WHERE_MISSING).to_numpy()
    everyone = table["subject"].map(pd.Series(n).groupby(table["subject"].to_numpy()).max()).to_numpy(dtype=float)
    others = everyone - n
    return named & (((n > 0) & (n < minimum)) | ((others > 0) & (others < minimum)))


def _equal_rows(table: pd.DataFrame, minimum: int) -> NDArray[np.bool_]:
    """Figures of rows that are equal to another one, where they are few: their scores would follow from these."""
    named = table["metric"].isin(EQUAL_ROWS).to_numpy()
    number = table.loc[table["metric"] == EQUAL_ROWS[0], "k"].max()
    return named & bool(0 < number < minimum)


def _line(table: pd.DataFrame, subject: str, metric: str) -> NDArray[np.bool_]:
    return ((table["subject"] == subject) & (table["metric"] == metric)).to_numpy()
