import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier

import explaindistill as xd
from explaindistill.distillation.studies import frontiers
from explaindistill.distillation.studies.family_sizes import default_students
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.intervals import wilson

FAMILIES = {"tree", "rules", "linear", "gam", "model_tree", "scorecard"}


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
    assert table["n_numbers"].is_monotonic_increasing
    assert (table["low_simultaneous"] <= table["low"]).all()
    assert (table["low"] <= table["estimate"]).all()
    assert (table["n"] == int(0.3 * 569)).all()
    assert set(table["front"]) <= {"front", "tied", "dominated"}
    assert table["front"].iloc[0] == "front"


def test_lower_bounds_hold_for_all_students_at_once(found):
    table = found.frame
    low, high = wilson(table["k"].to_numpy(float), table["n"].to_numpy(float), 1 - 0.05 / 4)
    np.testing.assert_allclose(table["low_simultaneous"], low)
    np.testing.assert_allclose(table["high_simultaneous"], high)


def test_every_student_passes_fails_or_is_inconclusive_for_all_at_once(found):
    table = found.frame.set_index("student")
    middle = table.loc["tree 4"]
    target = (middle["low_simultaneous"] + middle["high_simultaneous"]) / 2
    verdicts = found.verdicts(agreement=target).set_index("student")["verdict"]
    assert verdicts["tree 4"] == "inconclusive"
    assert (found.verdicts(agreement=0.05)["verdict"] == "pass").all()
    assert (found.verdicts(agreement=0.99999)["verdict"] == "fail").all()
    low, high = table["low_simultaneous"].max(), table["high_simultaneous"].min()
    with pytest.raises(InvalidInputError, match="of 4 students 4 are inconclusive"):
        found.simplest(agreement=(low + high) / 2)


def test_best_is_the_highest_estimate_that_keeps_to_the_budget(found):
    table = found.frame
    for limit in (3, 7, 100):
        line = table[table["n_numbers"] <= limit].sort_values("estimate", ascending=False, kind="stable").iloc[0]
        assert found.best(max_numbers=limit) is found.students[line["student"]]
    assert found.best(max_lines=2) in (found.students["copy"], found.students["tree 2"])
    assert found.best() is found.students[table.loc[table["estimate"].idxmax(), "student"]]
    assert found.simplest(agreement=0.5, max_lines=4).complexity().n_lines <= 4
    with pytest.raises(InvalidInputError, match="no student of the frontier keeps to at most 1 lines; allow more"):
        found.best(max_lines=1)
    with pytest.raises(InvalidInputError, match="max_columns must be a whole number of at least 1"):
        found.best(max_columns=0)


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
    x = np.log2(np.r_[np.maximum(table["n_numbers"], 8), 256])
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
    assert (one.frame["high_simultaneous"] >= one.frame["high"]).all()
    assert one.best(max_lines=8) is one.students["tree 8"]


def test_all_families_stand_on_the_default_frontier():
    X = np.random.default_rng(0).normal(size=(150, 3))
    y = X[:, 0] + X[:, 1] ** 2 > 0
    smallest = {type(student): student for student in reversed(default_students(2).values())}
    sizes = [student.fit(X, y).complexity() for student in smallest.values()]
    assert {size.family for size in sizes} == FAMILIES
    assert all(size.n_lines >= 1 and size.n_numbers >= 1 for size in sizes)
    assert {name.split(",")[0] for name in default_students(3)} == {
        f.replace("_", " ") for f in FAMILIES - {"scorecard"}
    }
    assert default_students(None).keys() == default_students(3).keys()


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
