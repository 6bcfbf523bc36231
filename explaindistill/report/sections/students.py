"""Each student: its size, its rules in words, its drawing."""

from __future__ import annotations

import inspect
from typing import Any

from explaindistill.report.blocks import Block, Code, Details, Facts, Group, Section, Text
from explaindistill.report.student.decided import decided_by
from explaindistill.report.student.structure import structure
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import count, name, number, sentence

__all__ = ["section"]

_LONGEST = 40_000  # characters of a description; beyond that nobody reads and the page grows


def section(audit: Any) -> Section:
    """What each student says, in words and pictures."""
    groups = tuple(
        Group(name(key), tuple(_student(audit, str(key), student, i)))
        for i, (key, student) in enumerate(audit.students.items())
    )
    if not groups:
        return Section("The students", 30, reason="The audit has no students.")
    return Section(
        "The students", 30, (Text("What each student says is what it applies: the words below are its rules."), *groups)
    )


def _student(audit: Any, key: str, student: Any, position: int) -> list[Block]:
    blocks: list[Block] = []
    facts = _facts(audit, key, student)
    if facts:
        blocks.append(Facts(tuple(facts)))
    blocks += structure(student, f"student-{position}", audit, key)
    if not hasattr(student, "describe"):
        blocks.append(Text(f"{type(student).__name__} does not describe itself in words.", "note"))
        return blocks
    text = sentence(_words(student, audit, key))
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rsplit("\n", 1)[0] + "\n… (cut here; describe() gives the whole)"
    blocks.append(Details("In words", (Code(text),), open=text.count("\n") <= 24))
    return blocks


def _words(student: Any, audit: Any, key: str) -> str:
    """What a student says of itself, with the audit's decisions where it can say decisions."""
    rule = decided_by(student, audit, key)
    if rule is None or "decide" not in inspect.signature(student.describe).parameters:
        return str(student.describe())
    return str(student.describe(decide=rule.position))


def _facts(audit: Any, key: str, student: Any) -> list[tuple[str, str]]:
    pairs = [("Kind", type(student).__name__)]
    rows = rows_of(frame_of(audit, "complexity"), subject=key)
    if rows.empty:
        return pairs
    row = rows.iloc[0]
    for column, words in _WORDS:
        if column in row and row[column] == row[column] and row[column] is not None:
            value = row[column]
            pairs.append((words, number(value) if column == "mean_path_length" else count(value)))
    return pairs


_WORDS = (
    ("n_leaves", "Answers (leaves)"),
    ("n_terms", "Terms"),
    ("depth", "Depth: questions at most"),
    ("mean_path_length", "Questions on average"),
    ("n_features", "Columns used"),
    ("n_parameters", "Numbers to read"),
    ("n_bytes", "Bytes as JSON"),
)
