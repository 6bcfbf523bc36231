"""What a fitted model answers to rows in the schema's form, in the order of the audit's classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.answers import named_columns, probabilities
from explaindistill.data.student_view import StudentView
from explaindistill.data.targets import one_hot
from explaindistill.errors import TeacherError
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.favorable import class_labels, class_named

__all__ = ["Answer", "aligned", "answer_of"]

Answer = Callable[[pd.DataFrame], NDArray[np.float64]]


def answer_of(estimator: Any, view: StudentView, rule: DecisionRule) -> Answer:
    """The model as a function of rows; one without probabilities answers 0 and 1."""

    def answer(frame: pd.DataFrame) -> NDArray[np.float64]:
        rows = view.restored(frame)
        if rule.classes is None:
            return np.asarray(estimator.predict(rows), dtype=float)
        if hasattr(estimator, "predict_proba"):
            raw, who = estimator.predict_proba(rows), f"a student ({type(estimator).__name__})"
            named = named_columns(raw, np.asarray(estimator.classes_), who)
            P = np.asarray(raw if named is None else named, dtype=float)
            if P.shape != (len(rows), len(estimator.classes_)):
                n_classes = len(estimator.classes_)
                raise TeacherError(
                    f"{who} answered an array of shape {P.shape}; its {n_classes} classes need a column each"
                )
            return aligned(probabilities(P, who), estimator.classes_, rule.classes)
        return one_hot(class_labels(estimator.predict(rows), rule.classes, "a student's answer"), rule.classes)

    return answer


def aligned(P: NDArray[np.float64], offered: NDArray[Any] | None, classes: NDArray[Any] | None) -> NDArray[np.float64]:
    """Columns of ``P``, which are those of ``offered``, in the order of ``classes``.

    A class that the model does not know has probability 0.

    Examples
    --------
    >>> aligned(np.array([[0.9, 0.1]]), np.array(["a", "c"]), np.array(["a", "b", "c"])).tolist()
    [[0.9, 0.0, 0.1]]
    """
    if classes is None or offered is None or np.array_equal(offered, classes):
        return P
    out = np.zeros((len(P), len(classes)))
    names = classes.tolist()
    out[
        :, [names.index(class_named(label, names, "each class of a model")) for label in np.asarray(offered).tolist()]
    ] = P
    return out
