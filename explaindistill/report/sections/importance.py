"""Importance: which columns the teacher's answers hang on, and the students', side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Block, Cell, Details, Section, Table, Text
from explaindistill.report.figures import importance, students_of
from explaindistill.report.tables import frame_of, pivot
from explaindistill.report.words import name, quantity
from explaindistill.report.writers.json import STRONGEST, strongest

__all__ = ["section"]

MOST_GROUPS = 8


def section(audit: Any) -> Section:
    """One line per column of the data, one column per model; shares of each model's whole."""
    frame = frame_of(audit, "importance")
    if not {"feature", "subject", "estimate"} <= set(frame) or frame.empty:
        return Section("Which columns carry the answers", 50, reason="Importance was not measured.", tab="why")
    shares = _shares(frame)
    subjects = [s for s in ("teacher", *students_of(audit)) if s in set(shares["subject"])]
    lead = Text("Importance tells what a model uses, not what causes what.")
    table = _table(shares, subjects)
    figure = importance(audit, shares)
    folded: list[Block] = [Details(f"All {len(table.rows)} columns", (table,))]
    structural = frame[frame["metric"] == "structure"] if "metric" in frame else frame.iloc[:0]
    if not structural.empty and len(structural) < len(frame):
        students = [s for s in students_of(audit) if s in set(structural["subject"])]
        folded.append(Details("By the students' own structure", (_table(_shares(structural), students),)))
    folded += _attributed(frame, subjects)
    folded = [*_alike(audit), *folded, *_missed(audit), *_gaps(audit)]
    return Section("Which columns carry the answers", 50, (lead, *((figure,) if figure else ()), *folded), tab="why")


def _alike(audit: Any) -> list[Block]:
    """How alike the importances are, by permutation and, scale by scale, by Shapley values."""
    frame = frame_of(audit, "importance_comparison")
    if frame.empty:
        return []
    subset = frame["subset"] if "subset" in frame else pd.Series("", index=frame.index)
    kinds = subset.fillna("").astype(str).str.replace(r",? ?top \d+$", "", regex=True)
    out: list[Block] = []
    for kind in dict.fromkeys(kinds):
        by = f" ({kind})" if kind else ""
        alike = frame[kinds == kind]
        caption = f"How alike the importances are to the teacher's{by}"
        out.append(Details(caption, (pivot(alike, caption, "metric", "subject", students_of(audit), "measure"),)))
    return out


def _attributed(frame: pd.DataFrame, subjects: list[str]) -> list[Block]:
    """Mean sizes of Shapley values, one table per scale."""
    if not {"metric", "subset"} <= set(frame):
        return []
    shapley = frame[frame["metric"] == "shapley"]
    out: list[Block] = []
    for scale, of_scale in shapley.groupby("subset", sort=False):
        shown = [s for s in subjects if s in set(of_scale["subject"])]
        note = "Exact for students that are sums or boxes; the teacher's are sampled with a student as control variate."
        table = _table(_shares(of_scale), shown)
        out.append(Details(f"By Shapley values ({name(scale)})", (Text(note), table)))
    return out


def _missed(audit: Any, top: int = 10) -> list[Block]:
    """Pairs that act together in the teacher, and what of that each student leaves."""
    frame = frame_of(audit, "interactions")
    if frame.empty:
        return []
    pairs = frame["feature"].astype(str) + " × " + frame["feature_2"].astype(str)
    strongest_pairs = list(dict.fromkeys(pairs))[:top]
    shown = frame.assign(pair=pairs)[pairs.isin(strongest_pairs)]
    is_missed = shown["metric"] == "interaction_missed"
    shown = shown.assign(subject=shown["subject"].where(~is_missed, shown["subject"] + ", not repeated"))
    heads = [s for s in dict.fromkeys(shown["subject"]) if s == "teacher"]
    heads += [f"{s}, not repeated" for s in students_of(audit)]
    note = f"Root mean square departure from a sum of the two columns, on the {shown['subset'].iloc[0]} scale."
    table = pivot(shown, "The strongest interactions of the teacher", "pair", "subject", heads, "pair", note)
    return [Details("Interactions that the students miss", (table,))]


def _gaps(audit: Any) -> list[Block]:
    """What the gaps in mean answers come from."""
    frame = frame_of(audit, "attribution_gaps")
    if frame.empty:
        return []
    if frame["estimate"].isna().all():
        return [Text(f"What gaps between groups come from, cannot say: {frame['reason'].iloc[0]}.", "note")]
    out: list[Block] = []
    for (attribute, group, scale), gap in _largest(frame).groupby(["attribute", "group", "subset"], sort=False):
        reference = gap["reference"].iloc[0]
        caption = f"{name(attribute)}: {name(group)} against {name(reference)} ({scale})"
        order = [s for s in ("teacher", *students_of(audit)) if s in set(gap["subject"])]
        note = f"The {STRONGEST} largest of {len(set(gap['feature']))} columns; the others are in the results."
        few = len(set(gap["feature"])) <= STRONGEST
        table = pivot(strongest(gap), caption, "feature", "subject", order, "column", "" if few else note)
        out.append(Details(caption, (table,)))
    lead = "The parts of a column add up, exactly, to the difference of the groups' mean answers."
    n_groups = len(frame[["attribute", "group", "subset"]].drop_duplicates())
    if n_groups > len(out):
        lead += f" The {len(out)} largest differences of {n_groups} are shown; the others are in the results."
    return [Details("What carries the differences between groups", (Text(lead), *out), id="gap-parts")]


def _largest(frame: pd.DataFrame) -> pd.DataFrame:
    """The groups whose mean answers differ most from their reference group, in some model."""
    cells = ["attribute", "group", "subset"]
    whole = (
        frame.groupby([*cells, "subject"], sort=False)["estimate"]
        .sum()
        .abs()
        .groupby(level=[0, 1, 2], sort=False)
        .max()
    )
    largest = whole.sort_values(ascending=False, kind="stable").index[:MOST_GROUPS]
    return frame[pd.MultiIndex.from_frame(frame[cells]).isin(largest)]


def _shares(frame: pd.DataFrame) -> pd.DataFrame:
    """Non-negative shares per subject and method; the first method of a subject counts."""
    parts = []
    for _, rows in frame.groupby("subject", sort=False, observed=True):
        for column in {"method", "metric"} & set(rows):
            method = rows[column].fillna("")
            rows = rows[method == method.iloc[0]]  # noqa: PLW2901 - narrowed step by step
        total = float(rows["estimate"].clip(lower=0).sum())
        scale = 1.0 / total if total > 0 else 1.0
        scaled = {c: rows[c].astype(float) * scale for c in ("low", "high") if c in rows}
        parts.append(rows.assign(estimate=rows["estimate"].clip(lower=0) * scale, **scaled))
    return pd.concat(parts)


def _table(frame: pd.DataFrame, subjects: list[str]) -> Table:
    values = {(str(r["subject"]), str(r["feature"])): float(r["estimate"]) for r in frame.to_dict("records")}
    features = sorted(
        dict.fromkeys(frame["feature"].map(str)), key=lambda f: -max(values.get((s, f), 0.0) for s in subjects)
    )
    rows = tuple((Cell(name(f)), *(_share(values.get((s, f))) for s in subjects)) for f in features)
    return Table("Share of importance", ("column", *map(name, subjects)), rows, (False, *(True for _ in subjects)))


def _share(value: float | None) -> Cell:
    return Cell("–", tone="quiet") if value is None else Cell(quantity(value, "share"))
