"""Several teachers as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.class_words import unknown_labels
from explaindistill.data.rows_sent import RowsSent, count_foreign, counters_of
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Teacher
from explaindistill.teachers._checks import common_classes, no_probabilities
from explaindistill.teachers._fingerprint import digest

__all__ = ["EnsembleTeacher", "held_out_weights"]

LOG_FLOOR = 1e-12
"""Least probability inside a logarithm: one sure teacher cannot veto a class for all others."""


class EnsembleTeacher:
    r"""The mean :math:`\sum_i w_i p_i` of teachers, or their log-opinion pool :math:`\propto \prod_i p_i^{w_i}`.

    Parameters
    ----------
    teachers : sequence of Teacher
        All with the same classes, or all for regression.
    pool : {"mean", "log"}, default="mean"
        Regression has the mean only.
    weights : array of shape (m,), optional
        Non-negative, scaled to sum to 1; equal when None. See :func:`held_out_weights`.
    abstain_above : float in (0, 1], optional
        Where :meth:`disagreement` exceeds this, :meth:`abstains` says so. Answers are given all the same:
        what to do with such rows is the caller's choice.

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted, or None in regression
    weights_ : ndarray of shape (m,)

    References
    ----------
    Genest and Zidek (1986), doi:10.1214/ss/1177013825.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> sure = CallableTeacher(lambda X: np.full(len(X), 0.9), classes=[0, 1])
    >>> unsure = CallableTeacher(lambda X: np.full(len(X), 0.5), classes=[0, 1])
    >>> X = np.zeros((2, 1))
    >>> teacher = EnsembleTeacher([sure, unsure])
    >>> teacher.predict_proba(X).round(3).tolist()
    [[0.3, 0.7], [0.3, 0.7]]
    """

    def __init__(
        self,
        teachers: Sequence[Teacher],
        pool: str = "mean",
        weights: ArrayLike | None = None,
        abstain_above: float | None = None,
    ) -> None:
        self.teachers = list(teachers)
        self.pool = pool
        self.abstain_above = abstain_above
        self.classes_ = common_classes(self.teachers)
        self.weights_ = _weights(weights, len(self.teachers))
        if pool not in ("mean", "log") or (pool == "log" and self.classes_ is None):
            raise InvalidInputError(f"pool must be 'mean', or 'log' for classifiers, got {pool!r}")
        if abstain_above is not None and (self.classes_ is None or not 0 < abstain_above <= 1):
            raise InvalidInputError(f"abstain_above must lie in (0, 1] and is for classifiers, got {abstain_above!r}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.teachers)} teachers)"

    @property
    def one_process(self) -> str | None:
        """Why one of the teachers must be asked in one process; None where none must."""
        return next((reason for t in self.teachers if (reason := getattr(t, "one_process", None))), None)

    @property
    def name(self) -> str:
        """What messages call this teacher."""
        return f"the ensemble of {len(self.teachers)}"

    @property
    def rows_sent_(self) -> RowsSent:
        """Rows that were sent to the teachers, each of them counted, by purpose."""
        return RowsSent.of_all(counters_of(self))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Pooled probabilities ``(n, k)`` in the order of ``classes_``."""
        if self.classes_ is None:
            raise no_probabilities(self.name)
        return self._pooled(self._answers(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class ``(n,)``, or the mean of values ``(n,)`` or ``(n, m)``."""
        answer = self._pooled(self._answers(X))
        return answer if self.classes_ is None else self.classes_[answer.argmax(axis=1)]

    def disagreement(self, X: Any, answers: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        r"""How far the teachers are apart on each row ``(n,)``, 0 to 1.

        Generalised Jensen-Shannon divergence :math:`H(\sum_i w_i p_i) - \sum_i w_i H(p_i)` over the entropy of the
        weights; in regression the weighted standard deviation of the values, in their unit. The teachers are asked
        where their ``answers`` ``(m, n, k)`` are not given.
        """
        P = self._answers(X) if answers is None else answers
        if self.classes_ is None:
            centre = np.tensordot(self.weights_, P, axes=1)
            spread = np.sqrt(np.tensordot(self.weights_, (P - centre) ** 2, axes=1))
            return spread if spread.ndim == 1 else spread.mean(axis=1)
        most = _entropy(self.weights_[None])[0]
        if most == 0:
            return np.zeros(P.shape[1])
        apart = _entropy(np.tensordot(self.weights_, P, axes=1)) - np.tensordot(self.weights_, _entropy(P), axes=1)
        return np.clip(apart / most, 0.0, 1.0)

    def abstains(self, X: Any, answers: NDArray[np.float64] | None = None) -> NDArray[np.bool_]:
        """Rows ``(n,)`` on which the teachers are further apart than ``abstain_above``; see :meth:`disagreement`."""
        if self.abstain_above is None:
            return np.zeros(len(X), dtype=bool)
        return self.disagreement(X, answers) > self.abstain_above

    def compare(self, X: Any, student: Any = None) -> pd.DataFrame:
        """Fidelity to each teacher.

        Returns
        -------
        DataFrame
            One row per teacher: ``teacher, weight, n, ensemble`` (agreement of the ensemble with it; correlation in
            regression) and, where a student is given, ``student`` (the student's agreement with it).
        """
        P = self._answers(X)
        pooled = self.predict(X)
        theirs = None if student is None else np.asarray(student.predict(X))
        rows = []
        for i, (teacher, weight) in enumerate(zip(self.teachers, self.weights_, strict=True)):
            answers = P[i] if self.classes_ is None else self.classes_[P[i].argmax(axis=1)]
            row = {"teacher": f"{i}: {getattr(teacher, 'name', type(teacher).__name__)}", "weight": float(weight)}
            row |= {"n": len(answers), "ensemble": _likeness(answers, pooled, self.classes_ is None)}
            if theirs is not None:
                row["student"] = _likeness(answers, theirs, self.classes_ is None)
            rows.append(row)
        return pd.DataFrame(rows)

    def _answers(self, X: Any) -> NDArray[np.float64]:
        for teacher in self.teachers:
            count_foreign(teacher, len(X))
        if self.classes_ is None:
            return np.stack([np.asarray(t.predict(X), dtype=float) for t in self.teachers])
        return np.stack([t.predict_proba(X) for t in self.teachers])

    def _pooled(self, P: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.pool == "mean":
            pooled: NDArray[np.float64] = np.tensordot(self.weights_, P, axes=1)
            return pooled if self.classes_ is None else pooled / pooled.sum(axis=1, keepdims=True)
        z = np.tensordot(self.weights_, np.log(np.maximum(P, LOG_FLOOR)), axes=1)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=1, keepdims=True))

    def fingerprint(self) -> str | None:
        """Digest of the teachers' fingerprints, the pool and the weights."""
        each = [teacher.fingerprint() for teacher in self.teachers]
        return None if None in each else digest("ensemble", each, self.pool, self.weights_)

    def __sklearn_clone__(self) -> EnsembleTeacher:
        return self


def held_out_weights(teachers: Sequence[Teacher], X: Any, y: ArrayLike, n_rounds: int = 500) -> NDArray[np.float64]:
    r"""Weights that minimise the log loss of the mean pool on held-out rows.

    The problem is convex; each round sets :math:`w_i` to the mean over rows of
    :math:`w_i p_i(y) / \sum_j w_j p_j(y)` (expectation maximisation of a mixture).

    Parameters
    ----------
    teachers : sequence of Teacher
        Classifiers of the same classes.
    X : rows that no teacher was trained on
    y : array of shape (n,)
        Their true labels.
    n_rounds : int, default=500
        The log loss falls with each of them.

    Returns
    -------
    ndarray of shape (m,), sums to 1

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> right, guessing = (CallableTeacher(f, classes=["no", "yes"]) for f in (
    ...     lambda X: np.where(X[:, 0] > 0, 0.9, 0.1), lambda X: np.full(len(X), 0.5)))
    >>> X = np.array([[-1.0], [1.0]] * 20)
    >>> held_out_weights([right, guessing], X, ["no", "yes"] * 20).round(2).tolist()
    [1.0, 0.0]
    """
    classes = common_classes(list(teachers))
    if classes is None:
        raise InvalidInputError("weights by log loss are for classifiers, these teachers give values")
    labels = np.asarray(y)
    at = np.clip(np.searchsorted(classes, labels), 0, len(classes) - 1)
    if (wrong := classes[at] != labels).any():
        raise InvalidInputError(unknown_labels("y", labels[wrong], classes))
    p = np.stack([np.maximum(t.predict_proba(X)[np.arange(len(at)), at], LOG_FLOOR) for t in teachers], axis=1)
    w = np.full(p.shape[1], 1.0 / p.shape[1])
    for _ in range(n_rounds):
        share = w * p
        w = (share / share.sum(axis=1, keepdims=True)).mean(axis=0)
    return w


def _weights(weights: ArrayLike | None, m: int) -> NDArray[np.float64]:
    w = np.ones(m) if weights is None else np.asarray(weights, dtype=float)
    if w.shape != (m,) or not np.isfinite(w).all() or (w < 0).any() or w.sum() == 0:
        raise InvalidInputError(
            f"weights must be {m} non-negative numbers, not all 0, got {np.asarray(weights).tolist()}"
        )
    return np.asarray(w / w.sum())


def _entropy(P: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy over the last axis, in nats."""
    return np.asarray(-(P * np.log(np.maximum(P, LOG_FLOOR))).sum(axis=-1))


def _likeness(a: NDArray[Any], b: NDArray[Any], values: bool) -> float:
    if not values:
        return float((a == b).mean())
    if a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
