"""Whether a score uses inputs that are not in the data: three statements, none of them a lone p-value.

A significant correlation of residuals cannot tell a missing input from a learner that is too simple. So it is asked
whether a flexible learner explains the score whole, whether equal rows have unequal scores, and, where neither settles
it, how much is left over for two learners, and whether more rows would help.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.row_keys import row_keys
from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.numerics.statistics.ranks import spearman_interval
from explaindistill.numerics.statistics.resampling import row_counts

__all__ = ["LearningOptions", "duplicate_scores", "missing_inputs", "missing_inputs_statement"]

Floats = NDArray[np.float64]
Learner = Callable[[pd.DataFrame, Floats], Callable[[pd.DataFrame], Floats]]
EXPLAINED = 0.99
"""From this share of the score's variance on (lower end), nothing that matters is missing. A trade-off: a learner never
explains all, and what one percent of the variance may hide is small beside what decides."""


@dataclass(frozen=True)
class LearningOptions:
    """How learners are asked what the columns explain.

    Attributes
    ----------
    shares : floats in (0, 1]
        Shares of the fitting rows for the learning curve; 1 comes last.
    n_folds : int, at least 2
        Each row is answered by learners that did not see it. A trade-off: more folds leave more rows to learn from.
    tolerance : float, at least 0
        Scores of equal rows that differ by less are the same: written out and read back, a score loses digits.
    n_draws : int
        Bootstrap samples of rows for the intervals of the explained shares.
    max_rows : int or None
        At most so many rows, drawn at random, are shown to the learners; equal rows are looked for among all.

    Examples
    --------
    >>> LearningOptions(shares=(1.0,)).n_folds
    5
    """

    shares: Sequence[float] = (0.25, 0.5, 1.0)
    n_folds: int = 5
    tolerance: float = 1e-9
    n_draws: int = 200
    max_rows: int | None = 10_000


LEARNING = LearningOptions()


def missing_inputs(
    X: pd.DataFrame,
    score: ArrayLike,
    outcome: ArrayLike | None,
    learners: Mapping[str, Learner],
    *,
    level: float = 0.95,
    rng: np.random.Generator | int = 0,
    options: LearningOptions = LEARNING,
) -> pd.DataFrame:
    r"""Measure what the columns leave unexplained of a score.

    With s the score of a row and :math:`\hat s` the answer of a learner that did not see the row, what a learner
    explains is :math:`1 - \overline{(s - \hat s)^2} / \overline{(s - \bar s)^2}`.

    Parameters
    ----------
    X : DataFrame of n rows
    score : array of shape (n,)
        The black box's score, on the scale on which it is compared.
    outcome : array of shape (n,), optional
        Outcome as a number; without it nothing is said of its errors.
    learners : mapping of name to callable
        From rows and targets to a fitted function from rows to values; the most flexible one last.
    level : float
    rng : Generator or int
    options : LearningOptions

    Returns
    -------
    DataFrame
        Canonical columns; ``subject`` is the learner. ``score_explained`` (R² of each learner, ``subset`` says of how
        many rows; the interval is a bootstrap of rows with their errors), ``residual_correlation`` (Pearson's, of the
        errors on score and outcome, with Fisher's z), and the lines of :func:`duplicate_scores`.

    References
    ----------
    Tan, Caruana, Hooker and Lou (2018), arXiv:1710.06169; Shah and Peters (2020), arXiv:1804.07203.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"seen": rng.normal(size=300)})
    >>> def line(rows, targets):
    ...     return LinearRegression().fit(rows, targets).predict
    >>> options = LearningOptions(shares=[1.0])
    >>> table = missing_inputs(X, X["seen"] + rng.normal(size=300), None, {"line": line}, options=options)
    >>> table.loc[table["metric"] == "score_explained", ["low", "high"]].round(1).values.tolist()
    [[0.4, 0.6]]
    """
    s = np.asarray(score, dtype=float)
    if len(s) != len(X):
        raise InvalidInputError(f"score must have one value per row, {len(X)}, got {len(s)}")
    if not 2 <= options.n_folds <= len(X):
        raise InvalidInputError(f"n_folds must lie between 2 and the number of rows, {len(X)}, got {options.n_folds}")
    generator = np.random.default_rng(rng)
    equal = duplicate_scores(X, s, tolerance=options.tolerance, level=level)
    y = None if outcome is None else np.asarray(outcome, dtype=float)
    if options.max_rows is not None and len(X) > options.max_rows:
        at = np.sort(generator.choice(len(X), options.max_rows, replace=False))
        X, s, y = X.iloc[at].reset_index(drop=True), s[at], None if y is None else y[at]
    fold = generator.permutation(len(X)) % options.n_folds
    lines = []
    for name, learner in learners.items():
        for share in options.shares:
            error = s - _out_of_fold(X, s, learner, fold, share, generator)
            subset = "all rows" if share == 1 else f"{share:.0%} of the rows"
            line = _explained(error, s, options.n_draws, level, generator)
            lines.append(line | {"subject": name, "subset": subset})
        if y is not None:
            other = y - _out_of_fold(X, y, learner, fold, 1.0, generator)
            lines.append(_correlation(error, other, name, level))
    return pd.concat([frame(lines), equal], ignore_index=True)


def _out_of_fold(
    X: pd.DataFrame, y: Floats, learner: Learner, fold: NDArray[np.intp], share: float, rng: np.random.Generator
) -> Floats:
    """Answer to each row by a learner fitted to this share of the rows of the other folds."""
    out = np.empty(len(y))
    for k in range(int(fold.max()) + 1):
        fitting, held = np.flatnonzero(fold != k), fold == k
        if share < 1:
            fitting = np.sort(rng.choice(fitting, max(int(share * len(fitting)), 2), replace=False))
        answer = learner(X.iloc[fitting].reset_index(drop=True), y[fitting])
        out[held] = answer(X.loc[held].reset_index(drop=True))
    return out


def _explained(error: Floats, s: Floats, n_draws: int, level: float, rng: np.random.Generator) -> dict[str, Any]:
    """R² of the answers with errors ``error``; in each bootstrap sample the variance of the score is its own."""
    n, total = len(s), float(((s - s.mean()) ** 2).mean())
    if total == 0:
        return row("score_explained", np.nan, np.nan, np.nan, n=n, reason="score is constant")
    counts = row_counts(n, n_draws, rng) / n
    spread = counts @ s**2 - (counts @ s) ** 2
    draws = 1 - (counts @ error**2) / np.where(spread > 0, spread, np.nan)
    tail = (1 - level) / 2
    ends = np.nanquantile(draws, [tail, 1 - tail])
    r2 = 1 - float((error**2).mean()) / total
    return row("score_explained", r2, *ends, n=n, method="bootstrap, out of fold")


def _correlation(error: Floats, other: Floats, name: str, level: float) -> dict[str, Any]:
    """Pearson's correlation of two errors; Fisher's z with the variance of Spearman's, a little wider than its own."""
    n = len(error)
    if error.std() == 0 or other.std() == 0:
        return row("residual_correlation", np.nan, np.nan, np.nan, n=n, subject=name, reason="no errors")
    r = float(np.corrcoef(error, other)[0, 1])
    return row("residual_correlation", r, *spearman_interval(r, n, level), n=n, subject=name, method="fisher z")


def duplicate_scores(
    X: pd.DataFrame, score: ArrayLike, *, tolerance: float = 1e-9, level: float = 0.95
) -> pd.DataFrame:
    r"""Whether rows that are equal in every column have equal scores; assumes nothing.

    Parameters
    ----------
    X : DataFrame of n rows
    score : array of shape (n,)
    tolerance : float, at least 0
        Scores that differ by less are the same.
    level : float

    Returns
    -------
    DataFrame
        Canonical columns: ``duplicate_rows`` (share of rows with an equal one), ``duplicates_differ`` (share of groups
        of equal rows whose scores differ) and ``duplicate_variance`` (variance within groups as a share of all: the
        mean of :math:`(s_i - \bar s_{g(i)})^2` over rows i that have an equal one, g(i) their group, over the variance
        of all scores).

    Examples
    --------
    >>> X = pd.DataFrame({"a": [1, 1, 2, 3, 3]})
    >>> duplicate_scores(X, [0.1, 0.9, 0.5, 0.2, 0.2])["estimate"].round(2).tolist()
    [0.8, 0.5, 0.93]
    """
    s = np.asarray(score, dtype=float)
    keys = np.unique(row_keys(X), axis=0, return_inverse=True)[1].ravel()
    size = np.bincount(keys)
    several = size > 1
    inside = several[keys]
    low, high = np.full(len(size), np.inf), np.full(len(size), -np.inf)
    np.minimum.at(low, keys, s)
    np.maximum.at(high, keys, s)
    differ = int((high - low > tolerance)[several].sum())
    lines = [
        row("duplicate_rows", inside.mean(), *_ends(wilson(inside.sum(), len(s), level)), n=len(s), k=int(inside.sum()),
            method="wilson"),
    ]  # fmt: skip
    groups = int(several.sum())
    if groups == 0:
        blank = {"n": 0, "status": "undefined", "reason": "no two rows are equal in every column"}
        lines += [row(m, np.nan, np.nan, np.nan, **blank) for m in ("duplicates_differ", "duplicate_variance")]
        return frame(lines)
    ends = _ends(wilson(differ, groups, level))
    lines.append(row("duplicates_differ", differ / groups, *ends, n=groups, k=differ, method="wilson"))
    mean = np.bincount(keys, s) / size
    within, total = float(((s - mean[keys])[inside] ** 2).mean()), float(s.var())
    lines.append(
        row("duplicate_variance", within / total if total > 0 else np.nan, np.nan, np.nan, n=int(inside.sum()))
    )
    return frame(lines)


def _ends(limits: tuple[Any, Any]) -> tuple[float, float]:
    return float(limits[0]), float(limits[1])


def missing_inputs_statement(figures: pd.DataFrame) -> tuple[str, str]:
    """Which of three statements the figures allow, and the sentence.

    Parameters
    ----------
    figures : DataFrame
        From `missing_inputs`.

    Returns
    -------
    statement : "nothing missing", "missing or noisy", "cannot tell"
    sentence : str

    Examples
    --------
    >>> X, s = pd.DataFrame({"a": [1, 1, 2, 3, 3]}), [0.1, 0.9, 0.5, 0.2, 0.2]
    >>> missing_inputs_statement(duplicate_scores(X, s))[0]
    'missing or noisy'
    """
    differ = figures[(figures["metric"] == "duplicates_differ") & (figures["k"] > 0)]
    if len(differ):
        line = differ.iloc[0]
        return "missing or noisy", (
            f"Of {int(line['n'])} groups of equal rows, {int(line['k'])} have unequal scores: an input of the score is "
            "not in these data, or the score is noisy. This assumes nothing."
        )
    whole = figures[(figures["metric"] == "score_explained") & (figures["subset"] == "all rows")]
    best = whole.loc[whole["low"].fillna(-np.inf).idxmax()] if len(whole) else None
    if best is not None and best["low"] >= EXPLAINED:
        return "nothing missing", (
            f"{best['subject']} explains {best['estimate']:.1%} of the score ({best['low']:.1%} to {best['high']:.1%}) "
            "on rows that it did not see: no input that matters is missing."
        )
    remains = "; ".join(f"{line['subject']} leaves {1 - line['estimate']:.1%}" for line in whole.to_dict("records"))
    linked = "; ".join(
        f"r = {line['estimate']:.2f} ({line['low']:.2f} to {line['high']:.2f}) for {line['subject']}"
        for line in figures[figures["metric"] == "residual_correlation"].to_dict("records")
    )
    words = f"Part of the score is not explained ({remains})" + (
        f", correlated with the outcome's errors: {linked}" if linked else ""
    )
    return "cannot tell", f"{words}. Inputs are missing, or the learners are too simple: these data cannot tell which."
