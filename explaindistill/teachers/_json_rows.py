"""Rows of a table as JSON objects, as an endpoint is sent them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["json_rows"]


def json_rows(X: Any) -> list[dict[str, Any]]:
    """Rows as JSON objects with every digit: missing is null, dates are ISO texts.

    Examples
    --------
    >>> json_rows(pd.DataFrame({"age": [31, None], "since": pd.to_datetime(["2026-01-31", None])}))[0]
    {'age': 31.0, 'since': '2026-01-31T00:00:00'}
    """
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X)).add_prefix("x")
    columns = [[_plain(v) for v in frame.iloc[:, i].tolist()] for i in range(frame.shape[1])]
    names = [str(c) for c in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value
