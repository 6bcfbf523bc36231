"""How many changed copies of some rows are asked about at once."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["batches"]

CELLS = 2_000_000
"""Rows times columns per question, 16 MB of floats. A trade-off: a larger question spreads the fixed cost of a call
over more rows, a smaller one holds less in memory at once."""


def batches(n_copies: int, cells: int) -> Iterator[slice]:
    """Slices of ``n_copies`` copies of a table with so many ``cells``, each of at most two million or of one copy.

    Examples
    --------
    >>> [(s.start, s.stop) for s in batches(5, 1_000_000)]
    [(0, 2), (2, 4), (4, 5)]
    """
    step = max(CELLS // max(cells, 1), 1)
    for start in range(0, n_copies, step):
        yield slice(start, min(start + step, n_copies))
