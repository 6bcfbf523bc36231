"""Compression: a smaller copy of a student, step by step, each step with its bytes and its loss of fidelity."""

from __future__ import annotations

import copy
import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.json_digits import fewer_digits
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.closeness import closeness
from explaindistill.protocols import Rows

__all__ = ["Compressed", "compress"]

Array = NDArray[np.float64]
Step = tuple[str, Any]
DIGITS = (6, 4, 3, 2)
"""Digits tried for a student that offers nothing itself: six change nothing that a person sees."""
SLACK = 1e-12
"""Rounding of a difference of two shares of rows."""


@dataclass(frozen=True)
class Compressed:
    """A smaller copy of the student and how it came about.

    Attributes
    ----------
    student : estimator
    steps : DataFrame
        One row per step taken, the first is the student as it was: ``step`` (words), ``bytes`` of the compact JSON,
        ``gzip_bytes`` of the same, ``fidelity`` on the rows given, ``loss`` of fidelity since the first.
    reached : bool
        Whether ``max_bytes`` was reached within ``max_loss``; True where no ``max_bytes`` was asked for.

    Examples
    --------
    >>> from explaindistill.students.tree import TreeClassifier
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 400)})
    >>> P = np.c_[1 - X["x"], X["x"]]
    >>> small = compress(TreeClassifier(max_leaf_nodes=8).fit(X, P), X, P, max_loss=0.0)
    >>> bool(small.steps["bytes"].is_monotonic_decreasing), small.student.complexity().n_leaves
    (True, 2)
    """

    student: Any
    steps: pd.DataFrame
    reached: bool


def compress(
    student: Any,
    X: Rows,
    P: ArrayLike,
    *,
    max_bytes: int | None = None,
    max_loss: float = 0.01,
    bits: int | None = None,
) -> Compressed:
    """Make a student smaller while it keeps its fidelity.

    At every step each possible change is tried: numbers with fewer digits, two leaves merged, the weakest term or the
    weakest feature dropped. The one that loses least fidelity per byte saved is taken. It ends when ``max_bytes`` is
    reached, when nothing is left to change, or before the loss would exceed ``max_loss``.

    Parameters
    ----------
    student : fitted student with ``to_dict`` and ``from_dict``
        It is not changed. A method ``smaller()``, which yields words and a smaller copy, says what it can lose: trees
        lose digits, leaves and features, linear and additive students digits and terms. Others lose digits.
    X : n rows that fidelity is measured on
    P : array of shape (n, k) or (n,)
        The teacher's answers, columns in the order of the student's ``classes_``.
    max_bytes : int, optional
        Bytes of the compact JSON; None goes as far as ``max_loss`` allows.
    max_loss : float, at least 0
        In agreement (0.01 is one point), or in R² for regression.
    bits : 8 or 4, optional
        Begin by putting numbers on grids of ``2**bits`` levels, for small machines: leaf values and coefficients, the
        values of each curve, the thresholds of each feature within its range. Students without a method
        ``on_value_grid(bits)`` stay as they are.

    Raises
    ------
    InvalidInputError
        For limits below 0 or another number of bits.

    Examples
    --------
    >>> from explaindistill.students.tree import TreeClassifier
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 500), "z": np.cos(np.arange(500))})
    >>> p = 1 / (1 + np.exp(-9 * (X["x"] - 0.5)))
    >>> student = TreeClassifier(max_leaf_nodes=8).fit(X, np.c_[1 - p, p])
    >>> small = compress(student, X, np.c_[1 - p, p], max_loss=0.0)
    >>> bool(small.steps["loss"].iloc[-1] <= 0), small.student.complexity().n_leaves
    (True, 2)
    """
    check_is_fitted(student)
    if max_loss < 0 or (max_bytes is not None and max_bytes < 0):
        raise InvalidInputError(f"max_loss and max_bytes must be at least 0, got {max_loss} and {max_bytes}")
    if bits not in (None, 4, 8):
        raise InvalidInputError(f"bits must be 8, 4 or None, got {bits}")
    reference = np.asarray(P, dtype=float)
    rows = [_row("as it was", student, X, reference)]
    start = rows[0]["fidelity"]
    if bits is not None and hasattr(student, "on_value_grid"):
        coarse = student.on_value_grid(bits)
        row = _row(f"values on a grid of {bits} bits", coarse, X, reference)
        if start - row["fidelity"] <= max_loss + SLACK:
            student = coarse
            rows.append(row)
    while max_bytes is None or rows[-1]["bytes"] > max_bytes:
        best = _best_step(student, X, reference, rows[-1], start - max_loss, keep_values=bits is not None)
        if best is None:
            break
        student, row = best
        rows.append(row)
    steps = pd.DataFrame(rows)
    steps["loss"] = start - steps["fidelity"]
    return Compressed(copy.deepcopy(student), steps, max_bytes is None or bool(rows[-1]["bytes"] <= max_bytes))


def _row(step: str, student: Any, X: Any, reference: Array) -> dict[str, Any]:
    text = json.dumps(student.to_dict(), separators=(",", ":"), ensure_ascii=False).encode()
    classification = hasattr(student, "classes_")
    answer = np.asarray(student.predict_proba(X) if classification else student.predict(X), dtype=float)
    fidelity = closeness(answer, reference.reshape(answer.shape), classification)
    if classification and (np.abs(answer.sum(axis=1) - 1.0) > 1e-9).any():
        fidelity = -math.inf  # rounded apart: no longer probabilities
    return {"step": step, "bytes": len(text), "gzip_bytes": len(gzip.compress(text, mtime=0)), "fidelity": fidelity}


def _best_step(
    student: Any, X: Any, reference: Array, now: dict[str, Any], least: float, keep_values: bool
) -> tuple[Any, dict[str, Any]] | None:
    """The allowed change that loses least fidelity per byte saved; ties go to the one that saves more."""
    best: tuple[tuple[float, float], Any, dict[str, Any]] | None = None
    for words, smaller in _changes(student, keep_values):
        row = _row(words, smaller, X, reference)
        saved = now["bytes"] - row["bytes"]
        if saved <= 0 or row["fidelity"] < least - SLACK:
            continue
        key = (max(now["fidelity"] - row["fidelity"], 0.0) / saved, -saved)
        if best is None or key < best[0]:
            best = (key, smaller, row)
    return None if best is None else best[1:]


def _changes(student: Any, keep_values: bool) -> Iterator[Step]:
    """What the student itself offers, or fewer digits for all numbers of its JSON form."""
    if hasattr(student, "smaller"):
        # only a student that puts values on a grid needs to be told that they lie there
        yield from student.smaller(keep_values=keep_values) if hasattr(student, "on_value_grid") else student.smaller()
        return
    form = student.to_dict()
    for digits in DIGITS:
        yield f"numbers with {digits} digits", type(student).from_dict(fewer_digits(form, digits))
