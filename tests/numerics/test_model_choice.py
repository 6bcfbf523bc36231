"""How much of a budget is used: held-out paths see nothing of the rows held out, and the least loss is found."""

from dataclasses import replace

import numpy as np
import pytest

from explaindistill.numerics.leaf_models import Problem, mean_loss
from explaindistill.numerics.model_choice import chosen_limits, held_out_path, least_loss, shapes
from explaindistill.numerics.model_growth import grow_model_tree
from explaindistill.numerics.model_state import Limits, State, Table, n_parameters

LIMITS = Limits(leaves=4, depth=9, leaf_rows=5.0, leaf_terms=9, parameters=30.0, gain=1e-6)


def made(eta, X, loss="binary"):
    n, p = X.shape
    codes = np.stack([np.searchsorted(np.unique(x), x) for x in X.T], axis=1).astype(np.uint8)
    sizes = [np.ones(len(np.unique(x))) for x in X.T]
    table = Table(
        np.asfortranarray(codes), [len(s) for s in sizes], [False] * p, sizes, np.arange(p), lambda f: X[:, f]
    )
    spread = X.std(axis=0)
    design = np.ascontiguousarray(np.c_[(X - X.mean(axis=0)) / spread, np.ones(n)])
    targets = 1 / (1 + np.exp(-eta)) if loss == "binary" else eta
    return Problem(design, targets[:, None], np.full(n, 1 / n), np.ones(n), loss, 1 / n), table


def grid(n=240, p=3, seed=0):
    return np.random.default_rng(seed).integers(-10, 11, (n, p)).astype(float)


def test_a_path_is_the_growth_on_the_other_rows_measured_on_the_held_out():
    X = grid()
    problem, table = made(X[:, 0] / 5 + np.where(X[:, 1] > 0, 2, -2), X)
    held = np.arange(len(X)) % 3 == 0
    path = held_out_path(problem, table, LIMITS, held)
    seen = replace(
        problem,
        weight=np.where(held, 0, problem.weight) / problem.weight[~held].sum(),
        count=np.where(held, 0.0, 1.0),
        ridge=problem.ridge * len(X) / (~held).sum(),
    )
    model = grow_model_tree(seen, table, LIMITS)
    assert path[-1][0] == n_parameters(model, problem.n_terms, 1)
    last = mean_loss(State(seen, model).eta[held], problem.targets[held], problem.weight[held], "binary")
    assert path[-1][1] == pytest.approx(last, rel=1e-3)
    assert [size for size, _ in path] == sorted(size for size, _ in path)
    assert path[-1][1] < path[0][1]


def test_held_out_labels_do_not_steer_the_growth():
    X = grid()
    problem, table = made(X[:, 0] / 5, X)
    held = np.arange(len(X)) % 4 == 1
    other = problem.targets.copy()
    other[held] = 1 - other[held]
    paths = [held_out_path(replace(problem, targets=t), table, LIMITS, held) for t in (problem.targets, other)]
    assert [size for size, _ in paths[0]] == [size for size, _ in paths[1]]
    assert paths[1][-1][1] > paths[0][-1][1]


def test_least_loss_is_that_of_a_slow_twin():
    rng = np.random.default_rng(1)
    paths = [sorted((float(s), float(rng.random())) for s in rng.integers(1, 30, 6)) for _ in range(3)]
    first = max(p[0][0] for p in paths)
    sizes = sorted({s for p in paths for s, _ in p if s >= first})
    slow = [sum([loss for s, loss in p if s <= size][-1] for p in paths) for size in sizes]
    size, loss = least_loss(paths)
    assert loss == pytest.approx(min(slow))
    assert size == sizes[int(np.argmin(slow))]


def test_noise_is_left_alone():
    X = grid(120)
    noise = np.random.default_rng(2).normal(size=len(X))
    problem, table = made(noise, X, "squared")
    folds = np.arange(len(X)) % 3
    chosen = chosen_limits(problem, table, LIMITS, folds)
    free = grow_model_tree(problem, table, LIMITS)
    kept = grow_model_tree(problem, table, chosen)
    assert n_parameters(kept, 3, 1) <= 3
    assert n_parameters(free, 3, 1) > 12


def test_the_shape_that_fits_is_taken():
    X = grid(300)
    folds = np.arange(len(X)) % 3
    straight, table = made(X[:, 0] / 4 - X[:, 1] / 3, X)
    assert chosen_limits(straight, table, LIMITS, folds).parameters >= 3
    steps, table = made(np.where(X[:, 0] > 2, 2.0, -1.0), X, "squared")
    grown = grow_model_tree(steps, table, chosen_limits(steps, table, LIMITS, folds))
    assert len(grown.members) == 2
    assert n_parameters(grown, 3, 1) == 4


def test_shapes_and_folds_without_a_choice():
    assert shapes(replace(LIMITS, leaves=1)) == [replace(LIMITS, leaves=1)]
    assert shapes(replace(LIMITS, leaf_terms=0)) == [replace(LIMITS, leaf_terms=0)]
    assert [s.leaves for s in shapes(LIMITS)] == [4, 1, 4]
    assert [s.leaf_terms for s in shapes(LIMITS)] == [9, 9, 0]
    X = grid(30)
    problem, table = made(X[:, 0], X)
    assert chosen_limits(problem, table, LIMITS, np.full(30, -1)) is LIMITS
    assert chosen_limits(problem, table, LIMITS, np.zeros(30, dtype=int)) is LIMITS
