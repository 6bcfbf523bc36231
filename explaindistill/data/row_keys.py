"""Keys of rows: equal rows have equal keys, whatever their order, dtype or container; made once, then carried along."""

from __future__ import annotations

import datetime as dt
import hashlib
import numbers
import uuid
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.columns import to_numbers
from explaindistill.data.families import dense
from explaindistill.data.raw_objects import RawObject
from explaindistill.data.rows import as_frame, container_of
from explaindistill.errors import InvalidInputError

__all__ = ["CANONICAL_FORM", "KeyedRows", "RowIdentity", "distinct", "row_keys", "rows_at", "scrambled"]

CANONICAL_FORM = 1
"""Version of the canonical form; a store written under another one is not read."""

Keys = NDArray[np.uint64]

_LANES = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03))
"""One odd seed per 64-bit half of a key: 2**64 / g with g**2 = g + 1, and with g**4 = g + 1."""
_EXACT_INTEGER = 2**53
"""From here on a float64 no longer tells neighbouring integers apart."""
_BLOCK_ROWS = 16_384
"""Rows that are mixed at once: three arrays of them fit into a core's cache."""


def row_keys(X: Any) -> Keys:
    """128-bit keys of rows under the canonical form.

    Each cell becomes a number, a date, a text or "missing", and is mixed with the name of its column; the key
    is the sum over the columns, so the order of columns does not matter. The canonical form, version 1:

    - numbers and booleans: exact upcast to float64 (an integer beyond 2**53 adds its remainder), -0.0 is 0.0;
    - None, NaN, NaT and NA: one and the same "missing";
    - dates: nanoseconds since 1970; durations and times of day: seconds, as numbers; texts: UTF-8;
    - categories: the category itself, never its code, so that the order of categories does not matter;
    - columns: their names; columns of an array are x0, x1, and so on, and so are those numbered 0, 1, and so on.

    The keys are not a defence against people who construct collisions.

    Parameters
    ----------
    X : DataFrame or array of shape (n, d)

    Returns
    -------
    ndarray of uint64, shape (n, 2)

    Raises
    ------
    InvalidInputError
        If a cell is neither number, boolean, date, text nor missing.

    Examples
    --------
    >>> a = row_keys(pd.DataFrame({"x0": [1, 2], "x1": [-0.0, np.nan]}))
    >>> b = row_keys(np.array([[1, 0], [2, np.nan]], dtype=np.float32))
    >>> bool((a == b).all())
    True
    """
    if isinstance(X, pd.DataFrame):
        frame = X
    else:
        frame = pd.DataFrame(np.asarray(X)) if container_of(X) == "array" else as_frame(X)
    keys = np.zeros((len(frame), 2), dtype=np.uint64)
    numbered = all(str(name) == str(i) for i, name in enumerate(frame.columns))
    for i, name in enumerate(frame.columns):
        _add(keys, frame.iloc[:, i], f"x{i}" if numbered else str(name))
    return keys


def _add(keys: Keys, column: pd.Series, label: str) -> None:
    """Add what a column is worth to the keys of its rows; of text and categories each level is mixed once."""
    starts = [_text_bits(label, lane) ^ seed for lane, seed in enumerate(_LANES)]
    (low, high), codes = _words(column, label)
    with np.errstate(over="ignore"):
        if codes is not None:
            mixed = np.column_stack([scrambled(scrambled(low ^ start) + high) for start in starts])
            keys += mixed[codes]
            return
        for begin in range(0, len(keys), _BLOCK_ROWS):
            block = slice(begin, begin + _BLOCK_ROWS)
            for lane, start in enumerate(starts):
                keys[block, lane] += scrambled(scrambled(low[block] ^ start) + high[block])


def distinct(keys: Keys) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First position of each distinct key, in the order of first sight, and for each row the number of its key.

    Examples
    --------
    >>> first, number = distinct(row_keys(np.array([[3.0], [1.0], [3.0]])))
    >>> first.tolist(), number.tolist()
    ([0, 1], [0, 1, 0])
    """
    n = len(keys)
    order = np.argsort(keys[:, 0])
    ranked = keys[order]
    alike = ranked[1:, 0] == ranked[:-1, 0]
    if not alike.any():
        return np.arange(n), np.arange(n)
    same = alike & (ranked[1:, 1] == ranked[:-1, 1])
    if (same != alike).any():  # different keys with one first word: as good as never
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        ranked = keys[order]
        same = (ranked[1:] == ranked[:-1]).all(axis=1)
    new = np.concatenate([[True], ~same])
    group = np.cumsum(new) - 1
    first = np.minimum.reduceat(order, np.flatnonzero(new))
    by_sight = np.argsort(first, kind="stable")
    rank = np.empty(len(first), dtype=np.intp)
    rank[by_sight] = np.arange(len(first))
    number = np.empty(n, dtype=np.intp)
    number[order] = rank[group]
    return first[by_sight], number


@dataclass(frozen=True)
class KeyedRows:
    """Rows with their keys and which of them are equal, so that nobody further on computes either again.

    Attributes
    ----------
    rows : DataFrame or array of n rows
    keys : ndarray of uint64, shape (n, 2)
    first : ndarray of int, shape (m,)
        Position of the first row of each of the m distinct keys, in the order of first sight.
    number : ndarray of int, shape (n,)
        For each row the number, 0 to m - 1, of its key.

    Examples
    --------
    >>> keyed = KeyedRows.of(pd.DataFrame({"x": [3.0, 1.0, 3.0]}))
    >>> longer = keyed.append(pd.DataFrame({"x": [1.0, 7.0]}))
    >>> longer.number.tolist(), longer.distinct().rows["x"].tolist()
    ([0, 1, 0, 1, 2], [3.0, 1.0, 7.0])
    """

    rows: Any
    keys: Keys
    first: NDArray[np.intp]
    number: NDArray[np.intp]

    @classmethod
    def of(cls, rows: Any, keys: Keys | None = None) -> KeyedRows:
        """Key rows; ``keys`` are theirs, where somebody has them already."""
        keys = row_keys(rows) if keys is None else keys
        return cls(rows, keys, *distinct(keys))

    @classmethod
    def different(cls, rows: Any, keys: Keys) -> KeyedRows:
        """Rows that are known to differ from each other."""
        each = np.arange(len(keys))
        return cls(rows, keys, each, each)

    def __len__(self) -> int:
        return len(self.keys)

    def append(self, rows: pd.DataFrame) -> KeyedRows:
        """Further rows behind these; only theirs are keyed."""
        keys = np.concatenate([self.keys, row_keys(rows)])
        return KeyedRows.of(pd.concat([self.rows, rows], ignore_index=True), keys)

    def distinct(self, numbers: NDArray[np.intp] | None = None) -> KeyedRows:
        """The distinct rows of these numbers, each once; all of them when None."""
        at = self.first if numbers is None else self.first[numbers]
        return KeyedRows.different(rows_at(self.rows, at), self.keys[at])

    def with_rows(self, rows: Any) -> KeyedRows:
        """The same rows in another container."""
        return replace(self, rows=rows)


@dataclass(frozen=True)
class RowIdentity:
    """What an audit needs to recognise the rows of a fit: their labels and keys, never the rows themselves.

    Attributes
    ----------
    index : Index, or None
        Labels of the rows; None where they came without.
    keys : ndarray of uint64, shape (n, 2)
    is_complete : bool
        False where they are a random sample of those of very many rows.

    Examples
    --------
    >>> X = pd.DataFrame({"x": [1.0, 2.0]}, index=["ann", "bob"])
    >>> RowIdentity(X.index, row_keys(X)).index.tolist()
    ['ann', 'bob']
    """

    index: pd.Index | None
    keys: Keys
    is_complete: bool = True


def rows_at(rows: Any, at: NDArray[np.intp]) -> Any:
    """Rows at these positions, in the container they came in; a run of neighbours is not copied.

    Examples
    --------
    >>> rows_at(np.array([[1], [2], [3]]), np.array([2, 0])).tolist()
    [[3], [1]]
    """
    run = len(at) > 0 and at[-1] - at[0] + 1 == len(at) and bool((np.diff(at) == 1).all())
    where = slice(int(at[0]), int(at[-1]) + 1) if run else at
    if isinstance(rows, pd.DataFrame):
        return rows.iloc[where]
    match container_of(rows):
        case "polars":
            return rows[where]
        case "arrow":
            return rows.slice(where.start, len(at)) if isinstance(where, slice) else rows.take(where)
        case _:
            return np.asarray(rows)[where]


def scrambled(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Bits of each whole number, changed so that every bit of it moves half of them: the finaliser of splitmix64.

    References
    ----------
    Steele, Lea and Flood (2014), doi:10.1145/2660193.2660195.

    Examples
    --------
    >>> scrambled(np.array([0, 1], dtype=np.uint64)).tolist()
    [0, 6238072747940578789]
    """
    x = x ^ (x >> np.uint64(30))
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def _text_bits(text: str, lane: int) -> np.uint64:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8")[lane].astype(np.uint64)


_MISSING = (_text_bits("(missing)", 0), np.uint64(3))


_Words = tuple[NDArray[np.uint64], NDArray[np.uint64]]


def _cells(column: pd.Series, name: str) -> _Words:
    """Two words per cell: what it is worth, and what tells apart cells of equal first word."""
    words, codes = _words(column, name)
    return words if codes is None else (words[0][codes], words[1][codes])


def _words(column: pd.Series, name: str) -> tuple[_Words, NDArray[Any] | None]:
    """Words of the cells; or of the levels, the last of which is "missing", and the level of each cell."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _with_missing(_cells(pd.Series(dtype.categories), name)), np.asarray(column.cat.codes)
    column = dense(column)
    dtype = column.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        column, dtype = column.dt.tz_convert("UTC").dt.tz_localize(None), np.dtype("datetime64[ns]")
    if isinstance(dtype, np.dtype) and dtype.kind == "M":
        return _dates(column.to_numpy().astype("datetime64[ns]")), None
    if pd.api.types.is_timedelta64_dtype(dtype):
        return _numbers(column.dt.total_seconds()), None
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        return _numbers(column), None
    codes, levels = pd.factorize(column, use_na_sentinel=True)
    return _with_missing(_objects(list(levels), name)), codes


def _with_missing(levels: _Words) -> _Words:
    """Words of levels, and of what is missing: its code is -1, the last entry."""
    return np.append(levels[0], _MISSING[0]), np.append(levels[1], _MISSING[1])


def _numbers(column: pd.Series) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        whole = column.to_numpy(dtype=np.uint64 if column.dtype.kind == "u" else np.int64)
        value = whole.astype(np.float64)
        rest = np.zeros(len(whole), dtype=np.uint64)
        if (large := np.abs(value) >= _EXACT_INTEGER).any():
            rest[large] = [(int(w) - int(v)) % 2**64 for w, v in zip(whole[large], value[large], strict=True)]
    else:
        value = column.to_numpy(dtype=np.float64, na_value=np.nan)
        rest = np.zeros(len(value), dtype=np.uint64)
    bits = (value + 0.0).view(np.uint64)
    gone = np.isnan(value)
    return np.where(gone, _MISSING[0], bits), np.where(gone, _MISSING[1], rest)


def _dates(when: NDArray[np.datetime64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    gone = np.isnat(when)
    bits = when.astype(np.int64).view(np.uint64)
    return np.where(gone, _MISSING[0], bits), np.where(gone, _MISSING[1], np.uint64(1))


def _objects(values: list[Any], name: str) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    low = np.empty(len(values), dtype=np.uint64)
    high = np.empty(len(values), dtype=np.uint64)
    for i, value in enumerate(values):
        if isinstance(value, str | pd.Interval | uuid.UUID):
            low[i], high[i] = _text_bits(str(value), 0), _text_bits(str(value), 1) | np.uint64(4)
        elif isinstance(value, RawObject):
            low[i], high[i] = value.words
        elif isinstance(value, (bool, np.bool_)):
            (low[i],), (high[i],) = _numbers(pd.Series([float(value)]))
        elif isinstance(value, numbers.Real):
            (low[i],), (high[i],) = _numbers(pd.Series([value]))
        elif isinstance(value, Decimal | dt.timedelta | dt.time):
            (low[i],), (high[i],) = _numbers(pd.Series(to_numbers(pd.Series([value]), "numeric", ())))
        elif isinstance(value, pd.Period):
            (low[i],), (high[i],) = _cells(pd.Series([value.to_timestamp()]), name)
        elif isinstance(value, (pd.Timestamp, np.datetime64)) or hasattr(value, "isoformat"):
            (low[i],), (high[i],) = _cells(pd.to_datetime(pd.Series([value])), name)
        else:
            raise InvalidInputError(
                f"column {name!r} has a cell of type {type(value).__name__}; "
                "cells must be numbers, booleans, dates, texts or missing"
            )
    return low, high
