"""What policies earn, where they agree, what disagreeing costs, and how often they come to unsafe states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.intervals import bonett_price, wilson
from explaindistill.numerics.statistics.mean_limits import mean_limits
from explaindistill.numerics.statistics.tallies import tally

__all__ = [
    "ALL_STARTS",
    "CHANCE",
    "TEACHER",
    "disagreement_costs",
    "policy_agreement",
    "policy_returns",
    "unsafe_rates",
]

Floats = NDArray[np.float64]
WORST = 0.05
"""Share of episodes that count as the worst."""
FEWEST_WORST = 3
"""Episodes among the worst below which nothing is said of their mean: one or two say what chance did."""
ROUNDING = 1e-12
"""Difference of two returns, relative to them, that the order of adding rewards makes."""
TEACHER, CHANCE, ALL_STARTS = "teacher", "chance", "all starts"
Limits = tuple[float, float, float]


def policy_returns(returns: Mapping[str, ArrayLike], level: float = 0.95) -> pd.DataFrame:
    r"""Mean return of every policy, and what students earn against the teacher on the same seeds.

    Parameters
    ----------
    returns : mapping of subject to array of shape (e,)
        Returns of the same e seeds, in one order. ``"teacher"`` is the teacher, ``"chance"``, where it is there, a
        policy that draws its actions.
    level : float
        Of limits.

    Returns
    -------
    DataFrame
        ``metric``, ``subject``, ``estimate``, ``low``, ``high``, ``n`` (episodes). Metrics: ``return``;
        ``return_worst``, the mean of the worst twentieth of episodes; ``return_difference``, student less teacher,
        paired by seed; ``return_kept``, :math:`(\bar s - \bar c) / (\bar t - \bar c)` of student, teacher and chance.
        Limits are Student's, or Hall's where returns are skewed; where all are alike, as far off as unseen episodes
        could move them that earned as little as any seen, or as chance on average.

    References
    ----------
    Hall (1992), doi:10.1111/j.2517-6161.1992.tb01872.x.

    Examples
    --------
    >>> frame = policy_returns({"teacher": [9.0, 10.0, 11.0, 10.0], "tree": [8.0, 9.0, 10.0, 9.0]})
    >>> frame[frame["metric"] == "return_difference"][["subject", "estimate", "n"]].values.tolist()
    [['tree', -1.0, 4]]
    """
    every = {subject: np.asarray(values, dtype=float) for subject, values in returns.items()}
    if len({len(values) for values in every.values()}) > 1:
        raise InvalidInputError("returns must have one value per seed for each subject, got unequal lengths")
    ends = _ends(every)
    width = ends[1] - ends[0]
    lines = []
    for subject, values in every.items():
        n, reach = len(values), (min(ends[0], float(values.min())), max(ends[1], float(values.max())))
        lines.append(_line("return", subject, _mean(values, reach, level=level), n))
        lines.append(_line("return_worst", subject, _worst(values, ends[0], level), n))
    teacher, chance = every.get(TEACHER), every.get(CHANCE)
    for subject, values in every.items():
        if teacher is None or subject in (TEACHER, CHANCE):
            continue
        gaps = _gaps(values, teacher)
        lines.append(_line("return_difference", subject, _mean(gaps, (-width, width), level=level), len(values)))
        if chance is not None:
            lines.append(_line("return_kept", subject, _kept(values, teacher, chance, level), len(values)))
    return pd.DataFrame(lines)


def _ends(every: Mapping[str, Floats]) -> tuple[float, float]:
    """Least and largest return that an episode of an unseen kind may have: as those seen, or as chance on average."""
    able = [values for subject, values in every.items() if subject != CHANCE] or list(every.values())
    chance = every.get(CHANCE)
    pooled = np.concatenate([*able, *([] if chance is None or not len(chance) else [[chance.mean()]])])
    return (float(pooled.min()), float(pooled.max())) if len(pooled) else (float("nan"), float("nan"))


def _gaps(values: Floats, teacher: Floats) -> Floats:
    """Differences by seed; one that is no more than the rounding of sums of rewards is none."""
    gaps = values - teacher
    return np.where(np.abs(gaps) <= ROUNDING * np.maximum(np.abs(values), np.abs(teacher)), 0.0, gaps)


def _mean(values: Floats, ends: tuple[float, float], clusters: Any = None, level: float = 0.95) -> Limits:
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    limits = mean_limits(values, np.zeros(len(values), dtype=int), 1, clusters=clusters, ends=ends, level=level)
    return float(limits.mean[0]), float(limits.low[0]), float(limits.high[0])


def _share(flags: Any, clusters: Any, level: float = 0.95) -> Limits:
    """Share of states with Wilson's limits, at as many states as clustered ones are worth; see ``Member.worth``."""
    values = np.asarray(flags, dtype=bool)
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    counted = tally(values, np.zeros(len(values), dtype=int), 1, clusters=clusters)
    low, high = wilson(*counted.worth(level), level)
    return float(counted.share[0]), float(low[0]), float(high[0])


def _worst(values: Floats, least: float, level: float) -> Limits:
    r"""Mean of the worst twentieth: that of :math:`q - (q - x)_+ / \alpha`, whose spread is the estimate's."""
    if len(values) * WORST < FEWEST_WORST:
        return float("nan"), float("nan"), float("nan")
    bound = float(np.quantile(values, WORST))
    pieces = bound - np.maximum(bound - values, 0.0) / WORST
    estimate = float(np.sort(values)[: max(1, round(len(values) * WORST))].mean())
    middle, low, high = _mean(pieces, (bound - max(bound - least, 0.0) / WORST, float(values.max())), level=level)
    return (
        estimate,
        max(estimate - (middle - low), min(least, float(values.min()))),
        min(estimate + (high - middle), float(values.mean())),
    )


def _kept(values: Floats, teacher: Floats, chance: Floats, level: float) -> Limits:
    """Share of what the teacher earns over chance, its spread from what each seed adds to the ratio."""
    gain = float((teacher - chance).mean())
    if not _mean(teacher - chance, (0.0, 0.0))[1] > 0:  # the teacher is no better than chance, as far as is known
        return float("nan"), float("nan"), float("nan")
    share = float((values - chance).mean()) / gain
    spread = ((values - chance) - share * (teacher - chance)) / gain + share
    reach = max(float(np.ptp(np.concatenate([values, teacher]))) / gain, 1.0)
    return _mean(spread, (share - reach, share + reach), level=level)


def _line(metric: str, subject: str, limits: Limits, n: int) -> dict[str, Any]:
    estimate, low, high = limits
    return {"metric": metric, "subject": subject, "estimate": estimate, "low": low, "high": high, "n": n}


def policy_agreement(same: Mapping[tuple[str, str], tuple[ArrayLike, ArrayLike]]) -> pd.DataFrame:
    """Share of states in which a student does what the teacher does; the states of one episode belong together.

    Parameters
    ----------
    same : mapping of (subject, states) to (flags, episodes)
        Whose states they are: ``"teacher's"`` or ``"own"``; arrays of shape (n,).

    Returns
    -------
    DataFrame
        ``metric`` (``agreement``), ``subject``, ``states``, ``estimate``, ``low``, ``high``, ``n`` (states),
        ``n_episodes``. Limits are Wilson's, at as many states as those of clusters are worth: where episodes do not
        differ, or too few do, each counts as one. Of fewer than five episodes there are none.

    Examples
    --------
    >>> flags, episodes = np.tile([True, True, False], 20), np.repeat(np.arange(20), 3)
    >>> policy_agreement({("tree", "own"): (flags, episodes)})[["estimate", "n", "n_episodes"]].round(2).values.tolist()
    [[0.67, 60.0, 20.0]]
    """
    lines = []
    for (subject, states), (flags, episodes) in same.items():
        values, clusters = np.asarray(flags, dtype=bool), np.asarray(episodes)
        line = _line("agreement", subject, _share(values, clusters), len(values))
        lines.append(line | {"states": states, "n_episodes": len(np.unique(clusters))})
    return pd.DataFrame(lines, columns=["metric", "subject", "states", "estimate", "low", "high", "n", "n_episodes"])


def disagreement_costs(
    costs: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]], tolerance: float = 0.0
) -> pd.DataFrame:
    """What a student's actions cost by the teacher's values Q, in the states that the student comes to.

    Parameters
    ----------
    costs : mapping of subject to (cost, same, episodes)
        Best Q less Q of the student's action ``(n,)``; whether it is the teacher's action; the episode.
    tolerance : float, at least 0
        A cost up to this counts as harmless.

    Returns
    -------
    DataFrame
        ``metric``, ``subject``, ``estimate``, ``low``, ``high``, ``n``, ``n_episodes``. Metrics: ``cost_per_step``;
        ``cost_of_disagreement``, over the states where they disagree; ``harmless_disagreement``, the share of those
        states where it costs at most the tolerance.

    Examples
    --------
    >>> cost, same = np.tile([0.0, 0.0, 3.0], 20), np.tile([True, False, False], 20)
    >>> frame = disagreement_costs({"tree": (cost, same, np.repeat(np.arange(20), 3))}, tolerance=1.0)
    >>> frame.set_index("metric")["estimate"].to_dict()
    {'cost_per_step': 1.0, 'cost_of_disagreement': 1.5, 'harmless_disagreement': 0.5}
    """
    lines = []
    for subject, (cost, same, episodes) in costs.items():
        values, clusters = np.asarray(cost, dtype=float), np.asarray(episodes)
        apart = ~np.asarray(same, dtype=bool)
        top = float(values.max(initial=0.0))
        groups = clusters[apart]
        measured = {
            "cost_per_step": (_mean(values, (0.0, top), clusters), clusters),
            "cost_of_disagreement": (_mean(values[apart], (0.0, top), groups), groups),
            "harmless_disagreement": (_share(values[apart] <= tolerance, groups), groups),
        }
        for metric, (limits, groups) in measured.items():
            line = _line(metric, subject, limits, len(groups))
            lines.append(line | {"n_episodes": len(np.unique(groups))})
    return pd.DataFrame(lines, columns=["metric", "subject", "estimate", "low", "high", "n", "n_episodes"])


def unsafe_rates(
    unsafe: Mapping[str, tuple[ArrayLike, ArrayLike]], regions: Mapping[str, Sequence[Any]], level: float = 0.95
) -> pd.DataFrame:
    """How often policies come to unsafe states, by where an episode starts.

    Parameters
    ----------
    unsafe : mapping of subject to (flags, episodes)
        Of every state; episodes are numbered from 0, alike for all subjects: one number is one seed.
    regions : mapping of name to positions of episodes
        Where episodes start; they may overlap. All episodes are a region of their own, ``"all starts"``.
    level : float
        Of limits; those of differences hold together for all regions of a subject.

    Returns
    -------
    DataFrame
        ``metric``, ``subject``, ``region``, ``estimate``, ``low``, ``high``, ``n``, ``n_episodes``, ``verdict``.
        Metrics: ``unsafe_states`` (share of states; episodes are clusters), ``unsafe_episodes`` (share of episodes with
        an unsafe state, Wilson's limits), ``unsafe_difference`` (that share less the teacher's on the same seeds),
        whose verdict is "more often", "less often" or "no difference seen".

    References
    ----------
    Bonett and Price (2012), doi:10.3102/1076998611411915.

    Examples
    --------
    >>> episodes = np.repeat(np.arange(40), 2)
    >>> flags = {"teacher": (np.zeros(80), episodes), "tree": (episodes < 10, episodes)}
    >>> frame = unsafe_rates(flags, {"left": range(10), "right": range(10, 40)})
    >>> frame[frame["metric"] == "unsafe_difference"].set_index("region")["verdict"].to_dict()
    {'all starts': 'more often', 'left': 'more often', 'right': 'no difference seen'}
    """
    n_episodes = 1 + max((int(np.max(episodes, initial=-1)) for _, episodes in unsafe.values()), default=-1)
    places = {ALL_STARTS: np.arange(n_episodes)} | {name: np.asarray(list(at)) for name, at in regions.items()}
    ever = {subject: _ever(*pair, n_episodes) for subject, pair in unsafe.items()}
    alone = 1 - (1 - level) / max(len(places), 1)
    lines = []
    for subject, (flags, episodes) in unsafe.items():
        values, clusters = np.asarray(flags, dtype=float), np.asarray(episodes)
        for region, at in places.items():
            inside = np.isin(clusters, at)
            shared = {"region": region, "n_episodes": len(at), "verdict": ""}
            limits = _share(values[inside], clusters[inside], level)
            lines.append(_line("unsafe_states", subject, limits, int(inside.sum())) | shared)
            k, n = int(ever[subject][at].sum()), len(at)
            low, high = wilson(k, n, level)
            share = k / n if n else float("nan")
            lines.append(_line("unsafe_episodes", subject, (share, float(low), float(high)), n) | shared)
            if subject != TEACHER and TEACHER in ever:
                lines.append(_difference(subject, ever[subject][at], ever[TEACHER][at], alone) | shared | {
                    "verdict": _verdict(ever[subject][at], ever[TEACHER][at], alone)})  # fmt: skip
    columns = ["metric", "subject", "region", "estimate", "low", "high", "n", "n_episodes", "verdict"]
    return pd.DataFrame(lines, columns=columns)


def _ever(flags: ArrayLike, episodes: ArrayLike, n: int) -> NDArray[np.bool_]:
    return np.asarray(np.bincount(np.asarray(episodes, dtype=int), np.asarray(flags, dtype=float), n) > 0)


def _limits_of(first: NDArray[np.bool_], second: NDArray[np.bool_], level: float) -> Limits:
    gained, lost, n = int((first & ~second).sum()), int((second & ~first).sum()), len(first)
    low, high = bonett_price(gained, lost, n, level)
    return (gained - lost) / n if n else float("nan"), float(low), float(high)


def _difference(subject: str, first: NDArray[np.bool_], second: NDArray[np.bool_], level: float) -> dict[str, Any]:
    return _line("unsafe_difference", subject, _limits_of(first, second, level), len(first))


def _verdict(first: NDArray[np.bool_], second: NDArray[np.bool_], level: float) -> str:
    _, low, high = _limits_of(first, second, level)
    return "more often" if low > 0 else "less often" if high < 0 else "no difference seen"
