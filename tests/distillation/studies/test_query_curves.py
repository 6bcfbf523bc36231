import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import explaindistill as xd
from explaindistill.distillation.studies.query_curves import _line
from explaindistill.errors import InvalidInputError


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(600, 3)), columns=list("abc"))
    return LogisticRegression().fit(X, X["a"] + X["b"] > 0), X


def test_more_answers_are_more_faithful(pair):
    curve = xd.query_curve(*pair, xd.TreeClassifier(max_leaf_nodes=32), n_queries=[30, 1000], name="tree")
    assert curve["n_queries"].iloc[0] == 30
    assert 800 < curve["n_queries"].iloc[1] <= 1000  # made-up rows that equal real ones need no question
    assert curve["estimate"].is_monotonic_increasing
    assert ((curve["low"] < curve["estimate"]) & (curve["estimate"] < curve["high"])).all()
    assert curve["low"].iloc[1] > curve["estimate"].iloc[0]
    assert set(curve["subject"]) == {"tree"}
    assert (curve["n"] == 180).all()
    again = xd.query_curve(*pair, xd.TreeClassifier(max_leaf_nodes=32), n_queries=[30, 1000], name="tree")
    pd.testing.assert_frame_equal(curve, again)


def test_default_sizes_and_values(pair):
    _, X = pair
    curve = xd.query_curve(lambda rows: rows["a"].to_numpy() ** 2, X, n_repeats=2)
    assert curve["n_queries"].iloc[:3].tolist() == [65, 131, 262]
    assert len(curve) == 6
    assert 1800 < curve["n_queries"].iloc[-1] <= 2100
    assert set(curve["metric"]) == {"r2"}
    assert curve["estimate"].iloc[-1] > 0.9


def test_the_interval_twin():
    scores = np.array([[1.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0]])
    line = _line(scores, np.zeros((4, 2)), np.array([0, 1]), 0.95)
    rows = np.array([1.0, 0.5, 1.0, 0.5]).var(ddof=1) / 4
    assert line["estimate"] == 0.75
    assert line["high"] == min(0.75 + 12.7062 * np.sqrt(0.0 / 2 + rows), 1.0)
    assert line["low"] == 0.0
    wide = _line(np.repeat(scores, 50, axis=1), np.zeros((200, 2)), np.array([0, 1]), 0.95)
    assert wide["high"] - wide["estimate"] == pytest.approx(
        12.7062 * np.sqrt(np.repeat([1, 0.5, 1, 0.5], 50).var(ddof=1) / 200), rel=1e-4
    )


def test_the_curve_is_in_the_audit(pair, tmp_path):
    teacher, X = pair
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=4), n_queries=300, random_state=0).fit(X[:400])
    curve = xd.query_curve(teacher, X[:400], xd.TreeClassifier(max_leaf_nodes=4), n_queries=[30, 300], name="tree")
    audit = xd.audit(teacher, {"tree": student}, X[400:], query_curve=curve)
    assert "fig-query-curve" in audit.save(tmp_path / "a.html").read_text()
    assert "The curve in figures" in audit.save(tmp_path / "a.md").read_text()
    assert "fig-query-curve" not in xd.audit(teacher, {"tree": student}, X[400:]).save(tmp_path / "b.html").read_text()
    with pytest.raises(InvalidInputError, match="query_curve must have the columns of"):
        xd.audit(teacher, {"tree": student}, X[400:], query_curve=curve.drop(columns="metric"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_repeats": 1}, "n_repeats must be at least 2"),
        ({"level": 1.0}, "level must lie between 0 and 1, got 1.0"),
        ({"n_queries": [0]}, "n_queries must be at least 1, got 0"),
    ],
)
def test_bad_arguments(pair, options, message):
    with pytest.raises(InvalidInputError, match=message):
        xd.query_curve(*pair, **options)
