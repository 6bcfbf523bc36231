"""Changed copies of a fitted student, and the roundings that its numbers survive."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIGITS", "Step", "changed", "on_grid", "significant", "simplex", "simplex_on_grid"]

Array = NDArray[np.float64]
Step = tuple[str, Any]
"""What was done, in words, and the smaller copy."""
DIGITS = (6, 4, 3, 2)
"""Digits that are tried: six change nothing that a person sees; with one a number might move by a third of its size."""


def changed(student: Any, **attributes: Any) -> Any:
    """Copy of a student with other fitted attributes; all else is shared with the original.

    Examples
    --------
    >>> from explaindistill.students.linear import LinearRegressor
    >>> line = LinearRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> changed(line, penalty_=7.0).penalty_, line.penalty_ == 7.0
    (7.0, False)
    """
    out = copy.copy(student)
    for name, value in attributes.items():
        setattr(out, name, value)
    return out


def significant(values: Array, digits: int) -> Array:
    """Round to significant digits.

    Examples
    --------
    >>> significant(np.array([1234.5, 0.0012345]), 2).tolist()
    [1200.0, 0.0012]
    """
    return np.array([float(f"{v:.{digits}g}") for v in values.ravel()]).reshape(values.shape)


def on_grid(values: Array, bits: int) -> Array:
    """Nearest of ``2**bits`` evenly spaced levels between the least and the largest value.

    ``v_i -> low + u rint((v_i - low) / u)`` with the unit ``u = (high - low) / (2**bits - 1)``: that many steps lead
    from the least to the largest value.

    Examples
    --------
    >>> on_grid(np.array([0.0, 0.34, 1.0]), 2).round(3).tolist()
    [0.0, 0.333, 1.0]
    """
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if high <= low:
        return values.copy()
    unit = (high - low) / (2**bits - 1)
    return np.asarray(low + np.rint((values - low) / unit) * unit)


def simplex(P: Array, decimals: int) -> Array:
    """Round probabilities ``(n, k)``; the largest of a row takes up the rest, so that the row still sums to 1.

    Examples
    --------
    >>> simplex(np.array([[0.126, 0.126, 0.748]]), 2).tolist()
    [[0.13, 0.13, 0.74]]
    """
    out = np.round(P, decimals)
    top = P.argmax(axis=1)
    rows = np.arange(len(P))
    out[rows, top] = 0.0
    out[rows, top] = np.round(1.0 - out.sum(axis=1), decimals)
    return out


def simplex_on_grid(P: Array, bits: int) -> Array:
    """Probabilities ``(n, k)`` as whole multiples of ``1 / (2**bits - 1)`` that sum to 1.

    Examples
    --------
    >>> (simplex_on_grid(np.array([[0.3, 0.7]]), 2) * 3).tolist()
    [[1.0, 2.0]]
    """
    unit = 1.0 / (2**bits - 1)
    levels = np.rint(P / unit)
    rows, top = np.arange(len(P)), P.argmax(axis=1)
    levels[rows, top] += np.rint(1 / unit) - levels.sum(axis=1)
    return np.asarray(levels * unit)
