"""Counts and intervals that a distilled student tells are of real rows; made-up ones are named as such."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.data.drawing import drawing_of
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.teachers.callable import CallableTeacher

CLASSES = np.array(["no", "yes"])
COUNTING = [xd.TreeClassifier(max_leaf_nodes=4), xd.RuleListClassifier(max_rules=3), xd.ModelTreeClassifier(4)]
"""Students that say how many rows get each answer."""


def rule(X):
    p = np.clip(X["a"].to_numpy(dtype=float) * 0.8 + 0.1, 0, 1)
    return np.c_[1 - p, p]


def people(n=150):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.random(n), "b": rng.integers(0, 5, n)})


def distilled(student, n_queries=900):
    teacher = CallableTeacher(rule, classes=CLASSES.tolist())
    return xd.Distiller(teacher, student, n_queries=n_queries, random_state=0).fit(people()).student_


def copied(student):
    return type(student).from_dict(json.loads(json.dumps(student.to_dict())))


def test_a_tree_counts_its_real_rows():
    tree = distilled(xd.TreeClassifier(max_leaf_nodes=4))
    made_up = int(tree.tree_.count[0]) - 150
    assert made_up > 0
    n = dict(zip(*np.unique(tree.apply(people()), return_counts=True), strict=True))
    told = [int(t) for t in re.findall(r"n = (\d+)", tree.describe())]
    assert told == [int(n.get(leaf, 0)) for leaf in tree.tree_.leaves]
    assert f"{made_up:,} of them made up; shares and n below are of the 150 observed ones" in tree.describe()
    assert [leaf.n for leaf in drawing_of(tree).root.answers()] == told
    assert drawing_of(tree).rows == "observed rows of fitting"
    assert copied(tree).describe() == tree.describe()


def test_a_model_tree_shares_out_its_real_rows():
    tree = distilled(xd.ModelTreeClassifier(max_leaf_nodes=4, max_leaf_features=0, n_folds=0))
    leaves, n = np.unique(tree.tree_.leaves(tree.schema_.frame(people())), return_counts=True)
    count = dict(zip(leaves.tolist(), n.tolist(), strict=True))
    shares = [count.get(v, 0) / 150 for v, node in enumerate(tree.tree_.nodes) if node.feature < 0]
    assert len(shares) == 4
    assert shares != pytest.approx([node.share for node in tree.tree_.nodes if node.feature < 0], abs=1e-3)
    assert sorted(re.findall(r"\[(.*) of rows\]", tree.describe())) == sorted(f"{share:.1%}" for share in shares)
    assert "Shares are of the 150 observed rows of fitting." in tree.describe()
    assert sorted(leaf.share for leaf in drawing_of(tree).root.answers()) == pytest.approx(sorted(shares))
    assert drawing_of(tree).rows == "observed rows of fitting"
    assert copied(tree).describe() == tree.describe()


def test_a_rule_list_counts_and_bounds_its_real_rows():
    rules = distilled(xd.RuleListClassifier(max_rules=3))
    X = people()
    teacher, student = rule(X).argmax(axis=1), rules.predict_proba(X)
    assert rules.table_["n"].sum() == 150
    assert "Shares and intervals are of the 150 observed rows of fitting." in rules.describe()
    decides = rules.rules_.deciding(rules.schema_.frame(X))
    for i, line in rules.table_.iterrows():
        mine = decides == i
        right = int((teacher[mine] == student[mine].argmax(axis=1)).sum())
        assert line["n"] == mine.sum()
        if mine.any():
            assert [line["precision_low"], line["precision_high"]] == pytest.approx(
                [float(v) for v in wilson(right, mine.sum(), 0.95)]
            )
    assert copied(rules).describe() == rules.describe()
    assert drawing_of(rules).rows == "150 observed rows of fitting"


@pytest.mark.parametrize("student", COUNTING)
def test_a_student_of_made_up_rows_alone_says_so(student):
    fitted = student.fit(people(), rule(people()))
    fitted.recount(None, None, None)
    assert "made-up rows" in fitted.describe() or "all of them made up" in fitted.describe()
    assert drawing_of(fitted).rows == "made-up rows of fitting"
    assert copied(fitted).describe() == fitted.describe()


@pytest.mark.parametrize("student", COUNTING)
def test_without_made_up_rows_nothing_is_said_of_them(student):
    X = people()
    plain = student.fit(X, rule(X))
    assert "observed" not in plain.describe()
    assert "observed" not in json.dumps(plain.to_dict())
