"""How faithful is each rule of a student: agreement inside of it, with limits that hold for all rules at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import clopper_pearson, normal_quantile

__all__ = ["rule_fidelity"]

WHERE = "where "


def rule_fidelity(
    agrees: ArrayLike,
    region: ArrayLike,
    rules: Mapping[Any, str],
    *,
    metric: str = "rule_agreement",
    subject: str = "student",
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Share of each rule's rows on which teacher and student decide alike, with simultaneous exact limits.

    Each row falls under one rule. Given how many rows fall under each, their counts of agreement are independent and
    binomial, so that m intervals of level :math:`(1 - \alpha)^{1/m}` hold together with :math:`1 - \alpha` (Šidák);
    each is Clopper and Pearson's, whose coverage is never below its level. Rules under which no row falls need none.

    Parameters
    ----------
    agrees : array of bool, shape (n,)
        Whether both decide alike about a row. Rows must be independent, of equal weight, and must have chosen nothing:
        neither the student nor the threshold.
    region : array of shape (n,)
        Which rule each row falls under.
    rules : mapping
        Words of each region, in the order of the lines; those without a row included.
    metric, subject : str
    level : float in (0, 1)
        Confidence of all intervals together.

    Returns
    -------
    DataFrame
        Canonical columns, one line per rule; ``subset`` is its words after "where ". A rule without rows is NaN with
        n = 0.

    Raises
    ------
    InvalidInputError
        For arrays of different lengths, a region without words, or a level outside (0, 1).

    References
    ----------
    Clopper and Pearson (1934), doi:10.1093/biomet/26.4.404; Šidák (1967), doi:10.1080/01621459.1967.10482935.

    Examples
    --------
    >>> words = {1: "age <= 30", 2: "age > 30", 3: "never"}
    >>> table = rule_fidelity([True] * 60 + [False] * 2, [1] * 50 + [2] * 12, words)
    >>> table[["subset", "n", "k", "estimate", "low", "high"]].round(3).values.tolist()
    [['where age <= 30', 50, 50.0, 1.0, 0.916, 1.0], ['where age > 30', 12, 10.0, 0.833, 0.476, 0.985],
     ['where never', 0, nan, nan, nan, nan]]
    """
    normal_quantile(level)
    same, at = np.asarray(agrees, dtype=bool), np.asarray(region)
    if same.ndim != 1 or same.shape != at.shape:
        raise InvalidInputError(f"agrees and region must have one entry per row, got shapes {same.shape}, {at.shape}")
    if unknown := sorted({str(r) for r in np.unique(at)} - {str(r) for r in rules}):
        raise InvalidInputError(f"rules must name every region, {unknown[0]} missing")
    n = np.array([(at == r).sum() for r in rules], dtype=float)
    k = np.array([(same & (at == r)).sum() for r in rules], dtype=float)
    each = level ** (1 / max(int((n > 0).sum()), 1))
    low, high = clopper_pearson(k, n, each)
    return frame(
        _line(metric, count, hits, limits, subject, words)
        for count, hits, limits, words in zip(n, k, zip(low, high, strict=True), rules.values(), strict=True)
    )


def _line(
    metric: str, n: float, k: float, limits: tuple[np.float64, np.float64], subject: str, words: str
) -> dict[str, Any]:
    named = {"subject": subject, "subset": WHERE + str(words), "method": "clopper-pearson, all rules at once"}
    if n == 0:
        return row(metric, np.nan, np.nan, np.nan, n=0, **named)
    return row(metric, k / n, float(limits[0]), float(limits[1]), n=int(n), k=k, **named)
