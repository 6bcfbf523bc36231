"""People whose group is not known: between which bounds a gap lies whatever they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explaindistill.measures.groups import MISSING
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.manski import People, manski

__all__ = ["missing_bounds"]


def missing_bounds(rates: pd.DataFrame, gaps: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    r"""Bounds of each selection-rate ratio and difference whatever group the people of unknown group belong to.

    The lowest ratio puts all unknown people who were not selected into the group and all who were into the
    reference group; the highest does the reverse: these are Manski's bounds. Of u unknown people, :math:`u_1` of them
    selected, and k of n selected in a group, its rate lies between :math:`k / (n + u - u_1)` and
    :math:`(k + u_1) / (n + u_1)`. With weights, people count as much as they weigh; with weights or clusters the three
    kinds of people count as their effective rows times their share of the weight.

    The bounds themselves are estimated. ``sampling_low`` and ``sampling_high`` hold the true *figure* with ``level``:
    each bound is moved outward by :math:`c` standard errors, where
    :math:`\Phi(c + W / \max(s_l, s_u)) - \Phi(-c)` = ``level`` with the width W between the bounds and the standard
    errors s of either. c lies between the one-sided quantile, where the bounds are far apart, and the two-sided one.

    Parameters
    ----------
    rates, gaps : DataFrame
        From `group_rates` and `group_gaps`.
    level : float

    Returns
    -------
    DataFrame
        Canonical columns with ``selection_rate_ratio`` and ``selection_rate_difference``; ``low`` and ``high`` are
        the bounds, ``method`` is ``"manski bounds"``; then ``n_unknown``, ``sampling_low`` and ``sampling_high``. Only
        attributes with unknown rows.

    References
    ----------
    Manski (1990), https://www.jstor.org/stable/2006592; Imbens and Manski (2004),
    doi:10.1111/j.1468-0262.2004.00555.x.

    Examples
    --------
    >>> from explaindistill.measures.bias import group_rates
    >>> from explaindistill.measures.gaps import group_gaps
    >>> rates = group_rates([1] * 60 + [0] * 40 + [1] * 40 + [0] * 60 + [1] * 10,
    ...                     attributes=pd.DataFrame({"sex": ["m"] * 100 + ["f"] * 100 + [None] * 10}), favorable=1)
    >>> bounds = missing_bounds(rates, group_gaps(rates, {"sex": "m"})).set_index("metric")
    >>> bounds.loc["selection_rate_ratio", ["sampling_low", "low", "estimate", "high"]].astype(float).round(2).tolist()
    [0.5, 0.63, 0.67, 0.76]
    """
    rates = rates[rates["metric"] == "selection_rate"]
    tables = {key: table for key, table in rates.groupby(["subject", "attribute"], sort=False)}
    lines: list[dict[str, Any]] = []
    for gap in gaps[gaps["metric"].isin(["selection_rate_ratio", "selection_rate_difference"])].itertuples():
        table = tables[gap.subject, gap.attribute]
        gone = table["group"].str.contains(MISSING, regex=False)
        if not gone.any() or MISSING in gap.group:
            continue
        people = [table[table["group"] == gap.group], table[table["group"] == gap.reference], table[gone]]
        low, high, wide = manski([_people(rows) for rows in people], gap.metric.endswith("_ratio"), level)
        names = {c: getattr(gap, c) for c in ("subject", "attribute", "group", "reference", "n", "k")}
        extra = {"n_unknown": int(table.loc[gone, "n"].sum()), "sampling_low": wide[0], "sampling_high": wide[1]}
        lines.append(row(gap.metric, gap.estimate, low, high, method="manski bounds", **extra, **names))
    return frame(lines, extra=["n_unknown", "sampling_low", "sampling_high"])


def _people(rates: pd.DataFrame) -> People:
    """Weight, selected weight and effective rows of people: several groups of unknown ones are added up."""
    weight = (rates["weight"] if "weight" in rates else rates["n"]).to_numpy(dtype=float)
    chosen = np.nan_to_num(rates["estimate"].to_numpy()) * weight
    square = np.sum(weight**2 / np.where(rates["n_effective"] > 0, rates["n_effective"], np.nan))
    total = float(weight.sum())
    return People(total, float(chosen.sum()), total**2 / square if square > 0 else np.nan)
