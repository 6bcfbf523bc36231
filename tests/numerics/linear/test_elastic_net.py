"""The solver against slow twins, and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, softmax, xlogy

from explaindistill.data.folds import content_folds, content_rank
from explaindistill.numerics.linear import elastic_net as en
from explaindistill.numerics.linear import relaxed, row_sums
from explaindistill.numerics.linear.penalty_choice import (
    PenalisedProblem,
    choose,
    limit_terms,
    penalty_grid,
    standardise,
)


def data(k: int, seed: int = 0, n: int = 80, p: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    w = rng.random(n)
    w /= w.sum()
    Z, _, _ = standardise(rng.normal(size=(n, p)), w)
    return Z, softmax(Z[:, :k] + 0.3 * rng.normal(size=(n, k)), axis=1), w


def slow_objective(theta: np.ndarray, Z: np.ndarray, P: np.ndarray, w: np.ndarray, l1: float, l2: float) -> float:
    """The equation of the module, coefficients as differences of two non-negative parts."""
    K = 1 if P.shape[1] == 2 else P.shape[1]
    p = Z.shape[1]
    b, plus, minus = theta[:K], theta[K : K + p * K].reshape(p, K), theta[K + p * K :].reshape(p, K)
    q = en.classify(Z @ (plus - minus) + b)
    beta = plus - minus
    return -w @ xlogy(P, q).sum(axis=1) + l1 * (plus + minus).sum() + l2 / 2 * (beta**2).sum()


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_the_logistic_path_ends_at_the_minimum_of_the_equation(k: int, l1_ratio: float) -> None:
    Z, P, w = data(k)
    K = 1 if k == 2 else k
    fit = en.logistic_path(Z, P, w, [0.2, 0.05, 0.02], l1_ratio, tol=1e-9)[-1]
    l1, l2 = 0.02 * l1_ratio, 0.02 * (1 - l1_ratio)
    size = Z.shape[1] * K
    slow = minimize(
        slow_objective,
        np.zeros(K + 2 * size),
        (Z, P, w, l1, l2),
        bounds=[(None, None)] * K + [(0, None)] * 2 * size,
        options={"maxiter": 5000, "maxfun": 10**6, "ftol": 1e-14, "gtol": 1e-9},
    )
    theta = np.concatenate([fit.intercept, np.maximum(fit.coef, 0).ravel(), np.maximum(-fit.coef, 0).ravel()])
    assert slow_objective(theta, Z, P, w, l1, l2) <= slow.fun + 1e-8


def test_the_gaussian_path_meets_the_optimality_conditions() -> None:
    Z, _, w = data(2)
    y = (Z @ [1.0, -0.5, 0.0, 0.05])[:, None]
    penalty, alpha = 0.1, 0.7
    fit = en.gaussian_path(Z, y, w, [0.5, penalty], alpha)[-1]
    gradient = Z.T @ (w * (y - fit.predictor(Z))[:, 0]) - penalty * (1 - alpha) * fit.coef[:, 0]
    active = fit.coef[:, 0] != 0
    np.testing.assert_allclose(gradient[active], penalty * alpha * np.sign(fit.coef[active, 0]), atol=1e-8)
    assert (np.abs(gradient[~active]) <= penalty * alpha + 1e-8).all()
    assert active.any()
    assert not active.all()


def test_the_kernel_is_its_python_twin() -> None:
    rng = np.random.default_rng(0)
    A = rng.normal(size=(30, 5))
    G, g = A.T @ A, 10 * rng.normal(size=5)
    G[4], G[:, 4] = 0.0, 0.0
    fast, slow = np.zeros(5), np.zeros(5)
    sweeps = en.solve_quadratic(G, g, fast, 2.0, 0.1, 1e-10, 500)
    assert en.solve_quadratic.py_func(G, g, slow, 2.0, 0.1, 1e-10, 500) == sweeps
    np.testing.assert_array_equal(fast, slow)
    assert fast[4] == 0
    assert en.solve_quadratic.py_func(G, g, np.zeros(5), 0.0, 0.0, 0.0, 1) == 1


@pytest.mark.parametrize("k", [2, 3])
def test_the_refit_has_no_gradient_on_its_columns(k: int) -> None:
    Z, P, w = data(k)
    start = en.null_fit(P, w, Z.shape[1], classification=True)
    support = np.zeros_like(start.coef, dtype=bool)
    support[:2] = True
    fit = relaxed.refit_logistic(Z, P, w, support, start)
    K = support.shape[1]
    gradient = Z.T @ (w[:, None] * (P - en.classify(fit.predictor(Z)))[:, -K:])
    np.testing.assert_allclose(gradient[support], 0, atol=2e-6)
    assert (fit.coef[~support] == 0).all()


def test_the_divergence_is_that_of_the_formula() -> None:
    _, P, w = data(3)
    eta = np.random.default_rng(1).normal(size=(len(P), 3))
    q = softmax(eta, axis=1)
    assert en.mean_divergence(P, w, eta) == pytest.approx(float(w @ (P * np.log(P / q)).sum(axis=1)))
    two, one = P[:, :2] / P[:, :2].sum(axis=1, keepdims=True), eta[:, :1]
    q = np.column_stack([1 - expit(one), expit(one)])
    assert en.mean_divergence(two, w, one) == pytest.approx(float(w @ (two * np.log(two / q)).sum(axis=1)))


def test_at_the_largest_penalty_nothing_moves() -> None:
    Z, P, w = data(2)
    top = en.largest_penalty(row_sums.ArraySums(Z, P, w), 1.0)
    still, moved = en.logistic_path(Z, P, w, [top * 1.0001, top * 0.99], 1.0)
    assert still.n_terms == 0
    assert moved.n_terms == 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_weight_two_is_the_row_twice(seed: int, k: int) -> None:
    Z, P, _ = data(k, seed, n=40)
    w = np.random.default_rng(seed).integers(1, 4, len(Z)).astype(float)
    twice = np.repeat(np.arange(len(Z)), w.astype(int))
    a = en.logistic_path(Z, P, w / w.sum(), [0.03], 0.8, tol=1e-10)[0]
    b = en.logistic_path(Z[twice], P[twice], np.full(len(twice), 1 / len(twice)), [0.03], 0.8, tol=1e-10)[0]
    np.testing.assert_allclose(a.coef, b.coef, atol=1e-7)


def test_a_start_far_away_ends_in_the_same_place() -> None:
    Z, P, w = data(2)
    start = en.null_fit(P, w, Z.shape[1], classification=True)
    sums, penalty = row_sums.ArraySums(Z, P, w), en.Penalty(0.01, 0.0)
    near = en.penalised(sums, start, penalty, 1e-9)
    far = en.penalised(sums, en.LinearFit(np.array([2.0]), start.coef + 1.0), penalty, 1e-9)
    np.testing.assert_allclose(near.coef, far.coef, atol=1e-6)
    support = start.coef == 0
    a = relaxed.refit_logistic(Z, P, w, support, start)
    b = relaxed.refit_logistic(Z, P, w, support, en.LinearFit(np.array([4.0]), start.coef + 2.0))
    np.testing.assert_allclose(a.coef, b.coef, atol=1e-6)


def test_a_separable_path_stops_growing() -> None:
    Z = np.linspace(-1, 1, 50)[:, None]
    P = np.column_stack([Z[:, 0] < 0, Z[:, 0] > 0]).astype(float)
    w = np.full(50, 0.02)
    fits = en.logistic_path(Z, P, w, np.geomspace(0.3, 1e-9, 60).tolist(), 1.0)
    assert np.isfinite(fits[-1].coef).all()
    assert fits[-1] is fits[-2]


def test_limit_keeps_the_strongest_and_choose_survives_a_single_fold() -> None:
    Z, _, w = data(2, n=300)
    y = (Z @ [1.0, -0.5, 0.2, 0.05])[:, None]
    problem = PenalisedProblem(Z, y, w, False, 1.0)
    penalties = penalty_grid(problem, 20)
    whole = problem.refit(problem.path(penalties, 1e-6)[-1])
    few = limit_terms(problem, problem, whole, 2, penalties)
    assert np.flatnonzero(few.coef[:, 0]).tolist() == [0, 1]
    fit, trace = choose(problem, np.zeros(300, dtype=np.intp), penalties, 0.0, True, 5)
    assert trace.explained.tolist() == [0.0] * 20
    assert fit.n_terms == 0


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("tries", [0, 1, 5])
def test_a_path_that_ends_at_twice_the_terms_chooses_what_the_whole_path_chooses(k: int, tries: int) -> None:
    Z, _, w = data(k, n=200, p=12)
    P = softmax(Z @ np.random.default_rng(1).normal(size=(12, k)), axis=1)
    problem = PenalisedProblem(Z, P, w, True, 1.0)
    penalties, folds = penalty_grid(problem, 30), content_folds(Z, 5)
    path = problem.path(penalties, 1e-4)
    early = problem.path(penalties, 1e-4, 6)
    first = next(i for i, fit in enumerate(path) if fit.n_terms >= 6)
    assert len(early) == first + 1 < len(path)
    assert (early[-1].coef == path[first].coef).all()
    whole, all_tried = choose(problem, folds, penalties, 0.005, True, tries)
    assert whole.n_terms > 3
    fit, trace = choose(problem, folds, penalties, 0.005, True, tries, max_terms=3)
    assert len(trace.penalty) < len(all_tried.penalty)
    part = problem.rows(folds >= 0)
    short, long = (limit_terms(problem, part, f, 3, penalties) for f in (fit, whole))
    np.testing.assert_allclose(short.coef, long.coef)
    assert 0 < short.n_terms <= 3


def test_equal_rows_share_a_fold_and_seeds_differ() -> None:
    X = np.random.default_rng(0).normal(size=(50, 2))
    doubled = np.repeat(X, 2, axis=0)
    folds = content_folds(doubled, 5)
    assert (folds[::2] == folds[1::2]).all()
    assert np.bincount(folds).tolist() == [20] * 5
    assert (content_folds(doubled[::-1], 5)[::-1] == folds).all()
    assert (content_rank(X, 1) != content_rank(X, 2)).any()
