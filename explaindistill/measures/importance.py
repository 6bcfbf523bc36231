"""Which columns an answer depends on: permutation importance of any callable, and how two models compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures._batches import batches
from explaindistill.measures.table import few_clusters, frame, row
from explaindistill.numerics.statistics.influences import T_DRAWS, bootstrap_t
from explaindistill.numerics.statistics.pair_draws import PairDraws
from explaindistill.numerics.statistics.ranks import spearman, spearman_interval
from explaindistill.numerics.statistics.resampling import percentile_limits, row_counts
from explaindistill.numerics.statistics.tallies import weights_of

__all__ = [
    "ComparisonOptions",
    "LossGrowth",
    "compare_importance",
    "permutation_growth",
    "permutation_importance",
    "rank_biased_overlap",
]

Floats = NDArray[np.float64]
Predict = Callable[[pd.DataFrame], Floats]
FEWEST_DRAWS = 20
"""Bootstrap draws below which a percentile at the usual levels is the smallest or largest draw itself."""
FEW_ROWS = 300
"""Rows up to which each draw forms what its rows move anew. Of more, what two rows do together no longer shows in the
coverage, and the tables of all pairs would cost more than the shuffles."""


class LossGrowth(NamedTuple):
    """How much the loss of each row grows when a column is shuffled.

    Attributes
    ----------
    by_feature : dict of feature to ndarray of shape (n_repeats, rows)
    weight : ndarray of shape (rows,)
    donor : ndarray of int, shape (n_repeats, rows), optional
        Row whose value each row was given in each shuffle; None where it is not known.
    position : ndarray of int, shape (rows,), optional
        Rows of X that were used; all when None.

    Examples
    --------
    >>> growth = LossGrowth({"age": np.array([[0.0, 0.2], [0.0, 0.4]])}, np.ones(2))
    >>> permutation_importance(growth)[["feature", "estimate"]].round(2).values.tolist()
    [['age', 0.15]]
    """

    by_feature: dict[str, Floats]
    weight: Floats
    donor: NDArray[np.int64] | None = None
    position: NDArray[np.int64] | None = None


def permutation_importance(
    growth: LossGrowth, *, clusters: ArrayLike | None = None, level: float = 0.95, subject: str = "student"
) -> pd.DataFrame:
    r"""How much the squared error grows when one column is shuffled.

    With :math:`g_{ri}` the growth of the loss of row i in shuffle r of R, and weights w that sum to 1, the importance
    is :math:`\frac1R \sum_r \sum_i w_i g_{ri}`.

    Parameters
    ----------
    growth : LossGrowth
        From `permutation_growth`.
    clusters, level, subject
        As in `explaindistill.measures.fidelity.fidelity`.

    Returns
    -------
    DataFrame
        Canonical columns, then ``feature``, ``sd`` (between shuffles) and ``share`` (of the sum of positive
        estimates). The interval is a bootstrap-t over rows, each in both of its roles: as the one that is given another
        row's value, and as the one that gives its own; over clusters of rows where there are.

    References
    ----------
    Breiman (2001), doi:10.1023/A:1010933404324; Fisher, Rudin and Dominici (2019), arXiv:1801.01489 (the value that it
    estimates, a U-statistic of order two); Hoeffding (1948), doi:10.1214/aoms/1177730196 (its variance); Efron and
    Tibshirani (1993), An Introduction to the Bootstrap, ch. 12 (bootstrap-t).

    Examples
    --------
    >>> X = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0) % 7})
    >>> growth = permutation_growth(lambda rows: rows["a"].to_numpy() / 50, X)
    >>> importance = permutation_importance(growth).set_index("feature")["estimate"]
    >>> bool(importance["a"] > 0.05), float(importance["b"])
    (True, 0.0)
    """
    w, codes = growth.weight, None
    if clusters is not None:
        labels = np.asarray(clusters)
        codes = pd.factorize(labels if growth.position is None else labels[growth.position])[0]
    units = len(w) if codes is None else int(codes.max(initial=-1)) + 1
    drawn = row_counts(units, T_DRAWS, np.random.default_rng(0)) if units > 1 else np.empty((0, units))
    few = {} if codes is None else few_clusters(units)
    pairs = _pair_draws(growth, codes, drawn)
    lines = [
        _line(grown, growth, codes, drawn, pairs, level) | few | {"feature": name, "subject": subject, "n": len(w)}
        for name, grown in growth.by_feature.items()
    ]
    total = sum(max(line["estimate"], 0.0) for line in lines)
    for line in lines:
        line["share"] = max(line["estimate"], 0.0) / total if total > 0 else 0.0
    return frame(lines, extra=["feature", "sd", "share"])


def permutation_growth(
    predict: Predict,
    X: pd.DataFrame,
    target: ArrayLike | None = None,
    *,
    rng: np.random.Generator | int = 0,
    n_repeats: int = 5,
    max_rows: int | None = 2000,
    columns: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
    sample_weight: ArrayLike | None = None,
) -> LossGrowth:
    """How much the loss of each row grows when one column is shuffled; see :func:`permutation_importance`.

    The loss of a row is half the squared distance between answer and target for probabilities, the squared
    difference for values. Each row is compared with itself before and after the shuffle, and the same shuffles are used
    for every column, so that columns and models (with the same ``rng`` seed) are paired.

    Parameters
    ----------
    predict : callable
        From a DataFrame to probabilities ``(n, k)`` or values ``(n,)``, each row by itself: the rows of many shuffles
        are asked about at once.
    X : DataFrame of n rows
        Not modified.
    target : array of shape (n, k) or (n,), optional
        What the answers are compared with: truth or another model's answers. None: the model's own answers on
        unshuffled rows; then importance is how far the answers move.
    rng : Generator or int
    n_repeats : int, at least 1
        Shuffles per column. A trade-off: their spread falls with the root, questions grow with the number.
    max_rows : int or None
        At most so many rows are used, drawn at random.
    columns : names, or mapping of name to columns, optional
        What is shuffled; columns of one entry are shuffled together (one-hot groups).
    sample_weight : array of shape (n,), optional

    Returns
    -------
    LossGrowth

    Examples
    --------
    >>> X = pd.DataFrame({"a": [0.0, 1.0], "b": [5.0, 6.0]})
    >>> growth, *_ = permutation_growth(lambda rows: rows["a"].to_numpy(), X, n_repeats=1)
    >>> growth["b"].tolist()
    [[0.0, 0.0]]
    """
    if n_repeats < 1:
        raise InvalidInputError(f"n_repeats must be at least 1, got {n_repeats}")
    generator = np.random.default_rng(rng)
    w = weights_of(sample_weight, len(X))
    rows = np.flatnonzero(w > 0)
    if max_rows is not None and len(rows) > max_rows:
        rows = np.sort(generator.choice(rows, max_rows, replace=False))
    base, w = X.iloc[rows].reset_index(drop=True), w[rows]
    answers = np.asarray(predict(base.copy()), dtype=float)
    aim = answers if target is None else np.asarray(target, dtype=float)[rows]
    if aim.shape != answers.shape:
        raise InvalidInputError(f"target must have the shape of the answers, {answers.shape}, got {aim.shape}")
    orders = [generator.permutation(len(base)) for _ in range(n_repeats)]
    named, before = _columns(X, columns), _loss(answers, aim)
    shuffles = [(together, order) for together in named.values() for order in orders]
    after = np.array([_loss(answer, aim) - before for answer in _shuffled(predict, base, shuffles)])
    return LossGrowth(dict(zip(named, after.reshape(-1, n_repeats, len(base)), strict=True)), w, np.array(orders), rows)


def _columns(X: pd.DataFrame, columns: Any) -> dict[str, list[str]]:
    """Columns that are shuffled together, by the name of each group of them."""
    if columns is None:
        return {str(c): [c] for c in X.columns}
    named = columns if isinstance(columns, Mapping) else {c: [c] for c in columns}
    if wrong := [c for cs in named.values() for c in cs if c not in X.columns]:
        raise InvalidInputError(f"columns names {wrong[0]!r}, X has: {', '.join(map(str, X.columns))}")
    return {str(name): list(cs) for name, cs in named.items()}


def _loss(answer: Floats, aim: Floats) -> Floats:
    """Squared difference of each row; of probabilities half the squared distance, so that it lies between 0 and 1."""
    square = (answer - aim) ** 2
    return np.asarray(square.sum(axis=1) / 2 if square.ndim == 2 else square)


def _shuffled(
    predict: Predict, base: pd.DataFrame, shuffles: Sequence[tuple[list[str], NDArray[np.int64]]]
) -> Iterator[Floats]:
    """Answers to the rows with some columns shuffled, one after the other; many shuffles are asked at once."""
    n = len(base)
    for piece in batches(len(shuffles), base.size):
        batch = shuffles[piece]
        still = np.tile(np.arange(n), len(batch))
        places: dict[str, NDArray[np.int64]] = {}
        for i, (together, order) in enumerate(batch):
            for column in together:
                places.setdefault(column, still.copy())[i * n : (i + 1) * n] = order
        rows = pd.DataFrame({c: base[c].take(places.get(c, still)).array for c in base.columns})
        yield from np.split(np.asarray(predict(rows), dtype=float), len(batch))


def _pair_draws(growth: LossGrowth, clusters: NDArray[np.int64] | None, drawn: Floats) -> PairDraws | None:
    """Draws of pairs of receiver and giver; None where the pairs are not known, or the rows are many."""
    n = len(growth.weight)
    if growth.donor is None or n > FEW_ROWS or drawn.shape[1] < 2:
        return None
    receiver = np.broadcast_to(np.arange(n), growth.donor.shape).ravel()
    weight = np.broadcast_to(growth.weight, growth.donor.shape).ravel()
    return PairDraws(drawn, (receiver, growth.donor.ravel()), weight, n, clusters)


def _line(
    grown: Floats,
    growth: LossGrowth,
    clusters: NDArray[np.int64] | None,
    drawn: Floats,
    pairs: PairDraws | None,
    level: float,
) -> dict[str, Any]:
    r"""Mean growth with the bootstrap-t interval of a U-statistic of order two.

    Row k moves the estimate :math:`\bar g` by :math:`u_k = w_k (\bar g_k - \bar g) + (\bar d_k - \bar g / n)`: what
    it loses on average over shuffles, :math:`\bar g_k`, and what others lose by its value,
    :math:`\bar d_k = \frac1R \sum_r w_i g_{ri}` with the row i that was given it. Either mean holds the chance
    of the R shuffles, which the squared error :math:`\frac{n}{n-1} \sum_k u_k^2` counts twice, and so is not too small
    with few of them. For the limits see `bootstrap_t`, for the draws of few rows `PairDraws`.
    """
    share, n = growth.weight / growth.weight.sum(), len(growth.weight)
    by_repeat = grown @ share
    estimate = float(by_repeat.mean())
    sd = float(by_repeat.std(ddof=1)) if len(grown) > 1 else float("nan")
    moved = share * (grown.mean(axis=0) - estimate)
    if growth.donor is not None:
        donated = np.bincount(growth.donor.ravel(), (grown * share).ravel(), n) / len(grown)
        moved = moved + donated - estimate / n
    if clusters is not None:
        moved = np.bincount(clusters, moved)
    again = None if pairs is None else pairs.studentised(grown.ravel())
    low, high = bootstrap_t(estimate, [moved], [drawn], level, studentised=again)
    if clusters is not None and few_clusters(len(moved)):
        low = high = float("nan")
    return row("permutation", estimate, low, high, method="bootstrap-t, both roles", sd=sd, n=n)


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], persistence: float = 0.9) -> float:
    r"""Overlap of two rankings of the same items, the top counts most: extrapolated RBO.

    :math:`\sum_d p^{d-1}(1-p) A_d + p^D A_D`, with :math:`A_d` the share of items common to both top d.

    Parameters
    ----------
    first, second : sequence of str
        Best first, equally long, no item twice.
    persistence : float in (0, 1)
        Chance that a reader goes on to the next rank.

    References
    ----------
    Webber, Moffat and Zobel (2010), doi:10.1145/1852102.1852106.

    Examples
    --------
    >>> rank_biased_overlap(["a", "b"], ["a", "b"]), round(rank_biased_overlap(["a", "b"], ["b", "a"]), 2)
    (1.0, 0.9)
    """
    if not 0 < persistence < 1:
        raise InvalidInputError(f"persistence must lie strictly between 0 and 1, got {persistence}")
    if len(first) != len(second):
        raise InvalidInputError(f"rankings must be equally long, got {len(first)} and {len(second)}")
    depth = len(first)
    if depth == 0:
        return float("nan")
    at = {item: i for i, item in enumerate(second)}
    # An item is common to both from the depth on at which the later of them has named it.
    joined = np.array([max(i, at[item]) for i, item in enumerate(first) if item in at], dtype=np.int64)
    overlap = (np.cumsum(np.bincount(joined, minlength=depth)) / np.arange(1, depth + 1)).tolist()
    total = sum(persistence ** (d - 1) * a for d, a in enumerate(overlap, start=1))
    return float((1 - persistence) * total + persistence**depth * overlap[-1])


@dataclass(frozen=True)
class ComparisonOptions:
    """How two importances are compared.

    Attributes
    ----------
    top : int, at least 1
        How many features count as the top.
    level : float
        Confidence of the intervals.
    n_draws : int, at least 20
        Bootstrap samples. A trade-off: the ends of an interval shake less with more, and time grows with them.

    Raises
    ------
    InvalidInputError
        For numbers out of these ranges.

    Examples
    --------
    >>> ComparisonOptions(top=3).n_draws
    200
    """

    top: int = 5
    level: float = 0.95
    n_draws: int = 200

    def __post_init__(self) -> None:
        if self.top < 1:
            raise InvalidInputError(f"top must be at least 1, got {self.top}")
        if self.n_draws < FEWEST_DRAWS:
            raise InvalidInputError(f"n_draws must be at least {FEWEST_DRAWS}, got {self.n_draws}")


COMPARED = ComparisonOptions()


def compare_importance(
    teacher: pd.DataFrame,
    student: pd.DataFrame,
    *,
    rows: tuple[Floats, Floats] | None = None,
    sample_weight: ArrayLike | None = None,
    rng: np.random.Generator | int = 0,
    subject: str = "student",
    subset: str = "",
    options: ComparisonOptions = COMPARED,
) -> pd.DataFrame:
    """Compare two importance frames: rank correlation, overlap of the top, signs, shared weight.

    Parameters
    ----------
    teacher, student : DataFrame
        Columns ``feature`` and ``estimate``; features that one of them lacks have importance 0 there.
    rows : pair of arrays of shape (n, d), optional
        What each row adds to either importance (the estimates are means over rows), columns in the order of the
        sorted names of all features. The intervals then are percentiles of a bootstrap of rows, shared by both; without
        them only the rank correlation has an interval, over features.
    sample_weight : array of shape (n,), optional
        Of ``rows``.
    rng : Generator or int
    subject : str
    subset : str
        What kind of importance is compared, for the frame.
    options : ComparisonOptions

    Returns
    -------
    DataFrame
        Canonical columns; ``metric`` is ``importance_spearman``, ``importance_overlap`` (rank-biased overlap),
        ``importance_top_k`` (Jaccard), ``importance_sign`` (share of features whose signs agree) and
        ``importance_shared`` (one minus half the sum of absolute differences of shares). ``n`` counts the features, or
        the rows where they are given.

    Examples
    --------
    >>> a = pd.DataFrame({"feature": ["x", "y", "z"], "estimate": [3.0, 2.0, 1.0]})
    >>> compare_importance(a, a, options=ComparisonOptions(top=2))["estimate"].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    names = sorted({*teacher["feature"], *student["feature"]})
    t, s = (f.groupby("feature")["estimate"].sum().reindex(names).fillna(0.0).to_numpy() for f in (teacher, student))
    k = min(options.top, len(names))
    likeness = _alike(t, s, names, k)
    n, limits, method = len(names), {}, {"importance_spearman": "fisher z"}
    if rows is None:
        limits["importance_spearman"] = spearman_interval(likeness["importance_spearman"], len(names), options.level)
    else:
        n = len(rows[0])
        limits = _resampled(rows, sample_weight, names, k, options, np.random.default_rng(rng))
        method = dict.fromkeys(likeness, "bootstrap of rows, percentile")
    nothing = (float("nan"), float("nan"))
    words = {"importance_top_k": f"top {k}"}
    return frame(
        row(
            name, value, *limits.get(name, nothing), method=method.get(name, ""), n=n, subject=subject,
            subset=", ".join(filter(None, (subset, words.get(name, "")))),
        )
        for name, value in likeness.items()
    )  # fmt: skip


def _alike(t: Floats, s: Floats, names: Sequence[str], k: int) -> dict[str, float]:
    r"""Every likeness of two importances t and s of the same features.

    With shares :math:`u_j = t_j^+ / \sum t^+` and v likewise of s, what is shared is
    :math:`1 - \frac12 \sum_j |u_j - v_j|`: 1 where every column has the same share, 0 where no column has one in both.
    Equal importances are ranked by the names of their features, so that the result rests on no order of columns.
    """
    order_t, order_s = ([names[i] for i in np.argsort(-v, kind="stable")] for v in (t, s))
    best_t, best_s = set(order_t[:k]), set(order_s[:k])
    shares = [np.maximum(v, 0) / np.maximum(v, 0).sum() if (v > 0).any() else v * np.nan for v in (t, s)]
    return {
        "importance_spearman": spearman(t, s),
        "importance_overlap": rank_biased_overlap(order_t, order_s),
        "importance_top_k": len(best_t & best_s) / len(best_t | best_s) if names else np.nan,
        "importance_sign": float((np.sign(t) == np.sign(s)).mean()),
        "importance_shared": 1 - float(np.abs(shares[0] - shares[1]).sum()) / 2,
    }


def _resampled(
    rows: tuple[Floats, Floats],
    sample_weight: ArrayLike | None,
    names: Sequence[str],
    k: int,
    options: ComparisonOptions,
    rng: np.random.Generator,
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of every likeness over bootstrapped rows; NaN where a draw leaves one undefined."""
    first, second = (np.asarray(r, dtype=float) for r in rows)
    if first.shape != second.shape or first.shape[1] != len(names):
        raise InvalidInputError(f"rows must both be (n, {len(names)}), got {first.shape} and {second.shape}")
    count = row_counts(len(first), options.n_draws, rng) * weights_of(sample_weight, len(first))
    total = count.sum(axis=1, keepdims=True)
    total[total == 0] = np.nan  # a draw of rows of weight 0 alone says nothing
    drawn = zip(count @ first / total, count @ second / total, strict=True)
    table = pd.DataFrame([_alike(t, s, names, k) for t, s in drawn])
    low, high = percentile_limits(table, options.level)
    return {c: (float(low[i]), float(high[i])) for i, c in enumerate(table)}
