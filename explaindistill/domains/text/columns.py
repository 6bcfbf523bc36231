"""Columns of texts: the teacher's lists of words, words, phrases, length and form, under names that a person reads."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.domains.text.effects import Ask, scores
from explaindistill.domains.text.form import LENGTH, form_values, silenced_form, varying
from explaindistill.domains.text.lexicon import LexiconRequest, counted, learn_lexicon
from explaindistill.domains.text.terms import MOST_WORDS, Term, TermIndex, frequent_terms
from explaindistill.domains.text.tokens import joined, keys, spoken, spots, tokens, without
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.numerics.ranges import whole_in

__all__ = ["KINDS", "Authors", "Span", "TextColumns"]

KINDS = ("lexicon", "words", "rates", "phrases", "form")
Authors = Mapping[str, Hashable] | Callable[[str], Hashable] | None
MOST_SHOWN = 60
"""Words of a list that ``describe`` prints; the others are in ``lists()``."""


@dataclass(frozen=True)
class Span:
    """A word or phrase of one text that a column reads, and its share of what the column says; shares sum to 1."""

    start: int
    end: int
    column: str
    share: float


@dataclass(frozen=True)
class _List:
    """A column that counts how many of its terms a text holds."""

    name: str
    terms: tuple[Term, ...]
    effect: tuple[float, ...]


@dataclass(frozen=True)
class _Single:
    """A column of one term: whether a text holds it, or how often per 100 words."""

    name: str
    term: Term
    is_rate: bool = False


class TextColumns(TransformerMixin, BaseEstimator):
    """What a student reads of texts; made by :meth:`~explaindistill.domains.text.domain.TextDomain.columns`.

    Parameters
    ----------
    kinds : sequence of str
        Of ``"lexicon"``, ``"words"`` (present or not), ``"rates"`` (words per 100 words), ``"phrases"`` and ``"form"``.
    n_words : int >= 1
        Words, rates and phrases each: those that go along with the teacher's answers most.
    max_words, max_phrases : int >= 1, int >= 0
        Most frequent words and phrases that the lexicon asks about.
    max_listed : int >= 1, optional
        Entries of all lists together; None lets held-out texts choose.
    n_removals : int >= 1
        Texts that each word is removed from, where that is tried.
    min_group_size : int >= 1
        Different texts, and authors where they are known, that hold a word which is named anywhere.
    authors : mapping or callable from text to author, optional

    Attributes
    ----------
    n_listed_ : int
        Entries of all lists, which a reader may have to look up.
    lexicon_way_ : str or None
        How the lists' effects were learnt: words ``"alone"``, by ``"removal"``, or from ``"answers"`` to real texts.
    explained_ : dict of str to float
        R² of the teacher's scores on held-out texts, by way.

    Examples
    --------
    >>> texts = [f"{a} film, {b} indeed" for a in ("good", "bad", "long") for b in ("nice", "dull")]
    >>> columns = TextColumns(kinds=["words"], n_words=2, min_group_size=2)
    >>> columns.fit(texts, np.array([[0.1, 0.9], [0.1, 0.9]] + [[0.9, 0.1]] * 4)).transform(texts[:1]).T
                         0
    the word 'good'   True
    the word 'bad'   False
    """

    def __init__(
        self,
        kinds: Sequence[str] = ("lexicon", "words", "form"),
        n_words: int = 100,
        max_words: int = 4000,
        max_phrases: int = 1000,
        max_listed: int | None = None,
        n_removals: int = 2,
        min_group_size: int = MIN_CATEGORY_SIZE,
        authors: Authors = None,
    ) -> None:
        self.kinds = kinds
        self.n_words = n_words
        self.max_words = max_words
        self.max_phrases = max_phrases
        self.max_listed = max_listed
        self.n_removals = n_removals
        self.min_group_size = min_group_size
        self.authors = authors

    def fit(
        self,
        objects: Sequence[str],
        P: Any = None,
        ask: Ask | None = None,
        classes: Sequence[Any] | NDArray[Any] | None = None,
    ) -> TextColumns:
        """Choose the columns.

        Parameters
        ----------
        objects : sequence of n str
        P : array of shape (n, k) or (n,), optional
            The teacher's answers; without them there is no lexicon, and words are the most frequent.
        ask : callable, optional
            ``ask(objects, parents)``: answers about changed texts. None reads effects off ``P``.
        classes : sequence of k labels, optional
            Names in the columns' names.
        """
        self._check_parameters()
        texts = [str(text) for text in objects]
        words = [keys(text) for text in texts]
        terms = _Frequent(texts, words, self.min_group_size, self.authors)
        self.lexicon_way_: str | None = None
        self.explained_: dict[str, float] = {}
        self._lists: list[_List] = []
        self._singles: list[_Single] = []
        if "lexicon" in self.kinds and P is not None:
            self._learn(texts, words, np.asarray(P, dtype=float), ask, classes, terms)
        self._add_singles(words, P, terms)
        self._form = varying(texts, self.min_group_size) if "form" in self.kinds else []
        if self.lexicon_way_ is not None and terms.of(1, 1) and not self.get_feature_names_out().size:
            self._form = [LENGTH]  # no word does anything: a student needs one column to say so
        self._middle = np.median(form_values(texts, self._form), axis=0) if self._form else np.zeros(0)
        if not self.get_feature_names_out().size:
            raise InvalidInputError(
                f"no word is in {self.min_group_size} different texts or more, and no other column differs between the "
                f"{len(texts):,} texts; give more texts, or lower min_group_size where nobody's words must be kept back"
            )
        self.n_listed_ = sum(len(column.terms) for column in self._lists)
        return self

    def transform(self, objects: Sequence[str]) -> pd.DataFrame:
        """Columns of each text ``(n, columns)``."""
        check_is_fitted(self, "n_listed_")
        texts = [str(text) for text in objects]
        words = [keys(text) for text in texts]
        columns: dict[str, Any] = {}
        if self._lists:
            index, lists = self._list_index()
            held = counted(index.presence(words), lists)
            columns |= {column.name: held[:, j].astype(np.int64) for j, column in enumerate(self._lists)}
        if self._singles:
            index = TermIndex([single.term for single in self._singles], overlapping=True)
            counts = index.counts(words).toarray()
            per_100 = 100.0 / np.array([max(len(w), 1) for w in words])
            for single in self._singles:
                n = counts[:, index.at(single.term)]
                columns[single.name] = n * per_100 if single.is_rate else n > 0
        if self._form:
            values = form_values(texts, self._form, words)
            columns |= {name: values[:, j] for j, name in enumerate(self._form)}
        return pd.DataFrame(columns, index=range(len(texts)))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns, in order."""
        return np.array([column.name for column in self._reading_columns()] + self._form, dtype=object)

    @property
    def from_answers_(self) -> list[str]:
        """Names of the columns that were learnt from the teacher's answers: the lists."""
        check_is_fitted(self, "n_listed_")
        return [column.name for column in self._lists]

    def lists(self) -> pd.DataFrame:
        """Columns ``column``, ``term``, ``effect`` (log-odds of the class, or units of the value), strongest first."""
        check_is_fitted(self, "n_listed_")
        rows = [(c.name, joined(t), e) for c in self._lists for t, e in zip(c.terms, c.effect, strict=True)]
        return pd.DataFrame(rows, columns=["column", "term", "effect"])

    def describe(self) -> str:
        """The lists that columns count, each from the strongest effect on."""
        check_is_fitted(self, "n_listed_")
        lines = []
        for column in self._lists:
            shown = [joined(term) for term in column.terms[:MOST_SHOWN]]
            n_unshown = len(column.terms) - len(shown)
            text = f"{column.name}: {', '.join(shown)}{f' and {n_unshown:,} more' if n_unshown else ''}"
            lines += textwrap.wrap(text, 80, subsequent_indent="    ", break_on_hyphens=False)
        return "\n".join(lines)

    def silenced(self, objects: Sequence[str], name: str) -> list[str]:
        """The same texts, in which what one column reads is not there, or is as in a usual text."""
        check_is_fitted(self, "n_listed_")
        texts = [str(text) for text in objects]
        if name in self._form:
            middle = float(self._middle[self._form.index(name)])
            return [silenced_form(text, name, middle) for text in texts]
        index, wanted = self._reading(name)
        return [_removed(text, index, wanted) for text in texts]

    def spans(self, text: str) -> list[Span]:
        """Words and phrases of a text that columns read, in order; columns of form read none."""
        check_is_fitted(self, "n_listed_")
        at = tokens(text)
        words = [token.key for token in at]
        spans = []
        for column in self._reading_columns():
            index, wanted = self._reading(column.name)
            places = [place for place in index.places(words) if place[0] in wanted]
            is_rate = isinstance(column, _Single) and column.is_rate
            # a list counts each term once, however often it is there
            n = Counter(term for term, _, _ in places)
            for term, start, end in places:
                share = 1 / len(places) if is_rate else 1 / (len(n) * n[term])
                spans.append(Span(at[start].start, at[end - 1].end, column.name, share))
        return sorted(spans, key=lambda span: (span.start, span.end))

    def _check_parameters(self) -> None:
        if isinstance(self.kinds, str) or not isinstance(self.kinds, Iterable) or not list(self.kinds):
            raise InvalidInputError(f"kinds must be a list of {', '.join(KINDS)}, got {self.kinds!r}")
        for kind in self.kinds:
            if kind not in KINDS:
                raise InvalidInputError(
                    f"kinds must be of {', '.join(KINDS)}, got {kind!r}{did_you_mean(str(kind), KINDS)}"
                )
        for name in ("n_words", "max_words", "n_removals", "min_group_size"):
            whole_in(name, getattr(self, name), 1)
        whole_in("max_phrases", self.max_phrases, 0)
        whole_in("max_listed", self.max_listed, 1, others=(None,))

    def _learn(
        self,
        texts: list[str],
        words: list[list[str]],
        P: NDArray[np.float64],
        ask: Ask | None,
        classes: Any,
        terms: _Frequent,
    ) -> None:
        """The teacher's lists; a list of one term is a column of that term."""
        phrases = terms.of(2, self.max_phrases) if self.max_phrases and ask is not None else {}
        lexicon = learn_lexicon(
            LexiconRequest(texts, words, P, ask, terms.of(1, self.max_words), phrases, self.n_removals, self.max_listed)
        )
        self.lexicon_way_, self.explained_ = lexicon.way, lexicon.explained
        is_value = P.ndim == 1 or P.shape[1] == 1
        for column in lexicon.lists:
            if len(column.terms) == 1:
                self._singles.append(_Single(spoken(column.terms[0]), column.terms[0]))
                continue
            if is_value:
                group = f"words that {('lower', 'raise')[column.target]} the answer"
            else:
                group = f"words for '{column.target if classes is None else classes[column.target]}'"
            name = f"{group}, {'strong' if column.strong else 'mild'} (of {len(column.terms):,})"
            self._lists.append(_List(name, column.terms, column.effect))

    def _add_singles(self, words: list[list[str]], P: Any, terms: _Frequent) -> None:
        """A column for each of the words and phrases that go along with the answers most."""
        listed_alone = {single.term for single in self._singles}
        for kind, is_rate in (("words", False), ("rates", True)):
            if kind in self.kinds:
                chosen = _associated(words, list(terms.of(1, self.max_words)), P, self.n_words)
                self._singles += [
                    _Single(f"'{joined(term)}' per 100 words" if is_rate else spoken(term), term, is_rate)
                    for term in chosen
                    if is_rate or term not in listed_alone
                ]
        if "phrases" in self.kinds:
            phrases = [term for n in range(2, MOST_WORDS + 1) for term in terms.of(n, self.max_words)]
            chosen = _associated(words, phrases, P, self.n_words)
            self._singles += [_Single(spoken(term), term) for term in chosen]

    def _reading_columns(self) -> list[_List | _Single]:
        """Columns that read words."""
        return [*self._lists, *self._singles]

    def _list_index(self) -> tuple[TermIndex, list[list[int]]]:
        """Terms of all lists, which take words from each other, and the places of each list's terms."""
        ends = np.cumsum([0, *(len(column.terms) for column in self._lists)])
        terms = [term for column in self._lists for term in column.terms]
        index = TermIndex(terms, strength=[effect for column in self._lists for effect in column.effect])
        return index, [list(range(a, b)) for a, b in pairwise(ends)]

    def _reading(self, name: str) -> tuple[TermIndex, set[int]]:
        """How a column finds its terms."""
        for j, column in enumerate(self._lists):
            if column.name == name:
                index, lists = self._list_index()
                return index, set(lists[j])
        for single in self._singles:
            if single.name == name:
                return TermIndex([single.term], overlapping=True), {0}
        raise InvalidInputError(f"there is no column {name!r}{did_you_mean(name, list(self.get_feature_names_out()))}")


class _Frequent:
    """Terms that may be named: of enough different texts and, where they are known, of enough authors."""

    def __init__(self, texts: list[str], words: list[list[str]], min_texts: int, authors: Authors) -> None:
        self.min_texts = min_texts
        self.authors = None if authors is None else [_author(text, authors) for text in texts]
        if self.authors is None:
            # a text that is there five times is one text
            first = {text: i for i, text in reversed(list(enumerate(texts)))}
            self.words = [words[i] for i in sorted(first.values())]
        else:
            self.words = words

    def of(self, length: int, max_terms: int) -> dict[Term, int]:
        return frequent_terms(self.words, length, self.min_texts, max_terms, self.authors)


def _author(text: str, authors: Mapping[str, Hashable] | Callable[[str], Hashable]) -> Hashable:
    try:
        return authors(text) if callable(authors) else authors[text]
    except KeyError:
        raise InvalidInputError(
            f"authors has no author of a text of {len(text):,} signs; give a mapping with every text that is fitted, "
            "or a function"
        ) from None


def _associated(words: list[list[str]], terms: list[Term], P: Any, max_terms: int) -> list[Term]:
    """The terms whose presence is most correlated with a score; without scores, the first."""
    if P is None or not terms:
        return terms[:max_terms]
    score = scores(P)
    score = score - score.mean(axis=0)
    presence = TermIndex(terms, overlapping=True).presence(words)
    share = np.asarray(presence.mean(axis=0)).ravel()
    spread = np.sqrt(np.maximum(share * (1 - share), 0.0))
    along = np.abs(presence.T @ score).max(axis=1) / np.where(spread > 0, spread, np.inf)
    return [terms[i] for i in np.argsort(-along, kind="stable")[:max_terms]]


def _removed(text: str, index: TermIndex, wanted: set[int]) -> str:
    """The text without some terms; what their removal has brought together goes, too."""
    while spans := _standing(text, index, wanted):
        text = without(text, spans)
    return text


def _standing(text: str, index: TermIndex, wanted: set[int]) -> list[tuple[int, int]]:
    """Where some terms stand in a text."""
    if len(index.terms) == 1 and len(index.terms[0]) == 1:
        return spots(text, index.terms[0][0])
    return [(start, end) for _, start, end in index.spans(text, wanted)]
