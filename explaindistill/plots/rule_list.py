"""Drawing of ordered rules."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from explaindistill.data.drawing import RulesDrawing, bar_lengths, shown_class
from explaindistill.plots.canvas import GRID, INK, MUTED, SERIES, axes, label, resized

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["rules"]

LETTER_INCHES = 0.072
"""Width of a letter of 8.5 points in the fonts that matplotlib and browsers bring, rounded up."""
LINE_INCHES = 0.19
"""Height of a line of words, or of a bar, with the room above it."""
BAR = 0.55
"""Share of the width for the bar: what is answered stands right of it."""
LONGEST = 400
"""Letters of a condition: beyond, its middle is left out, as nobody reads further."""


def rules(drawing: RulesDrawing, ax: Axes | None = None, *, favorable: Any = None) -> Axes:
    """Ordered rules from top to bottom: what each asks, and below a bar of its answer and whom it answers.

    Conditions are broken into lines as wide as the axes; axes that are made here are as high as all lines need.

    Parameters
    ----------
    drawing : RulesDrawing
    ax : Axes, optional
    favorable : class, optional
        Whose probability the bars show; the last class when None.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> from explaindistill.data.drawing import RulesDrawing
    >>> line = {"condition": "age <= 30", "answer": "no 0.90", "coverage": 0.25, "values": (0.9, 0.1)}
    >>> ax = plots.rules(RulesDrawing(pd.DataFrame([line]), ("no", "yes")), plots.figure().subplots())
    >>> [t.get_text() for t in ax.texts], ax.get_xlabel()
    (['if age <= 30', 'no 0.90, 25 % of rows'], 'probability of yes')
    """
    is_new = ax is None
    ax = axes(ax)
    records = drawing.frame.to_dict("records")
    asks = _asks(drawing, ax.get_window_extent().width / ax.figure.dpi)
    lengths = bar_lengths(drawing.frame["values"], drawing.classes, favorable)
    y = 0.0  # in lines, from the top
    for row, lines in zip(records, asks, strict=True):
        ax.text(0, y, "\n".join(lines), fontsize=8.5, color=INK, va="top", ha="left", linespacing=1.3)
        y += len(lines) + 0.4
        ax.plot([0, BAR], [y, y], color=GRID, linewidth=7, solid_capstyle="butt", zorder=1)
        ax.plot([0, BAR * lengths[row["values"]]], [y, y], color=SERIES[0], linewidth=7, solid_capstyle="butt",
                zorder=2)  # fmt: skip
        words = f"{row['answer']}, {_percent(row['coverage'])} of rows"
        ax.text(BAR + 0.02, y, label(words, 44), fontsize=8.5, color=MUTED, va="center")
        y += 1.1
    ax.set_yticks([])
    ax.set_xticks([0, BAR / 2, BAR], ["0", "0.5", "1"])
    ax.set_ylim(y, -0.2)
    ax.set_xlim(0, 1)
    place = shown_class(drawing.classes, favorable)
    value = "value, from the smallest to the largest"
    if place is not None and drawing.classes is not None:
        value = f"probability of {label(drawing.classes[place], 60)}"
    ax.set_xlabel(value, color=MUTED, fontsize=9, loc="left")
    if is_new:
        resized(ax, height=0.7 + LINE_INCHES * y)
    return ax


def _asks(drawing: RulesDrawing, width: float) -> list[list[str]]:
    """What each rule asks, in lines that fit a width in inches; words that are longer than a line are broken."""
    conditions = drawing.frame["condition"].tolist()
    starts = ["if", *["else if"] * (len(conditions) - 1)]
    asks = [f"{start} {condition}" for start, condition in zip(starts, conditions, strict=True)]
    if len(asks) > 1:
        asks[-1] = "else"
    letters = max(24, int(width / LETTER_INCHES))
    return [textwrap.wrap(label(words, LONGEST), letters) or [""] for words in asks]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else "< 1 %"
