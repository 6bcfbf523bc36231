"""Rows counted by what figures read of them: cells of parts of the rows add up to those of all, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.counted import Counted

__all__ = ["MOST_LEVELS", "Cells", "Levels"]

MOST_LEVELS = 65_536
"""Different values of a sensitive column up to which each is told apart: more are no groups of people."""
MOST_NUMBER = 2**62
"""Numbers of cells below this fit into 64 bits."""


@dataclass(frozen=True, eq=False)
class Levels:
    """A sensitive column as the number of each row's value, and the different values as they stand in the rows.

    Attributes
    ----------
    codes : int ndarray of shape (n,)
        -1 where there is no value.
    values : Series
        Different values in the dtype of the column.

    Examples
    --------
    >>> sex = Levels.of(pd.Series(["m", None, "f", "m"]))
    >>> sex.codes.tolist(), sex.values.tolist()
    ([0, -1, 1, 0], ['m', 'f'])
    """

    codes: NDArray[Any]
    values: pd.Series

    @classmethod
    def of(cls, column: pd.Series) -> Levels:
        """Number the values of a column.

        Raises
        ------
        InvalidInputError
            If it has so many that they are no groups.
        """
        codes, values = pd.factorize(column)
        if len(values) > MOST_LEVELS:
            raise InvalidInputError(
                f"sensitive columns must have at most {MOST_LEVELS:,} different values in rows in partitions, "
                f"{str(column.name)!r} has more; cut it into bands, and name these"
            )
        small = np.int16 if len(values) < np.iinfo(np.int16).max else np.int32
        return cls(codes.astype(small), pd.Series(values, name=column.name))

    def joined(self, other: Levels) -> tuple[Levels, NDArray[Any]]:
        """The values of both, numbered anew; and the new number of each value of the other."""
        both = Levels.of(pd.concat([self.values, other.values], ignore_index=True))
        first = len(self.values)
        return Levels(_renumbered(both.codes[:first], self.codes), both.values), both.codes[first:]

    def column(self, codes: NDArray[Any]) -> pd.Series:
        """Values of some codes, missing for -1, in the dtype of the column."""
        return self.values.reindex(np.where(codes < 0, len(self.values), codes)).reset_index(drop=True)


def _renumbered(numbers: NDArray[Any], codes: NDArray[Any]) -> NDArray[Any]:
    """Codes by their new numbers; -1 stays."""
    return np.append(numbers, -1)[codes]


@dataclass(frozen=True, eq=False)
class Cells:
    """What rows agree in, and how many of them do.

    Attributes
    ----------
    levels : mapping of str to Levels
        Sensitive columns: the value of each cell.
    codes : mapping of str to int ndarray of shape (m,)
        What else tells cells apart, as numbers: labels and decisions.
    counted : Counted

    Examples
    --------
    >>> sex = Levels.of(pd.Series(["m", "f", "m"]))
    >>> part = Cells.of({"sex": sex}, {"teacher": np.array([1, 0, 1])}, None)
    >>> whole = part + part
    >>> whole.attributes()["sex"].tolist(), whole.codes["teacher"].tolist(), whole.counted.count.tolist()
    (['m', 'f'], [1, 0], [4, 2])
    """

    levels: Mapping[str, Levels]
    codes: Mapping[str, NDArray[np.int64]]
    counted: Counted

    @classmethod
    def of(
        cls,
        levels: Mapping[str, Levels],
        codes: Mapping[str, NDArray[np.int64]],
        weight: NDArray[np.float64] | None,
    ) -> Cells:
        """Count rows; those of weight 0 make a cell, and count nothing."""
        n = len(next(iter({**{k: v.codes for k, v in levels.items()}, **codes}.values())))
        if weight is None:
            one = np.ones(n)
            return cls._summed(levels, codes, (one, one, one))
        return cls._summed(levels, codes, ((weight > 0).astype(float), weight, weight**2))

    @classmethod
    def _summed(
        cls,
        levels: Mapping[str, Levels],
        codes: Mapping[str, NDArray[np.int64]],
        sums: Sequence[NDArray[np.float64]],
    ) -> Cells:
        columns = [*(column.codes for column in levels.values()), *codes.values()]
        first, number = _numbered(columns)
        count, weight, square = (np.asarray(np.bincount(number, x, len(first)), dtype=float) for x in sums)
        return cls(
            {name: Levels(column.codes[first], column.values) for name, column in levels.items()},
            {name: np.asarray(values[first], dtype=np.int64) for name, values in codes.items()},
            Counted(np.rint(count).astype(np.int64), weight, square),
        )

    def __add__(self, other: Cells) -> Cells:
        """Of the rows of both."""
        levels = {}
        for name, column in self.levels.items():
            both, numbers = column.joined(other.levels[name])
            mine = _renumbered(numbers, other.levels[name].codes)
            levels[name] = Levels(np.concatenate([both.codes, mine]), both.values)
        codes = {name: np.concatenate([values, other.codes[name]]) for name, values in self.codes.items()}
        sums = [
            np.concatenate([getattr(self.counted, what), getattr(other.counted, what)]).astype(float)
            for what in ("count", "weight", "square")
        ]
        return self._summed(levels, codes, sums)

    def __len__(self) -> int:
        return len(self.counted)

    def attributes(self) -> pd.DataFrame:
        """Sensitive columns, one row per cell."""
        columns = {name: column.column(column.codes) for name, column in self.levels.items()}
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self)))


def _numbered(columns: Sequence[NDArray[Any]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first row of each different row of numbers that are -1 or more, and which of these each row is."""
    key = np.zeros(len(columns[0]), dtype=np.int64)
    room = 1
    for column in columns:
        size = int(column.max(initial=-1)) + 2
        if room * size >= MOST_NUMBER:
            present, key = np.unique(key, return_inverse=True)
            room = len(present)
        key = np.asarray(key * size + (column + np.int64(1)), dtype=np.int64)
        room *= size
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    return first, number
