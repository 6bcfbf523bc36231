"""Policies drawn: what teacher and student do over a phase plane, along an episode, and what each earns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from explaindistill.plots.canvas import GRID, INK, MARKERS, MUTED, PAPER, SERIES, label, look, series_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["phase_plane", "timeline"]

TINT = 0.28
"""Opacity of the grounds of actions: a line of ink stays legible on them, on a light page and on a dark one."""
DEPTHS = (0.06, 0.18, 0.3, 0.42, 0.54)
"""Opacities of the levels of a continuous action, the smallest first."""
HATCHES = ("", "///", "...", "xxx", "|||", "---")
"""So that no action is told by its colour alone."""
DASHES = ("-", "--")


def phase_plane(
    cells: pd.DataFrame,
    paths: pd.DataFrame,
    labels: tuple[str, str],
    actions: Sequence[str] | str,
    axes: Sequence[Axes] | None = None,
) -> Any:
    """Teacher and student side by side: the action in every cell, and one episode as a line from its start.

    Parameters
    ----------
    cells : DataFrame
        ``subject``, ``x``, ``y`` on a full grid, ``action``: its place, or a number.
    paths : DataFrame
        ``subject``, ``x``, ``y`` in the order of steps.
    labels : pair of str
        Of both axes, with their units.
    actions : sequence of str, or str
        Names of numbered actions; of a continuous one its own.
    axes : sequence of Axes, optional
        One per subject.

    Returns
    -------
    ndarray of Axes

    Examples
    --------
    >>> from explaindistill.plots import figure
    >>> x, y = (axis.ravel() for axis in np.meshgrid([0.0, 1.0], [0.0, 1.0]))
    >>> cells = pd.DataFrame({"subject": "teacher", "x": x, "y": y, "action": [0, 1, 0, 1]})
    >>> path = pd.DataFrame({"subject": "teacher", "x": [0.0, 1.0], "y": [0.0, 1.0]})
    >>> drawn = phase_plane(cells, path, ("place", "speed"), ["left", "right"], [figure().subplots()])
    >>> drawn[0].get_title(), drawn[0].get_xlabel()
    ('teacher', 'place')
    """
    subjects = list(dict.fromkeys(cells["subject"]))
    panels = _panels(axes, len(subjects), side_by_side=True)
    for ax, who in zip(panels, subjects, strict=True):
        grid = cells[cells["subject"] == who]
        table = grid.pivot(index="y", columns="x", values="action")
        _ground(ax, table, actions)
        line = paths[paths["subject"] == who]
        ax.plot(line["x"], line["y"], color=INK, linewidth=1.1)
        ax.plot(line["x"].iloc[:1], line["y"].iloc[:1], marker="o", color=INK, markersize=5, linestyle="")
        ax.plot(line["x"].iloc[-1:], line["y"].iloc[-1:], marker="X", color=INK, markersize=6, linestyle="")
        ax.set_title(label(who), fontsize=9, color=INK)
        ax.set_xlabel(label(labels[0]), fontsize=8, color=INK)
    panels[0].set_ylabel(label(labels[1]), fontsize=8, color=INK)
    return panels


def _ground(ax: Axes, table: pd.DataFrame, actions: Sequence[str] | str) -> None:
    look(ax)
    x, y = table.columns.to_numpy(dtype=float), table.index.to_numpy(dtype=float)
    if isinstance(actions, str):
        from matplotlib.colors import to_rgba

        levels = np.linspace(*_ends(table.to_numpy()), len(DEPTHS) + 1)
        tints = [to_rgba(SERIES[0], depth) for depth in DEPTHS]
        ax.contourf(x, y, table.to_numpy(), levels=levels, colors=tints)
        _legend(ax, [_box(tint, "") for tint in tints], [f"{a:.3g} to {b:.3g}" for a, b in pairwise(levels)], actions)
        return
    used = sorted(set(table.to_numpy().ravel().astype(int)))
    for place in used:
        inside = (table.to_numpy() == place).astype(float)
        styled: dict[str, Any] = {"colors": [_tint(place)], "hatches": [HATCHES[place % len(HATCHES)]]}
        ax.contourf(x, y, inside, levels=[0.5, 1.5], **styled).set_edgecolor(GRID)
    handles = [_box(_tint(place), HATCHES[place % len(HATCHES)]) for place in used]
    _legend(ax, handles, [label(actions[place]) for place in used])


def _tint(place: int) -> Any:
    from matplotlib.colors import to_rgba

    return to_rgba(series_colour(place), TINT)


def _legend(ax: Axes, handles: list[Any], words: list[str], title: str | None = None) -> None:
    shown = {"fontsize": 7, "title_fontsize": 7, "frameon": True, "facecolor": PAPER, "edgecolor": GRID}
    named: Any = shown | ({} if title is None else {"title": label(title)})
    ax.legend(handles, words, loc="lower left", labelcolor=INK, **named)


def _ends(values: Any) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _box(colour: Any, hatch: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, hatch=hatch, edgecolor=MUTED, linewidth=0.4)


def timeline(
    frame: pd.DataFrame, actions: Sequence[str] | str, axes: Sequence[Axes] | None = None, n_steps: int = 120
) -> Any:
    """Actions along one episode of each subject, and below the leaf or rule that decided the student's.

    Parameters
    ----------
    frame : DataFrame
        ``subject``, ``step``, ``action``, ``leaf``.
    actions : sequence of str, or str
        Names of numbered actions; of a continuous one its own.
    axes : pair of Axes, optional
    n_steps : int
        Steps that are shown, from the first.

    Returns
    -------
    ndarray of two Axes

    Examples
    --------
    >>> from explaindistill.plots import figure
    >>> frame = pd.DataFrame({"subject": "student", "step": [0, 1], "action": [0, 1], "leaf": [2.0, 4.0]})
    >>> above, below = timeline(frame, ["left", "right"], figure().subplots(2, 1))
    >>> [t.get_text() for t in above.get_yticklabels()], below.get_ylabel()
    (['left', 'right'], 'leaf in use')
    """
    above, below = _panels(axes, 2, side_by_side=False)
    numbered = not isinstance(actions, str)
    for i, (who, lines) in enumerate(frame[frame["step"] < n_steps].groupby("subject", sort=False)):
        colour, beside = SERIES[i % len(SERIES)], (0.12 if i == 0 else -0.12)
        if numbered:  # a policy may change its action at every step: marks beside each other stay legible, lines do not
            marks = {"linestyle": "", "marker": MARKERS[i], "markersize": 2.5}
            above.plot(lines["step"], lines["action"] + beside, color=colour, label=label(who), **marks)
        else:
            above.plot(
                lines["step"], lines["action"], color=colour, linestyle=DASHES[i % 2], label=label(who), linewidth=1
            )
        if lines["leaf"].notna().any():
            codes, leaves = pd.factorize(lines["leaf"], sort=True)
            below.plot(lines["step"], codes, linestyle="", marker=MARKERS[i], markersize=2.5, color=colour)
            below.set_yticks(range(len(leaves)), [f"{leaf:.0f}" for leaf in leaves])
    for ax in (above, below):
        look(ax)
    if numbered:
        above.set_yticks(range(len(actions)), [label(name) for name in actions])
        above.set_ylim(-0.5, len(actions) - 0.5)
    else:
        above.set_ylabel(label(actions), fontsize=8, color=INK)
    above.legend(fontsize=7, frameon=False, labelcolor=INK, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    below.set_ylabel("leaf in use", fontsize=8, color=INK)
    below.set_xlabel("step", fontsize=8, color=INK)
    return np.array([above, below])


def _panels(axes: Sequence[Axes] | None, n: int, side_by_side: bool) -> Any:
    if axes is not None:
        return np.ravel(np.asarray(axes, dtype=object))
    import matplotlib.pyplot as plt

    shape = (1, n) if side_by_side else (n, 1)
    size = (3.4 * n, 3.2) if side_by_side else (6.4, 2.0 * n)
    return np.ravel(plt.subplots(*shape, figsize=size, layout="constrained", squeeze=False)[1])
