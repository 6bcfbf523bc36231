"""Objects that are no cells of a table (texts, images, sounds), as a table can hold them without showing them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["RawObject", "is_raw", "raw_objects"]

DIGEST_BYTES = 16
"""As many as a row's key has, so that objects are told apart as rows are."""


class RawObject:
    """One object and the digest of its content; equal objects are equal cells.

    A table holds it as any other value: rows can be taken, joined, compared and keyed. It never says what the object
    is, so that nothing which prints a table prints a text or an image.

    Parameters
    ----------
    value : object
    content : bytes
        Equal objects have equal bytes.

    Examples
    --------
    >>> one, other = RawObject("a secret", b"a secret"), RawObject("a secret", b"a secret")
    >>> one == other, str(one), one.value
    (True, '(object)', 'a secret')
    """

    __slots__ = ("digest", "value")

    def __init__(self, value: Any, content: bytes) -> None:
        self.value = value
        self.digest = hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RawObject) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return "(object)"

    @property
    def words(self) -> tuple[np.uint64, np.uint64]:
        """Both halves of the digest, as keys of rows take them."""
        low, high = np.frombuffer(self.digest, dtype="<u8").astype(np.uint64)
        return low, high


def is_raw(series: pd.Series) -> bool:
    """Whether a column holds such objects, which it does in all its cells or in none.

    Examples
    --------
    >>> is_raw(pd.Series([RawObject("a", b"a")])), is_raw(pd.Series(["a"]))
    (True, False)
    """
    return series.dtype == object and len(series) > 0 and isinstance(series.iloc[0], RawObject)


def raw_objects(series: pd.Series) -> NDArray[np.object_]:
    """The objects themselves ``(n,)``.

    Examples
    --------
    >>> raw_objects(pd.Series([RawObject("a", b"a"), RawObject("b", b"b")])).tolist()
    ['a', 'b']
    """
    values = np.empty(len(series), dtype=object)
    for i, cell in enumerate(series):  # one by one, since numpy would take arrays of one shape for one larger array
        values[i] = cell.value
    return values
