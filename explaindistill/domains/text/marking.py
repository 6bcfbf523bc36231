"""A text with its words marked by what they add to a student's answer; the parts sum to that answer."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd

from explaindistill.domains.text.columns import Span
from explaindistill.domains.text.tokens import Token, tokens
from explaindistill.errors import InvalidInputError

__all__ = ["MarkedText", "marked"]

BASE = "(base)"
_FOR = "text-decoration:underline solid 2px;background:#d3e5f8;color:#111"
_AGAINST = "text-decoration:underline wavy 2px;background:#fbe0cc;color:#111"
_STRONG = ";font-weight:700"
SMALL_SHARE = 0.01
"""Words that add less than this share of what the strongest adds are not marked."""
_UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Signs that no page may hold: controls, and halves of pairs that no file can be written with."""


class MarkedText(str):
    """HTML of a text with marked words; notebooks show it, terminals the words with their numbers behind them.

    Attributes
    ----------
    parts : DataFrame
        One line per marked word and column, then one per column that marks none: ``text``, ``column``,
        ``contribution``, ``start`` and ``end`` (places in the text, -1 where nothing is marked). Contributions and
        ``base`` sum to ``output``.
    base, output : float
        On the scale of the student: log-odds, a chance or a value.
    """

    parts: pd.DataFrame
    base: float
    output: float
    plain: str

    def __repr__(self) -> str:
        return f"{self.plain}\n{self.output:+.3f}, of that {self.base:+.3f} without these words"

    def _repr_html_(self) -> str:
        return str(self)


def marked(text: str, spans: Sequence[Span], reasons: pd.DataFrame) -> MarkedText:
    """Mark the words of a text.

    Parameters
    ----------
    text : str
    spans : sequence of Span
        Words and phrases that columns read.
    reasons : DataFrame
        ``student.explain(columns, as_frame=True)`` of the text: ``row``, ``term``, ``output``, ``contribution``. Where
        it holds a second row, that of an empty text, contributions are the differences between the two: what is *in*
        the text, and not that there is less of it than usual.

    Returns
    -------
    MarkedText
        A word for the answer has a solid underline, one against it a wavy one; the strongest are bold; each says its
        number when it is pointed at. What no word shows stands in the table below.

    Examples
    --------
    >>> reasons = pd.DataFrame({"row": [0, 0], "term": ["(base)", "the word 'good'"], "output": "pos",
    ...                         "contribution": [0.1, 0.9]})
    >>> page = marked("so good", [Span(3, 7, "the word 'good'", 1.0)], reasons)
    >>> page.parts[["text", "contribution"]].values.tolist(), page.output
    ([['good', 0.9]], 1.0)
    >>> page
    so good[+0.90]
    +1.000, of that +0.100 without these words
    """
    lines = _of_one_output(reasons)
    by_term, base = _contributions(lines)
    parts = _parts(text, spans, by_term)
    scale = str(reasons.attrs.get("scale", ""))
    beside = "an empty text" if lines["row"].nunique() > 1 else "a usual text"
    total = base + float(parts["contribution"].sum())
    page = MarkedText(_page(text, parts, (beside, base, total), str(lines["output"].iloc[0]), scale))
    page.parts, page.base, page.output = parts, base, total
    page.plain = _plain(text, parts)
    return page


def _of_one_output(reasons: pd.DataFrame) -> pd.DataFrame:
    """Lines of the output that the first row decides for; of two classes there are lines of one only."""
    missing = {"row", "term", "output", "contribution"} - set(reasons.columns)
    if missing or reasons.empty:
        raise InvalidInputError(
            f"reasons must hold the lines of one text with row, term, output and contribution, {sorted(missing)} are "
            "not there; give student.explain(columns, as_frame=True)"
        )
    first = reasons[reasons["row"] == reasons["row"].iloc[0]]
    sums = first.groupby("output", sort=False)["contribution"].sum()
    return reasons[reasons["output"] == sums.idxmax()]


def _contributions(lines: pd.DataFrame) -> tuple[dict[str, float], float]:
    """What each term adds, and the base; against the row of an empty text where there is one."""
    rows = list(dict.fromkeys(lines["row"]))
    first = lines[lines["row"] == rows[0]]
    terms = first[first["term"] != BASE].groupby("term", sort=False)["contribution"].sum().to_dict()
    base = float(first.loc[first["term"] == BASE, "contribution"].sum())
    if len(rows) > 1:
        blank = lines[lines["row"] == rows[1]]
        empty = blank[blank["term"] != BASE].groupby("term", sort=False)["contribution"].sum().to_dict()
        names = list(dict.fromkeys([*terms, *empty]))
        terms = {name: terms.get(name, 0.0) - empty.get(name, 0.0) for name in names}
        base += sum(empty.values())
    return {str(name): float(value) for name, value in terms.items()}, base


def _parts(text: str, spans: Sequence[Span], by_term: dict[str, float]) -> pd.DataFrame:
    rows: list[tuple[str, str, float, int, int]] = []
    marked_columns = set()
    for span in spans:
        value = by_term.get(span.column, 0.0)
        if value:
            rows.append((text[span.start : span.end], span.column, value * span.share, span.start, span.end))
            marked_columns.add(span.column)
    rows += [("", name, value, -1, -1) for name, value in by_term.items() if name not in marked_columns and value]
    return pd.DataFrame(rows, columns=["text", "column", "contribution", "start", "end"])


def _page(text: str, parts: pd.DataFrame, sums: tuple[str, float, float], output: str, scale: str) -> str:
    beside, base, total = sums
    body = _marked_body(text, parts)
    summed = parts.groupby("column", sort=False)["contribution"].sum()
    lines = [(name, float(value)) for name, value in summed.items()]
    lines.sort(key=lambda line: -abs(line[1]))
    caption = {"logit": f"log-odds of {output}", "probability": f"probability of {output}"}.get(
        scale, f"answer {output}"
    )
    table = "".join(
        f'<tr><td style="text-align:left">{_shown(name)}</td><td style="text-align:right">{value:+.3f}</td></tr>'
        for name, value in [(beside, base), *lines]
    )
    return (
        '<div style="max-width:60em"><p dir="auto" style="white-space:pre-wrap;overflow-wrap:anywhere;'
        f'unicode-bidi:isolate">{body}</p>'
        f'<p><small><span style="{_FOR}">solid underline</span>: for {_shown(output)}; '
        f'<span style="{_AGAINST}">wavy underline</span>: against it; bold: the strongest.</small></p>'
        f"<table><caption>{_shown(caption)} = {total:+.3f}</caption>{table}</table></div>"
    )


def _by_word(at: Sequence[Token], parts: pd.DataFrame) -> dict[Token, dict[str, float]]:
    """What each column says by each word; a phrase's number is shared by its words."""
    starts = [token.start for token in at]
    numbers: defaultdict[Token, dict[str, float]] = defaultdict(dict)
    for start, end, column, value in zip(
        parts["start"], parts["end"], parts["column"], parts["contribution"], strict=True
    ):
        inside = at[bisect_left(starts, start) : bisect_left(starts, end)] if start >= 0 else []
        for token in inside:
            numbers[token][column] = numbers[token].get(column, 0.0) + value / len(inside)
    return numbers


def _worth_marking(numbers: dict[Token, dict[str, float]]) -> dict[Token, float]:
    """What each word adds, but for words that add next to nothing."""
    totals = {token: sum(values.values()) for token, values in numbers.items()}
    strongest = max((abs(value) for value in totals.values()), default=0.0)
    return {token: value for token, value in totals.items() if abs(value) > SMALL_SHARE * strongest}


def _plain(text: str, parts: pd.DataFrame) -> str:
    """The text with the number of each marked word behind it."""
    pieces, end = [], 0
    for token, value in sorted(_worth_marking(_by_word(tokens(text), parts)).items()):
        pieces.append(f"{text[end : token.end]}[{value:+.2f}]")
        end = token.end
    return "".join([*pieces, text[end:]])


def _marked_body(text: str, parts: pd.DataFrame) -> str:
    """The text, each word in the style of what it adds."""
    at = tokens(text)
    numbers = _by_word(at, parts)
    totals = _worth_marking(numbers)
    strongest = max((abs(value) for value in totals.values()), default=0.0)
    pieces, end = [], 0
    for token in at:
        if token in totals:
            value = totals[token]
            why = "; ".join(f"{column} {v:+.3f}" for column, v in numbers[token].items())
            style = (_FOR if value > 0 else _AGAINST) + (_STRONG if abs(value) >= strongest / 2 else "")
            pieces.append(_shown(text[end : token.start]))
            pieces.append(f'<span style="{style}" title="{_shown(f"{value:+.3f}: {why}")}">')
            pieces.append(f"{_shown(text[token.start : token.end])}</span>")
            end = token.end
    return "".join([*pieces, _shown(text[end:])])


def _shown(value: Any) -> str:
    """Text that is safe in a page."""
    return escape(_UNSHOWN.sub("\ufffd", str(value)), quote=True)
