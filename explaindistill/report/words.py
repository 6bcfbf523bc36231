"""How numbers and names are put into words: the one place that decides digits and safe spelling."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any, Literal

__all__ = [
    "FIRST",
    "ISOLATED",
    "LAST",
    "Kind",
    "count",
    "interval",
    "name",
    "number",
    "quantity",
    "sentence",
]

Kind = Literal["share", "points", "ratio", "number"]

# Characters that reorder or hide what stands around them, and those that XML forbids.
_UNSPEAKABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
FIRST, LAST = "\u2068", "\u2069"
"""First-strong isolate and its end (Unicode 6.3, UAX 9): what stands between keeps its own direction."""
ISOLATED = re.compile(f"({FIRST}[^\u202a-\u202e\u2066-\u2069]*{LAST})")
"""A piece that is isolated and cannot turn anything outside itself."""
LONGEST = 300
"""Characters of one name: more than a line of three columns; a longer one is cut at its end, and says so."""


def name(value: Any, longest: int = LONGEST) -> str:
    r"""A user's own word, made safe to show, whole: hidden characters become visible, and only a text is cut.

    A name that is written from right to left is isolated, so that the numbers after it keep their place.

    Examples
    --------
    >>> name("age")
    'age'
    >>> name("a\u202eb")
    'a⟨U+202E⟩b'
    >>> name("x" * 100, longest=5)
    'xxxxx… (cut after 5 of 100 characters)'
    >>> [hex(ord(c)) for c in name("\u05d0")]
    ['0x2068', '0x5d0', '0x2069']
    """
    whole = str(value)
    text = " ".join(whole[: 40 * longest].split())
    cut = f"… (cut after {longest:,} of {len(whole):,} characters)" if len(text) > longest else ""
    text = sentence(text[:longest])
    if FIRST not in text and any(unicodedata.bidirectional(c) in {"R", "AL"} for c in text):
        text = f"{FIRST}{text}{LAST}"
    return text + cut or "(empty)"


def _visible(text: str) -> str:
    return _UNSPEAKABLE.sub(lambda m: f"⟨U+{ord(m.group()):04X}⟩", text)


def sentence(value: Any) -> str:
    r"""Longer text from outside, with hidden characters made visible; line breaks and isolated names stay.

    Examples
    --------
    >>> sentence("two" + chr(10) + "lines")
    'two\nlines'
    """
    pieces = ISOLATED.split(str(value))
    return "".join(piece if i % 2 else _visible(piece) for i, piece in enumerate(pieces))


def count(value: Any) -> str:
    """A count with thin separators; an unknown one is a dash.

    Examples
    --------
    >>> count(12000.0), count(float("nan"))
    ('12,000', '–')
    """
    return "–" if _missing(value) else f"{round(float(value)):,}"


def number(value: Any) -> str:
    """Three significant digits, without exponents for everyday sizes; undefined is a dash.

    Examples
    --------
    >>> number(0.12345), number(12345.6), number(-2.0), number(1e-7), number(float("nan"))
    ('0.123', '12,346', '−2', '1.00e−07', '–')
    """
    if _missing(value):
        return "–"
    x = float(value)
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    size = abs(x)
    if (size and size < 1e-4) or size >= 1e9:
        text = f"{x:.2e}"
    elif (x == int(x) and size < 1e9) or size >= 1000:
        text = f"{x:,.0f}"
    else:
        digits = max(0, 2 - math.floor(math.log10(size)))
        text = f"{x:,.{min(digits, 6)}f}"
    return text.replace("-", "−")


def quantity(value: Any, kind: Kind = "number", signed: bool = False) -> str:
    """A number in the unit of its metric.

    Examples
    --------
    >>> quantity(0.9534, "share").split(), quantity(-0.035, "points").split(), quantity(0.8, "ratio")
    (['95.3', '%'], ['−3.5', 'pp'], '0.80')
    """
    if _missing(value):
        return "–"
    x = float(value)
    if math.isinf(x):
        return number(x)
    if kind == "share":
        text = f"{100 * x:.1f}\u00a0%"
    elif kind == "points":
        text = f"{100 * x:+.1f}\u00a0pp"
    elif kind == "ratio":
        text = f"{x:.2f}"
    else:
        text = ("+" if signed and x > 0 else "") + number(x)
    return text.replace("-", "−").replace("−0.0\u00a0pp", "0.0\u00a0pp").replace("+0.0\u00a0pp", "0.0\u00a0pp")


def interval(low: Any, high: Any, kind: Kind = "number") -> str:
    """An interval as ``[low, high]`` in the unit of its metric; empty when there is none.

    Examples
    --------
    >>> interval(0.948, 0.957, "share")
    '[94.8, 95.7]'
    >>> interval(float("nan"), float("nan"))
    ''
    """
    if _missing(low) and _missing(high):
        return ""
    ends = [quantity(x, kind).replace("\u00a0%", "").replace("\u00a0pp", "") for x in (low, high)]
    return f"[{ends[0]}, {ends[1]}]"


def _missing(value: Any) -> bool:
    if value is None:
        return True
    try:
        return math.isnan(float(value))
    except (TypeError, ValueError):
        return True
