"""Figures whose intervals suppose rows that are independent and of one weight, where they are not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from explaindistill.errors import InvalidInputError

__all__ = ["without_intervals"]

KINDS = {
    "clusters": "the interval supposes independent rows",
    "weights": "the figure counts every row alike",
}


def without_intervals(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The table without limits and p-values, and the reason in every line that had some.

    Parameters
    ----------
    table : DataFrame
        Canonical columns, see `explaindistill.measures.table`; not modified.
    kind : "clusters" or "weights"
        What the figures do not account for.

    Returns
    -------
    DataFrame
        The same lines; those that lose an interval or a p-value have the status ``small`` where they had ``ok``.

    Examples
    --------
    >>> from explaindistill.measures.table import frame, row
    >>> line = without_intervals(frame([row("proxy_auc", 0.7, 0.6, 0.8, n=200)]), "clusters")
    >>> line[["low", "status", "reason"]].values.tolist()
    [[nan, 'small', 'cannot say with clusters: the interval supposes independent rows']]
    """
    if kind not in KINDS:
        raise InvalidInputError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    numbers = [c for c in table.columns if c in {"low", "high"} or c.startswith("p_")]
    if not numbers or table.empty:
        return table
    lost = table[numbers].apply(pd.to_numeric, errors="coerce").notna().any(axis=1).to_numpy()
    out = table.copy()
    out.loc[lost, numbers] = np.nan
    out.loc[lost & (out["status"] == "ok").to_numpy(), "status"] = "small"
    out.loc[lost, "reason"] = f"cannot say with {kind}: {KINDS[kind]}"
    return out
