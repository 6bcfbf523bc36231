"""What next? Which student to use, what to say so that more can be decided, how many rows more, how to repeat it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from explaindistill.auditing.display_names import CROSSED
from explaindistill.auditing.opening.audited import Audited, attributes_of, group_word, model_word, rows_word
from explaindistill.auditing.opening.evidence import Evidence, evidence, figure, joined, says, spread, typed
from explaindistill.auditing.opening.requirements import BIASED, Judged, bounds_of, judged, unit_of
from explaindistill.auditing.opening.sentences import Sentence, Word
from explaindistill.auditing.opening.spelling import count, measured
from explaindistill.auditing.opening.warnings import flips_of, leaks
from explaindistill.measures.verdicts import Requirement
from explaindistill.numerics.statistics.intervals import normal_quantile

__all__ = ["recommended", "rows_to_decide", "what_next"]

POWER = 0.8
"""Chance with which the named rows decide: the customary one (Cohen 1988)."""
LEVEL = 0.95
MOST_ROWS = 1e9
"""More rows than this nobody collects."""
MOST_OPEN = 1
"""Open checks whose rows are told, the one that fewest decide; the others stand in the table of verdicts."""


def what_next(audit: Audited) -> Iterator[Sentence]:
    """The recommendation, what to decide or to say, rows for open checks, and the command."""
    yield from _recommendation(audit)
    yield from _leaks(audit)
    yield from _sensitive_inputs(audit)
    yield from _sayings(audit)
    yield from _open_checks(audit)
    yield says("next", "repeat this audit: ", typed(audit.command or _call(audit)), ".")


def recommended(audit: Audited) -> Evidence | None:
    """The line of ``recommendation`` of the simplest student that keeps every requirement there; None without one.

    Simplest is fewest numbers to read, then fewest lines; a student that does not count itself comes last.
    """
    lines = evidence(audit.frames, "recommendation", defined=False)
    rules = {line.word("rule") for line in lines}
    keeping: dict[str, list[Evidence]] = {}
    for line in lines:
        if line["verdict"] == "pass":
            keeping.setdefault(line.word("subject"), []).append(line)
    whole = [name for name, mine in keeping.items() if {line.word("rule") for line in mine} == rules]
    if not whole:
        return None
    return keeping[min(whole, key=lambda name: (*_size(audit, name), list(audit.students).index(name)))][0]


def _size(audit: Audited, student: str) -> tuple[float, float]:
    lines = evidence(audit.frames, "complexity", subject=student)
    sizes = [float(lines[0].values.get(c, math.nan)) for c in ("n_numbers", "n_lines")] if lines else [math.nan] * 2
    n_numbers, n_lines = (math.inf if math.isnan(size) else size for size in sizes)
    return n_numbers, n_lines


def _recommendation(audit: Audited) -> Iterator[Sentence]:
    lines = evidence(audit.frames, "recommendation", defined=False)
    if not lines:
        return
    n, level = len(audit.students), float(lines[0]["level"])
    joint = "" if n == 1 else f", also when all {n} students are judged together"
    best = recommended(audit)
    if best is None:
        claim = Word("no student can be recommended", "verdict", tuple(line.origin("verdict") for line in lines))
        together = f" when all {n} are judged together" if n > 1 else ""
        yield says("next", claim, f": none keeps what you require{together}.",
                   link="recommendation", verdict="inconclusive")  # fmt: skip
        return
    unit, apart = unit_of(best.word("metric")), bounds_of(_rule(audit, best))
    at = "" if n == 1 else f" at the level of {measured(level, 'share')}"
    claim = Word("use ", "verdict", (best.origin("verdict"),))
    simplest = "the only student" if n == 1 else "the simplest student"
    yield says("next", claim, model_word(audit, best), f": {simplest} that keeps what you require{joint} (",
               figure(best, unit, apart), " ", spread(best, unit, apart), f"{at}){_reading(audit, best)}.",
               link="recommendation", verdict="pass")  # fmt: skip
    yield from _but(audit, best)


def _reading(audit: Audited, best: Evidence) -> str:
    n_numbers, n_lines = _size(audit, best.word("subject"))
    if math.isinf(n_numbers) or math.isinf(n_lines):
        return ""
    return f"; {count(n_lines)} lines with {count(n_numbers)} numbers to read"


def _rule(audit: Audited, line: Evidence) -> Requirement:
    for one in judged(audit):
        if f"{one.key} {one.rule.text}" == line.word("rule"):
            return one.rule
    return Requirement(-math.inf, math.inf, True, "")


def _but(audit: Audited, best: Evidence) -> Iterator[Sentence]:
    """Requirements on groups that the recommended student does not meet, or leaves open."""
    student = best.word("subject")
    for one in judged(audit):
        line = one.by_subject.get(student)
        if one.frame in BIASED and line is not None and line["verdict"] != "pass":
            verdict = str(line["verdict"])
            words = {"fail": " does not meet", "inconclusive": " leaves open", "cannot say": " cannot be judged by"}
            claim = Word(words[verdict], "verdict", (line.origin("verdict"),))
            rule = typed(line.word("rule"))
            yield says("next", "but ", model_word(audit, line), claim, " ", rule, ": decide about that first.",
                       link="verdicts", verdict=verdict)  # fmt: skip


def _leaks(audit: Audited) -> Iterator[Sentence]:
    for line in leaks(audit):
        column = Word(audit.names.column(line.word("feature")), "column", (line.origin("feature"),))
        yield says("next", "find out whether ", column, " is known when the decision is taken.", link="teacher")


def _sensitive_inputs(audit: Audited) -> Iterator[Sentence]:
    """Columns that alone turn decisions of the teacher."""
    lines = flips_of(audit)
    if lines:
        pieces = [[Word(audit.names.column(line.word("attribute")), "column", (line.origin("attribute"),))]
                  for line in lines]  # fmt: skip
        alone = ": it alone turns decisions." if len(lines) == 1 else ": each alone turns decisions."
        yield says("next", "decide whether the model may use ", joined(pieces), alone, link="flips")


def _sayings(audit: Audited) -> Iterator[Sentence]:
    """What only the caller can say, and what it would allow to tell."""
    if audit.classes is not None and audit.favorable is None and attributes_of(audit):
        yield says("next", "name the decision that people want, ", typed("favorable=…"),
                   ": then gaps between groups can be judged.")  # fmt: skip
    if not audit.requirements:
        metric = "agreement" if audit.task == "classification" else "r2"
        example = typed(f'requirements={{"fidelity.{metric}": ">= 0.95"}}')
        yield says("next", "say what you require, such as ", example, ": then it is said who meets it.")


def rows_to_decide(line: Evidence, rule: Requirement) -> float:
    r"""How many more rows would decide an open check with a chance of 80 %, were the estimate the truth.

    With d the distance from the estimate to the nearest bound and h the half-width of the interval on that side, n rows
    become :math:`n \left(\frac{h}{d} \cdot \frac{z_{.975} + z_{.8}}{z_{.975}}\right)^2`: the interval then clears the
    bound in 8 of 10 samples, since the estimate moves by its standard error. Infinite where it lies on the bound.
    """
    estimate, low, high, n = (float(line[c]) for c in ("estimate", "low", "high", "n"))
    bounds = bounds_of(rule)
    if not bounds or any(map(math.isnan, (estimate, low, high))):
        return math.inf
    near = min(bounds, key=lambda bound: abs(estimate - bound))
    half, distance = (high - estimate if estimate < near else estimate - low), abs(estimate - near)
    if distance == 0 or half <= 0:
        return math.inf
    z, z_power = float(normal_quantile(LEVEL)), float(normal_quantile(2 * POWER - 1))
    return n * (half / distance * (z + z_power) / z) ** 2 - n


def _open_checks(audit: Audited) -> Iterator[Sentence]:
    """The open checks that the fewest rows would decide."""
    candidates: list[tuple[float, Judged, Evidence]] = []
    for one in judged(audit):
        for line in one.by_subject.values():
            if line["verdict"] == "inconclusive" and (more := rows_to_decide(line, one.rule)) < MOST_ROWS:
                candidates.append((max(more, 1.0), one, line))
    for more, one, line in sorted(candidates, key=lambda item: item[0])[:MOST_OPEN]:
        origins = tuple(line.origin(c) for c in ("estimate", "low", "high", "n"))
        needed = Word(_two_digits(more), "rows needed", origins, more)
        check = typed(f"{one.key} {one.rule.text}")
        yield says("next", "about ", needed, " more ", rows_word(audit), *_where(audit, line), " would decide ", check,
                   " for ", model_word(audit, line), " with 80 % power, if what was measured is the truth.",
                   link="verdicts")  # fmt: skip


def _where(audit: Audited, line: Evidence) -> list[str | Word]:
    """The group that has to grow; of a pair the one with less, and the other in proportion."""
    group = line.word("group")
    if not group or not line.word("attribute"):
        return []
    if "_worst_" not in line.word("metric"):
        return [" of ", group_word(audit, line), ", and of the others in proportion,"]
    name = group.split(" against ")[0]
    attribute = line.word("attribute")
    shown = audit.names.group(attribute, name)
    text = shown if shown != name or CROSSED in attribute else f"{audit.names.column(attribute)} = {name}"
    return [
        " of ",
        Word(text, "group", (line.origin("attribute"), line.origin("group"))),
        ", and of the others in proportion,",
    ]


def _two_digits(rows: float) -> str:
    """Rounded up to two digits: a promise of more digits would not be kept."""
    digits = max(0, math.floor(math.log10(rows)) - 1)
    return count(math.ceil(rows / 10**digits - 1e-9) * 10**digits)


def _call(audit: Audited) -> str:
    """The call in Python, with what the audit knows of its arguments."""
    arguments: list[str] = ["teacher", "students", "X", "y"]
    if attributes := attributes_of(audit):
        arguments.append(f"sensitive={attributes!r}")
    if audit.favorable is not None:
        arguments.append(f"favorable={_plain(audit.favorable)!r}")
    if audit.threshold != 0.5:
        arguments.append(f"threshold={_plain(audit.threshold)!r}")
    if audit.requirements:
        arguments.append(f"requirements={dict(audit.requirements)!r}")
    arguments.append(f"random_state={audit.manifest.get('seeds', {}).get('audit', 0)}")
    return f"xd.audit({', '.join(arguments)})"


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else dict(value) if isinstance(value, dict) else value
