"""Small tasks that need no package: a walk to a goal, a slide with a continuous push, and ones with a fault."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest


class Walk:
    """A walk on a line to 5; each step costs 1. The state has a second number that says nothing."""

    action_space = SimpleNamespace(n=2)

    def reset(self, seed=None):
        rng = np.random.default_rng(seed)
        self.x, self.idle = float(rng.integers(0, 11)), rng.normal()
        return np.array([self.x, self.idle]), {}

    def step(self, action):
        assert type(action) is int
        self.x += 2 * action - 1
        return np.array([self.x, self.idle]), -1.0, self.x == 5, False, {}


class Slide:
    """A body on a line, pushed by up to 1; it earns most at rest in the middle."""

    action_space = SimpleNamespace(
        low=np.array([-1.0], dtype=np.float32), high=np.array([1.0], dtype=np.float32), shape=(1,), dtype=np.float32
    )

    def reset(self, seed=None):
        self.x, self.v, self.t = np.random.default_rng(seed).uniform(-1, 1), 0.0, 0
        return np.array([self.x, self.v], dtype=np.float32), {}

    def step(self, action):
        assert action.shape == (1,)
        assert action.dtype == np.float32
        assert -1 <= action[0] <= 1
        self.v = 0.9 * self.v + 0.2 * float(action[0])
        self.x += 0.2 * self.v
        self.t += 1
        return np.array([self.x, self.v], dtype=np.float32), -(self.x**2), False, self.t == 40, {}


def to_five(S):
    return (S[:, 0] < 5).astype(int)


def to_middle(S):
    return np.clip(-2 * S[:, 0] - 1.5 * S[:, 1], -1, 1)


@pytest.fixture(scope="session")
def walk():
    """The task and a teacher of it."""
    return Walk, to_five


@pytest.fixture(scope="session")
def slide():
    """The task and a teacher of it."""
    return Slide, to_middle


@pytest.fixture(scope="session")
def settings():
    """Few rounds and episodes."""
    return {"n_rounds": 2, "n_episodes": 10, "n_held_out": 10, "max_episode_steps": 40, "random_state": 0}
