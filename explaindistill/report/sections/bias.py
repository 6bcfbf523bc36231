"""Bias and transfer: rates and gaps by group in labels, teacher and students, and what the student moved."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Block, Details, Group, Section, Text
from explaindistill.report.figures import differences, groups, students_of
from explaindistill.report.tables import frame_of, pivot, rows_of, tidy
from explaindistill.report.words import describe_metric, name

__all__ = ["section"]


def section(audit: Any) -> Section:
    """One group of pictures and tables per sensitive attribute."""
    rates, gaps, transfer = (frame_of(audit, key) for key in ("rates", "gaps", "transfer"))
    if rates.empty and gaps.empty:
        return Section(
            "Bias and transfer", 60, reason="No sensitive attributes were given, so nothing by group was measured."
        )
    attributes = list(dict.fromkeys([*_values(rates), *_values(gaps), *_values(transfer)]))
    lead = Text(
        "Rates say how often each group receives a decision; gaps compare a group with its reference group; "
        "transfer asks whether the student's gap is the teacher's gap, on the same people. "
        "A gap is a fact about these rows, not by itself a proof of unfairness."
    )
    blocks = [
        Group(f"By {name(a)}", tuple(_attribute(audit, a, i, rates, gaps, transfer))) for i, a in enumerate(attributes)
    ]
    return Section("Bias and transfer", 60, (lead, *blocks))


def _values(frame: pd.DataFrame) -> list[Any]:
    return list(dict.fromkeys(frame["attribute"])) if "attribute" in frame else []


def _attribute(
    audit: Any, attribute: Any, i: int, rates: pd.DataFrame, gaps: pd.DataFrame, transfer: pd.DataFrame
) -> list[Block]:
    blocks: list[Block] = []
    mine = rows_of(rates, attribute=attribute)
    first = rows_of(mine, metric="selection_rate")
    if first.empty and not mine.empty:
        first = rows_of(mine, metric=mine["metric"].iloc[0])
    if not first.empty:
        first = first[~first["subject"].str.endswith("without teacher")]
        what = describe_metric(str(first["metric"].iloc[0]))
        figure = groups(f"fig-rate-{i}", first, audit, f"{what.title} by {name(attribute)}", what.meaning)
        blocks += [figure] if figure else []
    gap = rows_of(gaps, attribute=attribute)
    if not gap.empty:
        arrows = _arrows(audit, attribute, i, gap)
        blocks += [arrows] if arrows else []
    order = ["labels", "teacher", *students_of(audit)]
    for metric, rows in mine.groupby("metric", sort=False, observed=True) if not mine.empty else ():
        table = pivot(
            rows.drop_duplicates(["group", "subject"]),
            f"{describe_metric(str(metric)).title} by {name(attribute)}",
            "group",
            "subject",
            order,
        )
        blocks.append(table if metric == "selection_rate" else Details(table.caption, (table,)))
    moved = rows_of(transfer, attribute=attribute, metric=["transfer", "transfer_from_labels"])
    if not moved.empty:
        note = "An interval that excludes 0 means that the student moved the gap beyond chance."
        blocks.append(
            tidy(
                moved,
                "Transfer: the student's gap minus the teacher's",
                ("group", "reference", "subject", "metric", "verdict"),
                ("group", "compared with", "student", "measure", "verdict"),
                note,
            )
        )
    if not gap.empty:
        table = tidy(
            gap,
            f"All gaps by {name(attribute)}",
            ("metric", "group", "reference", "subject"),
            ("measure", "group", "compared with", "model"),
        )
        blocks.append(Details(f"All gaps by {name(attribute)}", (table,)))
    return blocks


def _arrows(audit: Any, attribute: Any, i: int, gap: pd.DataFrame) -> Block | None:
    points = gap[gap["metric"].map(lambda m: describe_metric(str(m)).kind == "points")]
    if points.empty:
        return None
    metric = points["metric"].iloc[0]
    shown = rows_of(points, metric=metric)
    shown = shown[~shown["subject"].str.endswith("without teacher")]
    return differences(f"fig-gap-{i}", shown, audit, f"From the teacher's gap to the student's, by {name(attribute)}")
