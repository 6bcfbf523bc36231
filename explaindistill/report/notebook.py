"""What a notebook shows of an audit: the opening, who inherited which gap, and a link to the saved page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from explaindistill.auditing.opening.sentences import Sentence
from explaindistill.report import blocks as b
from explaindistill.report.displayed import displayed
from explaindistill.report.matrices import gaps_by_model, requirements_by_model
from explaindistill.report.page import asset, environment
from explaindistill.report.writers.opening import pieces, title_of

__all__ = ["cell"]

MOST_SENTENCES = 20
"""Of one topic: warnings may be many, and the page has all."""
MOST_CELLS = 120
"""Of a matrix: a cell is some 400 bytes, and a notebook keeps what it showed."""


def cell(audit: Any) -> str:
    """HTML for a notebook's cell, at most 150 kB whatever was audited; no script, and no figure of the page.

    Parameters
    ----------
    audit : Audit
    """
    parts = [(question, *_few(sentences)) for _, question, sentences in audit.opening.parts()]
    saved = audit.pages[-1] if audit.pages else ""
    return (
        environment()
        .get_template("cell.html.j2")
        .render(
            title=title_of(audit),
            parts=parts,
            matrices=_matrices(displayed(audit)),
            saved=saved,
            href=_href(saved),
            style=Markup(asset("cell.css")),
        )
    )


def _few(sentences: tuple[Sentence, ...]) -> tuple[list[list[tuple[str, str]]], int]:
    """The first sentences of a topic, and how many more there are."""
    return [pieces(one) for one in sentences[:MOST_SENTENCES]], max(0, len(sentences) - MOST_SENTENCES)


def _href(path: str) -> str:
    """The path as an address that can only be a file's: a colon in a name would make it another kind of address."""
    windows = re.fullmatch(r"[A-Za-z]:[\\\\/].*", path)
    address = quote(path.replace("\\", "/") if windows else path, safe="/.~")
    return f"file:///{path[0]}:{address[4:]}" if windows else re.sub("^/+", "/", address)


def _matrices(audit: Any) -> list[b.Matrix]:
    """Those of the page, without links: what they lead to is in the page only."""
    blocks = [*gaps_by_model(audit), *requirements_by_model(audit)]
    whole = [block for block in blocks if isinstance(block, b.Matrix)]
    return [replace(one, rows=tuple(map(_unlinked, one.rows[: MOST_CELLS // len(one.columns)]))) for one in whole]


def _unlinked(
    row: tuple[str, str, tuple[b.MatrixCell, ...]],
) -> tuple[str, str, tuple[b.MatrixCell, ...]]:
    title, detail, cells = row
    return title, detail, tuple(replace(one, href="") for one in cells)
