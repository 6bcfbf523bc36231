"""Drawings of measured frames: one dot per estimate, a whisker for its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.plots.canvas import BAND, GRID, INK, MUTED, PAPER, axes, series_style, wrapped
from explaindistill.plots.labels import name_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["fidelity_size", "group_dots", "importance_pairs", "reliability", "transfer_arrows"]


def _whiskers(
    ax: Axes, rows: pd.DataFrame, x: Any, y: Any, subject: str, series: int | None, horizontal: bool = True
) -> None:
    """Dots with their intervals, all of one subject at once; the teacher is a ring, the labels are a cross."""
    plain = subject == "labels"
    colour, marker = _style(subject, series)
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    gap = np.full(len(rows), np.nan)
    ends = np.column_stack([rows["low"].to_numpy(dtype=float), rows["high"].to_numpy(dtype=float), gap]).ravel()
    ends[~np.isfinite(ends)] = np.nan
    across = np.repeat(y if horizontal else x, 3)
    lines = (ends, across) if horizontal else (across, ends)
    ax.plot(*lines, color=colour, linewidth=1.2 if plain else 1.6, solid_capstyle="round", zorder=2)
    ax.plot(
        x, y, linestyle="", marker=marker, markersize=6.5, color=colour, zorder=3,
        markerfacecolor=PAPER if series is None else colour, markeredgewidth=1.5,
    )  # fmt: skip


def _style(subject: str, series: int | None) -> tuple[str, str]:
    """Colour and marker of a student by its place; the teacher's ring and the cross of the labels have no place."""
    if series is not None:
        return series_style(series)
    return (MUTED, "x") if subject == "labels" else (INK, "o")


def _series(subjects: Sequence[str], order: Sequence[str]) -> dict[str, int | None]:
    students = [s for s in (order or subjects) if s not in {"teacher", "labels"}]
    return {s: students.index(s) if s in students else None for s in subjects}


def _legend(
    ax: Axes, subjects: Sequence[str], series: dict[str, int | None], teacher: str = "teacher", inside: Any = ""
) -> None:
    """Above the picture, or in a corner of it that is empty."""
    from matplotlib.lines import Line2D

    handles = []
    for subject in subjects:
        colour, marker = _style(subject, series[subject])
        face = PAPER if series[subject] is None else colour
        words = wrapped(teacher if subject == "teacher" else subject, 18)
        handles.append(Line2D([], [], linestyle="", marker=marker, color=colour, markerfacecolor=face, label=words))
    if handles and inside:
        ax.legend(handles=handles, loc=inside, frameon=False, fontsize=9, labelcolor=INK, handletextpad=0.3)
    elif handles:
        ax.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=min(4, len(handles)), frameon=False,
            fontsize=9, labelcolor=INK, borderaxespad=0.2, handletextpad=0.3, columnspacing=1.4,
        )  # fmt: skip


def _rows(ax: Axes, names: Sequence[str], longest: int = 28) -> None:
    ax.set_yticks(range(len(names)), [wrapped(n, longest) for n in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    for y in range(0, len(names), 2):
        ax.axhspan(y - 0.5, y + 0.5, color=BAND, alpha=0.5, linewidth=0, zorder=0)


def _percent(ax: Axes, axis: str = "x", points: bool = False) -> None:
    from matplotlib.ticker import FuncFormatter

    def words(value: float, _: Any) -> str:
        text = f"{100 * value:+.4g}" if points else f"{100 * value:.4g}"
        return f"{text} pp".replace("-", "−").replace("+0 ", "0 ") if points else f"{text} %"

    (ax.xaxis if axis == "x" else ax.yaxis).set_major_formatter(FuncFormatter(words))


def fidelity_size(frame: pd.DataFrame, ax: Axes | None = None, *, unit: str = "share", name: str = "") -> Axes:
    """Fidelity against size: one dot per student, further up is more faithful, further left is easier to read.

    Parameters
    ----------
    frame : DataFrame
        Columns ``subject``, ``size`` (numbers to read, at least 1), ``estimate``, ``low``, ``high``; where there is a
        column ``family``, colours and the legend go by it, and where there is a column ``named``, only those students
        have their names beside them.
    ax : Axes, optional
    unit : "share" or "number"
        Whether estimates are shares, printed as per cent.
    name : str
        Label of the vertical axis.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> frame = pd.DataFrame({"subject": ["tree"], "size": [48], "estimate": [0.95], "low": [0.94], "high": [0.96]})
    >>> plots.fidelity_size(frame, plots.figure().subplots()).get_xlabel()
    'size: numbers to read (log scale)'
    """
    ax = axes(ax)
    by = "family" if "family" in frame else "subject"
    groups = list(dict.fromkeys(frame[by]))
    series = _series(groups, groups)
    for group in groups:
        rows = frame[frame[by] == group]
        _whiskers(ax, rows, rows["size"], rows["estimate"], group, series[group], horizontal=False)
    ax.set_xscale("log")
    sizes = frame["size"].to_numpy(dtype=float)
    ax.set_xlim(max(sizes.min() / 2.2, 0.5), sizes.max() * 4)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.xaxis.set_minor_formatter(lambda value, _: "")
    ax.set_xlabel("size: numbers to read (log scale)", color=MUTED, fontsize=9)
    ax.set_ylabel(name or "fidelity", color=MUTED, fontsize=9)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
    ax.tick_params(which="both", length=0)
    if unit == "share":
        _percent(ax, "y")
    if by == "family":
        _legend(ax, groups, series)
    chosen = frame[frame["named"].astype(bool)] if "named" in frame else frame
    name_points(ax, chosen["subject"].tolist(), chosen["size"], chosen["estimate"], _along_whiskers(frame))
    return ax


def _along_whiskers(frame: pd.DataFrame, n: int = 9) -> NDArray[np.float64]:
    """Points ``(m, 2)`` on dots and whiskers, close enough that a line of text between two of them covers one."""
    low, high = (frame[end].fillna(frame["estimate"]).to_numpy(dtype=float) for end in ("low", "high"))
    heights = np.linspace(low, high, n).ravel()
    return np.column_stack([np.tile(frame["size"].to_numpy(dtype=float), n), heights])


def group_dots(
    frame: pd.DataFrame, ax: Axes | None = None, *, order: Sequence[str] = (), unit: str = "share", name: str = ""
) -> Axes:
    """Dots with whiskers: a line per group, a marker per subject; the teacher is the open ring.

    Parameters
    ----------
    frame : DataFrame
        Columns ``group``, ``subject``, ``estimate``, ``low``, ``high``; undefined estimates leave their place empty.
    order : names of the students in the order of their colours
    unit : "share", "points" or "number"
    name : label of the horizontal axis

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> frame = pd.DataFrame({"group": ["a"], "subject": ["teacher"], "estimate": [0.5], "low": [0.4], "high": [0.6]})
    >>> [t.get_text() for t in plots.group_dots(frame, plots.figure().subplots()).get_yticklabels()]
    ['a']
    """
    ax = axes(ax)
    groups, subjects = list(dict.fromkeys(frame["group"])), list(dict.fromkeys(frame["subject"]))
    series = _series(subjects, order)
    step, place = 0.62 / max(1, len(subjects)), {group: i for i, group in enumerate(groups)}
    for i, subject in enumerate(subjects):
        rows = frame[(frame["subject"] == subject) & np.isfinite(frame["estimate"])]
        y = rows["group"].map(place).astype(float) + step * (i - (len(subjects) - 1) / 2)
        _whiskers(ax, rows, rows["estimate"], y, subject, series[subject])
    _rows(ax, groups)
    ax.grid(axis="x", color=GRID, linewidth=0.8)
    if unit in {"share", "points"}:
        _percent(ax, "x", points=unit == "points")
    if unit == "points":
        ax.axvline(0, color=MUTED, linewidth=1)
    ax.set_xlabel(name, color=MUTED, fontsize=9)
    if len(subjects) > 1:
        _legend(ax, subjects, series)
    return ax


def transfer_arrows(
    frame: pd.DataFrame, ax: Axes | None = None, *, order: Sequence[str] = (), unit: str = "points", name: str = ""
) -> Axes:
    """Arrows from the teacher's gap to each student's gap; a grey cross marks the gap in the labels.

    Parameters
    ----------
    frame : DataFrame
        Columns ``group``, ``subject`` ("labels", "teacher", or a student), ``estimate``: the difference of a rate
        or mean from that of its reference group.
    order : names of the students in the order of their colours
    unit : "points" of a rate or "number"

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> frame = pd.DataFrame({"group": ["f", "f"], "subject": ["teacher", "tree"], "estimate": [-0.1, -0.2]})
    >>> ax = plots.transfer_arrows(frame, plots.figure().subplots())
    >>> len([t for t in ax.texts if t.arrow_patch is not None])
    1
    """
    ax = axes(ax)
    groups = list(dict.fromkeys(frame["group"]))
    subjects = list(dict.fromkeys(frame["subject"]))
    series = _series(subjects, order)
    students = [s for s in subjects if series[s] is not None]
    values = {(r.group, r.subject): float(r.estimate) for r in frame.itertuples()}
    step = 0.6 / max(1, len(students))
    for y, group in enumerate(groups):
        start, truth = values.get((group, "teacher"), math.nan), values.get((group, "labels"), math.nan)
        if math.isfinite(truth):
            ax.plot([truth], [y], linestyle="", marker="x", color=MUTED, markersize=7, markeredgewidth=1.8, zorder=2)
        for i, student in enumerate(students):
            end, at = values.get((group, student), math.nan), y + step * (i - (len(students) - 1) / 2)
            if not (math.isfinite(end) and math.isfinite(start)):
                continue
            colour, marker = _style(student, series[student])
            arrow = {"arrowstyle": "-", "color": colour, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", (end, at), (start, at), arrowprops=arrow)
            ax.plot([end], [at], linestyle="", marker=marker, color=colour, markersize=6.5, zorder=4)
        if math.isfinite(start):
            ax.plot([start, start], [y - 0.36, y + 0.36], color=INK, linewidth=1.4, zorder=3)
            ax.plot([start], [y], linestyle="", marker="o", color=INK, markerfacecolor=PAPER, markersize=7, zorder=5)
    _rows(ax, groups)
    finite = np.array([v for v in values.values() if math.isfinite(v)] or [0.0])
    low, high = min(finite.min(), 0.0), max(finite.max(), 0.0)
    room = 0.08 * (high - low) or 0.01
    ax.set_xlim(low - room, high + room)
    ax.axvline(0, color=MUTED, linewidth=1, zorder=1)
    ax.grid(axis="x", color=GRID, linewidth=0.8)
    if unit == "points":
        _percent(ax, "x", points=True)
    ax.set_xlabel(name or "difference from the reference group", color=MUTED, fontsize=9)
    _legend(ax, subjects, series)
    return ax


def importance_pairs(frame: pd.DataFrame, ax: Axes | None = None, *, order: Sequence[str] = (), top: int = 12) -> Axes:
    """Teacher and students side by side: the share of the whole that each feature has.

    Parameters
    ----------
    frame : DataFrame
        Columns ``feature``, ``subject``, ``estimate`` (shares, at least 0), ``low`` and ``high`` where known.
    order : names of the students in the order of their colours
    top : number of features shown, the largest of any subject first

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> frame = pd.DataFrame({"feature": ["a", "b"], "subject": "teacher", "estimate": [0.2, 0.8]})
    >>> ax = plots.importance_pairs(frame, plots.figure().subplots())
    >>> [t.get_text() for t in ax.get_yticklabels()]
    ['b', 'a']
    """
    largest = frame.groupby("feature", observed=True)["estimate"].max().sort_values(ascending=False, kind="stable")
    shown = frame[frame["feature"].isin(largest.index[:top])].assign(group=lambda f: f["feature"])
    shown = shown.assign(rank=shown["feature"].map({f: i for i, f in enumerate(largest.index)}))
    shown = shown.sort_values("rank", kind="stable")
    for column in ("low", "high"):
        if column not in shown:
            shown = shown.assign(**{column: math.nan})
    ax = group_dots(shown, ax, order=order, name="share of importance")
    ax.set_xlim(left=min(0.0, ax.get_xlim()[0]))
    return ax


def reliability(frame: pd.DataFrame, ax: Axes | None = None, *, order: Sequence[str] = ()) -> Axes:
    """Reliability: what was said against what came true; on the diagonal, words are kept.

    Parameters
    ----------
    frame : DataFrame
        Columns ``subject``, ``predicted`` (mean probability of a bin), ``estimate`` (share that came true), ``low``,
        ``high``.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> frame = pd.DataFrame({"subject": ["tree"], "predicted": [0.2], "estimate": [0.3], "low": [0.2], "high": [0.4]})
    >>> plots.reliability(frame, plots.figure().subplots()).get_ylabel()
    'share that came true'
    """
    ax = axes(ax)
    subjects = list(dict.fromkeys(frame["subject"]))
    series = _series(subjects, order)
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    for subject in subjects:
        rows = frame[frame["subject"] == subject]
        _whiskers(ax, rows, rows["predicted"], rows["estimate"], subject, series[subject], horizontal=False)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.set_xlabel("predicted probability", color=MUTED, fontsize=9)
    ax.set_ylabel("share that came true", color=MUTED, fontsize=9)
    ax.grid(color=GRID, linewidth=0.8)
    _percent(ax, "x")
    _percent(ax, "y")
    _legend(ax, subjects, series, inside="upper left")
    return ax
