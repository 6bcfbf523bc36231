"""Bias and transfer: rates and gaps by group in labels, teacher and students, and what the student moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from explaindistill.report.blocks import Block, Details, Group, Section, Text
from explaindistill.report.figures import differences, groups, students_of
from explaindistill.report.group_checks import any_pair, checks
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import frame_of, pivot, rows_of, tidy
from explaindistill.report.verdict_words import nobody_said
from explaindistill.report.words import name

__all__ = ["section"]

CROSSED = " × "
CROSSED_GROUPS = 10
HEADLINE = ("selection_rate", "mean_prediction")
MOVED = ("transfer", "mean_transfer")
MOVES = [*MOVED, *(f"{shift}_from_{side}" for shift in MOVED for side in ("labels", "baseline"))]
LEAD = (
    "Rates say how often each group receives a decision, means what it is answered on average; "
    "gaps compare a group with its reference group; "
    "transfer asks whether the student's gap is the teacher's gap, on the same people. "
    "A gap is a fact about these rows, not by itself a proof of unfairness."
)


@dataclass(frozen=True)
class _Attribute:
    """What was measured by one attribute; ``id`` sets its drawings apart from those of others."""

    audit: Any
    attribute: Any
    id: int
    rates: pd.DataFrame
    gaps: pd.DataFrame
    transfer: pd.DataFrame
    n_left: int = 0

    @property
    def order(self) -> list[str]:
        return ["labels", "teacher", *students_of(self.audit)]

    @property
    def is_crossed(self) -> bool:
        return CROSSED in str(self.attribute)


def section(audit: Any) -> Section:
    """One group of pictures and tables per sensitive attribute."""
    rates, gaps, transfer = (frame_of(audit, key) for key in ("rates", "gaps", "transfer"))
    if banner := nobody_said(audit):
        return Section("Bias and transfer", 60, (Text(banner, "warning"), *checks(audit)))
    if rates.empty and gaps.empty:
        reason = "No sensitive attributes were given, so nothing by group was measured."
        return Section("Bias and transfer", 60, reason=reason)
    blocks: list[Block] = [Text(LEAD), *any_pair(audit)]
    for i, attribute in enumerate(dict.fromkeys([*_values(rates), *_values(gaps), *_values(transfer)])):
        parts = (rows_of(frame, attribute=attribute) for frame in (rates, gaps, transfer))
        one = _shortened(_Attribute(audit, attribute, i, *parts))
        shown = tuple([*_pictures(one), *_rate_tables(one), *_moves(one), *_gap_tables(one)])
        title = f"By {name(attribute)}"
        blocks.append(Details(title, shown) if one.is_crossed else Group(title, shown))
    blocks += checks(audit)
    return Section("Bias and transfer", 60, tuple(blocks))


def _shortened(one: _Attribute) -> _Attribute:
    """Of crossed attributes the groups that stand out, and no student that never met the teacher."""
    if not one.is_crossed:
        return one
    rates = _models(one.rates)
    first = _headline(rates)
    by_group = first.assign(estimate=first["estimate"].astype(float)).groupby("group", sort=False)["estimate"].mean()
    away = (by_group - by_group.median()).abs().sort_values(ascending=False, kind="stable")
    outstanding = set(away.index[:CROSSED_GROUPS])
    parts = (frame[frame["group"].isin(outstanding)] if len(frame) else frame for frame in (one.gaps, one.transfer))
    gaps, transfer = parts
    gaps = _models(gaps) if len(gaps) else gaps
    return replace(
        one,
        rates=rates[rates["group"].isin(outstanding)],
        gaps=gaps,
        transfer=transfer,
        n_left=len(away) - len(outstanding),
    )


def _values(frame: pd.DataFrame) -> list[Any]:
    return list(dict.fromkeys(frame["attribute"])) if "attribute" in frame else []


def _models(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the students that never met the teacher: they have columns in tables, not in pictures."""
    return frame[~frame["subject"].str.endswith(" without teacher")]


def _headline(frame: pd.DataFrame) -> pd.DataFrame:
    for metric in HEADLINE:
        rows = rows_of(frame, metric=metric)
        if not rows.empty:
            return rows
    return frame if frame.empty else rows_of(frame, metric=frame["metric"].iloc[0])


def _pictures(one: _Attribute) -> list[Block]:
    figures: list[Block | None] = []
    if str(one.attribute).count(CROSSED) > 1:
        return []
    first = _headline(one.rates)
    if not first.empty:
        what = describe_metric(str(first["metric"].iloc[0]))
        title = f"{what.title} by {name(one.attribute)}"
        figures.append(groups(f"fig-rate-{one.id}", _models(first), one.audit, title, what.meaning))
    points = one.gaps[one.gaps["metric"].str.endswith("_difference")] if len(one.gaps) else one.gaps
    if not points.empty and not one.is_crossed:
        shown = _models(rows_of(points, metric=points["metric"].iloc[0]))
        title = f"From the teacher's gap to the student's, by {name(one.attribute)}"
        figures.append(differences(f"fig-gap-{one.id}", shown, one.audit, title))
    return [figure for figure in figures if figure is not None]


def _rate_tables(one: _Attribute) -> list[Block]:
    """The headline rate in sight, the others folded; of crossed attributes the headline only."""
    if one.rates.empty:
        return []
    first = _headline(one.rates)["metric"].iloc[0]
    blocks: list[Block] = []
    for metric, rows in one.rates.groupby("metric", sort=False, observed=True):
        if one.is_crossed and metric != first:
            continue
        caption = f"{describe_metric(str(metric)).title} by {name(one.attribute)}"
        shown = rows if metric == first else _models(rows)
        table = pivot(shown.drop_duplicates(["group", "subject"]), caption, "group", "subject", one.order)
        blocks.append(table if metric == first else Details(caption, (table,)))
    return blocks


def _moves(one: _Attribute) -> list[Block]:
    """The shift from the teacher line by line with its verdict; the other two shifts folded."""
    moved = rows_of(one.transfer, metric=MOVES)
    if moved.empty:
        return []
    note = (
        "The verdict says what became of the teacher's gap: from that gap, the student's and the shift "
        "together; a shift whose interval alone excludes 0 is no verdict."
    )
    by = ("group", "reference", "subject", "verdict")
    heads = ("group", "compared with", "student", "verdict")
    first = rows_of(moved, metric=MOVED)
    blocks: list[Block] = [tidy(first, "Transfer: the student's gap minus the teacher's", by, heads, note)]
    for metric, rows in moved[~moved["metric"].isin(MOVED)].groupby("metric", sort=False, observed=True):
        if not one.is_crossed:
            caption = f"{describe_metric(str(metric)).title}, by {name(one.attribute)}"
            blocks.append(Details(caption, (pivot(rows, caption, "group", "subject", one.order, "group"),)))
    return blocks


def _gap_tables(one: _Attribute) -> list[Block]:
    blocks: list[Block] = []
    if one.gaps.empty:
        return blocks
    shown = one.gaps.assign(line=one.gaps["group"].map(name) + " against " + one.gaps["reference"].map(name))
    for metric, rows in shown.groupby("metric", sort=False, observed=True):
        main = str(metric).startswith(HEADLINE)
        if not main and (one.is_crossed or str(metric).endswith("_ratio")):
            continue
        caption = f"{describe_metric(str(metric)).title}, by {name(one.attribute)}"
        rows = rows if main else _models(rows)  # noqa: PLW2901 - fewer columns for what is folded away
        table = pivot(rows.drop_duplicates(["line", "subject"]), caption, "line", "subject", one.order, "groups")
        blocks.append(Details(caption, (table,)))
    note = "Other measures of crossed groups are in the results as JSON and CSV."
    if one.n_left:
        note = f"{one.n_left} further groups, nearer the middle, and other measures are in the results as JSON and CSV."
    return [*blocks, Text(note, "note")] if one.is_crossed else blocks
