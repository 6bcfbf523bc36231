"""Kinds of column names, and of labels, and containers of rows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["CONTAINERS", "LABELS", "NAMELESS", "NAMES", "contained"]

NAMES: dict[str, Any] = {
    "plain": "income",
    "empty": "",
    "blanks": " income ",
    "whole number": 7,
    "negative number": -1,
    "fraction": 0.5,
    "tuple": ("income", 2020),
    "None": None,
    "NaN": float("nan"),
    "flag": True,
    "date": pd.Timestamp("2020-02-29"),
    "NUL": "in\0come",
    "half a surrogate": "in\ud800come",
    "new line": "in\ncome",
    "quotes": "in\"co'me`",
    "backslash": "in\\come",
    "words of SQL": "select",
    "injection": '"; DROP TABLE rows; --',
    "name of an answer": "prediction",
    "name of a share": "P_0",
    "name of our own": "x1",
    "keyword": "lambda",
    "very long": "income " * 200,
    "emoji": "\U0001f600",
    "look-alike": "\u0456ncome",
    "HTML": "<script>alert(1)</script>",
    "duplicate": "b",
    "duplicate by case": "B",
}
NAMELESS = ("array", "lists", "masked array")
"""Containers whose columns have no names."""


def _three(at: np.ndarray) -> np.ndarray:
    return at % 3


LABELS: dict[str, Callable[[np.ndarray, np.random.Generator], Any]] = {
    "text": lambda at, rng: np.array(["no", "yes"])[at],
    "text objects": lambda at, rng: np.array(["no", "yes"], dtype=object)[at],
    "str": lambda at, rng: pd.Series(np.array(["no", "yes"])[at], dtype="str"),
    "whole numbers": lambda at, rng: at.astype("int64"),
    "1 and 2": lambda at, rng: pd.Series(at + 1),
    "floats": lambda at, rng: at.astype("float64"),
    "flags": lambda at, rng: at == 1,
    "flags in objects": lambda at, rng: pd.Series(at == 1, dtype=object),
    "boolean": lambda at, rng: pd.Series(at == 1, dtype="boolean"),
    "Int64": lambda at, rng: pd.Series(at, dtype="Int64"),
    "category": lambda at, rng: pd.Series(np.array(["no", "yes"])[at], dtype="category"),
    "category of numbers": lambda at, rng: pd.Series(at, dtype="category"),
    "int64[pyarrow]": lambda at, rng: pd.Series(at, dtype="int64[pyarrow]"),
    "three classes": lambda at, rng: np.array(["a", "b", "c"])[(at + rng.integers(0, 2, len(at))) % 3],
    "odd text": lambda at, rng: np.array(["", 'it\'s "so"\n'])[at],
    "column vector": lambda at, rng: pd.DataFrame({"y": at}),
    "list": lambda at, rng: at.tolist(),
    "one class": lambda at, rng: np.array(["yes"] * len(at)),
    "missing text": lambda at, rng: np.where(at == 1, "yes", None),
    "missing number": lambda at, rng: np.where(at == 1, 1.0, np.nan),
    "missing boolean": lambda at, rng: pd.Series(np.where(at == 1, True, None), dtype="boolean"),
    "text and numbers": lambda at, rng: np.where(at == 1, "yes", np.array(0, dtype=object)),
    "dates": lambda at, rng: pd.Series(pd.to_datetime(np.array(["2020-02-29", "2020-03-01"])[at])),
    "tuples": lambda at, rng: pd.Series([(int(k), 1) for k in at], dtype=object),
    "two labels a row": lambda at, rng: np.column_stack([at, 1 - at, at]),
    "values": lambda at, rng: at + rng.normal(size=len(at)).round(3),
    "Float64 values": lambda at, rng: pd.Series(at + rng.normal(size=len(at)).round(3), dtype="Float64"),
    "counts of hundreds": lambda at, rng: at * 400 + rng.integers(0, 400, len(at)),
    "Decimal values": lambda at, rng: pd.Series([Decimal(int(k)) for k in at], dtype=object),
}
VALUES = ("values", "Float64 values", "counts of hundreds", "Decimal values")
"""Labels for regressors; the others are for classifiers."""


def _polars(frame: pd.DataFrame) -> Any:
    import polars

    return polars.from_pandas(frame)


def _arrow(frame: pd.DataFrame) -> Any:
    import pyarrow

    return pyarrow.Table.from_pandas(frame, preserve_index=False)


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """One dict a row, which cannot hold a name twice."""
    if not frame.columns.is_unique:
        raise ValueError("a dict holds a name once")
    return frame.to_dict("records")


def _structured(frame: pd.DataFrame) -> np.ndarray:
    return frame.to_records(index=False).view(np.ndarray)


def _masked(frame: pd.DataFrame) -> np.ma.MaskedArray:
    """Under the mask stands the column's first value, so that one who reads it gets another answer."""
    values, mask = frame.to_numpy(dtype=object), frame.isna().to_numpy()
    return np.ma.masked_array(np.where(mask, values[0], values), mask=mask)


CONTAINERS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "pandas, odd index": lambda frame: frame.set_axis([f"r{i % 7}" for i in range(len(frame))], axis=0),
    "polars": _polars,
    "Arrow table": _arrow,
    "array": lambda frame: frame.to_numpy(dtype=object),
    "lists": lambda frame: frame.to_numpy(dtype=object).tolist(),
    "records": _records,
    "columns": lambda frame: {name: frame[name].array for name in frame},
    "structured array": _structured,
    "masked array": _masked,
}


def contained(kind: str, frame: pd.DataFrame) -> Any:
    """A frame's rows in a container; None where that container cannot hold such names or values."""
    try:
        return CONTAINERS[kind](frame)
    except ModuleNotFoundError:
        raise
    except Exception:  # whatever a library says about what it cannot hold, there is nothing to ask then
        return None
