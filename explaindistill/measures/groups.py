"""Who belongs to which group: values of sensitive columns, bands of numbers, intersections, the missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.once import once

__all__ = ["MISSING", "Grouping", "bands", "groupings"]

MISSING = "(missing)"
AND = " × "
FEW_VALUES = 10
"""Different numbers up to which each is a group of its own. A trade-off: codes and scores of few levels stay as they
are, and no age makes a group of a few people."""
ROUND = (5.0, 2.0, 1.0)
"""Steps within a power of ten at which edges are placed, the roundest first."""


@dataclass(frozen=True)
class Grouping:
    """One attribute, or the intersection of several: a name, the group of each row, the groups' names.

    ``missing`` marks groups of rows where at least one of the attributes is missing.

    Examples
    --------
    >>> (sex,) = groupings(pd.DataFrame({"sex": ["f", "m", None, "f"]}))
    >>> sex.codes.tolist(), sex.names, sex.missing.tolist()
    ([0, 1, 2, 0], ('f', 'm', '(missing)'), [False, False, True])
    """

    attribute: str
    codes: NDArray[np.int64]
    names: tuple[str, ...]
    missing: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.names)


def groupings(attributes: pd.DataFrame, intersections: bool | int = True) -> list[Grouping]:
    """Groups by each sensitive column and by every intersection of them.

    Parameters
    ----------
    attributes : DataFrame of n rows
        Sensitive columns. Missing values form the group ``(missing)``. A column of numbers with more than ten
        different values is cut into bands, see `bands`.
    intersections : bool or int
        True: of any number of columns; an integer: of at most that many.

    Returns
    -------
    list of Grouping
        Only groups with at least one row, in the order of the values.

    Examples
    --------
    >>> groups = groupings(pd.DataFrame({"sex": ["f", "m", None], "old": [True, False, True]}))
    >>> [(g.attribute, g.names) for g in groups]  # doctest: +NORMALIZE_WHITESPACE
    [('sex', ('f', 'm', '(missing)')), ('old', ('False', 'True')),
     ('sex × old', ('f × True', 'm × False', '(missing) × True'))]
    """
    return list(
        once(
            attributes,
            ("groupings", int(intersections), intersections is True),
            lambda: _all(attributes, intersections),
        )
    )


def _all(attributes: pd.DataFrame, intersections: bool | int) -> list[Grouping]:
    if attributes.columns.has_duplicates:
        raise InvalidInputError("sensitive columns must have different names")
    single = [_grouping(str(name), attributes.iloc[:, i]) for i, name in enumerate(attributes.columns)]
    most = len(single) if intersections is True else int(intersections)
    crossed = [_crossed(chosen) for q in range(2, most + 1) for chosen in combinations(single, q)]
    return [*single, *crossed]


def _grouping(name: str, column: pd.Series) -> Grouping:
    """Groups of one column: bands, or its values as words, then the missing; without those that have no row."""
    column = _plain(column)
    gone = column.isna().to_numpy()
    texts = bands(column) if _is_number(column) and column.nunique() > FEW_VALUES else _texts(column)
    order = {text: i for i, text in enumerate(texts.cat.categories)}
    codes = np.where(gone, len(order), texts.cat.codes.to_numpy(dtype=np.int64))
    present, dense = np.unique(codes, return_inverse=True)
    names = [*order, MISSING]
    return Grouping(name, dense.astype(np.int64), tuple(names[i] for i in present), present == len(order))


def _plain(column: pd.Series) -> pd.Series:
    """Durations as seconds, which are numbers as they are to a model, and half floats, of which pandas has no index."""
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return column.dt.total_seconds()
    return column.astype(np.float64) if column.dtype == np.float16 else column


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def _texts(column: pd.Series) -> pd.Series:
    """Values as words, in the order of the values (of the categories, where there are)."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        levels = list(column.cat.categories)
    else:
        levels = list(pd.unique(column.dropna()))
        levels.sort(key=lambda v: (0, float(v), "") if isinstance(v, Real) else (1, 0.0, f"{type(v).__name__} {v}"))
    words = [_word(v) for v in levels]
    if len(set(words)) < len(words):  # 1234567.0 and 1234568.0 are one word of six digits
        words = [str(v) for v in levels]
    if len(set(words)) < len(words):
        words = [f"{w} ({type(v).__name__})" for w, v in zip(words, levels, strict=True)]
    codes = pd.Categorical(column, categories=levels).codes
    return pd.Series(pd.Categorical.from_codes(codes, categories=words), index=column.index)


def _word(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def bands(column: pd.Series, n_bands: int = 5) -> pd.Series:
    """Cut numbers into bands of about equally many rows, at round edges.

    Parameters
    ----------
    column : Series of numbers
        Missing values stay missing.
    n_bands : int, at least 2
        Fewer result where values repeat.

    Returns
    -------
    Series of ordered categories
        Such as ``"below 25"``, ``"25 to below 40"``, ``"40 and above"``.

    Examples
    --------
    >>> bands(pd.Series(range(18, 78)), 3).cat.categories.tolist()
    ['below 40', '40 to below 60', '60 and above']
    """
    if n_bands < 2:
        raise InvalidInputError(f"n_bands must be at least 2, got {n_bands}")
    values = column.to_numpy(dtype=float, na_value=np.nan)
    present = values[~np.isnan(values)]
    cuts = np.quantile(present, np.linspace(0, 1, n_bands + 1)[1:-1]) if len(present) else np.empty(0)
    edges = _rounded(cuts, present)
    if len(edges) == 0 and len(present) and present.min() < present.max():
        edges = np.array([present[present > present.min()].min()])  # most have the least value: it is a band of its own
    words = [f"below {edges[0]:g}"] if len(edges) else ["all values"]
    words += [f"{a:g} to below {b:g}" for a, b in pairwise(edges)]
    words += [f"{edges[-1]:g} and above"] if len(edges) else []
    codes = np.where(np.isnan(values), -1, np.searchsorted(edges, values, side="right"))
    return pd.Series(pd.Categorical.from_codes(codes, categories=words, ordered=True), index=column.index)


def _rounded(cuts: NDArray[np.float64], present: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges at the roundest numbers that keep the bands apart: multiples of 1, 2 or 5 times a power of ten.

    The step is the largest of these that is no wider than the narrowest band, so that two cuts do not meet; where they
    do, one edge is left. A factor of 1e-9 and twelve decimals take away what sums of decimal fractions are off by.
    """
    if len(cuts) == 0:
        return cuts
    gaps = np.diff(np.unique(cuts))
    room = float(gaps.min()) if len(gaps) else float(present.max() - present.min()) or 1.0
    unit = 10.0 ** np.floor(np.log10(room))
    unit *= next(f for f in ROUND if f * unit <= room * (1 + 1e-9))
    edges = np.unique(np.round(np.round(cuts / unit) * unit, 12))
    return np.asarray(edges[(edges > present.min()) & (edges <= present.max())])


def _crossed(chosen: tuple[Grouping, ...]) -> Grouping:
    r"""Intersection of groupings of sizes :math:`s_1, s_2, \dots`: cell :math:`(c_1 s_2 + c_2) s_3 + \dots`."""
    cell = chosen[0].codes
    for grouping in chosen[1:]:
        cell = cell * len(grouping) + grouping.codes
    present, dense = np.unique(cell, return_inverse=True)
    members = list(_members(present, chosen))
    names = tuple(AND.join(g.names[i] for g, i in zip(chosen, member, strict=True)) for member in members)
    missing = np.array([any(g.missing[i] for g, i in zip(chosen, m, strict=True)) for m in members], dtype=bool)
    return Grouping(AND.join(g.attribute for g in chosen), dense.astype(np.int64), names, missing)


def _members(cells: NDArray[np.int64], chosen: tuple[Grouping, ...]) -> Iterator[tuple[int, ...]]:
    """Group in each grouping that a cell belongs to: the digits of its number, the last grouping first."""
    for cell in cells.tolist():
        digits, rest = [], cell
        for grouping in reversed(chosen):
            rest, digit = divmod(rest, len(grouping))
            digits.append(digit)
        yield tuple(reversed(digits))
