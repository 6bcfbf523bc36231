"""How the opening writes numbers: few digits, but never so few that a figure reads as what it is not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

__all__ = ["SPACE", "Unit", "count", "limits", "measured", "per_hundred"]

Unit: TypeAlias = Literal["share", "points", "number"]
MINUS, SPACE = "\u2212", "\u00a0"
"""The sign that mathematics writes, and a space at which no line breaks: a number and its unit stay together."""
MOST_DIGITS = 6
"""Digits behind the point at most; what is still not told apart then differs by less than anybody reads."""


def count(value: Any) -> str:
    """A count with commas.

    Examples
    --------
    >>> count(12000.0)
    '12,000'
    """
    return f"{round(float(value)):,}"


def measured(value: float, unit: Unit, apart: Iterable[float] = ()) -> str:
    r"""A number in its unit: per cent and points with one digit behind the point, plain numbers with three digits.

    It gets more digits where it would read as one of the values ``apart``, such as the bound of a requirement, or as
    nothing or all, and is not.

    Examples
    --------
    >>> measured(0.9524, "share"), measured(0.8996, "share", apart=[0.9]), measured(0.9997, "share")
    ('95.2\xa0%', '89.96\xa0%', '99.97\xa0%')
    >>> measured(-0.2086, "points"), measured(12345.6, "number")
    ('\u221220.9\xa0points', '12,346')
    """
    text = _digits(value, unit, _places([value], unit, apart))
    return text + {"share": f"{SPACE}%", "points": f"{SPACE}points", "number": ""}[unit]


def limits(low: float, high: float, unit: Unit, apart: Iterable[float] = ()) -> str:
    """An interval in the unit of its estimate; empty where a limit is not known.

    Examples
    --------
    >>> limits(0.9461, 0.957, "share"), limits(float("nan"), 1.0, "share")
    ('[94.6, 95.7]', '')
    """
    if math.isnan(low) or math.isnan(high):
        return ""
    places = _places([low, high], unit, apart)
    return f"[{_digits(low, unit, places)}, {_digits(high, unit, places)}]"


def per_hundred(value: float, close: bool = False) -> str:
    """So many of a hundred; ``close`` asks for a digit more, where two rates would else read alike.

    Examples
    --------
    >>> per_hundred(0.5536), per_hundred(0.5536, close=True), per_hundred(0.002)
    ('55', '55.4', '0.2')
    """
    places = 1 if close else 0
    while places < MOST_DIGITS and 0 < value < 1 and round(100 * value, places) in {0, 100}:
        places += 1
    return f"{100 * value:.{places}f}"


def _digits(value: float, unit: Unit, places: int) -> str:
    if math.isinf(value):
        return ("" if value > 0 else MINUS) + "∞"
    scaled = value if unit == "number" else 100 * value
    text = f"{scaled:,.{places}f}"
    if unit == "number" and scaled and (abs(scaled) >= 1e9 or float(text.replace(",", "")) == 0):
        text = f"{scaled:.2e}"
    elif float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def _places(values: list[float], unit: Unit, apart: Iterable[float]) -> int:
    """Digits behind the point with which no value reads as one that it is not."""
    finite = [value for value in values if math.isfinite(value)]
    if unit == "number":
        size = max((abs(value) for value in finite), default=0.0)
        whole = all(value == int(value) for value in finite)
        places = 0 if whole or size >= 1000 else min(MOST_DIGITS, max(0, 2 - math.floor(math.log10(size or 1.0))))
    else:
        places = 1
    scale = 1.0 if unit == "number" else 100.0
    others = [*apart, *((0.0, 1.0) if unit == "share" else ())]
    while places < MOST_DIGITS and any(
        value != other and round(scale * value, places) == round(scale * other, places)
        for value in finite
        for other in others
    ):
        places += 1
    return places
