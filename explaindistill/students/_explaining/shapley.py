"""One way to exact Shapley values for every student: each family says what it adds up, the sums are closed forms."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.attribution import ShapleyValues, shapley_by_shap
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.explaining.shapley import (
    BoxFunction,
    LinearPart,
    boxes_shapley,
    interaction_shapley,
)
from explaindistill.students._intake import rows
from explaindistill.students.gam.shapes import Grid, Shape

__all__ = [
    "card_shapley",
    "gam_shapley",
    "linear_shapley",
    "path_tree_shapley",
    "rule_shapley",
    "shapley",
    "tree_shapley",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def shapley(self: Any, X: Any, background: Any, method: Literal["exact", "shap"] = "exact") -> ShapleyValues:
    """Exact interventional Shapley values: how each column moves an answer away from the background's mean answer.

    On the scale on which the student adds up: probabilities or values for trees and rule lists, logits (or the
    link) for additive and linear models, model trees, and scorecards before their risks are rounded.

    Parameters
    ----------
    X : DataFrame or array of shape (n, d)
        Rows to explain.
    background : DataFrame or array of shape (m, d)
        Rows that columns outside a coalition are taken from; some hundred of the audited rows will do.
    method : "exact" or "shap"
        ``"shap"`` asks shap's own explainers (the extra ``shap``), as a second opinion.

    Returns
    -------
    ShapleyValues
        ``values`` ``(n, d, K)``; a row's values sum to its answer minus ``base``.

    References
    ----------
    Lundberg and Lee (2017), arXiv:1705.07874; Janzing, Minorics and Blöbaum (2020), arXiv:1910.13413.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import LinearRegressor
    >>> X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 0.0, 1.0]})
    >>> student = LinearRegressor(penalty=0).fit(X, 2 * X["a"] + X["b"])
    >>> student.shapley(X[:1], X).of().round(6).tolist()
    [[-3.0, 0.5]]
    """
    if method not in ("exact", "shap"):
        raise InvalidInputError(f'method must be "exact" or "shap", got {method!r}')
    frame, behind = rows(self, X), rows(self, background)
    values, base, outputs, scale = self._shapley(frame, behind)
    names = tuple(self.schema_.names)
    if method == "exact":
        return ShapleyValues(values, base, names, tuple(outputs), scale, frame)
    other = shapley_by_shap(lambda made: _answers(self, made, scale), frame, behind)
    return ShapleyValues(other.values, other.base, names, tuple(outputs), scale, frame, other.method)


def _answers(student: Any, made: pd.DataFrame, scale: str) -> Floats:
    """What the values of a scale sum to."""
    X = student.schema_.restore(made)
    if scale == "probability":
        return np.asarray(student.predict_proba(X))
    if scale == "logit":
        return np.asarray(getattr(student, "log_odds", student.decision_function)(X))
    return np.log(student.predict(X)) if scale == "log" else np.asarray(student.predict(X), dtype=float)


Found = tuple[Floats, Floats, list[Any], str]


def linear_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> Found:
    """Contribution of each column less its mean over the background."""
    model = student.model_
    here, there = model.contributions(X), model.contributions(background)
    values = np.zeros((len(X), len(model.schema), len(model.intercept)))
    for name, part in here.items():
        values[:, model.schema.names.index(name)] = part - there[name].mean(axis=0)
    return values, model.predictor(background).mean(axis=0), model.outputs, model.scale_name


def card_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> Found:
    """Points of each column less their mean, in log-odds by the card's slope."""
    model, slope = student.model_, float(student.slope_)
    here, there = model.values(X) * slope, model.values(background) * slope
    values = np.zeros((len(X), len(model.schema), 1))
    for j, column in enumerate(model.columns):
        values[:, model.schema.names.index(column.feature), 0] += here[:, j] - there[:, j].mean()
    base = np.array([student.offset_ + there.sum(axis=1).mean()])
    return values, base, list(model.classes[1:]), "logit"


def gam_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> Found:
    """Effect of each column less its mean; a pair by its four coalitions, each a mean over a table."""
    axes = sorted({g.axis for s in student.shapes_ for g in s.grids})
    here, there = ({i: student.schema_.column(f, i) for i in axes} for f in (X, background))
    values = np.zeros((len(X), len(student.schema_), len(student.intercept_)))
    base = np.array(student.intercept_, dtype=float)
    for shape in student.shapes_:
        mean = shape.contribution(there).mean(axis=0)
        base = base + mean
        if len(shape.grids) == 1:
            values[:, shape.grids[0].axis] += shape.contribution(here) - mean
            continue
        first, second = (_half(shape, i, here, there) for i in (0, 1))
        for grid, part in zip(
            shape.grids, interaction_shapley(shape.contribution(here), first, second, mean), strict=True
        ):
            values[:, grid.axis] += part
    classes = getattr(student, "classes_", None)
    outputs = [0] if classes is None else list(classes[1:] if len(classes) == 2 else classes)
    return values, base, outputs, student.scale_


def _half(shape: Shape, own: int, here: dict[int, Floats], there: dict[int, Floats]) -> Floats:
    """Mean of a pair over the background of the other column, with one column the row's own ``(n, outputs)``."""
    table = shape.values if own == 0 else shape.values.swapaxes(1, 2)
    mine, other = shape.grids[own], shape.grids[1 - own]
    mean = table @ _weights(other, there[other.axis]).mean(axis=0)
    return _weights(mine, here[mine.axis]) @ mean.T


def _weights(grid: Grid, x: Floats) -> Floats:
    """Weight of each place of the grid for each value ``(n, size)``; rows of zeros where a value is not known."""
    lo, hi, share, known = grid.weights(x)
    out = np.zeros((len(x), grid.size))
    at = np.arange(len(x))
    np.add.at(out, (at, lo), np.where(known, 1.0 - share, 0.0))
    np.add.at(out, (at, hi), np.where(known, share, 0.0))
    return out


def tree_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> Found:
    """Each leaf is a box that holds its value."""
    tree = student.tree_
    sides = [{f: tree.schema.column(frame, f) for f in tree.used} for frame in (X, background)]
    tests = {
        int(v): tuple(tree.goes_left(int(v), side[int(tree.feature[v])]) for side in sides)
        for v in np.flatnonzero(tree.feature >= 0)
    }
    boxes = []
    for leaf in tree.leaves:
        steps = [(int(tree.feature[v]), *(side if left else ~side for side in tests[v])) for v, left in tree.path(leaf)]
        boxes.append(_box(steps, tree.value[leaf], len(X), len(background)))
    values = boxes_shapley(boxes, len(X), len(background), len(tree.schema), tree.value.shape[1])
    base = np.take(tree.value, tree.route(background), axis=0).mean(axis=0)
    is_classifier = hasattr(student, "classes_")
    outputs = list(student.classes_) if is_classifier else list(range(tree.value.shape[1]))
    return values, base, outputs, "probability" if is_classifier else "value"


def _box(
    steps: list[tuple[int, Flags, Flags]], value: Floats, n: int, m: int, parts: tuple[LinearPart, ...] = ()
) -> BoxFunction:
    """Conditions on the same column become one."""
    here: dict[int, Flags] = {}
    there: dict[int, Flags] = {}
    for column, x, b in steps:
        here[column] = here.get(column, True) & x
        there[column] = there.get(column, True) & b
    columns = tuple(here)

    def stacked(side: dict[int, Flags], size: int) -> Flags:
        return np.column_stack([side[c] for c in columns]) if columns else np.zeros((size, 0), dtype=np.bool_)

    return BoxFunction(columns, stacked(here, n), stacked(there, m), np.asarray(value, dtype=float), parts)


def rule_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> Found:
    """A rule that decides is a sum of boxes: its literals hold, and of each rule before it one literal fails first."""
    model = student.rules_
    sides = [model.columns(f) for f in (X, background)]
    boxes = [_box(steps, value, len(X), len(background)) for steps, value in _decided(model, sides, 0, [])]
    values = boxes_shapley(boxes, len(X), len(background), len(model.schema), len(model.base))
    is_classifier = hasattr(student, "classes_")
    outputs = list(student.classes_) if is_classifier else list(range(len(model.base)))
    return values, model.values(background).mean(axis=0), outputs, "probability" if is_classifier else "value"


def _decided(
    model: Any, sides: list[dict[int, Floats]], r: int, before: list[tuple[int, Flags, Flags]]
) -> Iterator[tuple[list[tuple[int, Flags, Flags]], Floats]]:
    """Boxes from rule r on; a box that no row and no background row can reach in some column is left out."""
    if r == len(model.rules):
        yield before, np.array(model.default)
        return
    steps = before
    for literal in model.rules[r].literals:
        x, b = (literal(side[literal.feature]) for side in sides)
        failed = [*steps, (literal.feature, ~x, ~b)]
        if _reachable(failed, literal.feature):
            yield from _decided(model, sides, r + 1, failed)
        steps = [*steps, (literal.feature, x, b)]
        if not _reachable(steps, literal.feature):
            return
    yield steps, np.array(model.rules[r].value)


def _reachable(steps: list[tuple[int, Flags, Flags]], column: int) -> bool:
    own = [(x, b) for c, x, b in steps if c == column]
    return bool(np.logical_and.reduce([x for x, _ in own]).any() or np.logical_and.reduce([b for _, b in own]).any())


def path_tree_shapley(student: Any, X: pd.DataFrame, background: pd.DataFrame) -> Found:
    """Each leaf is a box that holds its intercept and the linear parts of the terms on its path."""
    tree = student.tree_
    here, there = tree.columns(X), tree.columns(background)
    boxes = []
    for leaf, node in enumerate(tree.nodes):
        if node.feature >= 0:
            continue
        path = tree.path(leaf)
        steps = []
        for v, child in pairwise(path):
            above = tree.nodes[v]
            left = above.left == child
            x, b = (above.goes_left(side[above.feature]) for side in (here, there))
            steps.append((above.feature, x if left else ~x, b if left else ~b))
        boxes.append(_box(steps, np.array(node.intercept), len(X), len(background), _parts(tree, leaf, here, there)))
    values = boxes_shapley(boxes, len(X), len(background), len(tree.schema), tree.n_outputs)
    classes = getattr(student, "classes_", None)
    outputs = list(range(tree.n_outputs)) if classes is None else list(classes[1:] if len(classes) == 2 else classes)
    return values, tree.predictors(background).mean(axis=0), outputs, "value" if classes is None else "logit"


def _parts(tree: Any, leaf: int, here: dict[int, Floats], there: dict[int, Floats]) -> tuple[LinearPart, ...]:
    """Linear parts of a leaf's model, one per column."""
    sums: dict[int, list[Floats]] = {}
    for (t, k), coefficient in tree.formula(leaf).items():
        term = tree.terms[t]
        i = tree.schema.names.index(term.column.feature)
        own = sums.setdefault(i, [np.zeros((len(side[i]), tree.n_outputs)) for side in (here, there)])
        for part, side in zip(own, (here, there), strict=True):
            part[:, k] += coefficient * term.values(tree.schema[i], side[i])
    return tuple(LinearPart(i, *parts) for i, parts in sums.items())
