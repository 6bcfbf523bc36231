"""Words and sentences of a text, with their places: any script, emoji, marks that stand above or below a letter."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Token", "bounds", "joined", "keys", "n_sentences", "sentences", "spoken", "spots", "tokens", "without"]

_APOSTROPHES = "'’ʼ"
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts that set no spaces between words: Thai, Lao, Burmese, Khmer, Japanese and Chinese. Each sign, with the marks
on it, is a token of its own; words of several signs are found as phrases."""
_ASCII = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*", re.IGNORECASE)
_PICTURES = "\u203c\u2049\u2190-\u27bf\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_INSIDE = "\u00ad\u200c\u200d"
"""Soft hyphen, where a word may be broken, and what keeps letters apart or together: signs within words that nobody
sees."""
_SIGN = re.compile(r"\w")
_SENTENCE_END = re.compile(r"(?:[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？؟۔।]+|\n)\s*")


class Token(NamedTuple):
    """One word of a text: where it begins and ends, and how it is looked up."""

    start: int
    end: int
    key: str


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    """What one token looks like; the marks of all scripts are listed once, since "word" leaves them out."""
    marks = "".join(
        re.escape(chr(i)) for i in range(0x300, min(0x1E950, sys.maxunicode)) if unicodedata.category(chr(i))[0] == "M"
    )
    letter = rf"[^\W_{_UNSPACED}]"
    word = rf"{letter}[{marks}{_INSIDE}]*"
    flag = r"[\U0001f1e6-\U0001f1ff]{2}"
    picture = rf"(?![{_UNSPACED}\w])[{_PICTURES}][\ufe0f\U0001f3fb-\U0001f3ff]*"
    return re.compile(
        rf"(?:{word})+(?:[{_APOSTROPHES}](?:{word})+)*|[{_UNSPACED}][{marks}]*|{flag}|{picture}(?:\u200d{picture})*"
    )


@lru_cache(maxsize=100_000)
def _key(word: str) -> str:
    """How a word is looked up: small letters, one way to write accents and apostrophes, no variant of emoji."""
    if word.isascii():
        return word.lower()
    word = unicodedata.normalize("NFC", word.lower()).replace("\ufe0f", "").replace("\u00ad", "")
    return re.sub(f"[{_APOSTROPHES}]", "'", word)


def tokens(text: str) -> list[Token]:
    """Words of a text in order; capitals, curly apostrophes and ways to write an accent make no difference.

    Examples
    --------
    >>> [token.key for token in tokens("It’s NOT café 好看 👍🏽!")]
    ["it's", 'not', 'café', '好', '看', '👍🏽']
    """
    pattern = _ASCII if text.isascii() else _pattern()
    return [Token(match.start(), match.end(), _key(match.group())) for match in pattern.finditer(text)]


def keys(text: str) -> list[str]:
    """The ``key`` of each of a text's :func:`tokens`, in a fifth of the time.

    Examples
    --------
    >>> keys("It is NOT good, is it?")
    ['it', 'is', 'not', 'good', 'is', 'it']
    """
    return _ASCII.findall(text.lower()) if text.isascii() else [_key(word) for word in _pattern().findall(text)]


def bounds(text: str) -> list[tuple[int, int]]:
    """Where each of a text's :func:`tokens` begins and ends, in a fourth of the time.

    Examples
    --------
    >>> bounds("It is NOT.")
    [(0, 2), (3, 5), (6, 9)]
    """
    return [match.span() for match in (_ASCII if text.isascii() else _pattern()).finditer(text)]


@lru_cache(maxsize=1_000)
def _whole(word: str) -> re.Pattern[str]:
    """A token of letters a to z, digits and apostrophes that no further ones touch."""
    return re.compile(rf"(?<![a-z0-9])(?<![a-z0-9]'){re.escape(word)}(?![a-z0-9])(?!'[a-z0-9])")


def spots(text: str, key: str) -> list[tuple[int, int]]:
    """Where one token stands in a text; most texts hold none of most words, and then are not taken apart.

    Examples
    --------
    >>> spots("It isn't; IT is.", "it"), spots("It isn't.", "isn")
    ([(0, 2), (10, 12)], [])
    """
    if text.isascii():
        small = text.lower()
        return [match.span() for match in _whole(key).finditer(small)] if key in small else []
    words = keys(text)
    return [span for word, span in zip(words, bounds(text), strict=True) if word == key] if key in words else []


def joined(words: Iterable[str]) -> str:
    """A phrase as it is read: words with a space between them, signs of scripts without spaces side by side.

    Examples
    --------
    >>> joined(("not", "good")), joined(("好", "看"))
    ('not good', '好看')
    """
    text = ""
    for word in words:
        glued = text and re.match(f"[{_UNSPACED}]", text[-1]) and re.match(f"[{_UNSPACED}]", word)
        text += word if not text or glued else f" {word}"
    return text


def spoken(term: tuple[str, ...]) -> str:
    """Name of a word or phrase in a column.

    Examples
    --------
    >>> spoken(("wonderful",)), spoken(("not", "good"))
    ("the word 'wonderful'", "the phrase 'not good'")
    """
    return f"the {'word' if len(term) == 1 else 'phrase'} '{joined(term)}'"


def sentences(text: str) -> list[str]:
    """Sentences of a text, each with the marks and spaces that end it: joined again they are the text.

    Examples
    --------
    >>> sentences("It is long. It is good!  好看。是")
    ['It is long. ', 'It is good!  ', '好看。', '是']
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    starts = [0, *ends]
    return [text[a:b] for a, b in zip(starts, [*ends, len(text)], strict=True) if b > a]


def n_sentences(text: str) -> int:
    """Sentences that hold a letter or digit.

    Examples
    --------
    >>> n_sentences("It is long. It is good! ...")
    2
    """
    n = start = 0
    for match in _SENTENCE_END.finditer(text):
        n += _SIGN.search(text, start, match.end()) is not None
        start = match.end()
    return n + (_SIGN.search(text, start) is not None)


def without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Text without some spans, each with the space before it or, at the beginning, the one after it.

    Examples
    --------
    >>> without("a very good film", [(2, 6)]), without("very good", [(0, 4)])
    ('a good film', 'good')
    """
    pieces: list[str] = []
    at = 0
    for start, end in sorted(spans):
        before = text[at:start]
        at = max(end, at)
        if before.endswith(" "):
            before = before[:-1]
        elif not before and not pieces and text[at : at + 1] == " ":
            at += 1
        pieces.append(before)
    return "".join([*pieces, text[at:]])
