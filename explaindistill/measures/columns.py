"""What the audited columns look like, in aggregates: typical value, spread, share of missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.schema import Feature, Schema

__all__ = ["describe_columns"]

COLUMNS = ("feature", "kind", "n", "n_missing", "n_values", "median", "low", "high", "mode")
SPREAD = (0.01, 0.99)
"""Shares of rows below ``low`` and ``high``. Nearer to 0 and 1 a limit would be the value of one person, further away
it would hide the tail that a reader asks for."""


def describe_columns(X: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """One line per column of the rows.

    Parameters
    ----------
    X : DataFrame of n rows
        In the form of ``schema.frame``.
    schema : Schema

    Returns
    -------
    DataFrame
        ``feature``, ``kind``, ``n``, ``n_missing``, ``n_values`` (different ones), ``median``, ``low`` and ``high``
        (1 and 99 of 100 rows lie below; numbers only, dates in seconds since 1970) and ``mode`` (categories and
        booleans only; ties go to the first).

    Examples
    --------
    >>> X = pd.DataFrame({"age": [30, 40, 50], "city": ["a", "b", "b"]})
    >>> schema = Schema.infer(X)
    >>> describe_columns(schema.frame(X), schema)[["feature", "median", "mode"]].values.tolist()
    [['age', 40.0, ''], ['city', nan, 'b']]
    """
    lines = [_column(schema.column(X, feature.name), feature) for feature in schema]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _column(numbers: NDArray[np.float64], feature: Feature) -> dict[str, Any]:
    present = numbers[~np.isnan(numbers)]
    values, counts = np.unique(present, return_counts=True)
    line: dict[str, Any] = {"feature": feature.name, "kind": feature.kind, "n": len(numbers)}
    line |= {"n_missing": len(numbers) - len(present), "n_values": len(values)}
    line |= {"median": np.nan, "low": np.nan, "high": np.nan, "mode": ""}
    if len(values) == 0:
        return line
    if feature.is_category or feature.kind == "boolean":
        return line | {"mode": _word(float(values[np.argmax(counts)]), feature)}
    low, high = np.quantile(present, SPREAD, method="inverted_cdf")  # a value that occurs, not one between two
    return line | {"median": float(np.median(present)), "low": float(low), "high": float(high)}


def _word(code: float, feature: Feature) -> str:
    if feature.kind == "boolean":
        return feature.words(code)
    return str(feature.categories[int(code)]) if code >= 0 else ""
