"""Importance: which columns the teacher's answers hang on, and the students', side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from explaindistill import plots
from explaindistill.report.blocks import Block, Cell, Details, Dots, Gallery, Section, Table, Text
from explaindistill.report.figures import by_fidelity, dots, drawn, importance, students_of
from explaindistill.report.tables import frame_of, pivot, rows_of
from explaindistill.report.words import name, quantity
from explaindistill.report.writers.json import STRONGEST, strongest

__all__ = ["section"]

MOST_GROUPS = 8
DRAWN_GROUPS = 2
"""Gaps that are drawn; the tables below have the others."""
SWARM_INCHES = 3.3
"""Two beside each other on a wide page; letters stay readable on a telephone."""
SWARM_LINES = 8


def section(audit: Any) -> Section:
    """One line per column of the data, one column per model; shares of each model's whole."""
    frame = frame_of(audit, "importance")
    if not {"feature", "subject", "estimate"} <= set(frame) or frame.empty:
        return Section("Which columns carry the answers", 50, reason="Importance was not measured.", tab="why")
    shares = _shares(frame)
    subjects = [s for s in ("teacher", *students_of(audit)) if s in set(shares["subject"])]
    lead = Text("Importance tells what a model uses, not what causes what.")
    if "silencing" in set(frame.get("metric", ())):
        lead = Text(
            "Importance tells what a model uses, not what causes what. Here each object was changed so that one column "
            "says nothing, and every model was asked again: how far its answers moved."
        )
    table = _table(shares, subjects)
    figure = importance(audit, shares)
    folded: list[Block] = [Details(f"All {len(table.rows)} columns", (table, *_otherwise(audit, frame, subjects)))]
    folded = [*_spread(audit), *_gaps(audit), *folded, *_alike(audit), *_missed(audit)]
    return Section("Which columns carry the answers", 50, (lead, *((figure,) if figure else ()), *folded), tab="why")


def _otherwise(audit: Any, frame: pd.DataFrame, subjects: list[str]) -> list[Block]:
    """The shares by other methods: by the students' own structure, and by Shapley values."""
    if "metric" not in frame:
        return []
    out: list[Block] = []
    structural = frame[frame["metric"] == "structure"]
    if not structural.empty and len(structural) < len(frame):
        students = [s for s in students_of(audit) if s in set(structural["subject"])]
        out.append(_table(_shares(structural), students, "By the students' own structure"))
    return [*out, *_attributed(frame, subjects)]


def _spread(audit: Any) -> list[Block]:
    """How Shapley values are spread in the teacher and in the student that is most like it, side by side."""
    frame = frame_of(audit, "attribution_cells")
    if frame.empty:
        return []
    for student in by_fidelity(audit):
        scales = frame.loc[frame["subject"] == student, "subset"]
        if len(scales):
            rows = frame[frame["subset"] == scales.iloc[0]]
            break
    else:
        rows, student = frame[frame["subset"] == frame["subset"].iloc[0]], ""
    unit = "log-odds" if rows["subset"].iloc[0] == "logit" else str(rows["subset"].iloc[0])
    of = "" if audit.classes is None or audit.favorable is None else f" of {audit.names.of_class(audit.favorable)}"
    pair = [s for s in ("teacher", student) if s in set(rows["subject"])]
    both = rows[rows["subject"].isin(pair)]
    ends = float(both["value_from"].min()), float(both["value_to"].max())
    figures = []
    for i, subject in enumerate(pair):
        mine = rows[rows["subject"] == subject]
        desc = f"Shapley values of {int(mine['n'].max()):,} rows, counted in cells of ten rows or more."
        figures.append(
            drawn(
                f"fig-swarm-{i}", f"{name(subject)}: {unit}{of}", desc, _painter(mine, ends), SWARM_INCHES, SWARM_INCHES
            )
        )
    note = Text(
        "Each line is a column: where its Shapley values lie, as high as there are rows. Orange: high values of the "
        "column, blue: low ones, grey: no order. Cells hold ten rows or more, so that nobody can be seen."
    )
    return [Details("Shapley values: teacher beside student", (Gallery(tuple(figures)), note), id="shapley-values")]


def _painter(rows: pd.DataFrame, ends: tuple[float, float]) -> Callable[[Any], Any]:
    return lambda ax: plots.swarm(rows, ax, top=SWARM_LINES, ends=ends, legend=False)


def _alike(audit: Any) -> list[Block]:
    """How alike the importances are, by permutation or silencing and, scale by scale, by Shapley values."""
    frame = frame_of(audit, "importance_comparison")
    silenced = len(rows_of(frame_of(audit, "importance"), metric="silencing", subject="teacher")) > 0
    if frame.empty:
        return []
    subset = frame["subset"] if "subset" in frame else pd.Series("", index=frame.index)
    kinds = subset.fillna("").astype(str).str.replace(r",? ?top \d+$", "", regex=True)
    tables = [
        pivot(
            frame[kinds == kind],
            kind or ("By silencing" if silenced else "By permutation"),
            "metric",
            "subject",
            students_of(audit),
            "measure",
        )
        for kind in dict.fromkeys(kinds)
    ]
    return [Details("How alike the importances are to the teacher's", tuple(tables), id="alike")]


def _attributed(frame: pd.DataFrame, subjects: list[str]) -> list[Block]:
    """Mean sizes of Shapley values, one table per scale."""
    if not {"metric", "subset"} <= set(frame):
        return []
    shapley = frame[frame["metric"] == "shapley"]
    out: list[Block] = []
    for scale, of_scale in shapley.groupby("subset", sort=False):
        shown = [s for s in subjects if s in set(of_scale["subject"])]
        note = "Exact for students that are sums or boxes; the teacher's are sampled with a student as control variate."
        out.append(_table(_shares(of_scale), shown, f"By Shapley values ({name(scale)})", note))
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
    pictures: list[Dots] = []
    for (attribute, group, scale), gap in _largest(frame).groupby(["attribute", "group", "subset"], sort=False):
        reference = gap["reference"].iloc[0]
        caption = f"{name(attribute)}: {name(group)} against {name(reference)} ({scale})"
        order = [s for s in ("teacher", *students_of(audit)) if s in set(gap["subject"])]
        note = f"The {STRONGEST} largest of {len(set(gap['feature']))} columns; the others are in the results."
        few = len(set(gap["feature"])) <= STRONGEST
        table = pivot(strongest(gap), caption, "feature", "subject", order, "column", "" if few else note)
        out.append(Details(caption, (table,)))
        if scale != "logit" and len(pictures) < DRAWN_GROUPS and (picture := _parts(audit, gap, caption)) is not None:
            pictures.append(picture)
    lead = "The parts of a column add up, exactly, to the difference of the groups' mean answers."
    n_groups = len(frame[["attribute", "group", "subset"]].drop_duplicates())
    if n_groups > len(out):
        lead += f" The {len(out)} largest differences of {n_groups} are shown; the others are in the results."
    return [Details("What carries the differences between groups", (Text(lead), *pictures, *out), id="gap-parts")]


def _parts(audit: Any, gap: pd.DataFrame, caption: str) -> Dots | None:
    """The parts of one gap: a line per column, the largest first, the sum last."""
    whole = gap["metric"] == "attribution_gap_total"
    parts = strongest(gap[~whole])
    size = parts.assign(size=parts["estimate"].abs()).groupby("feature", sort=False)["size"].max()
    rank = {f: i for i, f in enumerate(size.sort_values(ascending=False, kind="stable").index)}
    lines = parts.assign(place=parts["feature"].map(rank)).sort_values("place", kind="stable")
    shown = pd.concat([lines, gap[whole]]).assign(
        group=lambda f: f["feature"].where(f["feature"] != "", "(all columns)")
    )
    title = f"What the gap is made of: {caption}"
    lowers = "Left of 0: it lowers the first group's mean."
    picture = dots(shown.drop(columns="n"), audit, title, lowers, "column", {})
    return None if picture is None else replace(picture, bars=True)


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


def _table(frame: pd.DataFrame, subjects: list[str], caption: str = "Share of importance", note: str = "") -> Table:
    values = {(str(r["subject"]), str(r["feature"])): float(r["estimate"]) for r in frame.to_dict("records")}
    features = sorted(
        dict.fromkeys(frame["feature"].map(str)), key=lambda f: -max(values.get((s, f), 0.0) for s in subjects)
    )
    rows = tuple((Cell(name(f)), *(_share(values.get((s, f))) for s in subjects)) for f in features)
    return Table(caption, ("column", *map(name, subjects)), rows, (False, *(True for _ in subjects)), note)


def _share(value: float | None) -> Cell:
    return Cell("–", tone="quiet") if value is None else Cell(quantity(value, "share"))
