"""States that policies came to and what the teacher does there: the rows that every round is fitted to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.schema import Schema
from explaindistill.data.targets import SoftTargets, one_hot
from explaindistill.distillation.policies.acting import Answers
from explaindistill.distillation.policies.columns import StateColumns
from explaindistill.distillation.policies.spaces import ActionSpace
from explaindistill.distillation.student_fit import fit_student

__all__ = ["WEIGHTINGS", "AnsweredStates", "weightings_for"]

Floats = NDArray[np.float64]
WEIGHTINGS = ("q", "gap", "none")


def weightings_for(wanted: str, knows_q: bool, has_scores: bool) -> tuple[str, ...]:
    """Weightings that compete: by what a wrong action costs, as far as the teacher says it, and by nothing.

    Examples
    --------
    >>> weightings_for("auto", True, True), weightings_for("auto", False, True), weightings_for("auto", False, False)
    (('q', 'none'), ('gap', 'none'), ('none',))
    """
    if wanted != "auto":
        return (wanted,)
    if knows_q:
        return "q", "none"
    return ("gap", "none") if has_scores else ("none",)


@dataclass(eq=False)
class AnsweredStates:
    """States with the teacher's actions, collected round by round.

    Attributes
    ----------
    states : list of ndarray of shape (n, d)
    actions : list of ndarray of shape (n,) or (n, m)
    costs : list of ndarray of shape (n,)
        Of a wrong action at worst: best score less worst valid one; 1 without scores.

    Examples
    --------
    >>> memory = AnsweredStates()
    >>> memory.add(np.zeros((2, 1)), Answers(np.array([0, 1]), np.array([[3.0, 1.0], [0.0, 0.5]])))
    >>> len(memory), memory.weight("q", np.arange(2)).tolist()
    (2, [1.6, 0.4])
    """

    states: list[Floats] = field(default_factory=list)
    actions: list[NDArray[Any]] = field(default_factory=list)
    costs: list[Floats] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(map(len, self.states))

    def add(self, states: Floats, answers: Answers) -> None:
        """Keep what the teacher answered."""
        self.states.append(states)
        self.actions.append(answers.actions)
        if answers.scores is None:
            self.costs.append(np.ones(len(states)))
            return
        lowest = np.where(np.isfinite(answers.scores), answers.scores, np.inf).min(axis=1)
        self.costs.append(answers.scores.max(axis=1) - lowest)

    def drawn(self, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Places of all rows, or of so many drawn by chance."""
        n = len(self)
        return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))

    def weight(self, weighting: str, at: NDArray[np.int64]) -> Floats:
        """Weights of rows, 1 on average; all 1 where no action is worse than another."""
        costs = np.concatenate(self.costs)[at] if weighting != "none" else np.ones(len(at))
        mean = costs.mean()
        return costs / mean if mean > 0 else np.ones(len(at))

    def fit(
        self, student: Any, columns: StateColumns, actions: ActionSpace, weighting: str, at: NDArray[np.int64]
    ) -> None:
        """Fit a student, in place, to the rows at these places."""
        rows = columns.seen(np.concatenate(self.states)[at])
        chosen, weight = np.concatenate(self.actions)[at], self.weight(weighting, at)
        inside = weight > 0  # a state where every action is as good says nothing, and would only fill up leaves
        rows, chosen, weight = rows[inside].reset_index(drop=True), chosen[inside], weight[inside]
        classes = None
        P = np.asarray(chosen, dtype=float)
        P = P[:, 0] if P.ndim == 2 and P.shape[1] == 1 else P
        if actions.is_discrete:
            labels = np.asarray(actions.names)[chosen]
            classes = np.unique(labels)
            if len(classes) == 1:  # a column alone would be no probabilities: another action stands beside it, at 0
                classes = np.unique([*classes, *(name for name in actions.names if name != classes[0])][:2])
            P = one_hot(labels, classes)
        targets = SoftTargets(rows, P, weight, np.full(len(rows), "observed"), classes, len(rows))
        fit_student(student, targets, Schema.infer(rows))
