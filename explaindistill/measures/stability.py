"""Stability, the question whether another draw of rows and seeds would have told the same story."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.ranks import spearman

__all__ = ["splits_of", "stability"]

Split = tuple[str, float | frozenset[frozenset[str]]]
"""A question of a tree: column and either a threshold or the two sets of categories."""

SHARED_SPLIT = 1 / 16
"""Share of rows between two thresholds up to which they are the same question. A trade-off: refits hardly ever cut
between the very same two rows, and thresholds far apart divide other people."""
FEWEST = 3
"""Refits: two make a single pair, whose spread nobody can tell."""


def stability(
    refit: Callable[[int], Any],
    X: pd.DataFrame,
    answer: Callable[[Any, pd.DataFrame], NDArray[Any]],
    *,
    seeds: Iterable[int] = range(5),
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """Refit a student on redrawn rows and compare every two of the refits.

    =========================  ===============================================================================
    metric                     mean over pairs of refits of
    =========================  ===============================================================================
    ``refit_agreement``        share of rows of X with the same answer (R² of the answers where they are numbers)
    ``refit_features``         Jaccard overlap of the columns they use
    ``refit_splits``           share of splits they have in common (trees; same column, thresholds with at most a
                               sixteenth of the rows of X between them, or the same set of categories)
    ``refit_importance``       rank correlation of the importances of their own structure
    =========================  ===============================================================================

    Parameters
    ----------
    refit : callable
        From a seed to a fitted student; redraws rows, corpus and seed.
    X : DataFrame of n rows
        Rows that answers are compared on.
    answer : callable
        From a student and rows to decisions ``(n,)`` or float values ``(n,)``.
    seeds : iterable of int, at least 3
    level, subject
        As in the other measures.

    Returns
    -------
    DataFrame
        Canonical columns; ``n`` is the number of refits, the interval the jackknife's over refits (pairs that share a
        refit are not independent). A metric that the student's kind has not is ``undefined``.

    References
    ----------
    Efron and Stein (1981), doi:10.1214/aos/1176345462 (jackknife of a symmetric statistic); Jaccard (1912),
    doi:10.1111/j.1469-8137.1912.tb05611.x.

    Examples
    --------
    >>> from explaindistill import TreeClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"a": rng.random(300), "b": rng.random(300)})
    >>> def refit(seed):
    ...     rows = X.sample(300, replace=True, random_state=seed)
    ...     return TreeClassifier(max_leaf_nodes=2).fit(rows, rows["a"] > 0.5)
    >>> table = stability(refit, X, lambda student, rows: student.predict(rows)).set_index("metric")
    >>> bool(table.loc["refit_agreement", "estimate"] > 0.95), float(table.loc["refit_features", "estimate"])
    (True, 1.0)
    """
    numbers = list(seeds)
    if len(numbers) < FEWEST:
        raise InvalidInputError(f"seeds must be at least {FEWEST}, got {len(numbers)}")
    students = [refit(seed) for seed in numbers]
    answers = [np.asarray(answer(s, X)).ravel() for s in students]
    lines = [_line("refit_agreement", _pairs(answers, _same), len(numbers), level, subject)]
    importances = [s.importance().set_index("feature")["estimate"] for s in students if hasattr(s, "importance")]
    if len(importances) == len(students):
        lines += list(_structure(students, importances, X, level, subject))
    else:
        names = ("refit_features", "refit_splits", "refit_importance")
        lines += [_undefined(name, "this student does not tell its structure", subject) for name in names]
    return frame(lines)


def _structure(
    students: Sequence[Any], importances: Sequence[pd.Series], X: pd.DataFrame, level: float, subject: str
) -> Iterator[dict[str, Any]]:
    """What refits have in common: columns with any importance, splits, and the order of the columns."""
    n = len(students)
    used = [set(importance.index[importance > 0]) for importance in importances]
    yield _line("refit_features", _pairs(used, _jaccard), n, level, subject)
    splits = [splits_of(s.to_dict()) if hasattr(s, "to_dict") else None for s in students]
    if all(s is not None for s in splits):
        yield _line("refit_splits", _pairs(splits, lambda a, b: _shared(a, b, X)), n, level, subject)
    else:
        yield _undefined("refit_splits", "only trees have splits", subject)
    order = importances[0].index
    ranked = [importance.reindex(order).fillna(0.0).to_numpy() for importance in importances]
    yield _line("refit_importance", _pairs(ranked, _rank), n, level, subject)


def splits_of(form: Any) -> list[Split] | None:
    """Splits of a tree's JSON form; None where it is no tree.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> tree = TreeRegressor(max_leaf_nodes=2).fit(pd.DataFrame({"age": [20, 30, 40, 50] * 10}), [0, 0, 1, 1] * 10)
    >>> splits_of(tree.to_dict())
    [('age', 35.0)]
    >>> splits_of({"format": "no tree"}) is None
    True
    """
    if not isinstance(form, dict) or not isinstance(nodes := form.get("nodes"), list):
        return None
    try:
        categories = {f["name"]: [str(c) for c in f["categories"]] for f in form["schema"]["features"]}
        return [(str(node["feature"]), _question(node, categories)) for node in nodes if "feature" in node]
    except (KeyError, TypeError, ValueError, IndexError):  # the nodes of another package's form
        return None


def _question(node: dict[str, Any], categories: dict[str, list[str]]) -> float | frozenset[frozenset[str]]:
    """Threshold, or both sets of categories without saying which of them goes left."""
    if "left_categories" not in node:
        return float(node["threshold"])
    names = categories[node["feature"]]
    side = frozenset(names[code] for code in node["left_categories"])
    return frozenset({side, frozenset(names) - side})


def _shared(a: list[Split], b: list[Split], X: pd.DataFrame) -> float:
    """Share of splits in common, each matched once: twice the matches over the number of both."""
    if not a and not b:
        return 1.0
    rest = list(b)
    matched = 0
    for split in a:
        hit = next((other for other in rest if _alike(split, other, X)), None)
        if hit is not None:
            rest.remove(hit)
            matched += 1
    return 2 * matched / (len(a) + len(b))


def _alike(first: Split, second: Split, X: pd.DataFrame) -> bool:
    """Whether two splits ask the same; dates are compared in seconds since 1970, as thresholds hold them."""
    if first[0] != second[0] or isinstance(first[1], frozenset) != isinstance(second[1], frozenset):
        return False
    if isinstance(first[1], frozenset) or isinstance(second[1], frozenset):
        return first[1] == second[1]
    if first[0] not in X:  # a column that a transformer made: thresholds are the same question where they are equal
        return first[1] == second[1]
    low, high = sorted((first[1], second[1]))
    column = X[first[0]]
    if column.dtype.kind == "M":
        values = column.to_numpy("datetime64[us]").astype("int64") / 1e6
    else:
        values = column.to_numpy(dtype=float, na_value=np.nan)
    return bool(((values > low) & (values <= high)).mean() <= SHARED_SPLIT)


def _pairs(things: Sequence[Any], compare: Callable[[Any, Any], float]) -> NDArray[np.float64]:
    """Comparison of every two things, symmetric, NaN on the diagonal."""
    out = np.full((len(things), len(things)), np.nan)
    for i, j in combinations(range(len(things)), 2):
        out[i, j] = out[j, i] = compare(things[i], things[j])
    return out


def _same(a: NDArray[Any], b: NDArray[Any]) -> float:
    r"""Share of equal decisions; of values :math:`1 - 2\,\overline{(a-b)^2} / (s_a^2 + s_b^2)`.

    That is an R² in which neither of the two is the truth: 1 where they are equal, about -1 for values of one mean that
    have nothing to do with each other. Two constants count as 1.
    """
    if a.dtype.kind != "f":
        return float((a == b).mean())
    spread = ((a - a.mean()) ** 2).mean() + ((b - b.mean()) ** 2).mean()
    return 1.0 - 2 * float(((a - b) ** 2).mean()) / float(spread) if spread > 0 else 1.0


def _jaccard(a: set[str], b: set[str]) -> float:
    """Share of the columns that either uses which both use; 1 where neither uses any."""
    return len(a & b) / len(a | b) if a | b else 1.0


def _rank(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return spearman(a, b)


def _line(metric: str, pairs: NDArray[np.float64], n: int, level: float, subject: str) -> dict[str, Any]:
    r"""Mean over pairs with the jackknife's interval over refits.

    With :math:`m_i` the mean over pairs without refit i of n, the variance is
    :math:`\frac{n-1}{n} \sum_i (m_i - \bar m)^2`, at n - 1 degrees of freedom. With three refits a pair is left when
    one goes: no interval then.
    """
    if not np.isfinite(pairs[~np.eye(n, dtype=bool)]).all():
        return _undefined(metric, "not defined for every pair of refits", subject)
    whole = float(np.nanmean(pairs))
    low = high = np.nan
    if n > FEWEST:
        without = np.array([np.nanmean(np.delete(np.delete(pairs, i, 0), i, 1)) for i in range(n)])
        spread = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
        half = float(stats.t.ppf((1 + level) / 2, n - 1) * spread)
        low, high = max(whole - half, -1.0), min(whole + half, 1.0)
    return row(metric, whole, low, high, n=n, method="jackknife over refits", subject=subject)


def _undefined(metric: str, reason: str, subject: str) -> dict[str, Any]:
    return row(metric, np.nan, np.nan, np.nan, n=0, subject=subject, status="undefined", reason=reason)
