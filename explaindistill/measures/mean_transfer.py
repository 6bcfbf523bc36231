"""Does a regressor inherit, reduce, hide or amplify the gap of its teacher's means? Paired on the same people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import GroupOptions, group_means_frame
from explaindistill.measures.gaps import group_gaps
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.table import few_clusters, frame, row
from explaindistill.measures.transfer import Decisions
from explaindistill.measures.transfer_verdicts import JOINT, Signs, transfer_verdict
from explaindistill.numerics.statistics.intervals import mover_difference
from explaindistill.numerics.statistics.mean_limits import MeanLimits, mean_limits
from explaindistill.numerics.statistics.tallies import weights_of

__all__ = ["MARGIN_IN_DEVIATIONS", "mean_transfer"]

MARGIN_IN_DEVIATIONS = 0.1
"""Two means that differ by less, in standard deviations of the teacher's values, count as the same. A trade-off: two
tenths are called a small effect (Cohen 1988), and a shift of one tenth moves the person in the middle past four in a
hundred; "hidden" then takes about 2,100 rows a group, and with half the margin four times as many."""
DEFAULTS = GroupOptions()
DIFFERENCE = "mean_prediction_difference"
Line = dict[str, Any]
Floats = NDArray[np.float64]


def mean_transfer(
    values: Decisions,
    *,
    attributes: pd.DataFrame,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    subject: str = "student",
    options: GroupOptions = DEFAULTS,
    margin: float | None = None,
) -> pd.DataFrame:
    r"""Gaps of means of labels, teacher, student and the student without teacher, and how the gap shifts between them.

    The shift from teacher T to student S in group A against reference B is
    :math:`\Delta = \overline{(s - t)}_A - \overline{(s - t)}_B`, since both answer about the same people: its error is
    that of what the student is off by, not of the values. Each mean has the wider of Student's and Hall's limits; two
    are joined by MOVER. The words, and how sure each is, are those of `explaindistill.measures.transfer.transfer`.

    Parameters
    ----------
    values : Decisions
        Values in the place of decisions; true values may be missing (NaN) for some rows.
    attributes, sample_weight, clusters, subject, options
        As in `explaindistill.measures.transfer.transfer`. The reference group is chosen by the teacher's means.
    margin : float > 0, optional
        Difference of two means, in the unit of the values, below which they count as the same; a tenth of the standard
        deviation of the teacher's values when None.

    Returns
    -------
    DataFrame
        Canonical columns and ``verdict``. Metrics: ``mean_prediction_difference`` of each subject; ``mean_transfer``,
        ``mean_transfer_from_labels``, ``mean_transfer_from_baseline``: the student's gap minus that of the teacher, of
        the labels and of the student without teacher. Only rows of ``mean_transfer`` have a verdict.

    References
    ----------
    Zou and Donner (2008), doi:10.1002/sim.3095; Hall (1992), doi:10.1111/j.2517-6161.1992.tb01872.x; Schuirmann (1987),
    doi:10.1007/BF01068419.

    Examples
    --------
    A teacher pays women 5 less, and its student 2:

    >>> rng = np.random.default_rng(0)
    >>> who = pd.DataFrame({"sex": ["f"] * 2000 + ["m"] * 2000})
    >>> fair, women = rng.normal(50, 10, 4000), np.repeat([1.0, 0.0], 2000)
    >>> sides = Decisions(None, fair - 5 * women, fair - 2 * women + rng.normal(size=4000))
    >>> table = mean_transfer(sides, attributes=who, options=GroupOptions(reference={"sex": "m"}))
    >>> table.set_index("metric").loc["mean_transfer", "verdict"]
    'reduced'
    """
    if margin is not None and not 0 < margin < np.inf:
        raise InvalidInputError(f"margin must be above 0, a difference of two means in their unit, got {margin}")
    named = {side: np.asarray(v, dtype=float).ravel() for side, v in values.named(subject).items()}
    shared: Line = {"sample_weight": sample_weight, "clusters": clusters}
    same = _deviation(named["teacher"], sample_weight) * MARGIN_IN_DEVIATIONS if margin is None else margin
    lines: list[Line] = []
    for grouping in groupings(attributes, options.intersections):
        lines += _Means(grouping, named, subject, shared, options).lines(same)
    return frame(lines, extra=["verdict"]).assign(verdict=lambda f: f["verdict"].fillna("").astype("str"))


def _deviation(values: Floats, sample_weight: ArrayLike | None) -> float:
    w = weights_of(sample_weight, len(values))
    mean = np.average(values, weights=w)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=w)))


@dataclass(frozen=True, eq=False)
class _Means:
    """Values of all sides by the groups of one attribute."""

    grouping: Grouping
    named: dict[str, Floats]
    subject: str
    shared: Line
    options: GroupOptions

    @cached_property
    def who(self) -> pd.DataFrame:
        names = np.array(self.grouping.names, dtype=object)[self.grouping.codes]
        return pd.DataFrame({self.grouping.attribute: names})

    @cached_property
    def reference(self) -> str:
        """One group for all sides, so that their gaps can be compared."""
        gaps = self._gaps("teacher", self.options.reference)
        return str(gaps["reference"].iloc[0]) if len(gaps) else self.grouping.names[0]

    def _gaps(self, side: str, reference: Any) -> pd.DataFrame:
        means = group_means_frame(
            self.named[side], attributes=self.who, subject=side,
            options=GroupOptions("largest", False, self.options.min_group_size, self.options.level), **self.shared,
        )  # fmt: skip
        return group_gaps(means, reference, level=self.options.level, min_group_size=self.options.min_group_size)

    def lines(self, margin: float) -> list[Line]:
        """Gaps of every side, then the shifts from each other side to the student."""
        named = {self.grouping.attribute: self.reference}
        gaps = {side: self._gaps(side, named).to_dict("records") for side in self.named}
        lines: list[Line] = [line for of_side in gaps.values() for line in of_side]
        b = self.grouping.names.index(self.reference)
        pairs = {"mean_transfer": "teacher", "mean_transfer_from_labels": "labels"}
        pairs["mean_transfer_from_baseline"] = f"{self.subject} without teacher"
        by_group = [{str(line["group"]): line for line in gaps[side]} for side in ("teacher", self.subject)]
        for metric, other in pairs.items():
            if other not in self.named:
                continue
            shifts = self._shifts(metric, other, b)
            if metric == "mean_transfer":
                signs = self._signs(b, 1 - (1 - self.options.level) / JOINT)
                shifts = [line | self._word(line, signs, by_group, margin) for line in shifts]
            lines += shifts
        return lines

    def _word(self, line: Line, signs: dict[str, Signs], gaps: list[dict[str, Line]], margin: float) -> Line:
        """Verdict on the shift of one group; ``gaps`` are those of teacher and student by group."""
        of_teacher, of_student = (gap.get(line["group"]) for gap in gaps)
        return transfer_verdict(line, signs[line["group"]], of_teacher, of_student, margin, self.options.level)

    def _limits(self, values: Floats, level: float, ends: tuple[float, float] | None = None) -> MeanLimits:
        codes = np.where(np.isnan(values), -1, self.grouping.codes)
        filled = np.where(np.isnan(values), 0.0, values)
        return mean_limits(filled, codes, len(self.grouping), level=level, ends=ends, **self.shared)

    def _off(self, other: str, level: float) -> MeanLimits:
        """Means of what the student is off by; an unseen row may be as far off as the values of both reach."""
        s, t = self.named[self.subject], self.named[other]
        both = ~np.isnan(s - t)
        if not both.any():
            return self._limits(s - t, level)
        down, up = float(s[both].min() - t[both].max()), float(s[both].max() - t[both].min())
        return self._limits(s - t, level, (min(down, 0.0), max(up, 0.0)))

    def _against(self, limits: MeanLimits, b: int) -> tuple[Floats, Floats, Floats]:
        """Difference of each group's mean to that of group b, with its limits."""
        low, high = mover_difference(limits.sides(slice(None)), limits.sides(b), limits.correlations(b))
        return limits.mean - limits.mean[b], low, high

    def _signs(self, b: int, level: float) -> dict[str, Signs]:
        """Of each group the signs of the teacher's gap, of the student's and of the shift."""
        sides = [self._limits(self.named[side], level) for side in ("teacher", self.subject)]
        limits = [self._against(side, b)[1:] for side in (*sides, self._off("teacher", level))]
        signs = [(low > 0).astype(int) - (high < 0) for low, high in limits]
        return {name: Signs(*(int(x) for x in of)) for name, *of in zip(self.grouping.names, *signs, strict=True)}

    def _shifts(self, metric: str, other: str, b: int) -> list[Line]:
        """Lines of the shift of every group but the reference."""
        limits = self._off(other, self.options.level)
        shift, low, high = self._against(limits, b)
        both = ~np.isnan(self.named[self.subject] - self.named[other])
        weight = self.shared["sample_weight"]
        both &= True if weight is None else np.asarray(weight) > 0
        n = np.bincount(self.grouping.codes[both], minlength=len(self.grouping))
        lines = []
        for a, name in enumerate(self.grouping.names):
            if a == b:
                continue
            line = row(
                metric, shift[a], low[a], high[a], n=int(n[a]), n_effective=limits.n_effective[a],
                method="t and hall, mover", subject=self.subject, attribute=self.grouping.attribute, group=name,
                reference=self.reference,
            )  # fmt: skip
            few = int(min(n[a], n[b]))
            if 0 < few < self.options.min_group_size:
                line |= {"status": "small", "reason": f"{few} rows, fewer than {self.options.min_group_size}"}
            if limits.members and few:
                line |= few_clusters(min(limits.members[a].count, limits.members[b].count))
            lines.append(line)
        return lines
