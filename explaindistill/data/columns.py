"""One column at a time: what kind it is, its numbers, and back from numbers to the user's own values."""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.dtypes import OBJECTS, as_dtype
from explaindistill.data.families import Family, dense, family_of, plain_category, shown_values
from explaindistill.errors import InvalidInputError

__all__ = [
    "KINDS",
    "Kind",
    "category_codes",
    "from_numbers",
    "kind_of",
    "moment_words",
    "ordered_unique",
    "sorted_categories",
    "to_numbers",
]

Kind = Literal["numeric", "integer", "categorical", "ordered", "boolean", "datetime", "raw"]
KINDS: tuple[Kind, ...] = ("numeric", "integer", "categorical", "ordered", "boolean", "datetime")
EXACT_INTEGERS = 2.0**53
"""From here on every float64 is a whole number, which says nothing about the column."""
UNSEEN = -1.0
"""Code of a category that was not there when the schema was read."""
LARGEST = 1e100
"""Numbers beyond it are refused: squares of them, summed over rows, would overflow."""
FAMILIES: dict[Kind, tuple[Family, ...]] = {
    "numeric": ("number", "flag", "duration", "time"),
    "integer": ("number", "flag", "duration", "time"),
    "boolean": ("flag", "number"),
    "datetime": ("moment", "text"),
}
"""What a column of a kind may hold; text in a column of dates is read as ISO dates."""
WORDS: dict[Family, str] = {
    "number": "numbers",
    "flag": "flags",
    "moment": "dates",
    "duration": "durations",
    "time": "times of day",
    "text": "text",
    "interval": "intervals",
    "raw": "objects",
}
SMALLEST_SPREAD = 1e-100
"""Columns that spread over less would be constant to every student that squares: their squares underflow."""


def kind_of(series: pd.Series) -> Kind:  # noqa: PLR0911
    """Kind of a column from its dtype, and from its values where the dtype is ``object`` or ``float``."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        family_of(series)
        return "ordered" if series.dtype.ordered else "categorical"
    series = dense(series)
    match family_of(series):
        case "flag":
            return "boolean"
        case "moment":
            return "datetime"
        case "interval":
            return "ordered"
        case "number":
            if series.dtype.kind in "iu":
                return "integer"
            return "integer" if _integral(_floats(series)) else "numeric"
        case "duration" | "time":
            return "numeric"
        case "raw":
            return "raw"
        case _:
            return "categorical"


def _integral(values: NDArray[np.float64]) -> bool:
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and bool((np.abs(finite) < EXACT_INTEGERS).all() and (finite == np.rint(finite)).all())


def ordered_unique(series: pd.Series) -> tuple[Any, ...]:
    """Categories of a column: the declared ones, else those seen, sorted by type and value."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return tuple(series.cat.categories.tolist())
    return tuple(sorted_categories(pd.unique(dense(series).dropna()).tolist()))


def sorted_categories(distinct: list[Any]) -> list[Any]:
    """Categories that were seen, in one order whatever the order of rows: by value where they have one, else by type.

    Examples
    --------
    >>> sorted_categories(["b", "a"]), sorted_categories([True, "a"])
    (['a', 'b'], [True, 'a'])
    """
    if all(isinstance(v, str) for v in distinct) or all(isinstance(v, numbers.Real) for v in distinct):
        return sorted(distinct)
    if all(isinstance(v, pd.Interval) for v in distinct):
        return sorted(distinct)
    return sorted(distinct, key=lambda v: (type(v).__name__, str(v)))


def category_codes(series: pd.Series, categories: Sequence[Any], other: bool = False) -> NDArray[np.float64]:
    """Codes ``0 .. m-1`` in the order of ``categories``; NaN for missing.

    A value that is not among them is -1, or the last code where that stands for every ``other`` value.

    Raises
    ------
    InvalidInputError
        If no value is among them and all are of another type: numbers where there were texts, or texts for numbers.
    """
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes, levels = series.cat.codes.to_numpy(), series.cat.categories.tolist()
    else:
        codes, levels = pd.factorize(dense(series))
    position = {plain_category(value): float(i) for i, value in enumerate(categories)}
    plain = [plain_category(value) for value in levels]
    unknown = len(categories) - 1.0 if other else UNSEEN
    table = np.array([position.get(value, unknown) for value in plain] + [np.nan])
    named = list(position)[: len(categories) - other]
    present = [plain[i] for i in np.unique(codes[codes >= 0])]
    if named and present and not set(present) & set(position):
        _check_type(series, named, present)
    return table[codes]


def _check_type(series: pd.Series, categories: list[Any], values: list[Any]) -> None:
    """Refuse a column whose values are all unknown since they are of another type than its categories."""
    categories_are_text = {isinstance(c, str) for c in categories}
    if not categories_are_text & {isinstance(v, str) for v in values}:
        was, now = ("text", "numbers") if categories_are_text == {True} else ("numbers", "text")
        raise InvalidInputError(
            f"column {series.name!r} holds {now}, {values[0]!r} for instance, and was {was} when it was fitted, "
            f"{categories[0]!r} for instance, so that no value is known; give it as {was}"
        )


def to_numbers(
    series: pd.Series, kind: Kind, categories: Sequence[Any], dtype: str = "", other: bool = False
) -> NDArray[np.float64]:
    """One column as float64: missing is NaN, a category is its code, durations, times and dates are seconds.

    Parameters
    ----------
    series : Series
    kind : Kind
    categories : sequence
    dtype : str, default=""
        Of the column that was fitted; durations are refused where that was a column of plain numbers.
    other : bool, default=False
        Whether the last category stands for every value without a name.

    Raises
    ------
    InvalidInputError
        If a column holds what its kind cannot be, or infinity; the message names the column and the value.
    """
    if kind in ("categorical", "ordered"):
        return category_codes(series, categories, other)
    if kind == "raw":
        raise InvalidInputError(
            f"column {series.name!r} holds objects that are no numbers (texts, images, sounds); this needs the columns "
            "that a domain makes of them"
        )
    column = dense(series)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(column.to_numpy(dtype=object), index=column.index, name=column.name)
    if kind == "boolean" and column.dtype == object:  # 0 and False may stand side by side where flags are asked for
        column = column.map(lambda v: float(v) if isinstance(v, bool | np.bool_) else v)
    family = family_of(column)
    if family == "nothing":
        return np.full(len(column), np.nan)
    if family not in FAMILIES[kind] or (family in ("duration", "time") and not (dtype == "" or _is_span(dtype))):
        raise _of_another_kind(column, kind, family)
    if kind == "datetime":
        _check_zone(column, dtype)
        return _seconds(column)
    if family in ("duration", "time"):
        return _spans(column, family)
    return _checked(column, _floats(column), kind)


def moment_words(seconds: float) -> str:
    """A moment as ISO 8601 writes it, in any year: pandas holds those from 1677 to 2262 alone.

    Examples
    --------
    >>> moment_words(86400.0), moment_words(1.5), moment_words(-94004915731.0)
    ('1970-01-02', '1970-01-01T00:00:01.500000', '-1009-02-07T03:24:29')
    """
    moment = np.datetime64(0, "us") + np.timedelta64(round(seconds * 1e6), "us")
    words = str(moment)
    return words.removesuffix(".000000").removesuffix("T00:00:00")


def _check_zone(series: pd.Series, dtype: str) -> None:
    """Refuse dates of a zone where plain ones were fitted, and the reverse: nobody knows which hour is meant."""
    if not dtype.startswith(("datetime64", "timestamp")) or not pd.api.types.is_datetime64_any_dtype(series.dtype):
        return
    fitted, has_zone = ", " in dtype, series.dt.tz is not None
    if fitted != has_zone:
        words = ("plain dates", "dates of a time zone")
        way = "dt.tz_localize(None)" if has_zone else "dt.tz_localize('UTC')"
        raise InvalidInputError(
            f"column {series.name!r} must hold {words[fitted]}, as in fitting, got {words[has_zone]}; say which hour "
            f"is meant, for instance with {way}"
        )


def _is_span(dtype: str) -> bool:
    return dtype.startswith(("timedelta", "duration", "time32", "time64")) or dtype in OBJECTS[2:]


def _of_another_kind(series: pd.Series, kind: Kind, family: Family) -> InvalidInputError:
    way = {"datetime": "make it dates, for instance with pandas.to_datetime", "boolean": "make it True and False"}
    hint = "could not convert string to float; " if family == "text" else ""
    return InvalidInputError(
        f"column {series.name!r} is {kind} and must not hold {WORDS[family]}, got {shown_values(series)}; "
        f"{hint}{way.get(kind, 'make it numbers or missing')}"
    )


def _floats(series: pd.Series) -> NDArray[np.float64]:
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def _checked(series: pd.Series, values: NDArray[np.float64], kind: Kind) -> NDArray[np.float64]:
    """Numbers that every student can reckon with, and tell apart."""
    if len(values) == 0:
        return values
    with np.errstate(invalid="ignore"):
        far = float(np.nanmax(np.abs(values), initial=0.0))
    if np.isinf(far):
        raise InvalidInputError(
            f"column {series.name!r} must be finite, got infinity; replace it by a missing value or a bound"
        )
    if far > LARGEST:
        raise InvalidInputError(
            f"column {series.name!r} must lie within {LARGEST:g} of zero, got {far:g}; divide it by a unit, or make it "
            "missing where such a number means that there is no value"
        )
    if far >= EXACT_INTEGERS:
        _check_whole(series, values)
    if kind == "boolean" and (wrong := (values != 0.0) & (values != 1.0) & ~np.isnan(values)).any():
        raise InvalidInputError(
            f"column {series.name!r} is boolean and must be 0 or 1, False or True, got {values[wrong][0]:g}"
        )
    return values


def _check_whole(series: pd.Series, values: NDArray[np.float64]) -> None:
    """Refuse whole numbers that float64 would read as others: two keys would become one."""
    if series.dtype.kind not in "iuO":
        return
    for cell, value in zip(series, values, strict=True):
        if isinstance(cell, numbers.Integral) and int(cell) != int(value):
            raise InvalidInputError(
                f"column {series.name!r} must hold whole numbers that a float64 can tell apart, up to 2**53, got {cell}"
                "; "
                "make keys text, for instance with astype(str), or leave the column out"
            )


def _spans(series: pd.Series, family: Family) -> NDArray[np.float64]:
    if family == "time":
        return np.array([_since_midnight(v) for v in series], dtype=np.float64)
    spans = pd.to_timedelta(series)
    return np.asarray(spans.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan))


def _since_midnight(value: Any) -> float:
    if not isinstance(value, dt.time):
        return np.nan
    return value.hour * 3600.0 + value.minute * 60.0 + value.second + value.microsecond / 1e6


def _seconds(series: pd.Series) -> NDArray[np.float64]:
    if series.dtype == object:
        series = series.map(lambda v: v.to_timestamp() if isinstance(v, pd.Period) else v)
    try:
        moments = pd.to_datetime(series, utc=True)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"column {series.name!r} is datetime and could not be read: {error}") from error
    stamps = moments.to_numpy(dtype="datetime64[us]")
    values = stamps.astype(np.int64) / 1e6
    return np.where(np.isnat(stamps), np.nan, values)


def from_numbers(values: NDArray[np.float64], kind: Kind, categories: Sequence[Any], dtype: str) -> Any:  # noqa: PLR0911
    """Return a column in the user's own values and dtype; unseen codes and NaN become missing."""
    missing = np.isnan(values)
    if kind in ("categorical", "ordered"):
        return _categories_from(values, missing, kind, categories, dtype)
    if kind == "datetime":
        return _moments_from(values, missing, dtype)
    if kind == "boolean":
        return _flags_from(np.where(missing, 0, values) > 0.5, missing, dtype)
    rounded = np.rint(values) if kind == "integer" else values
    if dtype == "object":
        return pd.Series(rounded, dtype=object)
    if dtype.startswith(("int", "uint")) and "[" not in dtype and missing.any():
        return rounded
    if dtype.startswith(("int", "uint")) and "[" not in dtype:
        return rounded.astype(dtype)
    return as_dtype(pd.Series(rounded), dtype)


def _categories_from(
    values: NDArray[np.float64], missing: NDArray[np.bool_], kind: Kind, categories: Sequence[Any], dtype: str
) -> Any:
    codes = np.where(missing | (values < 0), -1, values).astype(np.intp)
    column = pd.Categorical.from_codes(codes, categories=list(categories), ordered=kind == "ordered")
    if dtype == "category":
        return column
    if dtype.startswith(("int", "uint")) and "[" not in dtype and (codes < 0).any():
        dtype = "float64"
    if dtype.startswith("interval") and not all(isinstance(c, pd.Interval) for c in categories):
        dtype = "object"  # a form that was read back knows the text of intervals only
    return as_dtype(pd.Series(np.asarray(column, dtype=object), dtype=object), dtype)


def _flags_from(flags: NDArray[np.bool_], missing: NDArray[np.bool_], dtype: str) -> Any:
    if dtype == "bool" and not missing.any():
        return flags
    plain = flags.astype(object)
    plain[missing] = None
    if dtype in ("boolean", "bool[pyarrow]"):
        return pd.array(plain, dtype=dtype)
    if dtype.startswith("Sparse") and not missing.any():
        return as_dtype(pd.Series(flags), dtype)
    return pd.Series(plain, dtype=object)


def _moments_from(values: NDArray[np.float64], missing: NDArray[np.bool_], dtype: str) -> Any:
    stamps = np.rint(np.where(missing, 0.0, values) * 1e6).astype("int64").astype("datetime64[us]")
    stamps[missing] = np.datetime64("NaT", "us")
    column = pd.Series(stamps)
    if dtype.startswith("datetime64") and "," in dtype:
        return column.dt.tz_localize("UTC").astype(dtype)
    if "tz=" in dtype:
        return column.dt.tz_localize("UTC").astype(dtype)
    if dtype == "date" or dtype.startswith(("datetime64", "period", "date", "timestamp")):
        return as_dtype(column, dtype)
    return column.astype(object)
