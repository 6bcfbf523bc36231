"""A model tree's numbers are at their optimum on all rows, and few rows are not a reason to say one thing to all."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning

from explaindistill.numerics.model_trees import choice, growth, leaf_models
from explaindistill.students.model_tree import ModelTreeClassifier, ModelTreeRegressor
from explaindistill.students.model_tree import fit as model_tree_fit


def bent(n=1_500, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    X["job"] = rng.choice(list("uvw"), n)
    return X, np.where(X["a"] < 0.2, 2 * X["b"], -X["b"] + X["c"]) + (X["job"] == "u")


@pytest.mark.parametrize("options", [{}, {"n_folds": 0}, {"structure_temperature": 0.5}, {"max_leaf_nodes": 1}])
@pytest.mark.parametrize("hard", [False, True])
def test_every_way_of_fitting_ends_at_its_optimum(options, hard):
    X, eta = bent()
    p = expit(3 * eta) if not hard else (eta > 0).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        student = ModelTreeClassifier(**options).fit(X, np.column_stack([1 - p, p]))
    assert student.converged_
    assert 0 <= student.optimality_ <= 1e-7


def test_values_and_several_classes_end_at_their_optimum():
    X, eta = bent(900)
    assert ModelTreeRegressor().fit(X, eta).converged_
    P = softmax(np.column_stack([eta, -eta, X["c"]]), axis=1)
    assert ModelTreeClassifier(max_leaf_nodes=3, n_folds=0).fit(X, P).converged_


def test_numbers_that_could_be_better_are_told_and_warned_about(monkeypatch):
    X, eta = bent(600)
    p = expit(4 * eta)

    def one_step(problem, model, max_steps=3, tolerance=1e-6):
        return leaf_models.refit(problem, model, 1, 1.0)

    monkeypatch.setattr(growth, "refit", one_step)
    monkeypatch.setattr(model_tree_fit, "refit", one_step)
    with pytest.warns(ConvergenceWarning, match="ModelTreeClassifier is not at its optimum"):
        student = ModelTreeClassifier(n_folds=0).fit(X, np.column_stack([1 - p, p]))
    assert not student.converged_


@pytest.mark.parametrize("n", [10, 20, 40, 100])
@pytest.mark.parametrize("levels", [2, 3])
def test_levels_that_tell_all_are_told_apart_on_few_rows(n, levels):
    """A fold of equal rows would hold all rows of a level, of which the others know nothing."""
    level = np.arange(n) % levels
    X, y = pd.DataFrame({"level": level.astype(str)}), (level == 0).astype(int)
    student = ModelTreeClassifier(min_category_size=1).fit(X, y)
    assert (student.predict(X) == y).all()
    assert (ModelTreeRegressor(min_category_size=1).fit(X, y).predict(X).round() == y).all()


def test_noise_on_few_rows_is_not_fitted():
    rng = np.random.default_rng(0)
    numbers = []
    for _ in range(20):
        X = pd.DataFrame(rng.normal(size=(24, 2)), columns=list("ab"))
        numbers.append(ModelTreeClassifier().fit(X, rng.permutation(np.arange(24) % 2)).complexity().n_parameters)
    assert np.mean(numbers) < 2


def test_both_sides_of_the_limit_on_distinct_rows(monkeypatch):
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)})
    p = expit(2 * X["a"]).to_numpy()
    P = np.column_stack([1 - p, p])
    held_out = ModelTreeClassifier().fit(X, P)
    monkeypatch.setattr(choice, "FEWEST", 100)
    criterion = ModelTreeClassifier().fit(X, P)
    assert np.abs(held_out.predict_proba(X) - criterion.predict_proba(X)).mean() < 0.05


def test_both_sides_of_the_limit_on_values_between_two_bins(monkeypatch):
    X, eta = bent(1_500)
    fine = ModelTreeRegressor(max_leaf_nodes=2, n_folds=0).fit(X, eta)
    monkeypatch.setattr(growth, "FINE", 4)
    coarse = ModelTreeRegressor(max_leaf_nodes=2, n_folds=0).fit(X, eta)
    assert coarse.score(X, eta) > fine.score(X, eta) - 0.01


@pytest.mark.parametrize("p", [0.75, 0.123456789])
def test_a_constant_answer_is_exact(p):
    X = pd.DataFrame({"a": np.arange(50.0)})
    answer = ModelTreeClassifier().fit(X, np.tile([1 - p, p], (50, 1))).predict_proba(X)
    np.testing.assert_allclose(answer[:, 1], p, atol=1e-6)
