"""An environment as a source of episodes: opened, checked and stepped in one way, whatever made it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explaindistill.distillation.policies.dynamics import KnownDynamics
from explaindistill.distillation.policies.known import known_task
from explaindistill.distillation.policies.spaces import ActionSpace, flat_state, state_names
from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.numerics.ranges import whole_in

__all__ = ["EnvironmentSource", "Outcome", "Running"]

Floats = NDArray[np.float64]
MOST_COPIES = 64
"""Episodes that run side by side: a student is asked about all their states at once, and copies cost memory."""
NO_LIMIT = 10_000
"""Steps after which an episode ends where the environment sets no limit of its own: a policy that never fails would
otherwise run for ever."""
STEPS_LOOKED_AT = 3
"""Steps after which chance inside an environment has shown itself, if it is drawn at every step."""
STEP_WAY_OUT = "step() must return (state, reward, terminated, truncated, info), as gymnasium 0.26 and later do"


class Outcome(NamedTuple):
    """What one step led to; ``mask`` says which actions are valid next, None where all are."""

    state: Floats
    reward: float
    terminated: bool
    truncated: bool
    mask: NDArray[np.bool_] | None


@dataclass(eq=False)
class Running:
    """One copy of an environment: starts by seed, steps by action, and says in one sentence what is wrong."""

    env: Any
    actions: ActionSpace
    limit: int
    seed: int = 0
    step: int = 0

    def __post_init__(self) -> None:
        method = getattr(getattr(self.env, "unwrapped", self.env), "action_masks", None)
        self._masks = method if callable(method) and self.actions.is_discrete else None

    def start(self, seed: int) -> tuple[Floats, NDArray[np.bool_] | None]:
        """First state of the episode of a seed, and the valid actions.

        Raises
        ------
        InvalidInputError
            If ``reset`` does not return a state of numbers and a mapping.
        """
        self.seed, self.step = int(seed), 0
        reply = self.env.reset(seed=self.seed)
        if not isinstance(reply, tuple) or len(reply) != 2 or not isinstance(reply[1], Mapping):
            raise InvalidInputError(
                f"env must return (state, info) from reset(seed=...), got {_kind(reply)}; "
                "gymnasium 0.26 and later do, and older environments can be wrapped"
            )
        return self._checked(reply[0]), self._mask(reply[1])

    def act(self, action: Any) -> Outcome:
        """Take one action, given as a place from 0 or as numbers.

        An episode that ends by itself at the very step of its time limit has ended by itself.

        Raises
        ------
        InvalidInputError
            If the reply is not a step: another form, a reward or a state that is not a number.
        """
        reply = self.env.step(self.actions.taken(action))
        if not isinstance(reply, tuple) or len(reply) != 5:
            raise InvalidInputError(f"env: {STEP_WAY_OUT}, got {_kind(reply)}")
        state, reward, terminated, truncated, info = reply
        self.step += 1
        gain = reward if isinstance(reward, float) else _number(reward)
        if not math.isfinite(gain):
            raise InvalidInputError(
                f"env must give a finite reward, got {reward!r} at step {self.step} of the episode of seed {self.seed}"
            )
        ended = bool(terminated)
        stopped = not ended and (bool(truncated) or self.step >= self.limit)
        return Outcome(self._checked(state), gain, ended, stopped, self._mask(info))

    def _checked(self, state: Any) -> Floats:
        numbers = flat_state(state)
        if not np.isfinite(numbers).all():
            raise InvalidInputError(
                f"env must give states of finite numbers, got {numbers[~np.isfinite(numbers)][0]} in place "
                f"{int(np.argmin(np.isfinite(numbers)))} at step {self.step} of the episode of seed {self.seed}"
            )
        return numbers

    def _mask(self, info: Any) -> NDArray[np.bool_] | None:
        """Valid actions: ``info["action_mask"]``, or the method ``action_masks()`` of the environment."""
        if not self.actions.is_discrete:
            return None
        mask = info.get("action_mask") if isinstance(info, Mapping) else None
        if mask is None and self._masks is not None:
            mask = self._masks()
        if mask is None:
            return None
        valid = np.ravel(np.asarray(mask)).astype(bool)
        if len(valid) != self.actions.n or not valid.any():
            raise InvalidInputError(
                f"env must mask {self.actions.n} actions and leave one of them, got {np.ravel(mask).tolist()} at step "
                f"{self.step} of the episode of seed {self.seed}"
            )
        return valid


@dataclass(eq=False)
class EnvironmentSource:
    """Makes copies of one environment, and knows its names.

    Attributes
    ----------
    make : callable
        A new environment at each call.
    names : tuple of str
        Of the numbers of a state.
    units : dict of str to str
    actions : ActionSpace
    label : str
        What messages and reports call it.
    limit : int
        Steps after which an episode ends at the latest.
    dynamics : KnownDynamics, optional
        Where the task is written as functions, and no copies run.

    Examples
    --------
    >>> class Walk:
    ...     class action_space:
    ...         n = 2
    ...     def reset(self, seed=None):
    ...         self.x = seed % 3
    ...         return [self.x], {}
    ...     def step(self, action):
    ...         self.x += 2 * action - 1
    ...         return [self.x], 1.0, abs(self.x) > 3, False, {}
    >>> source = EnvironmentSource.of(Walk, names=["place"])
    >>> source.names, source.actions.names, source.copies(2)[1].start(4)[0].tolist()
    (('place',), ('action 0', 'action 1'), [1.0])
    """

    make: Callable[[], Any]
    names: tuple[str, ...]
    units: dict[str, str]
    actions: ActionSpace
    label: str
    limit: int
    dynamics: KnownDynamics | None = None
    _pool: list[Running] = field(default_factory=list, repr=False)

    @classmethod
    def of(
        cls,
        env: Any,
        *,
        names: Sequence[str] | None = None,
        actions: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        max_episode_steps: int | None = None,
    ) -> EnvironmentSource:
        """Open an environment and look at it: two copies must be two, and start alike for one seed.

        Parameters
        ----------
        env : str or callable
            Gymnasium's identifier, or a function that makes an environment.
        names, actions : sequence of str, optional
            Of the numbers of a state, and of the actions; known for gymnasium's own control tasks.
        units : mapping of name to unit, optional
        max_episode_steps : int, optional
            Ends episodes earlier than the environment does; 10,000 where it never does.

        Raises
        ------
        MissingExtraError
            If ``env`` is an identifier and gymnasium is not installed.
        InvalidInputError
            For what is no environment.
        """
        if isinstance(env, cls):
            return env
        whole_in("max_episode_steps", max_episode_steps, 1, others=(None,))
        if isinstance(env, KnownDynamics):
            return cls._of_dynamics(env, names, actions, units, max_episode_steps)
        make, label = _maker(env)
        opened = [make(), make()]
        try:
            return cls._looked_at(env, make, label, opened, names, actions, units, max_episode_steps)
        except BaseException:
            for one in opened:
                _close(one)
            raise

    @classmethod
    def _looked_at(
        cls, env: Any, make: Any, label: str, opened: list[Any], names: Any, actions: Any, units: Any, most: int | None
    ) -> EnvironmentSource:
        first, second = opened
        if first is second:
            raise InvalidInputError("env must make a new environment at each call, got the same object twice")
        if hasattr(first, "num_envs") or hasattr(first, "single_action_space"):
            raise InvalidInputError(
                f"env must make one environment, got the vector {type(first).__name__}; give the function that makes "
                f"one of them: up to {MOST_COPIES} run side by side here anyway"
            )
        task = known_task(env) if isinstance(env, str) else known_task("")
        space = ActionSpace.of(getattr(first, "action_space", None), task.actions if actions is None else actions)
        limit = _limit(first, most)
        copies = [Running(first, space, limit), Running(second, space, limit)]
        _check_seeding(copies)
        state = first.reset(seed=0)[0]
        columns = state_names(state, task.names if names is None else names)
        labels = _units(columns, task.units, units)
        return cls(make, columns, labels, space, label, limit, _pool=copies)

    @classmethod
    def _of_dynamics(cls, task: KnownDynamics, names: Any, actions: Any, units: Any, most: int | None) -> Any:
        space = ActionSpace.of(task.action_space, task.actions if actions is None else actions)
        first, again = task.started([1]), task.started([1])
        if not np.array_equal(first, again):
            raise InvalidInputError("start must start alike for one seed, and seed 1 gave two states")
        columns = state_names(task.seen(first)[0], task.names if names is None else names)
        limit = min(task.max_episode_steps, NO_LIMIT if most is None else most)
        return cls(partial(_itself, task), columns, _units(columns, {}, units), space, task.label, limit, task)

    def copies(self, n: int) -> list[Running]:
        """At most n copies, and at most 64; they are made once and started anew for each episode."""
        while len(self._pool) < min(n, MOST_COPIES):
            self._pool.append(Running(self.make(), self.actions, self.limit))
        return self._pool[:n]

    def close(self) -> None:
        """Close all copies."""
        for running in self._pool:
            _close(running.env)
        self._pool.clear()

    def __enter__(self) -> EnvironmentSource:
        """Copies live until the block ends, however it ends; the next episode makes new ones."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close all copies."""
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        """Pickles go without the running copies."""
        return vars(self) | {"_pool": []}


def _close(env: Any) -> None:
    if callable(getattr(env, "close", None)):
        env.close()


def _itself(task: KnownDynamics) -> KnownDynamics:
    """Functions need no copies."""
    return task


def _units(columns: tuple[str, ...], task: Mapping[str, str], units: Mapping[str, str] | None) -> dict[str, str]:
    """Units of the columns: those known, and those that the user says."""
    labels = {name: unit for name, unit in task.items() if name in columns} | dict(units or {})
    if strange := [name for name in labels if name not in columns]:
        raise InvalidInputError(f"units names {', '.join(strange)}, a state has: {', '.join(columns)}")
    return labels


def _maker(env: Any) -> tuple[Callable[[], Any], str]:
    if isinstance(env, str):
        try:
            import gymnasium
        except ImportError as error:
            raise MissingExtraError.of("gymnasium", "rl") from error
        try:
            gymnasium.spec(env)
        except gymnasium.error.Error as error:
            raise InvalidInputError(f"env must name a registered environment, got {env!r}: {error}") from error
        return partial(gymnasium.make, env), env
    if callable(env) and not hasattr(env, "step"):
        return env, str(getattr(env, "__name__", type(env).__name__))
    if isinstance(env, type):
        return env, env.__name__
    raise InvalidInputError(
        f"env must be gymnasium's identifier or a function that makes an environment, got {type(env).__name__}; "
        "give lambda: make_it(), so that several can run side by side"
    )


def _limit(env: Any, wanted: int | None) -> int:
    """Steps of the longest episode: of the time limit around the environment, or of whoever asked for fewer."""
    spec = getattr(env, "spec", None)
    inside = getattr(spec, "max_episode_steps", None)
    return min(number for number in (inside, wanted, NO_LIMIT) if number is not None)


def _check_seeding(copies: Sequence[Running]) -> None:
    """Episodes are paired by their seeds, which must therefore decide how an episode starts, and what chance adds."""
    first, second = (_glimpse(running, 1) for running in copies)
    again = _glimpse(copies[0], 1)
    _glimpse(copies[1], 2)
    if not (np.array_equal(first, second) and np.array_equal(first, again)):
        raise InvalidInputError(
            "env must run alike for one seed and the same actions, and after reset(seed=1) it ran in two ways; pass "
            "the seed on with super().reset(seed=seed) and draw from self.np_random, never from numpy.random itself"
        )


def _glimpse(running: Running, seed: int) -> Floats:
    """The first states of an episode under one fixed action."""
    state, mask = running.start(seed)
    rows = [state]
    for _ in range(STEPS_LOOKED_AT):
        still: Any = np.zeros(running.actions.n)  # taken within its bounds
        outcome = running.act((0 if mask is None else int(np.argmax(mask))) if running.actions.is_discrete else still)
        rows.append(np.append(outcome.state, outcome.reward))
        mask = outcome.mask
        if outcome.terminated or outcome.truncated:
            break
    return np.concatenate(rows)


def _number(reward: Any) -> float:
    """A reward as a float; NaN for what is none, or more than one."""
    try:
        return float(np.asarray(reward, dtype=float).item())
    except (TypeError, ValueError):
        return float("nan")


def _kind(reply: Any) -> str:
    return f"a tuple of {len(reply)}" if isinstance(reply, tuple) else f"a {type(reply).__name__}"
