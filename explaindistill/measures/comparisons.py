"""Statements about many groups at once: any pair, all groups, inside strata, with one declared family of tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import GroupOptions
from explaindistill.measures.gaps import SMALL
from explaindistill.measures.groups import MISSING
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.hypotheses import (
    benjamini_hochberg,
    detectable_difference,
    equal_proportions,
    fisher,
    holm,
    power_of_difference,
)
from explaindistill.numerics.statistics.intervals import simultaneous_level
from explaindistill.numerics.statistics.member_gaps import member_gap
from explaindistill.numerics.statistics.score_limits import score_difference, score_ratio

__all__ = ["adjust", "gap_tests", "power_table", "worst_pairs"]

Line = dict[str, Any]
DEFAULTS = GroupOptions()
Floats = NDArray[np.float64]
Ends = tuple[float, float]
UNKNOWN: Ends = (np.nan, np.nan)
FOUR_FIFTHS = 0.8
"""Ratio of selection rates below which 29 CFR 1607.4(D) takes adverse impact for likely."""
ONE_MORE = "one more group may not be shown, and could be worse"
DRAWS = 2000
"""Draws of equal groups. A trade-off: a p-value of 0.05 then has a standard error of 0.005, and time grows with it."""


def _by_attribute(rates: pd.DataFrame) -> Iterator[tuple[Line, pd.DataFrame]]:
    """Each metric, subject and attribute: its defined and its withheld groups, those of missing values left out."""
    for (metric, subject, attribute), table in rates.groupby(["metric", "subject", "attribute"], sort=False):
        keep = (table["estimate"].notna() | table["withheld"]) & ~table["group"].str.contains(MISSING, regex=False)
        yield {"metric": metric, "subject": subject, "attribute": attribute}, table[keep]


def worst_pairs(
    rates: pd.DataFrame,
    *,
    level: float = 0.95,
    min_group_size: int = SMALL,
    withheld: ArrayLike | None = None,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """The largest gap between any two groups, with an interval that holds whichever pair it is.

    A largest difference is never negative and a chosen pair looks worse than it is. Hence each of the m pairs gets
    score intervals at a level near ``1 - (1 - level) / m``, so that with probability ``level`` *all* of them hold. The
    true worst gap then lies between the lowest low limit and the lowest high limit of all pairs: a rule about it
    passes only where every pair passes, and fails where any pair fails. The gap that equal groups of these sizes
    would show on average stands beside it.

    Parameters
    ----------
    rates : DataFrame
        From `explaindistill.measures.bias.group_rates`. Rows with a missing attribute are not compared.
    level : float
    min_group_size : int
        A group with fewer rows is not the one that is shown, unless it fails beyond all others. Its pairs count in the
        limits all the same: where a small group may be the worst, the interval is wide and no rule passes. Such groups
        are counted in ``reason``. Where fewer than two groups are large enough, all may be shown.
    withheld : bool array, one per line of ``rates``, optional
        Rates that nobody will see, from `explaindistill.measures.suppression.withheld_lines`. From limits and p-values
        that rest on them they could be worked out, by trying all counts. So every figure is that of the other groups,
        and a withheld group may be anything: the low limit is the lowest there is, and no rule passes. Where fewer than
        two groups are left, there is no figure.
    rng : Generator or int
        Draws the gap expected of equal groups.

    Returns
    -------
    DataFrame
        Canonical columns: ``…_worst_difference`` and ``…_worst_ratio`` per metric, subject and attribute, ``group`` the
        lower, ``reference`` the higher of the pair with the largest gap; then ``expected`` (under no difference),
        ``p_value`` (omnibus test) and ``n_pairs``. ``n`` and ``k`` are those of ``group``.

    References
    ----------
    Laud (2017), doi:10.1002/pst.1813 (score intervals); Dunn (1961), doi:10.1080/01621459.1961.10482090 (Bonferroni's
    level).

    Examples
    --------
    >>> from explaindistill.measures.bias import group_rates
    >>> rates = group_rates([1, 0] * 100, attributes=pd.DataFrame({"g": list("abcd") * 50}), favorable=1)
    >>> worst_pairs(rates)[["group", "reference", "estimate", "n_pairs"]].values.tolist()
    [['b', 'a', -1.0, 6], ['b', 'a', 0.0, 6]]
    """
    if other := set(rates["method"]) - {"wilson", ""}:
        raise InvalidInputError(f"rates must be shares, from group_rates; got figures by the method {min(other)!r}")
    generator = np.random.default_rng(rng)
    hidden = np.zeros(len(rates), dtype=bool) if withheld is None else np.asarray(withheld, dtype=bool)
    compared = [(names, groups) for names, groups in _by_attribute(rates.assign(withheld=hidden)) if len(groups) >= 2]
    visible = [groups[~groups["withheld"]] for _, groups in compared]
    limits = _of_all_pairs(visible, [len(groups) for _, groups in compared], level)
    lines: list[Line] = []
    for (names, groups), shown, both in zip(compared, visible, limits, strict=True):
        if len(shown) >= 2:
            worst = _worst(names, shown, both, min_group_size, generator)
            lines += (_open(line, len(groups) - len(shown)) for line in worst)
        else:
            lines += (_unshown(names, kind) for kind in ("difference", "ratio"))
    table = frame(lines, extra=["expected", "p_value", "n_pairs"])
    gone = table["status"] == "suppressed"
    return table.assign(n=table["n"].astype(float).mask(gone)) if gone.any() else table


def _open(line: Line, n_withheld: int) -> Line:
    """A line as it is where no group is withheld; else with the lowest low limit that there is."""
    if not n_withheld:
        return line
    lowest = -1.0 if str(line["metric"]).endswith("_difference") else 0.0
    why = f"{n_withheld} more groups may not be shown, and could be worse" if n_withheld > 1 else ONE_MORE
    return line | {"low": lowest, "reason": "; ".join(filter(None, (line["reason"], why)))}


def _unshown(names: Line, kind: str) -> Line:
    """A line without figures."""
    who = {"subject": names["subject"], "attribute": names["attribute"]}
    why = {"status": "suppressed", "reason": "fewer than two groups may be shown"}
    return row(f"{names['metric']}_worst_{kind}", np.nan, np.nan, np.nan, **who, **why)


def _worst(
    names: Line, groups: pd.DataFrame, both: tuple[Ends, Ends], minimum: int, rng: np.random.Generator
) -> Iterator[Line]:
    """Worst difference, then worst ratio, of the groups of one metric, subject and attribute.

    ``both`` are their limits. Group a has the lowest, group b the
    highest rate among those that may be shown; n are effective rows and k = n p.
    """
    n = groups["n_effective"].to_numpy()
    p = groups["estimate"].to_numpy()
    k = n * p
    large = groups["n"].to_numpy() >= minimum
    shown = large if large.sum() >= 2 else np.ones(len(groups), dtype=bool)
    limits, ratios = both
    a, b = _extremes(p, shown)
    if p[a] - p[b] > limits[1]:  # a small group fails beyond all others: it is the one to show
        shown = np.ones(len(groups), dtype=bool)
        a, b = _extremes(p, shown)
    finite = np.isfinite(n)
    p_value = equal_proportions(k, n, rng=rng, n_draws=DRAWS)[1] if finite.all() else np.nan
    top, bottom = _if_equal(k[finite], n[finite], rng) if finite.all() else (np.full(1, np.nan), np.full(1, np.nan))
    few = int((~large).sum())
    shared = {
        "subject": names["subject"], "attribute": names["attribute"], "group": groups["group"].iloc[a],
        "reference": groups["group"].iloc[b], "n": int(groups["n"].iloc[a]), "k": groups["k"].iloc[a],
        "n_effective": n[a], "p_value": p_value, "n_pairs": len(groups) * (len(groups) - 1) // 2,
        "reason": f"{few} of {len(groups)} groups have fewer than {minimum} rows, and widen the interval" * bool(few),
    }  # fmt: skip
    shared |= {"status": "small"} if not large[[a, b]].all() else {}
    if not finite.all():
        shared |= {"status": "small", "reason": next(filter(None, groups["reason"][~finite]), "too few clusters")}
    gap = row(f"{names['metric']}_worst_difference", p[a] - p[b], *limits, **shared)
    clustered = _clustered(groups)
    method = "mover, all pairs" if clustered else "score, all pairs"
    yield gap | {"method": method, "expected": -float((top - bottom).mean())}
    low, high = ratios
    ratio = p[a] / p[b] if p[b] > 0 else np.nan
    high = np.maximum(high, np.nan_to_num(ratio))
    relative = row(f"{names['metric']}_worst_ratio", ratio, low, high, **shared)
    if np.isnan(ratio):
        relative |= {"status": "undefined", "reason": "the rate of every group is 0"}
    usable = top > 0
    expected = float((bottom[usable] / top[usable]).mean()) if usable.any() else float("nan")
    method = "mover-r, all pairs" if clustered else "score, all pairs"
    yield relative | {"method": method, "expected": expected}


def _extremes(p: Floats, shown: NDArray[np.bool_]) -> tuple[int, int]:
    """Positions of the lowest and the highest rate, among the groups that may be shown; two different ones."""
    at = np.flatnonzero(shown)
    a, b = int(at[p[at].argmin()]), int(at[p[at].argmax()])
    return (int(at[1]), int(at[0])) if a == b else (a, b)


def _if_equal(k: Floats, n: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Highest and lowest rate in draws of groups of these sizes that share one rate, that of all rows."""
    whole = np.maximum(n.round().astype(np.int64), 1)
    drawn = rng.binomial(whole, min(max(k.sum() / n.sum(), 0.0), 1.0), (DRAWS, len(n))) / whole
    return drawn.max(axis=1), drawn.min(axis=1)


def _of_all_pairs(tables: Sequence[pd.DataFrame], n_groups: Sequence[int], level: float) -> Iterator[tuple[Ends, Ends]]:
    r"""Of each table, limits of the worst difference and of the worst ratio; all pairs of ``n_groups`` hold together.

    With limits :math:`[l_{ab}, h_{ab}]` of every ordered pair that hold together, the least of the true gaps lies
    between :math:`\min l_{ab}` and :math:`\min h_{ab}`. A pair left out of the first minimum, because its group is
    small, would let a rule pass where that very group is the worst: 71 of 100 audits of groups of 25, 1,000 and 1,000
    with rates .3, .5 and .5 did.
    """
    pairs = [np.nonzero(~np.eye(len(groups), dtype=bool)) for groups in tables]
    plain = [place for place, groups in enumerate(tables) if len(groups) >= 2 and not _clustered(groups)]
    counts: list[Floats] = [np.empty((0, 5))]
    for place in plain:
        n, (a, b) = tables[place]["n_effective"].to_numpy(dtype=float), pairs[place]
        k = n * tables[place]["estimate"].to_numpy(dtype=float)
        strict = simultaneous_level(n_groups[place], float(n.sum()), level)
        counts.append(np.column_stack([k[a], n[a], k[b], n[b], np.full(len(a), strict)]))
    ends = np.cumsum([len(rows) for rows in counts])[:-1]  # one call for the pairs of all tables: many are small
    k1, n1, k2, n2, levels = np.concatenate(counts).T
    limits = [np.split(np.transpose(f(k1, n1, k2, n2, levels)), ends)[1:] for f in (score_difference, score_ratio)]
    independent = dict(zip(plain, zip(*limits, strict=True), strict=True))
    for place, groups in enumerate(tables):
        if len(groups) < 2:
            yield UNKNOWN, UNKNOWN
        else:
            both = independent[place] if place in independent else _shared(groups, pairs[place], n_groups[place], level)
            yield _least(both[0], 0.0), _least(both[1], 1.0)


def _shared(
    groups: pd.DataFrame, pairs: tuple[NDArray[Any], ...], n_groups: int, level: float
) -> tuple[Floats, Floats]:
    """Limits of the difference and of the ratio of each pair of groups that know their clusters, ``(pairs, 2)``."""
    p = groups["estimate"].to_numpy(dtype=float)
    if groups["n_effective"].isna().any():
        return np.full((len(pairs[0]), 2), np.nan), np.full((len(pairs[0]), 2), np.nan)
    each, members = 1 - (1 - level) / (n_groups * (n_groups - 1) / 2), groups["member"].tolist()
    gaps = np.array([member_gap(p[a], p[b], members[a], members[b], each) for a, b in zip(*pairs, strict=True)])
    return gaps[:, 0], gaps[:, 1]


def _clustered(groups: pd.DataFrame) -> bool:
    """Whether every group knows its clusters."""
    return "member" in groups and not groups["member"].isna().any()


def _least(limits: Floats, ceiling: float) -> Ends:
    """The least of the gaps lies between the least low and the least high limit; unknown where no pair has limits.

    ``ceiling`` is the gap of a group to itself: no least gap is above it.
    """
    if np.isnan(limits).all():
        return UNKNOWN
    low, high = limits.T
    most = float(np.nanmin(np.append(high, ceiling)))
    return min(float(np.nanmin(np.append(low, ceiling))), most), most


def gap_tests(rates: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Fisher's exact test of each gap to its reference, raw and adjusted over the whole family that is passed.

    Parameters
    ----------
    rates, gaps : DataFrame
        From `group_rates` and `group_gaps`. With weights the tests use effective counts, rounded.

    Returns
    -------
    DataFrame
        Columns ``metric, subject, attribute, group, reference, n, status, reason`` of the gap; ``p_value`` of its test;
        ``p_holm`` and ``p_bh``, adjusted; ``family``, over which tests they are.

    References
    ----------
    Fisher (1922), doi:10.2307/2340521; Holm (1979), https://www.jstor.org/stable/4615733; Benjamini and Hochberg
    (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> from explaindistill.measures.bias import group_rates
    >>> from explaindistill.measures.gaps import group_gaps
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


def adjust(
    tests: pd.DataFrame, family: str = "all rows of this frame", withheld: ArrayLike | None = None
) -> pd.DataFrame:
    """Add ``p_holm`` (confirmatory) and ``p_bh`` (exploratory) over one declared family; undefined tests do not count.

    Parameters
    ----------
    tests : DataFrame
        With ``p_value``, such as from `gap_tests`.
    family : str
        Over which tests, in words.
    withheld : bool array, one per test, optional
        Tests that nobody will see. An adjusted p-value may be that of another test, so theirs count as 1: the others
        are then no smaller than with the true ones, and tell nothing of them.

    Returns
    -------
    DataFrame
        The columns of ``tests``, then ``p_holm``, ``p_bh`` and ``family``.

    Examples
    --------
    >>> adjust(pd.DataFrame({"p_value": [0.01, 0.04]}))["p_holm"].tolist()
    [0.02, 0.04]
    """
    p = tests["p_value"].to_numpy(dtype=float)
    if withheld is not None:
        p = np.where(np.asarray(withheld, dtype=bool), 1.0, p)
    return tests.assign(p_holm=holm(p), p_bh=benjamini_hochberg(p), family=family)


def power_table(rates: pd.DataFrame, gaps: pd.DataFrame, *, power: float = 0.8, level: float = 0.95) -> pd.DataFrame:
    """What could have been found: the smallest impact ratio that each group's size shows with the given power.

    Of a two-sided test of two independent proportions, at the reference group's rate and the effective rows.

    Parameters
    ----------
    rates, gaps : DataFrame
        From `group_rates` and `group_gaps`.
    power : float
        Chance of finding the difference where it is there; four in five is the usual convention.
    level : float
        One minus the size of the test.

    Returns
    -------
    DataFrame
        Columns ``metric, subject, attribute, group, reference, n, status, reason`` of the gap; ``n_reference`` and
        ``reference_rate``, rows and rate of the reference group; ``detectable_ratio`` (NaN where even a group that is
        never selected would be missed); ``power_at_four_fifths``, the chance to find a ratio of 0.8.

    References
    ----------
    Cohen (1992), doi:10.1037/0033-2909.112.1.155 (the convention); 29 CFR 1607.4(D) (four fifths).

    Examples
    --------
    >>> from explaindistill.measures.bias import group_rates
    >>> from explaindistill.measures.gaps import group_gaps
    >>> rates = group_rates([1, 0] * 520, attributes=pd.DataFrame({"sex": ["m"] * 1000 + ["f"] * 40}), favorable=1)
    >>> power = power_table(rates, group_gaps(rates, {"sex": "m"}))
    >>> power[["group", "n", "detectable_ratio", "power_at_four_fifths"]].round(2).values.tolist()
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
            "power_at_four_fifths": power_of_difference(FOUR_FIFTHS * p, p, n, m, level) if defined else np.nan,
        })  # fmt: skip
    columns = ["metric", "subject", "attribute", "group", "reference", "n", "status", "reason", "n_reference",
               "reference_rate", "detectable_ratio", "power_at_four_fifths"]  # fmt: skip
    return pd.DataFrame(lines, columns=pd.Index(columns))
