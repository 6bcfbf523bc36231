"""Bands of numbers that were cut on some rows, for further rows of the same column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.measures.groups import FEW_VALUES, _is_number, _plain, _rounded, bands

__all__ = ["ValueBands", "value_bands"]

N_BANDS = 5  # as `bands` cuts them


@dataclass(frozen=True, eq=False)
class ValueBands:
    """Edges between bands of numbers, and what the bands are called.

    Examples
    --------
    >>> ages = value_bands(pd.DataFrame({"age": range(18, 78)}))["age"]
    >>> ages.of(pd.Series([3.0, 44.0, None])).tolist()
    ['below 30', '40 to below 50', nan]
    """

    edges: NDArray[np.float64]
    names: tuple[str, ...]

    def of(self, column: pd.Series) -> pd.Series:
        """The band of each row, missing where there is no number; in the order of the numbers."""
        values = _plain(column).to_numpy(dtype=float, na_value=np.nan)
        codes = np.where(np.isnan(values), -1, np.searchsorted(self.edges, values, side="right"))
        categories = pd.Categorical.from_codes(codes, categories=list(self.names), ordered=True)
        return pd.Series(categories, index=column.index, name=column.name)


def value_bands(attributes: pd.DataFrame) -> dict[str, ValueBands]:
    """Bands as `explaindistill.measures.groups.groupings` cuts them, of the columns of many numbers.

    Examples
    --------
    >>> list(value_bands(pd.DataFrame({"age": range(60), "sex": ["f", "m"] * 30})))
    ['age']
    """
    columns = {str(name): _plain(attributes.iloc[:, i]) for i, name in enumerate(attributes.columns)}
    return {
        name: _cut(column) for name, column in columns.items() if _is_number(column) and column.nunique() > FEW_VALUES
    }


def _cut(column: pd.Series) -> ValueBands:
    present = column.dropna().to_numpy(dtype=float)
    edges = _rounded(np.quantile(present, np.linspace(0, 1, N_BANDS + 1)[1:-1]), present)
    if len(edges) == 0:
        edges = np.array([present[present > present.min()].min()])  # as `bands` has it, where most have the least value
    return ValueBands(edges, tuple(bands(column, N_BANDS).cat.categories))
