"""Models against true labels on all rows: calibration overall and by group, its bins, ranking and losses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.partitions.answered import AnsweredRows
from explaindistill.auditing.partitions.cells import Cells, Levels
from explaindistill.auditing.partitions.pairs import RankedScores, each_joined, plus
from explaindistill.measures.calibration import AUC_MINIMUM
from explaindistill.measures.fidelity import TINY
from explaindistill.measures.groups import groupings
from explaindistill.measures.summed_truth import (
    TruthByRank,
    calibration_lines,
    in_the_large,
    ranked_sums,
    reliability_frame,
    summed_losses,
)
from explaindistill.measures.table import frame
from explaindistill.numerics.statistics.summed_moments import MomentSums
from explaindistill.protocols import Partitions

__all__ = ["PeopleByValue", "people_by_value", "truth_frames"]

MOST_SUMS = 4_000_000
"""Ranks times groups of a sensitive column up to which each is summed: 256 MB."""
Floats = NDArray[np.float64]
Sums = Mapping[tuple[str, str], Floats]


@dataclass(frozen=True, eq=False)
class PeopleByValue:
    """The group of each value of a sensitive column, and what the groups are called.

    Attributes
    ----------
    values : Series
        Different values.
    groups : int ndarray
        Group of each value, and last of rows without one.
    names : tuple of str
    """

    values: pd.Series
    groups: NDArray[np.int64]
    names: tuple[str, ...]

    def of(self, levels: Levels) -> NDArray[np.int64]:
        """Group of each row."""
        at = pd.Index(self.values).get_indexer(pd.Index(levels.values))
        return np.append(self.groups[at], self.groups[-1])[levels.codes]


def people_by_value(raw: Cells, named: Cells) -> dict[str, PeopleByValue]:
    """Groups of the values that stand in the rows.

    Parameters
    ----------
    raw, named : Cells
        The same cells, with values as they are, and with those of few people under one name.
    """
    people = {}
    for grouping in groupings(named.attributes(), intersections=False):
        levels = raw.levels[grouping.attribute]
        groups = np.zeros(len(levels.values) + 1, dtype=np.int64)
        groups[levels.codes] = grouping.codes
        people[grouping.attribute] = PeopleByValue(levels.values, groups, grouping.names)
    return people


def _labelled(rows: AnsweredRows, column: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows have a label, and of these whether it is the class."""
    has_label = np.asarray(rows.y) >= 0
    return has_label, np.asarray(rows.y)[has_label] == column


def _large(rows: AnsweredRows, people: Mapping[str, PeopleByValue], column: int) -> Sums:
    """Sums by model and sensitive column, one line per group; all rows under no column."""
    has_label, y = _labelled(rows, column)
    weight, out = rows.weights()[has_label], {}
    codes = {attribute: of.of(rows.attributes[attribute])[has_label] for attribute, of in people.items()}
    for name, P in rows.answers.items():
        numbers = in_the_large(y, P[has_label, column], weight)
        out[name, ""] = numbers.sum(axis=0)[None, :]
        for attribute, of in people.items():
            out[name, attribute] = _by(codes[attribute], len(of.names), numbers)
    return out


def _ranked(rows: AnsweredRows, people: Mapping[str, PeopleByValue], column: int, scores: RankedScores) -> Sums:
    """Sums by rank, and by group and rank, of each model."""
    has_label, y = _labelled(rows, column)
    weight, out = rows.weights()[has_label], {}
    codes = {attribute: of.of(rows.attributes[attribute])[has_label] for attribute, of in people.items()}
    for name, P in rows.answers.items():
        numbers, at, size = ranked_sums(y, P[has_label, column], weight), scores.codes(rows, name)[has_label], 0
        size = scores.ranks[name].size
        out[name, ""] = _by(at, size, numbers)
        for attribute, of in people.items():
            if size * len(of.names) <= MOST_SUMS:
                out[name, attribute] = _by(codes[attribute] * size + at, size * len(of.names), numbers)
    return out


def _by(codes: NDArray[np.int64], size: int, numbers: Floats) -> Floats:
    return np.column_stack([np.bincount(codes, column, size) for column in numbers.T])


def _losses(rows: AnsweredRows) -> dict[str, MomentSums]:
    """Log loss and Brier distance of each model."""
    has_label = (np.asarray(rows.y) >= 0) & (rows.weights() > 0)
    truth, weight = np.asarray(rows.y)[has_label], rows.weights()[has_label]
    at, out = np.arange(len(truth)), {}
    for name, answers in rows.answers.items():
        P = answers[has_label]
        log = -np.log(np.maximum(P[at, truth], TINY))
        one = np.zeros_like(P)
        one[at, truth] = 1.0
        out[name] = MomentSums.of(np.column_stack([log, ((P - one) ** 2).sum(axis=1) / 2]), weight)
    return out


def truth_frames(
    answered: Partitions, people: Mapping[str, PeopleByValue], scores: RankedScores, n_classes: int, is_named: bool
) -> dict[str, pd.DataFrame]:
    """Frames ``performance``, ``calibration`` and ``reliability``.

    Parameters
    ----------
    is_named : bool
        Whether somebody said which class is wanted: calibration is about its probability.
    """
    losses = answered.ask(_losses, reduce=each_joined(plus))
    tables = {"performance": [summed_losses(sums, name) for name, sums in losses.items() if sums.n]}
    if scores.column is None:
        return {name: pd.concat(of, ignore_index=True) for name, of in tables.items() if of}
    ranked = answered.ask(_ranked, people if is_named else {}, scores.column, scores, reduce=each_joined(plus))
    if n_classes == 2:
        tables["performance"] += [_area(TruthByRank(ranked[name, ""], scores.ranks[name]), name) for name in losses]
    if is_named:
        large = answered.ask(_large, people, scores.column, reduce=each_joined(plus))
        tables["calibration"] = [*_calibration(large, ranked, people, scores)]
        tables["reliability"] = [
            reliability_frame(TruthByRank(ranked[name, ""], scores.ranks[name]), name) for name in losses
        ]
    return {name: pd.concat(of, ignore_index=True) for name, of in tables.items() if of}


def _area(ranked: TruthByRank, subject: str) -> pd.DataFrame:
    """The area under the curve as `explaindistill.measures.performance.performance` gives it."""
    line = ranked.area(0.95)
    few = min(line["k"], line["n"] - line["k"])
    if np.isnan(line["estimate"]):
        line["reason"] = "all rows have one label"
    elif few < AUC_MINIMUM:
        line |= {"status": "small", "reason": f"fewer than {AUC_MINIMUM} rows of one label"}
    return frame([{key: value for key, value in line.items() if key != "k"} | {"subject": subject}])


def _calibration(
    large: Sums, ranked: Sums, people: Mapping[str, PeopleByValue], scores: RankedScores
) -> Iterator[pd.DataFrame]:
    names = list(dict.fromkeys(name for name, attribute in large if not attribute))
    for name in names:
        ranks, lines = scores.ranks[name], []
        whole = TruthByRank(ranked[name, ""], ranks)
        lines += [line | {"subject": name} for line in calibration_lines(large[name, ""][0], whole)]
        for attribute, of in people.items():
            if (name, attribute) not in ranked:
                continue
            by_group = ranked[name, attribute].reshape(len(of.names), ranks.size, -1)
            for i, group in enumerate(of.names):
                who = {"subject": name, "attribute": attribute, "group": group}
                sums = TruthByRank(by_group[i], ranks)
                lines += [line | who for line in calibration_lines(large[name, attribute][i], sums)]
        yield frame(lines, extra=["p_value"])
