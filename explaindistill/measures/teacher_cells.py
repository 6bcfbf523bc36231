"""What the teacher answers on the mean near a row: cells of at least so many audited rows, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.measures.suppression import withhold
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.suppression import small_parts

__all__ = ["teacher_cells"]


def teacher_cells(
    X: pd.DataFrame,
    P: ArrayLike,
    partition: Any,
    *,
    classes: Sequence[Any] | None = None,
    minimum: int = 10,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """Mean answer of the teacher in each cell of a partition of the rows.

    Parameters
    ----------
    X : DataFrame of n rows
    P : array of shape (n, k) or (n,)
        The teacher's probabilities or values.
    partition : fitted tree
        With ``apply(X)`` (leaf numbers) and ``rules()`` (columns ``leaf`` and ``rule``).
    classes : sequence of k classes, optional
        Names of the columns of ``P``.
    minimum : int
        Cells of fewer rows have status ``suppressed`` and no number, and so many more that none follows from the rest.
    level : float
        Confidence of the intervals (Student's t).
    subject : str
        The student beside which the cells are shown.

    Returns
    -------
    DataFrame
        Canonical columns, then ``cell`` (leaf number) and ``output`` (class, or empty): one line ``teacher_mean`` per
        cell and class; the cell's rule in words under ``subset``, its rows under ``n``.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> X = pd.DataFrame({"age": np.arange(100) % 50})
    >>> p = np.where(X["age"] > 30, 0.9, 0.2)
    >>> cells = teacher_cells(X, p, TreeRegressor(max_leaf_nodes=2).fit(X, p))
    >>> cells[["subset", "n", "estimate"]].round(2).values.tolist()
    [['age <= 30', 62, 0.2], ['age > 30', 38, 0.9]]
    """
    answers = np.asarray(P, dtype=float)
    answers = answers[:, None] if answers.ndim == 1 else answers
    if len(answers) != len(X):
        raise InvalidInputError(f"P must have one row per row of X, {len(X)}, got {len(answers)}")
    table = partition.rules()
    at = pd.Index(table["leaf"]).get_indexer(partition.apply(X))
    outputs = [""] * answers.shape[1] if classes is None else [str(c) for c in classes]
    lines = []
    for i, (leaf, rule) in enumerate(zip(table["leaf"], table["rule"], strict=True)):
        inside = answers[at == i]
        for j, output in enumerate(outputs):
            named = {"subject": subject, "subset": str(rule), "cell": int(leaf), "output": output}
            lines.append(_line(inside[:, j], level, bounded=classes is not None) | named)
    few = small_parts(np.bincount(at[at >= 0], minlength=len(table)), minimum)
    return withhold(frame(lines, extra=["cell", "output"]), np.repeat(few, len(outputs)), minimum)


def _line(values: NDArray[np.float64], level: float, bounded: bool) -> dict[str, Any]:
    r"""Mean with Student's interval :math:`\bar v \pm t_{n-1} s / \sqrt n`, inside 0 to 1 where ``bounded``."""
    n = len(values)
    if n == 0:
        return row("teacher_mean", np.nan, np.nan, np.nan, n=0)
    mean = float(values.mean())
    half = float(stats.t.ppf(0.5 + level / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    low, high = mean - half, mean + half
    if bounded:
        low, high = max(low, 0.0), min(high, 1.0)
    return row("teacher_mean", mean, low, high, n=n, method="t")
