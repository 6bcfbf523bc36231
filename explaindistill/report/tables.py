"""From a frame of results to a table that people read: estimate, interval and count in one cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from explaindistill.report.blocks import Cell, Table
from explaindistill.report.metrics import describe_metric
from explaindistill.report.words import count, interval, name, number, quantity

__all__ = ["CROSSED", "attributes_of", "estimate_cell", "frame_of", "in_front", "pivot", "plain", "rows_of", "tidy"]

CROSSED = " × "
"""Between the attributes of an intersection."""
_HEADS = {
    "k": "count",
    "n_effective": "effective n",
    "n": "n",
    "estimate": "estimate",
    "reason": "remark",
    "reference": "compared with",
    "subset": "rows",
}


def frame_of(audit: Any, key: str) -> pd.DataFrame:
    """One frame of an audit; an empty frame where the audit has none."""
    frame = audit.frames.get(key)
    return pd.DataFrame() if frame is None else frame


def in_front(table: Table, matters: Sequence[int] = (), n: int = 3) -> Table:
    """A table of which a page shows the rows that matter and folds the rest; whole where it has hardly more.

    Examples
    --------
    >>> in_front(Table("Rates", ("group",), tuple((Cell(str(i)),) for i in range(9)))).shown
    3
    """
    return table if len(table.rows) <= n + 1 else replace(table, matters=tuple(matters), shown=n)


def rows_of(frame: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """Rows whose columns have the wanted values; columns that do not exist select nothing."""
    keep = pd.Series(True, index=frame.index)
    for column, value in wanted.items():
        if column not in frame:
            return frame.iloc[:0]
        values = list(value) if isinstance(value, (list, tuple, set)) else [value]
        keep &= frame[column].isin(values)
    return frame[keep]


def attributes_of(audit: Any) -> list[str]:
    """Sensitive attributes in the order of the audit, intersections behind whole groups; places name their folds."""
    frames = (frame_of(audit, key) for key in ("rates", "gaps", "transfer", "group_fidelity"))
    named = dict.fromkeys(str(a) for frame in frames if "attribute" in frame for a in frame["attribute"] if a)
    return sorted(named, key=lambda attribute: attribute.count(CROSSED))


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA or value is pd.NaT:
        return ""
    return str(value)


def estimate_cell(row: Any, counted: bool = True) -> Cell:
    """One measured quantity: the estimate in its unit, its interval, its count; a reason where it is undefined."""
    metric = describe_metric(_text(row.get("metric", "")))
    status = _text(row.get("status", "ok")) or "ok"
    if status in {"undefined", "suppressed", "excluded"}:
        return Cell(status, _text(row.get("reason", "")), "quiet")
    value = row.get("estimate", math.nan)
    detail = interval(row.get("low", math.nan), row.get("high", math.nan), metric.kind)
    if counted and _text(row.get("n", "")):
        detail = f"{detail} n\u00a0=\u00a0{count(row['n'])}".strip()
    if status == "small":
        detail = f"{detail} · small group"
    return Cell(quantity(value, metric.kind), detail)


def tidy(frame: pd.DataFrame, caption: str, by: Sequence[str], heads: Sequence[str] = (), note: str = "") -> Table:
    """One line per result: the columns ``by`` that say something, then the estimate; remarks where there are any.

    Parameters
    ----------
    frame : DataFrame with canonical columns
    by : names of the columns that identify a line; those that are absent or always empty are left out
    heads : headings of ``by``, in the same order; the column's own name where shorter
    """
    named = {key: (heads[i] if i < len(heads) else _HEADS.get(key, key)) for i, key in enumerate(by)}
    used = [key for key in by if key in frame and frame[key].map(_text).ne("").any()]
    remarks = "reason" in frame and frame["reason"].map(_text).ne("").any()
    rows = []
    for row in frame.to_dict("records"):
        cells = [Cell(_label(key, row[key])) for key in used]
        cells.append(estimate_cell(row))
        if remarks:
            cells.append(Cell(_text(row["reason"]), tone="quiet"))
        rows.append(tuple(cells))
    columns = (*(named[key] for key in used), "estimate", *(("remark",) if remarks else ()))
    numeric = (*(False for _ in used), True, *((False,) if remarks else ()))
    return Table(caption, columns, tuple(rows), numeric, note)


def pivot(
    frame: pd.DataFrame,
    caption: str,
    index: str,
    column: str,
    order: Iterable[Any] = (),
    head: str = "",
    note: str = "",
) -> Table:
    """A line per value of ``index``, a column per value of ``column``; n in front where the whole line shares it."""
    lines = list(dict.fromkeys(frame[index].map(_text)))
    wanted = [str(c) for c in order]
    columns = sorted(
        dict.fromkeys(frame[column].map(_text)), key=lambda c: wanted.index(c) if c in wanted else len(wanted)
    )
    records = frame.to_dict("records")
    record_at = {(_text(r[index]), _text(r[column])): r for r in records}
    rows = []
    for line in lines:
        mine = [record_at[line, c] for c in columns if (line, c) in record_at]
        shared = {_text(r.get("n", "")) for r in mine}
        n = shared.pop() if len(shared) == 1 and len(mine) > 1 else ""
        blank = Cell("–", tone="quiet")
        cells = (estimate_cell(record_at[line, c], not n) if (line, c) in record_at else blank for c in columns)
        rows.append((Cell(_label(index, line), f"n\u00a0=\u00a0{count(n)}" if n else ""), *cells))
    heads = (head or _HEADS.get(index, index), *(_label(column, c) for c in columns))
    return Table(caption, heads, tuple(rows), (False, *(True for _ in columns)), note)


def _label(key: str, value: Any) -> str:
    text = _text(value)
    if not text:
        return "–"
    return describe_metric(text).title if key == "metric" else name(text)


def plain(frame: pd.DataFrame, caption: str, heads: dict[str, str] | None = None, note: str = "") -> Table:
    """Any frame as it is: numbers rounded for reading, empty columns left out."""
    heads = heads or {}
    used = [str(c) for c in frame.columns if frame[c].map(_text).ne("").any()]
    numeric = {c: pd.api.types.is_numeric_dtype(frame[c]) and frame[c].dtype != bool for c in used}
    rows = tuple(tuple(_plain_cell(c, row[c], numeric[c]) for c in used) for row in frame.to_dict("records"))
    columns = tuple(heads.get(c, _HEADS.get(c, c.replace("_", " "))) for c in used)
    return Table(caption, columns, rows, tuple(numeric[c] for c in used), note)


def _plain_cell(column: str, value: Any, numeric: bool) -> Cell:
    if not numeric:
        return Cell(_label(column, value))
    words = count(value) if column.startswith("n_") or column in {"n", "k"} else number(value)
    return Cell(words)
