"""Withhold the figures of groups so small that single people could be recognised in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.disclosure import common_values
from explaindistill.measures.groups import FEW_VALUES, MISSING, Grouping, groupings
from explaindistill.measures.once import once
from explaindistill.measures.small_subsets import small_subsets
from explaindistill.numerics.statistics.suppression import few_together, withheld

__all__ = ["NEIGHBOUR", "hidden_groups", "suppress", "with_common_values", "withheld_lines", "withhold"]

NEIGHBOUR = "withheld: figures of fewer people could be worked out from it"
"""Reason of a line whose group has people enough, and would tell of another that has not."""
LARGEST = 2.0**53
"""Stands for infinite where sizes are whole numbers: above it, floats are no longer exact."""

SELECTION = (
    "selection_rate", "selection_rate_difference", "selection_rate_ratio", "selection_rate_worst_difference",
    "selection_rate_worst_ratio", "transfer", "transfer_from_baseline",
    "mean_prediction", "mean_prediction_difference", "mean_transfer", "mean_transfer_from_baseline",
    "stratified_difference", "stratified_odds_ratio",
)  # fmt: skip
"""Figures that rest on decisions only: their denominator is the group itself, whose size is judged beforehand. What of
``transfer_…`` rests on true labels as well is not among them."""
_NUMBERS = ("n", "k", "n_effective", "estimate", "low", "high")
_WORDS = {"method", "verdict", "becomes", "was", "output"}
"""What is said of a figure: a line without method tells that a regression could not be fitted, a verdict that a gap is
there, and words of a worst case what somebody nearby has."""
_MOST_CELLS = 600
"""Cells of the finest intersection up to which it is worked out which figures follow from others. A trade-off: beyond,
more is withheld than must be, since the time grows with a power of the cells."""
_MOST_SHARES = 200
"""The same for the cells of one table of leaves and groups, of which an audit has many."""


def hidden_groups(
    attributes: pd.DataFrame, minimum: int, first: Mapping[tuple[str, str], int] | None = None
) -> set[tuple[str, str]]:
    """Groups whose figures must be withheld: the small ones, and those from which a small one could be worked out.

    Parameters
    ----------
    attributes : DataFrame of n rows
        Sensitive columns, as for :func:`~explaindistill.measures.groups.groupings`.
    minimum : int
        Groups of fewer rows are withheld; 0 or 1 withholds none.
    first : mapping of pairs of attribute and group to int, optional
        To be withheld whatever their size, and the people behind the least of their figures.

    Returns
    -------
    set of pairs of attribute and group

    Notes
    -----
    A withheld count must not follow from the published ones, each of which is a sum over the finest intersection
    (Cox, 1980, doi:10.2307/2287481): where it would, the smallest group that prevents it is withheld too. What may not
    be told of one group, may not be told of several that are together fewer than ``minimum``, either; see
    `explaindistill.numerics.statistics.suppression.few_together`.

    Examples
    --------
    One group of 5 in a table whose total is known: its neighbour must go with it.

    >>> sex = pd.DataFrame({"sex": ["f"] * 60 + ["m"] * 35 + ["x"] * 5})
    >>> sorted(hidden_groups(sex, 10))
    [('sex', 'm'), ('sex', 'x')]
    """
    wanted = dict(first or {})
    key = ("hidden", minimum, frozenset(wanted.items()))
    return set(once(attributes, key, lambda: _hidden(attributes, minimum, wanted)))


def _hidden(attributes: pd.DataFrame, minimum: int, wanted: Mapping[tuple[str, str], int]) -> set[tuple[str, str]]:
    groups = groupings(attributes)
    keys = [(g.attribute, name) for g in groups for name in g.names]
    sizes = np.concatenate([np.bincount(g.codes, minlength=len(g)) for g in groups] or [np.zeros(0, dtype=np.int64)])
    small = np.array([key in wanted for key in keys], dtype=bool) | (sizes < minimum)
    if not small.any():
        return set()
    if len(groups[-1]) > _MOST_CELLS:  # too many cells to solve for: a partition with a small group is withheld whole
        touched = {key[0] for key, is_small in zip(keys, small, strict=True) if is_small}
        return {key for key in keys if key[0] in touched}
    cells = np.vstack([np.ones((1, len(groups[-1]))), _members(groups)])
    families = np.concatenate([[-1], np.repeat(np.arange(len(groups)), [len(g) for g in groups])])
    counts = np.concatenate([[len(attributes)], sizes])
    people = np.minimum(counts, [len(attributes), *(wanted.get(key, len(attributes)) for key in keys)])
    hidden = _hidden_with_unions(cells, counts, people, families, np.concatenate([[False], small]), minimum)
    return {key for key, is_hidden in zip(keys, hidden[1:], strict=True) if is_hidden}


def _hidden_with_unions(
    groups: NDArray[np.float64],
    counts: NDArray[np.int64],
    people: NDArray[np.int64],
    families: NDArray[np.int64],
    small: NDArray[np.bool_],
    minimum: int,
) -> NDArray[np.bool_]:
    """Groups to withhold, until no union of them that could be worked out is of too few ``people``."""
    unions, of, hidden = np.zeros((0, groups.shape[1])), np.zeros(0, dtype=np.int64), small
    while True:
        always = np.ones(len(unions), dtype=bool)
        hidden = withheld(
            np.vstack([groups, unions]),
            np.concatenate([counts, np.zeros(len(unions), dtype=np.int64)]),
            [*families.tolist(), *of.tolist()],
            np.concatenate([small, always]),
            np.concatenate([hidden, always]),
        )[: len(groups)]
        more, their = few_together(groups, people, families, hidden, minimum)
        every = np.column_stack([np.vstack([unions, more]), np.concatenate([of, their])])
        every = np.unique(every, axis=0)
        if len(every) == len(unions):  # nothing is left in their families that would hide the others
            return hidden
        unions, of = every[:, :-1], every[:, -1].astype(np.int64)


def _members(groups: Sequence[Grouping]) -> NDArray[np.float64]:
    """1 where a cell (column) of the finest grouping, the last one, belongs to a group (row)."""
    finest = groups[-1]
    at = np.zeros(len(finest), dtype=np.int64)
    at[finest.codes] = np.arange(len(finest.codes))  # any row of the cell
    blocks = [(g.codes[at][None, :] == np.arange(len(g))[:, None]).astype(float) for g in groups]
    return np.vstack(blocks)


def suppress(frames: Mapping[str, pd.DataFrame], attributes: pd.DataFrame, minimum: int) -> dict[str, pd.DataFrame]:
    """Frames without the figures of groups of fewer than ``minimum`` rows.

    Classes, tenths, rules and bins of few rows go, too, whether there are groups or not; see
    :mod:`~explaindistill.measures.small_subsets`.

    Where the group is large enough but what a rate is a share of is not (a true positive rate of three positives), all
    rates of that group and model that rest on true labels go, since one follows from the others; in every frame, where
    the frame ``rates`` says so.

    A figure of many groups at once is not looked into: `comparisons.worst_pairs` and `comparisons.adjust` are told by
    :func:`withheld_lines` on which figures they must not rest.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Those without the columns ``attribute``, ``group`` and ``status`` stay as they are.
    attributes : DataFrame of n rows
        Sensitive columns of the audited rows.
    minimum : int
        0 or 1 withholds nothing.

    Returns
    -------
    dict of str to DataFrame
        Withheld lines keep their names and lose every number, ``n`` included (NaN); their status is ``suppressed``.
        The reason is `NEIGHBOUR` where the group itself has people enough.

    Examples
    --------
    >>> from explaindistill.measures.bias import group_rates
    >>> who = pd.DataFrame({"sex": ["f"] * 60 + ["m"] * 35 + ["x"] * 5})
    >>> rates = group_rates([1, 0] * 50, attributes=who, favorable=1)
    >>> suppress({"rates": rates}, who, 10)["rates"][["group", "n", "status"]].values.tolist()
    [['f', 60.0, 'ok'], ['m', nan, 'suppressed'], ['x', nan, 'suppressed']]
    """
    if minimum <= 1:
        return dict(frames)
    out = {name: _without_subsets(frame, minimum) for name, frame in frames.items()}
    if attributes.shape[1] == 0:
        return out
    always, few = hidden_groups(attributes, minimum), _few_shares(out.get("rates"), minimum)
    return {name: _without(frame, attributes, minimum, always, few) for name, frame in out.items()}


def withheld_lines(rates: pd.DataFrame, attributes: pd.DataFrame, minimum: int) -> NDArray[np.bool_]:
    """Which rates :func:`suppress` will withhold: no figure that is shown may rest on them.

    Parameters
    ----------
    rates : DataFrame
        From `explaindistill.measures.bias.group_rates`.
    attributes, minimum
        As for :func:`suppress`.

    Returns
    -------
    array of bool, one per line

    Examples
    --------
    >>> from explaindistill.measures.bias import group_rates
    >>> who = pd.DataFrame({"sex": ["f"] * 60 + ["m"] * 35 + ["x"] * 5})
    >>> withheld_lines(group_rates([1, 0] * 50, attributes=who, favorable=1), who, 10).tolist()
    [False, True, True]
    """
    if minimum <= 1 or attributes.shape[1] == 0 or rates.empty:
        return np.zeros(len(rates), dtype=bool)
    return _telling(rates, attributes, minimum, hidden_groups(attributes, minimum), _few_shares(rates, minimum))


def _few_shares(rates: pd.DataFrame | None, minimum: int) -> dict[str, dict[tuple[str, str], int]]:
    """By model the groups of which some rate is a share of fewer rows than the minimum, and the fewest rows."""
    if rates is None or rates.empty:
        return {}
    return {str(subject): _fewest(lines, minimum) for subject, lines in rates.groupby("subject")}


def _fewest(lines: pd.DataFrame, minimum: int) -> dict[tuple[str, str], int]:
    """Groups of which a line rests on fewer rows than the minimum, and the fewest rows."""
    few = lines[(lines["n"] < minimum) & (lines["attribute"] != "")]
    fewest = few["n"].groupby([few["attribute"].astype(str), few["group"].astype(str)]).min()
    return {key: int(n) for key, n in fewest.items()}


def _without_subsets(frame: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """One frame without the numbers of classes, tenths, rules and bins of few rows."""
    if not {"metric", "subject", "subset", "attribute", "status", "n"} <= set(frame.columns) or frame.empty:
        return frame
    return _nameless(withhold(frame, gone := small_subsets(frame, minimum), minimum), gone)


def _without(
    frame: pd.DataFrame,
    attributes: pd.DataFrame,
    minimum: int,
    always: set[tuple[str, str]],
    few: Mapping[str, Mapping[tuple[str, str], int]],
) -> pd.DataFrame:
    """One frame without the numbers of lines that are, or tell of, a group to be withheld."""
    if not {"attribute", "group", "status", "n"} <= set(frame.columns) or frame.empty:
        return frame
    gone = _telling(frame, attributes, minimum, always, few)
    out = _nameless(withhold(frame, gone, minimum), gone)
    beside = gone & ~_of_few(frame, attributes, minimum, few)
    if beside.any():
        out.loc[beside, "reason"] = NEIGHBOUR
    return out


def _of_few(
    frame: pd.DataFrame, attributes: pd.DataFrame, minimum: int, few: Mapping[str, Mapping[tuple[str, str], int]]
) -> NDArray[np.bool_]:
    """Lines of a group of too few rows, or one of whose rates is a share of few, and what rests on several groups."""
    small = {
        (g.attribute, name)
        for g in groupings(attributes)
        for name, n in zip(g.names, np.bincount(g.codes, minlength=len(g)), strict=True)
        if n < minimum
    }
    out = _touching(frame, small) | (frame["group"] == "").to_numpy() | (frame["metric"] == "leaf_share").to_numpy()
    for subject in frame["subject"].unique():
        lines = (frame["subject"] == subject).to_numpy()
        out[lines] |= _touching(frame[lines], {*_fewest(frame[lines], minimum), *few.get(str(subject), {})})
    return out


def _nameless(frame: pd.DataFrame, gone: NDArray[np.bool_]) -> pd.DataFrame:
    """Without the names of a withheld worst pair or class: which it is, is a figure of theirs, the lowest rate."""
    chosen = gone & frame["metric"].str.contains("_worst_").to_numpy()
    if not chosen.any():
        return frame
    out = frame.copy()
    out.loc[chosen, [column for column in ("group", "reference") if column in out]] = ""
    return out


def _telling(
    frame: pd.DataFrame,
    attributes: pd.DataFrame,
    minimum: int,
    always: set[tuple[str, str]],
    few: Mapping[str, Mapping[tuple[str, str], int]],
) -> NDArray[np.bool_]:
    """Lines that are, or tell of, a group of ``always``, or one of whose rates is a share of few."""
    gone = _touching(frame, always)
    if "n_unknown" in frame:  # bounds of every group rest on all people whose group is not known
        unknown = {attribute for attribute, group in always if MISSING in group}
        gone |= frame["attribute"].isin(unknown).to_numpy()
    gone |= _small_shares(frame, gone, minimum)
    for subject in frame["subject"].unique():
        gone |= _conditional(frame, subject, attributes, minimum, always, few.get(str(subject), {}))
    return gone


def withhold(table: pd.DataFrame, gone: NDArray[np.bool_], minimum: int) -> pd.DataFrame:
    """Lines without their numbers, and the reason why; the table itself where there are none.

    Examples
    --------
    >>> from explaindistill.measures.table import frame, row
    >>> table = frame([row("agreement", 1.0, 0.9, 1.0, n=3), row("agreement", 0.5, 0.4, 0.6, n=97)])
    >>> withhold(table, np.array([True, False]), 10)[["n", "estimate", "status"]].values.tolist()
    [[nan, nan, 'suppressed'], [97.0, 0.5, 'ok']]
    """
    if not gone.any():
        return table
    out = table.copy()
    for column in out.columns:
        if pd.api.types.is_bool_dtype(out[column]):
            out[column] = out[column].mask(gone, False)
        elif column in _NUMBERS or pd.api.types.is_numeric_dtype(out[column]):
            out[column] = out[column].astype(float).mask(gone)
    for column in _WORDS & set(out.columns):
        out.loc[gone, column] = ""
    out.loc[gone, "status"] = "suppressed"
    out.loc[gone, "reason"] = f"withheld: min_group_size={minimum}"
    return out


def with_common_values(attributes: pd.DataFrame, min_category_size: int) -> pd.DataFrame:
    """Sensitive columns in which every value that would be a group of its own has enough people, else is "(other)".

    Examples
    --------
    >>> faith = pd.DataFrame({"faith": ["a"] * 9 + ["b"] * 8 + ["only me"]})
    >>> with_common_values(faith, 5)["faith"].unique().tolist()
    ['a', 'b', '(other)']
    """
    columns = {}
    for i, name in enumerate(attributes.columns):
        column = attributes.iloc[:, i]
        banded = pd.api.types.is_numeric_dtype(column) and column.nunique() > FEW_VALUES
        columns[name] = column if banded else common_values(column, min_category_size)
    return pd.DataFrame(columns, index=attributes.index)


def _touching(frame: pd.DataFrame, groups: set[tuple[str, str]]) -> NDArray[np.bool_]:
    """Lines of one of the groups, or of a gap to one."""
    out = np.zeros(len(frame), dtype=bool)
    if not groups:
        return out
    attributes = list(map(str, frame["attribute"].tolist()))
    for side in ("group", "reference"):
        if side in frame:
            keys = zip(attributes, map(str, frame[side].tolist()), strict=True)
            out |= np.array([key in groups for key in keys], dtype=bool)
    return out


def _conditional(
    frame: pd.DataFrame,
    subject: str,
    attributes: pd.DataFrame,
    minimum: int,
    always: set[tuple[str, str]],
    few: Mapping[tuple[str, str], int],
) -> NDArray[np.bool_]:
    """Lines of one model whose denominator is small, and those that rest on true labels where one of these is.

    ``few`` are groups of which another frame says so: a gap has no line of its own for the reference group.
    """
    of_subject = (frame["subject"] == subject).to_numpy()
    rests = of_subject & ~frame["metric"].isin(SELECTION).to_numpy()
    # a decision or a stratum that is missing makes the denominator of a selection rate smaller than the group
    lines = of_subject & (frame["n"] < minimum).to_numpy() & (frame["attribute"] != "").to_numpy()
    fewest = _fewest(frame[of_subject], minimum)
    first = {key: min(n, fewest.get(key, n)) for key, n in (fewest | dict(few)).items()}
    if first.keys() <= always:
        return np.zeros(len(frame), dtype=bool)
    # a line of a group that is withheld anyhow says nothing of the others
    beside = lines & ~rests & ~_touching(frame, always)
    alike = rests | (of_subject & frame["metric"].isin(frame.loc[beside, "metric"]).to_numpy())
    out = np.zeros(len(frame), dtype=bool)
    everyone = dict.fromkeys(always, len(attributes))
    out[alike] = _touching(frame[alike], hidden_groups(attributes, minimum, everyone | first))
    return out


def _small_shares(frame: pd.DataFrame, gone: NDArray[np.bool_], minimum: int) -> NDArray[np.bool_]:
    """Shares of leaves that tell of fewer people than the minimum, and those from which they could be worked out.

    That nobody of a group is in a leaf may be shown: it tells of no single person there.
    """
    out = np.zeros(len(frame), dtype=bool)
    at = np.flatnonzero((frame["metric"] == "leaf_share").to_numpy())
    if len(at) == 0:
        return out
    lines = frame.iloc[at].assign(at=at, gone=gone[at])
    # two leaves may have the same words: the second of them is a row of its own
    lines["copy"] = lines.groupby(["subject", "attribute", "subset", "group"]).cumcount()
    for _, table in lines.groupby(["subject", "attribute"], sort=False):
        counts = table.pivot(index=["subset", "copy"], columns="group", values="k").astype(float)
        cells = table.pivot(index=["subset", "copy"], columns="group", values="at")
        hidden = table.pivot(index=["subset", "copy"], columns="group", values="gone").to_numpy(dtype=bool)
        first = hidden | ((counts > 0) & (counts < minimum)).to_numpy()
        if (first & ~hidden).any():
            protect = _protected if counts.size <= _MOST_SHARES else _whole_leaves
            out[cells.to_numpy()[protect(counts.to_numpy(), first, hidden.all(axis=0))]] = True
    return out


def _protected(counts: NDArray[np.float64], first: NDArray[np.bool_], unknown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells of a table to withhold, where the totals of its rows and of its known columns are published.

    ``counts`` has one row per leaf and one column per group; each published total is a sum over its cells in row order.
    ``first`` are withheld in any case; the total of a group in ``unknown`` is not published.
    """
    n_leaves, n_groups = counts.shape
    leaves = np.repeat(np.eye(n_leaves), n_groups, axis=1)
    groups = np.tile(np.eye(n_groups), (1, n_leaves))[~unknown]
    totals = np.vstack([leaves, groups])
    # an empty cell protects badly: it is guessed at once
    sizes = np.where(counts.ravel() > 0, np.nan_to_num(counts.ravel()), np.inf)
    hidden = withheld(
        np.vstack([totals, np.eye(counts.size)]),
        np.concatenate([totals @ np.nan_to_num(counts.ravel()), np.minimum(sizes, LARGEST)]).astype(np.int64),
        [-1] * len(totals) + [0] * counts.size,
        np.concatenate([np.zeros(len(totals), dtype=bool), first.ravel()]),
    )
    return hidden[len(totals) :].reshape(counts.shape)


def _whole_leaves(
    counts: NDArray[np.float64], first: NDArray[np.bool_], unknown: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The same for tables too large to solve for: whole leaves, at least two, so that no total tells one of them."""
    touched: NDArray[np.bool_] = np.any(first & ~unknown, axis=1)
    if touched.sum() == 1 and len(touched) > 1:
        sizes = np.where(touched, np.inf, np.nansum(counts, axis=1))
        touched[int(np.argmin(sizes))] = True
    return np.broadcast_to(touched[:, None], counts.shape).copy() | first
