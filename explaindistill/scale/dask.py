"""Partitions on the workers of a dask cluster: parts stay where they are, and only sums come back.

Everything is a task of what came before it. A worker that is lost takes time: dask makes its parts again, and since no
part is ever changed, they are the same. What all tasks of a round need, such as a teacher, is a task too, whose result
each worker fetches once. The parts that a thread of a worker holds are a bundle, and a question is one task for each
bundle: a task costs some ten milliseconds, which a fit of a hundred questions would pay for each of many parts.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.parts import FramePart
from explaindistill.data.rows import as_frame
from explaindistill.errors import InvalidInputError, MissingExtraError

__all__ = ["DaskPartitions", "mapped", "shared_out"]

FAN = 8
"""Answers that one task joins: of 200 parts the last of three tasks sends one answer on."""
INLINE_BYTES = 1 << 16
"""Arguments of more bytes are sent to each worker once, and not with each task."""


class DaskPartitions:
    """Parts that lie on the workers of a cluster; see :class:`~explaindistill.protocols.Partitions`.

    Parameters
    ----------
    client : distributed.Client
    bundles : list of distributed.Future
        Of tuples of parts.
    n : int
        Number of parts.
    """

    elsewhere = True

    def __init__(self, client: Any, bundles: list[Any], n: int) -> None:
        self.client, self.bundles, self.n = client, bundles, n

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
            from distributed import default_client, wait
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
        sizes = client.gather([client.submit(len, rows) for rows in frames])
        full = [rows for rows, n in zip(frames, sizes, strict=True) if n]
        if not full:
            raise InvalidInputError("rows in partitions must have at least 1 row, got 0")
        converted = dask.config.get("dataframe.convert-string", None) is not False
        parts = [client.submit(_part, number, rows, converted) for number, rows in enumerate(full)]
        wait(parts)  # where they lie is known then
        held = client.who_has(parts)
        groups = shared_out([held[part.key] for part in parts], client.nthreads())
        bundles = [client.submit(_bundle, [parts[i] for i in group], pure=False) for group in groups]
        return cls(client, bundles, len(parts))

    def ask(self, function: Callable[..., Any], *arguments: Any, reduce: Callable[[Any, Any], Any]) -> Any:
        """``function(part, *arguments)`` of every part, reduced on the workers to one value."""
        answers = self._tasks(_asked, (function, arguments, reduce))
        while len(answers) > 1:
            groups = [answers[i : i + FAN] for i in range(0, len(answers), FAN)]
            answers = [self.client.submit(_joined, reduce, group, pure=False) for group in groups]
        return answers[0].result()

    def step(self, function: Callable[..., Any], *arguments: Any) -> DaskPartitions:
        """New partitions, ``function(part, *arguments)`` of each, on the workers."""
        return DaskPartitions(self.client, self._tasks(_stepped, (function, arguments)), self.n)

    def _tasks(self, task: Callable[..., Any], question: tuple[Any, ...]) -> list[Any]:
        import cloudpickle

        # as bytes, so that a worker that cannot load them says so: dask itself would lose the worker and try for ever
        shared: Any = cloudpickle.dumps(question)
        if len(shared) > INLINE_BYTES:
            shared = self.client.submit(bytes, shared, pure=False)
        return [self.client.submit(task, shared, bundle, pure=False) for bundle in self.bundles]

    def __len__(self) -> int:
        """Number of parts."""
        return self.n


def shared_out(holders: Sequence[Sequence[str]], threads: Mapping[str, int]) -> list[list[int]]:
    """Which parts each thread of the workers passes: what its worker holds, and never many more than the others.

    Parameters
    ----------
    holders : sequence
        Of each part the workers that hold it.
    threads : mapping
        Number of threads of each worker.

    Returns
    -------
    list of lists of int
        Numbers of parts; no list is empty.

    Examples
    --------
    >>> shared_out([["a"], ["a"], ["a"], ["b"]], {"a": 1, "b": 1})
    [[0, 1], [2, 3]]
    """
    if not threads:  # all are lost for the moment
        return [list(range(len(holders)))]
    room = {worker: -(-len(holders) * n // sum(threads.values())) for worker, n in threads.items()}
    held: dict[str, list[int]] = {worker: [] for worker in threads}
    homeless = []
    for number, workers in enumerate(holders):
        worker = max(workers, key=lambda w: room.get(w, 0), default=None)
        if worker is None or room.get(worker, 0) == 0:
            homeless.append(number)
        else:
            held[worker].append(number)
            room[worker] -= 1
    for number in homeless:
        worker = max(room, key=lambda w: room[w])
        held[worker].append(number)
        room[worker] -= 1
    lists = [sorted(numbers)[i :: threads[worker]] for worker, numbers in held.items() for i in range(threads[worker])]
    return [numbers for numbers in lists if numbers]


@lru_cache(maxsize=4)
def _loaded(shared: bytes) -> tuple[Any, ...]:
    """What all tasks of a round share, made once for all bundles of a worker."""
    try:
        return pickle.loads(shared)  # what the user's own client sent to the user's own worker
    except Exception as error:  # a class may fail in any way while it is made again
        raise InvalidInputError(
            f"a worker could not load what it was sent: {type(error).__name__}: {error}; install that module on the "
            "workers, or define the teacher in the script itself"
        ) from error


def _bundle(parts: list[FramePart]) -> tuple[FramePart, ...]:
    return tuple(parts)


def _asked(shared: bytes, bundle: tuple[Any, ...]) -> Any:
    """Answers of the parts of a bundle, one after the other, so that one answer at a time waits to be joined."""
    function, arguments, reduce = _loaded(shared)
    value = function(bundle[0], *arguments)
    for part in bundle[1:]:
        value = reduce(value, function(part, *arguments))
    return value


def _stepped(shared: bytes, bundle: tuple[Any, ...]) -> tuple[Any, ...]:
    function, arguments = _loaded(shared)
    return tuple(function(part, *arguments) for part in bundle)


def _joined(reduce: Callable[[Any, Any], Any], answers: list[Any]) -> Any:
    value = answers[0]
    for answer in answers[1:]:
        value = reduce(value, answer)
    return value


def _part(number: int, rows: pd.DataFrame, converted: bool) -> FramePart:
    """A partition as pandas itself would have read it: dask makes every column of text one of Arrow's."""
    frame = as_frame(rows)
    text = [name for name in frame.columns if converted and str(frame[name].dtype) == "string"]
    if int(pd.__version__.partition(".")[0]) >= 3:
        return FramePart(number, frame.astype(dict.fromkeys(text, "str")) if text else frame)
    plain = {name: pd.Series(frame[name].to_numpy(dtype=object, na_value=None), frame.index) for name in text}
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
