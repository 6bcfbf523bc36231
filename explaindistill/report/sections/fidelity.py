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
    told = (
        fidelity.assign(subset=fidelity["subset"].fillna("").astype(str))
        if "subset" in fidelity
        else fidelity.assign(subset="")
    )
    blocks.append(
        pivot(told[told["subset"] == ""], "Student against teacher", "metric", "subject", students_of(audit), "measure")
    )
    blocks += _parts(told[told["subset"] != ""], audit)
    blocks += _mistakes(audit)
    performance = frame_of(audit, "performance")
    if not performance.empty:
        blocks.append(Group("Against the true labels", (_performance(audit, performance),)))
    blocks += _by_group(audit)
    return Section("Fidelity", 40, tuple(blocks))


def _parts(frame: pd.DataFrame, audit: Any) -> list[Block]:
    """Where fidelity holds and where it fails: by class, by how sure the teacher is, and on other parts of the rows."""
    if frame.empty:
        return []
    first = frame[frame["metric"] == frame["metric"].iloc[0]].drop_duplicates(["subset", "subject"])
    deciles = first[first["subset"].str.contains("decile")]
    blocks: list[Block] = []
    if not deciles.empty:
        shown = deciles.assign(group=deciles["subset"])
        what = (
            "The margin is the distance of the teacher's two highest probabilities: decile 1 is where it is least sure."
        )
        figure = groups("fig-margin", shown, audit, "Where it fails: by the teacher's margin", what)
        blocks += [figure] if figure is not None else []
    rest = first[~first["subset"].str.contains("decile")]
    if not rest.empty:
        words = rest.assign(subset=rest["subset"].str.replace("class=", "the teacher says ", regex=False))
        blocks.append(pivot(words, "Agreement on parts of the rows", "subset", "subject", students_of(audit)))
    return [Group("Where it holds and where it fails", tuple(blocks))]


def _mistakes(audit: Any) -> list[Block]:
    """The regions in which each student strays most, in words; found on one half of the rows, measured on the other."""
    frame = frame_of(audit, "mistakes")
    if frame.empty:
        return []
    note = "Regions were found on one half of the rows and measured on the other; the first line is all rows."
    shown = frame.assign(subset=frame["subset"].replace("", "all rows")).groupby("subject", sort=False).head(5)
    table = tidy(
        shown,
        "Where students stray from the teacher",
        ("subset", "subject", "metric"),
        ("rows", "student", "measure"),
        note,
    )
    return [table]


def _performance(audit: Any, frame: pd.DataFrame) -> Block:
    order = ["teacher"]
    for student in students_of(audit):
        order += [student, f"{student} without teacher"]
    note = "“without teacher” is the same student, trained on labels alone: the difference is what the teacher brought."
    whole = frame[frame["subset"].fillna("") == ""] if "subset" in frame else frame
    shown = whole.drop_duplicates(["metric", "subject"])
    if shown["subject"].nunique() > 9:
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
