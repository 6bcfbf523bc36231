"""Best-first growth of a tree on binned columns and vector targets, under limits and constraints."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.trees.binning import BinnedTable, n_threads
from explaindistill.numerics.trees.finer_thresholds import finer_cut
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
from explaindistill.numerics.trees.splitting import best_cuts, left_table, score

__all__ = ["Grower", "Grown", "Leaf", "Limits", "Split", "grow"]

KEPT_BYTES = 1 << 28
WORTH_THREADS = 1 << 18
NO_GAIN = 1e-12  # of the node's own score: less is rounding
CHANCE = 2 / np.pi
NO_INDEX = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Limits:
    """What a tree may be.

    Attributes
    ----------
    max_leaf_nodes, max_depth, max_features_used : int or None
    min_samples_leaf : int
        Rows; whole-number weights count as repetitions.
    min_decrease : float
        Smallest drop of the mean squared error (over all rows) that justifies a split.
    signs : int64 ndarray, shape (d,)
        1 where the first target may only rise with the column, -1 where it may only fall, else 0.
    groups : tuple of frozensets of column numbers, or None
        Columns that may stand on one path together; None for no limit.
    """

    max_leaf_nodes: int | None
    max_depth: int | None
    min_samples_leaf: int
    min_decrease: float
    max_features_used: int | None
    signs: NDArray[np.int64]
    groups: tuple[frozenset[int], ...] | None


@dataclass(frozen=True, eq=False)
class Split:
    """One way to cut a leaf: ``goes_left`` says for each code where it goes."""

    gain: float
    feature: int
    goes_left: NDArray[np.bool_]
    left: NDArray[np.int64]


@dataclass(eq=False)
class Leaf:
    """A leaf while the tree grows: rows ``start:end`` of the grower's index, and its best cut per column."""

    start: int
    end: int
    depth: int
    sums: NDArray[np.int64]
    low: float
    high: float
    path: frozenset[int]
    hist: NDArray[np.int64] | None = None
    gain: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    cut: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    side: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Grown:
    """A tree on codes; node 0 is the root, children come after their parent.

    Attributes
    ----------
    feature, left, right : int64 ndarrays, shape (n_nodes,)
        -1 for a leaf.
    goes_left : list of bool ndarray of shape (256,), or None for a leaf
    gain : ndarray, shape (n_nodes,)
        Drop of the weighted squared error, in the units of weights and targets.
    worth : ndarray, shape (n_nodes,)
        The same less what is expected by chance: what growth goes by.
    start, end : int64 ndarrays, shape (n_nodes,)
        Rows of node ``i`` are ``index[start[i]:end[i]]``.
    sums : int64 ndarray, shape (n_nodes, c)
    index : int32 ndarray, shape (n,)
    """

    feature: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    goes_left: list[NDArray[np.bool_] | None]
    gain: NDArray[np.float64]
    worth: NDArray[np.float64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    sums: NDArray[np.int64]
    index: NDArray[np.int32]


class Grower:
    """Rows, histograms and cuts of the leaves of one tree; knows nothing of the order in which leaves are split.

    Parameters
    ----------
    table : BinnedTable
    rows : Channels
    limits : Limits
    names : list of str
        Names of the columns: of equally good cuts the first name wins, whatever the order of columns.
    n_jobs : int or None
    raw : callable, optional
        Values of some rows of a column: thresholds are then found among these, not among the bins. The codes of
        rows next to a threshold are moved to its other side, in the table itself.
    """

    def __init__(
        self,
        table: BinnedTable,
        rows: Channels,
        limits: Limits,
        names: list[str],
        n_jobs: int | None = None,
        raw: Callable[[int, NDArray[np.int32]], NDArray[np.float64]] | None = None,
    ) -> None:
        self.codes = table.codes.T
        self.rules = table.rules
        self.raw = raw
        self.slots = Slots.of(table)
        self.rows = rows
        self.limits = limits
        self.by_name = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)
        self.n_threads = n_threads(n_jobs)
        self.complete = True
        self.index = np.arange(self.codes.shape[1], dtype=np.int32)
        self.spare = np.empty_like(self.index)
        self.kept = 0
        self.unit = rows.target_unit**2 / rows.weight_unit

    def root(self) -> Leaf:
        """Return the leaf of all rows, its cuts found."""
        n = len(self.index)
        hist = self.histogram(0, n)
        first = hist[: self.slots.offsets[1]].sum(axis=0)
        leaf = Leaf(0, n, 0, first, -np.inf, np.inf, frozenset(), hist)
        self._find_cuts(leaf)
        return leaf

    def fork(self, leaf: Leaf) -> tuple[Grower, Leaf]:
        """Return a grower for trials below one leaf: it has its own order of rows and leaves this one as it is."""
        twin = copy(self)
        twin.index = self.index[leaf.start : leaf.end].copy()
        twin.spare, twin.complete, twin.kept, twin.raw = np.empty_like(twin.index), False, 0, None
        return twin, replace(leaf, start=0, end=len(twin.index), hist=leaf.hist)

    def histogram(self, start: int, end: int) -> NDArray[np.int64]:
        """Histogram of the rows ``start:end`` of the index."""
        out = np.empty((self.slots.total, self.rows.width), dtype=np.int64)
        whole = self.complete and end - start == len(self.index)
        index = NO_INDEX if whole else self.index[start:end]
        rows = self.rows.rows
        if not whole:
            rows = rows[index] if self.rows.packed else gather(rows, index)
        kernel = fill_packed if self.rows.packed else fill

        def some(features: NDArray[np.int64]) -> None:
            kernel(self.codes, index, rows, features, self.slots.n_bins, self.slots.offsets, out)

        self._spread(some, (end - start) * len(self.codes))
        return out

    def choices(self, leaf: Leaf, allowed: frozenset[int] | None = None, most: int = 1) -> list[Split]:
        """Return the best cut of each of the ``most`` best columns, best first."""
        if leaf.hist is None:
            leaf.hist = self.histogram(leaf.start, leaf.end)
        gain = leaf.gain if allowed is None else np.where(_member(allowed, len(leaf.gain)), leaf.gain, 0.0)
        ranked = self.by_name[np.argsort(-gain[self.by_name], kind="stable")]
        splits = []
        for f in ranked[:most]:
            if gain[f] <= self._least_gain(leaf):
                break
            hist = leaf.hist[self.slots.offsets[f] : self.slots.offsets[f + 1]]
            goes_left, left = left_table(
                hist, bool(self.slots.is_category[f]), int(leaf.cut[f]), int(leaf.side[f]), self.rows.weight
            )
            splits.append(Split(float(gain[f]), int(f), goes_left, left))
        return splits

    def refine(self, leaf: Leaf, choice: Split) -> Split:
        """Move a threshold to the best place within the two bins beside it."""
        f = choice.feature
        if self.raw is None or self.rules[f].is_category or leaf.hist is None:
            return choice
        hist = leaf.hist[self.slots.offsets[f] : self.slots.offsets[f + 1]]
        cut, full = int(leaf.cut[f]), np.flatnonzero(hist[:-1, 0])
        after = full[full > cut][:1]
        rule = self.rules[f]
        if len(after) == 0 or not (rule.lows[[cut, after[0]]] < rule.highs[[cut, after[0]]]).any():
            return choice
        column = self.codes[f]
        part = self.index[leaf.start : leaf.end]
        near = part[np.isin(column[part], (cut, after[0]))]
        values, rows = self.raw(f, near), self.channels_of(near)
        fields = rows, choice.left - hist[cut], leaf.sums, self.rows.weight, self.rows.target
        rules = self.limits.min_samples_leaf, int(self.limits.signs[f]), (leaf.low, leaf.high)
        found = finer_cut(values, *fields, *rules)
        if found is None:
            return choice
        last, both = found
        code = np.where(values <= last, cut, after[0]).astype(np.uint8)
        moved = code != column[near]
        change = rows[moved & (code == cut)].sum(axis=0) - rows[moved & (code != cut)].sum(axis=0)
        column[near] = code
        hist[cut] += change
        hist[after[0]] -= change
        own = score(leaf.sums, self.rows.weight, self.rows.target, leaf.low, leaf.high)
        return replace(choice, gain=both - own, left=choice.left + change)

    def channels_of(self, index: NDArray[np.int32]) -> NDArray[np.int64]:
        """Channels ``(m, c)`` of some rows."""
        rows = self.rows.rows[index]
        if not self.rows.packed:
            return rows
        return np.stack([rows >> PACK_BITS, rows & ((1 << PACK_BITS) - 1)], axis=1)

    def split(self, leaf: Leaf, choice: Split) -> tuple[Leaf, Leaf]:
        """Send the rows to two new leaves and find their cuts; the leaf's histogram is used up."""
        part = self.index[leaf.start : leaf.end]
        middle = leaf.start + partition(self.codes[choice.feature], part, choice.goes_left, self.spare)
        left, right = choice.left, leaf.sums - choice.left
        bounds = self._bounds(leaf, choice.feature, left, right)
        path = leaf.path | {choice.feature}
        a = Leaf(leaf.start, middle, leaf.depth + 1, left, *bounds[0], path)
        b = Leaf(middle, leaf.end, leaf.depth + 1, right, *bounds[1], path)
        open_ = [x for x in (a, b) if self._may_split(x)]
        if open_:
            small, large = (a, b) if a.end - a.start <= b.end - b.start else (b, a)
            small.hist = self.histogram(small.start, small.end)
            if large in open_:
                large.hist = self.histogram(large.start, large.end) if leaf.hist is None else leaf.hist - small.hist
        self.drop(leaf)
        for x in (a, b):
            if x in open_:
                self._find_cuts(x)
            else:
                x.hist, x.gain = None, np.zeros(len(self.codes))
        return a, b

    def drop(self, leaf: Leaf) -> None:
        """Forget a leaf's histogram."""
        if leaf.hist is not None:
            self.kept -= leaf.hist.nbytes
            leaf.hist = None

    def _may_split(self, leaf: Leaf) -> bool:
        deep = self.limits.max_depth is not None and leaf.depth >= self.limits.max_depth
        return not deep and leaf.sums[0] >= 2 * self.limits.min_samples_leaf

    def _find_cuts(self, leaf: Leaf) -> None:
        d = len(self.codes)
        leaf.gain, leaf.cut, leaf.side = np.zeros(d), np.full(d, -1), np.zeros(d, dtype=np.int64)
        if not self._may_split(leaf) or leaf.hist is None:
            leaf.hist = None
            return
        hist, slots, rows, limits = leaf.hist, self.slots, self.rows, self.limits
        chance = self._chance(leaf)

        def some(features: NDArray[np.int64]) -> None:
            place = hist, slots.offsets, slots.is_category, features, leaf.sums, rows.weight, rows.target
            rules = limits.min_samples_leaf, limits.signs, leaf.low, leaf.high
            best_cuts(*place, *rules, leaf.gain, leaf.cut, leaf.side, chance)

        self._spread(some, self.slots.total * self.rows.width)
        if self.limits.groups is not None:
            leaf.gain[~_member(self._companions(leaf.path), d)] = 0.0
        self.kept += leaf.hist.nbytes
        if self.kept > KEPT_BYTES and not (leaf.start == 0 and leaf.end == len(self.index)):
            self.drop(leaf)

    def _chance(self, leaf: Leaf) -> float:
        """Gain that a category is expected to bring by chance, in the units of the histograms; see ``splitting``."""
        if not self.slots.is_category.any():
            return 0.0
        squares = total_of(self.rows.squares, self.index[leaf.start : leaf.end]) * self.rows.square_unit / self.unit
        own = score(leaf.sums, self.rows.weight, self.rows.target, -np.inf, np.inf)
        return max(0.0, squares - own) / float(leaf.sums[0]) * CHANCE

    def true_gain(self, leaf: Leaf, choice: Split) -> float:
        """Drop of the squared error by a split, nothing taken off, in the units of weights and targets."""
        sides = choice.left, leaf.sums - choice.left, leaf.sums
        bounds = self._bounds(leaf, choice.feature, *sides[:2])
        ends = *bounds, (leaf.low, leaf.high)
        a, b, own = (score(s, self.rows.weight, self.rows.target, *e) for s, e in zip(sides, ends, strict=True))
        return (a + b - own) * self.unit

    def _companions(self, path: frozenset[int]) -> frozenset[int]:
        """Columns that may join a path: those that share a group with all of it."""
        groups = self.limits.groups or ()
        return frozenset().union(*(g for g in groups if path <= g))

    def _least_gain(self, leaf: Leaf) -> float:
        own = float((leaf.sums[self.rows.target :].astype(float) ** 2).sum() / leaf.sums[self.rows.weight])
        asked = self.limits.min_decrease * self._total_weight() / self.unit
        # a float just below, so that a gain of exactly min_decrease is enough
        return max(NO_GAIN * own, asked * (1 - 1e-12))

    def _total_weight(self) -> float:
        if not hasattr(self, "_total"):
            rows = self.rows.rows
            column = rows >> 42 if self.rows.packed else rows[:, self.rows.weight]
            self._total = float(column.sum()) * self.rows.weight_unit
        return self._total

    def _bounds(
        self, leaf: Leaf, feature: int, left: NDArray[np.int64], right: NDArray[np.int64]
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Bounds of the children's values: a constrained split keeps each side on its side of the middle."""
        sign = self.limits.signs[feature]
        if sign == 0:
            return (leaf.low, leaf.high), (leaf.low, leaf.high)
        w, t = self.rows.weight, self.rows.target
        values = np.clip([left[t] / left[w], right[t] / right[w]], leaf.low, leaf.high)
        middle = float(values.mean())
        sides = (leaf.low, middle), (middle, leaf.high)
        return sides if sign > 0 else (sides[1], sides[0])

    def _spread(self, function: Callable[[NDArray[np.int64]], None], work: int) -> None:
        d = len(self.codes)
        threads = min(self.n_threads, d)
        if threads == 1 or work < WORTH_THREADS:
            function(np.arange(d))
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(function, [np.arange(i, d, threads) for i in range(threads)]))


def grow(grower: Grower) -> Grown:
    """Split the leaf with the largest gain, again and again, until a limit is met."""
    return build(grower, grower.root(), lambda leaf, allowed: next(iter(grower.choices(leaf, allowed)), None))


def build(
    grower: Grower,
    root: Leaf,
    offer: Callable[[Leaf, frozenset[int] | None], Split | None],
    settle: Callable[[Leaf, Split, frozenset[int] | None, int | None], Split] | None = None,
    follow: Callable[[tuple[Leaf, Leaf]], None] | None = None,
) -> Grown:
    """Best-first growth.

    Parameters
    ----------
    grower : Grower
    root : Leaf
    offer : callable
        The split of a leaf by whose gain it queues, or None; takes the leaf and the columns allowed (None: all).
    settle : callable, optional
        The split that is made in the end; takes also the offer and how many splits may still be made.
    follow : callable, optional
        Told of the two new leaves.
    """
    tree, used = _Growing([root], [-1], [-1], [-1], [None], [0.0], [0.0]), frozenset[int]()
    limits, queue = grower.limits, list[tuple[float, int, Split]]()

    def enter(node: int) -> None:
        full = limits.max_features_used is not None and len(used) >= limits.max_features_used
        if (choice := offer(tree.leaves[node], used if full else None)) is not None:
            heapq.heappush(queue, (-choice.gain, node, choice))
        else:
            grower.drop(tree.leaves[node])

    enter(0)
    while queue and (tree.room(limits.max_leaf_nodes) != 0):
        _, node, choice = heapq.heappop(queue)
        full = limits.max_features_used is not None and len(used) >= limits.max_features_used
        if full and choice.feature not in used:
            enter(node)
            continue
        if settle is not None:
            choice = settle(tree.leaves[node], choice, used if full else None, tree.room(limits.max_leaf_nodes))
        used |= {choice.feature}
        choice = grower.refine(tree.leaves[node], choice)
        gain = grower.true_gain(tree.leaves[node], choice)
        children = grower.split(tree.leaves[node], choice)
        tree.add(node, choice, children, gain, choice.gain * grower.unit)
        if follow is not None:
            follow(children)
        enter(len(tree.leaves) - 2)
        enter(len(tree.leaves) - 1)
    return tree.grown(grower.index)


@dataclass(eq=False)
class _Growing:
    """The nodes so far."""

    leaves: list[Leaf]
    feature: list[int]
    left: list[int]
    right: list[int]
    tables: list[NDArray[np.bool_] | None]
    gain: list[float]
    worth: list[float]

    def room(self, max_leaf_nodes: int | None) -> int | None:
        """Return how many splits may still be made; None without a limit."""
        return None if max_leaf_nodes is None else max_leaf_nodes - (len(self.leaves) + 1) // 2

    def add(self, node: int, choice: Split, children: tuple[Leaf, Leaf], gain: float, worth: float) -> None:
        """Turn a leaf into a split with two leaves."""
        self.feature[node], self.tables[node] = choice.feature, choice.goes_left
        self.gain[node], self.worth[node] = gain, worth
        self.left[node], self.right[node] = len(self.leaves), len(self.leaves) + 1
        for child in children:
            self.leaves.append(child)
            for column, empty in ((self.feature, -1), (self.left, -1), (self.right, -1)):
                column.append(empty)
            self.tables.append(None)
            self.gain.append(0.0)
            self.worth.append(0.0)

    def grown(self, index: NDArray[np.int32]) -> Grown:
        """Return the finished tree."""
        return Grown(
            np.array(self.feature),
            np.array(self.left),
            np.array(self.right),
            self.tables,
            np.array(self.gain),
            np.array(self.worth),
            np.array([x.start for x in self.leaves]),
            np.array([x.end for x in self.leaves]),
            np.array([x.sums for x in self.leaves]),
            index,
        )


def _member(columns: frozenset[int], d: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(d), sorted(columns))
