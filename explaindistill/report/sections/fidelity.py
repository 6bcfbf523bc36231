"""Fidelity: how closely each student follows the teacher, and where it does not."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Block, Group, Section, Text
from explaindistill.report.figures import groups, students_of
from explaindistill.report.tables import frame_of, pivot, rows_of, tidy
from explaindistill.report.words import name

__all__ = ["section"]


def section(audit: Any) -> Section:
    """Overall, by class, against the student that never met the teacher, and by group."""
    fidelity = frame_of(audit, "fidelity")
    if fidelity.empty:
        return Section("Fidelity", 40, reason="Fidelity was not measured.")
    blocks: list[Block] = [
        Text(
            "Measured on rows that neither fitting nor selection saw. Brackets hold 95 % intervals, n counts the rows."
        )
    ]
    subsets = fidelity["subset"].fillna("").astype(str) if "subset" in fidelity else pd.Series("", index=fidelity.index)
    overall = fidelity[~subsets.str.contains("class")]
    by_class = fidelity[subsets.str.contains("class")]
    blocks += _overall(overall, audit)
    if not by_class.empty:
        caption = "Agreement by the class the teacher chose"
        blocks.append(
            pivot(
                by_class.drop_duplicates(["subset", "subject"]),
                caption,
                "subset",
                "subject",
                students_of(audit),
                "class",
            )
        )
    performance = frame_of(audit, "performance")
    if not performance.empty:
        blocks.append(Group("Against the true labels", (_performance(audit, performance),)))
    blocks += _by_group(audit)
    return Section("Fidelity", 40, tuple(blocks))


def _overall(frame: pd.DataFrame, audit: Any) -> list[Block]:
    subsets = list(dict.fromkeys(frame["subset"].fillna(""))) if "subset" in frame else [""]
    tables: list[Block] = []
    for i, subset in enumerate(subsets):
        rows = frame[frame["subset"].fillna("") == subset] if "subset" in frame else frame
        caption = "Student against teacher" + (f": {subset}" if subset and (i or subset not in {"all", "test"}) else "")
        tables.append(pivot(rows, caption, "metric", "subject", students_of(audit), "measure"))
    return tables


def _performance(audit: Any, frame: pd.DataFrame) -> Block:
    order = ["teacher"]
    for student in students_of(audit):
        order += [student, f"{student} without teacher"]
    note = "“without teacher” is the same student, trained on labels alone: the difference is what the teacher brought."
    shown = frame.drop_duplicates(["metric", "subject"])
    if shown["subject"].nunique() > 5:
        return tidy(
            shown,
            "Teacher, students, and the same students without the teacher",
            ("subject", "metric"),
            ("model", "measure"),
            note,
        )
    return pivot(
        shown,
        "Teacher, students, and the same students without the teacher",
        "metric",
        "subject",
        order,
        "measure",
        note,
    )


def _by_group(audit: Any) -> list[Block]:
    frame = frame_of(audit, "group_fidelity")
    if frame.empty:
        return [Text("Fidelity by group was not measured: no sensitive attributes were given.", "note")]
    blocks: list[Block] = []
    agreement = rows_of(frame, metric=["agreement", "r2", "mae"])
    for i, (attribute, rows) in enumerate(agreement.groupby("attribute", sort=False, observed=True)):
        first = rows_of(rows, metric=rows["metric"].iloc[0])
        figure = groups(
            f"fig-fidelity-{i}",
            first,
            audit,
            f"Fidelity by {name(attribute)}",
            "Share of rows on which student and teacher agree.",
        )
        if figure is not None:
            blocks.append(figure)
    blocks.append(
        tidy(
            frame,
            "Fidelity by group",
            ("attribute", "group", "reference", "subject", "metric"),
            ("attribute", "group", "compared with", "student", "measure"),
        )
    )
    return [Group("By group", tuple(blocks))]
