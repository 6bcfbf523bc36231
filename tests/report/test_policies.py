"""The page of policies: complete, readable in light and dark, and without a complaint of axe-core."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.report.policies import _same_cells, policy_sections, render_policies

AXE = Path(os.environ.get("EXPLAINDISTILL_AXE", ".")) / "node_modules" / "axe-core" / "axe.min.js"


class Line:
    """A walk on a line that should stay near 0."""

    action_space = SimpleNamespace(n=2)

    def reset(self, seed=None):
        rng = np.random.default_rng(seed)
        self.x, self.idle, self.t = float(rng.uniform(-3, 3)), float(rng.uniform()), 0
        return np.array([self.x, self.idle]), {}

    def step(self, action):
        self.x, self.t = self.x + action - 0.5, self.t + 1
        return np.array([self.x, self.idle]), -abs(self.x), False, self.t == 15, {}


def back(S):
    return (S[:, 0] < 0).astype(int)


@pytest.fixture(scope="module")
def record():
    few = {"n_rounds": 1, "n_episodes": 8, "n_held_out": 6, "random_state": 0, "names": ["place", "idle"]}
    tree = xd.PolicyDistiller(back, xd.TreeClassifier(max_leaf_nodes=2), Line, units={"place": "m"}, **few).fit()
    return xd.audit_policy(
        back, {"tree": tree, "never back": lambda S: np.ones(len(S))}, Line, names=["place", "idle"],
        unsafe=lambda s: s["place"] > 5, units={"place": "m"}, noise=(0.3,), n_episodes=40, date="2026-11-30",
    )  # fmt: skip


def test_sections_tell_return_first(record):
    sections = policy_sections(record)
    assert next(iter(sections)) == "policies"
    assert all(section.blocks or section.reason for section in sections.values())
    assert policy_sections(record)["danger"].blocks


def test_what_was_not_asked_for_says_why(record):
    plain = xd.audit_policy(back, {"never back": lambda S: np.ones(len(S))}, Line, noise=(), n_episodes=12)
    sections = policy_sections(plain)
    assert "unsafe=" in sections["danger"].reason
    assert sections["stress"].reason
    assert sections["texts"].reason


def test_every_figure_of_the_table_is_the_frames(record):
    page = render_policies(record, "markdown")
    returns = record.frames["returns"].query("metric == 'return'").set_index("subject")["estimate"]
    for subject in ("teacher", "tree", "never back", "chance"):
        words = f"{abs(returns[subject]):.3g}"
        assert re.search(rf"{subject}.*{re.escape(words)}", page), subject


def test_drawings_have_words_and_no_fixed_colours(record):
    page = render_policies(record, "html")
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    planes = [d for d in drawings if "policy-0" in d]
    assert len(planes) == 2
    for drawing in planes:
        assert "<title" in drawing
        assert "<desc" in drawing
        assert not re.search(r"(?:fill|stroke):\s*#", drawing), re.search(r"(?:fill|stroke):\s*#\w+", drawing).group()
    assert "place (m)" in page


def test_neighbouring_actions_are_two_actions():
    """Of 25 actions a twentieth of their range is more than one."""
    action = [*range(25), *((i + 1) % 25 for i in range(25))]
    assert _same_cells(pd.DataFrame({"subject": ["teacher"] * 25 + ["tree"] * 25, "action": action})) == 0


def test_no_word_of_a_user_is_run():
    """Every text that a user hands over, in all kinds of the page."""
    attack = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    words = [f"{attack}{i}" for i in range(8)]

    def make():
        return Line()

    def named(S):
        return back(S)

    make.__name__, named.__name__ = words[0], words[1]
    more = {"names": [words[2], "idle"], "actions": [words[3], "b"], "units": {words[2]: words[4]}}
    few = {"n_rounds": 1, "n_episodes": 8, "n_held_out": 6, "random_state": 0}
    combined = {words[5]: (words[2], "+", "idle")}
    tree = xd.PolicyDistiller(named, xd.TreeClassifier(max_leaf_nodes=2), make, combined=combined, **few, **more).fit()
    hostile = xd.audit_policy(
        named, {words[6]: tree}, make, unsafe=lambda s: s[words[2]] > 2, regions=lambda s: words[7], noise=(),
        dynamics={words[7]: make}, n_episodes=12, date=words[0], **more,
    )  # fmt: skip
    page = render_policies(hostile, "html")
    assert page.count("<script") == page.count("</script>") == render_policies(_plain(), "html").count("<script")
    for kind in ("html", "cell"):
        assert not re.search(r"<img|<script>alert", render_policies(hostile, kind))
    prose = re.sub(r"^(`{3,})[^\n]*\n.*?^\1$", "", render_policies(hostile, "markdown"), flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"(?<!\\)<(?:img|script)", prose)


def _plain():
    return xd.audit_policy(back, back, Line, noise=(), n_episodes=12)


def test_a_kind_that_there_is_not(record):
    with pytest.raises(InvalidInputError, match="kind must be one of cell, html, json, markdown"):
        render_policies(record, "pdf")


@pytest.fixture(scope="module")
def page(record, tmp_path_factory):
    return record.save(tmp_path_factory.mktemp("axe") / "policies.html")


@pytest.mark.browser
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: npm install axe-core, and name its folder")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser, page, scheme):
    browser.open(page, scheme=scheme)
    browser.ask("document.getElementById('unfold').click()")
    browser.ask(AXE.read_text(encoding="utf-8") + ";0")
    found = browser.ask(
        "axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120)).join(' | ')))"
    )
    assert found == []
