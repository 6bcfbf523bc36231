"""Regressors on all rows: means by group and their gaps, fidelity to the teacher, and to true values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.partitions.answered import AnsweredRows
from explaindistill.auditing.partitions.cells import Cells
from explaindistill.auditing.partitions.counted import TEACHER
from explaindistill.auditing.partitions.pairs import each_joined, plus
from explaindistill.auditing.partitions.truth import PeopleByValue
from explaindistill.measures.gaps import group_gaps
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.summed_fidelity import Ends
from explaindistill.measures.summed_values import GroupSums, ValueSums, summed_means, value_lines
from explaindistill.measures.table import frame
from explaindistill.protocols import Partitions

__all__ = ["value_frames"]

LABELS = "labels"
MOST_CELLS = 1_000_000
"""Cells of groups up to which each is summed."""
Floats = NDArray[np.float64]


def value_frames(
    answered: Partitions, people: Mapping[str, PeopleByValue], cells: Cells, drawn: Mapping[str, Floats], n_rows: int
) -> dict[str, pd.DataFrame]:
    """Frames ``fidelity``, ``performance``, ``rates``, ``gaps`` and ``group_fidelity`` of all rows.

    Parameters
    ----------
    answered : Partitions of AnsweredRows
    people : mapping of str to PeopleByValue
    cells : Cells
        Of named groups.
    drawn : mapping of str to ndarray of shape (n, ...)
        Values of each model on the drawn rows, and true ones.
    n_rows : int
    """
    models = [name for name in drawn if name != LABELS]
    has_labels = LABELS in drawn
    ends = answered.ask(_ends, reduce=each_joined(plus))
    aims = [(TEACHER, name, "fidelity") for name in models if name != TEACHER]
    sums = answered.ask(_sums, ends, _aims(models, has_labels), int(np.sqrt(n_rows)) + 1, reduce=each_joined(plus))
    tables: dict[str, list[pd.DataFrame]] = {"fidelity": [], "performance": []}
    aims += [(LABELS, name, "performance") for name in models if has_labels]
    for aim, name, key in aims:
        if (aim, name) in sums:
            tables[key].append(frame(value_lines(sums[aim, name], (ends[aim, name], ends[name, aim]), name)))
    frames = {name: pd.concat(of, ignore_index=True) for name, of in tables.items() if of}
    size = int(np.prod([len(of.names) for of in people.values()], dtype=np.int64))
    if not people or size > MOST_CELLS or any(P.ndim > 1 and P.shape[1] > 1 for P in drawn.values()):
        return frames
    shift = {name: float(np.nanmean(values)) for name, values in drawn.items()}
    by_group = answered.ask(_by_group, people, size, shift, has_labels, reduce=each_joined(plus))
    return frames | _of_groups(by_group, _codes(people, cells), models, has_labels)


def _aims(models: list[str], has_labels: bool) -> list[tuple[str, str]]:
    pairs = [(TEACHER, name) for name in models if name != TEACHER]
    return pairs + ([(LABELS, name) for name in models] if has_labels else [])


def _values(rows: AnsweredRows) -> dict[str, Floats]:
    """Values of models, and true ones, as columns."""
    of = {name: P.reshape(len(rows), -1) for name, P in rows.answers.items()}
    return of | ({} if rows.y is None else {LABELS: np.asarray(rows.y, dtype=float)[:, None]})


def _known(rows: AnsweredRows, aim: str, values: Mapping[str, Floats]) -> NDArray[np.bool_]:
    return np.asarray((rows.weights() > 0) & ~np.isnan(values[aim]).any(axis=1))


def _ends(rows: AnsweredRows) -> dict[tuple[str, str], Ends]:
    """Ends of an aim beside a model, and of the model beside the aim: on the rows that have both."""
    values, out = _values(rows), {}
    for aim, name in _aims(list(rows.answers), rows.y is not None):
        measured = _known(rows, aim, values)
        if measured.any() and values[aim].shape == values[name].shape:
            weight = rows.weights()[measured]
            out[aim, name] = Ends.of(values[aim][measured], weight)
            out[name, aim] = Ends.of(values[name][measured], weight)
    return out


def _sums(
    rows: AnsweredRows, ends: Mapping[tuple[str, str], Ends], aims: list[tuple[str, str]], most: int
) -> dict[tuple[str, str], ValueSums]:
    values, out = _values(rows), {}
    for aim, name in aims:
        measured = _known(rows, aim, values)
        if measured.any() and (aim, name) in ends:
            both = values[aim][measured], values[name][measured]
            out[aim, name] = ValueSums.of(both, rows.weights()[measured], (ends[aim, name], ends[name, aim]), most)
    return out


def _by_group(
    rows: AnsweredRows, people: Mapping[str, PeopleByValue], size: int, shift: Mapping[str, float], has_labels: bool
) -> dict[tuple[str, str], GroupSums]:
    """Sums by finest group: of values, and of what they are off from the labels and from the teacher."""
    codes = np.zeros(len(rows), dtype=np.int64)
    for attribute, of in people.items():
        codes = codes * len(of.names) + of.of(rows.attributes[attribute])
    values, weight = {name: x[:, 0] for name, x in _values(rows).items()}, rows.weights()
    numbers = {(name, "mean_prediction"): (x, shift[name]) for name, x in values.items()}
    for aim, name in _aims(list(rows.answers), has_labels):
        off = values[name] - values[aim]
        numbers[name, f"mean_residual of {aim}"] = off, shift[name] - shift[aim]
        numbers[name, f"mae of {aim}"] = np.abs(off), 0.0
    return {key: GroupSums.of(x, codes, weight, size, middle) for key, (x, middle) in numbers.items()}


def _codes(people: Mapping[str, PeopleByValue], cells: Cells) -> list[tuple[Grouping, NDArray[np.int64]]]:
    """Every grouping, and which of its groups each finest group belongs to."""
    single = {g.attribute: g for g in groupings(cells.attributes(), intersections=False)}
    at = np.zeros(len(cells), dtype=np.int64)
    for attribute, of in people.items():
        at = at * len(of.names) + single[attribute].codes
    size = int(np.prod([len(of.names) for of in people.values()], dtype=np.int64))
    out = []
    for grouping in groupings(cells.attributes()):
        codes = np.full(size, -1, dtype=np.int64)
        codes[at] = grouping.codes
        out.append((grouping, codes))
    return out


def _of_groups(
    sums: Mapping[tuple[str, str], GroupSums], codes: list[tuple[Grouping, NDArray[np.int64]]], models: list[str],
    has_labels: bool,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    def lines(subject: str, keys: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        for grouping, of in codes:
            for metric, key in keys.items():
                joined = sums[subject, key].joined(of, len(grouping))
                yield from summed_means(metric, joined, grouping, subject)

    subjects = [*([LABELS] if has_labels else []), *models]
    figures = {
        name: {"mean_prediction": "mean_prediction"}
        | ({m: f"{m} of {LABELS}" for m in ("mean_residual", "mae")} if has_labels and name != LABELS else {})
        for name in subjects
    }
    rates = pd.concat([frame(lines(name, figures[name])) for name in subjects], ignore_index=True)
    near = {metric: f"{metric} of {TEACHER}" for metric in ("mean_residual", "mae")}
    fidelities = []
    for name in models:
        if name != TEACHER:
            table = frame(lines(name, near))
            gaps = group_gaps(table)
            fidelities += [table, gaps[~gaps["metric"].str.endswith("_ratio")]]
    return {"rates": rates, "gaps": group_gaps(rates), "group_fidelity": pd.concat(fidelities, ignore_index=True)}
