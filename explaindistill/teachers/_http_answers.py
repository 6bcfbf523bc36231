"""Answers of an endpoint as they come over the wire: read with bounds, unpacked with bounds, or asked for again."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, as_completed
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from explaindistill.errors import TeacherError

if TYPE_CHECKING:
    import httpx

__all__ = ["TryAgainError", "arriving", "read_answer", "retry_after"]


class TryAgainError(Exception):
    """A question failed in a way that asking again may mend."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait, given in seconds or as a date."""
    header = response.headers.get("Retry-After", "")
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass  # then it is a date, or nothing
    try:
        return max((parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None


def read_answer(response: httpx.Response, until: float, most: int) -> bytes:
    """Whole answer, unpacked with a bound; one that drips in, never ends, or unpacks to too much is given up."""
    packing = response.headers.get("Content-Encoding", "").strip().lower()
    if packing not in ("", "identity", "gzip"):
        raise TeacherError(f"the answer is packed as {packing[:40]!r}, where gzip was asked for")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if packing == "gzip" else None  # 16: a gzip header
    chunks, size = [], 0
    for raw in response.iter_raw():
        try:
            chunk = raw if unpacker is None else unpacker.decompress(raw, most + 1 - size)
        except zlib.error as error:
            raise TryAgainError("the answer is no whole gzip stream") from error
        chunks.append(chunk)
        size += len(chunk)
        if time.monotonic() > until:
            raise TryAgainError("the answer came too slowly")
        if size > most:
            raise TryAgainError(f"the answer is longer than {most} bytes")
    if unpacker is not None and not unpacker.eof:
        raise TryAgainError("the answer is no whole gzip stream")
    return b"".join(chunks)


def arriving(
    waiting: dict[Future[NDArray[Any] | None], slice], stop: threading.Event
) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Answers as they are done; the first failure is raised after what still arrived was handed out.

    So is an interruption (Ctrl-C) while nothing is there yet: ``stop`` is set, and answers to questions that are out,
    which were paid for, are still waited for. A second one ends that.
    """
    failure: BaseException | None = None
    rest, done_ones = dict(waiting), as_completed(waiting)
    while rest:
        try:
            done = next(done_ones)
        except KeyboardInterrupt as interruption:
            if isinstance(failure, KeyboardInterrupt):
                raise
            stop.set()
            failure, done_ones = interruption, as_completed(rest)
            continue
        place, error = rest.pop(done), done.exception()
        if error is not None:
            failure = failure or error
            continue
        answer = done.result()
        if answer is not None:
            yield place, answer
    if failure is not None:
        raise failure
