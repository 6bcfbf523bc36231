"""A control variate for Shapley values: a stand-in for the teacher, fitted to kept answers, with exact values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingRegressor

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.explaining.shapley import Box, boxes_shapley

__all__ = ["KINDS", "ShapleyControl", "shapley_control"]

KINDS = ("trees", "additive")
FEWEST = 50
"""Answers, of which ten are held out: with fewer the choice between the kinds would be chance."""
HELD = 5
"""One row in so many is held out. A trade-off: more judge the kinds better, and leave fewer to fit them to."""
GROWTH: dict[str, Any] = {"min_samples_leaf": 10, "learning_rate": 0.1, "subsample": 0.5, "max_features": 0.5}
"""Of the boosted trees. Each sees one half of the rows, as Friedman (2002, doi:10.1016/S0167-9473(01)00065-2) has it,
and each split one half of the columns, a trade-off between its gain and its time; ten rows steady a leaf's mean."""
BELOW = -1e30
"""Stands for a missing value: below every number that occurs, and a single float holds it."""
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
    >>> control = shapley_control(X, X["a"] + X["b"], n_trees=10)
    >>> control.kind, control.shapley(X[:2], X).shape
    ('trees', (2, 2))
    """

    kind: str
    held_out: dict[str, float]
    predict: Callable[[pd.DataFrame], Floats]
    shapley: Callable[[pd.DataFrame, pd.DataFrame], Floats]


def shapley_control(
    X: pd.DataFrame,
    answers: ArrayLike,
    *,
    additive: Any = None,
    kinds: Sequence[str] | None = None,
    n_trees: int = 150,
    max_leaf_nodes: int = 64,
    random_state: int = 0,
) -> ShapleyControl:
    r"""Fit the control that leaves least of a teacher's answers.

    A sum of boosted trees follows a teacher with steps, an additive model with pairs a smooth one; which of them is
    better is decided on a fifth of the answers, and the winner is fitted to all. Nothing is asked. The rows should hold
    such as a coalition is asked with: columns from different people.

    Parameters
    ----------
    X : DataFrame of n rows
        Rows that the teacher has answered, at least 50.
    answers : array of shape (n,)
        On the scale to be explained.
    additive : estimator, optional
        An additive regressor that is not fitted, with ``fit``, ``predict`` and ``shapley(rows, background)``, such as
        ``GAMRegressor(n_pairs=30)``; it is copied. Without it trees are the only kind.
    kinds : sequence of str, optional
        What to try: ``"trees"``, ``"additive"``; all that there is when None.
    n_trees, max_leaf_nodes : int
        Of the boosted trees. A trade-off: more of both follow the teacher more closely, and the time of the exact
        values is their product.
    random_state : int
        Of the trees, and of the rows that are held out.

    Returns
    -------
    ShapleyControl
        For ``shapley_sampled(..., control=(control.predict, control.shapley(X, background)))``.

    Notes
    -----
    A kind with predictions :math:`\hat a` is judged by :math:`\text{Var}(a - \hat a) / \text{Var}(a)` over answers a
    that are held out: a constant difference does not matter, since Shapley values do not change with it.

    References
    ----------
    Friedman (2001), doi:10.1214/aos/1013203451 (the trees); Lundberg et al. (2020), doi:10.1038/s42256-019-0138-9
    (their values).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.random((400, 3)), columns=list("abc"))
    >>> step = ((X["a"] > 0.5) & (X["b"] > 0.3) & (X["c"] > 0.2)).to_numpy(dtype=float)
    >>> from explaindistill import GAMRegressor
    >>> control = shapley_control(X, step, additive=GAMRegressor(n_pairs=3), n_trees=50)
    >>> control.kind
    'trees'
    >>> values, total = control.shapley(X[:1], X).sum(), control.predict(X[:1]) - control.predict(X).mean()
    >>> bool(abs(values - total[0]) < 1e-9)
    True
    """
    a = np.asarray(answers, dtype=float)
    if a.shape != (len(X),):
        raise InvalidInputError(f"answers must have one number per row of X, {len(X)}, got shape {a.shape}")
    if len(X) < FEWEST:
        raise InvalidInputError(f"X must have at least {FEWEST} answered rows, got {len(X)}")
    tried = _kinds(kinds, additive)
    schema, rows = Schema.infer(X), X.reset_index(drop=True)

    def fit(kind: str, at: NDArray[np.intp]) -> _Fitted:
        if kind == "trees":
            return _trees(schema, rows.iloc[at], a[at], n_trees, max_leaf_nodes, random_state)
        return _additive(clone(additive), rows.iloc[at], a[at])

    order = np.random.default_rng(random_state).permutation(len(rows))
    held, rest = np.sort(order[: len(rows) // HELD]), np.sort(order[len(rows) // HELD :])
    spread = float(a[held].var())
    unexplained = {k: float((a[held] - fit(k, rest)[0](rows.iloc[held])).var()) for k in tried}
    best = min(tried, key=lambda k: unexplained[k])
    shares = {k: v / spread if spread > 0 else float("nan") for k, v in unexplained.items()}
    return ShapleyControl(best, shares, *fit(best, np.arange(len(rows))))


def _kinds(kinds: Sequence[str] | None, additive: Any) -> Sequence[str]:
    """Kinds to try; an additive one needs a model."""
    if kinds is None:
        return KINDS if additive is not None else KINDS[:1]
    if not kinds or (unknown := [k for k in kinds if k not in KINDS]):
        raise InvalidInputError(f"kinds must name some of {', '.join(KINDS)}, got {unknown if kinds else 'none'}")
    if additive is None and "additive" in kinds:
        raise InvalidInputError(
            "kinds names additive, so additive must be a regressor such as GAMRegressor(), got None"
        )
    return kinds


_Fitted = tuple[Callable[[pd.DataFrame], Floats], Callable[[pd.DataFrame, pd.DataFrame], Floats]]


def _additive(model: Any, X: pd.DataFrame, answers: Floats) -> _Fitted:
    model.fit(X, answers)
    return model.predict, lambda rows, background: model.shapley(rows, background).of()


def _trees(schema: Schema, X: pd.DataFrame, answers: Floats, n_trees: int, leaves: int, seed: int) -> _Fitted:
    """Boosted trees: their sum is a sum of boxes, one per leaf, whose Shapley values are closed forms."""
    model = GradientBoostingRegressor(
        n_estimators=n_trees, max_leaf_nodes=leaves, max_depth=None, random_state=seed, **GROWTH
    ).fit(_numbers(schema, X), answers)
    trees = [e.tree_ for e in model.estimators_.ravel()]

    def values(rows: pd.DataFrame, background: pd.DataFrame) -> Floats:
        sides = _numbers(schema, rows), _numbers(schema, background)
        boxes = [box for tree in trees for box in _boxes(tree, sides, model.learning_rate)]
        return boxes_shapley(boxes, len(rows), len(background), len(schema), 1)[:, :, 0]

    return lambda rows: np.asarray(model.predict(_numbers(schema, rows))), values


def _numbers(schema: Schema, rows: pd.DataFrame) -> NDArray[np.float32]:
    """Columns as the trees see them: codes of categories, a missing value below all others."""
    return np.nan_to_num(schema.encode(rows), nan=BELOW).astype(np.float32)


def _boxes(tree: Any, sides: tuple[NDArray[np.float32], NDArray[np.float32]], rate: float) -> Iterator[Box]:
    """One box per leaf: for each column of its path, which rows and which background rows keep all of its conditions.

    scikit-learn's trees send a row left where its value is at most the threshold; a negative child marks a leaf.
    """
    todo: list[tuple[int, dict[int, tuple[Flags, Flags]]]] = [(0, {})]
    while todo:
        node, held = todo.pop()
        if tree.children_left[node] < 0:
            flags = ([pair[i] for pair in held.values()] for i in (0, 1))
            shapes = [
                np.column_stack(f) if f else np.ones((len(z), 0), bool) for f, z in zip(flags, sides, strict=True)
            ]
            yield Box(tuple(held), shapes[0], shapes[1], np.array([rate * tree.value[node, 0, 0]]))
            continue
        column = int(tree.feature[node])
        below = [z[:, column] <= tree.threshold[node] for z in sides]
        every = held.get(column, tuple(np.ones(len(z), dtype=bool) for z in sides))
        for child, side in ((tree.children_left, below), (tree.children_right, [~f for f in below])):
            both = (every[0] & side[0], every[1] & side[1])
            todo.append((int(child[node]), {**held, column: both}))
