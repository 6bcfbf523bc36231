"""Rules and their three answers."""

import re

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity
from explaindistill.measures.verdicts import COLUMNS, check, check_rules, judge, parse, worst

P = np.column_stack([np.linspace(0, 1, 200), np.linspace(1, 0, 200)])


def frames(**extra):
    found = [fidelity(P, P, DecisionRule([0, 1]), subject=s) for s in ("tree", "tree without teacher")]
    return {"fidelity": pd.concat(found, ignore_index=True), "verdicts": pd.DataFrame(), **extra}


@pytest.mark.parametrize(
    ("interval", "rule", "verdict"),
    [
        ((0.97, 0.96, 0.98), ">= 0.95", "pass"),
        ((0.96, 0.95, 0.98), ">= 0.95", "pass"),
        ((0.96, 0.95, 0.98), "> 0.95", "inconclusive"),
        ((0.96, 0.94, 0.98), ">= 0.95", "inconclusive"),
        ((0.90, 0.88, 0.94), ">= 0.95", "fail"),
        ((0.90, 0.88, 0.95), "> 0.95", "fail"),
        ((0.02, -0.01, 0.04), "abs <= 0.05", "pass"),
        ((-0.20, -0.30, -0.10), "abs <= 0.05", "fail"),
        ((0.9, 0.85, 1.1), "between 0.8 and 1.25", "pass"),
        ((3.0, 2.0, np.inf), "< 1", "fail"),
        ((0.0, 0.0, 0.02), ">= 0.8", "fail"),
        ((np.nan, 0.1, 0.2), ">= 0.8", "cannot say"),
        ((0.5, np.nan, np.nan), ">= 0.8", "cannot say"),
    ],
)
def test_three_answers(interval, rule, verdict):
    assert judge(*interval, rule)[0] == verdict


@pytest.mark.parametrize(
    "text", ["0.95", "=> 0.9", ">= x", "between 2 and 1", "abs >= 0.1", "abs <= -1", ">= 1.2.3", ""]
)
def test_rules_that_cannot_be_read(text):
    with pytest.raises(InvalidInputError, match="a rule must read like"):
        parse(text)


def test_an_inconclusive_verdict_says_what_would_decide():
    assert "about" in judge(0.75, 0.6, 0.9, ">= 0.8", n=100)[1]
    assert "about" not in judge(0.8, 0.7, 0.9, ">= 0.8", n=100)[1]
    assert "about" not in judge(0.8 - 1e-9, 0.7, 0.9, ">= 0.8", n=100)[1]
    assert "about" not in judge(1.0, 0.0, np.inf, ">= 0.8")[1]


def test_the_students_are_judged_and_not_their_baselines_or_subsets():
    found = check(frames(), {"fidelity.agreement": ">= 0.95"})
    assert found.columns.tolist() == list(COLUMNS)
    assert found[["rule", "subject", "verdict"]].values.tolist() == [["fidelity.agreement >= 0.95", "tree", "pass"]]


def test_a_key_can_select():
    found = check(frames(), {"fidelity.agreement[subset=class=1, subject=tree without teacher]": ">= 0.9"})
    assert found[["subject", "n"]].values.tolist() == [["tree without teacher", 100]]


def test_statuses_that_cannot_be_judged():
    line = {"metric": "selection_rate_ratio", "subject": "tree", "status": "undefined", "reason": "no rows"}
    table = pd.DataFrame([line | {"estimate": np.nan, "low": 0.1, "high": 0.2, "n": 0}])
    found = check({"gaps": table}, {"bias.impact_ratio": ">= 0.8"})
    assert found[["verdict", "reason"]].values.tolist() == [["cannot say", "no rows"]]
    small = table.assign(status="small", estimate=0.15, reason="4 rows, fewer than 30", n=4)
    assert check({"gaps": small}, {"bias.impact_ratio": ">= 0.8"})[["verdict", "reason"]].values.tolist() == [
        ["fail", "4 rows, fewer than 30"]
    ]


def test_a_frame_that_is_empty_cannot_say():
    for empty in (pd.DataFrame(), pd.DataFrame({"metric": []})):
        found = check({"gaps": empty}, {"bias.impact_ratio": ">= 0.8"})
        assert found[["metric", "verdict", "n"]].values.tolist() == [["selection_rate_ratio", "cannot say", 0]]


def test_no_rules_no_lines():
    assert len(check(frames(), {})) == 0


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("agreement", "must read frame.metric"),
        ("loyalty.agreement", "there is no frame 'loyalty'; there are: bias, fidelity"),
        ("fidelity.agreemnt", "fidelity has no metric 'agreemnt'; did you mean 'agreement'"),
        ("fidelity.agreement[colour=red]", "it may select by: subject, attribute"),
        ("fidelity.agreement[subject]", "selects by 'subject'"),
    ],
)
def test_unknown_keys_say_what_exists(key, message):
    with pytest.raises(InvalidInputError, match=message.replace("[", r"\[")):
        check(frames(), {key: ">= 0.5"})


def verdicts(rule, *lines):
    names = ("subject", "group", "estimate", "verdict")
    return pd.DataFrame([{"rule": rule} | dict(zip(names, line, strict=True)) for line in lines])


@pytest.mark.parametrize(
    ("rule", "estimates", "group"),
    [
        ("bias.impact_ratio >= 0.8", (0.7, 0.75), "a"),
        ("bias.gap <= 0.1", (0.2, 0.3), "b"),
        ("bias.gap abs <= 0.1", (-0.3, 0.2), "a"),
        ("bias.gap >= 0.8", (np.nan, 0.2), "b"),
    ],
)
def test_the_worst_group_is_the_one_furthest_from_its_rule(rule, estimates, group):
    found = worst(verdicts(rule, ("tree", "a", estimates[0], "fail"), ("tree", "b", estimates[1], "fail")))
    assert found[["group", "others"]].values.tolist() == [[group, "1 fail"]]


def test_one_line_per_rule_and_subject():
    lines = [("tree", "a", 0.9, "pass"), ("tree", "b", 0.8, "inconclusive"), ("gam", "a", 0.9, "pass")]
    found = worst(verdicts("fidelity.agreement >= 0.85", *lines))
    assert found[["subject", "group", "others"]].values.tolist() == [["tree", "b", "1 pass"], ["gam", "a", ""]]
    assert len(worst(check(frames(), {}))) == 0


def test_the_second_teacher_is_not_judged_and_a_pair_is_named_by_both_groups():
    line = {"metric": "agreement", "subset": "", "n": 9, "estimate": 0.5, "low": 0.4, "high": 0.6, "status": "ok"}
    table = pd.DataFrame([line | {"subject": s, "reason": ""} for s in ("tree", "second teacher")])
    assert check({"fidelity": table}, {"fidelity.agreement": ">= 0.9"})["subject"].tolist() == ["tree"]
    pair = pd.DataFrame([line | {"metric": "selection_rate_worst_ratio", "subject": "tree", "attribute": "sex",
                                 "group": "f", "reference": "m", "reason": ""}])  # fmt: skip
    assert check({"worst_pairs": pair}, {"bias.worst_impact_ratio": ">= 0.8"})["group"].tolist() == ["f against m"]


def test_rules_are_checked_before_anything_is_measured():
    check_rules({"fidelity.agreement[subject=tree]": ">= 0.9", "fidelity.agreement": ">= 0.9"}, ["fidelity"], ["tree"])
    for key, words in (
        ("fidelity.agreement[subject=gam]", "names the subject 'gam'; there are: linear, tree"),
        ("fidelity.agreement[subject=tre]", "names the subject 'tre'; did you mean 'tree'?; there are: linear, tree"),
        ("fidelty.agreement", "there is no frame 'fidelty'; did you mean 'fidelity'?; there are: "),
        ("fidelity.agrement", "fidelity has no metric 'agrement'; did you mean 'agreement'?"),
    ):
        with pytest.raises(InvalidInputError, match=re.escape(words)):
            check_rules({"fidelity.agreement": ">= 0.9", key: ">= 0.9"}, ["fidelity"], ["tree", "linear"])
    check_rules({"mine.anything": "> 0"}, ["mine"], ["tree"])  # a frame of one's own has any metric
