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
    "Dots",
    "Explorer",
    "Facts",
    "Figure",
    "Gallery",
    "Group",
    "Html",
    "Items",
    "Mark",
    "Matrix",
    "MatrixCell",
    "Node",
    "Outline",
    "Section",
    "Statement",
    "Statements",
    "Strip",
    "Table",
    "Text",
    "Threshold",
    "Verdict",
    "Verdicts",
    "WhatIf",
]

Tone = Literal["", "good", "bad", "unsure", "quiet"]


@dataclass(frozen=True)
class Text:
    """A paragraph; ``tone`` "note" and "warning" set it apart."""

    text: str
    tone: Literal["plain", "note", "warning", "lead", "quiet"] = "plain"


@dataclass(frozen=True)
class Items:
    """A list of short sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Pairs of a name and its value; ``anchors`` are their identifiers in a page, where they have any."""

    pairs: tuple[tuple[str, str], ...]
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Html:
    """What a domain shows of one object: a page writes what formats text, and embedded pictures and sounds."""

    html: str
    id: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell of a table: the value, and its interval or count in quieter type."""

    text: str
    detail: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Table:
    """A table whose first column names the row.

    Attributes
    ----------
    numeric : tuple of bool
        Which columns are set flush right.
    matters : tuple of int
        Rows that a page shows where it folds the others; the first three when empty.
    shown : int
        A page folds a table of more rows, and shows three.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: tuple[bool, ...] = ()
    note: str = ""
    matters: tuple[int, ...] = ()
    shown: int = 12

    def first(self, n: int = 3) -> tuple[tuple[Cell, ...], ...]:
        """The rows that matter first, in their order."""
        return tuple(self.rows[i] for i in sorted(self.matters[:n] or range(min(n, len(self.rows)))))


@dataclass(frozen=True)
class Statement:
    """One sentence of the opening: pieces of text, each with what it is, and where its evidence stands in a page.

    Attributes
    ----------
    pieces : tuple of (text, kind)
        Kinds are those of :class:`explaindistill.auditing.opening.sentences.Word`.
    href : str
        Empty where there is no evidence to look at.
    """

    pieces: tuple[tuple[str, str], ...]
    href: str = ""
    verdict: str = ""


@dataclass(frozen=True)
class Statements:
    """The opening: questions, each with the sentences that answer it, and how many of them a telephone shows first."""

    parts: tuple[tuple[str, str, tuple[Statement, ...], int], ...]


@dataclass(frozen=True)
class MatrixCell:
    """One answer of a matrix: a sign and a word, the figure, its interval, and where its evidence stands."""

    word: str
    figure: str = ""
    detail: str = ""
    tone: Tone = ""
    sign: str = ""
    href: str = ""


@dataclass(frozen=True)
class Matrix:
    """What was asked, line by line, and the answer for each model.

    Attributes
    ----------
    rows : tuple of (title, detail, cells)
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[MatrixCell, ...]], ...]
    note: str = ""


@dataclass(frozen=True)
class Mark:
    """One dot or bar on the axis of a strip: where it stands, its interval, and the words for it.

    Attributes
    ----------
    series : int
        Which model, from 0: it decides colour and shape.
    at, low, high : float
        On the axis of the picture; ``low`` and ``high`` are NaN where there is no interval.
    weight : float
        Area relative to the largest, in (0, 1].
    words : str
        The figure in words, for those who do not see the picture.
    """

    series: int
    at: float
    low: float
    high: float
    weight: float
    words: str


@dataclass(frozen=True)
class Strip:
    """One line of a dot plot: its name, a quieter detail, and its marks."""

    title: str
    detail: str
    marks: tuple[Mark, ...]
    remark: str = ""


@dataclass(frozen=True)
class Dots:
    """A dot plot (Cleveland, 1984): a line per name, marks on one axis, whiskers for intervals.

    Attributes
    ----------
    series : tuple of (str, int)
        Names of the models and the place of their colour.
    axis : pair of float
    ticks : tuple of (float, str)
    reference : float
        A line across all strips; NaN for none.
    band : pair of float
        A shaded stretch of the axis; NaN for none.
    bars : bool
        Whether marks are bars from zero in place of dots.
    """

    title: str
    desc: str
    strips: tuple[Strip, ...]
    series: tuple[tuple[str, int], ...]
    axis: tuple[float, float]
    ticks: tuple[tuple[float, str], ...] = ()
    reference: float = float("nan")
    band: tuple[float, float] = (float("nan"), float("nan"))
    legend: str = ""
    bars: bool = False
    head: str = ""


@dataclass(frozen=True)
class Explorer:
    """Pictures of all groups to choose from, with the one that is shown first; ``data`` travels in the page."""

    title: str
    first: Dots
    data: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Threshold:
    """A slider over thresholds: counts of people at or above each, by group; ``data`` travels in the page."""

    title: str
    words: str
    data: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Figure:
    """A drawing as SVG text, with the words that stand for it where it cannot be seen.

    Attributes
    ----------
    captioned : bool
        Whether the title stands below it: not where its axes say the same.
    """

    svg: str
    title: str
    desc: str
    captioned: bool = True


@dataclass(frozen=True)
class Gallery:
    """Small drawings side by side."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Verdict:
    """One rule, one of four answers, and the evidence in words; ``href`` is where the evidence stands in a page."""

    rule: str
    verdict: Literal["pass", "fail", "inconclusive", "cannot say"]
    evidence: str
    reason: str = ""
    href: str = ""


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
    """One line of an outline, with what hangs below it.

    Attributes
    ----------
    edge : str
        What the question above is answered with on the way here.
    value : float
        Length of the bar of an answer, in [0, 1]; NaN where there is none.
    shares : tuple of (str, tuple of (str, float))
        Who is there: per attribute its groups with their shares, NaN where a share is withheld.
    """

    text: str
    detail: str = ""
    children: tuple[Node, ...] = ()
    path: str = ""
    edge: str = ""
    value: float = float("nan")
    shares: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()


@dataclass(frozen=True)
class Outline:
    """A tree that can be folded branch by branch.

    Attributes
    ----------
    spread : bool
        Whether a wide page draws it from left to right.
    desc : str
        What a bar shows.
    """

    title: str
    root: Node
    id: str = ""
    spread: bool = False
    desc: str = ""


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
    id: str = ""


@dataclass(frozen=True)
class Group:
    """Blocks under a heading of their own; ``id`` where a link leads to it."""

    title: str
    blocks: tuple[Block, ...]
    id: str = ""


Block: TypeAlias = (
    Text
    | Statements
    | Items
    | Facts
    | Table
    | Matrix
    | Dots
    | Explorer
    | Threshold
    | Figure
    | Gallery
    | Verdicts
    | Cards
    | Code
    | Outline
    | WhatIf
    | Details
    | Group
    | Html
)


@dataclass(frozen=True)
class Section:
    """A chapter of the report; one that does not apply has no blocks and says why.

    Attributes
    ----------
    tab : str
        Key of the tab that it stands in; see :data:`explaindistill.report.tabs.TABS`.
    """

    title: str
    order: int
    blocks: tuple[Block, ...] = ()
    reason: str = ""
    tab: str = "method"
