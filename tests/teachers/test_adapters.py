"""Estimators, functions and records as teachers, and how the adapter is picked."""

from __future__ import annotations

import sys
import types

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import explaindistill as xd
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.protocols import Teacher
from explaindistill.teachers import as_teacher
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.estimator import EstimatorTeacher
from explaindistill.teachers.recorded import RecordedTeacher


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a", "b", "c"])
    return X, np.where(X["a"] + X["b"] ** 2 > 0.5, "yes", "no")


def test_a_pipeline_answers_as_it_does_itself(data):
    X, y = data
    pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    teacher = EstimatorTeacher(pipe)
    assert isinstance(teacher, Teacher)
    assert teacher.predict_proba(X).tolist() == pipe.predict_proba(X).tolist()
    assert (teacher.predict(X) == pipe.predict(X)).all()
    assert clone(teacher) is teacher


def test_classes_rename_the_columns_and_are_sorted(data):
    X, y = data
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    teacher = EstimatorTeacher(forest, classes=["z", "b"])
    assert teacher.classes_.tolist() == ["b", "z"]
    assert teacher.predict_proba(X).tolist() == forest.predict_proba(X)[:, ::-1].tolist()
    with pytest.raises(InvalidInputError, match="name the estimator's 2 classes, got 3"):
        EstimatorTeacher(forest, classes=["a", "b", "c"])


def test_hard_labels_and_margins(data):
    X, y = data
    svm = LinearSVC(random_state=0).fit(X, y)
    with pytest.raises(InvalidInputError, match=r"LinearSVC has no predict_proba.*output='labels'"):
        EstimatorTeacher(svm)
    hard = EstimatorTeacher(svm, output="labels", classes=["z", "b"])
    assert (hard.predict(X) == np.where(svm.predict(X) == "no", "z", "b")).all()
    assert set(hard.predict_proba(X).ravel()) == {0.0, 1.0}
    soft = EstimatorTeacher(svm, output="logits")
    assert (soft.predict(X) == svm.predict(X)).all()
    assert ((soft.predict_proba(X) > 0) & (soft.predict_proba(X) < 1)).all()


def test_regression(data):
    X, _ = data
    one = EstimatorTeacher(LinearRegression().fit(X, X["a"]))
    assert one.classes_ is None
    assert one.predict(X) == pytest.approx(X["a"].to_numpy())
    two = EstimatorTeacher(RandomForestRegressor(3, random_state=0).fit(X, X[["a", "b"]]))
    assert two.predict(X).shape == (200, 2)
    with pytest.raises(TeacherError, match=r"gives values .regression. and has no probabilities"):
        one.predict_proba(X)


def test_a_teacher_stays_fitted_and_must_be_fitted(data):
    X, y = data
    with pytest.raises(InvalidInputError, match="teacher must be fitted, this LogisticRegression is not"):
        EstimatorTeacher(LogisticRegression())
    with pytest.raises(InvalidInputError, match="got the class LogisticRegression"):
        EstimatorTeacher(LogisticRegression)
    net = LogisticRegression().fit(X, y)
    before = joblib.hash(net)
    EstimatorTeacher(net).predict_proba(X)
    assert joblib.hash(net) == before


def test_several_labels_at_once_are_refused(data):
    X, y = data
    many = MultiOutputClassifier(LogisticRegression()).fit(X, np.column_stack([y, y[::-1]]))
    with pytest.raises(InvalidInputError, match="labels 2 at once"):
        EstimatorTeacher(many)


def test_objects_that_only_predict():
    class Scorer:
        def predict(self, X):
            return np.asarray(X)[:, 0] * 2

    class Judge:
        classes_ = ("a", "b")

        def predict_proba(self, X):
            return np.tile([0.25, 0.75], (len(X), 1))

    class Odds:
        def predict_proba(self, X):
            return np.tile([0.25, 0.75], (len(X), 1))

    assert as_teacher(Scorer()).predict(np.ones((2, 1))).tolist() == [2, 2]
    assert as_teacher(Judge()).predict(np.ones((2, 1))).tolist() == ["b", "b"]
    with pytest.raises(InvalidInputError, match="classes must be given"):
        as_teacher(Odds())
    assert as_teacher(Odds(), classes=[0, 1]).predict(np.ones((1, 1))).tolist() == [1]


def test_fingerprint_follows_the_state(data, tmp_path):
    X, y = data
    one = RandomForestClassifier(3, random_state=0).fit(X, y)
    same = RandomForestClassifier(3, random_state=0).fit(X, y)
    other = RandomForestClassifier(3, random_state=1).fit(X, y)
    prints = [EstimatorTeacher(e).fingerprint() for e in (one, same, other)]
    assert prints[0] == prints[1] != prints[2]
    joblib.dump(one, tmp_path / "one")
    assert EstimatorTeacher(joblib.load(tmp_path / "one")).fingerprint() == prints[0]
    assert EstimatorTeacher(one, classes=["p", "q"]).fingerprint() != prints[0]

    class Sealed:
        classes_ = (0, 1)

        def predict_proba(self, X):
            return np.tile([0.5, 0.5], (len(X), 1))

        def __reduce__(self):
            raise RuntimeError("sealed")

    assert EstimatorTeacher(Sealed()).fingerprint() is None


def test_functions():
    teacher = CallableTeacher(lambda X: np.column_stack([X[:, 0], 1 - X[:, 0]]), classes=["x", "a"], version="1")
    assert isinstance(teacher, Teacher)
    assert teacher.predict(np.array([[0.9], [0.2]])).tolist() == ["x", "a"]
    assert clone(teacher) is teacher
    assert teacher.fingerprint() != CallableTeacher(teacher.function, classes=["x", "a"], version="2").fingerprint()
    assert CallableTeacher(np.sum).fingerprint() is None
    with pytest.raises(TeacherError, match="three was asked about 2 rows and answered 3"):
        CallableTeacher(three).predict(np.ones((2, 1)))
    with pytest.raises(TeacherError, match="no probabilities; ask predict"):
        CallableTeacher(np.sum).predict_proba(np.ones((2, 1)))
    with pytest.raises(InvalidInputError, match="function must be callable, got int"):
        CallableTeacher(3)


def three(X):
    return np.ones(3)


def test_a_record_answers_by_content():
    X = pd.DataFrame({"age": [20, 60, 30], "home": ["rent", "own", None]})
    P = pd.DataFrame({"risky": [0.9, 0.2, 0.5], "safe": [0.1, 0.8, 0.5]})
    teacher = RecordedTeacher(X, P)
    assert isinstance(teacher, Teacher)
    assert teacher.classes_.tolist() == ["risky", "safe"]
    assert teacher.predict_proba(X.iloc[[2, 0]]).tolist() == P.iloc[[2, 0]].to_numpy().tolist()
    assert teacher.predict(X.astype({"age": float})).tolist() == ["risky", "safe", "risky"]
    assert teacher.knows(X.assign(age=[20, 61, 30])).tolist() == [True, False, True]
    with pytest.raises(TeacherError, match="no answer for 2 of 3 rows"):
        teacher.predict(X.assign(age=[20, 61, 31]))
    assert clone(teacher) is teacher
    assert teacher.fingerprint() == RecordedTeacher(X.iloc[::-1], P.iloc[::-1]).fingerprint()
    assert teacher.fingerprint() != RecordedTeacher(X, P.iloc[::-1].to_numpy(), classes=["risky", "safe"]).fingerprint()


def test_a_record_in_other_forms():
    X = np.array([[1.0], [2.0]])
    assert RecordedTeacher(X, [3.0, 4.0]).predict(X[::-1]).tolist() == [4.0, 3.0]
    assert RecordedTeacher(X, np.eye(2)).classes_.tolist() == [0, 1]
    assert RecordedTeacher(X, [[3.0, 5.0], [4.0, 6.0]], output="value").predict(X).shape == (2, 2)
    assert RecordedTeacher(X, [0.2, 0.7], classes=["n", "y"]).predict(X).tolist() == ["n", "y"]
    with pytest.raises(TeacherError, match="no probabilities"):
        RecordedTeacher(X, [3.0, 4.0]).predict_proba(X)
    with pytest.raises(InvalidInputError, match="classes must be given for one column"):
        RecordedTeacher(X, [0.2, 0.7], output="probabilities")
    with pytest.raises(InvalidInputError, match="classes out"):
        RecordedTeacher(X, [0.2, 0.7], classes=[0, 1], output="value")
    with pytest.raises(InvalidInputError, match="output must be"):
        RecordedTeacher(X, [0.2, 0.7], output="logits")
    with pytest.raises(InvalidInputError, match="at least 1 recorded row"):
        RecordedTeacher(X[:0], [])
    with pytest.raises(TeacherError, match="asked about 2 rows and answered 1"):
        RecordedTeacher(X, [1.0])


def test_twins_in_a_record_share_the_mean_of_their_answers():
    X = np.array([[1.0], [1.0], [2.0]])
    teacher = RecordedTeacher(X, [0.0, 1.0, 5.0])
    assert teacher.predict(X).tolist() == [0.5, 0.5, 5.0]
    assert teacher.n_contradictions_ == 1
    assert RecordedTeacher(X, [1.0, 1.0, 5.0]).n_contradictions_ == 0


def test_keys_that_share_their_first_word_are_told_apart():
    teacher = RecordedTeacher(np.array([[1.0], [2.0]]), [1.0, 2.0])
    teacher._keys = np.array([[7, 1], [7, 2]], dtype=np.uint64)
    keys = np.array([[7, 2], [7, 3]], dtype=np.uint64)
    import explaindistill.teachers.recorded as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "row_keys", lambda X: keys)
        assert teacher._find(None).tolist() == [1, -1]


def test_the_adapter_is_picked(data):
    X, y = data
    forest = RandomForestClassifier(3, random_state=0).fit(X, y)
    assert isinstance(as_teacher(forest), EstimatorTeacher)
    assert isinstance(as_teacher(forest.predict_proba, classes=["no", "yes"]), CallableTeacher)
    assert isinstance(as_teacher((X, np.ones(len(X)))), RecordedTeacher)
    ready = as_teacher(forest)
    assert as_teacher(ready) is ready
    with pytest.raises(InvalidInputError, match="classes must be given where it is made"):
        as_teacher(ready, classes=["a", "b"])
    with pytest.raises(InvalidInputError, match="give the pair"):
        as_teacher(X)
    with pytest.raises(InvalidInputError, match="got int"):
        as_teacher(3)
    with pytest.raises(InvalidInputError, match="got the class"):
        as_teacher(RandomForestClassifier)
    with pytest.raises(InvalidInputError, match="no teacher at"):
        as_teacher("nowhere")


def test_the_room_says_what_it_has_not():
    import explaindistill.teachers as room

    with pytest.raises(AttributeError, match="no attribute 'nobody'"):
        _ = room.nobody


def booster(room):
    """A stand-in for a package that need not be here: the adapter knows it by the name of its module."""

    def predict(self, rows):
        return np.asarray(rows, dtype=float)[:, 0].clip(0, 1)

    return type("Booster", (), {"__module__": f"{room}.basic", "predict": predict})()


class Booster:
    """Stands in for a booster whose state is one number."""

    def __init__(self, value):
        self.value = value

    def predict(self, rows):
        return np.full(len(rows), self.value)


Booster.__module__ = "lightgbm.basic"


def test_a_bare_booster_is_asked_what_it_is():
    with pytest.raises(InvalidInputError, match=r"lightgbm.Booster does not say whether it has classes.*classes=\["):
        as_teacher(booster("lightgbm"))
    X = np.array([[0.2], [0.9]])
    teacher = as_teacher(booster("lightgbm"), classes=["no", "yes"])
    np.testing.assert_allclose(teacher.predict_proba(X)[:, 1], [0.2, 0.9])
    assert as_teacher(booster("lightgbm"), output="value").classes_ is None


def test_a_booster_is_known_by_its_state(monkeypatch):
    """Its answers can be stored without a word about its version; a name given all the same counts."""
    package = types.ModuleType("lightgbm.basic")
    package.Booster = Booster
    for name in ("lightgbm", "lightgbm.basic"):
        monkeypatch.setitem(sys.modules, name, package)
    one, other = Booster(0.5), Booster(0.25)
    fingerprints = [as_teacher(b, output="value").fingerprint() for b in (one, Booster(0.5), other)]
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]
    assert as_teacher(one, output="value", version="7").fingerprint() not in (None, *fingerprints)


@pytest.mark.parametrize("options", [{}, {"classes": ["no", "yes"]}])
def test_a_keras_model_is_asked_by_a_function(options):
    """It has ``predict`` for chances and for values, so that neither can be taken for granted."""
    model = type("Functional", (), {"__module__": "keras.src.models.functional", "predict": None})()
    with pytest.raises(InvalidInputError, match=r"say as_teacher\(lambda X: model\.predict\(inputs\(X\), verbose=0\)"):
        as_teacher(model, **options)


def test_what_a_model_cannot_read_is_told_with_the_way_out():
    class Arrays:
        classes_ = np.array(["no", "yes"])

        def predict_proba(self, X):
            return np.column_stack([1 - X[:, 0], X[:, 0]])

    X = pd.DataFrame({"p": [0.25, 0.75]})
    with pytest.raises(TeacherError, match=r"Arrays could not answer 2 rows, given as the DataFrame.*prepared\(X\)"):
        as_teacher(Arrays()).predict(X)
    prepared = as_teacher(lambda X: Arrays().predict_proba(X.to_numpy()), classes=["no", "yes"])
    assert prepared.predict(X).tolist() == ["no", "yes"]
    with pytest.raises(TeacherError, match=r"2 rows.*TypeError.*given all rows at once"):
        as_teacher(lambda row: float(row["p"]) > 0.5, classes=["no", "yes"]).predict(X)
    with pytest.raises(TeacherError, match=r"classes=.*and output='labels'"):
        as_teacher(lambda X: np.where(X["p"] > 0.5, "yes", "no"), classes=["no", "yes"]).predict(X)


def test_a_booster_of_xgboost_gets_its_own_matrix(monkeypatch):
    package = types.ModuleType("xgboost")
    package.DMatrix = lambda rows, enable_categorical: np.asarray(rows) * enable_categorical
    monkeypatch.setitem(sys.modules, "xgboost", package)
    assert as_teacher(booster("xgboost"), output="value").predict(np.array([[0.5]])).tolist() == [0.5]


@pytest.mark.parametrize(("options", "form"), [({"classes": ["no", "yes"]}, "Probability"),
                                               ({"output": "value"}, "RawFormulaVal")])  # fmt: skip
def test_a_bare_model_of_catboost_is_asked_for_what_was_said(options, form):
    """Its ``predict`` gives raw scores by itself, which are no probabilities."""

    def predict(self, rows, prediction_type="RawFormulaVal"):
        assert prediction_type == form
        z = np.asarray(rows, dtype=float)[:, 0]
        return np.c_[1 - z, z] if form == "Probability" else z

    model = type("CatBoost", (), {"__module__": "catboost.core", "predict": predict})()
    with pytest.raises(InvalidInputError, match=r"catboost\.CatBoost does not say whether it has classes"):
        as_teacher(model)
    assert as_teacher(model, **options).predict(np.array([[0.75]])).tolist() in (["yes"], [0.75])


def test_a_class_that_knows_nothing_of_scikit_learn():
    """The methods are enough: no tags, no attribute that ends in an underscore but the classes."""

    class Network:
        classes_ = np.array(["no", "yes"])

        def fit(self, X, y):
            return self

        def predict_proba(self, X):
            p = np.asarray(X, dtype=float)[:, 0]
            return np.column_stack([1 - p, p])

    rows = np.linspace(0, 1, 200)[:, None]
    teacher = as_teacher(Network())
    np.testing.assert_array_equal(teacher.predict_proba(rows)[:, 1], rows[:, 0])
    student = xd.Distiller(Network(), xd.TreeClassifier(4), random_state=0).fit(rows)
    assert student.predict([[0.1], [0.9]]).tolist() == ["no", "yes"]
    with pytest.raises(InvalidInputError, match="teacher must be a fitted object, got the class Network"):
        as_teacher(Network)
