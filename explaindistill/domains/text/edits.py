"""Edits of texts: words swapped in pairs, typing errors, and for each a control that changes as much of no account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.domains.text.swaps import Pair
from explaindistill.domains.text.terms import Term, TermIndex
from explaindistill.domains.text.tokens import bounds, joined, keys

__all__ = ["ControlSwap", "OtherWords", "Swap", "Typos"]

Texts = NDArray[np.object_]
_AFTER_OBJECT = frozenset(
    keys(
        "his her its my your our their me you us them it "
        "a an the and or but nor so to of in on at by for from with without about into onto over under after before "
        "again as than then when while if because that this these those is was are were be been being has had have do "
        "does did will would can could may might shall should must not never too also up down out off away back who "
        "whom which what where why how"
    )
)
"""Words before which "her" is him and not his: they begin no name of a thing that somebody has."""


@dataclass(frozen=True)
class Swap:
    """Words exchanged for their partners, both ways at once or from first to second; capitals stay as they were.

    Examples
    --------
    >>> swap = Swap((("he", "she"), ("him", "her"), ("his", "her")))
    >>> texts = np.array(["He gave her his book, and SHE thanked him; her voice broke."], dtype=object)
    >>> swap(texts, np.random.default_rng(0))[0]
    'She gave him her book, and HE thanked her; his voice broke.'
    """

    pairs: tuple[Pair, ...]
    one_way: bool = False

    def __call__(self, objects: Texts, rng: np.random.Generator) -> Texts:
        """Swap the words of each text; nothing is left to chance."""
        del rng
        partner = _partners(self.pairs, self.one_way)
        index = TermIndex(list(partner))
        edited = np.empty(len(objects), dtype=object)
        edited[:] = [_swapped(str(text), index, partner) for text in objects]
        return edited


@dataclass(frozen=True)
class ControlSwap:
    """As many words of no account swapped as often as those of ``pairs``: what any swap of that size does.

    Each word of a pair has a stand-in, the word of other texts that comes next in frequency, and stand-ins are swapped.
    Frequencies are those of the texts at hand, so that all of them should be edited at once. ``excluded`` are words
    that are no stand-ins: those of all pairs.

    Examples
    --------
    >>> texts = np.array(["he saw a tree", "she saw a house", "he met a dog", "she met a cat"], dtype=object)
    >>> ControlSwap((("he", "she"),), frozenset({"he", "she"}))(texts, np.random.default_rng(0)).tolist()
    ['he met a tree', 'she met a house', 'he saw a dog', 'she saw a cat']
    """

    pairs: tuple[Pair, ...]
    excluded: frozenset[str]
    one_way: bool = False

    def __call__(self, objects: Texts, rng: np.random.Generator) -> Texts:
        """Swap stand-ins in each text; nothing is left to chance."""
        return Swap(self.stand_ins([str(text) for text in objects]), self.one_way)(objects, rng)

    def stand_ins(self, texts: Sequence[str]) -> tuple[Pair, ...]:
        """Pairs of words as frequent in the texts as those of the pairs that the texts hold."""
        counts: Counter[str] = Counter()
        phrases = TermIndex([tuple(keys(word)) for pair in self.pairs for word in pair])
        held: Counter[Term] = Counter()
        for text in texts:
            words = keys(text)
            counts.update(set(words))
            held.update({phrases.terms[at] for at, _, _ in phrases.places(words)})
        candidates = sorted(word for word in counts if word not in self.excluded and word.isalpha())
        count = np.array([counts[word] for word in candidates], dtype=float)
        pairs = []
        for pair in self.pairs:
            wanted = [held[tuple(keys(word))] for word in pair]
            if not any(wanted) or np.isfinite(count).sum() < 2:
                continue
            both = []
            for n in wanted:
                nearest = int(np.abs(count - n).argmin())  # of equally near ones the first by alphabet
                both.append(candidates[nearest])
                count[nearest] = np.inf
            pairs.append((both[0], both[1]))
        return tuple(pairs)


@dataclass(frozen=True)
class Typos:
    """Two letters inside a word exchanged, in about a share of the words of four letters or more.

    Examples
    --------
    >>> Typos(1.0)(np.array(["an unusual film"], dtype=object), np.random.default_rng(0))[0]
    'an unsuual flim'
    """

    share: float = 0.05

    def __call__(self, objects: Texts, rng: np.random.Generator) -> Texts:
        """Change the words that chance picks."""
        edited = np.empty(len(objects), dtype=object)
        for row, text in enumerate(objects):
            edited[row] = _replaced(str(text), _picked(str(text), self.share, rng), lambda word: _mistyped(word, rng))
        return edited


@dataclass(frozen=True)
class OtherWords:
    """As many words exchanged for others of the texts that are as frequent: the control of :class:`Typos`.

    Examples
    --------
    >>> texts = np.array(["some film", "some book"], dtype=object)
    >>> OtherWords(1.0)(texts, np.random.default_rng(0)).tolist()
    ['some book', 'some film']
    """

    share: float = 0.05

    def __call__(self, objects: Texts, rng: np.random.Generator) -> Texts:
        """Change the words that chance picks."""
        counts = Counter(word for text in objects for word in set(keys(str(text))) if len(word) >= LONG_ENOUGH)
        order = [word for word, _ in sorted(counts.items(), key=lambda item: (item[1], item[0]))]
        at = {word: i for i, word in enumerate(order)}
        # neighbours in the order of frequency, pairwise, so that a text and its partner change alike
        partner = {w: order[i ^ 1] for w, i in at.items() if i ^ 1 < len(order) and counts[order[i ^ 1]] == counts[w]}
        edited = np.empty(len(objects), dtype=object)
        for row, text in enumerate(objects):
            picked = [word for word in _picked(str(text), self.share, rng) if word[0] in partner]
            edited[row] = _replaced(str(text), picked, lambda word: _cased(partner[keys(word)[0]], word))
        return edited


LONG_ENOUGH = 4
"""Letters from which a word has two inside that can be exchanged."""


def _partners(pairs: Sequence[Pair], one_way: bool) -> dict[Term, str]:
    """Partner of each word; of a word with several partners the first, but for "her"."""
    partner: dict[Term, str] = {}
    for a, b in pairs:
        partner.setdefault(tuple(keys(a)), b)
        if not one_way:
            partner.setdefault(tuple(keys(b)), a)
    return partner


def _swapped(text: str, index: TermIndex, partner: dict[Term, str]) -> str:
    words = keys(text)
    places = index.places(words)
    if not places:
        return text
    at = bounds(text)
    pieces, end = [], 0
    for term, start, after in places:
        word = partner[index.terms[term]]
        if index.terms[term] == ("her",) and word == "him" and after < len(words):
            between = text[at[after - 1][1] : at[after][0]]
            if between.isspace() and words[after] not in _AFTER_OBJECT:
                word = "his"  # it stands just before what somebody may own
        first, last = at[start][0], at[after - 1][1]
        pieces += [text[end:first], _cased(word, text[first:last])]
        end = last
    return "".join([*pieces, text[end:]])


def _cased(word: str, like: str) -> str:
    """A word with the capitals of another."""
    if len(like) > 1 and like.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


def _picked(text: str, share: float, rng: np.random.Generator) -> list[tuple[str, int, int]]:
    """About a share of the words that are long enough, each with its first sign and the one after its last."""
    words = [
        (word, start, end)
        for word, (start, end) in zip(keys(text), bounds(text), strict=True)
        if len(word) >= LONG_ENOUGH and word.isalpha()
    ]
    return [word for word, chance in zip(words, rng.random(len(words)), strict=True) if chance < share]


def _mistyped(word: str, rng: np.random.Generator) -> str:
    """The word with two different letters inside exchanged, where it has such."""
    places = [i for i in range(1, len(word) - 2) if word[i] != word[i + 1]]
    if not places:
        return word
    i = int(rng.choice(places))
    return f"{word[:i]}{word[i + 1]}{word[i]}{word[i + 2 :]}"


def _replaced(text: str, picked: Sequence[tuple[str, int, int]], change: Callable[[str], str]) -> str:
    pieces, end = [], 0
    for _, first, last in picked:
        pieces += [text[end:first], change(text[first:last])]
        end = last
    return "".join([*pieces, text[end:]])


def excluded_words(swaps: dict[str, tuple[Pair, ...]]) -> frozenset[str]:
    """All words of all pairs: no stand-in of a control is one of them.

    Examples
    --------
    >>> sorted(excluded_words({"dialect": (("going to", "gonna"),)}))
    ['going', 'gonna', 'to']
    """
    return frozenset(key for pairs in swaps.values() for pair in pairs for word in pair for key in keys(joined([word])))
