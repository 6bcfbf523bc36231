"""The student answers where it is sure: thresholds, curves and messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from explaindistill.distillation.wrappers.deferring import DeferringClassifier
from explaindistill.errors import InvalidInputError
from explaindistill.students.tree.estimators import TreeClassifier


class Counting:
    """A teacher whose classes are not sorted, and who counts the rows that it is asked about."""

    def __init__(self) -> None:
        self.classes_ = np.array(["yes", "no"])
        self.asked = 0

    def predict_proba(self, X: Any) -> np.ndarray:
        rows = np.asarray(X, dtype=float)
        self.asked += len(rows)
        p = 1 / (1 + np.exp(-2 * rows.sum(axis=1)))
        return np.column_stack([p, 1 - p])


def rows(n: int = 500) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(n, 2)), columns=["a", "b"])


@pytest.mark.parametrize("coverage", [0.0, 0.3, 1.0])
def test_the_share_answered_is_the_share_asked_for(coverage: float) -> None:
    X, teacher = rows(), Counting()
    pair = DeferringClassifier(TreeClassifier(max_leaf_nodes=200), teacher, coverage=coverage).fit(X)
    assert pair.classes_.tolist() == ["no", "yes"]
    share = pair.answered(X).mean()
    assert coverage <= share <= coverage + 0.2
    before = teacher.asked
    answer = pair.predict_proba(X)
    assert teacher.asked - before == (~pair.answered(X)).sum()
    deferred = ~pair.answered(X)
    np.testing.assert_allclose(answer[deferred], teacher.predict_proba(X)[deferred][:, ::-1])
    np.testing.assert_allclose(answer[~deferred], pair.student_.predict_proba(X)[~deferred])


def test_deferring_never_agrees_less_and_the_curve_says_so() -> None:
    X, teacher = rows(), Counting()
    pair = DeferringClassifier(TreeClassifier(max_leaf_nodes=6), teacher, coverage=0.5).fit(X)
    truth = np.where(teacher.predict_proba(X)[:, 0] > 0.5, "yes", "no")
    assert (pair.predict(X) == truth).mean() > (pair.student_.predict(X) == truth).mean()
    curve = pair.curve_
    assert (np.diff(curve["share"]) > 0).all()
    assert (np.diff(curve["agreement_together"]) <= 0).all()
    last = curve.iloc[-1]
    assert last["share"] == 1
    assert last["agreement"] == last["agreement_together"] == (pair.student_.predict(X) == truth).mean()
    assert (curve["low"] <= curve["agreement"]).all()
    assert (curve["agreement"] <= curve["high"]).all()
    asked = pair.curve(X, shares=[0.5])
    assert len(asked) == 1


def test_other_students_and_arrays_work() -> None:
    X = rows().to_numpy()
    teacher = LogisticRegression().fit(X, X[:, 0] > 0)
    fitted = DecisionTreeClassifier(max_depth=1).fit(X, teacher.predict(X))
    pair = DeferringClassifier(fitted, teacher).fit(X)
    assert pair.student_ is fitted
    fresh = DeferringClassifier(DecisionTreeClassifier(max_depth=1), teacher).fit(X, sample_weight=np.ones(len(X)))
    np.testing.assert_array_equal(fresh.predict(X), pair.predict(X))


def test_messages() -> None:
    X = rows()
    with pytest.raises(InvalidInputError, match=r"coverage must lie between 0 and 1, got 1\.5"):
        DeferringClassifier(TreeClassifier(), Counting(), coverage=1.5).fit(X)
    with pytest.raises(InvalidInputError, match="teacher must be a classifier"):
        DeferringClassifier(TreeClassifier(), object()).fit(X)
    other = TreeClassifier().fit(X, X["a"] > 0)
    with pytest.raises(InvalidInputError, match="must know the same classes"):
        DeferringClassifier(other, Counting()).fit(X)
