"""audit_policy(): what a readable policy earns beside its teacher; PolicyAudit: the frozen record of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explaindistill import plugins
from explaindistill.auditing.policies.drawings import drawings_of
from explaindistill.auditing.policies.runs import PolicyRuns, Stress, as_policies, start_regions
from explaindistill.auditing.policies.sentences import opening_of
from explaindistill.auditing.report_kinds import kind_of
from explaindistill.data.files import write_whole
from explaindistill.distillation.policies.environments import EnvironmentSource
from explaindistill.errors import InvalidInputError
from explaindistill.measures.policies import (
    CHANCE,
    TEACHER,
    disagreement_costs,
    policy_agreement,
    policy_returns,
    unsafe_rates,
)
from explaindistill.numerics.ranges import number_in, seed_in, whole_in
from explaindistill.protocols import TeacherLike

__all__ = ["PolicyAudit", "audit_policy"]

MARGIN_SHARE = 0.05
"""Of what the teacher earns over chance: a student that loses less than a twentieth keeps the return."""
HARMLESS_SHARE = 0.01
"""Of what the teacher earns over chance: a disagreement that costs less changes no return that is shown."""


@dataclass(frozen=True, repr=False)
class PolicyAudit:
    """Everything that was measured of policies; figures of episodes, no single episode.

    Attributes
    ----------
    frames : mapping of str to DataFrame
        ``verdicts``, a line per student: ``subject``, ``verdict``, the paired difference of return with its limits, and
        the ``margin`` that decides; ``returns`` (:func:`~explaindistill.measures.policies.policy_returns`);
        ``agreement`` (:func:`~explaindistill.measures.policies.policy_agreement`); ``costs``
        (:func:`~explaindistill.measures.policies.disagreement_costs`; empty where Q is not known); ``unsafe``
        (:func:`~explaindistill.measures.policies.unsafe_rates`; empty without ``unsafe=``); ``stress``: ``returns``
        with a column ``condition``, limits holding for all conditions together; ``sizes``: what there is to read.
    manifest : mapping
        Environment, episodes, seeds, margin, versions, date.
    texts : mapping of str to str
        Each student in words, where it has some.
    drawings : mapping of str to frames
        Cells and paths of the phase plane, per student.
    units : mapping of str to str
        Of the numbers of a state.
    notes : tuple of str

    Examples
    --------
    >>> class Walk:
    ...     class action_space:
    ...         n = 2
    ...     def reset(self, seed=None):
    ...         self.x, self.t = float(np.random.default_rng(seed).integers(-4, 5)), 0
    ...         return [self.x], {}
    ...     def step(self, action):
    ...         self.x, self.t = self.x + 2 * action - 1, self.t + 1
    ...         return [self.x], -abs(self.x), False, self.t == 10, {}
    >>> record = audit_policy(lambda S: S[:, 0] < 0, {"late": lambda S: S[:, 0] < -1}, Walk, names=["x"], noise=())
    >>> record.frames["verdicts"][["subject", "verdict"]].values.tolist()
    [['late', 'loses']]
    """

    frames: Mapping[str, pd.DataFrame]
    manifest: Mapping[str, Any]
    teacher_name: str
    texts: Mapping[str, str] = field(default_factory=dict)
    drawings: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def students(self) -> list[str]:
        """Names of the students, in the order in which they were given."""
        return self.frames["verdicts"]["subject"].tolist()

    def opening(self) -> list[str]:
        """What a reader learns first: return, then what agreement and its cost are, then danger."""
        return opening_of(self)

    def save(self, path: str | Path) -> Path:
        """Write the report; the ending decides the kind.

        ``.html`` is one file that asks the network for nothing; ``.md`` and ``.json`` are the others.

        Raises
        ------
        InvalidInputError
            For another ending.
        """
        target = Path(path)
        kind = kind_of(target)
        if kind == "csv":
            raise InvalidInputError(f"path must end in .html, .md or .json for policies, got {target.name!r}")
        return write_whole(target, str(plugins.door("report").render_policies(self, kind)))

    def _repr_html_(self) -> str:
        return str(plugins.door("report").render_policies(self, "cell"))

    def __str__(self) -> str:
        """The opening as text."""
        return "\n".join([f"Audit of policies for {self.manifest['environment']}", *self.opening()])

    def __repr__(self) -> str:
        """Who was audited, where, and with what result."""
        lines = self.frames["verdicts"]
        words = ", ".join(f"{s} {v}" for s, v in zip(lines["subject"], lines["verdict"], strict=True))
        return f"PolicyAudit for {self.manifest['environment']}, {self.manifest['n_episodes']} episodes: {words}"


def audit_policy(
    teacher: TeacherLike,
    students: Any,
    env: Any,
    *,
    output: str | None = None,
    names: Sequence[str] | None = None,
    actions: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    unsafe: Callable[[Any], Any] | None = None,
    regions: Callable[[pd.Series], Any] | None = None,
    noise: Sequence[float] = (0.05, 0.2),
    dynamics: Mapping[str, Any] | None = None,
    margin: float | None = None,
    n_episodes: int = 100,
    max_episode_steps: int | None = None,
    date: str | None = None,
    random_state: int = 0,
) -> PolicyAudit:
    """Measure students that act beside their teacher, return first.

    Parameters
    ----------
    teacher, env, output, names, actions, units, max_episode_steps : see PolicyDistiller
    students : fitted PolicyDistiller or function of states, or mapping of name to one
    unsafe : function, optional
        Takes the states under their names, a column each, and says which are unsafe.
    regions : function, optional
        Takes the first state of an episode and names its region; thirds of each number of a start when None.
    noise : sequence of float, at least 0
        Stress: normal errors of what policies see, in standard deviations of each number along the teacher's way.
    dynamics : mapping of name to environment, optional
        Stress: other environments with the same states and actions, such as one with another mass.
    margin : float, optional
        Return that a student may lose and still keep the teacher's; a twentieth of what the teacher earns over chance
        when None.
    n_episodes : int, at least 10
        Everybody runs the same episodes, whose seeds are odd: fitting used even ones only.
    date : str, optional
        As it shall stand in the report; never read from the clock.
    random_state : int

    Returns
    -------
    PolicyAudit
        A student "keeps" the return where the lower limit of the paired difference is above minus the margin, "loses"
        where the upper one is below, and is "undecided" between. Agreement decides nothing.

    Raises
    ------
    InvalidInputError
        For an argument that breaks its rule.

    Examples
    --------
    >>> class Walk:
    ...     class action_space:
    ...         n = 2
    ...     def reset(self, seed=None):
    ...         self.x, self.t = float(np.random.default_rng(seed).integers(-4, 5)), 0
    ...         return [self.x], {}
    ...     def step(self, action):
    ...         self.x, self.t = self.x + 2 * action - 1, self.t + 1
    ...         return [self.x], -abs(self.x), False, self.t == 10, {}
    >>> def by_chance(S):
    ...     return np.arange(len(S)) % 2
    >>> print(audit_policy(lambda S: S[:, 0] < 0, {"even": by_chance}, Walk, names=["x"], noise=()).opening()[0][:30])
    even loses return: −55.8 [−60.
    """
    seed_in("random_state", random_state)
    whole_in("n_episodes", n_episodes, 10)
    number_in("margin", margin, 0, others=(None,))
    for size in noise:
        number_in("noise", size, 0, strict=True)
    with ExitStack() as closing:
        source = closing.enter_context(
            EnvironmentSource.of(env, names=names, actions=actions, units=units, max_episode_steps=max_episode_steps)
        )
        policies = as_policies(teacher, students, source, output)
        rng = np.random.default_rng([random_state, 11])
        seeds = [2 * int(s) + 1 for s in rng.choice(2**30, n_episodes, replace=False)]
        runs = PolicyRuns.of(source, policies, seeds, random_state)
        returns = policy_returns(runs.returns())
        width = _over_chance(runs)
        allowance = MARGIN_SHARE * width if margin is None else float(margin)
        frames = {
            "verdicts": _verdicts(returns, allowance),
            "returns": returns,
            **_agreement(runs, HARMLESS_SHARE * width),
            "unsafe": _unsafe(runs, unsafe, regions),
            "stress": _stressed(runs, noise, _sources(dynamics, source, max_episode_steps, closing)),
            "sizes": _sizes(students),
        }
        manifest = _manifest(runs, allowance, margin is None, date, random_state)
        return PolicyAudit(
            frames=frames,
            manifest=manifest,
            teacher_name=runs.teacher.name,
            texts=_texts(students),
            drawings=drawings_of(students, runs),
            units=dict(source.units),
            notes=_notes(runs),
        )


def _over_chance(runs: PolicyRuns) -> float:
    """What the teacher earns over chance; 0 where it earns no more."""
    return max(0.0, float((runs.runs[TEACHER].returns - runs.runs[CHANCE].returns).mean()))


def _verdicts(returns: pd.DataFrame, margin: float) -> pd.DataFrame:
    lines = returns[returns["metric"] == "return_difference"].drop(columns="metric").assign(margin=margin)
    sure = lines["low"].notna()
    verdict = np.select(
        [sure & (lines["low"] >= -margin), sure & (lines["high"] < -margin)], ["keeps", "loses"], "undecided"
    )
    return lines.assign(verdict=verdict)[["subject", "verdict", "estimate", "low", "high", "n", "margin"]].reset_index(
        drop=True
    )


def _agreement(runs: PolicyRuns, tolerance: float) -> dict[str, pd.DataFrame]:
    same: dict[tuple[str, str], tuple[Any, Any]] = {}
    costs: dict[str, tuple[Any, Any, Any]] = {}
    for name, states, flags, episodes, cost in runs.alike():
        same[name, states] = (flags, episodes)
        if states == "own" and np.isfinite(cost).all():
            costs[name] = (cost, flags, episodes)
    frame = disagreement_costs(costs, tolerance)
    return {"agreement": policy_agreement(same), "costs": frame.assign(tolerance=tolerance)}


def _unsafe(runs: PolicyRuns, unsafe: Any, regions: Any) -> pd.DataFrame:
    if unsafe is None:
        return unsafe_rates({}, {})
    flags = {}
    for name in runs.policies:
        states, episodes = runs.visited(name)
        flags[name] = (_flagged(unsafe, runs.frame(states)), episodes)
    starts = runs.frame(runs.runs[TEACHER].starts())
    return unsafe_rates(flags, start_regions(starts, regions))


def _flagged(unsafe: Callable[[Any], Any], frame: pd.DataFrame) -> Any:
    """Ask about all states at once, or, where the function takes one state, about one after the other."""
    try:
        answer = unsafe(frame)
    except (TypeError, ValueError):  # "the truth value of a Series is ambiguous", "must be real number, not Series"
        answer = [unsafe(row) for _, row in frame.iterrows()]
    flags = np.asarray(answer)
    if flags.shape != (len(frame),) or flags.dtype.kind not in "bui":
        raise InvalidInputError(
            f"unsafe must say True or False for each of {len(frame)} states, got {flags.dtype} {flags.shape}"
        )
    return flags.astype(bool)


def _sources(
    dynamics: Any, source: EnvironmentSource, limit: int | None, closing: ExitStack
) -> dict[str, EnvironmentSource]:
    opened = {}
    for name, env in (dynamics or {}).items():
        other = closing.enter_context(
            EnvironmentSource.of(env, names=source.names, actions=source.actions.names, max_episode_steps=limit)
        )
        if other.actions.is_discrete != source.actions.is_discrete:
            raise InvalidInputError(f"dynamics[{name!r}] must take the same actions as env")
        opened[str(name)] = other
    return opened


def _stressed(runs: PolicyRuns, noise: Sequence[float], sources: Mapping[str, EnvironmentSource]) -> pd.DataFrame:
    stresses = [Stress(f"errors of {size:g} standard deviations", size) for size in noise]
    stresses += [Stress(name, source=source) for name, source in sources.items()]
    level = 1 - 0.05 / max(len(stresses), 1)  # the opening tells the worst condition of all
    frames = [policy_returns(runs.under(stress), level).assign(condition=stress.name) for stress in stresses]
    if not frames:
        return pd.DataFrame(columns=["metric", "subject", "estimate", "low", "high", "n", "condition"])
    return pd.concat(frames, ignore_index=True)


def _sizes(students: Any) -> pd.DataFrame:
    named = students if isinstance(students, Mapping) else {"student": students}
    lines = [
        {"subject": str(name), **student.complexity().as_dict()}
        for name, student in named.items()
        if hasattr(student, "complexity")
    ]
    return pd.DataFrame(lines, columns=None if lines else ["subject", "family", "n_lines", "n_numbers", "n_features"])


def _texts(students: Any) -> dict[str, str]:
    named = students if isinstance(students, Mapping) else {"student": students}
    return {str(name): str(student.describe()) for name, student in named.items() if hasattr(student, "describe")}


def _manifest(runs: PolicyRuns, margin: float, usual: bool, date: str | None, random_state: int) -> dict[str, Any]:
    from explaindistill import __version__

    return {
        "version": __version__,
        "date": date,
        "environment": runs.source.label,
        "state": list(runs.source.names),
        "actions": list(runs.source.actions.names),
        "n_episodes": len(runs.seeds),
        "n_steps": int(sum(len(run.states) for run in runs.runs.values())),
        "n_questions": runs.teacher.n_questions,
        "most_steps": runs.source.limit,
        "margin": margin,
        "margin_is_usual": usual,
        "random_state": int(random_state),
    }


def _notes(runs: PolicyRuns) -> tuple[str, ...]:
    notes = []
    if not _over_chance(runs) > 0:
        notes.append("The teacher earns no more than chance: keeping its return says little.")
    stopped = {name: float((run.ending == "truncated").mean()) for name, run in runs.runs.items() if name != CHANCE}
    for name, share in stopped.items():
        if 0 < share < 1:
            notes.append(f"{share:.0%} of the episodes of {name} were ended by the limit of {runs.source.limit} steps.")
    return tuple(notes)
