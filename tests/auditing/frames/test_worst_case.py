"""The search for the worst case within an audit: asked for, counted, bounded, and silent about people."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.report.sections.worst_case import section
from explaindistill.teachers.callable import CallableTeacher

N = 150


def people(seed=0):
    rng = np.random.default_rng(seed)
    columns = {"age": rng.integers(18, 80, N), "debt": rng.gamma(2, 1, N).round(2), "sex": rng.choice(["f", "m"], N)}
    return pd.DataFrame(columns)


def asked(X):
    p = 1 / (1 + np.exp(-0.08 * (X["age"] - 45) + X["debt"] * np.where(X["sex"] == "f", 1.0, 0.2) - 1))
    return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def tree():
    X = people()
    return xd.TreeClassifier(max_leaf_nodes=4).fit(X, pd.DataFrame(asked(X), columns=["no", "yes"]))


def audited(tree, teacher=None, X=None, **more):
    teacher = CallableTeacher(asked, classes=["no", "yes"]) if teacher is None else teacher
    options = {"favorable": "yes", "n_explained": 0, "strict": True} | more
    return xd.audit(teacher, {"tree": tree}, people(1) if X is None else X, **options)


@pytest.fixture(scope="module")
def report(tree):
    return audited(tree, worst_case=6_000, sensitive=["sex"])


def test_nothing_is_searched_or_asked_unless_it_is_asked_for_and_other_frames_are_as_without(tree, report):
    without = audited(tree, sensitive=["sex"])
    assert without.frames["worst_case"].empty
    assert "becomes" in without.frames["worst_case"]
    assert "audit: worst_case" not in without.manifest["rows_sent"]["by_purpose"]
    assert "worst_case=True" in section(without).reason
    for name, table in without.frames.items():
        if name != "worst_case":
            pd.testing.assert_frame_equal(table, report.frames[name])


def test_figures_of_all_people_and_of_each_group(report, tree):
    lines = report.frames["worst_case"].set_index(["metric", "attribute", "group"])
    for key in (("", ""), ("sex", "f"), ("sex", "m")):
        after, before = (lines.loc[(m, *key)] for m in ("worst_rows_disagreement", "worst_rows_observed"))
        assert after["estimate"] > before["estimate"]
        assert after["n"] == before["n"] == (25 if key[0] else 100)
    X = people(1)
    gap = np.abs(asked(X)[:, 1] - tree.predict_proba(X)[:, 1])
    largest = lines.loc[("largest_disagreement", "", "")]
    assert 1.0 == largest["high"] > largest["low"] == largest["estimate"] >= gap.max()
    assert lines.loc[("worst_rows_observed", "", ""), "estimate"] == pytest.approx(np.sort(gap)[-100:].mean())
    described = abs(largest["teacher_answer"] - largest["student_answer"])
    assert largest["estimate"] + 1e-12 >= described > 0.3
    assert (largest["reason"] == "") == (abs(largest["estimate"] - described) < 1e-12)


def test_the_same_audit_searches_the_same_and_the_forecast_bounds_what_it_asks(report, tree):
    forecast = audited(tree, worst_case=6_000, sensitive=["sex"], dry_run=True)
    again = audited(tree, worst_case=6_000, sensitive=["sex"])
    pd.testing.assert_frame_equal(again.frames["worst_case"], report.frames["worst_case"])
    sent, purpose = again.manifest["rows_sent"]["by_purpose"], "audit: worst_case"
    assert sent == report.manifest["rows_sent"]["by_purpose"]
    assert purpose in forecast.at_most
    assert 0 < sent[purpose] <= forecast.rows[purpose] <= 6_000
    assert {p: n for p, n in sent.items() if p != purpose} == {p: n for p, n in forecast.rows.items() if p != purpose}


def test_students_share_the_questions_and_a_store_remembers_them(tree, tmp_path):
    other = xd.TreeClassifier(max_leaf_nodes=2).fit(people(), pd.DataFrame(asked(people()), columns=["no", "yes"]))
    options = {"favorable": "yes", "n_explained": 0, "worst_case": 400, "store": tmp_path / "l.db"}
    sent, by_purpose = [], {}
    for _ in range(2):
        teacher = CallableTeacher(asked, classes=["no", "yes"], version="1")
        xd.audit(teacher, {"tree": tree, "other": other}, people(1), **options)
        sent.append(teacher.rows_sent_.total)
        by_purpose |= teacher.rows_sent_.by_purpose
    assert 100 < by_purpose["audit: worst_case"] <= 400
    assert sent[0] > 0 == sent[1]


def test_a_record_cannot_say(tree):
    X = people(1)
    record = (X, pd.DataFrame(asked(X), columns=["no", "yes"]))
    report = audited(tree, teacher=record, worst_case=True, sensitive=["sex"])
    assert report.frames["worst_case"][["subject", "status"]].values.tolist() == [["tree", "undefined"]]
    assert "only recorded answers" in report.frames["worst_case"]["reason"][0]
    assert "cannot say" in report.check({"worst_case.largest_disagreement": "<= 0.5"})["verdict"].tolist()
    assert section(report).blocks[-1].rows[0][2].text == "undefined"
    assert "audit: worst_case" not in audited(tree, teacher=record, worst_case=True, dry_run=True).rows


def test_rows_of_weight_0_are_nobody(tree):
    X, weight = people(1), np.where(np.arange(N) % 3 == 0, 0.0, 1.0)
    light = audited(tree, worst_case=2_000, sample_weight=weight)
    alone = audited(tree, X=X[weight > 0], worst_case=2_000)
    estimates = [r.frames["worst_case"][["metric", "estimate", "becomes"]] for r in (light, alone)]
    pd.testing.assert_frame_equal(*estimates)


def test_a_lower_bound_fails_a_requirement_and_never_passes_one(report):
    estimate = report.frames["worst_case"]["estimate"][0]
    for bound, verdict in ((estimate - 0.01, "fail"), (estimate + 0.01, "inconclusive")):
        line = report.check({"worst_case.largest_disagreement": f"<= {bound}"}).iloc[0]
        assert line["verdict"] == verdict
        assert "rows of this kind would decide" not in line["reason"]


def test_the_page_says_it_in_one_sentence_and_one_table(report, tmp_path):
    words, table = section(report).blocks
    assert "Near real people “tree” and the teacher differ by 0." in words.text
    assert [row[1].text for row in table.rows] == ["all", "sex = f", "sex = m"]
    assert "teacher" in table.rows[0][5].detail
    text = report.save(tmp_path / "a.html").read_text()
    assert "The largest disagreement found near people" in text


def test_regression_has_no_upper_end(tmp_path):
    X = people()
    student = xd.TreeRegressor(max_leaf_nodes=4).fit(X, 100 * asked(X)[:, 1])
    report = xd.audit(lambda X: 100 * asked(X)[:, 1], student, people(1), n_explained=0, worst_case=1_000, strict=True)
    line = report.frames["worst_case"].iloc[0]
    assert line["high"] == np.inf
    assert line["estimate"] > 1
    assert not report.frames["worst_case"]["metric"].eq("worst_rows_decided_apart").any()
    assert "in probability" not in section(report).blocks[0].text
    assert "Infinity" in report.save(tmp_path / "a.json").read_text()


@pytest.mark.parametrize("wrong", [0, -5, 0.5, "yes"])
def test_what_is_no_number_of_questions_is_refused(tree, wrong):
    with pytest.raises(InvalidInputError, match="worst_case must be a whole number of at least 1, True or False"):
        audited(tree, worst_case=wrong)
