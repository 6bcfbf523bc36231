"""The whole record: what is in it, how it judges, shows and saves itself."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier

import explaindistill as xd
from explaindistill.data import datasets
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.report.render import render

FRAMES = (
    "calibration", "flips", "leaf_audit", "missing_bounds", "power", "proxies", "reliability", "strata", "tests",
    "worst_pairs", "complexity", "corpus", "fidelity", "gaps", "group_fidelity", "importance", "performance", "rates",
    "students", "transfer", "verdicts",
)  # fmt: skip


def test_every_frame_is_there_with_counts_and_intervals(report, pick):
    assert set(FRAMES) <= set(report.frames)
    for name in ("fidelity", "performance", "rates", "gaps", "group_fidelity"):
        assert {"n", "estimate", "low", "high", "status", "reason", "method"} <= set(report.frames[name].columns), name
        ok = pick(report.frames[name], status="ok").dropna(subset=["low", "high"])
        assert (ok["low"] <= ok["estimate"] + 1e-12).all(), name
        assert (ok["high"] >= ok["estimate"] - 1e-12).all(), name


def test_manifest_is_a_function_of_the_inputs(report, pair, lending, Rule):
    tree, linear, train, (test, y) = pair
    again = xd.audit(
        Rule(), {"tree": tree, "linear": linear}, test, y, train=train, sensitive=list(lending.sensitive),
        favorable="approved", date="2026-11-23", requirements=report.requirements,
    )  # fmt: skip
    first, second = dict(report.manifest), dict(again.manifest)
    # what an adapter has sent is its own history: other audits of these students may lie between, but no further fit
    sent, resent = first.pop("rows_sent"), second.pop("rows_sent")
    assert json.dumps(second) == json.dumps(first)
    assert resent["by_purpose"]["fit"] == sent["by_purpose"]["fit"] > 0
    assert resent["total"] == sum(resent["by_purpose"].values())
    assert report.manifest["date"] == "2026-11-23"
    for name in FRAMES:
        pd.testing.assert_frame_equal(again.frames[name], report.frames[name])


def test_check_has_three_answers(report, pick):
    table = report.check({"fidelity.agreement": ">= 0.5", "bias.impact_ratio": ">= 0.99"})
    assert set(pick(table, rule="fidelity.agreement >= 0.5")["verdict"]) == {"pass"} or set(table["verdict"]) <= {
        "pass", "fail", "inconclusive", "cannot say",
    }  # fmt: skip
    assert "fail" in set(table["verdict"])
    with pytest.raises(InvalidInputError, match="fidelity"):
        report.check({"fidelity.nonsense": ">= 0.5"})


def test_no_sensitive_columns_no_bias_frames(pair, Rule):
    tree, _, _, (test, y) = pair
    record = xd.audit(Rule(), tree, test, y)
    assert record.frames["rates"].empty
    assert not (record.frames["verdicts"]["rule"].str.contains("bias")).any()


def test_top_share_threshold(pair, lending, Rule, pick):
    tree, _, _, (test, y) = pair
    record = xd.audit(
        Rule(), tree, test, y, sensitive=list(lending.sensitive), favorable="approved", threshold={"top": 0.2}
    )
    rates = pick(record.frames["rates"], subject="teacher", metric="selection_rate", attribute="sex")
    assert np.average(rates["estimate"], weights=rates["n"]) == pytest.approx(0.2, abs=0.01)


def test_multi_class_and_third_party_students(pick):
    X, y = load_iris(return_X_y=True, as_frame=True)
    teacher = RandomForestClassifier(20, random_state=0).fit(X[::2], y[::2])
    student = xd.Distiller(teacher, DecisionTreeClassifier(random_state=0), random_state=0).fit(X[::2])
    direct = DecisionTreeClassifier(random_state=0).fit(X[::2], teacher.predict(X[::2]))
    record = xd.audit(teacher, {"distilled": student, "direct": direct}, X[1::2], y[1::2], train=(X[::2], y[::2]))
    assert pick(record.frames["fidelity"], subject="distilled", metric="agreement").iloc[0]["estimate"] > 0.9
    assert "DecisionTreeClassifier" in set(record.frames["students"]["family"])


def test_regression(pick):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    teacher = RandomForestRegressor(20, random_state=0).fit(X[::2], y[::2])
    students = {
        "tree": xd.Distiller(teacher, xd.TreeRegressor(), random_state=0).fit(X[::2]),
        "linear": xd.Distiller(teacher, xd.LinearRegressor(), random_state=0).fit(X[::2]),
    }
    groups = pd.DataFrame({"sex": np.where(X["sex"][1::2] > 0, "a", "b")})
    record = xd.audit(teacher, students, X[1::2], y[1::2], train=(X[::2], y[::2]), sensitive=groups)
    r2 = pick(record.frames["fidelity"], subject="tree", metric="r2").iloc[0]
    assert r2["low"] < r2["estimate"] < r2["high"]
    assert not record.frames["rates"].empty
    assert "regression" in str(record.task)


def test_it_shows_and_saves_itself(report, tmp_path):
    assert "Audit of tree, linear against KnownRule on 3,000 rows" in repr(report)
    for name in ("audit.html", "audit.md", "audit.json"):
        path = report.save(tmp_path / name)
        assert path.stat().st_size > 500
    assert json.loads((tmp_path / "audit.json").read_text())
    assert "<" in report._repr_html_()
    assert report.save(tmp_path / "notes.txt", kind="markdown").exists()
    assert "tags:" in report.save(tmp_path / "README.md", kind="model-card").read_text()
    assert report.save(tmp_path / "audit.csv").read_text().startswith("frame")
    with pytest.raises(InvalidInputError, match=r"path must end in .*\.html.*got 'audit.docx'"):
        report.save(tmp_path / "audit.docx")


def test_frozen(report):
    with pytest.raises(AttributeError):
        report.notes = ()


def test_a_teacher_that_answers_nonsense(pair, Rule):
    tree, _, _, (test, _) = pair

    class Broken(Rule):
        def predict_proba(self, X):
            return super().predict_proba(X)[:-1]

    with pytest.raises(TeacherError, match="was asked about"):
        xd.audit(Broken(), tree, test)


def test_the_planted_gap_of_lending_lies_in_the_interval(pick):
    data = datasets.lending(20_000, random_state=3)
    answers = pd.DataFrame(
        {"approved": (data.y == "approved").astype(float), "declined": (data.y != "approved").astype(float)}
    )
    teacher = (data.X, answers)
    student = xd.TreeClassifier(max_leaf_nodes=8).fit(data.X.iloc[:5000], data.y.iloc[:5000])
    record = xd.audit(teacher, student, data.X, data.y, sensitive=["sex"], favorable="approved")
    row = pick(record.frames["gaps"], subject="labels", attribute="sex", metric="selection_rate_difference").iloc[0]
    assert row["low"] <= -data.truth.gap["sex"] <= row["high"] or row["low"] <= data.truth.gap["sex"] <= row["high"]


def test_small_groups_are_withheld_everywhere_and_judged_by_nobody(pair, Rule):
    tree, _, _, (test, y) = pair
    kind = pd.DataFrame({"kind": np.repeat(["a", "b", "few"], [1700, len(test) - 1706, 6])})
    found = xd.audit(Rule(), {"tree": tree}, test, y, sensitive=kind, favorable="approved")
    for name in (
        "rates",
        "gaps",
        "group_fidelity",
        "transfer",
        "power",
        "calibration",
        "leaf_audit",
        "proxies",
    ):
        frame = found.frames[name]
        few = frame[frame["group"] == "few"]
        assert len(few), name
        assert (few["status"] == "suppressed").all(), name
        assert few.select_dtypes("number").isna().all(axis=None), name
    assert not (found.frames["tests"]["group"] == "few").any()
    shown = found.frames["rates"]
    assert set(shown[shown["status"] == "ok"]["group"]) == {"a"}, "b is needed: with it and the total, few would follow"
    verdicts = found.check({"bias.impact_ratio": ">= 0.8"})
    assert set(verdicts[verdicts["group"] == "few"]["verdict"]) == {"cannot say"}
    headline = found.check({"bias.worst_impact_ratio": ">= 0.8"})
    assert set(headline[headline["attribute"] == "kind"]["verdict"]) == {"cannot say"}
    assert "min_group_size=10" in render(found, "html")
    everything = xd.audit(Rule(), {"tree": tree}, test, y, sensitive=kind, favorable="approved", min_group_size=1)
    assert "suppressed" not in set(everything.frames["rates"]["status"])


def test_the_headline_verdict_holds_for_any_pair(report, pick):
    table = report.frames["verdicts"]
    told = table[table["metric"] == "selection_rate_worst_ratio"]
    assert len(told) == 3 * 3  # teacher and two students, by sex, by age band, by both
    row = pick(told, subject="teacher", attribute="sex").iloc[0]
    assert row["group"] == "female against male"
    assert row["verdict"] == "fail"
    pairs = pick(report.frames["worst_pairs"], metric="selection_rate_worst_ratio", subject="teacher")
    assert pick(pairs, attribute="sex × age_band").iloc[0]["n_pairs"] == 28


def test_a_recorded_teacher_cannot_be_asked_anew(pair, Rule, pick):
    tree, _, _, (test, y) = pair
    P = pd.DataFrame(Rule().predict_proba(test), columns=Rule.classes_)
    record = xd.audit((test, P), tree, test, y, sensitive=["sex"], favorable="approved")
    assert pick(record.frames["flips"], subject="teacher").iloc[0]["status"] == "undefined"
    stressed = pick(record.frames["fidelity"], subset="stressed rows (columns shuffled apart)")
    assert set(stressed["status"]) == {"undefined"}


def test_the_report_says_why_a_check_is_not_there(report):
    page = render(report, "html")
    for words in (
        "no strata were given", "Any pair of groups", "One family of tests", "Which columns give an attribute away",
        "Is it worth distilling?", "No rule set was named", "By rule of the student",
    ):  # fmt: skip
        assert words in page, words
