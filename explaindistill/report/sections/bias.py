"""Bias and transfer: rates by group to choose from, tables of each attribute, the slider, and further checks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Block, Details, Section, Text
from explaindistill.report.explorer import explorer
from explaindistill.report.figures import students_of
from explaindistill.report.group_checks import any_pair, checks
from explaindistill.report.matrices import BY
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import attributes_of, frame_of, pivot, rows_of, tidy
from explaindistill.report.thresholds import slider
from explaindistill.report.verdict_words import nobody_said
from explaindistill.report.words import name

__all__ = ["section"]

TITLE, ORDER = "Bias and transfer", 60
HEADLINE = ("selection_rate", "mean_prediction")
MOVED = ("transfer", "mean_transfer")


def section(audit: Any) -> Section:
    """One picture to choose, one fold of tables per attribute, one slider, and what else was asked."""
    banner = nobody_said(audit)
    attributes = attributes_of(audit)
    if not attributes and not banner:
        reason = "No sensitive attributes were given, so nothing by group was measured."
        return Section(TITLE, ORDER, reason=reason, tab="bias")
    blocks: list[Block] = [Text(banner, "warning")] if banner else []
    if (chooser := explorer(audit)) is not None:
        blocks.append(chooser)
    if (panel := slider(audit)) is not None:
        blocks.append(panel)
    for i, attribute in enumerate(attributes):
        if tables := [*_rates(audit, attribute), *_gaps(audit, attribute), *_moves(audit, attribute)]:
            blocks.append(Details(f"Tables by {name(attribute)}", tuple(tables), id=f"{BY}{i}"))
    if pairs := any_pair(audit):
        blocks.append(Details("Any pair of groups: the worst of each attribute", tuple(pairs), id="worst-pairs"))
    return Section(TITLE, ORDER, (*blocks, *checks(audit)), tab="bias")


def _of(audit: Any, key: str, attribute: str) -> pd.DataFrame:
    """Rows of one attribute of labels, teacher, students and these without their teacher."""
    rows = rows_of(frame_of(audit, key), attribute=attribute)
    return rows[rows["group"].astype(str) != ""] if len(rows) else rows


def _order(audit: Any) -> list[str]:
    return ["labels", "teacher", *students_of(audit)]


def _rates(audit: Any, attribute: str) -> list[Block]:
    """The headline rate of every group; the other rates are in the picture to choose."""
    rates = rows_of(_of(audit, "rates", attribute), metric=HEADLINE)
    tables: list[Block] = []
    for metric, rows in rates.groupby("metric", sort=False, observed=True):
        caption = f"{describe_metric(str(metric)).title} by {name(attribute)}"
        shown = rows.drop_duplicates(["group", "subject"])
        tables.append(pivot(shown, caption, "group", "subject", _order(audit), "group"))
    return tables


def _gaps(audit: Any, attribute: str) -> list[Block]:
    """Gaps in the headline rate, as differences and as ratios."""
    gaps = _of(audit, "gaps", attribute)
    if gaps.empty:
        return []
    gaps = gaps[gaps["metric"].astype(str).str.startswith(HEADLINE) & gaps["subject"].isin(_order(audit))]
    shown = gaps.assign(line=gaps["group"].map(name) + " against " + gaps["reference"].map(name))
    return [
        pivot(
            rows.drop_duplicates(["line", "subject"]), describe_metric(str(metric)).title, "line", "subject",
            _order(audit), "groups",
        )
        for metric, rows in shown.groupby("metric", sort=False, observed=True)
    ]  # fmt: skip


def _moves(audit: Any, attribute: str) -> list[Block]:
    """What each student made of the teacher's gap, with its verdict."""
    moved = rows_of(_of(audit, "transfer", attribute), metric=MOVED)
    if moved.empty:
        return []
    note = (
        "The verdict says what became of the teacher's gap: from that gap, the student's and the shift "
        "together; a shift whose interval alone excludes 0 is no verdict."
    )
    by = ("group", "reference", "subject", "verdict")
    heads = ("group", "compared with", "student", "verdict")
    return [tidy(moved, "Transfer: the student's gap minus the teacher's", by, heads, note)]
