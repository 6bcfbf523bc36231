"""Which rows figures of an audit of partitions rest on: all of them, or some that were drawn; in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

__all__ = ["ALL", "BASIS", "DRAWN", "OF_NO_ROWS", "basis_of", "said_of", "said_of_frames"]

BASIS = "rows"
"""Column that says of each line which rows it rests on."""
ALL, DRAWN = "all", "drawn"
OF_NO_ROWS = ("believability", "columns", "complexity", "corpus", "cost", "deployment", "profile_requirements",
              "query_curve", "students")  # fmt: skip
"""Frames of what a student is, or was fitted to: no audited row stands behind them."""
COUNTED = {
    "rates": "rates of groups",
    "gaps": "their gaps",
    "transfer": "transfer",
    "group_fidelity": "agreement by group",
    "decided_as": "confusion",
    "calibration": "calibration",
    "reliability": "bins of probabilities",
}
"""Frames of counts in the words of the front."""


def basis_of(table: pd.DataFrame) -> str:
    """Which rows a frame rests on: "all", "drawn", or both.

    Examples
    --------
    >>> basis_of(pd.DataFrame({"rows": ["all", "drawn"]})), basis_of(pd.DataFrame())
    ('all and drawn', '')
    """
    if BASIS not in table or table.empty:
        return ""
    return " and ".join(sorted(set(table[BASIS])))


def said_of(partitions: Mapping[str, Any]) -> str:
    """What stands in front of an audit of rows in partitions.

    Parameters
    ----------
    partitions : mapping
        ``parts``, ``rows``, ``drawn`` and ``frames`` of the manifest.

    Examples
    --------
    >>> said_of({"parts": 40, "rows": 10**7, "drawn": 10**5, "frames": {"rates": "all", "importance": "drawn"}})
    'The rows lie in 40 parts. All 10,000,000 are counted in: rates of groups. Everything else rests on 100,000 ...'
    """
    frames = partitions["frames"]
    counted = [words for name, words in COUNTED.items() if frames.get(name) == ALL]
    if any(ALL in str(frames.get(name, "")) for name in ("fidelity", "performance")):
        counted.append("lines of “fidelity” and “performance” that say so")
    parts = f"{partitions['parts']:,} parts" if partitions["parts"] > 1 else "1 part"
    every = f" All {partitions['rows']:,} are counted in: {', '.join(counted)}." if counted else ""
    rest = "Everything else" if counted else "Every figure"
    return (
        f"The rows lie in {parts}.{every} {rest} rests on {partitions['drawn']:,} rows drawn from the "
        f"{partitions['rows']:,} by what stands in them; each frame says it in its column “{BASIS}”."
    )


def said_of_frames(partitions: Mapping[str, Any], names: set[str]) -> str:
    """What a section of the report says of the frames that it shows; nothing where none of them says it.

    Examples
    --------
    >>> facts = {"rows": 10**7, "drawn": 10**5, "frames": {"rates": "all", "flips": "drawn"}}
    >>> said_of_frames(facts, {"flips"})
    'These figures rest on 100,000 drawn rows, not on all 10,000,000.'
    >>> said_of_frames(facts, {"rates", "flips"})
    'All 10,000,000 rows are counted in “rates”; 100,000 drawn rows stand behind “flips”.'
    """
    frames = {name: basis for name, basis in partitions["frames"].items() if name in names}
    every, drawn = f"{partitions['rows']:,}", f"{partitions['drawn']:,}"
    if not frames:
        return ""
    if set(frames.values()) == {ALL}:
        return f"These figures count all {every} rows."
    if set(frames.values()) == {DRAWN}:
        return f"These figures rest on {drawn} drawn rows, not on all {every}."
    listed = {basis: ", ".join(f"“{n}”" for n, b in frames.items() if b == basis) for basis in set(frames.values())}
    pieces = [f"All {every} rows are counted in {listed[ALL]}"] if ALL in listed else []
    pieces += [f"{drawn} drawn rows stand behind {listed[DRAWN]}"] if DRAWN in listed else []
    both = listed.get(f"{ALL} and {DRAWN}")
    pieces += [f"of {both} some lines count all {every} rows and others {drawn} drawn ones, as n tells"] if both else []
    text = "; ".join(pieces)
    return f"{text[0].upper()}{text[1:]}."
