"""Gymnasium's own tasks: their names, their time limits, their digits, and trees that balance and climb."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="needs gymnasium: pip install 'explaindistill[rl]'")

import explaindistill as xd  # noqa: E402 - after the skip
from explaindistill.distillation.policies.acting import RandomPolicy, TeacherPolicy  # noqa: E402
from explaindistill.distillation.policies.environments import EnvironmentSource  # noqa: E402
from explaindistill.distillation.policies.episodes import run_episodes  # noqa: E402
from explaindistill.distillation.policies.known import KNOWN  # noqa: E402
from explaindistill.errors import InvalidInputError  # noqa: E402

SETTINGS = {"n_rounds": 2, "n_episodes": 8, "n_held_out": 10, "random_state": 0}


def balance(S):
    return (S @ np.array([0.1, 0.5, 10.0, 2.0]) > 0).astype(int)


def climb(S):
    return np.where(S[:, 1] < 0, 0, 2)


@pytest.mark.parametrize(
    "task", ["CartPole-v1", "MountainCar-v0", "Acrobot-v1", "Pendulum-v1", "MountainCarContinuous-v0"]
)
def test_known_names_fit_the_task(task):
    source = EnvironmentSource.of(task)
    assert source.names == KNOWN[task.rpartition("-v")[0]].names
    assert source.limit == gymnasium.spec(task).max_episode_steps
    run = run_episodes(source, RandomPolicy(source.actions, 0), [1])
    assert run.states.shape[1] == len(source.names)
    source.close()


@pytest.mark.parametrize("task", ["LunarLander-v3", "LunarLanderContinuous-v3"])
def test_the_lander(task):
    pytest.importorskip("Box2D", reason="needs Box2D: pip install 'explaindistill[rl]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Box2D's bindings, when they are loaded
        source = EnvironmentSource.of(task)
    assert len(source.names) == 8
    assert run_episodes(source, RandomPolicy(source.actions, 0), [1]).ending[0] == "terminated"
    source.close()


def test_a_tree_balances_and_says_how(tmp_path):
    student = xd.PolicyDistiller(balance, xd.TreeClassifier(max_leaf_nodes=8), "CartPole-v1", **SETTINGS).fit()
    assert student.score(n_episodes=20) > 400
    text = student.describe()
    assert "angular_velocity" in text
    assert "push left" in text
    assert "angle in rad" in text
    audit = xd.audit_policy(balance, {"tree": student}, "CartPole-v1", unsafe=lambda s: abs(s["angle"]) > 0.2,
                            n_episodes=20, noise=())  # fmt: skip
    assert set(audit.frames["unsafe"]["subject"]) == {"teacher", "tree"}
    assert "<svg" in audit.save(tmp_path / "policy.html").read_text("utf-8")


def test_a_tree_climbs_and_acts_in_gymnasiums_own_loop():
    student = xd.PolicyDistiller(climb, xd.TreeClassifier(max_leaf_nodes=4), "MountainCar-v0", **SETTINGS).fit()
    env = gymnasium.make("MountainCar-v0")
    state, _ = env.reset(seed=1)
    total, over = 0.0, False
    while not over:
        state, reward, terminated, truncated, _ = env.step(student.act(state))
        total, over = total + reward, terminated or truncated
    source = EnvironmentSource.of("MountainCar-v0")
    run = run_episodes(source, student._student_policy(), [1])
    assert total == run.returns[0] > -200
    assert run.ending[0] == "terminated"


def test_episodes_do_not_depend_on_how_many_run_beside():
    source = EnvironmentSource.of("Acrobot-v1", max_episode_steps=60)
    seeds = list(range(1, 150, 2))
    policy = TeacherPolicy(lambda S: np.where(S[:, 4] > 0, 2, 0), source.actions)
    together = run_episodes(source, policy, seeds)  # more than run side by side at once
    alone = [run_episodes(source, policy, [seed]).returns[0] for seed in seeds[::20]]
    assert together.returns[::20].tolist() == alone


def test_chance_of_an_environment_follows_its_seed():
    """Frozen lake slips by chance, from the generator that the seed decides; its state is one whole number."""
    source = EnvironmentSource.of("FrozenLake-v1")
    policy = TeacherPolicy(lambda S: np.full(len(S), 2), source.actions)
    first, second = (run_episodes(source, policy, [1, 3, 5]) for _ in range(2))
    assert first.states.tolist() == second.states.tolist()
    assert source.names == ("state_0",)


def test_a_task_that_tells_which_actions_are_valid():
    newest = max(name for name in gymnasium.registry if name.startswith("Taxi-v"))
    source = EnvironmentSource.of(newest, max_episode_steps=20)
    run = run_episodes(source, RandomPolicy(source.actions, 0), [1, 3])
    assert run.masks.shape == (40, 6)
    assert run.masks[np.arange(40), run.actions].all()


def test_a_name_that_is_not_registered():
    with pytest.raises(InvalidInputError, match="must name a registered environment, got 'Cartpole-v1'"):
        EnvironmentSource.of("Cartpole-v1")


def test_a_vector_environment_is_refused():
    with pytest.raises(InvalidInputError, match="got the vector SyncVectorEnv"):
        EnvironmentSource.of(lambda: gymnasium.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync"))
