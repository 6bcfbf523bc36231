"""The folder of results is proven before the work, and what was there stays."""

import pytest

from explaindistill.cli.folders import refuse_overwriting, results_folder
from explaindistill.errors import InvalidInputError


def test_what_was_there_stays_when_the_work_fails(tmp_path):
    (tmp_path / "keep").write_text("mine")

    def work():
        with results_folder(tmp_path), results_folder(tmp_path / "a" / "b"):
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        work()
    assert [p.name for p in tmp_path.iterdir()] == ["keep"]


def test_work_that_fails_leaves_the_results_of_before_and_no_part_of_its_own(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "report").write_text("of before")

    def work():
        with results_folder(tmp_path / "a") as out:
            (out / "report").write_text("half")
            (out / "students").mkdir()
            (out / "students" / "tree").write_text("x")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        work()
    assert [p.name for p in (tmp_path / "a").rglob("*")] == ["report"]
    assert (tmp_path / "a" / "report").read_text() == "of before"


def test_results_come_together_with_their_folders(tmp_path):
    (tmp_path / "students").mkdir()
    (tmp_path / "students" / "mine").write_text("mine")
    with results_folder(tmp_path) as out:
        (out / "report").write_text("new")
        (out / "students").mkdir()
        (out / "students" / "tree").write_text("x")
        assert not (tmp_path / "report").exists()
    names = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert names == ["report", "students/mine", "students/tree"]


def test_a_folder_in_the_place_of_a_result_is_refused_before_the_work(tmp_path):
    (tmp_path / "audit.md").mkdir()
    for force in (False, True):
        with pytest.raises(InvalidInputError, match=r"audit\.md must be a file, it is a folder"):
            refuse_overwriting(tmp_path, ["audit.html", "audit.md"], force)
