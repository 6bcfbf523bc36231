"""Whether rows are in partitions, and answers about them a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from explaindistill.protocols import Partitions

__all__ = ["PartAnswers", "answers_of", "is_dask", "partitions_of"]


def is_dask(X: Any) -> bool:
    """Whether rows are a frame of dask; dask itself is not loaded for the question.

    Examples
    --------
    >>> is_dask(pd.DataFrame({"x": [1]}))
    False
    """
    return type(X).__module__.partition(".")[0] in ("dask", "dask_expr") and hasattr(X, "to_delayed")


def partitions_of(X: Any) -> Partitions | None:
    """The partitions that rows are, or None for rows in memory.

    Examples
    --------
    >>> from explaindistill.scale.frames import partitions_of_frames
    >>> rows = partitions_of_frames([pd.DataFrame({"x": [1.0]})])
    >>> partitions_of(rows) is rows, partitions_of(pd.DataFrame({"x": [1.0]})) is None
    (True, True)
    """
    if is_dask(X):
        from explaindistill.scale.dask import DaskPartitions

        return DaskPartitions.of(X)
    is_partitions = all(callable(getattr(X, name, None)) for name in ("ask", "step", "__len__"))
    return X if is_partitions else None


class PartAnswers:
    """Answers about rows in partitions, reckoned a part at a time while they are read.

    Iterate for one array per part, in the order of the parts.
    """

    def __init__(self, parts: Any, function: Callable[[pd.DataFrame], Any]) -> None:
        self.parts, self.function = parts, function

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Any]:
        for rows in self.parts.parts:
            yield self.function(rows.frame())


def answers_of(X: Any, function: Callable[[pd.DataFrame], Any]) -> Any:
    """Answers about each part, not reckoned yet: a collection of dask for its frames, else :class:`PartAnswers`.

    Examples
    --------
    >>> from explaindistill.scale.frames import partitions_of_frames
    >>> rows = partitions_of_frames([pd.DataFrame({"x": [1.0]}), pd.DataFrame({"x": [2.0, 3.0]})])
    >>> [answer.tolist() for answer in answers_of(rows, lambda rows: rows["x"].to_numpy() * 2)]
    [[2.0], [4.0, 6.0]]
    """
    if is_dask(X):
        from explaindistill.scale.dask import mapped

        return mapped(X, function)
    return PartAnswers(X, function)
