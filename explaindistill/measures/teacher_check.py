"""Whether a teacher is worth distilling: is it right, does it know how sure it may be, what does it lean on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.schema import Schema
from explaindistill.measures.calibration import AUC_MINIMUM
from explaindistill.measures.table import few_clusters, frame, positions, row, shares
from explaindistill.numerics.statistics.mean_limits import mean_limits
from explaindistill.numerics.statistics.member_gaps import member_gap
from explaindistill.numerics.statistics.ranks import auc_and_interval
from explaindistill.numerics.statistics.score_limits import score_difference
from explaindistill.numerics.statistics.single_column import bins_of, out_of_fold_means
from explaindistill.numerics.statistics.tallies import Tally, mean_function, row_labels, tally, weights_of

__all__ = ["LEAK", "NOISE", "CheckOptions", "teacher_check"]

Floats = NDArray[np.float64]
Answer = Callable[[pd.DataFrame], Floats]
Line = dict[str, Any]
NOISE = 0.05
"""Noise in standard deviations of a column. A trade-off: small enough that a person would call both rows the same,
large enough to cross thresholds of a teacher that is not smooth."""
LEAK = 0.95
"""Share of the teacher's gain over chance from which one column alone is suspicious. A trade-off: where one column
truly decides nearly all it is a false alarm, which one question settles; a missed leak spoils all that follows."""
SURE = 0.99
"""AUC, or R², from which one column alone is suspicious, however good the teacher is."""
USEFUL_AUC = 0.6
"""Teachers that rank no better gain so little that a weak column reaches most of it by chance: ``LEAK`` waits."""
USEFUL_R2 = 0.1
"""The same in regression."""
MOST_ROWS = 2_000
"""Rows that are changed and asked about, twice or more: they cost questions."""


@dataclass(frozen=True, eq=False)
class CheckOptions:
    """How many rows are changed, and how sure the intervals are.

    Attributes
    ----------
    max_rows : int
        Rows that are changed and asked about.
    level : float
        Confidence of the intervals.
    sample_weight, clusters : array of shape (n,), optional
        As in `explaindistill.measures.fidelity.fidelity`.

    Examples
    --------
    >>> CheckOptions(max_rows=500).level
    0.95
    """

    max_rows: int = MOST_ROWS
    level: float = 0.95
    sample_weight: ArrayLike | None = None
    clusters: ArrayLike | None = None


DEFAULTS = CheckOptions()


@dataclass(frozen=True)
class _CheckedRows:
    """Rows, answers, and truth as positions (-1 unknown) or values (NaN unknown)."""

    X: pd.DataFrame
    P: Floats
    truth: NDArray[Any] | None
    classes: NDArray[Any] | None
    decide: Callable[[Floats], NDArray[Any]]
    level: float
    weight: Floats
    clusters: NDArray[Any] | None

    def sampling(self, keep: NDArray[Any]) -> dict[str, Any]:
        """Weights and clusters of some rows, as keyword arguments of a statistic."""
        return {"sample_weight": self.weight[keep], "clusters": None if self.clusters is None else self.clusters[keep]}

    def few(self, keep: NDArray[Any]) -> Line:
        """Status and reason where these rows are in too few clusters."""
        return {} if self.clusters is None else few_clusters(len(np.unique(self.clusters[keep])))

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Rows whose truth is known."""
        assert self.truth is not None
        return self.truth >= 0 if self.classes is not None else ~np.isnan(self.truth)

    def right(self) -> NDArray[np.bool_]:
        """Whether each decision is the true label."""
        return positions(self.decide(self.P), self.classes) == self.truth  # type: ignore[arg-type]


def teacher_check(
    X: pd.DataFrame,
    P: ArrayLike,
    y: ArrayLike | None = None,
    *,
    classes: ArrayLike | None = None,
    answer: Answer | None = None,
    decide: Callable[[Floats], NDArray[Any]] | None = None,
    rng: np.random.Generator | int = 0,
    options: CheckOptions = DEFAULTS,
) -> pd.DataFrame:
    r"""What to know about a teacher before its answers are imitated.

    ==========================  ===============================================================================
    metric                      what it is
    ==========================  ===============================================================================
    ``accuracy``                share of decisions that are right
    ``accuracy_gain``           the same minus that of always giving the commonest label (paired)
    ``overconfidence``          mean probability of the most probable class minus the share where it is right;
                                above 0: too sure
    ``accuracy_where_missing``  by column with missing values: accuracy of rows where it is missing minus that of
                                the others (Newcombe)
    ``missing_flip``            by such a column: share of decisions that change when its value is taken away
    ``single_feature_auc``      by column: how well the column alone ranks the true labels, out of fold (two classes;
                                of more the class that it gives away best); ``single_feature_r2`` in regression
    ``noise_flip``              share of decisions that change when every number is moved by 5 % of its spread
    ``noise_shift``             mean absolute change of the answer under that noise (in regression: in standard
                                deviations of the answers); ``missing_shift`` by column with missing values
    ==========================  ===============================================================================

    Parameters
    ----------
    X : DataFrame of n rows
    P : array of shape (n, k) or (n,)
        The teacher's answers.
    y : array of shape (n,), optional
        True labels or values, missing ones allowed; without them what rests on them *cannot be said*.
    classes : array of shape (k,), optional
        None for regression.
    answer : callable, optional
        Asks the teacher about changed rows; without it nothing is said about noise and removed values.
    decide : callable, optional
        From probabilities to labels; the most probable class when None.
    rng : Generator or int
        Chooses the rows that are changed, the noise and the folds.
    options : CheckOptions

    Returns
    -------
    DataFrame
        Canonical columns with the subject ``teacher``, then ``feature`` (the column that a line is about) and
        ``suspicious``: True for a column that alone reaches an AUC of 0.99, or 95 % of what the teacher gains over
        chance. Such a column may hold the outcome itself: ask whether it is known when the decision is taken. Shares
        have their ``k`` of ``n`` rows and Wilson's interval, means the wider of Student's and
        Hall's limits, or the normal one, differences Newcombe's.

    References
    ----------
    Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I (differences); Newcombe
    (2006), doi:10.1002/sim.2324 (AUC); Kaufman, Rosset, Perlich and Stitelman (2012), doi:10.1145/2382577.2382579
    (leakage: what must not be known when the decision is taken).

    Examples
    --------
    A column that is the label in disguise:

    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 400)
    >>> X = pd.DataFrame({"age": rng.normal(size=400), "refunded": y + 0.1 * rng.normal(size=400)})
    >>> check = teacher_check(X, np.c_[1 - y, y], y, classes=[0, 1])
    >>> check.loc[check["suspicious"] == True, "feature"].tolist()
    ['refunded']
    """
    generator = np.random.default_rng(rng)
    names = None if classes is None else np.asarray(classes)
    answers = np.asarray(P, dtype=float)
    chosen = decide or (lambda p: p if names is None else names[p.argmax(axis=1)])
    w = weights_of(options.sample_weight, len(X))
    labels = None if options.clusters is None else row_labels(options.clusters, len(X))
    truth, whole = _truth(y, names), X.reset_index(drop=True)
    rows = _CheckedRows(whole, answers, truth, names, chosen, options.level, w, labels)
    lines = [*_about_truth(rows, generator), *_about_changes(rows, answer, generator, options.max_rows)]
    return frame((line | {"subject": "teacher"} for line in lines), extra=["feature", "suspicious"])


def _truth(y: ArrayLike | None, classes: NDArray[Any] | None) -> NDArray[Any] | None:
    """Positions of the labels among the classes, or values; None where there are none."""
    if y is None:
        return None
    values = np.asarray(y).ravel()
    return values.astype(float) if classes is None else positions(values, classes)


def _about_truth(rows: _CheckedRows, rng: np.random.Generator) -> Iterator[Line]:
    """Lines that rest on true labels."""
    regression = rows.classes is None
    of_classes = ("accuracy", "accuracy_gain", "overconfidence", "single_feature_auc")
    if rows.truth is None or not rows.labelled.any():
        for metric in ("single_feature_r2",) if regression else of_classes:
            yield row(metric, np.nan, np.nan, np.nan, n=0, status="undefined", reason="cannot say: no true labels")
        return
    if not regression:
        yield from _rightness(rows)
        yield from _where_missing(rows)
    yield from _alone(rows, rng)


def _rightness(rows: _CheckedRows) -> Iterator[Line]:
    """Accuracy, its gain over the commonest label row by row, and the mean of the top probability less its being right.

    All three with the normal interval of a mean.
    """
    labelled = rows.labelled
    right, truth = rows.right()[labelled], rows.truth[labelled]  # type: ignore[index]
    n, shared, few = len(right), rows.sampling(labelled), rows.few(labelled)
    counted = tally(right, np.zeros(n, dtype=np.int64), 1, **shared)
    yield from shares("accuracy", counted, [{}], level=rows.level)
    commonest = truth == np.bincount(truth, rows.weight[labelled]).argmax()
    gain = mean_function((right.astype(float) - commonest)[:, None], lambda m: float(m[0]), **shared)
    yield row("accuracy_gain", gain.estimate, *gain.limits(rows.level), n=n, method="normal, paired") | few
    top = rows.P[labelled]
    sure = top.max(axis=1) - (top.argmax(axis=1) == truth)
    excess = mean_function(sure[:, None], lambda m: float(m[0]), **shared)
    yield row("overconfidence", excess.estimate, *excess.limits(rows.level), n=n, method="normal") | few


def _where_missing(rows: _CheckedRows) -> Iterator[Line]:
    """Accuracy of rows where a column is missing less that of the others, by column."""
    right, labelled = rows.right(), rows.labelled
    for column in _with_missing(rows.X):
        gone = rows.X[column].isna().to_numpy()
        counted = tally(right, np.where(labelled, gone.astype(np.int64), -1), 2, **rows.sampling(np.arange(len(right))))
        (low, high), few_of = _difference(counted, rows.level)
        gap = float(counted.share[1] - counted.share[0])
        line = row("accuracy_where_missing", gap, float(low), float(high), n=int(counted.n[1]), k=counted.k[1],
                   method="mover" if counted.members else "score", feature=column)  # fmt: skip
        few = {"status": "small", "reason": f"fewer than {AUC_MINIMUM} rows"}
        yield line | (few if 0 < counted.n[1] < AUC_MINIMUM else {}) | few_of


def _difference(counted: Tally, level: float) -> tuple[tuple[float, float], Line]:
    """Limits of the second group's share less the first's, and the status of too few clusters."""
    if counted.members:
        first, second = counted.members
        few = few_clusters(min(first.count, second.count)) if counted.n.min() else {}
        return member_gap(counted.share[1], counted.share[0], second, first, level)[0], few
    k, n = counted.k_effective, counted.n_effective
    low, high = score_difference(k[1], n[1], k[0], n[0], level)
    return (float(low), float(high)), {}


def _with_missing(X: pd.DataFrame) -> list[str]:
    return [c for c in X.columns if X[c].isna().any() and not X[c].isna().all()]


def _alone(rows: _CheckedRows, rng: np.random.Generator) -> Iterator[Line]:
    """What each column tells alone, out of fold, and whether that is suspiciously much."""
    at = rows.labelled
    X = rows.X if at.all() else rows.X[at]
    truth, P = rows.truth[at], rows.P[at]  # type: ignore[index]
    schema, seed = Schema.infer(X), int(rng.integers(2**31))
    if len(X) < 2 * AUC_MINIMUM:
        return
    shared = rows.sampling(at)
    area = cache(lambda j: auc_and_interval(P[:, j], truth == j, level=rows.level, **shared)[0])
    for i, column in enumerate(X.columns):
        codes = bins_of(schema.column(schema.frame(X), i))
        if rows.classes is None:
            yield _alone_in_regression(codes, truth, P, seed) | {"feature": column}
        else:
            yield _alone_in_classes(codes, truth, area, P.shape[1], seed, rows.level, shared) | {"feature": column}


def _alone_in_classes(
    codes: NDArray[np.int64],
    truth: NDArray[np.int64],
    area_of_teacher: Callable[[int], float],
    n_classes: int,
    seed: int,
    level: float,
    shared: Line,
) -> Line:
    """AUC of the mean label by bin of one column, for the class that it gives away best.

    A column gains :math:`2A - 1` over chance of the teacher's :math:`2A_T - 1`. The best of several classes is chosen
    after seeing the areas: the interval is that of a class named before, a little too narrow.
    """
    one = truth[:, None] == np.arange(n_classes)
    at = [1] if n_classes == 2 else list(range(n_classes))
    enough = [j for j in at if AUC_MINIMUM <= one[:, j].sum() <= len(truth) - AUC_MINIMUM]
    if not enough:
        reason = f"fewer than {AUC_MINIMUM} rows of one label"
        return row("single_feature_auc", np.nan, np.nan, np.nan, n=len(truth), status="undefined", reason=reason)
    means = out_of_fold_means(codes, one, seed)
    areas = {j: auc_and_interval(means[:, j], one[:, j], level=level, **shared) for j in enough}
    best = max(enough, key=lambda j: areas[j][0])
    teacher = area_of_teacher(best)
    gained = 2 * areas[best][0] - 1
    flagged = bool(areas[best][0] >= SURE or (teacher > USEFUL_AUC and gained >= LEAK * (2 * teacher - 1)))
    return row(
        "single_feature_auc", *areas[best], n=len(truth), method="out of fold, newcombe 2006 and logit",
        suspicious=flagged, reason=_QUESTION if flagged else "",
    )  # fmt: skip


_QUESTION = "alone nearly as good as the teacher: ask whether it is known when the decision is taken"


def _alone_in_regression(codes: NDArray[np.int64], truth: NDArray[Any], P: Floats, seed: int) -> Line:
    r"""R² of the mean by bin of one column, out of fold: :math:`1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2`."""
    spread = float(((truth - truth.mean()) ** 2).mean())
    if spread == 0 or P.ndim != 1:
        return row("single_feature_r2", np.nan, np.nan, np.nan, n=len(truth))
    alone, teacher = (1 - float(((truth - p) ** 2).mean()) / spread for p in (out_of_fold_means(codes, truth, seed), P))
    flagged = bool(alone >= SURE or (teacher > USEFUL_R2 and alone >= LEAK * teacher))
    line = row("single_feature_r2", alone, np.nan, np.nan, n=len(truth), method="out of fold", suspicious=flagged)
    return line | {"reason": _QUESTION if flagged else ""}


def _about_changes(rows: _CheckedRows, answer: Answer | None, rng: np.random.Generator, most: int) -> Iterator[Line]:
    """Lines that ask about changed rows: numbers with noise, and each column with missing values without its value."""
    metrics = ("noise_shift",) if rows.classes is None else ("noise_flip", "noise_shift")
    if answer is None:
        for metric in metrics:
            reason = "cannot say: only recorded answers, nothing new can be asked"
            yield row(metric, np.nan, np.nan, np.nan, n=0, status="undefined", reason=reason)
        return
    n = len(rows.X)
    at = np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))
    X, before = rows.X.iloc[at].reset_index(drop=True), rows.P[at]
    noisy = _noisy(X, rows.X, rng)
    if noisy is not None:
        yield from _asked(rows, before, answer, noisy, "noise", at)
    for column in _with_missing(rows.X):
        had = X[column].notna().to_numpy()
        if had.any():
            emptied = X.copy()
            emptied[column] = pd.Series([None] * len(X), index=X.index).astype(X[column].dtype)
            yield from _asked(rows, before, answer, emptied, "missing", at, column, had)


def _asked(
    rows: _CheckedRows,
    before: Floats,
    answer: Answer,
    changed: pd.DataFrame,
    what: str,
    at: NDArray[np.intp],
    column: str = "",
    had: NDArray[np.bool_] | slice = slice(None),
) -> Iterator[Line]:
    """Lines about changed rows; what a teacher says of rows that nobody brought must not cost the other figures."""
    try:
        after = answer(changed)
    except MemoryError:
        raise
    except Exception as error:  # a teacher may fail in any way on rows that are made up
        reason = f"cannot say: the teacher failed on changed rows ({type(error).__name__}: {error})"
        for metric in (f"{what}_shift",) if rows.classes is None else (f"{what}_flip", f"{what}_shift"):
            yield row(metric, np.nan, np.nan, np.nan, n=0, feature=column, status="undefined", reason=reason)
        return
    yield from _moved(rows, before[had], after[had], what, column, at[had])


def _noisy(X: pd.DataFrame, whole: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame | None:
    """Every number moved by 5 % of the column's standard deviation, and no further than the numbers that there are.

    Whole numbers stay whole. A teacher need not have an answer outside of the observed range: to ``log(income)`` there
    is none below 0.
    """
    out, moved = X.copy(), False
    for column in X.columns:
        kind = X[column].dtype
        if not pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind):
            continue
        noise = rng.standard_normal(len(X))
        observed = whole[column].to_numpy(dtype=float, na_value=np.nan)
        finite = observed[np.isfinite(observed)]
        if len(finite) == 0 or finite.min() == finite.max():
            continue
        values = X[column].to_numpy(dtype=float, na_value=np.nan)
        shifted = np.clip(values + NOISE * float(finite.std()) * noise, finite.min(), finite.max())
        shifted = np.where(np.isinf(values), values, shifted)
        whole_numbers = pd.api.types.is_integer_dtype(kind)
        out[column] = pd.Series(np.rint(shifted) if whole_numbers else shifted, index=X.index).astype(kind)
        moved = True
    return out if moved else None


def _moved(
    rows: _CheckedRows, before: NDArray[Any], after: NDArray[Any], what: str, column: str, at: NDArray[np.intp]
) -> Iterator[Line]:
    """Share of decisions that change, and the mean size of the change with the wider of Student's and Hall's limits.

    The size is half the sum of absolute differences of probabilities (total variation, 0 to 1); of values their
    absolute difference in standard deviations of all answers.
    """
    n = len(before)
    if rows.classes is not None:
        changed = rows.decide(before) != rows.decide(after)
        counted = tally(changed, np.zeros(n, dtype=np.int64), 1, **rows.sampling(at))
        yield from shares(f"{what}_flip", counted, [{"feature": column}], level=rows.level)
        size = np.abs(after - before).sum(axis=1) / 2
    else:
        spread = float(rows.P.std())
        size = np.abs(after - before).reshape(n, -1).mean(axis=1) / spread if spread > 0 else np.full(n, np.nan)
    everyone = np.zeros(n, dtype=np.int64)
    # of classes a row of an unseen kind could move by 1; of values nobody knows how far
    ends = None if rows.classes is None else (0.0, 1.0)
    limits = mean_limits(size, everyone, 1, level=rows.level, ends=ends, **rows.sampling(at))
    mean, low, high = (float(x) for x in limits.sides(0))
    line = row(f"{what}_shift", mean, max(low, 0.0), high, n=n, method="t and hall", feature=column)
    yield line | rows.few(at)
