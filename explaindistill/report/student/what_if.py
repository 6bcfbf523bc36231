"""The student itself, to be asked in the page: its generated script, and the controls that ask it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from explaindistill.auditing.display_names import DisplayNames
from explaindistill.data.drawing import BarsDrawing, CurvesDrawing, Drawing, RulesDrawing, TreeDrawing
from explaindistill.data.program import AnyOf, Clipped, Condition, Input, Not, Program, program_of
from explaindistill.errors import InvalidInputError
from explaindistill.export.javascript import generate
from explaindistill.report.blocks import Text, WhatIf
from explaindistill.report.student.decided import decided_by
from explaindistill.report.student.shown import names_of, rules_as_shown
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import name, sentence

__all__ = ["what_if"]

UNNAMED = DisplayNames()
LIVE_FEATURES = 60  # a panel of more controls is longer than four screens


def what_if(student: Any, drawing: Drawing | None, id: str, audit: Any, key: str) -> list[WhatIf | Text]:
    """What-if panel of one student, or why the page cannot ask it; none where it reads more columns than one can set.

    Parameters
    ----------
    student : a fitted student
    drawing : Drawing, optional
        What the page shows of it: a path is marked in a tree, a rule in rules, and contributions bear a sum's unit.
    id : str
        Prefix of the identifiers on the page.
    audit : Audit
    key : str
        Name of the student in the audit.
    """
    kind = name(type(student).__name__)
    if not hasattr(student, "program"):
        return [Text(f"{kind} has no program(), so it cannot be asked in this page.", "note")]
    try:
        program, script = program_of(student), generate(student)
    except InvalidInputError as error:
        return [Text(f"{kind} cannot be asked in this page: {sentence(error)}", "note")]
    if not 0 < len(program.inputs) <= LIVE_FEATURES:
        return []
    typical = {str(r["feature"]): r for r in frame_of(audit, "columns").to_dict("records")}
    names = names_of(audit)
    partition, cells = _cells(audit, key, names)
    controls = {
        "id": id,
        "kind": "" if drawing is None else drawing.kind,
        "classes": None if program.classes is None else [name(names.of_class(c)) for c in program.classes],
        "features": [_control(column, typical.get(names.column(column.name), {}), names) for column in program.inputs],
        "terms": [name(_term(term, names)) for term in _terms(program)],
        **_marking(drawing, id),
        "output": _output(program, audit.favorable),
        "means": _means(drawing, program, _output(program, audit.favorable)),
        "decision": _decision(student, audit, key),
        "unit": drawing.unit if isinstance(drawing, CurvesDrawing | BarsDrawing) else "",
        "cells": cells,
    }
    script = _registered(script, id, "student") + (_registered(partition, f"{id}-cells", "student") if cells else "")
    return [WhatIf(kind, script, controls)]


def _marking(drawing: Drawing | None, id: str) -> dict[str, Any]:
    """The outline whose lines light up, and the words that say so."""
    if isinstance(drawing, TreeDrawing):
        return {"outline": f"{id}-outline", "marked": "its path is marked in the tree above"}
    if isinstance(drawing, RulesDrawing):
        return {"outline": f"{id}-outline", "marked": "its rule is marked above"}
    return {"outline": None, "marked": ""}


def _decision(student: Any, audit: Any, key: str) -> dict[str, Any] | None:
    """The favourable class's place and the probability that decides it (None: nobody is); None for the argmax."""
    rule = decided_by(student, audit, key)
    if rule is None:
        return None
    bound = None if math.isinf(rule.bound) else rule.bound
    return {"class": rule.classes.index(rule.favorable), "from": bound, "words": rule.sentence()}


def _output(program: Program, favorable: Any) -> int:
    """Which output's contributions are shown: the favourable class's, else the last; a tree gives no contributions."""
    if program.tree is not None or program.n_outputs == 1:
        return 0
    classes = program.classes or ()
    return classes.index(favorable) if favorable in classes else program.n_outputs - 1


def _means(drawing: Drawing | None, program: Program, output: int) -> list[float] | None:
    """What each term of a linear student adds on the mean: it is taken off, as curves of additive ones are centred."""
    if not isinstance(drawing, BarsDrawing) or "mean" not in drawing.frame:
        return None
    return [float(v) for v in drawing.frame["mean"].to_numpy().reshape(len(program.terms), -1)[:, output]]


def _terms(program: Program) -> list[str]:
    """Names of the terms of a sum, in the order of the script's contributions: of curves, else of the columns read."""
    if program.curves:
        return [curve.name for curve in program.curves]
    return [" and ".join(dict.fromkeys(_columns(term.factor))) for term in program.terms]


def _term(term: str, names: DisplayNames) -> str:
    """A term as it is shown: a column, or several."""
    return " and ".join(names.column(column) for column in term.split(" and ")) if names.columns else term


def _columns(factor: Clipped | Condition) -> Iterator[str]:
    """Names of the columns that a factor reads."""
    if isinstance(factor, AnyOf):
        for condition in factor.conditions:
            yield from _columns(condition)
    elif isinstance(factor, Not):
        yield from _columns(factor.condition)
    else:
        yield factor.input.name


def _registered(script: str, id: str, variable: str) -> str:
    register = f'(self.explaindistill = self.explaindistill || {{}})["{id}"] = {variable};'
    return f"(function () {{\n{script}{register}\n}})();\n"


def _cells(audit: Any, key: str, names: DisplayNames) -> tuple[str, dict[str, Any]]:
    """The tree that finds the cell of a row, and what the teacher answers there; nothing where the audit has none."""
    tree = getattr(audit, "cells", {}).get(key)
    lines = rows_of(frame_of(audit, "cells"), subject=key, status="ok")
    if tree is None or lines.empty:
        return "", {}
    read = rules_as_shown(tree, names)
    cells: dict[str, Any] = {}
    for line in lines.to_dict("records"):
        first = {"n": int(line["n"]), "where": name(read.get(line["subset"], line["subset"])), "means": []}
        means = cells.setdefault(str(line["cell"]), first)["means"]
        means.append([_four_digits(line[c]) for c in ("estimate", "low", "high")])
    return generate(tree), cells


def _four_digits(value: float) -> float | None:
    """None where there is no number: the mean of a cell of one row has no interval."""
    return None if math.isnan(value) else float(f"{value:.4g}")


def _control(column: Input, typical: Mapping[str, Any], names: DisplayNames = UNNAMED) -> dict[str, Any]:
    """One control and its first value: what is usual in the audited rows."""
    control: dict[str, Any] = {"name": column.name, "label": name(names.column(column.name)), "kind": column.kind}
    control["nullable"] = column.nullable
    if unit := names.unit(column.name):
        control["unit"] = name(unit)
    mode = typical.get("mode")
    if column.categories:
        labels = [str(c) for c in column.categories]
        choices = [{"label": name(names.group(column.name, c)), "value": c} for c in column.categories]
        # the most frequent category of the audited rows may be one that fitting has not seen
        return control | {"choices": choices, "value": labels.index(mode) if mode in labels else 0}
    if column.kind == "boolean":
        choices = [{"label": "no", "value": False}, {"label": "yes", "value": True}]
        return control | {"choices": choices, "value": int(mode == "yes")}
    whole = column.kind in {"integer", "datetime"}
    low = _first_number(typical.get("low"), column.minimum, 0.0)
    high = _first_number(typical.get("high"), column.maximum, low)
    span = high - low
    # a hundred steps or more from end to end, in round numbers
    step: Any = 1 if whole else (10.0 ** math.floor(math.log10(span / 100)) if span > 0 else "any")
    middle = _first_number(typical.get("median"), (low + high) / 2)
    value = round(middle) if whole else float(f"{middle:.3g}")
    return control | {"minimum": low, "maximum": high, "step": step, "value": value}


def _first_number(*values: float | None) -> float:
    """The first that is a number; the last always is."""
    return next(float(v) for v in values if v is not None and not math.isnan(v))
