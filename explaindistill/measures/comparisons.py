"""Statements about many groups at once: any pair, all groups, inside strata, with one declared family of tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import SMALL
from explaindistill.measures.groups import MISSING, groupings
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.hypotheses import (
    benjamini_hochberg,
    detectable_difference,
    equal_proportions,
    fisher,
    holm,
    power_of_difference,
    stratified,
)
from explaindistill.numerics.statistics.intervals import mover_ratio, newcombe, simultaneous_level

__all__ = ["adjust", "gap_tests", "missing_bounds", "power_table", "stratified_gaps", "worst_pairs"]

Line = dict[str, Any]
DRAWS = 2000


def _by_attribute(rates: pd.DataFrame) -> Iterator[tuple[Line, pd.DataFrame]]:
    """Each metric, subject and attribute: its defined groups, those of missing values left out."""
    for (metric, subject, attribute), part in rates.groupby(["metric", "subject", "attribute"], sort=False):
        keep = part["estimate"].notna() & ~part["group"].str.contains(MISSING, regex=False)
        yield {"metric": metric, "subject": subject, "attribute": attribute}, part[keep]


def worst_pairs(
    rates: pd.DataFrame, *, level: float = 0.95, min_group_size: int = SMALL, rng: np.random.Generator | int = 0
) -> pd.DataFrame:
    """The largest gap between any two groups, with an interval that holds whichever pair it is.

    A largest difference is never negative and a chosen pair looks worse than it is. Hence each of the m pairs gets
    Newcombe's and the MOVER-R interval at a level near ``1 - (1 - level) / m``, so that with probability ``level``
    *all* of them hold. The true worst gap then lies between the lowest low limit and the lowest high limit of all
    pairs: a rule about it passes only where every pair passes, and fails where any pair fails. The gap that equal
    groups of these sizes would show on average stands beside it.

    Parameters
    ----------
    rates : DataFrame
        From `explaindistill.measures.bias.group_rates`. Rows with a missing attribute are not compared.
    level : float
    min_group_size : int
        A group with fewer rows counts where it fails, but cannot hold up a pass: its interval alone would make every
        verdict inconclusive. Such groups are counted in ``reason``. Where fewer than two groups are large enough,
        all count.
    rng : Generator or int
        Draws the gap expected of equal groups.

    Returns
    -------
    DataFrame
        Canonical columns: ``…_worst_difference`` and ``…_worst_ratio`` per metric, subject and attribute, ``group`` the
        lower, ``reference`` the higher of the pair with the largest gap; then ``expected`` (under no difference),
        ``p_value`` (omnibus test) and ``n_pairs``.

    Examples
    --------
    >>> from explaindistill.measures.bias import group_rates
    >>> rates = group_rates([1, 0] * 100, attributes=pd.DataFrame({"g": list("abcd") * 50}), favorable=1)
    >>> worst_pairs(rates)[["group", "reference", "estimate", "n_pairs"]].values.tolist()
    [['b', 'a', -1.0, 6], ['b', 'a', 0.0, 6]]
    """
    generator = np.random.default_rng(rng)
    lines: list[Line] = []
    for names, part in _by_attribute(rates):
        if len(part) >= 2:
            lines += _worst(names, part, level, min_group_size, generator)
    return frame(lines, extra=["expected", "p_value", "n_pairs"])


def _worst(names: Line, part: pd.DataFrame, level: float, minimum: int, rng: np.random.Generator) -> Iterator[Line]:
    n = part["n_effective"].to_numpy()
    p = part["estimate"].to_numpy()
    k = n * p
    large = part["n"].to_numpy() >= minimum
    judged = large if large.sum() >= 2 else np.ones(len(part), dtype=bool)
    strict = simultaneous_level(len(part), float(n.sum()), level)
    limits = _of_all(newcombe, k, n, strict, judged, ceiling=0.0)
    a, b = _extremes(p, judged)
    if p[a] - p[b] > limits[1]:  # a small group fails beyond all others: it is the one to show
        judged = np.ones(len(part), dtype=bool)
        a, b = _extremes(p, judged)
        limits = _of_all(newcombe, k, n, strict, judged, ceiling=0.0)
    _, p_value = equal_proportions(k, n, rng=rng, n_draws=DRAWS)
    top, bottom = _if_equal(k, n, rng)
    few = int((~large).sum())
    shared = {
        "subject": names["subject"], "attribute": names["attribute"], "group": part["group"].iloc[a],
        "reference": part["group"].iloc[b], "n": int(part["n"].iloc[a]), "k": part["k"].iloc[a],
        "n_effective": n[a], "p_value": p_value, "n_pairs": len(part) * (len(part) - 1) // 2,
        "reason": f"{few} of {len(part)} groups have fewer than {minimum} rows" if few else "",
    }  # fmt: skip
    shared |= {"status": "small"} if not large[[a, b]].all() else {}
    gap = row(f"{names['metric']}_worst_difference", p[a] - p[b], *limits, **shared)
    yield gap | {"method": "newcombe, all pairs", "expected": -float((top - bottom).mean())}
    low, high = _of_all(mover_ratio, k, n, strict, judged, ceiling=1.0)
    ratio = p[a] / p[b] if p[b] > 0 else np.nan
    found = row(f"{names['metric']}_worst_ratio", ratio, low, max(high, np.nan_to_num(ratio)), **shared)
    if np.isnan(ratio):
        found |= {"status": "undefined", "reason": "the rate of every group is 0"}
    usable = top > 0
    expected = float((bottom[usable] / top[usable]).mean()) if usable.any() else float("nan")
    yield found | {"method": "mover-r, all pairs", "expected": expected}


def _extremes(p: NDArray[np.float64], judged: NDArray[np.bool_]) -> tuple[int, int]:
    """Positions of the lowest and the highest rate, among the groups that are judged; two different ones."""
    at = np.flatnonzero(judged)
    a, b = int(at[p[at].argmin()]), int(at[p[at].argmax()])
    return (int(at[1]), int(at[0])) if a == b else (a, b)


def _if_equal(
    k: NDArray[np.float64], n: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Highest and lowest rate in draws of groups of these sizes that share one rate."""
    whole = np.maximum(n.round().astype(np.int64), 1)
    drawn = rng.binomial(whole, min(max(k.sum() / n.sum(), 0.0), 1.0), (DRAWS, len(n))) / whole
    return drawn.max(axis=1), drawn.min(axis=1)


def _of_all(
    interval: Callable[..., Any], k: Any, n: Any, level: float, judged: NDArray[np.bool_], ceiling: float
) -> tuple[float, float]:
    """Limits of the worst gap over all ordered pairs; small groups count for the high limit only."""
    first, second = np.nonzero(~np.eye(len(n), dtype=bool))
    low, high = interval(k[first], n[first], k[second], n[second], level)
    sound = judged[first] & judged[second]
    most = float(np.nanmin(np.append(high, ceiling)))
    return min(float(np.nanmin(np.append(low[sound], ceiling))), most), most


def gap_tests(rates: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Fisher's exact test of each gap to its reference, raw and adjusted over the whole family that is passed.

    Parameters
    ----------
    rates, gaps : DataFrame
        From `group_rates` and `group_gaps`. With weights the tests use effective counts, rounded.

    Returns
    -------
    DataFrame
        Columns ``metric, subject, attribute, group, reference, n, status, reason, p_value, p_holm, p_bh, family``.

    Examples
    --------
    >>> from explaindistill.measures.bias import group_gaps, group_rates
    >>> rates = group_rates([1] * 60 + [0] * 40 + [1] * 40 + [0] * 60,
    ...                     attributes=pd.DataFrame({"sex": ["m"] * 100 + ["f"] * 100}), favorable=1)
    >>> gap_tests(rates, group_gaps(rates, {"sex": "m"}))[["group", "reference", "p_value"]].round(4).values.tolist()
    [['f', 'm', 0.0071]]
    """
    keys = ("metric", "subject", "attribute", "group")
    at = zip(*(rates[key] for key in keys), strict=True)
    counts = dict(zip(at, zip(rates["n_effective"], rates["estimate"], strict=True), strict=True))
    lines: list[Line] = []
    for gap in gaps[gaps["metric"].str.endswith("_difference")].itertuples():
        metric = gap.metric.removesuffix("_difference")
        cells: list[int] = []
        for group in (gap.group, gap.reference):
            effective, share = counts[metric, gap.subject, gap.attribute, group]
            n = round(effective)
            cells += [round(n * np.nan_to_num(share)), n]
        names = {c: getattr(gap, c) for c in ("subject", "attribute", "group", "reference", "n", "status", "reason")}
        lines.append({"metric": metric, **names, "p_value": fisher(*cells)})
    columns = ["metric", "subject", "attribute", "group", "reference", "n", "status", "reason", "p_value"]
    return adjust(pd.DataFrame(lines, columns=pd.Index(columns)))


def adjust(tests: pd.DataFrame, family: str = "all rows of this frame") -> pd.DataFrame:
    """Add ``p_holm`` (confirmatory) and ``p_bh`` (exploratory) over one declared family; undefined tests do not count.

    Examples
    --------
    >>> adjust(pd.DataFrame({"p_value": [0.01, 0.04]}))["p_holm"].tolist()
    [0.02, 0.04]
    """
    p = tests["p_value"].to_numpy(dtype=float)
    return tests.assign(p_holm=holm(p), p_bh=benjamini_hochberg(p), family=family)


def stratified_gaps(
    decision: ArrayLike,
    *,
    attributes: pd.DataFrame,
    strata: ArrayLike,
    favorable: Any,
    reference: dict[str, str] | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """Gaps inside strata (jobs, sites): a common odds ratio and difference, and whether the strata agree.

    Parameters
    ----------
    decision : array of shape (n,)
    attributes : DataFrame of n rows
    strata : array of shape (n,)
        Rows with a missing stratum are left out.
    favorable : label
    reference : mapping of attribute to group, optional
        The largest group when not named.

    Returns
    -------
    DataFrame
        Canonical columns: ``stratified_odds_ratio`` (its ``p_value`` is the Cochran–Mantel–Haenszel test) and
        ``stratified_difference``; then ``p_value`` and ``p_homogeneity`` (Breslow–Day–Tarone).

    Examples
    --------
    Each office treats both sexes alike, one office is strict and sees more women:

    >>> sex = ["f"] * 80 + ["m"] * 20 + ["f"] * 20 + ["m"] * 80
    >>> yes = [1] * 16 + [0] * 64 + [1] * 4 + [0] * 16 + [1] * 16 + [0] * 4 + [1] * 64 + [0] * 16
    >>> who, office = pd.DataFrame({"sex": sex}), ["x"] * 100 + ["y"] * 100
    >>> found = stratified_gaps(yes, attributes=who, strata=office, favorable=1, reference={"sex": "m"})
    >>> found["estimate"].round(6).tolist()
    [1.0, 0.0]
    """
    chosen = np.asarray(decision) == favorable
    stratum = pd.factorize(pd.Series(np.asarray(strata)))[0]
    if len(stratum) != len(chosen):
        raise InvalidInputError(f"strata must have one entry per decision: {len(chosen)}, got {len(stratum)}")
    lines: list[Line] = []
    for grouping in groupings(attributes, intersections=False):
        sizes = np.where(grouping.missing, -1, np.bincount(grouping.codes, minlength=len(grouping)))
        name = (reference or {}).get(grouping.attribute, grouping.names[int(sizes.argmax())])
        if name not in grouping.names:
            raise InvalidInputError(f"reference names the group {name!r} of {grouping.attribute}, which has no rows")
        b = grouping.names.index(name)
        for a in range(len(grouping)):
            if a != b:
                names = {
                    "subject": subject,
                    "attribute": grouping.attribute,
                    "group": grouping.names[a],
                    "reference": name,
                }
                lines += _inside(chosen, stratum, grouping.codes, (a, b), names, level)
    return frame(lines, extra=["p_value", "p_homogeneity"])


def _inside(
    chosen: NDArray[np.bool_], stratum: Any, codes: NDArray[np.int64], pair: tuple[int, int], names: Line, level: float
) -> Iterator[Line]:
    size = int(stratum.max(initial=-1)) + 1
    counts: list[NDArray[np.int64]] = []
    for group in pair:
        here = (codes == group) & (stratum >= 0)
        counts += [np.bincount(stratum[here & chosen], minlength=size), np.bincount(stratum[here], minlength=size)]
    found = stratified(counts[0], counts[1], counts[2], counts[3], level)
    rest = {**names, "n": int(counts[1].sum()), "k": float(counts[0].sum()), "p_value": found.p_value,
            "p_homogeneity": found.homogeneity}  # fmt: skip
    odds = (found.odds_ratio, found.low, found.high) if np.isfinite(found.odds_ratio) else (np.nan,) * 3
    yield row("stratified_odds_ratio", *odds, method="mantel-haenszel, rbg", **rest)
    difference = (found.difference, found.difference_low, found.difference_high)
    yield row("stratified_difference", *difference, method="mantel-haenszel, sato", **rest)


def missing_bounds(rates: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Bounds of each selection-rate ratio and difference whatever group the people of unknown group belong to.

    The lowest ratio puts all unknown people who were not selected into the group and all who were into the
    reference group; the highest does the reverse. No probability is involved: these are Manski's bounds.

    Parameters
    ----------
    rates, gaps : DataFrame
        From `group_rates` and `group_gaps`.

    Returns
    -------
    DataFrame
        Canonical columns with ``selection_rate_ratio`` and ``selection_rate_difference``; ``low`` and ``high`` are
        the bounds, ``method`` is ``"manski bounds"``; then ``n_unknown``. Only attributes with unknown rows.

    References
    ----------
    Manski (1990), https://www.jstor.org/stable/2006592.

    Examples
    --------
    >>> from explaindistill.measures.bias import group_gaps, group_rates
    >>> rates = group_rates([1] * 60 + [0] * 40 + [1] * 40 + [0] * 60 + [1] * 10,
    ...                     attributes=pd.DataFrame({"sex": ["m"] * 100 + ["f"] * 100 + [None] * 10}), favorable=1)
    >>> found = missing_bounds(rates, group_gaps(rates, {"sex": "m"})).set_index("metric")
    >>> found.loc["selection_rate_ratio", ["low", "estimate", "high"]].astype(float).round(2).tolist()
    [0.63, 0.67, 0.76]
    """
    rates = rates[rates["metric"] == "selection_rate"]
    gone = rates["group"].str.contains(MISSING, regex=False)
    unknown = rates[gone].groupby(["subject", "attribute"])[["n", "k"]].sum()
    cells = rates.set_index(["subject", "attribute", "group"])[["n", "k"]]
    lines: list[Line] = []
    for gap in gaps[gaps["metric"].isin(["selection_rate_ratio", "selection_rate_difference"])].itertuples():
        if (gap.subject, gap.attribute) not in unknown.index or MISSING in gap.group:
            continue
        u, u1 = unknown.loc[(gap.subject, gap.attribute)]
        n, k = cells.loc[(gap.subject, gap.attribute, gap.group)]
        nr, kr = cells.loc[(gap.subject, gap.attribute, gap.reference)]
        least, most = (k / (n + u - u1), (k + u1) / (n + u1))
        reference_most, reference_least = (kr + u1) / (nr + u1), kr / (nr + u - u1)
        if gap.metric.endswith("_ratio"):
            low = least / reference_most if reference_most > 0 else np.nan
            high = most / reference_least if reference_least > 0 else np.inf
        else:
            low, high = least - reference_most, most - reference_least
        names = {c: getattr(gap, c) for c in ("subject", "attribute", "group", "reference", "n", "k")}
        lines.append(row(gap.metric, gap.estimate, low, high, method="manski bounds", n_unknown=int(u), **names))
    return frame(lines, extra=["n_unknown"])


def power_table(rates: pd.DataFrame, gaps: pd.DataFrame, *, power: float = 0.8, level: float = 0.95) -> pd.DataFrame:
    """What could have been found: the smallest impact ratio that each group's size shows with the given power.

    Returns
    -------
    DataFrame
        Columns ``metric, subject, attribute, group, reference, n, status, reason, n_reference, reference_rate,
        detectable_ratio`` (NaN where even a group that is never selected would be missed) and ``power_at_four_fifths``.

    Examples
    --------
    >>> from explaindistill.measures.bias import group_gaps, group_rates
    >>> rates = group_rates([1, 0] * 520, attributes=pd.DataFrame({"sex": ["m"] * 1000 + ["f"] * 40}), favorable=1)
    >>> found = power_table(rates, group_gaps(rates, {"sex": "m"}))
    >>> found[["group", "n", "detectable_ratio", "power_at_four_fifths"]].round(2).values.tolist()
    [['f', 40, 0.56, 0.23]]
    """
    cells = rates[rates["metric"] == "selection_rate"].set_index(["subject", "attribute", "group"])
    lines: list[Line] = []
    for gap in gaps[gaps["metric"] == "selection_rate_difference"].itertuples():
        group, other = (cells.loc[(gap.subject, gap.attribute, g)] for g in (gap.group, gap.reference))
        p, n, m = other["estimate"], group["n_effective"], other["n_effective"]
        defined = bool(p > 0 and n > 0 and m > 0)
        gone = detectable_difference(p, n, m, power=power, level=level) if defined else np.nan
        names = {c: getattr(gap, c) for c in ("metric", "subject", "attribute", "group", "reference", "n", "status",
                                              "reason")}  # fmt: skip
        lines.append(names | {
            "n_reference": int(other["n"]), "reference_rate": p,
            "detectable_ratio": 1 - gone / p if defined else np.nan,
            "power_at_four_fifths": power_of_difference(0.8 * p, p, n, m, level) if defined else np.nan,
        })  # fmt: skip
    columns = ["metric", "subject", "attribute", "group", "reference", "n", "status", "reason", "n_reference",
               "reference_rate", "detectable_ratio", "power_at_four_fifths"]  # fmt: skip
    return pd.DataFrame(lines, columns=pd.Index(columns))
