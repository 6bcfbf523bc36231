"""A finer threshold than the bins allow: the best cut among the values of the two bins at a split.

The score of a side is that of :mod:`~explaindistill.numerics.trees.splitting`; ``c`` runs over channels as there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.trees.splitting import CutRules

__all__ = ["finer_cut"]


def finer_cut(
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    before: NDArray[np.int64],
    total: NDArray[np.int64],
    rules: CutRules,
    sign: int = 0,
) -> tuple[float, float] | None:
    """Find the cut between some values with the largest score of both sides.

    Parameters
    ----------
    values : ndarray, shape (m,)
        Of the rows in the last bin on the left and the first on the right.
    rows : int64 ndarray, shape (m, c)
        Their channels: column 0 counts.
    before : int64 ndarray, shape (c,)
        Sums of what is left of all of them.
    total : int64 ndarray, shape (c,)
        Sums of the node.
    rules : CutRules
    sign : int
        1 or -1 where the first target may only rise or fall with the value, else 0.

    Returns
    -------
    last, score : float
        ``x <= last`` is the left side; None where no cut is allowed.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    between = np.flatnonzero(ordered[1:] > ordered[:-1])
    if len(between) == 0:
        return None
    before_cut = before + np.cumsum(rows[order], axis=0)[between]
    sides = before_cut, total - before_cut
    weight, target = rules.weight, rules.target
    allowed = (sides[0][:, 0] >= rules.least) & (sides[1][:, 0] >= rules.least)
    value = [np.clip(s[:, target:] / s[:, weight, None], rules.low, rules.high) for s in sides]
    if sign:
        allowed &= sign * (value[1][:, 0] - value[0][:, 0]) >= 0
    if not allowed.any():
        return None
    score = sum(
        (2 * v * s[:, target:] - v * v * s[:, weight, None]).sum(axis=1) for s, v in zip(sides, value, strict=True)
    )
    best = int(np.argmax(np.where(allowed, score, -np.inf)))
    return float(ordered[between[best]]), float(score[best])
