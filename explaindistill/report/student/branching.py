"""Model trees, rule lists and scorecards as blocks: a drawing, the rules to read, the numbers that are added up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from explaindistill import plots
from explaindistill.report.blocks import Block, Cell, Details, Node, Outline, Table
from explaindistill.report.figures import drawn
from explaindistill.report.words import interval, name, number, quantity

__all__ = ["DRAWN_DEPTH", "drawn_lines", "model_tree", "points", "rules"]

DRAWN_DEPTH = 4
TABLED_LEAVES = 12


def drawn_lines(node: Mapping[str, Any], depth: int) -> int:
    """Lines of a drawing that folds deeper branches."""
    if node["children"] and depth:
        return sum(drawn_lines(child, depth - 1) for child in node["children"])
    return 1


def model_tree(form: Mapping[str, Any], id: str, favorable: Any) -> list[Block]:
    """The tree to see and to fold, and what each of its leaves adds up."""
    root = plots.model_root(form, favorable)
    height = min(12.0, 0.5 + 0.36 * drawn_lines(root, DRAWN_DEPTH))
    first = name(root["text"], 90)
    asks = f"It first asks: {first} " if root["children"] else "It has one leaf: a sum. "
    bar = "a bar shows the value" if form.get("classes") is None else "a bar the probability of the favourable class"
    figure = drawn(
        f"{id}-tree", "The model tree",
        f"{asks}Thicker branches carry more rows; at each leaf stands the answer to a row with all terms at their "
        f"centres, and {bar}.",
        lambda ax: plots.tree(root, ax, max_depth=DRAWN_DEPTH), width=10.0, height=height,
    )  # fmt: skip
    outline = Outline("Question by question", _node(root), f"{id}-outline")
    return [figure, outline, *_sums(form)]


def _node(node: Mapping[str, Any]) -> Node:
    text = f"{name(node['text'], 90)}" if node["children"] else f"leaf {node['leaf']}: {name(node['text'], 90)}"
    line = f"{name(node['edge'], 40)}: {text}" if node["edge"] else text
    return Node(line, f"{quantity(node['share'], 'share')} of rows", tuple(map(_node, node["children"])), node["node"])


def _sums(form: Mapping[str, Any]) -> list[Block]:
    """Terms by leaves; none where there are more leaves than columns that a reader can compare."""
    frame = plots.leaf_frame(form)
    leaves = [c for c in frame.columns if c not in ("term", "output")]
    if len(leaves) > TABLED_LEAVES:
        return []
    several = frame["output"].nunique() > 1
    lines = []
    for row in frame.to_dict("records"):
        term = name(row["term"], 60) + (f" → {name(row['output'], 20)}" if several else "")
        cells = (Cell("" if math.isnan(row[c]) else quantity(row[c], "number", signed=True)) for c in leaves)
        lines.append((Cell(term), *cells))
    classes = form.get("classes")
    unit = "value" if classes is None else f"log-odds of {name(classes[1])}" if not several else "scores of the classes"
    columns = ("added to the " + unit, *(f"leaf {c}" for c in leaves))
    table = Table("What each leaf adds up", columns, tuple(lines), (False, *(True for _ in leaves)))
    return [Details("What each leaf adds up", (table,), open=len(leaves) <= 6)]


def rules(form: Mapping[str, Any], id: str, favorable: Any) -> list[Block]:
    """The rules in their order: drawn, to be marked, and in numbers."""
    frame, classes = plots.rule_frame(form, favorable), form.get("classes")
    target = None if classes is None else favorable if favorable in classes else classes[-1]
    value = "value, from the smallest to the largest" if target is None else f"probability of {name(target)}"
    figure = drawn(
        f"{id}-rules", "The rules",
        f"{len(frame) - 1} rules and a default; the first that holds decides. A bar shows the {value}.",
        lambda ax: plots.rules(frame, ax, value=value), width=10.0, height=0.8 + 0.34 * len(frame),
    )  # fmt: skip
    last, lines, rows = len(frame) - 1, [], []
    for i, row in enumerate(frame.to_dict("records")):
        asks = "else" if i == last and last else f"{'if' if i == 0 else 'else if'} {name(row['condition'], 200)}"
        said = f"{asks}: {name(row['answer'], 40)}"
        way = "w" + "0" * i + ("" if i == last else "1")
        lines.append(Node(said, f"{quantity(row['coverage'], 'share')} of rows", path=way))
        rows.append(_rule_cells(row, asks))
    outline = Outline(
        "Rule by rule", Node("The first rule that holds decides.", children=tuple(lines)), f"{id}-outline"
    )
    columns = ("rule", "answer", "share of rows", "teacher says the same")
    numbers = Table("Rules in numbers", columns, tuple(rows), (False, False, True, True))
    return [figure, outline, Details("Rules in numbers", (numbers,))]


def _rule_cells(row: Mapping[str, Any], asks: str) -> tuple[Cell, ...]:
    covered = f"{interval(row['coverage_low'], row['coverage_high'], 'share')} n\u00a0=\u00a0{row['n']:,.0f}"
    agreed = Cell("–")
    if not math.isnan(row["agreement"]):
        agreed = Cell(quantity(row["agreement"], "share"), interval(row["low"], row["high"], "share"))
    return Cell(asks), Cell(name(row["answer"], 40)), Cell(quantity(row["coverage"], "share"), covered), agreed


def points(form: Mapping[str, Any], id: str, favorable: Any) -> list[Block]:
    """Points that are added up, and the risk that belongs to each total."""
    frame, risk = plots.point_frame(form), plots.risk_frame(form)
    target = name(form["classes"][1])
    rows = tuple(
        (Cell(name(r["term"], 90)), Cell(f"{r['estimate']:+.0f}".replace("-", "−"))) for r in frame.to_dict("records")
    )
    card = Table(f"Points for {target}", ("where it holds", "points"), rows, (False, True))
    lines = tuple(
        (
            Cell(f"{r['x']:.0f}".replace("-", "−")),
            Cell(quantity(r["estimate"], "share")),
            Cell(quantity(r["share"], "share")),
        )
        for r in risk.to_dict("records")
    )
    table = Table(
        "Risk of each total", ("total", f"probability of {target}", "share of rows"), lines, (True, True, True)
    )
    if frame.empty:
        return [card, table]
    figure = drawn(
        f"{id}-points", "The points", f"{len(frame)} conditions; the points of those that hold are added up.",
        lambda ax: plots.coefficients(frame, ax, name="points", unit=f"for {target}"),
        height=min(9.0, 0.8 + 0.27 * len(frame)),
    )  # fmt: skip
    curve = drawn(
        f"{id}-risk", "The risk of each total",
        f"From {quantity(risk['estimate'].iloc[0], 'share')} at {number(risk['x'].iloc[0])} points to "
        f"{quantity(risk['estimate'].iloc[-1], 'share')} at {number(risk['x'].iloc[-1])}.",
        lambda ax: plots.shape(risk, ax, name="total of the points", effect=f"probability of {target}"), height=2.6,
    )  # fmt: skip
    return [card, figure, curve, Details("Risk of each total", (table,))]


def _whole(points: float, sign: str = "") -> Cell:
    return Cell(f"{points:{sign}.0f}".replace("-", "−"))
