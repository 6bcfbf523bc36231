"""One way out for every student: code that a person can read, or data, chosen by the ending of the file."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Literal

from sklearn.utils.validation import check_is_fitted

__all__ = ["export"]


def export(self: Any, path: str | Path, verify: Literal["inprocess", "target"] | None = "inprocess") -> Path:
    """Write the student as code or data: ``.py``, ``.c``, ``.js``, ``.sql``, ``.onnx`` or ``.json`` decides which.

    Any other ending is the name of a module in ``explaindistill/export``. What was written is run on up to 500 rows:
    every threshold and the numbers beside it, the ends of each column, missing values, every category and unseen ones.
    The head of the file says what ran it. The file takes its place at once; where anything fails, the one that was
    there stays.

    Parameters
    ----------
    path : str or Path
    verify : "inprocess", "target" or None
        ``"inprocess"`` runs Python, SQL (in SQLite), JSON and, where onnxruntime is installed, ONNX. ``"target"`` also
        compiles and runs C, runs JavaScript in Node, and SQL in DuckDB, and refuses where these are not there. None
        runs nothing.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InvalidInputError
        For another ending, a student that this language has no form for, or a file that answers otherwise than the
        student; the message names the row and both answers.
    """
    check_is_fitted(self)
    return Path(importlib.import_module("explaindistill.export").write(self, path, verify))
