"""The drawing of a tree says who of the audited rows meets each leaf, and withholds what the audit withholds."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from explaindistill.measures.sensitivity import leaf_audit
from explaindistill.report.blocks import Outline
from explaindistill.report.structures import _tree, _who
from explaindistill.students.tree import TreeRegressor


def audited():
    X = pd.DataFrame({"age": np.arange(200.0)})
    student = TreeRegressor(2).fit(X, X["age"] > 49)
    sex = pd.DataFrame({"sex": np.where(np.arange(200) % 4 == 0, "f", "m")})
    table = student.rules()
    names = dict(zip(table["leaf"], table["rule"], strict=True))
    return student, leaf_audit(student.apply(X), sex, names=names, subject="tree")


def leaves(node):
    return [node] if not node.children else [leaf for child in node.children for leaf in leaves(child)]


def test_every_leaf_says_who_meets_it():
    student, frame = audited()
    who = _who(student, SimpleNamespace(frames={"leaf_audit": frame}), "tree")
    assert set(who) == set(student.tree_.leaves.tolist())
    outline = next(b for b in _tree(student.to_dict(), "t", None, who) if isinstance(b, Outline))
    assert [leaf.detail.split("; ", 1)[1].replace("\u00a0", " ") for leaf in leaves(outline.root)] == [
        "sex: f 26.0 %, m 74.0 %",
        "sex: f 24.7 %, m 75.3 %",
    ]
    assert "sex" not in outline.root.detail


def test_what_is_withheld_and_what_is_joined_stays_so():
    student, frame = audited()
    first = frame["subset"].iloc[0]
    frame.loc[(frame["subset"] == first) & (frame["group"] == "f"), ["status", "estimate"]] = ["suppressed", np.nan]
    frame.loc[frame["subset"] != first, "subset"] = "any of 3 rules that few rows meet"
    who = _who(student, SimpleNamespace(frames={"leaf_audit": frame}), "tree")
    assert [words.replace("\u00a0", " ") for words in who.values()] == ["sex: f withheld, m 74.0 %"]


def test_nothing_is_said_without_sensitive_columns_or_of_another_student():
    student, frame = audited()
    assert _who(student, SimpleNamespace(frames={}), "tree") == {}
    assert _who(student, SimpleNamespace(frames={"leaf_audit": frame}), "other") == {}
    outline = next(b for b in _tree(student.to_dict(), "t", None, {}) if isinstance(b, Outline))
    assert all(";" not in leaf.detail for leaf in leaves(outline.root))
