"""The axis of a picture: round numbers that hold all that is shown, and their words."""

from __future__ import annotations

import math
from collections.abc import Iterable

from explaindistill.report.words import Kind, number

__all__ = ["axis", "tick_words"]

STEPS = 5
"""Stretches of an axis that are aimed at: fewer say too little, more run into each other on a telephone."""


def axis(values: Iterable[float]) -> tuple[tuple[float, float], tuple[float, ...]]:
    """Ends of an axis, and its ticks: multiples of 1, 2 or 5 times a power of ten (Heckbert, 1990).

    Examples
    --------
    >>> axis([0.34, 0.71])
    ((0.3, 0.8), (0.3, 0.4, 0.5, 0.6, 0.7, 0.8))
    >>> axis([2.0])
    ((1.4, 2.6), (1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6))
    """
    finite = [v for v in values if math.isfinite(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-9):  # one value: half of it, or a half, to both sides
        margin = 0.25 * abs(low) or 0.5
        low, high = low - margin, high + margin
    rough = (high - low) / STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if rough <= m * power * (1 + 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(float(f"{i * step:.10g}") for i in range(first, last + 1))
    return (ticks[0], ticks[-1]), ticks


def tick_words(at: float, kind: Kind) -> str:
    r"""A tick in the unit of its measure, with as few digits as it has.

    Examples
    --------
    >>> tick_words(0.4, "share"), tick_words(-0.05, "points"), tick_words(0.25, "number")
    ('40\xa0%', '−5\xa0pp', '0.25')
    """
    if kind == "share":
        return f"{100 * at:.4g}\u00a0%".replace("-", "−")
    if kind == "points":
        return f"{100 * at:.4g}\u00a0pp".replace("-", "−")
    return number(at) if abs(at) >= 1000 else f"{at:.4g}".replace("-", "−")
