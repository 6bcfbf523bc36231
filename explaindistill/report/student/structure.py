"""A student's own structure as blocks: what it draws of itself to see and to fold, its numbers, and itself to ask."""

from __future__ import annotations

import math
from typing import Any

from explaindistill import plots
from explaindistill.data.drawing import (
    BarsDrawing,
    CurvesDrawing,
    DrawnTerm,
    RulesDrawing,
    TreeDrawing,
    drawing_of,
)
from explaindistill.report.blocks import Block, Cell, Details, Figure, Gallery, Table, Text
from explaindistill.report.figures import drawn
from explaindistill.report.student.branching import leaf_occupants, rules, tree
from explaindistill.report.student.decided import EVEN, decided_by
from explaindistill.report.student.what_if import what_if
from explaindistill.report.words import name, number, quantity

__all__ = ["structure"]

DRAWN_TERMS = 6  # three rows of two curves: further terms move answers little, and stand in the table
DRAWN_BARS = 20  # as many as plots.coefficients paints


def structure(student: Any, id: str, audit: Any, key: str = "") -> list[Block]:
    """Blocks that show what a student is: its drawing, or bars of its importance; then itself to be asked.

    Parameters
    ----------
    student : a fitted student
    id : str
        Prefix of the identifiers on the page.
    audit : Audit
    key : str
        Name of the student in the audit.
    """
    rule = decided_by(student, audit, key)
    drawing = drawing_of(student) if rule is None else rule.drawn(drawing_of(student))
    blocks: list[Block] = []
    if isinstance(drawing, TreeDrawing):
        blocks = tree(drawing, id, audit.favorable, leaf_occupants(student, audit, key))
    elif isinstance(drawing, RulesDrawing):
        blocks = rules(drawing, id, audit.favorable)
    elif isinstance(drawing, CurvesDrawing):
        blocks = _curves(drawing, id)
    elif isinstance(drawing, BarsDrawing):
        blocks = _card(drawing, id) if drawing.totals is not None else _bars(drawing, id)
    spoken = [] if rule is None or (rule.bound == EVEN and len(rule.classes) == 2) else [Text(rule.sentence(), "note")]
    return [*spoken, *blocks, *what_if(student, drawing, id, audit, key)]


def _signed(value: float) -> str:
    """A number that always bears its sign."""
    return quantity(value, "number", signed=True)


def _curves(drawing: CurvesDrawing, id: str) -> list[Block]:
    terms, unit = drawing.terms, drawing.unit
    total = sum(t.spread for t in terms) or 1.0
    figures = tuple(_term(t, f"{id}-term-{i}", unit) for i, t in enumerate(terms[:DRAWN_TERMS]))
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
    summary = f"All {len(terms)} terms" if len(terms) > DRAWN_TERMS else "Terms in numbers"
    return [Gallery(figures), Details(summary, (table,))]


def _term(term: DrawnTerm, id: str, unit: str) -> Figure:
    low, high = (term.frame.loc[f()] for f in (term.frame["estimate"].idxmin, term.frame["estimate"].idxmax))
    desc = f"{name(term.name)}: from {_at(low)} to {_at(high)}"
    if not math.isnan(term.missing):
        desc += f"; missing: {_signed(term.missing)}"
    return drawn(id, f"{name(term.name)}: {unit}", f"{desc}.", lambda ax: plots.term(term, ax, effect=unit), 3.5, 2.5)


def _at(row: Any) -> str:
    where = row["x"] if "x" in row else row["level"]
    place = name(where) if isinstance(where, str) else number(where)
    if "y" in row:
        place += f", {name(row['y']) if isinstance(row['y'], str) else number(row['y'])}"
    return f"{_signed(row['estimate'])} at {place}"


def _bars(drawing: BarsDrawing, id: str) -> list[Block]:
    """The largest bars drawn, and all of them in numbers: what is applied, where that is another number, first."""
    frame, is_scaled = drawing.frame, "coefficient" in drawing.frame
    rows = tuple(
        (
            Cell(name(row["term"])),
            *((Cell(repr(row["coefficient"])),) if is_scaled else ()),
            Cell(_signed(row["estimate"])),
        )
        for row in frame.to_dict("records")
    )
    heads = (f"{drawing.bar} ({drawing.unit} per unit)", "per standard deviation")
    columns = ("term", *(heads if is_scaled else (f"{drawing.bar} ({drawing.bar_unit})",)))
    table = Table(drawing.title, columns, rows, (False, *(True for _ in columns[1:])))
    if frame.empty:
        return [table]
    n = min(DRAWN_BARS, len(frame))
    top = frame.iloc[int(frame["estimate"].abs().to_numpy().argmax())]
    unit = drawing.unit or drawing.bar_unit
    figure = drawn(
        f"{id}-{'coefficients' if is_scaled else 'bars'}", drawing.title + " per standard deviation" * is_scaled,
        f"The {n} largest of {len(frame)}; the largest is {name(top['term'])}, {_signed(top['estimate'])} {unit}.",
        lambda ax: plots.draw(drawing, ax), height=_height(n),
    )  # fmt: skip
    return [figure, Details(f"All {len(frame)} {drawing.bar}s" if is_scaled else f"All {len(frame)} bars", (table,))]


def _height(n_bars: int) -> float:
    """Height in inches of a figure of bars: 0.27 for each, and room for the axis."""
    return 0.8 + 0.27 * n_bars


def _card(drawing: BarsDrawing, id: str) -> list[Block]:
    """Points that are added up, and the risk that belongs to each total."""
    frame, totals, outcome = drawing.frame, drawing.totals, name(drawing.outcome)
    assert totals is not None
    rows = tuple((Cell(name(row["term"])), Cell(_whole(row["estimate"], "+"))) for row in frame.to_dict("records"))
    card = Table(f"Points for {outcome}", ("where it holds", "points"), rows, (False, True))
    lines = tuple(
        (Cell(_whole(row["x"])), Cell(quantity(row["estimate"], "share")), Cell(quantity(row["share"], "share")))
        for row in totals.to_dict("records")
    )
    columns = ("total", f"probability of {outcome}", "share of rows")
    table = Table("Risk of each total", columns, lines, (True, True, True))
    if frame.empty:
        return [card, table]
    figure = drawn(
        f"{id}-points", drawing.title, f"{len(frame)} conditions; the points of those that hold are added up.",
        lambda ax: plots.draw(drawing, ax), height=_height(min(DRAWN_BARS, len(frame))),
    )  # fmt: skip
    low, high = (f"{quantity(totals['estimate'].iloc[i], 'share')} at {number(totals['x'].iloc[i])}" for i in (0, -1))
    curve = drawn(
        f"{id}-risk", "The risk of each total", f"From {low} points to {high}.",
        lambda ax: plots.shape(totals, ax, name="total of the points", effect=f"probability of {outcome}"), height=2.6,
    )  # fmt: skip
    return [card, figure, curve, Details("Risk of each total", (table,))]


def _whole(points: float, sign: str = "") -> str:
    return f"{points:{sign}.0f}".replace("-", "−")
