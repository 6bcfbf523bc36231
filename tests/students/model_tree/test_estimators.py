"""Model trees: truths, the contract, and what is refused."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from explaindistill.data.disclosure import shown_bounds
from explaindistill.errors import InvalidInputError
from explaindistill.students.model_tree.estimators import (
    AUTO_FOLDS,
    FEW_ROWS,
    ModelTreeClassifier,
    ModelTreeRegressor,
    folds_of,
)


@parametrize_with_checks([ModelTreeClassifier(), ModelTreeRegressor()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def rows(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.normal(size=n) * 10 + 50,
            "c": rng.choice(["w", "x", "y", "z"], n),
            "d": np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 9, n)),
        }
    )
    eta = np.where(X.a <= 0.3, 1 + 0.2 * (X.b - 50), -1 - 0.3 * (X.b - 50) * X.c.isin(["x", "y"]))
    return X, eta + 1.5 * X.d.isna()


def soft(eta):
    p = 1 / (1 + np.exp(-np.asarray(eta)))
    return np.c_[1 - p, p]


def test_piecewise_logistic_teacher_is_recovered_with_one_leaf_per_piece():
    X, eta = rows(4000)
    student = ModelTreeClassifier(shrinkage=1e-4, min_gain=1e-4, min_category_size=1).fit(X, soft(eta))
    assert student.complexity().n_leaves == 3
    assert student.score(X, soft(eta)) > 0.999
    first = student.tree_.nodes[0]
    assert first.feature == 0
    gap = np.sort(np.abs(X.a - 0.3))[:2]
    assert abs(first.threshold - 0.3) <= gap.max()
    np.testing.assert_allclose(student.decision_function(X), eta, atol=0.05)


def test_piecewise_linear_teacher_is_recovered_with_one_leaf_per_piece():
    rng = np.random.default_rng(1)
    X = rng.uniform(-1, 1, (3000, 3))
    y = np.where(X[:, 1] <= 0.25, 2 * X[:, 0], 3 - X[:, 2])
    student = ModelTreeRegressor(min_gain=1e-4, shrinkage=1e-5).fit(X, y)
    assert student.complexity().n_leaves == 2
    assert np.abs(student.predict(X) - y).max() < 0.01


def test_logistic_teacher_needs_no_split():
    X, _ = rows(800)
    P = soft(0.1 * (X.b - 50) + X.a)
    student = ModelTreeClassifier(max_parameters=3, min_category_size=1).fit(X, P)
    assert student.complexity().n_leaves == 1
    assert student.complexity().n_parameters == 3
    np.testing.assert_allclose(student.predict_proba(X), P, atol=0.01)


def test_max_leaf_features_zero_gives_a_constant_tree():
    X, eta = rows()
    student = ModelTreeClassifier(max_leaf_features=0, max_leaf_nodes=4).fit(X, soft(eta))
    assert student.complexity().n_terms == 0
    assert student.complexity().n_leaves == 4


@pytest.mark.parametrize("budget", [1, 4, 9, 17, 30])
def test_budget_is_kept(budget):
    X, eta = rows()
    student = ModelTreeClassifier(max_parameters=budget, max_leaf_nodes=99, min_gain=0).fit(X, soft(eta))
    assert student.complexity().n_parameters <= budget


@pytest.mark.parametrize("k", [2, 3])
def test_contributions_sum_to_the_scores(k):
    X, eta = rows()
    scores = np.c_[eta, -eta / 2, X.a * 2][:, :k]
    P = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    student = ModelTreeClassifier(max_parameters=40).fit(X, pd.DataFrame(P, columns=["p", "q", "r"][:k]))
    frame = student.explain(X[:50], as_frame=True)
    assert frame.attrs["scale"] == "logit"
    assert list(frame.columns) == ["row", "step", "term", "reason", "output", "contribution"]
    assert (frame.loc[frame.step == 0, "term"] == "(base)").all()
    sums = frame.groupby(["row", "output"], sort=True).contribution.sum().to_numpy()
    np.testing.assert_allclose(sums, student.decision_function(X[:50]).ravel(), atol=1e-9)


def test_multi_class_soft_labels_are_matched():
    X, eta = rows(3000)
    scores = np.c_[eta, -eta / 2, X.a * 2]
    P = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    student = ModelTreeClassifier(max_parameters=40, min_gain=1e-4).fit(X, P)
    assert student.score(X, P) > 0.98
    assert np.abs(student.predict_proba(X) - P).mean() < 0.02


def test_regression_with_two_outputs():
    X, eta = rows()
    Y = np.c_[eta, 100 * X.a]
    student = ModelTreeRegressor(max_leaf_nodes=4).fit(X, Y)
    assert student.predict(X).shape == Y.shape
    assert student.score(X, Y) > 0.99
    frame = student.explain(X[:20], as_frame=True)
    sums = frame.groupby(["row", "output"]).contribution.sum().to_numpy().reshape(20, 2)
    np.testing.assert_allclose(sums, student.predict(X[:20]), atol=1e-9)


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_json_form_predicts_the_same(kind):
    X, eta = rows()
    if kind == "classifier":
        student = ModelTreeClassifier(max_parameters=20).fit(X, soft(eta))
    else:
        student = ModelTreeRegressor().fit(X, eta)
    again = type(student).from_dict(json.loads(json.dumps(student.to_dict())))
    np.testing.assert_array_equal(again.predict(X), student.predict(X))
    assert again.describe() == student.describe()
    assert again.complexity() == student.complexity()
    assert again.explain(X[:3], as_frame=True).equals(student.explain(X[:3], as_frame=True))


def test_numbers_shown_are_the_numbers_applied():
    X, _ = rows()
    P = soft(0.123456789 * (X.b - 50) + 1)
    student = ModelTreeClassifier(max_leaf_nodes=1, max_leaf_features=1).fit(X, P)
    text = student.describe().splitlines()[1]
    assert text.startswith("log-odds of 1 = ")
    base, slope = text.removeprefix("log-odds of 1 = ").split(" × ")[0].split()
    centre = float(text.split("(b - ")[1].split(")")[0])
    low, high = map(float, re.findall(r"b counts as at least (\S+) and at most (\S+);", student.describe())[0])
    assert low < X.b.min() < X.b.max() < high
    values = float(base) + float(slope) * (X.b.clip(low, high) - centre)
    np.testing.assert_allclose(student.decision_function(X), values, rtol=0, atol=1e-10)


def test_missing_and_unseen_values_are_answered():
    X, eta = rows()
    student = ModelTreeClassifier().fit(X, soft(eta))
    new = X[:6].copy()
    new["c"] = ["never seen", None, "w", "x", None, "z"]
    new.loc[:2, "a"] = np.nan
    assert np.isfinite(student.predict_proba(new)).all()


def test_ordered_categories_and_dates():
    rng = np.random.default_rng(3)
    n = 900
    day = rng.integers(0, 3000, n)
    level = rng.integers(0, 4, n)
    X = pd.DataFrame(
        {
            "since": pd.Timestamp("2010-01-01") + pd.to_timedelta(day, unit="D"),
            "size": pd.Categorical.from_codes(level, ["S", "M", "L", "XL"], ordered=True),
        }
    )
    P = soft(np.where(level >= 2, 0.002 * (day - 1500), -2.0))
    student = ModelTreeClassifier(max_leaf_nodes=2).fit(X, P)
    assert student.score(X, P) > 0.98
    assert 'size <= "M"' in student.describe()
    new = X[:3].copy()
    new["size"] = [None, "M", "XL"]
    assert np.isfinite(student.predict_proba(new)).all()


def test_values_beyond_the_range_are_held_at_its_end():
    X = np.linspace(0, 1, 200)[:, None]
    student = ModelTreeRegressor(max_leaf_nodes=1, shrinkage=1e-4, min_category_size=1).fit(X, 5 * X[:, 0])
    np.testing.assert_allclose(student.predict([[10.0], [-10.0]]), [5.0, 0.0], atol=1e-3)


def test_values_beyond_the_bounds_are_held_there():
    X = np.linspace(0, 1, 200)[:, None]
    student = ModelTreeRegressor(max_leaf_nodes=1, shrinkage=1e-4).fit(X, 5 * X[:, 0])
    low, high = shown_bounds(X[:, 0])
    assert (low, high) == (0.02, 0.98)
    reach = high - low
    held = student.predict([[low - reach], [high + reach]])
    np.testing.assert_array_equal(student.predict([[-10.0], [10.0]]), held)
    np.testing.assert_allclose(student.predict(X), 5 * X[:, 0], atol=1e-2)


def test_weight_two_is_the_row_twice():
    X, eta = rows(600)
    w = np.random.default_rng(0).integers(0, 4, len(X))
    twice = np.repeat(np.arange(len(X)), w)
    one = ModelTreeClassifier(max_parameters=20).fit(X, soft(eta), sample_weight=w)
    other = ModelTreeClassifier(max_parameters=20).fit(X.iloc[twice], soft(eta)[twice])
    assert one.describe() == other.describe()


def test_order_of_rows_and_columns_does_not_matter():
    X, eta = rows(800)
    P = soft(eta)
    one = ModelTreeClassifier(max_parameters=25).fit(X, P)
    order = np.random.default_rng(5).permutation(len(X))
    other = ModelTreeClassifier(max_parameters=25).fit(X.iloc[order], P[order])
    turned = ModelTreeClassifier(max_parameters=25).fit(X[["d", "c", "b", "a"]], P)
    np.testing.assert_allclose(other.predict_proba(X), one.predict_proba(X), atol=1e-9)
    np.testing.assert_allclose(turned.predict_proba(X[["d", "c", "b", "a"]]), one.predict_proba(X), atol=1e-9)


def test_threads_do_not_change_the_tree():
    X, eta = rows(800)
    assert (
        ModelTreeClassifier(n_jobs=2).fit(X, soft(eta)).describe() == ModelTreeClassifier().fit(X, soft(eta)).describe()
    )


def test_sharpened_structure_still_has_calibrated_numbers():
    X, eta = rows(3000)
    student = ModelTreeClassifier(structure_temperature=0.5, min_gain=1e-4).fit(X, soft(eta))
    np.testing.assert_allclose(student.predict_proba(X).mean(axis=0), soft(eta).mean(axis=0), atol=1e-3)


def test_constant_and_hard_labels():
    X, eta = rows(400)
    student = ModelTreeClassifier().fit(X, np.where(eta > 0, "yes", "no"))
    assert student.score(X, np.where(eta > 0, "yes", "no")) > 0.9
    flat = ModelTreeRegressor().fit(X, np.full(len(X), 7.0))
    assert flat.predict(X[:2]).tolist() == [7.0, 7.0]
    assert flat.importance().estimate.tolist() == [0, 0, 0, 0]


def test_importance_is_zero_for_what_the_teacher_ignores():
    X, eta = rows(2000)
    X["noise"] = np.random.default_rng(8).normal(size=len(X))
    shares = ModelTreeClassifier(min_gain=1e-3).fit(X, soft(eta)).importance().set_index("feature").estimate
    assert shares["noise"] == 0
    assert shares.sum() == pytest.approx(1)


def test_one_row_and_a_constant_column():
    student = ModelTreeRegressor().fit(pd.DataFrame({"x": [1.0], "z": ["q"]}), [3.0])
    assert student.predict(pd.DataFrame({"x": [5.0], "z": ["r"]})).tolist() == [3.0]


def test_split_between_slopes_is_found_among_twenty_columns():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(2000, 20))
    P = soft(np.where(X[:, 3] <= 0, 2 * X[:, 7] - 1, -2 * X[:, 11] + 1))
    student = ModelTreeClassifier(max_leaf_nodes=2, min_gain=1e-4).fit(X, P)
    assert student.tree_.nodes[0].feature == 3
    assert student.score(X, P) > 0.98


def test_a_leaf_names_no_more_columns_than_it_may():
    X, eta = rows()
    student = ModelTreeClassifier(8, max_leaf_features=1, min_gain=0, n_folds=0).fit(X, soft(eta + np.sin(3 * X.a)))

    def most(v, above):
        node = student.tree_.nodes[v]
        named = above | {t for t, _, _ in node.terms}
        return len(named) if node.feature < 0 else max(most(node.left, named), most(node.right, named))

    assert most(0, set()) == 1


def test_leaves_without_a_limit_fill_the_budget():
    X, eta = rows()
    student = ModelTreeClassifier(
        max_leaf_nodes=None, max_leaf_features=None, max_parameters=25, min_gain=0, max_depth=2, n_folds=0
    ).fit(X, soft(eta + np.sin(3 * X.a)))
    assert 20 <= student.complexity().n_parameters <= 25
    assert student.complexity().depth <= 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_leaf_nodes": 0}, "max_leaf_nodes must be a whole number of at least 1 or None, got 0"),
        ({"min_samples_leaf": 0}, "min_samples_leaf must be a whole number of at least 1, got 0"),
        ({"max_leaf_features": -1}, "max_leaf_features must be a whole number of at least 0 or None, got -1"),
        ({"max_depth": -1}, "max_depth must be a whole number of at least 0 or None, got -1"),
        ({"max_parameters": 0}, "max_parameters must be a whole number of at least 1 or None"),
        ({"shrinkage": 0}, "shrinkage must be a finite number above 0, got 0"),
        ({"min_gain": -1}, "min_gain must be a finite number of at least 0, got -1"),
    ],
)
def test_wrong_limits_are_refused(parameters, message):
    with pytest.raises(InvalidInputError, match=message):
        ModelTreeClassifier(**parameters).fit([[0.0], [1.0]], [0, 1])


def test_other_forms_are_refused():
    form = {"format": "explaindistill.model_tree", "version": 1, "kind": "ModelTreeClassifier"}
    with pytest.raises(InvalidInputError, match=r"kind 'ModelTreeRegressor', got .* 1 and 'ModelTreeClassifier'"):
        ModelTreeRegressor.from_dict(form)


def test_a_few_noisy_rows_are_not_overfitted():
    X, _ = rows()
    X = X.iloc[:200]
    noise = np.random.default_rng(8).normal(size=200)
    limits = {
        "max_leaf_nodes": None,
        "max_leaf_features": None,
        "max_parameters": 40,
        "min_gain": 0,
        "min_samples_leaf": 5,
    }
    chosen, free = (ModelTreeRegressor(n_folds=k, **limits).fit(X, noise) for k in ("auto", 0))
    assert free.complexity().n_parameters > 30
    assert chosen.complexity().n_parameters <= 5


def test_folds_are_for_few_rows():
    student = ModelTreeClassifier()
    assert [folds_of(student, n) for n in (10, FEW_ROWS, FEW_ROWS + 1)] == [AUTO_FOLDS, AUTO_FOLDS, 0]
    assert folds_of(ModelTreeClassifier(n_folds=5), 10**6) == 5


@pytest.mark.parametrize("given", [1, -2, "some", 2.5, True])
def test_folds_must_make_sense(given):
    with pytest.raises(
        InvalidInputError, match=r"n_folds must be a whole number of at least 2 or 'auto', got .*; 0 takes no folds"
    ):
        ModelTreeClassifier(n_folds=given).fit([[0.0], [1.0]] * 20, [0, 1] * 20)
