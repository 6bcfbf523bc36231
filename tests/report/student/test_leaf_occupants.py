"""The drawing of a tree says who of the audited rows meets each leaf, and withholds what the audit withholds."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from explaindistill.measures.sensitivity import leaf_audit
from explaindistill.report.blocks import Outline
from explaindistill.report.student.branching import leaf_occupants, tree
from explaindistill.students.tree.estimators import TreeRegressor


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
    who = leaf_occupants(student, SimpleNamespace(frames={"leaf_audit": frame}), "tree")
    assert set(who) == set(map(str, student.tree_.leaves))
    outline = next(b for b in tree(student.drawing(), "t", None, who) if isinstance(b, Outline))
    assert [leaf.detail.split("; audited rows: ", 1)[1].replace("\u00a0", " ") for leaf in leaves(outline.root)] == [
        "sex: m 74.0 %, f 26.0 %",
        "sex: m 75.3 %, f 24.7 %",
    ]
    assert "sex" not in outline.root.detail


def test_what_is_withheld_and_what_is_joined_stays_so():
    student, frame = audited()
    first = frame["subset"].iloc[0]
    frame.loc[(frame["subset"] == first) & (frame["group"] == "f"), ["status", "estimate"]] = ["suppressed", np.nan]
    frame.loc[frame["subset"] != first, "subset"] = "any of 3 rules that few rows meet"
    who = leaf_occupants(student, SimpleNamespace(frames={"leaf_audit": frame}), "tree")
    assert [words.replace("\u00a0", " ") for words in who.values()] == ["sex: m 74.0 %, f withheld"]


def test_nothing_is_said_without_sensitive_columns_or_of_another_student():
    student, frame = audited()
    assert leaf_occupants(student, SimpleNamespace(frames={}), "tree") == {}
    assert leaf_occupants(student, SimpleNamespace(frames={"leaf_audit": frame}), "other") == {}
    outline = next(b for b in tree(student.drawing(), "t", None, {}) if isinstance(b, Outline))
    assert all(";" not in leaf.detail for leaf in leaves(outline.root))


def test_of_many_groups_the_largest_are_named():
    student, frame = audited()
    many = pd.concat([frame[frame["group"] == "f"].assign(group=f"g{i}", estimate=i / 20) for i in range(6)])
    who = leaf_occupants(student, SimpleNamespace(frames={"leaf_audit": many}), "tree")
    words = next(iter(who.values())).replace("\u00a0", " ")
    assert words == "sex: g5 25.0 %, g4 20.0 %, g3 15.0 %, g2 10.0 %, 2 more"
