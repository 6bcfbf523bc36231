"""Which kind of report the ending of a file asks for."""

from __future__ import annotations

from pathlib import Path

from explaindistill.errors import InvalidInputError

__all__ = ["kind_of"]

KINDS = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json", ".csv": "csv"}


def kind_of(target: Path) -> str:
    """The kind of report that the ending of a file says.

    Raises
    ------
    InvalidInputError
        For an ending that says nothing.

    Examples
    --------
    >>> kind_of(Path("audit.MD"))
    'markdown'
    """
    kind = KINDS.get(target.suffix.lower())
    if kind is None:
        raise InvalidInputError(f"path must end in {', '.join(sorted(KINDS))}, got {target.name!r}; or give kind=")
    return kind
