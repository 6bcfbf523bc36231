"""How a protected attribute acts on answers: flips of the attribute, proxies for it, leaves that meet one group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from explaindistill.errors import InvalidInputError
from explaindistill.measures._rows import frame, row, shares
from explaindistill.measures.groups import groupings
from explaindistill.numerics.ranks import auc_and_interval
from explaindistill.numerics.single_column import bins_of, out_of_fold_means
from explaindistill.numerics.tallies import tally
from explaindistill.schema import Schema

__all__ = ["flips", "leaf_audit", "proxies", "with_use"]

Line = dict[str, Any]
FOLDS = 5


def flips(
    decide: Callable[[pd.DataFrame], NDArray[Any]],
    X: pd.DataFrame,
    attribute: str,
    *,
    score: Callable[[pd.DataFrame], NDArray[np.float64]] | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """Share of decisions that change when only the attribute is changed to each of its other values.

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

    Returns
    -------
    DataFrame
        Canonical columns; ``group`` is the value that rows of other values are changed to.

    Examples
    --------
    >>> X = pd.DataFrame({"sex": ["f", "m"] * 20, "x": range(40)})
    >>> flips(lambda rows: rows["x"].to_numpy() > 9, X, "sex")["estimate"].tolist()
    [0.0, 0.0]
    """
    if attribute not in X.columns:
        raise InvalidInputError(f"attribute must be a column of X, got {attribute!r}")
    values = list(pd.unique(X[attribute].dropna()))
    if len(values) > 50:
        raise InvalidInputError(f"attribute must have at most 50 different values, {attribute} has {len(values)}")
    before = np.asarray(decide(X))
    chance = None if score is None else np.asarray(score(X), dtype=float)
    lines: list[Line] = []
    for value in sorted(values, key=str):
        changed = X.copy()
        changed[attribute] = pd.Series([value] * len(X), index=X.index).astype(X[attribute].dtype)
        other = np.where((X[attribute] != value).fillna(True).to_numpy(dtype=bool), 0, -1)
        names = {"subject": subject, "attribute": attribute, "group": str(value)}
        counted = tally(np.asarray(decide(changed)) != before, other, 1)
        lines += shares("flip_rate", counted, [names], level=level)
        if score is not None and chance is not None:
            moved = (np.asarray(score(changed), dtype=float) - chance)[other == 0]
            n = len(moved)
            half = special.stdtrit(n - 1, 0.5 + level / 2) * moved.std(ddof=1) / n**0.5 if n > 1 else np.nan
            mean = float(moved.mean()) if n else np.nan
            lines.append(row("flip_score", mean, mean - half, mean + half, n=n, method="t, paired", **names))
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
    boosted trees. The AUC is about 0.5 where nothing is given away.

    Parameters
    ----------
    X : DataFrame of n rows
        Columns that a model sees; sensitive columns among them are left out.
    attributes : DataFrame of n rows
    importance : mapping of column to share, optional
        Of the model's importance; ``use`` is that share, ``proxy_use`` the share times ``2 AUC - 1``.
    max_rows : int
        At most so many rows are used.

    Returns
    -------
    DataFrame
        Canonical columns with ``metric`` ``proxy_auc``, then ``feature`` (``(all)`` for all columns), ``use`` and
        ``proxy_use``. Groups with fewer rows than twice the folds are ``undefined``.
    """
    if len(X) != len(attributes):
        raise InvalidInputError(f"attributes must have one row per row of X, {len(X)}, got {len(attributes)}")
    rng = np.random.default_rng(random_state)
    chosen = np.sort(rng.permutation(len(X))[:max_rows])
    seen = X.drop(columns=[c for c in attributes.columns if c in X.columns]).iloc[chosen]
    encoded = np.asarray(Schema.infer(seen).encode(seen)) if seen.shape[1] else np.empty((len(chosen), 0))
    codes = {str(c): bins_of(encoded[:, i]) for i, c in enumerate(seen.columns)}
    lines: list[Line] = []
    for grouping in groupings(attributes, intersections=False):
        for code, name in enumerate(grouping.names):
            if grouping.missing[code] or (len(grouping) == 2 and code == 1 and not grouping.missing.any()):
                continue  # of two groups the second says the same as the first
            inside = grouping.codes[chosen] == code
            names: Line = {"subject": subject, "attribute": grouping.attribute, "group": name, "n": len(chosen)}
            names |= {"k": float(inside.sum()), "method": "out of fold, newcombe 2006 and logit"}
            for feature in ("(all)", *codes):
                found = _given_away(encoded, codes.get(feature), inside, level, random_state)
                lines.append(row("proxy_auc", *found, feature=feature, **names))
    table = frame(lines, extra=["feature"])
    return with_use(table, importance, subject)


def with_use(found: pd.DataFrame, importance: Mapping[str, float] | None, subject: str) -> pd.DataFrame:
    """Strengths of proxies beside their use by one model: ``use`` and ``proxy_use``, NaN where it is not known."""
    shares = dict.fromkeys(found["feature"], np.nan) if importance is None else dict(importance)
    use = np.array([np.nan if f == "(all)" else float(shares.get(f, 0.0)) for f in found["feature"]])
    strength = np.maximum(2 * found["estimate"].to_numpy() - 1, 0.0)
    return found.assign(subject=subject, use=use, proxy_use=use * strength)


def _given_away(
    Z: NDArray[np.float64], codes: NDArray[np.int64] | None, inside: NDArray[np.bool_], level: float, seed: int
) -> tuple[float, float, float]:
    """AUC of membership by one column (its bins), or by all where there are no bins."""
    if min(inside.sum(), (~inside).sum()) < 2 * FOLDS or Z.shape[1] == 0:
        return np.nan, np.nan, np.nan
    if codes is not None:
        return auc_and_interval(out_of_fold_means(codes, inside, seed, FOLDS), inside, level=level)
    learner = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=8, early_stopping=False, random_state=seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    chance = cross_val_predict(learner, Z, inside, cv=folds, method="predict_proba")[:, 1]
    return auc_and_interval(chance, inside, level=level)


def leaf_audit(
    leaf: ArrayLike,
    attributes: pd.DataFrame,
    *,
    names: Mapping[Any, str] | None = None,
    intersections: bool | int = False,
    min_group_size: int = 30,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """Which rule meets whom: the make-up of every leaf, against that of all rows.

    Parameters
    ----------
    leaf : array of shape (n,)
        Leaf, rule or region of each row.
    attributes : DataFrame of n rows
    names : mapping of leaf to words, optional

    Returns
    -------
    DataFrame
        Canonical columns with ``metric`` ``leaf_share`` (of the leaf's rows, those in the group) and the leaf in
        ``subset``; then ``overall``, the group's share of all rows.

    Examples
    --------
    >>> found = leaf_audit([1, 1, 2, 2], pd.DataFrame({"sex": ["f", "f", "f", "m"]}))
    >>> found[["subset", "group", "estimate", "overall"]].values.tolist()
    [['1', 'f', 1.0, 0.75], ['2', 'f', 0.5, 0.75], ['1', 'm', 0.0, 0.25], ['2', 'm', 0.5, 0.25]]
    """
    places, codes = np.unique(np.asarray(leaf), return_inverse=True)
    if len(codes) != len(attributes):
        raise InvalidInputError(f"attributes must have one row per leaf entry, {len(codes)}, got {len(attributes)}")
    words = [str((names or {}).get(p, p)) for p in places.tolist()]
    lines: list[Line] = []
    for grouping in groupings(attributes, intersections):
        for code, group in enumerate(grouping.names):
            inside = grouping.codes == code
            who = [{"subject": subject, "attribute": grouping.attribute, "group": group, "subset": w} for w in words]
            counted = tally(inside, codes, len(places))
            found = shares("leaf_share", counted, who, level=level, minimum=min_group_size)
            lines += [line | {"overall": float(inside.mean())} for line in found]
    return frame(lines, extra=["overall"])
