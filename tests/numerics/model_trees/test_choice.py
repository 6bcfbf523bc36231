"""How much of a budget is used: held-out paths see nothing of the rows held out, and the least loss is found."""

from dataclasses import replace

import numpy as np
import pytest

from explaindistill.numerics.model_trees.choice import (
    BATCHES,
    chosen,
    held_out_growth,
    held_out_sparse,
    least_loss,
    shapes,
)
from explaindistill.numerics.model_trees.growth import grow_model_tree
from explaindistill.numerics.model_trees.leaf_models import LinearTreeProblem, mean_loss
from explaindistill.numerics.model_trees.sparse_model import sparse_model, without
from explaindistill.numerics.model_trees.state import (
    GrowthState,
    LinearTreeLimits,
    SplitColumns,
    n_parameters,
)

LIMITS = LinearTreeLimits(leaves=4, depth=9, leaf_rows=5.0, leaf_terms=9, parameters=30.0, gain=1e-6)


def made(eta, X, loss="binary"):
    n, p = X.shape
    codes = np.stack([np.searchsorted(np.unique(x), x) for x in X.T], axis=1).astype(np.uint8)
    sizes = [np.ones(len(np.unique(x))) for x in X.T]
    table = SplitColumns(
        np.asfortranarray(codes), [len(s) for s in sizes], [False] * p, sizes, np.arange(p), lambda f: X[:, f]
    )
    spread = X.std(axis=0)
    design = np.ascontiguousarray(np.c_[(X - X.mean(axis=0)) / spread, np.ones(n)])
    targets = 1 / (1 + np.exp(-eta)) if loss == "binary" else eta
    return LinearTreeProblem(design, targets[:, None], np.full(n, 1 / n), np.ones(n), loss, 1 / n), table


def grid(n=240, p=3, seed=0):
    return np.random.default_rng(seed).integers(-10, 11, (n, p)).astype(float)


def test_a_path_is_the_growth_on_the_other_rows_measured_on_the_held_out():
    X = grid()
    problem, table = made(X[:, 0] / 5 + np.where(X[:, 1] > 0, 2, -2), X)
    held = np.arange(len(X)) % 3 == 0
    path = held_out_growth(problem, table, LIMITS, held)
    seen = replace(
        problem,
        weight=np.where(held, 0, problem.weight) / problem.weight[~held].sum(),
        count=np.where(held, 0.0, 1.0),
        ridge=problem.ridge * len(X) / (~held).sum(),
    )
    model = grow_model_tree(seen, table, LIMITS)
    assert path[-1][0] == n_parameters(model, problem.n_terms, 1)
    last = mean_loss(GrowthState(seen, model).eta[held], problem.targets[held], problem.weight[held], "binary")
    assert path[-1][1].tolist() == pytest.approx([last], rel=1e-3)
    assert [size for size, _ in path] == sorted(size for size, _ in path)
    assert path[-1][1] < path[0][1]


def test_held_out_labels_do_not_steer_the_growth():
    X = grid()
    problem, table = made(X[:, 0] / 5, X)
    held = np.arange(len(X)) % 4 == 1
    other = problem.targets.copy()
    other[held] = 1 - other[held]
    paths = [held_out_growth(replace(problem, targets=t), table, LIMITS, held) for t in (problem.targets, other)]
    assert [size for size, _ in paths[0]] == [size for size, _ in paths[1]]
    assert paths[1][-1][1] > paths[0][-1][1]


def test_batches_add_up_to_the_held_out_loss():
    X = grid()
    problem, table = made(X[:, 0] / 5, X)
    held = np.arange(len(X)) % 3 == 0
    batch = np.arange(len(X)) // 3 % BATCHES
    whole, parts = (held_out_growth(problem, table, LIMITS, held, batch=b) for b in (None, batch))
    for (size, loss), (same, losses) in zip(whole, parts, strict=True):
        assert size == same
        assert losses.shape == (BATCHES,)
        assert losses.sum() == pytest.approx(loss[0])
    apart = held & (batch == 7)
    other = problem.targets.copy()
    other[apart] = 1 - other[apart]
    moved = held_out_growth(replace(problem, targets=other), table, LIMITS, held, batch=batch)[-1][1]
    assert np.flatnonzero(moved != parts[-1][1]).tolist() == [7]


def test_least_loss_is_that_of_a_slow_twin():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        paths = [
            [(float(s), rng.random(2)) for s in sorted(rng.choice(np.arange(1, 30), 6, replace=False))]
            for _ in range(3)
        ]
        first = max(p[0][0] for p in paths)
        sizes = sorted({s for p in paths for s, _ in p if s >= first})
        slow = [sum([loss.sum() for s, loss in p if s <= size][-1] for p in paths) for size in sizes]
        size, losses = least_loss(paths)
        assert losses.sum() == pytest.approx(min(slow))
        assert losses.shape == (6,)
        assert size == sizes[int(np.argmin(slow))]


def test_a_size_that_some_path_does_not_have_yet_is_not_taken():
    early, late = np.array([0.0]), np.array([9.0])
    size, _ = least_loss([[(1.0, early), (5.0, late)], [(3.0, late), (5.0, late)]])
    assert size == 3.0


def test_noise_is_left_alone():
    X = grid(120)
    noise = np.random.default_rng(2).normal(size=len(X))
    problem, table = made(noise, X, "squared")
    free = grow_model_tree(problem, table, LIMITS)
    choice = chosen(problem, table, LIMITS, np.arange(len(X)), 3)
    kept = sparse_model(problem, LIMITS, np.arange(len(X)) % 5) if choice.sparse else None
    kept = kept or grow_model_tree(problem, table, choice.limits)
    assert n_parameters(kept, 3, 1) <= 3
    assert n_parameters(free, 3, 1) > 12


def test_the_shape_that_fits_is_taken():
    X = grid(300)
    rank = np.random.default_rng(1).permutation(300)
    straight, table = made(X[:, 0] / 4 - X[:, 1] / 3, X)
    assert chosen(straight, table, LIMITS, rank, 3).limits.leaves == 1
    steps, table = made(np.where(X[:, 0] > 2, 2.0, -1.0), X, "squared")
    choice = chosen(steps, table, LIMITS, rank, 3)
    assert not choice.sparse
    grown = grow_model_tree(steps, table, choice.limits)
    assert len(grown.members) == 2
    assert n_parameters(grown, 3, 1) == 4


def test_splits_must_gain_more_than_chance():
    taken = []
    for seed in range(8):
        X = grid(240, seed=seed)
        rng = np.random.default_rng(seed)
        faint = X[:, 0] / 5 + np.where(X[:, 1] > 0, 0.15, -0.15) * np.sign(X[:, 2]) + rng.normal(size=240)
        problem, table = made(faint, X, "squared")
        rank = rng.permutation(240)
        choice = chosen(problem, table, LIMITS, rank, 3)
        taken.append(choice.limits.leaves > 1 and not choice.sparse)
        loud, table = made(faint + 3 * np.sign(X[:, 1] * X[:, 2]), X, "squared")
        assert chosen(loud, table, LIMITS, rank, 3).limits.leaves > 1
    assert sum(taken) <= 1


def test_the_lasso_wins_where_many_terms_are_weak():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(150, 60)).round(1)
    problem, table = made(X @ rng.normal(size=60) * 0.15 + 0.5 * rng.normal(size=150), X, "squared")
    limits = replace(LIMITS, leaf_terms=60, parameters=90.0)
    rank = rng.permutation(150)
    assert chosen(problem, table, limits, rank, 3).sparse
    assert not chosen(problem, table, limits, rank, 3, lasso=False).sparse
    assert not chosen(problem, table, replace(limits, leaf_terms=0), rank, 3).sparse


def test_the_lasso_is_held_out_too():
    rng = np.random.default_rng(6)
    X = grid(200)
    problem, _ = made(X[:, 0] / 4 + rng.normal(size=200), X, "squared")
    held, batch = np.arange(200) % 3 == 0, np.arange(200) // 3 % BATCHES
    losses = held_out_sparse(problem, LIMITS, held, batch)
    model = sparse_model(without(problem, held), LIMITS, batch[~held] % 5)
    eta = problem.design[:, model.term] @ model.beta
    loss = 0.5 * problem.weight * (problem.targets[:, 0] - eta) ** 2
    assert losses == pytest.approx(np.bincount(batch[held], loss[held], minlength=BATCHES))


@pytest.mark.parametrize(("loss", "free"), [("binary", 1), ("squared", 1), ("softmax", 2)])
def test_a_sparse_model_keeps_its_budget(loss, free):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(400, 12))
    eta = X @ rng.normal(size=12)
    problem, _ = made(eta, X, "squared" if loss == "squared" else "binary")
    if loss == "softmax":
        scores = np.stack([eta, -eta, X[:, 0]], axis=1)
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        problem = replace(problem, targets=shares, loss="softmax")
    folds = np.arange(400) % 5
    whole = sparse_model(problem, replace(LIMITS, leaf_terms=99, parameters=np.inf), folds)
    assert n_parameters(whole, 12, free) >= 12
    for budget, terms in ((9.0, 99), (99.0, 4), (2.0, 99), (1.0, 99)):
        if budget < free:
            continue
        small = sparse_model(problem, replace(LIMITS, leaf_terms=terms, parameters=budget), folds)
        assert n_parameters(small, 12, free) <= budget
        assert len(set(small.term) - {12}) <= terms
        assert (loss == "softmax" and budget < 4) or n_parameters(small, 12, free) > free or budget == 1
    # the strongest column stays
    assert int(np.abs(np.corrcoef(X.T, eta)[-1, :-1]).argmax()) in small.term or budget == 1


def test_a_linear_teacher_is_found_by_the_sparse_model():
    X = grid(300)
    problem, _ = made(X[:, 0] / 2 - X[:, 1] / 3 + 5, X, "squared")
    model = sparse_model(problem, LIMITS, np.arange(300) % 5)
    np.testing.assert_allclose(problem.design[:, model.term] @ model.beta, problem.targets[:, 0], atol=1e-4)
    assert sorted(model.term) == [0, 1, 3]


def test_shapes_and_folds_without_a_choice():
    assert shapes(replace(LIMITS, leaves=1)) == [replace(LIMITS, leaves=1)]
    assert shapes(replace(LIMITS, leaf_terms=0)) == [replace(LIMITS, leaf_terms=0)]
    assert [s.leaves for s in shapes(LIMITS)] == [4, 1, 4]
    assert [s.leaf_terms for s in shapes(LIMITS)] == [9, 9, 0]
    X = grid(30)
    problem, table = made(X[:, 0], X)
    same = chosen(problem, table, LIMITS, 3 * np.arange(30), 3)  # every row falls into one fold
    assert same.limits is LIMITS
    assert not same.sparse
