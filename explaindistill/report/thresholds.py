"""The slider of the threshold: for each model and group how many people are at or above each of some thresholds."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Threshold
from explaindistill.report.figures import TEACHER, students_of
from explaindistill.report.tables import attributes_of, frame_of, rows_of
from explaindistill.report.words import name

__all__ = ["slider"]

LEGEND = "Counts of the audited rows. Dashed: the reference group, in green within four fifths of its rate."


_NONE = pd.Series(dtype=float)


def slider(audit: Any) -> Threshold | None:
    """What the page needs to move the threshold; None where it was not measured."""
    frame = rows_of(frame_of(audit, "thresholds"), metric="selection_rate")
    shown = rows_of(frame, status=["ok", "small"])
    attributes = [a for a in attributes_of(audit) if rows_of(shown, attribute=a).get("threshold", _NONE).nunique() > 1]
    if not attributes:
        return None
    groups = {a: list(dict.fromkeys(rows_of(frame, attribute=a)["group"])) for a in attributes}
    models = [m for m in ("teacher", *students_of(audit)) if not rows_of(frame, subject=m).empty]
    data = {
        "attributes": [_attribute(audit, frame, a, groups[a]) for a in attributes],
        "models": [_model(audit, rows_of(frame, subject=m), m, groups) for m in models],
        "legend": LEGEND,
    }
    words = f"Who would get “{name(audit.favorable)}” if it took another probability; the models stay as they are."
    return Threshold("If the threshold were another", words, data)


def _attribute(audit: Any, frame: Any, attribute: str, groups: list[Any]) -> dict[str, Any]:
    """Groups of one attribute with their sizes, None where a group is withheld, and the place of the reference."""
    ok = rows_of(frame, attribute=attribute, status=["ok", "small"])
    size = dict(zip(ok["group"], ok["n"], strict=True))
    gaps = rows_of(frame_of(audit, "gaps"), attribute=attribute)
    reference = str(gaps["reference"].iloc[0]) if len(gaps) else ""
    return {
        "name": name(attribute),
        "groups": [name(g) for g in groups],
        "sizes": [int(size[g]) if g in size else None for g in groups],
        "reference": groups.index(reference) if reference in groups else None,
    }


def _model(audit: Any, frame: Any, model: str, groups: dict[str, list[Any]]) -> dict[str, Any]:
    """Of one model per attribute: thresholds, the place of the audit's own, and the counts of each group."""
    ok = rows_of(frame, status=["ok", "small"])
    bound = audit.bounds[model]
    attributes = []
    for attribute, members in groups.items():
        lines = rows_of(ok, attribute=attribute)
        thresholds = sorted(float(t) for t in lines["threshold"].unique())
        count_at = {(r["group"], float(r["threshold"])): int(r["k"]) for r in lines.to_dict("records")}
        attributes.append(
            {
                "thresholds": thresholds,
                "start": thresholds.index(bound) if bound in thresholds else 0,
                "counts": [[count_at[g, t] for t in thresholds] if g in set(lines["group"]) else None for g in members],
            }
        )
    series = TEACHER if model == "teacher" else students_of(audit).index(model)
    return {"name": name(model), "series": series, "attributes": attributes}
