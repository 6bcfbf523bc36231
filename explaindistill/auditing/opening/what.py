"""What was audited: rows, decision, teacher, and how often the teacher is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from explaindistill.auditing.opening.audited import Audited, rows_word, teacher_kind
from explaindistill.auditing.opening.evidence import Piece, evidence, figure, reasons, says, spread
from explaindistill.auditing.opening.sentences import Origin, Sentence, Word
from explaindistill.auditing.opening.spelling import SPACE, Unit, count
from explaindistill.auditing.opening.warnings import what_spoils_all

__all__ = ["what_was_audited"]

RIGHT_VALUES: tuple[Unit, str, str] = ("number", "against the true values its R² is ", ".")


def what_was_audited(audit: Audited) -> Iterator[Sentence]:
    """Rows and decision, what people said about the audit, the teacher, and what spoils all figures."""
    yield says("what", *_rows(audit))
    yield _teacher(audit)
    yield from what_spoils_all(audit)
    if pieces := _responsible(audit):
        yield says("what", *pieces)


def _about(audit: Audited, field: str) -> Word:
    return Word(getattr(audit.about, field), "about", (Origin("about", 0, field),))


def _rows(audit: Audited) -> Iterator[Piece]:
    n = audit.manifest.get("n_rows")
    yield "audited on "
    if n is not None:
        yield from (Word(count(n), "count", (Origin("manifest", 0, "n_rows"),), float(n)), " ")
    yield rows_word(audit)
    if audit.about.data_name:
        yield from (" of ", _about(audit, "data_name"))
    if audit.about.decision:
        yield from (", the decision “", _about(audit, "decision"), "”")
    if audit.favorable is not None:
        favorable = Word(audit.names.of_class(audit.favorable), "class", (Origin("audit", 0, "favorable"),))
        yield from ("; the one that people want is “", favorable, "”", *_rule(audit))
    yield "."


def _rule(audit: Audited) -> Iterator[Piece]:
    """The decision rule, where it is not the more probable of two classes."""
    threshold, origin = audit.threshold, (Origin("audit", 0, "threshold"),)
    if isinstance(threshold, Mapping):
        top = float(threshold["top"])
        yield from (", given to the ", Word(f"{100 * top:g}{SPACE}%", "bound", origin, top), " with the highest score")
    elif audit.classes is not None and len(audit.classes) == 2 and threshold != 0.5:
        yield ", given from a probability of "
        yield Word(f"{float(threshold):g}", "bound", origin, float(threshold))
        yield " on"


def _responsible(audit: Audited) -> list[Piece]:
    labels = {"purpose": "Purpose: ", "owner": "Owner: ", "date": "Date: "}
    pieces: list[Piece] = []
    for field, label in labels.items():
        if getattr(audit.about, field):
            ended = getattr(audit.about, field).rstrip().endswith((".", "!", "?"))
            pieces += [label, _about(audit, field), " " if ended else ". "]
    return [*pieces[:-1], str(pieces[-1]).rstrip()] if pieces else []


def _teacher(audit: Audited) -> Sentence:
    kind = Word(teacher_kind(audit), "about", (Origin("audit", 0, "teacher_name"),))
    start: list[str | Word] = ["the model under audit, here “the teacher”, is ", kind]
    metric = "accuracy" if audit.task == "classification" else "r2"
    lines = evidence(audit.frames, "performance", metric=metric, subject="teacher")
    if not lines:
        why = reasons(evidence(audit.frames, "performance", defined=False, metric=metric, subject="teacher"))
        words = [*start, "; how well it meets the truth cannot be said", *why, "."]
        return says("what", words, link="performance", verdict="cannot say")
    line = lines[0]
    right: tuple[Unit, str, str] = ("share", "it is right on ", " of them.")
    unit, verb, end = right if metric == "accuracy" else RIGHT_VALUES
    return says("what", start, "; ", verb, figure(line, unit), " ", spread(line, unit), end, link="performance")
