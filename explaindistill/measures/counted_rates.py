"""Rates by group, fidelity by group and transfer, of rows that were counted where they lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.measures.bias import WEIGHT, GroupOptions, _questions
from explaindistill.measures.favorable import favorable_label
from explaindistill.measures.gaps import group_gaps
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.table import frame, shares
from explaindistill.measures.transfer import DEFAULTS, MARGIN, Decisions, Selected, _Paired, _selected, _verdict
from explaindistill.measures.transfer_verdicts import JOINT, Signs
from explaindistill.numerics.statistics.counted import Counted
from explaindistill.numerics.statistics.score_limits import score_difference
from explaindistill.numerics.statistics.tallies import Tally

__all__ = ["counted_group_fidelity", "counted_group_rates", "counted_transfer"]

Line = dict[str, Any]


def counted_group_rates(
    decision: ArrayLike,
    counted: Counted,
    *,
    attributes: pd.DataFrame,
    favorable: Any,
    y: ArrayLike | None = None,
    subject: str = "student",
    options: GroupOptions = DEFAULTS,
) -> pd.DataFrame:
    """What `explaindistill.measures.bias.group_rates` gives of the rows, from their cells.

    Parameters
    ----------
    decision : array of shape (m,)
        The decision in each cell.
    counted : Counted
    attributes : DataFrame of m rows
    favorable, y, subject, options
        As in `group_rates`, with one entry per cell.

    Returns
    -------
    DataFrame
        As `group_rates`, always with ``weight``.

    Examples
    --------
    >>> who = pd.DataFrame({"sex": ["f", "f", "m"]})
    >>> counted = Counted.unweighted([30, 10, 7])
    >>> rates = counted_group_rates(["yes", "no", "yes"], counted, attributes=who, favorable="yes")
    >>> rates[["group", "n", "estimate"]].values.tolist()
    [['f', 40, 0.75], ['m', 7, 1.0]]
    """
    favorable = favorable_label(favorable, decision, y)
    chosen = np.asarray(decision) == favorable
    questions = list(_questions(np.asarray(decision), chosen, y, favorable))
    lines: list[Line] = []
    for grouping in groupings(attributes, options.intersections):
        names = [{"subject": subject, "attribute": grouping.attribute, "group": g} for g in grouping.names]
        for metric, success, among, empty in questions:
            codes = grouping.codes if among is None else np.where(among, grouping.codes, -1)
            tally = counted.tally(success, codes, len(grouping))
            lines += shares(metric, tally, names, level=options.level, minimum=options.min_group_size, empty=empty)
    return frame(lines, extra=WEIGHT)


def counted_group_fidelity(
    teacher: ArrayLike,
    student: ArrayLike,
    counted: Counted,
    *,
    attributes: pd.DataFrame,
    subject: str = "student",
    options: GroupOptions = DEFAULTS,
) -> pd.DataFrame:
    """What `explaindistill.measures.bias.group_fidelity` gives of the rows, from their cells.

    Examples
    --------
    >>> who = pd.DataFrame({"sex": ["f", "f"]})
    >>> table = counted_group_fidelity(["a", "b"], ["a", "a"], Counted.unweighted([30, 10]), attributes=who)
    >>> table[["metric", "n", "estimate"]].values.tolist()
    [['agreement', 40, 0.75]]
    """
    same = np.asarray(teacher) == np.asarray(student)
    shared: Line = {"attributes": attributes, "subject": subject, "options": options}
    figures = counted_group_rates(same, counted, favorable=True, **shared).assign(metric="agreement")
    gaps = group_gaps(figures, options.reference, level=options.level, min_group_size=options.min_group_size)
    table = pd.concat([figures, gaps[~gaps["metric"].str.endswith("_ratio")]], ignore_index=True)
    return table.drop(columns=[*WEIGHT])


def counted_transfer(
    decisions: Decisions,
    counted: Counted,
    *,
    attributes: pd.DataFrame,
    favorable: Any,
    subject: str = "student",
    options: GroupOptions = DEFAULTS,
    margin: float | None = None,
) -> pd.DataFrame:
    """What `explaindistill.measures.transfer.transfer` gives of the rows, from their cells.

    Examples
    --------
    >>> who = pd.DataFrame({"sex": ["f", "f", "m", "m"]})
    >>> cells, biased = Counted.unweighted([40, 160, 120, 80]), [1, 0, 1, 0]
    >>> options = GroupOptions(reference={"sex": "m"})
    >>> table = counted_transfer(Decisions(None, biased, biased), cells, attributes=who, favorable=1, options=options)
    >>> table.loc[table["metric"] == "transfer", ["n", "estimate", "verdict"]].values.tolist()
    [[200, 0.0, 'inherited']]
    """
    sides = (decisions.labels, decisions.teacher, decisions.student, decisions.baseline)
    favorable = favorable_label(favorable, *sides)
    selected = {name: _selected(d, favorable) for name, d in decisions.named(subject).items()}
    lines: list[Line] = []
    for grouping in groupings(attributes, options.intersections):
        moved = _Moved(grouping, counted, selected, subject, options)
        lines += moved.lines(MARGIN if margin is None else margin)
    return frame(lines, extra=["verdict"]).assign(verdict=lambda f: f["verdict"].fillna("").astype("str"))


@dataclass(frozen=True, eq=False)
class _Moved:
    """Decisions of all sides by the groups of one attribute."""

    grouping: Grouping
    counted: Counted
    selected: dict[str, Selected]
    subject: str
    options: GroupOptions

    def lines(self, margin: float) -> list[Line]:
        """Gaps of every side, then the shifts from each other side to the student."""
        level, subject = self.options.level, self.subject
        gaps = {side: self._gaps(side) for side in self.selected}
        lines = [line for of_side in gaps.values() for line in of_side.values()]
        b = self.grouping.names.index(self.reference)
        pairs = {"transfer": "teacher", "transfer_from_labels": "labels"}
        for metric, other in pairs.items():
            if other not in self.selected:
                continue
            counts = _CountedPair(
                self.selected[subject], self.selected[other], self.grouping, {"clusters": None}, self.counted
            )
            shifts = counts.shifts(metric, b, subject, self.options.min_group_size, level)
            if metric == "transfer":
                signs = counts.signs(b, 1 - (1 - level) / JOINT)
                of = gaps["teacher"], gaps[subject]
                shifts = [line | _verdict(line, signs, of, margin, level) for line in shifts]
            lines += shifts
        return lines

    @cached_property
    def reference(self) -> str:
        """One group for all sides, that of the teacher, so that their gaps can be compared."""
        rates = self._rates("teacher")
        gaps = self._group_gaps(rates, self.options.reference)
        return str(gaps["reference"].iloc[0] if len(gaps) else rates["group"].iloc[0])

    def _rates(self, side: str) -> pd.DataFrame:
        """Selection rates by group over the rows that a side decides about."""
        chosen, decided = self.selected[side]
        names = np.array(self.grouping.names, dtype=object)[self.grouping.codes[decided]]
        return counted_group_rates(
            chosen[decided], self.counted.at(decided), attributes=pd.DataFrame({self.grouping.attribute: names}),
            favorable=True, subject=side, options=replace(self.options, intersections=False),
        )  # fmt: skip

    def _group_gaps(self, rates: pd.DataFrame, reference: Any) -> pd.DataFrame:
        return group_gaps(rates, reference, level=self.options.level, min_group_size=self.options.min_group_size)

    def _gaps(self, side: str) -> dict[str, Line]:
        """Gap of each group of one side to the reference; none where that has no rows on this side."""
        rates = self._rates(side)
        if self.reference not in set(rates["group"]):
            return {}
        gaps = self._group_gaps(rates, {self.grouping.attribute: self.reference})
        gaps = gaps[gaps["metric"] == "selection_rate_difference"]
        return {str(line["group"]): line for line in gaps.to_dict("records")}


@dataclass(frozen=True)
class _CountedPair(_Paired):
    """Two decisions about the same rows, by group, as their cells tell them."""

    counted: Counted

    @cached_property
    def discordant(self) -> tuple[Tally, Tally]:
        """Rows that only the student, and that only the other selects, by group."""
        (s, s_decided), (t, t_decided) = self.student, self.other
        codes, size = np.where(s_decided & t_decided, self.grouping.codes, -1), len(self.grouping)
        return self.counted.tally(s & ~t, codes, size), self.counted.tally(t & ~s, codes, size)

    def signs(self, b: int, level: float) -> dict[str, Signs]:
        """Of each group the signs of the other's gap, of the student's and of the shift, 0 where it is not sure."""
        limits: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        for x, decided in (self.other, self.student):
            tally = self.counted.tally(x, np.where(decided, self.grouping.codes, -1), len(self.grouping))
            k, n = tally.k_effective, tally.n_effective
            limits.append(score_difference(k, n, k[b], n[b], level))
        limits.append(self.against(b, level)[1:])
        signs = [(low > 0).astype(int) - (high < 0) for low, high in limits]
        return {name: Signs(int(t), int(s), int(d)) for name, t, s, d in zip(self.grouping.names, *signs, strict=True)}
