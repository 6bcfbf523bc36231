"""One image with what counted for a student's answer: where, by how much, and which typical images it is close to."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill import plugins
from explaindistill.domains._contributions import Contributions
from explaindistill.domains.image.columns import ImageColumns

__all__ = ["contribution_map", "draw_image"]

MOST_BARS = 8
"""Columns whose contributions are written beside the image; the others are summed in one line."""
FOR, AGAINST = "#0072b2", "#d55e00"
SIGNED = 0.1
"""Places that hold less than this share of the strongest one bear no sign."""


def contribution_map(image: Any, columns: ImageColumns, reasons: pd.DataFrame) -> tuple[NDArray[np.float64], pd.Series]:
    """Contributions by place ``(gh, gw)``, and those of columns that are about the image as a whole.

    Both together sum to all contributions to the answer. What a typical image counts is shared out by the squared
    difference at each place.
    """
    counted = Contributions.of(reasons).by_column
    places = np.zeros(columns.read(_single(image)).grid.shape)
    whole = {}
    for name, contribution in counted.items():
        weights = columns.weights(image, str(name)) if name in columns.get_feature_names_out() else None
        if weights is None:
            whole[name] = contribution
        else:
            places += contribution * weights
    return places, pd.Series(whole, dtype=float)


def draw_image(image: Any, columns: ImageColumns, reasons: pd.DataFrame) -> Any:
    """Axes of the image; its figure holds the contributions by place and by column, and two typical images.

    Returns
    -------
    matplotlib.axes.Axes
    """
    import matplotlib.pyplot as plt

    plots = plugins.door("plots")
    counted = Contributions.of(reasons)
    close, far = _nearest(image, columns)
    n_panels = 3 + (close is not None) + (far is not None)
    widths = [1.0, 1.0, *([1.0] * (n_panels - 3)), 1.6]
    size = (2.1 * sum(widths), 2.6)
    axes = plt.subplots(1, n_panels, figsize=size, width_ratios=widths, layout="constrained")[1]
    _picture(axes[0], columns.read(_single(image)).levels[0], f"answer: {plots.label(counted.answer)}")
    _overlay(axes[1], image, columns, reasons)
    for ax, at, words in zip(axes[2:], (close, far), ("closer to this", "than to that"), strict=False):
        if at is not None:
            name = columns.prototype_names_[at].removeprefix("unlike a ")
            _picture(ax, columns.prototypes_[at], f"{words}:\n{_wrapped(name, plots, 22)}")
    _bars(axes[-1], counted, plots)
    return axes[0]


def _single(image: Any) -> NDArray[np.object_]:
    single = np.empty(1, dtype=object)
    single[0] = np.asarray(image)
    return single


def _nearest(image: Any, columns: ImageColumns) -> tuple[int | None, int | None]:
    """The nearest typical image, and the nearest of another class."""
    if not columns.prototype_names_:
        return None, None
    small = columns.read(_single(image)).small[0]
    order = np.argsort(((columns.prototypes_ - small) ** 2).mean(axis=(1, 2, 3)), kind="stable").tolist()
    groups = columns.prototype_groups_
    return order[0], next((j for j in order if groups[j] != groups[order[0]]), None)


def _picture(ax: Any, levels: NDArray[np.float64], title: str) -> None:
    if levels.shape[-1] in (1, 3):
        shown = levels[..., 0] if levels.shape[-1] == 1 else levels
    else:
        shown = levels.mean(axis=-1)  # channels that are no colours have no picture but their mean
    ax.imshow(shown, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
    ax.set_title(title, fontsize=9)
    ax.set_axis_off()


def _overlay(ax: Any, image: Any, columns: ImageColumns, reasons: pd.DataFrame) -> None:
    """Blue and + for the answer, orange and − against it, over a faint image."""
    from matplotlib.colors import LinearSegmentedColormap

    places, _ = contribution_map(image, columns, reasons)
    rows, cols = places.shape
    levels = columns.read(_single(image)).levels
    faint = 0.5 + 0.5 * columns.pixels_.brightness(levels)[0]
    extent = (-0.5, cols - 0.5, rows - 0.5, -0.5)
    ax.imshow(faint, cmap="gray", vmin=0.0, vmax=1.0, extent=extent, interpolation="nearest")
    most = float(np.abs(places).max())
    ax.set_title("+ for it, − against it" if most > 0 else "nothing counted\nat one place", fontsize=9)
    ax.set_axis_off()
    if most == 0:
        return
    shades = LinearSegmentedColormap.from_list("for and against", [AGAINST, "#ffffff", FOR])
    strength = np.abs(places) / most
    ax.imshow(places, cmap=shades, vmin=-most, vmax=most, alpha=0.75 * strength, extent=extent, interpolation="nearest")
    step = max(1, max(rows, cols) // 8)  # a sign for each of about 8 × 8 places can be told apart
    for i in range(0, rows, step):
        for j in range(0, cols, step):
            block = places[i : i + step, j : j + step]
            if abs(block.mean()) >= SIGNED * most:
                place = (j + (block.shape[1] - 1) / 2, i + (block.shape[0] - 1) / 2)
                ax.text(*place, "+" if block.mean() > 0 else "−", ha="center", va="center", fontsize=8)


def _bars(ax: Any, counted: Contributions, plots: Any) -> None:
    """The strongest contributions by column, in words and figures."""
    strongest = counted.by_column.iloc[:MOST_BARS]
    rest = counted.by_column.iloc[MOST_BARS:]
    names = [_wrapped(name, plots, 30) for name in strongest.index]
    values = strongest.tolist()
    if len(rest):
        names.append(f"{len(rest)} other columns")
        values.append(float(rest.sum()))
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.barh(range(len(values)), values, color=[FOR if value > 0 else AGAINST for value in values])
    ax.set_yticks(range(len(values)), names, fontsize=7)
    ax.invert_yaxis()
    ax.yaxis.tick_right()
    for place, value in enumerate(values):
        ax.annotate(f"{value:+.2f}", (0.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=7)
    ax.set_xlabel("contribution to the answer", fontsize=8)
    ax.tick_params(labelsize=7, length=0)


def _wrapped(name: Any, plots: Any, width: int) -> str:
    """A name in lines of about so many letters, as matplotlib may print it."""
    return textwrap.fill(plots.label(name, 120), width)
