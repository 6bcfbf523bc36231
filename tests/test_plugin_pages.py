"""The plug-ins on the pages of docs/howto: taken from the page, put into their rooms, and held to the contracts."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import importlib.util
import inspect
import itertools
import json
import re
import sqlite3
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

import explaindistill
from explaindistill import plugins
from explaindistill.cli import main
from explaindistill.errors import InvalidInputError
from explaindistill.report.blocks import WhatIf
from explaindistill.report.student.structure import structure

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


@pytest.mark.parametrize("name", PAGES)
def test_the_files_are_new_and_as_many_as_the_index_says(name):
    index = (HOWTO / "add-a-plugin.md").read_text("utf-8")
    (line,) = [line for line in index.splitlines() if f"({name}.md)" in line]
    folder, number = re.match(r"\| `([\w/]+)/` \|.*\| (\d) \|", line).groups()
    assert room_of(name) == folder.replace("/", ".")
    assert len(files(name)) == int(number)
    package = Path(explaindistill.__file__).parent
    assert not any((package / room.replace(".", "/") / f"{new}.py").exists() for room, new, _ in files(name))


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
    words = plug_in.__doc__.partition("\n")[0].rstrip(".:").replace("``", "")
    assert f"{name} {words[:20]}" in " ".join(capsys.readouterr().out.split())


@page(*PAGES)
def test_the_tests_on_the_page_pass(plug_in, request, tmp_path):
    """Further blocks of the page are tests, as a contributor would write them."""
    found = 0
    page_of = request.node.callspec.params["plug_in"]
    for block in [block for block in blocks(page_of) if not PLACE.match(block)]:
        names: dict = {}
        exec(compile(block, "page", "exec"), names)
        for name, test in list(names.items()):
            if name.startswith("test_"):
                test(**({"tmp_path": tmp_path} if "tmp_path" in inspect.signature(test).parameters else {}))
                found += 1
    assert found


def run_on(contract, kind):
    """Run every test of a module that is parametrized by students on this one; how many were not skipped."""
    run = 0
    for name, test in vars(contract).items():
        marks = {m.args[0]: m.args[1] for m in getattr(test, "pytestmark", []) if m.name == "parametrize"}
        if not name.startswith("test_") or kind not in marks.pop("kind", ()):
            continue
        for values in itertools.product(*marks.values()):
            with contextlib.suppress(pytest.skip.Exception):
                test(kind, **dict(zip(marks, values, strict=True)))
                run += 1
    return run


@page("add_a_student")
@pytest.mark.parametrize(
    ("path", "least"),
    [("test_contract.py", 14), ("students/test_shapley.py", 1), ("students/test_counterfactual.py", 3)],
    ids=["contract", "shapley", "counterfactual"],
)
def test_the_student_keeps_the_contract(plug_in, path, least):
    contract = contract_in(path)
    kind = plug_in.MeansRegressor
    assert kind in contract.STUDENTS
    assert run_on(contract, kind) >= least


@page("add_a_student")
def test_the_student_passes_the_checks_of_scikit_learn(plug_in):
    run = 0
    for estimator, check in estimator_checks_generator(plug_in.MeansRegressor()):
        with contextlib.suppress(unittest.SkipTest):
            check(estimator)
            run += 1
    assert run > 40


@pytest.fixture(scope="module")
def trial():
    """Rows of every kind of column with holes, unseen levels and extremes, as a frame and as mappings."""
    rows = contract_in("export/conftest.py")
    frame = rows._rows(2_000)
    return frame, rows._plain(frame)


@pytest.fixture
def means(plug_in):
    """The page's student, fitted to the rows of the tests of exports."""
    rows = contract_in("export/conftest.py")
    X = rows._frame(1_500, 0)
    return plug_in.MeansRegressor().fit(X, np.asarray(rows._score(X)))


LANGUAGES = [
    "python",
    pytest.param("c", marks=pytest.mark.compiler),
    pytest.param("javascript", marks=pytest.mark.node),
    "sql",
    "onnx",
    "json",
]


@page("add_a_student")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_students_code_answers_as_it_does(plug_in, means, trial, language, tmp_path):
    """The tests of the exports themselves, given this student."""
    frame, _ = trial
    given = {"fitted": lambda family, k: means, "trial": trial, "family": "means", "k": 0}

    def off(student, answers):
        return float(np.abs(np.asarray(answers, dtype=float).ravel() - student.predict(frame)).max())

    if language == "onnx":
        contract_in("export/test_onnx.py").test_onnx(off=off, **given)
        return
    if language == "javascript":
        scripts = contract_in("export/test_javascript.py")
        X, asked = scripts.table(600, 0), scripts.table(1_000, 1, unseen=True)
        student = plug_in.MeansRegressor().fit(X, scripts.logits(X))
        answers = [answer for answer, _ in scripts.ask(student, asked, tmp_path)]
        np.testing.assert_allclose(answers, student.predict(asked), rtol=0, atol=1e-12)
        return
    code = contract_in("export/test_code.py")
    if language == "python":
        code.test_python(off=off, **given)
    elif language == "c":
        code.test_c(off=off, tmp_path=tmp_path, **given)
    elif language == "json":
        code.test_json_comes_back(given["fitted"], off, trial, [("means", 0)])
    else:
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            statement, values = code._table(trial[1])
            database.execute(statement)
            database.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * (len(code.TYPES) + 1))})", values)
            code.test_sqlite(off=off, sqlite=database, **given)


@page("add_a_student")
def test_the_student_is_distilled_audited_and_shown(plug_in, tmp_path):
    xd = explaindistill
    X, _ = contract_in("test_contract.py").mixed(400)

    def teacher(rows):
        return rows["age"].to_numpy() / 10 + (rows["home"] == "own") + rows["income"].isna()

    student = xd.Distiller(teacher, plug_in.MeansRegressor(), n_queries=400, random_state=0).fit(X[:250])
    audit = xd.audit(teacher, {"means": student}, X[250:], n_explained=20)
    lines = audit.frames["importance"].query("subject == 'means' and metric == 'shapley'")
    assert set(lines["feature"]) == set(X.columns)
    assert set(lines["method"]) == {"exact"}
    cost = audit.frames["deployment"].query("subject == 'means' and metric == 'operations'")
    assert cost["estimate"].item() > len(X.columns)
    page = audit.save(tmp_path / "audit.html").read_text("utf-8")
    assert "What each value adds" in page
    assert page.count('class="whatif"') == 1
    for ending in ("json", "csv", "md"):
        assert "means" in audit.save(tmp_path / f"audit.{ending}").read_text("utf-8")
    student.student_.export(tmp_path / "means.json")


@page("add_a_student")
@pytest.mark.node
def test_the_student_answers_in_the_page(plug_in, tmp_path):
    """The what-if panel's own script, asked as the page asks it."""
    xd = explaindistill
    X, p = contract_in("test_contract.py").mixed(400)
    student = plug_in.MeansRegressor().fit(X[:250], p[:250])
    audit = xd.audit((X, p), {"means": student}, X[250:], n_explained=0)
    (panel,) = [block for block in structure(student, "student-0", audit, "means") if isinstance(block, WhatIf)]
    assert [control["name"] for control in panel.controls["features"]] == list(X.columns)
    asked = X[250:].assign(home="castle")
    records = asked.astype(object).where(asked.notna(), None)
    records["since"] = [day if day is None else day.isoformat() + "Z" for day in records["since"]]
    question = f"{json.dumps(records.to_dict('records'))}.map(self.explaindistill['student-0'].predict)"
    code = f"var self = globalThis;\n{panel.script}\nprocess.stdout.write(JSON.stringify({question}))"
    (tmp_path / "panel.js").write_text(code, "utf-8")
    done = subprocess.run(["node", "panel.js"], capture_output=True, text=True, check=True, cwd=tmp_path)
    np.testing.assert_allclose(json.loads(done.stdout), student.predict(asked), rtol=0, atol=1e-12)


@page("add_a_student")
def test_the_student_is_made_smaller_and_not_refined(plug_in, means):
    xd = explaindistill
    X = contract_in("export/conftest.py")._frame(800, 2)
    small = xd.compress(means, X, means.predict(X), max_loss=0.02)
    assert small.steps["bytes"].is_monotonic_decreasing
    assert small.steps["step"].iloc[-1].endswith("digits")
    assert small.student.complexity().n_bytes < means.complexity().n_bytes
    with pytest.raises(InvalidInputError, match=r"must have a method toward_labels.*MeansRegressor has none"):
        xd.refine(means, X, means.predict(X))


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


@page("add_a_domain")
def test_the_domain_keeps_the_contract(plug_in):
    contract = contract_in("domains/test_contract.py")
    assert "series" in plugins.names("domains")
    rng = np.random.default_rng(0)
    series = [rng.normal(size=rng.integers(5, 9)) for _ in range(120)]
    contract.check_contract(plug_in.SeriesDomain(), series[:60], series[60:])


@page("add_a_measure")
def test_the_measure_stands_in_the_audit_its_files_and_its_page(plug_in, tmp_path):
    import pandas as pd

    xd = explaindistill
    X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
    P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    audit = xd.audit((X, P), {"tree": tree}, X, n_explained=0)
    assert plug_in.FRAMES == ("sharpness",)
    assert audit.frames["sharpness"]["estimate"].between(0.5, 1).all()
    stored = json.loads(audit.save(tmp_path / "audit.json").read_text("utf-8"))["frames"]["sharpness"]
    assert [line[stored["columns"].index("subject")] for line in stored["rows"]] == ["teacher", "tree"]
    assert "sharpness,sharpness,tree" in audit.save(tmp_path / "audit.csv").read_text("utf-8")
    for ending in ("html", "md"):
        assert "How sure they are" in audit.save(tmp_path / f"audit.{ending}").read_text("utf-8")
    values = xd.TreeRegressor(max_leaf_nodes=2).fit(X, X["debt"])
    audit = xd.audit((X, X["debt"]), {"tree": values}, X, n_explained=0)
    assert audit.frames["sharpness"].empty
    assert "No probabilities were measured." in audit.save(tmp_path / "audit.md").read_text("utf-8")


@page("add_a_report_section")
def test_the_section_stands_in_the_report(plug_in, tmp_path):
    import pandas as pd

    xd = explaindistill
    X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
    P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    rules = {"fidelity.agreement": ">= 0.995", "bias.impact_ratio": ">= 0.8"}
    audit = xd.audit((X, P), {"tree": tree}, X, n_explained=0, requirements=rules)
    (items,) = plug_in.section(audit).blocks
    assert [item.rpartition("; ")[2] for item in items.items] == ["audit more rows.", "measure it, or drop the rule."]
    for ending in ("html", "md"):
        assert plug_in.TITLE in audit.save(tmp_path / f"audit.{ending}").read_text("utf-8")
