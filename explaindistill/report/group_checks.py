"""What the chapter on bias says beyond rates and gaps: any pair, strata, tests, unknown people, proxies, leaves."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Block, Cell, Details, Items, Table, Text
from explaindistill.report.figures import students_of
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import estimate_cell, frame_of, pivot, rows_of
from explaindistill.report.words import count, interval, name, number, quantity

__all__ = ["any_pair", "checks"]

TOP = 12
RATE = "selection_rate"


def any_pair(audit: Any) -> list[Block]:
    """The largest gap between any two groups of each attribute: what the headline verdict rests on."""
    frame = rows_of(frame_of(audit, "worst_pairs"), metric=f"{RATE}_worst_ratio")
    if frame.empty or (frame["attribute"] == "").all():  # nobody said which decision people want
        return []
    order = ["labels", "teacher", *students_of(audit)]
    shown = frame[frame["subject"].isin(order)]
    rows = []
    for row in shown.to_dict("records"):
        pair = f"{name(row['group'])} against {name(row['reference'])}" if row["status"] != "suppressed" else "–"
        likely = "" if pd.isna(row["expected"]) else quantity(row["expected"], "ratio")
        rows.append(
            (Cell(name(row["attribute"])), Cell(name(row["subject"])), Cell(pair), estimate_cell(row), Cell(likely),
             Cell(_chance(row["p_value"])), Cell(str(row["reason"]), tone="quiet"))
        )  # fmt: skip
    heads = ("attribute", "model", "lowest against highest", "ratio of selection rates", "if all were equal",
             "p, all equal", "remark")  # fmt: skip
    note = (
        "The pair was chosen because it looks worst, so its interval holds for all pairs at once; equal groups of "
        "these sizes would still show the ratio under “if all were equal”, on average."
    )
    flush = (False, False, False, True, True, True, False)
    return [Table("Any pair of groups", heads, tuple(rows), flush, note)]


def _chance(p: Any) -> str:
    if pd.isna(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def checks(audit: Any) -> list[Block]:
    """Further questions, each folded; those without an answer in one line, with their reasons."""
    parts = (
        ("strata", "Inside strata", _strata(audit)),
        ("tests", "One family of tests", _tests(audit)),
        ("unknown-groups", "People whose group is not known", _unknown(audit)),
        ("power", "What these group sizes could have shown", _power(audit)),
        ("calibration-by-group", "Calibration and ranking by group", _calibration(audit)),
        ("flips", "What if only the attribute were another", _flips(audit)),
        ("proxies", "Which columns give an attribute away", _proxies(audit)),
        ("leaves", "Which rule meets whom", _leaves(audit)),
    )
    answered = [Details(title, tuple(blocks), id=id) for id, title, blocks in parts if not _is_silent(blocks)]
    silent = [(title, blocks) for _, title, blocks in parts if _is_silent(blocks)]
    reasons = tuple(f"{title}: {block.text}" for title, blocks in silent for block in blocks if isinstance(block, Text))
    summary = f"Without an answer: {', '.join(title for title, _ in silent)}"
    return [*answered, *([Details(summary, (Items(reasons),), id="without-answer")] if silent else [])]


def _is_silent(blocks: list[Block]) -> bool:
    """Whether a check has nothing but the reason why it has no answer."""
    return all(isinstance(block, Text) and block.tone == "note" for block in blocks)


def _strata(audit: Any) -> list[Block]:
    frame = _models(audit, frame_of(audit, "strata"))
    if frame.empty:
        return [Text("Not measured: no strata were given (strata=), such as jobs, sites or years.", "note")]
    rows = []
    for (attribute, group, reference, subject), lines in frame.groupby(
        ["attribute", "group", "reference", "subject"], sort=False
    ):
        odds, gap = (_only(lines, f"stratified_{m}") for m in ("odds_ratio", "difference"))
        if odds is None or gap is None:
            continue
        rows.append((Cell(f"{name(attribute)}: {name(group)} against {name(reference)}"), Cell(name(subject)),
                     estimate_cell(odds, counted=False), estimate_cell(gap), Cell(_chance(odds["p_value"])),
                     Cell(_chance(odds["p_homogeneity"]))))  # fmt: skip
    note = (
        "Groups are compared inside each stratum and the answers joined, so that a mixture of strict and lenient "
        "strata does not pass for a gap. A small p under “alike” says that the strata differ from each other."
    )
    heads = ("groups", "model", "common odds ratio", "common difference", "p (Cochran–Mantel–Haenszel)",
             "p, strata alike (Breslow–Day)")  # fmt: skip
    return [Table("Groups compared inside strata", heads, tuple(rows), (False, False, True, True, True, True), note)]


def _only(lines: pd.DataFrame, metric: str) -> Any:
    rows = lines[lines["metric"] == metric].to_dict("records")
    return rows[0] if rows else None


def _models(audit: Any, frame: pd.DataFrame) -> pd.DataFrame:
    return rows_of(frame, subject=["labels", "teacher", *students_of(audit)])


def _tests(audit: Any) -> list[Block]:
    frame = frame_of(audit, "tests")
    if frame.empty:
        return [Text("Not measured: there are no two groups of at least 30 rows to compare.", "note")]
    tested = frame[frame["p_value"].notna()].sort_values("p_value", kind="stable")
    rows = tuple(
        (Cell(f"{name(r['attribute'])}: {name(r['group'])} against {name(r['reference'])}"), Cell(name(r["subject"])),
         Cell(name(str(r["metric"]).replace("_", " "))), Cell(_chance(r["p_value"])), Cell(_chance(r["p_holm"])),
         Cell(_chance(r["p_bh"])))
        for r in tested.head(TOP).to_dict("records")
    )  # fmt: skip
    significant = int((tested["p_holm"] < 0.05).sum())
    text = (
        f"{count(len(tested))} tests were declared beforehand as one family: {frame['family'].iloc[0]}. "
        f"{count(significant)} of them stand after Holm's correction at 5 % (no false alarm in the family), "
        f"{count((tested['p_bh'] < 0.05).sum())} after Benjamini and Hochberg's (few false alarms among the alarms)."
    )
    heads = ("groups", "model", "measure", "p, Fisher's exact", "p, Holm", "p, Benjamini–Hochberg")
    caption = f"The {min(TOP, len(tested))} smallest of {len(tested)}"
    return [Text(text), Table(caption, heads, rows, (False, False, False, True, True, True))]


def _unknown(audit: Any) -> list[Block]:
    frame = rows_of(_models(audit, frame_of(audit, "missing_bounds")), metric=f"{RATE}_ratio")
    frame = frame[~frame["attribute"].str.contains(" × ")] if len(frame) else frame
    if frame.empty:
        return [Text("Every person's group is known, or no groups were compared.", "note")]
    rows = tuple(
        (Cell(f"{name(r['attribute'])}: {name(r['group'])} against {name(r['reference'])}"), Cell(name(r["subject"])),
         Cell(count(r["n_unknown"])), Cell(quantity(r["estimate"], "ratio")),
         Cell(interval(r["low"], r["high"], "ratio")), Cell(interval(r["sampling_low"], r["sampling_high"], "ratio")))
        for r in frame.to_dict("records")
    )  # fmt: skip
    note = (
        "The bounds hold for these rows, whatever group the unknown people belong to; they are no probabilities. The "
        "last column allows for the error of the sample as well, and holds the ratio of all such people with 95 % "
        "(Imbens and Manski). Where it lies on both sides of a rule, the rule cannot be decided without more rows, or "
        "without knowing more people's groups."
    )
    heads = ("groups", "model", "people not known", "impact ratio of the known", "lowest and highest possible",
             "with the sample's error")  # fmt: skip
    return [Table("What the unknown people could change", heads, rows, (False, False, *[True] * 4), note)]


def _power(audit: Any) -> list[Block]:
    frame = rows_of(frame_of(audit, "power"), subject="teacher")
    if frame.empty:
        return [Text("Not measured: there are no two groups of at least 30 rows to compare.", "note")]
    shown = frame.sort_values("n", kind="stable").head(TOP)
    rows = tuple(
        (Cell(f"{name(r['attribute'])}: {name(r['group'])} against {name(r['reference'])}"),
         Cell(count(r["n"]), f"against {count(r['n_reference'])}"),
         Cell("none" if pd.isna(r["detectable_ratio"]) else quantity(r["detectable_ratio"], "ratio")),
         Cell(quantity(r["power_at_four_fifths"], "share")))
        for r in shown.to_dict("records")
    )  # fmt: skip
    note = "“Found” means with 80 % chance at 5 % error. A group that is missing a finding may be missing people."
    heads = ("groups", "rows", "ratio that would be found", "chance to find a ratio of 0.80")
    return [Table("Smallest groups first", heads, rows, (False, True, True, True), note)]


def _calibration(audit: Any) -> list[Block]:
    frame = _models(audit, frame_of(audit, "calibration"))
    frame = frame[frame["attribute"] != ""] if len(frame) else frame
    if frame.empty:
        return [Text("Not measured: it needs true labels and sensitive attributes.", "note")]
    blocks: list[Block] = []
    order = ["teacher", *students_of(audit)]
    for metric, caption in (
        ("calibration_gap", "Observed minus promised share (0 is right)"),
        ("calibration_slope", "Calibration slope (1 is right; below: too extreme)"),
        ("auc", "AUC"),
    ):
        rows = rows_of(frame, metric=metric)
        if len(rows):
            lines = rows.assign(line=rows["attribute"].map(name) + " = " + rows["group"].map(name))
            blocks.append(pivot(lines, caption, "line", "subject", order, "group"))
    return blocks


def _flips(audit: Any) -> list[Block]:
    frame = rows_of(frame_of(audit, "flips"), metric=["flip_rate", "flip_score"])
    if frame.empty:
        reason = "Not measured: no model sees a sensitive column of at most 50 values, or the answers are numbers."
        return [Text(reason, "note")]
    note = (
        "Only the attribute was changed, everything else about the person stayed: this is sensitivity, not what would "
        "have happened to another person, and some changed rows may not exist in the world."
    )
    order = ["teacher", *students_of(audit)]
    lines = frame.assign(line=frame["attribute"].map(name) + " to " + frame["group"].map(name))
    tables = [
        pivot(
            rows,
            f"{describe_metric(str(metric)).title} after a change of the attribute alone",
            "line",
            "subject",
            order,
        )
        for metric, rows in lines.groupby("metric", sort=False, observed=True)
    ]
    return [*tables, Text(note, "note")]


def _proxies(audit: Any) -> list[Block]:
    frame = frame_of(audit, "proxies")
    if frame.empty or "feature" not in frame:
        return [Text("Not measured: no sensitive attributes were given.", "note")]
    teacher = rows_of(frame, subject="teacher")
    models = ["teacher", *students_of(audit)]
    used = {(r["subject"], r["attribute"], r["group"], r["feature"]): r["use"] for r in frame.to_dict("records")}
    strong = teacher[teacher["estimate"].notna()].sort_values("estimate", ascending=False, kind="stable").head(TOP)
    rows = tuple(
        (Cell(f"{name(r['attribute'])} = {name(r['group'])}"), Cell(name(r["feature"])), estimate_cell(r),
         *(_share(used.get((m, r["attribute"], r["group"], r["feature"]))) for m in models))
        for r in strong.to_dict("records")
    )  # fmt: skip
    note = (
        "AUC of guessing the group from the column alone (0.5: nothing given away, 1: everything), and the share of "
        "each model's importance that the column has. A strong proxy that a model uses much can carry a bias that the "
        "model does not see by name."
    )
    heads = ("group", "column", "strength", *(f"use by {name(m)}" for m in models))
    return [Table(f"The {len(rows)} strongest", heads, rows, (False, False, True, *(True for _ in models)), note)]


def _share(value: Any) -> Cell:
    return Cell("–", tone="quiet") if value is None or pd.isna(value) else Cell(quantity(value, "share"))


def _leaves(audit: Any) -> list[Block]:
    frame = rows_of(frame_of(audit, "leaf_audit"), status="ok")
    if frame.empty:
        return [Text("Not measured: no student has leaves or rules, or no sensitive attributes were given.", "note")]
    far = frame[(frame["low"] > frame["overall"]) | (frame["high"] < frame["overall"])]
    if far.empty:
        return [Text("No leaf meets a group clearly more or less often than all rows do.")]
    order = (far["estimate"] - far["overall"]).abs().sort_values(ascending=False, kind="stable").index
    rows = tuple(
        (Cell(name(r["subset"])), Cell(name(r["subject"])), Cell(f"{name(r['attribute'])} = {name(r['group'])}"),
         estimate_cell(r), Cell(quantity(r["overall"], "share")))
        for r in far.loc[order].head(TOP).to_dict("records")
    )  # fmt: skip
    caption = f"The {len(rows)} leaves furthest from the whole, of {number(len(far))} whose interval leaves it out"
    heads = ("rule", "student", "group", "share of the leaf", "share of all rows")
    return [Table(caption, heads, rows, (False, False, False, True, True))]
