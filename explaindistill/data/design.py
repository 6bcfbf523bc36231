"""Design: the named columns of numbers that a linear model or a scorecard adds up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.literals import bound_words, level_words, name_words
from explaindistill.data.schema import Feature, Schema
from explaindistill.errors import InvalidInputError

__all__ = [
    "SECONDS_PER_DAY",
    "Column",
    "ColumnFacts",
    "centre_of",
    "column_values",
    "columns_of",
    "level_code",
    "linear_columns",
    "matrix",
    "rounded_centre",
    "rule_columns",
    "unit_of",
]

SECONDS_PER_DAY = 86400.0
Operation = Literal["value", "missing", "level", "at_most", "above"]
OPERATIONS = ("value", "missing", "level", "at_most", "above")


@dataclass(frozen=True)
class Column:
    """One named column of a design.

    Attributes
    ----------
    feature : str
        The column of the rows that it is made from.
    operation : "value", "missing", "level", "at_most" or "above"
        ``value``: the number itself (dates: days since 1970), missing replaced by ``fill``. The others are 0 or 1:
        ``missing``: no value; ``level``: the category ``level``; ``at_most``, ``above``: the number lies at or below,
        or above ``threshold`` (dates: seconds since 1970), 0 where it is missing.
    fill : float
        What a missing value counts as (``value`` only).
    level : category (``level`` only)
    threshold : float (``at_most`` and ``above`` only)
    """

    feature: str
    operation: Operation
    fill: float | None = None
    level: Any = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise InvalidInputError(f"operation must be one of {', '.join(OPERATIONS)}, got {self.operation!r}")

    @property
    def is_binary(self) -> bool:
        """Whether it is 0 or 1 in every row."""
        return self.operation != "value"

    def words(self, feature: Feature) -> str:
        """Name of the column as it is shown.

        Examples
        --------
        >>> Column("age", "above", threshold=40.0).words(Feature("age", "integer"))
        'age > 40'
        >>> Column("home", "level", level="rent").words(Feature("home", "categorical", categories=("own", "rent")))
        'home = "rent"'
        """
        if self.operation == "value":
            # a number stands under the name of its column, as in every table of columns: nothing to take apart
            return f"{self.feature} (days since 1970)" if feature.kind == "datetime" else self.feature
        name = name_words(self.feature)
        if self.operation == "missing":
            return f"{name} is missing"
        if self.operation == "level":
            return f"{name} = {'yes' if feature.kind == 'boolean' else level_words(self.level)}"
        assert self.threshold is not None
        return f"{name} {'<=' if self.operation == 'at_most' else '>'} {bound_words(feature, self.threshold)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that this kind of column has."""
        return {k: v for k, v in asdict(self).items() if v is not None or k in ("feature", "operation")}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Column:
        """Inverse of :meth:`to_dict`."""
        return cls(**data)


def column_values(column: Column, feature: Feature, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of one column from the encoded numbers of its feature (see :meth:`Schema.column`)."""
    if column.operation == "missing":
        return np.isnan(numbers).astype(float)
    if column.operation == "level":
        return (numbers == level_code(column, feature)).astype(float)
    if column.operation in ("at_most", "above"):
        assert column.threshold is not None
        below = numbers <= column.threshold
        return (below if column.operation == "at_most" else ~below & ~np.isnan(numbers)).astype(float)
    values = numbers / SECONDS_PER_DAY if feature.kind == "datetime" else numbers
    return np.where(np.isnan(values), 0.0 if column.fill is None else column.fill, values)


def level_code(column: Column, feature: Feature) -> float:
    """Number that the encoded feature has where a ``level`` column is 1."""
    if feature.kind == "boolean":
        return 1.0
    return float(feature.categories.index(column.level))


def matrix(columns: Iterable[Column], schema: Schema, X: pd.DataFrame) -> NDArray[np.float64]:
    """Values of all columns, ``(n, p)`` float64 in Fortran order."""
    columns = list(columns)
    out = np.empty((len(X), len(columns)), order="F")
    numbers: dict[str, NDArray[np.float64]] = {}
    for j, column in enumerate(columns):
        if column.feature not in numbers:
            numbers = {column.feature: schema.column(X, column.feature)}
        out[:, j] = column_values(column, schema[column.feature], numbers[column.feature])
    return out


def linear_columns(
    schema: Schema, X: pd.DataFrame, weight: NDArray[np.float64], max_levels: int = 50
) -> tuple[list[Column], dict[str, Any]]:
    """Columns of a linear model, and the base level of each categorical feature.

    A number gives its value (missing counts as its centre, see :func:`centre_of`) and, where values are missing, a
    column that says so. A flag gives one column. A category gives one column for each of its ``max_levels`` most
    frequent levels but the most frequent, which is the base; levels beyond them, and unseen ones, count as the base.

    Returns
    -------
    columns : list of Column
    base : dict of feature name to base level, categories only
    """
    facts = []
    for feature in schema:
        numbers = schema.column(X, feature.name)
        present = ~np.isnan(numbers)
        mass: NDArray[np.float64] | None = None
        centre = None
        if feature.is_category:
            seen = numbers >= 0
            counts = np.bincount(numbers[seen].astype(np.intp), weights=weight[seen], minlength=len(feature.categories))
            mass = counts.astype(np.float64)
        elif feature.kind != "boolean":
            centre = centre_of(numbers[present] / unit_of(feature), weight[present])
        facts.append(ColumnFacts(not present.all(), mass, centre))
    return columns_of(schema, facts, max_levels)


@dataclass(frozen=True, eq=False)
class ColumnFacts:
    """What decides the columns that a feature gives a linear model.

    Attributes
    ----------
    has_missing : bool
    mass : ndarray of shape (categories,), or None
        Weight of the rows of each category.
    centre : float or None
        See :func:`centre_of`; of a number, in days for dates.
    """

    has_missing: bool
    mass: NDArray[np.float64] | None
    centre: float | None


def columns_of(
    schema: Schema, facts: Iterable[ColumnFacts], max_levels: int = 50
) -> tuple[list[Column], dict[str, Any]]:
    """:func:`linear_columns` from what all rows show of each feature."""
    columns: list[Column] = []
    base: dict[str, Any] = {}
    for feature, fact in zip(schema, facts, strict=True):
        if fact.mass is not None:
            levels = _heaviest(feature, fact.mass)[: max_levels + 1]
            base[feature.name] = levels[0]
            columns += [Column(feature.name, "level", level=c) for c in feature.categories if c in levels[1:]]
        elif feature.kind == "boolean":
            columns.append(Column(feature.name, "level", level=True))
        else:
            # what numbers count from, and a missing one counts as: people read it, so it has few digits
            columns.append(Column(feature.name, "value", fill=fact.centre))
        if fact.has_missing:
            columns.append(Column(feature.name, "missing"))
    return columns, base


def unit_of(feature: Feature) -> float:
    """What a number is divided by: dates count as days."""
    return SECONDS_PER_DAY if feature.kind == "datetime" else 1.0


def centre_of(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Weighted mean of a column, rounded to about a tenth of its spread: what a person would count from.

    Examples
    --------
    >>> centre_of(np.array([1000.0, 2000.0, 4111.0]), np.ones(3))
    2400.0
    """
    w = weight / weight.sum()
    mean = float(w @ values)
    deviation = values - mean
    # deviations are scaled first, since 1e300 squared is no double
    largest = float(np.abs(deviation).max())
    spread = largest * float(np.sqrt(w @ (deviation / largest) ** 2)) if largest > 0 else 0.0
    return rounded_centre(mean, spread)


def rounded_centre(mean: float, spread: float) -> float:
    """Round a centre to about a tenth of the spread; a constant is its own centre.

    Examples
    --------
    >>> rounded_centre(2941.01, 1302.0), rounded_centre(0.3388, 0.17), rounded_centre(3.25, 0.0)
    (2900.0, 0.34, 3.25)
    """
    if not spread > 0:
        return mean
    return float(round(mean, 1 - math.floor(math.log10(spread))))


def rule_columns(
    schema: Schema, X: pd.DataFrame, weight: NDArray[np.float64], n_thresholds: int = 9, max_levels: int = 50
) -> list[Column]:
    """Columns of 0 and 1 for a scorecard: thresholds at weighted quantiles, levels, flags, missing.

    A number with at most ``n_thresholds + 1`` distinct values is cut between each two of them; any other at
    ``n_thresholds`` quantiles. Both ``at_most`` and ``above`` are not needed: one is the complement of the other, but
    where values may be missing both are offered, since missing is then a third answer.
    """
    columns: list[Column] = []
    for feature in schema:
        numbers = schema.column(X, feature.name)
        present = ~np.isnan(numbers)
        if feature.is_category:
            levels = _levels(feature, numbers, weight)[:max_levels]
            columns += [Column(feature.name, "level", level=c) for c in feature.categories if c in levels]
        elif feature.kind == "boolean":
            columns.append(Column(feature.name, "level", level=True))
        else:
            cuts = thresholds(numbers[present], weight[present], n_thresholds)
            if feature.kind == "datetime":
                cuts = [_midnight(cut, numbers[present]) for cut in cuts]
            for cut in cuts:
                columns.append(Column(feature.name, "at_most", threshold=cut))
                if not present.all():
                    columns.append(Column(feature.name, "above", threshold=cut))
        if not present.all():
            columns.append(Column(feature.name, "missing"))
    return columns


def thresholds(values: NDArray[np.float64], weight: NDArray[np.float64], n: int) -> list[float]:
    """At most ``n`` short numbers that lie between values, near the weighted quantiles.

    Examples
    --------
    >>> thresholds(np.array([1.0, 2.0, 2.0, 8.0]), np.ones(4), 5)
    [1.5, 5.0]
    """
    distinct, inverse = np.unique(values, return_inverse=True)
    if len(distinct) < 2:
        return []
    total = np.cumsum(np.bincount(inverse, weights=weight))
    share = total / total[-1]
    gaps = np.arange(len(distinct) - 1)
    if len(gaps) > n:
        # the small margin keeps a quantile that falls on a value on the same side whatever the order of summing
        wanted = np.arange(1, n + 1) / (n + 1) - 1e-9
        gaps = np.unique(np.clip(np.searchsorted(share, wanted), 0, len(distinct) - 2))
    return [shortest_between(float(distinct[g]), float(distinct[g + 1])) for g in gaps]


def _midnight(cut: float, seconds: NDArray[np.float64]) -> float:
    """Midnight before a cut in seconds, where that tells the same dates apart."""
    earlier = math.floor(cut / SECONDS_PER_DAY) * SECONDS_PER_DAY
    return cut if ((seconds > earlier) & (seconds <= cut)).any() else earlier


def shortest_between(low: float, high: float) -> float:
    """Return the number with the fewest digits in ``[low, high)``, the middle one where there are several.

    Examples
    --------
    >>> shortest_between(0.12, 0.14), shortest_between(3.0, 4.0), shortest_between(1.0, 9.0)
    (0.13, 3.5, 5.0)
    """
    middle = low + (high - low) / 2
    if middle == 0.0:
        return 0.0
    gap = math.floor(math.log10(high - low)) if high > low else 0
    for digits in range(-gap, -gap + 3):
        rounded = round(middle, digits)
        if low <= rounded < high and abs(rounded - middle) <= (high - low) / 4:
            return float(rounded)
    return middle if low <= middle < high else low


def _levels(feature: Feature, codes: NDArray[np.float64], weight: NDArray[np.float64]) -> list[Any]:
    """Levels with rows, most frequent first; ties in the order of the categories."""
    present = codes >= 0
    mass = np.bincount(codes[present].astype(np.intp), weights=weight[present], minlength=len(feature.categories))
    return _heaviest(feature, mass.astype(np.float64))


def _heaviest(feature: Feature, mass: NDArray[np.float64]) -> list[Any]:
    """Levels with rows, by their weight, most first; ties in the order of the categories."""
    order = np.argsort(-np.round(mass, 9), kind="stable")
    return [feature.categories[i] for i in order if mass[i] > 0]
