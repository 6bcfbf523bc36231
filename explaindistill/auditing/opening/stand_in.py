"""Can a simple model stand in for the teacher? Against what the caller required; without that, figures alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from explaindistill.auditing.opening.audited import Audited, model_word, rows_word
from explaindistill.auditing.opening.evidence import Evidence, Piece, evidence, figure, joined, says, spread
from explaindistill.auditing.opening.met import met
from explaindistill.auditing.opening.requirements import (
    BIASED,
    Judged,
    judged,
    metric_words,
    required,
    unit_of,
    worst_of,
)
from explaindistill.auditing.opening.sentences import Sentence, Word
from explaindistill.auditing.opening.spelling import SPACE, measured
from explaindistill.auditing.options import ACCURACY_MARGIN
from explaindistill.measures.verdicts import SEVERITY

__all__ = ["can_stand_in", "headline", "headlines"]

BEST_FIRST = ("pass", "inconclusive", "cannot say", "fail")


def headline(audit: Audited, student: str) -> Evidence | None:
    """Agreement, or R², of a student on all audited rows; None where it was not measured."""
    metric = "agreement" if audit.task == "classification" else "r2"
    lines = evidence(audit.frames, "fidelity", metric=metric, subject=student, subset="")
    return lines[0] if lines else None


def headlines(audit: Audited) -> list[Evidence]:
    """Of each student that has one, the most faithful first."""
    lines = [line for name in audit.students if (line := headline(audit, str(name))) is not None]
    return sorted(lines, key=lambda line: -float(line["estimate"]))


def can_stand_in(audit: Audited) -> Iterator[Sentence]:
    """Requirements and what each student does with them, or how faithful each is; then accuracy and a constant."""
    requirements = [one for one in judged(audit) if one.frame not in BIASED and _about_students(audit, one)]
    for one in requirements:
        yield from _against(audit, one)
    if not requirements:
        yield _figures(audit)
    yield from _unmeasured(audit)
    yield from _accuracy(audit, requirements)
    yield from _constant(audit)


def _about_students(audit: Audited, one: Judged) -> bool:
    return not one.by_subject or bool(set(one.by_subject) & set(map(str, audit.students)))


def _against(audit: Audited, one: Judged) -> Iterator[Sentence]:
    """One requirement, then the students that meet it, that leave it open and that do not, the most faithful first."""
    yield says("stand_in", "you require ", required(audit, one), ".", link="verdicts")
    mine = [line for subject, line in one.by_subject.items() if subject in set(map(str, audit.students))]
    for verdict in BEST_FIRST:
        lines = sorted((line for line in mine if line["verdict"] == verdict), key=lambda line: -_number(line))
        if lines:
            yield met(audit, "stand_in", one, verdict, lines, one.frame)
    if not mine:
        yield _nothing(one)


def _number(line: Evidence) -> float:
    value = float(line["estimate"])
    return 0.0 if math.isnan(value) else value


def _reason(line: Evidence) -> Word:
    return Word(line.word("reason") or "not defined", "reason", (line.origin("reason"),))


def _nothing(one: Judged) -> Sentence:
    line = one.by_subject.get("")
    why: tuple[Piece, ...] = () if line is None else (": ", _reason(line))
    return says("stand_in", "what comes of it cannot be said", *why, ".", link="verdicts", verdict="cannot say")


def _figures(audit: Audited) -> Sentence:
    """How faithful each student is, where nobody said how faithful it has to be."""
    lines = headlines(audit)
    if not lines:
        return says("stand_in", "cannot say: fidelity was not measured.", link="fidelity", verdict="cannot say")
    share = audit.task == "classification"
    unit = unit_of(str(lines[0]["metric"]))
    pieces = [[model_word(audit, line), Word(" on " if share else " with "), figure(line, unit), Word(" "),
               spread(line, unit)] for line in lines]  # fmt: skip
    pieces[0][1] = Word(f" {metric_words(str(lines[0]['metric']))} ")
    end: tuple[Piece, ...] = (" of ", rows_word(audit)) if share else ()
    return says(
        "stand_in",
        joined(pieces),
        *end,
        "; none of your requirements is about that, so there is no yes or no.",
        link="fidelity",
    )


def _unmeasured(audit: Audited) -> Iterator[Sentence]:
    """Students without a figure of fidelity are named, not passed over."""
    measured_ones = {line.word("subject") for line in headlines(audit)}
    gone = [str(name) for name in audit.students if str(name) not in measured_ones]
    if gone and measured_ones:
        names = joined([[Word(name, "student")] for name in gone])
        yield says("stand_in", "of ", names, " fidelity was not measured.", link="fidelity", verdict="cannot say")


def _accuracy(audit: Audited, requirements: list[Judged]) -> Iterator[Sentence]:
    """Whether the best student is as often right as the teacher: by an equivalence test with a stated margin."""
    ranked = headlines(audit)
    if not ranked:
        return
    best = min(ranked, key=lambda line: SEVERITY[::-1].index(_overall(requirements, line.word("subject")) or "pass"))
    lines = evidence(audit.frames, "performance", metric="accuracy_difference", subject=best.word("subject"))
    if not lines:
        return
    line, margin = lines[0], float(audit.manifest.get("measuring", {}).get("margin_of_accuracy", ACCURACY_MARGIN))
    apart = [-margin, margin]
    difference: tuple[Piece, ...] = (figure(line, "points", apart), " ", spread(line, "points", apart))
    within = f"{100 * margin:g}{SPACE}{'point' if margin == 0.01 else 'points'}"
    if -margin < line["low"] and line["high"] < margin:
        claim = Word(" is as often right as the teacher", "verdict", (line.origin("low"), line.origin("high")))
        yield says("stand_in", model_word(audit, line), claim, f", within {within}: the difference is ", *difference,
                   ".", link="performance")  # fmt: skip
    else:
        yield says("stand_in", "the share of right decisions of ", model_word(audit, line), " differs from the "
                   "teacher's by ", *difference, f"; that they are the same within {within} is not shown.",
                   link="performance")  # fmt: skip


def _overall(requirements: list[Judged], student: str) -> str:
    return worst_of(one.verdict(student) for one in requirements)


def _constant(audit: Audited) -> Iterator[Sentence]:
    """What the answer that the teacher gives most often would reach: agreement less what is gained over it."""
    ranked = headlines(audit)
    if not ranked or ranked[0]["metric"] != "agreement":
        return
    line = ranked[0]
    gains = evidence(audit.frames, "fidelity", metric="agreement_gain", subject=line.word("subject"), subset="")
    if gains:
        value = float(line["estimate"]) - float(gains[0]["estimate"])
        origins = (line.origin("estimate"), gains[0].origin("estimate"))
        yield says("stand_in", "a constant answer would decide like the teacher on ",
                   Word(measured(value, "share"), "difference", origins, value), ".", link="fidelity")  # fmt: skip
