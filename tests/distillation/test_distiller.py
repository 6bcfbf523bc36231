import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

import explaindistill as xd
from explaindistill.data import row_keys
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.samplers.observed import ObservedSampler
from explaindistill.teachers import as_teacher
from explaindistill.teachers.callable import CallableTeacher


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.iloc[:, :8], y


@pytest.fixture(scope="module")
def forest(cancer):
    return RandomForestClassifier(25, random_state=0).fit(*cancer)


class Counting:
    """A teacher that counts the rows it is asked."""

    def __init__(self, inner):
        self.inner, self.n, self.seen = inner, 0, []
        self.classes_ = inner.classes_

    def predict_proba(self, X):
        self.n += len(X)
        self.seen.append(X)
        return self.inner.predict_proba(X)

    def predict(self, X):
        return self.classes_[self.inner.predict_proba(X).argmax(axis=1)]

    def fingerprint(self):
        return None

    def __sklearn_clone__(self):
        return self


@pytest.mark.parametrize(
    "student",
    [xd.TreeClassifier(), xd.GAMClassifier(), xd.LinearClassifier(), DecisionTreeClassifier(max_leaf_nodes=16)],
)
def test_students_of_any_house_follow_the_teacher(forest, cancer, student):
    X, _ = cancer
    d = xd.Distiller(forest, student, random_state=0).fit(X)
    assert d.score(X) > 0.93
    assert is_classifier(d)
    assert d.classes_.tolist() == [0, 1]
    assert d.predict_proba(X).shape == (len(X), 2)
    assert d.label_mode_ == ("soft" if hasattr(student, "accepts_soft_targets") else "weighted rows")


def test_asks_no_more_than_allowed(forest, cancer):
    X, _ = cancer
    for n in (50, len(X), 1500):
        teacher = Counting(forest)
        d = xd.Distiller(teacher, xd.TreeClassifier(), n_queries=n, random_state=0).fit(X)
        assert d.n_queries_ == teacher.n <= n
        assert d.corpus_.n_observed == min(n, len(X))
        assert d.corpus_.n_synthetic == max(0, n - len(X))


def test_equal_rows_are_asked_once(forest, cancer):
    X = pd.concat([cancer[0].head(100)] * 3, ignore_index=True)
    teacher = Counting(forest)
    d = xd.Distiller(teacher, xd.TreeClassifier(), n_queries=100, random_state=0).fit(X)
    assert teacher.n == d.n_queries_ == 100
    assert d.corpus_.n_observed == 300


def test_auto_asks_five_times_the_rows(forest, cancer):
    X = cancer[0].head(60)
    d = xd.Distiller(forest, xd.TreeClassifier(), random_state=0).fit(X)
    assert 250 <= d.n_queries_ <= 300
    assert d.corpus_.to_frame()["value"].iloc[0] == "60"
    assert 0.7 < d.corpus_.synthetic_weight < 0.85


def test_recorded_answers_are_a_teacher_that_is_asked_nothing_else(forest, cancer):
    X, _ = cancer
    record = (X, pd.DataFrame(forest.predict_proba(X), columns=forest.classes_))
    d = xd.Distiller(record, xd.TreeClassifier(), random_state=0).fit(X)
    assert d.corpus_.n_synthetic == 0
    assert d.score(X) > 0.93


def test_observed_sampler_adds_no_rows(forest, cancer):
    d = xd.Distiller(forest, xd.TreeClassifier(), sampler=ObservedSampler(), n_queries=2000, random_state=0).fit(
        cancer[0]
    )
    assert d.corpus_.n_synthetic == 0


def test_same_seed_same_student_and_none_keeps_its_seed(forest, cancer):
    X, _ = cancer
    a = xd.Distiller(forest, xd.TreeClassifier(), random_state=3).fit(X)
    b = xd.Distiller(forest, xd.TreeClassifier(), random_state=3).fit(X)
    assert json.dumps(a.student_.to_dict()) == json.dumps(b.student_.to_dict())
    c = xd.Distiller(forest, xd.TreeClassifier()).fit(X)
    again = xd.Distiller(forest, xd.TreeClassifier(), random_state=c.seed_).fit(X)
    assert json.dumps(c.student_.to_dict()) == json.dumps(again.student_.to_dict())
    d = xd.Distiller(forest, xd.TreeClassifier(), random_state=np.random.RandomState(0)).fit(X)
    assert isinstance(d.seed_, int)


def test_clone_keeps_the_teacher_itself(forest, cancer):
    d = xd.Distiller(forest, xd.TreeClassifier(), store=None)
    twin = clone(d)
    assert twin.teacher is forest
    assert twin.student is not d.student
    assert twin.get_params(deep=False).keys() == d.get_params(deep=False).keys()
    check_is_fitted(forest)


def test_grid_search_and_cross_validation_leave_the_teacher_fitted(forest, cancer):
    X, y = cancer
    d = xd.Distiller(forest, xd.TreeClassifier(), n_queries=400, random_state=0)
    scores = cross_val_score(d, X, cv=3)
    assert (scores > 0.8).all()
    assert (cross_val_score(d, X, y, cv=3) > 0.8).all()
    search = GridSearchCV(d, {"student__max_leaf_nodes": [2, 8]}, cv=3, scoring=xd.make_fidelity_scorer(forest)).fit(X)
    assert search.best_params_ == {"student__max_leaf_nodes": 8}
    check_is_fitted(forest)


def test_torch_net_is_not_copied(cancer):
    torch = pytest.importorskip("torch")
    from explaindistill.teachers.torch import TorchTeacher

    X, _ = cancer
    net = torch.nn.Linear(X.shape[1], 2)
    before = net.weight.detach().numpy().tobytes()
    scaler = StandardScaler().fit(X)
    teacher = TorchTeacher(net, preprocess=scaler.transform, classes=["no", "yes"])
    d = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=16), random_state=0)
    assert clone(d).teacher is teacher
    assert (cross_val_score(d, X, cv=3) > 0.7).all()
    assert net.weight.detach().numpy().tobytes() == before
    assert net.training


def test_in_a_pipeline(forest, cancer):
    X, _ = cancer
    teacher = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, forest.predict(X))
    piped = make_pipeline(
        StandardScaler().set_output(transform="pandas"), xd.Distiller(teacher, xd.LinearClassifier(), random_state=0)
    )
    piped.fit(X, forest.predict(X))
    assert piped.predict(X).shape == (len(X),)


def test_pickles(forest, cancer):
    X, _ = cancer
    d = xd.Distiller(forest, xd.TreeClassifier(), random_state=0).fit(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(d)).predict_proba(X), d.predict_proba(X))


def test_features_limit_what_the_student_sees_not_what_the_teacher_sees(forest, cancer):
    X, _ = cancer
    teacher = Counting(forest)
    d = xd.Distiller(teacher, xd.TreeClassifier(), features=["mean radius", "mean texture"], random_state=0).fit(X)
    assert teacher.seen[0].shape[1] == X.shape[1]
    assert d.student_.feature_names_in_.tolist() == ["mean radius", "mean texture"]
    assert d.predict(X).shape == (len(X),)
    by_position = xd.Distiller(forest, xd.TreeClassifier(), features=[0, 1], random_state=0).fit(X)
    np.testing.assert_array_equal(by_position.predict_proba(X), d.predict_proba(X))


def test_features_may_be_a_transformer(forest, cancer):
    X, y = cancer
    chosen = make_pipeline(StandardScaler().set_output(transform="pandas"))
    d = xd.Distiller(forest, xd.LinearClassifier(), features=chosen, random_state=0).fit(X)
    assert d.score(X) > 0.9
    del y


def test_arrays_in_arrays_to_the_teacher(cancer):
    X, y = cancer[0].to_numpy(), cancer[1].to_numpy()
    teacher = Counting(RandomForestClassifier(10, random_state=0).fit(X, y))
    d = xd.Distiller(teacher, DecisionTreeClassifier(), n_queries=700, random_state=0).fit(X)
    assert all(isinstance(rows, np.ndarray) for rows in teacher.seen)
    assert d.score(X) > 0.9
    assert not hasattr(d, "feature_names_in_")
    with pytest.raises(ValueError, match="3 features"):
        d.predict(X[:, :3])


def test_pipeline_students_get_their_weights(forest, cancer):
    X, _ = cancer
    ours = xd.Distiller(
        forest, make_pipeline(StandardScaler().set_output(transform="pandas"), xd.LinearClassifier()), random_state=0
    ).fit(X)
    assert ours.label_mode_ == "soft"
    theirs = xd.Distiller(forest, make_pipeline(StandardScaler(), LogisticRegression()), random_state=0).fit(X)
    assert theirs.label_mode_ == "weighted rows"
    nested = xd.Distiller(
        forest, make_pipeline(SelectKBest(k=3), LogisticRegression(max_iter=5000)), random_state=0
    ).fit(X)
    assert nested.score(X) > 0.85


def test_students_without_weights_get_hard_labels(forest, cancer):
    d = xd.Distiller(forest, KNeighborsClassifier(), n_queries=600, random_state=0).fit(cancer[0])
    assert d.label_mode_ == "hard"


def test_weighted_rows_are_the_exact_cross_entropy(forest, cancer):
    X, _ = cancer
    d = xd.Distiller(forest, DecisionTreeClassifier(max_depth=1), n_queries=len(X), random_state=0).fit(X)
    leaf = d.student_.apply(X)
    mean = pd.DataFrame(forest.predict_proba(X)).groupby(leaf).transform("mean")
    np.testing.assert_allclose(d.predict_proba(X), mean, atol=1e-9)


def test_weights_are_inherited(forest, cancer):
    X, _ = cancer
    w = np.where(np.arange(len(X)) < 100, 1e6, 1e-3)
    d = xd.Distiller(forest, xd.TreeClassifier(), n_queries=1500, random_state=0).fit(X, sample_weight=w)
    assert 0 < d.corpus_.synthetic_weight < 1
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        xd.Distiller(forest, xd.TreeClassifier()).fit(X, sample_weight=-w)


def test_label_weight_one_is_the_student_of_the_labels(forest, cancer):
    X, _ = cancer
    y = np.random.default_rng(0).integers(0, 2, len(X))
    d = xd.Distiller(forest, xd.TreeClassifier(), n_queries=len(X), label_weight=1.0, random_state=0).fit(X, y)
    own = xd.TreeClassifier().fit(X, y)
    np.testing.assert_allclose(d.predict_proba(X), own.predict_proba(X))
    assert d.score(X, y) == own.score(X, y)


def test_regression(cancer):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    forest = RandomForestRegressor(20, random_state=0).fit(X, y)
    for student in (xd.TreeRegressor(), xd.GAMRegressor(), xd.LinearRegressor(), LinearRegression()):
        d = xd.Distiller(forest, student, random_state=0).fit(X)
        assert is_regressor(d)
        assert d.score(X) > 0.5
        assert d.score(X, y) > 0.3
        assert not hasattr(d, "predict_proba")
    half = xd.Distiller(forest, xd.TreeRegressor(), label_weight=0.5, n_queries=len(X), random_state=0).fit(X, y)
    assert half.predict(X).shape == (len(X),)


def test_three_classes_with_names():
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    teacher = RandomForestClassifier(20, random_state=0).fit(X, names)
    d = xd.Distiller(teacher, xd.GAMClassifier(), random_state=0).fit(X)
    assert d.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert d.score(X) > 0.93


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_queries": 0}, "n_queries must be at least 1, got 0"),
        ({"n_queries": 1.5}, "n_queries must be a whole number"),
        ({"n_queries": True}, "n_queries must be a whole number"),
        ({"n_queries": "many"}, "n_queries must be a whole number"),
        ({"label_weight": 2}, "label_weight must lie between 0 and 1, got 2"),
        ({"label_weight": 0.5}, "label_weight is 0.5, which needs y"),
        ({"features": []}, "features must name at least 1 column"),
        ({"features": ["nope"]}, "features names nope, the columns are: mean radius"),
        ({"student": xd.TreeRegressor()}, "student must do classification since the teacher does, got TreeRegressor"),
        ({"teacher": RandomForestClassifier()}, "fitted"),
    ],
)
def test_bad_arguments(forest, cancer, changes, message):
    given = {"teacher": forest, "student": xd.TreeClassifier()} | changes
    with pytest.raises(ValueError, match=message):
        xd.Distiller(**given).fit(cancer[0])


def test_bad_rows(forest, cancer):
    d = xd.Distiller(forest, xd.TreeClassifier())
    with pytest.raises(InvalidInputError, match="0 sample"):
        d.fit(cancer[0].head(0))
    hollow = cancer[0].assign(**{"mean radius": np.nan})
    with pytest.raises(InvalidInputError, match="'mean radius' has no value"):
        d.fit(hollow)


def test_describe_and_explain_are_the_students_own(forest, cancer):
    X, _ = cancer
    d = xd.Distiller(forest, xd.TreeClassifier(), random_state=0).fit(X)
    assert d.describe() == d.student_.describe()
    pd.testing.assert_frame_equal(d.explain(X.head(3), as_frame=True), d.student_.explain(X.head(3), as_frame=True))


def test_a_store_answers_what_was_asked_before(forest, cancer, tmp_path):
    X, _ = cancer
    store = tmp_path / "labels.sqlite"
    first = xd.Distiller(forest, xd.TreeClassifier(), n_queries=700, store=store, random_state=0).fit(X)
    second = xd.Distiller(forest, xd.LinearClassifier(), n_queries=700, store=store, random_state=0).fit(X)
    assert first.corpus_.n_asked == first.n_queries_
    assert second.corpus_.n_asked == 0
    assert second.n_queries_ == first.n_queries_
    assert clone(second).store is store


def test_a_distiller_writes_its_student_as_code(tmp_path):
    X, y = load_iris(return_X_y=True, as_frame=True)
    teacher = RandomForestClassifier(10, random_state=0).fit(X, y)
    names = X.columns[2:].tolist()
    distiller = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=4), features=names, random_state=0).fit(X)
    module = {}
    exec(distiller.export(tmp_path / "s.py").read_text(), module)
    assert set(module["FEATURES"]) <= set(names)
    assert [module["predict"](row) for row in X.to_dict("records")] == distiller.predict(X).tolist()
    made = xd.Distiller(teacher, xd.TreeClassifier(), features=StandardScaler(), random_state=0).fit(X)
    with pytest.raises(InvalidInputError, match=r"sees columns as they are, got features=StandardScaler; .*student_"):
        made.export(tmp_path / "t.py")
    assert not hasattr(xd.Distiller(teacher, LogisticRegression()), "export")


def test_each_row_is_keyed_once(monkeypatch):
    n_keyed, key = [], row_keys.row_keys
    monkeypatch.setattr(row_keys, "row_keys", lambda X: n_keyed.append(len(X)) or key(X))
    X = pd.DataFrame(np.random.default_rng(0).random((300, 2)), columns=["a", "b"])
    d = xd.Distiller(lambda X: X["a"].to_numpy(), xd.TreeRegressor(), n_queries=900, random_state=0).fit(X)
    assert n_keyed == [300, 600]
    np.testing.assert_array_equal(d.fit_rows_.keys, key(X))
    assert d.fit_rows_.index is X.index


def test_a_sampler_that_can_change_nothing_adds_no_weight():
    X = pd.DataFrame({"flag": [True, False] * 100})
    teacher = CallableTeacher(lambda rows: rows["flag"].to_numpy(dtype=float), classes=["no", "yes"])
    with pytest.warns(UserWarning, match=r"MungeSampler made 998 rows and all of them are rows that were given"):
        student = xd.Distiller(teacher, xd.TreeClassifier(), random_state=0).fit(X)
    assert student.corpus_.synthetic_weight == 0.0
    assert (student.corpus_.n_synthetic, student.corpus_.sampler) == (0, "none")
    richer = X.assign(x=np.arange(200.0))  # one more column, and there are new rows
    assert xd.Distiller(teacher, xd.TreeClassifier(), random_state=0).fit(richer).corpus_.n_synthetic > 0


def test_a_teacher_without_classes_is_told_to_say_them():
    X = pd.DataFrame({"x": np.linspace(0, 1, 50)})
    with pytest.raises(
        InvalidInputError,
        match=r"must do regression since the teacher does.*say them: as_teacher\(teacher, classes=\[\.\.\.\]\)",
    ):
        xd.Distiller(lambda rows: rows["x"].to_numpy(), xd.TreeClassifier()).fit(X)


def test_the_scorer_stands_as_it_is_in_scikit_learn():
    X = pd.DataFrame({"x": np.linspace(0, 1, 60), "z": np.arange(60) % 7})
    y = np.where(X["x"] > 0.5, "yes", "no")
    teacher = CallableTeacher(lambda rows: rows["x"].to_numpy(), classes=["no", "yes"])
    distiller = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=3), random_state=0)
    scores = cross_val_score(distiller, X, y, scoring=xd.fidelity_scorer, cv=2)
    assert (scores > 0.9).all()
    search = GridSearchCV(distiller, {"student__max_leaf_nodes": [2, 3]}, cv=3, scoring=xd.fidelity_scorer).fit(X)
    assert search.best_score_ > 0.9
    assert xd.fidelity_scorer(search.best_estimator_, X) == search.best_estimator_.score(X)
    with pytest.raises(InvalidInputError, match=r"got rows and a TreeClassifier; .*make_fidelity_scorer\(teacher\)"):
        xd.fidelity_scorer(xd.TreeClassifier().fit(X, y), X, y)
    with pytest.raises(InvalidInputError, match=r"got a CallableTeacher alone; .*make_fidelity_scorer\(teacher\)"):
        xd.fidelity_scorer(teacher)


def test_a_function_whose_columns_sum_to_one_is_asked_for_its_classes():
    X = pd.DataFrame({"x": np.linspace(0, 1, 60)})

    def shares(rows):
        return np.c_[rows["x"], 1 - rows["x"]]

    with pytest.raises(
        TeacherError, match=r"shares answered 2 columns that sum to one .*say as_teacher\(shares, classes="
    ):
        xd.Distiller(shares, xd.TreeRegressor()).fit(X)
    assert xd.Distiller(as_teacher(shares, output="value"), xd.TreeRegressor()).fit(X).task_ == "regression"
    assert as_teacher(shares).predict(X.head(9)).shape == (9, 2), "few rows may sum to one by chance"
    with pytest.raises(TeacherError, match="sum to one"):
        as_teacher(shares).predict(X.head(10))
    named = as_teacher(shares, classes=["a", "b"])
    assert xd.Distiller(named, xd.TreeClassifier(), random_state=0).fit(X).score(X) > 0.9


@pytest.mark.parametrize("make", [lambda X: X, lambda X: X.to_dict("records"), lambda X: {c: X[c] for c in X}])
def test_the_teacher_gets_whole_number_names_back(make):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), columns=[7, 3])
    asked = []

    def teacher(rows):
        asked.append(rows.columns.tolist())
        return rows.iloc[:, 0].to_numpy()

    student = xd.Distiller(teacher, xd.TreeRegressor(), n_queries=120, random_state=0).fit(make(X))
    student.score(make(X))
    assert all(names == [7, 3] for names in asked) or make(X) is not X
    assert student.feature_names_in_.tolist() == ["7", "3"]
