"""One column at a time: what kind it is, its numbers, and back from numbers to the user's own values."""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from explaindistill.errors import InvalidInputError

__all__ = ["KINDS", "Kind", "category_codes", "from_numbers", "kind_of", "ordered_unique", "to_numbers"]

Kind = Literal["numeric", "integer", "categorical", "ordered", "boolean", "datetime"]
KINDS: tuple[Kind, ...] = ("numeric", "integer", "categorical", "ordered", "boolean", "datetime")
EXACT_INTEGERS = 2.0**53
"""From here on every float64 is a whole number, which says nothing about the column."""
UNSEEN = -1.0
"""Code of a category that was not there when the schema was read."""


def kind_of(series: pd.Series) -> Kind:
    """Kind of a column from its dtype, and from its values where the dtype is ``object`` or ``float``."""
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "ordered" if dtype.ordered else "categorical"
    if types.is_bool_dtype(dtype):
        return "boolean"
    if types.is_datetime64_any_dtype(dtype):
        return "datetime"
    if types.is_complex_dtype(dtype):
        raise InvalidInputError(f"Complex data not supported: column {series.name!r}")
    if types.is_integer_dtype(dtype):
        return "integer"
    if types.is_float_dtype(dtype):
        return "integer" if _integral(series.to_numpy(dtype=float, na_value=np.nan)) else "numeric"
    return _kind_of_objects(series.dropna())


def _integral(values: NDArray[np.float64]) -> bool:
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and bool((np.abs(finite) < EXACT_INTEGERS).all() and (finite == np.rint(finite)).all())


def _kind_of_objects(present: pd.Series) -> Kind:
    if types.is_string_dtype(present.dtype) and present.dtype != object:
        return "categorical"
    for value in present:
        if not isinstance(value, Hashable) or isinstance(value, tuple | frozenset):
            raise TypeError(
                f"column {present.name!r} holds a {type(value).__name__}; every argument must be a string or a number"
            )
    if all(isinstance(v, bool | np.bool_) for v in present):
        return "boolean"
    if all(isinstance(v, numbers.Real) and not isinstance(v, bool | np.bool_) for v in present):
        return "integer" if _integral(present.to_numpy(dtype=float)) else "numeric"
    if all(isinstance(v, dt.date | np.datetime64) for v in present):
        return "datetime"
    return "categorical"


def ordered_unique(series: pd.Series) -> tuple[Any, ...]:
    """Categories of a column: the declared ones, else those seen, sorted by type and value."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return tuple(series.cat.categories.tolist())
    distinct = pd.unique(series.dropna()).tolist()
    if all(isinstance(v, str) for v in distinct) or all(isinstance(v, numbers.Real) for v in distinct):
        return tuple(sorted(distinct))
    return tuple(sorted(distinct, key=lambda v: (type(v).__name__, str(v))))


def category_codes(series: pd.Series, categories: Sequence[Any], other: bool = False) -> NDArray[np.float64]:
    """Codes ``0 .. m-1`` in the order of ``categories``; NaN for missing.

    A value that is not among them is -1, or the last code where that stands for every ``other`` value.
    """
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes, levels = series.cat.codes.to_numpy(), series.cat.categories.tolist()
    else:
        codes, levels = pd.factorize(series)
    position = {value: float(i) for i, value in enumerate(categories)}
    unknown = len(categories) - 1.0 if other else UNSEEN
    table = np.array([position.get(value, unknown) for value in levels] + [np.nan])
    return table[codes]


def to_numbers(series: pd.Series, kind: Kind, categories: Sequence[Any], other: bool = False) -> NDArray[np.float64]:
    """One column as float64: missing is NaN, a date is seconds since 1970, a category is its code.

    Raises
    ------
    InvalidInputError
        If a numeric column holds text or infinity; the message names the column and the value.
    """
    if kind in ("categorical", "ordered"):
        return category_codes(series, categories, other)
    if kind == "datetime":
        return _seconds(series)
    try:
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise _not_a_number(series, kind) from error
    if np.isinf(values).any():
        raise InvalidInputError(
            f"column {series.name!r} must be finite, got infinity; replace it by a missing value or a bound"
        )
    return values


def _not_a_number(series: pd.Series, kind: Kind) -> InvalidInputError:
    wrong = next((v for v in series.dropna() if not isinstance(v, numbers.Real)), None)
    return InvalidInputError(
        f"column {series.name!r} is {kind}, got {str(wrong)[:40]!r}, could not convert string to float; "
        f"make it a number or missing"
    )


def _seconds(series: pd.Series) -> NDArray[np.float64]:
    try:
        moments = pd.to_datetime(series, utc=True)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"column {series.name!r} is datetime and could not be read: {error}") from error
    stamps = moments.to_numpy(dtype="datetime64[us]")
    values = stamps.astype(np.int64) / 1e6
    return np.where(np.isnat(stamps), np.nan, values)


def from_numbers(values: NDArray[np.float64], kind: Kind, categories: Sequence[Any], dtype: str) -> Any:
    """Return a column in the user's own values and dtype; unseen codes and NaN become missing."""
    missing = np.isnan(values)
    if kind in ("categorical", "ordered"):
        return _categories_from(values, missing, kind, categories, dtype)
    if kind == "datetime":
        return _moments_from(values, missing, dtype)
    if kind == "boolean":
        return _flags_from(np.where(missing, 0, values) > 0.5, missing, dtype)
    rounded = np.rint(values) if kind == "integer" else values
    if missing.any() and dtype.startswith(("int", "uint")):
        return rounded
    return _cast(pd.array(rounded, dtype="Float64") if dtype[0] in "IUF" else rounded, dtype)


def _categories_from(
    values: NDArray[np.float64], missing: NDArray[np.bool_], kind: Kind, categories: Sequence[Any], dtype: str
) -> Any:
    codes = np.where(missing | (values < 0), -1, values).astype(np.intp)
    column = pd.Categorical.from_codes(codes, categories=list(categories), ordered=kind == "ordered")
    if dtype == "category":
        return column
    plain = np.asarray(column, dtype=object)
    if dtype.startswith(("int", "uint")) and (codes < 0).any():
        dtype = "float64"
    return _cast(pd.Series(plain, dtype=object), dtype)


def _flags_from(flags: NDArray[np.bool_], missing: NDArray[np.bool_], dtype: str) -> Any:
    if dtype == "bool" and not missing.any():
        return flags
    plain = flags.astype(object)
    plain[missing] = None
    return pd.array(plain, dtype="boolean") if dtype == "boolean" else pd.Series(plain, dtype=object)


def _moments_from(values: NDArray[np.float64], missing: NDArray[np.bool_], dtype: str) -> Any:
    stamps = np.rint(np.where(missing, 0.0, values) * 1e6).astype("int64").astype("datetime64[us]")
    stamps[missing] = np.datetime64("NaT")
    column = pd.Series(stamps)
    if "," in dtype:
        return column.dt.tz_localize("UTC").astype(dtype)
    return column.astype(dtype) if dtype.startswith("datetime64") else column.astype(object)


def _cast(column: Any, dtype: str) -> Any:
    return pd.Series(column).astype(dtype)
