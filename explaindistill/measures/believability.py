"""Are made-up rows believable? How well boosting tells them from real ones, how new, legal and near they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from explaindistill.data.neighbours import gaps, positions
from explaindistill.data.row_keys import row_keys
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.numerics.statistics.ranks import auc_and_interval

__all__ = ["AUC_LIMIT", "believability", "broken", "worries"]

AUC_LIMIT = 0.8
"""Where even the lower limit of the two-sample AUC is above this, the rows are not believable."""
NEAR_SHARE = 0.05
"""A made-up row is near where it is nearer to a row of fitting than this share of held-out rows is."""
JUDGE_ITERATIONS = 60
JUDGE_FOLDS = 3
MAX_CATEGORIES = 254

Rule = Callable[[NDArray[np.float64]], NDArray[np.bool_]]


def believability(
    made: pd.DataFrame,
    held: pd.DataFrame,
    fitted: pd.DataFrame,
    *,
    schema: Schema,
    kept: Rule | None = None,
    private: bool = False,
    most: int | None = None,
    subject: str = "",
    random_state: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Hold made-up rows against real ones that the sampler did not see.

    Parameters
    ----------
    made, held, fitted : DataFrame
        Made-up rows; real rows that the sampler did not see; real rows that it did.
    schema : Schema
        Of the rows of fitting.
    kept : callable, optional
        Which encoded rows ``(n, d)`` keep the user's constraints.
    private : bool, default=False
        Whether copies of rows of fitting were forbidden; each one then is a violation.
    most : int, optional
        Distances are taken to so many rows of fitting at most, drawn at random.
    subject : str
    random_state : int
    level : float

    Returns
    -------
    DataFrame
        Canonical columns; metrics: ``two_sample_auc`` (chance that boosting, judging rows it was not trained on, finds
        a made-up row likelier made up than a real one: 0.5 is perfect), ``novel`` (share of made-up rows that equal no
        row of fitting), ``violations`` (share that breaks a bound, a kind, a category, a constraint or privacy),
        ``near`` (share nearer to a row of fitting than 5 % of the held-out rows are: 0.05 is as near as real ones),
        ``distance_made`` and ``distance_held`` (median distance to the nearest row of fitting; every column counts
        alike, two different categories lie 1 apart).

    Raises
    ------
    InvalidInputError
        For fewer than 10 rows of any kind.

    References
    ----------
    Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests, arXiv:1610.06545.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = pd.DataFrame({"x": rng.normal(size=400)})
    >>> far = pd.DataFrame({"x": rng.normal(3.0, size=200)})
    >>> found = believability(far, real[200:], real[:200], schema=Schema.infer(real)).set_index("metric")
    >>> bool(found.loc["two_sample_auc", "low"] > AUC_LIMIT), float(found.loc["novel", "estimate"])
    (True, 1.0)
    """
    for name, rows in (("made", made), ("held", held), ("fitted", fitted)):
        if len(rows) < 10:
            raise InvalidInputError(f"{name} must have at least 10 rows, got {len(rows)}")
    Z, H, F = (schema.encode(rows) for rows in (made, held, fitted))
    copies = np.isin(_key(made, schema), _key(fitted, schema))
    wrong = broken(Z, schema) | (~kept(Z) if kept is not None else False) | (copies & private)
    lines = [_auc(Z, H, schema, random_state, level)]
    lines += [_share("novel", ~copies, level), _share("violations", wrong, level)]
    if most is not None and len(F) > most:
        F = F[np.sort(np.random.default_rng(random_state).choice(len(F), most, replace=False))]
    lines += _distances(Z, H, F, schema, level)
    return frame([{**line, "subject": subject, "reason": _advice(line, private)} for line in lines])


def broken(Z: NDArray[np.float64], schema: Schema) -> NDArray[np.bool_]:
    """Encoded rows with a value outside its bounds, kind, categories or one-hot group, or missing where nothing was.

    Examples
    --------
    >>> schema = Schema.infer(pd.DataFrame({"age": [18, 30, 60], "home": ["own", "rent", "own"]}))
    >>> broken(np.array([[40.0, 1.0], [17.0, 0.0], [40.5, 0.0], [40.0, 2.0]]), schema).tolist()
    [False, True, True, True]
    """
    wrong = np.zeros(len(Z), dtype=bool)
    for i, feature in enumerate(schema.features):
        z = Z[:, i]
        wrong |= np.isnan(z) & (not feature.nullable)
        if feature.is_category:
            wrong |= (z < 0) | (z >= len(feature.categories))
            continue
        wrong |= (z < feature.minimum) | (z > feature.maximum)
        if feature.kind in ("integer", "boolean"):
            wrong |= np.isfinite(z) & (z != np.rint(z))
    for names in schema.one_hot_groups.values():
        wrong |= Z[:, [schema.names.index(name) for name in names]].sum(axis=1) != 1.0
    return wrong


def worries(table: pd.DataFrame) -> list[str]:
    """What is bad about the rows, each with advice; nothing where nothing is.

    Examples
    --------
    >>> line = {"subject": "tree", "status": "ok", "reason": "boosting tells them from real ones; take another sampler"}
    >>> worries(pd.DataFrame([line, line | {"reason": ""}]))
    ['made-up rows of tree: boosting tells them from real ones; take another sampler']
    """
    bad = table[(table["status"] == "ok") & (table["reason"] != "")]
    return [f"made-up rows of {line['subject']}: {line['reason']}" for line in bad.to_dict("records")]


def _advice(line: dict[str, Any], private: bool) -> str:
    """What is bad about one figure, and the way out; empty where it is not bad."""
    if line["metric"] == "two_sample_auc" and line["low"] > AUC_LIMIT:
        return (
            f"easy to tell from real rows (two-sample AUC at least {line['low']:.2f}), so the student also learnt on "
            "rows that do not occur; try MungeSampler or CopulaSampler, give more real rows, or ask fewer made-up ones"
        )
    if line["metric"] == "violations" and line["k"] > 0:
        what = "a bound, a category, a constraint" + (" or privacy (a copy of a real row)" if private else "")
        return f"{int(line['k'])} of {int(line['n'])} break {what}; see to the sampler"
    if line["metric"] == "near" and private and line["low"] > NEAR_SHARE:
        return (
            f"{line['estimate']:.0%} lie nearer to a row of fitting than {NEAR_SHARE:.0%} of held-out rows do: no "
            "copies, but close to single people; raise n_neighbours, or use CopulaSampler(n_groups=1)"
        )
    return ""


def _key(rows: pd.DataFrame, schema: Schema) -> NDArray[np.uint64]:
    return row_keys(schema.frame(rows))[:, 0]


def _share(metric: str, true: NDArray[np.bool_], level: float) -> dict[str, Any]:
    n, k = len(true), int(true.sum())
    low, high = wilson(k, n, level)
    return row(metric, k / n, float(low), float(high), n=n, k=k, method="wilson")


def _auc(Z: NDArray[np.float64], H: NDArray[np.float64], schema: Schema, seed: int, level: float) -> dict[str, Any]:
    both = np.concatenate([H, Z])
    y = np.repeat([0, 1], [len(H), len(Z)])
    categories = [f.is_category and len(f.categories) <= MAX_CATEGORIES for f in schema.features]
    judge = HistGradientBoostingClassifier(
        max_iter=JUDGE_ITERATIONS, categorical_features=categories, early_stopping=False, random_state=seed
    )
    folds = StratifiedKFold(JUDGE_FOLDS, shuffle=True, random_state=seed)
    with threadpool_limits(1, user_api="openmp"):  # sums of several threads would not be the same in every run
        score = cross_val_predict(judge, both, y, cv=folds, method="predict_proba")[:, 1]
    estimate, low, high = auc_and_interval(score, y == 1, level=level)
    return row("two_sample_auc", estimate, low, high, n=len(y), method="out-of-fold boosting, interval of the AUC")


def _distances(
    Z: NDArray[np.float64], H: NDArray[np.float64], F: NDArray[np.float64], schema: Schema, level: float
) -> list[dict[str, Any]]:
    points = positions(np.concatenate([Z, H, F]), schema)
    cut = len(Z) + len(H)
    made, held = gaps(points[: len(Z)], points[cut:]), gaps(points[len(Z) : cut], points[cut:])
    limit = np.quantile(held, NEAR_SHARE)
    return [
        _share("near", made < limit, level),
        _median("distance_made", made, level),
        _median("distance_held", held, level),
    ]


def _median(metric: str, x: NDArray[np.float64], level: float) -> dict[str, Any]:
    """Median with the order statistics that hold it with at least ``level`` (binomial, free of any distribution)."""
    n, ranked = len(x), np.sort(x)
    below = int(binom.ppf((1 - level) / 2, n, 0.5))
    low, high = ranked[max(below - 1, 0)], ranked[min(n - below, n - 1)]
    return row(metric, float(np.median(x)), float(low), float(high), n=n, method="order statistics")
