"""What an audit of objects says and holds: the teacher's importance by silencing, and objects that nobody asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _domains_lines import Line, line

__all__ = ["disclosure_line", "planted_line"]

ENDINGS = ("html", "json", "md", "csv")


def planted_line(bar: str, audit: Any, column: str) -> Line:
    """Whether the column that alone decides is first with importance 1, and all others have 0."""
    shares = silencing_shares(audit)
    first, others = str(shares.index[0]), shares.iloc[1:]
    holds = first == column and abs(shares.iloc[0] - 1) < 1e-9 and (others == 0).all()
    return line(
        bar, "all", f"{first}: {shares.iloc[0]:.3f}; {len(others)} others at most {others.abs().max():.3f}", holds
    )


def silencing_shares(audit: Any) -> pd.Series:
    """The teacher's importance of each column by silencing it, in shares of their sum, the largest first."""
    frame = audit.frames["importance"]
    frame = frame[(frame["metric"] == "silencing") & (frame["subject"] == "teacher")]
    return frame.groupby("feature")["share"].max().sort_values(ascending=False)


def disclosure_line(bar: str, audit: Any, objects: Any) -> Line:
    """How many objects a page, its data or its tables hold: as a picture, as a sound, or as three values in a row."""
    files = []
    with tempfile.TemporaryDirectory() as folder:
        for ending in ENDINGS:
            path = Path(folder) / f"audit.{ending}"
            audit.save(path)
            paths = [path] if path.is_file() else sorted(Path(folder).rglob(f"*.{ending}"))
            files += [file.read_text(errors="replace") for file in paths]
    text = "\n".join(files)
    n = text.count("data:image/") + text.count("data:audio/")
    n += sum(any(spelling in text for spelling in spellings(value)) for value in objects)
    return line(bar, "0", f"{n} of {len(objects)} in {', '.join(ENDINGS)}", n == 0)


def spellings(value: np.ndarray) -> list[str]:
    """Three values in a row as a table or JSON would write them, from the middle of an object."""
    middle = np.asarray(value).ravel()[np.asarray(value).size // 2 :][:3].tolist()
    return [comma.join(f"{v:.4g}" for v in middle) for comma in (",", ", ", " ")] + [repr(v) for v in middle]
