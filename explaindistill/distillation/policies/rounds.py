"""Rounds of asking the teacher about the student's own states, and the choice of the best by held-out return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.distillation.policies.acting import Answers, StudentPolicy, TeacherPolicy
from explaindistill.distillation.policies.columns import StateColumns
from explaindistill.distillation.policies.environments import EnvironmentSource
from explaindistill.distillation.policies.episodes import Episodes, Spending, run_episodes
from explaindistill.distillation.policies.memory import AnsweredStates, weightings_for
from explaindistill.errors import BudgetError
from explaindistill.numerics.statistics.mean_limits import mean_limits

__all__ = ["Candidate", "PolicySearch", "SearchPlan", "actions_alike"]

Floats = NDArray[np.float64]
FINALISTS = 4
"""Candidates that run further episodes. Of sixteen the best on fifty episodes often is the luckiest; among the first
four the better one nearly always is, and each of them costs as much as all of its rounds."""
CLOSE = 0.05
"""Share of its range within which a continuous action counts as the teacher's."""


def actions_alike(first: NDArray[Any], second: NDArray[Any], low: Floats, high: Floats) -> NDArray[np.bool_]:
    """Whether two actions are the same, or in every number closer than a twentieth of its range.

    Examples
    --------
    >>> actions_alike(np.array([[0.1], [0.5]]), np.array([[0.15], [1.0]]), np.array([-2.0]), np.array([2.0])).tolist()
    [True, False]
    """
    if first.ndim == 1:
        return np.asarray(first == second)
    spread = np.where(np.isfinite(high - low), high - low, 1.0)
    return np.asarray((np.abs(first - second) <= CLOSE * spread).all(axis=1))


@dataclass(frozen=True)
class SearchPlan:
    """How far the search goes; see :class:`~explaindistill.distillation.policies.distiller.PolicyDistiller`."""

    weighting: str
    n_rounds: int
    n_episodes: int
    n_held_out: int
    max_rows: int
    seed: int

    def seeds(self) -> tuple[Iterator[int], list[int], list[int]]:
        """Endless seeds of episodes to learn from, those that choose, and those of the finalists; all even, once."""
        rng = np.random.default_rng([self.seed, 0])
        drawn: set[int] = set()

        def fresh() -> Iterator[int]:
            while True:
                seed = 2 * int(rng.integers(2**30))
                if seed not in drawn:
                    drawn.add(seed)
                    yield seed

        stream = fresh()
        return (
            stream,
            [next(stream) for _ in range(self.n_held_out)],
            [next(stream) for _ in range(2 * self.n_held_out)],
        )


@dataclass(eq=False)
class Candidate:
    """One fitted student, and how it did."""

    round: int
    weighting: str
    student: Any
    n_rows: int
    returns: Floats
    final: Floats = field(default_factory=lambda: np.empty(0))
    agreement: float = float("nan")
    n_states: int = 0

    @property
    def mean(self) -> float:
        """Mean return of all episodes that judged it."""
        return float(np.concatenate([self.returns, self.final]).mean())


@dataclass(eq=False)
class PolicySearch:
    """DAgger with competing weights, each with a memory of its own.

    The teacher runs ``n_episodes`` episodes. Then, in each round, one student per weighting is fitted to these and the
    states that students of the same weighting came to, runs the held-out episodes, and runs episodes of its own, whose
    states the teacher is asked about. So cloning and unweighted DAgger are among what is compared; with one memory for
    all, what a bad student of one weighting met spoilt the others (CartPole: 460 of 500). The four best run twice as
    many further episodes; the best of all their episodes is kept.

    References
    ----------
    Ross, Gordon and Bagnell (2011), https://proceedings.mlr.press/v15/ross11a.html (asking about own states);
    Bastani, Pu and Solar-Lezama (2018), arXiv:1805.08328 (weights by the cost of a wrong action).
    """

    source: EnvironmentSource
    teacher: TeacherPolicy
    student: Any
    columns: StateColumns
    plan: SearchPlan
    spending: Spending
    memories: dict[str, AnsweredStates] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    finalists: list[Candidate] = field(default_factory=list)
    learnt: dict[str, int] = field(default_factory=dict)
    stopped: str = ""
    teacher_returns: Floats = field(default_factory=lambda: np.empty(0))

    def run(self) -> Candidate:
        """All rounds, and the best candidate.

        Raises
        ------
        BudgetError
            If the budgets end before one student has run its held-out episodes.
        """
        stream, held_out, final = self.plan.seeds()
        rng = np.random.default_rng([self.plan.seed, 2])
        first = run_episodes(
            self.source, self.teacher, _next(stream, self.plan.n_episodes), self.spending, asks_teacher=True
        )
        self.teacher_returns = first.returns[~np.isnan(first.returns)]
        weightings = weightings_for(self.plan.weighting, self.teacher.knows_q, first.scores is not None)
        self.memories = {weighting: self._remembered(first) for weighting in weightings}
        for turn in range(self.plan.n_rounds):
            for weighting in weightings:
                if self.stopped or not self._one(turn, weighting, stream, held_out, rng):
                    break
        if self.stopped == "questions":
            self._learn_what_was_paid_for(held_out, rng)
        if not self.candidates:
            raise BudgetError(
                f"{self.spending.n_steps} steps and {self.spending.n_questions} questions are spent before one student "
                f"has run {self.plan.n_held_out} held-out episodes; raise max_steps or max_questions, or lower "
                "n_episodes and n_held_out"
            )
        return self._best(final)

    def _one(self, turn: int, weighting: str, stream: Iterator[int], held_out: list[int], rng: Any) -> bool:
        """Fit and judge one candidate, then learn from its states; False where a budget ended."""
        if not len(self.memories[weighting]):
            return self._stop("questions")
        candidate = self._judged(turn, weighting, held_out, rng)
        if candidate is None:
            return self._stop("steps")
        if turn + 1 == self.plan.n_rounds:
            return True  # nobody would learn from what it comes to
        policy = StudentPolicy(candidate.student, self.columns, self.source.actions)
        visited = run_episodes(self.source, policy, _next(stream, self.plan.n_episodes), self.spending)
        n = self.spending.questions_left(len(visited.states))
        self._ask(candidate, visited, n)
        if n < len(visited.states):
            return self._stop("questions")
        return True if visited.whole else self._stop("steps")

    def _judged(self, turn: int, weighting: str, held_out: list[int], rng: Any) -> Candidate | None:
        """A student of all that was answered, with its held-out episodes; None where the steps ended."""
        memory = self.memories[weighting]
        self.learnt[weighting] = len(memory)
        at = memory.drawn(self.plan.max_rows, rng)
        student = clone(self.student)
        memory.fit(student, self.columns, self.source.actions, weighting, at)
        policy = StudentPolicy(student, self.columns, self.source.actions)
        judged = run_episodes(self.source, policy, held_out, self.spending)
        if not judged.whole:
            return None
        candidate = Candidate(turn, weighting, student, len(at), judged.returns)
        self.candidates.append(candidate)
        return candidate

    def _learn_what_was_paid_for(self, held_out: list[int], rng: Any) -> None:
        """Where no more may be asked, the last answers of each weighting still teach one student."""
        for weighting, memory in self.memories.items():
            rounds = [candidate.round for candidate in self.candidates if candidate.weighting == weighting]
            if len(memory) > self.learnt.get(weighting, 0):
                self._judged(max(rounds, default=-1) + 1, weighting, held_out, rng)

    def _ask(self, candidate: Candidate, visited: Episodes, n: int) -> None:
        if n == 0:
            return
        masks = None if visited.masks is None else visited.masks[:n]
        answers = self.teacher.answers(visited.states[:n], masks)
        self.spending.n_questions += n
        space = self.source.actions
        same = actions_alike(visited.actions[:n], answers.actions, space.low, space.high)
        candidate.agreement, candidate.n_states = float(same.mean()), n
        self.memories[candidate.weighting].add(visited.states[:n], answers)

    def _remembered(self, episodes: Episodes) -> AnsweredStates:
        """What the teacher did while it acted itself needs no second question."""
        memory = AnsweredStates()
        if len(episodes.states):
            memory.add(episodes.states, Answers(episodes.actions, episodes.scores))
        return memory

    def _stop(self, budget: str) -> bool:
        self.stopped = budget
        return False

    def _best(self, final: list[int]) -> Candidate:
        """The best after the further episodes; among equals, as where all earn the most, the closest to the teacher."""
        ranked = sorted(self.candidates, key=_rank, reverse=True)
        for candidate in ranked[:FINALISTS]:
            policy = StudentPolicy(candidate.student, self.columns, self.source.actions)
            judged = run_episodes(self.source, policy, final, self.spending)
            if not judged.whole:
                self.stopped = "steps"
                break
            candidate.final = judged.returns
            self.finalists.append(candidate)
        return max(self.finalists or ranked[:1], key=_rank)

    def frame(self, chosen: Candidate) -> pd.DataFrame:
        """A line per candidate; limits hold together for all lines, so that the chosen one's hold of it, too."""
        returns = np.concatenate([self.teacher_returns, *(np.r_[c.returns, c.final] for c in self.candidates)])
        ends = (float(returns.min()), float(returns.max()))
        lines = []
        for candidate in self.candidates:
            limits = _limits(candidate.returns, len(self.candidates), ends)
            further = _limits(candidate.final, len(self.finalists), ends)
            lines.append(
                {
                    "round": candidate.round,
                    "weights": candidate.weighting,
                    "n_rows": candidate.n_rows,
                    "n": len(candidate.returns),
                    **dict(zip(("estimate", "low", "high"), limits, strict=True)),
                    "n_further": len(candidate.final),
                    **dict(zip(("further_estimate", "further_low", "further_high"), further, strict=True)),
                    "n_states": candidate.n_states,
                    "agreement": candidate.agreement,
                    "chosen": candidate is chosen,
                }
            )
        return pd.DataFrame(lines)


def _rank(candidate: Candidate) -> tuple[float, float, int]:
    agreement = candidate.agreement if candidate.n_states else 0.0
    return candidate.mean, agreement, candidate.round


def _limits(returns: Floats, n_candidates: int, ends: tuple[float, float]) -> tuple[float, float, float]:
    """Mean and limits at the level that holds for all candidates together (Bonferroni)."""
    if not len(returns):
        return float("nan"), float("nan"), float("nan")
    level = 1 - 0.05 / max(n_candidates, 1)
    limits = mean_limits(returns, np.zeros(len(returns), dtype=int), 1, level=level, ends=ends)
    return float(limits.mean[0]), float(limits.low[0]), float(limits.high[0])


def _next(stream: Iterator[int], n: int) -> Sequence[int]:
    return [next(stream) for _ in range(n)]
