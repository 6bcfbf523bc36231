"""Every frame has one module, the record lists them all, and a new file of the folder is measured with the others."""

import importlib
import re
import sys

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill import plugins
from explaindistill.auditing.frames import every
from explaindistill.auditing.record import Audit

NEW = '''"""The frame ``sizes``: how many rows there are."""

import pandas as pd

__all__ = ["FRAMES", "measure", "notes"]

FRAMES = ("sizes",)


def measure(inputs, options, rng, frames):
    """One line per frame that was measured before."""
    return {"sizes": pd.DataFrame({"metric": ["n_lines"] * len(frames), "frame": list(frames)})}


def notes(frames):
    """That it was here."""
    return [f"{len(frames['sizes'])} frames"]
'''


@pytest.fixture
def new_measure(tmp_path, monkeypatch):
    """A file beside the others, as the registry finds it."""
    (tmp_path / "sizes.py").write_text(NEW, "utf-8")
    package = importlib.import_module("explaindistill.auditing.frames")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield
    sys.modules.pop("explaindistill.auditing.frames.sizes", None)
    if hasattr(package, "sizes"):
        delattr(package, "sizes")


@pytest.fixture(scope="module")
def fitted():
    X = pd.DataFrame({"debt": np.arange(200) / 200})
    P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    return (X, P), xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)


def test_the_written_order_names_every_module():
    written = {module.__name__.rpartition(".")[2] for module in every.ORDER}
    assert written == set(plugins.names("auditing.frames")) - {"every"}


def test_each_module_makes_the_frames_it_names(fitted):
    (X, P), tree = fitted
    report = xd.audit((X, P), {"tree": tree}, X, n_explained=0)
    names = every.frame_names()
    assert len(set(names)) == len(names)
    assert {*names, "verdicts", "failures"} == set(report.frames)


def test_the_record_lists_every_frame():
    listed = re.search(r"frames : mapping.*?manifest : dict", Audit.__doc__, flags=re.DOTALL)[0]
    words = set(re.findall(r"``(\w+)``", listed)) - {"n", "estimate", "low", "high"}
    assert words - {"module", "frame", "cause"} == {*every.frame_names(), "verdicts", "failures"}


@pytest.mark.usefixtures("new_measure")
def test_a_new_measure_is_a_new_file(fitted):
    (X, P), tree = fitted
    report = xd.audit((X, P), {"tree": tree}, X, n_explained=0)
    assert len(report.frames["sizes"]) == len(every.frame_names()) - 1  # it comes last, and sees all others
    assert f"{len(report.frames['sizes'])} frames" in report.notes
