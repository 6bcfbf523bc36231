"""Where the student is wrong: a small tree over its disagreements, in words, with honest intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, shares
from explaindistill.numerics.statistics.tallies import tally, weights_of

__all__ = ["mistakes"]

HALF = 2


def mistakes(
    X: pd.DataFrame,
    wrong: ArrayLike,
    grow: Callable[[pd.DataFrame, NDArray[np.bool_]], Any],
    *,
    rng: np.random.Generator | int = 0,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """Regions where a student disagrees with its teacher more often than elsewhere.

    A tree is grown on one half of the rows and counted on the other half, so that the regions were not chosen by the
    rows that they are measured on; intervals hold for all regions at once (Bonferroni).

    Parameters
    ----------
    X : DataFrame of n rows
    wrong : array of bool, shape (n,)
        Whether student and teacher decide differently.
    grow : callable
        From rows and flags to a fitted tree with ``apply(X)`` (leaf numbers) and ``rules()`` (columns ``leaf`` and
        ``rule``).
    rng, sample_weight, level, subject
        As in the other measures; ``rng`` splits the rows.

    Returns
    -------
    DataFrame
        Canonical columns; the first line is all rows of the second half, then one line per region, most wrong first,
        its rule in words under ``subset``. One line only where the first half has no disagreement, or nothing else.

    Examples
    --------
    >>> from explaindistill import TreeClassifier
    >>> X = pd.DataFrame({"age": np.arange(400) % 80})
    >>> found = mistakes(X, X["age"] > 60, lambda rows, flags: TreeClassifier(max_leaf_nodes=2).fit(rows, flags))
    >>> found["subset"].tolist(), found["estimate"].round(2).tolist()[1:]
    (['', 'age > 60', 'age <= 60'], [1.0, 0.0])
    """
    flags = np.asarray(wrong, dtype=bool)
    if flags.shape != (len(X),):
        raise InvalidInputError(f"wrong must have one flag per row of X, {len(X)}, got shape {flags.shape}")
    w = weights_of(sample_weight, len(X))
    order = np.random.default_rng(rng).permutation(len(X))
    learn, count = np.sort(order[: len(X) // HALF]), np.sort(order[len(X) // HALF :])
    whole = tally(flags[count], np.zeros(len(count), dtype=np.int64), 1, sample_weight=w[count])
    lines = shares("disagreement", whole, [{"subject": subject}], level=level)
    if 0 < flags[learn].sum() < len(learn):
        lines += _regions(X, flags, w, grow(X.iloc[learn], flags[learn]), count, level, subject)
    return frame(lines)


def _regions(
    X: pd.DataFrame,
    flags: NDArray[np.bool_],
    w: NDArray[np.float64],
    tree: Any,
    count: NDArray[np.intp],
    level: float,
    subject: str,
) -> list[dict[str, Any]]:
    table = tree.rules()
    at = pd.Index(table["leaf"]).get_indexer(tree.apply(X.iloc[count]))
    joint = 1 - (1 - level) / len(table)
    found = tally(flags[count], at, len(table), sample_weight=w[count])
    lines = shares("disagreement", found, [{"subject": subject, "subset": r} for r in table["rule"]], level=joint)
    return sorted(lines, key=lambda line: (-np.nan_to_num(line["estimate"], nan=-1.0), line["subset"]))
