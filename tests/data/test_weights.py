"""Weights of rows have one door, and one sentence for each thing that is wrong with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.data.weights import as_weights
from explaindistill.errors import InvalidInputError
from explaindistill.teachers.callable import CallableTeacher

WRONG = [
    ([1.0, np.nan, 1.0, 1.0], r"must be finite, got nan in row 1; drop such rows"),
    ([1.0, 1.0, np.inf, 1.0], r"must be finite, got inf in row 2"),
    ([1.0, -2.0, 1.0, 1.0], r"must be non-negative, got -2.0 in row 1"),
    (np.zeros(4), r"must not be zero everywhere; leave it out"),
    (np.full(4, 1e-120), r"must lie between 1e-100 and 1e\+100, got 1e-120; divide"),
    (np.ones(5), r"sample_weight.shape == \(5,\), but it must be \(4,\)"),
    (np.ones((4, 2)), r"must be 1D, got an array of shape \(4, 2\)"),
    (["a"] * 4, r"must be numbers, got could not convert string to float: 'a'; give one number"),
    ("abcd", r"must be numbers, got "),
    (pd.Series([1, None, 1, 1], dtype="Int64"), r"must be finite, got nan in row 1"),
]


@pytest.mark.parametrize(("weight", "words"), WRONG)
def test_wrong_weights_are_refused_alike_by_students_distiller_and_audit(weight, words):
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]})
    teacher = CallableTeacher(lambda rows: rows["a"].to_numpy() / 5, classes=["no", "yes"])
    student = xd.TreeClassifier(min_samples_leaf=1).fit(X, ["no", "no", "yes", "yes"])
    if isinstance(weight, str):
        weight = list(weight)
    for ask in (
        lambda: as_weights(weight, 4),
        lambda: xd.LinearRegressor().fit(X, [1.0, 2.0, 3.0, 4.0], sample_weight=weight),
        lambda: xd.Distiller(teacher, xd.TreeClassifier(), n_queries=20).fit(X, sample_weight=weight),
        lambda: xd.audit(teacher, {"tree": student}, X, sample_weight=weight),
    ):
        with pytest.raises(InvalidInputError, match=words):
            ask()


def test_right_weights():
    np.testing.assert_array_equal(as_weights(pd.array([1, 0], dtype="Int64"), 2), [1.0, 0.0])
    np.testing.assert_array_equal(as_weights(2, 3), [2.0, 2.0, 2.0])
    assert as_weights(None, 0).shape == (0,)
