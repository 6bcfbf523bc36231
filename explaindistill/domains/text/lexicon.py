"""The teacher's lexicon: short lists of words by what each does to the teacher's answer, and how many a text holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from explaindistill.domains.text.effects import Ask, alone, by_removal, content_order, from_answers, scores, usual
from explaindistill.domains.text.terms import Term, TermIndex

__all__ = ["Lexicon", "LexiconRequest", "WordList", "counted", "learn_lexicon"]

Floats = NDArray[np.float64]
LISTED = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75)
"""Shares of all terms that lists may hold; the shortest that holds out well enough is taken."""
STRONG = (0.15, 0.4)
"""Shares of the listed terms that may be the strong ones."""
CLOSE_ENOUGH = 0.01
"""Explained variance of held-out answers that the simpler question may lose."""
SHORT_ENOUGH = 0.05
"""The same, of shorter lists: on reviews of the development half it made lists a third as long for a point of
agreement."""
TRIAL_TERMS = 300
"""Terms on which removal is tried before all are removed: those that the answers vary with most."""
HELD_OUT_FROM = 30
"""Texts below which none is held out: terms then are asked alone."""
HELD_OUT_SHARE = 3
"""One of so many texts is held out."""
BEYOND = 0.1
"""Share of the strongest word's effect by which a phrase must do something else than its words."""
NOTHING = 1e-6
"""Effects up to this are rounding of the teacher's."""


@dataclass(frozen=True)
class WordList:
    """Terms that do much the same to the teacher: what they are for, how strongly, and each term's own effect.

    ``effect`` is on the scale of log-odds of the class against the mean of the others, or in units of the value.
    """

    target: int
    strong: bool
    terms: tuple[Term, ...]
    effect: tuple[float, ...]


@dataclass(frozen=True)
class Lexicon:
    """All lists, the way effects were learnt, and R² held out by way.

    Ways are ``"alone"`` and ``"removal"``, ``", with phrases"`` or not, and ``"answers"``.
    """

    lists: tuple[WordList, ...]
    way: str
    explained: dict[str, float]


@dataclass(frozen=True)
class LexiconRequest:
    """What a lexicon is learnt from: texts with their words, the teacher's answers, and whom to ask further.

    ``phrases`` may be listed beside ``words``; both are terms by the number of texts that hold them. ``max_listed``
    limits all lists together.
    """

    texts: Sequence[str]
    words_of_texts: Sequence[Sequence[str]]
    P: Floats
    ask: Ask | None
    words: dict[Term, int]
    phrases: dict[Term, int]
    n_removals: int
    max_listed: int | None = None


def learn_lexicon(request: LexiconRequest) -> Lexicon:
    """Ask about each term, see which way of asking holds out best on real texts, and put terms into lists."""
    if not request.words:
        return Lexicon((), "answers", {})
    return _Learning(request).lexicon()


@dataclass(frozen=True)
class _Candidate:
    """One way to learn effects: terms, effects ``(t, k)``, presence ``(n, t)``, R² of the best lists held out."""

    terms: list[Term]
    effect: Floats
    presence: csr_matrix
    explained: float


class _Learning:
    """One lexicon under way: its terms, their presence in texts, and the third of texts that judges."""

    def __init__(self, request: LexiconRequest) -> None:
        self.request = request
        self.score = scores(request.P)
        order = content_order(request.texts)
        self.judges = order % np.uint64(HELD_OUT_SHARE) == 0
        if len(order) < HELD_OUT_FROM or self.judges.all():
            self.judges = np.zeros(len(order), dtype=bool)
        self.trial: dict[str, float] = {}

    def lexicon(self) -> Lexicon:
        """The lists of the way that holds out best; of ways as good the first, whose lists say what is simplest."""
        ways = self._ways()
        explained = {way: candidate.explained for way, candidate in ways.items()}
        best = max(explained[way] for way in ways)
        way = next(w for w in ways if explained[w] >= best - CLOSE_ENOUGH)
        terms, effect, presence = ways[way].terms, ways[way].effect, ways[way].presence
        if way == "answers":
            effect = from_answers(presence, self.score)
        return Lexicon(self._lists(terms, effect, presence), way, explained | self.trial)

    def _presence(self, terms: list[Term]) -> csr_matrix:
        return TermIndex(terms).presence(self.request.words_of_texts)

    def _ways(self) -> dict[str, _Candidate]:
        """Effects by each way of learning them, the simplest first."""
        request, learnt_from = self.request, ~self.judges
        if self._affordable(1) == 0:
            request = self.request = replace(request, ask=None)
        terms = list(request.words)
        if request.ask is not None:
            terms = terms[: self._affordable(len(terms))]
        presence = self._presence(terms)
        answers = self._candidate(terms, from_answers(presence[learnt_from], self.score[learnt_from]), presence)
        if request.ask is None:
            return {"answers": answers}
        score = alone(terms, request.ask, presence)
        middle = usual(score, np.asarray(presence.sum(axis=0)).ravel())
        ways = {"alone": self._candidate(terms, score - middle, presence)}
        if (removal := self._removal(ways["alone"])) is not None:
            ways["removal"] = removal
        if request.phrases:
            ways |= self._phrases(ways, middle)
        return ways | ({"answers": answers} if self.judges.any() else {})

    def _affordable(self, n: int) -> int:
        """Up to ``n`` questions, as far as the teacher may still be baseline."""
        remaining = getattr(self.request.ask, "remaining", None)
        return n if remaining is None else min(n, int(remaining))

    def _candidate(self, terms: list[Term], effect: Floats, presence: csr_matrix) -> _Candidate:
        explained = max(explained for explained, _ in self._grid(effect, presence))
        return _Candidate(terms, effect, presence, explained)

    def _removal(self, baseline: _Candidate) -> _Candidate | None:
        """Effects by removal of all terms, where those that count most hold out better than when asked alone."""
        if not self.judges.any() or self._affordable(1) == 0:
            return None
        n_removals = self.request.n_removals
        terms, presence = baseline.terms, baseline.presence
        share = np.asarray(presence.mean(axis=0)).ravel()
        weight = np.maximum(share * (1 - share), 0.0) * (baseline.effect**2).sum(axis=1)
        tried = np.sort(np.argsort(-weight, kind="stable")[: self._affordable(TRIAL_TERMS * n_removals) // n_removals])
        removed = self._removed(terms, tried, presence)
        tried_terms = [terms[i] for i in tried]
        self.trial = {
            "alone, on trial": self._candidate(tried_terms, baseline.effect[tried], presence[:, tried]).explained,
            "removal, on trial": self._candidate(tried_terms, removed, presence[:, tried]).explained,
        }
        if self.trial["removal, on trial"] <= self.trial["alone, on trial"] + CLOSE_ENOUGH:
            return None
        rest = np.setdiff1d(np.arange(len(terms)), tried)
        if self._affordable(n_removals * len(rest)) < n_removals * len(rest):
            return None
        effect = np.zeros_like(baseline.effect)
        effect[tried] = removed
        effect[rest] = self._removed(terms, rest, presence)
        return self._candidate(terms, effect, presence)

    def _removed(self, terms: list[Term], at: NDArray[np.int64], presence: csr_matrix) -> Floats:
        """Effects by removal from texts that do not judge; 0 of a term that none of them holds."""
        request = self.request
        assert request.ask is not None
        score = np.where(self.judges[:, None], np.nan, self.score)
        return np.nan_to_num(by_removal(terms, at, request.texts, score, request.ask, presence, request.n_removals))

    def _phrases(self, ways: dict[str, _Candidate], middle: Floats) -> dict[str, _Candidate]:
        """Terms, and the phrases whose effect lies beyond nothing, each of their words, and all of these together."""
        request = self.request
        assert request.ask is not None
        at = {term: i for i, term in enumerate(ways["alone"].terms)}
        phrases = [p for p in request.phrases if all((word,) in at for word in p)]
        each = 1 + (request.n_removals if "removal" in ways else 0)
        phrases = phrases[: self._affordable(each * len(phrases)) // each]
        if not phrases:
            return {}
        held = TermIndex(phrases, overlapping=True).presence(request.words_of_texts)
        effects = {"alone": alone(phrases, request.ask, held) - middle}
        if "removal" in ways:
            effects["removal"] = self._removed(phrases, np.arange(len(phrases)), held)
        named = {}
        for way, effect in effects.items():
            terms, both = _beyond_words(ways[way].terms, phrases, ways[way].effect, effect)
            if len(terms) > len(at):
                index = TermIndex(terms, strength=np.abs(both).max(axis=1).tolist())
                named[f"{way}, with phrases"] = self._candidate(terms, both, index.presence(request.words_of_texts))
        return named

    def _lists(self, terms: list[Term], effect: Floats, presence: csr_matrix) -> tuple[WordList, ...]:
        """The shortest lists that hold out nearly as well as the best."""
        grid = self._grid(effect, presence)
        best = max(explained for explained, _ in grid)
        lists = next(lists for explained, lists in grid if explained >= best - SHORT_ENOUGH)
        return tuple(
            WordList(
                target, strong, tuple(terms[i] for i in at), tuple(float(_log_odds(effect[i], target)) for i in at)
            )
            for target, strong, at in lists
        )

    def _grid(self, effect: Floats, presence: csr_matrix) -> list[tuple[float, list[tuple[int, bool, list[int]]]]]:
        """Explained variance and lists, of each share of terms that are listed and strong: short lists first."""
        judges = self.judges if self.judges.any() else np.ones(len(self.judges), dtype=bool)
        learnt_from = ~self.judges
        target = self.score - self.score[learnt_from].mean(axis=0)
        held_by = np.asarray(presence[learnt_from].mean(axis=0)).ravel()
        spread = np.sqrt(np.maximum(held_by * (1 - held_by), 0.0))  # a mean of ones may be rounded above 1
        grid = []
        max_listed = len(effect) if self.request.max_listed is None else self.request.max_listed
        for listed in sorted({min(max(int(np.ceil(share * len(effect))), 1), max_listed) for share in LISTED}):
            for strong in STRONG:
                lists = _grouped(effect, spread, listed, strong)
                held = counted(presence, [at for _, _, at in lists])
                held = held - held[learnt_from].mean(axis=0)
                gram = held[learnt_from].T @ held[learnt_from]
                ridge = 1e-6 * max(float(np.trace(gram)), 1.0) * np.eye(len(gram))
                fitted = held[judges] @ np.linalg.solve(gram + ridge, held[learnt_from].T @ target[learnt_from])
                error, total = ((target[judges] - fitted) ** 2).sum(), (target[judges] ** 2).sum()
                grid.append((1 - float(error / total) if total > 0 else 0.0, lists))
        return grid


def _beyond_words(
    terms: list[Term], phrases: list[Term], effect: Floats, phrase_effect: Floats
) -> tuple[list[Term], Floats]:
    """Terms with the phrases that do something else than nothing, each of their words, and their words together.

    Beyond by more than a tenth of what the strongest word does; which of them are listed is decided with the words.
    """
    at = {term: i for i, term in enumerate(terms)}
    words = [np.stack([effect[at[word,]] for word in phrase]) for phrase in phrases]
    parts = [np.vstack([w, w.sum(axis=0), np.zeros(w.shape[1])]) for w in words]
    highest, lowest = np.stack([p.max(axis=0) for p in parts]), np.stack([p.min(axis=0) for p in parts])
    margin = max(BEYOND * float(np.abs(effect).max()), NOTHING)
    beyond = (phrase_effect > highest + margin) | (phrase_effect < lowest - margin)
    chosen = np.flatnonzero(beyond.any(axis=1))
    return terms + [phrases[i] for i in chosen], np.vstack([effect, phrase_effect[chosen]])


def counted(presence: csr_matrix, lists: Sequence[Sequence[int]]) -> Floats:
    """How many terms of each list each text holds ``(n, lists)``."""
    columns = [np.asarray(presence[:, list(at)].sum(axis=1)).ravel() for at in lists]
    return np.column_stack(columns) if columns else np.zeros((presence.shape[0], 0))


def _log_odds(effect: Floats, target: int) -> float:
    """Effect on the target's log-odds against the mean of the others: scores are less the mean of all."""
    k = len(effect)
    return float(effect[target]) * k / (k - 1)


def _grouped(effect: Floats, spread: Floats, n_listed: int, strong: float) -> list[tuple[int, bool, list[int]]]:
    """Terms by the class that they raise most, the strong ones and the mild ones, each by size of the effect.

    Those are listed that the answers vary with most: effect by standard deviation of the presence.
    """
    owner, size = effect.argmax(axis=1), effect.max(axis=1)
    order = np.argsort(-size * spread, kind="stable")
    order = order[(size * spread)[order] > NOTHING][:n_listed]
    order = order[np.argsort(-size[order], kind="stable")]
    n_strong = max(int(np.ceil(strong * len(order))), 1)
    lists = []
    for target in range(effect.shape[1]):
        for is_strong, group in ((True, order[:n_strong]), (False, order[n_strong:])):
            at = [int(i) for i in group if owner[i] == target]
            if at:
                lists.append((target, is_strong, at))
    return lists
