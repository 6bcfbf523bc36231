"""Is there bias, and did it pass on? The teacher's gaps, what each student made of them, and the requirements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explaindistill.auditing.display_names import CROSSED
from explaindistill.auditing.opening.audited import (
    Audited,
    attribute_word,
    attributes_of,
    group_word,
    model_word,
)
from explaindistill.auditing.opening.evidence import Evidence, evidence, joined, reasons, says, spread
from explaindistill.auditing.opening.evidence import figure as written
from explaindistill.auditing.opening.gaps import Gap, surest, widest_gap
from explaindistill.auditing.opening.met import met
from explaindistill.auditing.opening.requirements import BIASED, Judged, judged, required
from explaindistill.auditing.opening.sentences import Sentence, Word
from explaindistill.auditing.opening.spelling import Unit, limits, measured, per_hundred
from explaindistill.measures.verdicts import SEVERITY

__all__ = ["is_there_bias", "passed_on"]

PASSED_ON = {
    "inherited": (" carries it over", " carry it over"),
    "amplified": (" makes it larger", " make it larger"),
    "reduced": (" shows only part of it", " show only part of it"),
    "hidden": (" hides it", " hide it"),
    "reversed": (" turns it round", " turn it round"),
}
"""What one student, and what several, did with the teacher's gap; by the word of the frame ``transfer``."""
CLOSE = 0.02
"""Two rates that differ by less are written with a digit more: whole numbers of a hundred would read alike."""


def is_there_bias(audit: Audited) -> Iterator[Sentence]:
    """Whole groups in the order of the caller, then the surest intersection, then what was required."""
    attributes = attributes_of(audit)
    if not attributes:
        yield says("bias", "no sensitive column was named, so nothing can be said about bias: name them, as in ",
                   Word("sensitive=[…]", "code"), ".", verdict="cannot say")  # fmt: skip
        return
    if audit.task == "classification" and audit.favorable is None:
        yield says("bias", "cannot say: nobody said which decision people want, and it is never guessed.",
                   link="rates", verdict="cannot say")  # fmt: skip
        return
    for attribute in attributes:
        yield from _by_attribute(audit, attribute)
    yield from _crossed(audit)
    for one in judged(audit):
        if one.frame in BIASED:
            yield from _against(audit, one)


def _by_attribute(audit: Audited, attribute: str) -> Iterator[Sentence]:
    gap = widest_gap(audit, attribute)
    if gap is None:
        why = evidence(audit.frames, "gaps", defined=False, attribute=attribute, subject="teacher")
        why = [line for line in why if line.word("reason")]
        name = Word(audit.names.column(attribute), "column")
        yield says("bias", "by ", name, " nothing can be said", reasons(why), ".", link="gaps", verdict="cannot say")
        return
    yield says("bias", *(_gap(audit, gap) if gap.is_sure else _no_gap(audit, gap)), link="gaps")
    passed = [line for name in audit.students if (line := passed_on(audit, gap, str(name))) is not None]
    if gap.is_sure:
        yield from _transfer(audit, gap, passed)
    else:
        yield from _gap_of_its_own(audit, passed)


def _unit(audit: Audited) -> Unit:
    return "points" if audit.task == "classification" else "number"


def _size(audit: Audited, gap: Gap) -> list[Word]:
    """How wide it is, as a size: the words before and behind say which side has less."""
    estimate = float(gap.line["estimate"])
    low, high = sorted((abs(gap.low), abs(gap.high))) if gap.is_sure else (gap.low, gap.high)
    size = Word(measured(abs(estimate), _unit(audit)), "size", (gap.line.origin("estimate"),), estimate)
    return [size, Word(" "), Word(limits(low, high, _unit(audit)), "joint interval", gap.origins)]


def _gap(audit: Audited, gap: Gap) -> list[str | Word]:
    """Both rates, or means, and the gap between them."""
    fewer = float(gap.line["estimate"]) < 0
    less = ("fewer" if fewer else "more") if audit.task == "classification" else ("lower" if fewer else "higher")
    claim = Word(less, "verdict", (gap.line.origin("estimate"), *gap.origins))
    sides = [_rate(audit, gap.line, side) for side in ("group", "reference")]
    if audit.task == "classification":
        words: list[str | Word] = [
            "the teacher decides “",
            Word(audit.names.of_class(audit.favorable), "class"),
            "” for ",
        ]
        words += [*sides[0], " and ", *sides[1], ": ", *_size(audit, gap), " ", claim]
    else:
        words = ["the teacher's mean answer is ", *sides[0], " and ", *sides[1], ": ", *_size(audit, gap), " ", claim]
    return [*words, "."]


def _rate(audit: Audited, line: Evidence, side: str) -> list[Word]:
    """The rate, or mean answer, of one group."""
    metric = "selection_rate" if audit.task == "classification" else "mean_prediction"
    where: dict[str, Any] = {
        "subject": line.word("subject"),
        "attribute": line.word("attribute"),
        "group": line.word(side),
    }
    rates = evidence(audit.frames, "rates", metric=metric, **where)
    group = group_word(audit, line, side)
    if not rates:
        return [Word("a rate that is not shown in "), group]
    value, origin = float(rates[0]["estimate"]), (rates[0].origin("estimate"),)
    if audit.task == "regression":
        return [Word(measured(value, "number"), "figure", origin, value), Word(" for "), group]
    close = abs(float(line["estimate"])) < CLOSE
    return [Word(f"{per_hundred(value, close)} of 100", "rate", origin, value), Word(" "), group]


def _no_gap(audit: Audited, gap: Gap) -> list[str | Word]:
    """That no gap was told from chance does not show that there is none: the limits say how large it may be."""
    words: list[str | Word] = ["by ", attribute_word(audit, gap.line), " "]
    words += [Word("no gap of the teacher can be told from chance", "verdict", gap.origins), "; the widest, "]
    return [*words, group_word(audit, gap.line), " against ", group_word(audit, gap.line, "reference"), ", is ",
            *_signed(audit, gap), "."]  # fmt: skip


def _signed(audit: Audited, gap: Gap) -> list[Word]:
    unit = _unit(audit)
    return [
        written(gap.line, unit),
        Word(" "),
        Word(limits(gap.low, gap.high, unit), "joint interval", gap.origins),
    ]


def passed_on(audit: Audited, gap: Gap, student: str) -> Evidence | None:
    """What a student made of the gap: the line of the same group, whose reference group may be another one."""
    metric = "transfer" if audit.task == "classification" else "mean_transfer"
    where: dict[str, Any] = {"subject": student, "attribute": gap.line.word("attribute")}
    for side, other in (("group", "reference"), ("reference", "group")):
        lines = evidence(audit.frames, "transfer", metric=metric, group=gap.line.word(side), **where)
        lines = [line for line in lines if line.word("reference") == gap.line.word(other)]
        if lines:
            return lines[0]
    lines = evidence(audit.frames, "transfer", metric=metric, group=gap.line.word("group"), **where)
    return lines[0] if lines else None


def _transfer(audit: Audited, gap: Gap, passed: list[Evidence]) -> Iterator[Sentence]:
    """Students by what they did; each with how far it moved the gap."""
    by_word: dict[str, list[Evidence]] = {}
    for line in passed:
        by_word.setdefault(line.word("verdict") or "cannot say", []).append(line)
    clauses: list[list[Word]] = []
    for word, (one, several) in PASSED_ON.items():
        if lines := by_word.get(word):
            names = joined([_moved(audit, line) for line in lines])
            origins = tuple(line.origin("verdict") for line in lines)
            clauses.append([*names, Word(one if len(lines) == 1 else several, "verdict", origins)])
    if open_ones := by_word.get("cannot say"):
        origins = tuple(line.origin("verdict") for line in open_ones)
        start = Word("what it became cannot be said", "verdict", origins)
        clauses.append([start, Word(" of "), *joined([_moved(audit, line) for line in open_ones])])
    silent = [str(name) for name in audit.students if str(name) not in {line.word("subject") for line in passed}]
    if silent:
        names = joined([[Word(name, "student")] for name in silent])
        clauses.append([Word("of "), *names, Word(" it was not measured")])
    if clauses:
        yield says("bias", joined(clauses, last="; ", comma="; "), _elsewhere(audit, gap, passed), ".",
                   link="transfer", verdict="" if set(by_word) - {"cannot say"} else "cannot say")  # fmt: skip


def _moved(audit: Audited, line: Evidence) -> list[Word]:
    unit = _unit(audit)
    return [model_word(audit, line), Word(" (moved by "), written(line, unit), Word(" "), spread(line, unit), Word(")")]


def _elsewhere(audit: Audited, gap: Gap, passed: list[Evidence]) -> list[Word]:
    """Against whom the shift was measured, where that is not the other side of the widest gap."""
    sides = {gap.line.word("group"), gap.line.word("reference")}
    other = [line for line in passed if {line.word("group"), line.word("reference")} != sides]
    if not other:
        return []
    return [Word(", measured between "), group_word(audit, other[0]), Word(" and "),
            group_word(audit, other[0], "reference")]  # fmt: skip


def _gap_of_its_own(audit: Audited, passed: list[Evidence]) -> Iterator[Sentence]:
    """Students that made a gap where the teacher's cannot be told from chance."""
    for line in passed:
        if line.word("verdict") == "amplified":
            claim = Word(" has a gap there that grew", "verdict", (line.origin("verdict"),))
            moved = [written(line, _unit(audit)), Word(" "), spread(line, _unit(audit))]
            yield says("bias", model_word(audit, line), claim, ": moved by ", moved, ".", link="transfer")


def _crossed(audit: Audited) -> Iterator[Sentence]:
    """The surest gap among intersections, behind all whole groups."""
    frame = "worst_pairs" if audit.task == "classification" else "gaps"
    lines = evidence(audit.frames, frame, subject="teacher")
    crossed = dict.fromkeys(line.word("attribute") for line in lines if CROSSED in line.word("attribute"))
    gap = surest(gap for name in crossed if (gap := widest_gap(audit, name)) is not None)
    if gap is not None:
        yield says("bias", "among ", attribute_word(audit, gap.line), ", ", *_gap(audit, gap), link="gaps")


def _against(audit: Audited, one: Judged) -> Iterator[Sentence]:
    """One requirement on groups: who does not meet it, who leaves it open, who meets it; the worst figure of each."""
    by_verdict: dict[str, list[Evidence]] = {}
    for subject, line in one.by_subject.items():
        if subject:
            by_verdict.setdefault(str(line["verdict"]), []).append(line)
    yield says("bias", "you require ", required(audit, one), ".", link="verdicts")
    if not by_verdict:
        why = one.by_subject.get("")
        yield says("bias", "what comes of it cannot be said", reasons([] if why is None else [why]), ".",
                   link="verdicts", verdict="cannot say")  # fmt: skip
    for verdict in SEVERITY:
        if lines := by_verdict.get(verdict):
            yield met(audit, "bias", one, verdict, lines, "verdicts")
