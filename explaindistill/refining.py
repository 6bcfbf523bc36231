"""Refining: a student's numbers move towards true labels, as far as a limit on the loss of fidelity allows."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from sklearn.utils.validation import check_is_fitted

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.closeness import closeness
from explaindistill.numerics.design import matrix
from explaindistill.numerics.elastic_net import LinearFit, refit_gaussian, refit_logistic
from explaindistill.numerics.folds import content_rank
from explaindistill.numerics.penalty_choice import standardise
from explaindistill.students._linear_model import LinearModel, fitted_model
from explaindistill.students._tree_model import TreeModel
from explaindistill.targets import as_soft_targets

__all__ = ["Refined", "refine"]

Array = NDArray[np.float64]
PRIOR_ROWS = 10.0
"""A leaf's own labels count as much as its old value from so many rows on."""
PROBABILITY_FLOOR = 1e-6


@dataclass(frozen=True)
class Refined:
    """A refined copy of the student and what it cost.

    Attributes
    ----------
    student : estimator
    strength : float
        0 is the student as it was, 1 the values that the labels alone would give its structure.
    curve : DataFrame
        One row per strength tried, on rows that moved nothing: ``strength``, ``fidelity`` (agreement with the
        reference, or R² in regression), ``loss`` of fidelity against strength 0, ``performance`` (accuracy, or R²
        against the labels), ``error`` (cross-entropy in nats, or mean squared error), ``n``, ``chosen``.
    """

    student: Any
    strength: float
    curve: pd.DataFrame


def refine(
    student: Any,
    X: Any,
    y: Any,
    *,
    P: ArrayLike | None = None,
    max_loss: float = 0.01,
    n_strengths: int = 11,
    random_state: int = 0,
) -> Refined:
    """Move leaf values or coefficients towards true labels; the structure stays as it is.

    For each strength a the numbers are fitted to ``(1 - a) x student's answer + a x label`` on two thirds of the rows;
    the last third, told apart by content, measures fidelity and error. The strength of least error whose loss of
    fidelity is at most ``max_loss`` is kept.

    Parameters
    ----------
    student : fitted tree or linear student
        It is not changed.
    X, y : n rows and their true labels or values
    P : array of shape (n, k) or (n,), optional
        The teacher's answers, as reference of fidelity; the student's own when None.
    max_loss : float, at least 0
        In agreement (0.01 is one point), or in R² for regression.
    n_strengths : int, at least 2
    random_state : int
        Which third is held out.

    Returns
    -------
    Refined

    Raises
    ------
    InvalidInputError
        For another kind of student, a bad limit, or too few distinct rows.

    Examples
    --------
    >>> from explaindistill.students.tree import TreeClassifier
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 600), "z": np.arange(600) % 7})
    >>> teacher = np.where(X["x"] > 0.5, 0.6, 0.4)
    >>> student = TreeClassifier(max_leaf_nodes=2).fit(X, np.c_[1 - teacher, teacher])
    >>> refined = refine(student, X, (X["x"] > 0.5).astype(int))
    >>> refined.strength, round(float(refined.student.predict_proba(X)[-1, 1]), 2)
    (1.0, 0.98)
    """
    check_is_fitted(student)
    if max_loss < 0 or n_strengths < 2:
        raise InvalidInputError(
            f"max_loss must be at least 0 and n_strengths at least 2, got {max_loss} and {n_strengths}"
        )
    classification = hasattr(student, "classes_")
    frame = student.schema_.frame(X)
    answer = _answers(student, X, classification)
    labels = _labels(student, y, classification)
    reference = answer if P is None else np.asarray(P, dtype=float).reshape(answer.shape)
    held = content_rank(frame, random_state) % 3 == 0
    if held.all() or not held.any():
        raise InvalidInputError("X must have at least 3 distinct rows to hold some out")
    rows, students = [], []
    for strength in np.linspace(0.0, 1.0, n_strengths):
        moved = student if strength == 0 else _moved(student, frame[~held], answer[~held], labels[~held], strength)
        now = _answers(moved, X[held] if isinstance(X, pd.DataFrame) else np.asarray(X)[held], classification)
        fidelity = closeness(now, reference[held], classification)
        performance = closeness(now, labels[held], classification)
        rows.append((strength, fidelity, performance, _error(now, labels[held], classification), int(held.sum())))
        students.append(moved)
    curve = pd.DataFrame(rows, columns=["strength", "fidelity", "performance", "error", "n"])
    curve.insert(2, "loss", curve["fidelity"].iloc[0] - curve["fidelity"])
    allowed = curve["loss"].to_numpy() <= max_loss + 1e-12
    best = int(np.argmin(np.where(allowed, curve["error"].to_numpy(), np.inf)))
    curve["chosen"] = np.arange(len(curve)) == best
    return Refined(copy.deepcopy(students[best]), float(curve["strength"].iloc[best]), curve)


def _answers(student: Any, X: Any, classification: bool) -> Array:
    out = student.predict_proba(X) if classification else student.predict(X)
    return np.asarray(out, dtype=float).reshape(len(out), -1)


def _labels(student: Any, y: Any, classification: bool) -> Array:
    if classification:
        soft = np.ndim(y) == 2 and np.shape(y)[1] > 1
        return as_soft_targets(y, None if soft and isinstance(y, pd.DataFrame) else student.classes_)[0]
    return np.asarray(y, dtype=float).reshape(len(y), -1)


def _error(now: Array, labels: Array, classification: bool) -> float:
    if classification:
        return float(-xlogy(labels, np.clip(now, PROBABILITY_FLOOR, None)).sum(axis=1).mean())
    return float(((now - labels) ** 2).mean())


def _moved(student: Any, frame: pd.DataFrame, answer: Array, labels: Array, strength: float) -> Any:
    """A copy of the student with its numbers moved."""
    tree, model = getattr(student, "tree_", None), getattr(student, "model_", None)
    out = copy.copy(student)
    if isinstance(tree, TreeModel):
        out.tree_ = tree.with_value(_leaf_values(tree, frame, labels, strength))
    elif isinstance(model, LinearModel):
        target = (1 - strength) * answer + strength * labels
        out.model_ = refitted(model, frame, target, getattr(student, "digits", None))
    else:
        raise InvalidInputError(f"student must be a tree or a linear student, got {type(student).__name__}")
    return out


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
