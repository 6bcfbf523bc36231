"""A view says what a student sees, in the user's own container."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from explaindistill.data.schema import Schema
from explaindistill.data.student_view import StudentView
from explaindistill.errors import InvalidInputError

X = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [3.0, 5.0, 1.0], "c": [0.0, 1.0, 0.0]})


def test_all_columns():
    view = StudentView(Schema.infer(X))
    assert view.of(X) is X
    assert (view.names, view.is_transformed) == (["a", "b", "c"], False)


def test_some_columns_by_name_or_position():
    view = StudentView.choose(["c", 0], Schema.infer(X), X)
    assert (view.names, view.features, view.is_transformed) == (["c", "a"], ["c", "a"], False)
    assert view.of(X).columns.tolist() == ["c", "a"]


def test_arrays_come_back_as_arrays():
    array = X.to_numpy()
    view = StudentView.choose([1], Schema.infer(array), array)
    seen = view.restored(view.schema.frame(array))
    assert isinstance(seen, np.ndarray)
    assert seen.tolist() == [[3.0], [5.0], [1.0]]


def test_a_transformer_sees_the_users_own_container():
    view = StudentView.choose(StandardScaler(), Schema.infer(X), X)
    assert view.is_transformed
    assert view.names == ["a", "b", "c"]
    np.testing.assert_allclose(view.of(X).mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_array_equal(view.restored(X), view.of(X))


@pytest.mark.parametrize(("features", "message"), [([], "at least 1 column"), (["z"], "features names z")])
def test_wrong_features(features, message):
    with pytest.raises(InvalidInputError, match=message):
        StudentView.choose(features, Schema.infer(X), X)
