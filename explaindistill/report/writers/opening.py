"""The opening of an audit as plain text, and as the pieces that Markdown and HTML are made of."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from explaindistill.auditing.opening.sentences import Sentence, Word
from explaindistill.report.words import name, sentence

__all__ = ["COLUMNS", "NAMES", "as_text", "pieces", "title_of"]

COLUMNS = 80
"""Of a terminal that nobody has widened."""
NAMES = frozenset({"student", "column", "group", "class"})
"""Kinds of words that are names of things: they are set apart from what is said of them."""
LONGEST_NAME = 160
"""Characters: longer names are no names that anybody reads."""
_BREAKS = re.compile(r"[\t\n\r\v\f]+")


def _shown(text: str) -> str:
    """A piece on one line, with hidden characters made visible."""
    return sentence(_BREAKS.sub(" ", text))


def title_of(audit: Any) -> str:
    """The headline of a report."""
    return _shown(audit.opening.title)


def as_text(audit: Any, columns: int = COLUMNS) -> str:
    """The opening for a terminal: the title, then each question with its sentences.

    Parameters
    ----------
    audit : Audit
    columns : int
        Width at which lines are broken; what has no space in it is not cut.
    """
    lines = [*textwrap.wrap(title_of(audit), columns, break_long_words=False)]
    for _, question, sentences in audit.opening.parts():
        lines += ["", question] if question else []
        for one in sentences:
            text = "".join(text for _, text in pieces(one))
            first, then = ("- ", "  ") if question else ("", "")
            lines += textwrap.wrap(
                text, columns, initial_indent=first, subsequent_indent=then,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
    return "\n".join(lines)


def pieces(one: Sentence) -> list[tuple[str, str]]:
    """Kind and text of each word of a sentence, not yet escaped, for a template."""
    return [(word.kind, _named(word)) for word in one.words]


def _named(word: Word) -> str:
    """A name that is longer than a line keeps both ends."""
    return name(word.text, LONGEST_NAME) if word.kind in NAMES and len(word.text) > LONGEST_NAME else _shown(word.text)
