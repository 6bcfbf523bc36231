"""Are made-up rows believable? How well boosting tells them from real ones, how new, legal and near they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

__all__ = ["AUC_LIMIT", "AllowedRows", "believability", "broken", "worries"]

Floats = NDArray[np.float64]
AUC_LIMIT = 0.8
"""Where even the lower limit of the two-sample AUC is above this, the rows are not believable. A trade-off: made-up
rows are never perfect, so that a limit near 0.5 would always warn, one near 1 only where a column gives all away."""
NEAR_SHARE = 0.05
"""A made-up row is near where it is nearer to a row of fitting than this share of held-out rows is."""
JUDGE_ITERATIONS = 60
"""Trees of the judge. A trade-off between a judge that finds what is wrong and the time it takes in every audit."""
JUDGE_FOLDS = 3
"""Each row is judged by trees grown on the other two thirds; more folds judge on more rows and take longer."""
MAX_CATEGORIES = 254
"""scikit-learn's boosting takes fewer categories than it has bins, which are 255 at most; a column with more is judged
by its codes as numbers."""
FEWEST = 10
"""Rows of each kind below which nothing is said: with three folds, some three rows would judge."""

Holds = Callable[[Floats], NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class AllowedRows:
    """What a made-up row may be.

    Attributes
    ----------
    schema : Schema
        Of the rows of fitting: bounds, kinds, categories.
    holds : callable, optional
        Which encoded rows ``(n, d)`` keep the user's constraints.
    private : bool
        Whether copies of rows of fitting were forbidden; each one then is a violation.

    Examples
    --------
    >>> allowed = AllowedRows(Schema.infer(pd.DataFrame({"age": [18, 60]})))
    >>> allowed.broken(np.array([[40.0], [99.0]]), np.array([True, False])).tolist()
    [False, True]
    """

    schema: Schema
    holds: Holds | None = None
    private: bool = False

    def broken(self, Z: Floats, copies: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Encoded rows that break the schema or a constraint, or that are forbidden copies."""
        wrong = broken(Z, self.schema) | (copies & self.private)
        return wrong if self.holds is None else wrong | ~self.holds(Z)


def believability(
    sampled: pd.DataFrame,
    held_out: pd.DataFrame,
    fitting: pd.DataFrame,
    allowed: AllowedRows,
    *,
    most: int | None = None,
    subject: str = "",
    random_state: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Hold made-up rows against real ones that the sampler did not see.

    Parameters
    ----------
    sampled, held_out, fitting : DataFrame
        Made-up rows; real rows that the sampler did not see; real rows that it did.
    allowed : AllowedRows
        What a made-up row may be.
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
    Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests, arXiv:1610.06545; Wilson (1927),
    doi:10.1080/01621459.1927.10502953 (shares).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = pd.DataFrame({"x": rng.normal(size=400)})
    >>> far = pd.DataFrame({"x": rng.normal(3.0, size=200)})
    >>> table = believability(far, real[200:], real[:200], AllowedRows(Schema.infer(real))).set_index("metric")
    >>> bool(table.loc["two_sample_auc", "low"] > AUC_LIMIT), float(table.loc["novel", "estimate"])
    (True, 1.0)
    """
    schema = allowed.schema
    for name, rows in (("sampled", sampled), ("held_out", held_out), ("fitting", fitting)):
        if len(rows) < FEWEST:
            raise InvalidInputError(f"{name} must have at least {FEWEST} rows, got {len(rows)}")
    Z, H, F = (schema.encode(rows) for rows in (sampled, held_out, fitting))
    copies = np.isin(_key(sampled, schema), _key(fitting, schema))
    lines = [_auc(Z, H, schema, random_state, level)]
    lines += [_share("novel", ~copies, level), _share("violations", allowed.broken(Z, copies), level)]
    if most is not None and len(F) > most:
        F = F[np.sort(np.random.default_rng(random_state).choice(len(F), most, replace=False))]
    lines += _distances(Z, H, F, schema, level)
    return frame([{**line, "subject": subject, "reason": _advice(line, allowed.private)} for line in lines])


def broken(Z: Floats, schema: Schema) -> NDArray[np.bool_]:
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
    if line["metric"] == "novel" and line["k"] == 0:
        return (
            f"none of {int(line['n'])} is new, each equals a row of fitting, so that they add weight and "
            f"nothing else; give "
            "more columns or rows, or take another sampler"
        )
    if line["metric"] == "near" and private and line["low"] > NEAR_SHARE:
        return (
            f"{line['estimate']:.0%} lie nearer to a row of fitting than {NEAR_SHARE:.0%} of held-out rows do: no "
            "copies, but close to single people; raise n_neighbours, or use CopulaSampler(n_groups=1)"
        )
    return ""


def _key(rows: pd.DataFrame, schema: Schema) -> NDArray[np.uint64]:
    """First word of each row's key: 64 bits are enough to look for equal rows among thousands."""
    return row_keys(schema.frame(rows))[:, 0]


def _share(metric: str, true: NDArray[np.bool_], level: float) -> dict[str, Any]:
    n, k = len(true), int(true.sum())
    low, high = wilson(k, n, level)
    return row(metric, k / n, float(low), float(high), n=n, k=k, method="wilson")


def _auc(Z: Floats, H: Floats, schema: Schema, seed: int, level: float) -> dict[str, Any]:
    """Chance that a made-up row gets a higher score than a real one, ties half; scores are out of fold.

    The interval takes the scores as those of one fixed judge: that the judge is grown on these rows is left out.
    """
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


def _distances(Z: Floats, H: Floats, F: Floats, schema: Schema, level: float) -> list[dict[str, Any]]:
    """Distances of made-up rows Z and of held-out rows H to the nearest row of fitting F.

    A row of Z is near below the 5 % quantile of the distances of H, which is taken as known.
    """
    points = positions(np.concatenate([Z, H, F]), schema)
    cut = len(Z) + len(H)
    sampled, held_out = gaps(points[: len(Z)], points[cut:]), gaps(points[len(Z) : cut], points[cut:])
    limit = np.quantile(held_out, NEAR_SHARE)
    return [
        _share("near", sampled < limit, level),
        _median("distance_made", sampled, level),
        _median("distance_held", held_out, level),
    ]


def _median(metric: str, x: Floats, level: float) -> dict[str, Any]:
    r"""Median with the order statistics that hold it with at least ``level`` (binomial, free of any distribution).

    With :math:`x_{(1)} \le \dots \le x_{(n)}`, :math:`x_{(r)}` to :math:`x_{(n-r+1)}` miss the median with probability
    :math:`2 P(B \le r - 1)`, B binomial of n and one half; r is the quantile of B at half of ``1 - level``.
    """
    n, ranked = len(x), np.sort(x)
    below = int(binom.ppf((1 - level) / 2, n, 0.5))
    low, high = ranked[max(below - 1, 0)], ranked[min(n - below, n - 1)]
    return row(metric, float(np.median(x)), float(low), float(high), n=n, method="order statistics")
