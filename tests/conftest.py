"""What all tests share: where the data are, which tools this machine has, and quiet threads."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

# What fails inside an audit or a report is raised in tests; a test of the opposite says strict=False.
os.environ.setdefault("EXPLAINDISTILL_STRICT", "1")
# Where tests run in a terminal no bar stands between their results.
os.environ.setdefault("EXPLAINDISTILL_PROGRESS", "0")

TOOLS = {
    "arm": ("arm-linux-gnueabihf-gcc", "arm-linux-gnueabihf-nm"),
    "browser": ("chromium",),
    "compiler": ("gcc",),
    "node": ("node",),
    "postgres": ("initdb", "postgres"),
}


def find_tool(name: str) -> str | None:
    """Path of a program; PostgreSQL's server programs are not on the PATH in Debian."""
    if found := shutil.which(name):
        return found
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(versions[-1]) if versions else None


def data_folder() -> Path | None:
    """Folder of the real data sets, or None."""
    places = [os.environ.get("EXPLAINDISTILL_DATA"), Path(__file__).parents[2] / "shared" / "data"]
    return next((Path(p) for p in places if p and (Path(p) / "adult.csv.gz").is_file()), None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, and say what is missing."""
    for mark, programs in TOOLS.items():
        if item.get_closest_marker(mark) is not None:
            absent = [p for p in programs if find_tool(p) is None]
            if absent:
                pytest.skip(f"needs {', '.join(absent)}, which this machine does not have")
    if item.get_closest_marker("data") is not None and data_folder() is None:
        pytest.skip("needs the data folder; set EXPLAINDISTILL_DATA")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets; the test is skipped where there is none."""
    folder = data_folder()
    if folder is None:
        pytest.skip("needs the data folder; set EXPLAINDISTILL_DATA")
    return folder


@pytest.fixture(scope="session")
def tool():
    """Look up a program by name: ``tool("initdb")``."""
    return find_tool


@pytest.fixture(scope="session")
def real_data_or_none():
    """Folder of the real data sets, or None."""
    return data_folder()
