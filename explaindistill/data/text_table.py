"""Tables as text that can be quoted: at most 80 columns wide, long words folded, nothing cut."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

__all__ = ["WIDTH", "text_table"]

WIDTH = 80
"""Characters of a line: what a terminal, a letter and a page of a book have room for."""
GAP = "  "
NARROWEST = 8
"""Characters below which no column is folded: words would fall apart."""


def text_table(
    lines: Iterable[Sequence[str]], heads: Sequence[str] = (), right: Iterable[int] = (), width: int = WIDTH
) -> str:
    """Return a table whose widest columns of words are folded where a line would be too long.

    Parameters
    ----------
    lines : iterable of sequences of str
        Cells; all lines have the same number.
    heads : sequence of str, optional
        Headings.
    right : positions of columns that end on the right, as numbers do; they are never folded
    width : int

    Returns
    -------
    str
        Without a space at the end of any line. A word longer than its column is broken at the column's end.

    Examples
    --------
    >>> print(text_table([("+1.2", "income = 2850"), ("-0.35", "debt ratio of the year before = 0.2")], width=30,
    ...                  right=[0]))
     +1.2  income = 2850
    -0.35  debt ratio of the year
           before = 0.2
    """
    table = [[str(cell) for cell in line] for line in ([heads] if heads else [])]
    table += [[str(cell) for cell in line] for line in lines]
    if not table:
        return ""
    ends_right = set(right)
    widths = _widths(table, ends_right, width)
    out = []
    for line in table:
        folded = [_folded(cell, size) for cell, size in zip(line, widths, strict=True)]
        for i in range(max(map(len, folded))):
            cells = [cell[i] if i < len(cell) else "" for cell in folded]
            placed = [
                cell.rjust(size) if j in ends_right else cell.ljust(size)
                for j, (cell, size) in enumerate(zip(cells, widths, strict=True))
            ]
            out.append(GAP.join(placed).rstrip())
    return "\n".join(out)


def _widths(table: list[list[str]], ends_right: set[int], width: int) -> list[int]:
    """Width of each column: what its longest cell has, less what the line has too much, taken off the widest."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    while excess > 0:
        can_fold = [j for j, size in enumerate(widths) if j not in ends_right and size > NARROWEST]
        if not can_fold:
            break
        widest = max(can_fold, key=lambda j: widths[j])
        widths[widest] -= 1
        excess -= 1
    return widths


def _folded(cell: str, size: int) -> list[str]:
    return textwrap.wrap(cell, size, break_on_hyphens=False) if len(cell) > size else [cell]
