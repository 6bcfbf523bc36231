"""Rates by group, and how faithful a student is to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.favorable import favorable_label
from explaindistill.measures.gaps import SMALL, Reference, group_gaps
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.measures.table import few_clusters, frame, row, shares
from explaindistill.numerics.statistics.mean_limits import mean_limits
from explaindistill.numerics.statistics.tallies import tally, weights_of

__all__ = [
    "FIDELITY_CAVEAT",
    "GroupOptions",
    "fidelity_caveat",
    "group_fidelity",
    "group_means_frame",
    "group_rates",
]

Line = dict[str, Any]
Floats = NDArray[np.float64]
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
