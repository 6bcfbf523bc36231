"""Every notebook runs from top to bottom on small settings, is committed without output, and shows nobody.

Single people are planted in the table of some notebooks before it is used: no output may show them, but for cells
that print the rows of the table themselves.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
PLANTED = {
    "01_quickstart": ("n_train = ", "data.X", "income", "purpose"),
    "02_audit_a_credit_model": ("order = ", "adult", "capital-gain", "native-country"),
    "06_regression": ("n = int", "houses", "Population", None),
}
"""The line that a table's people are planted before, the table, a column of numbers and one of text."""
NAME, NUMBER = "Zebulon Quixworth", 987654
SHOWN = re.compile(r"Quixworth|987654|9[.]87654|9[.]877e")
"""The planted, however they are written; marks between digits are taken out of a text first."""
PRINTS_ROWS = re.compile(r"[.]head\(|[.]iloc\[")


def plant(notebook, stem):
    """Write a line before the given one that makes one person alone in a column, in the rows of fitting and beyond."""
    anchor, table, number, text = PLANTED[stem]
    lines = [f"{table}.iloc[[5, -5], {table}.columns.get_loc({number!r})] = {NUMBER}"]
    if text is not None:
        lines += [f"{table}.iloc[[7, -7], {table}.columns.get_loc({text!r})] = {NAME!r}"]
    cell = next(c for c in notebook.cells if c.cell_type == "code" and re.search(rf"^{anchor}", c.source, re.MULTILINE))
    cell.source = re.sub(rf"^{anchor}", "\n".join([*lines, anchor]), cell.source, count=1, flags=re.MULTILINE)


def shown(notebook):
    """Texts of all outputs, but those of cells that print rows: of the people in them the reader has asked."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and not PRINTS_ROWS.search(cell.source):
            for output in cell.outputs:
                data = output.get("data", {})
                yield output.get("text", "") + "".join(str(v) for kind, v in data.items() if kind != "image/png")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_committed_without_output(path):
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        assert not cell.get("outputs"), f"{path.name} has output: clear it before committing"
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the Jupyter packages, in this process
def test_runs(path, monkeypatch, real_data_or_none):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(path, as_version=4)
    source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    if "EXPLAINDISTILL_DATA" in source and real_data_or_none is None:
        pytest.skip("needs the data folder; set EXPLAINDISTILL_DATA")
    if "gymnasium" in source:
        pytest.importorskip("gymnasium", reason="needs gymnasium: pip install 'explaindistill[rl]'")
    if real_data_or_none is not None:
        monkeypatch.setenv("EXPLAINDISTILL_DATA", str(real_data_or_none))
    monkeypatch.setenv("EXPLAINDISTILL_QUICK", "1")
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    if path.stem in PLANTED:
        plant(notebook, path.stem)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    texts = [re.sub(r"(?<=\d)[,_'\u202f\u00a0](?=\d)", "", text) for text in shown(notebook)]
    assert sum(map(len, texts)) > 300
    assert [text[max(m.start() - 60, 0) : m.end() + 60] for text in texts for m in SHOWN.finditer(text)] == []


@pytest.mark.parametrize("text", ["9.87654e5", "<td>987,654</td>", "Zebulon Quixworth", "up to 987654.0"])
def test_the_search_finds_what_is_there(text):
    assert SHOWN.search(text.replace(",", ""))
