"""The answers of one teacher in a label store: runs of sorted keys, merged as they grow."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explaindistill.asking.sorted_runs import Answers, Keys, merged, positions
from explaindistill.asking.store_file import machine
from explaindistill.errors import InvalidInputError, damage_named

if TYPE_CHECKING:
    from explaindistill.asking.store import LabelStore

__all__ = ["Shelf"]

MERGE_COUNT = 8
"""So many runs of one size class become one run of the next."""
MERGE_ROWS = 1_000_000
"""A run is not merged beyond this."""
CACHE_BYTES = 2**28
"""Keys kept in memory per shelf; beyond it they are read again."""


class Shelf:
    """Answers of one teacher, in runs of sorted keys that are merged as they grow.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from explaindistill.asking.labelling import label
    >>> from explaindistill.asking.store import LabelStore
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

    def _content(self, kind: str, run: int) -> tuple[bytes, list[int]]:
        query = f"SELECT {kind}_crc, shape FROM run_{kind} JOIN run ON run.id = run WHERE run = ?"
        with self._store._reading() as db:
            row = db.execute(query, (run,)).fetchone()
            if row is not None:
                with db.blobopen(f"run_{kind}", "content", run, readonly=True) as blob:  # one copy fewer than a query
                    content = blob.read()
        if row is None or zlib.crc32(content) != row[0]:
            raise InvalidInputError(f"{self._store.path} is damaged: the {kind} of run {run} are not what was written")
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
