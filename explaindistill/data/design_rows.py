"""The columns of a design, some rows at a time: what a frame of ten million rows is read through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.design import Column, column_values, level_code
from explaindistill.data.schema import Schema

__all__ = ["DesignRows"]


class DesignRows:
    """Values ``(m, p)`` of all columns on the rows asked for; equal to those rows of :func:`matrix`.

    Between two calls only the frame's own numbers are held, and the codes of its categories.

    Parameters
    ----------
    columns : p columns
    schema : Schema
    X : DataFrame of n rows

    Examples
    --------
    >>> X = pd.DataFrame({"income": [1.0, 2.0, 4.0], "job": ["a", "b", "b"]})
    >>> rows = DesignRows([Column("income", "value"), Column("job", "level", level="b")], Schema.infer(X), X)
    >>> rows(slice(1, 3)).tolist()
    [[2.0, 1.0], [4.0, 1.0]]
    """

    def __init__(self, columns: Iterable[Column], schema: Schema, X: pd.DataFrame) -> None:
        self.columns = tuple(columns)
        self.schema = schema
        self.n_rows = len(X)
        names = dict.fromkeys(c.feature for c in self.columns)
        self._numbers = {name: _narrow(schema, X, name) for name in names}
        self._codes = [level_code(c, schema[c.feature]) if c.operation == "level" else None for c in self.columns]

    def __call__(self, rows: slice | NDArray[np.intp], columns: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
        """Values of some rows, one line each, of all columns or of some; in Fortran order."""
        wanted = range(len(self.columns)) if columns is None else columns.tolist()
        m = len(range(*rows.indices(self.n_rows))) if isinstance(rows, slice) else len(rows)
        out = np.empty((m, len(wanted)), order="F")
        encoded: dict[str, NDArray[Any]] = {}
        for k, j in enumerate(wanted):
            column, code = self.columns[j], self._codes[j]
            if column.feature not in encoded:
                encoded[column.feature] = self._numbers[column.feature][rows]
            numbers = encoded[column.feature]
            if code is not None:
                np.equal(numbers, code, out=out[:, k], casting="unsafe")
            else:
                out[:, k] = column_values(column, self.schema[column.feature], numbers.astype(np.float64))
        return out


def _narrow(schema: Schema, X: pd.DataFrame, name: str) -> NDArray[Any]:
    """A column without a copy where it is a number, and codes in as few bytes as hold them."""
    if not schema[name].is_category:
        return schema.plain_column(X, name)
    codes = schema.column(X, name)
    whole = np.min_scalar_type(-1 - len(schema[name].categories))  # -1 is an unseen category
    return codes.astype(np.promote_types(np.float32, whole) if np.isnan(codes).any() else whole)
