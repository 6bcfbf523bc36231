"""Gaps of groups: differences and ratios of each group's figure to that of a reference group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.class_words import class_words
from explaindistill.errors import InvalidInputError
from explaindistill.measures.groups import MISSING
from explaindistill.measures.table import COLUMNS, TEXT, few_clusters, frame, text
from explaindistill.numerics.statistics.intervals import Limits, mover_difference
from explaindistill.numerics.statistics.member_gaps import member_gap
from explaindistill.numerics.statistics.members import Member, correlation
from explaindistill.numerics.statistics.score_limits import score_difference, score_ratio

__all__ = ["SMALL", "Reference", "group_gaps"]

Reference = str | Mapping[str, str]
Floats = NDArray[np.float64]
Places = NDArray[np.intp]
SMALL = 30
"""Groups of fewer rows are ``small``. A trade-off: at 30 rows Wilson's interval of a rate of one half still reaches 17
points to either side; a lower number warns of less, a higher one calls most crossed groups small."""


def group_gaps(
    rates: pd.DataFrame, reference: Reference = "largest", *, level: float = 0.95, min_group_size: int = SMALL
) -> pd.DataFrame:
    """Differences and ratios of each group to a named reference group, with intervals.

    Of clustered rows (``rates`` then has a column ``member``) the interval knows how the groups share clusters; without
    clusters both groups are independent.

    Parameters
    ----------
    rates : DataFrame
        From `group_rates` of `explaindistill.measures.bias` (differences and ratios by score intervals)
        or from its `group_means_frame` and `group_fidelity` (differences by MOVER).
    reference : "largest", "highest" or mapping of attribute to group
        ``"largest"`` is the group with most rows; ``"highest"`` the one with the highest rate, among groups that are
        not small where there are any (and it is chosen after seeing the rates, so that intervals are a little too
        narrow). Attributes that a mapping does not name use the largest group. Rows with a missing attribute are
        never the reference, unless named.
    level : float
        The one that ``rates`` was made with.
    min_group_size : int
        A gap where either side has fewer rows has the status ``small``.

    Returns
    -------
    DataFrame
        Canonical columns. ``metric`` is that of the rate with ``_difference`` or ``_ratio`` appended:
        ``selection_rate_ratio`` is the impact ratio. ``n`` and ``k`` are the group's own.

    References
    ----------
    Laud (2017), doi:10.1002/pst.1813 (score intervals); Zou and Donner (2008), doi:10.1002/sim.3095 (MOVER, of means
    and of clustered rows); Donner and Zou (2012), doi:10.1177/0962280210383083 (MOVER-R).

    Examples
    --------
    >>> from explaindistill.measures.bias import group_rates
    >>> rates = group_rates(
    ...     ["yes"] * 60 + ["no"] * 40 + ["yes"] * 30 + ["no"] * 70,
    ...     attributes=pd.DataFrame({"sex": ["m"] * 100 + ["f"] * 100}), favorable="yes")
    >>> gaps = group_gaps(rates, {"sex": "m"}).set_index("metric")
    >>> gaps["estimate"].round(3).to_dict()
    {'selection_rate_difference': -0.3, 'selection_rate_ratio': 0.5}
    """
    if rates.empty:
        return frame([])
    places, reference_places = _pairs(rates, reference, min_group_size)
    first, second = _Side.of(rates, places), _Side.of(rates, reference_places)
    is_share, joined = first.method == "wilson", first.joined(second)
    difference, ratio = _limits(first, second, is_share, level)
    status, reason = _statuses(first, second, min_group_size)
    shared = {name: rates[name].to_numpy()[places] for name in ("subject", "attribute", "group", "subset", "n", "k")}
    shared |= {"n_effective": first.n_effective, "reference": second.group}
    metric = rates["metric"].to_numpy(dtype=object)[places]
    differences = shared | {
        "metric": metric + "_difference", "estimate": first.estimate - second.estimate, "low": difference[0],
        "high": difference[1], "method": np.where(is_share & ~joined, "score", "mover"),
        "status": status, "reason": reason,
    }  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient = np.where(second.estimate > 0, first.estimate / second.estimate, np.nan)
    by_zero = (second.estimate == 0) & (status != "undefined")
    no_rate = np.array([f"the rate of the reference group {name} is 0" for name in second.group], dtype=object)
    ratios = shared | {
        "metric": metric + "_ratio", "estimate": quotient, "low": ratio[0], "high": ratio[1],
        "method": np.where(joined, "mover-r", "score"), "status": np.where(by_zero, "undefined", status),
        "reason": np.where(by_zero, no_rate, reason),
    }  # fmt: skip
    return _lines(differences, ratios, is_share)


def _pairs(rates: pd.DataFrame, reference: Reference, minimum: int) -> tuple[Places, Places]:
    """Places of every group but the reference, and of the reference, by metric, subject and attribute."""
    largest: dict[tuple[str, str], dict[str, int]] = {}
    tables: dict[tuple[str, str, str], list[int]] = {}
    names = [rates[column].tolist() for column in ("metric", "subject", "attribute", "group", "n")]
    for place, (metric, subject, attribute, group, n) in enumerate(zip(*names, strict=True)):
        tables.setdefault((metric, subject, attribute), []).append(place)
        sizes = largest.setdefault((subject, attribute), {})
        sizes[group] = max(sizes.get(group, 0), n)
    places: list[int] = []
    references: list[int] = []
    estimate = rates["estimate"].to_numpy(dtype=float)
    for (_, subject, attribute), table in tables.items():
        groups = [names[3][place] for place in table]
        figures = {names[3][place]: (float(estimate[place]), names[4][place]) for place in table}
        name = _reference(figures, reference, attribute, largest[subject, attribute], minimum)
        others = [place for place, group in zip(table, groups, strict=True) if group != name]
        places += others
        references += [table[groups.index(name)]] * len(others)
    return np.array(places, dtype=np.intp), np.array(references, dtype=np.intp)


def _reference(
    figures: Mapping[str, tuple[float, int]],
    reference: Reference,
    attribute: str,
    sizes: Mapping[str, int],
    minimum: int,
) -> str:
    """Name of the reference group among estimate and rows of the groups of one metric, subject and attribute."""
    if isinstance(reference, Mapping) and attribute in reference:
        name = str(reference[attribute])
        if name not in figures:
            raise InvalidInputError(
                f"reference names the group {name!r} of {attribute}, the groups are {class_words(list(figures))}"
            )
        return name
    if isinstance(reference, str) and reference not in {"largest", "highest"}:
        raise InvalidInputError(f'reference must be "largest", "highest" or a mapping, got {reference!r}')
    named = [group for group in figures if MISSING not in group] or list(figures)
    defined = [group for group in named if not np.isnan(figures[group][0])]
    if reference == "highest" and defined:
        big = [group for group in defined if figures[group][1] >= minimum]
        return max(big or defined, key=lambda group: figures[group][0])
    return max(named, key=sizes.__getitem__)


class _Side(NamedTuple):
    """What one side of each gap is known by, arrays ``(g,)``; ``k`` is effective, and not whole with weights."""

    group: NDArray[Any]
    n: NDArray[np.int64]
    n_effective: Floats
    k: Floats
    estimate: Floats
    low: Floats
    high: Floats
    method: NDArray[Any]
    reason: NDArray[Any]
    member: NDArray[Any]

    @classmethod
    def of(cls, rates: pd.DataFrame, places: Places) -> _Side:
        """The figures of some lines of rates."""
        group, method, reason = (rates[c].to_numpy(dtype=object)[places] for c in ("group", "method", "reason"))
        n_effective, estimate, low, high = (
            rates[c].to_numpy(dtype=float)[places] for c in ("n_effective", "estimate", "low", "high")
        )
        member = rates["member"].to_numpy(dtype=object) if "member" in rates else np.full(len(rates), None)
        k = n_effective * np.nan_to_num(estimate)
        return cls(
            group, rates["n"].to_numpy()[places], n_effective, k, estimate, low, high, method, reason, member[places]
        )

    @property
    def interval(self) -> tuple[Floats, Floats, Floats]:
        """Estimates and their limits."""
        return self.estimate, self.low, self.high

    def joined(self, other: _Side) -> NDArray[np.bool_]:
        """Gaps whose two sides know their clusters."""
        both = zip(self.member, other.member, strict=True)
        return np.array([isinstance(a, Member) and isinstance(b, Member) for a, b in both], dtype=bool)

    def interval_at(self, i: int) -> tuple[float, float, float]:
        """Estimate and limits of one line."""
        return float(self.estimate[i]), float(self.low[i]), float(self.high[i])


def _limits(first: _Side, second: _Side, is_share: NDArray[np.bool_], level: float) -> tuple[Limits, Limits]:
    """Limits of the differences and, of shares, of the ratios; groups of shared clusters know each other."""
    independent = score_difference(first.k, first.n_effective, second.k, second.n_effective, level)
    means = mover_difference(first.interval, second.interval)
    low, high = (np.where(is_share, a, b) for a, b in zip(independent, means, strict=True))
    least, most = score_ratio(first.k, first.n_effective, second.k, second.n_effective, level)
    for i in np.flatnonzero(first.joined(second)).tolist():
        one, other = first.member[i], second.member[i]
        if is_share[i]:
            limits = member_gap(first.estimate[i], second.estimate[i], one, other, level)
            (low[i], high[i]), (least[i], most[i]) = limits
        else:
            low[i], high[i] = mover_difference(first.interval_at(i), second.interval_at(i), correlation(one, other))
    return (low, high), (least, most)


def _statuses(first: _Side, second: _Side, minimum: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Status of each gap and its reason: undefined where a side is, small where one has few clusters or rows."""
    status, reason = np.full(len(first.n), "ok", dtype=object), np.full(len(first.n), "", dtype=object)
    sides = (second, first)  # what is said of the group itself is said last, and stays
    for i in np.flatnonzero((first.n < minimum) | (second.n < minimum)):
        few = [f"{side.group[i]} has {side.n[i]} rows" for side in (first, second) if side.n[i] < minimum]
        status[i], reason[i] = "small", f"{', '.join(few)}, fewer than {minimum}"
    for side in sides:
        for place, member in enumerate(side.member):
            if isinstance(member, Member) and (lack := few_clusters(member.count)):
                status[place], reason[place] = lack["status"], f"{side.group[place]}: {lack['reason']}"
    for side in sides:
        for i in np.flatnonzero(np.isnan(side.estimate)):
            status[i], reason[i] = "undefined", f"{side.group[i]}: {side.reason[i]}"
    return status, reason


def _lines(differences: Mapping[str, Any], ratios: Mapping[str, Any], is_share: NDArray[np.bool_]) -> pd.DataFrame:
    """Canonical columns: each difference, and after it, of a share, the ratio."""
    gap = np.arange(len(is_share))
    order = np.argsort(np.r_[2 * gap, 2 * gap[is_share] + 1], kind="stable")
    columns = {c: np.concatenate([differences[c], ratios[c][is_share]])[order] for c in COLUMNS}
    return pd.DataFrame({c: text(v.tolist()) if c in TEXT else v for c, v in columns.items()}, copy=False)
