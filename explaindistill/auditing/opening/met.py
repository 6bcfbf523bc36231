"""Who meets a requirement, who leaves it open and who does not: one sentence for all models of one verdict."""

from __future__ import annotations

from explaindistill.auditing.opening.audited import Audited, model_word
from explaindistill.auditing.opening.evidence import CROSSED, Evidence, Piece, figure, joined, reasons, says, spread
from explaindistill.auditing.opening.requirements import Judged, bounds_of, unit_of
from explaindistill.auditing.opening.sentences import Sentence, Topic, Word

__all__ = ["met"]

MET = {
    "fail": (" does not meet it", " do not meet it"),
    "inconclusive": (" leaves it open", " leave it open"),
    "cannot say": (" cannot be judged", " cannot be judged"),
    "pass": (" meets it", " meet it"),
}
"""What one model, and what several, do with a requirement; by the whole interval."""
PLACED = 2
"""Models whose groups are named in the sentence: of more nobody keeps apart whose groups are which, and the matrix of
requirements names them all."""


def met(audit: Audited, topic: Topic, one: Judged, verdict: str, lines: list[Evidence], link: str) -> Sentence:
    """Models of one verdict on one requirement, each with the figure that decides.

    Parameters
    ----------
    audit : Audited
    topic : str
    one : Judged
    verdict : "fail", "inconclusive", "cannot say" or "pass"
    lines : list of Evidence
        Of the frame ``verdicts``, one per model.
    link : str
        Name of the frame that holds the evidence.
    """
    unit, apart = unit_of(str(lines[0]["metric"])), bounds_of(one.rule)
    pieces = []
    for line in lines:
        piece = [model_word(audit, line)]
        if verdict != "cannot say":
            where = _where(audit, line) if len(lines) <= PLACED else []
            piece += [Word(" ("), *where, figure(line, unit, apart), Word(" "), spread(line, unit, apart), Word(")")]
        pieces.append(piece)
    claim = MET[verdict][0 if len(lines) == 1 else 1]
    word = Word(claim, "verdict", tuple(line.origin("verdict") for line in lines))
    why: list[Piece] = [reasons(lines[:1])] if verdict == "cannot say" else []
    return says(topic, joined(pieces), word, *why, ".", link=link, verdict=verdict)


def _where(audit: Audited, line: Evidence) -> list[Word]:
    """The groups that a verdict is about; of a worst pair both."""
    attribute, group = line.word("attribute"), line.word("group")
    if not group:
        return []
    sides = group.split(" against ") if "_worst_" in line.word("metric") else [group]
    names = [audit.names.group(attribute, side) for side in sides]
    shown = names != sides or CROSSED in attribute
    text = " against ".join(names) if shown else f"{audit.names.column(attribute)} = {' against '.join(names)}"
    return [Word(text, "group", (line.origin("attribute"), line.origin("group"))), Word(": ")]
