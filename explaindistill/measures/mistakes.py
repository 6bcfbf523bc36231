"""Where the student is wrong: a small tree over its disagreements, in words, with honest intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import GroupOptions
from explaindistill.measures.suppression import withhold
from explaindistill.measures.table import frame, shares
from explaindistill.numerics.statistics.suppression import small_parts
from explaindistill.numerics.statistics.tallies import row_labels, tally, weights_of

__all__ = ["mistakes"]

HALF = 2
"""Of the rows, one half grows the tree and one counts. A trade-off: rows that grow it find regions, rows that count
make their intervals short; with equal halves neither is favoured."""
LEARNT_ROWS = 20_000
"""Rows at most that grow the tree: leaves that are found on so many are found on more; all of the other half count."""
SHOWN = GroupOptions(min_group_size=10)


def mistakes(
    X: pd.DataFrame,
    wrong: ArrayLike,
    grow: Callable[[pd.DataFrame, NDArray[np.bool_]], Any],
    *,
    rng: np.random.Generator | int = 0,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    options: GroupOptions = SHOWN,
    subject: str = "student",
) -> pd.DataFrame:
    """Regions where a student disagrees with its teacher more often than elsewhere.

    A tree is grown on one half of the rows (on 20,000 of it at most) and counted on the other half, so that the regions
    were not chosen by the rows that they are measured on; intervals hold for all regions at once (Bonferroni).

    Parameters
    ----------
    X : DataFrame of n rows
    wrong : array of bool, shape (n,)
        Whether student and teacher decide differently.
    grow : callable
        From rows and flags to a fitted tree with ``apply(X)`` (leaf numbers) and ``rules()`` (columns ``leaf`` and
        ``rule``).
    rng, sample_weight, clusters, subject
        As in the other measures; ``rng`` splits the rows, clusters as a whole: rows of one cluster on both sides would
        count the very mistakes that the tree was grown on.
    options : GroupOptions
        ``level``, and ``min_group_size``: figures of regions of fewer rows are withheld, and of so many more that none
        of them follows from the rest.

    Returns
    -------
    DataFrame
        Canonical columns; the first line is all rows of the second half, then one line per region, most wrong first,
        its rule in words under ``subset``. ``metric`` is ``disagreement``: ``k`` of ``n`` rows, with Wilson's interval.
        One line only where the first half has no disagreement, or nothing else.

    References
    ----------
    Dunn (1961), doi:10.1080/01621459.1961.10482090 (each of r intervals at ``1 - (1 - level) / r``).

    Examples
    --------
    >>> from explaindistill import TreeClassifier
    >>> X = pd.DataFrame({"age": np.arange(400) % 80})
    >>> table = mistakes(X, X["age"] > 60, lambda rows, flags: TreeClassifier(max_leaf_nodes=2).fit(rows, flags))
    >>> table["subset"].tolist(), table["estimate"].round(2).tolist()[1:]
    (['', 'age > 60', 'age <= 60'], [1.0, 0.0])
    """
    flags = np.asarray(wrong, dtype=bool)
    if flags.shape != (len(X),):
        raise InvalidInputError(f"wrong must have one flag per row of X, {len(X)}, got shape {flags.shape}")
    w = weights_of(sample_weight, len(X))
    labels = None if clusters is None else row_labels(clusters, len(X))
    learn, count = _halves(len(X), labels, np.random.default_rng(rng))
    shared = {"sample_weight": w[count], "clusters": None if labels is None else labels[count]}
    whole = tally(flags[count], np.zeros(len(count), dtype=np.int64), 1, **shared)
    lines = shares("disagreement", whole, [{"subject": subject}], level=options.level)
    if len(learn) > LEARNT_ROWS:
        learn = np.sort(np.random.default_rng(0).choice(learn, LEARNT_ROWS, replace=False))
    if 0 < flags[learn].sum() < len(learn):
        tree = grow(X.iloc[learn], flags[learn])
        regions = _regions(X.iloc[count], flags[count], shared, tree, options.level)
        lines += [line | {"subject": subject} for line in regions]
    table = frame(lines)
    sizes = table["n"].to_numpy()
    # the regions are parts of the first line
    minimum = options.min_group_size
    few = np.append(0 < sizes[0] < minimum, small_parts(sizes[1:], minimum))
    return withhold(table, few, minimum)


def _halves(
    n: int, clusters: NDArray[Any] | None, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of either half; with clusters half of these, drawn in the order in which they first occur."""
    if clusters is None:
        order = rng.permutation(n)
        return np.sort(order[: n // HALF]), np.sort(order[n // HALF :])
    codes, present = pd.factorize(clusters)
    first = np.isin(codes, rng.permutation(len(present))[: len(present) // HALF])
    return np.flatnonzero(first), np.flatnonzero(~first)


def _regions(
    X: pd.DataFrame, flags: NDArray[np.bool_], shared: dict[str, Any], tree: Any, level: float
) -> list[dict[str, Any]]:
    """One line per leaf of the tree, on rows that it was not grown on, most wrong first; empty leaves last."""
    table = tree.rules()
    at = pd.Index(table["leaf"]).get_indexer(tree.apply(X))
    joint = 1 - (1 - level) / len(table)
    counted = tally(flags, at, len(table), **shared)
    lines = shares("disagreement", counted, [{"subset": r} for r in table["rule"]], level=joint)
    return sorted(lines, key=lambda line: (-np.nan_to_num(line["estimate"], nan=-1.0), line["subset"]))
