"""Answers that were recorded, as a teacher: a frame of scores is a teacher too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.row_keys import distinct, row_keys
from explaindistill.data.rows_sent import RowsSent
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.teachers._checks import checked_answer, class_order, no_probabilities
from explaindistill.teachers._fingerprint import digest

__all__ = ["RecordedTeacher"]


class RecordedTeacher:
    """Only the answers that were recorded, looked up by the content of the row.

    Parameters
    ----------
    X : DataFrame or array of shape (n, d)
        Rows that were answered.
    P : DataFrame, or array of shape (n, k), (n,) or (n, m)
        Their answers. A DataFrame of several columns of probabilities has the classes as its columns; an array's are
        ``classes``. Two classes may be given as one column, the probability of the second. Without classes, one
        column is values.
    classes : array of shape (k,), optional
        Classes of the columns. None means values for a single column, and ``range(k)`` for an array of several.
    output : {"probabilities", "value"}, optional
        To say that several columns are values, not probabilities.

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted, or None in regression
    rows_sent_ : RowsSent
        Rows that were looked up, by purpose.

    Notes
    -----
    Rows that are equal in value but were answered differently cannot be told apart by content; they get the mean of
    their answers, and ``n_contradictions_`` counts them.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 60], "home": ["rent", "own"]})
    >>> teacher = RecordedTeacher(X, [0.9, 0.2], classes=["safe", "risky"])
    >>> teacher.predict(X.iloc[::-1]).tolist()
    ['safe', 'risky']
    """

    def __init__(self, X: Any, P: Any, classes: ArrayLike | None = None, output: str | None = None) -> None:
        n = len(X)
        if n == 0:
            raise InvalidInputError("X must have at least 1 recorded row, got 0")
        names = _names(P, classes, output)
        self.classes_, order = class_order(names)
        self.output = "value" if names is None else "probabilities"
        kind: Any = self.output
        answers = checked_answer(P, n, kind, self.classes_, order, self.name)
        keys = row_keys(X)
        first, number = distinct(keys)
        self._answers, self.n_contradictions_ = _agreed(answers, first, number)
        rank = np.lexsort((keys[first, 1], keys[first, 0]))
        self._keys, self._answers = keys[first][rank], self._answers[rank]
        self.rows_sent_ = RowsSent()

    @property
    def name(self) -> str:
        """What messages call this teacher."""
        return "the record"

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Recorded probabilities ``(n, k)`` in the order of ``classes_``."""
        if self.classes_ is None:
            raise no_probabilities(self.name)
        return self._look_up(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class ``(n,)``, or recorded values ``(n,)`` or ``(n, m)``."""
        answer = self._look_up(X)
        return answer if self.classes_ is None else self.classes_[answer.argmax(axis=1)]

    def knows(self, X: Any) -> NDArray[np.bool_]:
        """Which rows ``(n,)`` have a recorded answer."""
        return self._find(X) >= 0

    def _find(self, X: Any) -> NDArray[np.intp]:
        """Position of each row's answer, -1 where there is none."""
        keys = row_keys(X)
        at = np.searchsorted(self._keys[:, 0], keys[:, 0])
        inside = np.minimum(at, len(self._keys) - 1)
        same = (self._keys[inside] == keys).all(axis=1)
        # equal first words with different second ones are as good as impossible; the scan is for exactness
        for i in np.flatnonzero(~same & (self._keys[inside, 0] == keys[:, 0])):
            hits = np.flatnonzero((self._keys == keys[i]).all(axis=1))
            inside[i], same[i] = (hits[0], True) if len(hits) else (0, False)
        return np.where(same, inside, -1)

    def _look_up(self, X: Any) -> NDArray[np.float64]:
        self.rows_sent_.add(len(X))
        at = self._find(X)
        if unknown := int((at < 0).sum()):
            raise TeacherError(
                f"{self.name} has no answer for {unknown} of {len(at)} rows; "
                "a recorded teacher answers only the rows it was given (use ObservedSampler, or record more answers)"
            )
        return self._answers[at]

    def fingerprint(self) -> str:
        """Digest of the recorded rows and answers."""
        classes = None if self.classes_ is None else self.classes_.tolist()
        return digest("recorded", self._keys, self._answers, classes, self.output)

    def __sklearn_clone__(self) -> RecordedTeacher:
        return self


def _names(P: Any, classes: ArrayLike | None, output: str | None) -> ArrayLike | None:
    """Classes of the columns; None for values."""
    if output not in (None, "probabilities", "value"):
        raise InvalidInputError(f"output must be 'probabilities' or 'value', got {output!r}")
    if output == "value":
        if classes is not None:
            raise InvalidInputError("output='value' is regression and has no classes; leave classes out")
        return None
    if classes is not None:
        return classes
    shape = np.shape(P)
    if len(shape) == 2 and shape[1] > 1:
        return np.asarray(P.columns) if isinstance(P, pd.DataFrame) else np.arange(shape[1])
    if output == "probabilities":
        raise InvalidInputError(
            "classes must be given for one column of probabilities: [other class, the class it is the probability of]"
        )
    return None


def _agreed(
    answers: NDArray[np.float64], first: NDArray[np.intp], number: NDArray[np.intp]
) -> tuple[NDArray[np.float64], int]:
    """Mean answer per distinct row, and how many rows contradict the first answer of their twins."""
    if len(first) == len(number):
        return answers, 0
    contradictions = (answers != answers[first][number]).reshape(len(answers), -1).any(axis=1)
    if not contradictions.any():
        return answers[first], 0
    total = np.zeros((len(first), *answers.shape[1:]))
    np.add.at(total, number, answers)
    count = np.bincount(number).reshape(-1, *([1] * (answers.ndim - 1)))
    return total / count, int(contradictions.sum())
