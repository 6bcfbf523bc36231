"""The folder that results go to: proven writable before the work begins, filled when the work has ended well."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from explaindistill.data.files import replaced_together
from explaindistill.errors import InvalidInputError

__all__ = ["refuse_overwriting", "results_folder"]


def refuse_overwriting(path: str | Path, names: Sequence[str], force: bool) -> None:
    """Refuse a folder that holds a result which the command would write again, unless that is meant.

    A folder in the place of a file is refused even then: it would be noticed when the work has ended.

    Raises
    ------
    InvalidInputError
        Names the first such file.
    """
    if folders := [name for name in names if (Path(path) / name).is_dir()]:
        raise InvalidInputError(f"out: {Path(path) / folders[0]} must be a file, it is a folder; choose another --out")
    present = [name for name in names if (Path(path) / name).exists()]
    if present and not force:
        more = f" and {len(present) - 1} more" if len(present) > 1 else ""
        raise InvalidInputError(
            f"out: {Path(path) / present[0]}{more} would be overwritten; choose another folder, or give --force"
        )


@contextmanager
def results_folder(path: str | Path) -> Iterator[Path]:
    """Give a draft of a folder; what is written there comes to ``path`` when the work inside ends well, all or nothing.

    So a run that is interrupted leaves the results of before as they were. Folders made here vanish again if it fails.

    Raises
    ------
    InvalidInputError
        If the path is a file, or nothing can be written there.
    """
    folder = Path(path)
    new_folders = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InvalidInputError(
            f"out must be a folder that can be written, got {folder} ({error.strerror or error}); choose another"
        ) from error
    try:
        with replaced_together(folder) as draft:
            yield draft
    except BaseException:
        for new in new_folders:
            if not any(new.iterdir()):
                new.rmdir()
        raise
