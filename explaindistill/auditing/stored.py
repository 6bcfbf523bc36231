"""Results of an audit read back from JSON: what gates judge and comparisons compare."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from explaindistill.data.files import read_json
from explaindistill.errors import InvalidInputError, damage_named

__all__ = ["FORMAT", "VERSION", "frame_from", "frames_of", "read_audit"]

FORMAT = "explaindistill-audit"
VERSION = 1
NUMBERS = {"n", "k", "n_effective", "estimate", "low", "high"}
WORDS = {"Infinity": math.inf, "-Infinity": -math.inf}


def frame_from(stored: Mapping[str, Any]) -> pd.DataFrame:
    """Read one stored frame back; the words for infinity become numbers again.

    Examples
    --------
    >>> frame_from({"columns": ["high"], "rows": [["Infinity"], [None]]})["high"].tolist()
    [inf, nan]
    """
    rows = [[WORDS.get(v, v) if isinstance(v, str) else v for v in row] for row in stored["rows"]]
    frame = pd.DataFrame(rows, columns=list(stored["columns"]))
    for column in NUMBERS & set(frame):
        frame[column] = pd.to_numeric(frame[column]).astype(float)
    for column in set(frame) - NUMBERS:
        if frame[column].map(lambda v: v is None or isinstance(v, str)).all():
            frame[column] = frame[column].fillna("").astype("str")
    return frame


def read_audit(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """Results of an audit from a JSON file, or from its contents, with frames as DataFrames.

    Raises
    ------
    InvalidInputError
        If the file is not there, is not JSON, or holds something else than an audit of this version.

    Examples
    --------
    >>> frame = {"columns": ["metric", "estimate"], "rows": [["agreement", 0.9], ["kl", None]]}
    >>> stored = read_audit({"format": "explaindistill-audit", "version": 1, "frames": {"fidelity": frame}})
    >>> stored["frames"]["fidelity"]["estimate"].tolist()
    [0.9, nan]
    >>> read_audit({"format": "something else"})
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: this is not an audit: it must hold format ...
    """
    data = source if isinstance(source, Mapping) else read_json(source)
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise InvalidInputError(f"{_called(source)} is not an audit: it must hold format {FORMAT!r}; save one as .json")
    if data.get("version") != VERSION:
        raise InvalidInputError(f"{_called(source)} must have version {VERSION}, got {data.get('version')!r}")
    with damage_named(_called(source)):
        return dict(data) | {"frames": {key: frame_from(frame) for key, frame in data["frames"].items()}}


def _called(source: Any) -> str:
    return "this" if isinstance(source, Mapping) else Path(source).name


def frames_of(audit: Any) -> Mapping[str, pd.DataFrame]:
    """Frames of an audit in any form: the record itself, a JSON file, or the contents of one.

    Examples
    --------
    >>> frame = {"columns": ["metric", "estimate"], "rows": [["agreement", 0.9]]}
    >>> list(frames_of({"format": "explaindistill-audit", "version": 1, "frames": {"fidelity": frame}}))
    ['fidelity']
    """
    frames = getattr(audit, "frames", None)
    return frames if frames is not None else read_audit(audit)["frames"]
