"""A Distiller offers the methods of its student, and no others."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.teachers import as_teacher
from explaindistill.teachers._fingerprint import of_function

mpl.use("Agg")

METHODS = ("plot", "rules", "complexity", "importance", "to_dict", "occupants", "terms", "reasons", "shapley", "export")
STUDENTS = {
    "tree": xd.TreeClassifier(max_leaf_nodes=4),
    "gam": xd.GAMClassifier(),
    "linear": xd.LinearClassifier(),
    "rules": xd.RuleListClassifier(),
    "scorecard": xd.ScorecardClassifier(),
    "model_tree": xd.ModelTreeClassifier(max_leaf_nodes=2),
}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(18, 80, 400), "debt": rng.random(400).round(2)})
    X["sex"] = np.where(rng.random(400) < 0.5, "f", "m")
    return X


def chance(X):
    return 1 / (1 + np.exp(6 * np.asarray(X["debt"], dtype=float) - 3))


def distilled(student, rows, **options):
    teacher = as_teacher(chance, classes=["no", "yes"])
    return xd.Distiller(teacher, student, n_queries=400, random_state=0, **options).fit(rows)


@pytest.mark.parametrize("family", list(STUDENTS))
def test_what_the_student_has_the_distiller_has(family, rows):
    distiller = distilled(STUDENTS[family], rows)
    for method in METHODS:
        assert hasattr(distiller, method) == hasattr(distiller.student_, method), method
        assert hasattr(xd.Distiller(chance, STUDENTS[family]), method) == hasattr(STUDENTS[family], method), method
    assert distiller.complexity() == distiller.student_.complexity()
    pd.testing.assert_frame_equal(distiller.importance(), distiller.student_.importance())
    assert distiller.to_dict() == distiller.student_.to_dict()
    axes = distiller.plot()
    assert np.ravel(axes)[0].figure is not None
    mpl.pyplot.close("all")


def test_rows_are_the_teacher_s_and_attributes_may_be_unseen_by_the_student(rows):
    distiller = distilled(xd.TreeClassifier(max_leaf_nodes=4), rows, features=["debt", "age"])
    who = distiller.occupants(rows, "sex")
    pd.testing.assert_frame_equal(who, distiller.student_.occupants(rows[["debt", "age"]], rows[["sex"]]))
    ax = distiller.plot(X=rows, sensitive=["sex"], max_depth=2)
    assert any("sex" in text.get_text() or "f " in text.get_text() for text in ax.texts)
    mpl.pyplot.close("all")
    pd.testing.assert_frame_equal(distiller.rules(), distiller.student_.rules())


@pytest.mark.parametrize("method", ["plot", "rules", "complexity", "importance", "to_dict", "describe"])
def test_before_fitting_it_says_so(method):
    with pytest.raises(NotFittedError):
        getattr(xd.Distiller(chance, xd.TreeClassifier()), method)()


def test_equal_students_behind_other_transformers_are_told_apart():
    """A fingerprint by ``to_dict`` alone would answer for one of them from the store of the other."""
    X = pd.DataFrame({"x": np.arange(64.0), "z": np.arange(64.0) % 7})

    def large(rows):
        return (rows["x"] / rows["x"].max()).to_numpy()

    pair = [
        xd.Distiller(
            large, xd.TreeRegressor(max_leaf_nodes=3), n_queries=64, features=StandardScaler(), random_state=0
        ).fit(table)
        for table in (X, 2.0 * X)
    ]
    assert pair[0].to_dict() == pair[1].to_dict()
    assert (pair[0].predict(X) != pair[1].predict(X)).any()
    first, second = (of_function(distiller.predict) for distiller in pair)
    assert first is None or first != second


def test_a_target_is_named_by_the_distiller_or_by_its_labels():
    X = pd.DataFrame({"x": np.linspace(0, 1, 100)})
    square = lambda X: X["x"].to_numpy() ** 2  # noqa: E731
    student = xd.TreeRegressor(max_leaf_nodes=2)
    said = xd.Distiller(square, student, n_queries=100, target_name="price in €", random_state=0).fit(X)
    assert "price in € = " in said.describe()
    assert str(said.explain(X.head(1))).startswith("price in € = ")
    labels = pd.Series(X["x"].to_numpy(), name="rent in €")
    by_labels = xd.Distiller(square, student, n_queries=100, random_state=0).fit(X, labels)
    assert "rent in € = " in by_labels.describe()
    same_as_column = xd.Distiller(square, student, n_queries=100, random_state=0).fit(X, X["x"])
    assert "value = " in same_as_column.describe()
    with pytest.raises(InvalidInputError, match="target_name must be a text such as 'price in €' or None, got 3"):
        xd.Distiller(square, student, target_name=3).fit(X)


def test_a_notebook_shows_the_student_of_a_fitted_distiller():
    X = pd.DataFrame({"x": np.linspace(0, 1, 100)})
    distiller = xd.Distiller(lambda X: X["x"].to_numpy() ** 2, xd.TreeRegressor(max_leaf_nodes=2), n_queries=100)
    mark = '<pre style="white-space: pre-wrap">tree of 2 leaves'
    assert mark not in distiller._repr_html_()
    assert mark in distiller.fit(X)._repr_html_()
    assert mark in distiller._repr_mimebundle_()["text/html"]
