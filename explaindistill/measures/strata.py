"""Gaps of two groups inside strata: jobs, sites, years."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import GroupOptions
from explaindistill.measures.favorable import favorable_label
from explaindistill.measures.groups import groupings
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.hypotheses import stratified
from explaindistill.numerics.statistics.tallies import weights_of

__all__ = ["stratified_gaps"]

Line = dict[str, Any]
Floats = NDArray[np.float64]
DEFAULTS = GroupOptions()


def stratified_gaps(
    decision: ArrayLike,
    *,
    attributes: pd.DataFrame,
    strata: ArrayLike,
    favorable: Any,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    subject: str = "student",
    options: GroupOptions = DEFAULTS,
) -> pd.DataFrame:
    """Gaps inside strata (jobs, sites): a common odds ratio and difference, and whether the strata agree.

    Tests and intervals are those of independent rows of one weight; of others there is the estimate (of weighted
    counts), and ``reason`` says what cannot be said.

    Parameters
    ----------
    decision : array of shape (n,)
    attributes : DataFrame of n rows
    strata : array of shape (n,)
        Rows with a missing stratum are left out.
    favorable : label
    sample_weight, clusters, subject
        As in `explaindistill.measures.bias.group_rates`.
    options : GroupOptions
        Its level, and its reference where that is a mapping of attribute to group; else the largest group.

    Returns
    -------
    DataFrame
        Canonical columns: ``stratified_odds_ratio`` (its ``p_value`` is the Cochran–Mantel–Haenszel test) and
        ``stratified_difference``; then ``p_value`` and ``p_homogeneity`` (Breslow–Day–Tarone). ``n`` and ``k`` are
        those of the group, over all strata.

    References
    ----------
    Mantel and Haenszel (1959), doi:10.1093/jnci/22.4.719; Robins, Breslow and Greenland (1986), doi:10.2307/2531052;
    Tarone (1985), doi:10.1093/biomet/72.1.91; Sato (1989), doi:10.2307/2531527.

    Examples
    --------
    Each office treats both sexes alike, one office is strict and sees more women:

    >>> sex = ["f"] * 80 + ["m"] * 20 + ["f"] * 20 + ["m"] * 80
    >>> yes = [1] * 16 + [0] * 64 + [1] * 4 + [0] * 16 + [1] * 16 + [0] * 4 + [1] * 64 + [0] * 16
    >>> who, office = pd.DataFrame({"sex": sex}), ["x"] * 100 + ["y"] * 100
    >>> table = stratified_gaps(yes, attributes=who, strata=office, favorable=1, options=GroupOptions({"sex": "m"}))
    >>> table["estimate"].round(6).tolist()
    [1.0, 0.0]
    """
    chosen = np.asarray(decision) == favorable_label(favorable, decision)
    stratum = pd.factorize(pd.Series(np.asarray(strata)))[0]
    if len(stratum) != len(chosen):
        raise InvalidInputError(f"strata must have one entry per decision: {len(chosen)}, got {len(stratum)}")
    w = weights_of(sample_weight, len(chosen))
    stratum = np.where(w > 0, stratum, -1)
    named = options.reference if isinstance(options.reference, Mapping) else {}
    unsaid = _unsaid(w, clusters)
    lines: list[Line] = []
    for grouping in groupings(attributes, intersections=False):
        sizes = np.where(grouping.missing, -1, np.bincount(grouping.codes, minlength=len(grouping)))
        name = named.get(grouping.attribute, grouping.names[int(sizes.argmax())])
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
                counts = _counts(chosen, stratum, grouping.codes, (a, b), w)
                lines += (line | unsaid for line in _inside(counts, names, options.level))
    return frame(lines, extra=["p_value", "p_homogeneity"])


def _unsaid(w: Floats, clusters: ArrayLike | None) -> Line:
    """What replaces tests and intervals where rows are not independent, or not of one weight."""
    uneven = not np.allclose(w[w > 0], w[w > 0][:1])
    if clusters is None and not uneven:
        return {}
    why = "clusters" if clusters is not None else "weights"
    reason = f"cannot say with {why}: tests and intervals of strata suppose independent rows of one weight"
    unknown = dict.fromkeys(("low", "high", "p_value", "p_homogeneity"), np.nan)
    return {**unknown, "status": "small", "reason": reason}


def _counts(
    chosen: NDArray[np.bool_], stratum: Any, codes: NDArray[np.int64], pair: tuple[int, int], w: Floats
) -> tuple[list[Floats], int, float]:
    """Favourable decisions and rows of either group in every stratum, weighted; then the first's rows and successes.

    Weights are scaled to 1 on average over the rows, so that equal ones are none. A stratum of -1 is none.
    """
    size = int(stratum.max(initial=-1)) + 1
    inside = stratum >= 0
    scaled = w / w[w > 0].mean()
    counts: list[Floats] = []
    for group in pair:
        member = (codes == group) & inside
        for at in (member & chosen, member):
            counts.append(np.asarray(np.bincount(stratum[at], scaled[at], size), dtype=float))
    first = (codes == pair[0]) & inside
    return counts, int(first.sum()), float((first & chosen).sum())


def _inside(counted: tuple[list[Floats], int, float], names: Line, level: float) -> Iterator[Line]:
    """Both figures of one pair of groups."""
    counts, n, k = counted
    common = stratified(counts[0], counts[1], counts[2], counts[3], level)
    rest = {**names, "n": n, "k": k, "p_value": common.p_value,
            "p_homogeneity": common.homogeneity}  # fmt: skip
    odds = (common.odds_ratio, common.low, common.high) if np.isfinite(common.odds_ratio) else (np.nan,) * 3
    yield row("stratified_odds_ratio", *odds, method="mantel-haenszel, rbg", **rest)
    difference = (common.difference, common.difference_low, common.difference_high)
    yield row("stratified_difference", *difference, method="mantel-haenszel, sato", **rest)
