"""Drawing of how answers change along one column, over where the rows are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from explaindistill.errors import InvalidInputError
from explaindistill.plots.canvas import GRID, INK, MUTED, PAPER, axes, series_style, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["dependence"]

DENSITY = 0.16
"""Share of the picture's height for the bars that say where rows are: they must not hide a curve."""
NAME_INCHES = 1.1
"""Width of a mark and the name of a model of average length."""
DASHES = ("-", "--", "-.", ":")


def dependence(
    frame: pd.DataFrame, feature: str, ax: Axes | None = None, *, metric: str = "", order: Sequence[str] = ()
) -> Axes:
    """Curves of all models along a column, with bands of 95 % and small bars where the rows are.

    Of levels each is a line of its own, from the top the commonest; the teacher is a ring, a student a mark.

    Parameters
    ----------
    frame : DataFrame
        The frame ``dependence`` of an audit.
    feature : str
    metric : "accumulated_effect" or "partial_dependence"
        The first where there is one, when empty.
    order : names of the students in the order of their colours

    Raises
    ------
    InvalidInputError
        If the frame has no such curve.

    Examples
    --------
    >>> from explaindistill import plots
    >>> line = {"metric": "accumulated_effect", "subject": "teacher", "feature": "age", "kind": "line",
    ...         "unit": "probability of yes", "low": [0.1, 0.2], "high": [0.3, 0.4], "estimate": [0.2, 0.3],
    ...         "value": [20.0, 60.0], "place": ["20", "60"]}
    >>> ax = plots.dependence(pd.DataFrame(line), "age", plots.figure().subplots())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('age', 'probability of yes')
    """
    mine = frame[(frame["feature"] == feature) & np.isfinite(frame["estimate"].astype(float))]
    curves = mine[mine["metric"] == (metric or _first(mine))]
    if curves.empty:
        columns = ", ".join(dict.fromkeys(frame["feature"].map(str))) or "none; measure with audit(dependence=True)"
        raise InvalidInputError(f"feature must have a curve in the frame, got {feature!r}; there are: {columns}")
    ax = axes(ax)
    students = [s for s in (order or dict.fromkeys(curves["subject"])) if s != "teacher"]
    density = mine[mine["metric"] == "share_of_rows"]
    is_share = str(curves["unit"].iloc[0]).startswith("probability")
    draw = _levels if curves["kind"].iloc[0] == "levels" or curves["value"].notna().sum() == 0 else _lines
    draw(ax, curves, density, students, is_share)
    return ax


def _first(frame: pd.DataFrame) -> str:
    """The accumulated effect, where the column has one."""
    measured = set(frame["metric"])
    return "accumulated_effect" if "accumulated_effect" in measured else "partial_dependence"


def _look(subject: str, students: Sequence[str]) -> tuple[str, str, str]:
    """Colour, dash and mark of a model; the teacher has ink, a full line and an open ring."""
    if subject not in students:
        return INK, "-", "o"
    colour, mark = series_style(students.index(subject))
    return colour, DASHES[(students.index(subject) + 1) % len(DASHES)], mark


def _lines(ax: Axes, curves: pd.DataFrame, density: pd.DataFrame, students: Sequence[str], is_share: bool) -> None:
    for subject, rows in curves.groupby("subject", sort=False):
        colour, dash, mark = _look(str(subject), students)
        line = rows[rows["value"].notna()]
        x, (y, low, high) = line["value"].to_numpy(float), _bounded(line, is_share)
        ax.fill_between(x, low, high, color=colour, alpha=0.14, linewidth=0)
        ax.plot(x, y, color=colour, linestyle=dash, linewidth=2.2 if subject == "teacher" else 1.8,
                label=wrapped(subject, 18))  # fmt: skip
        for _, row in rows[rows["value"].isna()].iterrows():  # a missing value stands right of the line
            place = x[-1] + 0.06 * np.ptp(x)
            ax.plot([place], [row["estimate"]], marker=mark, color=colour, markerfacecolor=PAPER, markersize=6)
    if is_share:
        _percent(ax)
    _density_of_line(ax, density, curves)
    if (curves["value"].isna()).any():
        _name_missing(ax, curves)
    ax.set_xlabel(wrapped(curves["feature"].iloc[0], 34), color=INK, fontsize=9)
    ax.set_ylabel(wrapped(curves["unit"].iloc[0], 34), color=MUTED, fontsize=9)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
    _legend(ax, len(dict.fromkeys(curves["subject"])))


def _bounded(rows: pd.DataFrame, is_share: bool) -> list[np.ndarray]:
    """Estimate and limits; of probabilities none is drawn outside of 0 to 1, where effects may add up to."""
    values = [rows[c].to_numpy(float) for c in ("estimate", "low", "high")]
    values = [np.where(np.isfinite(v), v, values[0]) for v in values]
    return [np.clip(v, 0, 1) for v in values] if is_share else values


def _density_of_line(ax: Axes, density: pd.DataFrame, curves: pd.DataFrame) -> None:
    """Bars as wide as the cells; their height is the share of the rows by width, the highest a sixth of the picture."""
    edges = curves["value"].dropna().drop_duplicates().to_numpy(float)
    if density.empty:
        return
    shares = density.drop_duplicates("value").set_index("value")["estimate"].reindex(edges[1:]).to_numpy(float)
    if not np.isfinite(shares).any():
        return
    thick = np.nan_to_num(shares) / np.diff(edges)
    height = DENSITY * thick / thick.max()
    ax.bar(edges[:-1], height, np.diff(edges), align="edge", transform=ax.get_xaxis_transform(), color=MUTED,
           alpha=0.28, linewidth=0, zorder=0)  # fmt: skip


def _name_missing(ax: Axes, curves: pd.DataFrame) -> None:
    x = curves["value"].dropna().to_numpy(float)
    ax.annotate(
        "missing", (x.max() + 0.06 * np.ptp(x), 0), xycoords=ax.get_xaxis_transform(), xytext=(0, -4),
        textcoords="offset points", ha="center", va="top", fontsize=8, color=MUTED,
    )  # fmt: skip


def _levels(ax: Axes, curves: pd.DataFrame, density: pd.DataFrame, students: Sequence[str], is_share: bool) -> None:
    """Levels from top to bottom: any number of them stays legible, however long their names."""
    places = list(dict.fromkeys(curves["place"]))
    at, subjects = {p: i for i, p in enumerate(places)}, list(dict.fromkeys(curves["subject"]))
    step = 0.62 / max(len(subjects), 1)
    for i, subject in enumerate(subjects):
        colour, _, mark = _look(str(subject), students)
        rows = curves[curves["subject"] == subject]
        y = rows["place"].map(at).to_numpy(float) + step * (i - (len(subjects) - 1) / 2)
        x, low, high = _bounded(rows, is_share)
        ax.hlines(y, low, high, color=colour, linewidth=1.6)
        ax.plot(x, y, linestyle="", marker=mark, color=colour, markersize=6, label=wrapped(subject, 18),
                markerfacecolor=colour if subject in students else PAPER, markeredgewidth=1.5)  # fmt: skip
    shares = density.set_index("place")["estimate"].reindex(places).to_numpy(float)
    if np.isfinite(shares).any():
        widths = DENSITY * np.nan_to_num(shares) / np.nanmax(shares)
        ax.barh(range(len(places)), widths, 0.8, transform=ax.get_yaxis_transform(), color=MUTED, alpha=0.28,
                linewidth=0, zorder=0)  # fmt: skip
    ax.set_yticks(range(len(places)), [wrapped(p, 24) for p in places])
    ax.set_ylim(len(places) - 0.4, -0.6)
    if is_share:
        _percent(ax, "x")
    ax.set_xlabel(wrapped(curves["unit"].iloc[0], 34), color=MUTED, fontsize=9)
    ax.set_ylabel(wrapped(curves["feature"].iloc[0], 34), color=INK, fontsize=9)
    ax.grid(axis="x", color=GRID, linewidth=0.8)
    _legend(ax, len(subjects))


def _percent(ax: Axes, axis: str = "y") -> None:
    (ax.yaxis if axis == "y" else ax.xaxis).set_major_formatter(lambda value, _: f"{100 * value:.4g} %")


def _legend(ax: Axes, n: int) -> None:
    """Names above the axes, in as many columns as the width has room for."""
    if n > 1:
        width = ax.get_window_extent().width / ax.figure.dpi
        n_columns = max(1, min(4, n, int(width / NAME_INCHES)))
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=n_columns, frameon=False, fontsize=9,
                  labelcolor=INK, borderaxespad=0.2, handletextpad=0.5, columnspacing=1.4)  # fmt: skip
