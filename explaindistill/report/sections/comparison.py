"""Distill-and-Compare: what the teacher's answers and the outcomes say of each column."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill import plots
from explaindistill.report.blocks import Block, Cell, Details, Figure, Gallery, Section, Table, Text
from explaindistill.report.figures import drawn
from explaindistill.report.tables import frame_of, tidy
from explaindistill.report.words import name, number

__all__ = ["section"]

TITLE = "Teacher and outcomes compared"
ORDER = 55
SHOWN = 6
CAVEAT = "An outcome is what was recorded, not what was done: an arrest is not a crime."


def section(audit: Any) -> Section:
    """Where the teacher weighs a column differently from what the outcomes support."""
    terms, curves = frame_of(audit, "comparison_terms"), frame_of(audit, "comparison")
    if terms.empty:
        return Section(
            TITLE, ORDER, reason="The teacher was not compared with the outcomes: ask for it with compare.", tab="why"
        )
    differing = terms[terms["differs"].astype(bool)]
    lead = (
        "Two additive models on one design: one repeats the teacher, one the outcomes. The band holds all curves at "
        "once; where it excludes 0 the teacher weighs a column differently from what the outcomes support. "
    )
    names = ", ".join(name(f) for f in differing["feature"])
    verdict = f"That is so for: {names}." if names else "No column stands out."
    blocks: list[Block] = [Text(lead + verdict), Text(CAVEAT, "note")]
    figures = _figures(terms, curves)
    if figures:
        blocks.append(Gallery(figures))
    blocks.append(_table(terms))
    missing = frame_of(audit, "missing_inputs")
    if not missing.empty:
        statements = [n for n in audit.notes if n.startswith("Inputs of the teacher: ")]
        heads = ("measure", "learner", "rows")
        table = tidy(missing, "What the columns leave unexplained", ("metric", "subject", "subset"), heads)
        blocks.append(Details("Are inputs missing?", (*map(Text, statements), table), open=True))
    quality = frame_of(audit, "comparison_quality")
    if not quality.empty:
        table = tidy(
            quality, "How well both models fit, on rows that they did not see", ("attribute", "group", "metric")
        )
        blocks.append(Details("Quality of both models", (table,)))
    return Section(TITLE, ORDER, tuple(blocks), tab="why")


def _figures(terms: pd.DataFrame, curves: pd.DataFrame) -> tuple[Figure, ...]:
    """The curves that differ most surely."""
    ranked = terms[terms["p"].notna() & (terms["feature"] != "(level)")].sort_values("p", kind="stable")
    out = []
    for i, feature in enumerate(ranked["feature"].head(SHOWN)):
        curve = curves[curves["feature"] == feature]
        if curve["value"].isna().all() and curve["place"].str.contains(", ").all():
            continue
        line = ranked.iloc[i]
        desc = (
            f"Largest difference {number(line['estimate'])} ({number(line['low'])} to {number(line['high'])}) "
            f"at {line['place']}."
        )
        out.append(
            drawn(
                f"fig-twins-{i}", f"Teacher and outcomes by {name(feature)}", desc, _painter(curves, feature), 3.2, 2.4
            )
        )
    return tuple(out)


def _painter(curves: pd.DataFrame, feature: str) -> Any:
    return lambda ax: plots.twin_curves(curves, feature, ax)


def _table(terms: pd.DataFrame) -> Table:
    rows = []
    for line in terms.to_dict("records"):
        tested = pd.notna(line["p"])
        cells = (
            Cell(name(line["feature"])),
            Cell(name(line["place"]) if tested else "–"),
            Cell(number(line["estimate"]), f"{number(line['low'])} to {number(line['high'])}")
            if tested
            else Cell("–", str(line["reason"]), tone="quiet"),
            Cell(f"{line['p']:.3f}" if tested else "–"),
            Cell("differs" if line["differs"] else "no difference shown", tone="bad" if line["differs"] else ""),
        )
        rows.append(cells)
    heads = ("column", "where it is surest", "teacher minus outcomes", "p, all places", "finding")
    note = "On the log-odds scale for two classes. No difference shown is not the same as no difference."
    return Table("Largest difference of each column", heads, tuple(rows), (False, False, True, True, False), note)
