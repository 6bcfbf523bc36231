"""A student's own structure as blocks: what it draws of itself to see and to fold, its numbers, and itself to ask."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import nan
from typing import Any

import pandas as pd

from explaindistill import plots
from explaindistill.auditing.display_names import DisplayNames
from explaindistill.data.drawing import (
    BarsDrawing,
    CurvesDrawing,
    Drawing,
    DrawnTerm,
    RulesDrawing,
    TreeDrawing,
    drawing_of,
)
from explaindistill.report.axes import axis, tick_words
from explaindistill.report.blocks import Block, Cell, Details, Dots, Figure, Gallery, Mark, Strip, Table, Text
from explaindistill.report.figures import drawn
from explaindistill.report.student.branching import leaf_occupants, rules, tree
from explaindistill.report.student.decided import EVEN, decided_by
from explaindistill.report.student.shown import as_shown, drawing_as_shown, names_of
from explaindistill.report.student.what_if import what_if
from explaindistill.report.tables import frame_of
from explaindistill.report.words import FIRST, LAST, name, number, quantity

__all__ = ["structure"]

Ranges = Mapping[str, tuple[float, float]]
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
    names = names_of(audit)
    drawing = drawing_of(as_shown(student, names))
    drawing = drawing_as_shown(drawing if rule is None else rule.drawn(drawing), names)
    favorable = None if audit.favorable is None else _shown_class(audit, drawing, names)
    blocks: list[Block] = []
    if isinstance(drawing, TreeDrawing):
        blocks = tree(drawing, id, favorable, leaf_occupants(student, audit, key))
    elif isinstance(drawing, RulesDrawing):
        blocks = rules(drawing, id, favorable)
    elif isinstance(drawing, CurvesDrawing):
        blocks = _curves(drawing, id, _ranges(audit), names)
    elif isinstance(drawing, BarsDrawing):
        blocks = _card(drawing, id) if drawing.totals is not None else _bars(drawing, id)
    spoken = [] if rule is None or (rule.bound == EVEN and len(rule.classes) == 2) else [Text(rule.sentence(), "note")]
    return [*spoken, *blocks, *what_if(student, drawing, id, audit, key)]


def _shown_class(audit: Any, drawing: Drawing | None, names: DisplayNames) -> Any:
    """The favourable class as the drawing names it."""
    classes = getattr(drawing, "classes", None) or ()
    return audit.favorable if audit.favorable in classes else names.of_class(audit.favorable)


def _signed(value: float) -> str:
    """A number that always bears its sign."""
    return quantity(value, "number", signed=True)


def _curves(drawing: CurvesDrawing, id: str, ranges: Ranges, names: DisplayNames) -> list[Block]:
    terms, unit = drawing.terms, drawing.unit
    labelled = {t.name: _with_unit(t, names) for t in terms}
    total = sum(t.spread for t in terms) or 1.0
    figures = tuple(
        _term(_inside(t, ranges), f"{id}-term-{i}", unit, labelled[t.name]) for i, t in enumerate(terms[:DRAWN_TERMS])
    )
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


def _ranges(audit: Any) -> Ranges:
    """Between which values the audited rows lie, by column, as the audit shows it."""
    lines = frame_of(audit, "columns").to_dict("records")
    return {str(r["feature"]): (float(r["low"]), float(r["high"])) for r in lines if not pd.isna(r["low"])}


def _bare(word: str) -> str:
    """A name without the signs that keep its direction."""
    return word.strip(FIRST + LAST)


def _inside(term: DrawnTerm, ranges: Ranges) -> DrawnTerm:
    """A curve between the values that rows have: beyond them it is invented; whole where that range is not known."""
    if len(term.features) != 1 or "x" not in term.frame or _bare(term.features[0]) not in ranges:
        return term
    low, high = ranges[_bare(term.features[0])]
    inside = term.frame[term.frame["x"].between(low, high)]
    return term if inside["x"].nunique() < 2 else replace(term, frame=inside.reset_index(drop=True))


def _with_unit(term: DrawnTerm, names: DisplayNames) -> DrawnTerm:
    """A term of one column of numbers whose axis says their unit."""
    unit = names.unit_of_shown(_bare(term.features[0])) if len(term.features) == 1 and "x" in term.frame else ""
    return replace(term, features=(f"{term.features[0]}, {unit}",)) if unit else term


def _term(term: DrawnTerm, id: str, unit: str, labelled: DrawnTerm) -> Figure:
    low, high = (term.frame.loc[f()] for f in (term.frame["estimate"].idxmin, term.frame["estimate"].idxmax))
    desc = f"{name(term.name)}: from {_at(low)} to {_at(high)}"
    if not math.isnan(term.missing):
        desc += f"; missing: {_signed(term.missing)}"
    shown = replace(labelled, frame=term.frame)
    title = f"{name(term.name)}: {unit}"
    return drawn(id, title, f"{desc}.", lambda ax: plots.term(shown, ax, effect=unit), captioned=False)


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
    title = drawing.title + " per standard deviation" * is_scaled
    desc = f"The {min(DRAWN_BARS, len(frame))} largest of {len(frame)}, in {drawing.unit or drawing.bar_unit}."
    figure = _bar_plot(frame, title, desc, _signed)
    return [figure, Details(f"All {len(frame)} {drawing.bar}s" if is_scaled else f"All {len(frame)} bars", (table,))]


def _bar_plot(frame: pd.DataFrame, title: str, desc: str, words: Callable[[float], str]) -> Dots:
    """A bar from zero for each of the largest terms, its number beside its name."""
    sized = frame.assign(size=frame["estimate"].abs()).sort_values("size", ascending=False, kind="stable")
    shown = sized.head(DRAWN_BARS)
    ends, ticks = axis([0.0, *shown["estimate"].astype(float)])
    strips = tuple(
        Strip(
            name(r["term"]), words(r["estimate"]), (Mark(0, float(r["estimate"]), nan, nan, 1.0, words(r["estimate"])),)
        )
        for r in shown.to_dict("records")
    )
    marked = tuple((t, tick_words(t, "number")) for t in ticks)
    return Dots(title, desc, strips, (("", 0),), ends, marked, bars=True, head="term")


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
    desc = f"{len(frame)} conditions; the points of those that hold are added up."
    figure = _bar_plot(frame, drawing.title, desc, lambda points: _whole(points, "+"))
    low, high = (f"{quantity(totals['estimate'].iloc[i], 'share')} at {number(totals['x'].iloc[i])}" for i in (0, -1))
    curve = drawn(
        f"{id}-risk", "The risk of each total", f"From {low} points to {high}.",
        lambda ax: plots.shape(totals, ax, name="total of the points", effect=f"probability of {outcome}")
    )  # fmt: skip
    return [card, figure, curve, Details("Risk of each total", (table,))]


def _whole(points: float, sign: str = "") -> str:
    return f"{points:{sign}.0f}".replace("-", "−")
