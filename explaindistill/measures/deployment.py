"""What it takes to run a model: bytes, arithmetic and, where asked for, time; and how much less a student takes."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.measures.table import frame, row

__all__ = ["Footprint", "deployment"]

RUNS = 21
"""Timed calls: an odd number has a middle one, and more would only make an audit longer."""


@dataclass(frozen=True)
class Footprint:
    """A model as it is shipped.

    Attributes
    ----------
    name : str
    content : bytes, optional
        All that has to be stored: weights, or the JSON form. None where that cannot be told.
    operations : float
        Comparisons, additions, multiplications and functions per prediction; NaN where they cannot be counted.
    reason : str
        Why something cannot be told.
    one, many : callables without arguments, optional
        Answer one row, and ``n_many`` rows, as the model is called here.
    n_many : int
    bare : callable without arguments, optional
        One answer of the network alone, without tables and preprocessing.

    Examples
    --------
    >>> tree = Footprint("tree", content=b"{}", operations=4.0, one=lambda: 1, many=lambda: [1] * 100, n_many=100)
    >>> unknown = Footprint("remote", reason="the endpoint does not say")
    >>> figures = deployment(unknown, [tree])
    >>> figures[figures["metric"] == "operations"][["subject", "estimate", "reason"]].values.tolist()
    [['remote', nan, 'the endpoint does not say'], ['tree', 4.0, '']]
    """

    name: str
    content: bytes | None = None
    operations: float = float("nan")
    reason: str = ""
    one: Callable[[], Any] | None = None
    many: Callable[[], Any] | None = None
    n_many: int = 0
    bare: Callable[[], Any] | None = None


def deployment(
    teacher: Footprint,
    students: Iterable[Footprint],
    *,
    runs: int = RUNS,
    clock: Callable[[], float] = time.perf_counter,
) -> pd.DataFrame:
    r"""One row per model and figure, then one per student and ratio :math:`\text{teacher} / \text{student}`.

    Parameters
    ----------
    teacher : Footprint
    students : Footprints
    runs : int, at least 1
        Calls that are timed, after one that is not; their median is shown.
    clock : callable
        Seconds; for tests.

    Returns
    -------
    DataFrame
        Canonical columns. ``metric`` is ``bytes``, ``gzip_bytes``, ``operations`` (an *energy proxy*, not energy:
        memory traffic is not in it), and, for models with ``one`` and ``many``, ``single_row_seconds`` and
        ``batch_row_seconds`` (per row of a batch) with the quartiles of the runs as ``low`` and ``high``; for models
        with ``bare``, ``bare_row_seconds``, which enters no ratio; then
        ``bytes_ratio``, ``gzip_bytes_ratio`` and so on, with the student as ``subject`` and ``reference`` "teacher".
        ``n`` is 1 for what is counted, the number of runs for what is timed.

    Examples
    --------
    >>> figures = deployment(Footprint("teacher", b"0123456789" * 90, 1000.0), [Footprint("tree", b"01", 5.0)])
    >>> figures[figures["metric"] == "operations_ratio"]["estimate"].tolist()
    [200.0]
    """
    of_teacher = _figures(teacher, runs, clock)
    lines = list(of_teacher.values())
    for student in students:
        figures = _figures(student, runs, clock)
        lines += figures.values()
        lines += [_ratio(of_teacher[m], figures[m]) for m in figures if m in of_teacher]
    return frame(lines)


def _figures(model: Footprint, runs: int, clock: Callable[[], float]) -> dict[str, dict[str, Any]]:
    """Lines of one model by metric; times only where it can be called."""
    size = (np.nan, np.nan)
    if model.content is not None:
        size = (float(len(model.content)), float(len(gzip.compress(model.content, mtime=0))))
    counted = {"bytes": size[0], "gzip_bytes": size[1], "operations": float(model.operations)}
    lines = {}
    for metric, value in counted.items():
        counts = not np.isnan(value)
        why = {} if counts else {"status": "undefined", "reason": model.reason or "cannot be told for this model"}
        lines[metric] = row(metric, value, np.nan, np.nan, subject=model.name, n=int(counts), method="counted", **why)
    timed = (
        ("single_row_seconds", model.one, 1),
        ("batch_row_seconds", model.many, model.n_many),
        ("bare_row_seconds", model.bare, 1),
    )
    for metric, ask, n in timed:
        if ask is not None:
            spent = _times(ask, runs, clock) / max(n, 1)
            low, middle, high = np.quantile(spent, (0.25, 0.5, 0.75))
            shared = {"subject": model.name, "n": runs, "method": "median and quartiles of runs"}
            lines[metric] = row(metric, middle, low, high, **shared)
    return lines


def _times(ask: Callable[[], Any], runs: int, clock: Callable[[], float]) -> Any:
    """Seconds of each run; one call before them is not timed, since it may load or compile something."""
    ask()
    spent = []
    for _ in range(runs):
        start = clock()
        ask()
        spent.append(clock() - start)
    return np.array(spent)


def _ratio(teacher: dict[str, Any], student: dict[str, Any]) -> dict[str, Any]:
    """How many times the student's figure goes into the teacher's."""
    over = teacher["estimate"] / student["estimate"] if student["estimate"] else np.nan
    why = {} if not np.isnan(over) else {"status": "undefined", "reason": _why(teacher, student)}
    shared = {"subject": student["subject"], "reference": "teacher", "n": min(teacher["n"], student["n"])}
    return row(f"{student['metric']}_ratio", over, np.nan, np.nan, **shared, method="teacher / student", **why)


def _why(teacher: dict[str, Any], student: dict[str, Any]) -> str:
    for side, line in (("teacher", teacher), ("student", student)):
        if "reason" in line:
            return f"{side}: {line['reason']}"
    return "the student's figure is 0"
