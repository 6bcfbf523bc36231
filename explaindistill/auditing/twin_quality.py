"""How well the two models of a comparison do on rows outside of their resamples, in all and by group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.measures.table import frame as rows_frame
from explaindistill.measures.table import row
from explaindistill.numerics.statistics.ranks import auc_interval

__all__ = ["twin_quality"]

Floats = NDArray[np.float64]


def twin_quality(
    s: Floats, truth: Floats, outside: Floats, is_binary: bool, groups: pd.DataFrame | None, level: float
) -> pd.DataFrame:
    """How well each twin does on rows outside of its resamples."""
    answered = np.asarray(np.isfinite(outside).all(axis=0), dtype=np.bool_)
    lines = _quality_of(s, truth, outside, answered, is_binary, level, {})
    for a in [] if groups is None else groups.columns:
        column = groups[a].reset_index(drop=True)  # type: ignore[index]  # not None here
        for g in sorted(column.dropna().unique(), key=str):
            inside = np.asarray(answered & (column == g).to_numpy(dtype=bool))
            lines += _quality_of(s, truth, outside, inside, is_binary, level, {"attribute": str(a), "group": str(g)})
    return rows_frame(lines)


def _quality_of(
    s: Floats,
    truth: Floats,
    outside: Floats,
    rows: NDArray[np.bool_],
    is_binary: bool,
    level: float,
    name: dict[str, Any],
) -> list[dict[str, Any]]:
    s, truth, mimic, model = s[rows], truth[rows], outside[0, rows], outside[1, rows]
    out = [_r2("mimic_r2", s, mimic, name)]
    if not is_binary:
        return [*out, _r2("outcome_r2", truth, model, name)]
    ones, zeros = model[truth == 1], model[truth == 0]
    if len(ones) < 2 or len(zeros) < 2:
        return [*out, row("outcome_auc", np.nan, np.nan, np.nan, n=len(s), reason="one outcome only", **name)]
    rank = pd.Series(model).rank().to_numpy()[truth == 1].sum() - len(ones) * (len(ones) + 1) / 2
    theta = float(rank / (len(ones) * len(zeros)))
    ends = auc_interval(theta, len(ones), len(zeros), level)
    return [*out, row("outcome_auc", theta, *(float(e) for e in ends), n=len(s), method="newcombe", **name)]


def _r2(metric: str, truth: Floats, answer: Floats, name: dict[str, Any]) -> dict[str, Any]:
    spread = float(((truth - truth.mean()) ** 2).sum()) if len(truth) > 1 else 0.0
    value = 1 - float(((truth - answer) ** 2).sum()) / spread if spread > 0 else np.nan
    return row(metric, value, np.nan, np.nan, n=len(truth), **name)
