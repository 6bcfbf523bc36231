"""Drawings of scores from counts: ROC curves, teacher against student, confusion, and how scores are spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.plots.canvas import GRID, INK, MUTED, SERIES, axes, boxes, label, series_style, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["answer_counts", "confusion", "roc", "score_densities"]

Floats = NDArray[np.float64]
DASHES = ("--", "-.", ":", "-")
SHADES = ("#bcd9ec", "#6fb0d8", "#0072b2", "#083a5c")
"""Light to dark: told apart in print and by everybody."""


def roc(frame: pd.DataFrame, ax: Axes | None = None, *, order: Sequence[str] = ()) -> Axes:
    """True positives against false positives, one line per model; the dotted diagonal is chance.

    Parameters
    ----------
    frame : DataFrame
        The frame ``roc`` of an audit.
    order : names of the students in the order of their colours

    Examples
    --------
    >>> from explaindistill import plots
    >>> rates = {"subject": "teacher", "threshold": [0.2, 0.2, 0.8, 0.8], "estimate": [1.0, 0.5, 0.5, 0.0],
    ...          "metric": ["true_positive_rate", "false_positive_rate"] * 2}
    >>> ax = plots.roc(pd.DataFrame(rates), plots.figure().subplots())
    >>> ax.lines[1].get_xdata().tolist(), ax.lines[1].get_ydata().tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    ax = axes(ax)
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
    subjects = list(dict.fromkeys(frame["subject"]))
    students = [s for s in (order or subjects) if s != "teacher"]
    for subject in subjects:
        points = frame[frame["subject"] == subject].pivot_table(index="threshold", columns="metric", values="estimate")
        points = points.sort_index(ascending=False)
        x = [0.0, *points["false_positive_rate"], 1.0]
        y = [0.0, *points["true_positive_rate"], 1.0]
        colour, dash = (INK, "-") if subject not in students else series_style(students.index(subject), DASHES)
        ax.plot(x, y, color=colour, linestyle=dash, linewidth=1.8, label=wrapped(subject, 18))
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.set_xlabel("selected of those who do not qualify", color=MUTED, fontsize=9)
    ax.set_ylabel("selected of those who qualify", color=MUTED, fontsize=9)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    ax.grid(color=GRID, linewidth=0.8)
    ax.legend(loc="lower right", frameon=False, fontsize=9, labelcolor=INK, handletextpad=0.5, borderaxespad=0.2)
    return ax


def answer_counts(frame: pd.DataFrame, ax: Axes | None = None, *, name: str = "probability") -> Axes:
    """Counts of rows by the teacher's and a student's answer; on the diagonal both answer alike.

    Cells of few rows are not in the frame, and nobody's point is drawn.

    Parameters
    ----------
    frame : DataFrame
        Lines of one student of the frame ``answer_pairs`` of an audit.
    name : what is answered

    Examples
    --------
    >>> from explaindistill import plots
    >>> cell = {"subject": ["gam"], "k": [30.0], "teacher_from": [0.1], "teacher_to": [0.15], "student_from": [0.1],
    ...         "student_to": [0.15]}
    >>> plots.answer_counts(pd.DataFrame(cell), plots.figure().subplots()).get_ylabel()
    'gam: probability'
    """
    from matplotlib.patches import Patch

    ax = axes(ax)
    corners = frame[["teacher_from", "teacher_to", "student_from", "student_to"]].to_numpy(dtype=float)
    counts = frame["k"].to_numpy(dtype=float)
    bounds, shades = _shades(counts)
    shade_of = np.searchsorted(bounds[1:-1], counts, side="right")
    for i, shade in enumerate(shades):
        if (shade_of == i).any():
            boxes(ax, _columns(corners[shade_of == i]), shade)
    low, high = (corners.min(), corners.max()) if len(corners) else (0.0, 1.0)
    room = 0.02 * (high - low)
    ax.plot([low, high], [low, high], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    ax.set(xlim=(low - room, high + room), ylim=(low - room, high + room), aspect="equal")
    words = [f"{a:,.0f} to {b:,.0f}" for a, b in zip(bounds, [*(bounds[1:-1] - 1), bounds[-1]], strict=False)]
    handles = [Patch(facecolor=shade, label=f"{text} rows") for shade, text in zip(shades, words, strict=True)]
    ax.legend(handles=handles, loc="lower right", frameon=False, fontsize=8, labelcolor=INK)
    ax.set_xlabel(f"teacher: {name}", color=MUTED, fontsize=9)
    subject = label(frame["subject"].iloc[0]) if len(frame) else "student"
    ax.set_ylabel(f"{subject}: {name}", color=MUTED, fontsize=9)
    return ax


def _columns(corners: Floats) -> list[tuple[float, float, float, float]]:
    """Cells that stand on each other as one box: what is drawn is the same, in fewer bytes."""
    stacked: list[tuple[float, float, float, float]] = []
    for a, b, c, d in corners[np.lexsort((corners[:, 2], corners[:, 0]))].tolist():
        if stacked and stacked[-1][0] == a and stacked[-1][3] == c:
            stacked[-1] = (a, b, stacked[-1][2], d)
        else:
            stacked.append((a, b, c, d))
    return stacked


def _shades(counts: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Bounds of up to four ranges of counts, each some times the one before, and their shades, light to dark."""
    least, most = (float(counts.min()), float(counts.max())) if len(counts) else (1.0, 1.0)
    bounds = np.unique(np.geomspace(max(least, 1.0), max(most, 1.0), 5).round())
    bounds = bounds if len(bounds) > 1 else np.repeat(bounds, 2)
    return bounds, list(SHADES[-(len(bounds) - 1) :])


def confusion(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    r"""What a student decides where its teacher decides each class: a row per class, shares of the row in words.

    Parameters
    ----------
    frame : DataFrame
        Lines of one student of the frame ``decided_as`` of an audit; withheld ones stay grey.

    Examples
    --------
    >>> from explaindistill import plots
    >>> line = {"subject": "gam", "subset": ["class=no", "class=no"], "decision": ["no", "yes"], "n": 40,
    ...         "k": [36.0, 4.0], "estimate": [0.9, 0.1]}
    >>> ax = plots.confusion(pd.DataFrame(line), plots.figure().subplots())
    >>> [t.get_text() for t in ax.texts]
    ['90 %\n36 of 40', '10 %\n4 of 40']
    """
    ax = axes(ax)
    rows, columns = list(dict.fromkeys(frame["subset"])), list(dict.fromkeys(frame["decision"]))
    for line in frame.to_dict("records"):
        i, j, share = rows.index(line["subset"]), columns.index(line["decision"]), float(line["estimate"])
        shown = np.isfinite(share)
        colour = (SERIES[0] if i == j else SERIES[1]) if shown else GRID
        ax.barh([i], [0.94], 0.94, left=j - 0.47, color=colour, alpha=0.12 + 0.7 * share if shown else 0.5, linewidth=0)
        words = f"{round(100 * share, 1):g} %\n{line['k']:,.0f} of {line['n']:,.0f}" if shown else "withheld"
        ax.text(j, i, words, ha="center", va="center", fontsize=9, color=INK)
    ax.set_xticks(range(len(columns)), [wrapped(c, 14) for c in columns])
    ax.set_yticks(range(len(rows)), [wrapped(str(r).removeprefix("class="), 16) for r in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(-0.5, len(columns) - 0.5)
    subject = label(frame["subject"].iloc[0]) if len(frame) else "student"
    ax.set_xlabel(f"{subject} decides", color=MUTED, fontsize=9)
    ax.set_ylabel("teacher decides", color=MUTED, fontsize=9)
    return ax


def score_densities(frame: pd.DataFrame, ax: Axes | None = None, *, name: str = "score") -> Axes:
    """How the scores of each group are spread: share of the group's rows by width, as steps.

    Parameters
    ----------
    frame : DataFrame
        Lines of one model, and of one attribute or none, of the frame ``score_shares`` of an audit.
    name : what the scores are

    Examples
    --------
    >>> from explaindistill import plots
    >>> line = {"group": "f", "estimate": [0.5, 0.5], "value_from": [0.0, 0.2], "value_to": [0.2, 0.4]}
    >>> ax = plots.score_densities(pd.DataFrame(line), plots.figure().subplots())
    >>> ax.get_xlabel(), len(ax.get_yticks())
    ('score', 0)
    """
    ax = axes(ax)
    groups = list(dict.fromkeys(frame["group"]))
    for i, group in enumerate(groups):
        rows = frame[(frame["group"] == group) & frame["estimate"].notna()].sort_values("value_from")
        edges = np.append(rows["value_from"].to_numpy(float), rows["value_to"].to_numpy(float)[-1:])
        colour, dash = series_style(i, DASHES[::-1])
        look: dict[str, Any] = {"color": colour, "linestyle": dash, "linewidth": 1.8}
        if len(rows):
            ax.stairs(
                rows["estimate"].to_numpy(float) / np.diff(edges), edges, label=wrapped(group or "all rows", 18), **look
            )
    ax.set_yticks([])
    ax.set_ylim(bottom=0)
    ax.set_xlabel(name, color=MUTED, fontsize=9)
    ax.set_ylabel("share of the group by width", color=MUTED, fontsize=9)
    _legend(ax, len(groups))
    return ax


def _legend(ax: Axes, n: int) -> None:
    if n > 1:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=min(4, n), frameon=False, fontsize=9,
                  labelcolor=INK, borderaxespad=0.2, handletextpad=0.5, columnspacing=1.4)  # fmt: skip
