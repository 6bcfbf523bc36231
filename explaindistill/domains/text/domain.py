"""TextDomain: texts as objects, and the columns, samplers and edits in which a person reads about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.domains._containers import check_order
from explaindistill.domains.text.columns import Authors, TextColumns
from explaindistill.domains.text.edits import ControlSwap, OtherWords, Swap, Typos, excluded_words
from explaindistill.domains.text.marking import MarkedText, marked
from explaindistill.domains.text.samplers import Recombination, SentenceSubsets, WordMasking
from explaindistill.domains.text.swaps import SWAPS, Pair, is_pairs
from explaindistill.errors import InvalidInputError, InvalidTypeError, did_you_mean
from explaindistill.numerics.ranges import one_of

__all__ = ["TextDomain"]

_SAMPLERS = {"recombination": Recombination, "masking": WordMasking, "sentences": SentenceSubsets}
OBJECTS = 1
"""Dimensions of what holds texts."""


class TextDomain(BaseEstimator):
    """Texts, distilled into a sum or a tree over words, lists of words, length and form.

    The *lexicon* asks the teacher about each frequent word: alone, and, where that holds out better, by removing it
    from real texts. Words are put into four lists, strongly or mildly for one class or the other, and a column counts
    how many of a list a text holds. Lists are printed with the student, and their entries counted.

    Parameters
    ----------
    kinds : sequence of str, default=("lexicon", "words", "form")
        What columns say: ``"lexicon"``, ``"words"`` (there or not), ``"rates"`` (of a word per 100 words),
        ``"phrases"`` of two or three words, ``"form"`` (length, sentences, question marks, capitals, numbers, links).
    n_words : int >= 1, default=100
        Words, rates and phrases each: those that go along with the teacher's answers most.
    max_words : int >= 1, default=4000
        Most frequent words that the lexicon asks about, a question each.
    max_phrases : int >= 0, default=1000
        Most frequent phrases of two words that the lexicon asks about, besides. Those whose effect is another than that
        of their words ("not good") are listed where that holds out better.
    max_listed : int >= 1, optional
        Entries of all lists together. None takes the shortest lists that hold out nearly as well as the longest.
    n_removals : int >= 1, default=2
        Texts that a word is removed from, where that is tried: 300 words first, all where it holds out better.
    min_group_size : int >= 1, default=5
        Different texts that must hold a word which is named anywhere; where authors are known, as many authors.
    authors : mapping or callable from text to author, optional
    column : str, optional
        Name of the column with the texts, in a table with other columns.
    sampling : "recombination", "masking", "sentences" or None, default=None
        How texts are made up: the first part of one text and the last of another that the teacher answers alike; a text
        without some words; or without some sentences. None asks about real texts only: on
        reviews no way to make texts gained agreement of the lexicon on texts held out.
    swaps : mapping of str to list of pairs, optional
        Further edits by name: ``{"title": [("dr", "nurse")]}``; a name of our own (``"gender"``, ``"names"``,
        ``"dialect"``) replaces our pairs, and an empty list leaves them out.

    Examples
    --------
    >>> texts = [f"a {a} film with {b} music" for a in ("good", "bad", "fine", "dull") for b in ("nice", "loud", "no")]
    >>> domain = TextDomain(min_group_size=2)
    >>> answer = lambda texts, parents=None: np.array([[0.1, 0.9] if "good" in t else [0.8, 0.2] for t in texts])
    >>> columns = domain.columns().fit(domain.objects(texts), answer(texts), ask=answer, classes=["neg", "pos"])
    >>> columns.transform(texts[:1])["the word 'good'"].tolist()
    [True]
    """

    blank = ""
    """A text in which there is nothing: what words add is counted from the answer to it."""

    def __init__(
        self,
        kinds: Sequence[str] = ("lexicon", "words", "form"),
        *,
        n_words: int = 100,
        max_words: int = 4000,
        max_phrases: int = 1000,
        max_listed: int | None = None,
        n_removals: int = 2,
        min_group_size: int = MIN_CATEGORY_SIZE,
        authors: Authors = None,
        column: str | None = None,
        sampling: str | None = None,
        swaps: Mapping[str, Sequence[Pair]] | None = None,
    ) -> None:
        self.kinds = kinds
        self.n_words = n_words
        self.max_words = max_words
        self.max_phrases = max_phrases
        self.max_listed = max_listed
        self.n_removals = n_removals
        self.min_group_size = min_group_size
        self.authors = authors
        self.column = column
        self.sampling = sampling
        self.swaps = swaps

    def objects(self, X: Any) -> NDArray[np.object_]:
        """The texts ``(n,)`` of a list, Series, array, or of ``column`` in a frame.

        Raises
        ------
        InvalidInputError
            For a single text, a table without ``column``, and cells that are no text: None, NaN, numbers, bytes.

        Examples
        --------
        >>> TextDomain().objects(pd.Series(["good", "bad"])).tolist()
        ['good', 'bad']
        >>> TextDomain().objects("good")
        Traceback (most recent call last):
            ...
        explaindistill.errors.InvalidInputError: X must be a list of texts, got a single text; give ["..."]
        """
        if isinstance(X, str | bytes):
            raise InvalidInputError('X must be a list of texts, got a single text; give ["..."]')
        check_order(X, "texts")
        cells = self._cells(X)
        texts = np.empty(len(cells), dtype=object)
        for i, cell in enumerate(cells):
            texts[i] = _text(cell, i)
        return texts

    def restore(self, objects: NDArray[np.object_], like: Any) -> list[str]:
        """Texts as teachers are asked with them: a list of str."""
        del like
        return [str(text) for text in objects]

    def key(self, value: Any) -> bytes:
        """Bytes of a text; halves of pairs of signs, which no encoding knows, count, too."""
        return str(value).encode("utf-8", "surrogatepass")

    def columns(self) -> TextColumns:
        """A new transformer of texts to columns."""
        return TextColumns(
            self.kinds,
            self.n_words,
            self.max_words,
            self.max_phrases,
            self.max_listed,
            self.n_removals,
            self.min_group_size,
            self.authors,
        )

    def sampler(self) -> Any:
        """A new sampler of texts, or None."""
        if self.sampling is None:
            return None
        one_of("sampling", self.sampling, _SAMPLERS)
        return _SAMPLERS[self.sampling]()

    def silenced(
        self, objects: NDArray[np.object_], columns: TextColumns, name: str, rng: np.random.Generator
    ) -> NDArray[np.object_]:
        """The texts without the words that a column reads; length is made that of a usual text."""
        del rng
        texts = np.empty(len(objects), dtype=object)
        texts[:] = columns.silenced(list(objects), name)
        return texts

    def edits(self) -> Mapping[str, Callable[..., Any]]:
        """Words exchanged in one direction and in the other, typing errors, and a control of each.

        Directions are apart, since the mean change of both would be near 0 where it matters. A control exchanges as
        many words of no account that are as frequent: what any exchange of that size does.

        Examples
        --------
        >>> [name for name in TextDomain().edits() if "control" not in name][:3]
        ['gender: he to she', 'gender: she to he', 'names: emily to lakisha']
        """
        pairs = self._pairs()
        excluded = excluded_words(pairs)
        edits: dict[str, Callable[..., Any]] = {}
        for name, listed in pairs.items():
            back = tuple((b, a) for a, b in listed)
            for way in (listed, back):
                edit = f"{name}: {way[0][0]} to {way[0][1]}"
                edits[edit] = Swap(way, one_way=True)
                edits[f"{edit}, control"] = ControlSwap(way, excluded, one_way=True)
        return edits | {"typing errors": Typos(), "typing errors, control": OtherWords()}

    def show(self, value: Any, columns: TextColumns, reasons: pd.DataFrame) -> MarkedText:
        """The text with its words marked by what they add.

        HTML that a notebook shows, with ``parts``, a frame whose contributions sum with ``base`` to ``output``.
        """
        return marked(str(value), columns.spans(str(value)), reasons)

    def _pairs(self) -> dict[str, tuple[Pair, ...]]:
        pairs = dict(SWAPS)
        for name, listed in ({} if self.swaps is None else self.swaps).items():
            if not is_pairs(listed):
                raise InvalidInputError(
                    f"swaps must hold lists of pairs of words, got {listed!r} for {name!r}; give [('he', 'she'), ...]"
                )
            pairs[str(name)] = tuple((a, b) for a, b in listed)
        return {name: listed for name, listed in pairs.items() if listed}

    def _cells(self, X: Any) -> Sequence[Any]:
        if isinstance(X, pd.DataFrame):
            if self.column is None and X.shape[1] != 1:
                raise InvalidInputError(
                    f"X must be texts, got a table of {X.shape[1]} columns; name the one with the texts in "
                    "TextDomain(column=...)"
                )
            if self.column is not None and self.column not in X.columns:
                near = did_you_mean(str(self.column), [str(c) for c in X.columns])
                raise InvalidInputError(f"column names {self.column!r}, which is not in X{near}")
            return X.iloc[:, 0].tolist() if self.column is None else X[self.column].tolist()
        if hasattr(X, "tolist") and not isinstance(X, list | tuple):
            # a masked text is a missing one, which a plain array would bring back
            X = np.asarray(X.tolist() if isinstance(X, np.ma.MaskedArray) else X, dtype=object)
            if X.ndim == OBJECTS + 1 and X.shape[1] == 1:
                X = X[:, 0]
            if X.ndim != OBJECTS:
                raise InvalidInputError(f"X must hold one text per row, got an array of shape {X.shape}")
            return X.tolist()
        return list(X)


def _text(cell: Any, i: int) -> str:
    if isinstance(cell, str):
        return str(cell)
    if cell is None or cell is pd.NA or (isinstance(cell, float | np.floating) and np.isnan(cell)):
        raise InvalidInputError(
            f"text {i} is missing ({cell!r}); leave the row out, or give '' where nothing was written"
        )
    way_out = "decode it first" if isinstance(cell, bytes) else "turn it into a str"
    if isinstance(cell, Mapping):
        way_out = "take the text out of it"
    if isinstance(cell, list | tuple):
        way_out = "join its words with ' '.join(…), or take the text out of what holds it"
    raise InvalidTypeError(f"text {i} is a {type(cell).__name__}; every object must be a str: {way_out}")
