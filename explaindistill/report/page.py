"""The HTML view: one self-contained page that asks the network for nothing, and a cell for notebooks."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from explaindistill.measures.verdicts import SIGNS
from explaindistill.report import blocks as b
from explaindistill.report.dots import look, occupants_svg, place, strip_svg
from explaindistill.report.folds import folded
from explaindistill.report.tabs import tabs_of
from explaindistill.report.words import FIRST, ISOLATED, LAST, name, sentence
from explaindistill.report.writers.json import island, results

__all__ = ["page"]

SCRIPTS = ("page.js", "explorer.js", "what_if.js")
STYLES = ("page.css", "tree.css", "print.css")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("explaindistill.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["sentence"] = sentence
    environment.filters["isolated"] = _isolated
    environment.filters["place"] = place
    environment.filters["look"] = look
    environment.filters["drawn"] = strip_svg
    environment.filters["occupants"] = occupants_svg
    environment.filters["sign"] = lambda verdict: SIGNS.get(verdict, "–")
    environment.filters["island"] = lambda value: Markup(island(value))
    return environment


def _isolated(text: str) -> Markup:
    """Words as HTML, with ``bdi`` around each name that keeps its own direction."""
    pieces = ISOLATED.split(sentence(text))
    words = (Markup("<bdi>%s</bdi>") % p.strip(FIRST + LAST) if i % 2 else escape(p) for i, p in enumerate(pieces))
    return Markup("").join(words)


@cache
def _asset(file: str) -> str:
    return files("explaindistill.report").joinpath("templates", file).read_text(encoding="utf-8").replace("\r", "")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _whatifs(blocks: tuple[b.Block, ...]) -> list[b.WhatIf]:
    panels: list[b.WhatIf] = []
    for block in blocks:
        if isinstance(block, b.WhatIf):
            panels.append(block)
        elif isinstance(block, (b.Details, b.Group)):
            panels.extend(_whatifs(block.blocks))
    return panels


def page(audit: Any, sections: Mapping[str, b.Section]) -> str:
    """The whole report as one HTML text.

    Only the scripts whose hashes stand in the Content-Security-Policy may run, so a word that slipped through
    as a script would still be inert.
    """
    panels = [panel for section in sections.values() for panel in _whatifs(section.blocks)]
    scripts = [_clean(panel.script) for panel in panels] + [_asset(file) for file in SCRIPTS]
    policy = (
        f"default-src 'none'; script-src {' '.join(dict.fromkeys(map(_hash, scripts)))}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=_title(audit),
            subtitle=_subtitle(audit),
            manifest=audit.manifest,
            tabs=tabs_of(folded(sections)),
            policy=policy,
            style=Markup("".join(map(_asset, STYLES))),
            scripts=[Markup(script) for script in scripts],
            results=results(audit, page=True),
        )
    )


def _title(audit: Any) -> str:
    return f"Audit of {', '.join(name(s) for s in audit.students)}"


def _subtitle(audit: Any) -> str:
    """Whom the students imitate, on how many rows, and when."""
    pieces = [f"against the teacher {name(audit.teacher_name)}"]
    if audit.manifest.get("n_rows"):
        pieces.append(f"{audit.manifest['n_rows']:,} audited rows")
    if audit.manifest.get("date"):
        pieces.append(name(audit.manifest["date"]))
    return " · ".join(pieces)


def _clean(script: str) -> str:
    if "</" in script or "<!--" in script:
        raise ValueError("a script in the page must not contain '</' or '<!--'")
    return script.replace("\r", "")
