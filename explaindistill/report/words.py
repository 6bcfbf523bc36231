"""How numbers and names are put into words: the one place that decides digits and safe spelling."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

__all__ = [
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


def name(value: Any, longest: int = 60) -> str:
    r"""A user's own word, made safe to show: hidden characters become visible, long words keep both ends.

    Examples
    --------
    >>> name("age")
    'age'
    >>> name("a\u202eb")
    'a⟨U+202E⟩b'
    >>> name("x" * 100, longest=11)
    'xxxxxxx…xxx'
    """
    text = (
        " ".join(str(value)[: 40 * longest].split()) if len(str(value)) <= 40 * longest else _ends(str(value), longest)
    )
    text = _UNSPEAKABLE.sub(lambda m: f"⟨U+{ord(m.group()):04X}⟩", text)
    text = _ends(text, longest)
    return text or "(empty)"


def _ends(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    tail = (longest - 1) // 3
    return f"{text[: longest - 1 - tail]}…{text[len(text) - tail :]}"


def sentence(value: Any) -> str:
    r"""Longer text from outside, with hidden characters made visible; line breaks stay.

    Examples
    --------
    >>> sentence("two" + chr(10) + "lines")
    'two\nlines'
    """
    return _UNSPEAKABLE.sub(lambda m: f"⟨U+{ord(m.group()):04X}⟩", str(value))


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
