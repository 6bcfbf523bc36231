"""Deferral: the student answers where it is sure, the teacher elsewhere."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.class_words import class_words
from explaindistill.data.rows_sent import asking_for, count_foreign
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.protocols import Rows, TeacherLike

__all__ = ["DeferringClassifier"]

TENTHS = tuple(i / 10 for i in range(1, 11))
"""Shares of rows at which the curve is drawn."""


class DeferringClassifier(ClassifierMixin, BaseEstimator):
    r"""The student's answer where its largest probability reaches a threshold, else the teacher's.

    .. math:: \max_k q_k(x) \ge \tau, \qquad \tau \text{ such that a share } c \text{ of the rows of fitting reaches it}

    Parameters
    ----------
    student : classifier
        A fitted student is used as it is; one that is not fitted is cloned and fitted to the teacher's answers.
    teacher : Teacher
        Never trained or copied.
    coverage : float in [0, 1]
        Share of rows that the student shall answer. 0 asks the teacher about every row, 1 about none.

    Attributes
    ----------
    student_, classes_, threshold_, n_features_in_
    curve_ : DataFrame
        :meth:`curve` on the rows of fitting; optimistic where the student was fitted to the same rows.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X = np.random.default_rng(0).normal(size=(400, 2))
    >>> teacher = LogisticRegression().fit(X, X.sum(axis=1) > 0)
    >>> stump = DecisionTreeClassifier(max_depth=2).fit(X, teacher.predict(X))
    >>> pair = DeferringClassifier(stump, teacher, coverage=0.5).fit(X)
    >>> alone, together = ((m.predict(X) == teacher.predict(X)).mean() for m in (stump, pair))
    >>> bool(together > alone), bool(pair.answered(X).mean() >= 0.5)
    (True, True)
    """

    def __init__(self, student: Any, teacher: TeacherLike, *, coverage: float = 0.8) -> None:
        self.student = student
        self.teacher: Any = teacher
        self.coverage = coverage

    def fit(self, X: Rows, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Self:
        """Find the threshold on the rows ``X``; ``y`` is not used, the teacher answers.

        Raises
        ------
        InvalidInputError
            If ``coverage`` is outside [0, 1], the teacher is not a classifier, or the student knows other classes.
        """
        if not 0 <= self.coverage <= 1:
            raise InvalidInputError(f"coverage must lie between 0 and 1, got {self.coverage}")
        if getattr(self.teacher, "classes_", None) is None:
            raise InvalidInputError("teacher must be a classifier: deferral compares probabilities of classes")
        P = self._asked(X)
        classes = np.asarray(self.teacher.classes_)
        order = np.argsort(classes)
        self.classes_ = classes[order]
        self.student_ = self._ready(X, pd.DataFrame(P[:, order], columns=self.classes_), sample_weight)
        if not np.array_equal(np.asarray(self.student_.classes_), self.classes_):
            raise InvalidInputError(
                f"student and teacher must know the same classes, got {class_words(self.student_.classes_)} "
                f"and {class_words(self.classes_)}"
            )
        self.n_features_in_ = np.shape(X)[1]
        sure = np.sort(self._confidence(X))[::-1]
        wanted = int(np.ceil(self.coverage * len(sure) - 1e-9))
        self.threshold_ = float(sure[wanted - 1]) if wanted else np.inf
        self.curve_ = self.curve(X, P[:, order])
        return self

    def _ready(self, X: Any, P: pd.DataFrame, sample_weight: ArrayLike | None) -> Any:
        try:
            check_is_fitted(self.student)
        except NotFittedError:
            extra = {} if sample_weight is None else {"sample_weight": sample_weight}
            soft = getattr(self.student, "accepts_soft_targets", False)
            labels = P if soft else self.classes_[P.to_numpy().argmax(axis=1)]
            return clone(self.student).fit(X, labels, **extra)
        return self.student

    def _asked(self, X: Any) -> NDArray[np.float64]:
        with asking_for("deferral"):
            count_foreign(self.teacher, len(X))
            return np.asarray(self.teacher.predict_proba(X), dtype=float)

    def _confidence(self, X: Any) -> NDArray[np.float64]:
        return np.asarray(self.student_.predict_proba(X), dtype=float).max(axis=1)

    def answered(self, X: Rows) -> NDArray[np.bool_]:
        """Rows that the student answers, ``(n,)``."""
        check_is_fitted(self, "threshold_")
        return self._confidence(X) >= self.threshold_

    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` of whoever answers; the teacher is asked about the other rows only."""
        check_is_fitted(self, "threshold_")
        P = np.array(self.student_.predict_proba(X), dtype=float)
        unsure = np.flatnonzero(~(P.max(axis=1) >= self.threshold_))
        if len(unsure):
            rest = X.iloc[unsure] if hasattr(X, "iloc") else np.asarray(X)[unsure]
            P[unsure] = self._asked(rest)[:, np.argsort(self.teacher.classes_)]
        return P

    def predict(self, X: Rows) -> NDArray[Any]:
        """Most probable class ``(n,)`` of whoever answers."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def curve(self, X: Rows, P: ArrayLike | None = None, shares: ArrayLike = TENTHS) -> pd.DataFrame:
        """Share answered by the student against agreement with the teacher.

        Parameters
        ----------
        X : n rows, best ones that the student has not seen
        P : array of shape (n, k), optional
            The teacher's answers in the order of ``classes_``; asked when None.
        shares : array
            Shares of rows that the student answers, its surest first; rows of equal sureness go together.

        Returns
        -------
        DataFrame
            ``threshold``, ``share`` answered, ``n`` answered, ``k`` of these that agree, ``agreement`` = k / n with its
            Wilson interval ``low``, ``high``, and ``agreement_together``, where the teacher answers the rest.
        """
        check_is_fitted(self, "student_")
        Q = np.asarray(self.student_.predict_proba(X), dtype=float)
        T = self._asked(X)[:, np.argsort(self.teacher.classes_)] if P is None else P
        same = Q.argmax(axis=1) == np.asarray(T).argmax(axis=1)
        sure = Q.max(axis=1)
        falling = np.sort(sure)[::-1]
        rows = []
        for share in np.asarray(shares, dtype=float):
            threshold = float(falling[max(int(np.ceil(share * len(sure) - 1e-9)), 1) - 1])
            answered = sure >= threshold
            rows.append(
                (threshold, answered.mean(), int(answered.sum()), int(same[answered].sum()), (same | ~answered).mean())
            )
        frame = pd.DataFrame(rows, columns=["threshold", "share", "n", "k", "agreement_together"])
        limits = wilson(frame["k"].to_numpy(), frame["n"].to_numpy())
        frame.insert(4, "agreement", frame["k"] / frame["n"])
        frame.insert(5, "low", limits[0])
        frame.insert(6, "high", limits[1])
        return frame.drop_duplicates("threshold", ignore_index=True)
