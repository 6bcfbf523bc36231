"""The two matrices of the summary: what became of each gap, and what became of each requirement, model by model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaindistill.measures.verdicts import SIGNS, worst
from explaindistill.report.blocks import Block, Details, Matrix, MatrixCell, Tone, Verdicts
from explaindistill.report.figures import students_of
from explaindistill.report.judgements import judged
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import CROSSED, attributes_of, frame_of, rows_of
from explaindistill.report.verdict_words import requirement_words
from explaindistill.report.words import interval, name, quantity

__all__ = ["BY", "gap_rows", "gaps_by_model", "requirements_by_model"]

BY = "bias-by-"
"""Identifiers of the folds with the tables of one attribute, followed by the attribute's place."""
HEADLINE = ("selection_rate_difference", "mean_prediction_difference")
MOVED = ("transfer", "mean_transfer")
WORDS: Mapping[str, tuple[str, str, Tone]] = {
    "inherited": ("=", "inherited", "bad"),
    "amplified": ("↑", "amplified", "bad"),
    "reduced": ("↓", "reduced", "unsure"),
    "hidden": ("∅", "hidden", "unsure"),
    "reversed": ("⇄", "reversed", "bad"),
    "cannot say": ("?", "cannot say", "quiet"),
}
"""Sign, word and colour of each verdict of the frame ``transfer``; colour never stands alone."""
TONES: Mapping[str, Tone] = {"pass": "good", "fail": "bad", "inconclusive": "unsure", "cannot say": "quiet"}


def gap_rows(audit: Any) -> pd.DataFrame:
    """One line per attribute: the group whose gap in the teacher is surest, in the order of the attributes.

    The surest is the one whose interval keeps farthest from 0, so that a pair of few people never leads over one of
    many: its interval is wide.

    Returns
    -------
    DataFrame
        Rows of the frame ``gaps`` of the teacher.
    """
    gaps = rows_of(frame_of(audit, "gaps"), subject="teacher", metric=HEADLINE)
    gaps = rows_of(gaps, status=["ok", "small"])
    if gaps.empty:
        return gaps
    gaps = gaps[gaps["estimate"].notna()]
    distance = pd.concat([gaps["low"], -gaps["high"]], axis=1).max(axis=1).fillna(float("-inf"))
    surest = gaps.assign(distance=distance).sort_values(["distance", "n"], ascending=False, kind="stable")
    first = surest.drop_duplicates("attribute")
    order = {attribute: i for i, attribute in enumerate(attributes_of(audit))}
    return first.assign(place=first["attribute"].map(order)).sort_values("place", kind="stable")


def gaps_by_model(audit: Any) -> list[Block]:
    """Whether there is bias, and whether it passed on: a line per attribute, a column per model."""
    rows = gap_rows(audit)
    if rows.empty:
        return []
    gaps, moved = frame_of(audit, "gaps"), rows_of(frame_of(audit, "transfer"), metric=MOVED)
    models = [s for s in ("labels", "teacher", *students_of(audit)) if not rows_of(gaps, subject=s).empty]
    lines = []
    for row in rows.to_dict("records"):
        at = {key: row[key] for key in ("attribute", "group", "reference")}
        mine, verdicts = rows_of(gaps, metric=row["metric"], **at), rows_of(moved, **at)
        href = f"#{BY}{row['place']}"
        cells = tuple(_gap(rows_of(mine, subject=m), rows_of(verdicts, subject=m), href) for m in models)
        further = rows_of(gaps, subject="teacher", metric=row["metric"], attribute=row["attribute"])
        others = f"; {len(further) - 1} more below" if len(further) > 1 else ""
        lines.append((name(row["attribute"]), f"{name(row['group'])} against {name(row['reference'])}{others}", cells))
    unit = describe_metric(str(rows["metric"].iloc[0])).title.partition(":")[0].lower()
    note = (
        f"Gap in {unit} [95 % interval] from the reference group, of the group whose gap in the teacher is surest. "
        "It is no proof of unfairness."
    )
    if _others_are_wider(audit, rows):
        note += " The opening compares any two groups, and so names another pair."
    columns = ("attribute", *(name(m) for m in models))
    return [Matrix("Is there bias, and was it handed on?", columns, tuple(lines), note)]


def _others_are_wider(audit: Any, rows: pd.DataFrame) -> bool:
    """Whether the widest pair of an attribute, of which the opening speaks, is another than that of its line here."""
    pairs = rows_of(frame_of(audit, "worst_pairs"), subject="teacher", metric="selection_rate_worst_difference")
    shown = {row["attribute"]: {row["group"], row["reference"]} for row in rows.to_dict("records")}
    return any(
        shown.get(pair["attribute"]) not in (None, {pair["group"], pair["reference"]})
        for pair in rows_of(pairs, status="ok").to_dict("records")
    )


def _gap(gaps: pd.DataFrame, verdicts: pd.DataFrame, href: str) -> MatrixCell:
    """One model's gap: its own sign for labels and teacher, the verdict of its transfer for a student."""
    if gaps.empty:
        return MatrixCell("–", tone="quiet")
    row = gaps.iloc[0]
    if row["status"] not in {"ok", "small"} or pd.isna(row["estimate"]):
        return MatrixCell(str(row["status"]), tone="quiet", href=href)
    kind = describe_metric(str(row["metric"])).kind
    figure, detail = quantity(row["estimate"], kind, signed=True), interval(row["low"], row["high"], kind)
    if verdicts.empty:
        sign, word, tone = _direction(row)
    else:
        verdict = str(verdicts.iloc[0].get("verdict", "")) or "cannot say"
        sign, word, tone = WORDS.get(verdict, ("", verdict, ""))
    return MatrixCell(word, figure, detail, tone, sign, href)


def _direction(row: Any) -> tuple[str, str, Tone]:
    """Whether a gap of its own can be told from 0, and to which side."""
    if row["high"] < 0:
        return "▼", "lower", "bad"
    if row["low"] > 0:
        return "▲", "higher", "bad"
    return "○", "no gap shown", "quiet"


def requirements_by_model(audit: Any) -> list[Block]:
    """Which requirement each model meets: a line per requirement, its worst place in each cell; all of it folded."""
    verdicts = frame_of(audit, "verdicts")
    if verdicts.empty:
        return []
    heads = worst(verdicts)
    models = [s for s in ("teacher", *students_of(audit)) if s in set(heads["subject"])]
    models += [s for s in dict.fromkeys(heads["subject"]) if s not in models]
    lines = []
    for rule, rows in heads.groupby("rule", sort=False):
        cells = tuple(_judged(rows_of(rows, subject=m)) for m in models)
        title, detail = requirement_words(str(rule), str(rows["metric"].iloc[0]))
        lines.append((title, detail, cells))
    columns = ("requirement", *(name(m) if m else "all models" for m in models))
    note = "Judged by the whole interval; in each cell the worst place."
    evidence = Details(f"All {len(verdicts)} checks, one by one", (Verdicts(tuple(judged(verdicts))),), id="checks")
    return [Matrix("What was required", columns, tuple(lines), note), evidence]


def _judged(rows: pd.DataFrame) -> MatrixCell:
    if rows.empty:
        return MatrixCell("")
    row = rows.iloc[0]
    kind = describe_metric(str(row["metric"])).kind
    crossed = isinstance(row["attribute"], str) and CROSSED in row["attribute"]  # its groups name both sides
    keys = ("group",) if crossed else ("attribute", "group")
    where = " ".join(name(row[key]) for key in keys if isinstance(row[key], str) and row[key])
    verdict = str(row["verdict"])
    figure = "" if pd.isna(row["estimate"]) else quantity(row["estimate"], kind)
    detail = " ".join(filter(None, (interval(row["low"], row["high"], kind), where)))
    return MatrixCell(verdict, figure, detail, TONES.get(verdict, ""), SIGNS.get(verdict, "–"), "#checks")
