"""Several teachers: one student where they agree, another where they differ, a small tree that tells them apart."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from explaindistill.asking.labelling import ask
from explaindistill.data.door import opened
from explaindistill.data.rows_sent import asking_for
from explaindistill.data.schema import Schema
from explaindistill.data.weights import as_weights
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.students.tree.estimators import TreeClassifier

__all__ = ["RegionClassifier"]

AGREE, DIFFER = "the teachers agree", "the teachers differ"


class RegionClassifier(ClassifierMixin, BaseEstimator):
    r"""A student per region of agreement among the teachers of an ensemble.

    .. math:: q(x) = \begin{cases} q_1(x) & r(x) \ge 1/2 \\ q_2(x) & \text{else} \end{cases}

    where the router :math:`r` mimics whether all teachers decide alike, and each student is fitted to the ensemble's
    answers on the rows of its own region.

    Parameters
    ----------
    teacher : EnsembleTeacher
        Of classifiers; asked, never trained.
    student : classifier
        Cloned for each region. One that takes no soft labels gets the ensemble's decisions.
    router : classifier, optional
        ``TreeClassifier(max_leaf_nodes=8)`` when None.
    min_rows : int >= 2, default=50
        A region with fewer rows of fitting gets no student of its own; the other one answers there.

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted
    schema_ : Schema of the rows of fitting
    n_features_in_, feature_names_in_ : as in scikit-learn
    router_ : fitted router; its classes are False (they differ) and True (they agree)
    students_ : dict of bool to fitted student
        One or two of them.

    Notes
    -----
    It shows where teachers differ; one tree with as many leaves in all is more faithful to their mean, by 2.0 points
    [0.6, 3.3] at 36 leaves (``benchmarks/ways.py``).

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> from explaindistill.teachers.ensemble import EnsembleTeacher
    >>> X = np.random.default_rng(0).normal(size=(600, 2))
    >>> a, b = (CallableTeacher(lambda X, i=i: (X[:, i] > 0) * 0.9, classes=[0, 1]) for i in (0, 1))
    >>> pair = RegionClassifier(EnsembleTeacher([a, b], weights=[2, 1]), TreeClassifier(max_leaf_nodes=4)).fit(X)
    >>> pair.compare(X)["region"].tolist()
    ['the teachers agree', 'the teachers differ']
    """

    def __init__(self, teacher: Any, student: Any, *, router: Any = None, min_rows: int = 50) -> None:
        self.teacher = teacher
        self.student = student
        self.router = router
        self.min_rows = min_rows

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Ask every teacher about ``X`` and fit router and students; ``y`` is not used.

        Raises
        ------
        InvalidInputError
            If ``teacher`` is no ensemble of classifiers, or ``min_rows`` is below 2.
        """
        if getattr(self.teacher, "teachers", None) is None or self.teacher.classes_ is None:
            raise InvalidInputError(
                f"teacher must be an EnsembleTeacher of classifiers, got {type(self.teacher).__name__}"
            )
        if self.min_rows < 2:
            raise InvalidInputError(f"min_rows must be at least 2, got {self.min_rows}")
        opened(self, X, reset=True)
        self.schema_ = Schema.infer(X)
        self.classes_ = np.asarray(self.teacher.classes_)
        rows = self._rows(X)
        weight = None
        if sample_weight is not None:
            weight = as_weights(sample_weight, len(rows))
        P, agreed = self._asked(rows)
        self.students_: dict[bool, Any] = {}
        if len(np.unique(agreed)) == 1:
            self.router_ = None
            region = agreed
        else:
            router = TreeClassifier(max_leaf_nodes=8) if self.router is None else clone(self.router)
            self.router_ = _fit(router, rows, agreed, weight)
            region = np.asarray(self.router_.predict(rows), dtype=bool)
        for kind in (True, False):
            at = np.flatnonzero(region == kind)
            region_weight = None if weight is None else weight[at]
            if len(at) >= self.min_rows and (region_weight is None or region_weight.any()):
                self.students_[kind] = self._student(_take(rows, at), P[at], region_weight)
        if not self.students_:
            self.students_[True] = self._student(rows, P, weight)
        return self

    def _rows(self, X: Any) -> Any:
        """Rows as teachers and students see them."""
        return self.schema_.restore(self.schema_.frame(X))

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self, "students_")
        opened(self, X, reset=False)
        return self._rows(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags

    def _asked(self, X: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The ensemble's answers, and whether all of its teachers decide alike."""
        with asking_for("regions"):
            decided = [ask(teacher, X).argmax(axis=1) for teacher in self.teacher.teachers]
            agreed: NDArray[np.bool_] = np.logical_and.reduce([d == decided[0] for d in decided])
            return ask(self.teacher, X), agreed

    def _student(self, X: Any, P: NDArray[np.float64], weight: NDArray[np.float64] | None) -> Any:
        soft = getattr(self.student, "accepts_soft_targets", False)
        labels = pd.DataFrame(P, columns=self.classes_) if soft else self.classes_[P.argmax(axis=1)]
        return _fit(clone(self.student), X, labels, weight)

    def region(self, X: Any) -> NDArray[np.bool_]:
        """Whether the teachers are held to agree on each row ``(n,)``; no teacher is asked."""
        return self._region(self._checked(X))

    def _region(self, rows: Any) -> NDArray[np.bool_]:
        if self.router_ is None:
            return np.full(len(rows), next(iter(self.students_)))
        return np.asarray(self.router_.predict(rows), dtype=bool)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` of the student of each row's region."""
        rows = self._checked(X)
        region = self._region(rows)
        P = np.zeros((len(region), len(self.classes_)))
        spare = next(iter(self.students_.values()))
        for kind in (True, False):
            at = np.flatnonzero(region == kind)
            if len(at):
                student = self.students_.get(kind, spare)
                columns = np.searchsorted(self.classes_, student.classes_)
                P[np.ix_(at, columns)] = student.predict_proba(_take(rows, at))
        return P

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class ``(n,)``."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def describe(self) -> str:
        """Router and students in words."""
        check_is_fitted(self, "students_")
        parts = [] if self.router_ is None else [f"Do the teachers agree?\n{_words(self.router_)}"]
        parts += [f"Where {AGREE if kind else DIFFER}:\n{_words(s)}" for kind, s in self.students_.items()]
        return "\n\n".join(parts)

    def compare(self, X: Any) -> pd.DataFrame:
        """Ask the teachers about rows, best ones that fitting did not see, and compare by region.

        Returns
        -------
        DataFrame
            One row per region that has rows: ``region``, ``n``, ``teachers_agree`` (share of its rows on which they
            truly do), ``agreement`` of the students with the ensemble, and its Wilson interval ``low``, ``high``.
        """
        P, agreed = self._asked(self._checked(X))
        same = self.predict_proba(X).argmax(axis=1) == P.argmax(axis=1)
        region, lines = self.region(X), []
        for kind, words in ((True, AGREE), (False, DIFFER)):
            inside = region == kind
            if inside.any():
                low, high = wilson(int(same[inside].sum()), int(inside.sum()))
                line = {"region": words, "n": int(inside.sum()), "teachers_agree": float(agreed[inside].mean())}
                lines.append(line | {"agreement": float(same[inside].mean()), "low": float(low), "high": float(high)})
        return pd.DataFrame(lines)


def _fit(model: Any, X: Any, y: Any, weight: NDArray[np.float64] | None) -> Any:
    return model.fit(X, y) if weight is None else model.fit(X, y, sample_weight=weight)


def _take(X: Any, at: NDArray[np.intp]) -> Any:
    return X.iloc[at] if hasattr(X, "iloc") else X[at]


def _words(model: Any) -> str:
    return str(model.describe()) if hasattr(model, "describe") else repr(model)
