"""Two audits side by side: what moved beyond chance since the last one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from explaindistill.auditing.readable_tables import changes_text
from explaindistill.auditing.stored import read_audit
from explaindistill.data.readable import ReadableFrame
from explaindistill.numerics.statistics.hypotheses import holm
from explaindistill.numerics.statistics.intervals import mover_difference

__all__ = ["compare", "mover"]

KEYS = ["frame", "metric", "subject", "attribute", "group", "reference", "subset", "feature"]
COLUMNS = [*KEYS, "old", "new", "change", "low", "high", "p", "p_adjusted", "moved"]
LEFT_OUT = {"verdicts", "complexity", "corpus", "students", "dependence", "roc", "score_shares", "answer_pairs",
            "attribution_cells"}  # fmt: skip
"""Frames that say what was audited and not how it did, and pictures whose places follow the rows of each audit."""
ENDS = ("estimate", "low", "high")
Z95 = 1.959963984540054
"""Standard errors in half a 95 % interval: so a change and the half of its interval towards 0 give a p-value."""


def mover(
    old: NDArray[np.float64], new: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    r"""Interval of a change from the intervals of its two ends.

    :math:`L = d - \sqrt{(b - l_b)^2 + (u_a - a)^2}`, :math:`U = d + \sqrt{(u_b - b)^2 + (a - l_a)^2}` with
    :math:`d = b - a`.

    Parameters
    ----------
    old, new : ndarrays of shape (n, 3)
        Estimate, low, high; the two measured on different rows.

    Returns
    -------
    change, low, high : ndarrays of shape (n,)

    References
    ----------
    Zou and Donner (2008), doi:10.1002/sim.3095.

    Examples
    --------
    >>> d, low, high = mover(np.array([[0.5, 0.4, 0.6]]), np.array([[0.7, 0.6, 0.8]]))
    >>> [round(float(v[0]), 3) for v in (d, low, high)]
    [0.2, 0.059, 0.341]
    """
    change = new[:, 0] - old[:, 0]
    low, high = mover_difference((new[:, 0], new[:, 1], new[:, 2]), (old[:, 0], old[:, 1], old[:, 2]))
    return change, low, high


def compare(old: str | Path | Mapping[str, Any], new: str | Path | Mapping[str, Any]) -> pd.DataFrame:
    """Match the figures of two audits and tell which changes chance does not explain.

    Parameters
    ----------
    old, new : path of a JSON file, or its contents

    Returns
    -------
    DataFrame
        ``frame, metric, subject, attribute, group, reference, subset, feature, old, new, change, low, high, p,
        p_adjusted, moved``. ``moved`` is "beyond chance" (Holm-adjusted p below 0.05 over all figures that could be
        tested), "within chance", "cannot say" (no interval), "only in old" or "only in new"; what moved most surely
        comes first. ``attrs["notes"]`` says what else changed: data, teacher, students, versions. It prints what
        moved, in 80 columns; ``pd.DataFrame(frame)`` prints as frames do.

    Notes
    -----
    The two audits are taken as measured on different rows. On the same rows the intervals are too wide, so that
    "beyond chance" stays true and "within chance" may hide a change; a note says so.

    Examples
    --------
    >>> columns = ["metric", "subject", "subset", "n", "estimate", "low", "high", "status", "reason"]
    >>> def audited(share):
    ...     row = ["agreement", "tree", "", 900, share, share - 0.02, share + 0.02, "ok", ""]
    ...     return {"format": "explaindistill-audit", "version": 1, "manifest": {},
    ...             "frames": {"fidelity": {"columns": columns, "rows": [row]}}}
    >>> moved = compare(audited(0.95), audited(0.80))
    >>> moved[["metric", "old", "new", "moved"]].values.tolist()
    [['agreement', 0.95, 0.8, 'beyond chance']]
    >>> compare(audited(0.95), audited(0.94))["moved"].tolist()
    ['within chance']
    """
    before, after = read_audit(old), read_audit(new)
    keys = [*KEYS, "_copy"]
    merged = _long(before["frames"]).merge(_long(after["frames"]), on=keys, how="outer", suffixes=("_old", "_new"))
    first, second = (merged[[f"{c}_{side}" for c in ENDS]].to_numpy(dtype=float) for side in ("old", "new"))
    change, low, high = mover(first, second)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(change > 0, change / (change - low), change / (high - change)) * Z95
        p = np.where(change == 0, 1.0, 2.0 * ndtr(-np.abs(z)))
    p = np.where(np.isfinite(low) & np.isfinite(high), p, math.nan)
    measured = {"old": first[:, 0], "new": second[:, 0], "change": change, "low": low, "high": high}
    out = merged.assign(**measured, p=p, p_adjusted=holm(p))
    out["moved"] = _moved(out, merged)
    rank = out["moved"].map(["beyond chance", "only in new", "only in old", "within chance", "cannot say"].index)
    out = out.assign(_rank=rank).sort_values(["_rank", "p", *keys], kind="stable", ignore_index=True)[COLUMNS]
    out.attrs["notes"] = _notes(before, after)
    return ReadableFrame(out, changes_text)


def _long(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """All figures in one frame; lines that are equal in all keys are numbered."""
    parts = []
    for name, frame in frames.items():
        if name in LEFT_OUT or not {"metric", "estimate"} <= set(frame):
            continue
        figures = frame.assign(frame=name).reindex(columns=[*KEYS, "estimate", "low", "high"])
        figures[KEYS] = figures[KEYS].astype(object).where(figures[KEYS].notna(), "").astype("str")
        parts.append(figures)
    out = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*KEYS, "estimate", "low", "high"])
    return out.assign(_copy=out.groupby(KEYS).cumcount(), there=True)


def _moved(out: pd.DataFrame, merged: pd.DataFrame) -> NDArray[np.str_]:
    conditions = [
        merged["there_new"].isna(),
        merged["there_old"].isna(),
        out["p_adjusted"].isna(),
        out["p_adjusted"] < 0.05,
    ]
    return np.select(conditions, ["only in old", "only in new", "cannot say", "beyond chance"], "within chance")


def _notes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    notes = []
    old, new = before.get("manifest", {}), after.get("manifest", {})
    if old.get("data_sha256") and old.get("data_sha256") == new.get("data_sha256"):
        notes.append("both audits have the same rows: intervals of changes are too wide, small changes may hide")
    for key in ("teacher", "students", "versions", "seeds", "profile", "n_rows", "date"):
        if old.get(key) != new.get(key):
            notes.append(f"{key} changed")
    for key in ("classes", "favorable", "threshold"):
        if before.get(key) != after.get(key):
            notes.append(f"{key} changed from {before.get(key)!r} to {after.get(key)!r}")
    return tuple(notes)
