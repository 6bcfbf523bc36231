"""Which word says what became of a teacher's gap: from three signs and two claims of sameness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from explaindistill.numerics.statistics.intervals import normal_quantile

__all__ = ["JOINT", "VERDICTS", "Signs", "transfer_verdict"]

VERDICTS = ("inherited", "reduced", "hidden", "reversed", "amplified", "cannot say")
PART = 0.5
"""Share of the teacher's gap that counts as the same at most, however small that gap is: of a gap of four points,
a margin of three would call a student faithful that keeps one."""
JOINT = 6
"""Three intervals, of the teacher's gap, the student's and the shift, share one half of the allowed error (Bonferroni):
each misses with at most a sixth of it."""
POWER = 0.8
"""Chance of a verdict for which the rows are told: the customary one (Cohen 1988)."""
Line = Mapping[str, Any]


class Signs(NamedTuple):
    """Signs of the teacher's gap, of the student's and of the shift: 1, -1, or 0 where it is not sure.

    Examples
    --------
    >>> Signs(teacher=1, student=0, shift=-1).shift
    -1
    """

    teacher: int
    student: int
    shift: int


def transfer_verdict(
    shift: Line, signs: Signs, of_teacher: Line | None, of_student: Line | None, margin: float, level: float = 0.95
) -> dict[str, str]:
    """Word and, where there is none, the reason with how many more rows would do; see `transfer`.

    Parameters
    ----------
    shift, of_teacher, of_student : lines with estimate, low and high
        The last two are None where a side has no such gap.
    signs : Signs
    margin : float
        Difference that counts as none.
    level : float
        Of the limits in the lines.

    Returns
    -------
    dict
        ``verdict`` and, of "cannot say", ``reason``.

    Examples
    --------
    >>> gap = {"estimate": -0.2, "low": -0.25, "high": -0.15}
    >>> gone, moved = {"estimate": 0.0, "low": -0.02, "high": 0.02}, {"estimate": 0.2, "low": 0.15, "high": 0.25}
    >>> transfer_verdict(moved, Signs(-1, 0, 1), gap, gone, 0.03)
    {'verdict': 'hidden'}
    """
    if of_teacher is None or of_student is None or np.isnan(shift["estimate"]):
        return {"verdict": "cannot say"}
    t, s, moved = signs
    same = min(margin, PART * abs(of_teacher["estimate"]))
    shrank = bool(t) and moved == -t
    # A teacher's gap that points the other way, only not for sure, may have been turned and not grown.
    opposed = not t and of_teacher["estimate"] * s < -margin
    words = {
        "reversed": t and s == -t,
        "amplified": s and moved == s and not opposed,
        "reduced": s == t and shrank,
        "inherited": t and s == t and _within(shift, same),
        "hidden": not s and shrank and _within(of_student, same),
    }
    word = next((name for name, holds in words.items() if holds), "")
    if word:
        return {"verdict": word}
    return {"verdict": "cannot say", "reason": shift.get("reason") or _why(signs, shift, of_student, same, level)}


def _within(line: Line, margin: float) -> bool:
    """Whether both limits lie inside of the margin on either side of 0; NaN does not."""
    return bool(-margin < line["low"] and line["high"] < margin)


def _why(signs: Signs, shift: Line, of_student: Line, same: float, level: float) -> str:
    """Why no word is used, from the signs of the teacher's gap, of the student's and of the shift."""
    t, s, moved = signs
    if not t and not s:
        return "no gap of the teacher or of the student can be told from 0"
    if t and s == t:
        return (
            f"both have the gap; more rows are needed to tell that it changed by less than {same:.3g}"
            f"{_rows(shift, same, level)}"
        )
    if t and moved == -t:
        return (
            f"the gap shrank; more rows are needed to tell what is left of it from 0, or that it is below {same:.3g}"
            f"{_rows(of_student, same, level)}"
        )
    return "more rows are needed"


def _rows(line: Line, same: float, level: float) -> str:
    r"""How many times the rows would show, with a chance of 80 %, that a figure which is 0 lies within the margin.

    Both one-sided tests reject with that chance where the margin is :math:`z + z_{.9}` standard errors wide; now
    :math:`z` of them are half of the interval.
    """
    half, z = (line["high"] - line["low"]) / 2, float(normal_quantile(level))
    if not (np.isfinite(half) and half > 0 and same > 0):
        return ""
    times = (half / same * (1 + float(normal_quantile(POWER)) / z)) ** 2
    return f"; were it 0, {times:.2g} times as many rows would show it in 8 of 10 audits" if times > 1 else ""
