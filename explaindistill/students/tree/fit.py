"""From rows and targets to a tree in the user's own units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.schema import Feature, Schema
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import number_in, one_of, whole_in
from explaindistill.numerics.trees.best_first import Grown, grow
from explaindistill.numerics.trees.binning import MAX_BINS, MISSING, UNSEEN, BinnedTable, BinRule, bin_table
from explaindistill.numerics.trees.fixed_point import SCALE, whole_weights
from explaindistill.numerics.trees.growth import Grower
from explaindistill.numerics.trees.histogram import channels
from explaindistill.numerics.trees.local_rows import LocalRows
from explaindistill.numerics.trees.open_leaves import TreeLimits
from explaindistill.numerics.trees.rounding import fewest_digits, plain_middle, plainest_moment
from explaindistill.numerics.trees.routing import bounded, gap, node_means
from explaindistill.numerics.trees.shrinkage import shrunk
from explaindistill.students._intake import Intake, read_signs
from explaindistill.students.tree.model import TreeModel

__all__ = [
    "SIGNED_SCALE", "better_of_both", "fit_tree", "fit_trees", "in_user_units", "limits_of", "unit_range", "valued",
]  # fmt: skip

SIGNED_SCALE = 2.0**30
"""Steps per unit of targets with a sign: sums over 2**33 rows of such steps still fit into 64 bits."""
SEARCHES = ("auto", "greedy", "lookahead", "optimal")


def fit_trees(
    estimator: Any, intake: Intake, structures: Sequence[NDArray[np.float64]], search: str
) -> list[TreeModel]:
    """Fit a tree to each of some structure targets; columns are binned once. See :func:`fit_tree`."""
    limits = limits_of(estimator, intake.schema, structures[0].shape[1], _n_rows(intake))
    vars(estimator).pop("chance_", None)  # of an earlier fit
    table = bin_table(
        intake.schema, intake.X, intake.weight, estimator.n_jobs, estimator.max_bins, target=structures[0]
    )
    # growth moves the codes beside its thresholds, so each tree but the last works on a copy
    copies = [BinnedTable(table.codes.copy(order="F"), table.rules) for _ in structures[1:]]
    return [
        fit_tree(estimator, intake, structure, limits, t, search)
        for structure, t in zip(structures, [*copies, table], strict=True)
    ]


def fit_tree(
    estimator: Any,
    intake: Intake,
    structure: NDArray[np.float64],
    limits: TreeLimits,
    table: BinnedTable,
    search: str,
) -> TreeModel:
    """Grow on ``structure`` targets (n, m), fill the nodes with the means of ``intake.Y``; see :func:`valued`.

    Parameters
    ----------
    estimator : TreeClassifier or TreeRegressor
    intake : Intake
    structure : ndarray, shape (n, m), values within [-1, 1]
    limits : TreeLimits
    table : BinnedTable
    search : "greedy", "lookahead" or "optimal"
    """
    # packing count and target into one number needs targets of at least 0; others can afford finer steps
    rows = channels(structure, intake.weight, SIGNED_SCALE if structure.min() < 0 else SCALE)

    def raw(f: int, index: NDArray[np.int32]) -> NDArray[np.float64]:
        return intake.schema.column(intake.X[[intake.schema[f].name]].iloc[index], f)

    def local(table: BinnedTable) -> LocalRows:
        return LocalRows(table, rows, raw, estimator.n_jobs)

    place = local(table)
    grower = Grower(place, limits, intake.schema.names)
    if estimator.tie_tolerance:
        from explaindistill.numerics.trees.stable_growth import grow_canonical

        grown, estimator.chance_ = grow_canonical(grower, place, float(estimator.tie_tolerance))
    elif search == "greedy":
        grown = grow(grower)
    elif search == "lookahead":
        # growth moves codes, so that greedy growth works on a copy
        other = local(BinnedTable(table.codes.copy(order="F"), table.rules))
        grown, is_ahead = better_of_both(Grower(other, limits, intake.schema.names), grower, estimator.lookahead_width)
        place = place if is_ahead else other
    else:
        from explaindistill.students.tree.optimal import grow_optimal

        grown = grow_optimal(grower, table, structure, intake.weight)

    def gaps(f: int, nodes: NDArray[np.int64]) -> list[tuple[float, float]]:
        values = np.ascontiguousarray(intake.schema.column(intake.X, f))
        middle = grown.end[grown.left[nodes]]
        ends = zip(grown.start[nodes], middle, grown.end[nodes], strict=True)
        return [gap(values, place.index, *three) for three in ends]

    # the plainest number of a whole gap is the one that another sample of rows gives, too
    plain = fewest_digits if estimator.tie_tolerance else plain_middle
    shape = grown.feature, grown.left, grown.right
    means = node_means(intake.Y, intake.weight, place.index, grown.start, grown.end, *shape)
    return in_user_units(grown, table.rules, intake.schema, gaps, plain).filled(*means, intake.classes is not None)


def better_of_both(greedy: Grower, ahead: Grower, width: int) -> tuple[Grown, bool]:
    """Lookahead, or greedy growth where that ends lower after all thresholds are refined; and whether it is the first.

    Each grower has rows of its own.
    """
    from explaindistill.numerics.trees.lookahead import grow_ahead

    plain, looked = grow(greedy), grow_ahead(ahead, width)
    is_ahead = bool(looked.worth.sum() >= plain.worth.sum())
    return (looked if is_ahead else plain), is_ahead


def valued(estimator: Any, tree: TreeModel, strength: float) -> TreeModel:
    """Shrink the means of the nodes, and let them keep the monotone constraints.

    The equation is that of :func:`~explaindistill.numerics.trees.shrinkage.shrunk`; constraints bound the probability
    of the last class, and of two classes the first is 1 less it.

    Parameters
    ----------
    estimator : TreeClassifier or TreeRegressor
    tree : TreeModel
        Its values are the means of the nodes.
    strength : float, at least 0, in rows
    """
    shape = tree.feature, tree.left, tree.right
    value = shrunk(tree.value, tree.in_rows, *shape, strength)
    signs = _signs(estimator.monotone, tree.schema, 1)
    if signs.any():
        value = value.copy()
        last = value.shape[1] - 1
        value[:, last] = bounded(value[:, last], tree.weight, *shape, signs)
        if last:
            value[:, 0] = 1 - value[:, 1]
    return tree.with_value(value)


def unit_range(
    Y: NDArray[np.float64], bounds: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
) -> NDArray[np.float64]:
    """Outputs ``(Y_ik - (low_k + high_k) / 2) / half`` within [-1, 1], half the largest half range of all outputs.

    One divisor for all outputs: the splits then minimise the sum of their squared errors in their own units. ``bounds``
    are the lowest and highest of each output, where ``Y`` are not all rows.
    """
    low, high = (Y.min(axis=0), Y.max(axis=0)) if bounds is None else bounds
    half = float((high / 2 - low / 2).max())
    return np.clip((Y - (low / 2 + high / 2)) / (half or 1.0), -1, 1)


def least_rows(n_rows: int) -> int:
    """Rows that a leaf has at least where nobody says: one of 200 rows, 2 at least and 5 at most.

    Five rows smooth away single odd answers; of a hundred rows they are a twentieth, and a class of few rows is cut
    wrongly or not at all. On the development sets drawn down to 100 fitting rows leaves of two agree with their
    teachers on .6 points more rows than leaves of five do, from 300 rows on all of 2 to 5 do within .1.
    """
    return min(max(n_rows // 200, 2), 5)


def _n_rows(intake: Intake) -> int:
    """Rows that growth counts: whole-number weights are repetitions of a row."""
    if intake.weight is None:
        return len(intake.X)
    whole, unit = whole_weights(intake.weight)
    return int(whole.sum()) if unit == 1.0 else len(whole)


def limits_of(estimator: Any, schema: Schema, n_targets: int, n_rows: int) -> TreeLimits:
    """Check the limits and constraints of an estimator against the columns."""
    whole_in("max_leaf_nodes", estimator.max_leaf_nodes, 2, others=(None,))
    whole_in("max_depth", estimator.max_depth, 1, others=(None,))
    whole_in("max_features_used", estimator.max_features_used, 1, others=(None,))
    whole_in("min_samples_leaf", estimator.min_samples_leaf, 1, others=("auto",))
    whole_in("lookahead_width", estimator.lookahead_width, 1)
    whole_in("max_bins", estimator.max_bins, 2, MAX_BINS)
    number_in("min_impurity_decrease", estimator.min_impurity_decrease, 0)
    number_in("shrinkage", estimator.shrinkage, 0, others=("auto",))
    number_in("tie_tolerance", estimator.tie_tolerance, 0)
    one_of("search", estimator.search, SEARCHES)
    if estimator.tie_tolerance >= 1 or (estimator.tie_tolerance and estimator.search not in ("auto", "greedy")):
        raise InvalidInputError(
            f'tie_tolerance must be below 1, and 0 unless search is "auto" or "greedy", got '
            f"{estimator.tie_tolerance!r} with search={estimator.search!r}"
        )
    least = least_rows(n_rows) if estimator.min_samples_leaf == "auto" else int(estimator.min_samples_leaf)
    return TreeLimits(
        max_leaf_nodes=estimator.max_leaf_nodes,
        max_depth=estimator.max_depth,
        min_samples_leaf=least,
        min_decrease=float(estimator.min_impurity_decrease),
        max_features_used=estimator.max_features_used,
        signs=_signs(estimator.monotone, schema, n_targets),
        groups=_groups(estimator.interactions, schema),
    )


def _signs(monotone: Mapping[str, int] | None, schema: Schema, n_targets: int) -> NDArray[np.int64]:
    """Direction of each column ``(d,)``; categories have none, and several targets have no common one."""
    signs = read_signs("monotone", monotone, schema)
    if signs.any() and n_targets > 1:
        raise InvalidInputError(
            f"monotone needs two classes or one output, got {n_targets}; leave it out or fit one at a time"
        )
    for feature in (f for f in schema if f.name in (monotone or {})):
        if feature.kind == "categorical":
            raise InvalidInputError(f"monotone names {feature.name!r}, which is categorical and has no order")
    return signs


def _groups(interactions: Iterable[Iterable[str]] | None, schema: Schema) -> tuple[frozenset[int], ...] | None:
    """Positions of the columns that may share a path, group by group; None where all may."""
    if interactions is None:
        return None
    listed = isinstance(interactions, Iterable) and not isinstance(interactions, str | Mapping)
    wanted = list(interactions) if listed else []
    if not listed or any(not isinstance(g, Iterable) or isinstance(g, str | Mapping) for g in wanted):
        raise InvalidInputError(
            f'interactions must be lists of columns such as [["age", "income"]], or None, got {interactions!r}'
        )
    groups = [frozenset(schema.names.index(schema[name].name) for name in group) for group in wanted]
    rest = set(range(len(schema))).difference(*groups)
    # a column that no group names may stand alone on a path
    return tuple([*groups, *(frozenset({i}) for i in rest)])


@dataclass(eq=False)
class _Written:
    """Rules of the nodes while they are put into the user's units, column by column."""

    threshold: NDArray[np.float64]
    sets: list[NDArray[np.bool_] | None]


Gaps = Callable[[int, NDArray[np.int64]], list[tuple[float, float]]]
"""Largest value on the left and smallest on the right of some nodes, from the column that they ask about."""


def in_user_units(
    grown: Grown,
    rules: Sequence[BinRule],
    schema: Schema,
    gaps: Gaps,
    plain: Callable[[float, float], float],
) -> TreeModel:
    """From bins to thresholds and sets of categories; values are still to be filled in."""
    n = len(grown.feature)
    written = _Written(np.full(n, np.nan), [None] * n)
    for f in sorted({int(f) for f in grown.feature if f >= 0}):
        nodes = np.flatnonzero(grown.feature == f)
        if schema[f].kind == "categorical":
            for node in nodes.tolist():
                codes = np.append(rules[f].codes, np.uint8(UNSEEN))[: len(schema[f].categories)]
                written.sets[node] = _table(grown, node)[codes]
        else:
            _write_thresholds(written, nodes, schema[f], gaps(f, nodes), plain)
    sides = np.array([[False] * 2 if t is None else t[[MISSING, UNSEEN]] for t in grown.goes_left])
    return TreeModel(
        schema=schema,
        feature=grown.feature,
        left=grown.left,
        right=grown.right,
        threshold=written.threshold,
        sets=tuple(written.sets),
        missing_left=sides[:, 0],
        unseen_left=sides[:, 1],
        value=np.zeros((n, 1)),
        count=grown.sums[:, 0].copy(),
        weight=np.zeros(n),
        gain=grown.gain,
    )


def _table(grown: Grown, node: int) -> NDArray[np.bool_]:
    table = grown.goes_left[node]
    assert table is not None
    return table


def _write_thresholds(
    written: _Written,
    nodes: NDArray[np.int64],
    feature: Feature,
    gaps: list[tuple[float, float]],
    plain: Callable[[float, float], float],
) -> None:
    """A plain number between the largest value on the left and the smallest on the right."""
    for node, (low, high) in zip(nodes, gaps, strict=True):
        if feature.kind == "ordered":
            written.sets[node] = np.arange(len(feature.categories)) <= low
        elif np.isinf(high):
            written.threshold[node] = np.inf
        else:
            written.threshold[node] = (plainest_moment if feature.kind == "datetime" else plain)(low, high)
