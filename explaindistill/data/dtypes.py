"""The dtype of a column as text, and back: made-up rows look like the user's own, whatever holds them."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["OBJECTS", "as_dtype", "dtype_name"]

OBJECTS = ("decimal", "date", "time", "timedelta")
"""Names for columns of objects that are Decimal, date, time or timedelta: pandas calls all of them object."""
ARROW_TEXT = "arrow_string[pyarrow]"
"""Arrow's own text; pandas calls it string[pyarrow], as it does a dtype of its own."""
DAY_SECONDS = 86400


def dtype_name(series: pd.Series) -> str:
    """Name of a column's dtype; one of :data:`OBJECTS` where objects of one class stand in it.

    Examples
    --------
    >>> dtype_name(pd.Series([1, 2])), dtype_name(pd.Series([dt.date(2020, 2, 29), None]))
    ('int64', 'date')
    """
    if series.dtype != object:
        return ARROW_TEXT if _is_arrow_text(series.dtype) else str(series.dtype)
    inferred = pd.api.types.infer_dtype(series, skipna=True)
    return inferred if inferred in OBJECTS else "object"


def as_dtype(column: pd.Series, name: str) -> pd.Series:
    """Bring a column to the dtype of that name; NaN, NaT and None in it are missing.

    Parameters
    ----------
    column : Series
        Numbers, flags, moments, or objects.
    name : str
        As :func:`dtype_name` says it.

    Examples
    --------
    >>> as_dtype(pd.Series([5400.0, None]), "time").tolist()
    [datetime.time(1, 30), None]
    >>> str(as_dtype(pd.Series([1.0, None]), "int64[pyarrow]").dtype)
    'int64[pyarrow]'
    """
    if name in OBJECTS:
        return _objects(column, name)
    dtype = _parsed(name)
    if isinstance(dtype, pd.ArrowDtype):
        return _arrow(column, dtype)
    if isinstance(dtype, np.dtype) and dtype.kind in "iub" and bool(column.isna().any()):
        return column  # plain whole numbers and flags have no way to be missing
    if isinstance(dtype, np.dtype) and dtype.kind == "m":
        return _spans(column).astype(dtype)
    if isinstance(dtype, pd.PeriodDtype):
        return pd.Series(column.dt.to_period(dtype.freq))
    if getattr(dtype, "kind", "") in "iuf" and not isinstance(dtype, np.dtype | pd.SparseDtype):
        column = pd.Series(pd.array(column, dtype="Float64"))  # NaN becomes NA
    return column.astype(dtype)


def _is_arrow_text(dtype: Any) -> bool:
    return isinstance(dtype, pd.ArrowDtype) and str(dtype) == "string[pyarrow]"


def _spans(seconds: pd.Series) -> pd.Series:
    if seconds.dtype.kind == "m":
        return seconds
    whole = np.rint(seconds.to_numpy(dtype=float, na_value=np.nan) * 1e6)
    gone = np.isnan(whole)
    spans = np.where(gone, 0, whole).astype("int64").astype("timedelta64[us]")
    spans[gone] = np.timedelta64("NaT", "us")
    return pd.Series(spans)


def _objects(column: pd.Series, name: str) -> pd.Series:
    makers: dict[str, Any] = {
        "decimal": lambda v: Decimal(repr(float(v))),
        "date": lambda v: v.date(),
        "time": _time,
        "timedelta": lambda v: dt.timedelta(seconds=float(v)),
    }
    make = makers[name]
    return pd.Series([None if pd.isna(v) else make(v) for v in column], dtype=object)


def _time(seconds: float) -> dt.time:
    microseconds = min(max(round(float(seconds) * 1e6), 0), DAY_SECONDS * 10**6 - 1)
    return (dt.datetime.min + dt.timedelta(microseconds=microseconds)).time()


def _parsed(name: str) -> Any:
    """The dtype itself; pandas does not read back every name that it gives."""
    if sparse := re.fullmatch(r"Sparse\[(\w+), (.+)\]", name):
        subtype = np.dtype(sparse[1])
        fill = {"True": True, "False": False}.get(sparse[2])
        return pd.SparseDtype(subtype, subtype.type(float(sparse[2])) if fill is None else fill)
    if name.endswith("[pyarrow]") and name != "string[pyarrow]":
        import pyarrow as pa

        if name == ARROW_TEXT:
            return pd.ArrowDtype(pa.string())
        if decimal := re.fullmatch(r"decimal(128|256)\((\d+), (\d+)\)\[pyarrow\]", name):
            return pd.ArrowDtype(getattr(pa, f"decimal{decimal[1]}")(int(decimal[2]), int(decimal[3])))
        if packed := re.fullmatch(r"dictionary<values=(\w+), indices=(\w+), ordered=(\d)>\[pyarrow\]", name):
            values, indices = pa.type_for_alias(packed[1]), pa.type_for_alias(packed[2])
            return pd.ArrowDtype(pa.dictionary(indices, values, packed[3] == "1"))
    return pd.api.types.pandas_dtype(name)


def _arrow(column: pd.Series, dtype: pd.ArrowDtype) -> pd.Series:
    import pyarrow as pa

    kind = dtype.pyarrow_dtype
    if pa.types.is_duration(kind):
        column = _spans(column)
    elif pa.types.is_decimal(kind):
        step = Decimal(1).scaleb(-kind.scale)
        column = pd.Series(
            [None if pd.isna(v) else Decimal(repr(float(v))).quantize(step) for v in column], dtype=object
        )
    elif pa.types.is_time(kind):
        column = _objects(column, "time")
    elif pa.types.is_integer(kind):
        column = pd.Series(pd.array(column, dtype="Float64")).astype("UInt64" if "uint" in str(kind) else "Int64")
    cells = [None if pd.isna(v) else v for v in column]
    if pa.types.is_dictionary(kind):
        array = pa.array(cells, type=kind.value_type).dictionary_encode().cast(kind)
    elif pa.types.is_date(kind):
        array = pa.array([v if v is None else v.date() for v in cells], type=kind)
    else:
        array = pa.array(cells, type=kind)
    return pd.Series(pd.arrays.ArrowExtensionArray(array))
