"""One cell of the benchmark of policies: all students of one size and seed, and their returns on the same episodes."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import _policy_teachers as teachers
import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from explaindistill import ModelTreeRegressor, PolicyDistiller, TreeClassifier
from explaindistill.distillation.policies.acting import RandomPolicy, StudentPolicy, TeacherPolicy
from explaindistill.distillation.policies.environments import EnvironmentSource
from explaindistill.distillation.policies.episodes import run_episodes


class WithQ:
    """A teacher that says what actions are worth."""

    def __init__(self, q_values):
        self.q_values = q_values


TEACHERS = {
    "CartPole-v1": teachers.Balance,
    "MountainCar-v0": lambda: WithQ(teachers.mountain_car()),
    "Acrobot-v1": lambda: WithQ(teachers.acrobot()),
    "LunarLander-v3": lambda: teachers.lunar_lander,
    "Pendulum-v1": lambda: teachers.pendulum,
}
SIZES = {
    "CartPole-v1": (8,),
    "MountainCar-v0": (8, 16),
    "Acrobot-v1": (8, 16),
    "Pendulum-v1": (8,),
    "LunarLander-v3": (32, 64),
}
EPISODES = 100


@cache
def teacher_of(env: str) -> Any:
    """The teacher, made once."""
    return TEACHERS[env]()


def students(env: str, leaves: int) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Student and settings by name; all run the same rounds but cloning, which has one."""
    if env == "Pendulum-v1":
        ours, cart = ModelTreeRegressor(max_leaf_nodes=leaves), DecisionTreeRegressor(max_leaf_nodes=leaves)
        return {"ours": (ours, {}), "cloning": (ours, {"n_rounds": 1}), "CART": (cart, {})}
    ours = TreeClassifier(max_leaf_nodes=leaves)
    cart = DecisionTreeClassifier(max_leaf_nodes=leaves, random_state=0)
    none: dict[str, Any] = {"weights": "none"}
    if env == "LunarLander-v3":  # differences that the user names: what turns the lander, and what lets it fall
        turn = {"lean": ("x_velocity", "-", "angle"), "turn": ("lean", "-", "angular_velocity")}
        named = {"combined": turn | {"fall": ("y", "+", "y_velocity")}}
        return {"ours": (ours, named), "cloning": (ours, named | {"n_rounds": 1}), "CART": (cart, named)}
    peers = {"cloning": (ours, none | {"n_rounds": 1}), "CART": (cart, {}), "unweighted": (ours, none)}
    return {"ours": (ours, {}), **peers}


def cell(env: str, leaves: int, seed: int, quick: bool) -> list[dict[str, Any]]:
    """Returns of all policies of one size and seed, on the same episodes."""
    teacher, source = teacher_of(env), EnvironmentSource.of(env)
    few = {"n_rounds": 3, "n_episodes": 20, "n_held_out": 20} if quick else {}
    actors: dict[str, Any] = {
        "teacher": TeacherPolicy(teacher, source.actions),
        "chance": RandomPolicy(source.actions, seed),
    }
    spent = {}
    task = env if env == "LunarLander-v3" else teachers.known_dynamics(env)
    for name, (student, settings) in students(env, leaves).items():
        start = time.process_time()
        fitted = PolicyDistiller(teacher, student, task, random_state=seed, **(few | settings)).fit()
        spent[name] = time.process_time() - start
        actors[name] = StudentPolicy(fitted.student_, fitted.columns_, source.actions)
    rng = np.random.default_rng([seed, 77])
    seeds = [2 * int(s) + 1 for s in rng.choice(2**30, 30 if quick else EPISODES, replace=False)]
    lines = []
    for name, actor in actors.items():
        run = run_episodes(source, actor, seeds)
        lines += [
            {"who": name, "episode": e, "value": value, "cpu_seconds": spent.get(name, 0.0)}
            for e, value in zip(seeds, run.returns, strict=True)
        ]
    source.close()
    return lines
