"""The commands check and compare, from saved files."""

import json
from pathlib import Path

import pytest

from explaindistill.cli import main

COLUMNS = ["metric", "subject", "subset", "n", "estimate", "low", "high", "status", "reason"]


@pytest.fixture
def saved(tmp_path: Path):
    def write(name: str, estimate: float) -> str:
        rows = [["agreement", "tree", "", 900, estimate, estimate - 0.02, estimate + 0.02, "ok", ""]]
        frames = {"fidelity": {"columns": COLUMNS, "rows": rows}}
        audit = {"format": "explaindistill-audit", "version": 1, "frames": frames, "threshold": estimate}
        (tmp_path / name).write_text(json.dumps(audit))
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize(("rule", "code"), [(">= 0.9", 0), (">= 0.96", 1), (">= 0.94", 3), ("about 1", 2)])
def test_check_answers_with_its_exit_code(saved, tmp_path, capsys, rule, code):
    (tmp_path / "p.toml").write_text(f'[rules]\n"fidelity.agreement" = "{rule}"')
    assert main(["check", saved("a.json", 0.93), "--policy", str(tmp_path / "p.toml")]) == code
    out, err = capsys.readouterr()
    assert ("a rule must read like" in err) if code == 2 else ("tree" in out or code == 0)


def test_compare_lists_what_moved(saved, capsys):
    assert main(["compare", saved("a.json", 0.93), saved("b.json", 0.83)]) == 0
    out = capsys.readouterr().out
    assert "fidelity.agreement" in out
    assert "note: threshold changed from 0.93 to 0.83" in out
    assert "1 of 1 figures moved beyond chance" in out


def test_compare_of_equal_audits_lists_nothing(saved, capsys):
    assert main(["compare", saved("a.json", 0.93), saved("b.json", 0.93)]) == 0
    assert capsys.readouterr().out.strip() == "0 of 1 figures moved beyond chance"


def test_a_file_that_is_not_there_is_one_line(saved, capsys):
    assert main(["compare", "gone.json", saved("b.json", 0.93)]) == 2
    assert capsys.readouterr().err == "explaindistill compare: gone.json could not be read: No such file or directory\n"
