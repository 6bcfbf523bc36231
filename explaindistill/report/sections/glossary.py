"""Glossary: the words of this report, and only those that it uses."""

from __future__ import annotations

from typing import Any

from explaindistill.report.blocks import Details, Facts, Section
from explaindistill.report.folds import slug
from explaindistill.report.metrics import METRICS

__all__ = ["section"]

_WORDS = (
    ("Teacher", "The model under audit: a black box that is asked and never changed."),
    ("Student", "A small model, fitted to the teacher's answers, that a person can read."),
    ("Fidelity", "How closely the student's answers follow the teacher's; not the same as being right."),
    ("Interval", "The range [low, high] that holds the true value in 95 of 100 repetitions."),
    ("n", "Number of rows behind a figure."),
    ("Undefined", "A rate whose denominator is empty; it is shown as undefined, never as 0."),
    ("Inconclusive", "The interval contains the bound: these rows cannot decide the rule; more rows could."),
    ("Cannot say", "What the rule asks for was not measured or is undefined."),
    ("pp", "Percentage points: the difference of two percentages."),
)


def section(audit: Any) -> Section:
    """Fixed words first, then each measure that occurs in the results."""
    used = {
        str(m)
        for frame in audit.frames.values()
        if frame is not None and "metric" in frame
        for m in frame["metric"].dropna()
    }
    measures = [(METRICS[key].title, METRICS[key].meaning) for key in METRICS if key in used and METRICS[key].meaning]
    pairs = tuple({title: (title, meaning) for title, meaning in (*_WORDS, *measures)}.values())
    anchors = tuple(f"word-{slug(title)}" for title, _ in pairs)
    return Section("Glossary", 100, (Details(f"{len(pairs)} words", (Facts(pairs, anchors),), id="words"),))
