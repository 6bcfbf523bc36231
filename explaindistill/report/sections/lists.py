"""Lists: what the columns of a domain refer to, such as the words of a lexicon."""

from __future__ import annotations

from typing import Any

from explaindistill.report.blocks import Block, Code, Details, Section, Text
from explaindistill.report.words import name

__all__ = ["section"]

TITLE, ORDER = "What the columns refer to", 28
NOTE = (
    "Columns of these students name lists. Their entries are to be looked up, and are counted apart from the numbers."
)


def section(audit: Any) -> Section:
    """One fold per list that differs; nothing where columns refer to none."""
    students: dict[str, list[str]] = {}
    for student, words in getattr(audit, "lists", {}).items():
        students.setdefault(words, []).append(student)
    if not students:
        return Section(TITLE, ORDER, tab="students")
    folds: list[Block] = [
        Details(f"Lists of {', '.join(map(name, names))}", (Code(words),)) for words, names in students.items()
    ]
    return Section(TITLE, ORDER, (Text(NOTE), *folds), tab="students")
