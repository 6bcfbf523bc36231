"""A linear student is at its optimum on all rows, says so, and answers alike on both sides of its short cuts."""

from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit, softmax
from sklearn.exceptions import ConvergenceWarning

from explaindistill import LinearClassifier, LinearRegressor
from explaindistill.data.design import linear_columns, matrix
from explaindistill.data.design_rows import DesignRows
from explaindistill.data.schema import Schema
from explaindistill.numerics.linear import elastic_net, row_blocks
from explaindistill.numerics.linear.elastic_net import LinearFit, Penalty
from explaindistill.numerics.linear.optimality import classes_gap, values_gap
from explaindistill.numerics.linear.relaxed import refit_gaussian
from explaindistill.students.linear import fit as fitting


def mixed(n, seed=0):
    """Numbers, a heavy tail, a missing share, categories with a rare level, a flag and a date."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "heavy": rng.standard_t(2, size=n),
            "gaps": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "count": rng.integers(0, 9, n),
            "level": pd.Categorical(rng.choice(list("uvwx"), n, p=[0.5, 0.3, 0.19, 0.01])),
            "flag": rng.random(n) < 0.3,
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
        }
    )
    eta = X["a"] + 0.3 * X["count"] + (X["level"] == "x") - X["flag"] + 0.5 * X["gaps"].fillna(0) - 1
    return X, eta.to_numpy(dtype=float)


def halves(eta):
    p = expit(eta)
    return np.column_stack([1 - p, p])


@pytest.mark.parametrize("options", [{}, {"penalty": 0.01}, {"relax": False}, {"l1_ratio": 0.3}, {"max_terms": 2}])
@pytest.mark.parametrize("hard", [False, True])
def test_every_way_of_fitting_ends_at_its_optimum(options, hard):
    X, eta = mixed(2_000)
    y = (eta > 0).astype(int) if hard else halves(eta)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        student = LinearClassifier(**options).fit(X, y)
        assert LinearRegressor(**options).fit(X, eta).converged_
    assert student.converged_
    assert 0 <= student.optimality_ <= 1e-7


def by_hand(X):
    """The design of `mixed` without a line of the package: standard scores, levels, a missing value at the mean."""
    gaps = X["gaps"]
    columns = [X["a"], X["heavy"], gaps.fillna(gaps.mean()), gaps.isna(), X["count"], X["flag"], X["again"]]
    columns += [(X["level"] == level) for level in "vwx"]
    columns += [(X["day"] - pd.Timestamp("2020-01-01")).dt.days]
    Z = np.column_stack([np.asarray(c, dtype=float) for c in columns])
    return np.column_stack([np.ones(len(Z)), (Z - Z.mean(axis=0)) / Z.std(axis=0)])


def least_squares(Z, y):
    """Fitted values by a singular value decomposition, which takes columns that repeat each other as they come."""
    return Z @ np.linalg.lstsq(Z, y, rcond=1e-12)[0]


def logistic(Z, p):
    """Log-odds of the logistic regression of soft labels, each of Newton's steps by least squares."""
    eta = np.zeros(len(Z))
    for _ in range(30):
        m = expit(eta)
        root = np.sqrt(m * (1 - m))
        eta = Z @ np.linalg.lstsq(root[:, None] * Z, root * (eta + (p - m) / (m * (1 - m))), rcond=1e-12)[0]
    return eta


@pytest.mark.parametrize("spread", [0.0, 1e-7, 1e-5, 1e-3])
def test_columns_that_all_but_repeat_each_other_have_an_optimum(spread):
    X, eta = mixed(1_000)
    X["again"] = X["a"] + spread * np.random.default_rng(5).normal(size=len(X))
    y = eta + 0.1 * np.random.default_rng(6).normal(size=len(X))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        for options in ({"tolerance": 0.0}, {"penalty": 0.0}, {"penalty": 1e-3, "relax": False}):
            for student in (LinearRegressor(**options).fit(X, y), LinearClassifier(**options).fit(X, halves(y))):
                assert student.converged_
                assert 0 <= student.optimality_ <= 1e-7
        whole = {"penalty": 0.0, "digits": None}  # four digits of coefficients that all but cancel are few
        free, chances = LinearRegressor(**whole).fit(X, y), LinearClassifier(**whole).fit(X, halves(y))
    # what such columns add together is as well determined as ever, whatever each of them is given: the ridge that keeps
    # their coefficients apart costs no more than leaving one of them out
    full = by_hand(X)
    alone = np.delete(full, 7, axis=1)
    p, chance = expit(y), chances.predict_proba(X)[:, 1]
    for answer, reference, loss in (
        (free.predict(X), lambda Z: least_squares(Z, y), lambda eta: 0.5 * np.mean((y - eta) ** 2)),
        (logit(chance), lambda Z: logistic(Z, p), lambda eta: np.mean(np.logaddexp(0, eta) - p * eta)),
    ):
        assert loss(reference(full)) - 1e-12 <= loss(answer) <= loss(reference(alone)) + 1e-10
        np.testing.assert_allclose(answer, reference(alone), atol=0.03)


def test_several_classes_end_at_their_optimum():
    X, eta = mixed(1_500)
    P = softmax(np.column_stack([eta, -eta, 0.5 * X["heavy"].clip(-3, 3)]), axis=1)
    assert LinearClassifier().fit(X, P).converged_
    assert LinearClassifier().fit(X, P.argmax(axis=1)).converged_


@pytest.mark.parametrize("p", [0.75, 0.123456789, 1e-4, 0.5, 1 - 1e-6])
def test_a_constant_answer_is_exact(p):
    X, _ = mixed(60)
    answer = LinearClassifier().fit(X, np.tile([1 - p, p], (60, 1))).predict_proba(X)
    np.testing.assert_allclose(answer[:, 1], p, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("value", [0.123456789, 1_234.5678, -9.87654321e-5, 1e6 + 0.5])
def test_a_constant_value_is_exact(value):
    X, _ = mixed(60)
    np.testing.assert_allclose(LinearRegressor().fit(X, np.full(60, value)).predict(X), value, rtol=1e-8)


def test_constant_answers_of_several_classes_are_exact():
    X, _ = mixed(60)
    P = np.tile([0.7, 0.2, 0.1], (60, 1))
    np.testing.assert_allclose(LinearClassifier().fit(X, P).predict_proba(X), P, atol=1e-7)


def test_a_given_penalty_is_solved_where_labels_are_separable():
    """The path of penalties ends early where next to nothing is left to explain; the fit asked for does not."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 3)), columns=list("abc"))
    student = LinearClassifier(penalty=1e-5, relax=False, digits=None).fit(X, (X["a"] > 0).astype(int))
    assert student.converged_
    closer = LinearClassifier(penalty=1e-7, relax=False, digits=None).fit(X, (X["a"] > 0).astype(int))
    assert np.abs(closer.model_.coef).max() > 1.2 * np.abs(student.model_.coef).max()


def test_a_fit_that_is_cut_short_warns_and_says_so(monkeypatch):
    X, eta = mixed(400)
    monkeypatch.setattr(elastic_net, "MOST_STEPS", 1)
    with pytest.warns(ConvergenceWarning, match=r"LinearClassifier is not at its optimum: the loss per row could"):
        student = LinearClassifier(penalty=1e-3, relax=False).fit(X, halves(3 * eta))
    assert not student.converged_
    assert student.optimality_ > 1e-7


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("penalty", [Penalty(0.02, 0.0), Penalty(0.02, 0.03), Penalty(0.0, 0.05)])
def test_the_bound_lies_above_the_true_excess_and_is_zero_at_the_optimum(classes, penalty):
    rng = np.random.default_rng(1)
    Z = rng.normal(size=(200, 4))
    P, w = softmax(Z[:, :classes] + rng.normal(size=(200, classes)), axis=1), np.full(200, 1 / 200)
    total = penalty.l1 + penalty.l2
    best = elastic_net.logistic_path(Z, P, w, [total], penalty.l1 / total, tol=1e-10)[0]
    every = np.ones(best.coef.shape, dtype=bool)
    assert classes_gap(Z, P, w, best, penalty, every) < 1e-12
    least = elastic_net.objective(P, w, best.predictor(Z), best.coef, penalty)
    for size in (1e-4, 1e-2, 0.3):
        moved = LinearFit(best.intercept, best.coef + size * rng.normal(size=best.coef.shape))
        excess = elastic_net.objective(P, w, moved.predictor(Z), moved.coef, penalty) - least
        assert 0 < excess <= classes_gap(Z, P, w, moved, penalty, every) * (1 + 1e-6)


@pytest.mark.parametrize("penalty", [Penalty(0.02, 0.0), Penalty(0.02, 0.03), Penalty(0.0, 1e-10)])
def test_the_bound_of_values_lies_above_the_true_excess(penalty):
    rng = np.random.default_rng(2)
    Z, w = rng.normal(size=(200, 4)), np.full(200, 1 / 200)
    Z -= w @ Z
    Y = Z @ [[1.0], [0.5], [0.0], [0.01]] + rng.normal(size=(200, 1))
    every = np.ones((4, 1), dtype=bool)
    if not penalty.l1:
        best = refit_gaussian(Z, Y, w, every)
    else:
        total = penalty.l1 + penalty.l2
        best = elastic_net.gaussian_path(Z, Y, w, [total], penalty.l1 / total, tol=1e-12)[0]
    assert values_gap(Z, Y, w, best, penalty, every) < 1e-12
    l1, l2 = penalty

    def objective(fit):
        return (
            0.5 * w @ ((Y - fit.predictor(Z)) ** 2)[:, 0] + l1 * np.abs(fit.coef).sum() + l2 / 2 * (fit.coef**2).sum()
        )

    moved = LinearFit(best.intercept, best.coef + 0.1 * rng.normal(size=(4, 1)))
    excess = objective(moved) - objective(best)
    assert 0 < excess <= values_gap(Z, Y, w, moved, penalty, every) * (1 + 1e-6)


@pytest.mark.parametrize("hard", [False, True])
def test_a_design_that_is_held_and_one_read_in_blocks_give_the_same_bits(monkeypatch, hard):
    X, eta = mixed(9_000)
    y = (eta > 0).astype(int) if hard else halves(eta)
    held = LinearClassifier(random_state=0).fit(X, y).to_dict(), LinearRegressor().fit(X, eta).to_dict()
    monkeypatch.setattr(row_blocks, "HELD_NUMBERS", 0)
    read = LinearClassifier(random_state=0).fit(X, y).to_dict(), LinearRegressor().fit(X, eta).to_dict()
    assert held == read


def test_both_sides_of_the_limit_on_rows_that_decide_the_penalty(monkeypatch):
    X, eta = mixed(4_000)
    whole = LinearClassifier().fit(X, halves(eta))
    monkeypatch.setattr(fitting, "MOST_ROWS", 3_000)
    sampled = LinearClassifier().fit(X, halves(eta))
    assert sampled.converged_
    assert np.abs(whole.predict_proba(X) - sampled.predict_proba(X)).max() < 5e-3


@pytest.mark.parametrize("limit", ["ONE_FOLD_FROM", "FOLDS_FROM"])
def test_both_sides_of_the_limits_on_folds(monkeypatch, limit):
    X, eta = mixed(4_000)
    low = LinearClassifier().fit(X, halves(eta)).predict_proba(X)
    monkeypatch.setattr(fitting, limit, {"ONE_FOLD_FROM": 1_000, "FOLDS_FROM": 10_000}[limit])
    assert np.abs(low - LinearClassifier().fit(X, halves(eta)).predict_proba(X)).max() < 5e-3


def test_rows_of_a_design_are_those_of_the_matrix():
    X, _ = mixed(300)
    X.loc[5, "level"] = None
    schema = Schema.infer(X)
    columns, _ = linear_columns(schema, X, np.ones(300))
    whole, rows = matrix(columns, schema, X), DesignRows(columns, schema, X)
    np.testing.assert_array_equal(rows(slice(0, 300)), whole)
    np.testing.assert_array_equal(rows(np.array([5, 2, 299]), np.array([0, 3])), whole[[5, 2, 299]][:, [0, 3]])


def test_the_design_is_not_held_twice():
    """The bar of the benchmark is 2 at a million rows; here the frame is small, and fixed costs weigh more."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60_000, 16))).rename(columns=lambda j: f"x{j}")
    for levels in (5, 20, 50):
        X[f"c{levels}"] = pd.Categorical(rng.integers(0, levels, len(X)).astype(str))
    y = halves((X["x0"] - X["x1"]).to_numpy())
    LinearClassifier().fit(X[:200], y[:200])
    tracemalloc.start()
    LinearClassifier().fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # the sample that decides the penalty is held: 12,000 rows of 90 columns, in two parts, are 9 MB
    assert peak < 5 * X.memory_usage().sum()
