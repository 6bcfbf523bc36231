"""One strip of a dot plot as SVG whose places are percentages: it fits any width, and its words are the page's."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

from explaindistill.report.blocks import Dots, Mark, Strip
from explaindistill.report.words import quantity, sentence

__all__ = ["LINE", "LOOKS", "look", "occupants_svg", "place", "strip_svg"]

LOOKS = 6
"""Colours, each with a shape of its own, that can be told apart in light, in dark and in print."""
LINE = 15
"""Height of one mark in pixels: a mark of 13 and two to keep neighbours apart."""
SMALLEST, LARGEST = 8.0, 13.0
"""Sides of marks in pixels; the area between them is in proportion to the number of people."""


def place(at: float, block: Dots) -> str:
    """Place on the axis in per cent, with two decimals: a hundredth of a per cent is less than a pixel.

    Examples
    --------
    >>> place(0.5, Dots("", "", (), (), (0.0, 2.0)))
    '25.00'
    """
    low, high = block.axis
    share = (at - low) / (high - low) if high > low else 0.5
    return f"{100 * min(max(share, 0.0), 1.0):.2f}"


def strip_svg(strip: Strip, block: Dots) -> Markup:
    """The marks of one line over the reference and the band of the picture.

    Examples
    --------
    >>> strip = Strip("men", "", (Mark(0, 0.5, 0.4, 0.6, 1.0, "50 %"),))
    >>> "<title>50 %</title>" in strip_svg(strip, Dots("", "", (strip,), (), (0.0, 1.0)))
    True
    """
    height = LINE * len(strip.marks) + 4
    words = "; ".join(sentence(mark.words) for mark in strip.marks)
    pieces = [f'<svg class="strip" width="100%" height="{height}" role="img"><title>{escape(words)}</title>']
    if not math.isnan(block.band[0]):
        start, end = (float(place(x, block)) for x in block.band)
        pieces.append(f'<rect class="band" x="{start:.2f}%" width="{end - start:.2f}%" y="0" height="{height}"/>')
    if not math.isnan(block.reference):
        x = place(block.reference, block)
        pieces.append(f'<line class="reference" x1="{x}%" x2="{x}%" y1="0" y2="{height}"/>')
    pieces += [_mark(mark, block, LINE * i + LINE // 2 + 2) for i, mark in enumerate(strip.marks)]
    return Markup("".join(pieces) + "</svg>")


def look(series: int) -> str:
    """Which colour and shape a series has: 0 to 5 for students, one more for the teacher, one for the labels.

    Examples
    --------
    >>> [look(series) for series in (0, 6, -1, -2)]
    ['0', '0', 't', 'l']
    """
    return str(series % LOOKS) if series >= 0 else {-1: "t"}.get(series, "l")


def _mark(mark: Mark, block: Dots, y: int) -> str:
    colour = look(mark.series)
    at = place(mark.at, block)
    whisker = ""
    if not math.isnan(mark.low) and not math.isnan(mark.high):
        ends = f'x1="{place(mark.low, block)}%" x2="{place(mark.high, block)}%" y1="{y}" y2="{y}"'
        whisker = f'<line class="whisker c{colour}" {ends}/>'
    if block.bars:
        start, end = sorted((float(place(0.0, block)), float(at)))
        bar = f'<rect class="c{colour}" x="{start:.2f}%" width="{end - start:.2f}%" y="{y - 6}" height="12"/>'
        return bar + whisker.replace(f" c{colour}", "")
    side = SMALLEST + (LARGEST - SMALLEST) * math.sqrt(min(max(mark.weight, 0.0), 1.0))
    shift = f'y="{y}" width="{side:.1f}" height="{side:.1f}" transform="translate({-side / 2:.1f} {-side / 2:.1f})"'
    return f'{whisker}<use class="c{colour}" href="#mark-{colour}" x="{at}%" {shift}/>'


def occupants_svg(shares: tuple[str, tuple[tuple[str, float], ...]]) -> Markup:
    """Who is in a leaf by one attribute, as one bar of stretches; a share that is withheld leaves its stretch empty.

    Examples
    --------
    >>> print(occupants_svg(("sex", (("m", 0.75), ("f", float("nan"))))).count("<rect"))
    1
    """
    attribute, groups = shares
    words = ", ".join(f"{g} {'withheld' if math.isnan(s) else quantity(s, 'share')}" for g, s in groups)
    pieces, start = [], 0.0
    for i, (_, share) in enumerate(groups):
        if math.isnan(share):
            break  # what follows has no known place
        pieces.append(f'<rect class="g{i}" x="{100 * start:.1f}%" width="{100 * share:.1f}%" height="7"/>')
        start += share
    title = escape(sentence(f"{attribute}: {words}"))
    return Markup(f'<svg class="who" width="100%" height="7" role="img"><title>{title}</title>{"".join(pieces)}</svg>')
