"""Notes on what an audit was given: answers that run against the true labels, students that use sensitive columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.display_names import DisplayNames
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.favorable import without_favorable
from explaindistill.numerics.statistics.ranks import auc_and_interval

__all__ = ["nobody_said", "turned_around", "uses_sensitive"]

MISTAKEN = 0.001
"""Chance that a teacher whose columns say nothing of the labels gets the note, over all its classes. Small, since the
note questions everything that follows."""
FEWEST = 10
"""Rows with and without a label below which an interval of its AUC is not believed."""


def turned_around(
    P: NDArray[np.float64], y: NDArray[Any] | None, classes: NDArray[Any] | None, weight: NDArray[np.float64] | None
) -> tuple[str, ...]:
    """A note where people who have a class are given less of it than the others; nothing where none is.

    That an AUC is below one half does not show *why*: columns in another order than the classes, the probability of
    the other class, labels recorded the other way round, or a teacher that is worse than chance. None can be told from
    the others, so nothing is turned; but all figures that rest on true labels depend on it.

    Parameters
    ----------
    P : ndarray of shape (n, k)
    y : ndarray of shape (n,), optional
        True labels, missing ones allowed.
    classes : ndarray of shape (k,), optional
        None for values.
    weight : ndarray of shape (n,), optional

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(400)
    >>> y = np.where(rng.random(400) < p, "yes", "no")
    >>> turned_around(np.c_[1 - p, p], y, np.array(["no", "yes"]), None)
    ()
    >>> turned_around(np.c_[p, 1 - p], y, np.array(["no", "yes"]), None)[0][:68]
    "The teacher gives 'no' less often to those whose true label it is th"
    """
    if y is None or classes is None:
        return ()
    w = np.ones(len(P)) if weight is None else weight
    has_label = pd.notna(y) & (w > 0)
    areas: dict[int, tuple[float, float, float]] = {}
    for j in range(len(classes)):
        mine = np.asarray(y[has_label] == classes[j], dtype=bool)
        if min(mine.sum(), (~mine).sum()) >= FEWEST:
            areas[j] = auc_and_interval(P[has_label, j], mine, w[has_label], 1 - MISTAKEN / len(classes))
    below = {j: area for j, area in areas.items() if area[2] < 0.5}
    if not below:
        return ()
    j = min(below, key=lambda at: below[at][0])
    area, low, high = below[j]
    return (
        f"The teacher gives {str(classes[j])!r} less often to those whose true label it is than to the others (AUC "
        f"{area:.2f}, {low:.2f} to {high:.2f}). Are its columns in the order {', '.join(map(str, classes))}, and is "
        "its answer the probability that was said? Nothing was turned round.",
    )


def uses_sensitive(students: Sequence[Any], attributes: pd.DataFrame, names: DisplayNames) -> list[str]:
    """A note on the students that give weight to sensitive columns, in one sentence; none where none does.

    Parameters
    ----------
    students : sequence of :class:`explaindistill.auditing.models.Model`
    attributes : DataFrame
        Sensitive columns.
    names : DisplayNames
        What the columns are called.
    """
    pieces = []
    for s in students:
        used = [names.column(c) for c in attributes.columns if c in s.features and c in _used(s)]
        if used:
            pieces.append(f"“{s.name}” ({', '.join(used)})")
    if not pieces:
        return []
    several = " and ".join(filter(None, (", ".join(pieces[:-1]), pieces[-1])))
    return [f"Sensitive columns are used by the {'student' if len(pieces) == 1 else 'students'} {several}."]


def _used(student: Any) -> set[str]:
    """Columns to which the student's own structure gives weight; all that it sees where it does not say."""
    if not hasattr(student.inner, "importance"):
        return set(student.features)
    table = student.inner.importance()
    return set(table.loc[table["estimate"] > 0, "feature"])


def nobody_said(rule: DecisionRule, attributes: pd.DataFrame) -> list[str]:
    """What stands in front where groups are to be compared and nobody said which decision people want.

    Examples
    --------
    >>> sex = pd.DataFrame({"sex": ["f", "m"]})
    >>> nobody_said(DecisionRule(["no", "yes"], "yes"), sex), len(nobody_said(DecisionRule(["no", "yes"]), sex))
    ([], 1)
    """
    compared = rule.classes is not None and attributes.shape[1] > 0
    return [without_favorable(rule.classes)] if compared and rule.favorable is None else []
