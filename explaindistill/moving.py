"""What moving towards labels means in each family: a student's numbers go a share of the way, nothing else does."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from explaindistill.data.design import matrix
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.linear.elastic_net import LinearFit, refit_gaussian, refit_logistic
from explaindistill.numerics.linear.penalty_choice import standardise
from explaindistill.numerics.model_trees.leaf_models import Loss
from explaindistill.numerics.model_trees.refit import fit_towards
from explaindistill.students.gam import refining as _gam_refit
from explaindistill.students.linear.model import LinearModel, fitted_model
from explaindistill.students.model_tree.model import PathTree
from explaindistill.students.rules.model import RuleList
from explaindistill.students.rules.tables import class_table, value_table
from explaindistill.students.scorecard.estimators import CardModel, risk_table
from explaindistill.students.tree.model import TreeModel

__all__ = ["toward_labels"]

Array = NDArray[np.float64]
Move = Callable[[float], Any]
PRIOR_ROWS = 10.0
"""Labels count as much as the student's own number from so many rows on."""


def toward_labels(student: Any, frame: pd.DataFrame, answer: Array, labels: Array) -> Move:
    """Way of a student's numbers to those that labels would give its structure.

    Parameters
    ----------
    student : fitted student of this package
        It is not changed.
    frame : n rows in the student's schema
    answer : array of shape (n, k) or (n, m)
        What the student says about them.
    labels : array like ``answer``

    Returns
    -------
    callable
        From a strength above 0 and at most 1 to a copy of the student.

    Raises
    ------
    InvalidInputError
        For a student of another kind, or one whose numbers may not move.
    """
    model = getattr(student, "model_", None)
    if isinstance(getattr(student, "tree_", None), TreeModel):
        return _tree(student, frame, labels)
    if isinstance(getattr(student, "tree_", None), PathTree):
        return _path_tree(student, frame, labels)
    if isinstance(getattr(student, "rules_", None), RuleList):
        return _rules(student, frame, labels)
    if isinstance(model, LinearModel):
        return _linear(student, frame, answer, labels)
    if isinstance(model, CardModel):
        return _card(student, frame, labels)
    if hasattr(student, "shapes_"):
        return _gam_refit.toward_labels(student, frame, labels)
    inner = "; give it distiller.student_, and the columns that it sees" if hasattr(student, "student_") else ""
    raise InvalidInputError(
        f"student must be a tree, a model tree, rules, an additive or linear student or a scorecard of this package, "
        f"got {type(student).__name__}{inner}"
    )


def _with(student: Any, **attributes: Any) -> Any:
    """Copy of a student with some fitted attributes changed."""
    out = copy.copy(student)
    for name, value in attributes.items():
        setattr(out, name, value)
    return out


def _tree(student: Any, frame: pd.DataFrame, labels: Array) -> Move:
    if getattr(student, "monotone", None):
        raise InvalidInputError(
            "student has monotone=, which moved leaves could break; refine a student without it, "
            "or fit this one with label_weight="
        )
    tree = student.tree_
    return lambda strength: _with(student, tree_=tree.with_value(_leaf_values(tree, frame, labels, strength)))


def _leaf_values(tree: TreeModel, frame: pd.DataFrame, labels: Array, strength: float) -> Array:
    """Leaves move to the mean of their labels, held back where these are few; inner nodes are means of leaves."""
    leaf = tree.route(frame)
    value = tree.value.copy()
    n = np.bincount(leaf, minlength=len(value)).astype(float)
    for k in range(value.shape[1]):
        total = np.bincount(leaf, weights=labels[:, k], minlength=len(value))
        toward = (total + PRIOR_ROWS * tree.value[:, k]) / (n + PRIOR_ROWS)
        value[:, k] = np.where(n > 0, (1 - strength) * tree.value[:, k] + strength * toward, tree.value[:, k])
    for node in np.flatnonzero(tree.feature >= 0)[::-1]:
        pair = [tree.left[node], tree.right[node]]
        value[node] = np.average(value[pair], axis=0, weights=tree.weight[pair])
    return value


def _linear(student: Any, frame: pd.DataFrame, answer: Array, labels: Array) -> Move:
    """Coefficients fitted to a mixture of the student's answers and the labels."""
    model, digits = student.model_, getattr(student, "digits", None)

    def move(strength: float) -> Any:
        target = (1 - strength) * answer + strength * labels
        return _with(student, model_=refitted(model, frame, target, digits))

    return move


def refitted(model: LinearModel, frame: pd.DataFrame, target: Array, digits: int | None) -> LinearModel:
    """The same terms with coefficients fitted anew, without penalty, to soft labels or values."""
    columns = list(model.columns)
    values = matrix(columns, model.schema, frame)
    w = np.full(len(frame), 1.0 / len(frame))
    Z, mean, scale = standardise(values, w)
    support = (model.coef != 0) & (scale > 0)[:, None]
    if model.classes is None:
        fit = refit_gaussian(Z, target, w, support)
    else:
        start = LinearFit(model.intercept + mean @ model.coef, model.coef * scale[:, None])
        fit = refit_logistic(Z, target, w, support, start)
    new = fitted_model(fit, model.schema, columns, values, w, (mean, scale), model.base, model.classes, digits)
    return replace(new, base=model.base)


def _rules(student: Any, frame: pd.DataFrame, labels: Array) -> Move:
    """Each rule's value moves as a leaf's does; what it leaves is the mean of the rules after it."""
    found: RuleList = student.rules_
    taken, k = found.taken(frame), len(found.rules)
    old = np.array([*(rule.value for rule in found.rules), found.default])
    n = np.bincount(taken, minlength=k + 1).astype(float)[:, None]
    total = np.stack([np.bincount(taken, weights=y, minlength=k + 1) for y in labels.T], axis=1)
    toward = (total + PRIOR_ROWS * old) / (n + PRIOR_ROWS)
    shares = np.array([rule.share for rule in found.rules])
    shares = np.append(shares, max(1.0 - shares.sum(), 0.0))
    tabulate = class_table if hasattr(student, "classes_") else value_table

    def move(strength: float) -> Any:
        value = (1 - strength) * old + strength * toward
        rest = [_mean(value[r + 1 :], shares[r + 1 :]) for r in range(k)]
        rules = tuple(
            replace(rule, value=tuple(v.tolist()), rest=tuple(after.tolist()))
            for rule, v, after in zip(found.rules, value, rest, strict=False)
        )
        out = _with(student, rules_=replace(found, rules=rules, base=tuple(_mean(value, shares).tolist())))
        out.table_ = tabulate(out, frame, labels, np.ones(len(frame)), 0.95)
        return out

    return move


def _mean(value: Array, share: Array) -> Array:
    return np.asarray(np.average(value, axis=0, weights=share) if share.sum() > 0 else value[-1])


def _card(student: Any, frame: pd.DataFrame, labels: Array) -> Move:
    """The curve of risks moves; points, and with them what counts, stay. It never falls with the total."""
    model = student.model_
    total = model.values(frame).sum(axis=1)
    Z = np.column_stack([np.ones(len(total)), total])
    start = np.array([[student.offset_], [student.slope_]])
    toward = fit_towards(Z, labels[:, 1:], start, np.ones((2, 1), dtype=bool), "binary", PRIOR_ROWS)

    def move(strength: float) -> Any:
        offset, slope = ((1 - strength) * start + strength * toward)[:, 0].tolist()
        slope = max(slope, 0.0)
        totals = np.arange(model.lowest, model.lowest + len(model.risk))
        risk = risk_table(expit(offset + slope * totals), student.digits)
        return _with(student, model_=replace(model, risk=risk), offset_=offset, slope_=slope)

    return move


def _path_tree(student: Any, frame: pd.DataFrame, labels: Array) -> Move:
    """Intercepts of the leaves, and coefficients where they stand on the paths; questions and terms stay."""
    tree: PathTree = student.tree_
    K = tree.n_outputs
    loss: Loss = "squared" if not hasattr(student, "classes_") else "binary" if K == 1 else "softmax"
    keys, Z = _path_columns(tree, frame)
    start, support = np.zeros((len(keys), K)), np.zeros((len(keys), K), dtype=bool)
    for j, (v, t) in enumerate(keys):
        if t < 0:
            start[j], support[j] = tree.nodes[v].intercept, True
        for own, k, coefficient in tree.nodes[v].terms:
            if own == t:
                start[j, k], support[j, k] = coefficient, True
    toward = fit_towards(Z, labels[:, -K:], start, support, loss, PRIOR_ROWS)

    def move(strength: float) -> Any:
        numbers = dict(zip(keys, (1 - strength) * start + strength * toward, strict=True))
        nodes = tuple(
            replace(
                node,
                intercept=tuple(numbers[v, -1].tolist()) if node.feature < 0 else (),
                terms=tuple((t, k, float(numbers[v, t][k])) for t, k, _ in node.terms),
            )
            for v, node in enumerate(tree.nodes)
        )
        moved = replace(tree, nodes=nodes)
        return _with(student, tree_=moved.with_importance(frame, np.full(len(frame), 1.0 / len(frame))))

    return move


def _path_columns(tree: PathTree, frame: pd.DataFrame) -> tuple[list[tuple[int, int]], Array]:
    """What each number of a model tree multiplies: its (node, term), -1 for intercepts, and the columns ``(n, q)``."""
    keys: list[tuple[int, int]] = []
    parts: list[Array] = []
    columns = tree.columns(frame)
    for v, rows in tree.walk(columns, len(frame)):
        node = tree.nodes[v]
        terms = list(dict.fromkeys(t for t, _, _ in node.terms))
        for t in terms if node.feature >= 0 else [*terms, -1]:
            part = np.zeros(len(frame))
            if t < 0:
                part[rows] = 1.0
            else:
                feature = tree.schema.names.index(tree.terms[t].column.feature)
                part[rows] = tree.terms[t].values(tree.schema[feature], columns[feature][rows])
            keys.append((v, t))
            parts.append(part)
    return keys, np.column_stack(parts)
