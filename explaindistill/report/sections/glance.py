"""At a glance: the verdicts, the headline figures, the trade-off, and what to worry about."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from explaindistill.measures.bias import FIDELITY_CAVEAT
from explaindistill.report.blocks import Block, Card, Cards, Details, Items, Section, Text
from explaindistill.report.figures import students_of
from explaindistill.report.judgements import judged
from explaindistill.report.matrices import gaps_by_model, requirements_by_model
from explaindistill.report.metrics import describe_metric
from explaindistill.report.opening_block import opening_block
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.verdict_words import in_front, transfer_words
from explaindistill.report.words import count, interval, name, quantity

__all__ = ["section"]


def section(audit: Any) -> Section:
    """What a reader must know first: the opening, the two matrices; headline figures and worries behind folds."""
    opening = opening_block(audit)
    blocks: list[Block] = [Text(warning, "warning") for warning in in_front(audit)]
    blocks.append(Text(_summary(audit), "lead") if opening is None else opening)
    blocks += gaps_by_model(audit)
    blocks += requirements_by_model(audit)
    if frame_of(audit, "verdicts").empty:
        blocks.append(Text("No requirements were given, so nothing passes or fails.", "note"))
    worries = _worries(audit)
    listed = Items(tuple(worries)) if worries else Text(_NOTHING)
    blocks.append(Details(f"What to worry about ({len(worries)})", (listed,), id="worries"))
    blocks.append(Details("Headline figures of each model", (Cards(tuple(_cards(audit))),), id="headline"))
    return Section("At a glance", 0, tuple(blocks), tab="summary")


_NOTHING = "Nothing that these measures look for was found. That is not a proof that nothing is there; see “Limits”."


def _headline(audit: Any, student: str) -> Any:
    frame = rows_of(frame_of(audit, "fidelity"), subject=student)
    for metric in ("agreement", "r2", "r2_probability"):
        rows = rows_of(frame, metric=metric)
        if not rows.empty:
            return rows.iloc[0]
    return None


def _summary(audit: Any) -> str:
    best, students = None, students_of(audit)
    for student in students:
        row = _headline(audit, student)
        if row is not None and not math.isnan(row["estimate"]) and (best is None or row["estimate"] > best["estimate"]):
            best = row
    if best is None:
        return "The teacher and its students were measured on the audited rows; fidelity could not be measured."
    metric = describe_metric(str(best["metric"]))
    words = (
        "decides like the teacher on"
        if best["metric"] == "agreement"
        else "reproduces the teacher's answers with R² of"
    )
    subject = name(best["subject"])
    of = " of the audited rows" if best["metric"] == "agreement" else ""
    which = f"The student “{subject}”" if len(students) == 1 else f"The most faithful student, “{subject}”,"
    return f"{which} {words} {quantity(best['estimate'], metric.kind)}{of}."


def _cards(audit: Any) -> list[Card]:
    cards = []
    for i, student in enumerate(students_of(audit)):
        row = _headline(audit, student)
        facts = (_constant, _worst_class, _performance, _size, _worst_group)
        lines = tuple(filter(None, (fact(audit, student) for fact in facts)))
        if row is None:
            cards.append(Card(name(student), "–", "fidelity was not measured", lines, "quiet", i + 1))
            continue
        metric = describe_metric(str(row["metric"]))
        spread = interval(row["low"], row["high"], metric.kind)
        detail = f"{_as_detail(metric.title, 'the teacher')} {spread}, n = {count(row['n'])}"
        cards.append(Card(name(student), quantity(row["estimate"], metric.kind), detail, lines, "", i + 1))
    return cards + _teacher_card(audit)


def _as_detail(title: str, against: str) -> str:
    """A title inside of a line; R² stays a capital letter and says what it is held against."""
    return f"{title} against {against}" if title.startswith("R²") else title.lower()


def _teacher_card(audit: Any) -> list[Card]:
    row = _truth(audit, "teacher")
    if row is None:
        return []
    metric = describe_metric(str(row["metric"]))
    spread = interval(row["low"], row["high"], metric.kind)
    detail = f"{_as_detail(metric.title, 'the true values')} {spread}, n = {count(row['n'])}"
    return [Card("Teacher", quantity(row["estimate"], metric.kind), detail, (), "quiet")]


def _truth(audit: Any, subject: str) -> Any:
    """How well a model does against the true labels: accuracy, or R²; None where it was not measured."""
    frame = rows_of(frame_of(audit, "performance"), subject=subject)
    for key in ("accuracy", "r2"):
        rows = rows_of(frame, metric=key)
        if not rows.empty and not math.isnan(rows.iloc[0]["estimate"]):
            return rows.iloc[0]
    return None


def _performance(audit: Any, subject: str) -> str:
    row = _truth(audit, subject)
    if row is None:
        return ""
    metric = describe_metric(str(row["metric"]))
    against = " against the true values" if metric.title.startswith("R²") else ""
    figure = f"{quantity(row['estimate'], metric.kind)} {interval(row['low'], row['high'], metric.kind)}"
    return f"{metric.title}{against} {figure}"


def _constant(audit: Any, student: str) -> str:
    """What a constant answer would reach, where agreement is the headline figure."""
    frame = rows_of(frame_of(audit, "fidelity"), subject=student, subset="")
    whole, beyond = (rows_of(frame, metric=metric) for metric in ("agreement", "agreement_gain"))
    if whole.empty or beyond.empty or math.isnan(beyond.iloc[0]["estimate"]):
        return ""
    gained = beyond.iloc[0]
    constant = quantity(whole.iloc[0]["estimate"] - gained["estimate"], "share")
    spread = interval(gained["low"], gained["high"], "points")
    return f"A constant answer reaches {constant}: {quantity(gained['estimate'], 'points')} more {spread}"


def _worst_class(audit: Any, student: str) -> str:
    """The class of the teacher that the student follows least."""
    rows = rows_of(frame_of(audit, "fidelity"), subject=student, metric="agreement_worst_class")
    if rows.empty:
        return ""
    row = rows.iloc[0]
    place = "Worst class"
    if row["status"] == "suppressed":
        by_class = rows_of(frame_of(audit, "fidelity"), subject=student, metric="agreement", status=["ok"])
        by_class = by_class[by_class["subset"].str.startswith("class=")]
        if by_class.empty:
            return "Worst class: withheld, a class has too few people"
        place = "Worst class of those with enough people"
        row = by_class.loc[by_class["estimate"].idxmin()]
    if math.isnan(row["estimate"]):
        return ""
    which = name((str(row["group"]) or str(row["subset"])).removeprefix("class="))
    spread = interval(row["low"], row["high"], "share")
    return f"{place}: {which}, agreement {quantity(row['estimate'], 'share')} {spread}, n = {count(row['n'])}"


def _size(audit: Any, student: str) -> str:
    frame = frame_of(audit, "complexity")
    rows = rows_of(frame, subject=student)
    if rows.empty:
        return ""
    row = rows.iloc[0]
    words = [
        f"{count(row[c])} {c[2:]}" for c in ("n_leaves", "n_terms", "n_features") if c in row and not pd.isna(row[c])
    ]
    return ", ".join(words)


def _worst_group(audit: Any, student: str) -> str:
    frame = rows_of(frame_of(audit, "group_fidelity"), subject=student)
    rows = rows_of(frame, metric="agreement", status=["ok", "small"])
    rows = rows[rows["estimate"].notna()] if not rows.empty else rows
    if rows.empty:
        return ""
    row = rows.loc[rows["estimate"].idxmin()]
    where = f"{name(row['attribute'])} = {name(row['group'])}"
    return f"Lowest agreement: {quantity(row['estimate'], 'share')} in {where}"


def _worries(audit: Any) -> list[str]:
    worries: list[str] = []
    verdicts = judged(frame_of(audit, "verdicts"))
    failed = [f"Failed: {v.rule}. {v.evidence}" for v in verdicts if v.verdict == "fail"]
    worries += _at_most(failed, 6)
    open_ = sum(v.verdict == "inconclusive" for v in verdicts)
    if open_:
        checks = "1 check" if open_ == 1 else f"{open_} checks"
        worries.append(f"{checks} could not be decided with this many rows: more data would settle them.")
    unequal = _unfaithful_groups(audit)
    worries += _shifts(audit) + unequal
    shown_elsewhere = {*in_front(audit), FIDELITY_CAVEAT if unequal else ""}
    return worries + [str(note) for note in audit.notes if note not in shown_elsewhere]


def _shifts(audit: Any) -> list[str]:
    """What students did to gaps of their teacher beyond chance: per student and verdict how many, and the largest."""
    frame = frame_of(audit, "transfer")
    rows = rows_of(frame, metric=["transfer", "mean_transfer"]) if "metric" in frame else frame
    moved_by: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows.to_dict("records"):
        if row.get("status", "ok") == "ok" and (row["low"] > 0 or row["high"] < 0):
            moved_by.setdefault((name(row["subject"]), str(row.get("verdict", ""))), []).append(row)
    return [_shift(student, verdict, moved) for (student, verdict), moved in moved_by.items()]


def _shift(student: str, verdict: str, moved: list[dict[str, Any]]) -> str:
    most = max(moved, key=lambda row: abs(row["estimate"]))
    where = f"at {name(most['attribute'])} = {name(most['group'])}"
    kind = describe_metric(str(most["metric"])).kind
    spread = f"shift {quantity(most['estimate'], kind)} {interval(most['low'], most['high'], kind)}"
    if len(moved) > 1:
        where = f"in {len(moved)} groups, most {where}"
    return f"{transfer_words(verdict, f'“{student}”', where)}: {spread}."


def _at_most(lines: list[str], n: int) -> list[str]:
    """The first lines, and how many more there are."""
    return (
        lines if len(lines) <= n else [*lines[:n], f"… and {len(lines) - n} more of this kind, in the sections below."]
    )


def _unfaithful_groups(audit: Any) -> list[str]:
    """Students whose fidelity differs between groups: their fairness says nothing about the teacher's."""
    frame = rows_of(frame_of(audit, "group_fidelity"), status=["ok"])
    gaps = rows_of(frame, metric=["agreement_difference", "mae_difference"])
    attributes_of: dict[str, list[str]] = {}
    for row in gaps.to_dict("records"):
        if row["low"] > 0 or row["high"] < 0:
            attributes_of.setdefault(name(row["subject"]), []).append(name(row["attribute"]))
    if not attributes_of:
        return []
    who = "; ".join(f"“{student}” across {', '.join(dict.fromkeys(where))}" for student, where in attributes_of.items())
    return [f"Not equally faithful in all groups: {who}. A student without a gap then says nothing about its teacher."]
