"""A row group of a Parquet file: one part of rows, read when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from explaindistill.data.rows import as_frame
from explaindistill.scale.parquet_files import FileStamp, FolderKey, JointKinds, footer_of, pyarrow_parquet

__all__ = ["RowGroup"]


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
    stamp : FileStamp
        Of the file when it was opened.
    keys : tuple of FolderKey
        Columns that stand in the names of folders.
    kinds : JointKinds
        Of all files.
    """

    number: int
    path: str
    group: int
    names: list[str]
    n: int
    stamp: FileStamp
    keys: tuple[FolderKey, ...]
    kinds: JointKinds

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Its rows, with some of the columns; all when None."""
        wanted = self.names if names is None else list(names)
        keys = {key.name: key.column(self.n) for key in self.keys if key.name in wanted}
        rows = self._stored([name for name in wanted if name not in keys])
        return as_frame(rows.assign(**keys) if keys else rows)[wanted]

    def _stored(self, names: list[str]) -> pd.DataFrame:
        """Columns that stand in the file itself."""
        footer = footer_of(self.path, self.stamp)
        with pyarrow_parquet().ParquetFile(self.path, metadata=footer, memory_map=True) as file:
            table = file.read_row_group(self.group, columns=names, use_threads=False)
        return self.kinds.frame(table)
