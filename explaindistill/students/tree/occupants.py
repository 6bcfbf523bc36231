"""Who is in each leaf: the make-up of its rows by sensitive attributes, with small groups withheld."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE, common_values
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.suppression import small_parts, withheld

__all__ = ["by_leaf", "occupants", "words"]

MOST_CELLS = 200
"""Cells of leaves and groups for which the smallest set of withheld counts is looked for; the search grows fast."""
FEW = "too few to show"


def occupants(leaf: NDArray[np.int64], leaves: NDArray[np.int64], sensitive: Any, min_group_size: int) -> pd.DataFrame:
    """One row per leaf, attribute and group.

    Parameters
    ----------
    leaf : ndarray, shape (n,)
        Leaf of each row.
    leaves : ndarray
        All leaves, in the order of the result.
    sensitive : DataFrame of n rows, or Series
        Its columns are the attributes; missing values are a group.
    min_group_size : int, at least 1
        Groups with fewer rows in a leaf are withheld, and with them what would tell their size; groups of fewer than
        five rows in all are "(other)". 1 shows everything.

    Returns
    -------
    DataFrame
        Columns ``leaf``, ``attribute``, ``group``, ``n`` (rows of the group in the leaf), ``share`` (of the leaf's
        rows), ``overall`` (of all rows), ``status`` (``ok`` or ``suppressed``, then ``n`` and ``share`` are NaN).

    Examples
    --------
    >>> sex = pd.DataFrame({"sex": ["f", "f", "f", "m"] * 10})
    >>> found = occupants(np.repeat([1, 2], 20), np.array([1, 2]), sex, 5)
    >>> found[["leaf", "group", "n", "share", "overall", "status"]].values.tolist()[2:]
    [[2, 'f', 15.0, 0.75, 0.75, 'ok'], [2, 'm', 5.0, 0.25, 0.25, 'ok']]
    """
    if isinstance(min_group_size, bool) or not isinstance(min_group_size, (int, np.integer)) or min_group_size < 1:
        raise InvalidInputError(f"min_group_size must be a whole number, at least 1, got {min_group_size!r}")
    frame = sensitive.to_frame() if isinstance(sensitive, pd.Series) else sensitive
    if not isinstance(frame, pd.DataFrame):
        raise InvalidInputError(f"sensitive must be a DataFrame or a Series, got {type(sensitive).__name__}")
    if len(frame) != len(leaf):
        raise InvalidInputError(f"sensitive must have one row per row of X, {len(leaf)}, got {len(frame)}")
    place = np.zeros(int(max(leaves.max(initial=0), leaf.max(initial=0))) + 1, dtype=np.int64)
    place[leaves] = np.arange(len(leaves))
    named = {a: common_values(frame[a], min(MIN_CATEGORY_SIZE, min_group_size)) for a in frame.columns}
    parts = [_of_attribute(str(a), named[a], place[leaf], leaves, min_group_size) for a in frame.columns]
    return pd.concat(parts, ignore_index=True) if parts else _frame([])


def _of_attribute(
    attribute: str, column: pd.Series, at: NDArray[np.int64], leaves: NDArray[np.int64], minimum: int
) -> pd.DataFrame:
    """Lines of one attribute: ``share`` is ``n_lg / n_l`` over the rows of leaf l, ``overall`` ``n_g / n`` over all."""
    codes, groups = pd.factorize(column.astype(object).where(column.notna(), "missing").map(str), sort=True)
    counts = np.zeros((len(leaves), len(groups)), dtype=np.int64)
    np.add.at(counts, (at, codes), 1)
    hidden = _hidden(counts, minimum)
    unknown = small_parts(counts.sum(axis=0), minimum)
    total = counts.sum(axis=1)
    rows = []
    for i, leaf in enumerate(leaves.tolist()):
        for g, group in enumerate(groups):
            n = np.nan if hidden[i, g] else float(counts[i, g])
            share = n / total[i] if total[i] else np.nan
            overall = np.nan if unknown[g] else counts[:, g].sum() / max(len(at), 1)
            rows.append((leaf, attribute, group, n, share, overall, "suppressed" if hidden[i, g] else "ok"))
    return _frame(rows)


def _frame(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["leaf", "attribute", "group", "n", "share", "overall", "status"])


def _hidden(counts: NDArray[np.int64], minimum: int) -> NDArray[np.bool_]:
    """Cells to withhold when the rows of each leaf and of each group are known: the small, and what would tell them.

    The sums that a reader has are ``A n`` with the counts n of the cells: one row of A per leaf and group.
    """
    nobody = counts.sum(axis=1, keepdims=True) == 0  # nothing to withhold in an empty leaf
    small = np.where(nobody, False, counts < minimum)
    if not small.any():
        return small
    n_leaves, n_groups = counts.shape
    if counts.size > MOST_CELLS:
        # whole leaves, and never a single one: two lines withheld whole tell nothing of each other
        lines: NDArray[np.bool_] = np.logical_or.reduce(small, axis=1)
        if lines.sum() == 1 < n_leaves:
            rest = np.where(lines, np.iinfo(np.int64).max, counts.sum(axis=1))
            lines[np.argmin(rest)] = True
        return np.repeat(lines[:, None], n_groups, axis=1)
    cells = np.eye(counts.size)
    margins = np.vstack(
        [np.kron(np.eye(n_leaves), np.ones(n_groups)), np.kron(np.ones((1, n_leaves)), np.eye(n_groups))]
    )
    sizes = np.concatenate([counts.sum(axis=1), counts.sum(axis=0), counts.ravel()])
    shown = np.zeros(len(margins), dtype=np.bool_)
    families = np.concatenate([np.full(len(margins), -1), np.zeros(counts.size, dtype=np.int64)])
    first = np.concatenate([shown, small.ravel()])
    hidden = withheld(np.vstack([margins, cells]), sizes, families.tolist(), first)
    return hidden[len(margins) :].reshape(counts.shape)


def by_leaf(table: pd.DataFrame) -> dict[int, list[dict[str, Any]]]:
    """The frame of :func:`occupants` as nested lists: for each leaf its attributes, each with its groups."""
    out: dict[int, list[dict[str, Any]]] = {}
    for (leaf, attribute), lines in table.groupby(["leaf", "attribute"], sort=False):
        groups = [
            {"group": g, "share": _known(s), "overall": _known(o), "status": status}
            for g, s, o, status in lines[["group", "share", "overall", "status"]].itertuples(index=False)
        ]
        out.setdefault(int(leaf), []).append({"attribute": attribute, "groups": groups})
    return out


def _known(share: float) -> float | None:
    return None if np.isnan(share) else float(share)


def words(who: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say who is in a leaf, one line per attribute: ``sex: f 75.0 % (of all 50.0 %), …``."""
    lines = []
    for entry in who:
        shown = [
            f"{g['group']} {100 * g['share']:.1f} %"
            + ("" if g["overall"] is None else f" (of all {100 * g['overall']:.1f} %)")
            for g in entry["groups"]
            if g["share"] is not None
        ]
        few = [str(g["group"]) for g in entry["groups"] if g["status"] == "suppressed"]
        if few:
            shown.append(f"{' and '.join(few)}: {FEW}")
        lines.append(f"{entry['attribute']}: {', '.join(shown) or 'nobody'}")
    return lines
