"""The first figures on the terminal."""

import io

import pandas as pd
from rich.console import Console

from explaindistill.cli.summary import _verdict_table
from explaindistill.measures.verdicts import worst


def test_each_model_shows_its_worst_verdict():
    verdicts = pd.DataFrame(
        {
            "rule": "fidelity.agreement >= 0.9",
            "subject": ["tree"] * 4 + ["gam"] * 2,
            "verdict": ["pass", "cannot say", "inconclusive", "fail", "cannot say", "pass"],
            "estimate": [0.99, 0.5, 0.91, 0.82, 0.4, 0.97],
            "low": 0.1,
            "high": 1.0,
            "attribute": ["", "sex", "sex", "sex", "sex", None],
            "group": ["", "man", "other", "woman", "man", None],
            "reason": "",
        }
    )
    console = Console(file=io.StringIO(), width=200)
    console.print(_verdict_table("fidelity.agreement >= 0.9", worst(verdicts)))
    lines = [" ".join(line.replace("│", " ").split()) for line in console.file.getvalue().splitlines()]
    shown = [line for line in lines if line.startswith(("tree", "gam"))]
    assert shown == ["tree fail 0.820 0.100 – 1.000 sex woman", "gam cannot say 0.400 0.100 – 1.000 sex man"]


def test_the_worst_group_is_the_one_furthest_on_the_failing_side():
    same = {"subject": "tree", "verdict": "pass", "attribute": "sex", "low": 0.0, "high": 1.0, "reason": ""}
    gaps = pd.DataFrame(same, index=range(3)).assign(group=["a", "b", "c"], estimate=[0.01, 0.09, -0.08])
    rules = {"gaps.m <=0.1": "b", "gaps.m >= -1": "c", "gaps.m abs <= 0.1": "b", "gaps.m between -0.1 and 0.5": "c",
             "gaps.m[group=a > b] < 0.1": "b"}  # fmt: skip
    for rule, group in rules.items():
        assert worst(gaps.assign(rule=rule))["group"].tolist() == [group], rule
