"""Frames of drawn rows in which what was counted on all rows takes the place of what was measured on some."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.partitions.basis import ALL, BASIS, DRAWN, OF_NO_ROWS
from explaindistill.measures.table import text

__all__ = ["joined"]

DIGITS = 12
"""Significant digits of sums of all rows: the order of the parts moves digits behind these."""


def joined(drawn: Mapping[str, pd.DataFrame], counted: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Frames with a column that says of each line whether it rests on all rows or on drawn ones.

    Lines of a metric, subject, sensitive column and kind of subset that were counted on all rows leave out those that
    were measured on drawn ones, also where these have other groups.

    Examples
    --------
    >>> from explaindistill.measures.table import frame, row
    >>> some = frame([row("agreement", 0.8, 0.7, 0.9, n=50, subject="tree"), row("kl", 0.1, 0.0, 0.2, n=50)])
    >>> every = frame([row("agreement", 0.9, 0.88, 0.92, n=900, subject="tree")])
    >>> joined({"fidelity": some}, {"fidelity": every})["fidelity"][["metric", "n", "rows"]].values.tolist()
    [['agreement', 900, 'all'], ['kl', 50, 'drawn']]
    """
    return {name: table if name in OF_NO_ROWS else _joined(table, counted.get(name)) for name, table in drawn.items()}


def _joined(drawn: pd.DataFrame, counted: pd.DataFrame | None) -> pd.DataFrame:
    if counted is None or counted.empty:
        return _marked(drawn, DRAWN)
    every = _marked(_rounded(counted), ALL)
    if drawn.empty or "metric" not in drawn:
        return every
    replaced = set(_keys(counted))
    rest = drawn[[key not in replaced for key in _keys(drawn)]]
    if rest.empty:
        return every
    table = pd.concat([every, _marked(rest, DRAWN)], ignore_index=True)
    places = {key: i for i, key in enumerate(dict.fromkeys(_keys(drawn)))}
    order = np.argsort([places.get(key, len(places)) for key in _keys(table)], kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _keys(table: pd.DataFrame) -> list[tuple[str, ...]]:
    columns = [table[c].astype(str) if c in table else [""] * len(table) for c in ("metric", "subject", "attribute")]
    subsets = table["subset"].map(_kind) if "subset" in table else [""] * len(table)
    return list(zip(*columns, subsets, strict=True))


def _kind(subset: Any) -> str:
    """What kind of rows a subset is: the word in front of a number, a class or a rule."""
    return re.split(r"\d|=|where ", str(subset))[0] or ("where" if str(subset).startswith("where ") else "")


def _marked(table: pd.DataFrame, basis: str) -> pd.DataFrame:
    return table if table.columns.empty else table.assign(**{BASIS: text([basis] * len(table))})


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Figures without the digits that depend on the order in which parts were added."""
    out = table.copy()
    for column in table.columns:
        if pd.api.types.is_float_dtype(table[column]):
            out[column] = [float(f"{x:.{DIGITS}g}") for x in table[column]]
    return out
