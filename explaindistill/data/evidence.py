"""What a column is, from what its rows show; what parts of the rows show adds up to what all of them do."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.columns import (
    SMALLEST_SPREAD,
    Kind,
    kind_of,
    ordered_unique,
    sorted_categories,
    to_numbers,
)
from explaindistill.data.dtypes import dtype_name
from explaindistill.data.families import Family, dense, family_of, plain_category
from explaindistill.data.keys import KeyEvidence
from explaindistill.data.rows import is_unicode
from explaindistill.errors import InvalidInputError

__all__ = ["ColumnSummary"]

MOST_TEXTS = 100_000
"""Different texts of a column in parts: more are keys, or text that no student reads, and all of them would have to be
sent to one machine."""


@dataclass(frozen=True, eq=False)
class ColumnSummary:
    """One column of some rows.

    Attributes
    ----------
    name : str
    kind : kind of a column, or None where every value is missing
    family : family of the values
    dtype : str
    minimum, maximum : float
        NaN for categories, and where every value is missing.
    originals : tuple
        Categories as the user has them.
    declared : bool
        Whether they were declared, and not just seen.
    nullable : bool
    n_present : int
        Rows with a value.
    key : KeyEvidence or None
        Of whole numbers.
    """

    name: str
    kind: Kind | None
    family: Family
    dtype: str
    minimum: float
    maximum: float
    originals: tuple[Any, ...]
    declared: bool
    nullable: bool
    n_present: int
    key: KeyEvidence | None

    @classmethod
    def of(cls, series: pd.Series, chosen: Kind | None = None, number: int = 0) -> ColumnSummary:
        """Look at a column of part ``number`` of the rows; ``chosen`` is its kind where somebody said so."""
        name, missing = str(series.name), series.isna()
        dtype, declared = dtype_name(series), isinstance(series.dtype, pd.CategoricalDtype)
        if missing.all():
            return cls(name, None, "nothing", dtype, math.nan, math.nan, (), declared, len(series) > 0, 0, None)
        kind = chosen or kind_of(series)
        family = family_of(series if declared else dense(series))
        originals = ordered_unique(series) if kind in ("categorical", "ordered") else ()
        low = high = math.nan
        key = None
        if not originals and kind != "raw":
            numbers = to_numbers(series, kind, ())
            low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
            if kind == "integer":
                key = KeyEvidence.of(numbers, number)
        n = int((~missing).sum())
        return cls(name, kind, family, dtype, low, high, originals, declared, n < len(series), n, key)

    def __add__(self, other: ColumnSummary) -> ColumnSummary:
        """Of the rows of both.

        Raises
        ------
        InvalidInputError
            If the parts hold different kinds, or another order of categories.
        """
        if self.kind is None or other.kind is None:
            full, empty = (other, self) if self.kind is None else (self, other)
            dtype = _common_dtype(full, empty)
            return replace(full, dtype=dtype, nullable=full.nullable or empty.nullable)
        kind = self._common_kind(other)
        originals, dtype = self.originals, _common_dtype(self, other)
        if originals != other.originals:
            originals, dtype = self._common_categories(other), "object" if dtype == "category" else dtype
        return ColumnSummary(
            name=self.name,
            kind=kind,
            family=self.family,
            dtype=dtype,
            minimum=float(np.fmin(self.minimum, other.minimum)),
            maximum=float(np.fmax(self.maximum, other.maximum)),
            originals=originals,
            declared=self.declared and other.declared,
            nullable=self.nullable or other.nullable,
            n_present=self.n_present + other.n_present,
            key=None if self.key is None or other.key is None else self.key + other.key,
        )

    def _common_kind(self, other: ColumnSummary) -> Kind:
        kinds = {self.kind, other.kind}
        if kinds == {"integer", "numeric"} and self.family == other.family:
            return "numeric"
        if len(kinds) > 1 or self.family != other.family:
            words = sorted({f"{side.family} ({side.kind})" for side in (self, other)})
            raise InvalidInputError(
                f"column {self.name!r} must be of one kind in all parts, got {words[0]} in one and {words[1]} in "
                "another; write the parts with one type per column"
            )
        assert self.kind is not None
        return self.kind

    def _common_categories(self, other: ColumnSummary) -> tuple[Any, ...]:
        if self.kind == "ordered" and self.family != "interval":
            raise InvalidInputError(
                f"column {self.name!r} is ordered and must have one order of categories in all parts, got "
                f"{len(self.originals)} and {len(other.originals)} that differ; declare all categories in each part"
            )
        both = tuple(sorted_categories(list(dict.fromkeys((*self.originals, *other.originals)))))
        if len(both) > MOST_TEXTS:
            raise InvalidInputError(
                f"column {self.name!r} has more than {MOST_TEXTS:,} different values that are no numbers, as text and "
                "keys do; leave it out"
            )
        return both

    def facts(self) -> dict[str, Any]:
        """Fields of a ``Feature``, without ``one_hot`` and ``sensitive``.

        Raises
        ------
        InvalidInputError
            For a column without any value, categories of one name, or a spread that squares would lose.
        """
        if self.kind is None:
            raise InvalidInputError(f"column {self.name!r} has no value at all; drop it")
        categories = _named(self.name, self.originals)
        if 0 < self.maximum - self.minimum < SMALLEST_SPREAD:
            raise InvalidInputError(
                f"column {self.name!r} must spread over at least {SMALLEST_SPREAD:g} or be constant, got "
                f"{self.maximum - self.minimum:g}; multiply it by a unit"
            )
        same = all(a is b or a == b for a, b in zip(categories, self.originals, strict=True))
        return {
            "name": self.name,
            "kind": self.kind,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "categories": categories,
            "nullable": self.nullable,
            "dtype": self.dtype,
            "id_like": self.id_like,
            "originals": () if same else self.originals,
        }

    @property
    def id_like(self) -> bool:
        """Whether the values look like a row number or a key; see :mod:`explaindistill.data.keys`."""
        if self.dtype == "category" or self.kind is None:
            return False
        if self.kind in ("categorical", "ordered"):
            return KeyEvidence.of_texts(len(self.originals), self.n_present)
        return self.kind == "integer" and self.key is not None and self.key.is_key


def _common_dtype(a: ColumnSummary, b: ColumnSummary) -> str:
    """Dtype of the rows of two parts together, as pandas would put them into one column."""
    if a.dtype == b.dtype:
        return a.dtype
    plain = []
    for side in (a, b):
        try:
            plain.append(np.dtype(side.dtype))
        except TypeError:
            plain.append(np.dtype(object))
    if all(dtype.kind in "iuf" for dtype in plain):
        return str(np.result_type(*plain))
    if b.kind is None and a.family != "flag":
        return a.dtype  # the other part has no value
    return "object"


def _named(name: str, originals: tuple[Any, ...]) -> tuple[Any, ...]:
    """Names of categories that are neither text nor numbers; two of one name could not be told apart in any copy."""
    categories = tuple(plain_category(c) for c in originals)
    if len(set(categories)) < len(categories):
        raise InvalidInputError(
            f"column {name!r} has categories that differ and have one text; give each of them a text of its own"
        )
    if wrong := next((c for c in categories if isinstance(c, str) and not c.isascii() and not is_unicode(c)), None):
        raise InvalidInputError(
            f"column {name!r} must hold text that UTF-8 can hold, got {ascii(wrong)[:40]} "
            f"with half of a surrogate "
            "pair; decode it again, or replace that character"
        )
    return categories
