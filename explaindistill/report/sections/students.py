"""The students side by side, then each: its drawing, itself to be asked, its rules in words."""

from __future__ import annotations

import inspect
import math
from typing import Any

from explaindistill.report.blocks import Block, Cell, Code, Details, Section, Table, Text, WhatIf
from explaindistill.report.figures import frontier, headline, students_of
from explaindistill.report.student.decided import decided_by
from explaindistill.report.student.shown import as_shown, names_of
from explaindistill.report.student.structure import structure
from explaindistill.report.tables import estimate_cell, frame_of
from explaindistill.report.words import count, name, number, sentence

__all__ = ["section"]

_LONGEST = 40_000  # characters of a description; beyond that nobody reads and the page grows


def section(audit: Any) -> Section:
    """What each student says, in words and pictures; the most faithful one stands open."""
    students = students_of(audit)
    if not students:
        return Section("The students", 30, reason="The audit has no students.", tab="students")
    figure = frontier(audit) if len(students) > 1 else None
    fidelity = {str(r["subject"]): r for r in headline(audit).to_dict("records")}
    best = max(students, key=lambda s: _estimate(fidelity.get(s)))
    blocks: list[Block] = [_side_by_side(audit, fidelity), *([figure] if figure else [])]
    for i, (key, student) in enumerate(audit.students.items()):
        inside = tuple(_student(audit, str(key), student, i))
        blocks.append(Details(name(key), inside, open=str(key) == best, id=f"student-{i}"))
    return Section("The students", 30, tuple(blocks), tab="students")


def _estimate(row: Any) -> float:
    return -math.inf if row is None or math.isnan(row["estimate"]) else float(row["estimate"])


def _side_by_side(audit: Any, fidelity: dict[str, Any]) -> Table:
    """A line per student: what it is, how faithful, and how much there is to read."""
    sizes = {str(r["subject"]): r for r in frame_of(audit, "complexity").to_dict("records")}
    used = [(column, words) for column, words in _WORDS if any(_is_number(s.get(column)) for s in sizes.values())]
    rows = []
    for key, student in audit.students.items():
        row, size = fidelity.get(str(key)), sizes.get(str(key), {})
        fit = Cell("–", tone="quiet") if row is None else estimate_cell(row, counted=False)
        kind = type(student).__name__.removesuffix("Classifier").removesuffix("Regressor") or type(student).__name__
        rows.append((Cell(name(key), kind), fit, *(_size(size.get(column), column) for column, _ in used)))
    heads = ("student", "agreement" if audit.classes is not None else "R² against the teacher", *(w for _, w in used))
    return Table("Side by side", heads, tuple(rows), (False, *(True for _ in heads[1:])))


def _is_number(value: Any) -> bool:
    return value is not None and not math.isnan(value)


def _size(value: Any, column: str) -> Cell:
    if not _is_number(value):
        return Cell("–", tone="quiet")
    return Cell(number(value) if column == "mean_path_length" else count(value))


def _student(audit: Any, key: str, student: Any, position: int) -> list[Block]:
    blocks: list[Block] = []
    for block in structure(student, f"student-{position}", audit, key):
        is_panel = isinstance(block, WhatIf)
        blocks.append(Details("What if? Ask it about a row of your own", (block,)) if is_panel else block)
    if not hasattr(student, "describe"):
        blocks.append(Text(f"{type(student).__name__} does not describe itself in words.", "note"))
        return blocks
    text = sentence(_words(student, audit, key))
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rsplit("\n", 1)[0] + "\n… (cut here; describe() gives the whole)"
    blocks.append(Details("In words", (Code(text),)))
    return blocks


def _words(student: Any, audit: Any, key: str) -> str:
    """What a student says of itself, with the audit's decisions where it can say decisions."""
    rule, names = decided_by(student, audit, key), names_of(audit)
    student = as_shown(student, names)
    if rule is None or "decide" not in inspect.signature(student.describe).parameters:
        return str(student.describe())
    return str(student.describe(decide=rule.position))


_WORDS = (
    ("n_leaves", "answers (leaves)"),
    ("n_terms", "terms"),
    ("mean_path_length", "questions on average"),
    ("n_features", "columns used"),
    ("n_parameters", "numbers to read"),
)
