"""The corpus: the rows that were asked about and audited, and what was noticed in them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from explaindistill.asking.cost import CORE_WATTS
from explaindistill.auditing.display_names import DisplayNames
from explaindistill.measures.believability import worries
from explaindistill.report.blocks import Block, Cell, Details, Items, Section, Table, Text
from explaindistill.report.figures import query_curve
from explaindistill.report.metrics import describe_metric
from explaindistill.report.student.shown import names_of
from explaindistill.report.tables import frame_of, pivot, plain
from explaindistill.report.words import count, name, number

__all__ = ["section"]


def section(audit: Any) -> Section:
    """Where the rows came from and what they look like; ranges and categories only, never a row."""
    frame = frame_of(audit, "corpus")
    blocks: list[Block] = []
    if not frame.empty:
        facts = _facts(frame) if {"subject", "fact", "value"} <= set(frame) else plain(frame, "Rows")
        blocks.append(Details("Rows that the students learnt from", (facts,)))
    if features := _features(audit):
        blocks.append(Details(f"The {len(features.rows)} columns", (features,)))
    blocks += _believability(audit)
    if not (cost := frame_of(audit, "cost")).empty:
        blocks.append(Details("What distilling cost", (_cost(cost),)))
    if sent := getattr(audit, "manifest", {}).get("rows_sent"):
        blocks.append(Details("Rows sent to the teacher", (_rows_sent(sent),)))
    if (curve := query_curve(audit)) is not None:
        blocks.append(curve)
        blocks.append(Details("The curve in figures", (_curve(frame_of(audit, "query_curve")),)))
    notices = tuple(str(n) for n in getattr(audit.schema, "notices", ()))
    if notices:
        blocks.append(Items(notices))
    if not blocks:
        return Section("The rows", 20, reason="Nothing about the rows was recorded.", tab="data")
    others = ", but for the objects that were named" if getattr(audit, "shown", ()) else ""
    lead = Text(f"No row itself is in this file{others}.")
    return Section("The rows", 20, (lead, *blocks), tab="data")


def _believability(audit: Any) -> list[Block]:
    """Whether the made-up rows could be real ones; what is bad about them first."""
    frame = frame_of(audit, "believability")
    if frame.empty:
        return []
    table = pivot(
        frame,
        "Are the made-up rows believable?",
        "metric",
        "subject",
        head="measure",
        note="Made-up rows against real rows that the sampler did not see. "
        + " ".join(f"{describe_metric(m).title}: {describe_metric(m).meaning}" for m in ("two_sample_auc", "near")),
    )
    bad = tuple(worries(frame))
    return [*([Items(bad)] if bad else []), Details("Are the made-up rows believable?", (table,))]


def _cost(frame: pd.DataFrame) -> Table:
    """A line per cost, a column per student, as recorded while each was fitted."""
    records = frame.to_dict("records")
    rows = [(Cell(words), *(_amount(r[key], unit) for r in records)) for key, words, unit in _COSTS]
    heads = ("cost", *(name(r["subject"]) for r in records))
    note = (
        "Recorded while the students were fitted, on the machine and under the load of that moment. Energy is a proxy: "
        f"processor time at {CORE_WATTS:g} watts; a remote teacher or an accelerator is not in it."
    )
    return Table("What distilling cost", heads, tuple(rows), (False, *(True for _ in records)), note)


def _rows_sent(sent: Any) -> Table:
    """A line per purpose of the questions, as the adapter of the teacher counted them."""
    price, in_all_runs = sent.get("price_per_row"), sent.get("in_all_runs")
    counts = (
        {"all of them": sent["total"]} if not sent["by_purpose"] else sent["by_purpose"] | {"together": sent["total"]}
    )
    heads = ("for", "rows", *(("money",) if price is not None else ()))
    rows = tuple(
        (Cell(name(purpose)), Cell(count(n)), *((Cell(f"{n * price:,.2f}"),) if price is not None else ()))
        for purpose, n in counts.items()
    )
    note = (
        "Counted where they leave, each time they leave, since the teacher's adapter was made. What a store or a memory"
        " answered did not leave."
    )
    if in_all_runs:
        note += f" In all runs that used the store: {count(sum(in_all_runs.values()))}."
    if "epsilon" in sent:
        note += f" The privacy loss epsilon is {number(sent['epsilon'])} at delta = {sent['delta']:g}."
    return Table("Rows sent to the teacher", heads, rows, (False, *(True for _ in heads[1:])), note)


_COSTS = (
    ("n_queries", "Rows that needed an answer", ""),
    ("n_stored", "Rows that the store knew", ""),
    ("n_asked", "Rows sent to the teacher, again after a failure counted again", ""),
    ("query_seconds", "Time of the teacher", "s"),
    ("fit_seconds", "Time of fitting", "s"),
    ("other_seconds", "Time of everything else", "s"),
    ("cpu_seconds", "Processor time", "s"),
    ("peak_memory_bytes", "Peak memory of the process", "MiB"),
    ("energy_joules", "Energy (proxy)", "J"),
    ("money", "Money at the stated price", "money"),
)


def _amount(value: Any, unit: str) -> Cell:
    if value is None or pd.isna(value):
        return Cell("no price was stated" if unit == "money" else "not recorded", tone="quiet")
    if unit in ("", "MiB"):
        whole = float(value) / 2**20 if unit else float(value)
        return Cell(f"{count(round(whole))} {unit}".strip())
    return Cell(number(value) if unit == "money" else f"{number(value)} {unit}")


def _facts(frame: pd.DataFrame) -> Table:
    """A line per fact, a column per student."""
    subjects = list(dict.fromkeys(frame["subject"].map(str)))
    values = {(str(r["subject"]), str(r["fact"])): _spaced(r["value"], r["fact"]) for r in frame.to_dict("records")}
    rows = tuple(
        (Cell(name(fact)), *(_value(values.get((s, fact))) for s in subjects))
        for fact in dict.fromkeys(frame["fact"].map(str))
    )
    heads = ("fact", *map(name, subjects))
    return Table("Rows that the students learnt from", heads, rows, (False, *(True for _ in subjects)))


def _curve(frame: pd.DataFrame) -> Table:
    lines = tuple(
        (
            Cell(name(r["subject"])),
            Cell(count(r["n_queries"])),
            Cell(number(r["estimate"])),
            Cell(f"{number(r['low'])} to {number(r['high'])}"),
            Cell(count(r["n"])),
        )
        for r in frame.to_dict("records")
    )
    heads = ("student", "rows asked", "fidelity", "interval", "n")
    return Table("Fidelity by questions", heads, lines, (False, True, True, True, True))


def _spaced(value: Any, fact: Any) -> Any:
    """Counts with thin separators; a seed is a name, not a count."""
    return count(int(value)) if isinstance(value, str) and value.isdecimal() and fact != "seed" else value


def _value(value: Any) -> Cell:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Cell(count(value) if float(value).is_integer() else number(value))
    return Cell("–" if value is None else name(value))


def _features(audit: Any) -> Table | None:
    features = tuple(getattr(audit.schema, "features", ()))
    if not features:
        return None
    rows, names = [], names_of(audit)
    for f in features:
        marks = [
            word
            for word, on in (
                ("sensitive", f.sensitive),
                ("may be missing", f.nullable),
                ("looks like an id", f.id_like),
            )
            if on
        ]
        shown, unit = names.column(f.name), names.unit(f.name)
        raw = name(f.name) if shown != f.name else ""
        kind = f"{f.kind}, {name(unit)}" if unit else f.kind
        rows.append((Cell(name(shown), raw), Cell(kind), Cell(_range(f, names)), Cell(", ".join(marks), tone="quiet")))
    return Table("Columns", ("column", "kind", "range or categories", "remark"), tuple(rows), (False,) * 4)


def _range(feature: Any, names: DisplayNames) -> str:
    if feature.categories:
        shown = ", ".join(name(names.group(feature.name, c)) for c in feature.categories[:8])
        more = len(feature.categories) - 8
        return shown + (f" and {more} more" if more > 0 else "")
    if feature.kind == "boolean":
        return "no, yes"
    if math.isnan(feature.minimum):
        return "–"
    low, high = (
        feature.words(v) if hasattr(feature, "words") else number(v) for v in (feature.minimum, feature.maximum)
    )
    return f"{low} to {high}"
