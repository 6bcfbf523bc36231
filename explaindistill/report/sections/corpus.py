"""The corpus: the rows that were asked about and audited, and what was noticed in them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from explaindistill.report.blocks import Block, Cell, Details, Items, Section, Table, Text
from explaindistill.report.tables import frame_of, plain
from explaindistill.report.words import count, name, number

__all__ = ["section"]


def section(audit: Any) -> Section:
    """Where the rows came from and what they look like; ranges and categories only, never a row."""
    frame = frame_of(audit, "corpus")
    blocks: list[Block] = []
    if not frame.empty:
        blocks.append(_facts(frame) if {"subject", "fact", "value"} <= set(frame) else plain(frame, "Rows"))
    features = _features(audit)
    if features is not None:
        blocks.append(Details(f"The {len(features.rows)} columns", (features,), open=len(features.rows) <= 12))
    notices = tuple(str(n) for n in getattr(audit.schema, "notices", ()))
    if notices:
        blocks.append(Items(notices))
    if not blocks:
        return Section("The corpus", 20, reason="Nothing about the rows was recorded.")
    return Section(
        "The corpus",
        20,
        (Text("The rows on which everything below was measured. No row itself is in this file."), *blocks),
    )


def _facts(frame: pd.DataFrame) -> Table:
    """A line per fact, a column per student."""
    subjects = list(dict.fromkeys(frame["subject"].map(str)))
    told = {(str(r["subject"]), str(r["fact"])): r["value"] for r in frame.to_dict("records")}
    rows = tuple(
        (Cell(name(fact, 90)), *(_value(told.get((s, fact))) for s in subjects))
        for fact in dict.fromkeys(frame["fact"].map(str))
    )
    heads = ("fact", *map(name, subjects))
    return Table("Rows that the students learnt from", heads, rows, (False, *(True for _ in subjects)))


def _value(value: Any) -> Cell:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Cell(count(value) if float(value).is_integer() else number(value))
    return Cell("–" if value is None else name(value))


def _features(audit: Any) -> Table | None:
    features = tuple(getattr(audit.schema, "features", ()))
    if not features:
        return None
    rows = []
    for f in features:
        marks = [
            word
            for word, on in (
                ("sensitive", f.sensitive),
                ("may be missing", f.nullable),
                ("looks like an id", f.id_like),
            )
            if on
        ]
        rows.append((Cell(name(f.name)), Cell(f.kind), Cell(_range(f)), Cell(", ".join(marks), tone="quiet")))
    return Table("Columns", ("column", "kind", "range or categories", "remark"), tuple(rows), (False,) * 4)


def _range(feature: Any) -> str:
    if feature.categories:
        shown = ", ".join(name(c, 24) for c in feature.categories[:8])
        more = len(feature.categories) - 8
        return shown + (f" and {more} more" if more > 0 else "")
    if feature.kind == "boolean":
        return "no, yes"
    if math.isnan(feature.minimum):
        return "–"
    low, high = (
        feature.words(v) if hasattr(feature, "words") else number(v) for v in (feature.minimum, feature.maximum)
    )
    return f"{low} to {high}"
