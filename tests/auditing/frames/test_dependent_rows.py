"""Rows that belong together: whatever verdict they change, a warning stands in front of it, with its way out."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import explaindistill as xd
from explaindistill.auditing.gates import gate
from explaindistill.teachers.callable import CallableTeacher

RULES = {"fidelity.agreement": ">= 0.9", "bias.worst_impact_ratio": ">= 0.8", "rates.accuracy": ">= 0.7"}
HEAD = "Rows may not be independent"


def people(n, seed, few=False):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    if few:
        X = (X > 0).astype(float).assign(c=rng.integers(0, 3, n))
    y = np.where(X["a"] + 0.5 * X["b"] + rng.normal(size=n) > 0, "yes", "no")
    return X, y, pd.DataFrame({"sex": np.where(rng.random(n) + 0.1 * (y == "yes") > 0.55, "m", "f")})


def audited(X, y, who, **more):
    teacher = LogisticRegression().fit(X, y)
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X, pd.DataFrame(teacher.predict_proba(X), columns=["no", "yes"]))
    return xd.audit(teacher, {"tree": tree}, X, y, sensitive=who, favorable="yes", n_explained=0,
                    requirements=RULES, **more)  # fmt: skip


def tenfold(table):
    return pd.concat([table] * 10, ignore_index=True) if isinstance(table, pd.DataFrame) else np.tile(table, 10)


@pytest.mark.parametrize("few", [False, True])
def test_no_verdict_changes_by_copies_without_a_warning(few):
    changed = 0
    for seed in range(6):
        X, y, who = people(150, seed, few)
        once, copied = audited(X, y, who), audited(*map(tenfold, (X, y, who)))
        assert not [note for note in once.notes if note.startswith(HEAD)]
        assert copied.notes[0].startswith(HEAD), "in front of everything"
        changed += once.frames["verdicts"]["verdict"].tolist() != copied.frames["verdicts"]["verdict"].tolist()
    assert changed >= 2, "else this test says nothing"


def test_the_warning_stands_on_every_first_screen(tmp_path):
    report = audited(*map(tenfold, people(120, 0)))
    warning = next(note for note in report.notes if note.startswith(HEAD))
    assert "each distinct row stands 10 times" in warning
    assert "groups=X.groupby(list(X), dropna=False, observed=True).ngroup()" in warning
    assert report.summary().splitlines()[1] == f"WARNING: {warning}"
    assert repr(report).endswith("; rows may not be independent")
    stored = json.loads(report.save(tmp_path / "a.json").read_text())
    assert stored["warnings"] == [warning]
    page = report.save(tmp_path / "a.html").read_text()
    assert page.index("each distinct row stands 10 times") < page.index("Agreement with the teacher")
    assert "each distinct row stands 10 times" in report._repr_html_().split("The whole report")[0]
    assert str(gate(tmp_path / "a.json", RULES)).startswith(f"WARNING: {warning}")


def test_the_way_out_that_is_named_gives_the_verdicts_of_the_rows_once():
    X, y, who = people(120, 1)
    once = audited(X, y, who)
    X10, y10, who10 = (tenfold(t) for t in (X, y, who))
    clusters = X10.groupby(list(X10), dropna=False, observed=True).ngroup().to_numpy()
    covered = audited(X10, y10, who10, groups=clusters)
    assert not [note for note in covered.notes if note.startswith(HEAD)]
    assert set(covered.frames["dependent_rows"]["verdict"]) == {"covered"}
    words = [report.frames["verdicts"]["verdict"].tolist() for report in (once, covered)]
    assert not any({a, b} == {"pass", "fail"} for a, b in zip(*words, strict=True))
    agreement = [r.frames["fidelity"].query("metric == 'agreement'").iloc[0] for r in (once, covered)]
    width = [line["high"] - line["low"] for line in agreement]
    assert width[1] >= 0.9 * width[0]


def test_branches_and_persons_are_asked_about_and_covered_by_groups():
    X, y, who = people(600, 3)
    branch = np.arange(600) % 12
    X = X.assign(branch=branch.astype(str))
    teacher = LogisticRegression().fit(X[["a", "b"]], y)
    ask = CallableTeacher(lambda rows: teacher.predict_proba(rows[["a", "b"]]), classes=["no", "yes"])
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X, pd.DataFrame(ask.predict_proba(X), columns=["no", "yes"]))
    report = xd.audit(ask, {"tree": tree}, X, y, sensitive=who, favorable="yes", n_explained=0)
    assert [n for n in report.notes if 'groups="branch"' in n and "12 values in 600 rows" in n]
    report = xd.audit(ask, {"tree": tree}, X, y, groups="branch", sensitive=who, favorable="yes", n_explained=0)
    assert not [n for n in report.notes if n.startswith(HEAD)]


def test_a_regression_whose_errors_are_alike_in_time_is_warned_of():
    rng = np.random.default_rng(0)
    season = np.sin(np.arange(500) / 40)
    X = pd.DataFrame({"x": rng.normal(size=500), "day": pd.date_range("2023-01-01", periods=500)})
    y = X["x"] + season + 0.1 * rng.normal(size=500)
    line = LinearRegression().fit(X[["x"]], y)
    teacher = CallableTeacher(lambda rows: line.predict(rows[["x"]]), output="value")
    tree = xd.TreeRegressor(max_leaf_nodes=4).fit(X, line.predict(X[["x"]]))
    report = xd.audit(teacher, {"tree": tree}, X, y, n_explained=0)
    table = report.frames["dependent_rows"].set_index("subject")
    assert table.loc["teacher", "verdict"] == "dependent"
    assert table.loc["tree", "verdict"] == "none"
    assert any('groups=X["day"]' in note for note in report.notes[:1])


def test_row_numbers_hide_no_copies_and_rows_of_no_weight_make_none():
    X, y, who = (tenfold(t) for t in people(120, 2))
    numbered = audited(X.assign(number=np.arange(len(X))), y, who)
    assert numbered.frames["dependent_rows"]["verdict"][0] == "dependent"
    weight = np.r_[np.ones(120), np.zeros(len(X) - 120)]
    weighted = audited(X, y, who, sample_weight=weight)
    assert weighted.frames["dependent_rows"]["verdict"].tolist() == ["none"]
