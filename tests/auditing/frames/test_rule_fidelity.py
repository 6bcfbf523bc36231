"""Each rule's fidelity in an audit: on people, on made-up rows, and refused where exact limits do not hold."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.auditing.audit_rows import audit_rows
from explaindistill.auditing.frames.rule_fidelity import measure
from explaindistill.auditing.inputs import prepare
from explaindistill.auditing.options import AuditOptions
from explaindistill.auditing.validation import decision_rule
from explaindistill.report.blocks import Details
from explaindistill.report.sections.fidelity import section
from explaindistill.teachers import as_teacher

N = 400


def people(seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"age": rng.integers(18, 80, N), "debt": rng.gamma(2, 1, N).round(2)})


def answers(X):
    p = 1 / (1 + np.exp(-0.08 * (X["age"] - 45) + X["debt"] - 1))
    return pd.DataFrame({"no": 1 - p, "yes": p})


def frame_for(students, teacher=None, threshold=0.5, options=None, **more):
    X, y = people(1), {"sample_weight": None, "clusters": None, "strata": None} | more
    teacher = as_teacher(Asked() if teacher is None else teacher)
    rule = decision_rule(teacher.classes_, "yes", threshold)
    inputs = prepare(teacher, students, audit_rows(X, None, rule, sensitive=(), **y), rule)
    frame = measure(inputs, options or AuditOptions(), np.random.default_rng(0), {})["rule_fidelity"]
    assert frame.errors == {}
    return frame.table, inputs


class Asked:
    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        return answers(X).to_numpy()

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def __sklearn_clone__(self):
        return self


@pytest.fixture(scope="module")
def students():
    X = people()
    fitted = {
        "tree": xd.TreeClassifier(max_leaf_nodes=6),
        "rules": xd.RuleListClassifier(max_rules=4),
        "model tree": xd.ModelTreeClassifier(max_leaf_nodes=3, n_folds=0),
        "linear": xd.LinearClassifier(),
    }
    return {name: student.fit(X, answers(X)) for name, student in fitted.items()}


def test_every_rule_of_every_student_that_has_rules(students):
    table, inputs = frame_for(students)
    assert set(table["subject"]) == {"tree", "rules", "model tree"}
    for s in inputs.students[:3]:
        lines = table[table["subject"] == s.name]
        assert lines["n"].sum() == N
        same = answers(people(1))["yes"].ge(0.5) == (s.P[:, 1] >= 0.5)
        assert lines["k"].sum() == same.sum()
        region, words = s.inner.regions(people(1))
        for at, line in zip(words, lines.to_dict("records"), strict=True):
            assert (line["n"], line["subset"]) == ((region == at).sum(), f"where {words[at]}")
        assert (lines["low"] <= lines["estimate"]).all()


def test_made_up_rows_stand_apart_and_give_closer_limits(students):
    table, _ = frame_for({"tree": students["tree"]}, options=AuditOptions(n_made_up=4_000))
    of_people, made_up = (table[table["metric"] == m] for m in ("rule_agreement", "rule_agreement_made_up"))
    assert 1_000 < made_up["n"].sum() < 4_000  # those that equal a person are none
    assert of_people["n"].sum() == N
    width = [(t["high"] - t["low"]).mean() for t in (of_people, made_up)]
    assert width[1] < 0.8 * width[0]
    again, _ = frame_for({"tree": students["tree"]}, options=AuditOptions(n_made_up=4_000))
    pd.testing.assert_frame_equal(table, again)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"clusters": np.arange(N) // 4}, "cannot say with clusters"),
        ({"sample_weight": 1.0 + np.arange(N) % 2}, "cannot say with weights"),
        ({"threshold": {"top": 0.3}}, "cannot say of a top share"),
    ],
)
def test_rows_of_which_exact_limits_do_not_hold_are_refused(students, more, words):
    table, _ = frame_for({"tree": students["tree"]}, **more)
    assert table["status"].tolist() == ["undefined"]
    assert words in table["reason"][0]


def test_equal_weights_are_none(students):
    alone, _ = frame_for({"tree": students["tree"]})
    weighted, _ = frame_for({"tree": students["tree"]}, sample_weight=np.full(N, 2.5))
    pd.testing.assert_frame_equal(alone, weighted)


def test_a_record_has_no_made_up_rows(students):
    X = people(1)
    table, _ = frame_for({"tree": students["tree"]}, teacher=(X, answers(X)), options=AuditOptions(n_made_up=50))
    assert table["metric"].iloc[-1] == "rule_agreement_made_up"
    assert "only recorded answers" in table["reason"].iloc[-1]
    assert (table["status"].iloc[:-1] == "ok").all()


def test_in_an_audit_they_are_forecast_judged_and_folded_on_the_page(students):
    teacher, X = Asked(), people(1)
    options = {"favorable": "yes", "n_explained": 0, "n_made_up": 300, "strict": True}
    tree = {"tree": students["tree"]}
    forecast = xd.audit(teacher, tree, X, dry_run=True, **options)
    report = xd.audit(teacher, tree, X, **options)
    assert report.manifest["rows_sent"]["by_purpose"] == dict(forecast.rows)
    assert 100 < forecast.rows["audit: rule_fidelity"] <= 300
    verdicts = report.check({"rule_fidelity.rule_agreement[subject=tree]": ">= 0.5"})
    assert set(verdicts["verdict"]) <= {"pass", "inconclusive", "cannot say"}
    folded = [b for b in section(report).blocks if isinstance(b, Details) and b.summary == "How faithful is each rule?"]
    assert len(folded) == 1
    assert "chose nothing" in folded[0].blocks[0].note
