"""From an audit's frames to drawings with their words: the report's own choice of what to draw and how large."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from explaindistill import plots
from explaindistill.report.axes import axis, tick_words
from explaindistill.report.blocks import Dots, Figure, Mark, Strip
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import Kind, count, interval, name, quantity, sentence

__all__ = [
    "LABELS",
    "TEACHER",
    "by_fidelity",
    "dots",
    "drawn",
    "frontier",
    "headline",
    "importance",
    "query_curve",
    "students_of",
]

TEACHER, LABELS = -1, -2
"""Series of the teacher and of the true labels in a picture; students count from 0, in the order they were given."""

NARROW = 3.0
"""Inches of a drawing: on a telephone of 360 pixels letters of 8 points are then 11 pixels high, on a third of a wide
page 13."""


def students_of(audit: Any) -> list[str]:
    """Names of the students in the order in which they were given: it decides their colours."""
    return [str(s) for s in audit.students]


def drawn(
    id: str, title: str, desc: str, paint: Callable[[Any], Any], width: float = NARROW, height: float = 2.4,
    captioned: bool = True,
) -> Figure:  # fmt: skip
    """One drawing on a page of its own, as a block."""
    figure = plots.figure(width, height)
    plots.fitted(paint(figure.subplots()))
    title, desc = sentence(title), sentence(desc)
    return Figure(plots.svg(figure, id, title, desc), title, desc, captioned)


def frontier(audit: Any) -> Dots | None:
    """Fidelity of every student, the one with least to read first; None where either is unknown."""
    fidelity = headline(audit)
    size = frame_of(audit, "complexity")
    if "n_parameters" in size:
        size = size[size["n_parameters"].notna()]  # of a user's own estimator nobody can count what there is to read
    column = "subject" if "subject" in size else "student"
    if fidelity.empty or column not in size or "n_parameters" not in size:
        return None
    sizes = {str(r[column]): float(r["n_parameters"]) for r in size.to_dict("records")}
    sized = fidelity[fidelity["subject"].map(lambda s: sizes.get(str(s), 0.0) >= 1)]
    if sized.empty:
        return None
    metric = describe_metric(str(sized["metric"].iloc[0]))
    shown = sized.assign(size=sized["subject"].map(lambda s: sizes[str(s)])).sort_values("size", kind="stable")
    lines = shown.assign(group=shown["subject"].map(name))
    details = {name(r["subject"]): f"{count(r['size'])} numbers" for r in shown.to_dict("records")}
    title = f"{metric.title} against size"
    return dots(lines, audit, title, "Least to read first; further right is more faithful; whiskers are intervals.",
                "student", details)  # fmt: skip


def query_curve(audit: Any) -> Figure | None:
    """Fidelity against the number of questions; None where that was not measured."""
    frame = frame_of(audit, "query_curve")
    if frame.empty:
        return None
    metric = describe_metric(str(frame["metric"].iloc[0]))
    ends = frame.sort_values("n_queries").groupby("subject", sort=False)
    desc = "; ".join(
        f"{name(subject)}: {quantity(rows['estimate'].iloc[0], metric.kind)} with {rows['n_queries'].iloc[0]:,.0f} "
        f"rows asked, {quantity(rows['estimate'].iloc[-1], metric.kind)} with {rows['n_queries'].iloc[-1]:,.0f}"
        for subject, rows in ends
    )
    return drawn(
        "fig-query-curve", f"{metric.title} against questions", f"{desc}. Bands are intervals.",
        lambda ax: plots.query_curve(frame, ax, unit=metric.kind, name=metric.title.lower()),
    )  # fmt: skip


def headline(audit: Any) -> pd.DataFrame:
    """The one fidelity figure per student that stands for the rest: agreement, or R² in regression."""
    frame = frame_of(audit, "fidelity")
    for metric in ("agreement", "r2", "r2_probability"):
        rows = rows_of(frame, metric=metric)
        if not rows.empty:
            return rows[rows["subject"].isin(students_of(audit))].drop_duplicates("subject")
    return frame.iloc[:0]


def by_fidelity(audit: Any) -> list[str]:
    """Names of the students that have a figure of fidelity, the most faithful first."""
    lines = headline(audit)
    if lines.empty:
        return []
    ranked = lines[lines["estimate"].notna()].sort_values("estimate", ascending=False, kind="stable")
    return [str(s) for s in ranked["subject"]]


def dots(
    frame: pd.DataFrame, audit: Any, title: str, desc: str, head: str = "", details: Mapping[str, str] | None = None
) -> Dots | None:
    """A line per group and a mark per model of one measure; None where nothing can be drawn.

    Parameters
    ----------
    frame : DataFrame
        ``group``, ``subject``, ``estimate``, ``low``, ``high``, ``n`` and ``metric`` of one measure.
    title, desc, head : str
        Head is what the lines are.
    details : mapping of group to str, optional
        Said under the name of a line; the number of rows where it is None and all models share it.
    """
    shown = frame[frame["estimate"].notna()]
    if shown.empty:
        return None
    kind = describe_metric(str(shown["metric"].iloc[0])).kind if "metric" in shown else "share"
    order = {"labels": LABELS, "teacher": TEACHER} | {s: i for i, s in enumerate(students_of(audit))}
    shown = shown[shown["subject"].isin(order)]
    ends, ticks = axis(v for c in ("estimate", "low", "high") for v in shown[c].astype(float))
    largest = float(shown["n"].max()) if "n" in shown else 1.0
    strips = []
    for group, rows in shown.groupby("group", sort=False, observed=True):
        marks = tuple(_mark(r, order, kind, largest) for r in rows.to_dict("records"))
        shared = dict.fromkeys(rows["n"]) if "n" in rows and details is None else {}
        detail = f"n\u00a0=\u00a0{count(next(iter(shared)))}" if len(shared) == 1 else ""
        strips.append(Strip(name(group), (details or {}).get(str(group), detail), marks))
    series = tuple((name(s), order[s]) for s in sorted(dict.fromkeys(shown["subject"]), key=order.__getitem__))
    marked = tuple((t, tick_words(t, kind)) for t in ticks)
    return Dots(sentence(title), sentence(desc), tuple(strips), series, ends, marked, head=head)


def _mark(row: Mapping[Any, Any], order: Mapping[str, int], kind: Kind, largest: float) -> Mark:
    low, high = (float(row.get(c, math.nan)) for c in ("low", "high"))
    words = f"{name(row['subject'])}: {quantity(row['estimate'], kind)} {interval(low, high, kind)}".strip()
    weight = float(row["n"]) / largest if "n" in row and largest > 0 and not pd.isna(row["n"]) else 1.0
    return Mark(order[row["subject"]], float(row["estimate"]), low, high, weight, words)


def importance(audit: Any, frame: pd.DataFrame, top: int = 12) -> Dots | None:
    """Importance shares of the teacher and the students side by side, the largest columns first."""
    if frame.empty:
        return None
    largest = frame.groupby("feature", sort=False)["estimate"].max().sort_values(ascending=False, kind="stable")
    shown = frame[frame["feature"].isin(largest.index[:top])]
    place = {feature: i for i, feature in enumerate(largest.index)}
    lines = shown.assign(group=shown["feature"], place=shown["feature"].map(place)).sort_values("place", kind="stable")
    without_sizes = lines.drop(columns=[c for c in ("n", "metric") if c in lines])
    desc = f"Shares of each model's whole; the {min(top, len(largest))} largest of {len(largest)} columns."
    return dots(without_sizes, audit, "What each model uses", desc, "column")
