"""A student's own structure as blocks: its tree to fold, its shapes and coefficients to see, and itself to ask."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from explaindistill import plots
from explaindistill.report.blocks import Block, Cell, Details, Figure, Gallery, Node, Outline, Table
from explaindistill.report.figures import drawn
from explaindistill.report.student.branching import (
    DRAWN_DEPTH,
    drawn_lines,
    model_tree,
    points,
    rules,
)
from explaindistill.report.student.what_if import live
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import name, number, quantity

__all__ = ["structure"]

DRAWN_TERMS = 6
SHOWN_GROUPS = 4


def structure(student: Any, id: str, audit: Any, key: str = "") -> list[Block]:
    """Blocks that show what a student is; none for a student of a kind that is not known here.

    Parameters
    ----------
    student : a fitted student
    id : str
        Prefix of the identifiers on the page.
    audit : Audit
    key : str
        Name of the student in the audit.
    """
    form = student.to_dict() if hasattr(student, "to_dict") else {}
    kind = plots.kind(form)
    if kind == "tree":
        blocks = _tree(form, id, audit.favorable, _who(student, audit, key))
    elif kind in _DRAWN:
        blocks = _DRAWN[kind](form, id, audit.favorable)
    else:
        return []
    return [*blocks, *live(student, form, kind, id, audit, key)]


def _tree(form: Mapping[str, Any], id: str, favorable: Any, who: Mapping[int, str]) -> list[Block]:
    root = plots.tree_root(form, favorable)
    lines = drawn_lines(root, DRAWN_DEPTH)
    figure = drawn(
        f"{id}-tree", "The tree",
        f"It first asks: {name(root['text'], 90)} Thicker branches carry more rows; {_bar(form)}.",
        lambda ax: plots.tree(root, ax, max_depth=DRAWN_DEPTH), width=10.0, height=min(12.0, 0.5 + 0.36 * lines),
    )  # fmt: skip
    return [figure, Outline("Question by question", _node(root, who), f"{id}-outline")]


def _who(student: Any, audit: Any, key: str) -> dict[int, str]:
    """Who of the audited rows meets each leaf, where that may be shown: the leaf audit has withheld small groups."""
    found = rows_of(frame_of(audit, "leaf_audit"), subject=key)
    if found.empty or not hasattr(student, "rules"):
        return {}
    told: dict[str, dict[str, list[str]]] = {}
    for row in found.sort_values("estimate", ascending=False, kind="stable").to_dict("records"):
        words = "withheld" if row["status"] == "suppressed" else quantity(row["estimate"], "share")
        attributes = told.setdefault(str(row["subset"]), {})
        attributes.setdefault(str(row["attribute"]), []).append(f"{name(str(row['group']), 20)} {words}")
    table = student.rules()
    return {
        int(leaf): "; ".join(f"{name(a, 20)}: {_largest(groups)}" for a, groups in told[rule].items())
        for leaf, rule in zip(table["leaf"], table["rule"], strict=True)
        if rule in told
    }


def _largest(groups: list[str]) -> str:
    """The first few, and how many more there are."""
    more = len(groups) - SHOWN_GROUPS
    return ", ".join(groups[:SHOWN_GROUPS]) + (f", {more} more" if more > 0 else "")


def _bar(form: Mapping[str, Any]) -> str:
    return "a bar shows the value" if form["classes"] is None else "a bar shows the probability of the favourable class"


def _node(node: Mapping[str, Any], who: Mapping[int, str]) -> Node:
    text = name(node["text"], 90)
    line = f"{name(node['edge'], 40)}: {text}" if node["edge"] else text
    detail = f"{quantity(node['share'], 'share')} of rows, n\u00a0=\u00a0{node['n']:,}"
    detail += f"; {who[node['node']]}" if node["node"] in who else ""
    return Node(line, detail, tuple(_node(child, who) for child in node["children"]), str(node["node"]))


def _additive(form: Mapping[str, Any], id: str, favorable: Any) -> list[Block]:
    terms, unit = plots.terms(form), plots.effect_unit(form)
    total = sum(t.spread for t in terms) or 1.0
    figures = tuple(_shape(t, f"{id}-term-{i}", unit) for i, t in enumerate(terms[:DRAWN_TERMS]))
    rows = tuple(
        (
            Cell(name(t.name)),
            Cell(number(t.spread)),
            Cell(quantity(t.spread / total, "share")),
            Cell(_signed(t.frame["estimate"].min())),
            Cell(_signed(t.frame["estimate"].max())),
        )
        for t in terms
    )
    columns = ("term", "mean size", "share", "lowest", "highest")
    table = Table(f"Terms, in {unit}", columns, rows, (False, True, True, True, True))
    told = f"All {len(terms)} terms" if len(terms) > DRAWN_TERMS else "Terms in numbers"
    return [Gallery(figures), Details(told, (table,))]


def _signed(value: float) -> str:
    """A number that always bears its sign."""
    return quantity(value, "number", signed=True)


def _shape(term: plots.Term, id: str, unit: str) -> Figure:
    low, high = (term.frame.loc[f()] for f in (term.frame["estimate"].idxmin, term.frame["estimate"].idxmax))
    desc = f"{name(term.name)}: from {_at(low)} to {_at(high)}"
    if not math.isnan(term.missing):
        desc += f"; missing: {_signed(term.missing)}"
    return drawn(id, f"{name(term.name)}: {unit}", f"{desc}.", lambda ax: plots.term(term, ax, effect=unit), 3.5, 2.5)


def _at(row: Any) -> str:
    where = row["x"] if "x" in row else row["level"]
    place = name(where, 30) if isinstance(where, str) else number(where)
    if "y" in row:
        place += f", {name(row['y'], 30) if isinstance(row['y'], str) else number(row['y'])}"
    return f"{_signed(row['estimate'])} at {place}"


def _linear(form: Mapping[str, Any], id: str, favorable: Any) -> list[Block]:
    frame, unit = plots.coefficient_frame(form), plots.effect_unit(form)
    rows = tuple(
        (
            Cell(name(r["term"], 90)),
            Cell(repr(r["coefficient"])),
            Cell(_signed(r["estimate"])),
        )
        for r in frame.to_dict("records")
    )
    columns = ("term", f"coefficient ({unit} per unit)", "per standard deviation")
    table = Table("Coefficients", columns, rows, (False, True, True))
    if frame.empty:
        return [table]
    shown = min(20, len(frame))
    top = frame.iloc[int(frame["estimate"].abs().to_numpy().argmax())]
    figure = drawn(
        f"{id}-coefficients", "Coefficients per standard deviation",
        f"The {shown} largest of {len(frame)}; the largest is {name(top['term'])}, {_signed(top['estimate'])} {unit}.",
        lambda ax: plots.coefficients(frame, ax, unit=f"{unit} per standard deviation"),
        height=min(9.0, 0.8 + 0.27 * shown),
    )  # fmt: skip
    return [figure, Details(f"All {len(frame)} coefficients", (table,))]


_DRAWN = {
    "additive": _additive,
    "linear": _linear,
    "model tree": model_tree,
    "rules": rules,
    "points": points,
}
