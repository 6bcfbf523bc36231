"""The difference of two shares of the same rows, such as two models' shares of right decisions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import few_clusters, row
from explaindistill.numerics.statistics.intervals import bonett_price
from explaindistill.numerics.statistics.tallies import tally

__all__ = ["paired_share_difference"]


def paired_share_difference(
    metric: str,
    first: ArrayLike,
    second: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    **names: Any,
) -> dict[str, Any]:
    """Share of rows on which ``first`` holds less the share on which ``second`` does, as a line of a frame.

    Both meet the same rows, so only those count on which they differ: of n rows a gained and a lost, the difference is
    ``(gained - lost) / n`` and its interval Bonett and Price's.

    Parameters
    ----------
    metric : str
    first, second : bool array of shape (n,)
    sample_weight, clusters : array of shape (n,), optional
        Rows of weight 0 are left out.
    level : float in (0, 1)
    **names : str
        Further cells of the line, such as ``subject`` and ``reference``.

    Returns
    -------
    dict
        Canonical columns; ``k`` are the rows on which they differ. With fewer than five clusters the status is
        ``small`` and there are no limits.

    Raises
    ------
    InvalidInputError
        If the two are not of one length.

    References
    ----------
    Bonett and Price (2012), doi:10.3102/1076998611411915.

    Examples
    --------
    Of 100 rows 14 are right in the second only, 4 in the first only:

    >>> first, second = [True] * 4 + [False] * 14 + [True] * 82, [False] * 4 + [True] * 96
    >>> line = paired_share_difference("accuracy_difference", first, second)
    >>> [round(line[key], 3) for key in ("estimate", "low", "high")]
    [-0.1, -0.182, -0.014]
    """
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if a.shape != b.shape or a.ndim != 1:
        raise InvalidInputError(f"first and second must have one entry per row each, got {a.shape} and {b.shape}")
    one_group = np.zeros(len(a), dtype=np.int64)
    sampling: dict[str, Any] = {"sample_weight": sample_weight, "clusters": clusters}
    up, down = (tally(x, one_group, 1, **sampling) for x in (a & ~b, b & ~a))
    n_effective = float(min(up.n_effective[0], down.n_effective[0]))
    rows = float(min(up.worth(level)[1][0], down.worth(level)[1][0]))
    gap = float(up.share[0] - down.share[0])
    low, high = bonett_price(float(up.share[0]) * rows, float(down.share[0]) * rows, rows, level)
    line = row(
        metric, gap, float(np.minimum(low, gap)), float(np.maximum(high, gap)),
        n=int(up.n[0]), n_effective=n_effective, k=float(up.k[0] + down.k[0]), method="bonett-price", **names,
    )  # fmt: skip
    return line | (few_clusters(up.members[0].count) if up.members else {})
