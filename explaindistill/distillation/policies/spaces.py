"""What an environment lets be seen and done: a state as named numbers, an action as a class or as bounded numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError

__all__ = ["ActionSpace", "flat_state", "state_names"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ActionSpace:
    """What may be done: one of n numbered actions, or numbers between bounds.

    Attributes
    ----------
    names : tuple of str
        Of the actions in their order; of the numbers of a continuous action.
    start : int
        The environment's number of the first action; 0 where actions are continuous.
    low, high : ndarray of shape (m,)
        Bounds of a continuous action; empty where actions are numbered.
    shape : tuple of int
        Of a continuous action, as the environment takes it.
    dtype : numpy dtype
        Of a continuous action.

    Examples
    --------
    >>> space = ActionSpace.numbered(3, start=-1, names=["left", "coast", "right"])
    >>> space.is_discrete, space.index_of([-1, 1]).tolist(), space.taken(2)
    (True, [0, 2], 1)
    >>> torque = ActionSpace.bounded([-2.0], [2.0], (1,), "float32", None)
    >>> torque.taken(np.array([3.0])).tolist()
    [2.0]
    """

    names: tuple[str, ...]
    start: int
    low: Floats
    high: Floats
    shape: tuple[int, ...]
    dtype: Any

    @classmethod
    def numbered(cls, n: int, start: int, names: Sequence[str] | None) -> ActionSpace:
        """N actions, numbered from ``start``."""
        words = [f"action {start + i}" for i in range(n)] if names is None else [str(name) for name in names]
        if len(words) != n or len(set(words)) != n:
            raise InvalidInputError(f"actions must be {n} different names, one per action, got {words!r}")
        empty = np.empty(0)
        return cls(tuple(words), start, empty, empty, (), np.dtype(int))

    @classmethod
    def bounded(cls, low: Any, high: Any, shape: Sequence[int], dtype: Any, names: Sequence[str] | None) -> ActionSpace:
        """Numbers between bounds."""
        least, most = np.ravel(np.asarray(low, dtype=float)), np.ravel(np.asarray(high, dtype=float))
        m = len(least)
        words = ([f"action_{i}" for i in range(m)] if m > 1 else ["action"]) if names is None else list(map(str, names))
        if len(words) != m or len(set(words)) != m:
            raise InvalidInputError(f"actions must be {m} different names, one per number of an action, got {words!r}")
        return cls(tuple(words), 0, least, most, tuple(shape), np.dtype(dtype))

    @classmethod
    def of(cls, space: Any, names: Sequence[str] | None) -> ActionSpace:
        """Read gymnasium's ``Discrete`` or ``Box``, or anything with their attributes.

        Raises
        ------
        InvalidInputError
            For another kind of space, or names that do not fit.
        """
        if hasattr(space, "n") and np.ndim(space.n) == 0 and not isinstance(space.n, str):
            if int(space.n) < 2:
                raise InvalidInputError(f"env must let at least two actions be chosen from, got {int(space.n)}")
            return cls.numbered(int(space.n), int(getattr(space, "start", 0)), names)
        if hasattr(space, "low") and hasattr(space, "high") and np.dtype(getattr(space, "dtype", float)).kind == "f":
            return cls.bounded(space.low, space.high, space.shape, space.dtype, names)
        raise InvalidInputError(
            f"env must have an action_space that is Discrete or a Box of floats, got {type(space).__name__}; wrap it "
            "so that each combination of actions has one number"
        )

    @property
    def is_discrete(self) -> bool:
        """Whether actions are numbered."""
        return not len(self.low)

    @property
    def n(self) -> int:
        """Numbered actions, or numbers of a continuous action."""
        return len(self.names)

    def index_of(self, actions: Any) -> NDArray[np.int64]:
        """Places, from 0, of actions that are given as the environment's numbers.

        Raises
        ------
        InvalidInputError
            If one of them is no action.
        """
        values = np.asarray(actions, dtype=float)
        places = np.rint(values) - self.start
        wrong = (values != np.rint(values)) | (places < 0) | (places >= self.n)
        if wrong.any():
            raise InvalidInputError(
                f"teacher must answer with the actions {self.start} to {self.start + self.n - 1}, got "
                f"{values[wrong][0]:g}; or with a score for each of the {self.n} actions, as an array (n, {self.n})"
            )
        return places.astype(np.int64)

    def clipped(self, values: Floats) -> Floats:
        """Continuous actions ``(n, m)`` within their bounds."""
        return np.clip(values, self.low, self.high)

    def taken(self, action: Any) -> Any:
        """One action, as ``step`` of the environment takes it: a Python int, or an array of its shape and type."""
        if self.is_discrete:
            return int(action) + self.start
        numbers = np.clip(np.ravel(action), self.low, self.high).astype(self.dtype)
        return numbers.reshape(self.shape)


def flat_state(state: Any) -> Floats:
    """A state as one row of numbers: arrays row by row, the entries of a mapping in the order of their names.

    Examples
    --------
    >>> flat_state({"speed": np.array([1.0, 2.0]), "gear": 3}).tolist()
    [3.0, 1.0, 2.0]
    """
    if isinstance(state, np.ndarray) and state.ndim == 1 and state.dtype.kind in "fiub":
        return state.astype(np.float64)  # the everyday case, once per step
    return np.array([number for _, values in _pieces(state) for number in values], dtype=np.float64)


def state_names(state: Any, names: Sequence[str] | None) -> tuple[str, ...]:
    """Name of each number of a state: those given, else those of a mapping, else ``state_0``, ``state_1`` and so on.

    Raises
    ------
    InvalidInputError
        If names were given, and not one per number, or one twice.

    Examples
    --------
    >>> state_names({"speed": np.array([1.0, 2.0]), "gear": 3}, None)
    ('gear', 'speed_0', 'speed_1')
    """
    generic = tuple(
        (key or "state") if len(values) == 1 and key else f"{key or 'state'}_{i}"
        for key, values in _pieces(state)
        for i in range(len(values))
    )
    if names is None:
        return generic
    words = tuple(str(name) for name in names)
    if len(words) != len(generic) or len(set(words)) != len(words):
        raise InvalidInputError(f"names must be {len(generic)} different names, one per number of a state, got {words}")
    return words


def _pieces(state: Any, key: str = "") -> Iterator[tuple[str, Floats]]:
    if isinstance(state, Mapping):
        for inner in sorted(state, key=str):
            yield from _pieces(state[inner], f"{key}_{inner}" if key else str(inner))
    elif isinstance(state, tuple):
        for i, inner in enumerate(state):
            yield from _pieces(inner, f"{key}_{i}" if key else f"state_{i}")
    else:
        try:
            yield key, np.ravel(np.asarray(state, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"env must give states of numbers, arrays of numbers, or mappings of them, got a {type(state).__name__}"
                f"{f' under {key!r}' if key else ''}; wrap it so that its state is numbers"
            ) from error
