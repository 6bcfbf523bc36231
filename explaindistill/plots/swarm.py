"""Drawing of how Shapley values are spread, column by column, from counts of rows: a beeswarm without the bees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from explaindistill.plots.canvas import GRID, INK, MUTED, axes, boxes, label, resized, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["swarm"]

SHADES = ("#0072b2", "#6f9fbb", "#a7a7a7", "#d19a66", "#d55e00")
"""Low to high values of a column, from blue over grey to orange: told apart by colour-blind eyes."""
NO_ORDER = MUTED
HALF = 0.42
"""Half the height of the fullest cell of a column, in lines."""
THINNEST = 0.06
"""Of the fullest cell: a thinner one would not be seen."""
LINE_INCHES, REST_INCHES = 0.3, 0.75


def swarm(
    frame: pd.DataFrame,
    ax: Axes | None = None,
    *,
    unit: str = "",
    top: int = 10,
    ends: tuple[float, float] | None = None,
    legend: bool = True,
) -> Axes:
    """Where the Shapley values of one model lie, a line per column; a cell is as high as rows are dense in it.

    Blue cells hold low values of the column, orange ones high values, dark grey ones those of a column without order.

    Parameters
    ----------
    frame : DataFrame
        Lines of one model and one scale of the frame ``attribution_cells`` of an audit.
    unit : what the values add up to
    top : number of columns shown
    ends : of the axis, where several pictures share one; from the lines when None
    legend : whether the picture says what its colours are

    Examples
    --------
    >>> from explaindistill import plots
    >>> cells = {"subject": "gam", "feature": ["sex", "sex", "pay"], "value_from": [-1.0, 0.8, -0.2],
    ...          "value_to": [-0.8, 1.0, 0.2], "estimate": [0.4, 0.6, 1.0], "mean_rank": [float("nan")] * 2 + [0.5]}
    >>> ax = plots.swarm(pd.DataFrame(cells), plots.figure().subplots())
    >>> [t.get_text() for t in ax.get_yticklabels()], len(ax.patches)
    (['sex', 'pay'], 2)
    """
    ax = axes(ax)
    features = list(dict.fromkeys(frame["feature"].map(str)))[:top]
    of_shade: dict[str, list[tuple[float, float, float, float]]] = {}
    for i, feature in enumerate(features):
        rows = frame[frame["feature"] == feature]
        low, high = rows["value_from"].to_numpy(float), rows["value_to"].to_numpy(float)
        density = rows["estimate"].to_numpy(float) / np.maximum(high - low, 1e-300)
        for a, b, size, rank in zip(low, high, density / density.max(), rows["mean_rank"], strict=True):
            half = HALF * max(size, THINNEST)
            of_shade.setdefault(_shade(rank), []).append((a, b, i - half, i + half))
    for shade in (*SHADES, NO_ORDER):
        if shade in of_shade:
            boxes(ax, of_shade[shade], shade)
    ax.axvline(0, color=GRID, linewidth=1, zorder=0)
    ax.set_yticks(range(len(features)), [wrapped(f, 20) for f in features])
    ax.set_ylim(len(features) - 0.4, -0.6)
    if len(frame) and ends is None:
        ends = float(frame["value_from"].min()), float(frame["value_to"].max())
    if ends is not None:
        room = 0.03 * (ends[1] - ends[0])
        ax.set_xlim(ends[0] - room, ends[1] + room)
    subject = label(frame["subject"].iloc[0]) if len(frame) else "model"
    ax.set_xlabel(f"{subject}: adds to the {unit}" if unit else subject, color=MUTED, fontsize=9)
    if legend:
        _legend(ax, of_shade)
    return resized(ax, REST_INCHES + LINE_INCHES * max(len(features), 1))


def _shade(rank: Any) -> str:
    return NO_ORDER if pd.isna(rank) else SHADES[min(int(float(rank) * len(SHADES)), len(SHADES) - 1)]


def _legend(ax: Axes, of_shade: dict[str, Any]) -> None:
    from matplotlib.patches import Patch

    ends = [(SHADES[0], "low values"), (SHADES[-1], "high values"), (NO_ORDER, "no order")]
    ordered = any(shade in of_shade for shade in SHADES)
    handles = [Patch(facecolor=c, label=w) for c, w in ends if c in of_shade or (c != NO_ORDER and ordered)]
    if handles:
        ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, fontsize=9,
                  labelcolor=INK, borderaxespad=0.2, handlelength=1, columnspacing=1.2)  # fmt: skip
