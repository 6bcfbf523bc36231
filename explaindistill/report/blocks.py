"""What a report is made of: small frozen values that know nothing of HTML or Markdown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = [
    "Block",
    "Card",
    "Cards",
    "Cell",
    "Code",
    "Details",
    "Facts",
    "Figure",
    "Gallery",
    "Group",
    "Items",
    "Node",
    "Outline",
    "Section",
    "Table",
    "Text",
    "Verdict",
    "Verdicts",
    "WhatIf",
]

Tone = Literal["", "good", "bad", "unsure", "quiet"]


@dataclass(frozen=True)
class Text:
    """A paragraph; ``tone`` "note" and "warning" set it apart."""

    text: str
    tone: Literal["plain", "note", "warning", "lead"] = "plain"


@dataclass(frozen=True)
class Items:
    """A list of short sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Pairs of a name and its value."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cell:
    """One cell of a table: the value, and its interval or count in quieter type."""

    text: str
    detail: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Table:
    """A table whose first column names the row; ``numeric`` tells which columns are set flush right."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: tuple[bool, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A drawing as SVG text, with the words that stand for it where it cannot be seen."""

    svg: str
    title: str
    desc: str


@dataclass(frozen=True)
class Gallery:
    """Small drawings side by side."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Verdict:
    """One rule, one of four answers, and the evidence in words."""

    rule: str
    verdict: Literal["pass", "fail", "inconclusive", "cannot say"]
    evidence: str
    reason: str = ""


@dataclass(frozen=True)
class Verdicts:
    """Rules that were asked for, each with its answer."""

    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class Card:
    """One headline figure."""

    title: str
    value: str
    detail: str
    lines: tuple[str, ...] = ()
    tone: Tone = ""
    series: int = 0


@dataclass(frozen=True)
class Cards:
    """Headline figures side by side."""

    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Code:
    """Text whose line breaks matter."""

    text: str
    language: str = "text"


@dataclass(frozen=True)
class Node:
    """One line of an outline, with what hangs below it."""

    text: str
    detail: str = ""
    children: tuple[Node, ...] = ()
    path: str = ""


@dataclass(frozen=True)
class Outline:
    """A tree that can be folded branch by branch."""

    title: str
    root: Node
    id: str = ""


@dataclass(frozen=True)
class WhatIf:
    """A student that travels in the page: its generated JavaScript and the controls to ask it.

    ``controls`` has ``id`` (of the student in the page), ``kind``, ``classes``, ``features`` (ranges and categories,
    never rows), ``terms`` and ``outline`` (identifier of the tree whose path lights up).
    """

    name: str
    script: str
    controls: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Details:
    """Blocks that are folded away until asked for; printed all the same."""

    summary: str
    blocks: tuple[Block, ...]
    open: bool = False


@dataclass(frozen=True)
class Group:
    """Blocks under a heading of their own."""

    title: str
    blocks: tuple[Block, ...]


Block: TypeAlias = (
    Text | Items | Facts | Table | Figure | Gallery | Verdicts | Cards | Code | Outline | WhatIf | Details | Group
)


@dataclass(frozen=True)
class Section:
    """A chapter of the report; one that does not apply has no blocks and says why."""

    title: str
    order: int
    blocks: tuple[Block, ...] = ()
    reason: str = ""
