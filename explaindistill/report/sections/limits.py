"""Limits, and when not to trust this."""

from __future__ import annotations

from typing import Any

from explaindistill.report.blocks import Block, Details, Items, Section
from explaindistill.report.tables import frame_of, plain

__all__ = ["section"]

_ALWAYS = (
    "A student imitates the teacher on rows like the audited ones. Elsewhere both may say anything.",
    "Where student and teacher disagree, the student's reasons are not the teacher's reasons.",
    "Even where they agree, the student shows one way to reach the teacher's answers, not its own way.",
    "Gaps between groups depend on who is in the data and on how groups and labels were recorded.",
    "Labels record what was observed or decided, which is not always what is true.",
    "No figure here is a legal finding. Rules and thresholds are those that were given to the audit.",
)


def section(audit: Any) -> Section:
    """What always holds, and what holds for this audit."""
    limits = _limits(audit)
    blocks: list[Block] = [Items(tuple(limits))] if limits else []
    blocks.append(Details("What holds of every audit of this kind", (Items(_ALWAYS),), id="always"))
    blocks += _dependence(audit)
    return Section("Limits, and when not to trust this", 80, tuple(blocks))


def _dependence(audit: Any) -> list[Block]:
    """What was seen of rows that belong together, with the note that this cannot be complete."""
    table = frame_of(audit, "dependent_rows")
    if table.empty:
        return []
    shown = table[["metric", *(c for c in ("subject", "feature", "verdict", "reason") if c in table)]]
    note = (
        "Intervals suppose that rows are independent, or that groups= says which belong together. Looked for were "
        "copies, columns that look like keys of persons or places, and errors that are alike in time; what is not "
        "in the columns cannot be seen."
    )
    words = {"feature": "column", "reason": "what was seen"}
    table = plain(shown, "Signs of rows that belong together", words, note)
    return [Details("Are the rows independent?", (table,), id="independence")]


def _limits(audit: Any) -> list[str]:
    sentences = []
    failures = frame_of(audit, "failures")
    failed = set() if failures.empty else set(failures["frame"])
    if "performance" not in failed and frame_of(audit, "performance").empty:
        sentences.append(
            "No true labels were given: the report says how the teacher is imitated, not whether it is right."
        )
    rates = frame_of(audit, "rates")
    if rates.empty and "rates" not in failed:
        sentences.append("No sensitive attributes were given: nothing can be said about groups.")
    elif "status" in rates:
        for status, words in _STATUS.items():
            groups = rates.loc[rates["status"] == status, ["attribute", "group"]].drop_duplicates()
            if len(groups):
                sentences.append(f"{len(groups)} group(s) {words}")
    return sentences


_STATUS = {
    "small": "are small: their intervals are wide and their estimates unsteady.",
    "undefined": "have a rate that is undefined, because nobody stands in its denominator.",
    "suppressed": "are not shown: so few people are in them that they could be recognised, or such a group could be "
    "worked out from them.",
    "excluded": "were excluded, for the reason given with them.",
}
