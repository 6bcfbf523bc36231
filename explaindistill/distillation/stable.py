"""Enlarge a corpus until the student no longer changes by chance, and say why it stopped."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.row_keys import KeyedRows, distinct, row_keys, rows_at
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.corpus import ALL, AUTO_FACTOR, AUTO_LIMIT

__all__ = ["CHANCE", "DISAGREEMENT", "FACTORS", "STABLE", "Enlarged", "enlarge", "half_disagreement", "most_questions"]

STABLE = "stable"
"""Value of ``n_queries`` with which the corpus grows until the student no longer changes by chance."""
FACTORS = (8, 16, 32, 64)
"""Sizes of the corpus that are tried, in rows given."""
CHANCE = 0.05
"""Chance of another tree that is put up with."""
DISAGREEMENT = 0.015
"""Share of rows that students of two halves of a corpus may decide differently."""

NO_NEW_ROW = "all that the sampler makes was asked before; give more rows or columns, or another sampler"

Draw = Callable[[int, int], tuple[pd.DataFrame | None, NDArray[np.float64]]]
Ask = Callable[[KeyedRows], NDArray[np.float64]]


def most_questions(n_queries: int | str, n_rows: int) -> int:
    """Most distinct rows that a fit to ``n_rows`` rows may ask about.

    Examples
    --------
    >>> most_questions("auto", 100), most_questions("stable", 100), most_questions(250, 100)
    (500, 6400, 250)
    """
    if not isinstance(n_queries, str):
        return int(n_queries)
    if n_queries == ALL:
        return n_rows
    return FACTORS[-1] * n_rows if n_queries == STABLE else max(min(AUTO_FACTOR * n_rows, AUTO_LIMIT), n_rows)


@dataclass(frozen=True)
class Enlarged:
    """What came of it.

    Attributes
    ----------
    targets : SoftTargets
    student : fitted student
    path : DataFrame
        One line per size: ``n_rows``, ``n_queries``, ``chance`` (of another tree, or disagreement of two halves).
    reason : str
    """

    targets: SoftTargets
    student: Any
    path: pd.DataFrame
    reason: str


def enlarge(
    targets: SoftTargets,
    keys: NDArray[np.uint64],
    n_given: int,
    draw: Draw,
    ask: Ask,
    grow: Callable[[SoftTargets], Any],
    half: Callable[[SoftTargets], float],
) -> Enlarged:
    """Fit, ask whether another draw of the corpus would give another student, and double the corpus while it would.

    Parameters
    ----------
    targets : SoftTargets
        The first corpus, ``FACTORS[0]`` times the rows given.
    keys : ndarray of uint64, shape (n, 2)
        Keys of its rows.
    n_given : int
    draw : callable
        From a number of rows and of the size that is tried to new rows and their weights.
    ask : callable
        Keyed rows to answers; rows that the corpus has already are not asked again.
    grow : callable
        From a corpus to a fitted student. Trees say with ``chance_`` how likely another corpus gives another tree, by
        the test of Zhou, Zhou and Hooker (:mod:`explaindistill.numerics.trees.stable_growth`).
    half : callable
        Disagreement of students of two halves, for students without ``chance_``.

    References
    ----------
    Zhou, Zhou and Hooker (2023), doi:10.1007/s10618-022-00907-3; Zhou et al. (2022), arXiv:2211.12631.
    """
    lines, still = [], ""
    for i, factor in enumerate(FACTORS):
        if i:
            larger, larger_keys = _more(targets, keys, *draw(factor * n_given - targets.n_queries, i), ask)
            if larger.n_queries == targets.n_queries:
                reason = f"no row is new: {NO_NEW_ROW}; {still}"
                warnings.warn(f'n_queries="stable": {reason}', stacklevel=4)
                break
            targets, keys = larger, larger_keys
        student = grow(targets)
        tree = hasattr(student, "chance_")
        chance = float(student.chance_) if tree else half(targets)
        lines.append({"n_rows": len(targets), "n_queries": targets.n_queries, "chance": chance})
        what, limit = _words(tree)
        if chance <= limit:
            reason = f"{what} is {chance:.3f}, at most {limit:g}"
            break
        still = f"{what} is still {chance:.3f}, above {limit:g}"
    else:
        reason = f"{FACTORS[-1]} times the rows given are reached; {still}"
    return Enlarged(targets, student, pd.DataFrame(lines), reason)


def _words(tree: bool) -> tuple[str, float]:
    if tree:
        return "the chance that another corpus gives another tree", CHANCE
    return "the disagreement of students of two halves of the corpus", DISAGREEMENT


def _more(
    targets: SoftTargets,
    keys: NDArray[np.uint64],
    rows: pd.DataFrame | None,
    weight: NDArray[np.float64],
    ask: Ask,
) -> tuple[SoftTargets, NDArray[np.uint64]]:
    """The corpus with further rows; the new among them are asked, the others have their answer already."""
    if rows is None or len(rows) == 0:
        return targets, keys
    n = len(targets)
    keys = np.concatenate([keys, row_keys(rows)])
    first, number = distinct(keys)
    new = first >= n
    P = np.empty((len(first), *targets.P.shape[1:]))
    P[~new] = targets.P[first[~new]]
    if new.any():
        P[new] = ask(KeyedRows.different(rows_at(rows, first[new] - n), keys[first[new]]))
    # only the further rows take their answer by number: equal real rows may differ by their true labels
    return targets.append(rows, P[number[n:]], weight, "synthetic", int(new.sum())), keys


def half_disagreement(
    targets: SoftTargets, grow: Callable[[SoftTargets], Any], decide: Callable[[Any], NDArray[Any]], seed: int
) -> float:
    """How far students of two random halves of a corpus differ.

    Parameters
    ----------
    decide : callable
        From a student to its answers ``(n,)`` on the rows that are compared: the share of different ones is returned,
        or for numbers their mean squared difference over their variance.
    """
    order = np.random.default_rng([seed, 2]).permutation(len(targets))
    middle = len(order) // 2
    a, b = (decide(grow(targets.take(np.sort(half)))) for half in (order[:middle], order[middle:]))
    if a.dtype.kind != "f":
        return float((a != b).mean())
    spread = float(a.var() + b.var()) / 2
    return float(((a - b) ** 2).mean()) / (2 * spread) if spread > 0 else 0.0
