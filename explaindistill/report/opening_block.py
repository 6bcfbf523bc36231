"""The opening of an audit as a block: its sentences, each with the place of the page where its evidence stands."""

from __future__ import annotations

from typing import Any

from explaindistill.auditing.opening.sentences import Sentence
from explaindistill.report.blocks import Statement, Statements
from explaindistill.report.places import PLACES
from explaindistill.report.verdict_words import in_front
from explaindistill.report.words import name, sentence

__all__ = ["opening_block", "opening_title"]

FIRST = 2
"""Sentences of a topic that a telephone shows before "more"."""
MOST_JUDGED = 4
NAMES = frozenset({"student", "teacher", "column", "group", "class"})
"""Kinds of words that a user chose: they are shown as names."""


def opening_title(audit: Any) -> str:
    """Headline of the page: the one that the caller gave, else who was audited."""
    opening = getattr(audit, "opening", None)
    return name(opening.title) if opening is not None else f"Audit of {', '.join(name(s) for s in audit.students)}"


def opening_block(audit: Any) -> Statements | None:
    """The sentences of the opening under their questions; None for a record without an opening."""
    opening = getattr(audit, "opening", None)
    if opening is None:
        return None
    banners = set(in_front(audit))  # what stands in a box above is not said twice
    parts = []
    for topic, question, every in opening.parts():
        sentences = tuple(one for one in every if one.text not in banners)
        if sentences:
            parts.append((topic, sentence(question), tuple(map(_statement, sentences)), _first(topic, sentences)))
    return Statements(tuple(parts))


def _first(topic: str, sentences: tuple[Sentence, ...]) -> int:
    """How many sentences a telephone shows before "more": the answer, and what spoils it."""
    if topic == "what":  # all but who is responsible
        return len(sentences) - any(
            word.kind == "about" and "purpose" in str(word.origins) for word in sentences[-1].words
        )
    if topic == "stand_in":  # what was required, and what comes of it
        judged = next((i for i, one in enumerate(sentences) if i and not one.verdict), len(sentences))
        return min(judged, MOST_JUDGED)
    return FIRST


def _statement(sentences: Sentence) -> Statement:
    pieces = tuple((_text(word.text, word.kind), word.kind) for word in sentences.words)
    return Statement(pieces, f"#{PLACES[sentences.link]}" if sentences.link in PLACES else "", sentences.verdict)


def _text(text: str, kind: str) -> str:
    return name(text) if kind in NAMES else sentence(text)
