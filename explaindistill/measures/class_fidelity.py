"""Fidelity where classes are uneven: the mean over classes, the worst class, and what a constant answer would reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.measures._pair import Pair
from explaindistill.measures.table import row
from explaindistill.numerics.statistics.intervals import mean_of_intervals
from explaindistill.numerics.statistics.members import mean_of_members

__all__ = ["between_classes", "gain", "mean_of_classes"]

Line = dict[str, Any]
SHOWN = 30
"""Rows of a class from which it may be the one that is named; smaller ones widen the limits. A trade-off: at 30 rows
Wilson's interval of a rate of one half still reaches 17 points to either side."""


def mean_of_classes(lines: Sequence[Line]) -> tuple[float, float, float]:
    """Mean of shares of classes with its limits; of clustered rows classes share clusters.

    Parameters
    ----------
    lines : lines of shares, with ``member`` where rows are clustered

    Examples
    --------
    >>> a, b = ({"estimate": e, "low": e - 0.1, "high": e + 0.1} for e in (0.4, 0.6))
    >>> [round(x, 3) for x in mean_of_classes([a, b])]
    [0.5, 0.429, 0.571]
    """
    estimate, low, high = ([line[key] for line in lines] for key in ("estimate", "low", "high"))
    members = [line["member"] for line in lines if "member" in line]
    return mean_of_members(estimate, low, high, members) if members else mean_of_intervals(estimate, low, high)


def between_classes(
    pair: Pair, same: NDArray[np.bool_], decided: NDArray[np.int64], classes: Sequence[str]
) -> Iterator[Line]:
    """Agreement by class of the teacher, their mean, and the worst of them.

    The lowest share is chosen because it is low: each of K classes gets the level ``1 - (1 - level) / K``, so that all
    hold together, and the least of the true shares lies between the lowest low limit and the lowest high limit. Small
    classes are among these, and named only where they fail beyond all others.

    Parameters
    ----------
    same : bool array of shape (n,)
    decided : int array of shape (n,)
        Class that the teacher decides.
    classes : names, one per class

    Examples
    --------
    >>> pair = Pair.of(np.zeros(100), np.zeros(100), None, None, 0.95, "student")
    >>> decided = np.repeat([0, 1], 50)
    >>> same = np.r_[np.ones(50, dtype=bool), np.arange(50) < 40]
    >>> lines = list(between_classes(pair, same, decided, ["no", "yes"]))
    >>> [(line["metric"], line["estimate"]) for line in lines[2:]]
    [('agreement_macro', 0.9), ('agreement_worst_class', 0.8)]
    """
    empty = "the teacher never decided this class"
    by_class = pair.share("agreement", same, decided, [f"class={c}" for c in classes], empty)
    yield from by_class
    occurring = [line for line in by_class if line["n"]]
    macro = mean_of_classes(occurring)
    yield row("agreement_macro", *macro, n=len(pair), method="mover of wilson", **pair.names()) | pair.few()
    strict = replace(pair, level=1 - (1 - pair.level) / max(len(occurring), 1))
    together = [line for line in strict.share("agreement", same, decided, [str(c) for c in classes]) if line["n"]]
    large = [line for line in together if line["n"] >= SHOWN] or together
    worst = min(large, key=lambda line: line["estimate"])
    low, high = (float(np.min([line[end] for line in together])) for end in ("low", "high"))
    if worst["estimate"] > high:
        worst = min(together, key=lambda line: line["estimate"])
    words: Line = {key: worst[key] for key in ("n", "k", "n_effective", "status", "reason") if key in worst}
    yield row(
        "agreement_worst_class", worst["estimate"], low, high, method="wilson, all classes",
        group=f"class={worst['subset']}", **words, **pair.names(),
    )  # fmt: skip


def gain(pair: Pair, same: NDArray[np.bool_], common: NDArray[np.bool_]) -> Line:
    """Agreement minus that of the best constant answer, the teacher's commonest class; on the same rows.

    Unseen rows may move it by one point of agreement each way.

    Examples
    --------
    >>> same, common = np.arange(100) < 90, np.arange(100) < 60
    >>> pair = Pair.of(np.zeros(100), np.zeros(100), None, None, 0.95, "student")
    >>> round(gain(pair, same, common)["estimate"], 3)
    0.3
    """
    values = same.astype(float) - common
    return pair.bias("agreement_gain", values, (-1.0, 1.0))
