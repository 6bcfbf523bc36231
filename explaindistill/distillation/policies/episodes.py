"""Episodes of one policy, run side by side: every state, every action, and how each episode ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.distillation.policies.acting import Actor
from explaindistill.distillation.policies.dynamics import KnownDynamics
from explaindistill.distillation.policies.environments import EnvironmentSource, Running

__all__ = ["Episodes", "Spending", "run_episodes"]

Floats = NDArray[np.float64]


@dataclass(eq=False)
class Spending:
    """Steps and questions until now, and how many are allowed; None is no limit.

    Examples
    --------
    >>> spending = Spending(max_steps=100)
    >>> spending.n_steps += 98
    >>> spending.steps_left(5), spending.questions_left(5)
    (2, 5)
    """

    max_steps: int | None = None
    max_questions: int | None = None
    n_steps: int = 0
    n_questions: int = 0

    def steps_left(self, wanted: int) -> int:
        """As many steps as are wanted, or as are left."""
        return wanted if self.max_steps is None else min(wanted, self.max_steps - self.n_steps)

    def questions_left(self, wanted: int) -> int:
        """As many questions as are wanted, or as are left."""
        return wanted if self.max_questions is None else min(wanted, self.max_questions - self.n_questions)


@dataclass(frozen=True, eq=False)
class Episodes:
    """What happened, step by step, episodes one after the other.

    Attributes
    ----------
    states : ndarray of shape (n, d)
        In which an action was taken.
    actions : ndarray of shape (n,) or (n, m)
        Places of numbered actions, or numbers.
    scores : ndarray of shape (n, k), or None
        What the policy gave each action.
    masks : ndarray of shape (n, k), or None
        Valid actions, where the environment says them.
    rewards : ndarray of shape (n,)
    episode, step : ndarrays of shape (n,)
        Place of the episode among ``seeds``, and the step in it from 0.
    seeds : ndarray of shape (e,)
    returns : ndarray of shape (e,)
        Sums of rewards; NaN where a budget cut the episode off.
    ending : ndarray of shape (e,)
        ``"terminated"`` by the task itself, ``"truncated"`` by its time limit, or ``"cut"`` by a budget.
    last : ndarray of shape (e, d)
        The state after the last action.
    """

    states: Floats
    actions: NDArray[Any]
    scores: Floats | None
    masks: NDArray[np.bool_] | None
    rewards: Floats
    episode: NDArray[np.int64]
    step: NDArray[np.int64]
    seeds: NDArray[np.int64]
    returns: Floats
    ending: NDArray[np.str_]
    last: Floats

    @property
    def whole(self) -> bool:
        """Whether no budget cut an episode off."""
        return not (self.ending == "cut").any()

    def starts(self) -> Floats:
        """First state of each episode."""
        return self.states[self.step == 0]


@dataclass
class _Track:
    """One episode while it runs."""

    place: int
    running: Running
    state: Floats
    mask: NDArray[np.bool_] | None
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    ending: str = ""


def run_episodes(
    source: EnvironmentSource,
    policy: Actor,
    seeds: Sequence[int],
    spending: Spending | None = None,
    *,
    noise: Floats | None = None,
    asks_teacher: bool = False,
) -> Episodes:
    """Run one episode per seed.

    Parameters
    ----------
    source : EnvironmentSource
    policy : Actor
    seeds : sequence of int
    spending : Spending, optional
        Counts the steps, and ends all episodes where no more are allowed.
    noise : array of shape (d,), optional
        Standard deviations of normal errors of what the policy sees of a state; the states that are kept are the true
        ones. The errors of an episode are decided by its seed.
    asks_teacher : bool
        Whether each step is also a question to the teacher.

    Returns
    -------
    Episodes

    Examples
    --------
    >>> class Count:
    ...     class action_space:
    ...         n = 2
    ...     def reset(self, seed=None):
    ...         self.x = 0
    ...         return [self.x], {}
    ...     def step(self, action):
    ...         self.x += 1
    ...         return [self.x], float(action), self.x == 3, False, {}
    >>> from explaindistill.distillation.policies.acting import TeacherPolicy
    >>> source = EnvironmentSource.of(Count)
    >>> run = run_episodes(source, TeacherPolicy(lambda S: np.ones(len(S)), source.actions), [5, 6])
    >>> run.returns.tolist(), run.ending.tolist(), run.states[:, 0].tolist()
    ([3.0, 3.0], ['terminated', 'terminated'], [0.0, 1.0, 2.0, 0.0, 1.0, 2.0])
    """
    budget = Spending() if spending is None else spending
    if source.dynamics is not None:
        return run_known(source, source.dynamics, policy, seeds, budget, noise, asks_teacher)
    tracks: list[_Track] = []
    copies = source.copies(len(seeds))
    for at in range(0, len(seeds), max(len(copies), 1)):
        batch = [
            _Track(at + i, running, *running.start(seed))
            for i, (running, seed) in enumerate(zip(copies, seeds[at : at + len(copies)], strict=False))
        ]
        _run_side_by_side(batch, policy, budget, noise, asks_teacher)
        tracks += batch
    return _gathered(tracks, np.asarray(seeds, dtype=np.int64), len(source.names))


def _run_side_by_side(
    batch: list[_Track], policy: Actor, budget: Spending, noise: Floats | None, asks_teacher: bool
) -> None:
    errors = [np.random.default_rng([track.running.seed, 1]) for track in batch]
    alive = list(range(len(batch)))
    while alive:
        n = budget.steps_left(len(alive))
        n = budget.questions_left(n) if asks_teacher else n
        for i in alive[n:]:
            batch[i].ending = "cut"
        alive = alive[:n]
        if not alive:
            return
        states = np.stack([batch[i].state for i in alive])
        observed = states if noise is None else states + np.stack([errors[i].normal(0.0, noise) for i in alive])
        mask = _together([batch[i].mask for i in alive])
        answers = policy.answers(observed, mask)
        budget.n_steps += n
        budget.n_questions += n if asks_teacher else 0
        for row, i in enumerate(alive):
            _step(batch[i], answers.actions[row], None if answers.scores is None else answers.scores[row])
        alive = [i for i in alive if not batch[i].ending]


def _together(masks: list[NDArray[np.bool_] | None]) -> NDArray[np.bool_] | None:
    """Masks of many states; an environment may say one only where something is forbidden: elsewhere all is valid."""
    width = next((len(mask) for mask in masks if mask is not None), None)
    if width is None:
        return None
    return np.stack([np.ones(width, dtype=bool) if mask is None else mask for mask in masks])


def _step(track: _Track, action: Any, scores: Floats | None) -> None:
    outcome = track.running.act(action)
    track.rows.append((track.state, action, scores, track.mask, outcome.reward))
    track.state, track.mask = outcome.state, outcome.mask
    track.ending = "terminated" if outcome.terminated else "truncated" if outcome.truncated else ""


def _gathered(tracks: list[_Track], seeds: NDArray[np.int64], width: int) -> Episodes:
    rows = [row for track in tracks for row in track.rows]
    lengths = np.array([len(track.rows) for track in tracks], dtype=np.int64)
    rewards = np.array([row[4] for row in rows], dtype=float)
    episode = np.repeat(np.arange(len(tracks)), lengths)
    ending = np.array([track.ending for track in tracks], dtype=str)
    totals = np.bincount(episode, rewards, len(tracks))
    scored = bool(rows) and all(row[2] is not None for row in rows)
    return Episodes(
        states=np.array([row[0] for row in rows], dtype=float).reshape(len(rows), width),
        actions=np.array([row[1] for row in rows]),
        scores=np.array([row[2] for row in rows], dtype=float) if scored else None,
        masks=_together([row[3] for row in rows]),
        rewards=rewards,
        episode=episode,
        step=np.concatenate([np.arange(n) for n in lengths]) if len(tracks) else np.empty(0, dtype=np.int64),
        seeds=seeds,
        returns=np.where(ending == "cut", np.nan, totals),
        ending=ending,
        last=np.array([track.state for track in tracks], dtype=float).reshape(len(tracks), width),
    )


def run_known(
    source: EnvironmentSource,
    task: KnownDynamics,
    policy: Actor,
    seeds: Sequence[int],
    budget: Spending,
    noise: Floats | None,
    asks_teacher: bool,
) -> Episodes:
    """All episodes of known dynamics at once; what :func:`run_episodes` says holds here, too."""
    hidden = task.started(seeds)
    errors = [np.random.default_rng([int(seed), 1]) for seed in seeds] if noise is not None else []
    ending = np.full(len(seeds), "", dtype="<U10")
    alive, rows = np.arange(len(seeds)), []
    for step in range(source.limit):
        n = budget.steps_left(len(alive))
        n = budget.questions_left(n) if asks_teacher else n
        ending[alive[n:]] = "cut"
        alive = alive[:n]
        if not n:
            break
        states = task.seen(hidden[alive])
        observed = states if noise is None else states + np.stack([errors[i].normal(0.0, noise) for i in alive])
        answers = policy.answers(observed)
        after, reward, over = task.stepped(hidden[alive], answers.actions)
        budget.n_steps += n
        budget.n_questions += n if asks_teacher else 0
        rows.append((alive, np.full(n, step), states, answers.actions, answers.scores, reward))
        hidden[alive] = after
        ending[alive[over]] = "terminated"
        alive = alive[~over]
    ending[ending == ""] = "truncated"
    return _sorted(rows, seeds, ending, task.seen(hidden))


def _sorted(rows: list[tuple[Any, ...]], seeds: Sequence[int], ending: NDArray[np.str_], last: Floats) -> Episodes:
    """Steps of all episodes side by side, put one episode after the other."""
    stacks = zip(*rows, strict=True)
    columns: list[Any] = [None if stack[0] is None else np.concatenate(stack) for stack in stacks]
    episode, step, states, actions, scores, rewards = columns if rows else (
        np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), last[:0], np.empty(0), None, np.empty(0))  # fmt: skip
    order = np.lexsort((step, episode))
    totals = np.bincount(episode, rewards, len(seeds))
    return Episodes(
        states=states[order],
        actions=actions[order],
        scores=None if scores is None else scores[order],
        masks=None,
        rewards=rewards[order],
        episode=episode[order],
        step=step[order],
        seeds=np.asarray(seeds, dtype=np.int64),
        returns=np.where(ending == "cut", np.nan, totals),
        ending=ending,
        last=last,
    )
