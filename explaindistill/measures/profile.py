"""The arithmetic that dated rule sets name: rates, ratios to the most selected group, exclusions and unknown people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.disclosure import shown_middle
from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import GroupOptions, group_rates
from explaindistill.measures.groups import MISSING
from explaindistill.measures.table import frame, row
from explaindistill.measures.verdicts import judge
from explaindistill.numerics.statistics.hypotheses import fisher
from explaindistill.numerics.statistics.score_limits import score_ratio

__all__ = ["RATES", "ProfileArithmetic", "profile_rates"]

RATES = ("selection_rate", "scoring_rate", "accuracy", "true_positive_rate", "false_positive_rate")
Line = dict[str, Any]


@dataclass(frozen=True)
class ProfileArithmetic:
    """What a rule set asks to be computed.

    Attributes
    ----------
    rates : sequence of `RATES`
        ``scoring_rate`` is the share that scores strictly above the median of all rows; ties at the median are told.
    reference : "highest" or ""
        Ratios are taken to the category with the highest rate, or not at all.
    smallest_share : float in [0, 1)
        Categories of less than this share of all rows may be left out of the ratios.
    bound : float
        A ratio below it counts against the rule of thumb; NaN where the rule set names none.
    crossed : bool
        Whether intersections are asked for.
    level : float
        Confidence of the intervals, which no rule set names.

    Raises
    ------
    InvalidInputError
        For a rate that is not among `RATES`.

    Examples
    --------
    >>> ProfileArithmetic(bound=0.8).rates
    ('selection_rate',)
    """

    rates: Sequence[str] = ("selection_rate",)
    reference: str = "highest"
    smallest_share: float = 0.0
    bound: float = float("nan")
    crossed: bool = True
    level: float = 0.95

    def __post_init__(self) -> None:
        if unknown := set(self.rates) - set(RATES):
            raise InvalidInputError(f"rates must be among {', '.join(RATES)}, got {', '.join(sorted(unknown))}")


DEFAULTS = ProfileArithmetic()


def profile_rates(
    decision: ArrayLike,
    arithmetic: ProfileArithmetic = DEFAULTS,
    *,
    attributes: pd.DataFrame,
    favorable: Any,
    score: ArrayLike | None = None,
    y: ArrayLike | None = None,
    justification: str = "",
    subject: str = "student",
) -> pd.DataFrame:
    """Rates of every category and their ratios to the most selected one, as rule sets on selection ask for them.

    People are counted, not weighted. People whose category is not known are counted beside, and compared with nobody.

    Parameters
    ----------
    decision : array of shape (n,)
        Labels.
    arithmetic : ProfileArithmetic
    attributes : DataFrame of n rows
    favorable : label
    score : array of shape (n,), optional
        Needed for the scoring rate.
    y : array of shape (n,), optional
        True labels; needed for accuracy and for true and false positive rates.
    justification : str
        Why categories below the smallest share are left out of the ratios; without it none is. Their count and rate
        stay in the table.
    subject : str

    Returns
    -------
    DataFrame
        Canonical columns, then ``share`` (of all rows), ``p_value`` (Fisher, of the difference to the reference) and
        ``verdict`` (where there is a bound). ``metric`` is a rate, a rate with ``_impact_ratio`` (the category's rate
        over the highest one, ``n`` and ``k`` of the category), ``unknown_share`` by attribute, and
        ``scoring_tie_share``.

    References
    ----------
    29 CFR 1607.4(D) (impact ratio); Laud (2017), doi:10.1002/pst.1813 (its interval).

    Examples
    --------
    >>> sex = pd.DataFrame({"sex": ["f"] * 100 + ["m"] * 100})
    >>> decision, arithmetic = [1] * 30 + [0] * 70 + [1] * 60 + [0] * 40, ProfileArithmetic(bound=0.8)
    >>> table = profile_rates(decision, arithmetic, attributes=sex, favorable=1)
    >>> ratio = table[table["metric"] == "selection_rate_impact_ratio"]
    >>> ratio[["group", "reference", "estimate", "verdict"]].values.tolist()
    [['f', 'm', 0.5, 'fail'], ['m', 'm', 1.0, '']]
    """
    options = GroupOptions(intersections=arithmetic.crossed, level=arithmetic.level, min_group_size=0)
    shared: Line = {"attributes": attributes, "subject": subject, "options": options}
    table = group_rates(decision, favorable=favorable, y=y, **shared)
    tables = [table[table["metric"].isin(arithmetic.rates)]]
    scored = "scoring_rate" in arithmetic.rates
    if scored and score is not None:
        tables.append(_scoring(score, shared))
    lines = list(_counted(pd.concat(tables, ignore_index=True), table, len(attributes)))
    for line in lines:
        line["status"], line["reason"] = _status(line, arithmetic.smallest_share, justification)
    ratios = list(_ratios(lines, arithmetic.bound, arithmetic.level)) if arithmetic.reference == "highest" else []
    extra = [*_unknown(table, len(attributes)), *(_ties(score, subject) if scored else ())]
    return frame([*lines, *ratios, *extra], extra=["share", "p_value", "verdict"])


def _scoring(score: ArrayLike, shared: Line) -> pd.DataFrame:
    """Share of each group that scores strictly above the median of all rows."""
    values = np.asarray(score, dtype=float)
    if (gone := np.isnan(values)).any():  # no score is above a median that is NaN: every rate would be 0
        raise InvalidInputError(f"score must hold no NaN, got {int(gone.sum())} of {len(values)}")
    above = group_rates(values > np.median(values), favorable=True, **shared)
    return above.assign(metric="scoring_rate")


def _counted(rates: pd.DataFrame, sizes: pd.DataFrame, n: int) -> Iterator[Line]:
    """Lines of known categories, each with the share of all rows that its category has."""
    whole = sizes[sizes["metric"] == "selection_rate"].set_index(["attribute", "group"])["n"]
    for line in rates[~rates["group"].str.contains(MISSING, regex=False)].to_dict("records"):
        yield line | {"share": float(whole.loc[(line["attribute"], line["group"])]) / n, "verdict": ""}


def _status(line: Line, smallest: float, justification: str) -> tuple[str, str]:
    """Status and reason of a category, which is left out of the ratios where it is small and a reason is stated."""
    if line["share"] >= smallest or line["status"] != "ok":
        return line["status"], line["reason"]
    words = f"{line['share']:.1%} of all rows, below {smallest:.0%}"
    if justification:
        return "excluded", f"{words}: left out of the ratios. Stated reason: {justification}"
    return "ok", f"{words}: may be left out of the ratios if a reason is stated"


def _ratios(lines: list[Line], bound: float, level: float) -> Iterator[Line]:
    """Ratio of each category to the one with the highest rate, of equals the largest, by metric and attribute."""
    by: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        by.setdefault((line["metric"], line["attribute"]), []).append(line)
    for categories in by.values():
        defined = [line for line in categories if line["status"] != "excluded" and line["n"] > 0]
        if not defined:
            continue
        best = max(defined, key=lambda line: (line["estimate"], line["n"]))
        for line in categories:
            yield _ratio(line, best, bound, level)


def _ratio(line: Line, best: Line, bound: float, level: float) -> Line:
    """Rate of one category over the highest one; 1 without an interval for the highest itself."""
    keys = ("subject", "attribute", "group", "n", "k", "n_effective", "share", "status", "reason")
    names = {key: line[key] for key in keys} | {"reference": best["group"], "method": "score", "verdict": ""}
    metric = f"{line['metric']}_impact_ratio"
    if line["status"] != "ok" or best["k"] == 0:
        why = {} if line["status"] != "ok" else {"status": "undefined", "reason": "nobody was selected"}
        return row(metric, np.nan, np.nan, np.nan, **(names | why))
    if line is best:
        return row(metric, 1.0, np.nan, np.nan, **(names | {"method": ""}))
    low, high = score_ratio(line["k"], line["n"], best["k"], best["n"], level)
    ratio = row(metric, line["estimate"] / best["estimate"], float(low), float(high), **names)
    ratio["p_value"] = fisher(int(line["k"]), int(line["n"]), int(best["k"]), int(best["n"]))
    if not np.isnan(bound):
        ratio["verdict"], needed = judge(ratio["estimate"], ratio["low"], ratio["high"], f">= {bound}", line["n"])
        ratio["reason"] = "; ".join(filter(None, (line["reason"], needed)))
    return ratio


def _unknown(table: pd.DataFrame, n: int) -> Iterator[Line]:
    """How many people have no known category, by attribute and intersection; 0 is told too."""
    rates = table[table["metric"] == "selection_rate"]
    for (subject, attribute), groups in rates.groupby(["subject", "attribute"], sort=False):
        gone = groups[groups["group"].str.contains(MISSING, regex=False)]
        count = int(gone["n"].sum())
        names = {"subject": subject, "attribute": attribute, "n": n, "k": float(count), "verdict": ""}
        yield row("unknown_share", count / n if n else np.nan, np.nan, np.nan, method="count", **names)


def _ties(score: ArrayLike | None, subject: str) -> Iterator[Line]:
    """Share of rows whose score is the median itself: they count as not above it."""
    values: NDArray[np.float64] = np.asarray([] if score is None else score, dtype=float)
    if len(values) == 0:
        reason = "scores were not given, so scoring rates were not computed"
        yield row("scoring_tie_share", np.nan, np.nan, np.nan, n=0, subject=subject, reason=reason, verdict="")
        return
    median = float(np.median(values))
    tied = float((values == median).mean())
    names: Mapping[str, Any] = {"n": len(values), "k": tied * len(values), "subject": subject, "verdict": ""}
    reason = f"the median score is about {shown_middle(values):g}"  # itself it would be that of one person
    yield row("scoring_tie_share", tied, np.nan, np.nan, reason=reason, **names)
