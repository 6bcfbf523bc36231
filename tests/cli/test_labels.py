"""The command ``labels``: what it lists is what is there, and it destroys nothing by accident."""

from __future__ import annotations

import sqlite3

import numpy as np
import pandas as pd
import pytest

from explaindistill.asking.labelling import label
from explaindistill.asking.store import LabelStore
from explaindistill.cli import main
from explaindistill.teachers.callable import CallableTeacher

X = np.arange(7.0).reshape(-1, 1)


def share(rows):
    p = np.asarray(rows, dtype=float)[:, 0] / 10
    return np.column_stack([1 - p, p])


def square(rows):
    return np.asarray(rows, dtype=float)[:, 0] ** 2


@pytest.fixture
def path(tmp_path):
    where = tmp_path / "labels.db"
    label(CallableTeacher(share, classes=["no", "yes"], version="1"), X, store=where, batch_size=4)
    label(CallableTeacher(square, version="1"), X[:3], store=where)
    return where


def fingerprints(path):
    with LabelStore(path) as store:
        return store.teachers()["fingerprint"].tolist()


def test_list(path, capsys):
    assert main(["labels", "list", str(path)]) == 0
    out = capsys.readouterr().out
    for fingerprint in fingerprints(path):
        assert fingerprint[:12] in out
    assert "fingerprint" in out
    first, second = (next(line for line in out.splitlines() if f[:12] in line) for f in fingerprints(path))
    assert first.split()[1:6] == ["share", "no,", "yes", "7", "4"]
    assert second.split()[1:4] == ["square", "values", "3"]


def test_list_of_an_empty_store(tmp_path, capsys):
    LabelStore(tmp_path / "l.db").close()
    assert main(["labels", "list", str(tmp_path / "l.db")]) == 0
    assert "holds no teacher yet" in capsys.readouterr().out


def test_verify(path, capsys):
    assert main(["labels", "verify", str(path)]) == 0
    assert "nothing is wrong in 10 answers of 2 teachers" in capsys.readouterr().out
    db = sqlite3.connect(path)
    db.execute("UPDATE run_answers SET content = zeroblob(length(content)) WHERE run = 1")
    db.commit()
    db.close()
    assert main(["labels", "verify", str(path)]) == 1
    out = capsys.readouterr().out
    assert "the answers of run 1 are not what was written" in out
    assert "1 fault in 10 answers" in out


def test_export(path, tmp_path, capsys):
    pytest.importorskip("pyarrow")
    first = fingerprints(path)[0]
    out = tmp_path / "answers.parquet"
    assert main(["labels", "export", str(path), "--teacher", first[:8], "--out", str(out)]) == 0
    assert "7 answers written" in capsys.readouterr().out
    table = pd.read_parquet(out)
    assert table.columns.tolist() == ["key", "no", "yes"]
    assert sorted(table["yes"]) == pytest.approx(np.arange(7) / 10)
    before = out.read_bytes()
    assert main(["labels", "export", str(path), "--teacher", first, "--out", str(out)]) == 2
    assert "is there already; choose another name, or --force" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert main(["labels", "export", str(path), "--teacher", fingerprints(path)[1], "--out", str(out), "--force"]) == 0
    assert pd.read_parquet(out).columns.tolist() == ["key", "value_0"]
    assert main(["labels", "export", str(path), "--teacher", first, "--out", str(tmp_path / "a.csv")]) == 2
    assert "must end in .parquet" in capsys.readouterr().err


def test_prune_asks_first(path, capsys):
    first, second = fingerprints(path)
    assert main(["labels", "prune", str(path), "--teacher", first]) == 2
    assert "would forget 7 answers of share" in capsys.readouterr().err
    assert fingerprints(path) == [first, second]
    assert main(["labels", "prune", str(path), "--teacher", first, "--yes"]) == 0
    assert "7 answers of share forgotten" in capsys.readouterr().out
    assert fingerprints(path) == [second]


@pytest.mark.parametrize("beginning", ["", "zz"])
def test_an_unknown_teacher(path, capsys, beginning):
    assert main(["labels", "prune", str(path), "--teacher", beginning, "--yes"]) == 2
    assert f"no teacher whose fingerprint begins with {beginning!r}; there are: " in capsys.readouterr().err
    assert len(fingerprints(path)) == 2


def test_two_teachers_with_one_beginning(tmp_path, capsys):
    path = tmp_path / "l.db"
    many = [CallableTeacher(square, version=str(i)) for i in range(17)]
    with LabelStore(path) as store:
        for teacher in many:
            store.shelf(teacher)
    firsts = pd.Series([f[0] for f in fingerprints(path)])
    twice = firsts[firsts.duplicated()].iloc[0]
    assert main(["labels", "prune", str(path), "--teacher", twice, "--yes"]) == 2
    assert "teachers whose fingerprint begins with" in capsys.readouterr().err
    assert len(fingerprints(path)) == 17


@pytest.mark.parametrize("action", ["list", "verify"])
def test_what_is_no_store_is_left_alone(tmp_path, capsys, action):
    assert main(["labels", action, str(tmp_path / "no.db")]) == 2
    assert "there is no label store" in capsys.readouterr().err
    assert not (tmp_path / "no.db").exists()
    (tmp_path / "text.db").write_text("a,b\n")
    assert main(["labels", action, str(tmp_path / "text.db")]) == 2
    assert "is not a label store" in capsys.readouterr().err
    assert (tmp_path / "text.db").read_text() == "a,b\n"
