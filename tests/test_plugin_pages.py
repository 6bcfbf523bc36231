"""The plug-ins on the pages of docs/howto: taken from the page, put into their rooms, and held to the contracts."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import importlib.util
import inspect
import re
import sys
import unittest
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

import explaindistill
from explaindistill import plugins
from explaindistill.cli import main

TESTS = Path(__file__).parent
HOWTO = TESTS.parent / "docs" / "howto"
PAGES = sorted(path.stem for path in HOWTO.glob("add_a*_*.md"))
PLACE = re.compile(r"# explaindistill/([\w/]+)/(\w+)\.py\n")


def blocks(page: str) -> list[str]:
    """Python on a page, in order."""
    return re.findall(r"```python\n(.*?)```", (HOWTO / f"{page}.md").read_text("utf-8"), flags=re.DOTALL)


def files(page: str) -> list[tuple[str, str, str]]:
    """Room, name and source of each file on a page, in order; other blocks are tests."""
    placed = [(PLACE.match(source), source) for source in blocks(page)]
    return [(where[1].replace("/", "."), where[2], source) for where, source in placed if where]


def room_of(page: str) -> str:
    """The room of plug-ins that a page is about: the first one of which it shows a file."""
    return next(room for room, _, _ in files(page) if room in plugins.ROOMS)


@pytest.fixture
def plug_in(request, tmp_path, monkeypatch):
    """The page's module, found by the registry as if its files stood in their rooms' folders; removed afterwards."""
    for room, name, source in files(request.param):
        (tmp_path / room).mkdir()
        (tmp_path / room / f"{name}.py").write_text(source, "utf-8")
        package = importlib.import_module(f"explaindistill.{room}")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / room)])
    importlib.invalidate_caches()
    names = {room: name for room, name, _ in files(request.param)}
    yield plugins.load(room_of(request.param), names[room_of(request.param)])
    for room, name in names.items():
        sys.modules.pop(f"explaindistill.{room}.{name}", None)
        package = importlib.import_module(f"explaindistill.{room}")
        if hasattr(package, name):
            delattr(package, name)


def page(*names: str):
    """Run a test on the plug-ins of these pages."""
    return pytest.mark.parametrize("plug_in", names, ids=names, indirect=True)


def contract_in(path: str):
    """A module of the tests, loaded anew so that it asks the registry again."""
    spec = importlib.util.spec_from_file_location("contract", TESTS / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_room_with_plug_ins_has_a_page():
    assert {room_of(name) for name in PAGES} == {room for room in plugins.ROOMS if plugins.names(room)}
    index = (HOWTO / "add-a-plugin.md").read_text("utf-8")
    assert all(f"{name}.md" in index for name in PAGES)


@page(*PAGES)
def test_the_page_keeps_the_rules_of_plug_ins(plug_in, request):
    """The examples of each file run, its names are listed, its lines fit."""
    for room, name, source in files(request.node.callspec.params["plug_in"]):
        module = importlib.import_module(f"explaindistill.{room}.{name}")
        assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).failed == 0
        assert list(module.__all__) == sorted(module.__all__)
        public = [getattr(module, member) for member in module.__all__]
        assert all(">>> " in member.__doc__ for member in public if callable(member))
        assert max(map(len, source.splitlines())) <= 120


@page(*PAGES)
def test_the_command_line_lists_it(plug_in, capsys):
    room, _, name = plug_in.__name__.removeprefix("explaindistill.").rpartition(".")
    assert main(["list", room]) == 0
    words = plug_in.__doc__.partition("\n")[0].rstrip(".:")
    assert f"{name} {words[:20]}" in " ".join(capsys.readouterr().out.split())


@page(*PAGES)
def test_the_tests_on_the_page_pass(plug_in, request, tmp_path):
    """Further blocks of the page are tests, as a contributor would write them."""
    found = 0
    page_of = request.node.callspec.params["plug_in"]
    for block in [block for block in blocks(page_of) if not PLACE.match(block)]:
        names: dict = {}
        exec(compile(block, "page", "exec"), names)
        for name, test in names.items():
            if name.startswith("test_"):
                test(**({"tmp_path": tmp_path} if "tmp_path" in inspect.signature(test).parameters else {}))
                found += 1
    assert found


@page("add_a_student")
def test_the_student_keeps_the_contract(plug_in):
    contract = contract_in("test_contract.py")
    kind = plug_in.MeansRegressor
    assert kind in contract.STUDENTS
    run = 0
    for name, test in vars(contract).items():
        marks = [m for m in getattr(test, "pytestmark", []) if m.name == "parametrize" and m.args[0] == "kind"]
        if name.startswith("test_") and marks and kind in marks[0].args[1]:
            try:
                test(kind)
            except pytest.skip.Exception:
                continue
            run += 1
    assert run > 10


@page("add_a_student")
def test_the_student_passes_the_checks_of_scikit_learn(plug_in):
    run = 0
    for estimator, check in estimator_checks_generator(plug_in.MeansRegressor()):
        with contextlib.suppress(unittest.SkipTest):
            check(estimator)
            run += 1
    assert run > 40


@page("add_a_student")
def test_the_student_is_distilled_audited_and_exported(plug_in, tmp_path):
    xd = explaindistill
    X, p = contract_in("test_contract.py").mixed(400)
    student = xd.Distiller((X, p), plug_in.MeansRegressor(), n_queries=250, random_state=0).fit(X[:250])
    audit = xd.audit((X, p), {"means": student}, X[250:], n_explained=0)
    assert "means" in audit.save(tmp_path / "audit.html").read_text("utf-8")
    student.student_.export(tmp_path / "means.json")


@page("add_a_teacher")
def test_the_teacher_keeps_the_contract(plug_in):
    contract = contract_in("teachers/test_contract.py")
    kind = plug_in.CommandTeacher
    assert kind in contract.TEACHERS
    tests = [test for name, test in vars(contract).items() if name.startswith("test_")]
    assert len(tests) > 3
    for test in tests:
        test(kind)


@page("add_a_sampler")
def test_the_sampler_keeps_the_contract(plug_in):
    contract = contract_in("samplers/test_samplers.py")
    assert contract.EVERY["jitter"] is plug_in.JitterSampler
    assert "jitter" in contract.MAKERS
    contract.test_the_contract("jitter")
    contract.test_rules_are_kept("jitter")
    contract.test_private_rows_are_no_copies("jitter")
    X = contract.mixed()
    rows = plug_in.JitterSampler().fit(X).sample(50, np.random.default_rng(0))
    assert rows.shape == (50, X.shape[1])
    assert not rows.reset_index(drop=True).equals(X.head(50))


@page("add_a_report_section")
def test_the_section_stands_in_the_report(plug_in, tmp_path):
    import pandas as pd

    xd = explaindistill
    X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
    P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    audit = xd.audit((X, P), {"tree": tree}, X, n_explained=0)
    for ending in ("html", "md"):
        assert plug_in.TITLE in audit.save(tmp_path / f"audit.{ending}").read_text("utf-8")
