"""Rates of all groups to choose from: by attribute, measure and model; the first choice stands in the page drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from explaindistill.report.axes import axis, tick_words
from explaindistill.report.blocks import Dots, Explorer, Mark, Strip
from explaindistill.report.figures import LABELS, TEACHER, students_of
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import attributes_of, frame_of, rows_of
from explaindistill.report.words import Kind, count, interval, name, quantity

__all__ = ["explorer", "picture"]

FRAMES = ("rates", "group_fidelity", "calibration")
FIRST = ("selection_rate", "mean_prediction")
COMPARED = ("_difference", "_ratio")
FOUR_FIFTHS = 0.8
"""The band of the rule of thumb of the US Uniform Guidelines (29 CFR 1607.4 D): four fifths of the reference's rate."""
EVERY = "every model"
UNITS: Mapping[Kind, str] = {"share": "\u00a0%", "points": "\u00a0pp"}
KINDS: Mapping[str, Kind] = {"": "number", "\u00a0%": "share", "\u00a0pp": "points"}
WITHHELD, SMALL = " !", " *"
"""Behind a reason in place of a figure, and behind the figure of a small group."""


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
        places = attributes.index(at[0]), metrics.index(at[1]), models.index(at[2]), groups[at[0]].index(at[3])
        cells = [*places, *_figure(row, kind), *_gap(gaps.get(at), groups[at[0]], references.get(at[0]))]
        packed.append(_without_end(cells))
    described = [describe_metric(str(m)) for m in metrics]
    gaps_described = [describe_metric(f"{m}_difference") for m in metrics]
    return {
        "attributes": [name(a) for a in attributes],
        "groups": [[name(g) for g in groups[a]] for a in attributes],
        "references": [groups[a].index(references[a]) if references.get(a) in groups[a] else None for a in attributes],
        "metrics": [
            [d.title, d.meaning, UNITS.get(d.kind, ""), m in FIRST[:1], UNITS.get(gap.kind, "")]
            for m, d, gap in zip(metrics, described, gaps_described, strict=True)
        ],
        "models": [[name(m), _series(m, audit)] for m in models],
        "every": EVERY,
        "rows": packed,
    }


def _series(model: str, audit: Any) -> int:
    fixed = {"labels": LABELS, "teacher": TEACHER}
    return fixed[model] if model in fixed else students_of(audit).index(model)


def _without_end(cells: list[Any]) -> list[Any]:
    """Cells without the empty ones at their end."""
    while cells[-1] == "":
        cells = cells[:-1]
    return cells


def _figure(row: Mapping[Any, Any], kind: Any) -> list[Any]:
    """Number of rows and the figure as digits; in place of digits why there are none."""
    status = str(row.get("status", "ok") or "ok")
    if status in {"suppressed", "undefined", "excluded"} or pd.isna(row["estimate"]):
        return [0, ("withheld" if status == "suppressed" else status) + WITHHELD]
    n = 0 if pd.isna(row["n"]) else int(row["n"])
    return [n, _digits(row, kind) + (SMALL if status == "small" else "")]


def _digits(row: Mapping[Any, Any], kind: Any, signed: bool = False) -> str:
    """Estimate and ends of the interval as they are read, without their unit, with spaces between."""
    figures = [quantity(row["estimate"], kind, signed=signed)]
    if interval(row["low"], row["high"], kind):
        figures += [quantity(row[end], kind) for end in ("low", "high")]
    return " ".join(figure.split("\u00a0")[0] for figure in figures)


def _gap(row: Mapping[Any, Any] | None, groups: list[Any], usual: Any) -> list[Any]:
    """The gap of a group from its reference as digits, and the place of the reference where it is not the usual one."""
    if row is None:
        return ["", ""]
    kind = describe_metric(str(row["metric"])).kind
    other = row["reference"] != usual and row["reference"] in groups
    return [_digits(row, kind, signed=True), groups.index(row["reference"]) if other else ""]


def _gaps(audit: Any) -> dict[tuple[Any, ...], Mapping[Any, Any]]:
    """The gap of each group from its reference."""
    lines: dict[tuple[Any, ...], Mapping[Any, Any]] = {}
    for key in ("gaps", "group_fidelity"):
        frame = frame_of(audit, key)
        shown = frame[frame["metric"].astype(str).str.endswith("_difference")] if "metric" in frame else frame
        for row in rows_of(shown, status=["ok", "small"]).to_dict("records"):
            metric = str(row["metric"]).removesuffix("_difference")
            lines[row["attribute"], metric, row["subject"], row["group"]] = row
    return lines


@dataclass(frozen=True)
class _Read:
    """One line of the packed data, read again."""

    model: int
    group: int
    n: int
    words: str
    gap: str
    values: tuple[float, ...]
    """Estimate, low, high; NaN without an interval. Nothing where the figure is withheld."""


def _read(data: Mapping[str, Any], row: list[Any]) -> _Read:
    """A packed line with its figures in words; ``explorer.js`` reads them in the same way."""
    attribute, metric, model, group, n, digits, gap, other = (*row, "", "")[:8]
    unit, unit_of_gap = data["metrics"][metric][2], data["metrics"][metric][4]
    if digits.endswith(WITHHELD):
        return _Read(model, group, n, digits.removesuffix(WITHHELD), "", ())
    plain = digits.removesuffix(SMALL)
    words = _words(plain, unit) + (", small group" if digits != plain else "")
    reference = data["references"][attribute] if other == "" else other
    against = f" against {data['groups'][attribute][reference]}" if gap and reference is not None else ""
    values = [
        float(x.replace("−", "-").replace(",", "").replace("∞", "inf").replace("–", "nan")) for x in plain.split()
    ]
    scaled = [value / 100 if unit else value for value in values] + [math.nan] * (3 - len(values))
    return _Read(model, group, n, words, _words(gap, unit_of_gap) + against, tuple(scaled))


def _words(digits: str, unit: str) -> str:
    """Digits with their unit, and the interval in brackets."""
    figures = digits.split()
    spread = f" [{figures[1]}, {figures[2]}]" if len(figures) == 3 else ""
    return figures[0] + unit + spread if figures else ""


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
    rows = [_read(data, r) for r in data["rows"] if r[0] == attribute and r[1] == metric and model in (None, r[2])]
    title, meaning, unit, is_rate, _ = data["metrics"][metric]
    reference = _reference_rate(data, rows, attribute)
    ends, ticks = axis(v for r in rows for v in r.values)
    largest = max((r.n for r in rows if r.n), default=1)
    strips = tuple(
        _strip(group, [r for r in rows if r.group == g], data, largest, model is not None)
        for g, group in enumerate(data["groups"][attribute])
        if any(r.group == g for r in rows)
    )
    series = tuple((data["models"][m][0], data["models"][m][1]) for m in dict.fromkeys(r.model for r in rows))
    is_banded = is_rate and not math.isnan(reference)
    band = (FOUR_FIFTHS * reference, reference / FOUR_FIFTHS) if is_banded else (math.nan, math.nan)
    return Dots(
        f"{title} by {data['attributes'][attribute]}", meaning, strips, series, ends,
        tuple((t, tick_words(t, KINDS[unit])) for t in ticks), reference, band,
        _legend(data, attribute, is_banded, not math.isnan(reference)), head=data["attributes"][attribute],
    )  # fmt: skip


def _reference_rate(data: Mapping[str, Any], rows: list[_Read], attribute: int) -> float:
    """Estimate of the reference group: the teacher's where every model is shown, else the model's own."""
    at = data["references"][attribute]
    by_series = {data["models"][r.model][1]: r.values[0] for r in rows if r.group == at and r.values}
    if TEACHER in by_series:
        return by_series[TEACHER]
    return next(iter(by_series.values()), math.nan)


def _strip(group: str, rows: Iterable[_Read], data: Mapping[str, Any], largest: int, single: bool) -> Strip:
    marks, remarks, detail = [], [], ""
    for row in rows:
        model, series = data["models"][row.model]
        if not row.values:
            remarks.append(row.words if single else f"{model}: {row.words}")
            continue
        counted = f"n\u00a0=\u00a0{count(row.n)}" if row.n else ""
        words = ", ".join(filter(None, (row.words, counted, row.gap)))
        detail = ", ".join(filter(None, (counted, row.words, row.gap))) if single else detail or counted
        at, low, high = row.values
        marks.append(Mark(series, at, low, high, row.n / largest, f"{model}: {words}"))
    return Strip(group, detail, tuple(marks), "; ".join(remarks))


def _legend(data: Mapping[str, Any], attribute: int, is_banded: bool, has_reference: bool) -> str:
    words = "Whiskers: 95 % intervals; area of a mark: number of people."
    if has_reference:
        group = data["groups"][attribute][data["references"][attribute]]
        words += f" Dashed: the rate of {group}"
        words += ", in green within four fifths of it." if is_banded else "."
    return words
