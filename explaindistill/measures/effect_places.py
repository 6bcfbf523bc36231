"""Where the curve of a column is looked at: round edges between real rows, or the levels that enough people have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.disclosure import is_key_like
from explaindistill.data.drawing import SECONDS_PER_YEAR
from explaindistill.data.schema import Feature
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.explaining.cells import cell_of, round_edges

__all__ = ["EffectPlaces", "NoPlacesError", "effect_places"]

SECONDS_PER_DAY = 86_400.0


class NoPlacesError(InvalidInputError):
    """A column has no curve: its rows are too few, or its values would name people; the message quotes no value.

    Examples
    --------
    >>> issubclass(NoPlacesError, InvalidInputError)
    True
    """


@dataclass(frozen=True, eq=False)
class EffectPlaces:
    """Places of one column.

    Attributes
    ----------
    feature : Feature
    line : bool
        Whether places are edges of cells on a line of numbers, dates or ordered categories.
    numbers : ndarray of shape (m,)
        The column's numbers there, as the schema encodes it.
    cell : int ndarray of shape (n,)
        Of each row its cell (of a line, m - 1 of them) or its place; -1 for rows that have neither.
    n_missing : int
        Rows without a value.
    minimum : int
        Rows that a place has at least.

    Examples
    --------
    >>> feature = Feature("age", "integer")
    >>> places = effect_places(np.arange(20.0, 80.0), feature, n_cells=2, minimum=10)
    >>> places.words, places.marks.tolist(), np.bincount(places.cell).tolist()
    (['30', '50', '69'], [30.0, 50.0, 69.0], [31, 29])
    """

    feature: Feature
    line: bool
    numbers: NDArray[np.float64]
    cell: NDArray[np.int64]
    n_missing: int
    minimum: int

    def at_place(self, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Place at which a row is counted: the end of its cell, or its own level, also of ordered ones; else -1."""
        if not (self.line and self.feature.is_category):
            return np.where(self.cell < 0, -1, self.cell + self.line)
        place_of = {v: i for i, v in enumerate(self.numbers.tolist())}
        return np.array([place_of.get(v, -1) for v in numbers.tolist()], dtype=np.int64)

    @property
    def missing(self) -> bool:
        """Whether so many rows have no value that "missing" is a place of its own."""
        return self.n_missing >= max(self.minimum, 1)

    @property
    def words(self) -> list[str]:
        """Each place in the user's words."""
        return [self.feature.shown(float(v)) for v in self.numbers]

    @property
    def marks(self) -> NDArray[np.float64]:
        """Each place as an axis shows it, dates in years; NaN for levels, which have no axis."""
        if not self.line or self.feature.is_category:
            return np.full(len(self.numbers), np.nan)
        return 1970.0 + self.numbers / SECONDS_PER_YEAR if self.feature.kind == "datetime" else self.numbers

    @property
    def n_cells(self) -> int:
        """Cells of a line, or single places."""
        return len(self.numbers) - self.line

    def at(self, place: int, n: int) -> Any:
        """A column of ``n`` rows that all have the value of a place, in the user's own values."""
        return self.feature.restored(np.full(n, self.numbers[place]))


def effect_places(
    numbers: NDArray[np.float64],
    feature: Feature,
    *,
    n_cells: int = 10,
    n_levels: int = 24,
    minimum: int = 10,
    asked: NDArray[np.bool_] | None = None,
) -> EffectPlaces:
    """Places of a column at which enough rows are.

    Parameters
    ----------
    numbers : ndarray of shape (n,)
        The column, as ``Schema.column`` encodes it.
    feature : Feature
    n_cells : int, at least 1
        Cells of a line at most.
    n_levels : int, at least 2
        Levels at most, those that most rows have.
    minimum : int, at least 1
        Rows in a cell or at a level.
    asked : bool ndarray of shape (n,), optional
        Marks the rows whose changed copies are asked about.

    Raises
    ------
    NoPlacesError
        If the column has too few rows for two places, or its values look like text or keys of people.

    Examples
    --------
    >>> home = Feature("home", "categorical", categories=("boat", "own", "rent", "tent"))
    >>> places = effect_places(np.repeat([0.0, 1.0, 2.0, 3.0], [2, 50, 48, 1]), home)
    >>> places.words
    ['own', 'rent']
    >>> effect_places(np.zeros(50), home)
    Traceback (most recent call last):
        ...
    explaindistill.measures.effect_places.NoPlacesError: home has fewer than two places with 10 rows each
    """
    present = ~np.isnan(numbers)
    line = feature.kind in ("numeric", "integer", "datetime", "ordered")
    cell = np.full(len(numbers), -1, dtype=np.int64)
    if line:
        inside = present & (numbers >= 0) if feature.is_category else present
        places = round_edges(
            numbers[inside], n_cells, minimum, unit=_unit(numbers[inside], feature),
            asked=None if asked is None else asked[inside],
        )  # fmt: skip
        if len(places):
            cell[inside] = cell_of(numbers[inside], places)
    else:
        places = _levels(numbers, feature, n_levels, minimum)
        at = {v: i for i, v in enumerate(places.tolist())}
        cell[present] = [at.get(v, -1) for v in numbers[present].tolist()]
    if len(places) < 2:
        raise NoPlacesError(f"{feature.name} has fewer than two places with {minimum} rows each")
    return EffectPlaces(feature, line, places, cell, int((~present).sum()), minimum)


def _unit(numbers: NDArray[np.float64], feature: Feature) -> float:
    """What edges are multiples of: whole numbers and ranks 1, dates a day, where they spread over days."""
    if feature.kind != "datetime":
        return 0.0 if feature.kind == "numeric" else 1.0
    return SECONDS_PER_DAY if len(numbers) and np.ptp(numbers) > 100 * SECONDS_PER_DAY else 1.0


def _levels(numbers: NDArray[np.float64], feature: Feature, n_levels: int, minimum: int) -> NDArray[np.float64]:
    """Codes of the levels that are shown, the commonest first; the others are enough people together, or none."""
    present = numbers[~np.isnan(numbers) & (numbers >= 0)]
    if feature.is_category and is_key_like(pd.Series(present)) and minimum > 1:
        raise NoPlacesError(f"{feature.name} has values that look like text or keys of people, none is named")
    codes, counts = np.unique(present, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shown = [i for i in order if counts[i] >= minimum][:n_levels]
    return codes[shown]
