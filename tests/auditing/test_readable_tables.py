"""Verdicts and changes as text: 80 columns, nothing cut, all of it in the frame."""

import numpy as np
import pandas as pd

import explaindistill as xd
from explaindistill.auditing.readable_tables import changes_text, verdicts_text


def verdicts(n: int) -> pd.DataFrame:
    words = ["pass", "fail", "inconclusive", "cannot say"]
    return pd.DataFrame(
        {
            "rule": "bias.selection_rate_worst_ratio[attribute=sex × a very long name of a sensitive column] >= 0.8",
            "subject": [f"a student with a long name {i}" for i in range(n)],
            "attribute": "sex × a very long name of a sensitive column",
            "group": "women × somebody of a long name against men × somebody of another long name",
            "estimate": np.where(np.arange(n) % 4 == 3, np.nan, 0.7),
            "low": 0.6,
            "high": 0.9,
            "n": np.arange(n) * 1000,
            "verdict": [words[i % 4] for i in range(n)],
            "reason": "the interval reaches both sides of >= 0.8; about 1,100 rows of this kind would decide",
        }
    )


def test_verdicts_fit_and_lose_no_word():
    text = verdicts_text(verdicts(4))
    assert max(map(len, text.splitlines())) <= 80
    assert "..." not in text
    assert "…" not in text
    assert text.endswith("1 fail, 1 inconclusive, 1 cannot say, 1 pass")
    assert "0.700 [0.600, 0.900]" in text


def test_of_many_verdicts_the_failing_ones_are_printed():
    text = verdicts_text(verdicts(400))
    assert text.count("FAIL") == 40
    assert "100 fail, 100 inconclusive, 100 cannot say, 100 pass; 360 lines not printed, they are in the frame" in text


def test_an_audit_prints_its_verdicts_and_keeps_the_frame():
    X = pd.DataFrame({"debt": np.arange(300) / 300, "sex": ["f", "m"] * 150})
    P = pd.DataFrame({"no": X["debt"] ** 2, "yes": 1 - X["debt"] ** 2})
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X, P)
    report = xd.audit((X, P), {"tree": tree}, X, sensitive=["sex"], favorable="yes", n_explained=0)
    answer = report.check({"fidelity.agreement": ">= 0.9", "bias.impact_ratio": ">= 0.8"})
    text = str(answer)
    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[0] == "fidelity.agreement >= 0.9"
    assert len(answer.columns) == 11
    assert type(answer[["verdict"]]) is pd.DataFrame
    assert str(report.check({})) == "no requirement"


def test_changes_print_what_moved():
    lines = pd.DataFrame(
        {
            "frame": "fidelity",
            "metric": ["agreement", "agreement_worst_class_of_all"],
            "subject": "tree",
            "attribute": "",
            "group": "",
            "reference": "",
            "subset": ["", "where " + "income <= 2955 and " * 12],
            "feature": "",
            "old": [0.9, 0.8],
            "new": [0.7, 0.81],
            "change": [-0.2, 0.01],
            "moved": ["beyond chance", "within chance"],
        }
    )
    lines.attrs["notes"] = ("teacher changed",)
    text = changes_text(lines)
    assert "agreement_worst" not in text
    assert "-0.2" in text
    assert "note: teacher changed" in text
    assert text.endswith("1 of 2 figures moved beyond chance")
    assert max(map(len, changes_text(lines.assign(moved="only in new")).splitlines())) <= 80
