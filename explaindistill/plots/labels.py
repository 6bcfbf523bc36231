"""Names beside points that overprint neither one another nor the points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.plots.canvas import INK, MUTED, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["name_points"]

Boxes = NDArray[np.float64]
"""Left, bottom, right and top ``(m, 4)``, in pixels."""
FONT = 8.5
NEAR, RINGS = 9.0, 7
"""Distance of the nearest place from its point, in typographic points, and how many rings of places there are, each as
far again: seven lines away a name with a thin line to its point is still found."""
ANGLES = (0, 180, 90, 270, 45, 315, 135, 225)
"""Directions of the places on a ring, in degrees; beside a point is read most easily."""
MARGIN = 1.5
"""Pixels between two names that do not touch."""
POINT_RADIUS = 4.0
"""Pixels around a point that no name may cover."""


def name_points(
    ax: Axes, names: Sequence[str], x: ArrayLike, y: ArrayLike, others: NDArray[np.float64] | None = None
) -> None:
    """Write a name beside each point: at the nearest place where it covers no point, no other name and no edge.

    Names are placed in their order; one that finds no free place goes where it covers least. A name that is not beside
    its point has a thin line to it.

    Parameters
    ----------
    ax : Axes
        With its limits as they will be drawn: places are looked for in pixels.
    names : sequence of str, length m
    x, y : arrays of shape (m,)
        In data units.
    others : ndarray of shape (q, 2), optional
        Further points, in data units, that no name may cover.

    Examples
    --------
    >>> from explaindistill import plots
    >>> ax = plots.figure().subplots()
    >>> name_points(ax, ["tree", "gam"], [0.5, 0.5], [0.5, 0.51])
    >>> a, b = (text.get_window_extent() for text in ax.texts)
    >>> bool(a.overlaps(b))
    False
    """
    figure = ax.get_figure(root=True)
    assert figure is not None  # an Axes that is drawn on has one
    figure.draw_without_rendering()
    per_point = figure.dpi / 72
    points = ax.transData.transform(np.column_stack([x, y]))
    boxes = _around(points if others is None else np.vstack([points, ax.transData.transform(others)]))
    edge = ax.get_window_extent()
    for name, at in zip(names, points, strict=True):
        text = ax.annotate(label(name), xy=(0, 0), xycoords="figure pixels", fontsize=FONT)
        size = text.get_window_extent()
        text.remove()
        offset, box = _free_place(at, size.width, size.height, boxes, np.array(edge.extents), per_point)
        boxes = np.vstack([boxes, box])
        away = np.hypot(*np.maximum(np.abs(offset) - np.array([size.width, size.height]) / 2, 0))
        _write(ax, label(name), at, offset / per_point, away > 1.5 * NEAR * per_point)


def _around(points: NDArray[np.float64]) -> Boxes:
    """Boxes of points."""
    return np.hstack([points - POINT_RADIUS, points + POINT_RADIUS])


def _free_place(
    at: NDArray[np.float64], width: float, height: float, boxes: Boxes, edge: NDArray[np.float64], per_point: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offset of a name's centre from its point, in pixels, and its box there: the first place that covers least."""
    half = np.array([width, height]) / 2 + MARGIN
    best: tuple[float, NDArray[np.float64], NDArray[np.float64]] | None = None
    for ring in range(1, RINGS + 1):
        for angle in np.radians(ANGLES):
            direction = np.round([np.cos(angle), np.sin(angle)], 9)
            offset = direction * (NEAR * ring * per_point) + np.sign(direction) * (half - MARGIN) * [1, 0]
            box = np.concatenate([at + offset - half, at + offset + half])
            beyond = np.maximum(edge[:2] - box[:2], 0).sum() + np.maximum(box[2:] - edge[2:], 0).sum()
            covered = _overlap(box, boxes) + beyond * height
            if best is None or covered < best[0]:
                best = covered, offset, box
            if covered == 0:
                return offset, box
    assert best is not None
    return best[1], best[2]


def _overlap(box: NDArray[np.float64], boxes: Boxes) -> float:
    """Area, in square pixels, that a box shares with others."""
    wide = np.minimum(box[2], boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    high = np.minimum(box[3], boxes[:, 3]) - np.maximum(box[1], boxes[:, 1])
    return float((np.maximum(wide, 0) * np.maximum(high, 0)).sum())


def _write(ax: Axes, name: str, at: NDArray[np.float64], offset: NDArray[np.float64], far: bool) -> None:
    """The name itself, with a line to its point where it is not beside it."""
    line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3} if far else None
    text = ax.annotate(
        name, xy=tuple(ax.transData.inverted().transform(at)), xytext=tuple(offset), textcoords="offset points",
        fontsize=FONT, color=INK, va="center", ha="center", arrowprops=line, zorder=4,
    )  # fmt: skip
    text.set_in_layout(False)  # else the layout would move the axes, and the names over one another
