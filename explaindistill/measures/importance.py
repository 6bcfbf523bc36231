"""Which columns an answer depends on: permutation importance of any callable, and how two models compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from explaindistill.errors import InvalidInputError
from explaindistill.measures._batches import batches
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.ranks import spearman, spearman_interval
from explaindistill.numerics.statistics.resampling import percentile_limits, row_counts
from explaindistill.numerics.statistics.tallies import weights_of

__all__ = ["compare_importance", "permutation_growth", "permutation_importance", "rank_biased_overlap"]

Predict = Callable[[pd.DataFrame], NDArray[np.float64]]


def permutation_importance(
    predict: Predict,
    X: pd.DataFrame,
    target: ArrayLike | None = None,
    *,
    rng: np.random.Generator | int = 0,
    n_repeats: int = 5,
    max_rows: int | None = 2000,
    columns: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
    growth: tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> pd.DataFrame:
    """How much the squared error grows when one column is shuffled.

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
        Shuffles per column.
    max_rows : int or None
        At most so many rows are used, drawn at random.
    columns : names, or mapping of name to columns, optional
        What is shuffled; columns of one entry are shuffled together (one-hot groups).
    sample_weight : array of shape (n,), optional
    level, subject
        As in `explaindistill.measures.fidelity.fidelity`.
    growth : optional
        What :func:`permutation_growth` has found already; nothing is asked then.

    Returns
    -------
    DataFrame
        Canonical columns, then ``feature``, ``sd`` (between shuffles) and ``share`` (of the sum of positive
        estimates). The interval is Student's over rows, each averaged over its shuffles, with the shuffles' own
        spread added.

    Examples
    --------
    >>> X = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0) % 7})
    >>> found = permutation_importance(lambda rows: rows["a"].to_numpy() / 50, X).set_index("feature")["estimate"]
    >>> bool(found["a"] > 0.05), float(found["b"])
    (True, 0.0)
    """
    grown, w = growth or permutation_growth(
        predict, X, target, rng=rng, n_repeats=n_repeats, max_rows=max_rows, columns=columns,
        sample_weight=sample_weight,
    )  # fmt: skip
    lines = [_line(part, w, level) | {"feature": name, "subject": subject, "n": len(w)} for name, part in grown.items()]
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
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """How much the loss of each row grows when one column is shuffled; see :func:`permutation_importance`.

    Returns
    -------
    growth : dict of feature to ndarray of shape (n_repeats, rows)
    weight : ndarray of shape (rows,)

    Examples
    --------
    >>> X = pd.DataFrame({"a": [0.0, 1.0], "b": [5.0, 6.0]})
    >>> growth, _ = permutation_growth(lambda rows: rows["a"].to_numpy(), X, n_repeats=1)
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
    given = np.asarray(predict(base.copy()), dtype=float)
    aim = given if target is None else np.asarray(target, dtype=float)[rows]
    if aim.shape != given.shape:
        raise InvalidInputError(f"target must have the shape of the answers, {given.shape}, got {aim.shape}")
    orders = [generator.permutation(len(base)) for _ in range(n_repeats)]
    named, before = _columns(X, columns), _loss(given, aim)
    shuffles = [(together, order) for together in named.values() for order in orders]
    after = np.array([_loss(answer, aim) - before for answer in _shuffled(predict, base, shuffles)])
    return dict(zip(named, after.reshape(-1, n_repeats, len(base)), strict=True)), w


def _columns(X: pd.DataFrame, columns: Any) -> dict[str, list[str]]:
    if columns is None:
        return {str(c): [c] for c in X.columns}
    named = columns if isinstance(columns, Mapping) else {c: [c] for c in columns}
    if wrong := [c for cs in named.values() for c in cs if c not in X.columns]:
        raise InvalidInputError(f"columns names {wrong[0]!r}, X has: {', '.join(map(str, X.columns))}")
    return {str(name): list(cs) for name, cs in named.items()}


def _loss(answer: NDArray[np.float64], aim: NDArray[np.float64]) -> NDArray[np.float64]:
    square = (answer - aim) ** 2
    return np.asarray(square.sum(axis=1) / 2 if square.ndim == 2 else square)


def _shuffled(
    predict: Predict, base: pd.DataFrame, shuffles: Sequence[tuple[list[str], NDArray[np.int64]]]
) -> Iterator[NDArray[np.float64]]:
    """Answers to the rows with some columns shuffled, one after the other; many shuffles are asked at once."""
    n = len(base)
    for piece in batches(len(shuffles), base.size):
        part = shuffles[piece]
        still = np.tile(np.arange(n), len(part))
        places: dict[str, NDArray[np.int64]] = {}
        for i, (together, order) in enumerate(part):
            for column in together:
                places.setdefault(column, still.copy())[i * n : (i + 1) * n] = order
        rows = pd.DataFrame({c: base[c].take(places.get(c, still)).array for c in base.columns})
        yield from np.split(np.asarray(predict(rows), dtype=float), len(part))


def _line(grown: NDArray[np.float64], w: NDArray[np.float64], level: float) -> dict[str, Any]:
    """Mean growth with Student's interval: variance between rows of their means, plus that of the shuffles' mean."""
    share = w / w.sum()
    by_repeat, by_row = grown @ share, grown.mean(axis=0)
    estimate = float(by_repeat.mean())
    n, repeats = len(w), len(grown)
    variance = float((share**2 * (by_row - estimate) ** 2).sum()) * n / max(n - 1, 1)
    sd = float(by_repeat.std(ddof=1)) if repeats > 1 else float("nan")
    variance += np.nan_to_num(sd) ** 2 / repeats
    half = float(special.stdtrit(max(n - 1, 1), 0.5 + level / 2)) * variance**0.5 if n > 1 else float("nan")
    return row("permutation", estimate, estimate - half, estimate + half, method="t, paired", sd=sd, n=n)


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
    seen = sum(persistence ** (d - 1) * a for d, a in enumerate(overlap, start=1))
    return float((1 - persistence) * seen + persistence**depth * overlap[-1])


def compare_importance(
    teacher: pd.DataFrame,
    student: pd.DataFrame,
    *,
    rows: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    sample_weight: ArrayLike | None = None,
    top: int = 5,
    level: float = 0.95,
    n_draws: int = 200,
    rng: np.random.Generator | int = 0,
    subject: str = "student",
    subset: str = "",
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
    top : int, at least 1
        How many features count as the top.
    n_draws : int, at least 20
        Bootstrap samples.
    rng : Generator or int
    subset : str
        What kind of importance is compared, for the frame.

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
    >>> compare_importance(a, a, top=2)["estimate"].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if top < 1:
        raise InvalidInputError(f"top must be at least 1, got {top}")
    if n_draws < 20:
        raise InvalidInputError(f"n_draws must be at least 20, got {n_draws}")
    names = sorted({*teacher["feature"], *student["feature"]})
    t, s = (f.groupby("feature")["estimate"].sum().reindex(names).fillna(0.0).to_numpy() for f in (teacher, student))
    k = min(top, len(names))
    found = _alike(t, s, names, k)
    n, limits, method = len(names), {}, {"importance_spearman": "fisher z"}
    if rows is None:
        limits["importance_spearman"] = spearman_interval(found["importance_spearman"], len(names), level)
    else:
        n, limits = len(rows[0]), _resampled(rows, sample_weight, names, k, level, n_draws, np.random.default_rng(rng))
        method = dict.fromkeys(found, "bootstrap of rows, percentile")
    nothing = (float("nan"), float("nan"))
    words = {"importance_top_k": f"top {k}"}
    return frame(
        row(
            name, value, *limits.get(name, nothing), method=method.get(name, ""), n=n, subject=subject,
            subset=", ".join(filter(None, (subset, words.get(name, "")))),
        )
        for name, value in found.items()
    )  # fmt: skip


def _alike(t: NDArray[np.float64], s: NDArray[np.float64], names: Sequence[str], k: int) -> dict[str, float]:
    """Every likeness of two importances of the same features."""
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
    rows: tuple[NDArray[np.float64], NDArray[np.float64]],
    sample_weight: ArrayLike | None,
    names: Sequence[str],
    k: int,
    level: float,
    n_draws: int,
    rng: np.random.Generator,
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of every likeness over bootstrapped rows; NaN where a draw leaves one undefined."""
    first, second = (np.asarray(r, dtype=float) for r in rows)
    if first.shape != second.shape or first.shape[1] != len(names):
        raise InvalidInputError(f"rows must both be (n, {len(names)}), got {first.shape} and {second.shape}")
    count = row_counts(len(first), n_draws, rng) * weights_of(sample_weight, len(first))
    total = count.sum(axis=1, keepdims=True)
    drawn = zip(count @ first / total, count @ second / total, strict=True)
    table = pd.DataFrame([_alike(t, s, names, k) for t, s in drawn])
    low, high = percentile_limits(table, level)
    return {c: (float(low[i]), float(high[i])) for i, c in enumerate(table)}
