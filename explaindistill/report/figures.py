"""From an audit's frames to drawings with their words: the report's own choice of what to draw and how large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from explaindistill import plots
from explaindistill.report.blocks import Figure
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import name, quantity, sentence

__all__ = ["differences", "drawn", "frontier", "groups", "importance", "query_curve", "students_of"]


def students_of(audit: Any) -> list[str]:
    """Names of the students in the order in which they were given: it decides their colours."""
    return [str(s) for s in audit.students]


def drawn(
    id: str, title: str, desc: str, paint: Callable[[Any], Any], width: float = 6.6, height: float = 3.0
) -> Figure:
    """One drawing on a page of its own, as a block."""
    figure = plots.figure(width, height)
    paint(figure.subplots())
    title, desc = sentence(title), sentence(desc)
    return Figure(plots.svg(figure, id, title, desc), title, desc)


def frontier(audit: Any) -> Figure | None:
    """Fidelity of every student against its size; None where either is unknown."""
    fidelity = _headline(audit)
    size = frame_of(audit, "complexity")
    if "n_parameters" in size:
        size = size[size["n_parameters"].notna()]  # of a user's own estimator nobody can count what there is to read
    column = "subject" if "subject" in size else "student"
    if fidelity.empty or column not in size or "n_parameters" not in size:
        return None
    sizes = {str(r[column]): float(r["n_parameters"]) for r in size.to_dict("records")}
    sized = fidelity[fidelity["subject"].map(lambda s: sizes.get(str(s), 0.0) >= 1)]
    sized = sized.assign(size=sized["subject"].map(lambda s: sizes[str(s)]))
    if sized.empty:
        return None
    metric = describe_metric(str(sized["metric"].iloc[0]))
    desc = "; ".join(
        f"{name(r['subject'])}: {quantity(r['estimate'], metric.kind)} with {r['size']:,.0f} numbers to read"
        for r in sized.to_dict("records")
    )
    title = f"{metric.title} against size"
    return drawn(
        "fig-frontier", title, f"{desc}. Up is more faithful, left is easier to read; whiskers are intervals.",
        lambda ax: plots.fidelity_size(sized, ax, unit=metric.kind, name=metric.title.lower()),
    )  # fmt: skip


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


def _headline(audit: Any) -> pd.DataFrame:
    """The one fidelity figure per student that stands for the rest: agreement, or R² in regression."""
    frame = frame_of(audit, "fidelity")
    for metric in ("agreement", "r2", "r2_probability"):
        rows = rows_of(frame, metric=metric)
        if not rows.empty:
            return rows[rows["subject"].isin(students_of(audit))].drop_duplicates("subject")
    return frame.iloc[:0]


def groups(id: str, frame: pd.DataFrame, audit: Any, title: str, what: str) -> Figure | None:
    """Dots with whiskers per group of one attribute and one metric; None where nothing can be drawn."""
    shown = frame[frame["estimate"].notna()]
    if shown.empty:
        return None
    metric = describe_metric(str(shown["metric"].iloc[0])) if "metric" in shown else describe_metric("share")
    lines = len(dict.fromkeys(shown["group"])) * (0.3 + 0.13 * len(dict.fromkeys(shown["subject"])))
    desc = f"{what} {_extremes(shown, metric.kind)}"
    return drawn(
        id, title, desc,
        lambda ax: plots.group_dots(shown, ax, order=students_of(audit), unit=metric.kind, name=metric.title.lower()),
        height=min(12.0, 1.0 + lines),
    )  # fmt: skip


def _extremes(frame: pd.DataFrame, kind: Any, longest: int = 10) -> str:
    """The largest and smallest estimates in words: what the drawing shows at a glance."""
    parts = []
    for subject, rows in frame.groupby("subject", sort=False, observed=True):
        low, high = (rows.iloc[int(f(rows["estimate"].to_numpy(dtype=float)))] for f in (np.argmin, np.argmax))
        if len(rows) == 1:
            parts.append(f"{name(subject)}: {quantity(low['estimate'], kind)} ({name(low['group'])})")
            continue
        words = f"from {quantity(low['estimate'], kind)} ({name(low['group'])}) to {quantity(high['estimate'], kind)}"
        parts.append(f"{name(subject)}: {words} ({name(high['group'])})")
    return "; ".join(parts[:longest]) + "."


def differences(id: str, frame: pd.DataFrame, audit: Any, title: str) -> Figure | None:
    """Arrows from the teacher's difference to each student's; None without a teacher's difference."""
    shown = frame[frame["estimate"].notna()]
    if rows_of(shown, subject="teacher").empty:
        return None
    n = len(dict.fromkeys(shown["group"]))
    kind = describe_metric(str(shown["metric"].iloc[0])).kind
    desc = (
        "The ring is the teacher's difference from the reference group, the coloured mark the student's, "
        f"the grey cross that of the true labels. {_extremes(shown, kind)}"
    )
    return drawn(
        id,
        title,
        desc,
        lambda ax: plots.transfer_arrows(shown, ax, order=students_of(audit), unit=kind),
        height=min(12.0, 1.0 + 0.5 * n),
    )


def importance(audit: Any, frame: pd.DataFrame, top: int = 12) -> Figure | None:
    """Importance shares of the teacher and the students side by side, the largest features first."""
    if frame.empty:
        return None
    n = min(top, frame["feature"].nunique())
    subjects = list(dict.fromkeys(frame["subject"]))
    tops = [_first(frame, subject) for subject in subjects]
    return drawn(
        "fig-importance", "Importance side by side", f"Shares of each model's whole. Largest: {'; '.join(tops)}.",
        lambda ax: plots.importance_pairs(frame, ax, order=students_of(audit), top=top),
        height=min(12.0, 1.0 + n * (0.24 + 0.1 * len(subjects))),
    )  # fmt: skip


def _first(frame: pd.DataFrame, subject: str, n: int = 3) -> str:
    rows = rows_of(frame, subject=subject).sort_values("estimate", ascending=False, kind="stable").head(n)
    words = ", ".join(f"{name(r['feature'])} {quantity(r['estimate'], 'share')}" for r in rows.to_dict("records"))
    return f"{name(subject)}: {words}"
