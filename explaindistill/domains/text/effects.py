"""How far a term moves a teacher: asked alone, removed from real texts, or read off the answers to real texts."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from explaindistill.domains.text.terms import Term, TermIndex
from explaindistill.domains.text.tokens import joined, without

__all__ = ["Ask", "alone", "by_removal", "content_order", "from_answers", "scores", "usual"]

Floats = NDArray[np.float64]
Ask = Callable[[Any, NDArray[np.int64]], Any]
"""Answers about objects that are changed copies of those at some positions."""
SMALLEST = 1e-4
"""Chances below this count as this: a log-odds of 9, beyond which no answer changes."""
PENALTIES = 10.0 ** np.arange(0, 6)
"""Penalties of the sum that is read off answers, in units of a text; leave-one-out errors choose."""


def scores(P: Any) -> Floats:
    """Answers on the scale where effects add up: logarithms of chances, less their mean ``(n, k)``.

    Values of regression become two columns, against and for a higher value.

    Examples
    --------
    >>> scores([[0.5, 0.5], [0.1, 0.9]]).round(2).tolist()
    [[0.0, 0.0], [-1.1, 1.1]]
    >>> scores([2.0, -1.0]).tolist()
    [[-2.0, 2.0], [1.0, -1.0]]
    """
    P = np.asarray(P, dtype=np.float64)
    if P.ndim == 1 or P.shape[1] == 1:
        value = P.reshape(-1, 1)
        return np.hstack([-value, value])
    logs = np.log(np.clip(P, SMALLEST, 1.0))
    return logs - logs.mean(axis=1, keepdims=True)


def content_order(texts: Sequence[str]) -> NDArray[np.uint64]:
    """A number of each text that looks like chance and depends on the text alone: equal texts have equal numbers."""
    digests = (hashlib.blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in texts)
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.uint64)


def alone(terms: Sequence[Term], ask: Ask, presence: csr_matrix) -> Floats:
    """Scores of texts that are one term each ``(t, k)``."""
    return scores(ask(np.array([joined(term) for term in terms], dtype=object), _first_holders(presence)))


def usual(score: Floats, n_texts: Floats) -> Floats:
    """Score of a usual term: the median by the number of texts, since in running text most words are of no account.

    An empty text would be the natural zero, but many a network cannot answer one.
    """
    order = np.argsort(score, axis=0, kind="stable")
    total = np.cumsum(n_texts[order], axis=0)
    middle = (total < total[-1] / 2).sum(axis=0)
    return np.take_along_axis(score, np.take_along_axis(order, middle[None, :], axis=0), axis=0)[0]


def by_removal(
    terms: Sequence[Term],
    at: NDArray[np.int64],
    texts: Sequence[str],
    score: Floats,
    ask: Ask,
    presence: csr_matrix,
    n_removals: int,
) -> Floats:
    """Mean change of score that a term makes in texts that hold it ``(len(at), k)``; NaN where none does.

    Parameters
    ----------
    terms : sequence of tuple of str
    at : ndarray of int
        Positions of the terms that are asked about.
    texts : sequence of str
    score : ndarray of shape (n, k)
        Of the texts as they are; rows of NaN are not used.
    ask : callable
    presence : sparse matrix of shape (n, t)
    n_removals : int
        Texts asked about per term, at most.
    """
    index = TermIndex(terms, overlapping=True)
    holders: csc_matrix = presence.tocsc()
    order = content_order(texts)
    usable = np.asarray(np.isfinite(score).all(axis=1))
    by_text: defaultdict[int, list[int]] = defaultdict(list)
    for j, term_at in enumerate(at):
        rows = holders.indices[holders.indptr[term_at] : holders.indptr[term_at + 1]]
        rows = rows[usable[rows]]
        for i in rows[np.argsort(order[rows], kind="stable")][:n_removals]:
            by_text[int(i)].append(j)
    changed, parents, owner = [], [], []
    for i, numbers in by_text.items():
        spans = _spans_by_term(texts[i], index)
        for j in numbers:
            rest = without(texts[i], spans[int(at[j])])
            if rest.strip():  # many a network cannot answer a text in which there is nothing
                changed.append(rest)
                parents.append(i)
                owner.append(j)
    total = np.zeros((len(at), score.shape[1]))
    n = np.bincount(owner, minlength=len(at)).astype(float)
    if changed:
        rows = np.array(parents, dtype=np.int64)
        np.add.at(total, owner, score[rows] - scores(ask(np.array(changed, dtype=object), rows)))
    return total / np.where(n > 0, n, np.nan)[:, None]


def from_answers(presence: csr_matrix, score: Floats) -> Floats:
    """Coefficients of a sum over terms that is fitted to the answers about real texts ``(t, k)``; nothing is asked.

    A ridge regression, its penalty chosen by the leave-one-out error, solved in the space of texts, of which there are
    fewer than terms.
    """
    held = presence.toarray()
    held -= held.mean(axis=0)
    target = score - score.mean(axis=0)
    values, vectors = np.linalg.eigh(held @ held.T)
    values = np.maximum(values, 0.0)
    projected = vectors.T @ target
    best, weights = np.inf, np.zeros_like(target)
    for penalty in PENALTIES:
        share = 1.0 / (values + penalty)
        dual = vectors @ (share[:, None] * projected)
        # leave-one-out residual of ridge regression: dual coefficient over the diagonal of (K + penalty I)^-1
        error = float(((dual / ((vectors**2) @ share)[:, None]) ** 2).mean())
        if error < best:
            best, weights = error, dual
    return held.T @ weights


def _spans_by_term(text: str, index: TermIndex) -> dict[int, list[tuple[int, int]]]:
    """Where each term stands in a text."""
    spans: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for at, start, end in index.spans(text):
        spans[at].append((start, end))
    return spans


def _first_holders(presence: csr_matrix) -> NDArray[np.int64]:
    """One text that holds each term; 0 where none does."""
    holders = presence.tocsc()
    return np.array(
        [holders.indices[a] if b > a else 0 for a, b in zip(holders.indptr[:-1], holders.indptr[1:], strict=True)],
        dtype=np.int64,
    )
