"""An audit as plain JSON: what the page embeds, what pipelines read, what ``compare`` compares."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.opening.sentences import Opening
from explaindistill.auditing.stored import FORMAT, VERSION
from explaindistill.report.verdict_words import in_front

__all__ = ["SCHEMA", "island", "packed", "plain", "results", "text"]

LARGE = 300
CROSSED = " × "
MAIN = ("selection_rate", "selection_rate_worst_ratio", "mean_prediction", "agreement", "mae", "teacher_mean")
"""What a page of a large audit carries of crossed groups and of students without teacher; the JSON file has all."""
LEFT_OUT = ("answer_pairs", "attribution_cells", "cells", "dependence", "roc", "score_shares", "thresholds")
"""The panels and the pictures of the page carry these frames already."""
STRONGEST = 5
"""So many columns of each group a page carries; the JSON file has all."""

SCHEMA = Path(__file__).with_name("audit.schema.json")


def plain(value: Any) -> Any:  # noqa: PLR0911 - one return per kind of value
    """Anything as JSON's own types: NaN becomes None, infinity the words "Infinity" and "-Infinity".

    Examples
    --------
    >>> import numpy as np
    >>> plain({"a": np.array([1.0, np.nan, -np.inf])})
    {'a': [1.0, None, '-Infinity']}
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray, pd.Index, pd.Series)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, int):
        return value
    if value is pd.NA or value is pd.NaT:
        return None
    return value.isoformat() if isinstance(value, (date, pd.Timestamp)) else str(value)


def results(audit: Any, page: bool = False) -> dict[str, Any]:
    """All of an audit in JSON's own types.

    Parameters
    ----------
    audit : Audit
    page : bool
        The form that a page embeds: frames are :func:`packed`, large ones without the lesser measures of crossed
        groups; the opening, which the page shows, and the students, whose scripts it has, stay out.

    Returns
    -------
    dict
        ``format``, ``version``, ``teacher``, ``classes``, ``favorable``, ``threshold``, ``bounds``, ``manifest``,
        ``warnings``, ``notes``, ``about``, ``display_names``, ``schema``, ``frames`` (each ``{"columns": [...], "rows":
        [[...]]}``), ``opening`` and ``students``; frames keep the names of the data.
    """
    write = packed if page else _frame
    out: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "teacher": str(audit.teacher_name),
        "classes": None if audit.classes is None else plain(list(audit.classes)),
        "favorable": plain(audit.favorable),
        "threshold": plain(audit.threshold),
        "bounds": plain(dict(getattr(audit, "bounds", {}))),
        "manifest": plain(audit.manifest),
        "warnings": in_front(audit),
        "notes": [str(note) for note in audit.notes],
        "about": audit.about.as_dict(),
        "display_names": audit.names.as_dict(),
        "schema": plain(audit.schema.to_dict()) if hasattr(audit.schema, "to_dict") else None,
        "frames": {
            key: write(_for_page(frame) if page else frame)
            for key, frame in sorted(audit.frames.items())
            if frame is not None and not (page and key in LEFT_OUT)
        },
    }
    if not page:  # the page shows the opening, and has the scripts of the students
        out["opening"] = _opening(audit.opening)
        out["students"] = {str(key): _student(student) for key, student in audit.students.items()}
    return out


def _opening(opening: Opening) -> dict[str, Any]:
    """Title and sentences; each word with the cells that it was read from, as ``[frame, row, column]``."""
    questions = dict(opening.questions)
    sentences = [
        {
            "topic": one.topic,
            "question": questions.get(one.topic, ""),
            "text": one.text,
            "verdict": one.verdict,
            "link": one.link,
            "words": [
                {"text": w.text, "kind": w.kind, "value": plain(w.value), "origins": plain(w.origins)}
                for w in one.words
            ],
        }
        for one in opening.sentences
    ]
    return {"title": opening.title, "sentences": sentences}


def _for_page(frame: pd.DataFrame) -> pd.DataFrame:
    """What a page carries of a large frame.

    Of crossed groups, and of students without teacher, the main measures; of ratios those of the main measures; of
    columns the strongest.
    """
    if "feature" in frame and len(frame) > LARGE:
        frame = strongest(frame)
    if len(frame) <= LARGE or not {"attribute", "metric", "subject"} <= set(frame):
        return frame
    crossed = frame["attribute"].astype(str).str.contains(CROSSED, regex=False)
    beside = frame["subject"].astype(str).str.endswith(" without teacher")
    lesser = frame["metric"].astype(str).str.endswith("_ratio") & ~frame["metric"].astype(str).str.startswith(MAIN)
    main = frame["metric"].isin(MAIN) & ("estimate" in frame)
    return frame[((main & ~(crossed & beside)) | (~crossed & ~beside)) & ~lesser]


def strongest(frame: pd.DataFrame, top: int = STRONGEST) -> pd.DataFrame:
    """Of the columns told of each group, those that are largest in some model; without a group, twice as many.

    Examples
    --------
    >>> lines = [("g", "a", 0.1), ("g", "b", -0.9), ("", "a", 0.0)]
    >>> frame = pd.DataFrame(lines, columns=["group", "feature", "estimate"]).assign(attribute="sex", subset="")
    >>> strongest(frame.assign(metric="m"), 1)["feature"].tolist()
    ['b', 'a']
    """
    cells = ["metric", "attribute", "group", "subset"]
    size = frame["estimate"].astype(float).abs().fillna(0.0)
    size = size.groupby([frame[c] for c in [*cells, "feature"]], sort=False).max()
    rank = size.groupby(level=[0, 1, 2, 3], sort=False).rank(method="first", ascending=False)
    at = pd.MultiIndex.from_frame(frame[[*cells, "feature"]])
    limit = np.where(frame["group"].astype(str) == "", 2 * top, top)
    return frame[rank.reindex(at).to_numpy() <= limit]


def _frame(frame: pd.DataFrame) -> dict[str, Any]:
    return {"columns": [str(c) for c in frame.columns], "rows": [plain(row) for row in frame.itertuples(index=False)]}


def _student(student: Any) -> Any:
    return plain(student.to_dict()) if hasattr(student, "to_dict") else None


def packed(frame: pd.DataFrame) -> dict[str, Any]:
    """One frame for the page, column by column, nothing written twice; numbers with four digits.

    Returns
    -------
    dict
        ``columns``, ``n_rows`` and ``packed``, one entry per column: ``{"one": value}`` where all rows have one value,
        ``{"like": i}`` where it equals column ``i``, ``{"words": [...], "at": [...]}`` for words and their places, else
        ``{"values": [...]}``. Where it is shorter, ``"runs"`` stands for ``"at"``: a place, how often it comes, the
        next place, and so on.

    Examples
    --------
    >>> frame = pd.DataFrame({"group": ["a", "b", "a"], "n": [2, 5, 2], "k": [2, 5, 2], "status": ["ok"] * 3})
    >>> packed(frame)["packed"]
    [{'words': ['a', 'b'], 'at': [0, 1, 0]}, {'values': [2, 5, 2]}, {'like': 1}, {'one': 'ok'}]
    """
    stored = _frame(frame)
    columns = [[_four(row[i]) for row in stored["rows"]] for i in range(len(stored["columns"]))]
    entries = [_column(values, columns[:i]) for i, values in enumerate(columns)]
    return {"columns": stored["columns"], "n_rows": len(stored["rows"]), "packed": entries}


def _column(values: list[Any], before: list[list[Any]]) -> dict[str, Any]:
    if values and all(v == values[0] and type(v) is type(values[0]) for v in values):
        return {"one": values[0]}
    if values in before:
        return {"like": before.index(values)}
    if any(isinstance(v, (str, bool)) for v in values):
        words = list(dict.fromkeys(values))
        place = {value: at for at, value in enumerate(words)}
        return {"words": words, **_places([place[v] for v in values])}
    return {"values": values}


def _places(at: list[int]) -> dict[str, list[int]]:
    """Places as they are, or as runs of one place where that is shorter."""
    runs: list[int] = []
    for one in at:
        if runs and runs[-2] == one:
            runs[-1] += 1
        else:
            runs += [one, 1]
    return {"runs": runs} if len(runs) < len(at) else {"at": at}


def _four(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.4g}")


def text(audit: Any) -> str:
    """JSON text of an audit, one frame row per line."""
    return _lines(results(audit)) + "\n"


def _lines(value: Any, depth: int = 0) -> str:
    """JSON with line breaks down to the rows of frames, so that two audits can be compared line by line."""
    pad = " " * (depth + 1)
    if isinstance(value, dict) and value and depth < 4:
        body = ",\n".join(f"{pad}{json.dumps(k)}: {_lines(v, depth + 1)}" for k, v in value.items())
        return f"{{\n{body}\n{' ' * depth}}}"
    if isinstance(value, list) and value and isinstance(value[0], (list, dict)):
        body = ",\n".join(pad + json.dumps(v, allow_nan=False, separators=(",", ":")) for v in value)
        return f"[\n{body}\n{' ' * depth}]"
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def island(value: Any) -> str:
    r"""JSON that may stand inside a script element: nothing in it can end the element.

    Examples
    --------
    >>> island(["</script>"])
    '["\\u003c/script>"]'
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
