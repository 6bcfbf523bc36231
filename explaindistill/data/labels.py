"""Labels in any dress as one array: text, flags or numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.columns import LARGEST, SMALLEST_SPREAD
from explaindistill.data.families import dense, family_of, shown_values
from explaindistill.errors import InvalidInputError

__all__ = ["as_labels", "as_values", "check_mask"]


def as_labels(y: Any) -> NDArray[Any]:
    """Hard labels ``(n,)`` as an array of text, flags or numbers, whatever held them.

    Nullable, categorical, Arrow and object columns become the plain array of what they hold: True and False in an
    object column are flags.

    Raises
    ------
    InvalidInputError
        For missing labels, and for dates, durations and intervals.
    InvalidTypeError
        For labels of several kinds, or of any other class.

    Examples
    --------
    >>> as_labels(pd.Series([True, False], dtype=object)).dtype, as_labels(pd.array([1, 2], dtype="Int64")).tolist()
    (dtype('bool'), [1, 2])
    """
    check_mask(y)
    series = dense(_series(y)).rename("y")
    _check_present(series)
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = pd.Series(series.to_numpy(dtype=object), name=series.name)
    match family_of(series):
        case "flag":
            return series.to_numpy(dtype=bool)
        case "number" if isinstance(series.dtype, np.dtype) and series.dtype != object:
            return series.to_numpy()
        case "number":
            values = series.to_numpy(dtype=np.float64)
            whole = pd.api.types.infer_dtype(series) == "integer"
            return series.to_numpy(dtype=np.int64) if whole else values
        case "text":
            return np.array([str(v) for v in series], dtype=object)
        case _:
            raise InvalidInputError(
                f"y must be classes named by text, numbers or flags, got {shown_values(series)}; "
                f"name them by text, for "
                "instance with astype(str)"
            )


def as_values(y: Any) -> NDArray[np.float64]:
    """Values ``(n,)`` or ``(n, m)`` as float64.

    Raises
    ------
    InvalidInputError
        For missing or infinite values, and for what is not numbers.

    Examples
    --------
    >>> as_values(pd.array([1, 2], dtype="Int64")).tolist()
    [1.0, 2.0]
    """
    check_mask(y)
    if not isinstance(y, pd.DataFrame | pd.Series | pd.api.extensions.ExtensionArray) and not hasattr(y, "to_pandas"):
        y = np.asarray(y)
    columns = [_series(c) for c in _columns(y)]
    out = []
    for column in columns:
        _check_present(column)
        if family_of(dense(column).rename("y")) not in ("number", "flag"):
            raise InvalidInputError(
                f"y must be numbers for regression, got {shown_values(column)}; make it numbers, or use a Classifier"
            )
        out.append(_in_range(dense(column).to_numpy(dtype=np.float64)))
    return np.column_stack(out) if np.ndim(y) == 2 or isinstance(y, pd.DataFrame) else out[0]


def check_mask(y: Any) -> None:
    """Refuse labels under a mask, which numpy would read as the numbers that lie below it.

    Examples
    --------
    >>> check_mask(np.ma.masked_array([0, 1], mask=[False, True]))
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: Input y contains NaN: y must have a value in every row, 1 is masked; ...
    """
    if np.ma.is_masked(y):
        n = int(np.ma.getmaskarray(y).reshape(len(y), -1).any(axis=1).sum())
        raise InvalidInputError(
            f"Input y contains NaN: y must have a value in every row, {n} {'is' if n == 1 else 'are'} masked; drop "
            "those rows"
        )


def _in_range(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squares beyond 1e100 overflow, and of spreads below 1e-100 are 0: no student could tell them apart."""
    if len(values) == 0:
        return values
    low, high = float(values.min()), float(values.max())
    if max(-low, high) > LARGEST:
        raise InvalidInputError(
            f"y must lie within {LARGEST:g} of zero, got {max(low, high, key=abs):g}; divide it by a unit"
        )
    if 0 < high - low < SMALLEST_SPREAD:
        raise InvalidInputError(
            f"y must spread over at least {SMALLEST_SPREAD:g} or be constant, got {high - low:g}; multiply it by a unit"
        )
    return values


def _columns(y: Any) -> list[Any]:
    if isinstance(y, pd.DataFrame):
        return [y.iloc[:, j] for j in range(y.shape[1])]
    if isinstance(y, pd.Series) or np.ndim(y) < 2:
        return [y]
    return list(np.asarray(y).T)


def _series(y: Any) -> pd.Series:
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    if isinstance(y, pd.Series):
        return y.reset_index(drop=True)
    if hasattr(y, "to_pandas"):
        return pd.Series(y.to_pandas())
    if isinstance(y, pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(y)
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise InvalidInputError(
            f"y must have one label per row, got an array of shape {values.shape}; "
            f"multi-label targets are not supported"
        )
    return pd.Series(values) if values.dtype.kind != "U" else pd.Series(values.astype(object), dtype=object)


def _check_present(series: pd.Series) -> None:
    if series.dtype.kind == "f" and np.isinf(series.to_numpy(dtype=np.float64, na_value=np.nan)).any():
        raise InvalidInputError("Input y contains infinity: y must be finite; drop those rows")
    if series.isna().any():
        raise InvalidInputError("Input y contains NaN: y must have a value in every row; drop those rows")
