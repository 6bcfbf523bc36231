"""Cuts of leaves on binned columns and vector targets, under limits and constraints.

Gains are those of :mod:`~explaindistill.numerics.trees.splitting`, in whole-number units of the channels; times
``Grower.unit`` they are in the units of weights and squared targets. ``f`` numbers columns, ``d`` of them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.threads import n_threads
from explaindistill.numerics.trees.binning import BinnedTable
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
from explaindistill.numerics.trees.open_leaves import CodeSplit, OpenLeaf, TreeLimits, no_cuts
from explaindistill.numerics.trees.splitting import CutRules, best_cuts, left_table, score

__all__ = ["Grower"]

KEPT_BYTES = 1 << 28
"""Histograms of open leaves that stay in memory, 256 MiB; beyond that one is counted again when its leaf is split."""
WORTH_THREADS = 1 << 18
"""Additions below which one thread works alone: a trade-off between the start of threads and the work that they
share."""
NO_GAIN = 1e-12  # of the node's own score: less is rounding, as float64 holds 16 digits
CHANCE = 2 / np.pi
r"""What the best halving of many equal normal means explains of the variance between them: cut at their median the two
sides have the means :math:`\pm E|Z|`, and :math:`(E|Z|)^2 = 2/\pi`; see ``splitting``."""
NO_INDEX = np.empty(0, dtype=np.int32)


class Grower:
    """Rows, histograms and cuts of the leaves of one tree; knows nothing of the order in which leaves are split.

    Parameters
    ----------
    table : BinnedTable
    rows : Channels
    limits : TreeLimits
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
        limits: TreeLimits,
        names: list[str],
        n_jobs: int | None = None,
        raw: Callable[[int, NDArray[np.int32]], NDArray[np.float64]] | None = None,
    ) -> None:
        self.codes = table.codes.T
        self.bins = table.rules
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

    def root(self) -> OpenLeaf:
        """Return the leaf of all rows, its cuts found."""
        n = len(self.index)
        hist = self.histogram(0, n)
        first = hist[: self.slots.offsets[1]].sum(axis=0)
        leaf = OpenLeaf(0, n, 0, first, -np.inf, np.inf, frozenset(), hist)
        self._find_cuts(leaf)
        return leaf

    def fork(self, leaf: OpenLeaf) -> tuple[Grower, OpenLeaf]:
        """Return a grower for trials below one leaf: it has its own order of rows and leaves this one as it is."""
        twin = copy(self)
        twin.index = self.index[leaf.start : leaf.end].copy()
        twin.spare, twin.complete, twin.kept, twin.raw = np.empty_like(twin.index), False, 0, None
        return twin, replace(leaf, start=0, end=len(twin.index), hist=leaf.hist)

    def histogram(self, start: int, end: int) -> NDArray[np.int64]:
        """Histogram ``(n_slots, c)`` of the rows ``start:end`` of the index."""
        out = np.empty((self.slots.total, self.rows.width), dtype=np.int64)
        whole = self.complete and end - start == len(self.index)
        index = NO_INDEX if whole else self.index[start:end]
        rows = self.rows.rows
        if not whole:
            rows = rows[index] if self.rows.packed else gather(rows, index)
        kernel = fill_packed if self.rows.packed else fill

        def fill_columns(features: NDArray[np.int64]) -> None:
            kernel(self.codes, index, rows, features, self.slots, out)

        self._spread(fill_columns, (end - start) * len(self.codes))
        return out

    def choices(self, leaf: OpenLeaf, allowed: frozenset[int] | None = None, most: int = 1) -> list[CodeSplit]:
        """Return the best cut of each of the ``most`` best columns, best first."""
        if leaf.hist is None:
            leaf.hist = self.histogram(leaf.start, leaf.end)
        cuts = leaf.cuts
        gain = cuts.gain if allowed is None else np.where(_member(allowed, len(cuts.gain)), cuts.gain, 0.0)
        ranked = self.by_name[np.argsort(-gain[self.by_name], kind="stable")]
        splits = []
        for f in ranked[:most]:
            if gain[f] <= self._least_gain(leaf):
                break
            hist = leaf.hist[self.slots.offsets[f] : self.slots.offsets[f + 1]]
            is_category = bool(self.slots.is_category[f])
            table = left_table(hist, is_category, int(cuts.cut[f]), int(cuts.side[f]), self.rows.weight)
            splits.append(CodeSplit(float(gain[f]), int(f), *table))
        return splits

    def rules(self, leaf: OpenLeaf) -> CutRules:
        """Return what the cuts of a leaf have to keep to, without what chance takes off."""
        rows, least = self.rows, self.limits.min_samples_leaf
        return CutRules(rows.weight, rows.target, least, float(leaf.low), float(leaf.high), 0.0)

    def refine(self, leaf: OpenLeaf, choice: CodeSplit) -> CodeSplit:
        """Move a threshold to the best place within the two bins beside it.

        The gain is the one by which bins are cut; only rows of the bin ``cut`` and of the next bin with rows can change
        sides, so that sums of the others are taken over from the histogram.
        """
        f = choice.feature
        if self.raw is None or self.bins[f].is_category or leaf.hist is None:
            return choice
        hist = leaf.hist[self.slots.offsets[f] : self.slots.offsets[f + 1]]
        cut, full = int(leaf.cuts.cut[f]), np.flatnonzero(hist[:-1, 0])
        after = full[full > cut][:1]
        bins = self.bins[f]
        if len(after) == 0 or not (bins.lows[[cut, after[0]]] < bins.highs[[cut, after[0]]]).any():
            return choice
        column = self.codes[f]
        members = self.index[leaf.start : leaf.end]
        near = members[np.isin(column[members], (cut, after[0]))]
        values, rows = self.raw(f, near), self.channels_of(near)
        rules, sign = self.rules(leaf), int(self.limits.signs[f])
        finer = finer_cut(values, rows, choice.left - hist[cut], leaf.sums, rules, sign)
        if finer is None:
            return choice
        last, both = finer
        code = np.where(values <= last, cut, after[0]).astype(np.uint8)
        moved = code != column[near]
        change = rows[moved & (code == cut)].sum(axis=0) - rows[moved & (code != cut)].sum(axis=0)
        column[near] = code
        hist[cut] += change
        hist[after[0]] -= change
        return replace(choice, gain=both - self._score(leaf.sums, leaf.low, leaf.high), left=choice.left + change)

    def _score(self, sums: NDArray[np.int64], low: float, high: float) -> float:
        """Score of a node or a side; see ``splitting``."""
        return score(sums, self.rows.weight, self.rows.target, low, high)

    def channels_of(self, index: NDArray[np.int32]) -> NDArray[np.int64]:
        """Channels ``(m, c)`` of some rows."""
        rows = self.rows.rows[index]
        if not self.rows.packed:
            return rows
        return np.stack([rows >> PACK_BITS, rows & ((1 << PACK_BITS) - 1)], axis=1)

    def split(self, leaf: OpenLeaf, choice: CodeSplit) -> tuple[OpenLeaf, OpenLeaf]:
        """Send the rows to two new leaves and find their cuts; the leaf's histogram is used up."""
        members = self.index[leaf.start : leaf.end]
        middle = leaf.start + partition(self.codes[choice.feature], members, choice.goes_left, self.spare)
        sums = choice.left, leaf.sums - choice.left
        bounds = self._bounds(leaf, choice.feature, *sums)
        path = leaf.path | {choice.feature}
        a = OpenLeaf(leaf.start, middle, leaf.depth + 1, sums[0], *bounds[0], path)
        b = OpenLeaf(middle, leaf.end, leaf.depth + 1, sums[1], *bounds[1], path)
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
                x.hist, x.cuts = None, no_cuts(len(self.codes))
        return a, b

    def drop(self, leaf: OpenLeaf) -> None:
        """Forget a leaf's histogram."""
        if leaf.hist is not None:
            self.kept -= leaf.hist.nbytes
            leaf.hist = None

    def _may_split(self, leaf: OpenLeaf) -> bool:
        """Whether depth and rows allow two leaves, each with its least rows."""
        deep = self.limits.max_depth is not None and leaf.depth >= self.limits.max_depth
        return not deep and leaf.sums[0] >= 2 * self.limits.min_samples_leaf

    def _find_cuts(self, leaf: OpenLeaf) -> None:
        """Look for the best cut of each column of a leaf; its histogram stays while there is memory for it."""
        d = len(self.codes)
        leaf.cuts = no_cuts(d)
        if not self._may_split(leaf) or leaf.hist is None:
            leaf.hist = None
            return
        hist, rules = leaf.hist, self.rules(leaf)._replace(chance=self._chance(leaf))

        def cut_columns(features: NDArray[np.int64]) -> None:
            best_cuts(hist, self.slots, features, leaf.sums, self.limits.signs, rules, leaf.cuts)

        self._spread(cut_columns, self.slots.total * self.rows.width)
        if self.limits.groups is not None:
            leaf.cuts.gain[~_member(self._companions(leaf.path), d)] = 0.0
        self.kept += leaf.hist.nbytes
        if self.kept > KEPT_BYTES and not (leaf.start == 0 and leaf.end == len(self.index)):
            self.drop(leaf)

    def _chance(self, leaf: OpenLeaf) -> float:
        r"""Gain that a category is expected to bring by chance, in the units of the histograms; see ``splitting``.

        :math:`\frac{2}{\pi} \cdot \frac1n \bigl(\sum_{ik} w_i t_{ik}^2 - \sum_k S_k^2 / W\bigr)` over the n rows of the
        leaf and its targets k: the variance of a row's target times :data:`CHANCE`.
        """
        if not self.slots.is_category.any():
            return 0.0
        squares = total_of(self.rows.squares, self.index[leaf.start : leaf.end]) * self.rows.square_unit / self.unit
        return max(0.0, squares - self._score(leaf.sums, -np.inf, np.inf)) / float(leaf.sums[0]) * CHANCE

    def true_gain(self, leaf: OpenLeaf, choice: CodeSplit) -> float:
        """Drop of the squared error by a split, nothing taken off, in the units of weights and targets."""
        sides = choice.left, leaf.sums - choice.left, leaf.sums
        bounds = self._bounds(leaf, choice.feature, *sides[:2])
        ends = *bounds, (leaf.low, leaf.high)
        a, b, whole = (self._score(s, *e) for s, e in zip(sides, ends, strict=True))
        return (a + b - whole) * self.unit

    def _companions(self, path: frozenset[int]) -> frozenset[int]:
        """Columns that may join a path: those that share a group with all of it."""
        groups = self.limits.groups or ()
        return frozenset().union(*(g for g in groups if path <= g))

    def _least_gain(self, leaf: OpenLeaf) -> float:
        """Gain that a split has to exceed: ``min_decrease`` of the mean over all rows, and more than rounding."""
        node_score = float((leaf.sums[self.rows.target :].astype(float) ** 2).sum() / leaf.sums[self.rows.weight])
        limit = self.limits.min_decrease * self._total_weight() / self.unit
        # a float just below, so that a gain of exactly min_decrease is enough
        return max(NO_GAIN * node_score, limit * (1 - 1e-12))

    def _total_weight(self) -> float:
        """Weight of all rows, in the user's units."""
        if not hasattr(self, "_total"):
            rows = self.rows.rows
            column = rows >> PACK_BITS if self.rows.packed else rows[:, self.rows.weight]
            self._total = float(column.sum()) * self.rows.weight_unit
        return self._total

    def _bounds(
        self, leaf: OpenLeaf, feature: int, left: NDArray[np.int64], right: NDArray[np.int64]
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Bounds of the children's values: a constrained split keeps each side on its side of the middle.

        The middle is half the sum of both sides' clipped means S / W; it lies above the lower side's and below the
        higher.
        """
        sign = self.limits.signs[feature]
        if sign == 0:
            return (leaf.low, leaf.high), (leaf.low, leaf.high)
        w, t = self.rows.weight, self.rows.target
        values = np.clip([left[t] / left[w], right[t] / right[w]], leaf.low, leaf.high)
        middle = float(values.mean())
        sides = (leaf.low, middle), (middle, leaf.high)
        return sides if sign > 0 else (sides[1], sides[0])

    def _spread(self, function: Callable[[NDArray[np.int64]], None], work: int) -> None:
        """Share the columns out among threads where there are additions enough (``work``) to be worth it."""
        d = len(self.codes)
        threads = min(self.n_threads, d)
        if threads == 1 or work < WORTH_THREADS:
            function(np.arange(d))
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(function, [np.arange(i, d, threads) for i in range(threads)]))


def _member(columns: frozenset[int], d: int) -> NDArray[np.bool_]:
    """Mask ``(d,)`` of some columns."""
    return np.isin(np.arange(d), sorted(columns))
