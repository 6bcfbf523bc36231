"""Scores of rows that were counted where they lie: as they are where they are few, else by 65,536 ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.statistics.counted import Counted
from explaindistill.numerics.statistics.ranks import auc_interval

__all__ = ["RANKS", "ScoreRanks", "counted_auc", "distinct_scores", "joined_scores", "mid_ranks", "tenths_of"]

RANKS = 2**16
"""Different scores up to which each is told apart; beyond, as many ranks of drawn rows take their place."""
TENTHS = np.linspace(0.1, 0.9, 9)
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ScoreRanks:
    """Numbers of scores in rising order.

    Attributes
    ----------
    values : ndarray of shape (m,)
        Every different score, or the upper ends of all ranks but the last.
    is_exact : bool

    Examples
    --------
    >>> few = ScoreRanks.of(np.array([0.2, 0.7]), None)
    >>> few.codes(np.array([0.7, 0.2])).tolist(), few.size
    ([1, 0], 2)
    >>> many = ScoreRanks.of(None, np.array([0.5, 0.2, 0.5]))
    >>> many.codes(np.array([0.1, 0.2, 0.3, 0.9])).tolist(), many.size
    ([0, 0, 1, 2], 3)
    """

    values: Floats
    is_exact: bool

    @classmethod
    def of(cls, distinct: Floats | None, drawn: Floats | None) -> ScoreRanks:
        """Ranks from all different scores, or where these are too many from those of drawn rows."""
        if distinct is not None:
            return cls(distinct, True)
        ends = np.unique(np.asarray(drawn, dtype=float))
        if len(ends) >= RANKS:
            ends = ends[np.unique(np.linspace(0, len(ends) - 1, RANKS - 1).round().astype(np.int64))]
        return cls(ends, False)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.values) + (not self.is_exact)

    def codes(self, scores: Floats) -> Codes:
        """Number of each score."""
        return np.searchsorted(self.values, scores, side="left").astype(np.int64)


def distinct_scores(scores: Floats) -> Floats | None:
    """Different scores in rising order; None where they are too many.

    Examples
    --------
    >>> distinct_scores(np.array([0.5, 0.2, 0.5])).tolist()
    [0.2, 0.5]
    """
    values = np.unique(scores)
    return values if len(values) <= RANKS else None


def joined_scores(a: Floats | None, b: Floats | None) -> Floats | None:
    """Those of two parts together.

    Examples
    --------
    >>> joined_scores(np.array([0.2, 0.5]), np.array([0.3, 0.5])).tolist(), joined_scores(None, np.array([0.5]))
    ([0.2, 0.3, 0.5], None)
    """
    return None if a is None or b is None else distinct_scores(np.concatenate([a, b]))


def tenths_of(count: NDArray[np.int64], cuts: Floats = TENTHS) -> tuple[Codes, int]:
    """The tenth of each rank, -1 where nobody has it, and how many tenths there are; see `fidelity`.

    Cuts are those of numpy's quantiles of the rows; ranks stand for their scores, which rise with them.

    Examples
    --------
    >>> tenths_of(np.array([5, 0, 5]))
    (array([ 0, -1,  1]), 2)
    """
    n = int(count.sum())
    if n == 0:
        return np.full(len(count), -1, dtype=np.int64), 0
    upto = np.cumsum(count)
    place = cuts * (n - 1)
    low = np.floor(place)
    below, above = (np.searchsorted(upto, at, side="right") for at in (low, np.minimum(low + 1, n - 1)))
    edges = np.unique(below + (above - below) * (place - low))
    tenth = np.searchsorted(edges, np.arange(len(count)), side="left")
    present, dense = np.unique(tenth[count > 0], return_inverse=True)
    out = np.full(len(count), -1, dtype=np.int64)
    out[count > 0] = dense
    return out, len(present)


def mid_ranks(weight: Floats) -> Floats:
    """Weight below each rank and half of that at it, as the correlation of ranks has it.

    Examples
    --------
    >>> mid_ranks(np.array([2.0, 4.0])).tolist()
    [1.0, 4.0]
    """
    return np.asarray(np.cumsum(weight) - weight / 2)


Area = tuple[float, float, float, float]


def counted_auc(positive: Counted, negative: Counted, level: float, is_exact: bool) -> Area:
    r"""Area under the ROC curve with its limits, from the rows of either side at each score or rank.

    Rows of one rank count as tied. Were they not, the area would differ by at most half of the pairs inside of ranks,
    :math:`\sum_b w^+_b w^-_b / (2 \sum_b w^+_b \sum_b w^-_b)`; the limits are moved outward by as much.

    Returns
    -------
    area, low, high, bound : float

    Examples
    --------
    The area of `auc_and_interval` of the same rows:

    >>> from explaindistill.numerics.statistics.ranks import auc_and_interval
    >>> sides = (Counted.unweighted(n) for n in ([1, 3, 6], [5, 3, 2]))
    >>> counted = counted_auc(*sides, 0.95, is_exact=True)
    >>> score, y = np.repeat([0, 1, 2, 0, 1, 2], [1, 3, 6, 5, 3, 2]), np.repeat([True, False], 10)
    >>> np.allclose(counted[:3], auc_and_interval(score, y)), counted[3]
    (True, 0.0)
    """
    total, other = positive.weight.sum(), negative.weight.sum()
    if total == 0 or other == 0:
        return np.nan, np.nan, np.nan, 0.0
    area = float((positive.weight * mid_ranks(negative.weight)).sum() / (total * other))
    parts, worths = [], []
    for side, opposite in ((positive, negative), (negative, positive)):
        placement = mid_ranks(opposite.weight) / opposite.weight.sum()
        share = side.weight / side.weight.sum()
        worth = side.worth
        mean = share @ placement
        spread = float(share @ (placement - mean) ** 2) * worth / (worth - 1) if worth > 1 else float("nan")
        parts.append(spread / worth)
        worths.append(worth)
    variance = sum(parts)
    inverse = sum(v**2 / (n - 1) for v, n in zip(parts, worths, strict=True) if n > 1)
    freedom = variance**2 / inverse if inverse > 0 else float("nan")
    low, high = auc_interval(area, worths[0], worths[1], level, variance=variance, freedom=freedom)
    bound = 0.0 if is_exact else float((positive.weight * negative.weight).sum() / (2 * total * other))
    return area, max(float(low) - bound, 0.0), min(float(high) + bound, 1.0), bound
