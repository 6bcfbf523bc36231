"""The kernels of model trees against slow twins."""

import numpy as np
import pytest

from explaindistill.numerics.model_trees.gram_splits import (
    CutCosts,
    _eliminate,
    _merge,
    best_cut,
    empty_sums,
    gram_by_bin,
    term_chain,
)
from explaindistill.numerics.model_trees.leaf_models import (
    LinearTree,
    LinearTreeProblem,
    mean_loss,
    refit,
    respond,
)


def small(seed=0, n=60, m=3, K=2, bins=5):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, bins, n).astype(np.uint8)
    X = np.c_[np.ones(n), rng.normal(size=(n, m - 1))]
    return codes, X, rng.normal(size=(n, K)), rng.random((n, K)) + 0.1, np.ones(n)


def functions(kernel):
    """The compiled kernel and its Python twin; inner kernels stay compiled."""
    return [kernel, getattr(kernel, "py_func", kernel)]


@pytest.mark.parametrize("run", functions(gram_by_bin))
def test_gram_by_bin_is_the_sum_of_outer_products(run):
    codes, X, g, h, count = small()
    A, b, n = sums = empty_sums(256, 2, 3)
    run(codes, X, g, h, count, sums)
    for c in range(5):
        mine = codes == c
        for k in range(2):
            whole = (X[mine] * h[mine, k : k + 1]).T @ X[mine]
            np.testing.assert_allclose(A[c, k], np.tril(whole))
            np.testing.assert_allclose(b[c, k], X[mine].T @ g[mine, k])
        assert n[c] == mine.sum()


@pytest.mark.parametrize("run", functions(term_chain))
def test_chain_gains_sum_to_the_ridge_solution(run):
    codes, X, g, h, count = small(K=1)
    A, b, _ = sums = empty_sums(256, 1, 3)
    gram_by_bin(codes, X, g, h, count, sums)
    low, rhs = A.sum(axis=0)[0], b.sum(axis=0)[0]
    whole = low + np.tril(low, -1).T + 0.5 * np.eye(3)
    gains, picks = np.zeros(3), np.full(2, -1)
    run(low.copy(), rhs.copy(), 0.5, np.ones(3, dtype=bool), 0, gains, picks)
    assert sorted(picks) == [1, 2]
    assert gains.sum() == pytest.approx(0.5 * rhs @ np.linalg.solve(whole, rhs))
    first = whole[:2, :2] if picks[0] == 1 else whole[np.ix_([0, 2], [0, 2])]
    part = rhs[[0, picks[0]]]
    assert gains[:2].sum() == pytest.approx(0.5 * part @ np.linalg.solve(first, part))


@pytest.mark.parametrize("run", functions(term_chain))
def test_chain_keeps_to_its_room(run):
    codes, X, g, h, count = small(K=1)
    A, b, _ = sums = empty_sums(256, 1, 3)
    gram_by_bin(codes, X, g, h, count, sums)
    gains, picks = np.zeros(3), np.full(2, -1)
    run(A.sum(axis=0)[0], b.sum(axis=0)[0], 0.5, np.array([True, False, False]), 1, gains, picks)
    assert picks[0] > 0
    assert picks[1] == -1


@pytest.mark.parametrize("run", functions(best_cut))
@pytest.mark.parametrize("missing", [False, True])
def test_best_cut_is_the_best_of_all(run, missing):
    codes, X, g, h, count = small(seed=3, K=1)
    if missing:
        codes[:9] = 254
    sums = empty_sums(256, 1, 3)
    gram_by_bin(codes, X, g, h, count, sums)
    at = np.array([0, 1, 2, 3, 4, 254])
    out = np.zeros(4)
    free = np.ones(3, dtype=bool)
    costs = CutCosts(1.0, np.inf, 5.0, 1e-9, free, 0, 2)
    run(sums.at(at), int(missing), np.ones(5), False, costs, out)

    def gain(rows, columns):
        B = X[rows][:, columns]
        rhs = B.T @ g[rows, 0]
        return 0.5 * rhs @ np.linalg.solve((B * h[rows]).T @ B + 1e-9 * np.eye(len(columns)), rhs)

    best = 0.0
    for cut in range(5):
        for side in (False, True) if missing else (False,):
            left = (codes <= cut) | (side & (codes == 254))
            if min(left.sum(), (~left).sum()) < 5:
                continue
            chains = []
            for half in (left, ~left):
                steps, columns = [gain(half, [0])], [0]
                while len(columns) < 3:
                    t = max((t for t in (1, 2) if t not in columns), key=lambda t: gain(half, [*columns, t]))
                    steps.append(gain(half, [*columns, t]) - sum(steps))
                    columns.append(t)
                chains.append(steps)
            for i in range(3):
                for j in range(3):
                    total = sum(chains[0][: i + 1]) + sum(chains[1][: j + 1])
                    best = max(best, total / (3 + i + j))
    assert out[0] == pytest.approx(best)


@pytest.mark.parametrize("run", functions(best_cut))
def test_a_cut_beyond_the_budget_is_left_out(run):
    codes, X, g, h, count = small(K=1)
    sums = empty_sums(256, 1, 3)
    gram_by_bin(codes, X, g, h, count, sums)
    at, out = np.array([0, 1, 2, 3, 4, 254]), np.zeros(4)
    costs = CutCosts(1.0, 8.0, 1.0, 1e-9, np.ones(3, dtype=bool), 0, 2)
    run(sums.at(at), 0, np.full(5, 9.0), True, costs, out)
    assert out[0] == 0


@pytest.mark.parametrize("loss", ["binary", "softmax", "squared"])
def test_refit_finds_the_minimum(loss):
    rng = np.random.default_rng(0)
    n, K = 80, 1 if loss == "binary" else 3
    Z = np.c_[rng.normal(size=(n, 2)), np.ones(n)]
    Y = respond(rng.normal(size=(n, K)), loss)
    problem = LinearTreeProblem(Z, Y, np.full(n, 1 / n), np.ones(n), loss, 1e-3)
    model = LinearTree({0: np.arange(n)}, 2)
    for k in range(K):
        model.add(0, 2, k)
        model.add(0, 0, k)
    value = refit(problem, model, 50, 1e-14)

    def objective(beta):
        eta = np.stack([Z[:, [2, 0]] @ beta[2 * k : 2 * k + 2] for k in range(K)], axis=1)
        ridge = np.tile([1e-8, 1e-3], K)
        return mean_loss(eta, Y, problem.weight, loss) + 0.5 * ridge @ beta**2

    assert value == pytest.approx(objective(model.beta))
    for j in range(2 * K):
        for step in (-1e-3, 1e-3):
            assert objective(model.beta + step * np.eye(2 * K)[j]) > value


def test_push_down_changes_no_predictor():
    rng = np.random.default_rng(0)
    Z = np.c_[rng.normal(size=(20, 1)), np.ones(20)]
    model = LinearTree({0: np.arange(20)}, 1)
    model.add(0, 1, 0, 0.3)
    model.add(0, 0, 0, 2.0)
    model.split(0, 0, np.zeros(256, dtype=bool), 2.0, np.arange(10), np.arange(10, 20))
    model.add(1, 0, 0, 0.5)
    model.add(2, 0, 0, -1.0)

    def slope(leaf):
        return sum(model.beta[j] for j in model.coefficients(leaf) if model.term[j] == 0)

    before = slope(1), slope(2)
    model.push_down()
    assert (slope(1), slope(2)) == pytest.approx(before)
    assert len(model.beta) == 3
    assert Z.shape == (20, 2)


@pytest.mark.parametrize("run", functions(_eliminate))
def test_elimination_is_the_schur_complement(run):
    rng = np.random.default_rng(1)
    B = rng.normal(size=(9, 3))
    whole, rhs = B.T @ B, rng.normal(size=3)
    A, b = np.tril(whole), rhs.copy()
    run(A, b, 1)
    rest = [0, 2]
    schur = whole[np.ix_(rest, rest)] - np.outer(whole[rest, 1], whole[1, rest]) / whole[1, 1]
    np.testing.assert_allclose(A[np.ix_(rest, rest)], np.tril(schur), atol=1e-12)
    np.testing.assert_allclose(b[rest], rhs[rest] - whole[rest, 1] * rhs[1] / whole[1, 1])


@pytest.mark.parametrize("run", functions(_merge))
def test_merging_takes_the_best_next_term(run):
    gains = np.array([[3.0, 2.0, 0.5], [1.0, 5.0, 4.0]])
    score, terms = run(gains, 2.0, 4)
    assert (score, terms) == (pytest.approx(13.0 / 4.0), 2)
    assert run(gains, 2.0, 0) == (2.0, 0)
    assert run(np.zeros((2, 2)), 2.0, 2) == (0.0, 0)
