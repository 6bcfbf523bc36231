"""What Shapley values say as a whole: which columns move a model or part its groups, and how far two models agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.importance import COMPARED, FEWEST_DRAWS, ComparisonOptions, compare_importance
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.influences import T_DRAWS, bootstrap_t
from explaindistill.numerics.statistics.resampling import percentile_limits, row_counts
from explaindistill.numerics.statistics.tallies import weights_of

__all__ = ["Attributions", "GapOptions", "attribution_gaps", "attribution_importance", "compare_attributions"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Attributions:
    """Shapley values of one model on one scale.

    Attributes
    ----------
    values : array of shape (n, d)
        Value of column j for row i; those of a row sum to its answer less the mean answer to the background.
    features : d names
    error : array of shape (n, d), optional
        Standard errors of sampled values.
    scale : str
        Unit of the values, kept in ``subset``.
    background : int, optional
        Rows of the background, where they are a sample of the people that the figures speak of: intervals then know
        that another sample would have moved all values. None: the background is given, and moves nothing.

    Raises
    ------
    InvalidInputError
        Where there are not as many columns of values as features.

    Examples
    --------
    >>> Attributions([[1.0, 0.0]], ["a", "b"]).values.shape
    (1, 2)
    """

    values: ArrayLike
    features: Sequence[str]
    error: ArrayLike | None = None
    scale: str = ""
    background: int | None = None

    def __post_init__(self) -> None:
        phi = np.asarray(self.values, dtype=float)
        if phi.ndim != 2 or phi.shape[1] != len(self.features):
            words = f"values must have one column per feature, {len(self.features)}, got shape {phi.shape}"
            raise InvalidInputError(words)
        object.__setattr__(self, "values", phi)

    @property
    def phi(self) -> Floats:
        """The values as an array."""
        return np.asarray(self.values)

    def sizes(self) -> Floats:
        r"""Absolute values; where they were sampled, less what their noise adds.

        Noise makes absolute values larger than they are: :math:`\phi^2 - se^2` is unbiased for the square, so its root
        (0 where it is negative) takes the place of :math:`|\phi|`.
        """
        if self.error is None:
            return np.abs(self.phi)
        noise = np.nan_to_num(np.asarray(self.error, dtype=float))
        return np.sqrt(np.maximum(self.phi**2 - noise**2, 0.0))


def attribution_importance(
    attributions: Attributions,
    *,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    method: str = "exact",
    subject: str = "student",
) -> pd.DataFrame:
    r"""Mean size of each column's Shapley values, :math:`\tfrac1n \sum_i |\phi_{ij}|` over rows i of column j.

    With weights w that sum to 1 the mean is :math:`m_j = \sum_i w_i |\phi_{ij}|`; row i moves it by :math:`w_i
    (|\phi_{ij}| - m_j)`. A value is the mean over the rows b of the background of a game that changes its sign where
    row and background row change places, so that its main part is :math:`g_j(x_i) - g_j(b)`: one of M background rows
    moves the importance by :math:`-\tfrac1M (g_j(b) - \bar g_j) \sum_i w_i\, \text{sgn}\, \phi_{ij}`, and the values of
    the rows have the law of :math:`g_j` over the background. What is left of columns that interact is not counted.

    Parameters
    ----------
    attributions : Attributions
    sample_weight : array of shape (n,), optional
    level, subject
        As in the other measures.
    method : str
        How the values were computed, for the frame.

    Returns
    -------
    DataFrame
        Canonical columns, ``feature``, ``sd`` (of the values over rows), ``share`` (of the sum of estimates) and
        ``direction`` (mean of the values). The interval is a bootstrap-t over rows and over the background, see
        `explaindistill.numerics.statistics.influences.bootstrap_t`.

    References
    ----------
    Lundberg et al. (2020), doi:10.1038/s42256-019-0138-9 (mean absolute values as an importance); Hoeffding (1948),
    doi:10.1214/aoms/1177730196 (the main part).

    Examples
    --------
    >>> table = attribution_importance(Attributions([[1.0, 0.0], [-3.0, 0.0]], ["a", "b"]))
    >>> table[["feature", "estimate", "share"]].values.tolist()
    [['a', 2.0, 1.0], ['b', 0.0, 0.0]]
    """
    phi, size = attributions.phi, attributions.sizes()
    w = weights_of(sample_weight, len(phi))
    present = w > 0
    phi, size, share = phi[present], size[present], w[present] / w.sum()
    mean, n = share @ size, len(phi)
    generator = np.random.default_rng(0)  # the same values have the same interval
    samples = [n] if attributions.background is None else [n, attributions.background]
    drawn = [row_counts(rows, T_DRAWS, generator) for rows in samples]
    total, direction = float(mean.sum()), share @ phi
    sd = np.sqrt(share @ (phi - direction) ** 2)
    lines = []
    for j, name in enumerate(attributions.features):
        moved = [share * (size[:, j] - mean[j]), *(_of_background(phi[:, j], share, rows) for rows in samples[1:])]
        low, high = bootstrap_t(float(mean[j]), moved, drawn, level)
        figures = {"sd": sd[j], "share": mean[j] / total if total > 0 else 0.0, "direction": direction[j]}
        names = {"subject": subject, "subset": attributions.scale or "value", "method": method, "feature": name}
        lines.append(row("shapley", mean[j], max(low, 0.0), high, n=n, **names, **figures))
    return frame(lines, extra=["feature", "sd", "share", "direction"])


def _of_background(phi: Floats, share: Floats, rows: int) -> Floats:
    """What each of so many background rows moves a mean size by: their values are quantiles of those of the rows."""
    order = np.argsort(phi, kind="stable")
    at = np.searchsorted(np.cumsum(share[order]), (np.arange(rows) + 0.5) / rows)
    values = phi[order[np.minimum(at, len(phi) - 1)]]
    return np.asarray(-(share @ np.sign(phi)) * (values - values.mean()) / rows)


def compare_attributions(
    teacher: Attributions,
    student: Attributions,
    *,
    sample_weight: ArrayLike | None = None,
    rng: np.random.Generator | int = 0,
    subject: str = "student",
    options: ComparisonOptions = COMPARED,
) -> pd.DataFrame:
    r"""Compare the Shapley values of two models for the same rows, background and scale.

    Parameters
    ----------
    teacher, student : Attributions
        Of the same columns, in the same order.
    sample_weight, rng, subject, options
        As in :func:`~explaindistill.measures.importance.compare_importance`.

    Returns
    -------
    DataFrame
        Lines of :func:`~explaindistill.measures.importance.compare_importance`, with bootstrap intervals over rows;
        ``importance_sign`` is the share of the teacher's attribution, row by row, that the student gives the same sign,
        :math:`\sum_{ij} |t_{ij}| [\text{sgn}\, t_{ij} = \text{sgn}\, s_{ij}] / \sum_{ij} |t_{ij}|`.

    Examples
    --------
    >>> phi = Attributions([[1.0, -2.0], [0.5, 1.0], [2.0, 0.1]], ["a", "b"])
    >>> compare_attributions(phi, phi)["estimate"].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    t, s, features = teacher.phi, student.phi, teacher.features
    if len(student.features) != len(features):
        raise InvalidInputError(f"teacher and student must have the same features, {len(features)} columns and "
                                f"{len(student.features)}")  # fmt: skip
    order = np.argsort(np.array(features, dtype=object), kind="stable")
    names = [str(features[j]) for j in order]
    by_row = teacher.sizes()[:, order], student.sizes()[:, order]
    w = weights_of(sample_weight, len(t))
    tables = [pd.DataFrame({"feature": names, "estimate": w @ size / w.sum()}) for size in by_row]
    what = f"Shapley, {teacher.scale}" if teacher.scale else "Shapley"
    table = compare_importance(
        *tables, rows=by_row, sample_weight=w, rng=rng, subset=what, subject=subject, options=options
    )
    same = (np.abs(t) * (np.sign(t) == np.sign(s))).sum(axis=1) * w
    whole = np.abs(t).sum(axis=1) * w
    counts = row_counts(len(t), options.n_draws, np.random.default_rng(rng))
    drawn = _ratio(counts @ same, counts @ whole)
    at = table["metric"] == "importance_sign"
    table.loc[at, "estimate"] = float(_ratio(same.sum(), whole.sum()))
    table.loc[at, ["low", "high"]] = percentile_limits(drawn, options.level)
    return table


def _ratio(top: Any, bottom: Any) -> Floats:
    """NaN where the denominator is 0."""
    top, bottom = np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)
    return np.divide(top, bottom, out=np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan), where=bottom > 0)


@dataclass(frozen=True)
class GapOptions:
    """How a gap is divided among columns.

    Attributes
    ----------
    minimum : int
        A group with fewer rows is ``small`` and has the whole gap only: so few rows say nothing of single columns.
    n_draws : int, at least 20
        Bootstrap samples, drawn within each group apart: the intervals speak of the difference, not of what would be
        seen if there were none. Of small groups the intervals are bootstrap-t, never shorter than Welch's.
    level : float
        Confidence of the intervals.

    Raises
    ------
    InvalidInputError
        For fewer draws.

    Examples
    --------
    >>> GapOptions(minimum=1).n_draws
    999
    """

    minimum: int = 10
    n_draws: int = T_DRAWS
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.n_draws < FEWEST_DRAWS:
            raise InvalidInputError(f"n_draws must be at least {FEWEST_DRAWS}, got {self.n_draws}")


GAPS = GapOptions()


def attribution_gaps(
    attributions: Attributions,
    groups: ArrayLike,
    *,
    reference: Any = None,
    attribute: str = "group",
    sample_weight: ArrayLike | None = None,
    rng: np.random.Generator | int = 0,
    subject: str = "student",
    options: GapOptions = GAPS,
) -> pd.DataFrame:
    r"""Which columns a gap between groups comes from.

    Since a row's Shapley values sum to its answer less the base,
    :math:`\sum_j (\bar\phi_{j,A} - \bar\phi_{j,B}) = \bar f_A - \bar f_B`: the gap in mean answers between group A and
    the reference B falls into one part per column j, exactly.

    Parameters
    ----------
    attributions : Attributions
    groups : array of shape (n,)
        Missing groups are left out.
    reference : group, optional
        The largest when None.
    attribute : str
        Name of the attribute, for the frame.
    sample_weight : array of shape (n,), optional
    rng, subject
        As in the other measures.
    options : GapOptions

    Returns
    -------
    DataFrame
        Canonical columns and ``feature``; ``metric`` is ``attribution_gap`` for a column, ``attribution_gap_total`` for
        their sum, whose ``feature`` is ``"(all columns)"``. ``n`` counts the rows of the group.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 8 and 12 (two samples, bootstrap-t); Welch
    (1947), doi:10.1093/biomet/34.1-2.28.

    Examples
    --------
    >>> phi = Attributions([[1.0, 0.5], [1.0, -0.5], [0.0, 0.5], [0.0, -0.5]], ["income", "age"])
    >>> table = attribution_gaps(phi, ["a", "a", "b", "b"], reference="b", options=GapOptions(minimum=1))
    >>> table[["feature", "estimate"]].values.tolist()
    [['income', 1.0], ['age', 0.0], ['(all columns)', 1.0]]
    """
    phi, label = attributions.phi, np.asarray(groups, dtype=object)
    if len(label) != len(phi):
        raise InvalidInputError(f"groups must have one value per row, {len(phi)}, got {len(label)}")
    sizes = {g: int(n) for g, n in pd.Series(label).value_counts().items()}
    named = sorted(sizes, key=lambda g: (-sizes[g], str(g)))
    if reference is None and named:
        reference = named[0]
    elif reference not in named:
        raise InvalidInputError(f"reference must be one of the groups {sorted(map(str, named))}, got {reference!r}")
    w = weights_of(sample_weight, len(phi))
    generator = np.random.default_rng(rng)
    full = np.column_stack([phi, phi.sum(axis=1)])
    weighted = full[w > 0]
    ends = weighted.min(axis=0, initial=np.inf), weighted.max(axis=0, initial=-np.inf)
    sides = {g: _GroupMeans.of(full[label == g], w[label == g], ends, options.n_draws, generator) for g in named}
    lines: list[dict[str, Any]] = []
    for g in named:
        if g != reference:
            names: dict[str, Any] = {"subject": subject, "attribute": attribute, "group": str(g)}
            names |= {"subset": attributions.scale, "reference": str(reference), "n": sizes[g]}
            features = list(map(str, attributions.features))
            if min(sizes[g], sizes[reference]) < options.minimum:
                features, reason = [], f"fewer than {options.minimum} rows in a group"
                names |= {"status": "small", "reason": reason}
            lines += _gap_lines(sides[g], sides[reference], features, names, options.level)
    return frame(lines, extra=["feature"])


@dataclass(frozen=True)
class _GroupMeans:
    """One group: mean of every column, what each row moves it by, bootstrap counts of its rows, and its ends.

    ``ends`` say how far below and above its mean a row of an unseen kind may be: as far as any row of any group is.
    """

    mean: Floats
    moved: Floats
    drawn: Floats
    ends: tuple[Floats, Floats]

    @classmethod
    def of(
        cls, values: Floats, w: Floats, ends: tuple[Floats, Floats], n_draws: int, rng: np.random.Generator
    ) -> _GroupMeans:
        """Rows without weight are left out."""
        values, w = values[w > 0], w[w > 0]
        if len(values) == 0:
            blank = np.full(values.shape[1], np.nan)
            return cls(blank, values, np.empty((n_draws, 0)), (blank, blank))
        share = w / w.sum()
        mean = share @ values
        counts = row_counts(len(values), n_draws, rng)
        return cls(mean, share[:, None] * (values - mean), counts, (mean - ends[0], ends[1] - mean))


def _gap_lines(
    group: _GroupMeans, reference: _GroupMeans, features: list[str], names: dict[str, Any], level: float
) -> Iterator[dict[str, Any]]:
    """Gap of each column that is named, then of the sum of all, which is the last column of both sides."""
    columns, last = [*features, "(all columns)"], len(group.mean) - 1
    for i, name in enumerate(columns):
        j = last if i == len(features) else i
        gap = float(group.mean[j] - reference.mean[j])
        moved = [group.moved[:, j], -reference.moved[:, j]]
        reach = [(group.ends[0][j], group.ends[1][j]), (reference.ends[1][j], reference.ends[0][j])]
        limits = bootstrap_t(gap, moved, [group.drawn, reference.drawn], level, reach)
        metric = "attribution_gap_total" if j == last else "attribution_gap"
        yield row(metric, gap, *limits, feature=name, method="two-sample bootstrap-t", **names)
