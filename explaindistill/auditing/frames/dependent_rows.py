"""The frame ``dependent_rows``: whether rows look as if they belonged together; intervals suppose that they do not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.audit_rows import AuditRows
from explaindistill.auditing.frames._lines import stack
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.copies import copies
from explaindistill.measures.key_columns import key_columns
from explaindistill.measures.time_order import serial_correlation

__all__ = ["FRAMES", "measure"]

FRAMES = ("dependent_rows",)
EXTRA = ("feature", "expected", "verdict")
MOMENTS = re.compile(r"(?i)(.*[_ .-])?(date|datetime|timestamp|year)([_ .-]?\d+)?")
"""Names of columns of numbers or texts that say when; a "time" may be a duration, a month comes again."""


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Copies, columns that look like keys, and errors that are alike in time."""
    rows, clusters = _counted(inputs.rows), inputs.rows.clusters
    if inputs.rows.weight is not None and clusters is not None:
        clusters = clusters[inputs.rows.weight > 0]
    numbered = [f.name for f in inputs.rows.schema.features if f.id_like]
    unnumbered = rows.drop(columns=numbered)
    seen_by_models = rows[list(inputs.rows.frame.columns)]  # true labels and attributes are measured, and no keys
    tables = [copies(unnumbered, clusters=clusters), key_columns(seen_by_models, clusters=clusters)]
    table = stack([*tables, *_in_time(inputs, clusters)])
    return {"dependent_rows": table.reindex(columns=list(dict.fromkeys([*table.columns, *EXTRA])))}


def _counted(rows: AuditRows) -> pd.DataFrame:
    """All that is known of the rows that count: what models see, attributes that they do not, truth and strata."""
    columns = {c: _values(rows.frame[c]) for c in rows.frame.columns}
    columns |= {f"{c} (sensitive)": _values(rows.attributes[c]) for c in rows.attributes if c not in columns}
    columns |= {f"({name})": np.asarray(v) for name, v in (("y", rows.y), ("stratum", rows.strata)) if v is not None}
    table = pd.DataFrame(columns)
    return table if rows.weight is None else table.loc[rows.weight > 0].reset_index(drop=True)


def _values(column: pd.Series) -> Any:
    """A column without its index; text stays as it is held, which takes a fraction of what Python's own takes."""
    return column.array if isinstance(column.dtype, pd.StringDtype) else column.to_numpy()


def _in_time(inputs: AuditInput, clusters: NDArray[np.generic] | None) -> Iterator[pd.DataFrame]:
    """Of each column of times whether errors on neighbours are alike."""
    rows = inputs.rows
    keep = np.ones(len(rows), dtype=bool) if rows.weight is None else rows.weight > 0
    errors = {name: values[keep] for name, values in _errors(inputs)}
    for feature in rows.schema.features:
        if feature.kind == "datetime" or MOMENTS.fullmatch(feature.name):
            when = rows.frame[feature.name].to_numpy()[keep]
            yield serial_correlation(errors, when, column=feature.name, clusters=clusters)


def _errors(inputs: AuditInput) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """What each model is off by: students from their teacher, the teacher from the truth.

    Of classes it is the probability of the class that the teacher gives most to.
    """
    teacher, truth, classes = inputs.teacher.P, inputs.rows.y, inputs.rule.classes
    at = None if classes is None else teacher.argmax(axis=1)[:, None]
    if truth is not None and at is not None and classes is not None:
        truth = np.where(pd.isna(truth), np.nan, truth == classes[at[:, 0]])
    if truth is not None:
        yield inputs.teacher.name, np.asarray(truth, dtype=float).ravel() - _at(teacher, at)
    for s in inputs.students:
        yield s.name, _at(s.P, at) - _at(teacher, at)


def _at(P: NDArray[np.float64], at: NDArray[np.intp] | None) -> NDArray[np.float64]:
    """Probability of one class per row; of values the mean over outputs."""
    return P.reshape(len(P), -1).mean(axis=1) if at is None else np.take_along_axis(P, at, axis=1)[:, 0]
