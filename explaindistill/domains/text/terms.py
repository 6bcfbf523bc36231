"""Terms: words and phrases that enough texts, and enough authors, hold; which of them a text holds, and where."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from explaindistill.domains.text.tokens import bounds, keys

__all__ = ["MOST_WORDS", "Term", "TermIndex", "frequent_terms"]

Term = tuple[str, ...]
MOST_WORDS = 3
"""Words of the longest phrase: from four on, a phrase may tell which document it was taken from."""


def _phrases(words: Sequence[str], length: int) -> Iterable[Term]:
    return zip(*(words[i:] for i in range(length)), strict=False)


def frequent_terms(
    texts: Sequence[Sequence[str]],
    length: int,
    min_texts: int,
    max_terms: int | None = None,
    authors: Sequence[Hashable] | None = None,
) -> dict[Term, int]:
    """Terms of one length that enough texts hold, the most frequent first, and how many texts do.

    Parameters
    ----------
    texts : sequence of sequences of str
        Words of each text.
    length : int
        Words of a term, 1 to ``MOST_WORDS``.
    min_texts : int
        Texts, and where they are given authors, that a term must be of.
    max_terms : int, optional
        Terms to keep; those of equal frequency in the order of the alphabet.
    authors : sequence of length n, optional

    Returns
    -------
    dict of tuple of str to int

    Examples
    --------
    >>> frequent_terms([["so", "good"], ["so", "bad"], ["so", "so"]], 1, min_texts=2)
    {('so',): 3}
    >>> frequent_terms([["so", "good"], ["so", "bad"], ["so", "so"]], 1, min_texts=2, authors=["a", "a", "a"])
    {}
    """
    counts: Counter[Term] = Counter()
    for words in texts:
        counts.update(set(_phrases(words, length)))
    # of phrases, almost all are of one text: what cannot be kept is dropped before authors are counted
    counts = Counter({term: n for term, n in counts.items() if n >= min_texts})
    if authors is not None:
        by_term: defaultdict[Term, set[Hashable]] = defaultdict(set)
        for words, author in zip(texts, authors, strict=True):
            for term in set(_phrases(words, length)):
                if term in counts:
                    by_term[term].add(author)
        counts = Counter({term: n for term, n in counts.items() if len(by_term[term]) >= min_texts})
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:max_terms])


class TermIndex:
    """Looks terms up in texts. Where phrases are among them, each word of a text belongs to one term.

    The longest phrases take their words first; of two as long the one with the greater strength, then the first one.

    Parameters
    ----------
    terms : sequence of tuple of str
    overlapping : bool
        Whether a word counts although a phrase of the terms has taken it.
    strength : sequence of float, optional
        Of each term.

    Examples
    --------
    >>> index = TermIndex([("good",), ("not", "good")])
    >>> index.presence([["it", "is", "not", "good"], ["good"]]).toarray().tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    def __init__(
        self, terms: Sequence[Term], overlapping: bool = False, strength: Sequence[float] | None = None
    ) -> None:
        self.terms = list(terms)
        order = sorted(range(len(self.terms)), key=lambda i: 0.0 if strength is None else -strength[i])
        self._rank = {i: rank for rank, i in enumerate(order)}
        self.overlapping = overlapping
        self._at = {term: i for i, term in enumerate(self.terms)}
        self._words = {term[0]: i for i, term in enumerate(self.terms) if len(term) == 1}
        self._lengths = sorted({len(term) for term in self.terms}, reverse=True)

    def at(self, term: Term) -> int:
        """Position of a term."""
        return self._at[term]

    def places(self, words: Sequence[str]) -> list[tuple[int, int, int]]:
        """Term, first word, and word after the last one, of all terms of a text, in order."""
        if self._lengths == [1]:
            return self._places_of(words, 1)
        places = [place for length in self._lengths for place in self._places_of(words, length)]
        if self.overlapping:
            return sorted(places, key=lambda place: place[1])
        places.sort(key=lambda place: (place[1] - place[2], self._rank[place[0]], place[1]))
        free, claimed = [True] * len(words), []
        for at, start, end in places:
            if all(free[start:end]):
                free[start:end] = [False] * (end - start)
                claimed.append((at, start, end))
        return sorted(claimed, key=lambda place: place[1])

    def _places_of(self, words: Sequence[str], length: int) -> list[tuple[int, int, int]]:
        """Places of the terms of one length, whatever others there are."""
        if length == 1:
            numbers = map(self._words.get, words)  # most words of most texts are looked up here
            return [(at, start, start + 1) for start, at in enumerate(numbers) if at is not None]
        numbers = map(self._at.get, _phrases(words, length))
        return [(at, start, start + length) for start, at in enumerate(numbers) if at is not None]

    def spans(self, text: str, wanted: Iterable[int] | None = None) -> list[tuple[int, int, int]]:
        """Terms of a text in order, each with its first sign and the one after its last; of all, or the wanted ones."""
        places = self.places(keys(text))
        if wanted is not None:
            chosen = set(wanted)
            places = [place for place in places if place[0] in chosen]
        if not places:
            return []  # most texts hold none of a few terms, and need not be taken apart
        at = bounds(text)
        return [(term, at[start][0], at[end - 1][1]) for term, start, end in places]

    def counts(self, texts: Sequence[Sequence[str]]) -> csr_matrix:
        """How often each text holds each term ``(n, t)``."""
        rows: list[int] = []
        columns: list[int] = []
        for i, words in enumerate(texts):
            if self._lengths == [1]:
                held = [at for at in map(self._words.get, words) if at is not None]
            else:
                held = [at for at, _, _ in self.places(words)]
            columns += held
            rows += [i] * len(held)
        shape = (len(texts), len(self.terms))
        return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)  # repeated places are added up

    def presence(self, texts: Sequence[Sequence[str]]) -> csr_matrix:
        """Which terms each text holds ``(n, t)``, 1 or 0."""
        counts = self.counts(texts)
        counts.sum_duplicates()
        counts.data = np.ones_like(counts.data)
        return counts
