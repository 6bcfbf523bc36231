"""What counted for a student's answer about one object, summed by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

__all__ = ["Contributions"]


@dataclass(frozen=True)
class Contributions:
    """Contributions of columns to one output of a student, about one object.

    Attributes
    ----------
    answer : object
        The output that they sum to: of several the highest, which is the class answered; else the only one.
    total : float
        The output itself, base included: a logit, a probability or a value, as the student adds.
    by_column : Series
        By name of the column, the strongest first.
    reasons : dict of str to str
        What the student says of each column last, such as ``"duration = 0.4"``.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "row": 0, "term": ["(base)", "a", "b", "(base)", "a", "b"], "reason": "", "output": [0, 0, 0, 1, 1, 1],
    ...         "contribution": [0.0, 1.0, 0.5, 0.0, -1.0, -3.0],
    ...     }
    ... )
    >>> counted = Contributions.of(table)
    >>> int(counted.answer), counted.total, counted.by_column.to_dict()
    (0, 1.5, {'a': 1.0, 'b': 0.5})
    """

    answer: Any
    total: float
    by_column: pd.Series
    reasons: dict[str, str]

    @classmethod
    def of(cls, reasons: pd.DataFrame) -> Contributions:
        """Read all lines of ``explain(…, as_frame=True)`` about one object."""
        totals = reasons.groupby("output", sort=False)["contribution"].sum()
        answer = totals.idxmax()
        lines = reasons[(reasons["output"] == answer) & (reasons["term"] != "(base)")]
        by_column = lines.groupby("term", sort=False)["contribution"].sum()
        by_column = by_column.iloc[by_column.abs().to_numpy().argsort(kind="stable")[::-1]]
        words = dict(zip(lines["term"].astype(str), lines["reason"].astype(str), strict=True))
        return cls(answer, float(totals[answer]), by_column[by_column != 0], words)
