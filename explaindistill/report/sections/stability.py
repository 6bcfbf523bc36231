"""Stability, the question whether another sample would have given another student."""

from __future__ import annotations

from typing import Any

from explaindistill.report.blocks import Section, Text
from explaindistill.report.tables import frame_of, plain, tidy

__all__ = ["section"]


def section(audit: Any) -> Section:
    """What changes when the student is fitted again."""
    frame = frame_of(audit, "stability")
    if frame.empty:
        return Section(
            "Stability",
            70,
            reason="Stability was not measured: it needs the student to be fitted again on other samples.",
            tab="fidelity",
        )
    lead = Text("Each student was fitted again on other samples; the figures tell how much of it stayed the same.")
    if {"metric", "estimate"} <= set(frame):
        return Section(
            "Stability",
            70,
            (lead, tidy(frame, "Stability", ("subject", "metric", "subset"), ("student", "measure", "rows"))),
            tab="fidelity",
        )
    return Section("Stability", 70, (lead, plain(frame, "Stability")), tab="fidelity")
