"""Rows in Parquet files that are larger than memory: a part is a row group, read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from explaindistill.data.parts import drawn_rows
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.numerics.ranges import whole_in
from explaindistill.scale.frames import LocalPartitions
from explaindistill.scale.parquet_files import (
    FileStamp,
    FolderKey,
    JointKinds,
    data_files,
    folder_keys,
    footer_of,
)
from explaindistill.scale.row_groups import RowGroup

__all__ = ["ParquetRows", "open_parquet"]


class ParquetRows:
    """Rows in a Parquet file or a folder of them, in partitions; nothing is read until it is asked for.

    Attributes
    ----------
    columns : list of str
    n_rows : int

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> pd.DataFrame({"age": [20, 30, 40], "paid": [1, 0, 1]}).to_parquet(folder / "rows.parquet", row_group_size=2)
    >>> rows = open_parquet(folder)
    >>> rows.columns, rows.n_rows, len(rows)
    (['age', 'paid'], 3, 2)
    >>> rows.drop(columns="paid").columns, [len(rows) for rows in rows]
    (['age'], [2, 1])
    """

    def __init__(self, parts: Sequence[RowGroup]) -> None:
        self.parts = list(parts)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.parts[0].names)

    @cached_property
    def n_rows(self) -> int:
        """Rows of all parts."""
        return sum(group.n for group in self.parts)

    def __getitem__(self, columns: list[str]) -> ParquetRows:
        """Return the same rows with some of the columns."""
        if isinstance(columns, str) or not isinstance(columns, Iterable):
            raise InvalidInputError(f'columns must be a list such as ["age", "income"], got {columns!r}')
        wanted = [self._checked(name) for name in columns]
        if not wanted:
            raise InvalidInputError("columns must name at least 1 column, got none")
        return ParquetRows([replace(group, names=wanted) for group in self.parts])

    def drop(self, columns: str | Iterable[str]) -> ParquetRows:
        """Return the same rows without some of the columns."""
        gone = {self._checked(name) for name in ([columns] if isinstance(columns, str) else columns)}
        return self[[name for name in self.columns if name not in gone]]

    def sample(self, n: int, seed: int = 0) -> pd.DataFrame:
        """All rows equal to one of ``n`` distinct rows, in memory: drawn by what stands in them, not by their place.

        Parameters
        ----------
        n : int, at least 1
        seed : int
        """
        whole_in("n", n, 1)
        return drawn_rows(self, self.columns, n, seed=seed)

    def _checked(self, name: Any) -> str:
        if name not in self.columns:
            near = did_you_mean(str(name), self.columns)
            raise InvalidInputError(f"no column {name!r}; the columns are: {', '.join(self.columns)}{near}")
        return str(name)

    def __iter__(self) -> Any:
        """Iterate over frames, one part in memory at a time."""
        return (group.frame() for group in self.parts)

    def ask(self, function: Callable[..., Any], *arguments: object, reduce: Callable[[Any, Any], Any]) -> Any:
        """``function(part, *arguments)`` of every part, reduced to one value."""
        return LocalPartitions(self.parts).ask(function, *arguments, reduce=reduce)

    def step(self, function: Callable[..., Any], *arguments: object) -> LocalPartitions:
        """New partitions, ``function(part, *arguments)`` of each."""
        return LocalPartitions(self.parts).step(function, *arguments)

    def __len__(self) -> int:
        """Number of parts."""
        return len(self.parts)

    def __repr__(self) -> str:
        n_files = len({group.path for group in self.parts})
        return f"{self.n_rows:,} rows of {len(self.columns)} columns in {n_files:,} Parquet files, {len(self):,} parts"


def open_parquet(path: str | Path | Iterable[str | Path]) -> ParquetRows:
    """Open rows in Parquet files without reading them; a part is a row group.

    Parameters
    ----------
    path : path of a file or of a folder, or paths of files
        Of a folder all files below it whose name ends with ``.parquet``, in the order of their names; what begins with
        ``.`` or ``_`` is left out. Folders named ``key=value`` are a column, as in ``pandas.read_parquet``; of a list
        of files, folders below the one that they share.

    Returns
    -------
    ParquetRows
        For ``Distiller.fit``, ``predict`` and ``audit``: rows are read a part at a time, so that memory holds what is
        kept of each row (a byte per column, and answers), and never all rows.

    Raises
    ------
    MissingExtraError
        If ``pyarrow`` is not installed.
    InvalidInputError
        If there is no file, no row, or files have different columns; later, if a file was changed meanwhile.

    Examples
    --------
    >>> import tempfile
    >>> import explaindistill as xd
    >>> folder = Path(tempfile.mkdtemp())
    >>> rows = pd.DataFrame({"x": [i / 100 for i in range(100)]})
    >>> rows.to_parquet(folder / "rows.parquet", row_group_size=30)
    >>> step = lambda X: (X["x"] > 0.5) * 1.0
    >>> student = xd.Distiller(step, xd.TreeRegressor(max_leaf_nodes=2), n_queries="all").fit(xd.open_parquet(folder))
    >>> student.student_.tree_.count.tolist()
    [100, 51, 49]
    """
    root, paths = data_files(path)
    files = [_opened(file) for file in paths]
    keys = dict(zip(paths, folder_keys(root, paths), strict=True))
    full = [file for file in files if sum(file.sizes)]
    if not full:
        raise InvalidInputError(f"path must hold at least 1 row, got none in {path}")
    names = _joint_names(full, keys)
    kinds = JointKinds.of([f.schema for f in full], frozenset(name for f in full for name in f.sparse))
    groups = [(file, group, n) for file in full for group, n in enumerate(file.sizes) if n]
    return ParquetRows([
        RowGroup(number, str(file.path), group, names, n, file.stamp, keys[file.path], kinds)
        for number, (file, group, n) in enumerate(groups)
    ])  # fmt: skip


@dataclass(frozen=True, eq=False)
class _OpenedFile:
    """What the footer of a file says: its columns, the rows of each row group, and where values are missing."""

    path: Path
    stamp: FileStamp
    schema: Any
    sizes: list[int]
    sparse: set[str]


def _opened(path: Path) -> _OpenedFile:
    stamp = FileStamp.of(str(path))
    try:
        footer = footer_of(str(path), stamp)
        schema = footer.schema.to_arrow_schema()
    except Exception as error:  # pyarrow has an error of its own for each way in which a file can be damaged
        if not isinstance(error, OSError | ValueError):
            raise
        raise InvalidInputError(f"{path} must be a Parquet file: {' '.join(str(error).split())[:120]}") from error
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    hidden = {name for name in index if isinstance(name, str)}
    names = [name for name in schema.names if name not in hidden]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInputError(f"column names must differ from each other, got {twice!r} twice in {path}; rename one")
    groups = [footer.row_group(group) for group in range(footer.num_row_groups)]
    sparse = {
        column.path_in_schema
        for group in groups
        for column in map(group.column, range(group.num_columns))
        if column.statistics is None or column.statistics.null_count
    }
    selected = schema.empty_table().select(names).schema
    return _OpenedFile(path, stamp, selected, [group.num_rows for group in groups], sparse)


def _joint_names(files: Sequence[_OpenedFile], keys: Mapping[Path, tuple[FolderKey, ...]]) -> list[str]:
    """Names of the columns of all files, in the order of the first, then those of folders."""
    each = {file.path: [*file.schema.names, *(key.name for key in keys[file.path])] for file in files}
    first = each[files[0].path]
    for path, names in each.items():
        if set(names) != set(first):
            odd = ", ".join(sorted(set(names) ^ set(first)))
            raise InvalidInputError(f"all files must have the same columns, {path} differs in {odd}; write them alike")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InvalidInputError(
                f"column {twice!r} must stand in the file or in the name of its folder, got it in both of {path}"
            )
    return first
