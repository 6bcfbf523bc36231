"""How Shapley values are spread, as counts of rows in cells: what a beeswarm is painted from without showing people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.measures.table import frame, shares
from explaindistill.numerics.statistics.tallies import tally

__all__ = ["ENDS", "attribution_cells", "grid_of", "value_ranks"]

Floats = NDArray[np.float64]
STEPS = 40
"""Cells across the whole picture: narrower ones are not told apart at three inches."""
ENDS = ("value_from", "value_to", "mean_rank")


def value_ranks(X: pd.DataFrame) -> Floats:
    """Rank of each value in its column, from 0 (lowest) to 1; NaN where a column has no order, or a value is missing.

    Parameters
    ----------
    X : DataFrame of shape (n, d)

    Examples
    --------
    >>> value_ranks(pd.DataFrame({"age": [20, 40, 30], "town": ["a", "b", "c"]})).tolist()
    [[0.0, nan], [1.0, nan], [0.5, nan]]
    """
    ranks = np.full(X.shape, np.nan)
    for j in range(X.shape[1]):
        column = X.iloc[:, j]
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.cat.codes.where(column.notna()) if column.cat.ordered else None
        elif not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
            column = None
        if column is not None:
            place = column.rank().to_numpy(dtype=float, na_value=np.nan)
            present = place[~np.isnan(place)]
            span = present.max() - present.min() if len(present) else 0.0
            ranks[:, j] = (place - present.min()) / span if span else place * 0 + 0.5
    return ranks


def grid_of(phi: Floats, minimum: int) -> tuple[float, int, int]:
    """Width of a cell and the first and last cell of a picture; values of a few rows beyond it count as its ends.

    The width is 1, 2 or 5 times a power of ten. Neither end is anybody's extreme: of each column ``minimum`` rows lie
    at or beyond it.

    Parameters
    ----------
    phi : ndarray of shape (n, d)
    minimum : int, at least 1

    Examples
    --------
    >>> step, first, last = grid_of(np.linspace(-1, 1, 200)[:, None], 10)
    >>> step, first, last
    (0.05, -19, 18)
    """
    at = min(minimum, len(phi)) - 1
    ordered = np.sort(phi, axis=0)
    low, high = float(ordered[at].min()), float(ordered[-1 - at].max())
    rough = max(high - low, 1e-12) / STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if rough <= m * power * (1 + 1e-9))
    return step, math.floor(low / step + 1e-9), math.floor(high / step - 1e-9)


def attribution_cells(
    phi: ArrayLike,
    columns: Mapping[str, int],
    ranks: Floats,
    *,
    minimum: int = 10,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
    subset: str = "",
) -> pd.DataFrame:
    """Shares of the rows by the Shapley value of each column, in cells that hold at least ``minimum`` rows.

    Parameters
    ----------
    phi : array of shape (n, d)
        Shapley values.
    columns : mapping of str to int
        Columns that get lines, by name: where their values stand in ``phi`` and ``ranks``.
    ranks : ndarray of shape (n, d)
        Rank of the value behind each; see :func:`value_ranks`.
    minimum : int, at least 1
        Neighbouring cells of fewer rows are joined; a column with fewer rows in all has no line.
    sample_weight, level, subject
        As in the other measures.
    subset : str
        Scale of the values.

    Returns
    -------
    DataFrame
        Canonical columns, ``feature``, ``value_from`` and ``value_to`` (the first and the last cell of a column also
        hold what lies beyond them) and ``mean_rank``, the mean rank of the column's values behind the cell: NaN where
        they have no order. ``attribution_share``: ``k`` of the ``n`` rows, Wilson's interval.

    Examples
    --------
    >>> phi = np.repeat([[-1.0], [1.0]], [30, 70], axis=0)
    >>> table = attribution_cells(phi, {"sex": 0}, np.full((100, 1), np.nan))
    >>> table[["value_from", "value_to", "k"]].values.tolist()
    [[-1.0, -0.95, 30.0], [0.95, 1.0, 70.0]]
    """
    values = np.asarray(phi, dtype=float)
    lines: list[dict[str, Any]] = []
    if len(values) < minimum or not np.isfinite(values).all() or not np.ptp(values):
        return frame(lines, extra=["feature", *ENDS])
    step, first, last = grid_of(values, minimum)
    for name, j in columns.items():
        place = _without_extremes(np.clip(np.floor(values[:, j] / step + 1e-9), first, last), minimum)
        for low, high in _joined(place, minimum):
            inside = (place >= low) & (place <= high)
            counted = tally(inside, np.zeros(len(values), dtype=int), 1, sample_weight=sample_weight)
            behind = ranks[inside, j]
            present = behind[~np.isnan(behind)]
            words = {
                "value_from": _plain(low, step),
                "value_to": _plain(high + 1, step),
                "mean_rank": float(present.mean()) if len(present) >= minimum else math.nan,
            }
            lines += shares(
                "attribution_share", counted, [{"subject": subject, "subset": subset, "feature": name} | words],
                level=level,
            )  # fmt: skip
    return frame(lines, extra=["feature", *ENDS])


def _without_extremes(place: Floats, minimum: int) -> NDArray[np.int_]:
    """Cells of one column: few rows far from the others count where ``minimum`` rows lie, or their edge would be read.

    Examples
    --------
    >>> _without_extremes(np.array([-9.0, 0.0, 0.0, 1.0, 1.0, 30.0]), 2).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    ordered = np.sort(place)
    return np.clip(place, ordered[minimum - 1], ordered[-minimum]).astype(int)


def _plain(k: int, step: float) -> float:
    """An edge as it is written: multiples of 0.05 are 0.15 and not 0.15000000000000002."""
    return float(f"{k * step:.10g}")


def _joined(place: NDArray[np.int_], minimum: int) -> list[tuple[int, int]]:
    """First and last cell of each run of neighbours that together hold ``minimum`` rows; empty cells belong to none."""
    cells, counts = np.unique(place, return_counts=True)
    runs: list[tuple[int, int]] = []
    start, n = -1, 0
    for i, count in enumerate(counts.tolist()):
        start, n = (i, count) if start < 0 else (start, n + count)
        if n >= minimum:
            runs.append((int(cells[start]), int(cells[i])))
            start, n = -1, 0
    if start >= 0 and runs:  # too few are left over: they join the last
        runs[-1] = (runs[-1][0], int(cells[-1]))
    return runs
