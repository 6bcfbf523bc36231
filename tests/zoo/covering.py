"""Covering arrays: few cells in which every two (or three) values of different factors meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

__all__ = ["covering"]

CANDIDATES = 30
"""Cells drawn for each that is taken: more make the array shorter by a percent or two and take as much longer."""


def covering(factors: Mapping[str, Sequence[str]], strength: int = 2, seed: int = 0) -> list[dict[str, str]]:
    """Cells such that any ``strength`` values of different factors stand together in at least one; greedy.

    Each new cell starts with a combination that is still uncovered, and of several ways to fill it up at random that
    which covers most is taken (Cohen, Dalal, Fredman and Patton 1997, doi:10.1109/32.605761).

    Parameters
    ----------
    factors : mapping of name to values
    strength : int, default=2
    seed : int, default=0

    Examples
    --------
    >>> cells = covering({"a": "01", "b": "01", "c": "01"})
    >>> len(cells) <= 6, {(cell["a"], cell["c"]) for cell in cells} == {("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")}
    (True, True)
    """
    rng = np.random.default_rng(seed)
    sizes = [len(values) for values in factors.values()]
    groups = list(combinations(range(len(sizes)), strength))
    open_ = [np.ones([sizes[f] for f in group], dtype=bool) for group in groups]
    cells = []
    while (g := int(np.argmax([int(o.sum()) for o in open_]))) >= 0 and open_[g].any():
        starts = np.argwhere(open_[g])
        drawn = np.column_stack([rng.integers(0, size, CANDIDATES) for size in sizes])
        drawn[:, groups[g]] = starts[rng.integers(0, len(starts), CANDIDATES)]
        gain = sum(o[tuple(drawn[:, f] for f in group)].astype(int) for group, o in zip(groups, open_, strict=True))
        best = drawn[int(np.argmax(gain))]
        for group, o in zip(groups, open_, strict=True):
            o[tuple(best[f] for f in group)] = False
        cells.append({name: values[i] for (name, values), i in zip(factors.items(), best, strict=True)})
    return cells
