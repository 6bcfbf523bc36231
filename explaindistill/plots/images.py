"""One image: where it counted for an answer or against it, which typical images it is near to, and by how much."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.plots.canvas import SERIES, figure, label, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["image_reasons"]

MOST_BARS = 8
"""Columns whose contributions are written beside the image; the others are summed in one line."""
SIGNED = 0.1
"""Places that hold less than this share of the strongest one bear no sign."""
SIGNS = 8
"""Signs across an image that can be told apart."""


def image_reasons(
    image: NDArray[np.float64],
    places: NDArray[np.float64],
    contributions: pd.Series,
    answer: Any,
    typical: Sequence[tuple[str, str, NDArray[np.float64]]] = (),
) -> Axes:
    """Image, contributions by place, typical images, and contributions by column, beside each other.

    What counts for the answer is blue and bears a plus sign, what counts against it is orange with a minus sign.

    Parameters
    ----------
    image : ndarray of shape (h, w, c)
        Levels from 0 to 1; three channels are red, green and blue, and of other numbers the mean is shown.
    places : ndarray of shape (gh, gw)
        Contributions by place on a grid of the image.
    contributions : Series
        By name of a column, the strongest first.
    answer : object
    typical : sequence of (words, name, image)

    Returns
    -------
    Axes
        Those of the image; its figure holds the others.

    Examples
    --------
    >>> counted = pd.Series({"ink, top": 1.5})
    >>> ax = image_reasons(np.zeros((4, 4, 1)), np.array([[1.5], [0.0]]), counted, "seven")
    >>> [other.get_title() for other in ax.figure.axes]
    ['answer: seven', '+ for it, − against it', '']
    """
    widths = [1.0] * (2 + len(typical)) + [1.6]
    axes = figure(2.1 * sum(widths), 2.6).subplots(1, len(widths), width_ratios=widths)
    _picture(axes[0], image, f"answer: {label(answer)}")
    _overlay(axes[1], _grey(image), places)
    for ax, (words, name, levels) in zip(axes[2:-1], typical, strict=True):
        _picture(ax, levels, f"{words}:\n{_wrapped(name, 22)}")
    _bars(axes[-1], contributions)
    return axes[0]


def _grey(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    return levels.mean(axis=-1)


def _picture(ax: Axes, levels: NDArray[np.float64], title: str) -> None:
    shown = levels if levels.shape[-1] == 3 else _grey(levels)
    ax.imshow(shown, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
    ax.set_title(title, fontsize=9)
    ax.set_axis_off()


def _overlay(ax: Axes, grey: NDArray[np.float64], places: NDArray[np.float64]) -> None:
    """Contributions over a faint image."""
    from matplotlib.colors import LinearSegmentedColormap

    rows, columns = places.shape
    extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
    ax.imshow(0.5 + 0.5 * grey, cmap="gray", vmin=0.0, vmax=1.0, extent=extent, aspect="auto", interpolation="nearest")
    ax.set_box_aspect(grey.shape[0] / grey.shape[1])
    ax.set_axis_off()
    most = float(np.abs(places).max())
    ax.set_title("+ for it, − against it" if most > 0 else "nothing counted\nat one place", fontsize=9)
    if most == 0:
        return
    shades = LinearSegmentedColormap.from_list("for and against", [SERIES[1], "#ffffff", SERIES[0]])
    strength = 0.75 * np.abs(places) / most
    ax.imshow(places, cmap=shades, vmin=-most, vmax=most, alpha=strength, extent=extent, aspect="auto")
    for i, j, value in _blocks(places):
        if abs(value) >= SIGNED * most:
            ax.text(j, i, "+" if value > 0 else "−", ha="center", va="center", fontsize=8)


def _blocks(places: NDArray[np.float64]) -> list[tuple[float, float, float]]:
    """Middle row, middle column and mean of each block that may bear a sign."""
    rows, columns = (np.array_split(np.arange(n), min(n, SIGNS)) for n in places.shape)
    return [(float(r.mean()), float(c.mean()), float(places[np.ix_(r, c)].mean())) for r in rows for c in columns]


def _bars(ax: Axes, contributions: pd.Series) -> None:
    """The strongest contributions by column, in words and figures."""
    names = [_wrapped(name, 30) for name in contributions.index[:MOST_BARS]]
    values = contributions.iloc[:MOST_BARS].tolist()
    if len(contributions) > MOST_BARS:
        names.append(f"{len(contributions) - MOST_BARS} other columns")
        values.append(float(contributions.iloc[MOST_BARS:].sum()))
    look(ax)
    ax.barh(range(len(values)), values, color=[SERIES[0] if value > 0 else SERIES[1] for value in values])
    ax.set_yticks(
        range(len(values)), [f"{v:+.2f} {n}".replace("-", "−", 1) for v, n in zip(values, names, strict=True)]
    )
    ax.invert_yaxis()
    ax.yaxis.tick_right()
    ax.set_xlabel("contribution to the answer", fontsize=8)
    ax.tick_params(labelsize=7, length=0)


def _wrapped(name: Any, width: int) -> str:
    """A name in lines of about so many letters, as matplotlib may print it."""
    return textwrap.fill(label(name, 120), width)
