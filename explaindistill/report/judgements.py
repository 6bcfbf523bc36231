"""Verdicts in words: per rule and subject the worst group first, the others counted and folded away."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Block, Details, Verdict, Verdicts
from explaindistill.report.metrics import describe_metric
from explaindistill.report.words import count, interval, name, quantity

__all__ = ["ORDER", "in_words", "judged", "worst_first"]

ORDER = ("fail", "inconclusive", "cannot say", "pass")


def in_words(row: dict[str, Any]) -> Verdict:
    """One line of the verdicts frame in words."""
    metric = describe_metric(str(row.get("metric", "")))
    where = [name(row["subject"])] if _said(row.get("subject")) else []
    if _said(row.get("attribute")):
        group = f" = {name(row['group'])}" if _said(row.get("group")) else ""
        where.append(name(row["attribute"]) + group)
    spread = interval(row.get("low"), row.get("high"), metric.kind)
    words = f"{metric.title} {quantity(row.get('estimate'), metric.kind)} {spread}".strip()
    counted = f", n = {count(row['n'])}" if _said(row.get("n")) else ""
    before = f"{' · '.join(where)}: " if where else ""
    reason = str(row["reason"]) if _said(row.get("reason")) else ""
    return Verdict(str(row.get("rule", "")), row["verdict"], f"{before}{words}{counted}.", reason)


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
    heads, rest = [], []
    ranked = frame.assign(_rank=frame["verdict"].map(ORDER.index)).sort_values(["_rank", "estimate"], kind="stable")
    for _, rows in ranked.groupby(["rule", "subject"], sort=False, observed=True, dropna=False):
        lines = rows.to_dict("records")
        heads.append((ORDER.index(lines[0]["verdict"]), _head(lines)))
        rest += [in_words(line) for line in lines[1:]]
    blocks: list[Block] = [Verdicts(tuple(verdict for _, verdict in sorted(heads, key=lambda h: h[0])))]
    for verdict in ORDER:
        of_it = tuple(v for v in rest if v.verdict == verdict)
        if of_it:
            blocks.append(Details(f"{len(of_it)} more: {verdict}", (Verdicts(of_it),)))
    return blocks


def _head(lines: list[dict[str, Any]]) -> Verdict:
    first = in_words(lines[0])
    if len(lines) == 1:
        return first
    others = [line["verdict"] for line in lines[1:]]
    parts = [f"{others.count(v)} {v}" for v in ORDER if v in others]
    what = "comparison" if "_worst_" in str(lines[0].get("metric", "")) else "group"
    groups = f"1 further {what}" if len(others) == 1 else f"{len(others)} further {what}s"
    reason = "; ".join(filter(None, (first.reason, f"and {groups}: {', '.join(parts)}")))
    return Verdict(first.rule, first.verdict, first.evidence, reason)
