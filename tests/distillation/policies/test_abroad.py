"""What went wrong in other tools that run policies, tried here: each test names the public report."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import explaindistill as xd
from explaindistill.distillation.policies.acting import RandomPolicy, StudentPolicy, TeacherPolicy
from explaindistill.distillation.policies.environments import EnvironmentSource
from explaindistill.distillation.policies.episodes import run_episodes
from explaindistill.distillation.policies.spaces import ActionSpace, flat_state, state_names
from explaindistill.errors import InvalidInputError, TeacherError


class Task:
    """A counter that ends after five steps; subclasses break one rule."""

    action_space = SimpleNamespace(n=2)
    length = 5

    def reset(self, seed=None):
        self.t, self.start = 0, float(np.random.default_rng(seed).uniform())
        return self.state(), {}

    def state(self):
        return np.array([self.start, self.t], dtype=np.float32)

    def step(self, action):
        self.t += 1
        return self.state(), 1.0, self.t == self.length, False, {}


def run(task, teacher=lambda S: np.zeros(len(S)), seeds=(1, 3), **more):
    source = EnvironmentSource.of(task, **more)
    return run_episodes(source, TeacherPolicy(teacher, source.actions), list(seeds))


def test_actions_that_do_not_start_at_zero():
    """stable-baselines3 issues 1197, 1295 and 2241: ``Discrete(3, start=-1)`` was answered with 0, 1 and 2."""

    class Shifted(Task):
        action_space = SimpleNamespace(n=3, start=-1)

        def step(self, action):
            assert action in (-1, 0, 1)
            self.t += action == 1
            return self.state(), float(action), self.t == 3, False, {}

    def teacher(S):
        return np.where(S[:, 0] < 0.5, 1, np.where(S[:, 1] > 1, 1, 1))

    student = xd.PolicyDistiller(teacher, xd.TreeClassifier(max_leaf_nodes=2), Shifted, n_rounds=1, n_episodes=5,
                                 n_held_out=5, random_state=0).fit()  # fmt: skip
    assert set(student.predict([[0.2, 0.0], [0.9, 2.0]])) == {1}
    assert student.act(np.array([0.2, 0.0])) == 1
    assert student.actions_ == ("action -1", "action 0", "action 1")
    with pytest.raises(InvalidInputError, match="the actions -1 to 1, got 2"):
        run(Shifted, lambda S: np.full(len(S), 2))


def test_an_end_at_the_very_limit_is_an_end():
    """gym issue 3102: an episode that ended by itself at the step of the limit was both terminated and truncated."""

    class Both(Task):
        def step(self, action):
            self.t += 1
            return self.state(), 1.0, self.t == 5, self.t == 5, {}

    assert run(Both).ending.tolist() == ["terminated", "terminated"]
    assert run(Task, max_episode_steps=5).ending.tolist() == ["terminated", "terminated"]
    assert run(Task, max_episode_steps=4).ending.tolist() == ["truncated", "truncated"]
    assert run(Task, max_episode_steps=4).returns.tolist() == [4.0, 4.0]


def test_an_episode_without_end_is_ended(monkeypatch):
    """skrl issue 449 and others: without a time limit a policy that never fails runs for ever."""
    from explaindistill.distillation.policies import environments

    monkeypatch.setattr(environments, "NO_LIMIT", 50)

    class Endless(Task):
        length = -1

    assert run(Endless).ending.tolist() == ["truncated", "truncated"]
    assert run(Endless).returns.tolist() == [50.0, 50.0]


@pytest.mark.parametrize("place", ["start", "step"])
def test_a_seed_that_is_not_used_is_refused(place):
    """pc-gym issue 44, nle issue 131: ``reset(seed=)`` was accepted and chance drawn from elsewhere."""

    class Unseeded(Task):
        def reset(self, seed=None):
            self.t, self.start = 0, float(np.random.default_rng(seed).uniform())
            if place == "start":
                self.start = float(np.random.uniform())  # noqa: NPY002 - the fault itself
            return self.state(), {}

        def step(self, action):
            self.t += 1
            wind = float(np.random.uniform()) if place == "step" else 0.0  # noqa: NPY002 - the fault itself
            return self.state() + wind, 1.0, self.t == 5, False, {}

    with pytest.raises(InvalidInputError, match=r"run alike for one seed.*super\(\).reset\(seed=seed\)"):
        run(Unseeded)


def test_chance_has_a_generator_of_its_own():
    """gym issue 2680: the action space of a vector of environments was drawn from without a seed."""
    space = ActionSpace.numbered(4, 0, None)
    first, second = (RandomPolicy(space, 7).answers(np.zeros((50, 1))).actions.tolist() for _ in range(2))
    assert first == second
    assert len(set(first)) == 4


@pytest.mark.parametrize("reward", [float("nan"), float("inf"), None, np.array([1.0, 2.0])])
def test_a_reward_that_is_none_is_named(reward):
    """baselines issue 762, stable-baselines issue 142: mean returns became NaN without a word."""

    class Odd(Task):
        def step(self, action):
            self.t += 1
            return self.state(), reward if self.t == 4 else 1.0, self.t == 5, False, {}

    with pytest.raises(InvalidInputError, match=r"finite reward.*at step 4 of the episode of seed"):
        run(Odd)


@pytest.mark.parametrize("reward", [np.float32(1.5), np.array([1.5]), np.array(1.5), 1])
def test_a_reward_may_be_an_array_of_one(reward):
    class Wrapped(Task):
        def step(self, action):
            self.t += 1
            return self.state(), reward, self.t == 5, False, {}

    assert run(Wrapped).returns.tolist() == [5 * float(np.ravel(reward)[0])] * 2


def test_states_that_are_mappings_become_columns():
    """sb3-contrib issue 148: states in a mapping and many kinds of actions failed deep inside."""

    class Named(Task):
        def state(self):
            return {"speed": np.array([self.start, 1.0], dtype=np.float32), "gear": np.int64(self.t)}

    made = run(Named)
    assert made.states[:2].tolist() == [[0.0, made.states[0, 1], 1.0], [1.0, made.states[0, 1], 1.0]]
    assert EnvironmentSource.of(Named).names == ("gear", "speed_0", "speed_1")
    assert state_names((np.zeros(2), 3), None) == ("state_0_0", "state_0_1", "state_1")
    assert flat_state(np.zeros((2, 3), dtype=np.uint8)).shape == (6,)
    with pytest.raises(InvalidInputError, match="wrap it so that its state is numbers"):
        flat_state({"word": "left"})


@pytest.mark.parametrize(
    "space",
    [SimpleNamespace(nvec=np.array([2, 3])), SimpleNamespace(n=np.array([2, 2])), SimpleNamespace(spaces=[]), None],
)
def test_actions_of_many_parts_are_refused(space):
    with pytest.raises(InvalidInputError, match="each combination of actions has one number"):
        run(type("Parts", (Task,), {"action_space": space}))


def test_one_number_of_an_action_is_an_array_of_one(slide):
    """Pendulum wants ``array([u])``, and a number alone broadcasts into a state of the wrong shape."""
    make, teacher = slide  # the task asserts shape, type and bounds of every action
    for answer in (lambda S: teacher(S) * 99, lambda S: teacher(S)[:, None] * 99):
        made = run(make, answer)
        assert made.actions.shape == (80, 1)
        assert np.abs(made.actions).max() == 1
        assert made.states.shape == (80, 2)
    with pytest.raises(TeacherError, match="1 numbers per state, got the shape"):
        run(make, lambda S: np.zeros((len(S), 2)))


class Masked(Task):
    """One of three actions is forbidden, in turn; taking it is an error of the task, as in many a game."""

    action_space = SimpleNamespace(n=3)

    def reset(self, seed=None):
        state, _ = super().reset(seed=seed)
        return state, {"action_mask": self.mask()}

    def mask(self):
        return np.arange(3) != self.t % 3

    def step(self, action):
        assert self.mask()[action]
        state, reward, terminated, truncated, _ = super().step(action)
        return state, reward, terminated, truncated, {"action_mask": self.mask()}


class MaskedByMethod(Task):
    action_space = SimpleNamespace(n=3)

    def action_masks(self):
        return [i != self.t % 3 for i in range(3)]

    def step(self, action):
        assert self.action_masks()[action]
        return super().step(action)


@pytest.mark.parametrize("task", [Masked, MaskedByMethod])
def test_forbidden_actions_are_never_taken(task):
    """sb3-contrib pull request 25 and issue 226: masks were forgotten where policies are only evaluated."""

    def scores(S):
        return np.column_stack([3 + 0 * S[:, 0], 2 + 0 * S[:, 0], 1 + 0 * S[:, 0]])

    student = xd.PolicyDistiller(scores, xd.TreeClassifier(max_leaf_nodes=4, min_samples_leaf=1), task, n_rounds=2,
                                 n_episodes=8, n_held_out=6, random_state=0).fit()  # fmt: skip
    student.score(n_episodes=10)
    source = EnvironmentSource.of(task)
    run_episodes(source, RandomPolicy(source.actions, 0), [1, 3, 5])
    made = run_episodes(source, StudentPolicy(student.student_, student.columns_, source.actions), [1, 3])
    assert made.masks is not None
    assert made.masks[np.arange(len(made.actions)), made.actions].all()
    with pytest.raises(TeacherError, match="took 'action 0' where the environment forbids it"):
        run(task)


def test_a_mask_of_nothing_is_refused():
    class Stuck(Masked):
        def mask(self):
            return np.zeros(3, dtype=bool)

    with pytest.raises(InvalidInputError, match="leave one of them"):
        run(Stuck)


def test_a_plain_function_is_a_teacher(walk, settings):
    """imitation issue 693: DAgger refused an expert that is a function, while cloning took it."""
    student = xd.PolicyDistiller(walk[1], xd.TreeClassifier(max_leaf_nodes=2), walk[0], **settings).fit()
    assert student.score() > -5


def test_no_state_is_learnt_twice(walk, settings):
    """imitation issue 402: every demonstration was saved twice."""
    asked = []

    def teacher(S):
        asked.append(len(S))
        return walk[1](S)

    student = xd.PolicyDistiller(teacher, xd.TreeClassifier(max_leaf_nodes=2), walk[0], **settings).fit()
    assert student.n_questions_ == sum(asked)
    assert student.rounds_["n_rows"].iloc[-1] == sum(asked)  # rows of the last fit: all that was answered before it


def test_an_episode_that_a_budget_cut_off_judges_nothing(walk):
    """tf-agents pull request 36: incomplete episodes entered mean returns."""
    from explaindistill.distillation.policies.episodes import Spending

    source = EnvironmentSource.of(walk[0], max_episode_steps=40)
    made = run_episodes(source, TeacherPolicy(walk[1], source.actions), [2, 4, 6, 8], Spending(max_steps=7))
    assert not made.whole
    assert np.isnan(made.returns[made.ending == "cut"]).all()
    assert len(made.states) <= 7


def test_a_pair_of_action_and_memory():
    """stable-baselines3's ``predict`` answers (actions, None), and (actions, memory) where a policy has one."""

    class Model:
        def __init__(self, memory):
            self.memory = memory

        def predict(self, S):
            assert S.dtype == np.float64
            return np.zeros(len(S), dtype=np.int64), self.memory

    assert run(Task, Model(None)).returns.tolist() == [5.0, 5.0]
    with pytest.raises(TeacherError, match="a policy with a memory is no function of the state"):
        run(Task, Model((np.zeros(3),)))


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        (lambda S: 0, r"asked about 2 states and answered with the shape \(\)"),
        (lambda S: np.zeros(len(S) + 1), "lambda S: "),
        (lambda S: np.full(len(S), np.nan), "NaN for 2 states"),
        (lambda S: np.zeros((len(S), 3)), r"\(n, 2\), a score for each action"),
        (lambda S: ["left"] * len(S), "must answer with numbers"),
        (lambda S: np.full(len(S), 0.3), "the actions 0 to 1, got 0.3"),
    ],
)
def test_answers_that_are_none(teacher, message):
    with pytest.raises((TeacherError, InvalidInputError), match=message):
        run(Task, teacher)


def test_a_vector_an_object_and_one_object_twice_are_refused():
    class Vector(Task):
        num_envs = 4

    one = Task()
    for env, message in (
        (Vector, "one environment, got the vector Vector"),
        (one, "a function that makes an environment, got Task"),
        (lambda: one, "the same object twice"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            run(env)


def test_replies_of_old_environments_are_named():
    """Before gym 0.26 ``reset`` gave a state alone and ``step`` four things."""

    class OldStart(Task):
        def reset(self, seed=None):
            return super().reset(seed=seed)[0]

    class OldStep(Task):
        def step(self, action):
            return super().step(action)[:4]

    with pytest.raises(InvalidInputError, match=r"\(state, info\) from reset"):
        run(OldStart)
    with pytest.raises(InvalidInputError, match="got a tuple of 4"):
        run(OldStep)


def test_a_state_that_is_no_number_is_named():
    class Lost(Task):
        def state(self):
            return np.array([self.start, np.nan if self.t == 4 else self.t])

    with pytest.raises(InvalidInputError, match="nan in place 1 at step 4"):
        run(Lost)


def test_float32_states_keep_their_digits():
    """scikit-learn's trees compare in float32, so that a state beside a threshold may go the other way in C."""
    made = run(Task)
    start = Task().reset(seed=1)[0][0]
    assert made.states[0, 0] == float(start)
    assert made.states.dtype == np.float64
