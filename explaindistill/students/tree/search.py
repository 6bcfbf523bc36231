"""Which way of growing suits these rows: trees of one size compete on the rows of fitting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.folds import content_rank
from explaindistill.numerics.trees.fixed_point import whole_weights
from explaindistill.numerics.trees.shrinkage import cross_entropy
from explaindistill.students._intake import Intake
from explaindistill.students.tree.fit import fit_trees
from explaindistill.students.tree.model import TreeModel

__all__ = [
    "MOST", "Contest", "Growth", "best_of", "compared", "rows_to_look_ahead", "searched", "table", "ways_of",
]  # fmt: skip

MOST = 50_000
"""Distinct rows on which trees compete; the winner is grown on all. On so many a share of equal decisions has a
standard error of .2 points at most, and trees of one size that differ by less are as good as each other."""
AHEAD_ROWS, AHEAD_ROWS_PER_LEAF = 1_000, 80
"""Distinct rows, and of them per leaf allowed, from which looking ahead takes part: with fewer it fits chance. On the
development sets it cost one to three points of agreement on tables of 100 to 670 rows, and won up to 1.4 above."""


@dataclass(frozen=True)
class Growth:
    """One way to grow: the search, and the temperature of the targets (NaN in regression)."""

    search: str
    temperature: float


@dataclass(frozen=True, eq=False)
class Contest:
    """What competes, and what counts.

    Attributes
    ----------
    temperatures : tuple of float
        Those of greedy growth; NaN in regression.
    structure : callable
        Targets ``(n, m)`` that decide splits, from labels ``(n, k)``, a temperature, and the bounds of all labels where
        these are a part of them.
    goal : "decisions", "probabilities" or "values"
        The share of the weight on which tree and labels decide alike, the cross-entropy, or the squared error.
    """

    temperatures: tuple[float, ...]
    structure: Callable[..., NDArray[np.float64]]
    goal: str

    def score(self, tree: TreeModel, intake: Intake, n_jobs: int | None) -> float:
        """How well a tree repeats the labels that it was grown on; higher is better."""
        answer = tree.value[tree.route(intake.X, n_jobs)]
        weight, _ = whole_weights(intake.weight)
        if self.goal == "decisions":
            loss = (answer.argmax(axis=1) != intake.Y.argmax(axis=1)).astype(float)
        elif self.goal == "probabilities":
            loss = cross_entropy(intake.Y, answer)
        else:
            loss = ((answer - intake.Y) ** 2).sum(axis=1)
        return -float(weight @ loss / weight.sum())


def searched(estimator: Any, intake: Intake, contest: Contest) -> tuple[TreeModel, NDArray[np.float64]]:
    """Grow the trees that compete, and the winner on all rows; sets ``candidates_``.

    Trees of one size are compared on the rows that they were grown on: on the development sets this picked better than
    folds, which grow other, smaller trees and are noisier than the differences. Looking ahead takes part at the
    temperature that suits greedy growth best.

    Returns
    -------
    tree : TreeModel
        It holds the means of its nodes.
    structure : ndarray, shape (n, m)
        Targets that decided its splits.
    """
    ways = ways_of(estimator, contest)
    rows, n_distinct = None, 0
    if estimator.search == "auto" or (len(ways) > 1 and len(intake.X) > MOST):
        rows, n_distinct = _deciding(intake)
    few = intake if rows is None else _take(intake, rows)
    trees: list[TreeModel] = []
    ways, scores = compared(estimator, few, contest, ways, n_distinct, trees)
    best = best_of(scores)
    estimator.candidates_ = table(ways, scores, contest.goal, len(few.X), best)
    structure = contest.structure(intake.Y, ways[best].temperature)
    if rows is None:
        return trees[best], structure
    return fit_trees(estimator, intake, [structure], ways[best].search)[0], structure


def ways_of(estimator: Any, contest: Contest) -> list[Growth]:
    """Ways that compete from the start."""
    return [Growth("greedy" if estimator.search == "auto" else estimator.search, t) for t in contest.temperatures]


def compared(
    estimator: Any,
    few: Intake,
    contest: Contest,
    ways: list[Growth],
    n_distinct: int,
    trees: list[TreeModel] | None = None,
) -> tuple[list[Growth], list[float]]:
    """All ways that compete, and how their trees do; ``trees``, where it is given, gets the trees themselves."""
    grown = _grown(estimator, few, contest, ways)
    scores = [contest.score(tree, few, estimator.n_jobs) for tree in grown]
    is_open = estimator.search == "auto" and not estimator.tie_tolerance
    if is_open and n_distinct >= rows_to_look_ahead(estimator):
        ahead = Growth("lookahead", ways[best_of(scores)].temperature)
        grown += _grown(estimator, few, contest, [ahead])
        ways = [*ways, ahead]
        scores.append(contest.score(grown[-1], few, estimator.n_jobs))
    if trees is not None:
        trees += grown
    return ways, scores


def best_of(scores: list[float]) -> int:
    """The best, and the first of equals, the plainest; scores that differ by rounding are equal."""
    return int(np.argmax(np.round(scores, 12)))


def rows_to_look_ahead(estimator: Any) -> float:
    """Distinct rows from which trees look ahead; without a limit of leaves there are as many as the depth allows."""
    leaves = estimator.max_leaf_nodes
    if leaves is None:
        leaves = np.inf if estimator.max_depth is None else 2.0**estimator.max_depth
    return max(AHEAD_ROWS, AHEAD_ROWS_PER_LEAF * leaves)


def _grown(estimator: Any, intake: Intake, contest: Contest, ways: list[Growth]) -> list[TreeModel]:
    structures = [contest.structure(intake.Y, way.temperature) for way in ways]
    return fit_trees(estimator, intake, structures, ways[0].search)


def _deciding(intake: Intake) -> tuple[NDArray[np.bool_] | None, int]:
    """Rows of the first :data:`MOST` places of a shuffle by content (None: all), and how many distinct rows there are.

    Neither the order of rows nor their repetition matters, nor how they are cut into partitions.
    """
    rank = content_rank(intake.X)
    n_distinct = int(rank.max()) + 1
    return (None if n_distinct <= MOST else rank < MOST), n_distinct


def _take(intake: Intake, rows: NDArray[np.bool_]) -> Intake:
    return replace(intake, X=intake.X[rows], Y=np.ascontiguousarray(intake.Y[rows]), weight=intake.weight[rows])


def table(ways: list[Growth], scores: list[float], goal: str, n: int, best: int) -> pd.DataFrame:
    """A line per tree that competed: what grew it, how it did, whether it won."""
    score = np.array(scores)
    named = {"decisions": ("agreement", 1 + score), "probabilities": ("cross_entropy", -score)}
    name, values = named.get(goal, ("squared_error", -score))
    return pd.DataFrame(
        {
            "search": [way.search for way in ways],
            "temperature": [way.temperature for way in ways],
            "n": n,
            name: values,
            "chosen": np.arange(len(ways)) == best,
        }
    )
