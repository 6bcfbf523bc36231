"""Fewer digits for the numbers of a JSON form, whatever it is a form of."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["fewer_digits"]

EXACT = ("parameters", "schema")
"""Parts of a form that are not rounded: what the user asked for, and the ranges and categories of the columns."""


def fewer_digits(form: Any, digits: int, exact: tuple[str, ...] = EXACT) -> Any:
    """The form with every number that is not whole rounded to significant digits.

    Whole numbers stay: fewer digits would make them no shorter, and they may be counts or codes.

    Parameters
    ----------
    form : dict, list, tuple or value
    digits : int, at least 1
    exact : tuple of str
        Keys whose values stay as they are, at any depth.

    Examples
    --------
    >>> fewer_digits({"value": [0.12345, 1234.0], "schema": {"maximum": 0.12345}}, 2)
    {'value': [0.12, 1234.0], 'schema': {'maximum': 0.12345}}
    """
    if isinstance(form, dict):
        return {k: v if k in exact else fewer_digits(v, digits, exact) for k, v in form.items()}
    if isinstance(form, list | tuple):
        return [fewer_digits(v, digits, exact) for v in form]
    if isinstance(form, float) and math.isfinite(form) and not form.is_integer():
        return float(f"{form:.{digits}g}")
    return form
