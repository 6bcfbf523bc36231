"""The door of every container: rows become a DataFrame, and go out again as what they came in."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import check_array

from explaindistill.errors import InvalidInputError, InvalidTypeError

__all__ = ["Container", "as_frame", "container_of", "is_unicode", "labels_of", "one_or_more", "repacked"]

Container = Literal["frame", "array", "polars", "arrow"]
SHOWN = 60
"""Characters of a name that a message shows."""


def container_of(X: Any) -> Container:
    """What rows are given out in: rows without names are an array, others a frame of the library they came from.

    Examples
    --------
    >>> container_of([[1.0, 2.0]]), container_of([{"a": 1.0}])
    ('array', 'frame')
    """
    if isinstance(X, pd.DataFrame) or _is_records(X) or isinstance(X, Mapping) or _is_structured(X):
        return "frame"
    room = type(X).__module__.partition(".")[0]
    if room == "polars":
        return "polars"
    return "arrow" if room == "pyarrow" else "frame" if hasattr(X, "to_pandas") else "array"


def labels_of(X: Any) -> tuple[Any, ...] | None:
    """Names of a frame's columns as the user has them; None where they are text, or there are none.

    Examples
    --------
    >>> labels_of(pd.DataFrame([[1, 2]])), labels_of(pd.DataFrame({"a": [1]}))
    ((0, 1), None)
    """
    if not isinstance(X, pd.DataFrame) or all(isinstance(c, str) for c in X.columns):
        return None
    return tuple(X.columns)


def repacked(frame: pd.DataFrame, container: Container, labels: tuple[Any, ...] | None = None) -> Any:
    """Rows in a container again, with the user's own names of columns.

    Examples
    --------
    >>> repacked(pd.DataFrame({"0": [1.0]}), "frame", (0,)).columns.tolist()
    [0]
    """
    if container == "array":
        return frame.to_numpy()
    if container == "polars" and "polars" in sys.modules:
        return sys.modules["polars"].from_pandas(frame)
    if container == "arrow":
        import pyarrow as pa

        return pa.Table.from_pandas(frame, preserve_index=False)
    if labels is None:
        return frame
    return frame.set_axis(pd.Index(list(labels), tupleize_cols=False), axis=1)


def one_or_more(X: Any) -> Any:
    """Rows, or one row given as a Series or a mapping, as rows.

    Examples
    --------
    >>> one_or_more({"age": 41, "home": "own"}).values.tolist()
    [[41, 'own']]
    >>> one_or_more(pd.DataFrame({"age": [41, 50]}).iloc[1]).values.tolist(), one_or_more([[1.0]])
    ([[50]], [[1.0]])
    """
    cells = X.to_dict() if isinstance(X, pd.Series) else X
    return pd.DataFrame({name: [value] for name, value in cells.items()}) if isinstance(cells, dict) else X


def as_frame(X: Any) -> pd.DataFrame:
    """Rows in any container as a DataFrame with names that are strings; nothing is copied that need not be.

    Containers: a DataFrame of pandas or polars, an Arrow table, a structured array, a list of dicts, a dict of columns;
    and without names of columns, which then are ``x0``, ``x1``, …: a numpy array and a list of lists.

    Raises
    ------
    InvalidTypeError
        For sparse matrices, and for what holds no rows and columns.
    InvalidInputError
        For no rows, no columns, another number of dimensions than two, complex numbers, duplicate names, or a name that
        cannot be written as UTF-8.

    Examples
    --------
    >>> as_frame([[1.0, 2.0, 3.0]]).columns.tolist()
    ['x0', 'x1', 'x2']
    >>> as_frame([["Bern", 1.5], ["Zug", 2.5]])["x1"].sum()
    4.0
    >>> as_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: column names must differ from each other, got 'a' twice; ...
    """
    if sparse.issparse(X):
        raise InvalidTypeError("sparse input is not supported; use X.toarray() or a DataFrame")
    if isinstance(X, pd.Series):
        raise InvalidInputError(
            f"X must have rows and columns, got a Series of {len(X)} values. Reshape your data: X.to_frame() for one "
            "column, X.to_frame().T for one row"
        )
    if type(X).__module__.partition(".")[0] in ("dask", "dask_expr"):
        raise InvalidInputError(
            "X must be rows in memory here, got a frame of dask; draw some of them, for instance with "
            "X.sample(frac=0.01).compute()"
        )
    if all(callable(getattr(X, name, None)) for name in ("ask", "step")):
        raise InvalidInputError(
            "X must be rows in memory here, got rows in partitions; draw some of them, for instance with "
            "X.sample(100_000), or take one part after the other"
        )
    if X is None or isinstance(X, str | bytes) or callable(X):
        raise InvalidTypeError(f"X must be rows: a DataFrame, an array or a list, got {type(X).__name__}")
    try:
        frame = _opened(X)
    except InvalidInputError:
        raise
    except (ValueError, TypeError) as error:  # a library cannot hold what stands in the rows
        words = " ".join(str(error).split())
        raise InvalidTypeError(
            f"X must be rows that pandas can hold, got a {type(X).__name__} of which it says: {words}; "
            f"make such columns text "
            "or numbers, or leave them out"
        ) from error
    if not isinstance(frame, pd.DataFrame):
        return _without_names(frame)
    if frame.shape[1] == 0:
        raise InvalidInputError(
            f"0 feature(s) (shape={frame.shape}) while a minimum of 1 is required: X has no columns; give at least one"
        )
    if len(frame) == 0:
        raise InvalidInputError(
            f"Found array with 0 sample(s) (shape={frame.shape}) while a minimum of 1 is required: "
            f"X has no rows; give some"
        )
    return _with_names(frame)


def _opened(X: Any) -> Any:
    if isinstance(X, pd.DataFrame):
        return X
    if _is_records(X):
        return pd.DataFrame.from_records(list(X))
    if isinstance(X, Mapping):
        return pd.DataFrame(X)
    if _is_structured(X):
        return pd.DataFrame({name: X[name] for name in X.dtype.names})
    if isinstance(X, np.ma.MaskedArray):
        return _unmasked(X)
    if type(X).__module__.partition(".")[0] == "polars" and not hasattr(X, "to_pandas"):
        raise InvalidTypeError(f"X must be rows that are there, got a polars {type(X).__name__}; call collect() first")
    return _from_library(X) if hasattr(X, "to_pandas") else X


def _unmasked(X: np.ma.MaskedArray) -> np.ndarray:
    """What is masked is missing: the numbers under a mask are nobody's."""
    if not np.ma.is_masked(X):
        return np.asarray(X.data)
    out = X.data.astype(np.float64 if X.dtype.kind in "biuf" else object)
    out[np.ma.getmaskarray(X)] = np.nan if out.dtype.kind == "f" else None
    return out


def _from_library(X: Any) -> pd.DataFrame:
    names = getattr(X, "columns", ()) if container_of(X) == "polars" else ()
    for name in names:
        if "\0" in name:  # polars does not refuse it but ends with a panic, which is no Exception
            raise InvalidInputError(
                f"column {name!r} must have a name without a NUL character in a polars frame; rename it, or give a "
                "pandas frame"
            )
    try:
        return X.to_pandas()
    except TypeError:
        if not hasattr(X, "replace_schema_metadata"):
            raise
        return X.replace_schema_metadata(None).to_pandas()  # pandas does not read back every dtype that it wrote there


def _is_records(X: Any) -> bool:
    return isinstance(X, Sequence) and len(X) > 0 and all(isinstance(row, Mapping) for row in X)


def _is_structured(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.dtype.names is not None


def _without_names(X: Any) -> pd.DataFrame:
    try:
        if isinstance(X, list | tuple) and np.asarray(X).dtype.kind in "US":
            X = np.array(X, dtype=object)  # else numbers beside text become words, and what is missing the word "nan"
        values = check_array(X, dtype=None, ensure_all_finite=False, copy=False, order=None)
        return pd.DataFrame(values, columns=[f"x{i}" for i in range(values.shape[1])], copy=False)
    except (ValueError, TypeError) as error:
        words = " ".join(str(error).split())
        kind = InvalidTypeError if isinstance(error, TypeError) else InvalidInputError
        raise kind(f"X must be rows and columns: {words[:200]}; give a DataFrame, or a 2D array") from error


def _with_names(X: pd.DataFrame) -> pd.DataFrame:
    names = [str(c) for c in X.columns]
    for name in names:
        _check_name(name)
    if repeated := sorted(n for n, times in Counter(names).items() if times > 1):
        shown = ", ".join(ascii(n)[:SHOWN] for n in repeated)
        raise InvalidInputError(f"column names must differ from each other, got {shown} twice; rename one of them")
    return X if all(isinstance(c, str) for c in X.columns) else X.set_axis(names, axis=1)


def _check_name(name: str) -> None:
    if not is_unicode(name):
        raise InvalidInputError(
            f"column name {ascii(name)[:SHOWN]} must be text that UTF-8 can hold, it has half of a surrogate pair; "
            f"rename "
            "the column"
        )


def is_unicode(text: str) -> bool:
    """False where half of a surrogate pair stands alone, as in file names that were not decoded.

    Examples
    --------
    >>> is_unicode("Zürich"), is_unicode(chr(0xD800))
    (True, False)
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
