"""Samplers of texts: parts of real texts in other company, each with the texts that it was made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from explaindistill.domains.text.tokens import sentences, tokens, without
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import number_in

__all__ = ["Recombination", "SentenceSubsets", "WordMasking"]

CUT = (0.25, 0.75)
"""Share of the sentences that come from the first text."""
Draw = tuple[NDArray[np.object_], NDArray[np.int64]]


class _Texts(BaseEstimator):
    """Keeps the texts that parts are taken from."""

    def fit(self, objects: Sequence[str], P: Any = None) -> Any:
        """Keep the texts; ``P`` are the teacher's answers, where a sampler looks at them."""
        self.texts_ = [str(text) for text in objects]
        if not self.texts_:
            raise InvalidInputError("objects must hold at least 1 text, got none")
        self.answer_ = None if P is None else np.asarray(P, dtype=float)
        return self


class Recombination(_Texts):
    """Some sentences of one text, and the others of another text that the teacher answers alike.

    Parameters
    ----------
    alike : bool, default=True
        Take both from texts of one class, or from neighbours by value; False takes any two.

    Examples
    --------
    >>> sampler = Recombination().fit(["One. Two.", "Three. Four."])
    >>> texts, parents = sampler.draw(2, np.random.default_rng(0))
    >>> texts.tolist(), parents.shape
    (['One. Four.', 'Three. Two.'], (2, 2))
    """

    def __init__(self, alike: bool = True) -> None:
        self.alike = alike

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` texts and the positions ``(n, 2)`` of their parents."""
        first = _round(len(self.texts_), n, rng)
        second = np.array([self._partner(i, rng) for i in first], dtype=np.int64)
        texts = np.empty(n, dtype=object)
        texts[:] = [
            _crossed(self.texts_[i], self.texts_[j], rng.uniform(*CUT)) for i, j in zip(first, second, strict=True)
        ]
        return texts, np.column_stack([first, second])

    def _partner(self, i: int, rng: np.random.Generator) -> int:
        n = len(self.texts_)
        if self.alike and self.answer_ is not None:
            if self.answer_.ndim == 2 and self.answer_.shape[1] > 1:
                near = np.flatnonzero(self.answer_.argmax(axis=1) == self.answer_[i].argmax())
            else:
                value = self.answer_.reshape(n, -1)[:, 0]
                near = np.argsort(np.abs(value - value[i]), kind="stable")[: max(n // 10, 2)]
            near = near[near != i]
            if len(near):
                return int(rng.choice(near))
        other = int(rng.integers(max(n - 1, 1)))
        return min(other + (other >= i), n - 1)


class WordMasking(_Texts):
    """A text without some of its words.

    Parameters
    ----------
    share : float in (0, 1), default=0.5
        Most of the words that may go; each text loses a share between 0 and this.

    Examples
    --------
    >>> texts, parents = WordMasking().fit(["one two three four"]).draw(2, np.random.default_rng(0))
    >>> texts.tolist(), parents.tolist()
    (['one', 'one three four'], [[0], [0]])
    """

    def __init__(self, share: float = 0.5) -> None:
        self.share = share

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` texts and the positions ``(n, 1)`` of their parents."""
        number_in("share", self.share, 0.0, 1.0)
        parents = _round(len(self.texts_), n, rng)
        texts = np.empty(n, dtype=object)
        for row, i in enumerate(parents):
            at = tokens(self.texts_[i])
            gone = rng.random(len(at)) < rng.random() * self.share
            if len(at) > 1 and not gone.any():
                gone[rng.integers(len(at))] = True
            if len(at) and gone.all():  # many a network cannot answer a text in which there is nothing
                gone[rng.integers(len(at))] = False
            texts[row] = without(self.texts_[i], [(t.start, t.end) for t, g in zip(at, gone, strict=True) if g])
        return texts, parents[:, None]


class SentenceSubsets(_Texts):
    """Some of the sentences of a text, in order.

    Examples
    --------
    >>> texts, parents = SentenceSubsets().fit(["One. Two. Three."]).draw(2, np.random.default_rng(0))
    >>> texts.tolist()
    ['Three.', 'Three.']
    """

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` texts and the positions ``(n, 1)`` of their parents."""
        parents = _round(len(self.texts_), n, rng)
        texts = np.empty(n, dtype=object)
        for row, i in enumerate(parents):
            pieces = sentences(self.texts_[i])
            keep = rng.random(len(pieces)) < rng.uniform(0.2, 0.9)
            if len(pieces) and not keep.any():
                keep[rng.integers(len(pieces))] = True
            if len(pieces) > 1 and keep.all():
                keep[rng.integers(len(pieces))] = False
            texts[row] = "".join(piece for piece, k in zip(pieces, keep, strict=True) if k)
        return texts, parents[:, None]


def _round(n_texts: int, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions in random order, each as often as the others as far as that goes."""
    if n < 1:
        raise InvalidInputError(f"n must be at least 1, got {n}")
    rounds = [rng.permutation(n_texts) for _ in range(-(-n // n_texts))]
    return np.concatenate(rounds)[:n].astype(np.int64)


def _crossed(first: str, second: str, cut: float) -> str:
    """The first part of one text and the last part of another, cut at the same share of the sentences of each.

    Where one of them is a single sentence, both are cut between words.
    """
    a, b = sentences(first), sentences(second)
    if min(len(a), len(b)) < 2:
        a, b = re.findall(r"\S+\s*", first), re.findall(r"\S+\s*", second)
    head = "".join(a[: max(round(cut * len(a)), 1)])
    tail = "".join(b[min(round(cut * len(b)), len(b) - 1) :]) if b else ""
    glue = "" if not head or not tail or head[-1].isspace() else " "
    return f"{head}{glue}{tail}"
