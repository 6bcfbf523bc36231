"""Values of forests and boosted trees are those of the definition, or there are none."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

import explaindistill as xd
from explaindistill.measures import ensemble_shapley as module
from explaindistill.measures.ensemble_shapley import ensemble_shapley, is_readable
from explaindistill.measures.shapley import shapley_exact
from explaindistill.teachers.estimator import EstimatorTeacher

pytest.importorskip("shap")


def rows(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"a": rng.normal(size=n), "b": rng.integers(0, 4, n), "flag": rng.random(n) < 0.4, "c": rng.gamma(2, 1, n)}
    )


def outcome(X):
    return X["a"] * (1 + X["flag"]) + X["b"] - X["c"]


CASES = {
    "forest": (RandomForestClassifier(8, min_samples_leaf=3, random_state=0), "probability"),
    "boosted": (GradientBoostingClassifier(n_estimators=15, random_state=0), "logit"),
    "forest of values": (RandomForestRegressor(8, random_state=0), "value"),
    "extra trees": (ExtraTreesRegressor(8, min_samples_leaf=3, random_state=0), "value"),
    "boosted values": (GradientBoostingRegressor(n_estimators=15, random_state=0), "value"),
    "histograms": (HistGradientBoostingClassifier(max_iter=15, random_state=0), "logit"),
    "histograms of values": (HistGradientBoostingRegressor(max_iter=15, random_state=0), "value"),
}


@pytest.mark.parametrize("k", [0, 1])
@pytest.mark.parametrize("case", CASES)
def test_they_are_those_of_the_definition(case, k):
    model, scale = CASES[case]
    X, y = rows(), outcome(rows())
    model.fit(X, y if scale == "value" else np.where(y > 1, "yes", "no"))

    def score(Z):
        if scale == "value":
            return model.predict(Z)
        p = model.predict_proba(Z)[:, k]
        return logit(p) if scale == "logit" else p

    few, background = rows(6, seed=1), rows(20, seed=2)
    answers = score(few), score(background)
    phi = ensemble_shapley(model, few, background, answers, column=None if scale == "value" else k, scale=scale)
    np.testing.assert_allclose(phi, shapley_exact(score, few, background), atol=2e-6 * np.abs(answers[0]).max())


def test_a_missing_value_goes_where_the_trees_send_it():
    X, few, background = rows(), rows(6, seed=1), rows(20, seed=2)
    X.loc[::7, "a"] = few.loc[:2, "a"] = background.loc[::3, "c"] = np.nan
    model = HistGradientBoostingRegressor(max_iter=15, random_state=0).fit(X, outcome(X).fillna(3.0))
    answers = model.predict(few), model.predict(background)
    phi = ensemble_shapley(model, few, background, answers, scale="value")
    np.testing.assert_allclose(phi, shapley_exact(model.predict, few, background), atol=1e-6)


@pytest.mark.parametrize("package", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("scale", ["logit", "value"])
def test_other_packages(package, scale):
    module_ = pytest.importorskip(package)
    kind = ("LGBM" if package == "lightgbm" else "XGB") + ("Classifier" if scale == "logit" else "Regressor")
    X, few, background = rows(), rows(6, seed=1), rows(20, seed=2)
    y = outcome(X)
    model = getattr(module_, kind)(n_estimators=15, n_jobs=1).fit(X, (y > 1).astype(int) if scale == "logit" else y)

    def score(Z):
        return logit(model.predict_proba(Z)[:, 1].astype(float)) if scale == "logit" else model.predict(Z).astype(float)

    phi = ensemble_shapley(model, few, background, (score(few), score(background)), column=1, scale=scale)
    np.testing.assert_allclose(phi, shapley_exact(score, few, background), atol=2e-5)


def test_several_classes_and_columns_that_the_model_does_not_have():
    X = rows()
    forest = RandomForestClassifier(5, random_state=0).fit(X[["c", "a"]], pd.cut(outcome(X), 3, labels=list("xyz")))
    few, background = rows(5, seed=1), rows(15, seed=2)

    def score(Z):
        return forest.predict_proba(Z[["c", "a"]])[:, 2]

    phi = ensemble_shapley(forest, few, background, (score(few), score(background)), column=2)
    np.testing.assert_allclose(phi, shapley_exact(score, few, background), atol=1e-6)
    assert (phi[:, [1, 2]] == 0).all()


def by_column(numbers="passthrough"):
    parts = [("words", OrdinalEncoder(), ["home"]), ("numbers", numbers, ["c", "a"]), ("rest", "drop", ["flag"])]
    return ColumnTransformer(parts, remainder="passthrough")


READ = {
    "filled and scaled": (make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b", "c"]),
    "numbered": (by_column(), ["home", "c", "a", "b", "flag"]),
    "numbered, filled and scaled": (
        make_pipeline(by_column(make_pipeline(SimpleImputer(), StandardScaler())), StandardScaler()),
        ["b", "c", "a", "flag", "home"],
    ),
}


@pytest.mark.parametrize("case", READ)
def test_pipelines_that_make_one_column_of_each(case):
    before, columns = READ[case]
    X, few, background = (rows(n, seed).assign(home=home(n, seed)) for n, seed in ((200, 0), (5, 1), (12, 2)))
    X.loc[::9, "a"] = few.loc[0, "a"] = np.nan
    if case == "numbered":
        X, few = X.fillna(0.5), few.fillna(0.5)
    y = outcome(X.fillna(0.0)) + (X["home"] == "own") > 1
    model = make_pipeline(before, RandomForestClassifier(8, min_samples_leaf=3, random_state=0)).fit(X[columns], y)

    def score(Z):
        return model.predict_proba(Z[columns])[:, 1]

    few, background = few[columns], background[columns]
    phi = ensemble_shapley(model, few, background, (score(few), score(background)), column=1)
    np.testing.assert_allclose(phi, shapley_exact(score, few, background), atol=1e-6)
    assert np.abs(phi).max() > 0.01


def home(n, seed):
    return np.random.default_rng(seed + 9).choice(["own", "rent", "free"], n)


@pytest.mark.parametrize("before", [PCA(), SimpleImputer(add_indicator=True), OneHotEncoder(handle_unknown="ignore")])
def test_pipelines_that_mix_columns_or_make_several_of_one_have_none(before):
    X = rows()[["a", "b", "c"]]
    X.loc[::9, "a"] = np.nan if isinstance(before, SimpleImputer) else 0.0
    model = make_pipeline(before, RandomForestClassifier(5, random_state=0)).fit(X, X["b"] > 1)
    p = model.predict_proba(X)[:, 1]
    assert ensemble_shapley(model, X[:5], X, (p[:5], p), column=1) is None


def test_a_model_that_answers_otherwise_than_it_is_read_has_none():
    X = rows()
    forest = RandomForestRegressor(5, random_state=0).fit(X, outcome(X))
    answers = forest.predict(X[:5]), forest.predict(X)
    assert ensemble_shapley(forest, X[:5], X, answers, scale="value") is not None
    assert ensemble_shapley(forest, X[:5], X, (answers[0] * 1.01, answers[1]), scale="value") is None
    assert ensemble_shapley(forest, X[:5].drop(columns="a"), X.drop(columns="a"), answers, scale="value") is None
    words = [frame.assign(b=frame["b"].map(str)) for frame in (X[:5], X)]
    assert ensemble_shapley(forest, *words, answers, scale="value") is None


def test_what_takes_too_long_or_is_no_sum_of_trees_on_a_scale_is_left_to_sampling(monkeypatch):
    X = rows()
    y = outcome(X) > 1
    forest, line = RandomForestClassifier(5, random_state=0).fit(X, y), LogisticRegression().fit(X, y)
    assert is_readable(forest, "probability")
    assert not is_readable(forest, "logit")
    assert not is_readable(GradientBoostingClassifier(), "probability")
    assert not is_readable(line, "logit")
    assert not is_readable(None, "value")
    p = forest.predict_proba(X)[:, 1]
    monkeypatch.setattr(module, "MOST_WORK", 10)
    assert ensemble_shapley(forest, X[:5], X, (p[:5], p), column=1) is None
    monkeypatch.undo()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert ensemble_shapley(forest, X[:5], X, (p[:5], p), column=1) is None


def test_in_an_audit_the_frame_says_which_and_nothing_is_asked_for_them(monkeypatch):
    X, y = rows(120), np.where(outcome(rows(120)) > 1, "yes", "no")
    forest = RandomForestClassifier(8, min_samples_leaf=3, random_state=0).fit(X, y)
    # named anew, and in another order of the names
    tree = xd.TreeClassifier(max_leaf_nodes=4)
    named = EstimatorTeacher(forest, classes=["turned down", "accepted"])
    tree.fit(X, pd.DataFrame(named.predict_proba(X), columns=named.classes_))
    audited, options = rows(80, seed=3), {"favorable": "accepted", "n_explained": 40, "strict": True}

    def explained():
        teacher = EstimatorTeacher(forest, classes=["turned down", "accepted"])
        forecast = xd.audit(teacher, tree, audited, dry_run=True, **options)
        report = xd.audit(teacher, tree, audited, **options)
        table = report.frames["importance"].query("metric == 'shapley' and subject == 'teacher'")
        sent = report.manifest["rows_sent"]["by_purpose"]["audit: importance"]
        return table.set_index("feature"), sent, forecast

    read, sent, forecast = explained()
    assert set(read["method"]) == {"exact, trees read by shap"}
    assert sent < forecast.rows["audit: importance"]
    assert "audit: importance" in forecast.at_most
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    sampled, asked, forecast = explained()
    assert set(sampled["method"]) == {"sampled, control variate"}
    assert asked == forecast.rows["audit: importance"] > sent
    error = sampled["sd"].fillna(0) + (sampled["high"] - sampled["low"]) / 2
    assert (np.abs(sampled["estimate"] - read["estimate"]) <= error + 0.02).all()
