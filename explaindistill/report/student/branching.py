"""Trees and rules as blocks: a drawing, an outline to fold and to mark, the numbers that are added up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaindistill import plots
from explaindistill.data.drawing import Branch, RulesDrawing, TreeDrawing, shown_class
from explaindistill.report.blocks import Block, Cell, Details, Node, Outline, Table
from explaindistill.report.figures import drawn
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import interval, name, quantity

__all__ = ["leaf_occupants", "rules", "tree"]

DRAWN_DEPTH = 4  # deeper levels leave less than two inches of the page for a question
TABLED_LEAVES = 12  # more columns than a reader can compare side by side
SHOWN_GROUPS = 4  # of an attribute, in the one line that a leaf has


def tree(drawing: TreeDrawing, id: str, favorable: Any, who: Mapping[str, str]) -> list[Block]:
    """The tree to see and to fold, and what each of its leaves adds up; ``who`` is in a leaf, by the leaf's name."""
    height = min(12.0, 0.5 + 0.36 * plots.n_lines(drawing.root, DRAWN_DEPTH))
    figure = drawn(
        f"{id}-tree", drawing.title, _desc(drawing),
        lambda ax: plots.tree(drawing, ax, favorable=favorable, max_depth=DRAWN_DEPTH), width=10.0, height=height,
    )  # fmt: skip
    outline = Outline("Question by question", _node(drawing.root, who, drawing.rows), f"{id}-outline")
    return [figure, outline, *([] if drawing.sums is None else _sums(drawing.sums, drawing.unit))]


def _desc(drawing: TreeDrawing) -> str:
    """What the picture says to someone who cannot see it."""
    first = f"It has one leaf{'' if drawing.sums is None else ': a sum'}."
    if drawing.root.children:
        first = f"It first asks: {name(drawing.root.text, 90)}"
    value = "the value" if drawing.classes is None else "the probability of the favourable class"
    leaves = f"a bar shows {value}"
    if drawing.answer:
        bar = f"a bar {'shows ' * (drawing.classes is None)}{value}"
        leaves = f"at each leaf stands {drawing.answer}, and {bar}"
    return f"{first} Thicker branches carry more rows; {leaves}."


def _node(branch: Branch, who: Mapping[str, str], whose: str) -> Node:
    """One line, with the rows of fitting and the audited people named apart: they are not the same."""
    text = f"{branch.title}: {name(branch.text, 90)}" if branch.title else name(branch.text, 90)
    line = f"{name(branch.edge, 40)}: {text}" if branch.edge else text
    details = [] if branch.share is None else [f"{quantity(branch.share, 'share')} of {whose}"]
    details += [] if branch.n is None else [f"n\u00a0=\u00a0{branch.n:,}"]
    detail = ", ".join(details) + (f"; audited rows: {who[branch.node]}" if branch.node in who else "")
    return Node(line, detail, tuple(_node(child, who, whose) for child in branch.children), branch.node)


def leaf_occupants(student: Any, audit: Any, key: str) -> dict[str, str]:
    """Who of the audited rows meets each leaf, where that may be shown: the leaf audit has withheld small groups."""
    rows = rows_of(frame_of(audit, "leaf_audit"), subject=key)
    if rows.empty or not hasattr(student, "rules"):
        return {}
    groups: dict[str, dict[str, list[str]]] = {}
    for row in rows.sort_values("estimate", ascending=False, kind="stable").to_dict("records"):
        words = "withheld" if row["status"] == "suppressed" else quantity(row["estimate"], "share")
        attributes = groups.setdefault(str(row["subset"]), {})
        attributes.setdefault(str(row["attribute"]), []).append(f"{name(str(row['group']), 20)} {words}")
    table = student.rules()
    return {
        str(leaf): "; ".join(f"{name(a, 20)}: {_largest(members)}" for a, members in groups[rule].items())
        for leaf, rule in zip(table["leaf"], table["rule"], strict=True)
        if rule in groups
    }


def _largest(groups: list[str]) -> str:
    """The first few, and how many more there are."""
    more = len(groups) - SHOWN_GROUPS
    return ", ".join(groups[:SHOWN_GROUPS]) + (f", {more} more" if more > 0 else "")


def _sums(frame: pd.DataFrame, unit: str) -> list[Block]:
    """Terms by leaves; none where there are more leaves than columns that a reader can compare."""
    leaves = [c for c in frame.columns if c not in ("term", "output")]
    if len(leaves) > TABLED_LEAVES:
        return []
    several = frame["output"].nunique() > 1
    lines = []
    for row in frame.to_dict("records"):
        term = name(row["term"], 60) + (f" → {name(row['output'], 20)}" if several else "")
        cells = (Cell("" if math.isnan(row[c]) else quantity(row[c], "number", signed=True)) for c in leaves)
        lines.append((Cell(term), *cells))
    columns = (f"added to the {name(unit, 80)}", *(f"leaf {c}" for c in leaves))
    table = Table("What each leaf adds up", columns, tuple(lines), (False, *(True for _ in leaves)))
    return [Details("What each leaf adds up", (table,), open=len(leaves) <= 6)]


def rules(drawing: RulesDrawing, id: str, favorable: Any) -> list[Block]:
    """The rules in their order: drawn, to be marked, and in numbers."""
    frame, last = drawing.frame, len(drawing.frame) - 1
    place = shown_class(drawing.classes, favorable)
    value = "value, from the smallest to the largest"
    if place is not None and drawing.classes is not None:
        value = f"probability of {name(drawing.classes[place])}"
    figure = drawn(
        f"{id}-rules", drawing.title,
        f"{last} rules and a default; the first that holds decides. A bar shows the {value}.",
        lambda ax: plots.rules(drawing, ax, favorable=favorable), width=10.0, height=0.8 + 0.34 * len(frame),
    )  # fmt: skip
    lines, rows = [], []
    for i, row in enumerate(frame.to_dict("records")):
        asks = "else" if i == last and last else f"{'if' if i == 0 else 'else if'} {name(row['condition'], 200)}"
        words = f"{asks}: {name(row['answer'], 40)}"
        way = "w" + "0" * i + ("" if i == last else "1")  # no to every rule before, and yes to this one
        lines.append(Node(words, f"{quantity(row['coverage'], 'share')} of {drawing.rows}", path=way))
        rows.append(_rule_cells(row, asks))
    outline = Outline(
        "Rule by rule", Node("The first rule that holds decides.", children=tuple(lines)), f"{id}-outline"
    )
    columns = ("rule", "answer", f"share of {drawing.rows}", "teacher says the same there")
    numbers = Table("Rules in numbers", columns, tuple(rows), (False, False, True, True))
    return [figure, outline, Details("Rules in numbers", (numbers,))]


def _rule_cells(row: Mapping[str, Any], asks: str) -> tuple[Cell, ...]:
    covered = f"{interval(row['coverage_low'], row['coverage_high'], 'share')} n\u00a0=\u00a0{row['n']:,.0f}"
    agreed = Cell("–")
    if not math.isnan(row["agreement"]):
        agreed = Cell(quantity(row["agreement"], "share"), interval(row["low"], row["high"], "share"))
    return Cell(asks), Cell(name(row["answer"], 40)), Cell(quantity(row["coverage"], "share"), covered), agreed
