"""Edits: what named changes of objects, each beside a control of the same size, do to every model's answers."""

from __future__ import annotations

from typing import Any

from explaindistill.report.blocks import Block, Section, Text
from explaindistill.report.figures import students_of
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import frame_of, pivot, rows_of

__all__ = ["section"]

TITLE, ORDER = "What changes when objects are edited", 66
SHOWN = ("agreement", "r2", "edit_flip_rate", "edit_score", "edit_logit", "edit_mean", "edit_over_control")
NOTE = (
    "Only what the edit names was changed, everything else about the object stayed: this is sensitivity, not what "
    "would have happened to another person. A control changes as much where it should not matter; an edit that moves "
    "answers no further than its control shows nothing."
)


def section(audit: Any) -> Section:
    """One table per figure, a line per edit with its control behind; nothing where rows are rows."""
    frame = rows_of(frame_of(audit, "edits"), metric=list(SHOWN))
    if frame.empty:
        return Section(TITLE, ORDER, tab="bias")
    if frame["estimate"].isna().all():
        reasons = "; ".join(dict.fromkeys(frame["reason"].map(str)))
        return Section(TITLE, ORDER, reason=f"Edits: cannot say. {reasons}.", tab="bias")
    order = ["teacher", *students_of(audit)]
    tables: list[Block] = []
    for metric in SHOWN:
        rows = rows_of(frame, metric=metric)
        if len(rows):
            shown = describe_metric(metric)
            title = f"{shown.title}, on edited objects" if metric in ("agreement", "r2") else shown.title
            tables.append(pivot(rows, title, "edit", "subject", order, "edit", shown.meaning))
    return Section(TITLE, ORDER, (*tables, Text(NOTE, "note")), tab="bias")
