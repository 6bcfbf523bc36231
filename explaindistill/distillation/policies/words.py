"""A policy in words: what it earned, what its numbers are measured in, and the student's own text."""

from __future__ import annotations

from typing import Any

from explaindistill.distillation.policies.returns import limit_words

__all__ = ["describe", "unit_words"]


def describe(policy: Any) -> str:
    """The whole policy as text; see ``PolicyDistiller.describe``."""
    lines = [_earned(policy)]
    if units := unit_words(policy.columns_.names, policy.source_.units):
        lines.append(f"units: {units}")
    combined = [
        f"{name} = {first} {operation} {second}"
        for name, first, operation, second in policy.columns_.combined
        if name in policy.names_
    ]
    if combined:
        lines.append(f"combined: {', '.join(combined)}")
    space = policy.source_.actions
    if not space.is_discrete:
        bounds = zip(space.names, space.low, space.high, strict=True)
        lines.append(f"y is the action: {', '.join(f'{name} from {low:g} to {high:g}' for name, low, high in bounds)}")
    return "\n".join([*lines, _text(policy.student_)])


def _text(student: Any) -> str:
    """The student's own text; one of another package may have none."""
    if hasattr(student, "describe"):
        return str(student.describe())
    return f"a {type(student).__name__}, which has no text of its own"


def unit_words(names: Any, units: Any) -> str:
    """Columns that have a unit, each with it.

    Examples
    --------
    >>> unit_words(("angle", "x"), {"angle": "rad"})
    'angle in rad'
    """
    return ", ".join(f"{name} in {units[name]}" for name in names if name in units)


def _earned(policy: Any) -> str:
    """Return of the episodes that judged the finalists, or of those that chose where there were no further ones."""
    frame = policy.rounds_
    line = frame[frame["chosen"]].iloc[0]
    further = int(line["n_further"]) > 0
    prefix = "further_" if further else ""
    n = int(line["n_further"] if further else line["n"])
    compared = int((frame["n_further"] > 0).sum()) if further else len(frame)
    student = "student" if compared == 1 else "students"
    return (
        f"policy for {policy.source_.label}: mean return {line[prefix + 'estimate']:.4g} "
        f"{limit_words(line[prefix + 'low'], line[prefix + 'high'])} on {n} held-out episodes, "
        f"the best of {compared} {student} compared on them"
    )
