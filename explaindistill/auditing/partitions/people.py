"""Who is in the cells: sensitive columns as an audit shows them, and rows that stand for all in what is withheld."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from explaindistill.auditing.partitions.cells import Cells, Levels
from explaindistill.measures.suppression import with_common_values

__all__ = ["nameless", "stand_ins"]

STAND_INS = 200_000
"""Rows up to which each row of a cell stands for itself when figures are withheld."""


def stand_ins(cells: Cells, minimum: int) -> pd.DataFrame:
    """Sensitive columns of rows that stand for all: exact where a group is small, fewer in proportion where not.

    Whether a group is small, and what would follow from what, is the same as with all rows. Which of several large
    groups is withheld beside a small one may, beyond 200,000 rows, be another that protects it as well.

    Examples
    --------
    >>> sex = Levels.of(pd.Series(["m", "f", "m"]))
    >>> stand_ins(Cells.of({"sex": sex}, {"teacher": np.array([0, 0, 1])}, None), 10)["sex"].tolist()
    ['m', 'm', 'f']
    """
    count = cells.counted.count
    times = count.astype(np.int64)
    if count.sum() > STAND_INS:
        exact = max(10 * minimum, STAND_INS // len(count))
        beyond = np.maximum(count - exact, 0)
        scale = STAND_INS / max(float(beyond.sum()), STAND_INS)
        times = np.minimum(count, exact) + np.ceil(beyond * scale).astype(np.int64)
    return cells.attributes().loc[np.repeat(np.arange(len(count)), times)].reset_index(drop=True)


def nameless(cells: Cells, min_category_size: int, banded: Iterable[str]) -> Cells:
    """Cells whose groups are named by enough people each: the name of a group of one would be that person's.

    Bands of numbers name nobody, and stay.
    """
    count = np.maximum(cells.counted.count, 1)  # a cell of rows without weight has people, too
    few = np.minimum(count, min_category_size)
    at = np.repeat(np.arange(len(count)), few)
    first = np.cumsum(few) - few
    levels = dict(cells.levels)
    for name, column in cells.levels.items():
        if name in set(banded):
            continue
        values = column.column(column.codes)
        shown = with_common_values(pd.DataFrame({name: values.iloc[at].reset_index(drop=True)}), min_category_size)
        levels[name] = Levels.of(shown[name].iloc[first].reset_index(drop=True))
    return replace(cells, levels=levels)
