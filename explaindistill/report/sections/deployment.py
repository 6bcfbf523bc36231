"""What it takes to run the models: bytes, arithmetic and, where measured, time."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Cell, Details, Section, Table, Text
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import count, name, number

__all__ = ["section"]

_FIGURES = (
    ("bytes", "bytes"),
    ("gzip_bytes", "bytes after gzip"),
    ("operations", "operations per prediction"),
    ("single_row_seconds", "one row, microseconds"),
    ("batch_row_seconds", "a row of a batch, microseconds"),
    ("bare_row_seconds", "one row, the network alone, microseconds"),
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
        return Section("What it takes to run them", 35, reason="The audit did not measure it.", tab="students")
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
    words = "Smaller numbers are cheaper." + quiet + _handling(frame)
    return Section(
        "What it takes to run them", 35, (Details("Bytes, operations and times", (Text(words), table)),), tab="students"
    )


def _handling(frame: pd.DataFrame) -> str:
    """How much of the teacher's time for one row is not its network's, where that is most of it."""
    whole, alone = (
        rows_of(frame, metric=metric, subject="teacher") for metric in ("single_row_seconds", "bare_row_seconds")
    )
    if whole.empty or alone.empty:
        return ""
    share = 1 - float(alone["estimate"].iloc[0]) / float(whole["estimate"].iloc[0])
    if share < 0.5:
        return ""
    return (
        f" Of the teacher's time for one row, {100 * share:.0f} % is the handling of the row and its preprocessing, "
        "not its network: exported code, set against the network alone, gains less than the times of one row suggest."
    )


def _cell(frame: pd.DataFrame, metric: str, subject: str) -> Cell:
    lines = rows_of(frame, metric=metric, subject=subject)
    if lines.empty:
        return Cell("–")
    line = lines.iloc[0]
    if line["status"] != "ok":
        return Cell("cannot say", str(line["reason"]), "quiet")
    seconds = metric.endswith("_seconds")
    text = number(1e6 * line["estimate"]) if seconds else count(line["estimate"])
    return Cell(text, _ratio(rows_of(frame, metric=f"{metric}_ratio", subject=subject, status="ok")))


def _ratio(ratios: pd.DataFrame) -> str:
    if ratios.empty:
        return ""
    times = float(ratios["estimate"].iloc[0])
    return f"{number(times)} times less" if times >= 1 else f"{number(1 / times)} times more"
