"""Does a student inherit, reduce, hide or amplify the gap of its teacher? Paired inference on the same people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import SMALL, Reference, group_gaps, group_rates
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import bonett_price, mover_difference, newcombe
from explaindistill.numerics.statistics.tallies import Tally, tally

__all__ = ["VERDICTS", "transfer"]

VERDICTS = ("inherited", "reduced", "hidden", "amplified", "cannot say")
Line = dict[str, Any]
Floats = NDArray[np.float64]
Selected = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""Whom a decision selects, and of whom it is known."""


def transfer(
    labels: ArrayLike | None,
    teacher: ArrayLike,
    student: ArrayLike,
    baseline: ArrayLike | None = None,
    *,
    attributes: pd.DataFrame,
    favorable: Any,
    reference: Reference = "largest",
    intersections: bool | int = True,
    min_group_size: int = SMALL,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    r"""Gaps of labels, teacher, student and the student without teacher, and how the gap shifts between them.

    The shift from teacher T to student S in group A against reference B is
    :math:`\Delta = (\bar S_A - \bar T_A) - (\bar S_B - \bar T_B)`: a difference of two *paired* differences, since
    both decide about the same people. Each is bounded by Bonett and Price's interval, the two are joined by MOVER.

    ===============  ======================================================================================
    verdict          when
    ===============  ======================================================================================
    ``inherited``    both gaps exclude 0 on the same side, and the shift shows neither growth nor shrinking
    ``reduced``      both gaps exclude 0 on the same side, and the shift shows that it shrank
    ``hidden``       the teacher's gap excludes 0, the student's does not, and the shift shows that it shrank
    ``amplified``    the student's gap excludes 0, and the shift shows that it grew or is the student's own
    ``cannot say``   otherwise; the reason says why
    ===============  ======================================================================================

    For verdicts each of the three intervals has the level ``1 - (1 - level) / 6`` (99.2 % for 95 %), so that together
    they miss with at most half of ``1 - level``: with so small a chance a verdict claims a sign that is not there. The
    limits that are shown are those of ``level``; a gap that only just excludes 0 there may be too little for a verdict.

    Parameters
    ----------
    labels, teacher, student, baseline : array of shape (n,)
        Decisions about the same rows; ``baseline`` is the same student trained without the teacher. Labels and
        baseline may be None, and labels may be missing for some rows.
    attributes, favorable, reference, intersections, min_group_size, sample_weight, clusters, level, subject
        As in `explaindistill.measures.bias.group_rates` and `group_gaps`. The reference
        group is chosen by the teacher's rates.

    Returns
    -------
    DataFrame
        Canonical columns and ``verdict``. Metrics: ``selection_rate_difference`` of each subject (Newcombe);
        ``transfer``: student minus teacher; ``transfer_from_labels`` and ``transfer_from_baseline``: student minus
        those. Only rows of ``transfer`` have a verdict.

    References
    ----------
    Bonett and Price (2012), doi:10.3102/1076998611411915; Zou and Donner (2008), doi:10.1002/sim.3095.

    Examples
    --------
    >>> who = pd.DataFrame({"sex": ["f"] * 200 + ["m"] * 200})
    >>> biased = [1] * 40 + [0] * 160 + [1] * 120 + [0] * 80
    >>> found = transfer(None, biased, biased, attributes=who, favorable=1, reference={"sex": "m"})
    >>> found.set_index("metric").loc["transfer", ["estimate", "verdict"]].astype(str).tolist()
    ['0.0', 'inherited']
    """
    chosen = {"labels": labels, "teacher": teacher, subject: student, f"{subject} without teacher": baseline}
    given = {name: np.asarray(d) for name, d in chosen.items() if d is not None}
    n = len(given["teacher"])
    if wrong := [name for name, d in given.items() if len(d) != n]:
        raise InvalidInputError(f"{wrong[0]} must have one decision per row: {n}, got {len(given[wrong[0]])}")
    if subject in {"labels", "teacher"}:
        raise InvalidInputError(f"subject must be a student's name, got {subject!r}")
    shared: dict[str, Any] = {"sample_weight": sample_weight, "clusters": clusters}
    asked = {"intersections": intersections, "min_group_size": min_group_size, "level": level, "favorable": favorable}
    selected = {name: _selected(d, favorable) for name, d in given.items()}
    lines: list[Line] = []
    for grouping in groupings(attributes, intersections):
        who = pd.DataFrame({grouping.attribute: np.array(grouping.names, dtype=object)[grouping.codes]})
        named = _named_reference(selected["teacher"], who, reference, asked | shared)
        gaps = {s: _gaps(x, known, who, named, asked | shared, s) for s, (x, known) in selected.items()}
        lines += [line for lines_of in gaps.values() for line in lines_of.values()]
        pairs = [("transfer", "teacher"), ("transfer_from_labels", "labels")]
        pairs.append(("transfer_from_baseline", f"{subject} without teacher"))
        for metric, other in pairs:
            if other in selected:
                counts = _Paired(selected[subject], selected[other], grouping, shared)
                b = grouping.names.index(named[grouping.attribute])
                shifts = counts.shifts(metric, b, subject, min_group_size, level)
                if metric == "transfer":
                    signs = counts.signs(b, 1 - (1 - level) / 6)
                    shifts = [line | _verdict(line, signs, gaps["teacher"], gaps[subject]) for line in shifts]
                lines += shifts
    return frame(lines, extra=["verdict"]).assign(verdict=lambda f: f["verdict"].fillna("").astype("str"))


def _selected(decision: NDArray[Any], favorable: Any) -> Selected:
    labels = pd.Series(decision)
    return (labels == favorable).to_numpy(dtype=bool, na_value=False), labels.notna().to_numpy()


def _rates(
    x: NDArray[np.bool_], known: NDArray[np.bool_], who: pd.DataFrame, asked: Line, subject: str
) -> pd.DataFrame:
    weight, clusters = asked["sample_weight"], asked["clusters"]
    return group_rates(
        x[known],
        attributes=who[known],
        favorable=True,
        intersections=False,
        min_group_size=asked["min_group_size"],
        sample_weight=None if weight is None else np.asarray(weight)[known],
        clusters=None if clusters is None else np.asarray(clusters)[known],
        level=asked["level"],
        subject=subject,
    )


def _named_reference(teacher: Selected, who: pd.DataFrame, reference: Reference, asked: Line) -> dict[str, str]:
    """One group for all subjects, so that their gaps can be compared."""
    rates = _rates(*teacher, who, asked, "teacher")
    gaps = group_gaps(rates, reference, level=asked["level"], min_group_size=asked["min_group_size"])
    name = gaps["reference"].iloc[0] if len(gaps) else rates["group"].iloc[0]
    return {str(who.columns[0]): str(name)}


def _gaps(
    x: NDArray[np.bool_], known: NDArray[np.bool_], who: pd.DataFrame, named: dict[str, str], asked: Line, subject: str
) -> dict[str, Line]:
    rates = _rates(x, known, who, asked, subject)
    if named[str(who.columns[0])] not in set(rates["group"]):
        return {}
    gaps = group_gaps(rates, named, level=asked["level"], min_group_size=asked["min_group_size"])
    gaps = gaps[gaps["metric"] == "selection_rate_difference"]
    return {str(line["group"]): line for line in gaps.to_dict("records")}


@dataclass(frozen=True)
class _Paired:
    """Two decisions about the same rows, by group."""

    student: Selected
    other: Selected
    grouping: Grouping
    shared: Line

    @cached_property
    def discordant(self) -> tuple[Tally, Tally]:
        """Rows that only the student, and that only the other selects, by group."""
        (s, s_known), (t, t_known) = self.student, self.other
        codes = np.where(s_known & t_known, self.grouping.codes, -1)
        size = len(self.grouping)
        return tally(s & ~t, codes, size, **self.shared), tally(t & ~s, codes, size, **self.shared)

    def against(self, b: int, level: float) -> tuple[Floats, Floats, Floats]:
        """Shift of each group less that of group ``b``, with its limits."""
        gained, lost = self.discordant
        n = np.minimum(gained.n_effective, lost.n_effective)
        up, down = np.nan_to_num(gained.share), np.nan_to_num(lost.share)
        low, high = bonett_price(up * n, down * n, n, level)
        shift = np.where(gained.n > 0, up - down, np.nan)
        # With very few rows the shrunken interval may not reach the estimate; the limits then meet it.
        low, high = np.minimum(low, shift), np.maximum(high, shift)
        limits = mover_difference((shift, low, high), (shift[b], low[b], high[b]))
        return shift - shift[b], *limits

    def signs(self, b: int, level: float) -> dict[str, tuple[int, int, int]]:
        """Of each group the signs of the other's gap, of the student's and of the shift, 0 where it is not sure."""
        limits = []
        for x, known in (self.other, self.student):
            counted = tally(x, np.where(known, self.grouping.codes, -1), len(self.grouping), **self.shared)
            k, n = counted.k_effective, counted.n_effective
            limits.append(newcombe(k, n, k[b], n[b], level))
        limits.append(self.against(b, level)[1:])
        found = [(low > 0).astype(int) - (high < 0) for low, high in limits]
        return {name: (int(t), int(s), int(d)) for name, t, s, d in zip(self.grouping.names, *found, strict=True)}

    def shifts(self, metric: str, b: int, subject: str, minimum: int, level: float) -> list[Line]:
        """Lines of the shift of every group but the reference, which is group ``b``."""
        (gained, lost), lines = self.discordant, []
        n = np.minimum(gained.n_effective, lost.n_effective)
        shift, low, high = self.against(b, level)
        for a, name in enumerate(self.grouping.names):
            if a == b:
                continue
            line = row(
                metric, shift[a], low[a], high[a], n=int(gained.n[a]), n_effective=n[a], k=gained.k[a] + lost.k[a],
                method="bonett-price, mover", subject=subject, attribute=self.grouping.attribute, group=name,
                reference=self.grouping.names[b],
            )  # fmt: skip
            few = min(gained.n[a], gained.n[b])
            if 0 < few < minimum:
                line |= {"status": "small", "reason": f"{int(few)} rows, fewer than {minimum}"}
            lines.append(line)
        return lines


def _verdict(
    shift: Line, signs: dict[str, tuple[int, int, int]], of_teacher: dict[str, Line], of_student: dict[str, Line]
) -> Line:
    """What became of the teacher's gap, with the reason where nothing can be said."""
    group = shift["group"]
    if group not in of_teacher or group not in of_student or np.isnan(shift["estimate"]):
        return {"verdict": "cannot say"}
    t, s, moved = signs[group]
    if s and moved == s:
        return {"verdict": "amplified"}
    if t and s == t:
        return {"verdict": "reduced" if moved == -t else "inherited"}
    if t and not s and moved == -t:
        return {"verdict": "hidden"}
    why = "no gap of the teacher or of the student can be told from 0" if not t and not s else "more rows are needed"
    return {"verdict": "cannot say", "reason": shift.get("reason") or why}
