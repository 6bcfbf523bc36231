"""The HTML view: one self-contained page that asks the network for nothing, and a cell for notebooks."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from explaindistill.measures.verdicts import SIGNS
from explaindistill.report import blocks as b
from explaindistill.report.dots import look, occupants_svg, place, strip_svg
from explaindistill.report.folds import folded
from explaindistill.report.harmless_html import harmless
from explaindistill.report.opening_block import opening_title
from explaindistill.report.tabs import tabs_of
from explaindistill.report.words import FIRST, ISOLATED, LAST, name, sentence
from explaindistill.report.writers.json import island, results

__all__ = ["asset", "environment", "page", "whole_page"]

Kind = TypeVar("Kind")

SCRIPTS = ("page.js", "explorer.js", "what_if.js")
STYLES = ("page.css", "tree.css", "print.css")


SPARE_ENDS = re.compile(r"</(?:td|th|tr|li|dt|dd)>")
"""End tags that the standard lets an author leave out (HTML, 13.1.2.4): a thirtieth of a page. Scripts have none of
them (:func:`_clean`), and data write ``<`` in another way."""


@cache
def environment() -> Environment:
    """Templates with the filters that they write words and blocks with."""
    templates = Environment(
        loader=PackageLoader("explaindistill.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["kind"] = lambda block: type(block).__name__
    templates.filters["sentence"] = sentence
    templates.filters["isolated"] = _isolated
    templates.filters["place"] = place
    templates.filters["look"] = look
    templates.filters["drawn"] = strip_svg
    templates.filters["occupants"] = occupants_svg
    templates.filters["harmless"] = lambda html: Markup(harmless(html))
    templates.filters["sign"] = lambda verdict: SIGNS.get(verdict, "–")
    templates.filters["island"] = lambda value: Markup(island(value))
    return templates


def _isolated(text: str) -> Markup:
    """Words as HTML, with ``bdi`` around each name that keeps its own direction."""
    pieces = ISOLATED.split(sentence(text))
    words = (Markup("<bdi>%s</bdi>") % p.strip(FIRST + LAST) if i % 2 else escape(p) for i, p in enumerate(pieces))
    return Markup("").join(words)


@cache
def asset(file: str) -> str:
    """Text of a file of the templates, such as a style sheet."""
    return files("explaindistill.report").joinpath("templates", file).read_text(encoding="utf-8").replace("\r", "")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _within(blocks: tuple[b.Block, ...], kind: type[Kind]) -> list[Kind]:
    """Blocks of one kind, wherever they stand."""
    chosen: list[Kind] = []
    for block in blocks:
        if isinstance(block, kind):
            chosen.append(block)
        elif isinstance(block, (b.Details, b.Group)):
            chosen.extend(_within(block.blocks, kind))
    return chosen


def page(audit: Any, sections: Mapping[str, b.Section]) -> str:
    """The whole report of an audit as one HTML text; see :func:`whole_page`."""
    return whole_page(opening_title(audit), _subtitle(audit), audit.manifest, sections, results(audit, page=True))


def whole_page(
    title: str, subtitle: str, manifest: Mapping[str, Any], sections: Mapping[str, b.Section], embedded: Any
) -> str:
    """Sections as one HTML text, with the results that travel in it.

    Only the scripts whose hashes stand in the Content-Security-Policy may run, so a word that slipped through
    as a script would still be inert.
    """
    panels = [panel for section in sections.values() for panel in _within(section.blocks, b.WhatIf)]
    objects = [shown for section in sections.values() for shown in _within(section.blocks, b.Html)]
    sounds = "media-src data:; " if any("data:audio/" in shown.html for shown in objects) else ""
    scripts = [_clean(panel.script) for panel in panels] + [asset(file) for file in SCRIPTS]
    policy = (
        f"default-src 'none'; script-src {' '.join(dict.fromkeys(map(_hash, scripts)))}; style-src 'unsafe-inline'; "
        f"img-src data:; {sounds}base-uri 'none'; form-action 'none'"
    )
    return SPARE_ENDS.sub(
        "",
        environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            subtitle=subtitle,
            manifest=manifest,
            tabs=tabs_of(folded(sections)),
            policy=policy,
            style=Markup("".join(map(asset, STYLES))),
            scripts=[Markup(script) for script in scripts],
            results=embedded,
        ),
    )


def _subtitle(audit: Any) -> str:
    """Whom the students imitate, where the opening does not say it, on how many rows, and when."""
    pieces = [] if hasattr(audit, "opening") else [f"against the teacher {name(audit.teacher_name)}"]
    if audit.manifest.get("n_rows"):
        drawn = audit.manifest.get("partitions", {}).get("drawn")
        some = "" if drawn is None else f", {drawn:,} of them drawn for what is not counted"
        pieces.append(f"{audit.manifest['n_rows']:,} audited rows{some}")
    if audit.manifest.get("date"):
        pieces.append(name(audit.manifest["date"]))
    return " · ".join(pieces)


def _clean(script: str) -> str:
    if "</" in script or "<!--" in script:
        raise ValueError("a script in the page must not contain '</' or '<!--'")
    return script.replace("\r", "")
