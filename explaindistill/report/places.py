"""Where in a page the evidence of a sentence or of a verdict stands: the chapter or the fold of each frame."""

from __future__ import annotations

__all__ = ["CHAPTERS", "PLACES", "evidence_of"]

PLACES = {
    "verdicts": "checks",
    "rates": "bias",
    "gaps": "bias",
    "transfer": "bias",
    "worst_pairs": "worst-pairs",
    "group_fidelity": "fidelity-by-group",
    "fidelity": "fidelity",
    "performance": "against-labels",
    "complexity": "students",
    "recommendation": "students",
    "importance": "importance",
    "attribution_gaps": "gap-parts",
    "dependence": "dependence",
    "comparison": "comparison",
    "teacher": "teacher",
    "proxies": "proxies",
    "flips": "flips",
    "power": "power",
    "strata": "strata",
    "calibration": "calibration-by-group",
    "missing_bounds": "unknown-groups",
    "leaf_audit": "leaves",
    "failures": "limits",
    "dependent_rows": "independence",
}
"""Where in the page a frame is shown: a chapter or a fold."""
CHAPTERS = {
    "worst-pairs": "bias",
    "proxies": "bias",
    "flips": "bias",
    "power": "bias",
    "strata": "bias",
    "calibration-by-group": "bias",
    "unknown-groups": "bias",
    "leaves": "bias",
    "fidelity-by-group": "fidelity",
    "against-labels": "fidelity",
    "gap-parts": "importance",
    "independence": "limits",
}
"""The chapter of each fold: where a link leads when an audit has no such fold."""


def evidence_of(rule: str) -> str:
    """Link to what a rule was judged by; empty where it is about no frame that is shown.

    Examples
    --------
    >>> evidence_of("bias.worst_impact_ratio >= 0.8"), evidence_of("fidelity.agreement >= 0.9"), evidence_of("odd")
    ('#worst-pairs', '#fidelity', '')
    """
    frame = rule.partition(".")[0]
    place = PLACES["worst_pairs"] if frame == "bias" else PLACES.get(frame, "")
    return f"#{place}" if place else ""
