"""Results as CSV: one line per figure, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from explaindistill.report.writers.json import plain

__all__ = ["files", "guarded", "stacked"]

_TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n")


def guarded(value: Any) -> Any:
    """A cell as it may be opened: a word that a spreadsheet would run as a formula starts with an apostrophe.

    Examples
    --------
    >>> guarded("=cmd()"), guarded(-0.5), guarded(None), guarded("tree")
    ("'=cmd()", -0.5, '', 'tree')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
        return "'" + text if text.lstrip(" ").startswith(_TRIGGERS) else text
    return value


def _text(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(guarded, columns))
    writer.writerows([guarded(value) for value in row] for row in rows)
    return buffer.getvalue()


def files(audit: Any) -> dict[str, str]:
    """Every frame of an audit as CSV text, by its name; undefined is an empty cell."""
    return {name: _of(frame) for name, frame in _frames({**audit.frames, **_said(audit)}).items()}


def _frames(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {str(name): frames[name] for name in sorted(frames) if frames[name] is not None}


def _said(audit: Any) -> dict[str, pd.DataFrame]:
    """What is no frame of the audit: its opening, what people said about it, and how things are called."""
    opening = [(s.topic, s.text, s.verdict, s.link) for s in audit.opening.sentences]
    about = list(audit.about.as_dict().items())
    shown: list[tuple[str, str, str, str]] = []
    for kind, names in audit.names.as_dict().items():
        for name, value in names.items():
            inner = value.items() if isinstance(value, Mapping) else [(name, value)]
            column = name if isinstance(value, Mapping) else ""
            shown += [(kind, column, key, text) for key, text in inner]
    return {
        "about": pd.DataFrame(about, columns=["field", "value"]),
        "display_names": pd.DataFrame(shown, columns=["kind", "column", "name", "shown"]),
        "opening": pd.DataFrame(opening, columns=["topic", "sentence", "verdict", "link"]),
    }


def _of(frame: pd.DataFrame) -> str:
    return _text(map(str, frame.columns), (plain(row) for row in frame.itertuples(index=False)))


def stacked(audit: Any) -> str:
    """All frames in one CSV text: the column ``frame`` tells which, columns that a frame lacks are empty."""
    frames = _frames({**audit.frames, **_said(audit)})
    measured = [frames[name] for name in sorted(frames, key=lambda name: (name not in audit.frames, name))]
    columns = list(dict.fromkeys(str(c) for frame in measured for c in frame.columns))  # those of figures come first
    rows = (
        [name, *(plain(row.get(c)) for c in columns)]
        for name, frame in frames.items()
        for row in frame.to_dict("records")
    )
    return _text(["frame", *columns], rows)
