"""The file of a label store: proven to be one before anything is written, and brought to this version."""

from __future__ import annotations

import hashlib
import os
import platform
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from explaindistill.errors import InvalidInputError

__all__ = ["connect", "machine", "plain_errors"]

APPLICATION_ID = 0x58444C53
"""The letters XDLS; SQLite keeps them in the header, so that no other database is taken for a store."""
PAGE_BYTES = 32_768
"""Long runs of keys and answers are read in fewer pieces than by SQLite's own 4,096."""
WAIT_SECONDS = 60
"""How long a writer waits for another process before it gives up."""
RETRY_SECONDS = 0.02
"""Between two tries to turn the log on: others hold the file for a few milliseconds while they make it."""

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
_PER_MACHINE = """
CREATE TABLE batch (
    teacher INTEGER NOT NULL REFERENCES teacher (id) ON DELETE CASCADE, machine TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (teacher, machine));
INSERT INTO batch SELECT id, '', batch_size FROM teacher WHERE batch_size IS NOT NULL;
"""
"""Rows per question belong to a teacher on a machine; what version 1 recorded, in a column that is no longer
read, holds for every machine."""
_SENT = """
CREATE TABLE sent (
    teacher INTEGER NOT NULL REFERENCES teacher (id) ON DELETE CASCADE, purpose TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (teacher, purpose));
"""
"""Rows that were sent, by purpose, over all runs: what a run that was cut off had sent is known to the next one."""
_MIGRATIONS = (_TABLES, _PER_MACHINE, _SENT)
"""Script number i brings a store of version i to version i + 1."""
STORE_VERSION = len(_MIGRATIONS)


def connect(path: Path, must_exist: bool = False) -> sqlite3.Connection:
    """Open the file, make it where it may be made, and bring it to this version.

    Raises
    ------
    InvalidInputError
        If it is no label store, is damaged or held, or is not there although it must be.
    """
    _check_file(path, must_exist)
    with plain_errors(path):
        db = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db, path)
        except BaseException:
            db.close()
            raise
    return db


def _check_file(path: Path, must_exist: bool) -> None:
    if must_exist and not path.exists():
        raise InvalidInputError(f"there is no label store {str(path)!r}")
    if path.is_dir():
        raise InvalidInputError(f"store must be a file, {str(path)!r} is a folder")
    if not path.parent.is_dir():
        raise InvalidInputError(f"store cannot be made: there is no folder {str(path.parent)!r}")
    if path.exists() and path.stat().st_size > 0:
        with path.open("rb") as file:
            if file.read(16) != b"SQLite format 3\0":
                raise InvalidInputError(f"{str(path)!r} is not a label store (no SQLite file); it was left as it is")


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Check what the file is before anything is written to it; bring it to this version, in one transaction."""
    if _version(db, path) < STORE_VERSION:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a file that is still empty; others keep theirs
        with _transaction(db, "BEGIN IMMEDIATE"):
            for script in _MIGRATIONS[_stored_version(db, path) :]:  # another process may have been faster
                for statement in filter(str.strip, script.split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {STORE_VERSION}")
    _log_ahead(db)
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")


def _version(db: sqlite3.Connection, path: Path) -> int:
    """Version of the store in one picture of the file: it may be made at this moment by another process."""
    with _transaction(db, "BEGIN"):
        return _stored_version(db, path)


def _stored_version(db: sqlite3.Connection, path: Path) -> int:
    n_tables = db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    kind = db.execute("PRAGMA application_id").fetchone()[0]
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if kind != APPLICATION_ID and (n_tables > 0 or kind != 0):
        raise InvalidInputError(f"{str(path)!r} is an SQLite file but not a label store; it was left as it is")
    if not 0 <= version <= STORE_VERSION:
        raise InvalidInputError(
            f"{str(path)!r} is a label store of version {version}, this package reads up to {STORE_VERSION}; update it"
        )
    return version


@contextmanager
def _transaction(db: sqlite3.Connection, begin: str) -> Iterator[None]:
    db.execute(begin)
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _log_ahead(db: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; SQLite does not wait for others here, and says "locked" at once."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            return


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """SQLite's errors in the user's words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise InvalidInputError(f"label store {str(path)!r} is held by another process: {error}") from error
        raise InvalidInputError(f"label store {str(path)!r} cannot be read or written: {error}") from error
    except sqlite3.IntegrityError as error:
        raise InvalidInputError(
            f"label store {str(path)!r}: the teacher was pruned by another process meanwhile ({error}); start again"
        ) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"label store {str(path)!r} is damaged: {error}; it was left as it is") from error


@cache
def machine() -> str:
    """What tells machines apart without naming them."""
    text = f"{platform.node()}|{platform.machine()}|{os.cpu_count()}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
