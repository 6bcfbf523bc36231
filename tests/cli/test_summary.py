"""The first figures on the terminal."""

import io

import pandas as pd
from rich.console import Console

from explaindistill.cli.summary import _verdict_table


def test_each_model_shows_its_worst_verdict():
    verdicts = pd.DataFrame(
        {
            "subject": ["tree"] * 4 + ["gam"] * 2,
            "verdict": ["pass", "cannot say", "inconclusive", "fail", "cannot say", "pass"],
            "estimate": [0.99, 0.5, 0.91, 0.82, 0.4, 0.97],
            "low": 0.1,
            "high": 1.0,
            "attribute": ["", "sex", "sex", "sex", "sex", None],
            "group": ["", "man", "other", "woman", "man", None],
        }
    )
    console = Console(file=io.StringIO(), width=200)
    console.print(_verdict_table("fidelity.agreement >= 0.9", verdicts))
    lines = [" ".join(line.replace("│", " ").split()) for line in console.file.getvalue().splitlines()]
    shown = [line for line in lines if line.startswith(("tree", "gam"))]
    assert shown == ["tree fail 0.820 0.100 – 1.000 sex woman", "gam cannot say 0.400 0.100 – 1.000 sex man"]
