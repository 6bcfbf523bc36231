"""How a protected attribute acts on answers: flips of the attribute, proxies for it, leaves that meet one group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE, common_values
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import DEFAULTS, GroupOptions
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.table import few_clusters, frame, row, shares
from explaindistill.numerics.statistics.mean_limits import mean_limits
from explaindistill.numerics.statistics.ranks import auc_and_interval, auc_interval, auc_of_counts
from explaindistill.numerics.statistics.single_column import bins_of, out_of_fold_shares
from explaindistill.numerics.statistics.tallies import tally, weights_of

__all__ = ["flips", "leaf_audit", "proxies", "with_use"]

Line = dict[str, Any]
Area = tuple[float, float, float]
FOLDS = 5
"""Of rows that a proxy is measured on. A trade-off: more folds leave more rows to learn from and take longer."""
MOST_VALUES = 50
"""Different values of an attribute that is flipped: each asks about all rows once more."""
MANY = 8
"""Groups of one attribute beyond which all are predicted by one model: a model each takes minutes."""
LEARNT_ROWS = 1_000
"""Rows of a group, and rows outside of it, that boosted trees learn from at most. The AUC compares a member with a
non-member, so that drawing either side by itself does not move it; 1,000 of each hold it within about .025. Trees that
learn from fewer rows find a little less: of adult's 2,400 audited rows up to .026 less than from all."""
SINGLE_ATTRIBUTES = GroupOptions(intersections=False)
"""Leaves times intersections are more lines than anybody reads."""
UNKNOWN = (float("nan"),) * 3


def flips(
    decide: Callable[[pd.DataFrame], NDArray[Any]],
    X: pd.DataFrame,
    attribute: str,
    *,
    score: Callable[[pd.DataFrame], NDArray[np.float64]] | None = None,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    options: GroupOptions = DEFAULTS,
    subject: str = "student",
) -> pd.DataFrame:
    r"""Share of decisions that change when only the attribute is changed to each of its other values.

    This is sensitivity, not counterfactual fairness: nothing else about the person changes with the attribute, and
    the changed row may be one that does not exist.

    Parameters
    ----------
    decide : callable
        From rows to decisions.
    X : DataFrame of n rows
        Not modified.
    attribute : str
        A column with at most 50 different values.
    score : callable, optional
        From rows to probabilities of the favourable class; adds ``flip_score``, the mean change.
    options : GroupOptions
        ``level``, and ``min_group_size``: values of fewer rows are not tried, nor any of fewer than five.
    sample_weight, clusters, subject
        As in the other measures.

    Returns
    -------
    DataFrame
        Canonical columns; ``group`` is the value that rows of other values are changed to. ``metric`` is ``flip_rate``
        (``k`` of ``n`` decisions change, Wilson's interval) or ``flip_score`` (mean of
        :math:`p(x^{a}) - p(x)` over these n rows, where :math:`x^{a}` has the value a; the wider of
        Student's and Hall's limits).

    Examples
    --------
    >>> X = pd.DataFrame({"sex": ["f", "m"] * 20, "x": range(40)})
    >>> flips(lambda rows: rows["x"].to_numpy() > 9, X, "sex")["estimate"].tolist()
    [0.0, 0.0]
    """
    if attribute not in X.columns:
        raise InvalidInputError(f"attribute must be a column of X, got {attribute!r}")
    # how many rows have another value tells how many have this one: none is tried that few people have
    if (n_values := X[attribute].nunique()) > MOST_VALUES:
        words = f"attribute must have at most {MOST_VALUES} different values, {attribute} has {n_values}"
        raise InvalidInputError(words)
    least = min(MIN_CATEGORY_SIZE, options.min_group_size)
    is_named = common_values(X[attribute], least).astype(object) == X[attribute].astype(object)
    values = list(pd.unique(X[attribute][X[attribute].notna() & is_named]))
    before = np.asarray(decide(X))
    chance = None if score is None else np.asarray(score(X), dtype=float)
    shared: Line = {"sample_weight": sample_weight, "clusters": clusters}
    lines: list[Line] = []
    for value in sorted(values, key=str):
        changed = X.copy()
        changed[attribute] = pd.Series([value] * len(X), index=X.index).astype(X[attribute].dtype)
        other = np.where((X[attribute] != value).fillna(True).to_numpy(dtype=bool), 0, -1)
        names = {"subject": subject, "attribute": attribute, "group": str(value)}
        counted = tally(np.asarray(decide(changed)) != before, other, 1, **shared)
        lines += shares("flip_rate", counted, [names], level=options.level)
        if score is not None and chance is not None:
            moved = np.asarray(score(changed), dtype=float) - chance
            limits = mean_limits(moved, other, 1, level=options.level, ends=(-1.0, 1.0), **shared)
            mean, low, high = (float(x) for x in limits.sides(0))
            few = few_clusters(counted.members[0].count) if counted.members else {}
            n = int((other == 0).sum())
            lines.append(row("flip_score", mean, low, high, n=n, method="t and hall, paired", **names) | few)
    return frame(lines)


def proxies(
    X: pd.DataFrame,
    attributes: pd.DataFrame,
    *,
    importance: Mapping[str, float] | None = None,
    max_rows: int = 5000,
    random_state: int = 0,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """How well each column, and all together, give a sensitive attribute away; and how much they are used.

    Membership of each group is predicted out of fold: by one column from the shares of its bins, by all columns with
    boosted trees on at most 1,000 members and 1,000 others, drawn at random (where an attribute has more than eight
    groups, with one random forest for all of them and all rows, each row by the trees that did not see it). The AUC is
    about 0.5 where nothing is given away.

    Parameters
    ----------
    X : DataFrame of n rows
        Columns that a model sees; sensitive columns among them are left out.
    attributes : DataFrame of n rows
    importance : mapping of column to share, optional
        Of the model's importance; ``use`` is that share, ``proxy_use`` the share times ``2 AUC - 1``.
    max_rows : int
        At most so many rows are used. A trade-off between the width of the intervals and the time of the trees.
    random_state : int
    level, subject
        As in the other measures.

    Returns
    -------
    DataFrame
        Canonical columns with ``metric`` ``proxy_auc``, then ``feature`` (``(all)`` for all columns), ``use`` and
        ``proxy_use``. ``n`` counts the rows that a line rests on, ``k`` those of the group among them. Groups with
        fewer rows than twice the folds are ``undefined``.

    References
    ----------
    Newcombe (2006), doi:10.1002/sim.2324 (interval of the AUC); Breiman (2001), doi:10.1023/A:1010933404324 (forests
    and their out-of-bag rows).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sex = rng.choice(["f", "m"], 400)
    >>> X = pd.DataFrame({"height": rng.normal(165, 5, 400) + 15 * (sex == "m"), "noise": rng.random(400)})
    >>> table = proxies(X, pd.DataFrame({"sex": sex}), importance={"height": 0.4, "noise": 0.6}).set_index("feature")
    >>> table["estimate"].gt(0.9).to_dict()
    {'(all)': True, 'height': True, 'noise': False}
    >>> bool(table.loc["height", "proxy_use"] > table.loc["noise", "proxy_use"])
    True
    """
    if len(X) != len(attributes):
        raise InvalidInputError(f"attributes must have one row per row of X, {len(X)}, got {len(attributes)}")
    rng = np.random.default_rng(random_state)
    chosen = np.sort(rng.permutation(len(X))[:max_rows])
    inputs = X.drop(columns=[c for c in attributes.columns if c in X.columns]).iloc[chosen]
    encoded = np.asarray(Schema.infer(inputs).encode(inputs)) if inputs.shape[1] else np.empty((len(chosen), 0))
    bins = {str(c): bins_of(encoded[:, i]) for i, c in enumerate(inputs.columns)}
    lines: list[Line] = []
    for grouping in groupings(attributes, intersections=False):
        codes = grouping.codes[chosen]
        sizes = np.bincount(codes, minlength=len(grouping))
        groups = [g for g in range(len(grouping)) if _is_asked(grouping, g)]
        enough = [g for g in groups if bins and min(sizes[g], len(codes) - sizes[g]) >= 2 * FOLDS]
        drawn = {g: _either_side(codes == g, LEARNT_ROWS, random_state) for g in enough}
        areas = {"(all)": _by_all(encoded, codes, drawn, random_state, level)}
        areas |= {c: _by_one(b, codes, len(grouping), enough, random_state, level) for c, b in bins.items()}
        for g in groups:
            names: Line = {"subject": subject, "attribute": grouping.attribute, "group": grouping.names[g]}
            names |= {"method": "out of fold, newcombe 2006 and logit"}
            by_trees = drawn[g] if g in drawn and len(drawn) <= MANY else np.arange(len(codes))
            for feature, area in areas.items():
                used = codes[by_trees] if feature == "(all)" else codes
                counts: Line = {"n": len(used), "k": float((used == g).sum())}
                estimate, low, high = area.get(g, UNKNOWN)
                lines.append(row("proxy_auc", estimate, low, high, feature=feature, **counts, **names))
    table = frame(lines, extra=["feature"])
    return with_use(table, importance, subject)


def _is_asked(grouping: Grouping, g: int) -> bool:
    """Of two groups the second says the same as the first; membership of the missing is not asked."""
    return not grouping.missing[g] and not (len(grouping) == 2 and g == 1 and not grouping.missing.any())


def with_use(strengths: pd.DataFrame, importance: Mapping[str, float] | None, subject: str) -> pd.DataFrame:
    r"""Strengths of proxies beside their use by one model: ``use`` and ``proxy_use``, NaN where it is not known.

    ``proxy_use`` is :math:`u_j \max(2 A_j - 1, 0)` of column j with share :math:`u_j` of the model's importance and AUC
    :math:`A_j`; :math:`2A - 1` is 0 for a guess and 1 where the column tells the group for certain.

    Parameters
    ----------
    strengths : DataFrame
        From `proxies`.
    importance : mapping of column to share, optional
    subject : str
        The model.

    Returns
    -------
    DataFrame
        The lines of ``strengths`` with this subject, ``use`` and ``proxy_use``.

    Examples
    --------
    >>> strengths = pd.DataFrame({"feature": ["(all)", "sector", "age"], "estimate": [0.9, 0.9, 0.5]})
    >>> with_use(strengths, {"sector": 0.25, "age": 0.75}, "tree")["proxy_use"].round(3).tolist()
    [nan, 0.2, 0.0]
    """
    shares = dict.fromkeys(strengths["feature"], np.nan) if importance is None else dict(importance)
    use = np.array([np.nan if f == "(all)" else float(shares.get(f, 0.0)) for f in strengths["feature"]])
    power = np.maximum(2 * strengths["estimate"].to_numpy() - 1, 0.0)
    return strengths.assign(subject=subject, use=use, proxy_use=use * power)


def _by_one(
    bins: NDArray[np.int64], codes: NDArray[np.int64], n_groups: int, groups: list[int], seed: int, level: float
) -> dict[int, Area]:
    """AUC of membership of each group by the bins of one column.

    Rows of one bin and fold have one score, so that the AUC and its variance follow from counts by cell.
    """
    if not groups:
        return {}
    share, count = out_of_fold_shares(bins, codes, n_groups, seed, FOLDS)
    every = count.sum(axis=1)
    area, variance, freedom = np.transpose(
        [auc_of_counts(share[:, g], count[:, g], every - count[:, g]) for g in groups]
    )
    inside = count[:, groups].sum(axis=0)
    low, high = auc_interval(area, inside, len(codes) - inside, level, variance=variance, freedom=freedom)
    return dict(zip(groups, zip(area, low, high, strict=True), strict=True))


def _either_side(inside: NDArray[np.bool_], most: int, seed: int) -> NDArray[np.intp]:
    """Positions of at most so many marked rows and as many others, in order."""
    rng = np.random.default_rng(seed)
    sides = (np.flatnonzero(inside), np.flatnonzero(~inside))
    return np.sort(np.concatenate([at if len(at) <= most else rng.choice(at, most, replace=False) for at in sides]))


def _by_all(
    Z: NDArray[np.float64], codes: NDArray[np.int64], groups: Mapping[int, NDArray[np.intp]], seed: int, level: float
) -> dict[int, Area]:
    """AUC of membership of each group by all columns: boosted trees, or one forest for many groups at once.

    ``groups`` are the rows that the trees of each group learn from. Forty trees of eight leaves are a trade-off: they
    find pairs and triples of columns that give a group away, and one model for each group and fold is fitted in every
    audit.
    """
    if len(groups) > MANY:
        chance = _forest(Z, codes, seed)
        return {g: auc_and_interval(chance[g], codes == g, level=level) for g in groups}
    learner = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=8, early_stopping=False, random_state=seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    areas = {}
    for g, rows in groups.items():
        member = codes[rows] == g
        chance = cross_val_predict(learner, Z[rows], member, cv=folds, method="predict_proba")[:, 1]
        areas[g] = auc_and_interval(chance, member, level=level)
    return areas


def _forest(Z: NDArray[np.float64], codes: NDArray[np.int64], seed: int) -> dict[int, NDArray[np.float64]]:
    """Probability of each group by a forest on the bins of all columns, from trees that did not see the row.

    Each tree sees one half of the rows, so that about half of a hundred trees answer each row; leaves of 20 rows keep
    the answers of so few from being 0 and 1.
    """
    binned = np.column_stack([bins_of(z) for z in Z.T])
    forest = RandomForestClassifier(100, min_samples_leaf=20, max_samples=0.5, oob_score=True, random_state=seed)
    forest.fit(binned, codes)
    return dict(zip(forest.classes_.tolist(), forest.oob_decision_function_.T, strict=True))


def leaf_audit(
    leaf: ArrayLike,
    attributes: pd.DataFrame,
    *,
    names: Mapping[Any, str] | None = None,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    subject: str = "student",
    options: GroupOptions = SINGLE_ATTRIBUTES,
) -> pd.DataFrame:
    """Which rule meets whom: the make-up of every leaf, against that of all rows.

    Parameters
    ----------
    leaf : array of shape (n,)
        Leaf, rule or region of each row.
    attributes : DataFrame of n rows
    names : mapping of leaf to words, optional
    sample_weight, clusters, subject
        As in the other measures.
    options : GroupOptions
        All but the reference; its ``min_group_size`` counts the rows of a leaf.

    Returns
    -------
    DataFrame
        Canonical columns with ``metric`` ``leaf_share`` (``k`` of the ``n`` rows of the leaf are in the group; Wilson's
        interval) and the leaf in ``subset``; then ``overall``, the group's share of all rows.

    Examples
    --------
    >>> table = leaf_audit([1, 1, 2, 2], pd.DataFrame({"sex": ["f", "f", "f", "m"]}))
    >>> table[["subset", "group", "estimate", "overall"]].values.tolist()
    [['1', 'f', 1.0, 0.75], ['2', 'f', 0.5, 0.75], ['1', 'm', 0.0, 0.25], ['2', 'm', 0.5, 0.25]]
    """
    places, codes = np.unique(np.asarray(leaf), return_inverse=True)
    if len(codes) != len(attributes):
        raise InvalidInputError(f"attributes must have one row per leaf entry, {len(codes)}, got {len(attributes)}")
    words = [str((names or {}).get(p, p)) for p in places.tolist()]
    w = weights_of(sample_weight, len(codes))
    lines: list[Line] = []
    for grouping in groupings(attributes, options.intersections):
        for code, group in enumerate(grouping.names):
            inside = grouping.codes == code
            who = [{"subject": subject, "attribute": grouping.attribute, "group": group, "subset": w} for w in words]
            counted = tally(inside, codes, len(places), sample_weight=w, clusters=clusters)
            parts = shares("leaf_share", counted, who, level=options.level, minimum=options.min_group_size)
            lines += [line | {"overall": float(np.average(inside, weights=w))} for line in parts]
    return frame(lines, extra=["overall"])
