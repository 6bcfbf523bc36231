"""Best-first growth: the leaf with the largest gain is split, until a limit is met."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.trees.growth import Grower
from explaindistill.numerics.trees.open_leaves import CodeSplit, OpenLeaf

__all__ = ["Grown", "build", "grow"]


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
        Rows of node ``i``, as where rows are they are numbered: ``index[start[i]:end[i]]`` of a ``LocalRows``.
    sums : int64 ndarray, shape (n_nodes, c)
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


def grow(grower: Grower) -> Grown:
    """Split the leaf with the largest gain, again and again, until a limit is met."""
    return build(grower, grower.root(), lambda leaf, allowed: next(iter(grower.choices(leaf, allowed)), None))


def build(
    grower: Grower,
    root: OpenLeaf,
    offer: Callable[[OpenLeaf, frozenset[int] | None], CodeSplit | None],
    settle: Callable[[OpenLeaf, CodeSplit, frozenset[int] | None, int | None], CodeSplit] | None = None,
    follow: Callable[[tuple[OpenLeaf, OpenLeaf]], None] | None = None,
) -> Grown:
    """Best-first growth.

    Parameters
    ----------
    grower : Grower
    root : OpenLeaf
    offer : callable
        The split of a leaf by whose gain it queues, or None; takes the leaf and the columns allowed (None: all).
    settle : callable, optional
        The split that is made in the end; takes also the offer and how many splits may still be made.
    follow : callable, optional
        Told of the two new leaves.
    """
    tree, used = _Growing([root], [-1], [-1], [-1], [None], [0.0], [0.0]), frozenset[int]()
    limits, queue = grower.limits, list[tuple[float, int, CodeSplit]]()

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
    return tree.grown()


@dataclass(eq=False)
class _Growing:
    """The nodes so far."""

    leaves: list[OpenLeaf]
    feature: list[int]
    left: list[int]
    right: list[int]
    tables: list[NDArray[np.bool_] | None]
    gain: list[float]
    worth: list[float]

    def room(self, max_leaf_nodes: int | None) -> int | None:
        """Return how many splits may still be made; None without a limit."""
        return None if max_leaf_nodes is None else max_leaf_nodes - (len(self.leaves) + 1) // 2

    def add(self, node: int, choice: CodeSplit, children: tuple[OpenLeaf, OpenLeaf], gain: float, worth: float) -> None:
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

    def grown(self) -> Grown:
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
        )
