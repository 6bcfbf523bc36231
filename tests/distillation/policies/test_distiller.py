"""A student finds what its teacher does, is chosen by return, and keeps to its budgets."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

import explaindistill as xd
from explaindistill.distillation.policies.acting import StudentPolicy, TeacherPolicy
from explaindistill.distillation.policies.columns import StateColumns
from explaindistill.distillation.policies.environments import EnvironmentSource
from explaindistill.distillation.policies.episodes import run_episodes
from explaindistill.distillation.policies.memory import AnsweredStates
from explaindistill.distillation.policies.rounds import SearchPlan
from explaindistill.errors import BudgetError, InvalidInputError

NAMES = {"names": ["place", "idle"], "actions": ["back", "on"]}


def distilled(task, settings, student=None, teacher=None, **more):
    make, plain = task
    student = xd.TreeClassifier(max_leaf_nodes=2) if student is None else student
    return xd.PolicyDistiller(plain if teacher is None else teacher, student, make, **(NAMES | settings | more)).fit()


def test_the_teachers_rule_is_found(walk, settings):
    student = distilled(walk, settings)
    assert student.predict([[4.0, 0.0], [5.0, 0.0], [9.0, 3.0]]).tolist() == [1, 0, 0]
    assert "if place <= 4" in student.describe()
    assert student.actions_ == ("back", "on")
    assert student.rounds_["chosen"].sum() == 1


def test_fit_twice_is_fit_once(walk, settings):
    first, second = distilled(walk, settings), distilled(walk, settings).fit()
    pd.testing.assert_frame_equal(first.rounds_, second.rounds_)
    assert first.student_.to_dict() == second.student_.to_dict()
    assert (first.n_questions_, first.n_steps_) == (second.n_questions_, second.n_steps_)


def test_score_is_the_mean_return_of_fresh_episodes(walk, settings):
    student = distilled(walk, settings)
    score = student.score(n_episodes=60)
    make = walk[0]
    starts = []
    for seed in [2 * int(s) + 1 for s in np.random.default_rng([0, 1]).choice(2**30, 60, replace=False)]:
        env = make()
        x = float(env.reset(seed=seed)[0][0])
        starts.append(-abs(x - 5) if x != 5 else -2.0)  # at 5 one step back and one on
    assert float(score) == pytest.approx(np.mean(starts))
    assert score.low < score < score.high
    assert score.n == 60
    assert f"{score.n} episodes" in repr(score)


def test_seeds_that_learn_and_seeds_that_judge_are_apart():
    plan = SearchPlan("auto", 2, 10, 20, 1000, 5)
    stream, held_out, final = plan.seeds()
    drawn = [next(stream) for _ in range(500)] + held_out + final
    assert len(set(drawn)) == len(drawn)
    assert not any(seed % 2 for seed in drawn)


@pytest.mark.parametrize("limit", [300, 700, 1500])
def test_budgets_hold(walk, settings, limit):
    student = distilled(walk, settings, max_steps=limit)
    assert student.n_steps_ <= limit
    assert student.stopped_ in ("", "steps")
    asked = distilled(walk, settings, max_questions=limit // 10)
    assert asked.n_questions_ <= limit // 10
    assert asked.n_questions_ == asked.policy_.n_questions


def test_a_budget_that_is_too_small_is_an_error(walk, settings):
    with pytest.raises(BudgetError, match="raise max_steps or max_questions"):
        distilled(walk, settings, max_steps=30)


def test_the_student_acts_in_its_own_rounds(walk, settings):
    """A public distillation ran the teacher where the student should act (Robust-Multitask-RL, issue 1)."""
    student = distilled(walk, settings, student=xd.TreeClassifier(max_leaf_nodes=2), features=["idle"])
    # it cannot see the place: its own states must be others than the teacher's, and agreement far from 1
    assert student.rounds_["agreement"].iloc[0] < 0.9


def test_weights_decide_where_states_differ_in_cost():
    states = np.array([[0.0], [1.0], [2.0]] * 30)
    scores = np.tile([[0.0, 1.0], [5.0, 0.0], [0.0, 0.1]], (30, 1))
    memory = AnsweredStates()
    from explaindistill.distillation.policies.acting import Answers

    memory.add(states, Answers(scores.argmax(axis=1), scores))
    weight = memory.weight("q", np.arange(90))
    assert weight.mean() == pytest.approx(1)
    assert weight[:3] / weight[0] == pytest.approx([1, 5, 0.1])
    assert memory.weight("none", np.arange(90)).tolist() == [1.0] * 90


def test_weights_do_not_count_actions_that_are_forbidden():
    from explaindistill.distillation.policies.acting import Answers

    memory = AnsweredStates()
    memory.add(np.zeros((2, 1)), Answers(np.array([0, 0]), np.array([[3.0, 1.0, -np.inf], [3.0, 1.0, -7.0]])))
    assert memory.costs[0].tolist() == [2.0, 10.0]


def test_q_weights_save_the_costly_states(settings):
    """Two leaves for three regions: by Q the tree gives up the region where nothing is at stake."""

    class Gate:
        action_space = SimpleNamespace(n=2)

        def reset(self, seed=None):
            self.x = float(np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], p=[0.45, 0.45, 0.1]))
            return np.array([self.x]), {}

        def step(self, action):
            right = {-1.0: 0, 0.0: 1, 1.0: 0}[self.x]
            cost = {-1.0: 0.1, 0.0: 1.0, 1.0: 50.0}[self.x]
            return np.array([self.x]), 0.0 if action == right else -cost, True, False, {}

    class Knowing:
        def q_values(self, S):
            cost = np.select([S[:, 0] < -0.5, S[:, 0] > 0.5], [0.1, 50.0], 1.0)
            wrong = np.where(np.abs(S[:, 0]) < 0.5, 0, 1)
            Q = np.zeros((len(S), 2))
            Q[np.arange(len(S)), wrong] = -cost
            return Q

    few = settings | {"n_episodes": 60, "n_held_out": 40, "n_rounds": 1}
    tree = xd.TreeClassifier(max_leaf_nodes=2, min_samples_leaf=1)
    auto = xd.PolicyDistiller(Knowing(), tree, Gate, **few).fit()
    plain = xd.PolicyDistiller(Knowing(), tree, Gate, **(few | {"weights": "none"})).fit()
    assert auto.rounds_.loc[auto.rounds_["chosen"], "weights"].tolist() == ["q"]
    assert auto.predict([[1.0]]).tolist() == [0]
    assert auto.score() >= plain.score()


def test_unequal_weights_are_not_believed_but_tried(settings):
    """A teacher whose Q is upside down: its weights harm, and the return finds out."""

    class Gate:
        action_space = SimpleNamespace(n=2)

        def reset(self, seed=None):
            self.x = float(np.random.default_rng(seed).choice([-1.0, 0.0, 1.0]))
            return np.array([self.x]), {}

        def step(self, action):
            wrong = action != {-1.0: 0, 0.0: 1, 1.0: 0}[self.x]
            return np.array([self.x]), -50.0 * wrong if self.x > 0.5 else -1.0 * wrong, True, False, {}

    class Mistaken:
        def q_values(self, S):
            right = np.where(np.abs(S[:, 0]) < 0.5, 1, 0)
            Q = np.zeros((len(S), 2))
            Q[np.arange(len(S)), right] = np.where(S[:, 0] > 0.5, 0.01, 5.0)
            return Q

    few = settings | {"n_episodes": 60, "n_held_out": 40, "n_rounds": 1}
    student = xd.PolicyDistiller(Mistaken(), xd.TreeClassifier(max_leaf_nodes=2), Gate, **few).fit()
    by = student.rounds_.set_index("weights")["estimate"]
    assert student.rounds_.loc[student.rounds_["chosen"], "estimate"].iloc[0] == by.max()


def test_limits_count_the_search(walk, settings):
    student = distilled(walk, settings, features=["idle"], n_rounds=3)
    frame = student.rounds_
    one = distilled(walk, settings, features=["idle"], n_rounds=1).rounds_.iloc[0]
    same = frame.iloc[0]
    assert same["estimate"] == one["estimate"]
    assert same["low"] < one["low"]
    assert same["high"] > one["high"]
    assert frame["n_further"].max() == 20


def test_continuous_actions(slide, settings):
    make, teacher = slide
    student = xd.PolicyDistiller(
        teacher, xd.ModelTreeRegressor(max_leaf_nodes=3), make, names=["place", "speed"], actions=["push"], **settings
    ).fit()
    states = np.array([[0.1, 0.0], [0.9, 0.5], [-0.9, -0.5]])
    assert student.predict(states)[:, 0] == pytest.approx(teacher(states), abs=0.15)
    assert student.act(np.array([0.9, 0.5], dtype=np.float32)).dtype == np.float32
    assert "y is the action: push from -1 to 1" in student.describe()


def test_combined_columns_are_seen(walk, settings):
    more = {"combined": {"twice": ("place", "+", "place"), "square": "place * place"}, "features": ["twice"]}
    student = distilled(walk, settings, **more)
    assert student.names_ == ("twice",)
    assert "if twice <= " in student.describe()
    assert "combined: twice = place + place" in student.describe()
    assert student.predict(pd.DataFrame({"idle": [0.0], "place": [3.0]})).tolist() == [1]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"combined": {"x": ("place", "/", "idle")}}, "must be a column, '\\+', '-' or '\\*', and a column"),
        ({"combined": {"x": ("place", "-", "speed")}}, "names 'speed', there are: place, idle"),
        ({"combined": {"place": ("place", "-", "idle")}}, "already there"),
        ({"features": ["place", "place"]}, "name each column once"),
        ({"names": ["a"]}, "2 different names"),
        ({"actions": ["on", "on"]}, "2 different names"),
        ({"units": {"speed": "m/s"}}, "units names speed"),
        ({"weights": "much"}, "weights must be one of"),
        ({"n_rounds": 0}, "n_rounds must be a whole number"),
        ({"output": "values"}, "output must be one of"),
        ({"student": xd.TreeRegressor()}, "student must do classification"),
        ({"max_steps": 0}, "max_steps must be"),
    ],
)
def test_arguments_are_refused_before_anything_runs(walk, settings, more, message):
    with pytest.raises(InvalidInputError, match=message):
        distilled(walk, settings, **more)


def test_any_student_can_act(walk, settings):
    states = np.column_stack([np.arange(11.0), np.zeros(11)])
    for student in (
        DecisionTreeClassifier(max_leaf_nodes=2),
        xd.RuleListClassifier(max_rules=1),
        xd.LinearClassifier(),
        xd.ModelTreeClassifier(max_leaf_nodes=2),
    ):
        policy = distilled(walk, settings, student=student)
        assert (policy.predict(states) == walk[1](states)).mean() > 0.85, type(student).__name__


def test_the_short_way_through_a_tree_is_the_tree(walk, settings):
    rng = np.random.default_rng(0)
    states = rng.normal(size=(600, 3))
    labels = np.array(["a", "b", "c"])[(states[:, 0] > 0).astype(int) + (states[:, 1] * states[:, 2] > 0.3)]
    columns = StateColumns.of(("x", "y", "z"), {"yz": ("y", "*", "z")})
    from explaindistill.distillation.policies.spaces import ActionSpace

    space = ActionSpace.numbered(3, 0, ["c", "a", "b"])
    for size in (1, 2, 9, 40):
        tree = xd.TreeClassifier(max_leaf_nodes=max(size, 2)).fit(columns.seen(states), labels)
        policy = StudentPolicy(tree, columns, space)
        assert policy._flat is not None
        fresh = np.concatenate([rng.normal(size=(500, 3)), [[bound] * 3 for bound in policy._flat.bound]])
        wanted = [space.names.index(label) for label in tree.predict(columns.seen(fresh))]
        assert policy.answers(fresh).actions.tolist() == wanted


def test_the_teacher_is_never_changed(walk, settings):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 2)
    net.train()
    before = [p.detach().numpy().copy() for p in net.parameters()]
    student = distilled(walk, settings, teacher=net)
    assert all(np.array_equal(a, b.detach().numpy()) for a, b in zip(before, net.parameters(), strict=True))
    assert net.training
    assert student.rounds_["weights"].isin(["gap", "none"]).all()


@pytest.mark.parametrize("labels", [[0, 1], ["back", "on"]])
def test_a_fitted_classifier_is_a_teacher(walk, settings, labels):
    """Its classes may be the environment's numbers or the names of actions."""
    rng = np.random.default_rng(0)
    S = np.column_stack([rng.integers(0, 11, 400), rng.normal(size=400)]).astype(float)
    fitted = DecisionTreeClassifier(max_leaf_nodes=2).fit(S, np.array(labels)[walk[1](S)])
    student = distilled(walk, settings, teacher=fitted)
    assert student.predict(S).tolist() == walk[1](S).tolist()
    assert set(student.rounds_["weights"]) == {"gap", "none"}


def test_a_clone_shares_teacher_and_environment(walk, settings):
    student = distilled(walk, settings)
    again = clone(student)
    assert again.teacher is student.teacher
    assert again.env is student.env
    assert not hasattr(again, "student_")
    assert again.student is not student.student


def test_it_pickles(settings):
    student = xd.PolicyDistiller(_upwards, xd.TreeClassifier(max_leaf_nodes=2), _Plain, **settings).fit()
    again = pickle.loads(pickle.dumps(student))
    assert again.student_.to_dict() == student.student_.to_dict()
    assert again.score(n_episodes=10) == student.score(n_episodes=10)
    assert again.teacher_.predict(np.array([[1.0], [4.0]])).tolist() == ["action 1", "action 0"]


class _Plain:
    action_space = SimpleNamespace(n=2)

    def reset(self, seed=None):
        self.x, self.t = float(seed % 5), 0
        return np.array([self.x]), {}

    def step(self, action):
        self.x, self.t = self.x + 2 * action - 1, self.t + 1
        return np.array([self.x]), self.x, False, self.t == 5, {}


def _upwards(S):
    return np.where(S[:, 0] < 3, 1, 0)


def test_rollouts_go_straight_into_an_audit(walk, settings):
    student = distilled(walk, settings)
    rows = student.rollouts(30)
    assert set(rows["student_action"]) <= {"back", "on"}
    assert rows["episode"].nunique() == 30
    report = xd.audit(
        student.teacher_, {"tree": student.student_}, rows[list(student.names_)],
        groups=rows["episode"].to_numpy(), favorable="on", n_explained=0,
    )  # fmt: skip
    agreement = report.frames["fidelity"].query("metric == 'agreement'")["estimate"].iloc[0]
    assert agreement == pytest.approx((rows["student_action"] == rows["teacher_action"]).mean())


def test_errors_of_what_is_seen_do_not_touch_the_states(walk):
    make, teacher = walk
    source = EnvironmentSource.of(make, max_episode_steps=30)
    policy = TeacherPolicy(teacher, source.actions)
    plain = run_episodes(source, policy, [1, 3, 5])
    noisy = run_episodes(source, policy, [1, 3, 5], noise=np.array([3.0, 0.0]))
    assert noisy.states[:, 0].tolist() == np.rint(noisy.states[:, 0]).tolist()
    assert noisy.returns.sum() < plain.returns.sum()
    again = run_episodes(source, policy, [5], noise=np.array([3.0, 0.0]))
    assert again.returns[0] == noisy.returns[2]  # decided by the seed of the episode alone
