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

from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.numerics.rowkeys import CANONICAL_FORM

__all__ = ["LabelStore", "Shelf", "as_store"]

APPLICATION_ID = 0x58444C53
STORE_VERSION = 1
MERGE_COUNT = 8
"""So many runs of one size class become one run of the next."""
MERGE_ROWS = 1_000_000
"""A run is not merged beyond this."""
CACHE_BYTES = 2**28
"""Keys kept in memory per shelf; beyond it they are read again."""

Keys = NDArray[np.uint64]
Answers = NDArray[np.float64]

_TABLES = """
CREATE TABLE teacher (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, name TEXT NOT NULL, classes TEXT NOT NULL,
    canonical_form INTEGER NOT NULL, batch_size INTEGER, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT, teacher INTEGER NOT NULL REFERENCES teacher (id) ON DELETE CASCADE,
    n INTEGER NOT NULL, shape TEXT NOT NULL, keys_crc INTEGER NOT NULL, answers_crc INTEGER NOT NULL);
CREATE TABLE run_keys (run INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE, content BLOB NOT NULL);
CREATE TABLE run_answers (run INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE, content BLOB NOT NULL);
CREATE INDEX run_of_teacher ON run (teacher);
"""
_MIGRATIONS = (_TABLES,)
"""Script number i brings a store of version i to version i + 1."""


class LabelStore:
    """Answers of teachers, kept in an SQLite file.

    Only keys of rows and answers are kept, never the rows. Each batch is one transaction (write-ahead log), so a run
    that is killed loses at most the batch that was in the air, and several processes may share a file. The key of a row
    is :func:`explaindistill.numerics.rowkeys.row_keys`; teachers are told apart by their fingerprint.

    Parameters
    ----------
    path : path
        Made if it is not there. Pickling and cloning keep the path, not the open file.

    Raises
    ------
    InvalidInputError
        If the file is no label store, is damaged, is of a newer version, or cannot be written. It is left as it is.

    Examples
    --------
    >>> import tempfile
    >>> from explaindistill.labelling import Budget, label
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = CallableTeacher(lambda X: X[:, 0] ** 2, version="1")
    >>> with tempfile.TemporaryDirectory() as folder, LabelStore(Path(folder) / "labels.db") as store:
    ...     purse = Budget(10)
    ...     _ = label(teacher, np.array([[1.0], [2.0]]), store=store, budget=purse)
    ...     _ = label(teacher, np.array([[2.0], [3.0]]), store=store, budget=purse)
    >>> purse.spent
    3
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._open()

    def _open(self) -> None:
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._db = _connect(self.path)

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
        with self._lock, _told(self.path):
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
            found = db.execute("SELECT id, canonical_form FROM teacher WHERE fingerprint = ?", row[:1]).fetchone()
        if found[1] != CANONICAL_FORM:
            raise InvalidInputError(
                f"{self.path} holds this teacher's answers under form {found[1]} of the row keys, this version writes "
                f"{CANONICAL_FORM}; prune them or give another file"
            )
        return Shelf(self, int(found[0]))

    def teachers(self) -> pd.DataFrame:
        """One row per teacher: ``fingerprint, name, classes, n_rows, batch_size, created``."""
        query = """SELECT fingerprint, name, classes, COALESCE(SUM(run.n), 0), batch_size, created
                   FROM teacher LEFT JOIN run ON run.teacher = teacher.id GROUP BY teacher.id ORDER BY teacher.id"""
        with self._reading() as db:
            rows = db.execute(query).fetchall()
        return pd.DataFrame(rows, columns=["fingerprint", "name", "classes", "n_rows", "batch_size", "created"])

    def answers(self, fingerprint: str) -> pd.DataFrame:
        """Every kept answer of a teacher: ``key`` (hex) and one column per class or value, sorted by key."""
        shelf, names = self._shelf_of(fingerprint)
        pairs = [(shelf.keys_of(run), shelf.answers_of(run)) for run in shelf.runs()]
        if not pairs:
            return pd.DataFrame({"key": pd.Series([], dtype=str)})
        keys, values = _merged(pairs)
        table = values.reshape(len(values), -1)
        columns = names or [f"value_{i}" for i in range(table.shape[1])]
        hexes = [f"{int(a):016x}{int(b):016x}" for a, b in keys]
        return pd.DataFrame({"key": hexes} | {str(c): table[:, i] for i, c in enumerate(columns)})

    def export(self, fingerprint: str, path: str | Path) -> Path:
        """Write :meth:`answers` as Parquet; pyarrow is needed."""
        try:
            self.answers(fingerprint).to_parquet(path, index=False)
        except ImportError as error:
            raise MissingExtraError("pyarrow is not installed; run: pip install pyarrow") from error
        return Path(path)

    def verify(self) -> list[str]:
        """What is wrong with the file, in words; an empty list when nothing is."""
        with self._reading() as db:
            found = [f"SQLite: {row[0]}" for row in db.execute("PRAGMA integrity_check").fetchall() if row[0] != "ok"]
            fingerprints = [row[0] for row in db.execute("SELECT fingerprint FROM teacher").fetchall()]
        for fingerprint in fingerprints:
            shelf, _ = self._shelf_of(fingerprint)
            seen: list[Keys] = []
            for run in shelf.runs():
                try:
                    seen.append(shelf.keys_of(run))
                    shelf.answers_of(run)
                except InvalidInputError as error:
                    found.append(str(error))
            if seen and len(np.unique(_packed(np.concatenate(seen)))) < sum(map(len, seen)):
                found.append(f"teacher {fingerprint[:12]} has a row stored twice")
        return found

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
        return Shelf(self, int(row[0])), json.loads(row[1])


class Shelf:
    """Answers of one teacher, in runs of sorted keys that are merged as they grow."""

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
        keys = np.frombuffer(self._content("keys", run)[0], dtype="<u8").reshape(-1, 2)
        if sum(k.nbytes for k in self._cache.values()) + keys.nbytes <= CACHE_BYTES:
            self._cache[run] = keys
        return keys

    def answers_of(self, run: int) -> Answers:
        """Answers of a run in the order of its keys."""
        content, shape = self._content("answers", run)
        return np.frombuffer(content, dtype="<f8").reshape(-1, *shape)

    def _content(self, part: str, run: int) -> tuple[bytes, list[int]]:
        query = f"SELECT content, {part}_crc, shape FROM run_{part} JOIN run ON run.id = run WHERE run = ?"
        with self._store._reading() as db:
            row = db.execute(query, (run,)).fetchone()
        if row is None or zlib.crc32(row[0]) != row[1]:
            raise InvalidInputError(f"{self._store.path} is damaged: the {part} of run {run} are not what was written")
        return row[0], json.loads(row[2])

    def find(self, keys: Keys) -> tuple[NDArray[np.bool_], Answers]:
        """Which keys have an answer, and the answers of those, in the order of the keys."""
        with self._store._reading() as db:
            db.execute("BEGIN")  # one picture of the file, while others may merge runs
            try:
                return self._find(keys)
            finally:
                db.execute("COMMIT")

    def _find(self, keys: Keys) -> tuple[NDArray[np.bool_], Answers]:
        known = np.zeros(len(keys), dtype=bool)
        answers: Answers | None = None
        order = np.argsort(keys[:, 0], kind="stable")
        for run in self.runs():
            at = _positions(self.keys_of(run), keys[order])
            hit = np.flatnonzero(at >= 0)
            if len(hit) == 0:
                continue
            values = self.answers_of(run)
            if answers is None:
                answers = np.empty((len(keys), *values.shape[1:]))
            answers[order[hit]] = values[at[hit]]
            known[order[hit]] = True
        self._checked = set(self.runs())
        return known, np.empty(0) if answers is None else answers[known]

    def keep(self, keys: Keys, answers: Answers) -> int:
        """Store answers in one transaction; rows that another process stored meanwhile are left as they are.

        Returns
        -------
        int
            Rows that were new.
        """
        with self._store._writing():
            new = np.ones(len(keys), dtype=bool)
            for run in set(self.runs()) - self._checked:
                new &= _positions(self.keys_of(run), keys) < 0
            if new.any():
                self._write(*_merged([(keys[new], answers[new])]))
            self._merge()
            self._checked = set(self.runs())
        self._cache = {run: keys for run, keys in self._cache.items() if run in self._checked}
        return int(new.sum())

    def _write(self, keys: Keys, answers: Answers) -> None:
        a, b = keys.astype("<u8").tobytes(), answers.astype("<f8").tobytes()
        row = (self._teacher, len(keys), json.dumps(answers.shape[1:]), zlib.crc32(a), zlib.crc32(b))
        with self._store._reading() as db:
            added = db.execute("INSERT INTO run (teacher, n, shape, keys_crc, answers_crc) VALUES (?,?,?,?,?)", row)
            db.execute("INSERT INTO run_keys VALUES (?, ?)", (added.lastrowid, a))
            db.execute("INSERT INTO run_answers VALUES (?, ?)", (added.lastrowid, b))

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
                self._write(*_merged([(self.keys_of(run), self.answers_of(run)) for run in group]))
                db.executemany("DELETE FROM run WHERE id = ?", [(run,) for run in group])

    @property
    def batch_size(self) -> int | None:
        """Rows per question that was recorded for this teacher."""
        with self._store._reading() as db:
            found = db.execute("SELECT batch_size FROM teacher WHERE id = ?", (self._teacher,)).fetchone()[0]
        return None if found is None else int(found)

    def record_batch_size(self, size: int) -> None:
        """Remember rows per question; the first record stays."""
        with self._store._writing() as db:
            query = "UPDATE teacher SET batch_size = ? WHERE id = ? AND batch_size IS NULL"
            db.execute(query, (size, self._teacher))


@contextmanager
def as_store(store: Any) -> Iterator[LabelStore | None]:
    """Use a store, or open the file of this path for a while; None is none.

    Raises
    ------
    InvalidInputError
        If it is neither.
    """
    if store is None or isinstance(store, LabelStore):
        yield store
    elif isinstance(store, str | Path):
        with LabelStore(store) as opened:
            yield opened
    else:
        raise InvalidInputError(f"store must be a LabelStore, a path or None, got {type(store).__name__}")


def _connect(path: Path) -> sqlite3.Connection:
    _check_file(path)
    with _told(path):
        db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db, path)
        except BaseException:
            db.close()
            raise
    return db


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InvalidInputError(f"store must be a file, {str(path)!r} is a folder")
    if not path.parent.is_dir():
        raise InvalidInputError(f"store cannot be made: there is no folder {str(path.parent)!r}")
    if path.exists() and path.stat().st_size > 0:
        with path.open("rb") as file:
            if file.read(16) != b"SQLite format 3\0":
                raise InvalidInputError(f"{str(path)!r} is not a label store (no SQLite file); it was left as it is")


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Check what the file is before anything is written to it; bring it to this version."""
    kind = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    n_tables = db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    if kind != APPLICATION_ID and (n_tables > 0 or kind != 0):
        raise InvalidInputError(f"{str(path)!r} is an SQLite file but not a label store; it was left as it is")
    if version > STORE_VERSION:
        raise InvalidInputError(
            f"{str(path)!r} is a label store of version {version}, this package reads up to {STORE_VERSION}; update it"
        )
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    if version < STORE_VERSION:
        db.execute("BEGIN IMMEDIATE")
        version = db.execute("PRAGMA user_version").fetchone()[0]  # another process may have been faster
        for script in _MIGRATIONS[version:]:
            for statement in filter(str.strip, script.split(";")):
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {STORE_VERSION}")
        db.execute("COMMIT")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """SQLite's errors in the user's words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise InvalidInputError(f"label store {str(path)!r} is held by another process: {error}") from error
        raise InvalidInputError(f"label store {str(path)!r} cannot be read or written: {error}") from error
    except sqlite3.DatabaseError as error:
        raise InvalidInputError(f"label store {str(path)!r} is damaged: {error}; it was left as it is") from error


def _packed(keys: Keys) -> NDArray[np.void]:
    return np.ascontiguousarray(keys).view("V16").ravel()


def _merged(pairs: list[tuple[Keys, Answers]]) -> tuple[Keys, Answers]:
    """One run of sorted keys from several."""
    keys = np.concatenate([k for k, _ in pairs])
    answers = np.concatenate([a for _, a in pairs])
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    return keys[order], answers[order]


def _positions(stored: Keys, asked: Keys) -> NDArray[np.intp]:
    """Position of each asked key among sorted stored ones, -1 where there is none."""
    if len(stored) == 0:
        return np.full(len(asked), -1)
    first = np.ascontiguousarray(stored[:, 0])
    at = np.searchsorted(first, asked[:, 0])
    inside = np.minimum(at, len(first) - 1)
    hit = (stored[inside] == asked).all(axis=1)
    for i in np.flatnonzero(~hit & (first[inside] == asked[:, 0])):  # equal first words: as good as never
        end = np.searchsorted(first, asked[i, 0], side="right")
        same = np.flatnonzero(stored[at[i] : end, 1] == asked[i, 1])
        if len(same):
            inside[i], hit[i] = at[i] + same[0], True
    return np.where(hit, inside, -1)
