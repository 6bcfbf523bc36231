"""What a model answers about rows, as probabilities by class: units, and which column is which class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.errors import TeacherError

__all__ = ["check_chance", "named_columns", "probabilities"]

SUM_TOLERANCE = 1e-3
"""How far a row may be from summing to 1: half precision reaches this."""
EXACT_TOLERANCE = 1e-9
"""Rows nearer to 1 than this are passed on as they are."""
PER_CENT = 100.0
Floats = NDArray[np.float64]


def named_columns(raw: Any, classes: NDArray[Any], who: str) -> pd.DataFrame | None:
    """The columns of an answer that names its classes, in the order of ``classes``; None where it names none.

    A frame's columns count as names where they are not just numbered, a series' name where it is a class. Of two
    classes one column is enough; the other one is then not there.

    Raises
    ------
    TeacherError
        If only some of the columns are named after classes: which of the others is which would be a guess.

    Examples
    --------
    >>> frame = pd.DataFrame({"yes": [0.9], "no": [0.1]})
    >>> named_columns(frame, np.array(["no", "yes"]), "f").columns.tolist()
    ['no', 'yes']
    >>> named_columns(np.array([[0.9, 0.1]]), np.array(["no", "yes"]), "f") is None
    True
    """
    if isinstance(raw, pd.Series):
        raw = raw.to_frame()
    if not isinstance(raw, pd.DataFrame) or raw.columns.equals(pd.RangeIndex(raw.shape[1])):
        return None
    names, wanted = [str(c) for c in raw.columns], [str(c) for c in classes]
    present = [name for name in wanted if name in names]
    if not present:
        return None
    if len(names) != len(present) or (len(present) < len(wanted) and not (len(wanted) == 2 and len(names) == 1)):
        raise TeacherError(
            f"{who} answered columns {', '.join(names)}, and its classes are {', '.join(wanted)}; "
            "name all columns after the classes, or none of them"
        )
    return raw.iloc[:, [names.index(name) for name in present]].set_axis(present, axis=1)


def check_chance(chance: Floats, who: str, label: Any) -> None:
    """Refuse what is no probability of one class.

    Raises
    ------
    TeacherError
        With the value, and how to say what it is.

    Examples
    --------
    >>> check_chance(np.array([0.3, 62.5]), "f", "yes")
    Traceback (most recent call last):
        ...
    explaindistill.errors.TeacherError: f answered 62.5 as the probability of 'yes', which lies between 0 and 1; ...
    """
    beyond = (chance < -SUM_TOLERANCE) | (chance > 1.0 + SUM_TOLERANCE)
    if beyond.any():
        value = float(chance[np.argmax(np.where(beyond, np.abs(chance), -1.0))])
        raise TeacherError(
            f"{who} answered {value:.6g} as the probability of {str(label)!r}, which lies between 0 and 1; "
            "divide per cent by 100, say output='logits' if this is log-odds"
        )


def probabilities(P: Floats, who: str) -> Floats:
    """Rows that sum to 1, rounding mended.

    Parameters
    ----------
    P : ndarray of shape (n, k), finite
    who : str
        Whose answer it is, for the message.

    Raises
    ------
    TeacherError
        If a row is no distribution; the message says what it might be instead.

    Examples
    --------
    >>> probabilities(np.array([[30.0, 70.0]]), "f")
    Traceback (most recent call last):
        ...
    explaindistill.errors.TeacherError: f answered rows that are no probabilities: row 0 is [30.0, 70.0] and sums to ...
    """
    total = P.sum(axis=1)
    off = np.abs(total - 1.0)
    if (P < -SUM_TOLERANCE).any() or (P > 1.0 + SUM_TOLERANCE).any() or (off > SUM_TOLERANCE).any():
        row = int(np.argmax(np.maximum(off, np.abs(P - 0.5).max(axis=1) - 0.5)))
        is_per_cent = (P >= 0).all() and (np.abs(total - PER_CENT) <= PER_CENT * SUM_TOLERANCE).all()
        advice = (
            "divide per cent by 100"
            if is_per_cent
            else "say output='logits' if these are logits; several labels at once are not supported"
        )
        raise TeacherError(
            f"{who} answered rows that are no probabilities: row {row} is {P[row].round(6).tolist()} "
            f"and sums to {total[row]:.6g}; {advice}"
        )
    if (P < 0).any() or (off > EXACT_TOLERANCE).any():
        P = np.clip(P, 0.0, None)
        P = P / P.sum(axis=1, keepdims=True)
    return P
