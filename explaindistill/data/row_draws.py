r"""Rows drawn from partitions by what stands in them, so that every row has the same chance, however often it comes.

Rows that agree in every column are one content. A content that makes up a thousandth of all rows or more is common: its
rows, and all others together, are drawn by a hypergeometric law. Of the others the contents come first that a hash puts
first, and of their rows so many are drawn by the same law. All of it is a function of the rows, not of their places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.folds import content_keys
from explaindistill.data.parts import LowestKeys, PartOfRows
from explaindistill.data.row_keys import row_keys
from explaindistill.protocols import Partitions

__all__ = ["draw_rows"]

COMMON = 1000
"""A content of one row in so many or more is common. A trade-off: a lower number leaves contents that move a figure by
their presence to the hash, a higher one sends more keys."""
Keys = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class KeyedPart:
    """A part, and the different contents of its rows as numbers, each with its rows and the place of the first."""

    source: PartOfRows
    keys: Keys
    counts: NDArray[np.int32]
    first: NDArray[np.int32]
    n: int


def draw_rows(parts: Partitions, names: Sequence[str], n: int, seed: int = 0) -> pd.DataFrame:
    """Draw ``n`` rows without replacement, or take all where there are no more.

    Parameters
    ----------
    parts : Partitions of PartOfRows
    names : columns
    n : int, at least 1
    seed : int

    Examples
    --------
    >>> from explaindistill.data.parts import FramePart
    >>> class Parts(list):
    ...     def ask(self, function, *arguments, reduce):
    ...         first, *others = (function(part, *arguments) for part in self)
    ...         for other in others:
    ...             first = reduce(first, other)
    ...         return first
    ...
    ...     def step(self, function, *arguments):
    ...         return Parts([function(part, *arguments) for part in self])
    >>> rows = pd.DataFrame({"age": [20, 30, 40, 50, 60, 70]})
    >>> drawn = draw_rows(Parts([FramePart(0, rows[:4]), FramePart(1, rows[4:])]), ["age"], 3)
    >>> other = draw_rows(Parts([FramePart(0, rows[5:]), FramePart(1, rows[:5])]), ["age"], 3)
    >>> len(drawn), drawn.equals(other)
    (3, True)
    """
    keyed = parts.step(_keyed, list(names), seed)
    total, often = keyed.ask(_often, reduce=_both_often)
    if total <= n:
        return _in_order(keyed.ask(_all_rows, list(names), reduce=_concatenated))
    counts = keyed.ask(_counts_of, often, reduce=_added)
    common = counts * COMMON >= total
    often, counts = often[common], counts[common]
    rest: LowestKeys = keyed.ask(_lowest_but, often, n, reduce=_added)
    rng = np.random.default_rng([seed, n])
    *of_common, of_rest = _drawn(rng, np.append(counts, total - counts.sum()), n).tolist()
    times = np.concatenate([np.array(of_common, dtype=np.int64), _drawn(rng, rest.counts, of_rest)])
    keys = np.concatenate([often, rest.keys])
    order = np.argsort(keys[times > 0])
    wanted, times = keys[times > 0][order], times[times > 0][order]
    pieces = keyed.ask(_first_rows, list(names), wanted, reduce=_concatenated)
    first = pd.concat([rows for rows, _ in pieces], ignore_index=True)
    at, place = np.unique(np.concatenate([keys for _, keys in pieces]), return_index=True)
    return _in_order((first.iloc[np.repeat(place, times[np.searchsorted(wanted, at)])],))


def _drawn(rng: np.random.Generator, counts: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """How many of each kind are among ``n`` that are drawn without replacement."""
    ends = np.cumsum(counts)
    if len(counts) == 0:
        return np.zeros(0, dtype=np.int64)
    # numpy's hypergeometric numbers end at a thousand million rows; places of rows that are drawn have no such limit
    places = rng.choice(int(ends[-1]), min(n, int(ends[-1])), replace=False, shuffle=False)
    return np.bincount(np.searchsorted(ends, places, side="right"), minlength=len(counts))


def _in_order(pieces: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows in an order of their content."""
    rows = pd.concat(pieces, ignore_index=True)
    keys = row_keys(rows)
    return rows.iloc[np.lexsort((keys[:, 1], keys[:, 0]))].reset_index(drop=True)


def _keyed(part: PartOfRows, names: list[str], seed: int) -> KeyedPart:
    keys = content_keys(part.frame(names), seed)
    different, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return KeyedPart(part, different, counts.astype(np.int32), first.astype(np.int32), len(keys))


def _often(part: KeyedPart) -> tuple[int, Keys]:
    """What is common in all rows is common in one part at least."""
    return part.n, part.keys[part.counts.astype(np.int64) * COMMON >= part.n]


def _both_often(a: tuple[int, Keys], b: tuple[int, Keys]) -> tuple[int, Keys]:
    return a[0] + b[0], np.union1d(a[1], b[1])


def _counts_of(part: KeyedPart, keys: Keys) -> NDArray[np.int64]:
    if len(part.keys) == 0 or len(keys) == 0:
        return np.zeros(len(keys), dtype=np.int64)
    at = np.minimum(np.searchsorted(part.keys, keys), len(part.keys) - 1)
    return np.where(part.keys[at] == keys, part.counts[at], 0).astype(np.int64)


def _lowest_but(part: KeyedPart, common: Keys, n: int) -> LowestKeys:
    others = ~np.isin(part.keys, common)
    return LowestKeys.of_keys(part.keys[others], part.counts[others], n)


def _added(a: Any, b: Any) -> Any:
    return a + b


def _concatenated(a: tuple[pd.DataFrame, ...], b: tuple[pd.DataFrame, ...]) -> tuple[pd.DataFrame, ...]:
    return (*a, *b)


def _all_rows(part: KeyedPart, names: list[str]) -> tuple[pd.DataFrame, ...]:
    return (part.source.frame(names),)


def _first_rows(part: KeyedPart, names: list[str], wanted: Keys) -> tuple[tuple[pd.DataFrame, Keys], ...]:
    """The first row of each wanted content, with its number."""
    at = np.isin(part.keys, wanted)
    if not at.any():
        return ()
    rows = part.source.frame(names).iloc[part.first[at]]
    return ((rows, part.keys[at]),)
