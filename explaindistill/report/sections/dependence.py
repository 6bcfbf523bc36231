"""Dependence: how the answers of teacher and students change along each column, and where they differ."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill import plots
from explaindistill.report.blocks import Block, Cell, Details, Figure, Gallery, Section, Table, Text
from explaindistill.report.figures import drawn, students_of
from explaindistill.report.student.shown import names_of
from explaindistill.report.tables import frame_of
from explaindistill.report.words import interval, name, quantity

__all__ = ["section"]

FIRST = 3
"""Columns in the first table: what can be taken in at once; the others are folded."""
DRAWN = 3
"""Columns that are drawn: a page with all of them would be a quarter larger, and the further ones differ least."""
LEVEL_INCHES = 0.34
WIDTH = 3.45
"""Inches: the names of the models stand beside the curves, and a narrower drawing would have no room for both."""
CURVE = {"accumulated_effect": "accumulated local effects", "partial_dependence": "partial dependence"}


def section(audit: Any) -> Section:
    """Where students reason differently, in order, and a picture for each column."""
    title, order = "Curves side by side", 52
    frame, areas = frame_of(audit, "dependence"), frame_of(audit, "dependence_comparison")
    if frame.empty:
        return Section(
            title, order, reason="Curves along columns were not measured: audit(dependence=True).", tab="why"
        )
    curves = frame[frame["estimate"].notna()] if "feature" in frame else frame.iloc[:0]
    unsaid = frame[frame["estimate"].isna()]
    columns = _columns(curves, areas)
    if not columns:
        return Section(title, order, reason=f"Curves along columns: cannot say. {unsaid['reason'].iloc[0]}.", tab="why")
    figures = {column: _figure(curves, column, audit, i) for i, column in enumerate(columns[:DRAWN])}
    how = Text(
        "Each curve is what a model answers on average where one column moves and the people stay: over real "
        "rows, between values that rows have. Bars show where the rows are, bands are intervals of 95 % for each "
        "place by itself. Numbers, dates and ordered categories are drawn by accumulated local effects, which do "
        "not ask about rows that cannot exist; categories without an order by partial dependence, which may."
    )
    blocks: list[Block] = [
        *_ranking(areas, audit),
        Gallery(tuple(figures.values())),
        Details("How to read these curves", (how,)),
    ]
    if len(columns) > DRAWN:
        n_further = len(columns) - DRAWN
        blocks.append(Text(f"{n_further} more columns: in the JSON file and audit.plot.", "quiet"))
    if len(unsaid):
        reasons = dict.fromkeys(unsaid["reason"].map(str))
        blocks.append(Text(f"No curve, cannot say: {'; '.join(reasons)}.", "note"))
    return Section(title, order, tuple(blocks), tab="why")


def _columns(curves: pd.DataFrame, areas: pd.DataFrame) -> list[str]:
    """Columns that have a curve: first those in which some student is furthest from the teacher."""
    measured = dict.fromkeys(curves["feature"].map(str)) if "feature" in curves else {}
    ranked = areas[areas["rank"].notna()]["feature"].map(str) if "rank" in areas else []
    return [c for c in dict.fromkeys([*ranked, *measured]) if c in measured]


def _ranking(areas: pd.DataFrame, audit: Any) -> list[Block]:
    """The area between the curves, one line per column, one column per student."""
    judged = areas[areas["rank"].notna()] if "rank" in areas else areas.iloc[:0]
    if judged.empty:
        return []
    kind: Any = "points" if str(judged["unit"].iloc[0]).startswith("probability") else "number"
    students = [s for s in students_of(audit) if s in set(judged["subject"])]
    at = {(str(r["feature"]), str(r["subject"])): r for r in judged.to_dict("records")}
    rows = tuple(
        (Cell(name(column)), *(_area(at.get((column, s)), kind) for s in students))
        for column in dict.fromkeys(judged["feature"].map(str))
    )
    note = (
        "Mean distance over the rows between a student's curve and the teacher's, both about their means, and its "
        "interval; one that begins at 0 leaves open whether they differ at all."
    )
    heads = ("column", *map(name, students))
    numeric = (False, *(True for _ in students))
    first = Table("Where they reason differently", heads, rows[:FIRST], numeric, note)
    rest = Table("The columns in which they differ less", heads, rows[FIRST:], numeric)
    return [first, Details(f"{len(rest.rows)} more columns, where they differ less", (rest,))] if rest.rows else [first]


def _area(row: Any, kind: Any) -> Cell:
    if row is None:
        return Cell("–", tone="quiet")
    value, limits = (quantity(row["estimate"], kind), interval(row["low"], row["high"], kind))
    return Cell(value.replace("+", ""), limits.replace("+", ""))  # a distance has no sign


def _figure(curves: pd.DataFrame, column: str, audit: Any, i: int) -> Figure:
    """One column's curves, with the range of the teacher's in words."""
    mine = curves[curves["feature"] == column]
    metric = next(m for m in CURVE if m in set(mine["metric"]))
    shown = mine[mine["metric"] == metric]
    unit = names_of(audit).unit_of_shown(column)
    axis = f"{column}, {unit}" if unit else column
    is_share = str(shown["unit"].iloc[0]).startswith("probability")
    words = []
    for subject, rows in shown.groupby("subject", sort=False):
        low, high = (rows.loc[rows["estimate"].astype(float).agg(f)] for f in ("idxmin", "idxmax"))
        least, most = (quantity(r["estimate"], "share" if is_share else "number") for r in (low, high))
        words.append(f"{name(subject)}: {least} at {name(low['place'])}, {most} at {name(high['place'])}")
    desc = f"{CURVE[metric][0].upper()}{CURVE[metric][1:]}. {'; '.join(words)}"
    n_levels = shown["place"].nunique() if shown["kind"].iloc[0] == "levels" else 0
    height = 0.9 + LEVEL_INCHES * n_levels if n_levels else 2.8
    return drawn(
        f"fig-dependence-{i}", f"{name(column)}: {shown['unit'].iloc[0]}", desc,
        lambda ax: plots.dependence(mine.assign(feature=axis), axis, ax, order=students_of(audit)),
        WIDTH, max(height, 1.8), captioned=False,
    )  # fmt: skip
