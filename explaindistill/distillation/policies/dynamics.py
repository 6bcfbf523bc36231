"""Known dynamics: a task written as functions of many states at once, for where running copies would take too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import whole_in

__all__ = ["KnownDynamics"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class KnownDynamics:
    """A task without chance after its start, in place of an environment.

    Parameters
    ----------
    start : function
        From seeds ``(n,)`` to the states ``(n, s)`` that episodes start in; one seed always starts alike.
    step : function
        From states ``(n, s)`` and actions, places from 0 or numbers ``(n, m)``, to the next states, the rewards
        ``(n,)`` and whether the task is over ``(n,)``.
    action_space : object
        With ``n``, or ``low``, ``high``, ``shape`` and ``dtype``, as gymnasium's spaces have.
    max_episode_steps : int
        Time limit.
    observe : function, optional
        From states ``(n, s)`` to what policies see ``(n, d)``; the state itself when None.
    names, actions : sequence of str, optional
    label : str

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import explaindistill as xd
    >>> walk = KnownDynamics(
    ...     start=lambda seeds: np.array([[float(seed % 11)] for seed in seeds]),
    ...     step=lambda S, a: (S + 2 * a[:, None] - 1, -np.ones(len(S)), S[:, 0] + 2 * a - 1 == 5),
    ...     action_space=SimpleNamespace(n=2), max_episode_steps=30, names=["place"], label="walk")
    >>> student = xd.PolicyDistiller(lambda S: S[:, 0] < 5, xd.TreeClassifier(max_leaf_nodes=2), walk, random_state=0)
    >>> student.fit().predict([[3.0], [7.0]]).tolist()
    [1, 0]
    """

    start: Callable[[Sequence[int]], Floats]
    step: Callable[[Floats, NDArray[Any]], tuple[Any, Any, Any]]
    action_space: Any
    max_episode_steps: int
    observe: Callable[[Floats], Floats] | None = None
    names: Sequence[str] | None = None
    actions: Sequence[str] | None = None
    label: str = field(default="known dynamics")

    def __post_init__(self) -> None:
        whole_in("max_episode_steps", self.max_episode_steps, 1)

    def seen(self, states: Floats) -> Floats:
        """What policies see of states, as numbers ``(n, d)``."""
        return np.asarray(states if self.observe is None else self.observe(states), dtype=np.float64)

    def started(self, seeds: Sequence[int]) -> Floats:
        """States at the start, checked.

        Raises
        ------
        InvalidInputError
            If they are not one row of finite numbers per seed.
        """
        states = np.array(self.start(seeds), dtype=np.float64)  # a copy: a table of starts must stay as it is
        if states.ndim != 2 or len(states) != len(seeds) or not np.isfinite(states).all():
            raise InvalidInputError(f"start must give one row of finite numbers per seed, got the shape {states.shape}")
        return states

    def stepped(self, states: Floats, actions: NDArray[Any]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Next states, rewards and ends, checked.

        Raises
        ------
        InvalidInputError
            If one of them has another shape, or holds what is no number.
        """
        after, reward, over = self.step(states, actions)
        after, reward = np.asarray(after, dtype=np.float64), np.asarray(reward, dtype=np.float64)
        over = np.asarray(over).astype(bool)
        if after.shape != states.shape or reward.shape != (len(states),) or over.shape != (len(states),):
            raise InvalidInputError(
                f"step must give states {states.shape}, and a reward and an end for each, got {after.shape}, "
                f"{reward.shape} and {over.shape}"
            )
        if not (np.isfinite(after).all() and np.isfinite(reward).all()):
            raise InvalidInputError("step must give finite states and rewards, got NaN or infinity")
        return after, reward, over
