"""Every notebook runs from top to bottom on small settings, and is committed without output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


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
    if real_data_or_none is not None:
        monkeypatch.setenv("EXPLAINDISTILL_DATA", str(real_data_or_none))
    monkeypatch.setenv("EXPLAINDISTILL_QUICK", "1")
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
