"""Verdicts and changes as text of 80 columns: what was asked, what was measured, where, and why."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaindistill.data.text_table import WIDTH, text_table
from explaindistill.measures.verdicts import SEVERITY, marked

__all__ = ["changes_text", "verdicts_text"]

MOST_LINES = 40
"""Lines that are printed; the frame holds all."""
MOVED = ("beyond chance", "only in new", "only in old")
PLACE = ("subject", "attribute", "group", "subset", "feature")
INDENT = "  "


def verdicts_text(verdicts: pd.DataFrame) -> str:
    """Text of the frame of :func:`explaindistill.measures.verdicts.check`: a paragraph for each requirement.

    Of more than forty lines those are printed that weigh most: fail before inconclusive before cannot say before pass.

    Examples
    --------
    >>> line = {"rule": "fidelity.agreement >= 0.9", "subject": "tree", "attribute": "", "group": "", "n": 900,
    ...         "estimate": 0.85, "low": 0.83, "high": 0.87, "verdict": "fail", "reason": ""}
    >>> print(verdicts_text(pd.DataFrame([line])))
    fidelity.agreement >= 0.9
      FAIL  tree  0.850 [0.830, 0.870]  n=900
    1 fail
    """
    if verdicts.empty:
        return "no requirement"
    severity = verdicts["verdict"].map({verdict: i for i, verdict in enumerate(SEVERITY)})
    printed = verdicts
    if len(verdicts) > MOST_LINES:
        printed = verdicts.loc[severity.sort_values(kind="stable").index[:MOST_LINES]].sort_index()
    paragraphs = []
    for rule, lines in printed.groupby("rule", sort=False):
        cells = [_verdict_cells(line) for line in lines.to_dict("records")]
        head = textwrap.fill(str(rule), WIDTH, subsequent_indent=2 * INDENT, break_on_hyphens=False)
        paragraphs.append(f"{head}\n{_indented(text_table(cells, (), (2, 3), WIDTH - len(INDENT)))}")
    counts = verdicts["verdict"].value_counts()
    tallied = ", ".join(f"{counts[v]} {v}" for v in SEVERITY if v in counts)
    return "\n".join([*paragraphs, tallied + _hidden(len(verdicts) - len(printed))])


def changes_text(changes: pd.DataFrame) -> str:
    """Text of the frame of :func:`explaindistill.auditing.comparing.compare`: what moved, and what else changed."""
    moved = changes[changes["moved"].isin(MOVED)]
    paragraphs = []
    for kind, lines in moved.head(MOST_LINES).groupby("moved", sort=False):
        cells = [_change_cells(line) for line in lines.to_dict("records")]
        heads = ("what", "where", "old", "new", "change")
        paragraphs.append(f"{kind}\n{_indented(text_table(cells, heads, (2, 3, 4), WIDTH - len(INDENT)))}")
    paragraphs += [textwrap.fill(f"note: {note}", WIDTH) for note in changes.attrs.get("notes", ())]
    beyond = int((changes["moved"] == MOVED[0]).sum())
    tallied = f"{beyond} of {len(changes)} figures moved beyond chance"
    return "\n".join([*paragraphs, tallied + _hidden(len(moved) - min(len(moved), MOST_LINES))])


def _verdict_cells(line: Mapping[str, Any]) -> tuple[str, ...]:
    attribute, group = (str(line.get(key) or "") for key in ("attribute", "group"))
    where = ": ".join(filter(None, (attribute, group)))
    measured = count = ""
    if not pd.isna(line["estimate"]):
        measured = f"{line['estimate']:.3f} [{line['low']:.3f}, {line['high']:.3f}]"
    if line["n"]:
        count = f"n={int(line['n']):,}"
    words = "; ".join(filter(None, (where, str(line.get("reason") or ""))))
    return marked(str(line["verdict"])), str(line["subject"]), measured, count, words


def _change_cells(line: Mapping[str, Any]) -> tuple[str, ...]:
    where = " ".join(str(line[key]) for key in PLACE if line.get(key))
    figures = ("" if pd.isna(line[key]) else f"{line[key]:{sign}.4g}" for key, sign in _FIGURES)
    return f"{line['frame']}.{line['metric']}", where, *figures


_FIGURES = (("old", ""), ("new", ""), ("change", "+"))


def _indented(text: str) -> str:
    return "\n".join(INDENT + line for line in text.splitlines())


def _hidden(n: int) -> str:
    return f"; {n:,} lines not printed, they are in the frame" if n else ""
