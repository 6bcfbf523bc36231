"""Students of students: drift is measured against the first teacher, beside the direct way."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

import explaindistill as xd
from explaindistill.distillation.studies.lineages import lineage
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.intervals import bonett_price, wilson


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(1200, 3)), columns=list("abc"))
    y = (X["a"] + 0.5 * X["b"] + rng.normal(size=1200) * 0.3 > 0).map({True: "yes", False: "no"})
    return X, y, RandomForestClassifier(20, random_state=0).fit(X[:800], y[:800])


@pytest.fixture(scope="module")
def path(data):
    X, _, forest = data
    sizes = {f"{n} leaves": xd.TreeClassifier(max_leaf_nodes=n) for n in (16, 8, 4)}
    return lineage(forest, sizes, X[:800], X_test=X[800:], n_queries=1600)


def test_each_figure_is_that_of_its_students(data, path):
    X, _, forest = data
    test, truth = X[800:], forest.predict(X[800:])
    told = path.frame.set_index(["subject", "metric"])
    third, second, straight = (s.predict(test) for s in (path.students[2], path.students[1], path.direct[2]))
    k = (third == truth).sum()
    line = told.loc[("4 leaves", "agreement")]
    assert (line["k"], line["n"]) == (k, 400)
    np.testing.assert_allclose((line["low"], line["high"]), wilson(k, 400))
    assert told.loc[("4 leaves", "agreement_parent"), "estimate"] == pytest.approx((third == second).mean())
    assert told.loc[("4 leaves", "agreement_direct"), "estimate"] == pytest.approx((straight == truth).mean())
    own, other = third == truth, straight == truth
    gain = told.loc[("4 leaves", "gain")]
    assert gain["estimate"] == pytest.approx(own.mean() - other.mean())
    limits = bonett_price((own & ~other).sum(), (~own & other).sum(), 400)
    np.testing.assert_allclose((gain["low"], gain["high"]), limits)


def test_the_first_generation_is_the_direct_way(path):
    first = path.frame[path.frame["generation"] == 1].set_index("metric")["estimate"]
    assert first["gain"] == 0
    assert first["agreement"] == first["agreement_parent"] == first["agreement_direct"]
    assert path.students[0] is path.direct[0]


def test_the_second_learns_from_the_first_and_not_from_the_teacher(path):
    assert path.students[1].teacher_.estimator is path.students[0]
    assert path.direct[1].teacher_.estimator is not path.students[0]


def test_it_shows_itself(path):
    assert "agreement_parent" in repr(path)
    assert "<table" in path._repr_html_()


def test_bad_arguments(data):
    X, _, forest = data
    with pytest.raises(InvalidInputError, match="students must be at least 2, one per generation, got 1"):
        lineage(forest, [xd.TreeClassifier()], X, X_test=X)
    values = RandomForestRegressor(5).fit(X, X["a"])
    with pytest.raises(InvalidInputError, match="needs a teacher of classes, not of values"):
        lineage(values, [xd.TreeRegressor(), xd.TreeRegressor()], X, X_test=X)
