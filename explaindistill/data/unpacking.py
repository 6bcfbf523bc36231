"""How much a packed table may unpack to: a small file must not fill the memory of who opens it."""

from __future__ import annotations

import zlib
from pathlib import Path

from explaindistill.errors import InvalidInputError

__all__ = ["check_gzip", "check_unpacked"]

FREE_BYTES = 2**28
"""256 MiB: what may come of any file, however small; a table of so many bytes fits into every laptop."""
MOST_TIMES = 100
"""Tables pack to a third up to a fiftieth of their size, columns of few values to less; deflate reaches a thousandth,
and a file that does so holds one byte over and over."""
CHUNK_BYTES = 2**20
"""Read and unpacked at a time, so that looking costs no memory."""


def check_unpacked(path: Path, size: int) -> None:
    """Refuse a file that unpacks to ``size`` bytes where that is more than 256 MiB and than 100 times the file.

    Raises
    ------
    InvalidInputError

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
    ...     check_unpacked(Path(file.name), 10**6)
    ...     try:
    ...         check_unpacked(Path(file.name), 10**12)
    ...     except InvalidInputError as error:
    ...         "must unpack to at most 268435456 bytes" in str(error)
    True
    """
    most = _most(path)
    if size > most:
        raise InvalidInputError(
            f"{path.name} must unpack to at most {most} bytes (256 MiB, or {MOST_TIMES} times the file), got {size} or "
            "more; if it is sound, unpack it and give the unpacked file"
        )


def check_gzip(path: Path) -> None:
    """The same of a gzip file, which says nothing of its size: it is unpacked chunk by chunk, and nothing is kept.

    Damage is left to the reader that follows.

    Raises
    ------
    InvalidInputError

    Examples
    --------
    >>> import gzip, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     small = Path(folder) / "a.csv.gz"
    ...     _ = small.write_bytes(gzip.compress(b"a,b" + bytes(10**6)))
    ...     check_gzip(small)
    """
    most, size = _most(path), 0
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)  # 16: a gzip header
    with path.open("rb") as file:
        waiting = file.read(CHUNK_BYTES)
        while waiting and size <= most:
            try:
                size += len(unpacker.decompress(waiting, CHUNK_BYTES))
            except zlib.error:
                return
            waiting = unpacker.unconsumed_tail
            if unpacker.eof:  # a gzip file may be several, one after the other
                waiting, unpacker = unpacker.unused_data, zlib.decompressobj(zlib.MAX_WBITS | 16)
            waiting = waiting or file.read(CHUNK_BYTES)
    check_unpacked(path, size)


def _most(path: Path) -> int:
    return max(FREE_BYTES, MOST_TIMES * path.stat().st_size)
