"""Cuts of leaves on binned columns and vector targets, under limits and constraints.

Gains are those of :mod:`~explaindistill.numerics.trees.splitting`, in whole-number units of the channels; times
``Grower.unit`` they are in the units of weights and squared targets. ``f`` numbers columns, ``d`` of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.trees.binning import BinRule
from explaindistill.numerics.trees.finer_thresholds import Nearby, Sums, finer_search
from explaindistill.numerics.trees.histogram import Channels, Slots
from explaindistill.numerics.trees.local_rows import spread_columns
from explaindistill.numerics.trees.open_leaves import CodeSplit, FinerThreshold, OpenLeaf, TreeLimits, no_cuts
from explaindistill.numerics.trees.splitting import CutRules, best_cuts, left_table, score

__all__ = ["Grower", "RowsOfLeaves"]

KEPT_BYTES = 1 << 28
"""Histograms of open leaves that stay in memory, 256 MiB; beyond that one is counted again when its leaf is split."""
NO_GAIN = 1e-12  # of the node's own score: less is rounding, as float64 holds 16 digits
CHANCE = 2 / np.pi
r"""What the best halving of many equal normal means explains of the variance between them: cut at their median the two
sides have the means :math:`\pm E|Z|`, and :math:`(E|Z|)^2 = 2/\pi`; see ``splitting``."""


class RowsOfLeaves(Protocol):
    """Where rows are: what growth asks of them. All that it is told adds up exactly, wherever they lie.

    ``channels`` says what histograms hold and in which units, ``n_threads`` how many threads find cuts. ``len`` is the
    end of the leaf of all rows.
    """

    slots: Slots
    bins: tuple[BinRule, ...]
    channels: Channels
    n_threads: int

    def __len__(self) -> int: ...

    @property
    def refines(self) -> bool:
        """Whether thresholds are found among values."""
        ...

    @property
    def waits(self) -> bool:
        """Whether other machines answer, so that several questions should be under way at once."""
        ...

    def histograms(self, leaves: Sequence[OpenLeaf]) -> list[NDArray[np.int64]]:
        """Histogram ``(n_slots, c)`` of the rows of each leaf; one question for all of them."""
        ...

    def squares(self, leaf: OpenLeaf) -> int:
        """Whole-number sum of the squared targets in a leaf."""
        ...

    def total_weight(self) -> int:
        """Whole-number weight of all rows."""
        ...

    def near(self, leaf: OpenLeaf, feature: int, codes: tuple[int, int]) -> Callable[[Nearby], Sums]:
        """What answers questions about the values of a leaf's rows in two bins of a column."""
        ...

    def divide(self, leaf: OpenLeaf, choice: CodeSplit) -> int:
        """Send the rows of a leaf to its two sides; returns where the right one begins."""
        ...

    def fork(self, leaf: OpenLeaf) -> RowsOfLeaves:
        """The rows of one leaf, for trials below it that leave these as they are."""
        ...


class Grower:
    """Histograms and cuts of the leaves of one tree; knows neither where rows are nor which leaf is split next.

    Parameters
    ----------
    rows : RowsOfLeaves
    limits : TreeLimits
    names : list of str
        Names of the columns: of equally good cuts the first name wins, whatever the order of columns.
    """

    def __init__(self, rows: RowsOfLeaves, limits: TreeLimits, names: list[str]) -> None:
        self.rows = rows
        self.bins, self.slots, self.channels = rows.bins, rows.slots, rows.channels
        self.limits = limits
        self.by_name = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)
        self.refines = rows.refines
        self.n_columns = len(rows.bins)
        self.kept = 0
        self.unit = self.channels.target_unit**2 / self.channels.weight_unit

    def root(self) -> OpenLeaf:
        """Return the leaf of all rows, its cuts found."""
        leaf = OpenLeaf(0, len(self.rows), 0, np.zeros(0, dtype=np.int64), -np.inf, np.inf, frozenset())
        (leaf.hist,) = self.rows.histograms([leaf])
        leaf.sums = leaf.hist[: self.slots.offsets[1]].sum(axis=0)
        self._find_cuts(leaf)
        return leaf

    def fork(self, leaf: OpenLeaf) -> tuple[Grower, OpenLeaf]:
        """Return a grower for trials below one leaf: it has its own order of rows and leaves this one as it is."""
        twin = copy(self)
        twin.rows, twin.kept, twin.refines = self.rows.fork(leaf), 0, False
        return twin, replace(leaf, start=0, end=len(twin.rows), hist=leaf.hist)

    def choices(self, leaf: OpenLeaf, allowed: frozenset[int] | None = None, most: int = 1) -> list[CodeSplit]:
        """Return the best cut of each of the ``most`` best columns, best first."""
        if leaf.hist is None:
            (leaf.hist,) = self.rows.histograms([leaf])
        cuts = leaf.cuts
        gain = cuts.gain if allowed is None else np.where(_member(allowed, len(cuts.gain)), cuts.gain, 0.0)
        ranked = self.by_name[np.argsort(-gain[self.by_name], kind="stable")]
        splits = []
        for f in ranked[:most]:
            if gain[f] <= self._least_gain(leaf):
                break
            hist = leaf.hist[self.slots.offsets[f] : self.slots.offsets[f + 1]]
            is_category = bool(self.slots.is_category[f])
            table = left_table(hist, is_category, int(cuts.cut[f]), int(cuts.side[f]), self.channels.weight)
            splits.append(CodeSplit(float(gain[f]), int(f), *table))
        return splits

    def rules(self, leaf: OpenLeaf) -> CutRules:
        """Return what the cuts of a leaf have to keep to, without what chance takes off."""
        layout, least = self.channels, self.limits.min_samples_leaf
        return CutRules(layout.weight, layout.target, least, float(leaf.low), float(leaf.high), 0.0)

    def refine(self, leaf: OpenLeaf, choice: CodeSplit) -> CodeSplit:
        """Find the best place of a threshold within the two bins beside it; :meth:`split` moves codes accordingly.

        The gain is the one by which bins are cut; only rows of the bin ``cut`` and of the next bin with rows can change
        sides, so that sums of the others are taken over from the histogram.
        """
        f = choice.feature
        if not self.refines or self.bins[f].is_category or leaf.hist is None:
            return choice
        hist = leaf.hist[self.slots.offsets[f] : self.slots.offsets[f + 1]]
        cut, full = int(leaf.cuts.cut[f]), np.flatnonzero(hist[:-1, 0])
        after = full[full > cut][:1]
        bins = self.bins[f]
        if len(after) == 0 or not (bins.lows[[cut, after[0]]] < bins.highs[[cut, after[0]]]).any():
            return choice
        codes = cut, int(after[0])
        ends = float(bins.lows[codes[0]]), float(bins.highs[codes[1]])
        n, sign = int(hist[list(codes), 0].sum()), int(self.limits.signs[f])
        search = finer_search(n, ends, choice.left - hist[cut], leaf.sums, self.rules(leaf), sign)
        answer = self.rows.near(leaf, f, codes)
        try:
            question = next(search)
            while True:
                question = search.send(answer(question))
        except StopIteration as end:
            finer = end.value
        if finer is None:
            return choice
        # sums of missing values are on the left of neither or both
        change = finer.left - choice.left
        hist[codes[0]] += change
        hist[codes[1]] -= change
        gain = finer.score - self._score(leaf.sums, leaf.low, leaf.high)
        return replace(choice, gain=gain, left=finer.left, finer=FinerThreshold(finer.last, codes))

    def _score(self, sums: NDArray[np.int64], low: float, high: float) -> float:
        """Score of a node or a side; see ``splitting``."""
        return score(sums, self.channels.weight, self.channels.target, low, high)

    def split(self, leaf: OpenLeaf, choice: CodeSplit) -> tuple[OpenLeaf, OpenLeaf]:
        """Send the rows to two new leaves and find their cuts; the leaf's histogram is used up."""
        return self.split_each([(leaf, choice)])[0]

    def split_each(self, choices: Sequence[tuple[OpenLeaf, CodeSplit]]) -> list[tuple[OpenLeaf, OpenLeaf]]:
        """Split several leaves, as :meth:`split` does one; their rows are asked together."""
        pairs = [self._divided(leaf, choice) for leaf, choice in choices]
        opened = [[child for child in pair if self._may_split(child)] for pair in pairs]
        counted: list[OpenLeaf] = []
        for (leaf, _), pair, open_ in zip(choices, pairs, opened, strict=True):
            small, large = sorted(pair, key=_n_rows)
            counted += [small] if open_ else []
            counted += [large] if large in open_ and leaf.hist is None else []
        if counted:
            for child, hist in zip(counted, self.rows.histograms(counted), strict=True):
                child.hist = hist
        for (leaf, _), pair, open_ in zip(choices, pairs, opened, strict=True):
            small, large = sorted(pair, key=_n_rows)
            if large in open_ and leaf.hist is not None:
                assert small.hist is not None  # it was counted, since a child may be split
                large.hist = leaf.hist - small.hist
            self.drop(leaf)
            for child in pair:
                if child in open_:
                    self._find_cuts(child)
                else:
                    child.hist, child.cuts = None, no_cuts(self.n_columns)
        return pairs

    def _divided(self, leaf: OpenLeaf, choice: CodeSplit) -> tuple[OpenLeaf, OpenLeaf]:
        """The two leaves of a split, of which nothing is counted yet."""
        middle = self.rows.divide(leaf, choice)
        sums = choice.left, leaf.sums - choice.left
        bounds = self._bounds(leaf, choice.feature, *sums)
        path = leaf.path | {choice.feature}
        a = OpenLeaf(leaf.start, middle, leaf.depth + 1, sums[0], *bounds[0], path)
        return a, OpenLeaf(middle, leaf.end, leaf.depth + 1, sums[1], *bounds[1], path)

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
        d = self.n_columns
        leaf.cuts = no_cuts(d)
        if not self._may_split(leaf) or leaf.hist is None:
            leaf.hist = None
            return
        hist, rules = leaf.hist, self.rules(leaf)._replace(chance=self._chance(leaf))

        def cut_columns(features: NDArray[np.int64]) -> None:
            best_cuts(hist, self.slots, features, leaf.sums, self.limits.signs, rules, leaf.cuts)

        spread_columns(cut_columns, d, self.slots.total * self.channels.width, self.rows.n_threads)
        if self.limits.groups is not None:
            leaf.cuts.gain[~_member(self._companions(leaf.path), d)] = 0.0
        self.kept += leaf.hist.nbytes
        if self.kept > KEPT_BYTES and not (leaf.start == 0 and leaf.end == len(self.rows)):
            self.drop(leaf)

    def _chance(self, leaf: OpenLeaf) -> float:
        r"""Gain that a category is expected to bring by chance, in the units of the histograms; see ``splitting``.

        :math:`\frac{2}{\pi} \cdot \frac1n \bigl(\sum_{ik} w_i t_{ik}^2 - \sum_k S_k^2 / W\bigr)` over the n rows of the
        leaf and its targets k: the variance of a row's target times :data:`CHANCE`.
        """
        if not self.slots.is_category.any():
            return 0.0
        squares = self.rows.squares(leaf) * self.channels.square_unit / self.unit
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
        node_score = float(
            (leaf.sums[self.channels.target :].astype(float) ** 2).sum() / leaf.sums[self.channels.weight]
        )
        limit = self.limits.min_decrease * self._total_weight() / self.unit
        # a float just below, so that a gain of exactly min_decrease is enough
        return max(NO_GAIN * node_score, limit * (1 - 1e-12))

    def _total_weight(self) -> float:
        """Weight of all rows, in the user's units."""
        if not hasattr(self, "_total"):
            self._total = float(self.rows.total_weight()) * self.channels.weight_unit
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
        w, t = self.channels.weight, self.channels.target
        values = np.clip([left[t] / left[w], right[t] / right[w]], leaf.low, leaf.high)
        middle = float(values.mean())
        sides = (leaf.low, middle), (middle, leaf.high)
        return sides if sign > 0 else (sides[1], sides[0])


def _n_rows(leaf: OpenLeaf) -> int:
    return leaf.end - leaf.start


def _member(columns: frozenset[int], d: int) -> NDArray[np.bool_]:
    """Mask ``(d,)`` of some columns."""
    return np.isin(np.arange(d), sorted(columns))
