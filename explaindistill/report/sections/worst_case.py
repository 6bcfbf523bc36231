"""The worst case found: how far apart teacher and student can be near real people."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Cell, Section, Table, Text
from explaindistill.report.tables import estimate_cell, frame_of, rows_of
from explaindistill.report.words import Kind, name, number, quantity, sentence

__all__ = ["section"]

TITLE, ORDER = "Where they part most", 45
HEADS = ("student", "people", "largest found", "in the rows where they differ most", "after the search", "what changed")
NOTE = (
    "The search begins at the real rows where both differ most and swaps in up to three values of the nearest real "
    "people. A largest difference may be larger than the one found; brackets hold what is possible. Values that few "
    "people share are shown as bands or as “(other)”."
)


def section(audit: Any) -> Section:
    """One sentence about the widest row that was found, and one line per student and group."""
    frame = frame_of(audit, "worst_case")
    if frame.empty:
        reason = "The worst case was not searched for: audit(..., worst_case=True) does, and asks the teacher for it."
        return Section(TITLE, ORDER, reason=reason, tab="fidelity")
    largest = rows_of(frame, metric="largest_disagreement")
    lines = tuple(_line(frame, line) for line in largest.to_dict("records"))
    table = Table("The largest disagreement found near people", HEADS, lines, _NUMERIC, NOTE)
    words = _sentence(largest, frame)
    return Section(TITLE, ORDER, (Text(words), table) if words else (table,), tab="fidelity")


_NUMERIC = (False, False, True, True, True, False)


def _line(frame: pd.DataFrame, line: dict[str, Any]) -> tuple[Cell, ...]:
    same = rows_of(frame, subject=line["subject"], attribute=line["attribute"], group=line["group"])
    before, after = (
        rows_of(same, metric=f"worst_rows_{which}").to_dict("records") for which in ("observed", "disagreement")
    )
    group = f"{name(line['attribute'])} = {name(line['group'])}" if line["attribute"] else "all"
    return (
        Cell(name(line["subject"])),
        Cell(group),
        estimate_cell(line, counted=False),
        estimate_cell(before[0]) if before else Cell("–", tone="quiet"),
        estimate_cell(after[0], counted=False) if after else Cell("–", tone="quiet"),
        Cell(_words(line), _answers(line)),
    )


def _words(line: dict[str, Any]) -> str:
    if line["status"] != "ok":
        return "–"
    was = f", from {sentence(line['was'])}" if line["was"] else ""
    remark = f" ({sentence(line['reason'])})" if line["reason"] else ""
    return f"{sentence(line['becomes'])}{was}{remark}" if line["becomes"] else sentence(line["reason"])


def _answers(line: dict[str, Any]) -> str:
    """What both say about the made-up row; nothing where it is a real one."""
    if line["status"] != "ok" or not line.get("becomes"):
        return ""
    kind: Kind = "share" if line["output"] else "number"
    t, s = (quantity(line[f"{who}_answer"], kind) for who in ("teacher", "student"))
    return (
        f"probability of “{name(line['output'])}”: teacher {t}, student {s}"
        if line["output"]
        else f"teacher {t}, student {s}"
    )


def _sentence(largest: pd.DataFrame, frame: pd.DataFrame) -> str:
    """The widest of all students, and in which columns it lies."""
    measured = rows_of(largest, status="ok", attribute="")
    if measured.empty:
        return ""
    line = measured.loc[measured["estimate"].idxmax()].to_dict()
    size = number(line["estimate"]) + (" in probability" if line["high"] == 1 else "")
    changed = rows_of(frame, metric="worst_rows_changed", subject=line["subject"], status="ok")
    first = changed.sort_values(["estimate", "feature"], ascending=[False, True]).head(3)
    columns = ", ".join(f"“{name(c)}” ({quantity(e, 'share')})" for c, e in first[["feature", "estimate"]].to_numpy())
    return (
        f"Near real people “{name(line['subject'])}” and the teacher differ by {size} or more: so far a search came, "
        f"and what it changed most often was {columns}."
    )
