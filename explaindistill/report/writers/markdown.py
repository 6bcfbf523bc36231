"""The Markdown view: headings, tables and words; drawings are told by their text alternative."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import Any

from explaindistill.measures.verdicts import SIGNS, marked
from explaindistill.report import blocks as b
from explaindistill.report.words import quantity, sentence
from explaindistill.report.writers.opening import NAMES, pieces, title_of

__all__ = ["document", "escape", "opened", "written"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$~&!])")
_LONGEST = 16
"""Lines of what a page folds that the text keeps; longer tables are in the page and in the results."""


def escape(text: str) -> str:
    r"""Words from outside as Markdown that shows them as they are.

    Examples
    --------
    >>> escape("<b>*x*|y")
    '\\<b\\>\\*x\\*\\|y'
    """
    return _SPECIAL.sub(r"\\\1", sentence(text))


def document(audit: Any, sections: Mapping[str, b.Section]) -> str:
    """The whole report as one Markdown text: the opening, then every section."""
    parts = [f"# {escape(title_of(audit))}", *opened(audit, 2)]
    parts += [written(section, 2) for section in sections.values()]
    return "\n\n".join(parts) + "\n"


def opened(audit: Any, level: int) -> list[str]:
    """Paragraphs and lists of the opening, without its title; ``level`` is that of the headings over its sentences."""
    paragraphs: list[str] = []
    for _, question, sentences in audit.opening.parts():
        lines = ["".join(_word(*piece) for piece in pieces(one)) for one in sentences]
        if question:
            paragraphs += [f"{'#' * level} {escape(question)}", "\n".join(f"- {line}" for line in lines)]
        else:
            paragraphs.append(" ".join(lines))
    return paragraphs


def _word(kind: str, text: str) -> str:
    """A name in italics, what is to be typed as code; neither where Markdown would not read it as that."""
    if kind in NAMES and text == text.strip() and text:
        return f"*{escape(text)}*"
    plain = kind == "code" and not {"`", "<"} & set(text)  # what could be read as HTML is escaped, as everywhere
    return f"`{text}`" if plain else escape(text)


def written(section: b.Section, level: int) -> str:
    """One section under a heading of the level."""
    parts = [f"{'#' * level} {escape(section.title)}", f"*{escape(section.reason)}*" if section.reason else ""]
    return "\n\n".join(filter(None, [*parts, *_all(section.blocks, level + 1)]))


def _all(blocks: Iterable[b.Block], level: int) -> list[str]:
    return [text for block in blocks if (text := _write(block, level))]


@singledispatch
def _write(block: b.Block, level: int) -> str:
    raise TypeError(f"no Markdown for {type(block).__name__}")


@_write.register
def _(block: b.Text, level: int) -> str:
    text = escape(block.text)
    return f"> {text}" if block.tone in {"note", "warning"} else text


@_write.register
def _(block: b.Statements, level: int) -> str:
    return ""  # they stand under the title, see `opened`


@_write.register
def _(block: b.Items, level: int) -> str:
    return "\n".join(f"- {escape(item)}" for item in block.items)


@_write.register
def _(block: b.Facts, level: int) -> str:
    return "\n".join(f"- **{escape(key)}**: {escape(value)}" for key, value in block.pairs)


@_write.register
def _(block: b.Table, level: int) -> str:
    numeric = block.numeric or (False,) * len(block.columns)
    lines = [f"**{escape(block.caption)}**", ""]
    lines.append("| " + " | ".join(escape(c) for c in block.columns) + " |")
    lines.append("| " + " | ".join("---:" if flush else "---" for flush in numeric) + " |")
    for row in block.rows:
        cells = (escape(f"{c.text} {c.detail}".strip()).replace("\n", " ") for c in row)
        lines.append("| " + " | ".join(cells) + " |")
    if block.note:
        lines += ["", f"*{escape(block.note)}*"]
    return "\n".join(lines)


@_write.register
def _(block: b.Matrix, level: int) -> str:
    rows = tuple(
        (
            b.Cell(title, detail),
            *(b.Cell(f"{c.sign} {c.word}".strip(), f"{c.figure} {c.detail}".strip()) for c in cells),
        )
        for title, detail, cells in block.rows
    )
    return _write(b.Table(block.caption, block.columns, rows, note=block.note), level)


def _in_words(cell: b.MatrixCell) -> b.Cell:
    return b.Cell(f"{cell.sign} {cell.word}".strip(), f"{cell.figure} {cell.detail}".strip())


@_write.register
def _(block: b.Dots, level: int) -> str:
    lines = [f"> **Figure: {escape(block.title)}** – {escape(block.desc)}", ""]
    for strip in block.strips:
        words = "; ".join(filter(None, (strip.remark, *(mark.words for mark in strip.marks))))
        lines.append(f"- {escape(strip.title)}{f' ({escape(strip.detail)})' if strip.detail else ''}: {escape(words)}")
    return "\n".join(lines)


@_write.register
def _(block: b.Explorer, level: int) -> str:
    return _write(block.first, level)


@_write.register
def _(block: b.Threshold, level: int) -> str:
    return f"> The HTML page has a slider here: {escape(block.words)}"


@_write.register
def _(block: b.Figure, level: int) -> str:
    return f"> **Figure: {escape(block.title)}** – {escape(block.desc)}"


@_write.register
def _(block: b.Html, level: int) -> str:
    return "> The HTML page shows an object here."


@_write.register
def _(block: b.Gallery, level: int) -> str:
    return "\n\n".join(_all(block.figures, level))


@_write.register
def _(block: b.Verdicts, level: int) -> str:
    lines = ["| rule | verdict | evidence |", "| --- | --- | --- |"]
    for v in block.verdicts:
        evidence = escape(" ".join(filter(None, (v.evidence, v.reason)))).replace("\n", " ")
        lines.append(f"| {escape(v.rule)} | **{SIGNS.get(v.verdict, '–')} {escape(marked(v.verdict))}** | {evidence} |")
    return "\n".join(lines)


@_write.register
def _(block: b.Cards, level: int) -> str:
    return "\n".join(
        f"- **{escape(c.title)}: {escape(c.value)}** {escape(c.detail)}" + "".join(f"; {escape(x)}" for x in c.lines)
        for c in block.cards
    )


@_write.register
def _(block: b.Code, level: int) -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
    return f"{ticks}{block.language}\n{sentence(block.text)}\n{ticks}"


@_write.register
def _(block: b.Outline, level: int) -> str:
    lines = [f"**{escape(block.title)}**", ""]

    def walk(node: b.Node, depth: int) -> None:
        text = f"{node.edge}: {node.text}" if node.edge else node.text
        details = "; ".join(filter(None, (node.detail, *map(_who, node.shares))))
        lines.append("  " * depth + f"- {escape(text)}" + (f" – {escape(details)}" if details else ""))
        for child in node.children:
            walk(child, depth + 1)

    walk(block.root, 0)
    return "\n".join(lines)


@_write.register
def _(block: b.WhatIf, level: int) -> str:
    return f"> The HTML report lets you ask {escape(block.name)} about rows of your own."


def _length(block: b.Block) -> int:
    """Lines of tables and lists in a block, those of its folds included."""
    if isinstance(block, (b.Details, b.Group)):
        return sum(map(_length, block.blocks))
    rows = getattr(block, "rows", getattr(block, "verdicts", ()))
    return len(rows) if isinstance(block, (b.Table, b.Verdicts)) else 0


@_write.register
def _(block: b.Details, level: int) -> str:
    if not block.open and sum(map(_length, block.blocks)) > _LONGEST:
        return f"*{escape(block.summary)}: in the HTML page and in the results as JSON and CSV.*"
    return "\n\n".join([f"**{escape(block.summary)}**", *_all(block.blocks, level)])


@_write.register
def _(block: b.Group, level: int) -> str:
    return "\n\n".join([f"{'#' * level} {escape(block.title)}", *_all(block.blocks, level + 1)])


def _who(shares: tuple[str, tuple[tuple[str, float], ...]]) -> str:
    """Groups of one attribute with their shares, or that these are withheld."""
    attribute, groups = shares
    words = (f"{group} {'withheld' if math.isnan(share) else quantity(share, 'share')}" for group, share in groups)
    return f"{attribute}: {', '.join(words)}"
