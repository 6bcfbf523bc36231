"""Trees and rules as blocks: a drawing, an outline to fold and to mark, the numbers that are added up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaindistill.data.drawing import Branch, RulesDrawing, TreeDrawing, bar_lengths, shown_class
from explaindistill.report.blocks import Block, Cell, Details, Items, Node, Outline, Table
from explaindistill.report.student.shown import names_of, rules_as_shown
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import interval, name, quantity

__all__ = ["leaf_occupants", "rules", "tree"]

TABLED_LEAVES = 12  # more columns than a reader can compare side by side
SHOWN_GROUPS = 4  # of an attribute, in the one bar that a leaf has: more shades of grey cannot be told apart
CROSSED = " × "
ONE_OF = " is one of "
"""In a question about many categories, before their number and names."""
LONGEST_LIST = 40_000

Occupants = dict[str, tuple[tuple[str, tuple[tuple[str, float], ...]], ...]]


def tree(drawing: TreeDrawing, id: str, favorable: Any, who: Mapping[str, Any]) -> list[Block]:
    """The tree to see and to fold, and what each of its leaves adds up; ``who`` is in a leaf, by the leaf's name."""
    leaves = list(drawing.root.answers())
    lengths = bar_lengths([leaf.values for leaf in leaves], drawing.classes, favorable)
    lists: dict[str, int] = {}
    root = _node(drawing.root, lengths, who, bool(drawing.answer), lists)
    outline = Outline(drawing.title, root, f"{id}-outline", True, _desc(drawing, favorable, who))
    return [outline, *_lists(lists), *([] if drawing.sums is None else _sums(drawing.sums, drawing.unit))]


def _desc(drawing: TreeDrawing, favorable: Any, who: Mapping[str, Any]) -> str:
    """How to read the boxes: whose shares and bars they are."""
    place = shown_class(drawing.classes, favorable)
    bar = (
        "the value"
        if place is None or drawing.classes is None
        else f"the probability of {name(drawing.classes[place])}"
    )
    answer = f" In a leaf stands {drawing.answer}." if drawing.answer else ""
    words = f"Shares are of {drawing.rows}; a blue bar is {bar}.{answer}"
    for attribute, groups in next(iter(who.values()), ()):
        named = ", ".join(group for group, _ in groups)
        words += f" Grey: who of the audited rows is there by {attribute} ({named}, dark to light)."
    return words


def _lists(lists: Mapping[str, int]) -> list[Block]:
    """The categories of questions that name many, in the order of their numbers."""
    if not lists:
        return []
    items = tuple(f"List {k}: {name(text, LONGEST_LIST)}" for text, k in lists.items())
    return [Details("Lists of the questions", (Items(items),))]


def _asked(text: str, lists: dict[str, int]) -> str:
    """A question; one that names many categories names their list in the place of them."""
    head, asks, rest = text.rpartition(ONE_OF)
    count, colon, listed = rest.partition(": ")
    if not asks or not colon or not count.isdigit():
        return name(text)
    k = lists.setdefault(listed.removesuffix("?"), len(lists) + 1)
    return f"{name(head)}{ONE_OF}{count} (list {k})?"


def _node(
    branch: Branch, lengths: Mapping[Any, float], who: Mapping[str, Any], named: bool, lists: dict[str, int]
) -> Node:
    """One box: the question or the answer, how many rows of fitting meet it, and who of the audited rows is there."""
    question = _asked(branch.text, lists) if branch.children else name(branch.text)
    text = f"{branch.title}: {question}" if branch.title and named else question
    pieces = [] if branch.share is None else [quantity(branch.share, "share")]
    pieces += [] if branch.n is None else [f"n\u00a0=\u00a0{branch.n:,}"]
    children = tuple(_node(child, lengths, who, named, lists) for child in branch.children)
    value = lengths.get(branch.values, math.nan) if branch.values else math.nan
    edge = name(branch.edge) if branch.edge else ""
    return Node(text, ", ".join(pieces), children, branch.node, edge, value, who.get(branch.node, ()))


def leaf_occupants(student: Any, audit: Any, key: str) -> Occupants:
    """Who of the audited rows meets each leaf, where that may be shown: the leaf audit has withheld small groups.

    The groups of an attribute stand in one order in all leaves, the most frequent first; what else there is counts as
    "others".
    """
    rows = rows_of(frame_of(audit, "leaf_audit"), subject=key)
    if rows.empty or not hasattr(student, "rules"):
        return {}
    rows = rows[~rows["attribute"].astype(str).str.contains(CROSSED, regex=False)]
    sizes = rows.groupby(["attribute", "group"], sort=False)["overall"].max().fillna(0.0)
    table = student.rules()
    leaf_of = dict(zip(table["rule"], map(str, table["leaf"]), strict=True))
    leaf_of |= {read: leaf_of[raw] for raw, read in rules_as_shown(student, names_of(audit)).items()}
    return {
        leaf_of[str(rule)]: tuple(
            _shares(lines, str(a), sizes[a]) for a, lines in rows_of_rule.groupby("attribute", sort=False)
        )
        for rule, rows_of_rule in rows.groupby("subset", sort=False)
        if rule in leaf_of
    }


def _shares(lines: pd.DataFrame, attribute: str, sizes: pd.Series) -> tuple[str, tuple[tuple[str, float], ...]]:
    """The groups of one attribute in one leaf: a share each, NaN where it is withheld."""
    share_of = {
        str(r["group"]): math.nan if r["status"] == "suppressed" else float(r["estimate"])
        for r in lines.to_dict("records")
    }
    order = [str(g) for g in sizes.sort_values(ascending=False, kind="stable").index]
    groups = [(name(g), share_of.get(g, 0.0)) for g in order[:SHOWN_GROUPS]]
    if len(order) > SHOWN_GROUPS:
        groups.append(("others", sum(share_of.get(g, 0.0) for g in order[SHOWN_GROUPS:])))
    return name(attribute), tuple(groups)


def _sums(frame: pd.DataFrame, unit: str) -> list[Block]:
    """Terms by leaves; none where there are more leaves than columns that a reader can compare."""
    leaves = [c for c in frame.columns if c not in ("term", "output")]
    if len(leaves) > TABLED_LEAVES:
        return []
    several = frame["output"].nunique() > 1
    lines = []
    for row in frame.to_dict("records"):
        term = name(row["term"]) + (f" → {name(row['output'])}" if several else "")
        cells = (Cell("" if math.isnan(row[c]) else quantity(row[c], "number", signed=True)) for c in leaves)
        lines.append((Cell(term), *cells))
    columns = (f"added to the {name(unit)}", *(f"leaf {c}" for c in leaves))
    table = Table("What each leaf adds up", columns, tuple(lines), (False, *(True for _ in leaves)))
    return [Details("What each leaf adds up", (table,), open=len(leaves) <= 6)]


def rules(drawing: RulesDrawing, id: str, favorable: Any) -> list[Block]:
    """The rules in their order: to see and to be marked, and in numbers."""
    frame, last = drawing.frame, len(drawing.frame) - 1
    lengths = bar_lengths(frame["values"], drawing.classes, favorable)
    place = shown_class(drawing.classes, favorable)
    bar = "the value, from the smallest to the largest"
    if place is not None and drawing.classes is not None:
        bar = f"the probability of {name(drawing.classes[place])}"
    lines, rows = [], []
    for i, row in enumerate(frame.to_dict("records")):
        asks = "else" if i == last and last else f"{'if' if i == 0 else 'else if'} {name(row['condition'])}"
        words = f"{asks}: {name(row['answer'])}"
        way = "w" + "0" * i + ("" if i == last else "1")  # no to every rule before, and yes to this one
        value = lengths.get(row["values"], math.nan)
        lines.append(Node(words, quantity(row["coverage"], "share"), path=way, value=value))
        rows.append(_rule_cells(row, asks))
    desc = f"The first rule that holds decides. Shares are of {drawing.rows}; a blue bar is {bar}."
    outline = Outline(drawing.title, Node("Rule by rule", children=tuple(lines)), f"{id}-outline", desc=desc)
    columns = ("rule", "answer", f"share of {drawing.rows}", "teacher says the same there")
    numbers = Table("Rules in numbers", columns, tuple(rows), (False, False, True, True))
    return [outline, Details("Rules in numbers", (numbers,))]


def _rule_cells(row: Mapping[str, Any], asks: str) -> tuple[Cell, ...]:
    covered = f"{interval(row['coverage_low'], row['coverage_high'], 'share')} n\u00a0=\u00a0{row['n']:,.0f}"
    agreed = Cell("–")
    if not math.isnan(row["agreement"]):
        agreed = Cell(quantity(row["agreement"], "share"), interval(row["low"], row["high"], "share"))
    return Cell(asks), Cell(name(row["answer"])), Cell(quantity(row["coverage"], "share"), covered), agreed
