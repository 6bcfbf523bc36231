"""A function as a teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.rows_sent import RowsSent
from explaindistill.errors import InvalidInputError
from explaindistill.teachers._checks import (
    Output,
    answering,
    check_output,
    checked_answer,
    class_order,
    no_probabilities,
    values_not_chances,
)
from explaindistill.teachers._fingerprint import digest

__all__ = ["CallableTeacher"]


class CallableTeacher:
    """A function of rows as a teacher.

    Parameters
    ----------
    function : callable
        Takes n rows, gives n answers; it must not change the rows.
    classes : array of shape (k,), optional
        Classes in the order of the function's columns; None is regression.
    output : {"probabilities", "logits", "labels", "value"}, optional
        What the function gives. When None: probabilities if there are classes, else values.
    version : str, optional
        Name under which answers may be kept in a label store: change it whenever the function answers otherwise.
        Without it nothing is stored, since a function cannot be compared with its former self.

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted, or None in regression
    rows_sent_ : RowsSent
        Rows that were sent to the model, by purpose.

    Examples
    --------
    >>> X = np.array([[1.0], [-1.0]])
    >>> teacher = CallableTeacher(lambda X: X[:, 0] > 0, classes=["no", "yes"])
    >>> teacher.predict_proba(X).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    >>> teacher.fingerprint() is None
    True
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        classes: ArrayLike | None = None,
        output: Output | None = None,
        version: str | None = None,
    ) -> None:
        if not callable(function):
            raise InvalidInputError(f"function must be callable, got {type(function).__name__}")
        self.function = function
        self.output: Output = check_output(output or ("value" if classes is None else "probabilities"), classes)
        self._output_said = output is not None
        self.version = version
        self.classes_, self._order = class_order(classes)
        self.rows_sent_ = RowsSent()

    @property
    def name(self) -> str:
        """Name of the function."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        if self.classes_ is None:
            raise no_probabilities(self.name)
        return self._ask(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class ``(n,)``, or values ``(n,)`` or ``(n, m)``."""
        answer = self._ask(X)
        return answer if self.classes_ is None else self.classes_[answer.argmax(axis=1)]

    def _ask(self, X: Any) -> NDArray[np.float64]:
        self.rows_sent_.add(len(X))
        with answering(self.name, X, "a function is given all rows at once, with the columns that the student sees"):
            raw = self.function(X)
        answer = checked_answer(raw, len(X), self.output, self.classes_, self._order, self.name)
        return answer if self._output_said or self.classes_ is not None else values_not_chances(answer, self.name)

    def fingerprint(self) -> str | None:
        """Digest of name, version, classes and output; None without a version."""
        if self.version is None:
            return None
        classes = None if self.classes_ is None else self.classes_.tolist()
        return digest("callable", self.name, self.version, classes, self.output)

    def __sklearn_clone__(self) -> CallableTeacher:
        return self
