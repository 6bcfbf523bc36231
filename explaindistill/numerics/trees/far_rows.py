"""Rows of a tree's leaves that lie in partitions: each says its sums, and makes a new part of itself for each split.

A part is never changed: one that is lost can be made again from what it was made of, and its answers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.sums import added, added_each, widened
from explaindistill.numerics.trees.best_first import Grown
from explaindistill.numerics.trees.binning import BinRule
from explaindistill.numerics.trees.finer_thresholds import Nearby, Sums
from explaindistill.numerics.trees.histogram import Channels, Slots, fill, fill_packed, gather, total_of
from explaindistill.numerics.trees.local_rows import channels_of
from explaindistill.numerics.trees.open_leaves import CodeSplit, FinerThreshold, OpenLeaf
from explaindistill.numerics.trees.routing import LeafSums, OutputUnits, gap
from explaindistill.protocols import Partitions

__all__ = ["FarRows", "TreePart", "gaps_of", "leaf_sums_of"]

Node = tuple[int, int]
"""Start and end of a leaf in the rows of all parts together, as the first channel counts them: no two nodes share
both."""


@dataclass(frozen=True, eq=False)
class TreePart:
    """Part of the rows that a tree grows on.

    Attributes
    ----------
    codes : uint8 ndarray, shape (d, n)
    moved : mapping of column to uint8 ndarray, shape (n,)
        Codes of columns in which thresholds moved some.
    channels : Channels
    nodes : mapping of node to int32 ndarray
        Rows of each leaf.
    values : callable
        Values ``(n,)`` of a column.
    Y : ndarray, shape (n, m)
    whole : int64 ndarray of shape (n,), or None
        Whole-number weights; None where all are 1.
    """

    codes: NDArray[np.uint8]
    moved: Mapping[int, NDArray[np.uint8]]
    channels: Channels
    nodes: Mapping[Node, NDArray[np.int32]]
    values: Callable[[int], NDArray[np.float64]]
    Y: NDArray[np.float64]
    whole: NDArray[np.int64] | None
    nearby: dict[tuple[Node, int, tuple[int, int]], tuple[NDArray[np.int32], NDArray[np.float64]]] = field(
        default_factory=dict, init=False
    )
    """Rows of a node in two bins of a column, and their values: a threshold takes several questions about them, and
    each would read the column again. Those of the last node only."""

    def between(self, node: Node, f: int, codes: tuple[int, int]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Rows ``(m,)`` of a node in two bins of a column, and their values."""
        place = node, f, codes
        if place not in self.nearby:
            index = self.nodes[node]
            index = index[np.isin(self.column(f)[index], codes)]
            self.nearby.clear()
            self.nearby[place] = index, self.values(f)[index] if len(index) else np.empty(0)
        return self.nearby[place]

    def column(self, f: int) -> NDArray[np.uint8]:
        """Codes ``(n,)`` of a column."""
        return self.moved.get(f, self.codes[f])


def _histograms(part: TreePart, nodes: Sequence[Node], slots: Slots, has_squares: bool) -> tuple[Any, ...]:
    """Histogram of each node, and the sum of its squared targets, one after the other."""
    return tuple(value for node in nodes for value in _histogram(part, node, slots, has_squares))


def _histogram(part: TreePart, node: Node, slots: Slots, has_squares: bool) -> tuple[NDArray[np.int64], int]:
    """Histogram of a node, and the sum of its squared targets."""
    index, channels = part.nodes[node], part.channels
    rows = channels.rows[index] if channels.packed else gather(channels.rows, index)
    kernel = fill_packed if channels.packed else fill
    out = np.empty((slots.total, channels.width), dtype=np.int64)
    rest = np.array([f for f in range(len(part.codes)) if f not in part.moved], dtype=np.int64)
    kernel(part.codes, index, rows, rest, slots, out)
    for f, column in part.moved.items():
        one = np.zeros(1, dtype=np.int64)
        kernel(column[None], index, rows, one, slots.column(f), out[slots.offsets[f] : slots.offsets[f + 1]])
    return out, total_of(channels.squares, index) if has_squares else 0


def _near(part: TreePart, node: Node, f: int, codes: tuple[int, int], question: Nearby) -> Sums:
    index, values = part.between(node, f, codes)
    return question.of(values, channels_of(part.channels, index))


def _divided(
    part: TreePart, node: Node, sides: tuple[Node, Node], f: int, goes_left: NDArray[np.bool_],
    finer: FinerThreshold | None,
) -> TreePart:  # fmt: skip
    """The part with two nodes in place of one."""
    index, column, moved = part.nodes[node], part.column(f), part.moved
    if finer is not None:
        near, values = part.between(node, f, finer.codes)
        if len(near):
            column = column.copy()
            column[near] = finer.codes_of(values)
            moved = {**moved, f: column}
    is_left = goes_left[column[index]]
    nodes = {k: rows for k, rows in part.nodes.items() if k != node}
    return replace(part, moved=moved, nodes={**nodes, sides[0]: index[is_left], sides[1]: index[~is_left]})


def _alone(part: TreePart, node: Node) -> TreePart:
    """The part with the rows of one node only."""
    return replace(part, nodes={(0, node[1] - node[0]): part.nodes[node]})


class FarRows:
    """Rows in partitions of :class:`TreePart`, as growth asks for them; see ``growth.RowsOfLeaves``.

    Parameters
    ----------
    parts : Partitions
        All rows in the node ``(0, n)``.
    rules : tuple of BinRule
    channels : Channels
        Of no rows: what channels hold, and in which units.
    n : int
        Rows, as the first channel counts them.
    weight : int
        Whole-number weight of all rows.
    """

    refines = True
    n_threads = 1

    def __init__(self, parts: Partitions, rules: tuple[BinRule, ...], channels: Channels, n: int, weight: int) -> None:
        self.parts = parts
        self.bins, self.channels = rules, channels
        self.slots = Slots.of(rules)
        self.n, self.weight = n, weight
        self._squares: dict[Node, int] = {}
        self._family: dict[Node, tuple[Node, Node]] = {}

    def __len__(self) -> int:
        return self.n

    @property
    def waits(self) -> bool:
        """Whether other machines answer."""
        return bool(getattr(self.parts, "elsewhere", False))

    def total_weight(self) -> int:
        """Whole-number weight of all rows."""
        return self.weight

    def histograms(self, leaves: Sequence[OpenLeaf]) -> list[NDArray[np.int64]]:
        """Histogram ``(n_slots, c)`` of the rows of each leaf; one question for all of them."""
        nodes, has_squares = [(leaf.start, leaf.end) for leaf in leaves], bool(self.slots.is_category.any())
        answer = self.parts.ask(_histograms, nodes, self.slots, has_squares, reduce=added_each)
        self._squares.update(zip(nodes, answer[1::2], strict=True))
        return list(answer[::2])

    def squares(self, leaf: OpenLeaf) -> int:
        """Whole-number sum of the squared targets in a leaf: its parent's less its sibling's where these are known."""
        node = leaf.start, leaf.end
        if node not in self._squares:
            parent, sibling = self._family[node]
            if sibling not in self._squares:
                self.histograms([leaf])
            else:
                self._squares[node] = self._squares[parent] - self._squares[sibling]
        return self._squares[node]

    def near(self, leaf: OpenLeaf, feature: int, codes: tuple[int, int]) -> Callable[[Nearby], Sums]:
        """What answers questions about the values of a leaf's rows in two bins of a column."""
        node, parts = (leaf.start, leaf.end), self.parts

        def answer(question: Nearby) -> Sums:
            return parts.ask(_near, node, feature, codes, question, reduce=question.joined)

        return answer

    def divide(self, leaf: OpenLeaf, choice: CodeSplit) -> int:
        """Send the rows of a leaf to its two sides; returns where the right one begins."""
        node, middle = (leaf.start, leaf.end), leaf.start + int(choice.left[0])
        a, b = (leaf.start, middle), (middle, leaf.end)
        self.parts = self.parts.step(_divided, node, (a, b), choice.feature, choice.goes_left, choice.finer)
        self._family |= {a: (node, b), b: (node, a)}
        return middle

    def fork(self, leaf: OpenLeaf) -> FarRows:
        """The rows of one leaf, for trials below it that leave these as they are."""
        node = leaf.start, leaf.end
        parts, n = self.parts.step(_alone, node), leaf.end - leaf.start
        twin = FarRows(parts, self.bins, self.channels, n, self.weight)
        if self.slots.is_category.any():
            twin._squares[0, n] = self.squares(leaf)
        return twin


def gaps_of(parts: Partitions, grown: Grown, f: int, nodes: NDArray[np.int64]) -> list[tuple[float, float]]:
    """Largest value on the left and smallest on the right of some splits of column f, after growth."""
    spans = [
        (int(grown.start[i]), int(grown.end[grown.left[i]]), int(grown.end[i])) for i in np.asarray(nodes).tolist()
    ]
    return [(float(low), float(high)) for low, high in parts.ask(_gaps, f, spans, reduce=widened)]


def _gaps(part: TreePart, f: int, spans: list[tuple[int, int, int]]) -> NDArray[np.float64]:
    values, out = part.values(f), []
    for start, middle, end in spans:
        sides = [_between(part, *span) for span in ((start, middle), (middle, end))]
        index = np.concatenate(sides)
        out.append(gap(values, index, 0, len(sides[0]), len(index)))
    return np.array(out)


def _between(part: TreePart, start: int, end: int) -> NDArray[np.int32]:
    """Rows of the leaves within a span."""
    inside = [rows for (a, b), rows in part.nodes.items() if start <= a and b <= end]
    return np.concatenate([np.empty(0, dtype=np.int32), *inside])


def leaf_sums_of(parts: Partitions, grown: Grown, units: OutputUnits) -> LeafSums:
    """Sums of the outputs in each leaf, after growth."""
    ends = list(zip(grown.start.tolist(), grown.end.tolist(), strict=True))
    leaves: list[Any] = [node if f < 0 else None for node, f in zip(ends, grown.feature.tolist(), strict=True)]
    return parts.ask(_leaf_sums, leaves, units, reduce=added)


def _leaf_sums(part: TreePart, leaves: list[Node | None], units: OutputUnits) -> LeafSums:
    rows = [np.empty(0, dtype=np.int32) if node is None else part.nodes[node] for node in leaves]
    end = np.cumsum([len(r) for r in rows])
    start = np.append(0, end[:-1])
    whole = np.ones(len(part.Y), dtype=np.int64) if part.whole is None else part.whole
    return LeafSums.of(part.Y, whole, units, np.concatenate(rows), start, end)
