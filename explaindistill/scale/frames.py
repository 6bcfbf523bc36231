"""Partitions in this process: parts that are in memory, or are read one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from explaindistill.data.parts import FramePart
from explaindistill.data.rows import as_frame
from explaindistill.errors import InvalidInputError

__all__ = ["LocalPartitions", "partitions_of_frames"]


class LocalPartitions:
    """Parts that this process holds, asked one after the other.

    Parameters
    ----------
    parts : sequence
        Of anything; a :class:`~explaindistill.data.parts.PartOfRows` each where a Distiller is given them.

    Examples
    --------
    >>> from explaindistill.numerics.sums import added
    >>> parts = LocalPartitions([[1, 2], [3]])
    >>> parts.ask(sum, reduce=added), parts.step(len).ask(abs, reduce=added), len(parts)
    (6, 3, 2)
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        if len(parts) == 0:
            raise InvalidInputError("rows in partitions must have at least 1 partition, got 0")
        self.parts = list(parts)

    def ask(self, function: Callable[..., Any], *arguments: Any, reduce: Callable[[Any, Any], Any]) -> Any:
        """``function(part, *arguments)`` of every part, reduced to one value."""
        value = function(self.parts[0], *arguments)
        for rows in self.parts[1:]:
            value = reduce(value, function(rows, *arguments))
        return value

    def step(self, function: Callable[..., Any], *arguments: Any) -> LocalPartitions:
        """New partitions, ``function(part, *arguments)`` of each."""
        return LocalPartitions([function(rows, *arguments) for rows in self.parts])

    def __len__(self) -> int:
        """Number of parts."""
        return len(self.parts)


def partitions_of_frames(frames: Iterable[pd.DataFrame]) -> LocalPartitions:
    """Frames as the parts of one table; those without rows are left out.

    Examples
    --------
    >>> len(partitions_of_frames([pd.DataFrame({"x": [1.0]}), pd.DataFrame({"x": [2.0, 3.0]})]))
    2
    """
    full = [as_frame(rows) for rows in frames if len(rows)]
    return LocalPartitions([FramePart(number, rows) for number, rows in enumerate(full)])
