"""All frames of an audit, module by module: each has ``FRAMES``, the names of its frames, and ``measure``.

``measure(inputs, options, rng, frames)`` returns these frames; ``frames`` are those of the modules before it. A module
may also have ``notes(frames)``, sentences that a reader must know, and ``COLUMNS``, for frames without the canonical
columns which they have. A new measure is a new file of this folder: it is found and measured after the others.

A frame that fails never ends an audit: it is empty with its columns, and a line of the frame ``failures`` says why. A
module whose parts may fail one by one returns an error in the place of a frame, or an ``Incomplete`` one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from explaindistill import plugins
from explaindistill.asking.progress import enter
from explaindistill.auditing.failures import Failures
from explaindistill.auditing.frames import (
    cells,
    comparison,
    corpus,
    dependence,
    dependent_rows,
    deployment,
    edits,
    ensemble,
    fidelity,
    groups,
    importance,
    mistakes,
    performance,
    profile,
    recommendation,
    rule_fidelity,
    scores,
    stability,
    students,
    teacher,
    thresholds,
    worst_case,
)
from explaindistill.auditing.frames._lines import Incomplete, Measured, attempt
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.auditing.stages import words_of
from explaindistill.data.rows_sent import asking_for
from explaindistill.measures.interval_assumptions import without_intervals
from explaindistill.measures.suppression import suppress
from explaindistill.measures.table import frame

__all__ = ["frame_names", "measure_all", "notes", "suppressed"]

# Written, and not by name: groups read importance, a rule set looks for its tables among all the others, notes are told
# in this order, and the random stream runs through it.
ORDER = (
    corpus, comparison, importance, fidelity, teacher, groups, mistakes, performance, stability, students, cells,
    deployment, ensemble, profile, dependent_rows, dependence, scores, recommendation,
    rule_fidelity, thresholds, worst_case, edits,
)  # fmt: skip


UNWEIGHTED = ("answer_pairs", "cells", "interactions", "missing_inputs", "profile", "proxies", "teachers")
"""Frames that count every row alike."""
INDEPENDENT = (*UNWEIGHTED, "attribution_cells", "attribution_gaps", "importance_comparison", "score_shares")
"""Frames whose intervals suppose independent rows."""
CLUSTERED_IMPORTANCE = "permutation"  # the one metric of the frame of importances that knows clusters


def modules() -> list[Any]:
    """The modules that measure, in their order; those of plug-ins last, by name."""
    written = {module.__name__.rpartition(".")[2] for module in ORDER} | {"every"}
    further = [name for name in plugins.names("auditing.frames") if name not in written]
    return [*ORDER, *(plugins.load("auditing.frames", name) for name in further)]


def frame_names() -> tuple[str, ...]:
    """Names of all frames that are measured.

    Examples
    --------
    >>> "fidelity" in frame_names(), "verdicts" in frame_names()
    (True, False)
    """
    return tuple(name for module in modules() for name in module.FRAMES)


def empty(module: Any, name: str) -> pd.DataFrame:
    """The frame without lines."""
    columns = getattr(module, "COLUMNS", {}).get(name)
    return frame([]) if columns is None else pd.DataFrame(columns=pd.Index(columns))


def measure_all(
    inputs: AuditInput, options: AuditOptions, failures: Failures, without: frozenset[str] = frozenset()
) -> dict[str, pd.DataFrame]:
    """All frames of an audit but the verdicts, and those of modules that are left out.

    See :class:`explaindistill.auditing.record.Audit`.
    """
    rng = np.random.default_rng(options.random_state)
    frames: dict[str, pd.DataFrame] = {}
    for module in modules():
        if _called(module) in without:
            continue
        enter(words_of(_called(module)))
        with asking_for(f"audit: {_called(module)}"):
            measured = attempt(module.FRAMES, partial(module.measure, inputs, options, rng, frames))
        frames |= _dependent(inputs, _taken_down(module, measured, failures))
    return frames


def _dependent(inputs: AuditInput, frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Frames that say which of their intervals do not hold of clustered, or of weighted, rows."""
    clusters, weight = inputs.rows.clusters, inputs.rows.weight
    uneven = weight is not None and not np.allclose(weight[weight > 0], weight[weight > 0][:1])
    out = dict(frames)
    for name, table in frames.items():
        if clusters is not None and name in INDEPENDENT:
            out[name] = without_intervals(table, "clusters")
        elif uneven and name in UNWEIGHTED:
            out[name] = without_intervals(table, "weights")
        elif clusters is not None and name == "importance":
            free = table["metric"] != CLUSTERED_IMPORTANCE
            out[name] = pd.concat([table[~free], without_intervals(table[free], "clusters")]).loc[table.index]
    return out


def _taken_down(module: Any, measured: Measured, failures: Failures) -> dict[str, pd.DataFrame]:
    """The frames of one module; an error leaves its frame, or its part of it, empty."""
    frames: dict[str, pd.DataFrame] = {}
    for name, value in measured.items():
        if isinstance(value, Exception):
            failures.add(_called(module), [name], value)
            frames[name] = empty(module, name)
        elif isinstance(value, Incomplete):
            for frame_name, error in value.errors.items():
                failures.add(_called(module), [name], error, frame_name)
            frames[name] = value.table
        else:
            frames[name] = value
    return frames


def _called(module: Any) -> str:
    return str(module.__name__.rpartition(".")[2])


def suppressed(
    frames: Mapping[str, pd.DataFrame], attributes: pd.DataFrame, minimum: int, failures: Failures
) -> dict[str, pd.DataFrame]:
    """Frames without the figures of few people; one in which these cannot be found is not shown at all."""
    whole = attempt(frames, lambda: suppress(frames, attributes, minimum))
    if not any(isinstance(table, Exception) for table in whole.values()):
        return {name: table for name, table in whole.items() if isinstance(table, pd.DataFrame)}
    shown: dict[str, pd.DataFrame] = {}
    # the rates tell what must go from other frames, too
    rates = {name: frames[name] for name in ("rates",) if name in frames}
    failed = any(
        isinstance(v, Exception) for v in attempt(rates, lambda: suppress(rates, attributes, minimum)).values()
    )
    beside = {} if failed else rates
    for name, table in frames.items():
        one = attempt([name], partial(suppress, {**beside, name: table}, attributes, minimum))[name]
        if isinstance(one, Exception):
            failures.add("suppression", [name], one)
        shown[name] = table.iloc[:0] if isinstance(one, Exception) else one
    return shown


def notes(frames: Mapping[str, pd.DataFrame], failures: Failures) -> list[str]:
    """What must be said about the frames; what failed stands first."""
    sentences: list[str] = []
    for module in modules():
        if hasattr(module, "notes"):
            try:
                sentences += module.notes(frames)
            except MemoryError:
                raise
            except Exception as error:  # the frames stand, only their summary is missing
                failures.add(_called(module), [f"notes on {_called(module)}"], error)
    return [*failures.notes(), *sentences]
