"""Text held as codes while rows are copied and changed many times, and as text again where somebody else reads it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.data.encoder import TableEncoder
from explaindistill.data.schema import Schema

__all__ = ["coded", "reads_codes", "uncoded"]


def coded(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of text as categories of the same values; others are not copied.

    A cell of text is hashed anew by every copy that is keyed or encoded, a code is looked up. Columns of Python objects
    stay: which of None and NaN stood there could not be told any more.

    Examples
    --------
    >>> frame = pd.DataFrame({"city": pd.array(["Bern", None, "Bern"], dtype="string"), "age": [1, 2, 3]})
    >>> coded(frame).dtypes.astype(str).tolist(), uncoded(coded(frame), frame).equals(frame)
    (['category', 'int64'], True)
    """
    texts = [i for i, dtype in enumerate(frame.dtypes) if isinstance(dtype, pd.StringDtype)]
    if not texts:
        return frame
    columns = {name: frame.iloc[:, i].astype("category") if i in texts else frame.iloc[:, i] for i, name in _at(frame)}
    return pd.DataFrame(columns, index=frame.index, copy=False)


def uncoded(frame: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Rows of :func:`coded` as they were: columns that are text in ``like`` are text again.

    Examples
    --------
    >>> frame = pd.DataFrame({"city": pd.array(["Bern", "Zug"], dtype="string")})
    >>> uncoded(coded(frame).take([1]), frame)["city"].tolist()
    ['Zug']
    """
    dtypes = like.dtypes
    are_codes = [
        isinstance(held, pd.CategoricalDtype) and isinstance(shown, pd.StringDtype)
        for held, shown in zip(frame.dtypes, dtypes, strict=True)
    ]
    if not any(are_codes):
        return frame
    columns: dict[Any, Any] = {}
    for i, name in _at(frame):
        column = frame.iloc[:, i]
        if are_codes[i]:
            texts = column.cat.categories.array.astype(dtypes.iloc[i])
            column = pd.Series(texts.take(column.cat.codes.to_numpy(), allow_fill=True), index=frame.index)
        columns[name] = column
    return pd.DataFrame(columns, index=frame.index, copy=False)


def reads_codes(model: Any) -> bool:
    """Whether a model of this package reads the rows, by the value of a category and not by its dtype.

    A class that somebody else derived from one of this package, or wrote after it, may look at dtypes: it reads text.

    Examples
    --------
    >>> import explaindistill as xd
    >>> tree = xd.TreeRegressor().fit(pd.DataFrame({"age": [20, 40, 60]}), [1.0, 2.0, 3.0])
    >>> reads_codes(tree), reads_codes(print)
    (True, False)
    """
    if type(model).__module__.partition(".")[0] != __name__.partition(".")[0]:
        return False
    encoders = (getattr(model, name, None) for name in ("encoder", "preprocess"))
    return isinstance(getattr(model, "schema_", None), Schema) or any(isinstance(e, TableEncoder) for e in encoders)


def _at(frame: pd.DataFrame) -> list[tuple[int, Any]]:
    return list(enumerate(frame.columns))
