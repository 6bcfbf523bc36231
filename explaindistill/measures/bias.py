"""Rates by group, and their gaps to a named reference group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.class_words import class_words
from explaindistill.errors import InvalidInputError
from explaindistill.measures.favorable import favorable_label
from explaindistill.measures.groups import MISSING, Grouping, groupings
from explaindistill.measures.table import few_clusters, frame, row, shares
from explaindistill.numerics.statistics.intervals import mover_difference, newcombe, ratio_of_intervals
from explaindistill.numerics.statistics.mean_limits import mean_limits
from explaindistill.numerics.statistics.members import Member, clustered_gap, correlation, pair
from explaindistill.numerics.statistics.tallies import tally, weights_of

__all__ = [
    "FIDELITY_CAVEAT",
    "SMALL",
    "GroupOptions",
    "Reference",
    "fidelity_caveat",
    "group_fidelity",
    "group_gaps",
    "group_means_frame",
    "group_rates",
]

Reference = str | Mapping[str, str]
Line = dict[str, Any]
Floats = NDArray[np.float64]
SMALL = 30
"""Groups of fewer rows are ``small``. A trade-off: at 30 rows Wilson's interval of a rate of one half still reaches 17
points to either side; a lower number warns of less, a higher one calls most crossed groups small."""
FIDELITY_CAVEAT = (
    "The student repeats its teacher less well for some groups than for others: "
    "a student without a gap says nothing about its teacher."
)


@dataclass(frozen=True)
class GroupOptions:
    """Which groups are compared with which, and how sure the intervals are.

    Attributes
    ----------
    reference : "largest", "highest" or mapping of attribute to group
        See `group_gaps`.
    intersections : bool or int
        Whether intersections are measured too; an integer is the largest number of columns.
    min_group_size : int
        A figure over fewer rows has the status ``small``.
    level : float
        Confidence of the intervals.

    Examples
    --------
    >>> GroupOptions(intersections=False).min_group_size
    30
    """

    reference: Reference = "largest"
    intersections: bool | int = True
    min_group_size: int = SMALL
    level: float = 0.95


DEFAULTS = GroupOptions()
MEMBER = ("member",)
"""Column of clustered figures: which clusters the rows are in, so that two groups can be compared."""
WEIGHT = ("weight",)
"""Column of weighted rates: the weight of the rows, so that groups can be added up."""


def group_rates(
    decision: ArrayLike,
    *,
    attributes: pd.DataFrame,
    favorable: Any,
    y: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    subject: str = "student",
    options: GroupOptions = DEFAULTS,
) -> pd.DataFrame:
    """Rates of every group and intersection, with Wilson's intervals.

    =============================  ==============================  ==================================
    metric                         share of                        among
    =============================  ==============================  ==================================
    ``selection_rate``             favourable decisions            all rows of the group
    ``base_rate``                  favourable true labels          rows with a true label
    ``true_positive_rate``         favourable decisions            true label favourable
    ``false_positive_rate``        favourable decisions            true label not favourable
    ``positive_predictive_value``  true label favourable           decided favourably
    ``negative_predictive_value``  true label not favourable       not decided favourably
    ``accuracy``                   decision equals the true label  rows with a true label
    =============================  ==============================  ==================================

    Parameters
    ----------
    decision : array of shape (n,)
        Labels, see `explaindistill.measures.decision.decisions`; the categories of a ``pandas.Categorical`` are the
        classes, whether they occur or not.
    attributes : DataFrame of n rows
        Sensitive columns; they need not be inputs of any model. See `explaindistill.measures.groups.groupings`.
    favorable : label
        The decision that people want, never guessed: one that is no label is refused.
    y : array of shape (n,), optional
        True labels; without them there are selection rates only.
    sample_weight, clusters, subject
        As in `explaindistill.measures.fidelity.fidelity`.
    options : GroupOptions
        All but the reference, which a rate does not need.

    Returns
    -------
    DataFrame
        Canonical columns. ``n`` is the number of rows in the rate's own denominator and ``k`` the successes among them;
        where ``n`` is 0 the rate is ``undefined``, not 0. With ``clusters`` also ``member``: what clusters that two
        groups share say of their difference, read by `group_gaps` and `comparisons.worst_pairs`; a rate of rows in
        fewer than five clusters has no interval. With weights also ``weight``, their sum.

    Examples
    --------
    >>> rates = group_rates(["yes", "no", "yes"], attributes=pd.DataFrame({"sex": ["f", "f", "m"]}), favorable="yes")
    >>> rates[["metric", "group", "n", "estimate"]].values.tolist()
    [['selection_rate', 'f', 2, 0.5], ['selection_rate', 'm', 1, 1.0]]
    """
    favorable = favorable_label(favorable, decision, y)
    chosen = np.asarray(decision) == favorable
    _same_rows("attributes", len(attributes), len(chosen))
    w = None if sample_weight is None else weights_of(sample_weight, len(chosen))
    lines: list[Line] = []
    questions = list(_questions(np.asarray(decision), chosen, y, favorable))
    for grouping in groupings(attributes, options.intersections):
        names = [{"subject": subject, "attribute": grouping.attribute, "group": g} for g in grouping.names]
        for metric, success, among, empty in questions:
            codes = grouping.codes if among is None else np.where(among, grouping.codes, -1)
            counted = tally(success, codes, len(grouping), sample_weight=w, clusters=clusters)
            lines += shares(metric, counted, names, level=options.level, minimum=options.min_group_size, empty=empty)
    return frame(lines, extra=(MEMBER if clusters is not None else ()) + (WEIGHT if w is not None else ()))


Question = tuple[str, NDArray[np.bool_], NDArray[np.bool_] | None, str]


def _questions(
    decision: NDArray[Any], chosen: NDArray[np.bool_], y: ArrayLike | None, favorable: Any
) -> Iterator[Question]:
    """Each rate: its name, what counts as success, among which rows, and what an empty denominator means."""
    yield "selection_rate", chosen, None, "no rows"
    if y is None:
        return
    labels = pd.Series(np.asarray(y).ravel())
    _same_rows("y", len(labels), len(chosen))
    labelled, good = labels.notna().to_numpy(), (labels == favorable).to_numpy(dtype=bool, na_value=False)
    yield "base_rate", good, labelled, "no true labels"
    yield "true_positive_rate", chosen, good, "no rows whose true label is favourable"
    yield "false_positive_rate", chosen, labelled & ~good, "no rows whose true label is unfavourable"
    yield "positive_predictive_value", good, labelled & chosen, "no row was decided favourably"
    yield "negative_predictive_value", ~good, labelled & ~chosen, "every row was decided favourably"
    yield "accuracy", (labels == decision).to_numpy(dtype=bool, na_value=False), labelled, "no true labels"


def _same_rows(name: str, got: int, n: int) -> None:
    if got != n:
        raise InvalidInputError(f"{name} must have one row per decision: {n}, got {got}")


def group_means_frame(
    values: ArrayLike,
    *,
    attributes: pd.DataFrame,
    y: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    subject: str = "student",
    options: GroupOptions = DEFAULTS,
) -> pd.DataFrame:
    r"""Means by group of a regressor's (or a score's) values, with the wider of Student's and Hall's limits.

    Over the rows i of a group, with weights w: :math:`\bar v = \sum w_i v_i / \sum w_i` and the variance
    :math:`\frac{n}{n-1} \sum w_i^2 (v_i - \bar v)^2 / (\sum w_i)^2`, at as many degrees of freedom as the rows that the
    weights are worth, less one. With clusters variance and degrees of freedom are those between clusters, see
    `explaindistill.numerics.statistics.clusters`.

    Parameters
    ----------
    values : array of shape (n,)
    attributes, sample_weight, clusters, subject, options
        As in `group_rates`.
    y : array of shape (n,), optional
        True values; then there are also ``mean_residual`` (value minus truth) and ``mae``.

    Returns
    -------
    DataFrame
        Canonical columns; ``metric`` is ``mean_prediction``, ``mean_residual`` or ``mae``.

    Examples
    --------
    >>> means = group_means_frame([1.0, 3.0, 5.0], attributes=pd.DataFrame({"sex": ["f", "f", "m"]}))
    >>> means[["group", "n", "estimate"]].values.tolist()
    [['f', 2, 2.0], ['m', 1, 5.0]]
    """
    v = np.asarray(values, dtype=float).ravel()
    _same_rows("attributes", len(attributes), len(v))
    measured = [("mean_prediction", v)]
    if y is not None:
        truth = np.asarray(y, dtype=float).ravel()
        _same_rows("y", len(truth), len(v))
        measured += [("mean_residual", v - truth), ("mae", np.abs(v - truth))]
    shared: Line = {"sample_weight": sample_weight, "clusters": clusters}
    lines: list[Line] = []
    for grouping in groupings(attributes, options.intersections):
        for metric, numbers in measured:
            lines += (line | {"subject": subject} for line in _means(metric, numbers, grouping, shared, options))
    return frame(lines, extra=MEMBER if clusters is not None else ())


def _means(metric: str, values: Floats, grouping: Grouping, shared: Line, options: GroupOptions) -> Iterator[Line]:
    """One line per group; rows without a value are left out."""
    codes, size = np.where(np.isnan(values), -1, grouping.codes), len(grouping)
    filled = np.where(np.isnan(values), 0.0, values)
    counted = tally(np.ones(len(values), dtype=bool), codes, size, sample_weight=shared["sample_weight"])
    limits = mean_limits(filled, codes, size, level=options.level, **shared)
    for i, name in enumerate(grouping.names):
        n, (mean, low, high) = int(counted.n[i]), limits.sides(i)
        line = row(
            metric, float(mean), float(low), float(high), n=n, n_effective=counted.n_effective[i],
            method="t and hall", attribute=grouping.attribute, group=name,
        )  # fmt: skip
        if 0 < n < options.min_group_size:
            line |= {"status": "small", "reason": f"{n} rows, fewer than {options.min_group_size}"}
        if n and limits.members:
            member = limits.members[i]
            line |= {"member": member, "n_effective": member.n_effective} | few_clusters(member.count)
        yield line


def group_gaps(
    rates: pd.DataFrame, reference: Reference = "largest", *, level: float = 0.95, min_group_size: int = SMALL
) -> pd.DataFrame:
    """Differences and ratios of each group to a named reference group, with intervals.

    Of clustered rows (``rates`` then has a column ``member``) the interval knows how the groups share clusters; without
    clusters both groups are independent.

    Parameters
    ----------
    rates : DataFrame
        From `group_rates` (differences by Newcombe's, ratios by the MOVER-R interval) or from
        `group_means_frame` and `group_fidelity` (differences by MOVER).
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
    Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I; Zou and Donner (2008),
    doi:10.1002/sim.3095 (MOVER); Donner and Zou (2012), doi:10.1177/0962280210383083 (MOVER-R).

    Examples
    --------
    >>> rates = group_rates(
    ...     ["yes"] * 60 + ["no"] * 40 + ["yes"] * 30 + ["no"] * 70,
    ...     attributes=pd.DataFrame({"sex": ["m"] * 100 + ["f"] * 100}), favorable="yes")
    >>> gaps = group_gaps(rates, {"sex": "m"}).set_index("metric")
    >>> gaps["estimate"].round(3).to_dict()
    {'selection_rate_difference': -0.3, 'selection_rate_ratio': 0.5}
    """
    sizes = rates.groupby(["subject", "attribute", "group"], sort=False)["n"].max()
    lines: list[Line] = []
    for (_, subject, attribute), table in rates.groupby(["metric", "subject", "attribute"], sort=False):
        name = _reference(table, reference, str(attribute), sizes.loc[subject, attribute], min_group_size)
        chosen = table["group"] == name
        lines += _gaps(table[~chosen], table[chosen].iloc[0], level, min_group_size)
    return frame(lines)


def _reference(table: pd.DataFrame, reference: Reference, attribute: str, sizes: pd.Series, minimum: int) -> str:
    """Name of the reference group among the rates of one metric, subject and attribute."""
    groups = table["group"].tolist()
    if isinstance(reference, Mapping) and attribute in reference:
        name = str(reference[attribute])
        if name not in groups:
            raise InvalidInputError(
                f"reference names the group {name!r} of {attribute}, the groups are {class_words(groups)}"
            )
        return name
    if isinstance(reference, str) and reference not in {"largest", "highest"}:
        raise InvalidInputError(f'reference must be "largest", "highest" or a mapping, got {reference!r}')
    named = table[~table["group"].str.contains(MISSING, regex=False)]
    named = table if named.empty else named
    if reference == "highest" and named["estimate"].notna().any():
        big = named[(named["n"] >= minimum) & named["estimate"].notna()]
        pool = named if big.empty else big
        return str(pool.loc[pool["estimate"].idxmax(), "group"])
    return str(sizes[named["group"]].idxmax())


@dataclass(frozen=True)
class _Side:
    """One group's figure with its limits; n and k are effective counts, k not whole with weights."""

    n: float
    k: float
    estimate: float
    low: float
    high: float

    @classmethod
    def of(cls, line: Any) -> _Side:
        n = float(line.n_effective)
        return cls(n, n * float(np.nan_to_num(line.estimate)), float(line.estimate), float(line.low), float(line.high))


def _gaps(groups: pd.DataFrame, reference: Any, level: float, minimum: int) -> Iterator[Line]:
    """Difference a - b of each group a to the reference b, and of shares the ratio a / b."""
    b = _Side.of(reference)
    for line in groups.itertuples():
        a = _Side.of(line)
        names = {
            key: getattr(line, key) for key in ("subject", "attribute", "group", "subset", "n", "k", "n_effective")
        }
        names["reference"] = reference.group
        share = line.method == "wilson"
        sides = ((a.estimate, a.low, a.high), (b.estimate, b.low, b.high))
        status = _gap_status(line, reference, minimum)
        (low, high), relatives = _limits(line, reference, sides, level)
        difference = row(f"{line.metric}_difference", a.estimate - b.estimate, float(low), float(high), **names)
        yield difference | {"method": "newcombe" if share else "mover"} | status
        if share:
            low, high = relatives
            ratio = a.estimate / b.estimate if b.estimate > 0 else np.nan
            relative = row(f"{line.metric}_ratio", ratio, float(low), float(high), **names)
            relative |= {"method": "mover-r"} | status
            if b.estimate == 0 and status.get("status") != "undefined":
                relative |= {"status": "undefined", "reason": f"the rate of the reference group {reference.group} is 0"}
            yield relative


def _limits(a: Any, b: Any, sides: tuple[Any, Any], level: float) -> tuple[Any, Any]:
    """Limits of the difference of two groups and, of shares, of their ratio; clustered or not."""
    share = a.method == "wilson"
    first_member, second_member = getattr(a, "member", None), getattr(b, "member", None)
    if isinstance(first_member, Member) and isinstance(second_member, Member):
        if share:
            return clustered_gap(a.estimate, b.estimate, pair(first_member, second_member, level))
        return mover_difference(*sides, correlation(first_member, second_member)), None
    if not share:
        return mover_difference(*sides), None
    first, second = _Side.of(a), _Side.of(b)
    return newcombe(first.k, first.n, second.k, second.n, level), ratio_of_intervals(*sides)


def _gap_status(line: Any, reference: Any, minimum: int) -> Line:
    for side in (line, reference):
        if np.isnan(side.estimate):
            return {"status": "undefined", "reason": f"{side.group}: {side.reason}"}
    for side in (line, reference):
        if isinstance(member := getattr(side, "member", None), Member) and (lack := few_clusters(member.count)):
            return lack | {"reason": f"{side.group}: {lack['reason']}"}
    few = [f"{side.group} has {side.n} rows" for side in (line, reference) if side.n < minimum]
    return {"status": "small", "reason": f"{', '.join(few)}, fewer than {minimum}"} if few else {}


def group_fidelity(
    teacher: ArrayLike,
    student: ArrayLike,
    *,
    attributes: pd.DataFrame,
    task: str = "classification",
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    subject: str = "student",
    options: GroupOptions = DEFAULTS,
) -> pd.DataFrame:
    """How well the student repeats its teacher in each group, and the gaps between groups.

    Parameters
    ----------
    teacher, student : array of shape (n,)
        Decisions of both; values where ``task`` is ``"regression"``.
    attributes, sample_weight, clusters, subject, options
        As in `group_rates` and `group_gaps`.

    Returns
    -------
    DataFrame
        Canonical columns: ``agreement`` by group and ``agreement_difference`` to the reference; in regression
        ``mae`` and ``mean_residual`` (student minus teacher) and their differences.

    Examples
    --------
    >>> table = group_fidelity(
    ...     ["a", "b", "a", "b"], ["a", "b", "b", "b"], attributes=pd.DataFrame({"sex": ["f", "f", "m", "m"]}))
    >>> table[table["metric"] == "agreement"]["estimate"].tolist()
    [1.0, 0.5]
    """
    shared: dict[str, Any] = {
        "attributes": attributes, "sample_weight": sample_weight, "subject": subject, "options": options,
    }  # fmt: skip
    if task == "regression":
        means = group_means_frame(student, y=teacher, clusters=clusters, **shared)
        figures = means[means["metric"] != "mean_prediction"]
    else:
        same = np.asarray(teacher) == np.asarray(student)
        figures = group_rates(same, favorable=True, clusters=clusters, **shared)
        figures["metric"] = "agreement"
    gaps = group_gaps(figures, options.reference, level=options.level, min_group_size=options.min_group_size)
    gaps = gaps[~gaps["metric"].str.endswith("_ratio")]
    return pd.concat([figures, gaps], ignore_index=True)


def fidelity_caveat(fidelities: pd.DataFrame) -> str:
    """Say the sentence that a fidelity gap demands, or nothing where no gap's interval excludes 0.

    Parameters
    ----------
    fidelities : DataFrame
        From `group_fidelity`.

    Examples
    --------
    >>> teacher, student = ["a", "b"] * 200, ["a", "b"] * 100 + ["b", "b"] * 100
    >>> who = pd.DataFrame({"sex": ["f"] * 200 + ["m"] * 200})
    >>> print(fidelity_caveat(group_fidelity(teacher, student, attributes=who)))
    The student repeats its teacher less well for some groups than for others: ...
    >>> fidelity_caveat(group_fidelity(teacher, teacher, attributes=who))
    ''
    """
    gaps = fidelities[fidelities["metric"].isin(["agreement_difference", "mae_difference"])]
    return FIDELITY_CAVEAT if bool(((gaps["low"] > 0) | (gaps["high"] < 0)).any()) else ""
