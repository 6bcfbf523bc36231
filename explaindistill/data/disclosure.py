"""What of people's values may leave in an artefact: rounded bounds, frequent categories, nothing of text and keys.

A schema that was read from rows (:meth:`Schema.infer`) holds their extremes and every category. It serves whoever makes
rows or asks the teacher. What is written, saved, drawn or exported holds :func:`disclosed` instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.columns import Kind, category_codes
from explaindistill.data.rows import as_frame
from explaindistill.data.schema import Feature, Schema
from explaindistill.data.tails import Tails, calendar_unit, power_of
from explaindistill.errors import InvalidInputError

__all__ = [
    "MIN_CATEGORY_SIZE",
    "OTHER",
    "ColumnEvidence",
    "check_category_size",
    "common_values",
    "disclosed",
    "fitted_on",
    "is_key_like",
    "people_of",
    "shown_bounds",
    "shown_middle",
]

MIN_CATEGORY_SIZE = 5
"""People that a category, and what lies at or beyond a bound, must have. A convention: the smallest cell that offices
of statistics publish is 3 to 10, and 5 is the commonest (Hundepool and others, 2012, Statistical Disclosure Control,
doi:10.1002/9781118348239, chapter 4)."""
OTHER = "(other)"
"""Name of the category that stands for all that are not named."""
KEY_SHARE = 0.5
"""Different values per row from which a column of categories counts as text or keys: most of its values then are
those of one person each."""
_PEOPLE: ContextVar[pd.DataFrame | None] = ContextVar("people", default=None)


def disclosed(
    schema: Schema,
    rows: Any,
    min_category_size: int = MIN_CATEGORY_SIZE,
    people: pd.DataFrame | None = None,
    count: NDArray[np.int64] | None = None,
) -> Schema:
    """Return the schema that may leave: what it says of each column holds for ``min_category_size`` people or more.

    - Bounds of numbers and dates are those of :func:`shown_bounds`.
    - Categories of fewer people, declared ones of nobody included, are not named. Where people have one of them, the
      last category is "(other)", and every value without a name counts as it; an order is then given up, since
      "(other)" has no place in it.
    - Of text and keys (:func:`is_key_like`) no value is named at all.

    Parameters
    ----------
    schema : Schema
    rows : DataFrame of n rows
        Those that the schema was read from.
    min_category_size : int, at least 1
        1 changes nothing.
    people : DataFrame, optional
        The rows among them that are people, where others were made up; only these are counted.
    count : int ndarray of shape (number of people,), optional
        How many people each of these rows stands for; one each when None.

    Raises
    ------
    InvalidInputError
        If ``min_category_size`` is no whole number of at least 1.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [*range(20, 60), 97], "city": ["Bern"] * 21 + ["Zug"] * 19 + ["Aarau"]})
    >>> age, city = disclosed(Schema.infer(X), X)
    >>> age.minimum, age.maximum, city.categories
    (24.0, 56.0, ('Bern', 'Zug', '(other)'))
    """
    check_category_size(min_category_size)
    if min_category_size == 1:
        return schema
    frame = schema.frame(rows)
    real = frame if people is None else schema.frame(people)
    features = [_disclosed(f, frame, real, min_category_size, count) for f in schema]
    return replace(schema, features=tuple(features))


def check_category_size(min_category_size: int) -> None:
    """Refuse what is no whole number of at least 1.

    Examples
    --------
    >>> check_category_size(0)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: min_category_size must be a whole number of at least 1, got 0; 1 shows all
    """
    whole = isinstance(min_category_size, int | np.integer) and not isinstance(min_category_size, bool)
    if not whole or min_category_size < 1:
        raise InvalidInputError(
            f"min_category_size must be a whole number of at least 1, got {min_category_size!r}; 1 shows all"
        )


def shown_bounds(
    values: ArrayLike,
    kind: Kind = "numeric",
    min_size: int = MIN_CATEGORY_SIZE,
    count: NDArray[np.int64] | None = None,
) -> tuple[float, float]:
    """Bounds of a column that are nobody's: at least ``min_size`` values lie at or beyond each, and they are round.

    Each bound is the value of the person so far from the end, rounded away from the middle: numbers to a power of ten,
    dates to whole years, months, days or hours, as the range asks for; whole numbers stay whole. Zeros and ones are a
    flag, whose range is no secret. With fewer than twice ``min_size`` values both start from the middle one.

    Parameters
    ----------
    values : array of shape (n,)
        In the column's own unit (dates: seconds since 1970); NaN is missing.
    kind : kind of a column
    min_size : int, at least 1
        1 gives the lowest and the highest value as they are.
    count : int ndarray of shape (n,), optional
        How many people each value stands for; one each when None.

    Returns
    -------
    low, high : float
        NaN where there is no value.

    Examples
    --------
    >>> income = np.append(np.arange(1000.0, 3000.0, 7.3), 987654.25)
    >>> shown_bounds(income)
    (1000.0, 3000.0)
    >>> shown_bounds(income, min_size=1)
    (1000.0, 987654.25)
    >>> shown_bounds([0.0] * 90 + [1.0], "integer")
    (0.0, 1.0)
    """
    return Tails.of(np.asarray(values, dtype=float), min_size, count).shown(kind)


def shown_middle(values: ArrayLike, kind: Kind = "numeric", min_size: int = MIN_CATEGORY_SIZE) -> float:
    """Median of a column that is nobody's: the steps of :func:`shown_bounds` nearest to it, dates those before it.

    The median is the value of one person, or the mean of two; it is shown as it is where ``min_size`` people have it,
    and of flags, where it names nobody.

    Parameters
    ----------
    values : array of shape (n,)
        In the column's own unit (dates: seconds since 1970); NaN is missing.
    kind : kind of a column
    min_size : int, at least 1
        1 gives the median as it is.

    Returns
    -------
    float
        NaN where there is no value; inside the bounds that are shown.

    Examples
    --------
    >>> income = np.append(np.arange(1000.0, 3000.0, 7.3), 987654.25)
    >>> round(shown_middle(income, min_size=1), 4), shown_middle(income)
    (2000.1, 2000.0)
    >>> shown_middle([0.0] * 40 + [17.35] * 60), shown_middle([0, 0, 1, 1], "boolean")
    (17.35, 0.5)
    """
    numbers = np.asarray(values, dtype=float)
    present = numbers[~np.isnan(numbers)]
    if len(present) == 0:
        return math.nan
    middle = float(np.median(present))
    if min_size <= 1 or np.isin(present, [0.0, 1.0]).all() or (present == middle).sum() >= min_size:
        return middle
    low, high = _middle_steps(present, min_size)
    if kind == "datetime":
        start = np.floor(middle).astype("datetime64[s]").astype(f"datetime64[{calendar_unit(low, high)}]")
        return float(start.astype("datetime64[s]").astype(np.int64))
    size = high - low or abs(low)
    if size == 0 or not math.isfinite(size):
        return middle
    power = power_of(size, kind == "integer")
    return round(round(middle / 10.0**power) * 10.0**power, max(-power, 0))


def is_key_like(values: pd.Series, count: NDArray[np.int64] | None = None) -> bool:
    """Whether categories look like text or keys: more different ones than half of the people with a value.

    Examples
    --------
    >>> is_key_like(pd.Series(["Ada", "Bo", "Cy", "Ada"])), is_key_like(pd.Series(["f", "m"] * 9))
    (True, False)
    """
    has_value = values.notna().to_numpy()
    n_people = has_value.sum() if count is None else count[has_value].sum()
    return bool(values.nunique() > KEY_SHARE * n_people)


def common_values(column: pd.Series, min_category_size: int = MIN_CATEGORY_SIZE) -> pd.Series:
    """Return a column whose rare values are "(other)"; all of them where they look like text or keys.

    Missing values stay missing, and yes and no stay as they are: they name nobody.

    Examples
    --------
    >>> common_values(pd.Series(["f"] * 9 + ["m"] * 8 + ["x", None])).value_counts(dropna=False).to_dict()
    {'f': 9, 'm': 8, '(other)': 1, nan: 1}
    """
    if min_category_size == 1 or pd.api.types.is_bool_dtype(column):
        return column
    if column.dtype == np.float16:
        column = column.astype(np.float64)  # pandas has no index of half floats
    times = column.map(column.value_counts()).astype(float).fillna(0.0)
    rare = column.notna() & ((times < min_category_size) | is_key_like(column))
    if not rare.any():
        return column
    named = column.cat.remove_unused_categories() if isinstance(column.dtype, pd.CategoricalDtype) else column
    return named.astype(object).mask(rare, OTHER)


@contextmanager
def fitted_on(people: Any) -> Iterator[None]:
    """Say which rows are people, while a student is fitted to more rows than these.

    A student counts the rows that it is fitted to; a distiller fits it to made-up ones too, in which the only person
    of a category, or at an extreme, may come again and again.

    Parameters
    ----------
    people : DataFrame or array
        As the student sees them; where its columns are not those of the fit, they are not asked.

    Examples
    --------
    >>> fit = pd.DataFrame({"city": ["Bern"] * 9 + ["Aarau"] * 9})
    >>> with fitted_on(pd.DataFrame({"city": ["Bern"] * 9 + ["Aarau"]})):
    ...     disclosed(Schema.infer(fit), fit, people=people_of(fit))["city"].categories
    ('Bern', '(other)')
    """
    token = _PEOPLE.set(as_frame(people))
    try:
        yield
    finally:
        _PEOPLE.reset(token)


def people_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of people among those of a fit: what :func:`fitted_on` says, else all of them.

    Examples
    --------
    >>> len(people_of(pd.DataFrame({"age": [20, 30]})))
    2
    """
    people = _PEOPLE.get()
    return people if people is not None and people.columns.tolist() == frame.columns.tolist() else frame


def _disclosed(
    feature: Feature, rows: pd.DataFrame, people: pd.DataFrame, min_size: int, count: NDArray[np.int64] | None
) -> Feature:
    evidence = ColumnEvidence.of(feature, people[feature.name], min_size, count)
    if rows is not people and feature.is_category:
        evidence = evidence.with_rows(feature, rows[feature.name])
    return evidence.disclosed(feature, min_size)


@dataclass(frozen=True, eq=False)
class ColumnEvidence:
    """What decides how much of a column may leave; of parts of the rows it adds up to that of all.

    Attributes
    ----------
    tails : Tails or None
        Of numbers and dates.
    people, present : int64 and bool ndarrays, shape (n_categories,)
        People of each category, and whether a row of the fit has it; empty for numbers.
    n : int
        People with a value.
    """

    tails: Tails | None
    people: NDArray[np.int64]
    present: NDArray[np.bool_]
    n: int

    @classmethod
    def of(cls, feature: Feature, column: pd.Series, min_size: int, count: NDArray[np.int64] | None) -> ColumnEvidence:
        """Look at a column of rows, each of which stands for ``count`` people, or one."""
        if not feature.is_category:
            tails = Tails.of(Schema((feature,)).column(column.to_frame(), 0), min_size, count)
            return cls(tails, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool), tails.n)
        codes = category_codes(column, feature.categories)
        has_code = codes >= 0
        stands_for = None if count is None else count[has_code]
        people = np.bincount(codes[has_code].astype(np.intp), stands_for, minlength=len(feature.categories))
        has_value = column.notna().to_numpy()
        n = int(has_value.sum()) if count is None else int(count[has_value].sum())
        return cls(None, people.astype(np.int64), people > 0, n)

    def with_rows(self, feature: Feature, column: pd.Series) -> ColumnEvidence:
        """The same people, where further rows were made up that may have categories of nobody."""
        codes = category_codes(column, feature.categories)
        present = np.bincount(codes[codes >= 0].astype(np.intp), minlength=len(feature.categories)) > 0
        return replace(self, present=present)

    def __add__(self, other: ColumnEvidence) -> ColumnEvidence:
        """Of the rows of both."""
        tails = None if self.tails is None or other.tails is None else self.tails + other.tails
        return ColumnEvidence(tails, self.people + other.people, self.present | other.present, self.n + other.n)

    def disclosed(self, feature: Feature, min_size: int) -> Feature:
        """What of the column may leave; see :func:`disclosed`."""
        if self.tails is not None:
            low, high = self.tails.shown(feature.kind)
            return feature if math.isnan(low) else replace(feature, minimum=low, maximum=high)
        is_text = int((self.people > 0).sum()) > KEY_SHARE * self.n
        named = (self.people >= min_size) & (not is_text)
        named &= np.array([c != OTHER for c in feature.categories], dtype=bool)
        categories = tuple(c for c, is_named in zip(feature.categories, named, strict=True) if is_named)
        # what the user's own categories are, where those are neither text nor numbers
        pairs = zip(feature.originals, named, strict=True) if feature.originals else ()
        originals = tuple(c for c, is_named in pairs if is_named)
        # a declared category of nobody is dropped; but made-up rows may hold it, and then it has to count as something
        if categories and not (self.present & ~named).any():
            return replace(feature, categories=categories, originals=originals)
        dtype = "category" if feature.dtype == "category" else "object"  # codes and a name are of no narrower one
        originals = (*originals, OTHER) if originals else ()
        return replace(
            feature, kind="categorical", categories=(*categories, OTHER), originals=originals, dtype=dtype, other=True
        )


def _middle_steps(present: NDArray[np.float64], min_size: int) -> tuple[float, float]:
    """Values of the people ``min_size`` from each end; with fewer than twice as many the middle ones."""
    return Tails.of(present, min_size, None).inner()
