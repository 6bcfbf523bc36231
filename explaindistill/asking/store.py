"""The label store: every (teacher, row) and its answer in one SQLite file, so that no row is asked twice."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.asking.shelf import Shelf
from explaindistill.asking.sorted_runs import (
    Keys,
    faults_of,
    merged,
    packed,
)
from explaindistill.asking.store_file import connect, machine, plain_errors
from explaindistill.data.files import replaced
from explaindistill.data.row_keys import CANONICAL_FORM
from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.protocols import Teacher

__all__ = ["LabelStore", "as_store"]


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
        with self._lock, plain_errors(self.path):
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

    def shelf(self, teacher: Teacher) -> Shelf | None:
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

    def known_shelf(self, teacher: Teacher) -> Shelf | None:
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
