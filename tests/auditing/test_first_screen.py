"""What stands in front of an audit of several classes, and of one of a regressor."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier

import explaindistill as xd
from explaindistill.errors import InvalidInputError


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    return X, pd.DataFrame({"sex": rng.choice(["f", "m"], n)}), rng


def test_several_classes():
    X, who, _ = rows(1_000)
    y = np.select([X["a"] > 1.2, X["b"] > 1.6], ["high", "odd"], "usual")
    teacher = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, y)
    P = pd.DataFrame(teacher.predict_proba(X), columns=teacher.classes_)
    tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    report = xd.audit(teacher, {"tree": tree}, X, y, sensitive=who, favorable="odd", n_explained=0)
    usual = (teacher.predict(X) == "usual").mean()
    said = report.summary()
    assert f"A constant answer reaches {100 * usual:.1f}" in said.replace("\u202f", " ").replace("\u00a0", " ")
    assert "Worst class: odd, agreement 0.0" in said
    rates = report.frames["rates"].query("metric == 'selection_rate' and subject == 'teacher'").set_index("group")
    for group in ("f", "m"):
        inside = (who["sex"] == group).to_numpy()
        assert rates.loc[group, "estimate"] == pytest.approx((teacher.predict(X) == "odd")[inside].mean())
    calibrated = report.frames["calibration"].query("subject == 'teacher' and attribute == ''")
    gap = calibrated[calibrated["metric"] == "calibration_gap"]["estimate"].iloc[0]
    assert gap == pytest.approx((y == "odd").mean() - P["odd"].mean())


def test_a_regressor(tmp_path):
    X, who, rng = rows(2_000)
    women = (who["sex"] == "f").to_numpy()
    X["c"] = np.where(women, 1.0, 0.0)
    y = 10 * X["a"] - 6 * X["c"] + rng.normal(size=2_000)
    teacher = LinearRegression().fit(X, y)
    tree = xd.TreeRegressor(max_leaf_nodes=64).fit(X, teacher.predict(X))
    seeing = xd.LinearRegressor().fit(X, teacher.predict(X))
    report = xd.audit(
        teacher, {"tree": tree, "linear": seeing}, X, y, sensitive=who, n_explained=0,
        requirements={"transfer.mean_transfer": "abs <= 1"},
    )  # fmt: skip
    moved = report.frames["transfer"].query("metric == 'mean_transfer'").set_index("subject")
    d = tree.predict(X) - teacher.predict(X)
    a, b = moved.loc["tree", ["group", "reference"]]
    sex = who["sex"].to_numpy()
    assert moved.loc["tree", "estimate"] == pytest.approx(d[sex == a].mean() - d[sex == b].mean())
    assert moved.loc["linear", "verdict"] == "inherited"
    said = report.summary()
    assert "R² against the teacher" in said
    assert "R² against the true values" in said
    text = report.save(tmp_path / "a.md").read_text()
    assert "Transfer: the student's gap minus the teacher's" in text
    assert report.manifest["margin"] is None


def test_a_margin_that_is_none_is_refused_before_any_work():
    X, who, _ = rows(50)
    teacher = LinearRegression().fit(X, X["a"])
    with pytest.raises(InvalidInputError, match="margin must be above 0"):
        xd.audit(teacher, {"s": xd.LinearRegressor().fit(X, X["a"])}, X, sensitive=who, margin=0.0)
