"""What is written has been run: a file that answers otherwise is refused, and leaves no trace."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from explaindistill.data import files
from explaindistill.data.program import AtMost, Input, Leaf, Program, Split
from explaindistill.errors import InvalidInputError
from explaindistill.export import _engines, python, sql, write
from explaindistill.export import json as json_export
from explaindistill.export._trial import MOST_ROWS, trial_rows
from explaindistill.students.tree.estimators import TreeClassifier


@pytest.fixture
def student(fitted):
    return fitted("tree", 2)


def test_the_head_says_what_ran_it_and_the_same_student_gives_the_same_bytes(fitted, cases, tmp_path):
    for family, k in cases:
        for ending in ("py", "sql"):
            first, second = (fitted(family, k).export(tmp_path / f"{i}.{ending}").read_bytes() for i in "ab")
            assert first == second
            assert b"gave the student's answers on " in first[:1200]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("ending", ["c", "js"])
def test_what_this_process_cannot_run_says_so(student, ending, tmp_path):
    assert "Not run when it was written" in student.export(tmp_path / f"s.{ending}").read_text("utf-8")[:700]
    assert "Not run" not in student.export(tmp_path / f"s.{ending}", verify=None).read_text("utf-8")


def test_the_note_is_in_the_models_metadata(student, tmp_path):
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = onnx.load_from_string(student.export(tmp_path / "s.onnx").read_bytes())
    told = {p.key: p.value for p in model.metadata_props}
    assert told["checked"].startswith(f"Checked: onnxruntime {runtime.__version__} gave the student's answers on ")


@pytest.mark.parametrize(("ending", "tools"), [("c", _engines.COMPILERS), ("js", ("node",))])
def test_the_target_runs_it_or_says_what_is_missing(student, ending, tools, tmp_path, monkeypatch):
    if any(map(shutil.which, tools)):
        assert "Checked: " in student.export(tmp_path / f"s.{ending}", verify="target").read_text("utf-8")[:900]
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InvalidInputError, match=r"verify='target' needs .* on the path; install it, or say verify="):
        student.export(tmp_path / f"t.{ending}", verify="target")
    assert not (tmp_path / f"t.{ending}").exists()


def test_duckdb_is_the_target_of_sql(student, tmp_path, monkeypatch):
    pytest.importorskip("duckdb")
    assert "Checked: DuckDB " in student.export(tmp_path / "s.sql", verify="target").read_text("utf-8")[:900]
    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.setattr(_engines.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidInputError, match="verify='target' needs DuckDB"):
        student.export(tmp_path / "t.sql", verify="target")


FAULTS = {
    "a threshold is not included": (python, "x_income <= ", "x_income < "),
    "a missing number goes the other way": (python, "x_income != x_income", "x_income == x_income"),
    "a missing category goes the other way": (python, "x_city is None", "x_city is not None"),
    "an unseen category is taken for a missing one": (
        python,
        "x_city is not None and x_city not in",
        "x_city is None and",
    ),
    "SQL loses a threshold": (sql, "i.x_income <= ", "i.x_income < "),
    "SQL does not know missing values": (sql, "i.x_income IS NULL", "1 = 0"),
    "SQL names another class": (sql, "'yes'", "'no'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_caught_and_the_old_file_stays(fault, fitted, tmp_path, monkeypatch):
    module, right, wrong = FAULTS[fault]
    student = fitted("tree", 2)
    text = module.generate(student)
    if right not in text:
        pytest.skip("this tree asks no such question")
    monkeypatch.setattr(module, "generate", lambda student: text.replace(right, wrong))
    target = tmp_path / ("s.py" if module is python else "s.sql")
    target.write_text("what was there")
    with pytest.raises(InvalidInputError, match=r"runs s\.(py|sql) and says .*student says .* for row \{.*nothing was"):
        student.export(target)
    assert target.read_text() == "what was there"
    assert [p.name for p in tmp_path.iterdir()] == [target.name]


def test_a_file_that_does_not_run_is_refused(student, tmp_path, monkeypatch):
    monkeypatch.setattr(sql, "generate", lambda student: "SELEKT")
    with pytest.raises(InvalidInputError, match=r"SQLite .* cannot run s\.sql, so that nothing was written: near"):
        student.export(tmp_path / "s.sql")
    assert student.export(tmp_path / "s.sql", verify=None).read_text() == "SELEKT"


def test_json_is_read_back_and_asked(student, tmp_path, monkeypatch):
    rounded = json_export.generate(student, digits=1)
    monkeypatch.setattr(json_export, "generate", lambda student: rounded)
    with pytest.raises(InvalidInputError, match=r"TreeClassifier\.from_dict reads s\.json and says"):
        student.export(tmp_path / "s.json")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_file_that_was_there(student, tmp_path, monkeypatch):
    target = student.export(tmp_path / "s.py")
    before = target.read_bytes()

    def fsync(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        student.export(target)
    assert target.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["s.py"]


def test_verify_takes_three_words(student, tmp_path):
    with pytest.raises(InvalidInputError, match="verify must be 'inprocess', 'target' or None, got 'yes'"):
        student.export(tmp_path / "s.py", verify="yes")


def test_trial_rows_come_to_every_leaf_and_every_edge(fitted, cases):
    for family, k in cases:
        program = fitted(family, k).program()
        rows = trial_rows(program)
        assert 50 < len(rows) <= MOST_ROWS
        assert rows == trial_rows(program)
        for column in program.inputs:
            values = [row[column.name] for row in rows]
            assert None in values
            if column.is_category:
                assert set(column.categories) <= set(values)
                assert any(v is not None and v not in column.categories for v in values)
    student = fitted("tree", 2)
    rows = pd.DataFrame([r | {"since": r.get("since")} for r in trial_rows(student.program())])
    for name in set(student.schema_.names) - set(rows):
        rows[name] = None
    rows["since"] = pd.to_datetime(rows["since"], unit="s")
    leaves = {i for i, node in enumerate(student.to_dict()["nodes"]) if "feature" not in node}
    assert set(student.apply(rows).tolist()) == leaves


def test_rows_are_capped():
    x = Input("x", "numeric", (), "x_x")
    tree = Leaf((0.0,))
    for i in range(900):
        tree = Split(AtMost(x, float(900 - i)), tree, Leaf((float(i),)))
    assert len(trial_rows(Program("Deep", (x,), None, 1, "identity", tree))) == MOST_ROWS


class Foreign:
    """A student of somebody else: a program, and no schema."""

    classes_ = np.array(["no", "yes"])

    def __init__(self, bound):
        self.bound = bound

    def program(self):
        x = Input("x", "numeric", (), "x_x")
        tree = Split(AtMost(x, 1.0), Leaf((0.25, 0.75)), Leaf((0.5, 0.5)))
        return Program("Foreign", (x,), ("no", "yes"), 2, "probabilities", tree)

    def predict_proba(self, X):
        return np.where((X["x"] <= self.bound).to_numpy()[:, None], [0.25, 0.75], [0.5, 0.5])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_a_foreign_student_is_held_to_its_program(tmp_path):
    assert write(Foreign(1.0), tmp_path / "s.sql").exists()
    with pytest.raises(InvalidInputError, match=r"'yes' \(0\.25, 0\.75\), the student says 'no' \(0\.5, 0\.5\)"):
        write(Foreign(float(np.nextafter(1.0, 0))), tmp_path / "t.sql")


def test_arrays_are_tried_as_arrays(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    student = TreeClassifier().fit(X, X[:, 1] > 0)
    assert student.export(tmp_path / "s.py").exists()
