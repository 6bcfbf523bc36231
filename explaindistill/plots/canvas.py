"""Paper, ink and colours: what all drawings share."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BAND",
    "GRID",
    "INK",
    "MARKERS",
    "MUTED",
    "PAPER",
    "SERIES",
    "axes",
    "boxes",
    "figure",
    "fitted",
    "label",
    "look",
    "resized",
    "series_colour",
    "series_style",
    "wrapped",
]

INK, MUTED, GRID, PAPER, BAND = "#1b1f24", "#5c6670", "#d8dde3", "#fefefe", "#e9eef4"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#b8609a", "#8a6d00", "#3a8fb7")
MARKERS = ("o", "s", "^", "D", "v", "P")


def figure(width: float = 6.4, height: float = 3.2) -> Figure:
    """Empty figure of a size in inches, outside pyplot's global state.

    Examples
    --------
    >>> figure(4, 2).get_size_inches().tolist()
    [4.0, 2.0]
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def series_colour(i: int) -> str:
    """Colour of the i-th series, from 0; they come again where there are more series than colours.

    Examples
    --------
    >>> series_colour(6) == series_colour(0)
    True
    """
    return SERIES[i % len(SERIES)]


def series_style(i: int, marks: Sequence[str] = MARKERS) -> tuple[str, str]:
    """Colour of the i-th series, from 0, and its mark.

    Both go round; where both would come again together, at multiples of ``lcm(colours, marks)``, the marks are moved on
    by one more, so that no pair comes twice before all pairs are used up: the first 36 series of colours and markers
    differ.

    Parameters
    ----------
    i : int
    marks : sequence of str
        Markers, or dashes of lines.

    Examples
    --------
    >>> len({series_style(i) for i in range(36)}), len({series_style(i, ["-", "--", "-.", ":"]) for i in range(24)})
    (36, 24)
    """
    rounds = i // math.lcm(len(SERIES), len(marks))
    return series_colour(i), marks[(i + rounds) % len(marks)]


def axes(ax: Axes | None) -> Axes:
    """Return the axes that were given, or new ones of pyplot's current figure, in the house's look.

    Examples
    --------
    >>> ax = figure().subplots()
    >>> axes(ax) is ax, ax.spines["top"].get_visible()
    (True, False)
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(layout="constrained")[1]
    return look(ax)


def look(ax: Axes) -> Axes:
    """Plain paper: no frame, a quiet grid along the axis that carries numbers.

    Examples
    --------
    >>> ax = look(figure().subplots())
    >>> [side for side in ax.spines if ax.spines[side].get_visible()]
    ['bottom']
    """
    ax.set_facecolor("none")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(GRID)
    ax.tick_params(colors=MUTED, labelcolor=INK, length=0, labelsize=9)
    ax.set_axisbelow(True)
    return ax


def resized(ax: Axes, height: float) -> Axes:
    """Make the figure that was made for these axes as many inches high as what is drawn in it needs.

    Examples
    --------
    >>> resized(figure(4, 2).subplots(), 5.0).figure.get_size_inches().tolist()
    [4.0, 5.0]
    """
    from matplotlib.figure import Figure

    if isinstance(ax.figure, Figure):
        ax.figure.set_size_inches(ax.figure.get_size_inches()[0], height)
    return ax


def boxes(ax: Axes, corners: Sequence[tuple[float, float, float, float]], colour: str) -> Axes:
    """Boxes ``(left, right, bottom, top)`` of one colour as one path: few bytes in a page.

    Examples
    --------
    >>> len(boxes(figure().subplots(), [(0, 1, 0, 1), (1, 2, 1, 2)], "#0072b2").patches)
    1
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points = [point for a, b, c, d in corners for point in ((a, c), (b, c), (b, d), (a, d), (a, c))]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(corners)
    ax.add_patch(PathPatch(Path(points, codes), facecolor=colour, edgecolor="none", linewidth=0))
    return ax


def label(value: Any, longest: int = 28) -> str:
    r"""A user's word as matplotlib may print it: cut to size, no mathematics, no hidden characters.

    Examples
    --------
    >>> label("a$b$")
    'a\\$b\\$'
    >>> label("x" * 30, longest=9)
    'xxxxx…xxx'
    """
    text = "".join(c if c.isprintable() else " " for c in " ".join(str(value)[:2000].split()))
    if len(str(value)) > 2000:
        text += str(value)[-40:]
    if len(text) > longest:
        tail = longest // 3
        text = f"{text[: longest - 1 - tail]}…{text[-tail:]}"
    return text.replace("$", r"\$") or "(empty)"


LONGEST_NAME = 300
"""Characters of a name in a picture, as on a page: what is longer is cut at its end, and says so."""
WIDE = {"W", "F"}
"""Characters that are two wide (Unicode, UAX 11)."""


def wrapped(value: Any, width: int = 26) -> str:
    r"""A user's word as matplotlib may print it, whole, in lines of about so many letters.

    Examples
    --------
    >>> wrapped("people who have worked for long", 16)
    'people who have\nworked for long'
    >>> wrapped("制造业和手工业工人", 8).count(chr(10))
    2
    """
    text = label(value, LONGEST_NAME + 20)
    if len(text) > LONGEST_NAME:
        text = text[:LONGEST_NAME] + "…"
    wide = sum(unicodedata.east_asian_width(c) in WIDE for c in text)
    letters = max(4, round(width / (1 + wide / max(len(text), 1))))
    return "\n".join(textwrap.wrap(text, letters)) or text


def fitted(ax: Axes) -> Axes:
    r"""Make the figure of these axes as much higher as names of several lines need.

    Examples
    --------
    >>> ax = figure(3, 2).subplots()
    >>> ax.set_yticks([0, 1], ["one\nand a half", "two"])[0].label1.get_text()
    'one\nand a half'
    >>> bool(fitted(ax).figure.get_size_inches()[1] > 2)
    True
    """
    from matplotlib.figure import Figure

    if not isinstance(ax.figure, Figure):
        return ax
    legend = ax.get_legend()
    ticks = [text.get_text().count("\n") for text in ax.get_yticklabels()]
    extra = len(ticks) * max(ticks, default=0)  # lines of a picture are equally far apart
    below = max((text.get_text().count("\n") for text in ax.get_xticklabels()), default=0) + ax.get_xlabel().count("\n")
    above = 0 if legend is None else sum(text.get_text().count("\n") for text in legend.get_texts())
    high = float(ax.figure.get_size_inches()[1])
    return resized(ax, high + LINE_INCHES * (extra + below + above))


LINE_INCHES = 0.15
"""Height of a line of nine points."""
