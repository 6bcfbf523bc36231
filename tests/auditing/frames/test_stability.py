"""Students fitted again."""

import pytest
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor

import explaindistill as xd
from explaindistill.errors import InvalidInputError


def test_refits_measure_stability(pair, Rule, pick):
    tree, linear, (X, labels), (test, y) = pair
    record = xd.audit(
        Rule(), {"tree": tree, "linear": linear}, test.head(500), y.head(500), train=(X, labels), n_refits=3
    )
    table = record.frames["stability"]
    assert set(table["subject"]) == {"tree", "linear"}
    assert pick(table, subject="tree", metric="refit_agreement").iloc[0]["estimate"] > 0.85
    assert pick(table, subject="linear", metric="refit_splits").iloc[0]["status"] == "undefined"
    with pytest.raises(InvalidInputError, match="n_refits must be 0 or at least 3, got 2"):
        xd.audit(Rule(), tree, test, y, n_refits=2)
    with pytest.raises(InvalidInputError, match="n_refits needs the rows of fitting"):
        xd.audit(Rule(), tree, test, y, n_refits=3)


def test_regressors_are_refitted_too(pick):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    teacher = RandomForestRegressor(10, random_state=0).fit(X[::2], y[::2])
    student = xd.Distiller(teacher, xd.TreeRegressor(), n_queries=300, random_state=0).fit(X[::2])
    record = xd.audit(teacher, student, X[1::2], train=(X[::2], y[::2]), n_refits=3)
    assert pick(record.frames["stability"], metric="refit_agreement").iloc[0]["estimate"] < 1
    assert record.frames["mistakes"].empty
