"""The policy in C does what the student does, in states beside every bound, and fits into 1 kB on Arm."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import explaindistill as xd
from explaindistill.distillation.policies import code
from explaindistill.errors import InvalidInputError

MOST_BYTES = 1024


class Field:
    """Eight numbers drift about; the reward asks for one of three actions by two of their products."""

    action_space = SimpleNamespace(n=3, start=-1)

    def reset(self, seed=None):
        self.rng = np.random.default_rng(seed)
        self.t, self.x = 0, self.rng.normal(size=8)
        return self.x, {}

    def step(self, action):
        right = wanted(self.x[None])[0]
        self.t, self.x = self.t + 1, self.rng.normal(size=8)
        return self.x, float(action == right), False, self.t == 20, {}


def wanted(S):
    return np.where(S[:, 0] * S[:, 1] > 0.3, 1, np.where(S[:, 2] + S[:, 3] > 0, 0, -1))


def distilled(student, **more):
    few = {"n_rounds": 1, "n_episodes": 15, "n_held_out": 5, "random_state": 0}
    return xd.PolicyDistiller(wanted, student, Field, **(few | more)).fit()


STUDENTS = {
    "tree": lambda: xd.TreeClassifier(max_leaf_nodes=8),
    "scikit-learn tree": lambda: DecisionTreeClassifier(max_leaf_nodes=8, random_state=0),
    "model tree": lambda: xd.ModelTreeClassifier(max_leaf_nodes=2, max_leaf_features=2, n_folds=0),
    "linear": lambda: xd.LinearClassifier(penalty=0.01),
    "rules": lambda: xd.RuleListClassifier(max_rules=4),
}


@pytest.mark.compiler
@pytest.mark.parametrize("kind", STUDENTS)
def test_c_acts_as_the_student(tmp_path, kind):
    student = distilled(
        STUDENTS[kind](), combined={"both": ("state_0", "*", "state_1"), "less": ("both", "-", "state_2")}
    )
    text = student.export(tmp_path / "policy.c", verify="target").read_text()
    assert "gave the policy's actions in" in text
    assert "int policy_action(const double *state)" in text


@pytest.mark.compiler
@pytest.mark.parametrize("family", [xd.TreeRegressor, xd.ModelTreeRegressor, xd.LinearRegressor])
def test_c_gives_numbers_within_their_bounds(tmp_path, slide, settings, family):
    make, _ = slide
    student = xd.PolicyDistiller(lambda S: 3 * S[:, 0] - S[:, 1], family(), make, **settings).fit()
    text = student.export(tmp_path / "policy.c", verify="target").read_text()
    assert "void policy_action(const double *state, double *action)" in text


@pytest.mark.compiler
def test_a_file_that_answers_otherwise_is_refused(tmp_path, monkeypatch):
    student = distilled(xd.TreeClassifier(max_leaf_nodes=8))
    monkeypatch.setattr(code, "c_source", lambda policy: code.TAIL + " { return state[0] > 0 ? 1 : 0; }\n")
    with pytest.raises(InvalidInputError, match="nothing was written"):
        student.export(tmp_path / "policy.c")
    assert not list(tmp_path.iterdir())


@pytest.mark.arm
@pytest.mark.parametrize("leaves", [8, 16])
def test_a_tree_is_at_most_1_kb_on_arm(tmp_path, leaves):
    """Code and constants of 8 leaves; 16 stay below twice that."""
    student = distilled(xd.TreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=1))
    source, made = student.export(tmp_path / "policy.c", verify=None), tmp_path / "policy.o"
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Os", "-c", "-o", str(made), str(source)]
    subprocess.run(["arm-linux-gnueabihf-gcc", *flags], check=True)
    listed = subprocess.run(["arm-linux-gnueabihf-nm", "-S", str(made)], capture_output=True, text=True, check=True)
    sizes = {words[3]: int(words[1], 16) for words in map(str.split, listed.stdout.splitlines()) if len(words) == 4}
    assert sizes["policy_action"] <= MOST_BYTES
    sections = subprocess.run(
        ["arm-linux-gnueabihf-size", str(made)], capture_output=True, text=True, check=True
    ).stdout
    assert sum(map(int, sections.splitlines()[1].split()[:3])) <= MOST_BYTES
    assert not subprocess.run(
        ["arm-linux-gnueabihf-nm", "-u", str(made)], capture_output=True, text=True, check=True
    ).stdout


def test_names_cannot_leave_their_comment(tmp_path):
    hostile = ["a */ int main(void) { return 1; } /*", "b??/", "c\\\nd"]
    student = distilled(xd.TreeClassifier(max_leaf_nodes=4), actions=hostile, names=[f"*/ {i}" for i in range(8)])
    text = student.export(tmp_path / "policy.c", verify=None).read_text()
    assert text.count("*/") == 1
    assert "??" not in text
    assert "int main" not in text.split("*/")[1]


def test_other_endings_write_the_student(tmp_path):
    student = distilled(xd.TreeClassifier(max_leaf_nodes=4))
    assert "def predict" in student.export(tmp_path / "policy.py").read_text()
    with pytest.raises(InvalidInputError, match="must lie in a folder"):
        student.export(tmp_path / "nowhere" / "policy.c")
    with pytest.raises(InvalidInputError, match="verify must be one of"):
        student.export(tmp_path / "policy.c", verify="always")
    with pytest.raises(InvalidInputError, match=r"must end in \.c for a DecisionTreeClassifier"):
        distilled(DecisionTreeClassifier(max_leaf_nodes=3)).export(tmp_path / "policy.py")
