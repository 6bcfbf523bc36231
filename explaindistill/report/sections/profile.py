"""The rule set that was named: its arithmetic, what it asks for, and what of that is here."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Block, Cell, Details, Facts, Group, Section, Table, Text
from explaindistill.report.figures import students_of
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import estimate_cell, frame_of, rows_of
from explaindistill.report.verdict_words import profile_words
from explaindistill.report.words import count, name, quantity

__all__ = ["section"]

TITLE = "Rule set"
ORDER = 65
CAUTION = (
    "This chapter does the arithmetic that a dated text names, and lists what the text asks for. It does not say that "
    "anything is lawful: whether the text applies, and whether it still stands as it was read, is for people to judge."
)


def section(audit: Any) -> Section:
    """Source and date first, then counts, rates and ratios by category, then the list of what is asked for."""
    profile = audit.manifest.get("profile")
    if not isinstance(profile, dict):
        return Section(TITLE, ORDER, reason="No rule set was named (profile=).", tab="bias")
    keys = ("title", "source", "url", "dated", "retrieved", "retrieved_as", "status")
    facts = Facts(tuple((key.replace("_", " "), name(profile.get(key, ""))) for key in keys))
    blocks: list[Block] = [Text(CAUTION, "warning"), facts]
    blocks += _requirements(frame_of(audit, "profile_requirements"))
    frame = frame_of(audit, "profile")
    for subject in ("teacher", *students_of(audit)):
        tables = _tables(rows_of(frame, subject=subject))
        if tables:
            title = "The teacher" if subject == "teacher" else f"The student {name(subject)}"
            blocks.append(Group(title, tuple(tables)) if subject == "teacher" else Details(title, tuple(tables)))
    return Section(f"{TITLE}: {name(profile.get('id', ''))}", ORDER, tuple(blocks), tab="bias")


def _requirements(frame: pd.DataFrame) -> list[Block]:
    if frame.empty:
        return []
    rows = tuple(
        (Cell(name(r["requirement"])), Cell(r["kind"]), Cell(r["state"], tone="" if r["answer"] else "unsure"),
         Cell(name(r["answer"]) if r["answer"] else "–"))
        for r in frame.to_dict("records")
    )  # fmt: skip
    note = "Statements are words of those who asked for the audit (statements=); nothing here checks them."
    return [Table("What the text asks for", ("asked for", "kind", "state", "here"), rows, (False,) * 4, note)]


def _tables(frame: pd.DataFrame) -> list[Block]:
    if frame.empty:
        return []
    blocks: list[Block] = [_one(rows, str(attribute)) for attribute, rows in _by_attribute(frame)]
    for row in rows_of(frame, metric="scoring_tie_share").to_dict("records"):
        tied = "" if pd.isna(row["estimate"]) else f"; {quantity(row['estimate'], 'share')} of all rows lie on it"
        blocks.append(Text(f"Scoring rates: {row['reason']}{tied}.", "note"))
    for row in frame[(frame["attribute"] == "") & (frame["status"] == "undefined")].to_dict("records"):
        blocks.append(Text(f"Cannot say: {row['reason']}.", "note"))
    return blocks


def _by_attribute(frame: pd.DataFrame) -> Any:
    return frame[frame["attribute"] != ""].groupby("attribute", sort=False)


def _one(rows: pd.DataFrame, attribute: str) -> Table:
    unknown = rows_of(rows, metric="unknown_share")
    rates = rows[rows["metric"] != "unknown_share"]
    metrics = list(dict.fromkeys(rates["metric"]))
    cells = {(r["group"], r["metric"]): r for r in rates.to_dict("records")}
    body = []
    for group in dict.fromkeys(rates["group"]):
        mine = [cells.get((group, metric)) for metric in metrics]
        first = next(r for r in mine if r is not None)
        remark = next((str(r["reason"]) for r in mine if r is not None and r["reason"]), "")
        share = "" if pd.isna(first["share"]) else f"{quantity(first['share'], 'share')} of all"
        body.append((Cell(name(group), share), *(_cell(r) for r in mine), Cell(remark, tone="quiet")))
    heads = ("category", *(describe_metric(m).title for m in metrics), "remark")
    note = ""
    if len(unknown) and not pd.isna(unknown["k"].iloc[0]):
        line = unknown.iloc[0]
        note = f"{count(line['k'])} of {count(line['n'])} people have no known category and are in no line."
    return Table(f"By {name(attribute)}", heads, tuple(body), (False, *(True for _ in metrics), False), note)


def _cell(row: Any) -> Cell:
    if row is None:
        return Cell("–", tone="quiet")
    if row["status"] == "excluded" and not pd.isna(row["estimate"]):
        row = row | {"status": "ok"}
    cell = estimate_cell(row)
    verdict = profile_words(str(row.get("verdict", "")))
    return Cell(cell.text, " · ".join(filter(None, (cell.detail, verdict))), cell.tone)
