"""Objects: those that the caller of the audit named, each with what counted for a student's answer."""

from __future__ import annotations

from typing import Any

from explaindistill.report.blocks import Block, Group, Html, Section, Text
from explaindistill.report.words import name

__all__ = ["section"]

TITLE, ORDER = "Objects that were named", 54
NOTE = "These objects stand here since audit(show=…) named them; no other object is in this page."


def section(audit: Any) -> Section:
    """One group per object, with every student's reasons; nothing where none was named."""
    shown = getattr(audit, "shown", ())
    if not shown:
        return Section(TITLE, ORDER, tab="why")
    blocks: list[Block] = [Text(NOTE, "note")]
    for label in dict.fromkeys(str(one.label) for one in shown):
        inside: list[Block] = []
        for one in shown:
            if str(one.label) == label:
                answers = "; ".join(f"{name(model)}: {name(words)}" for model, words in one.answers.items())
                inside += [Text(f"What counted for {name(one.student)}. {answers}."), Html(one.html)]
        blocks.append(Group(f"Row {name(label)}", tuple(inside)))
    return Section(TITLE, ORDER, tuple(blocks), tab="why")
