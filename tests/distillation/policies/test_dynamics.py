"""Tasks written as functions run as their environments do, and say what is wrong with them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import explaindistill as xd
from explaindistill.distillation.policies.acting import TeacherPolicy
from explaindistill.distillation.policies.dynamics import KnownDynamics
from explaindistill.distillation.policies.environments import EnvironmentSource
from explaindistill.distillation.policies.episodes import Spending, run_episodes
from explaindistill.errors import InvalidInputError


def start(seeds):
    rows = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        rows.append([float(rng.integers(0, 11)), rng.normal()])
    return np.array(rows)


def step(S, a):
    after = S + np.column_stack([2 * a - 1, 0 * a])
    return after, -np.ones(len(S)), after[:, 0] == 5


def known(**more):
    return KnownDynamics(start, step, SimpleNamespace(n=2), 40, **({"names": ["place", "idle"]} | more))


@pytest.mark.parametrize("noise", [None, np.array([2.0, 0.0])])
@pytest.mark.parametrize("budget", [None, 60])
def test_functions_and_environment_run_alike(walk, noise, budget):
    make, teacher = walk
    runs = []
    for env in (make, known()):
        source = EnvironmentSource.of(env, max_episode_steps=40)
        spending = Spending(max_steps=budget)
        runs.append(
            run_episodes(source, TeacherPolicy(teacher, source.actions), list(range(1, 40, 2)), spending, noise=noise)
        )
        assert spending.n_steps == len(runs[-1].states)
    first, second = runs
    for name in ("states", "actions", "rewards", "episode", "step", "ending", "last"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name
    assert np.array_equal(first.returns, second.returns, equal_nan=True)


def test_a_student_learns_from_functions(walk, settings):
    both = [
        xd.PolicyDistiller(walk[1], xd.TreeClassifier(max_leaf_nodes=2), env, names=["place", "idle"], **settings).fit()
        for env in (walk[0], known())
    ]
    assert both[0].student_.to_dict() == both[1].student_.to_dict()
    assert both[0].score(n_episodes=20) == both[1].score(n_episodes=20)


def test_what_is_seen_may_be_less():
    source = EnvironmentSource.of(known(observe=lambda S: S[:, :1], names=["place"]))
    assert run_episodes(source, TeacherPolicy(lambda S: S[:, 0] < 5, source.actions), [1]).states.shape[1] == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"start": lambda seeds: np.zeros(len(seeds))}, "one row of finite numbers per seed"),
        ({"start": lambda seeds: np.random.uniform(size=(len(seeds), 2))}, "start alike"),  # noqa: NPY002
        ({"step": lambda S, a: (S[:, :1], np.zeros(len(S)), np.zeros(len(S)))}, "step must give states"),
        ({"step": lambda S, a: (S * np.nan, np.zeros(len(S)), np.zeros(len(S)))}, "NaN or infinity"),
    ],
)
def test_faults_are_named(more, message):
    parts = {"start": start, "step": step, "action_space": SimpleNamespace(n=2), "max_episode_steps": 9} | more
    task = KnownDynamics(**parts)

    def run():
        source = EnvironmentSource.of(task)
        return run_episodes(source, TeacherPolicy(lambda S: S[:, 0] < 5, source.actions), [1])

    with pytest.raises(InvalidInputError, match=message):
        run()
