"""What users hand over that is unusual: copies that stay open, masks now and then, starts in a table, one action."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.tree import DecisionTreeClassifier

import explaindistill as xd
from explaindistill.distillation.policies import KnownDynamics, rounds
from explaindistill.distillation.policies.acting import RandomPolicy, StudentPolicy, TeacherPolicy
from explaindistill.distillation.policies.code import trial_states
from explaindistill.distillation.policies.environments import EnvironmentSource
from explaindistill.distillation.policies.episodes import Spending, run_episodes
from explaindistill.distillation.policies.flat_tree import flat_tree
from explaindistill.distillation.policies.rounds import Candidate, PolicySearch, SearchPlan
from explaindistill.distillation.policies.spaces import ActionSpace
from explaindistill.errors import InvalidInputError, TeacherError


class Line:
    """A walk on a line that should stay near 0."""

    action_space = SimpleNamespace(n=2)

    def reset(self, seed=None):
        rng = np.random.default_rng(seed)
        self.x, self.idle, self.t = float(rng.integers(-4, 5)), float(rng.uniform()), 0
        return np.array([self.x, self.idle]), {}

    def step(self, action):
        self.x, self.t = self.x + 2 * action - 1, self.t + 1
        return np.array([self.x, self.idle]), -abs(self.x), False, self.t == 8, {}


def back(S):
    return (S[:, 0] < 0).astype(int)


def failing(S):
    raise RuntimeError("no answer")


def counted():
    """A class of tasks that counts how many are open."""

    class Counted(Line):
        is_open = 0

        def __init__(self):
            type(self).is_open += 1

        def close(self):
            type(self).is_open -= 1

    return Counted


def distilled(task=Line, teacher=back, student=None, **more):
    settings = {"n_rounds": 1, "n_episodes": 5, "n_held_out": 5, "random_state": 0} | more
    return xd.PolicyDistiller(teacher, student or xd.TreeClassifier(max_leaf_nodes=2), task, **settings).fit()


def test_nothing_stays_open():
    task = counted()
    student = distilled(task)
    assert task.is_open == 0
    student.score(n_episodes=5)
    student.rollouts(5)
    assert task.is_open == 0
    other = counted()
    xd.audit_policy(back, student, task, n_episodes=10, noise=(), dynamics={"other": other})
    assert (task.is_open, other.is_open) == (0, 0)


def test_nothing_stays_open_after_an_error():
    task, other = counted(), counted()
    with pytest.raises(RuntimeError, match="no answer"):
        distilled(task, failing)
    with pytest.raises(RuntimeError, match="no answer"):
        xd.audit_policy(failing, back, task, n_episodes=10, noise=())
    with pytest.raises(InvalidInputError, match="names must be"):
        distilled(task, names=["x"])

    def lost(S):
        if S[:, 1].max() > 1:
            raise RuntimeError("no answer")
        return back(S)

    class Far(other):
        def reset(self, seed=None):
            state, info = super().reset(seed=seed)
            return state + np.array([0, 5]), info

    with pytest.raises(RuntimeError, match="no answer"):
        xd.audit_policy(back, lost, task, n_episodes=10, noise=(), dynamics={"far": Far})
    assert (task.is_open, Far.is_open) == (0, 0)


def test_a_fit_that_failed_is_no_fit():
    student = xd.PolicyDistiller(failing, xd.TreeClassifier(), Line, random_state=0)
    with pytest.raises(RuntimeError, match="no answer"):
        student.fit()
    with pytest.raises(NotFittedError):
        student.predict([[0.0, 0.0]])


class Fenced(Line):
    """It says what is forbidden only where something is."""

    action_space = SimpleNamespace(n=3)

    def info(self):
        return {"action_mask": np.array([False, True, True])} if self.x > 0 else {}

    def reset(self, seed=None):
        state, _ = super().reset(seed=seed)
        return state, self.info()

    def step(self, action):
        assert not (self.x > 0 and action == 0)
        state, reward, terminated, truncated, _ = super().step(min(action, 1))
        return state, reward, terminated, truncated, self.info()


def test_a_mask_that_comes_now_and_then_holds():
    source = EnvironmentSource.of(Fenced)
    seeds = list(range(1, 80, 2))
    made = run_episodes(source, RandomPolicy(source.actions, 0), seeds)
    assert made.masks is not None
    assert (made.masks[:, 0] == (made.states[:, 0] <= 0)).all()
    assert made.masks[:, 1:].all()
    assert set(made.actions[made.states[:, 0] <= 0]) == {0, 1, 2}


def test_a_mask_that_forbids_nothing_changes_nothing():
    """Equal classes: with a mask the first of the actions was taken, without one the first of the classes."""
    states = np.array([[0.0, 1.0], [1.0, 1.0]] * 10)
    columns = EnvironmentSource.of(Line, actions=["b", "a"])
    from explaindistill.distillation.policies.columns import StateColumns

    seen = StateColumns(columns.names)
    tree = xd.TreeClassifier(max_leaf_nodes=2).fit(seen.seen(np.zeros((20, 2))), ["a", "b"] * 10)
    policy = StudentPolicy(tree, seen, columns.actions)
    free = policy.answers(states).actions.tolist()
    assert policy.answers(states, np.ones((20, 2), dtype=bool)).actions.tolist() == free
    forbidden = np.tile(np.arange(2) != free[0], (20, 1))
    assert policy.answers(states, forbidden).actions.tolist() == [1 - free[0]] * 20


def test_a_table_of_starts_stays_as_it_is():
    table = np.arange(20.0)[:, None] % 11
    task = KnownDynamics(
        start=lambda seeds: table[: len(seeds)],
        step=lambda S, a: (S + 2 * a[:, None] - 1, -np.ones(len(S)), S[:, 0] + 2 * a - 1 == 5),
        action_space=SimpleNamespace(n=2), max_episode_steps=30,
    )  # fmt: skip
    source = EnvironmentSource.of(task)
    policy = TeacherPolicy(lambda S: S[:, 0] < 5, source.actions)
    first, second = (run_episodes(source, policy, [1, 3, 5, 7]).returns.tolist() for _ in range(2))
    assert first == second == [-5.0, -4.0, -3.0, -2.0]


@pytest.mark.parametrize("most", [0, -3, 2.5, "x", True])
def test_a_limit_that_is_none_is_refused(most):
    with pytest.raises(InvalidInputError, match="max_episode_steps must be a whole number of at least 1"):
        xd.audit_policy(back, back, Line, n_episodes=10, noise=(), max_episode_steps=most)
    with pytest.raises(InvalidInputError, match="max_episode_steps must be a whole number of at least 1"):
        KnownDynamics(lambda s: np.zeros((len(s), 1)), lambda S, a: (S, S[:, 0], S[:, 0] > 9), None, most)


def test_a_student_of_another_package_is_audited():
    student = distilled(student=DecisionTreeClassifier(max_leaf_nodes=2))
    assert "a DecisionTreeClassifier, which has no text of its own" in student.describe()
    record = xd.audit_policy(back, student, Line, n_episodes=10, noise=())
    assert record.students == ["student"]
    assert "no text of its own" in record.texts["student"]


def test_states_that_are_not_finite_are_not_acted_on():
    student = distilled()
    for lost in (np.nan, np.inf):
        with pytest.raises(InvalidInputError, match="NaN or infinity in 1 of 2"):
            student.predict([[lost, 0.0], [1.0, 0.0]])
        with pytest.raises(InvalidInputError, match="states must be finite"):
            student.act(np.array([lost, 0.0]))


def test_one_action_is_no_choice():
    with pytest.raises(InvalidInputError, match="at least two actions"):
        distilled(type("Single", (Line,), {"action_space": SimpleNamespace(n=1)}))


@pytest.mark.parametrize("row", [[np.inf, 0.0], [-np.inf, -np.inf]])
def test_scores_without_a_best_are_refused(row):
    with pytest.raises(TeacherError, match="a finite score, got infinity"):
        distilled(teacher=lambda S: np.tile(row, (len(S), 1)), output="q_values")
    assert distilled(teacher=lambda S: np.tile([0.0, -np.inf], (len(S), 1))).predict([[0.0, 0.0]]) == [0]


def test_returns_that_are_all_alike_say_so():
    class Same(Line):
        def step(self, action):
            state, _, *rest = super().step(action)
            return state, 1.0, *rest

    student = distilled(Same)
    assert "mean return 8 [no limits: all earned alike] on 10" in student.describe()
    assert repr(student.score(n_episodes=5)) == "8 [no limits: all earned alike], 5 episodes"


def test_an_episode_of_one_step_is_enough():
    class Brief(Line):
        def step(self, action):
            state, reward, *_ = super().step(action)
            return state, reward, True, False, {}

    for student in (xd.TreeClassifier(max_leaf_nodes=2), xd.LinearClassifier(), xd.RuleListClassifier()):
        policy = distilled(Brief, student=student, n_episodes=1)
        assert policy.rounds_["n_rows"].tolist() == [1]
        assert policy.predict([[3.0, 0.0]]).shape == (1,)


@pytest.mark.parametrize("weights", ["none", "auto"])
@pytest.mark.parametrize("most", [30, 60, 100, 150, 210])
def test_no_answer_is_paid_for_and_thrown_away(most, weights):
    """With a budget of 150 questions a student learnt from 100 of them."""
    asked, first = [], min(most, 40)  # five episodes of eight steps, which the memory of each weighting begins with

    def scores(S):
        asked.append(len(S))
        return np.column_stack([S[:, 0], -S[:, 0]])

    student = distilled(teacher=scores, max_questions=most, n_rounds=9, weights=weights)
    assert student.n_questions_ == sum(asked) == most
    assert student.stopped_ == "questions"
    last = student.rounds_.groupby("weights")["n_rows"].max()
    assert last.sum() - (len(last) - 1) * first == most
    assert not student.rounds_.duplicated(["round", "weights"]).any()


def test_chance_keeps_to_bounds_of_one_side():
    space = ActionSpace.bounded([2.0, -np.inf, -np.inf], [np.inf, -3.0, np.inf], (3,), "float32", None)
    drawn = RandomPolicy(space, 0).answers(np.zeros((300, 1))).actions
    assert (drawn >= [2, -5, -1]).all()
    assert (drawn <= [4, -3, 1]).all()
    assert (drawn.std(axis=0) > 0.3).all()


def test_further_episodes_choose_among_the_best(monkeypatch):
    """The luckiest of the first episodes loses to one that earns more of all."""
    student = distilled()
    search = PolicySearch(student.source_, student.policy_, None, student.columns_,
                          SearchPlan("none", 1, 5, 5, 100, 0), Spending())  # fmt: skip
    search.candidates = [Candidate(i, "none", i, 1, np.full(5, first)) for i, first in enumerate([9.0, 10.0, 8.0])]
    further = {0: 9.0, 1: 5.0, 2: 8.0}
    monkeypatch.setattr(rounds, "StudentPolicy", lambda student, *_: student)
    monkeypatch.setattr(
        rounds, "run_episodes",
        lambda source, policy, *_: SimpleNamespace(whole=True, returns=np.full(10, further[policy])),
    )  # fmt: skip
    best = search._best(list(range(10)))
    assert best.round == 0
    assert search.frame(best)["further_estimate"].tolist() == [9.0, 5.0, 8.0]


def test_code_is_compared_on_both_sides_of_every_bound():
    student = distilled()
    bounds = flat_tree(student.student_, student.actions_).bound
    tried = trial_states(student)[:, 0].tolist()
    asked = [bound for bound in bounds.tolist() if bound]
    assert asked
    assert all(bound in tried and np.nextafter(bound, np.inf) in tried for bound in asked)
