"""Openings with one thing changed on purpose: a number, a sign, a word that claims something, or a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from opening.reading import MINUS, NUMBER

CLAIMS = (
    ("meets it", "does not meet it"), ("meets it", "leaves it open"), ("leaves it open", "meets it"),
    ("does not meet it", "meets it"), ("do not meet it", "meet it"), ("leave it open", "do not meet it"),
    ("meet it.", "do not meet it."), ("carries it over", "hides it"), ("carry it over", "hide it"),
    ("makes it larger", "carries it over"), ("make it larger", "carry it over"), ("hides it", "carries it over"),
    ("hide it", "carry it over"), ("shows only part of it", "carries it over"), ("show only part of it", "hide it"),
    ("turns it round", "carries it over"), ("turn it round", "carry it over"), ("fewer", "more"), ("more.", "fewer."),
    ("lower", "higher"), ("higher", "lower"), ("what it became cannot be said of", "of"),
    ("What it became cannot be said of", "Of"), ("does not meet", "leaves open"), ("leaves open", "does not meet"),
    ("is as often right as", "is more often right than"), ("No student can be recommended", "Any student can be used"),
    (" carries ", " causes "), ("cannot be told from chance", "is there"), ("cannot say", "it is fair"),
)  # fmt: skip
"""What is written, and what somebody would rather read; each says something else."""


def swapped(audit: Any) -> Iterator[tuple[str, Any]]:
    """Each opening has one sentence that says something else than it did, and the others as they were.

    Yields
    ------
    words : str
        What was changed.
    opening : Opening
    """
    opening = audit.opening
    for place, sentence in enumerate(opening.sentences):
        if any(word.kind == "note" for word in sentence.words):
            continue  # a sentence of another part of the package, quoted whole
        for words, text in _changes(audit, sentence):
            if text != sentence.text:
                changed = replace(sentence, words=(replace(sentence.words[0], text=text, kind="", origins=()),))
                sentences = (*opening.sentences[:place], changed, *opening.sentences[place + 1 :])
                yield f"{words}: {text}", replace(opening, sentences=sentences)


def _changes(audit: Any, sentence: Any) -> Iterator[tuple[str, str]]:
    text = sentence.text
    for match in re.finditer(NUMBER, text):
        if not text[: match.start()][-1:].isalnum():
            yield from _numbers(text, match)
    for before, after in CLAIMS:
        if before in text:
            yield "claim", text.replace(before, after, 1)
    yield from _names(audit, sentence)


def _numbers(text: str, match: re.Match[str]) -> Iterator[tuple[str, str]]:
    """The number with its last digit three further, and with the other sign."""
    number = match[0]
    last = next((i for i in range(len(number) - 1, -1, -1) if number[i].isdigit()), None)
    if last is None:
        return
    digit = str((int(number[last]) + 3) % 10)
    yield "number", text[: match.start()] + number[:last] + digit + number[last + 1 :] + text[match.end() :]
    other = number[1:] if number.startswith(MINUS) else MINUS + number
    if float(re.sub(r"[^\d.]", "", number.split("e")[0]) or 0):
        yield "sign", text[: match.start()] + other + text[match.end() :]


def _names(audit: Any, sentence: Any) -> Iterator[tuple[str, str]]:
    """A name of the sentence in place of another one of its kind that the audit has, with all else as it was."""
    named = {word.text for kind in ("student", "column", "group") for one in audit.opening.sentences
             for word in one.words if word.kind == kind}  # fmt: skip
    for at, word in enumerate(sentence.words):
        if word.kind not in {"student", "column", "group"}:
            continue
        rivals = sorted({w.text for one in audit.opening.sentences for w in one.words if w.kind == word.kind} & named)
        for rival in rivals:
            if rival != word.text:
                words = [w.text for w in sentence.words]
                words[at] = rival
                yield "name", "".join(words)
