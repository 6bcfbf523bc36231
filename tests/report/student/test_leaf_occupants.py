"""The drawing of a tree says who of the audited rows meets each leaf, and withholds what the audit withholds."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from explaindistill.measures.sensitivity import leaf_audit
from explaindistill.report.blocks import Outline
from explaindistill.report.dots import occupants_svg
from explaindistill.report.student.branching import leaf_occupants, tree
from explaindistill.students.tree.estimators import TreeRegressor


def audited():
    X = pd.DataFrame({"age": np.arange(200.0)})
    student = TreeRegressor(2).fit(X, X["age"] > 49)
    sex = pd.DataFrame({"sex": np.where(np.arange(200) % 4 == 0, "f", "m")})
    table = student.rules()
    names = dict(zip(table["leaf"], table["rule"], strict=True))
    return student, leaf_audit(student.apply(X), sex, names=names, subject="tree")


def words(shares):
    """Shares of a leaf as one line."""
    ((attribute, groups),) = shares
    return f"{attribute}: " + ", ".join(f"{g} {'withheld' if np.isnan(s) else f'{100 * s:.0f} %'}" for g, s in groups)


def leaves(node):
    return [node] if not node.children else [leaf for child in node.children for leaf in leaves(child)]


def test_every_leaf_says_who_meets_it():
    student, frame = audited()
    who = leaf_occupants(student, SimpleNamespace(frames={"leaf_audit": frame}), "tree")
    assert set(who) == set(map(str, student.tree_.leaves))
    outline = next(b for b in tree(student.drawing(), "t", None, who) if isinstance(b, Outline))
    assert [words(leaf.shares) for leaf in leaves(outline.root)] == ["sex: m 74 %, f 26 %", "sex: m 75 %, f 25 %"]
    assert outline.root.shares == ()
    assert "Grey: who of the audited rows is there by sex (m, f, dark to light)." in outline.desc


def test_what_is_withheld_and_what_is_joined_stays_so():
    student, frame = audited()
    first = frame["subset"].iloc[0]
    frame.loc[(frame["subset"] == first) & (frame["group"] == "f"), ["status", "estimate"]] = ["suppressed", np.nan]
    frame.loc[frame["subset"] != first, "subset"] = "any of 3 rules that few rows meet"
    who = leaf_occupants(student, SimpleNamespace(frames={"leaf_audit": frame}), "tree")
    assert [words(shares) for shares in who.values()] == ["sex: m 74 %, f withheld"]
    bar = occupants_svg(next(iter(who.values()))[0])
    assert bar.count("<rect") == 1
    assert "f withheld" in bar


def test_nothing_is_said_without_sensitive_columns_or_of_another_student():
    student, frame = audited()
    assert leaf_occupants(student, SimpleNamespace(frames={}), "tree") == {}
    assert leaf_occupants(student, SimpleNamespace(frames={"leaf_audit": frame}), "other") == {}
    outline = next(b for b in tree(student.drawing(), "t", None, {}) if isinstance(b, Outline))
    assert all(leaf.shares == () for leaf in leaves(outline.root))
    assert "Grey" not in outline.desc


def test_of_many_groups_the_largest_of_all_rows_are_named_in_one_order():
    student, frame = audited()
    sizes = {f"g{i}": i / 21 for i in range(7)}
    females = frame[frame["group"] == "f"]
    many = pd.concat([females.assign(group=g, estimate=s / 2, overall=s) for g, s in sizes.items()])
    who = leaf_occupants(student, SimpleNamespace(frames={"leaf_audit": many}), "tree")
    assert len(who) == 2
    for shares in who.values():
        assert [group for group, _ in shares[0][1]] == ["g6", "g5", "g4", "g3", "others"]
        assert shares[0][1][-1][1] == sum(sizes[g] / 2 for g in ("g0", "g1", "g2"))


def test_intersections_have_no_bar():
    student, frame = audited()
    crossed = frame.assign(attribute="sex × age")
    who = leaf_occupants(student, SimpleNamespace(frames={"leaf_audit": pd.concat([frame, crossed])}), "tree")
    assert all([attribute for attribute, _ in shares] == ["sex"] for shares in who.values())
