"""Does a student inherit, reduce, hide or amplify the gap of its teacher? Paired inference on the same people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import GroupOptions, group_gaps, group_rates
from explaindistill.measures.favorable import favorable_label
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import bonett_price, mover_difference, newcombe
from explaindistill.numerics.statistics.tallies import Tally, tally

__all__ = ["VERDICTS", "Decisions", "transfer"]

VERDICTS = ("inherited", "reduced", "hidden", "amplified", "cannot say")
DEFAULTS = GroupOptions()
JOINT = 6
"""Three intervals, of the teacher's gap, the student's and the shift, share one half of the allowed error (Bonferroni):
each misses with at most a sixth of it."""
Line = dict[str, Any]
Floats = NDArray[np.float64]
Selected = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""Whom a decision selects, and of whom it is known."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """Decisions of several sides about the same rows, each of shape (n,).

    Attributes
    ----------
    labels : array, optional
        True labels; they may be missing for some rows.
    teacher, student : array
    baseline : array, optional
        Decisions of the same student trained without the teacher.

    Examples
    --------
    >>> sorted(Decisions(None, ["yes", "no"], ["yes", "yes"]).named("tree"))
    ['teacher', 'tree']
    """

    labels: ArrayLike | None
    teacher: ArrayLike
    student: ArrayLike
    baseline: ArrayLike | None = None

    def named(self, subject: str) -> dict[str, NDArray[Any]]:
        """Decisions by the name of who decides, those that are missing left out; ``subject`` names the student."""
        if subject in {"labels", "teacher"}:
            raise InvalidInputError(f"subject must be a student's name, got {subject!r}")
        sides = (self.labels, self.teacher, self.student, self.baseline)
        names = ("labels", "teacher", subject, f"{subject} without teacher")
        named = {name: np.asarray(d) for name, d in zip(names, sides, strict=True) if d is not None}
        n = len(named["teacher"])
        if wrong := [name for name, d in named.items() if len(d) != n]:
            raise InvalidInputError(f"{wrong[0]} must have one decision per row: {n}, got {len(named[wrong[0]])}")
        return named


def transfer(
    decisions: Decisions,
    *,
    attributes: pd.DataFrame,
    favorable: Any,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    subject: str = "student",
    options: GroupOptions = DEFAULTS,
) -> pd.DataFrame:
    r"""Gaps of labels, teacher, student and the student without teacher, and how the gap shifts between them.

    The shift from teacher T to student S in group A against reference B is
    :math:`\Delta = (\bar S_A - \bar T_A) - (\bar S_B - \bar T_B)`: a difference of two *paired* differences, since
    both decide about the same people. :math:`\bar S_A` and :math:`\bar T_A` are the shares of group A that either
    decides favourably. Each difference is bounded by Bonett and Price's interval, the two are joined by MOVER.

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
    decisions : Decisions
    attributes, favorable, sample_weight, clusters, subject, options
        As in `explaindistill.measures.bias.group_rates` and `group_gaps`. The reference
        group is chosen by the teacher's rates.

    Returns
    -------
    DataFrame
        Canonical columns and ``verdict``. Metrics: ``selection_rate_difference`` of each subject (Newcombe);
        ``transfer``: student minus teacher; ``transfer_from_labels`` and ``transfer_from_baseline``: student minus
        those, where ``n`` counts the rows of the group that both sides decide about and ``k`` those of them that they
        decide differently. Only rows of ``transfer`` have a verdict.

    References
    ----------
    Bonett and Price (2012), doi:10.3102/1076998611411915; Zou and Donner (2008), doi:10.1002/sim.3095.

    Examples
    --------
    >>> who = pd.DataFrame({"sex": ["f"] * 200 + ["m"] * 200})
    >>> biased = [1] * 40 + [0] * 160 + [1] * 120 + [0] * 80
    >>> options = GroupOptions(reference={"sex": "m"})
    >>> table = transfer(Decisions(None, biased, biased), attributes=who, favorable=1, options=options)
    >>> table.set_index("metric").loc["transfer", ["estimate", "verdict"]].astype(str).tolist()
    ['0.0', 'inherited']
    """
    sides = (decisions.labels, decisions.teacher, decisions.student, decisions.baseline)
    favorable = favorable_label(favorable, *sides)
    selected = {name: _selected(d, favorable) for name, d in decisions.named(subject).items()}
    shared: dict[str, Any] = {"sample_weight": sample_weight, "clusters": clusters}
    lines: list[Line] = []
    for grouping in groupings(attributes, options.intersections):
        lines += _of_grouping(grouping, selected, subject, shared, options)
    return frame(lines, extra=["verdict"]).assign(verdict=lambda f: f["verdict"].fillna("").astype("str"))


def _of_grouping(
    grouping: Grouping, selected: dict[str, Selected], subject: str, shared: Line, options: GroupOptions
) -> list[Line]:
    """Gaps of every side by one attribute, then the shifts from each other side to the student."""
    who = pd.DataFrame({grouping.attribute: np.array(grouping.names, dtype=object)[grouping.codes]})
    named = _named_reference(selected["teacher"], who, shared, options)
    gaps = {side: _gaps(chosen, who, shared, options, named, side) for side, chosen in selected.items()}
    lines = [line for lines_of in gaps.values() for line in lines_of.values()]
    pairs = [("transfer", "teacher"), ("transfer_from_labels", "labels")]
    pairs.append(("transfer_from_baseline", f"{subject} without teacher"))
    for metric, other in pairs:
        if other in selected:
            counts = _Paired(selected[subject], selected[other], grouping, shared)
            b = grouping.names.index(named[grouping.attribute])
            shifts = counts.shifts(metric, b, subject, options.min_group_size, options.level)
            if metric == "transfer":
                signs = counts.signs(b, 1 - (1 - options.level) / JOINT)
                shifts = [line | _verdict(line, signs, gaps["teacher"], gaps[subject]) for line in shifts]
            lines += shifts
    return lines


def _selected(decision: NDArray[Any], favorable: Any) -> Selected:
    """Whom a side selects; a missing decision selects nobody and is not known."""
    labels = pd.Series(decision)
    return (labels == favorable).to_numpy(dtype=bool, na_value=False), labels.notna().to_numpy()


def _rates(selected: Selected, who: pd.DataFrame, shared: Line, options: GroupOptions, subject: str) -> pd.DataFrame:
    """Selection rates by group over the rows that this side decides about."""
    chosen, decided = selected
    return group_rates(
        chosen[decided], attributes=who[decided], favorable=True, subject=subject,
        options=replace(options, intersections=False),
        **{name: None if values is None else np.asarray(values)[decided] for name, values in shared.items()},
    )  # fmt: skip


def _named_reference(teacher: Selected, who: pd.DataFrame, shared: Line, options: GroupOptions) -> dict[str, str]:
    """One group for all subjects, so that their gaps can be compared."""
    rates = _rates(teacher, who, shared, options, "teacher")
    gaps = group_gaps(rates, options.reference, level=options.level, min_group_size=options.min_group_size)
    name = gaps["reference"].iloc[0] if len(gaps) else rates["group"].iloc[0]
    return {str(who.columns[0]): str(name)}


def _gaps(
    selected: Selected, who: pd.DataFrame, shared: Line, options: GroupOptions, named: dict[str, str], subject: str
) -> dict[str, Line]:
    """Gap of each group of one side to the named reference; none where that has no rows on this side."""
    rates = _rates(selected, who, shared, options, subject)
    if named[str(who.columns[0])] not in set(rates["group"]):
        return {}
    gaps = group_gaps(rates, named, level=options.level, min_group_size=options.min_group_size)
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
        (s, s_decided), (t, t_decided) = self.student, self.other
        codes = np.where(s_decided & t_decided, self.grouping.codes, -1)
        size = len(self.grouping)
        return tally(s & ~t, codes, size, **self.shared), tally(t & ~s, codes, size, **self.shared)

    def against(self, b: int, level: float) -> tuple[Floats, Floats, Floats]:
        r"""Shift of each group less that of group ``b``, with its limits.

        In group a, of n rows g are gained (only the student selects them) and l lost: the student's rate less the
        other's is :math:`(g - l) / n`. With weights, g and l are the weighted shares of the effective rows.
        """
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
        for x, decided in (self.other, self.student):
            counted = tally(x, np.where(decided, self.grouping.codes, -1), len(self.grouping), **self.shared)
            k, n = counted.k_effective, counted.n_effective
            limits.append(newcombe(k, n, k[b], n[b], level))
        limits.append(self.against(b, level)[1:])
        signs = [(low > 0).astype(int) - (high < 0) for low, high in limits]
        return {name: (int(t), int(s), int(d)) for name, t, s, d in zip(self.grouping.names, *signs, strict=True)}

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
