"""Files that are whole or not there: written beside and renamed, read with bounds."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from explaindistill.errors import InvalidInputError

__all__ = ["read_json", "replaced", "replaced_together", "write_whole"]

MAX_JSON_BYTES = 2**26
"""64 MiB: the forms of this package are a few; numbers take eight times their text in memory."""
MAX_JSON_CONTAINERS = 2**22
"""Lists and objects cost the most, 70 bytes for two of text: so many are 300 MB."""


def write_whole(path: str | Path, content: bytes | str) -> Path:
    """Write a file so that a full disk or a kill leaves the one of before as it was.

    Parameters
    ----------
    path : path
        Permissions of a file that is there, and a link to it, stay.
    content : bytes, or str, which becomes UTF-8

    Returns
    -------
    Path

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "note.txt", "whole").read_text()
    'whole'
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with replaced(path) as draft, draft.open("wb") as file:
        file.write(data)
    return Path(path)


@contextmanager
def replaced(path: str | Path) -> Iterator[Path]:
    r"""Give a draft beside the file; it takes the file's place when the block ends well, and goes when it does not.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replaced(Path(folder) / "a.csv") as draft:
    ...         _ = draft.write_text("a\n1\n")
    ...     [file.name for file in Path(folder).iterdir()]
    ['a.csv']
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield target  # a device or a pipe has nothing to lose, and a folder says itself that it is one
        return
    draft = target.with_name(_draft_name())
    try:
        yield draft
        _place(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def replaced_together(folder: str | Path) -> Iterator[Path]:
    """Give a draft folder; its files come to ``folder`` when the block ends well, other files there stay.

    Folders in it come along with their files.

    A folder that was not there appears by one rename. In one that was, every file is complete on the disk before the
    first takes its place.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with replaced_together(Path(place) / "new") as draft:
    ...         _ = (draft / "a").write_text("1")
    ...     [file.name for file in (Path(place) / "new").iterdir()]
    ['a']
    """
    target = Path(os.path.realpath(folder))
    is_new = not target.exists()
    if is_new:
        target.parent.mkdir(parents=True, exist_ok=True)
    # inside a folder that is there, since its parent may lie on another disk, to which nothing can be renamed
    draft = (target.parent if is_new else target) / _draft_name()
    draft.mkdir()
    try:
        yield draft
        if is_new:
            for file in _files_in(draft):
                _to_disk(file)
            draft.rename(target)
            return
        files = _files_in(draft)
        for file in files:
            _to_disk(file)
        for file in files:
            place = target / file.relative_to(draft)
            place.parent.mkdir(exist_ok=True)
            _place(file, place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def read_json(path: str | Path) -> Any:
    """Contents of a JSON file, in bounded memory and time.

    Raises
    ------
    InvalidInputError
        If it cannot be read, is no JSON, or is too large or too deep for a form of this package.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise InvalidInputError(f"{file.name} is larger than {MAX_JSON_BYTES} bytes, which no such file is")
        data = file.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{file.name} could not be read: {error.strerror or error}") from error
    if data.count(b"[") + data.count(b"{") > MAX_JSON_CONTAINERS:
        raise InvalidInputError(f"{file.name} holds more than {MAX_JSON_CONTAINERS} lists, which no such file does")
    try:
        return json.loads(data.decode("utf-8"))
    except ValueError as error:
        raise InvalidInputError(f"{file.name} is not JSON: {error}") from error
    except RecursionError as error:
        raise InvalidInputError(f"{file.name} is damaged: its lists are nested too deeply") from error


def _files_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if not file.is_dir())


def _draft_name() -> str:
    return f".{secrets.token_hex(8)}.part"


def _place(draft: Path, target: Path) -> None:
    """Put a finished file in the place of another one, with that one's permissions."""
    _to_disk(draft)
    if target.exists():
        shutil.copymode(target, draft)
    draft.replace(target)


def _to_disk(file: Path) -> None:
    """Wait until the bytes are on the disk: some file systems notice only then that it is full."""
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())
