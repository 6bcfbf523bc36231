"""Does a student inherit, reduce, hide or amplify the gap of its teacher? Paired inference on the same people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import GroupOptions, group_rates
from explaindistill.measures.favorable import favorable_label
from explaindistill.measures.gaps import group_gaps
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.once import once
from explaindistill.measures.table import few_clusters, frame, row
from explaindistill.measures.transfer_verdicts import JOINT, VERDICTS, Signs, transfer_verdict
from explaindistill.numerics.statistics.clusters import ClusterSums
from explaindistill.numerics.statistics.intervals import bonett_price, mover_difference
from explaindistill.numerics.statistics.member_gaps import member_gap
from explaindistill.numerics.statistics.members import Member, pair
from explaindistill.numerics.statistics.score_limits import score_difference
from explaindistill.numerics.statistics.tallies import Tally, tally

__all__ = ["VERDICTS", "Decisions", "transfer"]

MARGIN = 0.03
"""Two rates that differ by less count as the same. A trade-off: at rates of 15 % and above a gap of three points keeps
the four-fifths rule (12 of 15), so that hardly anybody would act on it; a smaller margin needs more rows for every
word. With three points, and a student that decides one row in twenty differently, "inherited" takes about 1,000 rows a
group, "hidden" 5,000; with two points 2,000 and 12,000, with five 400 and 2,000."""
DEFAULTS = GroupOptions()
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
    margin: float | None = None,
) -> pd.DataFrame:
    r"""Gaps of labels, teacher, student and the student without teacher, and how the gap shifts between them.

    The shift from teacher T to student S in group A against reference B is
    :math:`\Delta = (\bar S_A - \bar T_A) - (\bar S_B - \bar T_B)`: a difference of two *paired* differences, since
    both decide about the same people. :math:`\bar S_A` and :math:`\bar T_A` are the shares of group A that either
    decides favourably. Each difference is bounded by Bonett and Price's interval, the two are joined by MOVER.

    ===============  ======================================================================================
    verdict          when
    ===============  ======================================================================================
    ``inherited``    both gaps exclude 0 on the same side, and the shift is 0 within the margin
    ``reduced``      both gaps exclude 0 on the same side, and the shift shows that it shrank
    ``hidden``       the teacher's gap excludes 0, the student's is 0 within the margin, and the shift shows that it
                     shrank
    ``reversed``     both gaps exclude 0, on different sides
    ``amplified``    the student's gap excludes 0, and the shift shows that it grew or is the student's own; the
                     teacher's does not point the other way by more than the margin
    ``cannot say``   otherwise; the reason says why
    ===============  ======================================================================================

    That nothing is seen does not show that nothing is there. A figure is *0 within the margin* :math:`\delta` where its
    interval of ``level`` lies inside of :math:`(-\delta, \delta)`: two one-sided tests, each of half of ``1 - level``,
    reject that it is as large. :math:`\delta` is ``margin``, or half of the teacher's gap where that is less.

    For the signs each of the three intervals has the level ``1 - (1 - level) / 6`` (99.2 % for 95 %), so that together
    they miss with at most half of ``1 - level``: with so small a chance a verdict claims a sign that is not there. The
    limits that are shown are those of ``level``; a gap that only just excludes 0 there may be too little for a verdict.

    Parameters
    ----------
    decisions : Decisions
    attributes, favorable, sample_weight, clusters, subject, options
        As in `explaindistill.measures.bias.group_rates` and `group_gaps`. The reference
        group is chosen by the teacher's rates.
    margin : float in (0, 1), optional
        Difference of two rates below which they count as the same, 0.03 when None: at rates of 15 % and
        above, so small a gap keeps the four-fifths rule.

    Returns
    -------
    DataFrame
        Canonical columns and ``verdict``. Metrics: ``selection_rate_difference`` of each subject (Newcombe);
        ``transfer``: student minus teacher; ``transfer_from_labels`` and ``transfer_from_baseline``: student minus
        those, where ``n`` counts the rows of the group that both sides decide about and ``k`` those of them that they
        decide differently. Only rows of ``transfer`` have a verdict.

    References
    ----------
    Bonett and Price (2012), doi:10.3102/1076998611411915; Zou and Donner (2008), doi:10.1002/sim.3095; Schuirmann
    (1987), doi:10.1007/BF01068419 (two one-sided tests).

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
    margin = MARGIN if margin is None else margin
    if not 0 < margin < 1:
        raise InvalidInputError(f"margin must lie strictly between 0 and 1, a difference of two rates, got {margin}")
    selected = {name: _selected(d, favorable) for name, d in decisions.named(subject).items()}
    shared: dict[str, Any] = {"sample_weight": sample_weight, "clusters": clusters}
    lines: list[Line] = []
    for grouping in groupings(attributes, options.intersections):
        lines += _of_grouping(grouping, selected, subject, shared, options, margin)
    return frame(lines, extra=["verdict"]).assign(verdict=lambda f: f["verdict"].fillna("").astype("str"))


def _of_grouping(
    grouping: Grouping,
    selected: dict[str, Selected],
    subject: str,
    shared: Line,
    options: GroupOptions,
    margin: float,
) -> list[Line]:
    """Gaps of every side by one attribute, then the shifts from each other side to the student."""
    who = once(
        grouping,
        "names of rows",
        lambda: pd.DataFrame({grouping.attribute: np.array(grouping.names, dtype=object)[grouping.codes]}),
    )
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
                sides = gaps["teacher"], gaps[subject]
                shifts = [line | _verdict(line, signs, sides, margin, options.level) for line in shifts]
            lines += shifts
    return lines


def _verdict(
    shift: Line, signs: dict[str, Signs], sides: tuple[dict[str, Line], dict[str, Line]], margin: float, level: float
) -> dict[str, str]:
    """Word of one group's shift; ``sides`` are the gaps of teacher and student by group."""
    group = str(shift["group"])
    of_teacher, of_student = (gaps.get(group) for gaps in sides)
    return transfer_verdict(shift, signs[group], of_teacher, of_student, margin, level)


def _selected(decision: NDArray[Any], favorable: Any) -> Selected:
    """Whom a side selects; a missing decision selects nobody and is not known."""
    labels = pd.Series(decision)
    return (labels == favorable).to_numpy(dtype=bool, na_value=False), labels.notna().to_numpy()


def _rates(selected: Selected, who: pd.DataFrame, shared: Line, options: GroupOptions, subject: str) -> pd.DataFrame:
    """Selection rates by group over the rows that this side decides about."""
    chosen, decided = selected
    return group_rates(
        chosen[decided], attributes=who if decided.all() else who[decided], favorable=True, subject=subject,
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

    @cached_property
    def effective(self) -> Floats:
        """Independent rows that the rows of each group are worth; NaN in fewer than five clusters."""
        gained, lost = self.discordant
        if self.members:
            return np.array([member.n_effective for member in self.members])
        return np.minimum(gained.n_effective, lost.n_effective)

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """What the clusters say of each group's shift, +1 where gained and -1 where lost; empty without clusters."""
        if self.shared["clusters"] is None:
            return ()
        (s, s_decided), (t, t_decided) = self.student, self.other
        codes = np.where(s_decided & t_decided, self.grouping.codes, -1)
        sums = ClusterSums.of(s.astype(float) - t, codes, len(self.grouping), **self.shared)
        up, down = (np.nan_to_num(side.share) for side in self.discordant)
        return tuple(Member(sums, a, float(up[a] + down[a])) for a in range(len(self.grouping)))

    def against(self, b: int, level: float) -> tuple[Floats, Floats, Floats]:
        r"""Shift of each group less that of group ``b``, with its limits.

        In group a, of n rows g are gained (only the student selects them) and l lost: the student's rate less the
        other's is :math:`(g - l) / n`. With weights, g and l are the weighted shares of the effective rows; with
        clusters n is what they are worth in this comparison, and shifts of two groups that share clusters correlate.
        """
        gained, lost = self.discordant
        up, down = np.nan_to_num(gained.share), np.nan_to_num(lost.share)
        shift = np.where(gained.n > 0, up - down, np.nan)
        n, of_b, correlation = self.effective, np.full(len(shift), self.effective[b]), np.zeros(len(shift))
        if self.members:
            pairs = [pair(member, self.members[b], level) for member in self.members]
            n, of_b, correlation = (np.array([p[place] for p in pairs]) for place in range(3))
        first = shift, *_reaching(shift, *bonett_price(up * n, down * n, n, level))
        second = shift[b], *_reaching(shift[b], *bonett_price(up[b] * of_b, down[b] * of_b, of_b, level))
        return shift - shift[b], *mover_difference(first, second, correlation)

    def signs(self, b: int, level: float) -> dict[str, Signs]:
        """Of each group the signs of the other's gap, of the student's and of the shift, 0 where it is not sure."""
        limits = []
        for x, decided in (self.other, self.student):
            counted = tally(x, np.where(decided, self.grouping.codes, -1), len(self.grouping), **self.shared)
            k, n = counted.k_effective, counted.n_effective
            if counted.members:
                sides = zip(counted.share, counted.members, strict=True)
                gaps = [member_gap(p, counted.share[b], m, counted.members[b], level)[0] for p, m in sides]
                limits.append((np.array([g[0] for g in gaps]), np.array([g[1] for g in gaps])))
            else:
                limits.append(score_difference(k, n, k[b], n[b], level))
        limits.append(self.against(b, level)[1:])
        signs = [(low > 0).astype(int) - (high < 0) for low, high in limits]
        return {name: Signs(int(t), int(s), int(d)) for name, t, s, d in zip(self.grouping.names, *signs, strict=True)}

    def shifts(self, metric: str, b: int, subject: str, minimum: int, level: float) -> list[Line]:
        """Lines of the shift of every group but the reference, which is group ``b``."""
        (gained, lost), lines = self.discordant, []
        n = self.effective
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
            if self.members and few:
                line |= few_clusters(min(self.members[a].count, self.members[b].count))
            lines.append(line)
        return lines


def _reaching(shift: Any, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Limits that reach the estimate: with very few rows the shrunken interval may not."""
    return np.minimum(low, shift), np.maximum(high, shift)
