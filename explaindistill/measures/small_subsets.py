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
    for key, at in table.groupby(["subject", "metric"], sort=False).indices.items():
        lines = at[everyone[at]]
        for beginning in PARTS:
            family = lines[subset.iloc[lines].str.startswith(beginning).to_numpy()]
            out[family] = small_parts(n[family], minimum)
            if beginning == "class=" and out[family].any() and key[1] in MEANS:
                for metric in MEANS[key[1]]:
                    out |= _line(table, str(key[0]), metric)
        whole = n[lines[(subset.iloc[lines] == "").to_numpy()]].max(initial=0.0)
        for beginning in ALONE:
            family = lines[subset.iloc[lines].str.startswith(beginning).to_numpy()]
            outside = whole - n[family]
            out[family] = (n[family] > 0) & ((n[family] < minimum) | ((outside > 0) & (outside < minimum)))
    return out


def _line(table: pd.DataFrame, subject: str, metric: str) -> NDArray[np.bool_]:
    return ((table["subject"] == subject) & (table["metric"] == metric)).to_numpy()
