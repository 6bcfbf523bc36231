"""Terms of several outputs: all coefficients where rows can tell, the few of the penalty where they cannot."""

import numpy as np
import pytest

from explaindistill.numerics.linear.penalty_choice import PenalisedProblem, limit_terms, penalty_grid, standardise
from explaindistill.numerics.linear.whole_terms import whole_terms


def problem(n, p, k, seed, used=None, noise=0.0, classification=True):
    """Standardised columns and answers that depend on the first ``used`` of them, for every output."""
    rng = np.random.default_rng(seed)
    w = np.full(n, 1 / n)
    Z = standardise(rng.normal(size=(n, p)), w)[0]
    beta = np.where(np.arange(p)[:, None] < (used or p), rng.normal(size=(p, k)), 0.0)
    eta = Z @ beta + noise * rng.normal(size=(n, k))
    P = np.exp(eta - eta.max(axis=1, keepdims=True))
    return PenalisedProblem(Z, P / P.sum(axis=1, keepdims=True) if classification else eta, w, classification, 1.0)


@pytest.mark.parametrize("classification", [True, False])
def test_columns_that_count_keep_the_coefficients_of_all_outputs(classification):
    rows = problem(600, 12, 5, 0, used=4, classification=classification)
    grid = penalty_grid(rows, 30)
    sparse = limit_terms(rows, rows, rows.at(grid[-1], rows.null(), 1e-6), 4, grid)
    whole = whole_terms(rows, rows, sparse, 4, grid)
    np.testing.assert_array_equal((whole.coef != 0).sum(axis=1), [5] * 4 + [0] * 8)
    assert rows.loss(whole) < 1e-6
    assert rows.loss(whole) <= rows.loss(sparse)


def test_of_columns_with_other_terms_the_limit_holds_and_more_is_explained():
    rows = problem(800, 30, 6, 1)
    grid = penalty_grid(rows, 30)
    sparse = limit_terms(rows, rows, rows.at(grid[-1], rows.null(), 1e-6), 7, grid)
    whole = whole_terms(rows, rows, sparse, 7, grid)
    assert whole.n_terms == 7
    assert rows.loss(whole) < 0.9 * rows.loss(sparse)


def test_where_rows_cannot_tell_the_sparse_terms_stay():
    rows = problem(40, 25, 8, 2, used=1, noise=3.0)
    grid = penalty_grid(rows, 30)
    sparse = limit_terms(rows, rows, rows.at(grid[12], rows.null(), 1e-6), 6, grid)
    assert whole_terms(rows, rows, sparse, 6, grid) is sparse


def test_too_few_rows_to_judge_and_no_term():
    few = problem(2, 3, 3, 3)
    assert whole_terms(few, few, few.null(), 1, np.array([0.1])).n_terms == 0
    rows = problem(90, 4, 3, 4)
    assert whole_terms(rows, rows, rows.null(), 0, penalty_grid(rows, 10)).n_terms == 0
