"""What holds objects in no order, once only, or with some of their values masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from explaindistill.errors import InvalidInputError, InvalidTypeError

__all__ = ["check_order", "check_unmasked", "way_out_of"]


def check_order(X: Any, nouns: str) -> None:
    """Refuse what is no list of objects: a mapping, a set, a sparse matrix, a number, nothing.

    Parameters
    ----------
    X : object
    nouns : str
        What the objects are called, in the plural.

    Raises
    ------
    InvalidTypeError

    Examples
    --------
    >>> check_order({"a.wav": [0.1, 0.2]}, "sounds")
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidTypeError: X must be sounds in an order, got a dict; give list(X.values())
    """
    if isinstance(X, Mapping):
        way_out = "list(X.values())"
    elif isinstance(X, AbstractSet):
        way_out = "a list"
    elif hasattr(X, "toarray"):
        way_out = "X.toarray(), or what the numbers were made of"
    elif not hasattr(X, "__iter__"):
        way_out = "a list of them"
    else:
        return
    raise InvalidTypeError(f"X must be {nouns} in an order, got a {type(X).__name__}; give {way_out}")


def check_unmasked(value: Any, noun: str, i: int) -> None:
    """Refuse an array with masked values, which a plain array would bring back without a word.

    Examples
    --------
    >>> check_unmasked(np.ma.masked_less([1.0, -9.0], 0.0), "sound", 3)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: sound 3 has 1 masked value; fill it, as with .filled(0), or leave ...
    """
    n = int(np.ma.getmaskarray(value).sum()) if isinstance(value, np.ma.MaskedArray) else 0
    if n:
        raise InvalidInputError(
            f"{noun} {i} has {n:,} masked value{'s' * (n > 1)}; fill it, as with .filled(0), or leave the {noun} out"
        )


def way_out_of(value: Any) -> str:
    """What to do about an object that is no array of numbers, where that can be told from what it is; else empty."""
    if value is None:
        return "; leave the row out"
    if isinstance(value, Iterator):
        return "; give list(…) of it"
    if isinstance(value, np.ndarray) and value.dtype == object:
        return "; its numbers are Python objects: give np.array(value.tolist())"
    return ""
