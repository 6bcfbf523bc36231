"""Reads what an opening writes: numbers with the digits that are shown, figures with intervals, rules."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from scipy import stats

MINUS, SPACE = "\u2212", "\u00a0"
NUMBER = rf"{MINUS}?\d[\d,]*(?:\.\d+)?(?:e[+{MINUS}]\d+)?|{MINUS}?∞"
LIMITS = rf"(?:\[(?:{NUMBER}), (?:{NUMBER})\]|\(no interval\))"
FIGURE = rf"(?:{NUMBER})(?: %| points)?(?: {LIMITS})?"
Z = stats.norm.ppf(0.975)


class ContradictionError(Exception):
    """What a sentence says and the frames do not."""


def need(holds: bool, words: str) -> None:
    if not holds:
        raise ContradictionError(words)


def value(text: str) -> tuple[float, float]:
    """A number as it is written, and half of its last digit."""
    plain = text.replace(MINUS, "-").replace(",", "")
    if plain.endswith("∞"):
        return math.copysign(math.inf, -1 if plain.startswith("-") else 1), 0.0
    mantissa, _, exponent = plain.partition("e")
    digits = len(mantissa.partition(".")[2])
    return float(plain), 0.5 * 10.0 ** (int(exponent or 0) - digits)


def same(text: str, truth: float, scale: float, what: str) -> None:
    shown, half = value(text)
    close = shown == scale * truth if math.isinf(shown) else abs(shown - scale * truth) <= half * (1 + 1e-9) + 1e-12
    need(close, f"{what}: {text} is written, {scale * truth} was measured")


def figure(text: str, line: Any, what: str, low: float | None = None, high: float | None = None) -> None:
    """An estimate with its unit and interval against a line; other limits where they are widened."""
    match = re.fullmatch(rf"({NUMBER})( %| points)?(?: (?:\[({NUMBER}), ({NUMBER})\]|\(no interval\)))?", text.strip())
    need(match is not None, f"{what}: {text!r} is no figure")
    scale = 100.0 if match[2] else 1.0
    same(match[1], line["estimate"], scale, what)
    low, high = (line["low"] if low is None else low), (line["high"] if high is None else high)
    if match[3] is None:
        return need(math.isnan(low) or math.isnan(high), f"{what}: the interval is not written")
    same(match[3], low, scale, f"{what}, low")
    return same(match[4], high, scale, f"{what}, high")


def worst_of(verdicts: Any) -> str:
    return min(verdicts, key=["fail", "inconclusive", "cannot say", "pass"].index)


def plain_rule(text: str) -> str:
    """A rule with its numbers written alike."""
    return re.sub(r"-?\d+\.?\d*(?:e-?\d+)?", lambda m: f"{float(m[0]):g}", re.sub(r"\s+", " ", str(text).strip()))


def parts_of_rule(rule: str) -> tuple[Callable[[float, float], tuple[bool, bool]], list[float]]:
    """Whether an interval lies inside, and outside, of what a rule allows; and the bounds."""
    numbers = [float(x) for x in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", rule)]
    if rule.startswith("between"):
        low, high, closed = numbers[0], numbers[1], True
    elif rule.startswith("abs"):
        low, high, closed = -numbers[0], numbers[0], "=" in rule
    else:
        low, high = (numbers[0], math.inf) if ">" in rule else (-math.inf, numbers[0])
        closed = "=" in rule

    def places(a: float, b: float) -> tuple[bool, bool]:
        inside = (low <= a and b <= high) if closed else (low < a and b < high)
        outside = (b < low or a > high) if closed else (b <= low or a >= high)
        return inside, outside

    return places, [end for end in (low, high) if math.isfinite(end)]


def again(line: dict[str, Any], rule: str) -> str:
    places, _ = parts_of_rule(str(rule).strip())
    inside, outside = places(line["low"], line["high"])
    return "pass" if inside else "fail" if outside else "inconclusive"


def rows_needed(line: dict[str, Any], rule: str) -> float:
    """The rows at which the limit clears the nearest bound with a chance of 80 %, less those that there are."""
    _, bounds = parts_of_rule(str(rule).strip())
    distance, bound = min((abs(line["estimate"] - b), b) for b in bounds)
    error = ((line["high"] - line["estimate"]) if line["estimate"] < bound else (line["estimate"] - line["low"])) / Z
    return line["n"] * ((Z + stats.norm.ppf(0.8)) * error / distance) ** 2 - line["n"] if distance else math.inf
