"""Numbers move towards labels, no further than the limit; the structure stays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, softmax
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from explaindistill.data.schema import Schema
from explaindistill.distillation.distiller import Distiller
from explaindistill.distillation.refining import refine
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.model_trees.refit import fit_towards
from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor
from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor
from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor
from explaindistill.students.scorecard.estimators import ScorecardClassifier
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor


def rows(n: int = 3000) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """A teacher that puts the border in the wrong place, and labels that know better."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)})
    wrong = expit(2 * X["x"].to_numpy() - 1)
    right = expit(2 * X["x"].to_numpy() + 0.5)
    y = (rng.random(n) < right).astype(int)
    return X, np.column_stack([1 - wrong, wrong]), y, right


CLASSIFIERS = {
    "tree": TreeClassifier(),
    "linear": LinearClassifier(),
    "gam": GAMClassifier(n_jobs=1),
    "gam with a pair": GAMClassifier(n_pairs=1, n_jobs=1),
    "model tree": ModelTreeClassifier(max_leaf_nodes=4),
    "rules": RuleListClassifier(),
    "scorecard": ScorecardClassifier(max_terms=6),
}
REGRESSORS = {
    "tree": TreeRegressor(),
    "linear": LinearRegressor(),
    "gam": GAMRegressor(n_jobs=1),
    "log link": GAMRegressor(loss="gamma", n_jobs=1),
    "model tree": ModelTreeRegressor(max_leaf_nodes=4),
    "rules": RuleListRegressor(),
}


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_labels_win_where_the_limit_allows(kind: str) -> None:
    X, P, y, right = rows()
    student = clone(CLASSIFIERS[kind]).fit(X, P)
    before = student.predict_proba(X).copy()
    free, bound = (refine(student, X, y, P=P, max_loss=limit) for limit in (1.0, 0.05))
    np.testing.assert_array_equal(student.predict_proba(X), before)
    assert free.strength == 1
    assert 0 < bound.strength < 1
    assert free.student.describe() != student.describe()
    assert type(student).from_dict(free.student.to_dict()).predict_proba(X) == pytest.approx(
        free.student.predict_proba(X), abs=1e-12
    )
    errors = [np.abs(s.predict_proba(X)[:, 1] - right).mean() for s in (student, bound.student, free.student)]
    assert errors[0] > errors[1] > errors[2]
    assert bound.curve.loc[bound.curve["chosen"], "loss"].item() <= 0.05
    assert free.curve["error"].iloc[-1] < free.curve["error"].iloc[0]
    assert free.curve["chosen"].sum() == 1
    assert list(free.curve.columns) == ["strength", "fidelity", "loss", "performance", "error", "n", "chosen"]


def test_no_loss_allowed_keeps_the_answers() -> None:
    X, P, y, _ = rows()
    student = TreeClassifier(max_leaf_nodes=4).fit(X, P)
    kept = refine(student, X, y, max_loss=0.0)
    assert (kept.student.predict(X) == student.predict(X)).mean() > 0.99
    np.testing.assert_array_equal(kept.student.tree_.threshold, student.tree_.threshold)


def test_refined_linear_student_keeps_its_terms() -> None:
    X, P, y, _ = rows()
    student = LinearClassifier(max_terms=1).fit(X, P)
    free = refine(student, X, pd.DataFrame({0: 1 - y, 1: y}), max_loss=1.0).student
    assert free.coefficients()["term"].tolist() == student.coefficients()["term"].tolist()
    assert free.coefficients()["coefficient"][0] == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("kind", REGRESSORS)
def test_regression_moves_to_the_values(kind: str) -> None:
    X, P, _, right = rows()
    student = clone(REGRESSORS[kind]).fit(X, P[:, 1])
    free = refine(student, X, right, P=P[:, 1], max_loss=10.0)
    assert free.strength == 1
    assert ((free.student.predict(X) - right) ** 2).mean() < ((student.predict(X) - right) ** 2).mean() / 2


def test_arrays_and_messages() -> None:
    X, P, y, _ = rows(300)
    array = X.to_numpy()
    assert refine(LinearClassifier().fit(array, P), array, y).curve["n"].iloc[0] == 100
    stranger = LogisticRegression().fit(X, y)
    stranger.schema_ = Schema.infer(X)
    with pytest.raises(InvalidInputError, match=r"toward_labels.frame, answer, labels., LogisticRegression has none$"):
        refine(stranger, X, y)
    distiller = Distiller(LogisticRegression().fit(X, y), TreeClassifier(), random_state=0).fit(X)
    with pytest.raises(InvalidInputError, match=r"Distiller has none; give it distiller\.student_"):
        refine(distiller, X, y)
    with pytest.raises(InvalidInputError, match="monotone=, which moved leaves could break"):
        refine(TreeClassifier(monotone={"x": 1}).fit(X, P), X, y)
    edited = GAMClassifier(n_jobs=1).fit(X, P).edit("x", flatten=True)
    with pytest.raises(InvalidInputError, match="terms that were edited by hand"):
        refine(edited, X, y)
    student = TreeClassifier().fit(X, P)
    with pytest.raises(InvalidInputError, match="max_loss must be at least 0"):
        refine(student, X, y, max_loss=-1)
    with pytest.raises(InvalidInputError, match="at least 3 distinct rows"):
        refine(student, X.iloc[[0, 0]], y[[0, 0]])


def test_moved_curves_keep_their_shape_and_places_without_rows_keep_their_value() -> None:
    X, P, y, _ = rows()
    X["k"] = pd.Categorical(np.where(np.arange(len(X)) % 3 == 0, "a", "b"), categories=["a", "b"])
    P = np.where((X["k"] == "a").to_numpy()[:, None], P, P[:, ::-1])
    student = GAMClassifier(monotone={"x": 1}, n_jobs=1).fit(X, P)
    only = X["k"] == "b"
    moved = refine(student, X[only], y[only], max_loss=1.0).student
    assert (np.diff(moved.shape("x")["effect"]) >= 0).all()
    before, after = (s.shape("k").set_index("label")["effect"] for s in (student, moved))
    assert after["a"] == before["a"]
    assert np.isnan(moved.shape("x")["low"]).all()


def test_three_classes_move_and_unseen_categories_do_not_count() -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"x": rng.normal(size=2000), "k": rng.choice(["a", "b"], 2000)})
    eta = np.column_stack([X["x"], -X["x"], 0 * X["x"]])
    shift = np.array([1.0, 0.0, 0.0])
    wrong, right = softmax(eta - shift, axis=1), softmax(eta + shift, axis=1)
    y = (right.cumsum(axis=1) < rng.random((2000, 1))).sum(axis=1)
    other = X.copy()
    other.loc[:9, "k"] = "never seen"
    for kind in (GAMClassifier(n_jobs=1), ModelTreeClassifier(max_leaf_nodes=2), RuleListClassifier(max_rules=4)):
        student = clone(kind).fit(X, wrong)
        moved = refine(student, other, y, max_loss=1.0)
        assert moved.strength >= 0.9
        errors = [np.abs(s.predict_proba(X) - right).mean() for s in (student, moved.student)]
        assert errors[1] < errors[0] / 2, type(kind).__name__


def test_rules_and_cards_say_what_they_now_do() -> None:
    X, P, y, _ = rows()
    student = RuleListClassifier(max_rules=2).fit(X, P)
    moved = refine(student, X, y, P=P, max_loss=1.0).student
    assert [r.literals for r in moved.rules_.rules] == [r.literals for r in student.rules_.rules]
    precision = moved.table(X, y)["precision"]
    assert moved.table_["precision"].to_numpy() == pytest.approx(precision.to_numpy(), abs=0.05)
    sums = moved.explain(X[:50], as_frame=True).groupby(["row", "output"])["contribution"].sum().unstack().to_numpy()
    assert sums == pytest.approx(moved.predict_proba(X[:50]))
    card = ScorecardClassifier(max_terms=3).fit(X, P)
    better = refine(card, X, y, P=P, max_loss=1.0).student
    assert better.table().equals(card.table())
    against = refine(card, X, 1 - y, P=P, max_loss=1.0).student
    assert (np.diff(against.risks()["risk"]) >= 0).all()


def test_a_model_tree_moves_where_the_labels_differ_only() -> None:
    x = np.tile(np.linspace(-1, 1, 400), 5)
    g = np.repeat([0.0, 1.0], 1000)
    X = pd.DataFrame({"g": g, "x": x})
    student = ModelTreeRegressor(max_leaf_nodes=2, shrinkage=1e-6).fit(X, np.where(g > 0.5, x, -x))
    moved = refine(student, X, np.where(g > 0.5, 3 * x, -x), max_loss=99.0).student
    assert moved.predict(pd.DataFrame({"g": [0.0, 1.0], "x": [0.5, 0.5]})) == pytest.approx([-0.5, 1.5], abs=0.1)
    assert moved.importance()["estimate"].sum() == pytest.approx(1.0)


def test_towards_against_a_plain_minimiser() -> None:
    rng = np.random.default_rng(0)
    Z, start = np.column_stack([np.ones(80), rng.normal(size=(80, 2))]), rng.normal(size=(3, 3)) / 2
    P = softmax(rng.normal(size=(80, 3)), axis=1)
    support = np.ones((3, 3), dtype=bool)
    support[2, 0] = False
    Q = softmax(Z @ start, axis=1)
    prior = 10 * (Z**2).T @ Q / (Z != 0).sum(axis=0)[:, None]

    def loss(free: np.ndarray) -> float:
        theta = start.copy()
        theta[support] = free
        return float(-(P * log_softmax(Z @ theta, axis=1)).sum() + (prior * (theta - start) ** 2).sum() / 2)

    best = minimize(loss, start[support], method="BFGS", options={"gtol": 1e-8})
    found = fit_towards(Z, P, start, support, "softmax")
    assert found[2, 0] == start[2, 0]
    assert found[support] == pytest.approx(best.x, abs=1e-4)


def test_a_rule_with_ten_rows_goes_half_the_way() -> None:
    x = pd.DataFrame({"x": np.arange(100.0)})
    student = RuleListRegressor(max_rules=1).fit(x, np.where(x["x"] > 59, 7.0, 1.0))
    ten = pd.DataFrame({"x": np.arange(60.0, 70.0)})
    moved = student.toward_labels(student.schema_.frame(ten), np.full((10, 1), 7.0), np.full((10, 1), 9.0))(1.0)
    assert moved.predict(pd.DataFrame({"x": [80.0, 10.0]})).tolist() == [8.0, 1.0]
