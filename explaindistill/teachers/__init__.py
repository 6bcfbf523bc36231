"""Teachers: black boxes that are asked. ``as_teacher`` picks the adapter; importing this room costs no torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explaindistill.teachers._adapt import as_teacher
    from explaindistill.teachers._encoder import TableEncoder
    from explaindistill.teachers._saved import load_teacher, save_teacher
    from explaindistill.teachers._teach import teach

__all__ = ["TableEncoder", "as_teacher", "load_teacher", "save_teacher", "teach"]

_HOMES = {
    "TableEncoder": "_encoder",
    "as_teacher": "_adapt",
    "load_teacher": "_saved",
    "save_teacher": "_saved",
    "teach": "_teach",
}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'explaindistill.teachers' has no attribute {name!r}")
    return getattr(importlib.import_module(f"explaindistill.teachers.{_HOMES[name]}"), name)
