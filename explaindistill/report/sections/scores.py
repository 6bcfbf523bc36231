"""Scores and decisions: calibration, ROC, and counts of people by the answers of teacher and student."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill import plots
from explaindistill.report.blocks import Block, Cell, Details, Figure, Gallery, Section, Table
from explaindistill.report.figures import by_fidelity, drawn, students_of
from explaindistill.report.tables import frame_of
from explaindistill.report.words import interval, name, quantity

__all__ = ["section"]

TITLE, ORDER = "Scores and decisions", 44
DRAWN = 2
"""Students whose answers are drawn beside the teacher's; the others are in ``audit.plot("answers", student=…)``."""
SIDE = 2.9
"""Inches of a square picture: three stand beside each other on a wide page."""


def section(audit: Any) -> Section:
    """Each question behind a fold."""
    blocks = [*_truth(audit), *_answers(audit), *_decisions(audit)]
    if not blocks:
        reason = "It needs classes, and for pictures of scores the favourable one (favorable=)."
        return Section(TITLE, ORDER, reason=reason, tab="fidelity")
    return Section(TITLE, ORDER, tuple(blocks), tab="fidelity")


def _measured(audit: Any, key: str) -> pd.DataFrame:
    """Lines of teacher and students that have a figure."""
    frame = frame_of(audit, key)
    if frame.empty:
        return frame
    return frame[frame["estimate"].notna() & frame["subject"].isin(["teacher", *students_of(audit)])]


def _truth(audit: Any) -> list[Block]:
    """Whether probabilities come true, and how well scores rank."""
    figures: list[Figure] = []
    order = students_of(audit)
    if len(reliability := _measured(audit, "reliability")):
        desc = "Of those who were promised a probability, the share that came true; on the diagonal both are the same."
        figures.append(
            drawn(
                "fig-calibration",
                "Calibration",
                desc,
                lambda ax: plots.reliability(reliability, ax, order=order),
                SIDE,
                SIDE,
            )
        )
    if len(points := _measured(audit, "roc")):
        desc = "Selected among those who qualify against selected among those who do not, threshold by threshold."
        figures.append(drawn("fig-roc", "ROC curve", desc, lambda ax: plots.roc(points, ax, order=order), SIDE, SIDE))
    return [Details("Calibration and ROC", (Gallery(tuple(figures)),), id="truth")] if figures else []


def _answers(audit: Any) -> list[Block]:
    """Counts of rows by the answers of the teacher and of the most faithful students."""
    cells = _measured(audit, "answer_pairs")
    students = [s for s in by_fidelity(audit) if s in set(cells.get("subject", ()))][:DRAWN]
    unit = "value" if audit.classes is None else "probability"
    figures = []
    for i, student in enumerate(students):
        rows = cells[cells["subject"] == student]
        desc = "Rows counted by what the teacher and the student answer; cells of few rows are empty."
        figures.append(
            drawn(f"fig-answers-{i}", f"Teacher and {name(student)}", desc, _painter(rows, unit), SIDE, SIDE)
        )
    return (
        [Details("Teacher's answer against the student's", (Gallery(tuple(figures)),), id="answers")] if figures else []
    )


def _painter(rows: pd.DataFrame, unit: str) -> Any:
    return lambda ax: plots.answer_counts(rows, ax, name=unit)


def _decisions(audit: Any) -> list[Block]:
    """What each student decides where the teacher decides a class."""
    frame = frame_of(audit, "decided_as")
    if frame.empty:
        return []
    frame = frame[frame["subject"].isin(students_of(audit))]
    decisions = list(dict.fromkeys(frame["decision"].map(str)))
    lines = []
    for (subject, subset), rows in frame.groupby(["subject", "subset"], sort=False):
        cells = {str(r["decision"]): r for r in rows.to_dict("records")}
        label = str(subset).removeprefix("class=")
        shown = (_share(cells.get(d), same=d == label) for d in decisions)
        lines.append((Cell(name(subject), f"where the teacher decides {name(label)}"), *shown))
    heads = ("student", *(f"decides {name(d)}" for d in decisions))
    table = Table(
        "Decisions of each student by the teacher's", heads, tuple(lines), (False, *(True for _ in decisions))
    )
    return [Details("The student's decision by the teacher's", (table,), id="decisions")]


def _share(row: Any, same: bool) -> Cell:
    if row is None:
        return Cell("–", tone="quiet")
    if pd.isna(row["estimate"]):
        return Cell("withheld", tone="quiet")
    detail = f"{interval(row['low'], row['high'], 'share')} {row['k']:,.0f} of {row['n']:,.0f}"
    return Cell(quantity(row["estimate"], "share"), detail, "good" if same else "")
