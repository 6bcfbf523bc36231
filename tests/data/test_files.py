"""A file is the new one, whole, or the one of before, whole: on a full disk and after a kill."""

from __future__ import annotations

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import explaindistill
from explaindistill.asking.labelling import label
from explaindistill.asking.store import LabelStore
from explaindistill.data import files
from explaindistill.data.files import read_json, replaced, replaced_together, write_whole
from explaindistill.errors import InvalidInputError
from explaindistill.teachers import load_teacher, save_teacher
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.network import NetworkTeacher

PACKAGE = Path(explaindistill.__file__).parent
WRITERS = {"write_text", "write_bytes"}
ELSEWHERE = {"export/_engines.py"}  # a temporary folder for the compiler


@pytest.fixture
def full_disk(monkeypatch):
    """Let every fsync fail as on a full disk."""

    def fsync(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", fsync)


def network(weight):
    return NetworkTeacher([{"kind": "linear", "weight": [[weight]], "bias": [1.0]}])


def test_full_disk_leaves_the_file_of_before(tmp_path, full_disk):
    (tmp_path / "a.json").write_text("before")
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a.json", "after")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.json", "before")]


def test_full_disk_leaves_the_teacher_of_before(tmp_path, monkeypatch):
    home = save_teacher(network(2.0), tmp_path / "t")
    (home / "mine.txt").write_text("mine")
    real, calls = os.fsync, []

    def fsync(handle):
        calls.append(handle)
        if len(calls) == 3:  # the first file is complete then, the second is not
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(InvalidInputError, match=r"cannot be written: .*No space left"):
        save_teacher(network(3.0), home)
    assert load_teacher(home).predict(np.array([[1.0]])).tolist() == [3.0]
    assert sorted(p.name for p in home.iterdir()) == ["mine.txt", "teacher.json", "weights.npz"]
    calls.clear()
    with pytest.raises(InvalidInputError, match="cannot be written"):
        save_teacher(network(3.0), tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["t"]
    monkeypatch.undo()
    save_teacher(network(3.0), home)
    assert load_teacher(home).predict(np.array([[1.0]])).tolist() == [4.0]


def test_full_disk_leaves_the_answers_of_before(tmp_path, full_disk):
    teacher = CallableTeacher(lambda X: X[:, 0], version="1")
    (tmp_path / "a.parquet").write_text("before")
    with LabelStore(tmp_path / "labels.db") as store:
        label(teacher, np.array([[1.0], [2.0]]), store=store)
        with pytest.raises(OSError, match="No space left"):
            store.export(teacher.fingerprint(), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").read_text() == "before"
    assert not list(tmp_path.glob(".*"))


KILLED = """
import os, signal, sys
from explaindistill.data import files
files.os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
files.write_whole(sys.argv[1], "after")
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_kill_leaves_the_file_of_before(tmp_path):
    (tmp_path / "a.json").write_text("before")
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a.json")], check=False)
    assert done.returncode < 0
    assert (tmp_path / "a.json").read_text() == "before"


def test_links_permissions_and_devices_stay(tmp_path):
    (tmp_path / "real").write_text("before")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", b"after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "after"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640
    write_whole(os.devnull, "nothing")
    assert not Path(os.devnull).is_file()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, "no")


def test_a_block_that_fails_leaves_nothing(tmp_path):
    def one():
        with replaced(tmp_path / "a") as draft:
            draft.write_text("half")
            raise RuntimeError("stop")

    def many():
        with replaced_together(tmp_path / "b") as draft:
            (draft / "c").write_text("half")
            raise RuntimeError("stop")

    for work in (one, many):
        with pytest.raises(RuntimeError, match="stop"):
            work()
    assert not list(tmp_path.iterdir())


def test_every_writer_goes_through_this_file():
    """No other module writes text or bytes to a path by itself."""
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name in {"data/files.py"} | ELSEWHERE:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            attribute = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            assert attribute not in WRITERS, f"{name}:{node.lineno} writes by {attribute}; use data.files.write_whole"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "a.json is not JSON"),
        (b"\xff\xfe", "a.json is not JSON"),
        ("[" * 200_000, "a.json is damaged: its lists are nested too deeply"),
        ("[" + "[]," * 5_000_000, "holds more than 4194304 lists"),
        ("9" * 10_000, "a.json is not JSON"),
    ],
)
def test_json_is_read_with_bounds(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidInputError, match=message):
        read_json(path)


def test_json_that_is_too_large_or_not_there(tmp_path, monkeypatch):
    with pytest.raises(InvalidInputError, match=r"a.json could not be read: No such file"):
        read_json(tmp_path / "a.json")
    with pytest.raises(InvalidInputError, match="could not be read: Is a directory"):
        read_json(tmp_path)
    monkeypatch.setattr(files, "MAX_JSON_BYTES", 3)
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(InvalidInputError, match="is larger than 3 bytes"):
        read_json(tmp_path / "a.json")
