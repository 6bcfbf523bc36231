"""Selection rates of groups at other thresholds than the audit's, so coarsely that no step tells of few people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import wilson

__all__ = ["THRESHOLDS", "threshold_rates"]

THRESHOLDS = tuple(i / 40 for i in range(1, 40))
"""Thresholds that are tried besides the audit's own: a fortieth is finer than most people can argue for."""


def threshold_rates(
    score: ArrayLike,
    bound: float,
    attributes: pd.DataFrame,
    *,
    minimum: int = 10,
    subject: str = "",
    clustered: bool = False,
) -> pd.DataFrame:
    """Share of each group whose probability is at least t, for the audit's threshold and others around it.

    From one threshold to the next the decision of at least ``minimum`` rows of *every* group of the attribute changes,
    so that no step tells of fewer. Intersections are left out for the same reason: what a group and its parts gain
    between two steps would tell of the part that is left.

    Parameters
    ----------
    score : array of shape (n,)
        Probability of the favourable class, in [0, 1].
    bound : float
        The threshold of the audit; infinite where nobody is selected.
    attributes : DataFrame of n rows
        Sensitive columns, as for :func:`~explaindistill.measures.groups.groupings`.
    minimum : int
        Rows of a group of which a step may tell; groups of fewer rows count as one, and are withheld by
        :func:`~explaindistill.measures.suppression.suppress`.
    subject : str
    clustered : bool
        Whether rows belong together: there are no intervals then.

    Returns
    -------
    DataFrame
        Metric ``selection_rate``; the canonical columns and ``threshold``.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953; differences of published tables: Cox (1980),
    doi:10.2307/2287481.

    Examples
    --------
    >>> score = np.repeat([0.1, 0.3, 0.6, 0.8], 20)
    >>> sex = pd.DataFrame({"sex": ["f", "m"] * 40})
    >>> table = threshold_rates(score, 0.5, sex)
    >>> table.loc[table["group"] == "f", ["threshold", "n", "k"]].values.tolist()
    [[0.3, 40.0, 30.0], [0.5, 40.0, 20.0], [0.625, 40.0, 10.0]]
    """
    values = np.asarray(score, dtype=float)
    tried = np.unique([*THRESHOLDS, bound])
    start = int(np.searchsorted(tried, bound))
    everyone = _above(values, tried)[None, :]
    common = _steps(everyone, np.array([len(values)]), start, minimum)
    lines: list[dict[str, Any]] = []
    for group in groupings(attributes, intersections=False):
        lines += _lines(_Tried(group, values, tried, start), common, minimum, {"subject": subject}, clustered)
    return frame(lines, extra=("threshold",))


@dataclass(frozen=True)
class _Tried:
    """One attribute, the scores, and the thresholds that are tried; ``start`` is the place of the audit's own."""

    group: Grouping
    score: NDArray[np.float64]
    tried: NDArray[np.float64]
    start: int


def _above(score: NDArray[np.float64], tried: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many scores reach each threshold."""
    return np.asarray(len(score) - np.searchsorted(np.sort(score), tried, side="left"), dtype=np.int64)


def _steps(counts: NDArray[np.int64], sizes: NDArray[np.int64], start: int, minimum: int) -> list[int]:
    """Places of thresholds, from ``start`` to both sides, between which every count changes by the minimum or more.

    What lies beyond the outermost is no smaller either.
    """
    steps = [start]
    for places in (range(start + 1, counts.shape[1]), range(start - 1, -1, -1)):
        last = start
        for at in places:
            change = np.abs(counts[:, at] - counts[:, last])
            beyond = counts[:, at] if at > start else sizes - counts[:, at]
            if (change >= minimum).all() and (beyond >= minimum).all():
                steps.append(at)
                last = at
    return sorted(steps)


def _lines(
    grid: _Tried, common: Sequence[int], minimum: int, names: dict[str, Any], clustered: bool
) -> Iterator[dict[str, Any]]:
    sizes = np.bincount(grid.group.codes, minlength=len(grid.group))
    counts = np.array([_above(grid.score[grid.group.codes == g], grid.tried) for g in range(len(sizes))])
    large = sizes >= minimum
    judged = np.vstack([counts[large], counts[~large].sum(axis=0)]) if not large.all() else counts
    whole = np.append(sizes[large], sizes[~large].sum()) if not large.all() else sizes
    places = list(common)
    chosen = _steps(judged[:, places], whole, places.index(grid.start), minimum)
    for g, name in enumerate(grid.group.names):
        for at in (places[i] for i in chosen):
            k, n = int(counts[g, at]), int(sizes[g])
            low, high = (np.nan, np.nan) if clustered or n == 0 else map(float, wilson(k, n))
            yield row(
                "selection_rate", k / n if n else np.nan, low, high, attribute=grid.group.attribute, group=name, n=n,
                k=k, method="" if clustered else "wilson", threshold=float(grid.tried[at]), **names,
            )  # fmt: skip
