"""What it takes to run the models: bytes, arithmetic and, where measured, time."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Cell, Section, Table, Text
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import count, name, number

__all__ = ["section"]

_FIGURES = (
    ("bytes", "bytes"),
    ("gzip_bytes", "bytes after gzip"),
    ("operations", "operations per prediction"),
    ("single_row_seconds", "one row, microseconds"),
    ("batch_row_seconds", "a row of a batch, microseconds"),
)
_NOTE = (
    "Bytes of the teacher are its weights or its file, of a student its JSON form. Operations are comparisons, "
    "additions, multiplications and functions at most, a proxy for energy: reading memory is not in them, nor is "
    "preprocessing."
)
_TIMED = " Times are medians of calls from Python on the machine of the audit, the handling of tables included."


def section(audit: Any) -> Section:
    """One line per figure, one column per model, with how many times less a student takes."""
    frame = frame_of(audit, "deployment")
    if frame.empty:
        return Section("What it takes to run them", 35, reason="The audit did not measure it.")
    subjects = list(dict.fromkeys(frame["subject"]))
    lines = [
        (Cell(words), *(_cell(frame, metric, s) for s in subjects))
        for metric, words in _FIGURES
        if (frame["metric"] == metric).any()
    ]
    timed = bool(frame["metric"].str.endswith("_seconds").any())
    heads = ("per model", *(name(s) for s in subjects))
    sides = (False, *(True for _ in subjects))
    table = Table("What each model takes", heads, tuple(lines), sides, _NOTE + (_TIMED if timed else ""))
    quiet = "" if timed else " Times were not measured: audit(..., time_models=True) does."
    return Section("What it takes to run them", 35, (Text("Smaller numbers are cheaper." + quiet), table))


def _cell(frame: pd.DataFrame, metric: str, subject: str) -> Cell:
    found = rows_of(frame, metric=metric, subject=subject)
    if found.empty:
        return Cell("–")
    line = found.iloc[0]
    if line["status"] != "ok":
        return Cell("cannot say", str(line["reason"]), "quiet")
    seconds = metric.endswith("_seconds")
    text = number(1e6 * line["estimate"]) if seconds else count(line["estimate"])
    return Cell(text, _ratio(rows_of(frame, metric=f"{metric}_ratio", subject=subject, status="ok")))


def _ratio(found: pd.DataFrame) -> str:
    if found.empty:
        return ""
    times = float(found["estimate"].iloc[0])
    return f"{number(times)} times less" if times >= 1 else f"{number(1 / times)} times more"
