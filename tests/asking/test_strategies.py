"""Which rows are worth a question, and what that gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_moons

import explaindistill as xd
from explaindistill.asking.strategies import ask_in_rounds
from explaindistill.errors import InvalidInputError


class Wave:
    """Two classes, decided by one wavy line, so that some rows tell more than others; counts its questions."""

    classes_ = np.array(["no", "yes"])

    def __init__(self):
        self.asked = []

    def predict_proba(self, X):
        self.asked.append(X)
        z = 8 * (X["a"] - 0.5 - 0.2 * np.sin(6 * X["b"]))
        p = 1 / (1 + np.exp(-z.to_numpy()))
        return np.c_[1 - p, p]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self):
        return None

    def __sklearn_clone__(self):
        return self

    @property
    def n(self):
        return sum(map(len, self.asked))


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.random(1500), "b": rng.random(1500), "c": rng.random(1500)})


@pytest.mark.parametrize("strategy", ["random", "committee", "boundary"])
@pytest.mark.parametrize("proxy", [None, "gam", "auto"])
def test_every_strategy_keeps_the_budget(rows, strategy, proxy):
    teacher = Wave()
    d = xd.Distiller(
        teacher, xd.TreeClassifier(), n_queries=200, query_strategy=strategy, proxy=proxy, random_state=0
    ).fit(rows)
    assert teacher.n == d.n_queries_ == 200
    assert (d.corpus_.n_proxy > 5000) == (proxy is not None)
    assert d.score(rows) > 0.88
    twin = xd.Distiller(
        Wave(), xd.TreeClassifier(), n_queries=200, query_strategy=strategy, proxy=proxy, random_state=0
    ).fit(rows)
    np.testing.assert_array_equal(twin.predict_proba(rows), d.predict_proba(rows))


def test_the_boundary_strategy_asks_near_the_boundary(rows):
    def mean_margin(strategy):
        teacher = Wave()
        xd.Distiller(teacher, xd.TreeClassifier(), n_queries=300, query_strategy=strategy, random_state=0).fit(rows)
        P = Wave().predict_proba(pd.concat(teacher.asked))
        return np.abs(P[:, 1] - 0.5).mean()

    assert mean_margin("boundary") < mean_margin("random") - 0.05
    assert mean_margin("committee") < mean_margin("random")


def test_the_proxy_gives_back_what_few_answers_cost(rows):
    fresh = pd.DataFrame(np.random.default_rng(9).random((3000, 3)), columns=list("abc"))

    def score(**options):
        scores = [
            xd.Distiller(Wave(), xd.TreeClassifier(max_leaf_nodes=32), n_queries=120, random_state=s, **options)
            .fit(rows)
            .score(fresh)
            for s in range(3)
        ]
        return np.mean(scores)

    assert score(proxy="gam") > score() + 0.005


def test_rounds_ask_each_row_once(rows):
    seen = []

    def ask(at):
        seen.extend(at.tolist())
        p = rows["a"].to_numpy()[at]
        return np.c_[1 - p, p]

    options = {"strategy": "committee", "classes": np.array([0, 1]), "member": xd.TreeClassifier}
    at, P = ask_in_rounds(ask, rows, 101, rng=np.random.default_rng(0), **options)
    assert sorted(seen) == at.tolist()
    assert len(set(seen)) == 101
    np.testing.assert_array_equal(P[:, 1], rows["a"].to_numpy()[at])
    one, _ = ask_in_rounds(ask, rows, 1, rng=np.random.default_rng(0), **options)
    assert len(one) == 1


def test_labels_are_mixed_into_the_rows_they_belong_to(rows):
    y = np.where(rows["c"] > 0.5, "yes", "no")
    d = xd.Distiller(
        Wave(),
        xd.TreeClassifier(max_leaf_nodes=2),
        n_queries=400,
        query_strategy="committee",
        label_weight=1.0,
        random_state=0,
    ).fit(rows, y)
    assert "c" in d.describe()


def test_regression_committee_and_proxy(rows):
    def teacher(X):
        return X["a"].to_numpy() ** 2

    d = xd.Distiller(
        teacher, xd.TreeRegressor(), n_queries=200, query_strategy="committee", proxy="gam", random_state=0
    ).fit(rows)
    assert d.score(rows) > 0.95
    assert d.corpus_.n_proxy > 0


def test_recorded_answers_are_chosen_among_themselves():
    X, y = make_moons(400, noise=0.2, random_state=0)
    frame = pd.DataFrame(X, columns=["a", "b"])
    answers = pd.DataFrame({0: 1.0 - y, 1: y.astype(float)})
    d = xd.Distiller(
        (frame, answers), xd.TreeClassifier(), n_queries=100, query_strategy="committee", random_state=0
    ).fit(frame)
    assert d.n_queries_ == 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query_strategy": "psychic"}, "query_strategy must be one of random, committee, boundary, got 'psychic'"),
        ({"proxy": "oracle"}, "proxy must be one of auto, gam, network or None, got 'oracle'"),
    ],
)
def test_bad_arguments(rows, options, message):
    with pytest.raises(InvalidInputError, match=message):
        xd.Distiller(Wave(), xd.TreeClassifier(), **options).fit(rows)


def test_what_regression_cannot_have(rows):
    with pytest.raises(InvalidInputError, match="needs classes"):
        xd.Distiller(
            lambda X: X["a"].to_numpy(), xd.TreeRegressor(), n_queries=50, query_strategy="boundary", random_state=0
        ).fit(rows)
