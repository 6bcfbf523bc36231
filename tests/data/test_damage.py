"""Damaged files and forms end in one sentence of the package's own; most of these were found by ``make fuzz``."""

from __future__ import annotations

import io
import json
import zipfile
import zlib

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.asking.store import LabelStore
from explaindistill.auditing.gates import Policy, gate
from explaindistill.data.encoder import TableEncoder
from explaindistill.data.row_keys import row_keys
from explaindistill.errors import InvalidInputError
from explaindistill.teachers import load_teacher, save_teacher
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.network import NetworkTeacher

ROWS = pd.DataFrame({"a": np.arange(60.0), "b": ["x", "y", "z"] * 20})
LABELS = np.where(np.arange(60) > 30, "yes", "no")
STUDENTS = [
    xd.TreeClassifier(4),
    xd.ModelTreeClassifier(max_leaf_nodes=2),
    xd.LinearClassifier(),
    xd.RuleListClassifier(max_rules=2),
    xd.GAMClassifier(n_pairs=0),
    xd.ScorecardClassifier(),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("student", STUDENTS, ids=lambda s: type(s).__name__)
def test_students_without_a_key_or_with_another_type(student):
    form = json.loads(json.dumps(student.fit(ROWS, LABELS).to_dict()))
    words = []
    for key in form:
        for damaged in ({k: v for k, v in form.items() if k != key}, form | {key: [[{}]]}, form | {key: 7}):
            try:
                type(student).from_dict(damaged)
            except InvalidInputError as error:
                words.append(str(error))
    assert len(words) > len(form)
    assert "\n" not in "".join(words)
    with pytest.raises(InvalidInputError, match="is damaged"):
        type(student).from_dict([])


def test_a_tree_that_goes_round_in_circles():
    form = xd.TreeClassifier(4).fit(ROWS, LABELS).to_dict()
    form["nodes"][0]["left"] = 0
    with pytest.raises(InvalidInputError, match="its nodes are no tree"):
        xd.TreeClassifier.from_dict(form)


@pytest.fixture
def home(tmp_path):
    encoder = TableEncoder().fit(ROWS)
    layers = [{"kind": "linear", "weight": np.ones((2, encoder.n_out_)), "bias": np.zeros(2)}]
    return save_teacher(NetworkTeacher(layers, encoder, ["no", "yes"]), tmp_path / "t")


@pytest.mark.parametrize(
    "change",
    [
        {"batch_size": float("inf")},
        {"batch_size": float("nan")},
        {"batch_size": 0},
        {"batch_size": "x"},
        {"layers": None},
        {"layers": [{"kind": []}]},
        {"encoder": []},
        {"classes": [["a"], "b"]},
    ],
)
def test_teachers_with_another_value(home, change):
    page = json.loads((home / "teacher.json").read_text())
    (home / "teacher.json").write_text(json.dumps(page | change))
    with pytest.raises(InvalidInputError):
        load_teacher(home)


def test_teachers_whose_layers_do_not_fit(home):
    page = json.loads((home / "teacher.json").read_text())
    del page["encoder"]["columns"][0], page["encoder"]["schema"]["features"][0]
    (home / "teacher.json").write_text(json.dumps(page))
    with pytest.raises(InvalidInputError, match=r"layer 0 .linear. must take 3 numbers per row, got 4"):
        load_teacher(home)
    (home / "teacher.json").write_text("[" * 100_000)
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        load_teacher(home)


@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6), (2, 3)])
def test_weights_that_promise_another_size(home, shape):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(home / "weights.npz", "w") as archive:
        archive.writestr("0.weight.npy", header.getvalue() + bytes(64))
    with pytest.raises(InvalidInputError, match="not of the size that it names"):
        load_teacher(home)


@pytest.mark.parametrize("frames", [None, [], {"fidelity": None}, {"fidelity": {"columns": ["a"]}}, {"f": {"rows": 1}}])
def test_audits_without_frames(tmp_path, frames):
    page = {"format": "explaindistill-audit", "version": 1} | ({} if frames is None else {"frames": frames})
    (tmp_path / "a.json").write_text(json.dumps(page))
    with pytest.raises(InvalidInputError, match="is damaged"):
        gate(tmp_path / "a.json", {"fidelity.agreement": ">= 0.9"})


def test_an_audit_whose_figures_are_no_numbers():
    frame = {"columns": ["metric", "subject", "subset", "n"], "rows": [["agreement", "tree", "", "many"]]}
    with pytest.raises(InvalidInputError, match="is damaged"):
        gate({"format": "explaindistill-audit", "version": 1, "frames": {"fidelity": frame}}, {"fidelity.x": "> 1"})


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 50_000, b"[rules"])
def test_policies(tmp_path, content):
    (tmp_path / "p.toml").write_bytes(content)
    with pytest.raises(InvalidInputError):
        Policy.load(tmp_path / "p.toml")


@pytest.mark.parametrize("shape", ["[2]", "[0]", "[-1]", '"x"', "[", "[7]", "null", "[true, 1.5]"])
def test_stores_with_right_check_sums_and_wrong_shapes(tmp_path, shape):
    X = np.arange(3.0)[:, None]
    with LabelStore(tmp_path / "l.db") as store:
        shelf = store.shelf(CallableTeacher(lambda X: X[:, 0], version="1"))
        shelf.keep(row_keys(X), X[:, 0])
        store._db.execute("UPDATE run SET shape = ?", (shape,))
        with pytest.raises(InvalidInputError, match="damaged"):
            shelf.find(row_keys(X))


def test_a_store_whose_keys_are_no_pairs(tmp_path):
    X = np.arange(3.0)[:, None]
    with LabelStore(tmp_path / "l.db") as store:
        shelf = store.shelf(CallableTeacher(lambda X: X[:, 0], version="1"))
        shelf.keep(row_keys(X), X[:, 0])
        store._db.execute("UPDATE run_keys SET content = ?", (bytes(24),))
        store._db.execute("UPDATE run SET keys_crc = ?", (zlib.crc32(bytes(24)),))
        with pytest.raises(InvalidInputError, match="damaged"):
            store.shelf(CallableTeacher(lambda X: X[:, 0], version="1")).find(row_keys(X))
