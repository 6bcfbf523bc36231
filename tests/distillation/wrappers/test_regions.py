"""A student per region of agreement: planted regions are found, and each student knows its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from explaindistill.distillation.wrappers.regions import RegionClassifier
from explaindistill.errors import InvalidInputError
from explaindistill.students.tree.estimators import TreeClassifier
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.ensemble import EnsembleTeacher


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.uniform(-1, 1, (n, 3)), columns=["a", "b", "where"])


def one(X):
    return np.where(X["a"] > 0, 0.95, 0.05)


def other(X):
    """As ``one`` where ``where`` is positive; elsewhere surer, and about another column."""
    return np.where(X["where"] > 0, one(X), np.where(X["b"] > 0, 1.0, 0.0))


def teacher():
    return EnsembleTeacher(
        [CallableTeacher(f, classes=["no", "yes"], version="1") for f in (one, other)], weights=[0.4, 0.6]
    )


class Sign:
    """Decides by the sign of a column, of any rows there are; can be pickled."""

    def __init__(self, column):
        self.column = column

    def __call__(self, X):
        return 0.9 * (np.asarray(X, dtype=float)[:, min(self.column, np.shape(X)[1] - 1)] > 0)


SIGNS = EnsembleTeacher([CallableTeacher(Sign(i), classes=[0, 1], version=str(i)) for i in (0, 1)], weights=[2, 1])
IGNORED = "the labels are the teachers' answers: y is not looked at"
COUNTED = "the teachers' adapters count the rows that they are sent: nothing else of them changes"
LABELS = (
    {"check_estimators_overwrite_params": COUNTED}
    | dict.fromkeys(
        ["check_classifiers_classes", "check_classifiers_train", "check_classifiers_regression_target"], IGNORED
    )
    | {"check_classifiers_one_label": IGNORED}
    | dict.fromkeys(["check_supervised_y_no_nan", "check_supervised_y_2d"], IGNORED)
)


@parametrize_with_checks(
    [RegionClassifier(SIGNS, TreeClassifier(max_leaf_nodes=4))],
    expected_failed_checks=lambda estimator: LABELS,
)
def test_estimator_checks(estimator, check):
    check(estimator)


def test_the_planted_regions_are_found():
    X, new = rows(3000), rows(1000, 1)
    pair = RegionClassifier(teacher(), TreeClassifier(max_leaf_nodes=2), router=TreeClassifier(max_leaf_nodes=16)).fit(
        X
    )
    differ = (one(new) > 0.5) != (other(new) > 0.5)
    assert (pair.region(new) == ~differ).mean() > 0.95
    table = pair.compare(new).set_index("region")
    assert table.loc["the teachers agree", "teachers_agree"] > 0.95
    assert table.loc["the teachers differ", "teachers_agree"] < 0.1
    assert table["n"].sum() == 1000
    assert ((table["low"] <= table["agreement"]) & (table["agreement"] <= table["high"])).all()
    single = TreeClassifier(max_leaf_nodes=2).fit(X, pd.DataFrame(teacher().predict_proba(X), columns=["no", "yes"]))
    truth = teacher().predict(new)
    assert (pair.predict(new) == truth).mean() > (single.predict(new) == truth).mean() + 0.05
    text = pair.describe()
    assert "Do the teachers agree?" in text
    assert "Where the teachers differ:" in text


def test_copies_of_one_teacher_have_one_region():
    member = CallableTeacher(one, classes=["no", "yes"], version="1")
    X = rows(300)
    pair = RegionClassifier(EnsembleTeacher([member, member]), TreeClassifier(max_leaf_nodes=4)).fit(X)
    assert pair.router_ is None
    assert list(pair.students_) == [True]
    assert pair.region(X).all()
    np.testing.assert_allclose(pair.predict_proba(X)[:, 1], one(X), atol=1e-6)
    assert "Do the teachers agree?" not in pair.describe()


def test_a_small_region_has_no_student_of_its_own():
    X = rows(400)
    pair = RegionClassifier(teacher(), TreeClassifier(max_leaf_nodes=4), min_rows=200).fit(X)
    assert list(pair.students_) == [True]
    assert not pair.region(X).all()
    assert pair.predict_proba(X).sum(axis=1) == pytest.approx(1)
    none = RegionClassifier(teacher(), TreeClassifier(max_leaf_nodes=4), min_rows=1000).fit(X)
    assert list(none.students_) == [True]


def test_other_students_weights_and_arrays():
    X = rows(600)
    weight = np.where(X["a"] > 0, 1.0, 0.0) + 0.001
    hard = RegionClassifier(teacher(), LogisticRegression(), router=LogisticRegression())
    plain, weighted = clone(hard).fit(X), clone(hard).fit(X, sample_weight=weight)
    assert plain.teacher is not None
    assert not np.allclose(plain.predict_proba(X), weighted.predict_proba(X))
    assert "LogisticRegression" in plain.describe()

    def first(A):
        return np.where(A[:, 0] > 0, 0.9, 0.2)

    both = EnsembleTeacher([CallableTeacher(f, classes=[0, 1]) for f in (first, lambda A: 1 - first(A) * 0.5)])
    assert RegionClassifier(both, TreeClassifier(max_leaf_nodes=4)).fit(X.to_numpy()).predict(X.to_numpy()).shape == (
        600,
    )


def test_wrong_arguments():
    single = CallableTeacher(one, classes=["no", "yes"])
    with pytest.raises(InvalidInputError, match="must be an EnsembleTeacher of classifiers, got CallableTeacher"):
        RegionClassifier(single, TreeClassifier()).fit(rows(100))
    with pytest.raises(InvalidInputError, match="min_rows must be at least 2, got 1"):
        RegionClassifier(teacher(), TreeClassifier(), min_rows=1).fit(rows(100))
