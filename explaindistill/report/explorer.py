"""Rates of all groups to choose from: by attribute, measure and model; the first choice stands in the page drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from explaindistill.report.axes import axis, tick_words
from explaindistill.report.blocks import Dots, Explorer, Mark, Strip
from explaindistill.report.figures import LABELS, TEACHER, students_of
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import attributes_of, frame_of, rows_of
from explaindistill.report.words import count, interval, name, quantity

__all__ = ["explorer", "picture"]

FRAMES = ("rates", "group_fidelity", "calibration")
FIRST = ("selection_rate", "mean_prediction")
COMPARED = ("_difference", "_ratio")
FOUR_FIFTHS = 0.8
"""The band of the rule of thumb of the US Uniform Guidelines (29 CFR 1607.4 D): four fifths of the reference's rate."""
EVERY = "every model"


def explorer(audit: Any) -> Explorer | None:
    """All rates by group, packed for the page, with the picture of the first attribute and measure.

    None where nothing by group was measured.
    """
    data = _packed(audit)
    return None if data is None else Explorer("Rates by group", picture(data, 0, 0, None), data)


def _lines(audit: Any) -> pd.DataFrame:
    """Every figure by group of labels, teacher and students; without gaps, which stand beside the rates."""
    subjects = ["labels", "teacher", *students_of(audit)]
    parts = []
    for key in FRAMES:
        frame = frame_of(audit, key)
        if {"attribute", "group", "metric", "subject", "estimate"} <= set(frame) and len(frame):
            shown = frame[(frame["attribute"] != "") & (frame["group"] != "") & frame["subject"].isin(subjects)]
            parts.append(shown[~shown["metric"].astype(str).str.endswith(COMPARED)])
    return pd.concat(parts) if parts else pd.DataFrame()


def _packed(audit: Any) -> dict[str, Any] | None:
    """What the page's picture is drawn from: names once, then one line per figure."""
    lines = _lines(audit)
    if lines.empty:
        return None
    attributes = [a for a in attributes_of(audit) if a in set(lines["attribute"])]
    metrics = sorted(dict.fromkeys(lines["metric"]), key=lambda m: m not in FIRST)
    models = [s for s in ("labels", "teacher", *students_of(audit)) if s in set(lines["subject"])]
    groups = {a: list(dict.fromkeys(rows_of(lines, attribute=a)["group"])) for a in attributes}
    gaps = _gaps(audit)
    references = _references(audit)
    packed = []
    for row in lines.drop_duplicates(["attribute", "metric", "subject", "group"]).to_dict("records"):
        kind = describe_metric(str(row["metric"])).kind
        at = (row["attribute"], row["metric"], row["subject"], row["group"])
        packed.append([
            attributes.index(at[0]), metrics.index(at[1]), models.index(at[2]), groups[at[0]].index(at[3]),
            *_figure(row, kind), gaps.get(at, ""),
        ])  # fmt: skip
    described = [describe_metric(str(m)) for m in metrics]
    return {
        "attributes": [name(a) for a in attributes],
        "groups": [[name(g) for g in groups[a]] for a in attributes],
        "references": [groups[a].index(references[a]) if references.get(a) in groups[a] else None for a in attributes],
        "metrics": [[d.title, d.meaning, d.kind, m in FIRST[:1]] for m, d in zip(metrics, described, strict=True)],
        "models": [[name(m), _series(m, audit)] for m in models],
        "every": EVERY,
        "rows": packed,
    }


def _series(model: str, audit: Any) -> int:
    fixed = {"labels": LABELS, "teacher": TEACHER}
    return fixed[model] if model in fixed else students_of(audit).index(model)


def _figure(row: Mapping[Any, Any], kind: Any) -> list[Any]:
    """Number of rows, estimate, ends of the interval, and the words; words alone where there is no number."""
    status = str(row.get("status", "ok") or "ok")
    if status in {"suppressed", "undefined", "excluded"} or pd.isna(row["estimate"]):
        return [None, None, None, None, "withheld" if status == "suppressed" else status]
    ends = [float(f"{row[c]:.4g}") if not pd.isna(row[c]) else None for c in ("estimate", "low", "high")]
    words = f"{quantity(row['estimate'], kind)} {interval(row['low'], row['high'], kind)}".strip()
    if status == "small":
        words += ", small group"
    return [None if pd.isna(row["n"]) else int(row["n"]), *ends, words]


def _gaps(audit: Any) -> dict[tuple[Any, ...], str]:
    """The gap of each group from its reference, in words."""
    words: dict[tuple[Any, ...], str] = {}
    for key in ("gaps", "group_fidelity"):
        frame = frame_of(audit, key)
        shown = frame[frame["metric"].astype(str).str.endswith("_difference")] if "metric" in frame else frame
        for row in rows_of(shown, status=["ok", "small"]).to_dict("records"):
            kind = describe_metric(str(row["metric"])).kind
            figure = f"{quantity(row['estimate'], kind, signed=True)} {interval(row['low'], row['high'], kind)}".strip()
            at = (row["attribute"], str(row["metric"]).removesuffix("_difference"), row["subject"], row["group"])
            words[at] = f"{figure} against {name(row['reference'])}"
    return words


def _references(audit: Any) -> dict[Any, Any]:
    """The group that others are compared with, by attribute."""
    frame = frame_of(audit, "gaps")
    if not {"attribute", "reference"} <= set(frame):
        return {}
    first = frame[frame["reference"].astype(str) != ""].drop_duplicates("attribute")
    return dict(zip(first["attribute"], first["reference"], strict=True))


def picture(data: Mapping[str, Any], attribute: int, metric: int, model: int | None) -> Dots:
    """One choice as a dot plot; ``explorer.js`` draws the same from the same data.

    Parameters
    ----------
    data : mapping
        As :func:`explorer` packs it.
    attribute, metric, model : int
        Places in the lists of the data; every model when ``model`` is None.
    """
    rows = [r for r in data["rows"] if r[0] == attribute and r[1] == metric and model in (None, r[2])]
    title, meaning, kind, is_rate = data["metrics"][metric]
    reference = _reference_rate(data, rows, attribute)
    ends, ticks = axis(v for r in rows for v in r[5:8] if v is not None)
    largest = max((r[4] for r in rows if r[4]), default=1)
    strips = tuple(
        _strip(group, [r for r in rows if r[3] == g], data, largest, model is not None)
        for g, group in enumerate(data["groups"][attribute])
        if any(r[3] == g for r in rows)
    )
    series = tuple((data["models"][m][0], data["models"][m][1]) for m in dict.fromkeys(r[2] for r in rows))
    is_banded = is_rate and not math.isnan(reference)
    band = (FOUR_FIFTHS * reference, reference / FOUR_FIFTHS) if is_banded else (math.nan, math.nan)
    return Dots(
        f"{title} by {data['attributes'][attribute]}", meaning, strips, series, ends,
        tuple((t, tick_words(t, kind)) for t in ticks), reference, band,
        _legend(data, attribute, is_banded, not math.isnan(reference)), head=data["attributes"][attribute],
    )  # fmt: skip


def _reference_rate(data: Mapping[str, Any], rows: list[list[Any]], attribute: int) -> float:
    """Estimate of the reference group: the teacher's where every model is shown, else the model's own."""
    at = data["references"][attribute]
    mine = [r for r in rows if r[3] == at and r[5] is not None]
    by_series = {data["models"][r[2]][1]: float(r[5]) for r in mine}
    if TEACHER in by_series:
        return by_series[TEACHER]
    return next(iter(by_series.values()), math.nan)


def _strip(group: str, rows: Iterable[list[Any]], data: Mapping[str, Any], largest: int, single: bool) -> Strip:
    marks, remarks, detail = [], [], ""
    for row in rows:
        model, series = data["models"][row[2]]
        if row[5] is None:
            remarks.append(row[8] if single else f"{model}: {row[8]}")
            continue
        counted = "" if row[4] is None else f"n\u00a0=\u00a0{count(row[4])}"
        words = ", ".join(filter(None, (row[8], counted, row[9])))
        detail = ", ".join(filter(None, (counted, row[8], row[9]))) if single else detail or counted
        low, high = (math.nan if v is None else v for v in row[6:8])
        marks.append(Mark(series, row[5], low, high, (row[4] or 0) / largest, f"{model}: {words}"))
    return Strip(group, detail, tuple(marks), "; ".join(remarks))


def _legend(data: Mapping[str, Any], attribute: int, is_banded: bool, has_reference: bool) -> str:
    words = "Whiskers: 95 % intervals; area of a mark: number of people."
    if has_reference:
        group = data["groups"][attribute][data["references"][attribute]]
        words += f" Dashed: the rate of {group}"
        words += ", in green within four fifths of it." if is_banded else "."
    return words
