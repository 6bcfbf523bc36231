"""How strongly a tree's values are shrunk: as asked, or as much as helps on rows that growth did not see."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.folds import content_folds, content_rank
from explaindistill.numerics.trees.fixed_point import WeightUnits, repetitions
from explaindistill.numerics.trees.shrinkage import STRENGTHS, best_strength, cross_entropy
from explaindistill.students._intake import Intake
from explaindistill.students.tree.fit import fit_trees, valued
from explaindistill.students.tree.model import TreeModel

__all__ = ["FEWEST", "MOST", "chosen", "settled"]

FOLDS = 3
"""A tree is grown without each third of the rows: more folds would grow more trees for one number."""
FEWEST = 30
"""Rows from which a strength is chosen: of fewer, folds say nothing."""
MOST = 20_000
"""Rows that decide, a sample where there are more: a strength counts in rows, so that it does not depend on how many
there are, and three more trees on all of them would cost more than the tree itself."""


def settled(estimator: Any, tree: TreeModel, intake: Intake, structure: NDArray[np.float64]) -> TreeModel:
    """Set the values of a tree that holds the means of its nodes; sets ``shrinkage_``.

    Parameters
    ----------
    estimator : TreeClassifier or TreeRegressor
    tree : TreeModel
    intake : Intake
        What the tree was fitted to.
    structure : ndarray, shape (n, m)
        Targets that decided its splits.
    """
    strength = estimator.shrinkage
    if isinstance(strength, str):
        is_chosen = len(intake.X) >= FEWEST and estimator.search != "optimal" and not estimator.tie_tolerance
        strength = 0.0
        if is_chosen and tree.used:
            rows = _deciding(tree, intake)
            strength = chosen(estimator, _take(intake, rows), structure[rows])
    estimator.shrinkage_ = float(strength)
    return valued(estimator, tree, estimator.shrinkage_)


def _deciding(tree: TreeModel, intake: Intake) -> NDArray[np.bool_]:
    """Rows that decide: all, or the first :data:`MOST` of a shuffle by content, whole sets of equal rows at a time.

    Rows are equal here that the tree cannot tell apart, in the columns that it asks about: to read all columns of
    millions of rows would take a third of the time of the fit. Neither the order of rows nor their repetition matters.
    """
    units = WeightUnits.of(intake.weight)
    whole = units.whole(intake.weight)
    per_count = 1.0 if units.is_repetition else len(whole) / int(whole.sum())
    if whole.sum() * per_count <= MOST:
        return np.ones(len(whole), dtype=np.bool_)
    rank = content_rank(intake.X.iloc[:, tree.used])
    count = np.bincount(rank, whole).astype(np.int64)
    before = (np.cumsum(count) - count) * per_count
    return np.asarray((before < MOST)[rank])


def chosen(estimator: Any, intake: Intake, structure: NDArray[np.float64]) -> float:
    """The strength with the least held-out loss: a tree is grown without each fold in turn.

    It is grown greedily, whatever grew the tree itself: a strength speaks of rows in a leaf, and a search that looks
    ahead would take several times as long as the tree that it serves.
    """
    folds = content_folds(intake.X, FOLDS)
    losses = np.zeros((len(folds), len(STRENGTHS)))
    for k in range(FOLDS):
        held = folds == k
        if not held.any() or held.all():
            return 0.0  # fewer distinct rows than folds
        others = _take(intake, ~held)
        tree = fit_trees(copy(estimator), others, [structure[~held]], "greedy")[0]
        leaf = tree.route(intake.X[held], estimator.n_jobs)
        for s, strength in enumerate(STRENGTHS):
            losses[held, s] = _loss(intake, held, valued(estimator, tree, strength).value[leaf])
    return STRENGTHS[best_strength(losses, repetitions(intake.weight))]


def _take(intake: Intake, rows: NDArray[np.bool_]) -> Intake:
    return replace(intake, X=intake.X[rows], Y=np.ascontiguousarray(intake.Y[rows]), weight=intake.weight[rows])


def _loss(intake: Intake, held: NDArray[np.bool_], answer: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cross-entropy of each held-out row, or its squared error where the widest output ranges over 2."""
    if intake.classes is not None:
        return cross_entropy(intake.Y[held], answer)
    half = float(np.ptp(intake.Y, axis=0).max()) / 2
    return np.asarray((((intake.Y[held] - answer) / (half or 1.0)) ** 2).sum(axis=1))
