"""Schema: what each column is, so that raw frames go in as they are, everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.columns import (
    KINDS,
    Kind,
    from_numbers,
    moment_words,
    to_numbers,
)
from explaindistill.data.evidence import ColumnSummary
from explaindistill.data.rows import Container, as_frame, container_of, labels_of, repacked
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.protocols import Rows

__all__ = ["Feature", "Schema", "sums_to_one"]

SCHEMA_VERSION = 1
"""Version of the JSON form; another one is refused."""


@dataclass(frozen=True)
class Feature:
    """One column.

    Attributes
    ----------
    name : str
    kind : "numeric", "integer", "categorical", "ordered", "boolean" or "datetime"; "raw" for objects of a domain
    minimum, maximum : float
        Bounds of the values seen, in the column's own unit (dates: seconds since 1970); NaN for categories.
    categories : tuple
        Text, numbers or flags; in order for ``"ordered"``, else sorted. Intervals and dates are named by their text.
    nullable : bool
        Whether a missing value was seen.
    sensitive : bool
        Whether the audit compares groups by it.
    dtype : str
        The pandas dtype, so that rows made by a sampler look like the user's own; ``"decimal"``, ``"date"``,
        ``"time"`` or ``"timedelta"`` for objects of these classes.
    one_hot : str or None
        Name of the group of 0/1 columns of which exactly one is 1 in every row.
    id_like : bool
        Whether the values look like a row number or a key.
    other : bool
        Whether the last category stands for every value without a name; see :mod:`explaindistill.data.disclosure`.
    originals : tuple
        The categories as the user has them, where those are neither text nor numbers; never saved.

    Examples
    --------
    >>> Feature("age", "integer", minimum=18, maximum=90).words(41.0)
    '41'
    >>> Feature("home", "categorical", categories=("own", "rent")).words(1.0)
    'rent'
    >>> Feature("home", "colour")
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: kind of 'home' must be one of numeric, integer, ...
    """

    name: str
    kind: Kind
    minimum: float = math.nan
    maximum: float = math.nan
    categories: tuple[Any, ...] = ()
    nullable: bool = False
    sensitive: bool = False
    dtype: str = "float64"
    one_hot: str | None = None
    id_like: bool = False
    other: bool = False
    originals: tuple[Any, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_kind(self.name, self.kind)

    def __eq__(self, other: object) -> bool:
        """Whether all fields are the same; bounds that are both NaN are, which Python's own comparison denies."""
        return isinstance(other, Feature) and self._compared == other._compared

    def __hash__(self) -> int:
        """Equal features have one hash."""
        return hash(self._compared)

    @property
    def _compared(self) -> tuple[Any, ...]:
        values = (getattr(self, f.name) for f in fields(self) if f.compare)
        return tuple(None if isinstance(value, float) and math.isnan(value) else value for value in values)

    @property
    def is_category(self) -> bool:
        """Whether its numbers are codes of categories."""
        return self.kind in ("categorical", "ordered")

    def restored(self, values: NDArray[np.float64], dtype: str | None = None) -> Any:
        """A column of its numbers in the user's own values and dtype; unseen categories and NaN are missing.

        Examples
        --------
        >>> Feature("age", "integer", dtype="Int64").restored(np.array([41.2, np.nan])).tolist()
        [41, <NA>]
        """
        return from_numbers(values, self.kind, self.originals or self.categories, dtype or self.dtype)

    def words(self, value: float) -> str:
        """Show one of its numbers in the user's terms.

        Examples
        --------
        >>> Feature("sex", "categorical", categories=("female", "male")).words(1.0)
        'male'
        >>> Feature("age", "integer").words(41.5), Feature("since", "datetime").words(86400.0)
        ('41.5', '1970-01-02')
        """
        if np.isnan(value):
            return "missing"
        if self.is_category:
            return str(self.categories[int(value)]) if 0 <= value < len(self.categories) else "(unseen)"
        if self.kind == "boolean" and value in (0.0, 1.0):
            return "yes" if value else "no"
        if self.kind == "datetime":
            return moment_words(float(value))
        return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))

    def shown(self, value: float, digits: int = 4) -> str:
        """Like :meth:`words`, a fraction rounded for reading; its whole part is never touched.

        Examples
        --------
        >>> Feature("income", "numeric").shown(35204.4782), Feature("share", "numeric").shown(0.0123456)
        ('35204', '0.01235')
        """
        if not np.isfinite(value) or self.kind not in ("numeric", "integer") or value == 0:
            return self.words(value)
        return self.words(round(value, max(digits - 1 - math.floor(math.log10(abs(value))), 0)))


@dataclass(frozen=True)
class Schema:
    """The columns in order; knows how to turn rows into numbers and numbers into rows.

    Attributes
    ----------
    features : tuple of Feature
    container : "frame", "array", "polars" or "arrow"
        What rows are given out in; see :meth:`restore`.
    notices : tuple of str
        What is odd about the columns.
    labels : tuple or None
        Names of the columns as the user has them, where they are not text: whole numbers, tuples, None.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"age": [31, 45, 27], "city": ["Bern", None, "Aarau"]})
    >>> schema = Schema.infer(frame)
    >>> [(f.name, f.kind, f.nullable) for f in schema.features]
    [('age', 'integer', False), ('city', 'categorical', True)]
    >>> schema.encode(frame)[:, 1].tolist()
    [1.0, nan, 0.0]
    >>> schema.decode(schema.encode(frame)).equals(frame)
    True
    """

    features: tuple[Feature, ...]
    container: Container = "frame"
    notices: tuple[str, ...] = field(default=(), compare=False)
    labels: tuple[Any, ...] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if repeated := sorted({n for n in self.names if self.names.count(n) > 1}):
            raise InvalidInputError(f"column names must differ from each other, got {', '.join(repeated)} twice")

    @classmethod
    def infer(cls, X: Rows, sensitive: Iterable[str] = (), kinds: Mapping[str, Kind] | None = None) -> Schema:
        """Read the schema from rows.

        Parameters
        ----------
        X : DataFrame or array of shape (n, d)
            Columns of an array are called ``x0``, ``x1``, …
        sensitive : names of columns by which the audit compares groups
        kinds : mapping of column to kind, optional
            Where the data cannot tell, such as codes of categories stored as numbers.

        Raises
        ------
        InvalidInputError
            For no rows, no columns, duplicate names, a column without any value, infinite values, or names in
            ``sensitive`` and ``kinds`` that are not columns.
        """
        frame = as_frame(X)
        names = frame.columns.tolist()
        chosen, protected = {str(n): kind for n, kind in (kinds or {}).items()}, {str(n) for n in sensitive}
        for argument, named in (("sensitive", protected), ("kinds", set(chosen))):
            if unknown := sorted(named - set(names)):
                near = did_you_mean(unknown[0], names)
                raise InvalidInputError(
                    f"{argument} names {', '.join(unknown)}, the columns are: {', '.join(names)}{near}"
                )
        for name, kind in chosen.items():
            _check_kind(name, kind)
        columns = [ColumnSummary.of(frame[name], chosen.get(name)) for name in names]
        schema = cls.summed(columns, container_of(X), labels_of(X), protected)
        return schema.grouped([p for p, group in schema.one_hot_candidates().items() if sums_to_one(frame, group)])

    @classmethod
    def summed(
        cls,
        columns: Iterable[ColumnSummary],
        container: Container = "frame",
        labels: tuple[Any, ...] | None = None,
        sensitive: Iterable[str] = (),
    ) -> Schema:
        """The schema of rows from what their columns, or parts of them, showed; no one-hot columns are marked yet."""
        protected = set(sensitive)
        features = [Feature(**column.facts(), sensitive=column.name in protected) for column in columns]
        notices = []
        for f in features:
            if f.id_like:
                notices.append(f"{f.name} looks like a row number or a key; leave it out unless it means something")
            if f.minimum == f.maximum or len(f.categories) == 1:
                notices.append(f"{f.name} has one value only")
        return cls(tuple(features), container, tuple(notices), labels)

    def one_hot_candidates(self) -> dict[str, tuple[str, ...]]:
        """0/1 columns with a common prefix (before the last ``_`` or ``=``), by prefix, which may sum to 1 in each row.

        Examples
        --------
        >>> import pandas as pd
        >>> Schema.infer(pd.DataFrame({"home_own": [1, 0], "home_rent": [0, 1]})).one_hot_candidates()
        {'home': ('home_own', 'home_rent')}
        """
        members: dict[str, tuple[str, ...]] = {}
        for f in self.features:
            binary = f.kind in ("integer", "boolean") and (f.minimum, f.maximum) == (0.0, 1.0) and not f.nullable
            cut = max(f.name.rfind("_"), f.name.rfind("="))
            if binary and cut > 0:
                members[f.name[:cut]] = (*members.get(f.name[:cut], ()), f.name)
        return {prefix: names for prefix, names in members.items() if len(names) > 1}

    def grouped(self, prefixes: Iterable[str]) -> Schema:
        """The same columns, those of some of the one-hot candidates marked as such."""
        groups = {name: prefix for prefix in prefixes for name in self.one_hot_candidates()[prefix]}
        features = tuple(replace(f, one_hot=groups.get(f.name)) for f in self.features)
        notices = [
            f"{', '.join(n for n, g in groups.items() if g == group)} are one-hot columns of {group}"
            for group in dict.fromkeys(groups.values())
        ]
        return replace(self, features=features, notices=(*self.notices, *notices))

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return [f.name for f in self.features]

    @property
    def sensitive(self) -> list[str]:
        """Names of the sensitive columns."""
        return [f.name for f in self.features if f.sensitive]

    @property
    def one_hot_groups(self) -> dict[str, tuple[str, ...]]:
        """Columns of each one-hot group."""
        groups: dict[str, tuple[str, ...]] = {}
        for f in self.features:
            if f.one_hot is not None:
                groups[f.one_hot] = (*groups.get(f.one_hot, ()), f.name)
        return groups

    def __len__(self) -> int:
        return len(self.features)

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def __getitem__(self, key: str | int) -> Feature:
        if isinstance(key, str):
            feature = next((f for f in self.features if f.name == key), None)
            if feature is None:
                near = did_you_mean(key, self.names)
                raise InvalidInputError(f"no column {key!r}; the columns are: {', '.join(self.names)}{near}")
            return feature
        return self.features[key]

    def frame(self, X: Rows) -> pd.DataFrame:
        """Rows in any container as a DataFrame with just these columns, in this order.

        Raises
        ------
        InvalidInputError
            If a column is missing, or an array has another width.
        """
        rows = as_frame(X)
        if container_of(X) == "array" and rows.shape[1] == len(self):
            rows.columns = pd.Index(self.names)
        if absent := [n for n in self.names if n not in rows.columns]:
            raise InvalidInputError(
                f"X must have the columns of the schema, {', '.join(absent)} missing; got: {', '.join(rows.columns)}"
            )
        return rows if rows.columns.tolist() == self.names else rows[self.names]

    def column(self, X: pd.DataFrame, key: str | int) -> NDArray[np.float64]:
        """One column as float64 ``(n,)``: missing is NaN, categories are codes, unseen ones -1."""
        feature = self[key]
        return to_numbers(X[feature.name], feature.kind, feature.categories, feature.dtype, feature.other)

    def plain_column(self, X: pd.DataFrame, key: str | int) -> NDArray[Any]:
        """As :meth:`column`, but numbers are not copied and keep their dtype; the caller must refuse infinity."""
        feature = self[key]
        series = X[feature.name]
        if feature.kind in ("numeric", "integer", "boolean") and isinstance(series.dtype, np.dtype):
            values = series.to_numpy()
            if values.dtype.kind in "fiub":
                return values
        return self.column(X, key)

    def encode(self, X: Rows) -> NDArray[np.float64]:
        """All columns as a float64 matrix ``(n, d)`` in Fortran order; see :meth:`column`."""
        rows = self.frame(X)
        out = np.empty((len(rows), len(self)), order="F")
        for i in range(len(self)):
            out[:, i] = self.column(rows, i)
        return out

    def decode(self, Z: NDArray[np.float64]) -> pd.DataFrame:
        """Inverse of :meth:`encode`: integers are rounded, bounds kept, dtypes the user's own."""
        columns = {}
        for i, f in enumerate(self.features):
            values = np.asarray(Z[:, i], dtype=float)
            if not f.is_category and not math.isnan(f.minimum):
                values = np.clip(values, f.minimum, f.maximum)
            columns[f.name] = f.restored(values)
        return pd.DataFrame(columns, columns=self.names)

    def restore(self, frame: pd.DataFrame) -> Any:
        """Rows in the container that the schema was read from, with the names that the user gave the columns."""
        return repacked(frame, self.container, self.labels)

    def select(self, names: Iterable[str]) -> Schema:
        """Return the schema of some columns, in the order given."""
        names = list(names)
        labels = None if self.labels is None else tuple(self.labels[self.names.index(n)] for n in names)
        return replace(self, features=tuple(self[n] for n in names), labels=labels)

    def to_dict(self) -> dict[str, Any]:
        """Return a versioned JSON form: NaN as None."""
        rows = []
        for f in self.features:
            row = asdict(replace(f, originals=())) | {"categories": list(f.categories)}
            del row["originals"]
            row |= {k: None if math.isnan(row[k]) else row[k] for k in ("minimum", "maximum")}
            if not row["other"]:
                del row["other"]
            rows.append(row)
        container = "array" if self.container == "array" else "frame"
        return {"schema_version": SCHEMA_VERSION, "container": container, "features": rows}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Schema:
        """Inverse of :meth:`to_dict`; runs no code.

        Raises
        ------
        InvalidInputError
            If the form has another version or lacks a field.
        """
        if data.get("schema_version") != SCHEMA_VERSION:
            raise InvalidInputError(f"schema_version must be {SCHEMA_VERSION}, got {data.get('schema_version')!r}")
        features = []
        for row in data["features"]:
            bounds = {k: math.nan if row.get(k) is None else float(row[k]) for k in ("minimum", "maximum")}
            features.append(Feature(**{**row, **bounds, "categories": tuple(row.get("categories", ()))}))
        return cls(tuple(features), "array" if data.get("container") == "array" else "frame")

    def describe(self) -> str:
        """One line per column, in words."""
        return "\n".join([*(_line(f) for f in self.features), *(f"note: {n}" for n in self.notices)])

    def to_frame(self) -> pd.DataFrame:
        """One row per column: name, kind, bounds, number of categories, missing, sensitive."""
        keys = ("name", "kind", "minimum", "maximum", "nullable", "sensitive", "one_hot", "id_like")
        rows = [{k: getattr(f, k) for k in keys} | {"n_categories": len(f.categories)} for f in self.features]
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def _check_kind(name: Any, kind: Any) -> None:
    if kind not in (*KINDS, "raw"):
        raise InvalidInputError(f"kind of {name!r} must be one of {', '.join(KINDS)}, got {kind!r}")


def sums_to_one(frame: pd.DataFrame, names: tuple[str, ...]) -> bool:
    """Whether exactly one of some 0/1 columns is 1 in every row.

    Examples
    --------
    >>> sums_to_one(pd.DataFrame({"home_own": [1, 0], "home_rent": [0, 1]}), ("home_own", "home_rent"))
    True
    """
    return bool((frame[list(names)].to_numpy(dtype=float).sum(axis=1) == 1.0).all())


def _line(f: Feature) -> str:
    if f.kind == "raw":
        what = "objects"
    elif f.is_category:
        shown = ", ".join(str(c) for c in f.categories[:6]) + (", …" if len(f.categories) > 6 else "")
        what = f"{f.kind}, {len(f.categories)} categories ({shown})"
    else:
        what = f"{f.kind} from {f.words(f.minimum)} to {f.words(f.maximum)}"
    return f"{f.name}: {what}{', may be missing' if f.nullable else ''}{', sensitive' if f.sensitive else ''}"
