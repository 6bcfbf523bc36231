"""What the values of a column are, whatever holds them: numbers, flags, moments, durations, times, text, intervals."""

from __future__ import annotations

import datetime as dt
import numbers
import uuid
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types

from explaindistill.data.raw_objects import RawObject
from explaindistill.errors import InvalidInputError, InvalidTypeError

__all__ = ["Family", "dense", "family_of", "plain_category", "shown_values"]

Family = Literal["nothing", "number", "flag", "moment", "duration", "time", "text", "interval", "raw"]
MIXED = "text or numbers or flags or dates, and not several of them"
SHOWN = 40
"""Characters of a value that a message shows."""

_INFERRED: dict[str, Family] = {
    "string": "text",
    "floating": "number",
    "integer": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "boolean": "flag",
    "datetime64": "moment",
    "datetime": "moment",
    "date": "moment",
    "period": "moment",
    "timedelta64": "duration",
    "timedelta": "duration",
    "time": "time",
    "interval": "interval",
    "empty": "nothing",
}
"""From the words of ``pandas.api.types.infer_dtype``."""
_CLASSES: tuple[tuple[Family, tuple[type, ...]], ...] = (
    ("flag", (bool, np.bool_)),
    ("number", (numbers.Real, Decimal)),
    ("text", (str, uuid.UUID)),
    ("duration", (dt.timedelta, np.timedelta64)),
    ("moment", (dt.date, np.datetime64, pd.Period)),
    ("time", (dt.time,)),
    ("interval", (pd.Interval,)),
    ("raw", (RawObject,)),
)


def dense(series: pd.Series) -> pd.Series:  # noqa: PLR0911 - one return for each case
    """A column without the packing: sparse and dictionary columns opened, periods as their first moment.

    Arrow's columns of decimals, dates, times and whatever pandas knows no dtype for become objects of Python.

    Examples
    --------
    >>> dense(pd.Series([0.0, 2.0], dtype="Sparse[float64]")).dtype, dense(pd.Series(pd.period_range("2020", "2021",
    ...     freq="Y"))).tolist()[1]
    (dtype('float64'), Timestamp('2021-01-01 00:00:00'))
    """
    dtype = series.dtype
    if isinstance(dtype, np.dtype | pd.CategoricalDtype | pd.StringDtype):
        return series
    if isinstance(dtype, pd.SparseDtype):
        return pd.Series(np.asarray(series), index=series.index, name=series.name)
    if isinstance(dtype, pd.PeriodDtype):
        return series.dt.to_timestamp()
    if isinstance(dtype, pd.ArrowDtype):
        kind = str(dtype.pyarrow_dtype)
        if kind.startswith("dictionary"):
            return pd.Series(series.to_numpy(dtype=object), index=series.index, name=series.name)
        if kind.startswith("duration"):
            return series.astype("timedelta64[us]" if not kind.endswith("[ns]") else "timedelta64[ns]")
        if not (dtype.kind in "biuf" or "string" in kind or kind.startswith("timestamp")) or "decimal" in kind:
            return series.astype(object)
    return series


def family_of(series: pd.Series) -> Family:  # noqa: PLR0911 - one return for each case
    """The family of a dense column's values; a category's is that of its categories.

    Raises
    ------
    InvalidTypeError
        For values of any other class, or of several families.

    Examples
    --------
    >>> family_of(pd.Series([Decimal("0.5"), None])), family_of(pd.Series(["a"], dtype="category"))
    ('number', 'text')
    >>> family_of(pd.Series(["a", 1], name="code"))
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidTypeError: column 'code' must hold text or numbers or ..., got 'a' (str) and 1 ...
    """
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return family_of(pd.Series(dtype.categories.to_numpy(), name=series.name))
    if isinstance(dtype, pd.IntervalDtype):
        return "interval"
    if types.is_bool_dtype(dtype):
        return "flag"
    if types.is_datetime64_any_dtype(dtype):
        return "moment"
    if types.is_timedelta64_dtype(dtype):
        return "duration"
    if types.is_complex_dtype(dtype):
        raise InvalidInputError(
            f"Complex data not supported: column {series.name!r} must hold real numbers; give real and imaginary part "
            "a column each"
        )
    if types.is_numeric_dtype(dtype):
        return "number"
    if dtype != np.dtype(object):
        return "text" if types.is_string_dtype(dtype) else _of_objects(series.astype(object))
    return _of_objects(series)


def _of_objects(series: pd.Series) -> Family:
    inferred = types.infer_dtype(series, skipna=True)
    if inferred == "complex":
        return family_of(series.astype(complex))
    if inferred in _INFERRED and not (inferred == "empty" and series.notna().any()):
        return _INFERRED[inferred]
    first: dict[Family, Any] = {}
    for value in series:
        family = next((f for f, classes in _CLASSES if isinstance(value, classes)), None)
        if family is None:
            if types.is_scalar(value) and pd.isna(value):
                continue
            raise InvalidTypeError(
                f"column {series.name!r} holds a {type(value).__name__}; every argument must be a string or a number, "
                "a flag, a date, a time or an interval; split it into columns of those, leave it out, or say "
                "domain= where it holds texts, images or sounds"
            )
        first.setdefault(family, value)
    if len(first) > 1:
        one, two = list(first.values())[:2]
        raise InvalidTypeError(
            f"column {series.name!r} must hold {MIXED}, got {shown_value(one)} and {shown_value(two)}; "
            f"make all of them text, for instance with astype(str)"
        )
    return next(iter(first), "nothing")


def plain_category(value: Any) -> Any:
    """A category as forms and exports write it: text, a number or a flag; whatever else it is, its text.

    Examples
    --------
    >>> plain_category(np.int64(3)), plain_category(pd.Interval(0, 5)), plain_category(pd.Timestamp("2020-02-29"))
    (3, '(0, 5]', '2020-02-29 00:00:00')
    """
    if isinstance(value, np.bool_ | np.number):
        value = value.item()
    return value if isinstance(value, bool | int | float) else str(value)


def shown_value(value: Any) -> str:
    """A value for a message, with the name of its class."""
    return f"{ascii(value)[:SHOWN]} ({type(value).__name__})"


def shown_values(series: pd.Series) -> str:
    """The first values of a column for a message."""
    return ", ".join(shown_value(v) for v in series.dropna().head(1).tolist())
