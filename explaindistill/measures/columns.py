"""What the audited columns look like, in aggregates: typical value, spread, share of missing values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE, shown_bounds, shown_middle
from explaindistill.data.schema import Feature, Schema

__all__ = ["describe_columns"]

COLUMNS = ("feature", "kind", "n", "n_missing", "n_values", "median", "low", "high", "mode")
OUTER = 0.01
"""Share of rows beyond ``low`` and beyond ``high``, where these are people enough. Further in, the limits would hide
the tail that a reader asks for."""


def describe_columns(X: pd.DataFrame, schema: Schema, minimum: int = 10) -> pd.DataFrame:
    """One line per column of the rows.

    Parameters
    ----------
    X : DataFrame of n rows
        In the form of ``schema.frame``.
    schema : Schema
        Whose names of categories may be shown; see :func:`explaindistill.data.disclosure.disclosed`.
    minimum : int
        No figure rests on fewer rows: as many lie at or beyond each limit, and have the ``mode``; nothing is said of a
        column with fewer values. 1 shows the extremes as they are.

    Returns
    -------
    DataFrame
        ``feature``, ``kind``, ``n``, ``n_missing`` (NaN where those without a value, or those with one, are few: fewer
        than five, or than ``minimum``), ``n_values`` (different ones), ``median`` (rounded where fewer than ``minimum``
        rows have it: :func:`~explaindistill.data.disclosure.shown_middle`), ``low`` and ``high`` (1 of 100 rows, but at
        least ``minimum``, lie at or beyond each, which is rounded outward; numbers only, dates in seconds since 1970)
        and ``mode`` (categories and booleans only; ties go to the first).

    Examples
    --------
    >>> X = pd.DataFrame({"age": [30, 40, 50], "city": ["a", "b", "b"]})
    >>> schema = Schema.infer(X)
    >>> describe_columns(schema.frame(X), schema, minimum=1)[["feature", "median", "mode"]].values.tolist()
    [['age', 40.0, ''], ['city', nan, 'b']]
    """
    lines = [_column(schema.column(X, feature.name), feature, minimum) for feature in schema]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _column(numbers: NDArray[np.float64], feature: Feature, minimum: int) -> dict[str, Any]:
    present = numbers[~np.isnan(numbers)]
    values, counts = np.unique(present, return_counts=True)
    line: dict[str, Any] = {"feature": feature.name, "kind": feature.kind, "n": len(numbers)}
    line |= {"n_missing": _number_missing(len(numbers), len(present), minimum), "n_values": len(values)}
    line |= {"median": np.nan, "low": np.nan, "high": np.nan, "mode": ""}
    if len(present) < max(minimum, 1):
        return line
    if feature.is_category or feature.kind == "boolean":
        common = counts.max() >= minimum
        return line | {"mode": _word(float(values[np.argmax(counts)]), feature) if common else ""}
    beyond = max(minimum, math.ceil(OUTER * len(present)))
    low, high = shown_bounds(present, feature.kind, 1 if minimum <= 1 else beyond)
    return line | {"median": shown_middle(present, feature.kind, minimum), "low": low, "high": high}


def _number_missing(n: int, n_present: int, minimum: int) -> float:
    """How many have no value; NaN where they, or those who have one, are few, but not none."""
    few = min(minimum, MIN_CATEGORY_SIZE)
    return math.nan if 0 < n - n_present < few or 0 < n_present < few else float(n - n_present)


def _word(code: float, feature: Feature) -> str:
    if feature.kind == "boolean":
        return feature.words(code)
    return str(feature.categories[int(code)]) if code >= 0 else ""
