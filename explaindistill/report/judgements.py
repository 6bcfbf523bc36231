"""Verdicts in words: per rule and subject the worst group first, the others counted and folded away."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.measures.verdicts import SEVERITY, worst
from explaindistill.report.blocks import Block, Details, Verdict, Verdicts
from explaindistill.report.metrics import describe_metric
from explaindistill.report.places import evidence_of
from explaindistill.report.words import count, interval, name, quantity

__all__ = ["in_words", "judged", "worst_first"]


def in_words(row: dict[str, Any]) -> Verdict:
    """One line of the verdicts frame in words."""
    metric = describe_metric(str(row.get("metric", "")))
    where = [name(row["subject"])] if _said(row.get("subject")) else []
    if _said(row.get("group")) and not _said(row.get("attribute")):
        where.append(name(row["group"]))
    if _said(row.get("attribute")):
        group = f" = {name(row['group'])}" if _said(row.get("group")) else ""
        where.append(name(row["attribute"]) + group)
    spread = interval(row.get("low"), row.get("high"), metric.kind)
    words = f"{metric.title} {quantity(row.get('estimate'), metric.kind)} {spread}".strip()
    counted = f", n = {count(row['n'])}" if _said(row.get("n")) else ""
    before = f"{' · '.join(where)}: " if where else ""
    reason = str(row["reason"]) if _said(row.get("reason")) else ""
    rule = str(row.get("rule", ""))
    return Verdict(rule, row["verdict"], f"{before}{words}{counted}.", reason, evidence_of(rule))


def _said(value: Any) -> bool:
    return value is not None and not pd.isna(value) and str(value) != ""


def judged(frame: pd.DataFrame) -> list[Verdict]:
    """All verdicts of an audit in words."""
    return [in_words(row) for row in frame.to_dict("records")]


def worst_first(frame: pd.DataFrame) -> list[Block]:
    """One line per rule and subject, its worst group; what else there is stands behind a fold.

    Parameters
    ----------
    frame : DataFrame
        ``rule``, ``subject``, ``verdict``, ``estimate`` and the columns that say where.
    """
    if frame.empty:
        return []
    first = worst(frame)
    heads = [_head(row) for row in first.to_dict("records")]
    heads.sort(key=lambda verdict: SEVERITY.index(verdict.verdict))
    rest = [in_words(row) for row in frame.drop(index=first["at"]).to_dict("records")]
    blocks: list[Block] = [Verdicts(tuple(heads))]
    for verdict in SEVERITY:
        of_it = tuple(v for v in rest if v.verdict == verdict)
        if of_it:
            blocks.append(Details(f"{len(of_it)} more: {verdict}", (Verdicts(of_it),)))
    return blocks


def _head(line: dict[str, Any]) -> Verdict:
    first = in_words(line)
    if not line["others"]:
        return first
    what = "comparison" if "_worst_" in str(line.get("metric", "")) else "group"
    n = sum(int(count.split(" ")[0]) for count in line["others"].split(", "))
    groups = f"1 further {what}" if n == 1 else f"{n} further {what}s"
    reason = "; ".join(filter(None, (first.reason, f"and {groups}: {line['others']}")))
    return Verdict(first.rule, first.verdict, first.evidence, reason, first.href)
