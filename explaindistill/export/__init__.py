"""A fitted student as text in another language: each file here is one language, with `generate(student) -> str`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.export._operations import operations
    from explaindistill.export._writing import kind_of, write

__all__ = ["kind_of", "operations", "write"]

__getattr__ = plugins.lazy(__name__, {"kind_of": "_writing", "operations": "_operations", "write": "_writing"})
