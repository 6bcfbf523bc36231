"""Every block of Python and shell on every page runs, in the page's order; what does not says why in the source."""

from __future__ import annotations

import os
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

pytest.importorskip("sybil", reason="the extra test has it")

from pages.blocks import LANGUAGES, ROOT, blocks, languages, pages, run
from pages.stand_ins import FEWER, SLOW, stage

ALL = bool(os.environ.get("EXPLAINDISTILL_DOCS_TEST"))
"""Set by ``make docs-test``: slow pages too, and the embedded example whole."""
PLUGIN = re.compile(r"add_an?_\w+")
"""Pages whose Python is files of plug-ins and their tests: ``tests/test_plugin_pages.py`` runs them in their rooms."""
PAGES = [p for p in pages() if not PLUGIN.fullmatch(p.stem) and next(blocks(p), None) is not None]
FRONT_PAGES = ("README.md", "docs/index.md")
MOST_NOT_RUN = 6
"""Blocks that cannot run; one more needs a look at whether a stand-in would do."""


@pytest.mark.parametrize("path", pages(), ids=lambda p: p.stem)
def test_every_block_says_its_language(path):
    assert [words for words in languages(path) if words not in LANGUAGES] == []


def test_what_is_not_run_is_counted():
    reasons = {(p.name, e.line): why for p in pages() for e, why in blocks(p) if why is not None}
    assert len(reasons) <= MOST_NOT_RUN, reasons
    assert all(len(why) > 20 for why in reasons.values())


def test_pages_of_plug_ins_have_no_shell():
    assert [p.name for p in pages() if PLUGIN.fullmatch(p.stem) and "sh" in languages(p)] == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")  # of shap, on import
@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_runs(path: Path, tmp_path, monkeypatch):
    if path.stem in SLOW and not ALL:
        pytest.skip("takes longer than the suite allows; make docs-test runs it")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCORING_TOKEN", "a made token")
    monkeypatch.setenv("MPLBACKEND", "agg")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with stage(path.stem) as (names, addresses):
        outcome = run(path, names, addresses | ({} if ALL else FEWER))
    plt.close("all")
    assert outcome.ran or outcome.not_run
    for address in opened:
        assert Path(address.removeprefix("file://")).stat().st_size > 10_000


def test_the_front_pages_begin_with_the_same_ten_lines():
    firsts = [next(e.parsed for e, _ in blocks(ROOT / name) if "import" in e.parsed) for name in FRONT_PAGES]
    assert firsts[0] == firsts[1]
    assert len(firsts[0].strip().splitlines()) == 10
