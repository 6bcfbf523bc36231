"""The first sentences of an audit of policies, each from a line of a frame."""

from __future__ import annotations

from typing import Any

import pandas as pd

__all__ = ["opening_of"]

WORDS = {"keeps": "keeps the teacher's return", "loses": "loses return", "undecided": "may lose return, or may not"}


def opening_of(audit: Any) -> list[str]:
    """Sentences per student: return, worst episodes, agreement and its cost, danger."""
    sentences = []
    for line in audit.frames["verdicts"].to_dict("records"):
        subject = line["subject"]
        sentences.append(_earned(audit, subject, line))
        if worst := _worst(audit, subject):
            sentences.append(worst)
        sentences.append(_agreed(audit, subject, line["verdict"]))
        sentences += _danger(audit, subject)
        sentences += _stressed(audit, subject)
    return [*sentences, *audit.notes]


def _figure(value: float) -> str:
    return f"{value:.3g}".replace("-", "−") if abs(value) < 1000 else f"{value:,.0f}".replace("-", "−")


def _span(line: Any) -> str:
    if pd.isna(line["low"]):
        return "[no limits]"
    return f"[{_figure(line['low'])}, {_figure(line['high'])}]"


def _line(frame: pd.DataFrame, **wanted: str) -> dict[str, Any] | None:
    rows = frame
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return None if rows.empty else rows.iloc[0].to_dict()


def _earned(audit: Any, subject: str, line: dict[str, Any]) -> str:
    returns = audit.frames["returns"]
    figures = _line(returns, metric="return", subject=subject)
    teacher = _line(returns, metric="return", subject="teacher")
    assert figures is not None and teacher is not None  # noqa: PT018 - both are always measured
    usual = " (a twentieth of what it earns over chance)" if audit.manifest["margin_is_usual"] else ""
    return (
        f"{subject} {WORDS[line['verdict']]}: {_figure(figures['estimate'])} {_span(figures)} against "
        f"{_figure(teacher['estimate'])} in {figures['n']} episodes of the same seeds; difference "
        f"{_figure(line['estimate'])} {_span(line)}, where {_figure(line['margin'])}{usual} may be lost."
    )


def _worst(audit: Any, subject: str) -> str:
    figures = _line(audit.frames["returns"], metric="return_worst", subject=subject)
    teacher = _line(audit.frames["returns"], metric="return_worst", subject="teacher")
    if figures is None or teacher is None or pd.isna(figures["estimate"]) or pd.isna(teacher["estimate"]):
        return ""
    return (
        f"In its worst twentieth of episodes {subject} earns {_figure(figures['estimate'])}, the teacher in its own "
        f"{_figure(teacher['estimate'])}."
    )


def _agreed(audit: Any, subject: str, verdict: str) -> str:
    agreement = audit.frames["agreement"]
    figures = _line(agreement, subject=subject, states="own")
    other = _line(agreement, subject=subject, states="teacher's")
    shares = [
        f"{line['estimate']:.0%} of {words}"
        for line, words in ((figures, "the states that it comes to"), (other, "the teacher's"))
        if line is not None
    ]
    text = f"{subject} does what the teacher does in {' and '.join(shares)}"
    cost = _line(audit.frames["costs"], subject=subject, metric="cost_of_disagreement")
    harmless = _line(audit.frames["costs"], subject=subject, metric="harmless_disagreement")
    if cost is not None and harmless is not None and cost["n"] > 0:
        text += (
            f"; where it does not, its action costs {_figure(cost['estimate'])} {_span(cost)} of return by the "
            f"teacher's Q, and in {harmless['estimate']:.0%} of these states less than "
            f"{_figure(audit.frames['costs']['tolerance'].iloc[0])}"
        )
    if verdict == "keeps" and figures is not None and figures["estimate"] < 1:
        text += "; that is no loss: the return is kept"
    return f"{text}."


def _stressed(audit: Any, subject: str) -> list[str]:
    """The condition under which a student loses most against the teacher, where it surely loses."""
    stress = audit.frames["stress"]
    lines = stress[(stress["subject"] == subject) & (stress["metric"] == "return_difference") & (stress["high"] < 0)]
    if lines.empty:
        return []
    line = lines.loc[lines["estimate"].idxmin()].to_dict()
    return [
        f"Under stress ({line['condition']}) {subject} earns {_figure(-line['estimate'])} {_span_of_loss(line)} less "
        "than the teacher does there."
    ]


def _span_of_loss(line: dict[str, Any]) -> str:
    return f"[{_figure(-line['high'])}, {_figure(-line['low'])}]"


def _danger(audit: Any, subject: str) -> list[str]:
    unsafe = audit.frames["unsafe"]
    lines = unsafe[(unsafe["subject"] == subject) & (unsafe["metric"] == "unsafe_difference")]
    if lines.empty:
        return []
    worse = lines[lines["verdict"] == "more often"]
    regions = worse[worse["region"] != "all starts"].sort_values("estimate", ascending=False, kind="stable")
    places = regions.to_dict("records") or worse.to_dict("records")
    if not places:
        figures = _line(unsafe, subject=subject, metric="unsafe_episodes", region="all starts")
        assert figures is not None
        return [
            f"{subject} comes to an unsafe state in {figures['estimate']:.0%} "
            f"[{figures['low']:.1%}, {figures['high']:.1%}] of {figures['n']} episodes; no start was seen from which "
            "it does so more often than the teacher."
        ]
    line, more = places[0], len(places) - 1
    others = f" So it does, less strongly, from {more} other groups of starts." if more else ""
    return [
        f"From {line['region']}, {subject} comes to an unsafe state more often than the teacher: "
        f"{line['estimate']:+.0%} [{line['low']:+.0%}, {line['high']:+.0%}] of {line['n']} episodes.{others}"
    ]
