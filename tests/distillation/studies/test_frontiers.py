import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier

import explaindistill as xd
from explaindistill.distillation.studies import frontiers
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.intervals import wilson


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.iloc[:, :6], y


@pytest.fixture(scope="module")
def forest(cancer):
    return RandomForestClassifier(20, random_state=0).fit(*cancer)


def trees(*sizes):
    return {f"tree {n}": xd.TreeClassifier(max_leaf_nodes=n) for n in sizes}


@pytest.fixture(scope="module")
def found(forest, cancer):
    students = {"copy": xd.TreeClassifier(max_leaf_nodes=2), **trees(2, 4, 12)}
    return xd.frontier(forest, cancer[0], students, random_state=1)


def test_smallest_first_with_intervals(found):
    table = found.frame
    assert table["n_parameters"].is_monotonic_increasing
    assert (table["low_simultaneous"] <= table["low"]).all()
    assert (table["low"] <= table["estimate"]).all()
    assert (table["n"] == int(0.3 * 569)).all()
    assert set(table["front"]) <= {"front", "tied", "dominated"}
    assert table["front"].iloc[0] == "front"


def test_lower_bounds_hold_for_all_students_at_once(found):
    table = found.frame
    low, _ = wilson(table["k"].to_numpy(float), table["n"].to_numpy(float), 1 - 0.05 / 4)
    np.testing.assert_allclose(table["low_simultaneous"], low)


def test_simplest_is_the_smallest_whose_lower_bound_reaches(found):
    reach = found.frame["low_simultaneous"].sort_values().iloc[-1]
    chosen = found.simplest(agreement=reach)
    first = found.frame[found.frame["low_simultaneous"] >= reach].iloc[0]
    assert chosen is found.students[first["student"]]
    with pytest.raises(InvalidInputError, match=r"no student reaches agreement 0.9999 with its lower bound; the best"):
        found.simplest(agreement=0.9999)
    with pytest.raises(InvalidInputError, match="simplest needs agreement="):
        found.simplest(r2=0.9)


def test_area_by_hand(found):
    table = found.frame
    x = np.log2(np.r_[np.maximum(table["n_parameters"], 8), 256])
    best = np.maximum.accumulate(table["estimate"].to_numpy())
    assert found.area() == pytest.approx((np.diff(x) * best).sum() / 5)
    with pytest.raises(InvalidInputError, match="limits must rise"):
        found.area((8, 8))


def test_all_share_one_set_of_answers(forest, cancer):
    class Counting:
        classes_ = forest.classes_
        n = 0

        def predict_proba(self, X):
            Counting.n += len(X)
            return forest.predict_proba(X)

        def predict(self, X):
            return forest.predict(X)

        def fingerprint(self):
            return None

        def __sklearn_clone__(self):
            return self

    result = xd.frontier(Counting(), cancer[0], trees(2, 4, 8), n_queries=500)
    assert Counting.n == result.n_queries <= 500 + 0.3 * 569


def test_a_stopped_run_goes_on(forest, cancer, tmp_path, monkeypatch):
    first = xd.frontier(forest, cancer[0], trees(2, 4), folder=tmp_path / "kept")
    assert len(list((tmp_path / "kept").glob("*.json"))) == 2

    def never(*args, **kwargs):
        raise AssertionError("was fitted again")

    monkeypatch.setattr(frontiers, "fit_student", never)
    again = xd.frontier(forest, cancer[0], trees(2, 4), folder=tmp_path / "kept")
    assert json.dumps(again.students["tree 4"].to_dict()) == json.dumps(first.students["tree 4"].to_dict())
    with pytest.raises(AssertionError, match="was fitted again"):
        xd.frontier(forest, cancer[0], trees(2, 5), folder=tmp_path / "kept")


def test_third_party_students_have_no_size(forest, cancer):
    students = {"theirs": DecisionTreeClassifier(max_depth=3), **trees(4)}
    result = xd.frontier(forest, cancer[0], students, X_test=cancer[0], progress=True)
    assert result.frame.set_index("student").loc["theirs", "front"] == "no size"
    assert 0 < result.area() < 1


def test_regression_and_two_processes():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    forest = RandomForestRegressor(20, random_state=0).fit(X, y)
    students = {f"tree {n}": xd.TreeRegressor(max_leaf_nodes=n) for n in (2, 8, 16)}
    one = xd.frontier(forest, X, students, n_jobs=1)
    assert one.frame["metric"].tolist() == ["r2"] * 3
    assert one.simplest(r2=0.05) is one.students["tree 2"]


def test_default_students_span_sizes():
    for task in ("classification", "regression"):
        made = frontiers.default_students(task)
        assert len(made) == 11


def test_it_shows_itself(found):
    assert "low_simultaneous" in repr(found)
    assert "<table" in found._repr_html_()
    assert found.plot().get_xlabel()


def test_bad_arguments(forest, cancer):
    with pytest.raises(InvalidInputError, match="X must have at least 4 rows"):
        xd.frontier(forest, cancer[0].head(2), trees(2))
    with pytest.raises(InvalidInputError, match="student must do classification"):
        xd.frontier(forest, cancer[0], {"a": xd.TreeRegressor()})


def test_options_are_those_of_a_distiller(forest, cancer):
    with pytest.raises(TypeError, match="unexpected keyword argument 'leaves'"):
        xd.frontier(forest, cancer[0], trees(2), leaves=3)
    few = xd.frontier(forest, cancer[0], trees(2), n_queries=60, query_strategy="committee", random_state=1)
    assert few.n_queries == 60 + int(0.3 * len(cancer[0]))
