"""The store gives back what it was given, survives kills and company, and never touches what is not its own."""

from __future__ import annotations

import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import explaindistill.asking.shelf as shelf_module
import explaindistill.asking.store as module
import explaindistill.asking.store_file as file_module
from explaindistill.asking.sorted_runs import positions
from explaindistill.asking.store import LabelStore, as_store
from explaindistill.data.row_keys import row_keys
from explaindistill.errors import InvalidInputError
from explaindistill.teachers.callable import CallableTeacher


def square(version="1", classes=None):
    def answer(X):
        z = np.asarray(X, dtype=float)[:, 0] ** 2
        return z if classes is None else np.column_stack([1 / (1 + z), z / (1 + z)])

    return CallableTeacher(answer, classes, version=version)


def keys_of(values):
    return row_keys(np.asarray(values, dtype=float).reshape(-1, 1))


@pytest.fixture
def store(tmp_path):
    with LabelStore(tmp_path / "labels.db") as opened:
        yield opened


def test_what_was_kept_is_found(store):
    shelf = store.shelf(square())
    x = np.arange(100.0)
    assert shelf.keep(keys_of(x), x**2) == 100
    known, answers = shelf.find(keys_of([5, 200, 7]))
    assert known.tolist() == [True, False, True]
    assert answers.tolist() == [25, 49]
    assert len(shelf) == 100
    known, answers = shelf.find(keys_of([300]))
    assert not known.any()
    assert len(answers) == 0


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=20, unique=True), min_size=1, max_size=12))
def test_it_is_the_slow_dictionary(tmp_path_factory, batches):
    slow: dict = {}
    with LabelStore(tmp_path_factory.mktemp("s") / "l.db") as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf_module, "MERGE_COUNT", 2)
        patch.setattr(shelf_module, "MERGE_ROWS", 32)
        shelf = store.shelf(square(classes=["a", "b"]))
        for batch in batches:
            known, _ = shelf.find(keys_of(batch))
            fresh = [b for b, k in zip(batch, known, strict=True) if not k]
            assert fresh == [b for b in batch if b not in slow]
            if fresh:
                shelf.keep(keys_of(fresh), np.column_stack([fresh, -np.array(fresh)]))
            slow |= {b: [b, -b] for b in fresh}
        known, answers = shelf.find(keys_of(np.arange(61)))
        assert np.flatnonzero(known).tolist() == sorted(slow)
        assert answers.tolist() == [slow[b] for b in sorted(slow)]
        assert store.verify() == []


def test_large_runs_are_left_as_they_are(store, monkeypatch):
    monkeypatch.setattr(shelf_module, "MERGE_COUNT", 2)
    monkeypatch.setattr(shelf_module, "MERGE_ROWS", 8)
    shelf = store.shelf(square())
    for start in range(0, 40, 10):
        x = np.arange(start, start + 10.0)
        shelf.keep(keys_of(x), x**2)
    assert len(shelf.runs()) == 4
    assert shelf.find(keys_of(np.arange(40.0)))[1].tolist() == (np.arange(40.0) ** 2).tolist()


def test_small_runs_are_merged(store):
    shelf = store.shelf(square())
    for i in range(70):
        shelf.keep(keys_of([i]), np.array([float(i)]))
    assert len(shelf.runs()) < 16
    known, answers = shelf.find(keys_of(np.arange(70)))
    assert known.all()
    assert answers.tolist() == list(range(70))


def test_teachers_are_never_mixed(store):
    one, two = store.shelf(square("1")), store.shelf(square("2"))
    one.keep(keys_of([1]), np.array([1.0]))
    assert not two.find(keys_of([1]))[0].any()
    assert store.shelf(CallableTeacher(np.sum)) is None
    assert store.teachers()["n_rows"].tolist() == [1, 0]


def test_two_at_once_store_nothing_twice(store):
    other = LabelStore(store.path)
    a, b = store.shelf(square()), other.shelf(square())
    a.find(keys_of([1, 2]))
    b.find(keys_of([1, 2]))
    assert a.keep(keys_of([1, 2]), np.array([1.0, 4.0])) == 2
    assert b.keep(keys_of([2, 3]), np.array([4.0, 9.0])) == 1
    other.close()
    assert len(a) == 3
    assert store.verify() == []


def test_what_another_stored_is_looked_at_in_every_batch(store):
    with LabelStore(store.path) as other:
        a, b = store.shelf(square()), other.shelf(square())
        a.find(keys_of([1, 2, 3, 4]))
        b.keep(keys_of([1, 3]), np.array([1.0, 9.0]))
        assert a.keep(keys_of([1, 2]), np.array([1.0, 4.0])) == 1
        assert a.keep(keys_of([3, 4]), np.array([9.0, 16.0])) == 1
        assert a.keep(keys_of([3, 4]), np.array([9.0, 16.0])) == 0
    assert len(store.shelf(square())) == 4
    assert store.verify() == []


def test_a_batch_that_failed_leaves_no_trace(store, monkeypatch):
    shelf = store.shelf(square())
    shelf.keep(keys_of([1]), np.array([1.0]))
    shelf.find(keys_of([1, 2]))
    with monkeypatch.context() as broken:
        broken.setattr(shelf_module.Shelf, "_merge", lambda self: (shelf_module.Shelf.keys_of(self, 2), 1 / 0))
        with pytest.raises(ZeroDivisionError):
            shelf.keep(keys_of([2]), np.array([4.0]))
    assert len(shelf) == 1
    with LabelStore(store.path) as other:
        other.shelf(square()).keep(keys_of([3]), np.array([9.0]))
    assert shelf.keep(keys_of([2, 3]), np.array([4.0, 9.0])) == 1
    assert shelf.find(keys_of([1, 2, 3]))[1].tolist() == [1, 4, 9]
    assert store.verify() == []


def test_export_prune_and_list(store, tmp_path):
    shelf = store.shelf(square(classes=["no", "yes"]))
    shelf.keep(keys_of([1, 2]), np.array([[0.5, 0.5], [0.2, 0.8]]))
    shelf.record_batch_size(7)
    shelf.record_batch_size(9)
    assert shelf.batch_size == 7
    table = store.teachers()
    assert table[["classes", "n_rows", "batch_size"]].iloc[0].tolist() == ['["no", "yes"]', 2, 7]
    fingerprint = table["fingerprint"][0]
    answers = store.answers(fingerprint)
    assert answers.columns.tolist() == ["key", "no", "yes"]
    assert answers["key"].is_monotonic_increasing
    assert answers["key"].str.len().tolist() == [32, 32]
    pytest.importorskip("pyarrow")
    path = store.export(fingerprint, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(path), answers)
    assert store.prune(fingerprint) == 2
    assert len(store.teachers()) == 0
    with pytest.raises(InvalidInputError, match="knows no teacher with the fingerprint"):
        store.prune(fingerprint)


def test_export_of_values_and_of_nothing(store):
    store.shelf(square())
    fingerprint = store.teachers()["fingerprint"][0]
    assert len(store.answers(fingerprint)) == 0
    store.shelf(square()).keep(keys_of([3]), np.array([9.0]))
    assert store.answers(fingerprint)["value_0"].tolist() == [9.0]


def test_clone_and_pickle(store):
    store.shelf(square()).keep(keys_of([3]), np.array([9.0]))
    assert clone(store) is store
    again = pickle.loads(pickle.dumps(store))
    assert len(again.shelf(square())) == 1
    again.close()


def test_a_fork_opens_its_own(store, monkeypatch):
    first = store._db
    monkeypatch.setattr("os.getpid", lambda: -1)
    store.teachers()
    assert store._db is not first
    first.close()


def test_foreign_files_are_left_alone(tmp_path):
    cases = {"text.db": b"a,b\n1,2\n", "other.db": None}
    (tmp_path / "text.db").write_bytes(cases["text.db"])
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    for name in cases:
        before = (tmp_path / name).read_bytes()
        with pytest.raises(InvalidInputError, match=r"not a label store.*left as it is"):
            LabelStore(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    with pytest.raises(InvalidInputError, match="is a folder"):
        LabelStore(tmp_path)
    with pytest.raises(InvalidInputError, match="there is no folder"):
        LabelStore(tmp_path / "no" / "l.db")
    (tmp_path / "empty.db").touch()
    LabelStore(tmp_path / "empty.db").close()


def test_a_newer_store_is_refused(store):
    store._db.execute("PRAGMA user_version = 99")
    with pytest.raises(InvalidInputError, match="of version 99, this package reads up to 3"):
        LabelStore(store.path)


def test_another_canonical_form_is_refused(store, monkeypatch):
    store.shelf(square())
    monkeypatch.setattr(module, "CANONICAL_FORM", 2)
    with pytest.raises(InvalidInputError, match="under form 1 of the row keys, this version writes 2"):
        store.shelf(square())


def test_damage_is_found(store):
    shelf = store.shelf(square())
    x = np.arange(2000.0)
    shelf.keep(keys_of(x), x)
    store._db.execute("UPDATE run_answers SET content = zeroblob(length(content))")
    assert "the answers of run 1 are not what was written" in store.verify()[0]
    with pytest.raises(InvalidInputError, match="damaged: the answers of run 1"):
        shelf.find(keys_of([3]))
    store._db.execute("DELETE FROM run_keys")
    with pytest.raises(InvalidInputError, match="damaged: the keys of run 1"):
        store.shelf(square()).find(keys_of([3]))


def test_a_row_stored_twice_is_found(store):
    shelf = store.shelf(square())
    shelf._write(keys_of([1]), np.ones(1))
    shelf._write(keys_of([1]), np.ones(1))
    assert "has a row stored twice" in store.verify()[0]


def test_a_torn_file(tmp_path):
    path = tmp_path / "l.db"
    with LabelStore(path) as store:
        x = np.arange(5000.0)
        store.shelf(square()).keep(keys_of(x), x)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with pytest.raises(InvalidInputError, match=r"is damaged|cannot be read"), LabelStore(path) as store:
        store.shelf(square()).find(keys_of([1]))


def test_a_held_file_is_told(store, monkeypatch):
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store._db.execute("PRAGMA busy_timeout = 10")
    with pytest.raises(InvalidInputError, match="is held by another process"):
        store.shelf(square())
    other.close()


def test_a_path_a_store_or_none(tmp_path, store):
    with as_store(None) as nothing:
        assert nothing is None
    with as_store(store) as same:
        assert same is store
    with as_store(str(tmp_path / "other.db")) as opened:
        assert len(opened.teachers()) == 0
    with pytest.raises(InvalidInputError, match="store must be a LabelStore, a path or None, got int"), as_store(3):
        pass


def test_equal_first_words_are_told_apart():
    stored = np.array([[1, 1], [7, 1], [7, 5], [9, 0]], dtype=np.uint64)
    asked = np.array([[7, 5], [7, 1], [7, 3], [9, 0], [10, 0]], dtype=np.uint64)
    assert positions(stored, asked).tolist() == [2, 1, -1, 3, -1]
    assert positions(stored[:0], asked[:1]).tolist() == [-1]


LABELLER = """
import sys, time
import numpy as np
from explaindistill.asking.labelling import label
from explaindistill.teachers.callable import CallableTeacher
def answer(X):
    time.sleep(0.01)
    return X[:, 0] ** 2
X = np.arange(4000.0).reshape(-1, 1)
label(CallableTeacher(answer, version="1"), X, store=sys.argv[1], batch_size=50)
"""


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    path = tmp_path / "l.db"
    kept = 0
    for _ in range(2):
        child = subprocess.Popen([sys.executable, "-c", LABELLER, str(path)])
        until = time.monotonic() + 60
        while time.monotonic() < until and _count(path) <= kept + 100:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        now = _count(path)
        assert kept < now < 4000
        kept = now
    assert subprocess.run([sys.executable, "-c", LABELLER, str(path)], check=True, timeout=120).returncode == 0
    with LabelStore(path) as store:
        assert store.verify() == []
        assert store.teachers()["n_rows"].tolist() == [4000]
        table = store.answers(store.teachers()["fingerprint"][0])
    assert sorted(table["value_0"]) == (np.arange(4000.0) ** 2).tolist()


def _count(path):
    if not path.exists():
        return 0
    try:
        with LabelStore(path) as store:
            return int(store.teachers()["n_rows"].sum())
    except InvalidInputError:
        return 0


def test_a_store_of_version_1_is_brought_up(tmp_path):
    path = tmp_path / "old.db"
    keys, answers = keys_of([1, 2]), np.array([1.0, 4.0])
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    a, b = keys[order].tobytes(), answers[order].tobytes()
    db = sqlite3.connect(path)
    db.executescript(file_module._TABLES)
    db.execute(f"PRAGMA application_id = {file_module.APPLICATION_ID}")
    db.execute("PRAGMA user_version = 1")
    row = (square().fingerprint(), "old", "null", module.CANONICAL_FORM, 77)
    db.execute("INSERT INTO teacher (fingerprint, name, classes, canonical_form, batch_size) VALUES (?,?,?,?,?)", row)
    db.execute(
        "INSERT INTO run (teacher, n, shape, keys_crc, answers_crc) VALUES (1, 2, '[]', ?, ?)",
        (zlib.crc32(a), zlib.crc32(b)),
    )
    db.execute("INSERT INTO run_keys VALUES (1, ?)", (a,))
    db.execute("INSERT INTO run_answers VALUES (1, ?)", (b,))
    db.commit()
    db.close()
    for _ in range(2):  # the second opening finds nothing left to do
        with LabelStore(path) as store:
            shelf = store.shelf(square())
            assert shelf.find(keys_of([2, 1]))[1].tolist() == [4.0, 1.0]
            assert shelf.batch_size == 77
            assert store.teachers()["batch_size"].tolist() == [77]
            assert store.verify() == []
            assert store._db.execute("PRAGMA user_version").fetchone()[0] == file_module.STORE_VERSION == 3


def test_rows_per_question_belong_to_a_machine(store, monkeypatch):
    shelf = store.shelf(square())
    shelf.record_batch_size(7)
    for place in (module, shelf_module):
        monkeypatch.setattr(place, "machine", lambda: "another")
    assert shelf.batch_size is None
    assert store.teachers()["batch_size"].isna().all()
    shelf.record_batch_size(9)
    shelf.record_batch_size(11)
    assert shelf.batch_size == 9
    assert store.teachers()["batch_size"].tolist() == [9]


def test_a_store_that_must_be_there(tmp_path):
    with pytest.raises(InvalidInputError, match="there is no label store"):
        LabelStore(tmp_path / "l.db", must_exist=True)
    assert not (tmp_path / "l.db").exists()


def test_faults_behind_right_check_sums_are_found(store):
    shelf = store.shelf(square())
    keys = np.array([[2, 0], [1, 0]], dtype=np.uint64)
    shelf._write(keys, np.array([1.0, np.nan]))
    shelf._write(keys_of([5]), np.array([1.0, 2.0]))
    found = "; ".join(store.verify())
    assert "run 1 of teacher" in found
    assert "the keys are not sorted" in found
    assert "an answer is no finite number" in found
    assert "1 keys and 2 answers" in found
    store._db.execute("PRAGMA foreign_keys = OFF")
    store._db.execute("DELETE FROM teacher")
    assert "table run has a row that belongs to nothing" in "; ".join(store.verify())


def test_a_teacher_pruned_meanwhile_is_told(store):
    shelf = store.shelf(square())
    with LabelStore(store.path) as other:
        other.prune(square().fingerprint())
    with pytest.raises(InvalidInputError, match="pruned by another process meanwhile"):
        shelf.keep(keys_of([1]), np.ones(1))
    assert store.verify() == []


WRITER = """
import sys
import numpy as np
from explaindistill.asking.store import LabelStore
from explaindistill.asking.labelling import label
from explaindistill.teachers.callable import CallableTeacher
def answer(X):
    return X[:, 0] ** 2
rng = np.random.default_rng(int(sys.argv[2]))
with LabelStore(sys.argv[1]) as store:
    for _ in range(30):
        rows = rng.integers(0, 3000, (200, 1)).astype(float)
        label(CallableTeacher(answer, version="1"), rows, store=store, batch_size=50)
"""


def test_two_processes_at_once(tmp_path):
    path = tmp_path / "l.db"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(seed)]) for seed in (1, 2)]
    assert [w.wait(timeout=120) for w in writers] == [0, 0]
    with LabelStore(path) as store:
        assert store.verify() == []
        assert len(store.teachers()) == 1
        shelf, _ = store._shelf_of(store.teachers()["fingerprint"][0])
        known, answers = shelf.find(keys_of(np.arange(3000)))
        assert known.sum() == len(shelf) > 2000
        assert answers.tolist() == (np.flatnonzero(known) ** 2.0).tolist()


MAKERS = """
import sys, time
from pathlib import Path
from explaindistill.asking.store_file import connect
folder = Path(sys.argv[1])
(folder / f"{sys.argv[2]}.ready").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
start = (folder / "go").stat().st_mtime
for i in range(20):
    time.sleep(max(start + 0.3 + 0.05 * i - time.time(), 0))
    connect(folder / f"{i}.db").close()
"""


def test_eight_processes_make_one_new_store_at_the_same_moment(tmp_path):
    makers = [
        subprocess.Popen([sys.executable, "-c", MAKERS, str(tmp_path), str(i)], stderr=subprocess.PIPE, text=True)
        for i in range(8)
    ]
    while len(list(tmp_path.glob("*.ready"))) < len(makers) and all(maker.poll() is None for maker in makers):
        time.sleep(0.01)
    (tmp_path / "go").touch()
    assert [(maker.communicate()[1], maker.returncode) for maker in makers] == [("", 0)] * 8
    for i in range(20):
        with LabelStore(tmp_path / f"{i}.db", must_exist=True) as store:
            assert store.verify() == []


class Overtaken:
    """A connection; another one makes the store as soon as this one has looked at what the file is."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, timeout=10, isolation_level=None)
        self.other = threading.Thread(target=lambda: file_module.connect(path).close())

    @property
    def in_transaction(self):
        return self.db.in_transaction

    def execute(self, query):
        cursor = self.db.execute(query)
        if query.strip() in ("PRAGMA application_id", "PRAGMA user_version") and not self.other.ident:
            rows = cursor.fetchall()
            self.other.start()
            self.other.join(timeout=0.3)
            cursor = self.db.execute(f"SELECT {rows[0][0]}")
        return cursor


def test_a_store_made_by_another_between_two_looks(tmp_path):
    db = Overtaken(tmp_path / "l.db")
    file_module._prepare(db, tmp_path / "l.db")
    db.other.join()
    db.db.close()
    with LabelStore(tmp_path / "l.db", must_exist=True) as store:
        assert store.verify() == []


def test_classes_that_are_no_list_are_damage(store):
    store.shelf(square())
    store._db.execute("UPDATE teacher SET classes = '[1] 2'")
    with pytest.raises(InvalidInputError, match="is damaged: the classes of a teacher are no JSON list"):
        store.verify()
