"""Groups compared, on a teacher whose rule is known."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.auditing.frames import groups as audit_groups
from explaindistill.report.words import interval
from explaindistill.teachers.callable import CallableTeacher


def test_selection_rates_are_those_of_the_rule(report, pair, Rule, pick):
    _, _, _, (test, _) = pair
    chosen = Rule().predict(test) == "approved"
    for sex in ("female", "male"):
        row = pick(report.frames["rates"], subject="teacher", attribute="sex", group=sex, metric="selection_rate").iloc[
            0
        ]
        assert row["estimate"] == pytest.approx(chosen[test["sex"] == sex].mean())


def test_the_gap_of_the_students_is_the_gap_of_the_teacher(report, pick):
    gaps = pick(report.frames["gaps"], attribute="sex", metric="selection_rate_difference")
    assert {"labels", "teacher", "tree", "linear"} <= set(gaps["subject"])
    teacher, tree = (pick(gaps, subject=s).iloc[0] for s in ("teacher", "tree"))
    assert abs(teacher["estimate"]) > 0.1
    assert tree["low"] <= teacher["estimate"] <= tree["high"]


def test_a_flip_of_the_attribute_that_the_rule_uses(report, pick):
    rate = pick(report.frames["flips"], subject="teacher", metric="flip_rate").groupby("attribute")["estimate"].max()
    assert rate["sex"] > 0.02
    assert rate["age_band"] == 0


def test_the_proxy_stands_beside_its_use(report, pick):
    table = pick(report.frames["proxies"], subject="teacher").set_index("feature")
    assert table.loc["sector", "estimate"].max() > 0.65
    assert table.loc["sector", "use"].max() == 0  # the rule never looks at it
    assert set(report.frames["proxies"]["subject"]) == {"teacher", "tree", "linear"}


def test_rules_that_few_rows_meet_are_one():
    leaf = np.repeat([3, 5, 7, 9], [100, 12, 8, 200])
    joined, words = audit_groups._joined(leaf, {3: "a", 5: "b", 7: "c", 9: "d"})
    assert np.unique(joined, return_counts=True)[1].tolist() == [200, 120]
    assert words[10] == "any of 3 rules that few rows meet"
    same, _ = audit_groups._joined(leaf[:100], {3: "a"})
    assert (same == 3).all()


def test_tests_are_one_declared_family(report):
    table = report.frames["tests"]
    assert table["family"].nunique() == 1
    assert set(table["subject"]) == {"teacher", "tree", "linear"}
    order = table.sort_values("p_value")
    assert order["p_holm"].iloc[0] == pytest.approx(min(1, order["p_value"].iloc[0] * len(table)))
    assert len(table)
    gaps = report.frames["gaps"].set_index(["metric", "subject", "attribute", "group"])
    for line in table.itertuples():
        gap = gaps.loc[(f"{line.metric}_difference", line.subject, line.attribute, line.group)]
        assert gap["status"] == "ok"


def test_unknown_people_are_bounded(pair, Rule, pick, tmp_path):
    tree, _, _, (test, y) = pair
    who = test[["sex"]].copy()
    who.iloc[::10] = None
    record = xd.audit(Rule(), tree, test, y, sensitive=who, favorable="approved")
    bounds = pick(record.frames["missing_bounds"], subject="teacher", metric="selection_rate_ratio").iloc[0]
    assert bounds["n_unknown"] == 300
    assert bounds["sampling_low"] < bounds["low"] < bounds["estimate"] < bounds["high"] < bounds["sampling_high"]
    record.save(tmp_path / "audit.html")
    page = (tmp_path / "audit.html").read_text()
    for ends in (("low", "high"), ("sampling_low", "sampling_high")):
        assert interval(*bounds[list(ends)], "ratio") in page


def test_groups_of_a_teacher_of_several_values_say_what_to_do():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=300), "sex": rng.choice(["f", "m"], 300)})
    teacher = CallableTeacher(lambda X: np.column_stack([X["a"], -2 * X["a"]]))
    tree = xd.TreeRegressor(max_leaf_nodes=4).fit(X, teacher.predict(X))
    audit = xd.audit(teacher, {"tree": tree}, X, sensitive="sex", n_explained=0, strict=True)
    for name, subjects in {"rates": ["teacher", "tree"], "gaps": ["teacher", "tree"], "transfer": ["tree"]}.items():
        table = audit.frames[name]
        assert table["subject"].tolist() == subjects
        assert table["reason"].str.contains("the teacher answers 2: audit one output at a time").all()
    assert audit.frames["fidelity"]["estimate"].notna().any()
