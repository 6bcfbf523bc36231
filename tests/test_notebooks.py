"""Every notebook runs from top to bottom, gives what it was committed with, needs no folder, and shows nobody.

Single people are planted in the table of some notebooks before it is used: no output may show them, but for cells
that print the rows of the table themselves. What a notebook says in words stands in its own ``assert``.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
ALL = bool(os.environ.get("EXPLAINDISTILL_DOCS_TEST"))
"""Set by ``make docs-test``: all notebooks are held against their outputs; the suite does so with QUICK ones."""
QUICK = ("05_distill_and_compare",)
PLANTED = {
    "01_quickstart": ("n_train = ", "data.X", "income", "purpose"),
    "02_audit_a_credit_model": ("order = ", "loans", "income", "purpose"),
    "06_regression": ("cut = ", "houses", "income", None),
}
"""The line that a table's people are planted before, the table, a column of numbers and one of text."""
NAME, NUMBER = "Zebulon Quixworth", 987654
SHOWN = re.compile(r"Quixworth|987654|9[.]87654|9[.]877e")
"""The planted, however they are written; marks between digits are taken out of a text first."""
PRINTS_ROWS = re.compile(r"[.]head\(|[.]iloc\[")
CHECKS = re.compile(r"^( *)assert .*(?:\n\1 .*)*", flags=re.MULTILINE)
FIGURE = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?(?:e[-+]\d+)?")
CLOSE = 0.02
"""Figures may differ by so much, of their size or of one: libraries of other versions round otherwise."""


def read(path):
    return pytest.importorskip("nbformat").read(path, as_version=4)


def execute(notebook, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    monkeypatch.delenv("EXPLAINDISTILL_DATA", raising=False)  # nobody has the folder
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return notebook


def plant(notebook, stem):
    """Write a line before the given one that makes one person alone in a column, in the rows of fitting and beyond.

    What the notebook asserts is true of the table without them, so it is left out.
    """
    anchor, table, number, text = PLANTED[stem]
    lines = [f"{table} = {table}.astype({{{number!r}: float}})"] if "." not in table else []
    lines += [f"{table}.iloc[[5, -5], {table}.columns.get_loc({number!r})] = {NUMBER}"]
    if text is not None:
        lines += [f"{table}.iloc[[7, -7], {table}.columns.get_loc({text!r})] = {NAME!r}"]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = CHECKS.sub(r"\1pass", cell.source)
    cell = next(c for c in notebook.cells if c.cell_type == "code" and re.search(rf"^{anchor}", c.source, re.MULTILINE))
    cell.source = re.sub(rf"^{anchor}", "\n".join([*lines, anchor]), cell.source, count=1, flags=re.MULTILINE)


def text_of(cell):
    """What a cell shows, without pictures; of a page its text."""
    words = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        words += [output.get("text", ""), *(str(v) for kind, v in data.items() if kind == "text/plain")]
    return "\n".join(words)


def shown(notebook):
    """All that the outputs hold, but those of cells that print rows: of the people in them the reader has asked."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and not PRINTS_ROWS.search(cell.source):
            for output in cell.outputs:
                data = output.get("data", {})
                yield output.get("text", "") + "".join(str(v) for kind, v in data.items() if kind != "image/png")


def differs(here, there):
    """Where two texts say other words, or figures that are not close; None where they say the same."""
    if FIGURE.sub("#", re.sub(r"\s+", " ", here)) != FIGURE.sub("#", re.sub(r"\s+", " ", there)):
        return f"other words: {here[:300]!r} for {there[:300]!r}"
    for a, b in zip(FIGURE.findall(here), FIGURE.findall(there), strict=True):
        x, y = (float(v.replace(",", "").replace("−", "-")) for v in (a, b))
        if not math.isclose(x, y, rel_tol=CLOSE, abs_tol=CLOSE):
            return f"{a} for {b} in {here[:300]!r}"
    return None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_committed_with_output_and_without_a_folder(path):
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code), f"{path.name}: run it before committing"
    assert sum(bool(cell.outputs) for cell in code) >= 4
    assert not re.search(r"EXPLAINDISTILL_|shared/|/work|/tmp", "\n".join(cell.source for cell in code))
    assert any("assert " in cell.source for cell in code), "what it says must be asserted in it"
    errors = [o for cell in code for o in cell.outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert errors == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the Jupyter packages, in this process
def test_gives_what_it_was_committed_with(path, monkeypatch):
    if not ALL and path.stem not in QUICK:
        pytest.skip("takes longer than the suite allows; make docs-test runs it")
    pytest.importorskip("torch", reason="the outputs are those of a torch teacher")
    committed = read(path)
    if any("gymnasium" in cell.source for cell in committed.cells):
        pytest.importorskip("gymnasium", reason="needs gymnasium: pip install 'explaindistill[rl]'")
    again = execute(read(path), monkeypatch)
    for old, new in zip(committed.cells, again.cells, strict=True):
        if old.cell_type == "code":
            assert differs(text_of(new), text_of(old)) is None, old.source
            pictures = [sorted(kind for o in cell.outputs for kind in o.get("data", {})) for cell in (old, new)]
            assert pictures[0] == pictures[1], old.source


@pytest.mark.parametrize("path", [p for p in NOTEBOOKS if p.stem in PLANTED], ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the Jupyter packages, in this process
def test_shows_nobody(path, monkeypatch):
    notebook = read(path)
    plant(notebook, path.stem)
    execute(notebook, monkeypatch)
    texts = [re.sub(r"(?<=\d)[,_'\u202f\u00a0](?=\d)", "", text) for text in shown(notebook)]
    assert sum(map(len, texts)) > 300
    assert [text[max(m.start() - 60, 0) : m.end() + 60] for text in texts for m in SHOWN.finditer(text)] == []


@pytest.mark.parametrize("text", ["9.87654e5", "<td>987,654</td>", "Zebulon Quixworth", "up to 987654.0"])
def test_the_search_finds_what_is_there(text):
    assert SHOWN.search(text.replace(",", ""))


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        ("agreement 0.951 on 1,800 rows", "agreement 0.957 on 1,800 rows", True),
        ("agreement 0.951", "agreement 0.851", False),
        ("1,800 rows", "1,200 rows", False),
        ("a tree of 8 leaves", "a list of 8 leaves", False),
        ("moved by −0.8", "moved by 0.8", False),
    ],
)
def test_outputs_are_compared_by_words_and_figures(here, there, same):
    assert (differs(here, there) is None) == same
