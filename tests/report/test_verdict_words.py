"""One source for a verdict and its word: every verdict in every place that words one."""

import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import explaindistill as xd
from explaindistill.auditing.gates import GateResult, Policy
from explaindistill.cli.summary import print_summary
from explaindistill.measures.favorable import without_favorable
from explaindistill.measures.transfer import VERDICTS
from explaindistill.measures.verdicts import COLUMNS, SEVERITY
from explaindistill.report.blocks import Explorer
from explaindistill.report.render import notebook, render, sections
from explaindistill.report.verdict_words import TRANSFER

VERBS = {v: "Cannot say what" if v == "cannot say" else form.split(" ")[1] for v, form in TRANSFER.items()}
KINDS = ("html", "markdown", "model-card")


def moved(verdict: str) -> pd.DataFrame:
    """A shift whose own interval excludes 0, under a verdict that need not follow it."""
    line = {"metric": "transfer", "subject": "tree", "attribute": "sex", "group": "f", "reference": "m", "n": 100,
            "subset": "", "status": "ok", "reason": "", "estimate": 0.1, "low": 0.05, "high": 0.15, "verdict": verdict,
            "k": 10, "method": "mover"}  # fmt: skip
    return pd.DataFrame([line])


def test_every_verdict_of_transfer_has_its_words():
    assert set(TRANSFER) == set(VERDICTS)


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_page_says_what_the_table_says(make, verdict, kind):
    base = make()
    audit = replace(base, frames=base.frames | {"transfer": moved(verdict)})
    text = render(audit, kind).replace("&#39;", "'")
    assert VERBS[verdict] in text
    for other, verb in VERBS.items():
        if other != verdict:
            assert f"{verb} the teacher's gap" not in text, verb
    assert "moves the teacher's gap" not in text


def judged(verdict: str) -> pd.DataFrame:
    line = dict.fromkeys(COLUMNS, "") | {
        "rule": "fidelity.agreement >= 0.9", "metric": "agreement", "subject": "tree", "estimate": 0.9, "low": 0.88,
        "high": 0.92, "n": 900, "verdict": verdict, "reason": "why",
    }  # fmt: skip
    return pd.DataFrame([line])


@pytest.mark.parametrize("verdict", SEVERITY)
def test_requirements_get_the_same_word_everywhere(make, verdict):
    base = make()
    frames = base.frames | {"verdicts": judged(verdict), "failures": pd.DataFrame(columns=["frame", "part", "cause"])}
    audit = replace(base, frames=frames, notes=())
    screen = io.StringIO()
    print_summary(type("A", (), {**vars(audit), "task": "classification"}), Console(file=screen, width=200))
    page = render(audit, "html").partition("What was required")[2].partition("</table>")[0]
    gate = str(GateResult(verdict, judged(verdict), Policy({})))
    for place, text in {"terminal": screen.getvalue(), "gate": gate, "page": page}.items():
        plain = re.sub(r"[\n:<>]+", " ", f" {text.lower()} ")
        words = {v for v in SEVERITY if f" {v} " in plain}
        assert words == {verdict}, place
    for kind in KINDS:
        assert verdict in render(audit, kind).lower()


def test_nobody_said_which_decision_people_want(make):
    classes = ("1", "2")
    base = make()
    audit = replace(base, classes=classes, favorable=None, notes=(without_favorable(classes),))
    for kind in KINDS:
        text = render(audit, kind).replace("&#39;", "'").replace("\\", "")
        assert "say which decision people want, for instance favorable='1'" in text, kind
        assert "--favorable 1" in text
    assert "--favorable 1" in notebook(audit)


def test_without_a_favourable_class_the_chapter_on_bias_is_written(audited_without):
    section = sections(audited_without)["bias"]
    assert section.tab == "bias"
    assert section.blocks[0].text.startswith("No verdict of bias")
    assert any(isinstance(block, Explorer) for block in section.blocks)  # fidelity by group needs no favourable class


@pytest.fixture(scope="module")
def audited_without():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"debt": rng.random(300), "sex": rng.choice(["f", "m"], 300)})
    P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X, P)
    return xd.audit((X, P), {"tree": tree}, X, sensitive=["sex"], n_explained=0)
