"""Exact Shapley values of every student: the definition, efficiency, and shap's own trees."""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier

from explaindistill import TreeClassifier, plugins
from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.measures.shapley import shapley_exact
from explaindistill.students._explaining.shapley import _answers, shapley_by_shap

STUDENTS = [
    value
    for name in plugins.names("students")
    for value in plugins.public("students", name).values()
    if inspect.isclass(value) and hasattr(value, "accepts_soft_targets")
]
every_student = pytest.mark.parametrize("kind", STUDENTS, ids=lambda s: s.__name__)


def rows(n=240, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "income": rng.lognormal(3, 0.5, n).round(2),
            "age": rng.integers(18, 80, n),
            "home": rng.choice(["own", "rent", "other"], n),
            "grade": pd.Categorical(rng.choice(["A", "B", "C"], n), ["A", "B", "C"], ordered=True),
            "member": rng.random(n) < 0.5,
        }
    )
    z = (X["age"] - 45) / 12 * (X["home"] == "own") + 0.7 * X["member"] + 2 * (X["income"] > 22)
    X.loc[rng.random(n) < 0.1, "income"] = np.nan
    X["home"] = X["home"].mask(rng.random(n) < 0.1)
    return X, 1 / (1 + np.exp(-z.to_numpy() + 1))


def fitted(kind):
    X, p = rows()
    more = {"n_pairs": 3} if "GAM" in kind.__name__ else {}
    return kind(**more).fit(X, pd.DataFrame({"no": 1 - p, "yes": p}) if is_classifier(kind()) else p), X


def answer(student, scale):
    if scale == "probability":
        return lambda rows: student.predict_proba(rows)[:, -1]
    if scale == "logit":
        return getattr(student, "log_odds", getattr(student, "decision_function", None))
    return student.predict


@every_student
def test_values_are_those_of_all_coalitions(kind):
    student, X = fitted(kind)
    some, background = X.iloc[:9], X.iloc[50:67].assign(home="castle")
    found = student.shapley(some, background)
    f = answer(student, found.scale)
    np.testing.assert_allclose(found.of(), shapley_exact(f, some, background), atol=1e-12)
    np.testing.assert_allclose(found.of().sum(axis=1) + found.base[-1], f(some), atol=1e-12)
    frame = found.to_frame()
    assert list(frame.columns) == ["row", "feature", "output", "value"]
    assert frame["value"].sum() == pytest.approx(found.values.sum())


def test_trees_agree_with_shap():
    """To 1e-9 with its exact explainer; its tree explainer keeps weights such as 1/3 in single precision."""
    shap = pytest.importorskip("shap")
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(400, 6)).astype(np.float32).astype(float), columns=list("abcdef"))
    p = 1 / (1 + np.exp(-(X["a"] * X["b"] + (X["c"] > 0.3))))
    student = TreeClassifier(max_leaf_nodes=24).fit(X, np.c_[1 - p, p])
    tree, background = student.tree_, X.iloc[300:350]
    inner = tree.feature >= 0
    arrays = {
        "children_left": tree.left,
        "children_right": tree.right,
        "children_default": tree.left,
        "features": np.where(inner, tree.feature, -2),
        "thresholds": np.where(inner, tree.threshold, -2),
        "values": tree.value[:, 1:],
        "node_sample_weight": tree.weight,
    }
    theirs = shap.TreeExplainer({"trees": [arrays]}, background, feature_perturbation="interventional")
    theirs = theirs.shap_values(X.iloc[:60], check_additivity=False)
    ours = student.shapley(X.iloc[:60], background).of()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)
    exact = shapley_by_shap(answer(student, "probability"), X.iloc[:6], background)
    np.testing.assert_allclose(ours[:6], exact.of(), rtol=0, atol=1e-9)


def test_a_second_opinion_and_the_way_to_its_plots(monkeypatch):
    shap = pytest.importorskip("shap")
    student, X = fitted(TreeClassifier)
    found = student.shapley(X.iloc[:5], X.iloc[50:60])
    theirs = shapley_by_shap(answer(student, "probability"), X.iloc[:5], X.iloc[50:60])
    assert theirs.method == "ExactExplainer"
    again = student.shapley(X.iloc[:5], X.iloc[50:60], method="shap")
    assert (again.method, again.outputs, again.scale) == ("ExactExplainer", found.outputs, found.scale)
    np.testing.assert_allclose(again.values, found.values, atol=1e-9)
    np.testing.assert_allclose(again.base, found.base, atol=1e-9)
    with pytest.raises(InvalidInputError, match='method must be "exact" or "shap"'):
        student.shapley(X.iloc[:5], X.iloc[50:60], method="guess")
    np.testing.assert_allclose(theirs.of(), found.of(), atol=1e-9)
    told = found.to_shap("yes")
    assert isinstance(told, shap.Explanation)
    assert told.feature_names == list(X.columns)
    np.testing.assert_allclose(told.base_values + told.values.sum(axis=1), student.predict_proba(X.iloc[:5])[:, 1])
    with pytest.raises(InvalidInputError, match="output must be one of"):
        found.of("maybe")
    with pytest.raises(InvalidInputError, match="columns of X"):
        shapley_by_shap(answer(student, "probability"), X.iloc[:5], X[X.columns[::-1]])
    monkeypatch.setitem(__import__("sys").modules, "shap", None)
    with pytest.raises(MissingExtraError, match=r"explaindistill\[shap\]"):
        found.to_shap()
    with pytest.raises(MissingExtraError, match=r"explaindistill\[shap\]"):
        shapley_by_shap(answer(student, "probability"), X.iloc[:5], X.iloc[50:60])


def test_a_second_opinion_on_the_scale_of_logs_asks_about_logs():
    class Counts:
        class schema_:  # noqa: N801 - as fitted students name it
            restore = staticmethod(lambda rows: rows)

        def predict(self, X):
            return np.exp(X["a"].to_numpy())

    rows = pd.DataFrame({"a": [0.0, 2.0]})
    assert _answers(Counts(), rows, "log").tolist() == [0.0, 2.0]
    assert _answers(Counts(), rows, "value").tolist() == pytest.approx([1.0, np.exp(2.0)])
