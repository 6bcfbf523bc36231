"""Look one split ahead: a leaf's candidates are compared by the loss after the whole tree is completed greedily.

Greedy growth below one leaf does not depend on the other leaves, so the completion of a tree is a merge of *plans*: the
gains of each leaf's own best-first growth, the largest first split next. With r splits left to place, a candidate is
worth the sum of the first r gains of that merge, its own split first. The greedy split is among the candidates; so the
gain of the completed tree never falls from one step to the next, and ends at or above greedy growth.

References
----------
McTavish et al. (2025), Near-Optimal Decision Trees in a SPLIT Second, ICML, arXiv:2502.15988 (LicketySPLIT).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from explaindistill.numerics.threads import spread
from explaindistill.numerics.trees.best_first import Grown, build
from explaindistill.numerics.trees.growth import Grower
from explaindistill.numerics.trees.open_leaves import CodeSplit, OpenLeaf

__all__ = ["grow_ahead"]


AT_ONCE = 4
"""Leaves of one plan that other machines are asked about together: a trade-off between the wait for an answer and
splits that are never looked at."""


@dataclass(eq=False)
class Plan:
    """Greedy growth below one leaf, as far as anybody asked: gains in the order of the splits, and their paths."""

    grower: Grower
    leaf: OpenLeaf
    first: CodeSplit | None = None
    gains: list[float] = field(default_factory=list)
    paths: list[tuple[int, ...]] = field(default_factory=list)
    ended: bool = False
    _queue: list[tuple[float, int, tuple[int, ...], OpenLeaf, CodeSplit]] | None = None
    _twin: Grower | None = None
    _children: dict[int, tuple[OpenLeaf, OpenLeaf]] = field(default_factory=dict)

    def gain(self, i: int) -> float:
        """Gain of the i-th split, 0 after the last."""
        while len(self.gains) <= i and not self.ended:
            self._extend()
        return self.gains[i] if i < len(self.gains) else 0.0

    def half(self, side: int, leaf: OpenLeaf) -> Plan:
        """Return the plan of one child after the first split."""
        below = [(g, p[1:]) for g, p in zip(self.gains, self.paths, strict=True) if p[:1] == (side,)]
        return Plan(self.grower, leaf, None, [g for g, _ in below], [p for _, p in below], self.ended)

    def _extend(self) -> None:
        """Make the next split of this leaf's growth, and note its gain."""
        if self._queue is None:
            self._start()
        assert self._queue is not None
        assert self._twin is not None
        if not self._queue:
            self.ended, self._twin = True, None
            return
        gain, _, path, leaf, choice = heapq.heappop(self._queue)
        self.gains.append(-gain)
        self.paths.append(path)
        for i, child in enumerate(self._split(leaf, choice)):
            self._push(child, (*path, i), 2 * len(self.gains) + i)

    def _split(self, leaf: OpenLeaf, choice: CodeSplit) -> tuple[OpenLeaf, OpenLeaf]:
        """Split a leaf; where other machines answer, also those that are next in the queue: most of them will be."""
        assert self._twin is not None
        assert self._queue is not None
        if id(leaf) not in self._children:
            n_more = AT_ONCE - 1 if self._twin.rows.waits else 0
            following = [(x, c) for *_, x, c in heapq.nsmallest(n_more, self._queue) if id(x) not in self._children]
            batch = [(leaf, choice), *following]
            for (divided, _), pair in zip(batch, self._twin.split_each(batch), strict=True):
                self._children[id(divided)] = pair
        return self._children.pop(id(leaf))

    def _start(self) -> None:
        """Begin, or begin again where only the gains are known: they come out the same."""
        self.gains, self.paths, self._queue = [], [], []
        self._twin, root = self.grower.fork(self.leaf)
        if self.first is None:
            self._push(root, (), 0)
        else:
            self._queue.append((-self.first.gain, 0, (), root, self.first))

    def _push(self, leaf: OpenLeaf, path: tuple[int, ...], order: int) -> None:
        assert self._twin is not None
        assert self._queue is not None
        for choice in self._twin.choices(leaf):
            heapq.heappush(self._queue, (-choice.gain, order, path, leaf, choice))


class _Chooser:
    """Chooses a leaf's split by the completed tree; keeps a plan for each open leaf."""

    def __init__(self, grower: Grower, width: int) -> None:
        self.grower, self.width = grower, width
        self.plans: dict[int, Plan] = {}

    def offer(self, leaf: OpenLeaf, allowed: frozenset[int] | None) -> CodeSplit | None:
        """Return the greedy split, by which leaves queue."""
        choice = next(iter(self.grower.choices(leaf, allowed)), None)
        if choice is None:
            self.plans.pop(id(leaf), None)
        else:
            self.plans.setdefault(id(leaf), Plan(self.grower, leaf))
        return choice

    def settle(self, leaf: OpenLeaf, greedy: CodeSplit, allowed: frozenset[int] | None, left: int | None) -> CodeSplit:
        """Choose among the best splits of a leaf, with ``left`` splits to place, this one included."""
        greedy_plan = self.plans.pop(id(leaf))
        candidates = self.grower.choices(leaf, allowed, self.width)
        # without a limit of leaves there is no completed tree: four splits per open leaf, and 64, stand for it
        limit = 4 * len(self.plans) + 64 if left is None else left
        others = _merged([*self.plans.values()], limit)
        plans = [greedy_plan if c.feature == greedy.feature else Plan(self.grower, leaf, c) for c in candidates]
        greedy_plan.first = greedy_plan.first or greedy
        # plans know nothing of each other: where other machines answer, all of them wait for their answers together
        at_once = len(plans) if self.grower.rows.waits else 1
        totals = spread(lambda i: _completed(plans[i], others, limit), range(len(plans)), at_once)
        best = max(range(len(plans)), key=lambda i: (totals[i], -i))
        self.chosen = plans[best]
        return candidates[best]

    def follow(self, children: tuple[OpenLeaf, OpenLeaf]) -> None:
        """Hand the chosen plan on to the two leaves that it made."""
        for side, child in enumerate(children):
            self.plans[id(child)] = self.chosen.half(side, child)


def _merged(plans: list[Plan], limit: int) -> list[float]:
    """Gains of several plans i in the order in which best-first growth would take them: the largest next one first.

    Gain ``k + 1`` of a plan can be taken only after its gain ``k``, so this is a merge, not a sort.
    """
    heads = [(-p.gain(0), i, 0) for i, p in enumerate(plans)]
    heapq.heapify(heads)
    merged: list[float] = []
    while heads and len(merged) < limit and heads[0][0] < 0:
        gain, i, k = heapq.heappop(heads)
        merged.append(-gain)
        heapq.heappush(heads, (-plans[i].gain(k + 1), i, k + 1))
    return merged


def _completed(plan: Plan, others: list[float], limit: int) -> float:
    """Gain of the next ``limit`` splits when a plan's first split is made now, its next ones merged with ``others``."""
    total, taken_here, taken_there = plan.gain(0), 1, 0
    for _ in range(limit - 1):
        a = plan.gain(taken_here)
        b = others[taken_there] if taken_there < len(others) else 0.0
        if max(a, b) <= 0:
            break
        total += max(a, b)
        taken_here, taken_there = (taken_here + 1, taken_there) if a >= b else (taken_here, taken_there + 1)
    return total


def grow_ahead(grower: Grower, width: int) -> Grown:
    """Grow best-first, each split chosen among a leaf's ``width`` best columns by the completed tree.

    Parameters
    ----------
    grower : Grower
    width : int, at least 1
        1 is greedy growth.
    """
    chooser = _Chooser(grower, width)
    return build(grower, grower.root(), chooser.offer, chooser.settle, chooser.follow)
