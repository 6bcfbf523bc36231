import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from explaindistill.distillation.wrappers.online import OnlineStudent
from explaindistill.errors import InvalidInputError
from explaindistill.students.gam.estimators import GAMClassifier
from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor


def soft(p):
    return np.column_stack([1 - p, p])


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.random(n), "b": rng.normal(size=n), "c": rng.choice(["x", "y"], n)})


def teacher(X, on="a"):
    return soft(np.where(X[on] > 0.5, 0.9, 0.2) + 0.05 * (X["c"] == "x"))


def follow(online, X, P, chunk):
    for start in range(0, len(X), chunk):
        online.update(X[start : start + chunk], P[start : start + chunk])
    return online


@pytest.mark.parametrize("chunk", [1, 37, 250, 3000])
def test_how_rows_arrive_makes_no_difference(chunk):
    X = rows(1500)
    P = np.concatenate([teacher(X[:900]), teacher(X[900:], on="b")])
    one, other = (OnlineStudent(TreeClassifier(8), block_rows=100, max_rows=300) for _ in range(2))
    follow(one, X, P, len(X))
    follow(other, X, P, chunk)
    pd.testing.assert_frame_equal(one.history_, other.history_)
    assert one.student_.to_dict() == other.student_.to_dict()
    pd.testing.assert_frame_equal(one.fidelity(), other.fidelity())
    assert (one.history_["event"] == "drift").sum() == 1


@pytest.mark.parametrize(
    "student", [TreeClassifier(8), LinearClassifier(), GAMClassifier(n_jobs=1), LogisticRegression()]
)
def test_a_new_teacher_is_found_and_followed(student):
    X = rows(6000)[["a", "b"]]
    p = np.concatenate([np.where(X["a"][:4000] > 0.5, 0.9, 0.1), np.where(X["b"][4000:] > 0, 0.9, 0.1)])
    online = OnlineStudent(student, block_rows=250, max_rows=1000)
    follow(online, X, soft(p), 500)
    drift = online.history_.query("event == 'drift'")
    assert drift["reason"].tolist() == ["teacher"]
    assert 4000 < drift["row"].iloc[0] <= 5000
    fresh = rows(2000, seed=1)[["a", "b"]]
    assert (online.predict(fresh) == (fresh["b"] > 0)).mean() > 0.97
    assert online.predict_proba(fresh).shape == (2000, 2)


def test_a_shift_that_leaves_agreement_as_it_was_is_found():
    X = rows(6000)
    noise = np.random.default_rng(5).normal(0, 0.1, 6000)
    P = soft(np.clip(np.where(X["a"] > 0.5, 0.7, 0.2) + noise, 0, 1))
    P[4000:] = soft(np.clip(P[4000:, 1] + np.where(X["a"][4000:] > 0.5, 0.1, -0.1), 0, 1))
    online = follow(OnlineStudent(TreeClassifier(4), block_rows=250), X, P, 250)
    assert 4000 < online.history_.query("event == 'drift'")["row"].iloc[0] <= 5000


def test_moved_inputs_are_told_from_a_new_teacher():
    X = rows(6000)
    X.loc[4000:, "b"] = X.loc[4000:, "b"] + 3
    X.loc[4000:, "c"] = "y"
    hard = np.where(X["b"] < 2, X["a"], np.sin(40 * X["a"]) / 2 + 0.5)
    online = follow(OnlineStudent(TreeClassifier(4), block_rows=250), X, soft(hard), 250)
    first = online.history_.query("event == 'drift'").iloc[0]
    assert (first["reason"], first["columns"]) == ("data", ("b", "c"))


def test_no_alarm_where_nothing_changes():
    X = rows(20_000)
    online = follow(OnlineStudent(TreeClassifier(4), block_rows=200, max_rows=500), X, soft(X["a"].to_numpy()), 1000)
    history = online.history_
    assert set(history["event"]) == {"fit"}
    assert history["reason"].tolist() == ["first"] + ["more rows"] * (len(history) - 1)
    # fits become rarer as the stream grows
    assert len(history) <= np.log2(20_000 / 200) + 2


def test_leaves_hold_the_mean_of_all_rows_learned():
    X = rows(5000)
    P = teacher(X) * 0.9 + 0.05 * np.random.default_rng(2).random((5000, 1)) * [1, -1] + 0.05
    online = OnlineStudent(TreeClassifier(4, shrinkage=0), block_rows=100, max_rows=5000)
    follow(online, X, P, 100)
    learned = 5000 - 8 * 100
    leaf = online.student_.apply(X[:learned])
    for node in np.unique(leaf):
        np.testing.assert_allclose(online.student_.tree_.value[node], P[:learned][leaf == node].mean(axis=0), atol=1e-9)
        assert online.student_.tree_.count[node] == (leaf == node).sum()
    assert online.student_.tree_.weight[0] == learned


def test_shrunk_leaves_are_filled_and_shrunk_again():
    X = rows(5000)
    P = teacher(X) * 0.9 + 0.05 * np.random.default_rng(2).random((5000, 1)) * [1, -1] + 0.05
    plain, pulled = (
        follow(OnlineStudent(TreeClassifier(4, shrinkage=s), block_rows=100, max_rows=5000), X, P, 100).student_
        for s in (0, 50)
    )
    tree, mean = pulled.tree_, plain.tree_.value
    assert tree.count[0] == 5000 - 8 * 100
    for node in np.flatnonzero(tree.feature >= 0):
        for child in (tree.left[node], tree.right[node]):
            step = (mean[child] - mean[node]) / (1 + 50 / tree.count[node])
            np.testing.assert_allclose(tree.value[child], tree.value[node] + step, atol=1e-9)


def test_memory_is_bounded():
    online = OnlineStudent(LinearClassifier(), block_rows=100, max_rows=200)
    for seed in range(60):
        X = rows(100, seed)
        online.update(X, teacher(X))
        assert online._sketch._held <= 250 + 100
        assert len(online._window) <= 8
        assert len(online._reference) <= 4
        assert not online._waiting


def test_regression_and_several_outputs():
    X = rows(3000)[["a", "b"]]
    Y = np.column_stack([X["a"] > 0.5, 2.0 * (X["b"] > 0)])
    Y[2000:] = Y[2000:, ::-1]
    online = follow(OnlineStudent(TreeRegressor(8), block_rows=200), X, Y, 100)
    assert 2000 < online.history_.query("event == 'drift'")["row"].iloc[0] <= 2600
    line = follow(OnlineStudent(LinearRegressor(), block_rows=200), X, 3 * X["a"], 500)
    assert np.allclose(line.predict(X), 3 * X["a"], atol=0.01)
    assert set(line.history_["event"]) == {"fit"}


def test_arrays_labels_and_partial_fit():
    X = rows(2000)[["a", "b"]].to_numpy()
    y = np.where(X[:, 0] > 0.5, "yes", "no")
    online = OnlineStudent(TreeClassifier(4), block_rows=200)
    for start in range(0, 2000, 500):
        assert online.partial_fit(X[start : start + 500], y[start : start + 500], classes=["no", "yes"]) is online
    assert online.classes_.tolist() == ["no", "yes"]
    assert (online.predict(X) == y).mean() > 0.99
    assert online.fidelity()["n"].tolist()[1] == 1800


def test_fit_begins_anew_and_leaves_no_row_out():
    X = rows(130)
    online = OnlineStudent(TreeClassifier(4), block_rows=100).fit(X, teacher(X, on="b"))
    online.fit(X, teacher(X))
    assert online.n_rows_ == 130
    # the first hundred made the student, the rest was predicted by it
    told = online.fidelity().set_index("period")
    assert told["n"].to_dict() == {"student of now": 30, "all": 30}
    assert (told["low"] <= told["fidelity"]).all()
    assert online.student_.tree_.schema.names[online.student_.tree_.feature[0]] == "a"


def test_messages():
    X = rows(200)
    with pytest.raises(InvalidInputError, match="block_rows must be at least 1, got 0"):
        OnlineStudent(TreeClassifier(), block_rows=0).update(X, teacher(X))
    with pytest.raises(InvalidInputError, match=r"growth must be above 1, got 1\.0"):
        OnlineStudent(TreeClassifier(), growth=1.0).update(X, teacher(X))
    online = OnlineStudent(TreeClassifier(4), block_rows=100)
    with pytest.raises(NotFittedError):
        online.predict(X)
    online.update(X, teacher(X))
    with pytest.raises(InvalidInputError, match="X must have the columns of the first rows"):
        online.update(X[["b", "a", "c"]], teacher(X))
    with pytest.raises(InvalidInputError, match="X and P must have as many rows, got 200 and 199"):
        online.update(X, teacher(X)[:-1])
    with pytest.raises(InvalidInputError, match=r"classes must stay \[0, 1\], got \[0, 1, 2\]"):
        online.update(X, np.full((200, 3), 1 / 3))
    with pytest.raises(InvalidInputError, match="P must be finite"):
        OnlineStudent(TreeRegressor()).update(X, np.full(200, np.nan))
