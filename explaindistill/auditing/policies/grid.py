"""A grid check: from which cells of the starts a policy reaches the goal, tried one by one on known dynamics."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import number_in, whole_in

__all__ = ["GridCheck", "grid_check"]

Floats = NDArray[np.float64]
MOST_CELLS = 1_000_000
"""Starts that are tried at most: each is a whole episode of every policy."""


@dataclass(frozen=True)
class GridCheck:
    """What became of every start of a grid.

    Attributes
    ----------
    shares : DataFrame
        ``subject``, ``share`` of cells from which the goal is reached, ``reached``, ``n`` cells, and
        ``lost_to_teacher``: cells from which the teacher reaches it and the subject does not.
    cells : DataFrame
        A line per cell: its middle, and per subject whether the goal is reached.
    steps : dict of str to float
        Distance of two cells in each number.
    horizon : int

    Examples
    --------
    >>> def half_step(S, a):
    ...     return S + a[:, None] / 2, abs(S[:, 0]) < 1
    >>> check = grid_check({"teacher": lambda S: -np.sign(S[:, 0])}, half_step, {"x": (-3, 3, 0.5)}, horizon=3)
    >>> print(check)
    Grid check, 12 start cells, x every 0.5, at most 3 steps: teacher reaches the goal from 8 cells (66.7 %).
    Tried at the middle of each cell: what happens between them is not proven.
    """

    shares: pd.DataFrame
    cells: pd.DataFrame
    steps: dict[str, float]
    horizon: int

    def __str__(self) -> str:
        """The result in words, with the step that it rests on."""
        grid = ", ".join(f"{name} every {step:g}" for name, step in self.steps.items())
        each = [
            f"{line['subject']} reaches the goal from {line['reached']:,} cells ({100 * line['share']:.1f} %)"
            for line in self.shares.to_dict("records")
        ]
        return (
            f"Grid check, {len(self.cells):,} start cells, {grid}, at most {self.horizon:,} steps: {'; '.join(each)}.\n"
            "Tried at the middle of each cell: what happens between them is not proven."
        )


def grid_check(
    policies: Mapping[str, Any],
    dynamics: Callable[[Floats, NDArray[Any]], tuple[Any, ...]],
    starts: Mapping[str, tuple[float, float, float]],
    horizon: int = 200,
    *,
    observe: Callable[[Floats], Floats] | None = None,
) -> GridCheck:
    """Run every policy from the middle of every cell of a grid of starts.

    Parameters
    ----------
    policies : mapping of name to function of states, or fitted PolicyDistiller
        Answer states ``(n, d)`` with actions ``(n,)``, as the dynamics number them; ``"teacher"`` is compared with.
    dynamics : function
        Takes states ``(n, d)`` and actions, and gives the next states, whether the goal is reached ``(n,)`` and, as a
        third answer if there is one, whether all is lost. Where they draw by chance, the check holds for one draw.
    starts : mapping of name to (low, high, step)
        A range of starts in each number of a state, in its order; a step as wide as the range, or (low, low, 1), is one
        cell.
    horizon : int, at least 1
    observe : function, optional
        What policies see of a state; the state itself when None.

    Returns
    -------
    GridCheck
        Shares of cells: no sample and no interval, and no proof between the middles of cells.

    Raises
    ------
    InvalidInputError
        If a range is none, there are more than a million cells, or an answer has another shape.

    Examples
    --------
    >>> def dynamics(S, a):
    ...     S = S + a[:, None]
    ...     return S, np.abs(S[:, 0]) < 1
    >>> check = grid_check({"teacher": lambda S: -np.sign(S[:, 0]), "left": lambda S: -np.ones(len(S))}, dynamics,
    ...                    {"x": (-5, 5, 1.0)}, horizon=10)
    >>> check.shares[["subject", "share", "lost_to_teacher"]].values.tolist()
    [['teacher', 1.0, 0], ['left', 0.5, 5]]
    """
    whole_in("horizon", horizon, 1)
    middles, steps = _middles(starts)
    outcomes = {str(name): _reached(policy, dynamics, middles, horizon, observe) for name, policy in policies.items()}
    if not outcomes:
        raise InvalidInputError("policies must hold at least one policy, got none")
    cells = pd.DataFrame(middles, columns=list(steps)).assign(**{f"{name} reaches": r for name, r in outcomes.items()})
    teacher = outcomes.get("teacher")
    lines = [
        {
            "subject": name,
            "share": float(reached.mean()),
            "reached": int(reached.sum()),
            "n": len(reached),
            "lost_to_teacher": float("nan") if teacher is None else int((teacher & ~reached).sum()),
        }
        for name, reached in outcomes.items()
    ]
    return GridCheck(pd.DataFrame(lines), cells, steps, horizon)


def _middles(starts: Mapping[str, tuple[float, float, float]]) -> tuple[Floats, dict[str, float]]:
    axes, steps = [], {}
    for name, triple in starts.items():
        if len(triple) != 3:
            raise InvalidInputError(f"starts[{name!r}] must be (low, high, step), got {triple!r}")
        low, high, step = triple
        number_in(f"starts[{name!r}] step", step, 0, strict=True)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise InvalidInputError(f"starts[{name!r}] must go from one finite number to another, got {low} and {high}")
        if not high >= low:
            raise InvalidInputError(f"starts[{name!r}] must rise from low to high, got {low} and {high}")
        n = max(1, round((high - low) / step))
        width = (high - low) / n
        axes.append(low + width * (np.arange(n) + 0.5))
        steps[str(name)] = width
    if not axes or np.prod([float(len(axis)) for axis in axes]) > MOST_CELLS:
        raise InvalidInputError(f"starts must make 1 to {MOST_CELLS:,} cells; widen the steps")
    return np.array(list(itertools.product(*axes))), steps


def _reached(policy: Any, dynamics: Any, middles: Floats, horizon: int, observe: Any) -> NDArray[np.bool_]:
    act = policy.predict if hasattr(policy, "predict") else policy
    states, alive = middles.copy(), np.arange(len(middles))
    reached = np.zeros(len(middles), dtype=bool)
    for _ in range(horizon):
        observed = states[alive] if observe is None else observe(states[alive])
        reply = dynamics(states[alive], np.asarray(act(observed)))
        after, goal = np.asarray(reply[0], dtype=float), np.asarray(reply[1], dtype=bool)
        lost = np.asarray(reply[2], dtype=bool) if len(reply) > 2 else np.zeros(len(alive), dtype=bool)
        if after.shape != (len(alive), middles.shape[1]) or goal.shape != (len(alive),) or lost.shape != goal.shape:
            raise InvalidInputError(
                f"dynamics must give states {(len(alive), middles.shape[1])} and goals {(len(alive),)}, got "
                f"{after.shape} and {goal.shape}"
            )
        states[alive] = after
        reached[alive[goal]] = True
        alive = alive[~(goal | lost)]
        if not len(alive):
            break
    return reached
