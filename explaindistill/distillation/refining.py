"""Refining: a student's numbers move towards true labels, as far as a limit on the loss of fidelity allows."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.folds import content_rank
from explaindistill.data.targets import as_soft_targets
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.closeness import closeness
from explaindistill.protocols import Rows

__all__ = ["Refined", "refine"]

Array = NDArray[np.float64]
PROBABILITY_FLOOR = 1e-6
"""Least probability in the cross-entropy: one certain error must not outweigh a million rows."""
HELD_OUT = 3
"""One row of so many moves nothing and measures: two thirds suffice for numbers whose structure is given."""


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

    Examples
    --------
    >>> from explaindistill.students.tree import TreeClassifier
    >>> X = pd.DataFrame({"x": np.arange(300) / 300})
    >>> student = TreeClassifier(max_leaf_nodes=2).fit(X, np.c_[1 - X["x"], X["x"]])
    >>> refined = refine(student, X, (X["x"] > 0.3).astype(int), max_loss=0.0)
    >>> bool(refined.curve.loc[refined.curve["chosen"], "loss"].item() <= 0), float(refined.curve["strength"].iloc[0])
    (True, 0.0)
    """

    student: Any
    strength: float
    curve: pd.DataFrame


def refine(
    student: Any,
    X: Rows,
    y: ArrayLike,
    *,
    P: ArrayLike | None = None,
    max_loss: float = 0.01,
    n_strengths: int = 11,
    random_state: int = 0,
) -> Refined:
    """Move leaf values, coefficients, curves or risks towards true labels; the structure stays as it is.

    Two thirds of the rows say which numbers the labels would give the student's structure; for each strength a the
    numbers go the share a of the way there. The last third, told apart by content, measures fidelity and error. The
    strength of least error whose loss of fidelity is at most ``max_loss`` is kept.

    Parameters
    ----------
    student : fitted student with a method ``toward_labels(frame, answer, labels)``
        It is not changed. The method takes rows, the student's answers to them and their labels, and gives a callable
        from a strength to a copy whose numbers went so far. What moves: the values of leaves and rules; coefficients
        (linear students, model trees); curves on their knots (additive students); the risk per total of a scorecard,
        whose points stay.
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
        For a student whose numbers do not move, a bad limit, too few distinct rows, or numbers that must not move:
        a tree with ``monotone=``, an additive student that was edited by hand.

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
    _check_moves(student)
    if max_loss < 0 or n_strengths < 2:
        raise InvalidInputError(
            f"max_loss must be at least 0 and n_strengths at least 2, got {max_loss} and {n_strengths}"
        )
    classification = hasattr(student, "classes_")
    frame = student.schema_.frame(X)
    answer = _answers(student, X, classification)
    labels = _labels(student, y, classification)
    reference = answer if P is None else np.asarray(P, dtype=float).reshape(answer.shape)
    held = content_rank(frame, random_state) % HELD_OUT == 0
    if held.all() or not held.any():
        raise InvalidInputError("X must have at least 3 distinct rows to hold some out")
    rows, students = [], []
    move = student.toward_labels(frame[~held], answer[~held], labels[~held])
    for strength in np.linspace(0.0, 1.0, n_strengths):
        moved = student if strength == 0 else move(float(strength))
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


def _check_moves(student: Any) -> None:
    if not hasattr(student, "toward_labels"):
        inner = "; give it distiller.student_, and the columns that it sees" if hasattr(student, "student_") else ""
        raise InvalidInputError(
            f"student must have a method toward_labels(frame, answer, labels), {type(student).__name__} has none{inner}"
        )


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
