"""What the frames share: tables below each other, a line that says why there is no figure, rows by chance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.measures.table import frame, row

__all__ = ["RECORDED_ONLY", "cannot_say", "drawn", "stack"]

RECORDED_ONLY = "only recorded answers: it cannot be asked about {} rows"
"""Why a teacher that is a record has no figure for changed or new rows."""


def stack(tables: Iterable[pd.DataFrame], extra: Iterable[str] = ()) -> pd.DataFrame:
    """Tables of one kind below each other; where there are none, one without lines that has the ``extra`` columns."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else frame([], extra=extra)


def cannot_say(metric: str, subject: str, reason: str, **more: Any) -> pd.DataFrame:
    """One line that says why there is no figure."""
    line = row(metric, np.nan, np.nan, np.nan, n=0, subject=subject, status="undefined", reason=reason, **more)
    return frame([line])


def drawn(n_rows: int, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Positions of all rows, in order, or of ``most`` of them drawn without replacement."""
    return np.arange(n_rows) if n_rows <= most else np.sort(rng.choice(n_rows, most, replace=False))
