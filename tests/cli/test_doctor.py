"""The doctor says what is there, and 1 where something must be mended."""

import shutil
import tomllib
from collections import namedtuple
from pathlib import Path

import pytest

from explaindistill.cli import doctor, main


def test_a_sound_installation_has_nothing_to_mend(capsys, tmp_path):
    assert main(["doctor", "--store", str(tmp_path / "none yet" / "labels.db")]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80 + len(str(tmp_path))
    for title in ("versions", "cores", "extras", "tools", "disk", "small run"):
        assert f"{title}\n" in out
    assert "agreement 0.9" in out
    assert out.endswith("nothing to mend\n")
    assert not (tmp_path / "none yet").exists()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(doctor, "_small_run", lambda faults: "left out")


def test_an_old_package_and_a_missing_one_are_faults(monkeypatch, capsys, quick):
    there = {"numpy": "1.25.2", "rich": None}
    real = doctor._installed
    monkeypatch.setattr(doctor, "_installed", lambda name: there.get(name, real(name)))
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "to mend: numpy must be at least 1.26, 1.25.2 is there" in out
    assert "to mend: rich must be at least 13, it is missing" in out
    assert out.endswith("2 to mend\n")


def test_an_extra_that_is_missing_is_no_fault_and_says_how_to_get_it(monkeypatch, capsys, quick):
    real = doctor._installed
    monkeypatch.setattr(doctor, "_installed", lambda name: None if name == "httpx" else real(name))
    assert main(["doctor"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "http missing teachers behind an address (--teacher-url); pip install 'explaindistill[http]'" in words


def test_every_extra_that_a_user_may_want_is_told():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(doctor.EXTRAS) == set(project["optional-dependencies"]) - {"all", "docs", "notebook", "test"}


def test_a_full_disk_and_a_folder_without_write_permission_are_faults(monkeypatch, capsys, quick):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(1, 1, 2**20))

    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "to mend: only 1 MB are free" in out
    assert "to mend: nothing can be written to .: Permission denied" in out


def test_a_small_run_that_fails_is_a_fault(monkeypatch, capsys):
    def broken(*args):
        raise OSError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr("explaindistill.data.datasets.lending", broken)
    assert main(["doctor"]) == 1
    assert "to mend: the small run ended in OSError: libgomp.so.1: cannot open" in capsys.readouterr().out
