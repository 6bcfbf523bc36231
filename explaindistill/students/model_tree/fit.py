"""From rows and soft labels to a fitted model tree: terms, bins, growth, and numbers rounded to what is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.design import SECONDS_PER_DAY, linear_columns, rounded_centre
from explaindistill.data.folds import content_rank
from explaindistill.data.schema import Schema
from explaindistill.numerics.model_trees.choice import BATCHES, SizeChoice, chosen
from explaindistill.numerics.model_trees.growth import grow_model_tree
from explaindistill.numerics.model_trees.leaf_models import (
    LinearTree,
    LinearTreeProblem,
    Loss,
    decrement,
    refit,
)
from explaindistill.numerics.model_trees.sparse_model import INNER_FOLDS, sparse_model
from explaindistill.numerics.model_trees.state import LinearTreeLimits, SplitColumns
from explaindistill.numerics.optimum import OPTIMUM
from explaindistill.numerics.trees.binning import MAX_BINS, MISSING, UNSEEN, BinnedTable, bin_table
from explaindistill.numerics.trees.fixed_point import repetitions
from explaindistill.numerics.trees.rounding import plain_middle, plainest_moment
from explaindistill.students._intake import Intake
from explaindistill.students.model_tree.model import LeafTerm, LinearTreeModel, LinearTreeNode

__all__ = ["fit_model_tree"]

Floats = NDArray[np.float64]
DIGITS = 4
"""Significant digits of a coefficient: an error of at most 0.05 % of each contribution."""
MAX_LEVELS = 30
"""Levels of a category that may have a coefficient; splits can still tell all of them apart."""
REFIT_STEPS, REFIT_TOL = 50, 1e-12
"""Newton's steps, and their relative change, for the numbers of a structure that is fixed: they converge in a few."""
MORE_STEPS = 500
"""Newton's steps where those were not enough: near certain answers each gains about one logit."""
STEADY, ALONE = 4, 8
"""Decimals of an intercept, in its output's spread: beside other numbers, and where it is the whole answer."""
NO_SPREAD = 1e-12
"""Standard deviation, beside the size of the numbers, below which a column or an output counts as constant."""


def fit_model_tree(
    intake: Intake,
    loss: Loss,
    limits: LinearTreeLimits,
    shrinkage: float,
    n_jobs: int | None,
    structure: Floats | None = None,
    n_folds: int = 0,
) -> tuple[LinearTreeModel, float]:
    """Grow on ``structure`` (the targets themselves when None), fit the numbers to the targets, round them.

    Parameters
    ----------
    intake : Intake
        ``Y`` has one column for two classes.
    structure : ndarray, shape (n, K), optional
        Sharpened targets that decide splits and terms.
    n_folds : int
        Folds that decide how much of the limits to use; 0 for all of it.

    Returns
    -------
    model : LinearTreeModel
    excess : float
        By how much the penalised loss per row, on all rows, could still fall with this structure, before rounding.
    """
    schema, X, weight = intake.schema, intake.X, intake.weight
    terms, scales, design = make_terms(schema, X, weight)
    w = weight / weight.sum()
    count = repetitions(weight)
    centre, spread = _scaling(intake.Y, w, loss)
    targets = (intake.Y - centre) / spread
    problem = LinearTreeProblem(design, targets, w, count, loss, shrinkage / float(count.sum()))
    binned = bin_table(schema, X, weight, n_jobs, MAX_BINS, intake.Y)
    grown_on = problem if structure is None else replace(problem, targets=structure)
    table = _table(schema, X, binned)
    choice, rank = SizeChoice(limits), content_rank(X) if n_folds else None
    if rank is not None:
        choice = chosen(grown_on, table, limits, rank, n_folds, n_jobs, lasso=structure is None)
    if choice.sparse and rank is not None:
        model = sparse_model(problem, limits, rank // n_folds % BATCHES % INNER_FOLDS)
    else:
        model = grow_model_tree(grown_on, table, choice.limits, n_jobs)
    if structure is not None:
        refit(problem, model, REFIT_STEPS, REFIT_TOL)
    if structure is not None or not choice.sparse or rank is None:
        model.excess = decrement(problem, model)
    if model.excess > OPTIMUM:
        refit(problem, model, MORE_STEPS, REFIT_TOL)
        model.excess = decrement(problem, model)
    nodes = _nodes(model, problem, schema, binned, _Units(scales, centre, spread))
    return LinearTreeModel(schema, tuple(terms), nodes, targets.shape[1]).with_importance(X, w), model.excess


def _scaling(Y: Floats, w: Floats, loss: Loss) -> tuple[Floats, Floats]:
    """Centre and spread of each output: only values are standardised, probabilities stay."""
    if loss != "squared":
        return np.zeros(Y.shape[1]), np.ones(Y.shape[1])
    centre = w @ Y
    spread = np.sqrt(w @ (Y - centre) ** 2)
    return centre, np.where(spread > NO_SPREAD * (1 + np.abs(centre)), spread, 1.0)


def make_terms(schema: Schema, X: pd.DataFrame, weight: Floats) -> tuple[list[LeafTerm], Floats, Floats]:
    """Terms that leaves may use, their scales ``(p,)``, and the design ``(n, p + 1)`` with a last column of ones."""
    columns, _ = linear_columns(schema, X, weight, MAX_LEVELS)
    w = weight / weight.sum()
    terms: list[LeafTerm] = []
    scales = []
    design = np.ones((len(X), len(columns) + 1))
    for column in columns:
        feature = schema[column.feature]
        numbers = schema.column(X, column.feature)
        term = LeafTerm(column)
        values = term.values(feature, numbers)
        scale = 1.0
        if not column.is_binary:
            term = LeafTerm(column, 0.0, -math.inf, math.inf)
            raw = term.values(feature, numbers)
            spread = _spread(raw, w)
            centre = rounded_centre(float(w @ raw), spread)
            unit = SECONDS_PER_DAY if feature.kind == "datetime" else 1.0
            low, high = _held(raw, feature.minimum / unit, feature.maximum / unit)
            term = LeafTerm(replace(column, fill=centre), centre, min(low, centre), max(high, centre))
            values, scale = term.values(feature, numbers), spread
        if scale > NO_SPREAD * (1.0 + abs(term.centre)) and values.min() < values.max():
            design[:, len(terms)] = values / scale
            terms.append(term)
            scales.append(scale)
    filled = np.ascontiguousarray(design[:, [*range(len(terms)), len(columns)]])
    return terms, np.array(scales), filled


def _held(values: Floats, low: float, high: float) -> tuple[float, float]:
    """Where numbers are held: at the bounds, or a whole range further out where people lie beyond what may be shown."""
    span = high - low
    return (low - span if values.min() < low else low), (high + span if values.max() > high else high)


def _spread(values: Floats, w: Floats) -> float:
    """Standard deviation under weights that sum to 1; deviations are scaled first, since 1e300 squared is no double."""
    deviation = values - w @ values
    largest = float(np.abs(deviation).max())
    return largest * float(np.sqrt(w @ (deviation / largest) ** 2)) if largest > 0 else 0.0


def _table(schema: Schema, X: pd.DataFrame, binned: BinnedTable) -> SplitColumns:
    """Binned columns as growth wants them; a bin of categories costs as many numbers as it holds categories."""
    sizes = [
        np.bincount(r.codes[r.codes < r.n_bins], minlength=r.n_bins).astype(float)
        if r.is_category
        else np.ones(r.n_bins)
        for r in binned.rules
    ]
    rank = np.argsort(np.argsort(schema.names, kind="stable"), kind="stable")
    return SplitColumns(
        binned.codes,
        [r.n_bins for r in binned.rules],
        [r.is_category for r in binned.rules],
        sizes,
        rank,
        lambda f: schema.column(X, f),
    )


@dataclass(frozen=True, eq=False)
class _Units:
    """From standardised numbers to the user's: scales ``(p,)`` of the terms, centre and spread ``(K,)`` of outputs."""

    scales: Floats
    centre: Floats
    spread: Floats


def _nodes(
    model: LinearTree, problem: LinearTreeProblem, schema: Schema, binned: BinnedTable, units: _Units
) -> tuple[LinearTreeNode, ...]:
    """Nodes in the user's units.

    With ``y_k = centre_k + spread_k eta_k`` a term's coefficient is ``beta_tk spread_k / scale_t``, and a leaf's
    intercept is ``centre_k + spread_k`` times what the nodes v on its path add up to.
    """
    intercept = np.zeros((len(model.parent), problem.n_outputs))
    terms: list[list[tuple[int, int, float]]] = [[] for _ in model.parent]
    for v, t, k, b in zip(model.node, model.term, model.output, model.beta, strict=True):
        if t == problem.n_terms:
            intercept[v, k] += b
        elif (rounded := significant(float(b * units.spread[k] / units.scales[t]))) != 0.0:
            terms[v].append((t, k, rounded))
    share = _shares(model, problem)
    nodes = []
    for v in range(len(model.parent)):
        node = LinearTreeNode(terms=tuple(terms[v]), share=share[v])
        if model.left[v] >= 0:
            node = _question(replace(node, left=model.left[v], right=model.right[v]), model, v, schema, binned)
        else:
            value = intercept[model.path(v)].sum(axis=0) * units.spread + units.centre
            parts = zip(value.tolist(), units.spread.tolist(), units.centre.tolist(), strict=True)
            alone = len(model.term) == problem.n_outputs  # no split, no term: nothing else makes up for its rounding
            # a constant is its own centre, and has no spread to be rounded by
            steady = tuple(b if b == centre else _steady(b, s, alone) for b, s, centre in parts)
            node = replace(node, intercept=steady)
        nodes.append(node)
    return tuple(nodes)


def _question(node: LinearTreeNode, model: LinearTree, v: int, schema: Schema, binned: BinnedTable) -> LinearTreeNode:
    """The node's split of bins as a set of categories, or a threshold with few digits between two bins."""
    f, go = model.feature[v], model.goes_left[v]
    rule, feature = binned.rules[f], schema[f]
    node = replace(node, feature=f, cost=model.split_cost[v], missing_left=bool(go[MISSING]))
    if rule.is_category:
        codes = np.arange(len(feature.categories))
        goes_left = go[rule.codes[codes]]
        # what is listed is the side without the unseen categories: theirs is named by what it is not
        listed_left = not bool(go[UNSEEN])
        return replace(node, listed=tuple(int(c) for c in codes[goes_left == listed_left]), listed_left=listed_left)
    low, high = model.gap[v]
    plain = plainest_moment if feature.kind == "datetime" else plain_middle
    return replace(node, threshold=float(plain(low, high)))


def _shares(model: LinearTree, problem: LinearTreeProblem) -> list[float]:
    """Share of the weight that passes each node; rounded, so that the order of summing is not seen."""
    return [
        round(float(sum(problem.weight[model.members[leaf]].sum() for leaf in model.below(v))), 12)
        for v in range(len(model.parent))
    ]


def significant(value: float, digits: int = DIGITS) -> float:
    """Round to significant digits."""
    return float(f"{value:.{digits - 1}e}")


def _steady(value: float, spread: float, alone: bool) -> float:
    """Round an intercept to a ten-thousandth of its output's spread, as fine as its coefficients, or finer if alone."""
    return round(value, (ALONE if alone else STEADY) - math.floor(math.log10(spread)))
