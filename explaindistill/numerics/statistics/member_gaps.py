"""Limits of the gap of two groups of clustered rows, which are those of rows where a cluster is but one row."""

from __future__ import annotations

from explaindistill.numerics.statistics.members import Member, clustered_gap, pair
from explaindistill.numerics.statistics.score_limits import score_difference, score_ratio

__all__ = ["member_gap"]

ALIKE = 1e-9
"""Distance from 0 or 1, up to rounding, of a correlation that is 0 or 1."""


def member_gap(
    share: float, other_share: float, member: Member, other: Member, level: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of the difference ``share - other_share`` and of the ratio ``share / other_share``.

    Where every cluster of both groups is one row, or copies of one, and none has rows of both, the clusters are
    independent rows: their limits are those of rows, score limits, and copies never narrow what rows once said.
    Elsewhere a mean of clusters is not a count of successes, for which alone score limits are made: MOVER on Wilson's
    limits, with the correlation of the means.

    Parameters
    ----------
    share, other_share : float in [0, 1]
    member, other : Member
        The groups of these shares.
    level : float in (0, 1)

    Returns
    -------
    difference, ratio : pairs of float

    References
    ----------
    Laud (2017), doi:10.1002/pst.1813; Zou and Donner (2008), doi:10.1002/sim.3095.

    Examples
    --------
    >>> import numpy as np
    >>> from explaindistill.numerics.statistics.tallies import tally
    >>> k, group = np.arange(40) % 4 == 0, np.repeat([0, 1], 20)
    >>> counted = tally(k, group, 2, clusters=np.arange(40))
    >>> difference, ratio = member_gap(*counted.share, *counted.members, 0.95)
    >>> [round(x, 2) for x in difference]
    [-0.32, 0.32]
    """
    worth = pair(member, other, level)
    if not (_are_rows(member) and _are_rows(other) and abs(worth.correlation) < ALIKE):
        return clustered_gap(share, other_share, worth)
    counts = (share * worth.first, worth.first, other_share * worth.second, worth.second)
    (low, high), (least, most) = (limits(*counts, level) for limits in (score_difference, score_ratio))
    return (float(low), float(high)), (float(least), float(most))


def _are_rows(member: Member) -> bool:
    """Whether each cluster of a group is one row, or copies of one."""
    sums, group = member.sums, member.group
    return bool(sums.rows[group] <= sums.copies[group] * (1 + ALIKE) or sums.correlation >= 1 - ALIKE)
