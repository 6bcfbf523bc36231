"""A fitted scorecard: conditions with points, and the risk of each total."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.design import Column, column_values
from explaindistill.data.schema import Schema
from explaindistill.students._form import plain

__all__ = ["CardModel", "risk_table"]


@dataclass(frozen=True, eq=False)
class CardModel:
    """Conditions and their points; the risk of total ``lowest + i`` is ``risk[i]``.

    Attributes
    ----------
    schema : Schema
    columns : tuple of q Column
        The conditions, 1 where they hold.
    points : int64 ndarray of shape (q,)
    lowest : int
        Least total that the points can make.
    risk, share : ndarrays of shape (totals,)
        Risk that is applied, and share of the rows of fitting, at each total.
    spread : ndarray of shape (q,)
        Standard deviation of each condition's points over the rows of fitting.
    classes : ndarray of shape (2,)
    """

    schema: Schema
    columns: tuple[Column, ...]
    points: NDArray[np.int64]
    lowest: int
    risk: NDArray[np.float64]
    share: NDArray[np.float64]
    spread: NDArray[np.float64]
    classes: NDArray[Any]

    def values(self, X: pd.DataFrame) -> NDArray[np.int64]:
        """Points of each condition ``(n, q)``."""
        out = np.zeros((len(X), len(self.columns)), dtype=np.int64)
        for j, column in enumerate(self.columns):
            numbers = self.schema.column(X, column.feature)
            out[:, j] = self.points[j] * column_values(column, self.schema[column.feature], numbers)
        return out

    def words(self, column: Column) -> str:
        """The condition as it is shown."""
        return column.words(self.schema[column.feature])

    def to_dict(self) -> dict[str, Any]:
        """JSON form without its header; ``risk[sum of points of the conditions that hold - lowest]``."""
        rows = [c.to_dict() | ({"level": plain(c.level)} if c.level is not None else {}) for c in self.columns]
        return {
            "schema": self.schema.to_dict(),
            "classes": [plain(c) for c in self.classes],
            "columns": rows,
            "points": self.points.tolist(),
            "lowest": self.lowest,
            "risk": self.risk.tolist(),
            "share": self.share.tolist(),
            "spread": self.spread.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CardModel:
        """Inverse of :meth:`to_dict`; runs no code."""
        return cls(
            schema=Schema.from_dict(data["schema"]),
            columns=tuple(Column.from_dict(c) for c in data["columns"]),
            points=np.array(data["points"], dtype=np.int64),
            lowest=int(data["lowest"]),
            risk=np.array(data["risk"], dtype=float),
            share=np.array(data["share"], dtype=float),
            spread=np.array(data["spread"], dtype=float),
            classes=np.array(data["classes"]),
        )


def risk_table(curve: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """Risks as they are shown and applied: rounded, none nearer to 0 or 1 than one unit of the last digit."""
    unit = 10.0**-digits
    return np.clip(np.round(curve, digits), unit, round(1 - unit, digits))
