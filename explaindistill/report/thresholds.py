"""The slider of the threshold: for each model and group how many people are at or above each of some thresholds."""

from __future__ import annotations

from typing import Any

from explaindistill.report.blocks import Threshold
from explaindistill.report.figures import TEACHER, students_of
from explaindistill.report.tables import CROSSED, attributes_of, frame_of, rows_of
from explaindistill.report.words import name

__all__ = ["slider"]

LEGEND = (
    "Dashed: the reference group, in green within four fifths of its rate. Counts of the audited rows; at the audit's "
    "threshold they are those of the rates above."
)


def slider(audit: Any) -> Threshold | None:
    """What the page needs to move the threshold; None where it was not measured."""
    frame = rows_of(frame_of(audit, "thresholds"), metric="selection_rate")
    attributes = [a for a in attributes_of(audit) if CROSSED not in a and not rows_of(frame, attribute=a).empty]
    if frame.empty or not attributes:
        return None
    groups = {a: list(dict.fromkeys(rows_of(frame, attribute=a)["group"])) for a in attributes}
    models = [m for m in ("teacher", *students_of(audit)) if not rows_of(frame, subject=m).empty]
    data = {
        "attributes": [_attribute(audit, frame, a, groups[a]) for a in attributes],
        "models": [_model(audit, rows_of(frame, subject=m), m, groups) for m in models],
        "legend": LEGEND,
    }
    words = (
        f"“{name(audit.favorable)}” where its probability is at least the threshold. Moving it changes nothing in the "
        "model: it shows whom another threshold would select."
    )
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
    """Thresholds of one model, and the counts at or above each, by attribute and group."""
    ok = rows_of(frame, status=["ok", "small"])
    thresholds = sorted(float(t) for t in ok["threshold"].unique())
    count_at = {(r["attribute"], r["group"], float(r["threshold"])): int(r["k"]) for r in ok.to_dict("records")}
    counts = [
        [[count_at[a, g, t] for t in thresholds] if (a, g, thresholds[0]) in count_at else None for g in members]
        for a, members in groups.items()
    ]
    bound = audit.bounds[model]
    return {
        "name": name(model),
        "series": TEACHER if model == "teacher" else students_of(audit).index(model),
        "thresholds": thresholds,
        "start": min(range(len(thresholds)), key=lambda i: abs(thresholds[i] - bound)),
        "counts": counts,
    }
