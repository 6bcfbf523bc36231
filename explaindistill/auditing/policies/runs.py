"""The episodes of an audit: every policy from the same starts, as the task is and under stress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.distillation.policies.acting import Actor, RandomPolicy, StudentPolicy, TeacherPolicy
from explaindistill.distillation.policies.environments import EnvironmentSource
from explaindistill.distillation.policies.episodes import Episodes, run_episodes
from explaindistill.distillation.policies.rounds import actions_alike
from explaindistill.errors import InvalidInputError
from explaindistill.measures.policies import ALL_STARTS, CHANCE, TEACHER

__all__ = ["PolicyRuns", "Stress", "as_policies", "start_regions"]

Floats = NDArray[np.float64]
FEWEST_DIFFERENT = 3
"""Different starts of a number below which its starts are not divided: thirds of them would be the same."""
THIRDS = ("low", "middle", "high")


@dataclass(frozen=True)
class Stress:
    """One way in which the world is not as it was: errors of what policies see, or other dynamics."""

    name: str
    noise: float = 0.0
    source: EnvironmentSource | None = None


@dataclass(eq=False)
class PolicyRuns:
    """Episodes of the teacher, the students and chance, on the same seeds.

    Attributes
    ----------
    source : EnvironmentSource
    policies : dict of str to Actor
        ``"teacher"`` first.
    seeds : tuple of int
    runs : dict of str to Episodes
    """

    source: EnvironmentSource
    policies: dict[str, Actor]
    seeds: tuple[int, ...]
    runs: dict[str, Episodes]

    @classmethod
    def of(
        cls, source: EnvironmentSource, policies: dict[str, Actor], seeds: Sequence[int], random_state: int
    ) -> PolicyRuns:
        """Run everybody."""
        runs = {name: run_episodes(source, policy, seeds) for name, policy in policies.items()}
        runs[CHANCE] = run_episodes(source, RandomPolicy(source.actions, random_state), seeds)
        return cls(source, policies, tuple(seeds), runs)

    @property
    def teacher(self) -> TeacherPolicy:
        """The teacher's policy."""
        return self.policies[TEACHER]  # type: ignore[return-value]

    @property
    def students(self) -> dict[str, Actor]:
        """All policies but the teacher's."""
        return {name: policy for name, policy in self.policies.items() if name != TEACHER}

    def returns(self) -> dict[str, Floats]:
        """Returns by subject, in the order of the seeds."""
        return {name: run.returns for name, run in self.runs.items()}

    def alike(self) -> Iterator[tuple[str, str, NDArray[np.bool_], NDArray[np.int64], Floats]]:
        """Subject, whose states, whether the action is the teacher's, the episode, and what it costs by Q."""
        space = self.source.actions
        for name, policy in self.students.items():
            for states, run in (("teacher's", self.runs[TEACHER]), ("own", self.runs[name])):
                if not len(run.states):
                    continue
                student_actions = run.actions if states == "own" else policy.answers(run.states, run.masks).actions
                answers = self.teacher.answers(run.states, run.masks) if states == "own" else None
                wanted = run.actions if answers is None else answers.actions
                same = actions_alike(student_actions, wanted, space.low, space.high)
                cost = np.full(len(same), np.nan)
                if answers is not None and answers.scores is not None and self.teacher.knows_q:
                    cost = answers.scores.max(axis=1) - answers.scores[np.arange(len(student_actions)), student_actions]
                yield name, states, same, run.episode, cost

    def under(self, stress: Stress) -> dict[str, Floats]:
        """Returns of teacher and students, from the same seeds, under one stress."""
        source = self.source if stress.source is None else stress.source
        noise = None if stress.noise == 0 else stress.noise * self.runs[TEACHER].states.std(axis=0)
        return {name: run_episodes(source, p, self.seeds, noise=noise).returns for name, p in self.policies.items()}

    def visited(self, name: str) -> tuple[Floats, NDArray[np.int64]]:
        """All states that a policy came to, the last of each episode too, with the episode."""
        run = self.runs[name]
        return np.concatenate([run.states, run.last]), np.concatenate([run.episode, np.arange(len(run.last))])

    def frame(self, states: Floats) -> pd.DataFrame:
        """States under their names."""
        return pd.DataFrame(states, columns=list(self.source.names))


def as_policies(teacher: Any, students: Any, source: EnvironmentSource, output: str | None) -> dict[str, Actor]:
    """Teacher and students by name, each as a policy.

    Raises
    ------
    InvalidInputError
        If a student is neither a fitted PolicyDistiller nor a function of states, or was fitted to other states.
    """
    named = students if isinstance(students, Mapping) else {"student": students}
    if not named:
        raise InvalidInputError("students must hold at least one policy, got none")
    policies: dict[str, Actor] = {TEACHER: TeacherPolicy(teacher, source.actions, output)}
    for name, student in named.items():
        if str(name) in (TEACHER, CHANCE):
            raise InvalidInputError(f"students must not be called {name!r}, which is another policy of the audit")
        policies[str(name)] = _student(str(name), student, source)
    return policies


def _student(name: str, student: Any, source: EnvironmentSource) -> Actor:
    if hasattr(student, "source_") and hasattr(student, "columns_"):
        if student.columns_.state != source.names or student.source_.actions.names != source.actions.names:
            raise InvalidInputError(
                f"students[{name!r}] was fitted to the states {', '.join(student.columns_.state)} and the actions "
                f"{', '.join(student.source_.actions.names)}; give names= and actions= as there"
            )
        return StudentPolicy(student.student_, student.columns_, source.actions)
    if hasattr(student, "plot_phase"):
        raise InvalidInputError(f"students[{name!r}] must be fitted; call fit() first")
    return TeacherPolicy(student, source.actions)


def start_regions(starts: pd.DataFrame, regions: Callable[[pd.Series], Any] | None) -> dict[str, list[int]]:
    """Episodes by where they start: by a function of the first state, or by thirds of each number.

    Examples
    --------
    >>> starts = pd.DataFrame({"place": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], "speed": 0.0})
    >>> {name: at for name, at in start_regions(starts, None).items() if "high" in name}
    {'place: high third, above 3.33': [4, 5]}
    """
    if regions is not None:
        labels = [str(regions(row)) for _, row in starts.iterrows()]
        if ALL_STARTS in labels:
            raise InvalidInputError(f"regions must not name one {ALL_STARTS!r}, which holds all episodes")
        return {label: [i for i, other in enumerate(labels) if other == label] for label in sorted(set(labels))}
    named: dict[str, list[int]] = {}
    for column in starts:
        values = starts[column].to_numpy()
        if len(np.unique(values)) < FEWEST_DIFFERENT:
            continue
        low, high = np.quantile(values, [1 / 3, 2 / 3])
        code = (values > low).astype(int) + (values > high)
        words = (f"up to {low:.3g}", f"{low:.3g} to {high:.3g}", f"above {high:.3g}")
        for third, where in enumerate(words):
            at = np.flatnonzero(code == third).tolist()
            if at:
                named[f"{column}: {THIRDS[third]} third, {where}"] = at
    return named
