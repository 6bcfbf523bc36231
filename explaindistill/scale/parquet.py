"""Rows in Parquet files that are larger than memory: a part is a row group, read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from explaindistill.data.parts import drawn_rows
from explaindistill.data.rows import as_frame
from explaindistill.errors import InvalidInputError, MissingExtraError, did_you_mean
from explaindistill.numerics.ranges import whole_in
from explaindistill.scale.frames import LocalPartitions

__all__ = ["ParquetRows", "open_parquet"]


@dataclass(frozen=True, eq=False)
class RowGroup:
    """One row group of a file.

    Attributes
    ----------
    number : int
        Among all row groups of the folder.
    path : str
    group : int
        Among those of the file.
    names : list of str
        Columns that count.
    n : int
        Rows.
    """

    number: int
    path: str
    group: int
    names: list[str]
    n: int

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Its rows, with some of the columns; all when None."""
        wanted = self.names if names is None else list(names)
        with _parquet().ParquetFile(self.path, memory_map=True) as file:
            table = file.read_row_group(self.group, columns=wanted, use_threads=False)
        return as_frame(table.to_pandas(ignore_metadata=False).reset_index(drop=True))[wanted]


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
        Of a folder all files below it whose name ends with ``.parquet``, in the order of their names.

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
        If there is no file, no row, or files have different columns.

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
    pq = _parquet()
    parts: list[RowGroup] = []
    for file in _files(path):
        try:
            footer = pq.ParquetFile(file)
        except Exception as error:  # pyarrow has an error of its own for each way in which a file can be damaged
            if not isinstance(error, OSError | ValueError):
                raise
            raise InvalidInputError(f"{file} must be a Parquet file: {' '.join(str(error).split())[:120]}") from error
        with footer:
            metadata, schema = footer.metadata, footer.schema_arrow
            index = (schema.pandas_metadata or {}).get("index_columns", [])
            hidden = {name for name in index if isinstance(name, str)}
            names = [str(name) for name in schema.names if name not in hidden]
            sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        for group, n in enumerate(sizes):
            if n:
                parts.append(RowGroup(len(parts), str(file), group, names, n))
    if not parts:
        raise InvalidInputError(f"path must hold at least 1 row, got none in {path}")
    for row_group in parts:
        if row_group.names != parts[0].names:
            odd = ", ".join(sorted(set(row_group.names) ^ set(parts[0].names))) or "their order"
            raise InvalidInputError(
                f"all files must have the same columns in one order, {row_group.path} differs in {odd}"
            )
    return ParquetRows(parts)


def _files(path: Any) -> list[Path]:
    if not isinstance(path, str | Path):
        return [Path(each) for each in path]
    whole = Path(path)
    if whole.is_dir():
        files = sorted(whole.rglob("*.parquet"))
        if not files:
            raise InvalidInputError(f"path must hold files whose name ends with .parquet, got {str(path)!r} with none")
        return files
    if not whole.exists():
        raise InvalidInputError(
            f"path must be a Parquet file or a folder of them, got {str(path)!r}, which is not there"
        )
    return [whole]


def _parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow is not installed; run: pip install explaindistill[parquet]") from error
    return parquet
