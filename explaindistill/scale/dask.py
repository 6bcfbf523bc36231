"""Partitions on the workers of a dask cluster: parts stay where they are, and only sums come back.

Everything is a task of what came before it. A worker that is lost takes time: dask makes its parts again, and since no
part is ever changed, they are the same. What all tasks of a round need, such as a teacher, is a task too, whose result
each worker fetches once.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.parts import FramePart
from explaindistill.data.rows import as_frame
from explaindistill.errors import InvalidInputError, MissingExtraError

__all__ = ["DaskPartitions", "mapped"]

FAN = 8
"""Answers that one task joins: of 200 parts the last of three tasks sends one answer on."""
INLINE_BYTES = 1 << 16
"""Arguments of more bytes are sent to each worker once, and not with each task."""


class DaskPartitions:
    """Parts that lie on the workers of a cluster; see :class:`~explaindistill.protocols.Partitions`.

    Parameters
    ----------
    client : distributed.Client
    parts : list of distributed.Future
    """

    elsewhere = True

    def __init__(self, client: Any, parts: list[Any]) -> None:
        self.client, self.parts = client, parts

    @classmethod
    def of(cls, frame: Any) -> DaskPartitions:
        """The partitions of a frame of dask, loaded by the workers of the current client.

        Raises
        ------
        MissingExtraError
            If ``distributed`` is not installed.
        InvalidInputError
            If it is no frame, there is no client, or the frame has no rows.
        """
        try:
            import dask
            import dask.dataframe
            from distributed import default_client
        except ImportError as error:
            raise MissingExtraError("distributed is not installed; run: pip install explaindistill[dask]") from error
        if not isinstance(frame, dask.dataframe.DataFrame):
            raise InvalidInputError(
                f"rows of dask must be a dask.dataframe.DataFrame, got {type(frame).__name__}; make it one, for "
                "instance with dask.dataframe.from_dask_array(rows, columns=names) or from_delayed(parts)"
            )
        try:
            client = default_client()
        except ValueError as error:
            raise InvalidInputError(
                "a frame of dask needs a cluster; start one first: from dask.distributed import Client; client = "
                "Client()"
            ) from error
        frames = client.compute(frame.to_delayed())
        sizes = [future.result() for future in [client.submit(len, rows) for rows in frames]]
        full = [rows for rows, n in zip(frames, sizes, strict=True) if n]
        if not full:
            raise InvalidInputError("rows in partitions must have at least 1 row, got 0")
        converted = dask.config.get("dataframe.convert-string", None) is not False
        return cls(client, [client.submit(_part, number, rows, converted) for number, rows in enumerate(full)])

    def ask(self, function: Callable[..., Any], *arguments: Any, reduce: Callable[[Any, Any], Any]) -> Any:
        """``function(part, *arguments)`` of every part, reduced on the workers to one value."""
        answers = self._tasks(function, arguments)
        while len(answers) > 1:
            groups = [answers[i : i + FAN] for i in range(0, len(answers), FAN)]
            answers = [self.client.submit(_joined, reduce, group, pure=False) for group in groups]
        return answers[0].result()

    def step(self, function: Callable[..., Any], *arguments: Any) -> DaskPartitions:
        """New partitions, ``function(part, *arguments)`` of each, on the workers."""
        return DaskPartitions(self.client, self._tasks(function, arguments))

    def _tasks(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> list[Any]:
        import cloudpickle

        # as bytes, so that a worker that cannot load them says so: dask itself would lose the worker and try for ever
        shared: Any = cloudpickle.dumps((function, arguments))
        if len(shared) > INLINE_BYTES:
            shared = self.client.submit(bytes, shared, pure=False)
        return [self.client.submit(_called, shared, rows, pure=False) for rows in self.parts]

    def __len__(self) -> int:
        """Number of parts."""
        return len(self.parts)


@lru_cache(maxsize=4)
def _loaded(shared: bytes) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What all tasks of a round share, made once for all parts of a worker."""
    try:
        return pickle.loads(shared)  # what the user's own client sent to the user's own worker
    except Exception as error:  # a class may fail in any way while it is made again
        raise InvalidInputError(
            f"a worker could not load what it was sent: {type(error).__name__}: {error}; install that module on the "
            "workers, or define the teacher in the script itself"
        ) from error


def _called(shared: bytes, part: Any) -> Any:
    function, arguments = _loaded(shared)
    return function(part, *arguments)


def _joined(reduce: Callable[[Any, Any], Any], answers: list[Any]) -> Any:
    value = answers[0]
    for answer in answers[1:]:
        value = reduce(value, answer)
    return value


def _part(number: int, rows: pd.DataFrame, converted: bool) -> FramePart:
    """A partition as pandas itself would have read it: dask makes every column of text one of Arrow's."""
    frame = as_frame(rows)
    text = [name for name in frame.columns if converted and str(frame[name].dtype) == "string"]
    plain = {name: pd.Series(frame[name].to_numpy(dtype=object, na_value=None), frame.index) for name in text}
    if text and int(pd.__version__.partition(".")[0]) >= 3:
        plain = {name: column.astype("str") for name, column in plain.items()}
    return FramePart(number, frame.assign(**plain) if text else frame)


@dataclass(frozen=True)
class _Indexed:
    """Answers with the index of their rows."""

    function: Callable[[pd.DataFrame], Any]

    def __call__(self, rows: pd.DataFrame) -> Any:
        if len(rows) == 0:
            return self(FILLER.reindex(columns=rows.columns)).iloc[:0]
        answers = np.asarray(self.function(rows))
        return (pd.Series if answers.ndim == 1 else pd.DataFrame)(answers, index=rows.index)


FILLER = pd.DataFrame(index=[0])


def mapped(frame: Any, function: Callable[[pd.DataFrame], Any]) -> Any:
    """Answers about a frame of dask: a series or frame of dask with its index, not reckoned yet."""
    indexed = _Indexed(function)
    return frame.map_partitions(indexed, meta=indexed(frame._meta_nonempty).iloc[:0])
