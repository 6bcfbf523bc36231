"""Streams that cannot write a character get plain ones, and streams that nobody reads end a command in silence."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["let_go", "open_streams"]

PLAIN = {
    "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=", "−": "-", "–": "-", "—": "-", "×": "x", "·": ".", "…": "...",
    "±": "+/-", "“": '"', "”": '"', "‘": "'", "’": "'", "²": "^2", "│": "|", "─": "-", "━": "=", "█": "#", "•": "*",
    "✓": "yes", "✗": "no", "\u00a0": " ", "\u202f": " ",
}  # fmt: skip
"""What our own sentences and tables may hold beyond ASCII, in letters that every stream can write."""
HANDLER = "explaindistill.plain"


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Plain letters for our own signs; for those of users' names the escape, which can be read back."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    gone = error.object[error.start : error.end]
    return "".join(PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in gone), error.end


def open_streams() -> None:
    r"""Make output and error stream write something for every character, whatever their encoding.

    Redirected into a file, Python's streams follow the system's code page, which holds no arrow and no ``≤``: a command
    of minutes would end in a traceback at its last line. A stream that was closed before the start becomes one that
    swallows all.

    Examples
    --------
    >>> open_streams()
    >>> "a ≤ 3 → 漢".encode("ascii", HANDLER).decode()
    'a <= 3 -> \\u6f22'
    """
    codecs.register_error(HANDLER, _plain)
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is None:  # closed by the shell before the start, as by >&-
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif getattr(stream, "errors", "strict") == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=HANDLER)


def let_go() -> None:
    """Nobody reads the output any more: write the rest nowhere, so that the end of the process says nothing of it.

    Examples
    --------
    >>> let_go()  # doctest: +SKIP
    """
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
