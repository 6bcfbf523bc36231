"""Rows of a tree's leaves that lie in the memory of this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.threads import n_threads
from explaindistill.numerics.trees.binning import BinnedTable
from explaindistill.numerics.trees.finer_thresholds import Nearby, Sums
from explaindistill.numerics.trees.histogram import (
    PACK_BITS,
    Channels,
    Slots,
    fill,
    fill_packed,
    gather,
    partition,
    total_of,
)
from explaindistill.numerics.trees.open_leaves import CodeSplit, FinerThreshold, OpenLeaf

__all__ = ["LocalRows", "channels_of", "spread_columns"]

WORTH_THREADS = 1 << 18
"""Additions below which one thread works alone: a trade-off between the start of threads and the work that they
share."""
NO_INDEX = np.empty(0, dtype=np.int32)


class LocalRows:
    """Codes and channels of rows, and the order that has the rows of each leaf side by side.

    Parameters
    ----------
    table : BinnedTable
    channels : Channels
    raw : callable, optional
        Values of some rows of a column: thresholds are then found among these, not among the bins. The codes of rows
        next to a threshold are moved to its other side, in the table itself.
    n_jobs : int or None
    """

    def __init__(
        self,
        table: BinnedTable,
        channels: Channels,
        raw: Callable[[int, NDArray[np.int32]], NDArray[np.float64]] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.codes = table.codes.T
        self.bins = table.rules
        self.slots = Slots.of(table.rules)
        self.channels = channels
        self.raw = raw
        self.n_threads = n_threads(n_jobs)
        self.complete = True
        self.index = np.arange(self.codes.shape[1], dtype=np.int32)
        self.spare = np.empty_like(self.index)
        self._asked: tuple[Any, NDArray[np.int32], NDArray[np.float64]] | None = None

    waits = False

    def __len__(self) -> int:
        return len(self.index)

    @property
    def refines(self) -> bool:
        """Whether thresholds are found among values."""
        return self.raw is not None

    def fork(self, leaf: OpenLeaf) -> LocalRows:
        """The rows of one leaf in an order of their own, for trials below it: codes are not moved there."""
        twin = object.__new__(LocalRows)
        twin.__dict__.update(self.__dict__)
        twin.index = self.index[leaf.start : leaf.end].copy()
        twin.spare, twin.complete, twin.raw = np.empty_like(twin.index), False, None
        return twin

    def histograms(self, leaves: Sequence[OpenLeaf]) -> list[NDArray[np.int64]]:
        """Histogram ``(n_slots, c)`` of the rows of each leaf."""
        return [self._histogram(leaf) for leaf in leaves]

    def _histogram(self, leaf: OpenLeaf) -> NDArray[np.int64]:
        out = np.empty((self.slots.total, self.channels.width), dtype=np.int64)
        whole = self.complete and leaf.end - leaf.start == len(self.index)
        index = NO_INDEX if whole else self.index[leaf.start : leaf.end]
        rows = self.channels.rows
        if not whole:
            rows = rows[index] if self.channels.packed else gather(rows, index)
        kernel = fill_packed if self.channels.packed else fill

        def fill_columns(features: NDArray[np.int64]) -> None:
            kernel(self.codes, index, rows, features, self.slots, out)

        spread_columns(fill_columns, len(self.codes), (leaf.end - leaf.start) * len(self.codes), self.n_threads)
        return out

    def squares(self, leaf: OpenLeaf) -> int:
        """Whole-number sum of the squared targets in a leaf."""
        return total_of(self.channels.squares, self.index[leaf.start : leaf.end])

    def total_weight(self) -> int:
        """Whole-number weight of all rows."""
        rows = self.channels.rows
        column = rows >> PACK_BITS if self.channels.packed else rows[:, self.channels.weight]
        return int(column.sum())

    def near(self, leaf: OpenLeaf, feature: int, codes: tuple[int, int]) -> Callable[[Nearby], Sums]:
        """What answers questions about the values of a leaf's rows in two bins of a column."""
        index, values = self._between(leaf, feature, codes)
        rows = channels_of(self.channels, index)
        return lambda question: question.of(values, rows)

    def _between(
        self, leaf: OpenLeaf, feature: int, codes: tuple[int, int]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Rows of a leaf in two bins of a column, and their values; kept, since a split follows its questions."""
        assert self.raw is not None
        place = leaf.start, leaf.end, feature, codes
        if self._asked is None or self._asked[0] != place:
            members = self.index[leaf.start : leaf.end]
            index = members[np.isin(self.codes[feature][members], codes)]
            self._asked = place, index, self.raw(feature, index)
        return self._asked[1:]

    def divide(self, leaf: OpenLeaf, choice: CodeSplit) -> int:
        """Bring the rows of a leaf that go left to its front; returns where those begin that go right."""
        if choice.finer is not None:
            self._move(leaf, choice.feature, choice.finer)
        members = self.index[leaf.start : leaf.end]
        return leaf.start + partition(self.codes[choice.feature], members, choice.goes_left, self.spare)

    def _move(self, leaf: OpenLeaf, feature: int, finer: FinerThreshold) -> None:
        """Give the rows next to a threshold the code of its side."""
        index, values = self._between(leaf, feature, finer.codes)
        self.codes[feature][index] = finer.codes_of(values)
        self._asked = None


def channels_of(channels: Channels, index: NDArray[np.int32]) -> NDArray[np.int64]:
    """Channels ``(m, c)`` of some rows."""
    rows = channels.rows[index]
    if not channels.packed:
        return rows
    return np.stack([rows >> PACK_BITS, rows & ((1 << PACK_BITS) - 1)], axis=1)


def spread_columns(function: Callable[[NDArray[np.int64]], None], d: int, work: int, threads: int) -> None:
    """Share d columns out among threads where there are additions enough (``work``) to be worth it."""
    threads = min(threads, d)
    if threads == 1 or work < WORTH_THREADS:
        function(np.arange(d))
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(function, [np.arange(i, d, threads) for i in range(threads)]))
