"""Which files a table of Parquet files has, what the names of their folders say, and the kinds of their columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd

from explaindistill.errors import InvalidInputError, MissingExtraError

__all__ = ["FileStamp", "FolderKey", "JointKinds", "data_files", "folder_keys", "footer_of", "pyarrow_parquet"]

NOTHING = "__HIVE_DEFAULT_PARTITION__"
"""What Hive, Spark and pandas call a folder of rows in which the key is missing."""


def data_files(path: Any) -> tuple[Path, list[Path]]:
    """The folder that a table begins in, and its files in the order of their names.

    Files and folders whose names begin with ``.`` or ``_`` are what a writer left behind, and no rows.

    Raises
    ------
    InvalidInputError
        If there is no file.
    """
    if not isinstance(path, str | Path):
        files = [Path(each) for each in path]
        if not files:
            raise InvalidInputError("path must name at least 1 Parquet file, got an empty list")
        missing = next((file for file in files if not file.is_file()), None)
        if missing is not None:
            raise InvalidInputError(f"path must be Parquet files, got {str(missing)!r}, which is not there")
        return Path(os.path.commonpath([file.absolute().parent for file in files])), files
    whole = Path(path)
    if whole.is_dir():
        below = sorted(whole.rglob("*.parquet"))
        files = [file for file in below if not _is_hidden(file.relative_to(whole)) and file.is_file()]
        if not files:
            raise InvalidInputError(f"path must hold files whose name ends with .parquet, got {str(path)!r} with none")
        return whole.absolute(), files
    if not whole.exists():
        raise InvalidInputError(
            f"path must be a Parquet file or a folder of them, got {str(path)!r}, which is not there; paths of a store "
            "in the net are opened with dask.dataframe.read_parquet, patterns with a list: sorted(folder.glob(pattern))"
        )
    return whole.absolute().parent, [whole]


def _is_hidden(path: Path) -> bool:
    return any(step.startswith((".", "_")) for step in path.parts)


@dataclass(frozen=True)
class FolderKey:
    """A column that stands in the names of folders, ``sex=F``, as Hive and Spark write it.

    Attributes
    ----------
    name : str
    value : str, int or None
        Of all rows of a file.
    values : tuple
        Of all files, sorted; whole numbers where all are, else text. ``01`` is the number 1, since
        ``pandas.read_parquet`` takes it for one, and with it whoever trained the teacher.
    """

    name: str
    value: Any
    values: tuple[Any, ...]

    def column(self, n: int) -> pd.Categorical:
        """The value for n rows, as ``pandas.read_parquet`` gives it: with the values of all files as categories."""
        code = -1 if self.value is None else self.values.index(self.value)
        kind = np.int32 if self.values and isinstance(self.values[0], int) else None
        return pd.Categorical.from_codes(np.full(n, code), categories=pd.Index(self.values, dtype=kind))


def folder_keys(root: Path, files: Sequence[Path]) -> list[tuple[FolderKey, ...]]:
    """The keys of each file, in the order of the folders.

    Examples
    --------
    >>> keys = folder_keys(Path("/data"), [Path("/data/year=2020/a.parquet"), Path("/data/year=2021/b.parquet")])
    >>> keys[0][0].name, keys[0][0].value, keys[0][0].values
    ('year', 2020, (2020, 2021))
    >>> folder_keys(Path("/data"), [Path("/data/a.parquet")])
    [()]
    """
    raw = [_raw_keys(file.absolute().relative_to(root)) for file in files]
    values: dict[str, set[str]] = {}
    for keys in raw:
        for name, value in keys.items():
            values.setdefault(name, set()).update([] if value is None else [value])
    kinds = {name: int if texts and all(map(_is_whole, texts)) else str for name, texts in values.items()}
    sorted_values = {name: tuple(sorted({kinds[name](t) for t in texts})) for name, texts in values.items()}
    return [
        tuple(
            FolderKey(name, None if value is None else kinds[name](value), sorted_values[name])
            for name, value in keys.items()
        )
        for keys in raw
    ]


def _raw_keys(path: Path) -> dict[str, str | None]:
    pairs = [step.split("=", 1) for step in path.parts[:-1] if "=" in step.strip("=")]
    return {unquote(name): None if value in (NOTHING, "") else unquote(value) for name, value in pairs}


def _is_whole(text: str) -> bool:
    """Whether text is a whole number of 32 bits, as which Arrow reads it."""
    return text.lstrip("-").isdecimal() and -(2**31) <= int(text) < 2**31


@dataclass(frozen=True)
class FileStamp:
    """Size in bytes and time of the last change of a file, by which another file in its place is told."""

    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: str) -> FileStamp:
        """Of a file as it is now."""
        state = Path(path).stat()
        return cls(state.st_size, state.st_mtime_ns)


def footer_of(path: str, stamp: FileStamp) -> Any:
    """The metadata of a file, read once; of many row groups it is long, and each of them would read it.

    Raises
    ------
    InvalidInputError
        If the file is gone or was changed since it was opened.
    """
    try:
        now = FileStamp.of(path)
    except FileNotFoundError:
        now = None
    if now != stamp:
        what = "is gone" if now is None else "was changed"
        raise InvalidInputError(f"{path} {what} since it was opened; open the rows again with xd.open_parquet")
    return _footer(path, stamp)


@lru_cache(maxsize=4096)
def _footer(path: str, stamp: FileStamp) -> Any:
    return pyarrow_parquet().read_metadata(path)


@dataclass(frozen=True, eq=False)
class JointKinds:
    """What the columns of all files are read as, so that every part has the kinds of the whole table.

    Attributes
    ----------
    types : dict of str to Arrow's type
        Of columns whose type differs between files, where there is one that holds all values. A file in which a column
        is missing in every row says nothing of its type; numbers of different widths have the wider one. Columns that
        no type holds are left out: that they differ is said where they are read.
    sparse : frozenset of str
        Columns with missing values in some row group: pandas reads whole numbers and flags as floats and objects then,
        so each part does.
    metadata : dict of bytes to bytes
        What pandas wrote of its own kinds, in the first file that knows the type of every column.
    """

    types: dict[str, Any]
    sparse: frozenset[str]
    metadata: dict[bytes, bytes]

    @classmethod
    def of(cls, schemas: Sequence[Any], sparse: frozenset[str]) -> JointKinds:
        """Of Arrow's schemas of the files, which have the same names."""
        types = {name: _joint_type([schema.field(name) for schema in schemas]) for name in schemas[0].names}
        typed = next((s for s in schemas if not any(str(kind) == "null" for kind in s.types)), schemas[0])
        return cls({name: kind for name, kind in types.items() if kind is not None}, sparse, dict(typed.metadata or {}))

    def frame(self, table: Any) -> pd.DataFrame:
        """Rows of a file of these kinds."""
        for place, name in enumerate(table.column_names):
            if name in self.types and table.schema.field(place).type != self.types[name]:
                table = table.set_column(place, name, table.column(place).cast(self.types[name]))
        rows = table.replace_schema_metadata(self.metadata).to_pandas().reset_index(drop=True)
        return rows.astype({name: _wide(rows[name]) for name in rows.columns if name in self.sparse})


def _joint_type(fields: Sequence[Any]) -> Any:
    """One type for all files; None where they agree, or where there is none."""
    import pyarrow

    distinct = list({str(field.type): pyarrow.schema([field.remove_metadata()]) for field in fields}.values())
    if len(distinct) == 1:
        return None
    try:
        return pyarrow.unify_schemas(distinct, promote_options="permissive").field(0).type
    except (pyarrow.ArrowTypeError, pyarrow.ArrowInvalid):
        return None


def _wide(column: pd.Series) -> Any:
    """The type that pandas gives a column with missing values."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
        return np.dtype(object if column.dtype.kind == "b" else np.float64)
    return column.dtype


def pyarrow_parquet() -> Any:
    """The module ``pyarrow.parquet``.

    Raises
    ------
    MissingExtraError
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow is not installed; run: pip install explaindistill[parquet]") from error
    return parquet
