r"""Shapley values of any callable: exact where interactions are few, sampled with a control variate elsewhere.

The value of a coalition S at a row x is interventional: :math:`v(S) = \tfrac1m \sum_b f(x_S, b_{\bar S})` over the rows
b of a background.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures._batches import batches

__all__ = ["shapley_exact", "shapley_pairwise", "shapley_sampled"]

Predict = Callable[[pd.DataFrame], NDArray[np.float64]]
Floats = NDArray[np.float64]
MOST_FEATURES = 12
"""Columns of which all coalitions are asked, 2 to the power of it, each about every pair of a row and a background
row."""


def _mixed(inside: frozenset[str], X: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Rows whose columns of the coalition come from X and the rest from ``other``, position by position."""
    return pd.DataFrame({c: (X if c in inside else other)[c].array for c in X.columns})


def _worth(predict: Predict, inside: frozenset[str], X: pd.DataFrame, background: pd.DataFrame) -> Floats:
    """Value of one coalition for each row of X, averaged over the whole background."""
    n, m = len(X), len(background)
    rows, others = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    answers = predict(_mixed(inside, X.iloc[rows], background.iloc[others]))
    return np.asarray(answers, dtype=float).reshape(n, m).mean(axis=1)


def _check(X: pd.DataFrame, background: pd.DataFrame) -> None:
    if list(X.columns) != list(background.columns):
        raise InvalidInputError("background must have the columns of X, in the same order")
    if len(X) == 0 or len(background) == 0:
        raise InvalidInputError("X and background must have at least 1 row each")


def shapley_exact(predict: Predict, X: pd.DataFrame, background: pd.DataFrame) -> Floats:
    r"""Exact values by all coalitions: :math:`\sum_S \frac{|S|!(d-|S|-1)!}{d!} [v(S\cup j) - v(S)]` over S without j.

    Parameters
    ----------
    predict : callable
        From rows to numbers ``(n,)``; columns that it ignores may be dropped from X first.
    X, background : DataFrame
        At most 12 columns.

    Returns
    -------
    ndarray of shape (n, d)
        Each row sums to the answer minus the background's mean answer.

    References
    ----------
    Lundberg and Lee (2017), arXiv:1705.07874; Janzing, Minorics and Blöbaum (2020), arXiv:1910.13413.

    Examples
    --------
    >>> X = pd.DataFrame({"a": [1.0], "b": [1.0]})
    >>> shapley_exact(lambda r: (r["a"] * r["b"]).to_numpy(), X, X * 0).tolist()
    [[0.5, 0.5]]
    """
    _check(X, background)
    names, d = list(X.columns), X.shape[1]
    if d > MOST_FEATURES:
        raise InvalidInputError(f"X must have at most {MOST_FEATURES} columns for all coalitions, got {d}")
    worth = {
        inside: _worth(predict, inside, X, background)
        for size in range(d + 1)
        for inside in map(frozenset, combinations(names, size))
    }
    out = np.zeros((len(X), d))
    for inside, value in worth.items():
        for j, name in enumerate(names):
            s = len(inside) - (name in inside)
            share = factorial(s) * factorial(d - s - 1) / factorial(d)
            out[:, j] += share * value * (1 if name in inside else -1)
    return out


def shapley_pairwise(predict: Predict, X: pd.DataFrame, background: pd.DataFrame) -> Floats:
    r"""Exact values where interactions are pairs at most: additive and linear models, on their link scale.

    :math:`\phi_j = \tfrac12 [v(j) - v(\emptyset) + v(N) - v(N \setminus j)]`: a pair's surplus is counted by one half
    of the bracket and is shared by its two members. With interactions of three columns this is no Shapley value.

    Parameters and result are those of `shapley_exact`, without its limit on columns; 2 d + 2 coalitions are asked.

    Examples
    --------
    >>> X = pd.DataFrame({"a": [1.0], "b": [1.0]})
    >>> shapley_pairwise(lambda r: (r["a"] * r["b"] + r["a"]).to_numpy(), X, X * 0).tolist()
    [[1.5, 0.5]]
    """
    _check(X, background)
    whole = frozenset(X.columns)
    empty, full = _worth(predict, frozenset(), X, background), np.asarray(predict(X), dtype=float)
    columns = [
        (_worth(predict, frozenset([c]), X, background) - empty + full - _worth(predict, whole - {c}, X, background))
        / 2
        for c in X.columns
    ]
    return np.column_stack(columns)


def _walks(
    predict: Predict, X: pd.DataFrame, background: pd.DataFrame, n_permutations: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Contributions ``(n, d, K)`` along random orders and their reverses, each with its own background rows.

    The answers to X and to the background serve all walks; a walk asks only about the mixed rows between them.
    """
    n, d = X.shape
    full, empty = (_columns(predict(rows)) for rows in (X, background))
    both = {c: pd.concat([X[c], background[c]], ignore_index=True) for c in X.columns}
    for _ in range((n_permutations + 1) // 2):
        order = rng.permutation(d)
        for walk in (order, order[::-1]):
            chosen = rng.integers(0, len(background), n)
            rank = np.argsort(walk)
            between = empty[chosen][None], *_between(predict, both, rank, chosen, n), full[None]
            steps = np.diff(np.concatenate(between), axis=0)
            yield steps[rank].swapaxes(0, 1)


def _between(
    predict: Predict, both: dict[Any, pd.Series], rank: NDArray[np.intp], chosen: NDArray[np.intp], n: int
) -> tuple[Floats, ...]:
    """Answers to the mixed rows of one walk ``(d - 1, n, K)``; nothing with a single column."""
    d = len(rank)
    if d == 1:
        return ()
    explained, other, steps, parts = np.arange(n), n + chosen, np.arange(1, d), []
    for piece in batches(d - 1, n * d):
        step = steps[piece, None]  # after s steps the s columns of lowest rank come from X
        rows = {
            c: series.take(np.where(rank[j] < step, explained, other).ravel()).array
            for j, (c, series) in enumerate(both.items())
        }
        parts.append(_columns(predict(pd.DataFrame(rows))))
    return (np.concatenate(parts).reshape(d - 1, n, -1),)


def _columns(answer: Any) -> Floats:
    values = np.asarray(answer, dtype=float)
    return values[:, None] if values.ndim == 1 else values


def shapley_sampled(
    predict: Predict,
    X: pd.DataFrame,
    background: pd.DataFrame,
    *,
    n_permutations: int = 20,
    rng: np.random.Generator | int = 0,
    control: tuple[Predict, Floats] | None = None,
) -> tuple[Floats, Floats]:
    r"""Unbiased values by random orders of the columns, with a control variate where one is given.

    With a control c of known values :math:`\phi^c` (``student.shapley``) only the difference is sampled:
    :math:`\phi^f = \phi^c + \widehat{\phi^{f-c}}`. The better the student repeats the teacher, the smaller the
    error at the same number of questions; the result is unbiased for any control.

    Parameters
    ----------
    predict : callable
        From rows to numbers ``(n,)`` or ``(n, K)``; asked about X, the background, and (d - 1) n rows per order.
    n_permutations : int, at least 2
        Orders; rounded up to an even number, since each is walked in both directions.
    control : (callable, ndarray like the values), optional

    Returns
    -------
    values, standard_errors : ndarray of shape (n, d), or (n, d, K)
        Errors from the spread between independent pairs of walks; NaN with one pair.

    References
    ----------
    Štrumbelj and Kononenko (2014), doi:10.1007/s10115-013-0679-x; Mitchell et al. (2022), arXiv:2104.12199.

    Examples
    --------
    A control that is the model itself leaves nothing to chance:

    >>> f = lambda r: (r["a"] * r["b"]).to_numpy()
    >>> X = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    >>> values, errors = shapley_sampled(f, X, X, n_permutations=4, control=(f, shapley_exact(f, X, X)))
    >>> bool((values == shapley_exact(f, X, X)).all()), float(errors.max())
    (True, 0.0)
    """
    _check(X, background)
    if n_permutations < 2:
        raise InvalidInputError(f"n_permutations must be at least 2, got {n_permutations}")
    exact: Floats | float = 0.0
    difference = predict
    if control is not None:
        other, exact = control
        if np.shape(exact)[:2] != X.shape:
            raise InvalidInputError(f"values of the control must have shape {X.shape}, got {np.shape(exact)}")

        def difference(rows: pd.DataFrame) -> Floats:
            return np.asarray(predict(rows), dtype=float) - np.asarray(other(rows), dtype=float)

    walks = np.array(list(_walks(difference, X, background, n_permutations, np.random.default_rng(rng))))
    if np.ndim(exact) != 3 and walks.shape[-1] == 1:
        walks = walks[..., 0]
    # A walk and its reverse share an order, so that pairs and not walks are independent.
    pairs = walks.reshape(-1, 2, *walks.shape[1:]).mean(axis=1)
    blank = np.full(pairs.shape[1:], np.nan)
    errors = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs)) if len(pairs) > 1 else blank
    return exact + pairs.mean(axis=0), errors
