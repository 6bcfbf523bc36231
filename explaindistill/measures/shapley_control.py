"""A control variate for Shapley values: a stand-in for the teacher, fitted to kept answers, with exact values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import GradientBoostingRegressor

from explaindistill import plugins
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.explaining.shapley import BoxFunction, boxes_shapley

__all__ = ["KINDS", "ShapleyControl", "shapley_control"]

KINDS = ("trees", "additive")
FEWEST = 50
HELD = 5
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ShapleyControl:
    """A model of a teacher's answers whose Shapley values are closed forms.

    Attributes
    ----------
    kind : "trees" or "additive"
    held_out : dict of str to float
        Share of the variance of answers held out that each kind leaves, by which the kind was chosen.
    predict : callable
        From rows to numbers ``(n,)``.
    shapley : callable
        From rows and background to exact interventional values ``(n, d)``.

    Examples
    --------
    >>> X = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60) % 7.0})
    >>> found = shapley_control(X, X["a"] + X["b"], kinds=("additive",))
    >>> found.kind, found.shapley(X[:2], X).shape
    ('additive', (2, 2))
    """

    kind: str
    held_out: dict[str, float]
    predict: Callable[[pd.DataFrame], Floats]
    shapley: Callable[[pd.DataFrame, pd.DataFrame], Floats]


def shapley_control(
    X: pd.DataFrame,
    answers: ArrayLike,
    *,
    kinds: tuple[str, ...] = KINDS,
    n_pairs: int = 30,
    n_trees: int = 150,
    max_leaf_nodes: int = 64,
    random_state: int = 0,
) -> ShapleyControl:
    """Fit the control that leaves least of a teacher's answers.

    A sum of boosted trees follows a teacher with steps, an additive model with pairs a smooth one; which of them is
    better is decided on a fifth of the answers, and the winner is fitted to all. Nothing is asked. The rows should hold
    such as a coalition is asked with: columns from different people.

    Parameters
    ----------
    X : DataFrame of n rows
        Rows that the teacher has answered, at least 50.
    answers : array of shape (n,)
        On the scale to be explained.
    kinds : tuple of str
        What to try: ``"trees"``, ``"additive"``.
    n_pairs : int
        Of the additive model.
    n_trees, max_leaf_nodes : int
        Of the boosted trees.
    random_state : int

    Returns
    -------
    ShapleyControl
        For ``shapley_sampled(..., control=(found.predict, found.shapley(X, background)))``.

    References
    ----------
    Friedman (2001), doi:10.1214/aos/1013203451 (the trees); Lundberg et al. (2020), doi:10.1038/s42256-019-0138-9
    (their values).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.random((400, 3)), columns=list("abc"))
    >>> step = ((X["a"] > 0.5) & (X["b"] > 0.3) & (X["c"] > 0.2)).to_numpy(dtype=float)
    >>> found = shapley_control(X, step, n_trees=50)
    >>> found.kind
    'trees'
    >>> values, total = found.shapley(X[:1], X).sum(), found.predict(X[:1]) - found.predict(X).mean()
    >>> bool(abs(values - total[0]) < 1e-9)
    True
    """
    a = np.asarray(answers, dtype=float)
    if a.shape != (len(X),):
        raise InvalidInputError(f"answers must have one number per row of X, {len(X)}, got shape {a.shape}")
    if len(X) < FEWEST:
        raise InvalidInputError(f"X must have at least {FEWEST} answered rows, got {len(X)}")
    if not kinds or (unknown := [k for k in kinds if k not in KINDS]):
        raise InvalidInputError(f"kinds must name some of {', '.join(KINDS)}, got {unknown if kinds else 'none'}")
    schema, rows = Schema.infer(X), X.reset_index(drop=True)

    def fit(kind: str, at: NDArray[np.intp]) -> _Fitted:
        if kind == "trees":
            return _trees(schema, rows.iloc[at], a[at], n_trees, max_leaf_nodes, random_state)
        return _additive(rows.iloc[at], a[at], n_pairs, random_state)

    order = np.random.default_rng(random_state).permutation(len(rows))
    held, kept = np.sort(order[: len(rows) // HELD]), np.sort(order[len(rows) // HELD :])
    spread = float(a[held].var())
    left = {k: float((a[held] - fit(k, kept)[0](rows.iloc[held])).var()) for k in kinds}
    best = min(kinds, key=lambda k: left[k])
    predict, values = fit(best, np.arange(len(rows)))
    return ShapleyControl(
        best, {k: v / spread if spread > 0 else float("nan") for k, v in left.items()}, predict, values
    )


_Fitted = tuple[Callable[[pd.DataFrame], Floats], Callable[[pd.DataFrame, pd.DataFrame], Floats]]


def _additive(X: pd.DataFrame, answers: Floats, n_pairs: int, seed: int) -> _Fitted:
    most = min(n_pairs, X.shape[1] * (X.shape[1] - 1) // 2)
    model = plugins.public("students", "gam")["GAMRegressor"](n_pairs=most, random_state=seed).fit(X, answers)
    return model.predict, lambda rows, background: model.shapley(rows, background).of()


def _trees(schema: Schema, X: pd.DataFrame, answers: Floats, n_trees: int, leaves: int, seed: int) -> _Fitted:
    model = GradientBoostingRegressor(
        n_estimators=n_trees, max_leaf_nodes=leaves, max_depth=None, min_samples_leaf=10, learning_rate=0.1,
        subsample=0.5, max_features=0.5, random_state=seed,
    ).fit(_numbers(schema, X), answers)  # fmt: skip
    trees = [e.tree_ for e in model.estimators_.ravel()]

    def values(rows: pd.DataFrame, background: pd.DataFrame) -> Floats:
        sides = _numbers(schema, rows), _numbers(schema, background)
        boxes = [box for tree in trees for box in _boxes(tree, sides, model.learning_rate)]
        return boxes_shapley(boxes, len(rows), len(background), len(schema), 1)[:, :, 0]

    return lambda rows: np.asarray(model.predict(_numbers(schema, rows))), values


def _numbers(schema: Schema, rows: pd.DataFrame) -> NDArray[np.float32]:
    """Columns as the trees see them: codes of categories, a missing value below all others."""
    return np.nan_to_num(schema.encode(rows), nan=-1e30).astype(np.float32)


def _boxes(tree: Any, sides: tuple[NDArray[np.float32], NDArray[np.float32]], rate: float) -> Iterator[BoxFunction]:
    """One box per leaf: on each column of its path both the row's and the background's side."""
    todo: list[tuple[int, dict[int, tuple[Flags, Flags]]]] = [(0, {})]
    while todo:
        node, held = todo.pop()
        if tree.children_left[node] < 0:
            here, there = ([pair[i] for pair in held.values()] for i in (0, 1))
            shapes = [np.column_stack(f) if f else np.ones((len(z), 0), bool) for f, z in zip((here, there), sides,
                                                                                            strict=True)]  # fmt: skip
            yield BoxFunction(tuple(held), shapes[0], shapes[1], np.array([rate * tree.value[node, 0, 0]]))
            continue
        column = int(tree.feature[node])
        left = [z[:, column] <= tree.threshold[node] for z in sides]
        every = held.get(column, tuple(np.ones(len(z), dtype=bool) for z in sides))
        for child, flags in ((tree.children_left, left), (tree.children_right, [~f for f in left])):
            both = (every[0] & flags[0], every[1] & flags[1])
            todo.append((int(child[node]), {**held, column: both}))
