"""Agreement, confusion and right decisions of rows that were counted where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.measures.class_fidelity import mean_of_classes
from explaindistill.measures.counted_pair import CountedPair
from explaindistill.measures.fidelity import NEAR_BOUNDARY, _agreements
from explaindistill.measures.table import frame, row, shares
from explaindistill.numerics.statistics.counted import Counted
from explaindistill.numerics.statistics.intervals import bonett_price

__all__ = [
    "counted_accuracies",
    "counted_agreements",
    "counted_decided_as",
    "counted_share_difference",
    "near_the_boundary",
]

Line = dict[str, Any]
Codes = NDArray[np.int64]
LEVEL = 0.95
OF_ALL = ("agreement_macro", "skill")
"""Metrics whose number of rows is that of the pair, which counts cells."""


def counted_agreements(pair: CountedPair, same: NDArray[np.bool_], decided: Codes, classes: Any) -> pd.DataFrame:
    """Lines on equal decisions that `explaindistill.measures.fidelity.fidelity` gives, from cells.

    Parameters
    ----------
    pair : CountedPair
    same : bool array of shape (m,)
    decided : int array of shape (m,)
        Position of the teacher's decision among the classes.
    classes : array of shape (k,)

    Examples
    --------
    >>> t, counted = np.eye(2), Counted.unweighted([90, 10])
    >>> pair = CountedPair.of_cells((t, np.eye(2)[[0, 0]]), counted, 0.95, "tree")
    >>> table = counted_agreements(pair, np.array([True, False]), np.array([0, 1]), np.array(["no", "yes"]))
    >>> table.loc[table["metric"] == "agreement", ["subset", "n", "estimate"]].values.tolist()
    [['', 100, 0.9], ['class=no', 90, 1.0], ['class=yes', 10, 0.0]]
    """
    if len(pair) == 0:
        return frame([])
    lines = _agreements(pair, same, decided, np.asarray(classes))
    return frame(line | ({"n": pair.n} if line["metric"] in OF_ALL else {}) for line in lines)


def near_the_boundary(pair: CountedPair, same: NDArray[np.bool_], near: NDArray[np.bool_]) -> list[Line]:
    """Agreement where the teacher is close to its boundary, as `explaindistill.measures.fidelity.fidelity` has it.

    Examples
    --------
    >>> pair = CountedPair.of_cells((np.eye(2), np.eye(2)), Counted.unweighted([90, 10]), 0.95, "tree")
    >>> near_the_boundary(pair, np.array([True, False]), np.array([False, True]))[0]["estimate"]
    0.0
    """
    name = f"near the boundary (margin < {NEAR_BOUNDARY:g})"
    empty = "the teacher is never this close to its boundary"
    return pair.share("agreement", same, np.where(near, 0, -1), [name], empty)


def counted_decided_as(
    teacher: Codes, student: Codes, counted: Counted, classes: Sequence[Any], subject: str
) -> pd.DataFrame:
    """What `explaindistill.measures.score_pictures.decided_as` gives of the rows, from positions of decisions in cells.

    Examples
    --------
    >>> table = counted_decided_as(np.array([0, 1]), np.array([0, 0]), Counted.unweighted([9, 2]), ["a", "b"], "tree")
    >>> table[["subset", "decision", "k", "n"]].values.tolist()
    [['class=a', 'a', 9.0, 9], ['class=a', 'b', 0.0, 9], ['class=b', 'a', 2.0, 2], ['class=b', 'b', 0.0, 2]]
    """
    lines: list[Line] = []
    for label, name in enumerate(classes):
        codes = np.where(teacher == label, 0, -1)
        for decision, what in enumerate(classes):
            names = {"subject": subject, "subset": f"class={name}", "decision": str(what)}
            lines += shares("decided_as", counted.tally(student == decision, codes, 1), [names], level=LEVEL)
    return frame(lines, extra=["decision"])


def counted_accuracies(truth: Codes, decided: Codes, counted: Counted, classes: Any, subject: str) -> pd.DataFrame:
    """Accuracy, balanced accuracy and recalls as `explaindistill.measures.performance.performance` gives them.

    Parameters
    ----------
    truth, decided : int arrays of shape (m,)
        Positions among the classes; -1 where the true label is missing.

    Examples
    --------
    >>> table = counted_accuracies(np.array([0, 1]), np.array([0, 0]), Counted.unweighted([9, 1]), ["a", "b"], "tree")
    >>> table[["metric", "subset", "estimate"]].values.tolist()[:2]
    [['accuracy', '', 0.9], ['balanced_accuracy', '', 0.5]]
    """
    right = truth == decided
    whole = counted.tally(right, np.where(truth < 0, -1, 0), 1)
    n = int(whole.n[0])
    if n == 0:
        return frame([row("accuracy", np.nan, np.nan, np.nan, n=0, method="wilson", subject=subject)])
    recalls = shares(
        "recall", counted.tally(right, truth, len(classes)), [{"subset": f"class={c}"} for c in classes], level=LEVEL,
        empty="no rows of this class",
    )  # fmt: skip
    mean = mean_of_classes([line for line in recalls if line["n"]])
    balanced = row("balanced_accuracy", *mean, n=n, method="mover of wilson")
    lines = [*shares("accuracy", whole, [{}], level=LEVEL), balanced, *recalls]
    return frame(line | {"subject": subject} for line in lines)


def counted_share_difference(
    metric: str, first: NDArray[np.bool_], second: NDArray[np.bool_], counted: Counted, **names: Any
) -> Line:
    """What `explaindistill.measures.paired_shares.paired_share_difference` gives of the rows, from cells.

    Examples
    --------
    >>> first, second = np.array([True, False, True]), np.array([False, True, True])
    >>> counted = Counted.unweighted([4, 14, 82])
    >>> line = counted_share_difference("accuracy_difference", first, second, counted)
    >>> [round(line[key], 3) for key in ("estimate", "low", "high")]
    [-0.1, -0.182, -0.014]
    """
    everyone = np.zeros(len(counted), dtype=np.int64)
    up, down = (counted.tally(x, everyone, 1) for x in (first & ~second, second & ~first))
    rows = float(min(up.n_effective[0], down.n_effective[0]))
    gap = float(up.share[0] - down.share[0])
    low, high = bonett_price(float(up.share[0]) * rows, float(down.share[0]) * rows, rows, LEVEL)
    return row(
        metric, gap, float(np.minimum(low, gap)), float(np.maximum(high, gap)), n=int(up.n[0]), n_effective=rows,
        k=float(up.k[0] + down.k[0]), method="bonett-price", **names,
    )  # fmt: skip
