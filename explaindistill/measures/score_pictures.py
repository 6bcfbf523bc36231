"""What pictures of scores are painted from: counts of rows in cells, never rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.measures.groups import groupings
from explaindistill.measures.table import frame, shares
from explaindistill.numerics.explaining.cells import cell_of, round_edges
from explaindistill.numerics.statistics.tallies import tally

__all__ = ["PAIR", "answer_pairs", "decided_as", "roc_points", "score_shares"]

Floats = NDArray[np.float64]
CUTS = 25
"""Cells of scores at most: their ends are the cuts of a curve, more of which look the same in a picture."""
SHARES = 15
"""Cells of one group's scores at most."""
GRID = 20
"""Cells along each side of teacher and student: of probabilities each is 0.05 wide."""
PAIR = ("teacher_from", "teacher_to", "student_from", "student_to")


def roc_points(
    truth: ArrayLike,
    score: ArrayLike,
    *,
    minimum: int = 10,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """True and false positive rates at cuts between which at least ``minimum`` rows lie.

    Parameters
    ----------
    truth : bool array of shape (n,)
        Whether a row truly is of the favourable class.
    score : array of shape (n,)
        Higher is more favourable.
    minimum : int, at least 1
    sample_weight, clusters, level, subject
        As in the other measures.

    Returns
    -------
    DataFrame
        Canonical columns and ``threshold``: ``true_positive_rate`` (``k`` of the ``n`` favourable rows score at least
        the threshold) and ``false_positive_rate`` (of the others), Wilson's intervals; no line where either are fewer
        than ``minimum``.

    References
    ----------
    Fawcett (2006), doi:10.1016/j.patrec.2005.10.010.

    Examples
    --------
    >>> table = roc_points([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], minimum=1)
    >>> table[["metric", "threshold", "estimate"]].values.tolist()[:2]
    [['true_positive_rate', 0.1, 1.0], ['false_positive_rate', 0.1, 1.0]]
    """
    good, s = np.asarray(truth, dtype=bool), np.asarray(score, dtype=float)
    lines: list[dict[str, Any]] = []
    if min(good.sum(), (~good).sum()) >= minimum:
        for cut in round_edges(s, CUTS, minimum).tolist():
            for metric, members in (("true_positive_rate", good), ("false_positive_rate", ~good)):
                codes = np.where(members, 0, -1)
                counted = tally(s >= cut, codes, 1, sample_weight=sample_weight, clusters=clusters)
                lines += shares(metric, counted, [{"subject": subject, "threshold": cut}], level=level)
    return frame(lines, extra=["threshold"])


def score_shares(
    score: ArrayLike,
    attributes: pd.DataFrame,
    *,
    minimum: int = 10,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """How the scores of all rows, and of each group, are spread: shares of cells of about equally many rows.

    Parameters
    ----------
    score : array of shape (n,)
    attributes : DataFrame of n rows
        Sensitive columns.
    minimum : int, at least 1
        Rows in a cell; a group of no more than twice as many has no line.
    sample_weight, level, subject
        As in the other measures.

    Returns
    -------
    DataFrame
        Canonical columns, ``value_from`` and ``value_to``: ``score_share``, ``k`` of the group's ``n`` rows; the first
        and the last cell hold what lies beyond them as well. ``attribute`` and ``group`` are empty for all rows.

    Examples
    --------
    >>> who = pd.DataFrame({"sex": ["f", "m"] * 40})
    >>> table = score_shares(np.arange(80) / 80, who)
    >>> table.groupby("group")["k"].sum().to_dict()
    {'': 80.0, 'f': 40.0, 'm': 40.0}
    """
    s = np.asarray(score, dtype=float)
    members = [("", "", np.ones(len(s), dtype=bool))]
    for grouping in groupings(attributes, intersections=False):
        members += [(grouping.attribute, g, grouping.codes == i) for i, g in enumerate(grouping.names)]
    lines: list[dict[str, Any]] = []
    for attribute, group, inside in members:
        edges = round_edges(s[inside], SHARES, minimum)
        if len(edges) < 2:
            continue
        cell = np.where(inside, cell_of(s, edges), -2)
        for k in range(len(edges) - 1):
            counted = tally(cell == k, np.where(inside, 0, -1), 1, sample_weight=sample_weight)
            names = {"subject": subject, "attribute": attribute, "group": group}
            ends = {"value_from": float(edges[k]), "value_to": float(edges[k + 1])}
            lines += shares("score_share", counted, [names | ends], level=level)
    return frame(lines, extra=["value_from", "value_to"])


def answer_pairs(
    teacher: ArrayLike, student: ArrayLike, *, minimum: int = 10, bounded: bool = True, subject: str = "student"
) -> pd.DataFrame:
    """Counts of rows by what teacher and student answer, on a grid; cells of few rows are left out.

    Parameters
    ----------
    teacher, student : array of shape (n,)
    minimum : int, at least 1
    bounded : bool
        Whether answers lie between 0 and 1; else the grid reaches as far as ``minimum`` rows of either do.
    subject : str

    Returns
    -------
    DataFrame
        Canonical columns and those of :data:`PAIR`: ``rows_in_cell``, ``k`` of ``n`` rows.

    Examples
    --------
    >>> table = answer_pairs([0.12] * 30 + [0.99] * 2, [0.17] * 30 + [0.99] * 2)
    >>> table[["teacher_from", "student_from", "k"]].values.tolist()
    [[0.1, 0.15, 30.0]]
    """
    t, s = np.asarray(teacher, dtype=float), np.asarray(student, dtype=float)
    edges = np.arange(GRID + 1) / GRID
    if not bounded:
        both = round_edges(np.concatenate([t, s]), GRID, 2 * minimum)
        edges = np.linspace(both[0], both[-1], GRID + 1) if len(both) > 1 else np.empty(0)
    if len(edges) < 2:
        return frame([], extra=PAIR)
    cell = cell_of(t, edges) * GRID + cell_of(s, edges)
    count = np.bincount(cell, minlength=GRID * GRID)
    lines = []
    for at in np.flatnonzero(count >= max(minimum, 1)).tolist():
        i, j = divmod(at, GRID)
        ends = dict(zip(PAIR, (edges[i], edges[i + 1], edges[j], edges[j + 1]), strict=True))
        counted = tally(cell == at, np.zeros(len(cell), dtype=int), 1)
        lines += shares("rows_in_cell", counted, [{"subject": subject, **ends}], level=0.95)
    return frame(lines, extra=PAIR)


def decided_as(
    teacher: ArrayLike,
    student: ArrayLike,
    classes: Sequence[Any],
    *,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """What a student decides where its teacher decides each class: the rows of a confusion table.

    Parameters
    ----------
    teacher, student : array of shape (n,)
        Decisions.
    classes : sequence of the classes
    sample_weight, clusters, level, subject
        As in the other measures.

    Returns
    -------
    DataFrame
        Canonical columns and ``decision`` (the student's): ``decided_as``, ``k`` of the ``n`` rows whose teacher's
        decision is named in ``subset`` (``class=…``).

    Examples
    --------
    >>> table = decided_as(["a", "a", "b"], ["a", "b", "b"], ["a", "b"])
    >>> table[["subset", "decision", "k", "n"]].values.tolist()
    [['class=a', 'a', 1.0, 2], ['class=a', 'b', 1.0, 2], ['class=b', 'a', 0.0, 1], ['class=b', 'b', 1.0, 1]]
    """
    t, s = np.asarray(teacher), np.asarray(student)
    lines: list[dict[str, Any]] = []
    for label in classes:
        codes = np.where(t == label, 0, -1)
        for decision in classes:
            counted = tally(s == decision, codes, 1, sample_weight=sample_weight, clusters=clusters)
            names = {"subject": subject, "subset": f"class={label}", "decision": str(decision)}
            lines += shares("decided_as", counted, [names], level=level)
    return frame(lines, extra=["decision"])
