"""The one place that puts a verdict into words: on the first page, in tables, on the terminal and in text."""

from __future__ import annotations

from typing import Any

from explaindistill.measures.dependent_rows import dependence_warnings
from explaindistill.measures.favorable import without_favorable
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import frame_of
from explaindistill.report.words import quantity

__all__ = ["in_front", "nobody_said", "profile_words", "requirement_words", "transfer_words"]

TRANSFER = {
    "inherited": "{student} inherits the teacher's gap {where}",
    "reduced": "{student} reduces the teacher's gap {where}",
    "hidden": "{student} hides the teacher's gap {where}",
    "reversed": "{student} reverses the teacher's gap {where}",
    "amplified": "{student} amplifies the teacher's gap {where}",
    "cannot say": "Cannot say what {student} made of the teacher's gap {where}",
}
PROFILE = {"pass": "at or above", "fail": "below", "inconclusive": "undecided", "cannot say": "cannot say"}


def transfer_words(verdict: str, student: str, where: str) -> str:
    """What became of a gap of the teacher, as the frame ``transfer`` says and no further.

    A verdict without words is given as it stands; nothing is made of it.

    Examples
    --------
    >>> transfer_words("hidden", "“tree”", "at sex = f"), transfer_words("cannot say", "“tree”", "at sex = f")
    ("“tree” hides the teacher's gap at sex = f", "Cannot say what “tree” made of the teacher's gap at sex = f")
    """
    form = TRANSFER.get(verdict or "cannot say")
    return (
        f"{student}, {verdict}, the teacher's gap {where}"
        if form is None
        else form.format(student=student, where=where)
    )


def profile_words(verdict: str) -> str:
    """Where a ratio lies to the bound of a rule set; nothing where the rule set asks for none.

    Examples
    --------
    >>> profile_words("fail"), profile_words("")
    ('below', '')
    """
    return PROFILE.get(verdict, verdict)


def requirement_words(rule: str, metric: str) -> tuple[str, str]:
    r"""A requirement in plain words, and the line of code that it was given as.

    Examples
    --------
    >>> requirement_words("fidelity.agreement >= 0.9", "agreement")
    ('Agreement with the teacher ≥ 90.0\xa0%', 'fidelity.agreement >= 0.9')
    """
    measure, sign, bound = rule.partition(" >= ") if " >= " in rule else rule.partition(" <= ")
    if not sign or not bound.replace(".", "", 1).lstrip("-").isdigit():
        return measure, "" if measure == rule else rule
    described = describe_metric(metric)
    return f"{described.title} {'≥' if '>' in sign else '≤'} {quantity(float(bound), described.kind)}", rule


def nobody_said(audit: Any) -> str:
    """That groups were to be compared and nobody said which decision people want; nothing where that is not so."""
    if audit.classes is None or audit.favorable is not None:
        return ""
    banner = without_favorable(audit.classes)
    return banner if banner in audit.notes else ""


def in_front(audit: Any) -> list[str]:
    """What a reader must know before any figure: nobody said what people want, or rows do not look independent."""
    banner = nobody_said(audit)
    return [*([banner] if banner else []), *dependence_warnings(frame_of(audit, "dependent_rows"))]
