"""The audit of policies: return decides, agreement does not; danger is found where it was planted."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.auditing.policies.audit import _verdicts
from explaindistill.auditing.policies.runs import start_regions
from explaindistill.errors import InvalidInputError
from explaindistill.measures.policies import policy_returns


class Line:
    """A walk on a line that should stay near 0; two of its four actions are other names of the first two."""

    action_space = SimpleNamespace(n=4)
    step_length = 0.5

    def reset(self, seed=None):
        rng = np.random.default_rng(seed)
        self.x, self.t, self.idle = float(rng.uniform(-3, 3)), 0, float(rng.uniform())
        return np.array([self.x, self.idle]), {}

    def step(self, action):
        self.x += (-1, 1, -1, 1)[action] * self.step_length
        self.t += 1
        return np.array([self.x, self.idle]), -abs(self.x), abs(self.x) > 5, self.t >= 20, {}


class Slippery(Line):
    step_length = 1.4


def teacher(S):
    return np.where(S[:, 0] > 0, 0, 1)


def renamed(S):
    return teacher(S) + 2 * (np.abs(S[:, 0]) > 0.1)


def dangerous(S):
    return np.where(S[:, 0] > 1.8, 1, teacher(S))


class Knowing:
    """The teacher with values: one step away from 0 costs about twice its length."""

    def q_values(self, S):
        after = np.stack([np.abs(S[:, 0] + step) for step in (-0.5, 0.5, -0.5, 0.5)], axis=1)
        return -after


STUDENTS = {"renamed": renamed, "dangerous": dangerous}


@pytest.fixture(scope="module")
def record():
    tree = xd.PolicyDistiller(Knowing(), xd.TreeClassifier(max_leaf_nodes=3), Line, names=["place", "idle"], n_rounds=2,
                              n_episodes=10, n_held_out=10, random_state=0).fit()  # fmt: skip
    return xd.audit_policy(
        Knowing(), {"tree": tree, **STUDENTS}, Line, names=["place", "idle"], unsafe=lambda s: abs(s["place"]) > 4,
        units={"place": "m"}, noise=(0.5,), dynamics={"slippery": Slippery}, n_episodes=120,
    )  # fmt: skip


def verdict(record, subject):
    return record.frames["verdicts"].set_index("subject").loc[subject]


def test_a_full_return_with_little_agreement_is_a_success(record):
    assert verdict(record, "renamed")["verdict"] == "keeps"
    own = record.frames["agreement"].query("subject == 'renamed' and states == 'own'")["estimate"].iloc[0]
    assert own < 0.3
    text = "\n".join(record.opening())
    assert "renamed keeps the teacher's return" in text
    assert "that is no loss: the return is kept" in text
    costs = record.frames["costs"].query("subject == 'renamed'").set_index("metric")["estimate"]
    assert costs["cost_of_disagreement"] == 0
    assert costs["harmless_disagreement"] == 1


def test_much_agreement_with_a_loss_is_a_loss(record):
    assert verdict(record, "dangerous")["verdict"] == "loses"
    assert (
        record.frames["costs"].query("subject == 'dangerous' and metric == 'cost_of_disagreement'")["estimate"].iloc[0]
        == 1
    )


def test_the_planted_region_is_found(record):
    unsafe = record.frames["unsafe"]
    worse = unsafe[unsafe["verdict"] == "more often"]
    assert set(worse["subject"]) == {"dangerous"}
    first = worse[worse["region"] != "all starts"].sort_values("estimate", ascending=False)["region"].iloc[0]
    assert first.startswith("place: high third")
    assert not worse["region"].str.startswith(("place: low", "place: middle")).any()
    assert any(line.startswith(f"From {first}, dangerous comes to an unsafe state") for line in record.opening())


def test_stress_is_measured_from_the_same_seeds(record):
    stress = record.frames["stress"]
    assert set(stress["condition"]) == {"errors of 0.5 standard deviations", "slippery"}
    slippery = stress.query("condition == 'slippery' and metric == 'return'").set_index("subject")["estimate"]
    plain = record.frames["returns"].query("metric == 'return'").set_index("subject")["estimate"]
    assert slippery["teacher"] < plain["teacher"]
    assert slippery["renamed"] == slippery["teacher"]


def test_seeds_of_an_audit_are_none_of_fitting(monkeypatch):
    from explaindistill.auditing.policies import runs

    seen = []
    run = runs.run_episodes

    def watched(source, policy, seeds, *rest, **more):
        seen.extend(seeds)
        return run(source, policy, seeds, *rest, **more)

    monkeypatch.setattr(runs, "run_episodes", watched)
    xd.audit_policy(teacher, renamed, Line, n_episodes=12, noise=())
    assert all(seed % 2 for seed in seen)
    assert len(set(seen)) == 12


def test_the_same_audit_twice(record):
    again = [xd.audit_policy(teacher, renamed, Line, n_episodes=20, noise=(0.1,), random_state=3) for _ in range(2)]
    for name, frame in again[0].frames.items():
        pd.testing.assert_frame_equal(frame, again[1].frames[name])


def test_an_unsafe_function_of_one_state_works_too():
    def one_state(s):
        return bool(s["place"] > 4 or s["place"] < -4)

    both = [
        xd.audit_policy(teacher, dangerous, Line, names=["place", "idle"], unsafe=u, n_episodes=30, noise=())
        for u in (one_state, lambda s: abs(s["place"]) > 4)
    ]
    pd.testing.assert_frame_equal(both[0].frames["unsafe"], both[1].frames["unsafe"])


def test_an_unsafe_function_may_use_math():
    found = xd.audit_policy(
        teacher, dangerous, Line, names=["place", "idle"], unsafe=lambda s: math.fabs(s["place"]) > 4, n_episodes=12,
        noise=(),
    ).frames["unsafe"]  # fmt: skip
    assert set(found["subject"]) == {"teacher", "student"}


def test_limits_of_stress_hold_together():
    def stressed(noise):
        frame = xd.audit_policy(teacher, dangerous, Line, n_episodes=20, noise=noise).frames["stress"]
        return frame[(frame["metric"] == "return") & (frame["condition"] == "errors of 0.1 standard deviations")]

    alone, among = stressed((0.1,)), stressed((0.1, 0.2, 0.3))
    assert among["estimate"].tolist() == alone["estimate"].tolist()
    assert (among["low"].to_numpy() < alone["low"].to_numpy()).all()


def test_regions_of_the_user():
    found = xd.audit_policy(
        teacher, dangerous, Line, names=["place", "idle"], unsafe=lambda s: abs(s["place"]) > 4, n_episodes=80,
        noise=(), regions=lambda s: "far right" if s["place"] > 1.8 else "elsewhere",
    ).frames["unsafe"]  # fmt: skip
    verdicts = found[found["metric"] == "unsafe_difference"].set_index("region")["verdict"]
    assert verdicts["far right"] == "more often"
    assert verdicts["elsewhere"] == "no difference seen"


def test_a_start_that_never_differs_is_no_region():
    starts = pd.DataFrame({"speed": np.zeros(9), "place": np.arange(9.0)})
    assert all(name.startswith("place") for name in start_regions(starts, None))


def test_without_q_no_cost_is_made_up():
    record = xd.audit_policy(teacher, renamed, Line, n_episodes=12, noise=())
    assert record.frames["costs"].empty
    assert "by the teacher's Q" not in "\n".join(record.opening())


def test_a_teacher_like_chance_is_said():
    class Flat(Line):
        def step(self, action):
            state, _, _, truncated, info = super().step(action)
            return state, 1.0, False, truncated, info

    record = xd.audit_policy(teacher, renamed, Flat, n_episodes=12, noise=())
    assert "no more than chance" in record.notes[0]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"students": {}}, "at least one policy"),
        ({"students": {"teacher": renamed}}, "must not be called 'teacher'"),
        ({"students": xd.PolicyDistiller(teacher, xd.TreeClassifier(), Line)}, "call fit"),
        ({"n_episodes": 3}, "n_episodes must be"),
        ({"noise": (0,)}, "noise must be"),
        ({"margin": -1}, "margin must be"),
        ({"unsafe": lambda s: True}, "True or False for each of"),
        ({"unsafe": lambda s: 1.0 * (s["state_0"] > 4)}, "got float64"),
        ({"unsafe": lambda s: s["state_0"] > 4, "regions": lambda s: "all starts"}, "must not name one 'all starts'"),
    ],
)
def test_arguments_are_refused(more, message):
    students = more.pop("students", renamed)
    with pytest.raises(InvalidInputError, match=message):
        xd.audit_policy(teacher, students, Line, **({"n_episodes": 12, "noise": ()} | more))


def test_a_student_of_other_states_is_refused():
    class Other(Line):
        def reset(self, seed=None):
            state, info = super().reset(seed=seed)
            return state[:1], info

        def step(self, action):
            state, *rest = super().step(action)
            return state[:1], *rest

    settings = {"n_rounds": 1, "n_episodes": 6, "n_held_out": 6, "random_state": 0}
    student = xd.PolicyDistiller(teacher, xd.TreeClassifier(max_leaf_nodes=2), Other, **settings).fit()
    with pytest.raises(InvalidInputError, match="give names= and actions= as there"):
        xd.audit_policy(teacher, student, Line, n_episodes=12, noise=())


def test_the_page_is_one_file_and_escapes_what_users_name(tmp_path, record):
    page = record.save(tmp_path / "policies.html").read_text("utf-8")
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    assert "keeps the teacher’s return" in page or "keeps the teacher&#39;s return" in page
    assert page.count("<svg") >= 2
    assert page == record.save(tmp_path / "again.html").read_text("utf-8")
    attack = "<script>alert(1)</script>"
    hostile = xd.audit_policy(
        teacher, {attack: renamed}, Line, names=[attack, "idle"], actions=[attack, "b", "c", "d"], n_episodes=12,
        noise=(), unsafe=lambda s: s[attack] > 4,
    )  # fmt: skip
    written = hostile.save(tmp_path / "hostile.html").read_text("utf-8")
    assert attack not in written
    assert "<script" not in hostile._repr_html_()


def test_markdown_and_json(tmp_path, record):
    text = record.save(tmp_path / "policies.md").read_text("utf-8")
    assert text.startswith("# Policies for Line")
    stored = json.loads(record.save(tmp_path / "policies.json").read_text("utf-8"))
    assert stored["format"] == "explaindistill-policies"
    columns = stored["frames"]["verdicts"]["columns"]
    rows = [dict(zip(columns, row, strict=True)) for row in stored["frames"]["verdicts"]["rows"]]
    assert [row["verdict"] for row in rows] == record.frames["verdicts"]["verdict"].tolist()
    assert stored["opening"] == record.opening()
    with pytest.raises(InvalidInputError, match=r"\.html, \.md or \.json"):
        record.save(tmp_path / "policies.csv")


def test_it_says_itself(record):
    assert repr(record) == "PolicyAudit for Line, 120 episodes: tree keeps, renamed keeps, dangerous loses"
    assert str(record).splitlines()[0] == "Audit of policies for Line"
    assert "renamed keeps" in record._repr_html_()


@pytest.mark.parametrize(("gap", "margin", "verdict"), [
    (-1.0, 1.5, "keeps"), (-1.0, 0.5, "loses"), (-1.0, 1.0, "undecided"), (0.5, 0.0, "keeps"),
])  # fmt: skip
def test_the_margin_decides_and_not_zero(gap, margin, verdict):
    """A loss that is sure and smaller than what may be lost is no loss of the return."""
    start = np.random.default_rng(0).normal(size=100)
    noise = 0.5 * np.random.default_rng(1).normal(size=100)
    returns = policy_returns({"teacher": start, "tree": start + gap + noise - noise.mean()})
    assert _verdicts(returns, margin)["verdict"].tolist() == [verdict]
