"""Kinds of column: each a function of a number of rows and a seed to a pandas Series."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

__all__ = ["COLUMNS", "column"]

DAYS = pd.date_range("2020-02-27", periods=6, freq="D")
FAR_DAYS = np.array(
    ["0001-01-01", "1066-10-14", "1677-09-20", "2020-02-29", "2262-04-12", "9999-12-31"], "datetime64[s]"
)
"""Most lie outside what 64 bits of nanoseconds hold, 1677-09-21 to 2262-04-11."""
LATIN, CYRILLIC = "a", "\u0430"


def _cycle(values: Sequence[Any], dtype: Any = object) -> Callable[[np.ndarray], pd.Series]:
    """Values chosen by the whole numbers 0 to 11 that every column is made from."""

    def make(at: np.ndarray) -> pd.Series:
        chosen = pd.Series([None] * len(at), dtype=object)
        for i, k in enumerate(at):
            chosen.iat[i] = values[int(k) % len(values)]
        return chosen if dtype is object else chosen.astype(dtype)

    return make


def _arrow(values: Sequence[Any], kind: pa.DataType) -> Callable[[np.ndarray], pd.Series]:
    def make(at: np.ndarray) -> pd.Series:
        array = pa.array([values[int(k) % len(values)] for k in at], type=kind)
        return pd.Series(pd.arrays.ArrowExtensionArray(array))

    return make


def _numbers(dtype: Any, scale: float = 1.0, shift: float = 0.0) -> Callable[[np.ndarray], pd.Series]:
    return lambda at: pd.Series((at * scale + shift).astype(dtype))


def _holes(dtype: Any, scale: float = 1.0) -> Callable[[np.ndarray], pd.Series]:
    return lambda at: pd.Series(at * scale).where(at % 5 != 0).astype(dtype)


def _cut(at: np.ndarray) -> pd.Series:
    return pd.Series(pd.cut(at + 0.5, [0, 3, 6, 12]))


def _dictionary(at: np.ndarray) -> pd.Series:
    words = pa.array([("bern", "zug", None)[int(k) % 3] for k in at]).dictionary_encode()
    return pd.Series(pd.arrays.ArrowExtensionArray(words))


NUMPY = {
    "bool": lambda at: pd.Series(at > 5),
    "int8": _numbers("int8"),
    "int64": _numbers("int64"),
    "uint8": _numbers("uint8"),
    "uint64 beyond int64": lambda at: pd.Series(np.uint64(2**63) + at.astype("uint64") * np.uint64(2**12)),
    "whole above 2**53": lambda at: pd.Series(2**53 + at.astype("int64") % 2 + at.astype("int64") * 2**10),
    "whole above 2**53, one apart": lambda at: pd.Series(2**53 + at.astype("int64") % 2),
    "float16": _numbers("float16", 0.25),
    "float32": _numbers("float32", 0.1),
    "float64": _numbers("float64", 0.1),
    "longdouble": _numbers("longdouble", 0.1),
    "whole floats": _numbers("float64"),
    "float64 missing": _holes("float64", 0.1),
    "whole floats missing": _holes("float64"),
    "complex": _numbers("complex128"),
    "infinite": lambda at: pd.Series(np.where(at == 3, np.inf, at * 0.5)),
    "1e300": _numbers("float64", 1e299),
    "1e-200": _numbers("float64", 1e-200),
    "subnormal": _numbers("float64", 5e-324),
    "negative zero": lambda at: pd.Series(np.where(at % 2 == 0, -0.0, 0.0) + (at > 8)),
    "one value": _numbers("float64", 0.0, 4.0),
    "all missing": lambda at: pd.Series(np.full(len(at), np.nan)),
    "0 and 1": lambda at: pd.Series((at > 5).astype("int64")),
    "row number": lambda at: pd.Series(np.arange(len(at))),
    "key with gaps": lambda at: pd.Series(np.arange(len(at)) * 7919 + 10_007),
}
PANDAS = {
    "Int64": _holes("Int64"),
    "UInt8": _holes("UInt8"),
    "Float64": _holes("Float64", 0.1),
    "boolean": _cycle([True, False, pd.NA], "boolean"),
    "str": _cycle(["bern", "zug", None], "str"),
    "string": _cycle(["bern", "zug", pd.NA], "string"),
    "string[pyarrow]": _cycle(["bern", "zug", pd.NA], "string[pyarrow]"),
    "category": _cycle(["bern", "zug", None], "category"),
    "category of whole numbers": _cycle([3, 1, 2], "category"),
    "category of floats": _cycle([0.5, 1.5, 2.0], "category"),
    "category of bools": _cycle([True, False], "category"),
    "category of days": _cycle(list(DAYS[:3]), "category"),
    "ordered category": _cycle(["low", "mid", "high"], pd.CategoricalDtype(["low", "mid", "high"], ordered=True)),
    "category with an unused level": _cycle(["b", "c"], pd.CategoricalDtype(["a", "b", "c"])),
    "pd.cut": _cut,
    "interval": lambda at: _cut(at).astype("interval"),
    "Sparse[float64]": lambda at: pd.Series(np.where(at % 3 == 0, at * 0.5, 0.0)).astype(
        pd.SparseDtype("float64", 0.0)
    ),
    "Sparse[int64]": lambda at: pd.Series(np.where(at % 3 == 0, at, 0)).astype("Sparse[int64, 0]"),
    "Sparse[bool]": lambda at: pd.Series(at > 5).astype("Sparse[bool, False]"),
    "period": lambda at: pd.Series(pd.PeriodIndex(DAYS[0] + pd.to_timedelta(at * 31, "D"), freq="M")),
    "timedelta64[ns]": lambda at: pd.Series(pd.to_timedelta(at * 90, "s")).dt.as_unit("ns"),
    "timedelta64[s] missing": lambda at: pd.Series(pd.to_timedelta(at * 90, "s")).dt.as_unit("s").where(at != 4),
    "datetime64[ns]": lambda at: pd.Series(DAYS[at % 6]).dt.as_unit("ns"),
    "datetime64[s] missing": lambda at: pd.Series(DAYS[at % 6]).dt.as_unit("s").where(at != 4),
    "datetime64[s] far": lambda at: pd.Series(FAR_DAYS[at % 6]),
    "datetime far, UTC": lambda at: pd.Series(FAR_DAYS[1:5][at % 4].astype("datetime64[us]")).dt.tz_localize("UTC"),
    "datetime UTC": lambda at: pd.Series(DAYS[at % 6].tz_localize("UTC")),
    "datetime Zurich": lambda at: pd.Series(DAYS[at % 6].tz_localize("Europe/Zurich")),
}
ARROW = {
    "int64[pyarrow]": _arrow([0, 1, 2, 3, 4, None], pa.int64()),
    "double[pyarrow]": _arrow([0.5, 1.5, 2.5, None], pa.float64()),
    "bool[pyarrow]": _arrow([True, False, None], pa.bool_()),
    "string arrow": _arrow(["bern", "zug", None], pa.string()),
    "large_string arrow": _arrow(["bern", "zug", None], pa.large_string()),
    "dictionary arrow": _dictionary,
    "decimal128 arrow": _arrow([Decimal("0.10"), Decimal("0.25"), Decimal("1.50")], pa.decimal128(10, 2)),
    "date32 arrow": _arrow([dt.date(2020, 2, 28), dt.date(2020, 2, 29), dt.date(2020, 3, 1)], pa.date32()),
    "timestamp arrow": _arrow([dt.datetime(2020, 2, 28, 12), dt.datetime(2020, 3, 1)], pa.timestamp("us")),
    "timestamp arrow far": _arrow(
        [dt.datetime(1, 1, 1), dt.datetime(1500, 1, 1), dt.datetime(9999, 12, 31)], pa.timestamp("us")
    ),
    "timestamp arrow, zone": _arrow([dt.datetime(2020, 2, 28, 12), None], pa.timestamp("us", tz="Europe/Zurich")),
    "duration arrow": _arrow([dt.timedelta(seconds=90), dt.timedelta(days=2)], pa.duration("ms")),
    "time64 arrow": _arrow([dt.time(7, 30), dt.time(16)], pa.time64("us")),
    "list arrow": _arrow([[1, 2], [3]], pa.list_(pa.int64())),
    "struct arrow": _arrow([{"a": 1}, {"a": 2}], pa.struct([("a", pa.int64())])),
    "binary arrow": _arrow([b"a", b"b"], pa.binary()),
    "null arrow": _arrow([None], pa.null()),
}
OBJECTS = {
    "text": _cycle(["bern", "zug", "genf"]),
    "text missing": _cycle(["bern", None, "zug", float("nan")]),
    "bool objects": _cycle([True, False]),
    "bool objects missing": _cycle([True, None, False]),
    "numpy bools": _cycle([np.bool_(True), np.bool_(False)]),
    "'True' and 'False'": _cycle(["True", "False"]),
    "yes and no": _cycle(["yes", "no"]),
    "whole objects": _cycle([3, 1, 2]),
    "floats in objects": _cycle([0.5, None, 1.5]),
    "Decimal": _cycle([Decimal("0.10"), Decimal("0.25"), None]),
    "Decimal NaN": _cycle([Decimal("0.10"), Decimal("NaN"), Decimal("3")]),
    "Fraction": _cycle([Fraction(1, 3), Fraction(2, 3)]),
    "date": _cycle([dt.date(2020, 2, 28), dt.date(2020, 2, 29), None]),
    "datetime": _cycle([dt.datetime(2020, 2, 28, 12), dt.datetime(2020, 3, 1)]),
    "date far": _cycle([dt.date(1, 1, 1), dt.date(1500, 1, 1), None, dt.date(9999, 12, 31)]),
    "datetimes of two zones": _cycle(
        [dt.datetime(2020, 2, 28, tzinfo=dt.UTC), dt.datetime(2020, 3, 1, tzinfo=dt.timezone(dt.timedelta(hours=5)))]
    ),
    "time": _cycle([dt.time(7, 30), dt.time(16), None]),
    "timedelta": _cycle([dt.timedelta(seconds=90), dt.timedelta(days=2)]),
    "text and numbers": _cycle(["1", 1, "b", 2.5]),
    "text and bools": _cycle(["unknown", True, False]),
    "numbers and bools": _cycle([True, 2, 3.5]),
    "dates and text": _cycle([dt.date(2020, 2, 28), "later"]),
    "bytes": _cycle([b"a", b"b"]),
    "uuid": _cycle([uuid.UUID(int=1), uuid.UUID(int=2)]),
    "tuples": _cycle([(1, 2), (3, 4)]),
    "lists": _cycle([[1, 2], [3]]),
    "dicts": _cycle([{"a": 1}]),
    "sets": _cycle([{1}, {2}]),
    "objects": _cycle([object(), object()]),
}
TEXTS = {
    "numbers as text": _cycle(["1", "2", "10"]),
    "leading zeros": _cycle(["01", "1", "001"]),
    "blanks": _cycle(["a", " a", "a ", "a\u00a0"]),
    "cases": _cycle(["A", "a", "\u00c4", "\u00e4"]),
    "look-alike digits": _cycle(["1", "\uff11", "\u0661", "\u2460"]),
    "look-alike letters": _cycle([LATIN, CYRILLIC]),
    "composed and decomposed": _cycle(["\u00e9", "e\u0301"]),
    "empty strings": _cycle(["", "a", "b"]),
    "words for missing": _cycle(["nan", "None", "NA", "null", "a"]),
    "words of SQL": _cycle(["NULL", "'; DROP TABLE rows; --", 'a"b', "a'b"]),
    "new lines": _cycle(["a\nb", "a\r\nb", "a\tb", "a,b", "a;b"]),
    "emoji": _cycle(["\U0001f600", "\U0001f468\u200d\U0001f469", "\U0001f1e8\U0001f1ed"]),
    "very long": _cycle(["a" * 5000, "a" * 5000 + "b"]),
    "NUL": _cycle(["a\0b", "a"]),
    "half a surrogate": _cycle(["a\ud800", "a"]),
    "key-like": lambda at: pd.Series([f"K{i:06d}" for i in range(len(at))], dtype=object),
    "one text": _cycle(["a"]),
    "all None": _cycle([None]),
}
COLUMNS: dict[str, Callable[[np.ndarray], pd.Series]] = NUMPY | PANDAS | ARROW | OBJECTS | TEXTS


def column(kind: str, n: int, seed: int = 0) -> pd.Series:
    """A column of ``n`` rows; the same numbers 0 to 11 stand behind all kinds."""
    at = np.concatenate([np.arange(12), np.random.default_rng(seed).integers(0, 12, n)])[:n]
    return COLUMNS[kind](at)
