"""Length and form of a text: what can be said of it without reading its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.domains.text.tokens import bounds, keys, n_sentences

__all__ = ["FORM", "LENGTH", "SENTENCE", "FormColumn", "form_values", "of_length", "silenced_form", "varying"]

_QUESTION, _EXCLAMATION, _QUOTE = re.compile("[?？؟]"), re.compile("[!！]"), re.compile('["“”„«»「」]')
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\w)\d[\d.,]*\w*")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_END = re.compile(r"[.!?…。！？؟۔।\n]+")
LENGTH, SENTENCE = "number of words", "words per sentence"


@dataclass(frozen=True)
class FormColumn:
    """Signs counted per 100 words: the column's name, their number in a text, and the text without them."""

    name: str
    count: Callable[[str], int]
    silence: Callable[[str], str]


def _capitals(text: str) -> int:
    return sum(word.isupper() for word in _LETTERS.findall(text))


def _small(text: str) -> str:
    return _LETTERS.sub(lambda word: word.group().lower() if word.group().isupper() else word.group(), text)


def _of(name: str, sign: re.Pattern[str]) -> FormColumn:
    return FormColumn(f"{name} per 100 words", lambda text: len(sign.findall(text)), lambda text: sign.sub("", text))


_COUNTED = (
    _of("question marks", _QUESTION),
    _of("exclamation marks", _EXCLAMATION),
    FormColumn("words in capitals per 100 words", _capitals, _small),
    _of("numbers", _NUMBER),
    _of("quotation marks", _QUOTE),
    _of("links", _LINK),
)
FORM: dict[str, FormColumn | None] = {LENGTH: None, SENTENCE: None} | {column.name: column for column in _COUNTED}
"""All columns by name; None where every text has a number that is not 0."""


def form_values(
    texts: Sequence[str], names: Sequence[str], words: Sequence[Sequence[str]] | None = None
) -> NDArray[np.float64]:
    """Numbers of each text ``(n, names)``; ``words`` are the texts' keys where they have been read.

    Examples
    --------
    >>> form_values(["Is it? YES it is!"], ["number of words", "words per sentence", "words in capitals per 100 words"])
    array([[ 5. ,  2.5, 20. ]])
    """
    values = np.zeros((len(texts), len(names)))
    for i, text in enumerate(texts):
        n_words = len(keys(text) if words is None else words[i])
        for j, name in enumerate(names):
            column = FORM[name]
            if column is not None:
                values[i, j] = 100.0 * column.count(text) / max(n_words, 1)
            else:
                values[i, j] = n_words if name == LENGTH else n_words / max(n_sentences(text), 1)
    return values


def varying(texts: Sequence[str], min_texts: int) -> list[str]:
    """Names of the columns that are not the same in all texts, and above 0 in at least ``min_texts``.

    Examples
    --------
    >>> varying(["Is it? It is!", "Yes, it is.", "No.", "Why not?"], min_texts=2)
    ['number of words', 'words per sentence', 'question marks per 100 words']
    """
    values = form_values(texts, list(FORM))
    differs = np.ptp(values, axis=0) > 0 if len(texts) else np.zeros(len(FORM), dtype=bool)
    enough = (values > 0).sum(axis=0) >= min_texts
    return [name for name, use in zip(FORM, differs & enough, strict=True) if use]


def silenced_form(text: str, name: str, middle: float) -> str:
    """The text where a column says nothing: without its signs, or as long as a usual text or sentence is.

    Examples
    --------
    >>> silenced_form("Is it? It is!", "question marks per 100 words", 0.0)
    'Is it It is!'
    >>> silenced_form("Is it? It is!", "number of words", 3.0)
    'Is it? It'
    >>> silenced_form("Is it? It is!", "words per sentence", 3.0)
    'Is it It. is.'
    """
    column = FORM[name]
    if column is not None:
        return column.silence(text)
    n = max(round(middle), 1)
    return of_length(text, n) if name == LENGTH else _of_sentences(text, n)


def _of_sentences(text: str, n_words: int) -> str:
    """The text with a full stop after every so many words, and none elsewhere."""
    plain = _END.sub(" ", text)
    at = bounds(plain)
    ends = [at[min(i + n_words, len(at)) - 1][1] for i in range(0, len(at), n_words)]
    pieces = [plain[a:b].strip() + "." for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    return re.sub(" +", " ", " ".join(pieces))


def of_length(text: str, n_words: int) -> str:
    """The text cut, or begun again, so that it has as many words.

    Examples
    --------
    >>> of_length("one two three.", 2), of_length("one two.", 3)
    ('one two', 'one two. one')
    """
    at = bounds(text)
    if not at or len(at) == n_words or n_words < 1:
        return text if at and n_words >= 1 else ""
    rounds, rest = divmod(n_words, len(at))
    start = text[: at[rest - 1][1]] if rest else ""
    return " ".join([*[text] * rounds, start]).strip()
