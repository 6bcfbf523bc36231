"""A policy in pictures: the phase plane of teacher and student, and what both do along an episode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill import plugins
from explaindistill.distillation.policies.acting import Actor, StudentPolicy
from explaindistill.distillation.policies.episodes import Episodes, run_episodes
from explaindistill.errors import InvalidInputError

__all__ = ["episode_of", "phase_frame", "plot_phase", "plot_timeline", "timeline_frame"]

CELLS = 60
"""Cells along one side of a phase plane: finer than a line of the picture is wide."""


def episode_of(policy: Any, who: Actor, random_state: int) -> Episodes:
    """One fresh episode of the teacher or the student, from the same start for both."""
    seed = 2 * int(np.random.default_rng([random_state, 3]).integers(2**30)) + 1
    with policy.source_ as source:
        return run_episodes(source, who, [seed])


def phase_frame(policy: Any, x: str, y: str, random_state: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What teacher and student do on a grid over two numbers of a state, and one episode of each.

    Returns
    -------
    cells : DataFrame
        ``subject``, ``x``, ``y``, ``action`` (its place, or its first number).
    paths : DataFrame
        ``subject``, ``step``, ``x``, ``y``.
    """
    names = list(policy.columns_.state)
    for axis in (x, y):
        if axis not in names:
            raise InvalidInputError(f"x and y must be numbers of a state, {', '.join(names)}, got {axis!r}")
    if x == y:
        raise InvalidInputError(f"x and y must be two numbers of a state, got {x!r} twice")
    student = StudentPolicy(policy.student_, policy.columns_, policy.source_.actions)
    subjects: dict[str, Actor] = {"teacher": policy.policy_, "student": student}
    runs = {who: episode_of(policy, actor, random_state) for who, actor in subjects.items()}
    wide = np.concatenate([run.states for run in runs.values()] + [policy._episodes(10).states])
    at = names.index(x), names.index(y)
    centres = [_centres(wide[:, i]) for i in at]
    grid = np.tile(np.median(wide, axis=0), (CELLS * CELLS, 1))
    grid[:, at[0]], grid[:, at[1]] = (axis.ravel() for axis in np.meshgrid(*centres))
    cells, paths = [], []
    for who, actor in subjects.items():
        chosen = actor.answers(grid).actions
        first = chosen if chosen.ndim == 1 else chosen[:, 0]
        cells.append(pd.DataFrame({"subject": who, "x": grid[:, at[0]], "y": grid[:, at[1]], "action": first}))
        line = np.concatenate([runs[who].states, runs[who].last])[:, list(at)]
        paths.append(pd.DataFrame({"subject": who, "step": range(len(line)), "x": line[:, 0], "y": line[:, 1]}))
    return pd.concat(cells, ignore_index=True), pd.concat(paths, ignore_index=True)


def _centres(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cells over the values that occur, with a twentieth of their range beyond either end."""
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5
    edges = np.linspace(low - margin, high + margin, CELLS + 1)
    return np.asarray((edges[:-1] + edges[1:]) / 2)


def plot_phase(policy: Any, x: str, y: str, *, axes: Any, random_state: int) -> Any:
    """Draw the phase plane; see ``PolicyDistiller.plot_phase``."""
    cells, paths = phase_frame(policy, x, y, random_state)
    space, units = policy.source_.actions, policy.source_.units
    labels = tuple(f"{name} ({units[name]})" if name in units else name for name in (x, y))
    names = list(space.names) if space.is_discrete else space.names[0]
    return plugins.door("plots").phase_plane(cells, paths, labels, names, axes)


def timeline_frame(policy: Any, random_state: int) -> pd.DataFrame:
    """Actions of teacher and student along one episode each, and the leaf or rule of the student in use.

    Returns
    -------
    DataFrame
        ``subject``, ``step``, ``action`` (its place, or its first number), ``leaf`` (NaN for the teacher, and for a
        student without leaves).
    """
    student = StudentPolicy(policy.student_, policy.columns_, policy.source_.actions)
    lines = []
    for who, actor in (("teacher", policy.policy_), ("student", student)):
        run = episode_of(policy, actor, random_state)
        leaf: Any = np.full(len(run.states), np.nan)
        if who == "student" and hasattr(policy.student_, "apply"):
            leaf = np.asarray(policy.student_.apply(policy.columns_.seen(run.states)), dtype=float)
        first = run.actions if run.actions.ndim == 1 else run.actions[:, 0]
        lines.append(pd.DataFrame({"subject": who, "step": run.step, "action": first, "leaf": leaf}))
    return pd.concat(lines, ignore_index=True)


def plot_timeline(policy: Any, *, axes: Any, random_state: int) -> Any:
    """Draw the timeline; see ``PolicyDistiller.plot_timeline``."""
    frame = timeline_frame(policy, random_state)
    space = policy.source_.actions
    names = list(space.names) if space.is_discrete else space.names[0]
    return plugins.door("plots").timeline(frame, names, axes)
