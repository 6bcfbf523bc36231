"""Whether errors on rows that lie next to each other in time are alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import normal_quantile

__all__ = ["serial_correlation"]

LEVEL = 0.99
"""Of the intervals: half a percent of independent series is warned of falsely, each model is one."""
LEAST = 0.025
"""Correlation from which it matters: the variance of a mean then is (1 + r) / (1 - r) = 1.05 times as large."""
FEWEST_NEIGHBOURS = 30
"""Pairs of neighbours, below which nothing is said: the interval of r would reach over half of its range."""


def serial_correlation(
    errors: Mapping[str, ArrayLike], when: ArrayLike, *, column: str = "", clusters: ArrayLike | None = None
) -> pd.DataFrame:
    r"""Correlation of each model's errors between neighbours in time.

    With the rows in the order of time (those of one moment as they come) and mean :math:`\bar e`,
    :math:`r = \sum_i (e_i - \bar e)(e_{i+1} - \bar e) / \sum_i (e_i - \bar e)^2` over neighbours; neighbours of one
    cluster are left out.

    Parameters
    ----------
    errors : mapping of model to array of shape (n,)
        Student minus teacher, or truth minus answer; rows without an error (NaN) are left out.
    when : array of shape (n,)
        Anything that has an order; rows without a time are left out.
    column : str
        Name of the time.
    clusters : array of shape (n,), optional

    Returns
    -------
    DataFrame
        Canonical columns, one line of the metric ``serial_correlation`` per model, with Fisher's interval of level
        0.99; ``feature`` is the column; ``verdict`` is ``dependent`` where the interval lies above 0 and r is at least
        0.025, ``covered`` where fewer than 30 neighbours are of two clusters, else ``none``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=500)
    >>> table = serial_correlation({"alike": np.cumsum(noise), "free": noise}, np.arange(500))
    >>> table[["subject", "verdict"]].values.tolist()
    [['alike', 'dependent'], ['free', 'none']]
    """
    moments = pd.Series(np.asarray(when)).dropna()
    order = moments.sort_values(kind="stable").index.to_numpy()
    labels = None if clusters is None else pd.factorize(np.asarray(clusters), use_na_sentinel=False)[0]
    lines = []
    for name, values in errors.items():
        e = np.asarray(values, dtype=float)
        rows = order[np.isfinite(e[order])]
        far = np.ones(max(len(rows) - 1, 0), dtype=bool) if labels is None else labels[rows][1:] != labels[rows][:-1]
        r, low, high = _correlated(e[rows], far)
        if far.sum() < FEWEST_NEIGHBOURS:
            verdict = "none" if labels is None else "covered"
        else:
            verdict = "dependent" if low > 0 and r >= LEAST else "none"
        reason = f"errors of “{name}” on neighbours in “{column}” correlate by {r:.2f} [{low:.2f}, {high:.2f}]"
        lines.append(
            row("serial_correlation", r, low, high, n=len(rows), method="fisher z", subject=name, feature=column,
                verdict=verdict, reason=reason if verdict == "dependent" else "")
        )  # fmt: skip
    return frame(lines, extra=("feature", "verdict"))


def _correlated(e: NDArray[np.float64], far: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Correlation of neighbours and its limits; NaN of errors that are all the same, or of too few."""
    count = int(far.sum())
    square = float(((e - e.mean()) ** 2).mean()) if len(e) else 0.0
    if count < FEWEST_NEIGHBOURS or square <= 0:
        return np.nan, np.nan, np.nan
    off = e - e.mean()
    r = float(np.clip((off[1:] * off[:-1])[far].mean() / square, -1, 1))
    z = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))
    half = normal_quantile(LEVEL) / np.sqrt(count - 3)
    return r, float(np.tanh(z - half)), float(np.tanh(z + half))
