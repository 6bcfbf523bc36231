"""The best tree there is for a few cuts per column, by dynamic programming in the optional package ``pystreed``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.numerics.trees.best_first import Grown, build
from explaindistill.numerics.trees.binning import MISSING, UNSEEN, BinnedTable
from explaindistill.numerics.trees.growth import Grower
from explaindistill.numerics.trees.open_leaves import CodeSplit, OpenLeaf
from explaindistill.numerics.trees.splitting import score

__all__ = ["grow_optimal"]

MAX_DEPTH = 4
"""Deeper trees take the search minutes to hours: its time grows with (columns * cuts) to the power of the depth."""
CUTS = 6
"""Cuts per column: with four levels more are rarely used, and each multiplies the time."""


def grow_optimal(
    grower: Grower, table: BinnedTable, structure: NDArray[np.float64], weight: NDArray[np.float64]
) -> Grown:
    """Find the tree of least cost, then grow just that one.

    A classifier's cost is ``1 - p`` of the class that a leaf says, per row; a regressor's is the squared error. Each
    column offers up to six cuts at quantiles, a category column its six most frequent categories.

    Raises
    ------
    MissingExtraError
        If ``pystreed`` is not installed.
    InvalidInputError
        For a depth above 4, or constraints that this search does not know.
    """
    limits = grower.limits
    depth = MAX_DEPTH if limits.max_depth is None else limits.max_depth
    if depth > MAX_DEPTH:
        raise InvalidInputError(f'max_depth must be at most {MAX_DEPTH} with search="optimal", got {depth}')
    if limits.signs.any() or limits.groups is not None or limits.max_features_used is not None:
        raise InvalidInputError(
            'search="optimal" knows no monotone, interactions or max_features_used; use "lookahead"'
        )
    questions = [q for f in range(len(table.rules)) for q in _questions(table, f)]
    answers = np.column_stack([goes[table.codes[:, f]] for f, goes in questions]).astype(np.int32)
    nodes = 2**depth - 1 if limits.max_leaf_nodes is None else min(2**depth, limits.max_leaf_nodes) - 1
    size = {"max_depth": depth, "max_num_nodes": nodes, "min_leaf_node_size": limits.min_samples_leaf}
    best = _solve(answers, structure, weight, size)
    return _grow_as(grower, best, questions)


def _questions(table: BinnedTable, f: int) -> list[tuple[int, NDArray[np.bool_]]]:
    """Questions about column f, each as its answer ``(256,)`` to every code; cuts lie nearest to quantiles q / 7."""
    rule, codes = table.rules[f], table.codes[:, f]
    counts = np.bincount(codes, minlength=256)
    answers = []
    if rule.is_category:
        for c in np.argsort(-counts[: rule.n_bins], kind="stable")[:CUTS]:
            answers.append(np.arange(256) == c)
    else:
        below = np.cumsum(counts[: rule.n_bins])[:-1] / max(1, counts[: rule.n_bins].sum())
        cuts = {int(np.argmin(np.abs(below - q))) for q in np.arange(1, CUTS + 1) / (CUTS + 1)} if len(below) else set()
        answers += [np.arange(256) <= cut for cut in sorted(cuts)]
    if counts[MISSING]:
        answers.append(np.arange(256) == MISSING)
    return [(f, goes) for goes in answers]


def _solve(
    answers: NDArray[np.int32], structure: NDArray[np.float64], weight: NDArray[np.float64], size: dict[str, Any]
) -> Any:
    """Ask ``pystreed``: squared error of one output, or the cost ``w_i (1 - p_ik)`` of saying class k in row i."""
    try:
        import pystreed
    except ImportError as error:
        raise MissingExtraError("pystreed is not installed; run: pip install pystreed") from error
    if structure.min() < 0 or (structure.shape[1] > 1 and not np.allclose(structure.sum(axis=1), 1)):
        if structure.shape[1] > 1 or np.ptp(weight) > 0:
            raise InvalidInputError('search="optimal" needs one output and equal weights in regression')
        return pystreed.STreeDRegressor(**size).fit(answers, structure[:, 0]).get_tree()
    P = structure if structure.shape[1] > 1 else np.hstack([1 - structure, structure])
    costs = (1 - P) * (weight / weight.mean())[:, None]
    return pystreed.STreeDInstanceCostSensitiveClassifier(**size).fit(answers, costs).get_tree()


def _grow_as(grower: Grower, best: Any, questions: list[tuple[int, NDArray[np.bool_]]]) -> Grown:
    """Grow the tree that was found; its right child is where the answer is yes, our left."""
    root = grower.root()
    planned, current = {id(root): best}, [best]
    slots, weight, target = grower.slots, grower.channels.weight, grower.channels.target

    def offer(leaf: OpenLeaf, allowed: frozenset[int] | None) -> CodeSplit | None:
        node = planned[id(leaf)]
        if node.is_leaf_node():
            return None
        f, goes = questions[node.feature]
        hist = grower.rows.histograms([leaf])[0][slots.offsets[f] : slots.offsets[f + 1]]
        sums = hist[np.append(goes[: len(hist) - 1], goes[MISSING])].sum(axis=0)  # of the rows that go left
        sides = [score(s, weight, target, -np.inf, np.inf) for s in (sums, leaf.sums - sums, leaf.sums)]
        goes = goes.copy()
        goes[UNSEEN] = bool(2 * sums[weight] >= leaf.sums[weight])
        return CodeSplit(sides[0] + sides[1] - sides[2], f, goes, sums)

    def settle(leaf: OpenLeaf, choice: CodeSplit, allowed: frozenset[int] | None, room: int | None) -> CodeSplit:
        current[0] = planned.pop(id(leaf))
        return choice

    def follow(children: tuple[OpenLeaf, OpenLeaf]) -> None:
        planned[id(children[0])], planned[id(children[1])] = current[0].right_child, current[0].left_child

    grower.refines = False  # the bins' own thresholds are what was optimised
    return build(grower, root, offer, settle, follow)
