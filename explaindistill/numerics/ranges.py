"""Check a parameter against its range, in one sentence for all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from explaindistill.errors import InvalidInputError

__all__ = ["LARGEST_WHOLE", "is_number", "number_in", "one_of", "seed_in", "whole_in"]

LARGEST_WHOLE = 10**9
"""No count of leaves, rules, knots or rows needs more, and sums of a few of these stay in 64 bits."""


def whole_in(
    name: str, value: Any, least: int, most: int = LARGEST_WHOLE, others: tuple[Any, ...] = (), why: str = ""
) -> None:
    """Refuse what is neither a whole number from ``least`` to ``most`` nor one of the ``others``.

    Parameters
    ----------
    name : str
        Of the parameter, as the caller knows it.
    value : Any
    least, most : int
    others : tuple of None or str
        Further values that are allowed.
    why : str, optional
        What a reader should know, after the value.

    Raises
    ------
    InvalidInputError
        Names the parameter, the range and the value.

    Examples
    --------
    >>> whole_in("max_terms", 3, 1)
    >>> whole_in("max_terms", None, 1, others=(None,))
    >>> whole_in("max_terms", 0.5, 1, others=(None, "auto"))
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: max_terms must be a whole number of at least 1, None or 'auto', got 0.5
    >>> whole_in("max_bins", 300, 2, 254)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: max_bins must be a whole number between 2 and 254, got 300
    """
    if _is_other(value, others):
        return
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        high = most < LARGEST_WHOLE or (whole and value > most)
        span = f"between {least:,} and {most:,}" if high else f"of at least {least}"
        _refuse(name, f"a whole number {span}", value, others, why)


def number_in(
    name: str,
    value: Any,
    low: float,
    high: float = math.inf,
    others: tuple[Any, ...] = (),
    strict: bool = False,
    why: str = "",
) -> None:
    """Refuse what is neither a finite number from ``low`` to ``high`` nor one of the ``others``.

    Parameters
    ----------
    name : str
    value : Any
    low, high : float
        Both ends are allowed, but for those of ``strict``.
    others : tuple of None or str
    strict : bool
        Whether the ends themselves are refused.
    why : str, optional

    Raises
    ------
    InvalidInputError
        Names the parameter, the range and the value.

    Examples
    --------
    >>> number_in("tolerance", 0.0, 0)
    >>> number_in("l1_ratio", 1.5, 0, 1)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: l1_ratio must be a number between 0 and 1, got 1.5
    >>> number_in("shrinkage", float("nan"), 0, strict=True)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: shrinkage must be a finite number above 0, got nan
    """
    if _is_other(value, others):
        return
    inside = is_number(value) and (low < value < high if strict else low <= value <= high)
    if not inside:
        if high < math.inf:
            span = f"a number {'strictly ' if strict else ''}between {low:g} and {high:g}"
        else:
            span = f"a finite number {'above' if strict else 'of at least'} {low:g}"
        _refuse(name, span, value, others, why)


def is_number(value: Any) -> bool:
    """Whether it is a finite number of Python or numpy that a float can hold; True and False are none.

    Examples
    --------
    >>> is_number(3), is_number(np.float32(0.5)), is_number(True), is_number("3"), is_number(float("inf"))
    (True, True, False, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def one_of(name: str, value: Any, allowed: Iterable[Any]) -> None:
    """Refuse what is none of the words that are allowed.

    Examples
    --------
    >>> one_of("search", "deep", ("greedy", "lookahead"))
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: search must be one of 'greedy', 'lookahead', got 'deep'
    """
    words = tuple(allowed)
    if not _is_other(value, words):
        raise InvalidInputError(f"{name} must be one of {', '.join(map(repr, words))}, got {_shown(value)}")


def seed_in(name: str, value: Any) -> None:
    """Refuse what is no seed: None, a whole number from 0 to 2**32 - 1, or a generator of ``numpy.random``.

    Examples
    --------
    >>> seed_in("random_state", -1)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: random_state must be None, a whole number between 0 and 4294967295 or ...
    """
    if value is None or isinstance(value, np.random.RandomState) or value is np.random:
        return
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not 0 <= value < 2**32:
        raise InvalidInputError(
            f"{name} must be None, a whole number between 0 and {2**32 - 1} or a numpy RandomState, got {_shown(value)}"
        )


def _is_other(value: Any, others: tuple[Any, ...]) -> bool:
    """Compare by class, too: 0 equals False, and an array equals nothing in one word."""
    return any(type(value) is type(other) and value == other for other in others)


def _refuse(name: str, span: str, value: Any, others: tuple[Any, ...], why: str) -> None:
    words = ", ".join([span, *map(repr, others[:-1])]) + (f" or {others[-1]!r}" if others else "")
    raise InvalidInputError(f"{name} must be {words}, got {_shown(value)}{why and '; ' + why}")


def _shown(value: Any) -> str:
    """A value in one short line."""
    words = " ".join(repr(value).split())
    return words if len(words) <= 60 else words[:59] + "…"
