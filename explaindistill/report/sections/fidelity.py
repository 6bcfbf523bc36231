"""Fidelity: how closely each student follows the teacher, and where it does not."""

from __future__ import annotations

from typing import Any

import pandas as pd

from explaindistill.report.blocks import Block, Details, Group, Section, Table, Text
from explaindistill.report.figures import dots, students_of
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import CROSSED, frame_of, in_front, pivot, rows_of, tidy
from explaindistill.report.words import count, interval, name, quantity

__all__ = ["section"]

MAIN = ("agreement", "skill", "kl", "brier", "r2_probability", "r2_logit", "spearman_margin", "r2", "rmse")
FIRST = ("agreement", "skill", "r2_probability", "r2", "rmse")
WORST = 5
LOWEST = 6
RULES = 30
"""Rules of a student that are shown: a page that lists hundreds is read by nobody, and the JSON has all."""


def section(audit: Any) -> Section:
    """Overall, by class, against the student that never met the teacher, and by group."""
    fidelity = frame_of(audit, "fidelity")
    if fidelity.empty:
        return Section("Fidelity", 40, reason="Fidelity was not measured.", tab="fidelity")
    blocks: list[Block] = [Text("On rows that neither fitting nor selection saw; brackets hold 95 % intervals.")]
    by_subset = (
        fidelity.assign(subset=fidelity["subset"].fillna("").astype(str))
        if "subset" in fidelity
        else fidelity.assign(subset="")
    )
    whole = by_subset[by_subset["subset"] == ""]
    mine = whole["subject"].isin(students_of(audit))
    table = pivot(whole[mine], "Student against teacher", "metric", "subject", students_of(audit), "measure")
    first = [i for i, m in enumerate(dict.fromkeys(whole.loc[mine, "metric"])) if m in FIRST]
    blocks.append(in_front(table, first))
    blocks += [*_beside(whole[~mine], whole[mine]), *_elsewhere(by_subset, audit)]
    blocks += _by_rule(audit)
    blocks += _parts(by_subset[(by_subset["subset"] != "") & ~_is_elsewhere(by_subset)], audit)
    blocks += _mistakes(audit)
    performance = frame_of(audit, "performance")
    if not performance.empty:
        blocks.append(Group("Against the true labels", _against_labels(audit, performance), "against-labels"))
    blocks += _by_group(audit)
    return Section("Fidelity", 40, tuple(blocks), tab="fidelity")


def _beside(others: pd.DataFrame, mine: pd.DataFrame) -> list[Block]:
    """Students without the teacher, and the second teacher, against the teacher."""
    blocks: list[Block] = []
    if not others.empty:
        shown = others[others["metric"].isin(MAIN)]
        note = "A student that only saw true labels agrees with the teacher as far as both are right or wrong alike."
        if (others["subject"] == "second teacher").any():
            note += " The second teacher is the first one trained again: no student can be expected to come closer."
        table = pivot(shown, "Others against the teacher", "metric", "subject", (), "measure", note)
        blocks.append(Details("Without the teacher, and the ceiling that noise sets", (table,)))
    over = mine[mine["metric"] == "agreement_over_ceiling"]
    for row in over.to_dict("records"):
        words = f"{quantity(row['estimate'], 'points')} {interval(row['low'], row['high'], 'points')}"
        blocks.append(
            Text(f"“{name(row['subject'])}” agrees with the teacher {words} beyond the second teacher.", "note")
        )
    return blocks


def _is_elsewhere(frame: pd.DataFrame) -> pd.Series:
    return frame["subset"].str.startswith(("where ", "stressed rows", "what-if rows", "student decile"))


def _elsewhere(by_subset: pd.DataFrame, audit: Any) -> list[Block]:
    """On rows that nobody sent in, by rule of the student, and by what the student promises."""
    blocks: list[Block] = []
    strange = by_subset[
        by_subset["subset"].str.startswith(("stressed rows", "what-if rows")) & by_subset["metric"].isin(MAIN)
    ]
    if not strange.empty:
        note = (
            "Stressed rows mix the columns of different people: values that occur, in company that may not. A student "
            "that fails there should not be read as a description of the teacher beyond people like the audited ones."
        )
        by, heads = ("subset", "subject", "metric"), ("rows", "student", "measure")
        table = tidy(strange, "On other rows than the audited ones", by, heads, note)
        blocks.append(Details("On stressed rows, and on rows of your own", (table,)))
    inside = by_subset[by_subset["subset"].str.startswith("where ")].sort_values("estimate", kind="stable")
    if not inside.empty:
        worst = inside.groupby("subject", sort=False).head(WORST)
        shown = worst.assign(subset=worst["subset"].str.removeprefix("where "))
        caption = f"The rules of each student on which it agrees least ({WORST} at most)"
        table = tidy(shown, caption, ("subset", "subject"), ("rule", "student"))
        blocks.append(Details("By rule of the student", (table,)))
    promised = by_subset[by_subset["subset"].str.startswith("student decile")]
    if not promised.empty:
        caption = "Teacher's probability minus the student's, by tenth of the student's"
        table = pivot(promised, caption, "subset", "subject", students_of(audit), "student's probability")
        blocks.append(Details("Does the student's probability mean the same as the teacher's?", (table,)))
    return blocks


def _by_rule(audit: Any) -> list[Block]:
    """Each rule with limits that hold for all rules of its student at once, those with the lowest first."""
    frame = frame_of(audit, "rule_fidelity")
    if frame.empty:
        return []
    ranked = frame.sort_values("low", kind="stable").groupby(["subject", "metric"], sort=False).head(RULES)
    shown = ranked.assign(subset=ranked["subset"].str.removeprefix("where "))
    note = (
        "Brackets hold for all rules of a student together (95 %), and are exact for rows that are independent and "
        "chose nothing. Those of made-up rows hold of rows that are made as these were, and of people only as far as "
        f"they are like them. Of many rules the {RULES} with the lowest limits."
    )
    table = tidy(shown, "Each rule's agreement", ("subset", "subject", "metric"), ("rule", "student", "rows"), note)
    return [Details("How faithful is each rule?", (table,))]


def _parts(frame: pd.DataFrame, audit: Any) -> list[Block]:
    """Where fidelity holds and where it fails: by class, by how sure the teacher is, and on other parts of the rows."""
    if frame.empty:
        return []
    first = frame[frame["metric"] == frame["metric"].iloc[0]].drop_duplicates(["subset", "subject"])
    deciles = first[first["subset"].str.contains("decile")]
    blocks: list[Block] = []
    if not deciles.empty:
        tenths = deciles["subset"].str.removeprefix("margin decile ").str.partition(" of ")[0]
        shown = deciles.assign(group=tenths)
        what = (
            "The margin is the distance of the teacher's two highest probabilities, in tenths of the rows: "
            f"in the first it is least sure.{_rows_each(shown)}"
        )
        figure = dots(shown, audit, "By the teacher's margin", what, "tenth", {} if _rows_each(shown) else None)
        blocks += [figure] if figure is not None else []
    rest = first[~first["subset"].str.contains("decile")]
    if not rest.empty:
        words = rest.assign(subset=rest["subset"].str.replace("class=", "the teacher says ", regex=False))
        table = pivot(words, "Agreement on parts of the rows", "subset", "subject", students_of(audit))
        blocks.append(Details("Agreement on parts of the rows", (table,)))
    return [Group("Where it holds and where it fails", tuple(blocks))]


def _rows_each(frame: pd.DataFrame) -> str:
    """How many rows a part has, said once where all have as many; empty where they have not."""
    sizes = frame["n"].dropna().unique()
    return f" n\u00a0=\u00a0{count(sizes[0])} each." if len(sizes) == 1 else ""


def _mistakes(audit: Any) -> list[Block]:
    """The regions in which each student strays most, in words; found on one half of the rows, measured on the other."""
    frame = frame_of(audit, "mistakes")
    if frame.empty:
        return []
    note = "Regions were found on one half of the rows and measured on the other; the first line is all rows."
    shown = frame.assign(subset=frame["subset"].replace("", "all rows")).groupby("subject", sort=False).head(5)
    table = tidy(
        shown,
        "Where students stray from the teacher",
        ("subset", "subject", "metric"),
        ("rows", "student", "measure"),
        note,
    )
    return [Details("Regions where students stray from the teacher", (table,))]


def _against_labels(audit: Any, frame: pd.DataFrame) -> tuple[Block, ...]:
    """The first measure of teacher and students; all measures, and students without their teacher, in a fold."""
    whole = frame[frame["subset"].fillna("") == ""] if "subset" in frame else frame
    models = ["teacher", *students_of(audit)]
    first = whole[(whole["metric"] == whole["metric"].iloc[0]) & whole["subject"].isin(models)] if len(whole) else whole
    every = _performance(audit, frame)
    fold = Details("All measures, and the same students without the teacher", (every,), id="performance")
    if first.empty:
        return (every,)
    return pivot(first.drop_duplicates("subject"), "Right answers", "metric", "subject", models, "measure"), fold


def _performance(audit: Any, frame: pd.DataFrame) -> Table:
    order = ["teacher"]
    for student in students_of(audit):
        order += [student, f"{student} without teacher"]
    note = "“without teacher” is the same student, trained on labels alone: the difference is what the teacher brought."
    whole = frame[frame["subset"].fillna("") == ""] if "subset" in frame else frame
    shown = whole.drop_duplicates(["metric", "subject"])
    if shown["subject"].nunique() > 9:
        return tidy(
            shown,
            "Teacher, students, and the same students without the teacher",
            ("subject", "metric"),
            ("model", "measure"),
            note,
        )
    return pivot(
        shown,
        "Teacher, students, and the same students without the teacher",
        "metric",
        "subject",
        order,
        "measure",
        note,
    )


def _by_group(audit: Any) -> list[Block]:
    frame = frame_of(audit, "group_fidelity")
    if frame.empty:
        return [Text("Fidelity by group was not measured: no sensitive attributes were given.", "quiet")]
    blocks: list[Block] = []
    agreement = rows_of(frame, metric=["agreement", "r2", "mae"])
    crossed = frame["attribute"].str.contains(CROSSED, regex=False)
    parts = [frame[~crossed]]
    for attribute, rows in agreement[agreement["attribute"].str.contains(CROSSED, regex=False)].groupby(
        "attribute", sort=False, observed=True
    ):
        parts.append(_lowest(rows, str(attribute)))
    shown = pd.concat(parts)
    shown = shown.assign(line=shown["attribute"].map(name) + " = " + shown["group"].map(name))
    for metric, rows in shown.groupby("metric", sort=False, observed=True):
        caption = f"{describe_metric(str(metric)).title}, by group"
        blocks.append(pivot(rows, caption, "line", "subject", students_of(audit), "group"))
    if crossed.any():
        note = (
            f"Of crossed attributes the {LOWEST} groups that are repeated least well; all are in the results as JSON."
        )
        blocks.append(Text(note, "note"))
    return [Details("Fidelity by group", tuple(blocks), id="fidelity-by-group")]


def _lowest(rows: pd.DataFrame, attribute: str) -> pd.DataFrame:
    """Of a crossed attribute the groups with the lowest estimates of any student."""
    if CROSSED not in attribute:
        return rows
    least = rows.groupby("group", sort=False)["estimate"].min().sort_values(kind="stable").index[:LOWEST]
    return rows[rows["group"].isin(least)]
