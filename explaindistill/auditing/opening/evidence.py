"""Lines of an audit's frames that know where they stand, and the words that are made of their cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.opening.sentences import Origin, Sentence, Topic, Word
from explaindistill.auditing.opening.spelling import Unit, count, limits, measured

__all__ = [
    "CROSSED",
    "Evidence",
    "Piece",
    "counted",
    "evidence",
    "figure",
    "joined",
    "reasons",
    "says",
    "spread",
    "typed",
]

CROSSED = " × "
"""What stands between the attributes, and between the groups, of an intersection."""
DEFINED = ("ok", "small")
"""Status of lines that hold a figure."""
BEGUN = ("", "verdict", "teacher")
"""Kinds of words that get a capital letter at the beginning; names stay as they are written."""
Piece = str | Word | Sequence["str | Word"]


@dataclass(frozen=True)
class Evidence:
    """One line of a frame.

    Attributes
    ----------
    frame : str
    row : int
        Its position in the frame.
    values : mapping of str to object
        Its cells.

    Examples
    --------
    >>> Evidence("rates", 3, {"n": 40}).origin("n")
    Origin(frame='rates', row=3, column='n')
    """

    frame: str
    row: int
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    def origin(self, column: str) -> Origin:
        """Where one of its cells stands."""
        return Origin(self.frame, self.row, column)

    def word(self, column: str) -> str:
        """A cell that holds a name; empty where nothing is in it."""
        value = self.values.get(column, "")
        return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)

    @property
    def has_limits(self) -> bool:
        """Whether both limits are known."""
        return not (math.isnan(self["low"]) or math.isnan(self["high"]))

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of 0; not where it is not known."""
        return bool(self["low"] > 0 or self["high"] < 0)


def evidence(frames: Mapping[str, pd.DataFrame], frame: str, defined: bool = True, **where: Any) -> list[Evidence]:
    """Lines of a frame whose columns have the wanted values; one of several where a list is wanted.

    Parameters
    ----------
    frames : mapping of str to DataFrame
    frame : str
    defined : bool
        Whether lines without a figure (undefined, withheld) stay out.
    **where : value, or list of values
        By column; a column that the frame lacks matches nothing.

    Examples
    --------
    >>> table = pd.DataFrame({"metric": ["a", "b", "a"], "estimate": [1.0, 2.0, float("nan")], "status": "ok"})
    >>> [line.row for line in evidence({"f": table}, "f", metric="a")]
    [0]
    """
    table = frames.get(frame)
    if table is None or not len(table):
        return []
    keep = np.ones(len(table), dtype=bool)
    for column, wanted in where.items():
        if column not in table:
            return []
        values = wanted if isinstance(wanted, (list, tuple, set)) else [wanted]
        keep &= table[column].isin(list(values)).to_numpy(dtype=bool)
    if defined and "status" in table:
        keep &= table["status"].isin(DEFINED).to_numpy(dtype=bool) & table["estimate"].notna().to_numpy(dtype=bool)
    return [Evidence(frame, int(at), table.iloc[at].to_dict()) for at in np.flatnonzero(keep)]


def figure(line: Evidence, unit: Unit, apart: Iterable[float] = ()) -> Word:
    """The estimate of a line in its unit; never rounded onto a value that it is to be told apart from."""
    value = float(line["estimate"])
    return Word(measured(value, unit, apart), "figure", (line.origin("estimate"),), value)


def spread(line: Evidence, unit: Unit, apart: Iterable[float] = ()) -> Word:
    """The interval of a line as ``[low, high]``; where it has none, that."""
    text = limits(float(line["low"]), float(line["high"]), unit, apart) or "(no interval)"
    return Word(text, "interval", (line.origin("low"), line.origin("high")))


def counted(line: Evidence, column: str = "n") -> Word:
    """A count of rows."""
    return Word(count(line[column]), "count", (line.origin(column),), float(line[column]))


def reasons(lines: Iterable[Evidence]) -> list[Word]:
    """Why a figure is not there, as the first of the lines says; nothing where none says."""
    for line in lines:
        if line.word("reason"):
            return [Word(": "), Word(line.word("reason"), "reason", (line.origin("reason"),))]
    return []


def typed(text: str) -> Word:
    """Something to type, as it stands."""
    return Word(text, "code")


def joined(pieces: list[list[Word]], last: str = " and ", comma: str = ", ") -> list[Word]:
    """Several pieces with ``comma`` between, and ``last`` before the last one.

    Examples
    --------
    >>> "".join(word.text for word in joined([[Word("a")], [Word("b")], [Word("c")]]))
    'a, b and c'
    """
    out: list[Word] = []
    for i, piece in enumerate(pieces):
        if i:
            out.append(Word(last if i == len(pieces) - 1 else comma))
        out += piece
    return out


def says(topic: Topic, *pieces: Piece, link: str = "", verdict: str = "") -> Sentence:
    """A sentence of texts, words and lists of either; its first letter is a capital where it is a plain word."""
    words: list[Word] = []
    for piece in pieces:
        several = [piece] if isinstance(piece, (str, Word)) else list(piece)
        words += [Word(one) if isinstance(one, str) else one for one in several]
    words = [word for word in words if word.text]
    if words and words[0].kind in BEGUN:
        words[0] = replace(words[0], text=words[0].text[:1].upper() + words[0].text[1:])
    return Sentence(topic, tuple(words), link, verdict)
