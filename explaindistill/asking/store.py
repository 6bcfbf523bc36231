"""The label store: every (teacher, row) and its answer in one SQLite file, so that no row is asked twice."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.sorted_runs import (
    Answers,
    Keys,
    faults_of,
    merged,
    packed,
    positions,
)
from explaindistill.asking.store_file import connect, machine, told
from explaindistill.data.files import replaced
from explaindistill.data.row_keys import CANONICAL_FORM
from explaindistill.errors import InvalidInputError, MissingExtraError, damage_named

__all__ = ["LabelStore", "Shelf", "as_store"]

MERGE_COUNT = 8
"""So many runs of one size class become one run of the next."""
MERGE_ROWS = 1_000_000
"""A run is not merged beyond this."""
CACHE_BYTES = 2**28
"""Keys kept in memory per shelf; beyond it they are read again."""


class LabelStore:
    """Answers of teachers, kept in an SQLite file.

    Only keys of rows and answers are kept, never the rows. Each batch is one transaction (write-ahead log), so a run
    that is killed loses at most the batch that was in the air, and several processes may share a file. The key of a row
    is :func:`explaindistill.data.row_keys.row_keys`; teachers are told apart by their fingerprint.

    Parameters
    ----------
    path : path
        Made if it is not there. Pickling and cloning keep the path, not the open file.
    must_exist : bool, default=False
        Whether a file that is not there is an error.

    Raises
    ------
    InvalidInputError
        If the file is no label store, is damaged, is of a newer version, or cannot be written. It is left as it is.

    Examples
    --------
    >>> import tempfile
    >>> from explaindistill.asking.budget import Budget
    >>> from explaindistill.asking.labelling import label
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = CallableTeacher(lambda X: X[:, 0] ** 2, version="1")
    >>> with tempfile.TemporaryDirectory() as folder, LabelStore(Path(folder) / "labels.db") as store:
    ...     purse = Budget(10)
    ...     _ = label(teacher, np.array([[1.0], [2.0]]), store=store, budget=purse)
    ...     _ = label(teacher, np.array([[2.0], [3.0]]), store=store, budget=purse)
    >>> purse.spent
    3
    """

    def __init__(self, path: str | Path, must_exist: bool = False) -> None:
        self.path = Path(path)
        self._open(must_exist)

    def _open(self, must_exist: bool = False) -> None:
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._db = connect(self.path, must_exist)

    def close(self) -> None:
        """Close the file; a closed store cannot be used."""
        self._db.close()

    def __enter__(self) -> LabelStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path = state["path"]
        self._open()

    def __sklearn_clone__(self) -> LabelStore:
        return self

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Use the connection, one thread at a time; after a fork the child opens its own."""
        if os.getpid() != self._pid:
            self._open()
        with self._lock, told(self.path):
            yield self._db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def shelf(self, teacher: Any) -> Shelf | None:
        """Answers of one teacher; None if it has no fingerprint and therefore keeps nothing."""
        fingerprint = teacher.fingerprint()
        if fingerprint is None:
            return None
        classes = None if teacher.classes_ is None else np.asarray(teacher.classes_).tolist()
        name = str(getattr(teacher, "name", type(teacher).__name__))
        with self._writing() as db:
            row = (fingerprint, name, json.dumps(classes, default=str), CANONICAL_FORM)
            db.execute(
                "INSERT OR IGNORE INTO teacher (fingerprint, name, classes, canonical_form) VALUES (?,?,?,?)", row
            )
            record = db.execute("SELECT id, canonical_form FROM teacher WHERE fingerprint = ?", row[:1]).fetchone()
        if record[1] != CANONICAL_FORM:
            raise InvalidInputError(
                f"{self.path} holds this teacher's answers under form {record[1]} of the row keys, this version writes "
                f"{CANONICAL_FORM}; prune them or give another file"
            )
        return Shelf(self, int(record[0]))

    def known_shelf(self, teacher: Any) -> Shelf | None:
        """Answers of a teacher for reading; None where it has none here, and nothing is written then."""
        fingerprint = teacher.fingerprint()
        with self._reading() as db:
            query = "SELECT id FROM teacher WHERE fingerprint = ? AND canonical_form = ?"
            row = db.execute(query, (fingerprint, CANONICAL_FORM)).fetchone()
        return None if row is None else Shelf(self, int(row[0]))

    def teachers(self) -> pd.DataFrame:
        """One row per teacher: ``fingerprint, name, classes, n_rows, batch_size, created``.

        ``batch_size`` is what was recorded for this machine, NaN where nothing was.
        """
        query = """SELECT fingerprint, name, classes,
                          (SELECT COALESCE(SUM(n), 0) FROM run WHERE run.teacher = teacher.id),
                          (SELECT size FROM batch WHERE batch.teacher = teacher.id AND machine IN ('', ?)
                           ORDER BY machine DESC LIMIT 1), created FROM teacher ORDER BY id"""
        with self._reading() as db:
            rows = db.execute(query, (machine(),)).fetchall()
        return pd.DataFrame(rows, columns=["fingerprint", "name", "classes", "n_rows", "batch_size", "created"])

    def named(self, beginning: str) -> str:
        """The one fingerprint that begins so.

        Raises
        ------
        InvalidInputError
            If none does, or several do.
        """
        fingerprints = self.teachers()["fingerprint"].tolist()
        matches = [f for f in fingerprints if beginning and f.startswith(beginning)]
        if len(matches) != 1:
            how = "no teacher" if not matches else f"{len(matches)} teachers"
            shown = ", ".join(f[:12] for f in fingerprints) or "none"
            raise InvalidInputError(
                f"{self.path} has {how} whose fingerprint begins with {beginning!r}; there are: {shown}"
            )
        return str(matches[0])

    def answers(self, fingerprint: str) -> pd.DataFrame:
        """Every kept answer of a teacher: ``key`` (hex) and one column per class or value, sorted by key."""
        shelf, names = self._shelf_of(fingerprint)
        pairs = [(shelf.keys_of(run), shelf.answers_of(run)) for run in shelf.runs()]
        if not pairs:
            return pd.DataFrame({"key": pd.Series([], dtype=str)})
        keys, values = merged(pairs)
        table = values.reshape(len(values), -1)
        columns = names or [f"value_{i}" for i in range(table.shape[1])]
        hexes = [f"{int(a):016x}{int(b):016x}" for a, b in keys]
        return pd.DataFrame({"key": hexes} | {str(c): table[:, i] for i, c in enumerate(columns)})

    def export(self, fingerprint: str, path: str | Path) -> Path:
        """Write :meth:`answers` as Parquet; pyarrow is needed."""
        try:
            with replaced(path) as draft:
                self.answers(fingerprint).to_parquet(draft, index=False)
        except ImportError as error:
            raise MissingExtraError("pyarrow is not installed; run: pip install pyarrow") from error
        return Path(path)

    def verify(self) -> list[str]:
        """What is wrong with the file, in words; an empty list when nothing is."""
        with self._reading() as db:
            faults = [f"SQLite: {row[0]}" for row in db.execute("PRAGMA integrity_check").fetchall() if row[0] != "ok"]
            faults += [
                f"table {row[0]} has a row that belongs to nothing" for row in db.execute("PRAGMA foreign_key_check")
            ]
            fingerprints = [row[0] for row in db.execute("SELECT fingerprint FROM teacher").fetchall()]
        for fingerprint in fingerprints:
            shelf, _ = self._shelf_of(fingerprint)
            every_key: list[Keys] = []
            for run in shelf.runs():
                try:
                    keys, answers = shelf.keys_of(run), shelf.answers_of(run)
                    every_key.append(keys)
                    faults += [f"run {run} of teacher {fingerprint[:12]}: {w}" for w in faults_of(keys, answers)]
                except InvalidInputError as error:
                    faults.append(str(error))
            if every_key and len(np.unique(packed(np.concatenate(every_key)))) < sum(map(len, every_key)):
                faults.append(f"teacher {fingerprint[:12]} has a row stored twice")
        return faults

    def prune(self, fingerprint: str) -> int:
        """Forget a teacher and its answers; returns how many rows were forgotten."""
        self._shelf_of(fingerprint)
        n = int(self.teachers().set_index("fingerprint").loc[fingerprint, "n_rows"])
        with self._writing() as db:
            db.execute("DELETE FROM teacher WHERE fingerprint = ?", (fingerprint,))
        with self._reading() as db:
            db.execute("VACUUM")
        return n

    def _shelf_of(self, fingerprint: str) -> tuple[Shelf, list[Any] | None]:
        with self._reading() as db:
            row = db.execute("SELECT id, classes FROM teacher WHERE fingerprint = ?", (fingerprint,)).fetchone()
        if row is None:
            raise InvalidInputError(f"{self.path} knows no teacher with the fingerprint {fingerprint!r}")
        try:
            return Shelf(self, int(row[0])), json.loads(row[1])
        except (ValueError, TypeError) as error:
            raise InvalidInputError(f"{self.path} is damaged: the classes of a teacher are no JSON list") from error


class Shelf:
    """Answers of one teacher, in runs of sorted keys that are merged as they grow.

    Examples
    --------
    >>> import tempfile
    >>> from explaindistill.asking.labelling import label
    >>> from explaindistill.data.row_keys import row_keys
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = CallableTeacher(lambda X: X["x"].to_numpy() ** 2, version="1")
    >>> X = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    >>> with tempfile.TemporaryDirectory() as folder, LabelStore(Path(folder) / "labels.db") as store:
    ...     _ = label(teacher, X[:2], store=store)
    ...     known, answers = store.shelf(teacher).find(row_keys(X))
    >>> known.tolist(), answers.tolist()
    ([True, True, False], [1.0, 4.0])
    """

    def __init__(self, store: LabelStore, teacher: int) -> None:
        self._store = store
        self._teacher = teacher
        self._cache: dict[int, Keys] = {}
        self._checked: set[int] = set()

    def runs(self) -> list[int]:
        """Identities of the runs, largest first."""
        with self._store._reading() as db:
            query = "SELECT id FROM run WHERE teacher = ? ORDER BY n DESC, id"
            return [int(row[0]) for row in db.execute(query, (self._teacher,)).fetchall()]

    def __len__(self) -> int:
        with self._store._reading() as db:
            query = "SELECT COALESCE(SUM(n), 0) FROM run WHERE teacher = ?"
            return int(db.execute(query, (self._teacher,)).fetchone()[0])

    def keys_of(self, run: int) -> Keys:
        """Sorted keys ``(n, 2)`` of a run."""
        if run in self._cache:
            return self._cache[run]
        # by columns, so that a search in the first one copies nothing
        with damage_named(f"run {run} of {self._store.path}"):
            keys = np.asfortranarray(np.frombuffer(self._content("keys", run)[0], dtype="<u8").reshape(-1, 2))
        if sum(k.nbytes for k in self._cache.values()) + keys.nbytes <= CACHE_BYTES:
            self._cache[run] = keys
        return keys

    def answers_of(self, run: int) -> Answers:
        """Answers of a run in the order of its keys."""
        content, shape = self._content("answers", run)
        with damage_named(f"run {run} of {self._store.path}"):
            if not all(isinstance(width, int) and width > 0 for width in shape):
                raise InvalidInputError(f"run {run} of {self._store.path} is damaged: answers of shape {shape}")
            return np.frombuffer(content, dtype="<f8").reshape(-1, *shape)

    def _content(self, part: str, run: int) -> tuple[bytes, list[int]]:
        query = f"SELECT {part}_crc, shape FROM run_{part} JOIN run ON run.id = run WHERE run = ?"
        with self._store._reading() as db:
            row = db.execute(query, (run,)).fetchone()
            if row is not None:
                with db.blobopen(f"run_{part}", "content", run, readonly=True) as blob:  # one copy fewer than a query
                    content = blob.read()
        if row is None or zlib.crc32(content) != row[0]:
            raise InvalidInputError(f"{self._store.path} is damaged: the {part} of run {run} are not what was written")
        with damage_named(f"run {run} of {self._store.path}"):
            return content, json.loads(row[1])

    def find(self, keys: Keys) -> tuple[NDArray[np.bool_], Answers]:
        """Which keys have an answer, and the answers of those, in the order of the keys."""
        with self._store._reading() as db:
            db.execute("BEGIN")  # one picture of the file, while others may merge runs
            try:
                return self._find(keys)
            finally:
                db.execute("COMMIT")

    def _find(self, keys: Keys) -> tuple[NDArray[np.bool_], Answers]:
        stored = np.zeros(len(keys), dtype=bool)
        answers: Answers | None = None
        order = np.argsort(keys[:, 0], kind="stable")
        ranked = np.asfortranarray(keys[order])  # searched in order, memory is read in order
        runs = self.runs()
        for run in runs:
            at = positions(self.keys_of(run), ranked)
            hit = np.flatnonzero(at >= 0)
            if len(hit) == 0:
                continue
            values = self.answers_of(run)
            if len(values) != len(self.keys_of(run)) or (answers is not None and values.shape[1:] != answers.shape[1:]):
                raise InvalidInputError(f"run {run} of {self._store.path} is damaged: answers do not fit to its keys")
            if answers is None:
                answers = np.empty((len(keys), *values.shape[1:]))
            answers[order[hit]] = values[at[hit]]
            stored[order[hit]] = True
        self._checked = set(runs)
        return stored, np.empty(0) if answers is None else answers[stored]

    def keep(self, keys: Keys, answers: Answers) -> int:
        """Store answers in one transaction; rows that another process stored meanwhile are left as they are.

        Returns
        -------
        int
            Rows that were new.
        """
        before = set(self._checked)
        try:
            with self._store._writing():
                keys, answers = merged([(keys, answers)])
                new = np.ones(len(keys), dtype=bool)
                for run in set(self.runs()) - self._checked:
                    new &= positions(self.keys_of(run), keys) < 0
                if new.any():
                    self._write(keys[new], answers[new])
                self._merge()
                present = set(self.runs())
        except BaseException:
            self._checked, self._cache = before, {}  # numbers of runs that were taken back are given out again
            raise
        # only a look-up of all keys makes a run known; what others wrote since then is looked at in every keep
        self._checked &= present
        self._cache = {run: keys for run, keys in self._cache.items() if run in present}
        return int(new.sum())

    def _write(self, keys: Keys, answers: Answers) -> int:
        a, b = keys.astype("<u8").tobytes(), answers.astype("<f8").tobytes()
        row = (self._teacher, len(keys), json.dumps(answers.shape[1:]), zlib.crc32(a), zlib.crc32(b))
        with self._store._reading() as db:
            added = db.execute("INSERT INTO run (teacher, n, shape, keys_crc, answers_crc) VALUES (?,?,?,?,?)", row)
            run = int(added.lastrowid or 0)
            db.execute("INSERT INTO run_keys VALUES (?, ?)", (run, a))
            db.execute("INSERT INTO run_answers VALUES (?, ?)", (run, b))
        return run

    def _merge(self) -> None:
        """Merge runs of one size class (powers of MERGE_COUNT) when there are enough of them."""
        with self._store._reading() as db:
            while True:
                rows = db.execute("SELECT id, n FROM run WHERE teacher = ? AND n < ?", (self._teacher, MERGE_ROWS))
                classes: dict[int, list[int]] = {}
                for run, n in rows.fetchall():
                    classes.setdefault(int(np.log(max(n, 1)) / np.log(MERGE_COUNT)), []).append(run)
                group = next((runs for runs in classes.values() if len(runs) >= MERGE_COUNT), None)
                if group is None:
                    return
                one = self._write(*merged([(self.keys_of(run), self.answers_of(run)) for run in group]))
                if self._checked.issuperset(group):
                    self._checked.add(one)
                db.executemany("DELETE FROM run WHERE id = ?", [(run,) for run in group])

    def count_sent(self, purpose: str, n: int) -> None:
        """Count rows that are about to be sent; a number below 0 takes back rows that never left."""
        with self._store._writing() as db:
            db.execute(
                "INSERT INTO sent VALUES (?, ?, ?) ON CONFLICT (teacher, purpose) DO UPDATE SET n = n + excluded.n",
                (self._teacher, purpose, n),
            )

    @property
    def rows_sent(self) -> dict[str, int]:
        """Rows that were sent to this teacher, by purpose, in all runs that used the store."""
        query = "SELECT purpose, n FROM sent WHERE teacher = ? AND n > 0 ORDER BY rowid"
        with self._store._reading() as db:
            return {str(purpose): int(n) for purpose, n in db.execute(query, (self._teacher,)).fetchall()}

    @property
    def batch_size(self) -> int | None:
        """Rows per question that was recorded for this teacher on this machine."""
        query = "SELECT size FROM batch WHERE teacher = ? AND machine IN ('', ?) ORDER BY machine DESC"
        with self._store._reading() as db:
            record = db.execute(query, (self._teacher, machine())).fetchone()
        return None if record is None else int(record[0])

    def record_batch_size(self, size: int) -> None:
        """Remember rows per question for this machine; the first record stays."""
        with self._store._writing() as db:
            db.execute("INSERT OR IGNORE INTO batch VALUES (?, ?, ?)", (self._teacher, machine(), size))


@contextmanager
def as_store(store: Any) -> Iterator[LabelStore | None]:
    """Use a store, or open the file of this path for a while; None is none.

    Raises
    ------
    InvalidInputError
        If it is neither.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, as_store(Path(folder) / "labels.db") as store:
    ...     type(store).__name__
    'LabelStore'
    >>> with as_store(None) as store:
    ...     store is None
    True
    """
    if store is None or isinstance(store, LabelStore):
        yield store
    elif isinstance(store, str | Path):
        with LabelStore(store) as opened:
            yield opened
    else:
        raise InvalidInputError(f"store must be a LabelStore, a path or None, got {type(store).__name__}")
