"""One way out for every student: code that a person can read, or data, chosen by the ending of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from explaindistill import plugins
from explaindistill.errors import InvalidInputError

__all__ = ["KINDS", "export"]

KINDS = {
    ".c": "c",
    ".h": "c",
    ".js": "javascript",
    ".json": "json",
    ".onnx": "onnx",
    ".py": "python",
    ".sql": "sql",
}


def export(self: Any, path: str | Path) -> Path:
    """Write the student as code or data: ``.py``, ``.c``, ``.js``, ``.sql``, ``.onnx`` or ``.json`` decides which.

    Any other ending is the name of a module in ``explaindistill/export``.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InvalidInputError
        For another ending, or a student that this language has no form for.
    """
    check_is_fitted(self)
    target = Path(path)
    endings = KINDS | {f".{name}": name for name in plugins.names("export") if name not in KINDS.values()}
    kind = endings.get(target.suffix.lower())
    if kind is None:
        raise InvalidInputError(f"path must end in {', '.join(sorted(endings))}, got {target.name!r}")
    if not target.parent.is_dir():
        raise InvalidInputError(
            f"path must lie in a folder that is there, {str(target.parent)!r} is not; make it first"
        )
    text = plugins.load("export", kind).generate(self)
    target.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return target
