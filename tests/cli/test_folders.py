"""The folder of results is proven before the work, and what was there stays."""

import pytest

from explaindistill.cli.folders import results_folder


def test_what_was_there_stays_when_the_work_fails(tmp_path):
    (tmp_path / "keep").write_text("mine")

    def work():
        with results_folder(tmp_path), results_folder(tmp_path / "a" / "b"):
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        work()
    assert [p.name for p in tmp_path.iterdir()] == ["keep"]


def test_folder_with_results_is_kept_when_later_work_fails(tmp_path):
    def work():
        with results_folder(tmp_path / "a") as out:
            (out / "part").write_text("x")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        work()
    assert (tmp_path / "a" / "part").exists()
