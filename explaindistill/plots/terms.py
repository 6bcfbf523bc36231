"""Drawings of the terms of a sum: a curve, dots for levels, or the surface of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.drawing import CurvesDrawing, DrawnTerm
from explaindistill.plots.canvas import GRID, INK, MUTED, SERIES, axes, label, resized, series_style, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["shape", "surface", "term", "terms"]

DENSITY = 0.12
"""Share of the picture for the bars that say where the rows of the fit are: they must not hide a curve."""
UPRIGHT = 6
"""Levels up to which names stand below the axis; more have a line each, from top to bottom."""
COLUMNS = 3
"""Terms beside each other: as many as are legible on a page."""
PANEL_INCHES = (3.6, 2.8)
LEVEL_INCHES = 0.22
"""Height of a level that has a line of its own."""
MOST = 12
"""Levels that have a line in axes that were given, those of most rows: more are not legible in a small panel."""
MOST_ALONE = 100
"""The same of a term that has a figure to itself, as high as it needs."""


def shape(
    frame: pd.DataFrame,
    ax: Axes | None = None,
    *,
    name: str = "",
    effect: str = "effect on the score",
    most: int = MOST,
) -> Axes:
    """One term of an additive model: a curve with its band, or a dot with a whisker for each level.

    Small bars say where rows are. More than six levels have a line each, the commonest first.

    Parameters
    ----------
    frame : DataFrame
        Columns ``x`` (numbers) or ``level`` (words), then ``estimate``, and ``low``, ``high`` and ``n`` (rows near the
        place) where known.
    name : label of the feature
    effect : label of the axis of effects, with its unit
    most : int
        Levels drawn at most.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> ax = plots.shape(pd.DataFrame({"x": [0, 1], "estimate": [0.0, 0.5]}), plots.figure().subplots(), name="age")
    >>> ax.get_xlabel()
    'age'
    """
    ax = axes(ax)
    levels = list(dict.fromkeys(frame["level"])) if "level" in frame else []
    down = len(levels) > UPRIGHT
    if down:
        frame, name = _commonest(frame, levels, most, name)
    outputs = list(dict.fromkeys(frame["output"])) if "output" in frame else [""]
    for i, output in enumerate(outputs):
        rows = frame[frame["output"] == output] if len(outputs) > 1 else frame
        (_down if down else _levels if levels else _line)(ax, rows, i, len(outputs))
    if len(outputs) > 1:
        looks: dict[str, Any] = {"frameon": False, "fontsize": 8, "labelcolor": INK}
        corner: dict[str, Any] = {"loc": "lower right" if down else "lower left", "bbox_to_anchor": (int(down), 1.0)}
        ax.legend(ax.lines[: len(outputs)], [wrapped(o, 34) for o in outputs], **corner, **looks)
    _density(ax, frame[frame["output"] == outputs[0]] if len(outputs) > 1 else frame, down)
    (ax.axvline if down else ax.axhline)(0, color=MUTED, linewidth=1)
    ax.grid(axis="x" if down else "y", color=GRID, linewidth=0.8)
    named, measured = (ax.set_ylabel, ax.set_xlabel) if down else (ax.set_xlabel, ax.set_ylabel)
    named(wrapped(name, 34) if name else "", color=INK, fontsize=9)
    measured(effect, color=MUTED, fontsize=9)
    return ax


def _commonest(frame: pd.DataFrame, levels: list[Any], most: int, name: str) -> tuple[pd.DataFrame, str]:
    """Levels from that of most rows down, and no more than can be read; without counts as they come."""
    if "n" in frame:
        rows = frame.drop_duplicates("level").set_index("level")["n"].astype(float)
        levels = sorted(levels, key=lambda level: -float(rows[level]))
    shown = levels[:most]
    of_all = f" ({len(shown)} of {len(levels)} levels, the commonest)" if len(shown) < len(levels) else ""
    rank = {level: i for i, level in enumerate(shown)}
    chosen = frame[frame["level"].isin(shown)]
    return chosen.iloc[np.argsort(chosen["level"].map(rank).to_numpy(), kind="stable")], name + of_all


def _down(ax: Axes, frame: pd.DataFrame, i: int, n: int) -> None:
    """Levels from top to bottom: their names are read without turning the head."""
    (colour, marker), places = series_style(i), np.arange(len(frame)) + 0.16 * (i - (n - 1) / 2)
    ax.plot(frame["estimate"], places, linestyle="", marker=marker, color=colour, markersize=5)
    if n == 1 and _banded(frame):
        ax.hlines(places, frame["low"], frame["high"], color=colour, linewidth=1.6)
    ax.set_yticks(np.arange(len(frame)), [wrapped(v, 24) for v in frame["level"]])
    ax.set_ylim(len(frame) - 0.4, -0.6)


def _density(ax: Axes, frame: pd.DataFrame, down: bool) -> None:
    """Bars from the axis on; along a line of numbers rows by width, the highest :data:`DENSITY` of the picture."""
    if "n" not in frame or not (frame["n"].astype(float) > 0).any():
        return
    thick = frame["n"].to_numpy(dtype=float)
    look: dict[str, Any] = {"color": MUTED, "alpha": 0.28, "linewidth": 0, "zorder": 0}
    if "x" in frame:
        x = frame["x"].to_numpy(dtype=float)
        if len(x) < 2:
            return
        thick = thick / np.gradient(x)
        ax.fill_between(x, 0, DENSITY * thick / thick.max(), transform=ax.get_xaxis_transform(), **look)
    elif down:
        ax.barh(np.arange(len(frame)), DENSITY * thick / thick.max(), 0.8, transform=ax.get_yaxis_transform(), **look)
    else:
        ax.bar(np.arange(len(frame)), DENSITY * thick / thick.max(), 0.6, transform=ax.get_xaxis_transform(), **look)


def _line(ax: Axes, frame: pd.DataFrame, i: int, n: int) -> None:
    colour, dashes = series_style(i, ("-", "--", "-.", ":"))
    if n == 1 and _banded(frame):
        ax.fill_between(frame["x"], frame["low"], frame["high"], color=colour, alpha=0.22, linewidth=0)
    ax.plot(frame["x"], frame["estimate"], color=colour, linewidth=2, linestyle=dashes)


def _levels(ax: Axes, frame: pd.DataFrame, i: int, n: int) -> None:
    (colour, marker), places = series_style(i), np.arange(len(frame)) + 0.16 * (i - (n - 1) / 2)
    ax.plot(places, frame["estimate"], linestyle="", marker=marker, color=colour, markersize=6)
    if n == 1 and _banded(frame):
        ax.vlines(places, frame["low"], frame["high"], color=colour, linewidth=1.6)
    crowded = len(frame) > 4 or frame["level"].map(lambda v: len(str(v))).max() > 9
    turn: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    ax.set_xticks(np.arange(len(frame)), [label(v, 16) for v in frame["level"]], **turn)
    ax.set_xlim(-0.6, len(frame) - 0.4)


def _banded(frame: pd.DataFrame) -> bool:
    return {"low", "high"} <= set(frame) and bool(np.isfinite(frame[["low", "high"]].to_numpy(dtype=float)).all())


def surface(
    frame: pd.DataFrame, ax: Axes | None = None, *, names: tuple[str, str] = ("x", "y"), effect: str = "effect"
) -> Axes:
    """A pair of features in an additive model: blue lowers the score, orange raises it, numbers say how much.

    Parameters
    ----------
    frame : DataFrame
        Columns ``x``, ``y`` (numbers or words), ``estimate``; one row per cell of a full grid.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> frame = pd.DataFrame({"x": [0, 1, 0, 1], "y": [0, 0, 1, 1], "estimate": [0.1, 0.0, 0.0, -0.1]})
    >>> plots.surface(frame, plots.figure().subplots(), names=("a", "b")).get_ylabel()
    'b'
    """
    from matplotlib.colors import LinearSegmentedColormap

    ax = axes(ax)
    ticks_x, ticks_y = list(dict.fromkeys(frame["x"])), list(dict.fromkeys(frame["y"]))
    values = (
        frame.pivot(index="y", columns="x", values="estimate")
        .reindex(index=ticks_y, columns=ticks_x)
        .to_numpy(dtype=float)
    )
    limit = float(np.nanmax(np.abs(values))) or 1.0
    colours = LinearSegmentedColormap.from_list("two", [SERIES[0], "#f4f4f2", SERIES[1]])
    ax.pcolormesh(
        np.arange(values.shape[1] + 1), np.arange(values.shape[0] + 1), values, cmap=colours, vmin=-limit, vmax=limit
    )
    if values.size <= 64:
        for (i, j), value in np.ndenumerate(values):
            ax.text(
                j + 0.5,
                i + 0.5,
                f"{value:+.2f}".replace("-", "−"),
                ha="center",
                va="center",
                fontsize=7,
                color="#101418",
            )
    for axis, ticks in ((ax.xaxis, ticks_x), (ax.yaxis, ticks_y)):
        chosen = np.unique(np.linspace(0, len(ticks) - 1, min(len(ticks), 6)).round().astype(int))
        axis.set_ticks(chosen + 0.5, [_tick(ticks[i]) for i in chosen])
    ax.set_xlabel(wrapped(names[0], 34), color=INK, fontsize=9)
    ax.set_ylabel(wrapped(names[1], 26), color=INK, fontsize=9)
    ax.set_title(f"{effect}, from −{limit:.2g} (blue) to +{limit:.2g} (orange)", fontsize=8, color=MUTED, loc="left")
    return ax


def _tick(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float, np.number)) else label(value, 12)


def term(thing: DrawnTerm, ax: Axes | None = None, *, effect: str = "effect on the score") -> Axes:
    """Draw one term of an additive model, as :func:`shape` or :func:`surface`.

    Axes that are made here are as high as the levels need, and have up to a hundred of them.

    Examples
    --------
    >>> from explaindistill.plots import figure
    >>> frame = pd.DataFrame({"x": [20.0, 40.0, 60.0], "estimate": [-1.0, 0.0, 1.0], "low": [-1.2, -0.1, 0.7],
    ...                       "high": [-0.8, 0.1, 1.3]})
    >>> thing = DrawnTerm("age", ("age",), frame, missing=-0.5, spread=1.0)
    >>> ax = term(thing, figure().subplots(), effect="log-odds of yes")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('age (missing: −0.50)', 'log-odds of yes')
    """
    if len(thing.features) == 2:
        return surface(thing.frame, ax, names=(thing.features[0], thing.features[1]), effect=effect)
    name = thing.features[0]
    if np.isfinite(thing.missing):
        name += f"  (missing: {thing.missing:+.2f})".replace("-", "−")
    if ax is not None:
        return shape(thing.frame, ax, name=name, effect=effect)
    ax = shape(thing.frame, name=name, effect=effect, most=MOST_ALONE)
    n_lines = min(len(ax.get_yticks()), MOST_ALONE) if ax.yaxis_inverted() else 0
    return resized(ax, 1.0 + LEVEL_INCHES * n_lines) if n_lines > MOST else ax


def terms(drawing: CurvesDrawing) -> NDArray[Any]:
    """Draw all terms of an additive model beside each other, the strongest first, in a figure of pyplot's.

    Returns
    -------
    ndarray of Axes of shape (terms,)

    Examples
    --------
    >>> frame = pd.DataFrame({"x": [20.0, 40.0], "estimate": [-1.0, 1.0]})
    >>> both = [DrawnTerm(name, (name,), frame) for name in ("age", "pay")]
    >>> [ax.get_xlabel() for ax in terms(CurvesDrawing(tuple(both), "log-odds"))]
    ['age', 'pay']
    """
    import matplotlib.pyplot as plt

    n = len(drawing.terms)
    n_columns = max(1, min(COLUMNS, n))
    n_rows = max(1, -(-n // n_columns))
    figure = plt.figure(figsize=(PANEL_INCHES[0] * n_columns, PANEL_INCHES[1] * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for panel in panels[n:]:
        panel.remove()
    return np.array([term(t, ax, effect=drawing.unit) for t, ax in zip(drawing.terms, panels, strict=False)])
