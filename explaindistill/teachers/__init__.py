"""Teachers: black boxes that are asked. ``as_teacher`` picks the adapter; importing this room costs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.data.encoder import TableEncoder
    from explaindistill.teachers._adapt import as_teacher, load_teacher
    from explaindistill.teachers._rights import Rights
    from explaindistill.teachers._saved import save_teacher
    from explaindistill.teachers._teach import teach

__all__ = ["Rights", "TableEncoder", "as_teacher", "load_teacher", "save_teacher", "teach"]

_HOMES = {
    "Rights": "_rights",
    "TableEncoder": "explaindistill.data.encoder",
    "as_teacher": "_adapt",
    "load_teacher": "_adapt",
    "save_teacher": "_saved",
    "teach": "_teach",
}

__getattr__ = plugins.lazy(__name__, _HOMES)
