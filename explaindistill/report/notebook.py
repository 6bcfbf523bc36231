"""What a notebook shows of an audit: the opening, who inherited which gap, and a link to the saved page."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from explaindistill.auditing.opening.audited import attributes_of
from explaindistill.auditing.opening.bias import passed_on
from explaindistill.auditing.opening.gaps import Gap, widest_gap
from explaindistill.auditing.opening.spelling import Unit, limits, measured
from explaindistill.report.words import sentence
from explaindistill.report.writers.opening import pieces, title_of

__all__ = ["cell"]

SIGNS = {"inherited": "=", "amplified": "↑", "reduced": "↓", "hidden": "∅", "reversed": "⇄"}
"""Beside the word for what became of a gap: colour alone tells nothing to who does not see it."""
MOST_LINES = 12
"""Attributes of the matrix; the page has all."""


def cell(audit: Any) -> str:
    """HTML for a notebook's cell, at most 150 kB whatever was audited; no script, and no figure of the page.

    Parameters
    ----------
    audit : Audit
    """
    parts = [(question, [pieces(one) for one in sentences]) for _, question, sentences in audit.opening.parts()]
    saved = audit.pages[-1] if audit.pages else ""
    return (
        _environment()
        .get_template("cell.html.j2")
        .render(
            title=title_of(audit),
            parts=parts,
            matrix=_matrix(audit),
            saved=saved,
            href=_href(saved),
            style=Markup(_asset("cell.css")),
        )
    )


def _href(path: str) -> str:
    """The path as an address that can only be a file's: a colon in a name would make it another kind of address."""
    windows = re.fullmatch(r"[A-Za-z]:[\\\\/].*", path)
    address = quote(path.replace("\\", "/") if windows else path, safe="/.~")
    return f"file:///{path[0]}:{address[4:]}" if windows else re.sub("^/+", "/", address)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("explaindistill.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["sentence"] = sentence
    return environment


@cache
def _asset(file: str) -> str:
    return files("explaindistill.report").joinpath("templates", file).read_text(encoding="utf-8").replace("\r", "")


def _matrix(audit: Any) -> list[list[tuple[str, str]]]:
    """Lines of word and figure: the heads, then each attribute with its widest gap in the teacher; nothing without."""
    lines = []
    for attribute in attributes_of(audit)[:MOST_LINES]:
        gap = widest_gap(audit, attribute)
        if gap is not None:
            lines.append([_title(audit, gap), _teacher(audit, gap), *(_student(audit, gap, s) for s in audit.students)])
    heads = [("attribute", ""), ("teacher", "gap"), *((str(student), "shift") for student in audit.students)]
    return [heads, *lines] if lines else []


def _unit(audit: Any) -> Unit:
    return "points" if audit.task == "classification" else "number"


def _title(audit: Any, gap: Gap) -> tuple[str, str]:
    attribute = gap.line.word("attribute")
    sides = [audit.names.group(attribute, gap.line.word(side)) for side in ("group", "reference")]
    return audit.names.column(attribute), " against ".join(sides)


def _teacher(audit: Any, gap: Gap) -> tuple[str, str]:
    unit = _unit(audit)
    figure = f"{measured(float(gap.line['estimate']), unit)} {limits(gap.low, gap.high, unit)}"
    return ("a gap" if gap.is_sure else "no gap shown"), figure


def _student(audit: Any, gap: Gap, student: str) -> tuple[str, str]:
    line = passed_on(audit, gap, str(student))
    if line is None:
        return "not measured", ""
    word, unit = line.word("verdict") or "cannot say", _unit(audit)
    figure = f"{measured(float(line['estimate']), unit)} {limits(float(line['low']), float(line['high']), unit)}"
    return f"{SIGNS.get(word, '?')} {word}", figure
