"""What Shapley values say as a whole: which columns move a model or part its groups, and how far two models agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from explaindistill.errors import InvalidInputError
from explaindistill.measures.importance import COMPARED, FEWEST_DRAWS, ComparisonOptions, compare_importance
from explaindistill.measures.table import frame, row
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

    With weights w that sum to 1 the mean is :math:`m_j = \sum_i w_i |\phi_{ij}|` and its variance
    :math:`\frac{n}{n-1} \sum_i w_i^2 (|\phi_{ij}| - m_j)^2`.

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
        ``direction`` (mean of the values). The interval is Student's over rows; that the background is a sample too is
        not accounted for.

    References
    ----------
    Lundberg et al. (2020), doi:10.1038/s42256-019-0138-9 (mean absolute values as an importance).

    Examples
    --------
    >>> table = attribution_importance(Attributions([[1.0, 0.0], [-3.0, 0.0]], ["a", "b"]))
    >>> table[["feature", "estimate", "share"]].values.tolist()
    [['a', 2.0, 1.0], ['b', 0.0, 0.0]]
    """
    phi = attributions.phi
    w = weights_of(sample_weight, len(phi))
    share = w / w.sum()
    size = attributions.sizes()
    mean, n = share @ size, int((w > 0).sum())
    spread = np.sqrt((share**2) @ (size - mean) ** 2 * n / max(n - 1, 1))
    half = special.stdtrit(max(n - 1, 1), 0.5 + level / 2) * spread if n > 1 else np.full(len(mean), np.nan)
    total, direction = float(mean.sum()), share @ phi
    sd = np.sqrt(share @ (phi - direction) ** 2)
    return frame(
        (
            row("shapley", mean[j], max(mean[j] - half[j], 0.0), mean[j] + half[j], n=n, subject=subject,
                subset=attributions.scale or "value", method=method, feature=name, sd=sd[j],
                share=mean[j] / total if total > 0 else 0.0, direction=direction[j])
            for j, name in enumerate(attributions.features)
        ),
        extra=["feature", "sd", "share", "direction"],
    )  # fmt: skip


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
        seen if there were none.
    level : float
        Confidence of the intervals.

    Raises
    ------
    InvalidInputError
        For fewer draws.

    Examples
    --------
    >>> GapOptions(minimum=1).n_draws
    500
    """

    minimum: int = 10
    n_draws: int = 500
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
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 8 (two samples).

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
    means = {g: _group_means(full[label == g], w[label == g], options.n_draws, generator) for g in named}
    lines: list[dict[str, Any]] = []
    for g in named:
        if g != reference:
            names: dict[str, Any] = {"subject": subject, "attribute": attribute, "group": str(g)}
            names |= {"subset": attributions.scale, "reference": str(reference), "n": sizes[g]}
            features = list(map(str, attributions.features))
            if min(sizes[g], sizes[reference]) < options.minimum:
                features, reason = [], f"fewer than {options.minimum} rows in a group"
                names |= {"status": "small", "reason": reason}
            lines += _gap_lines(means[g], means[reference], features, names, options.level)
    return frame(lines, extra=["feature"])


_Drawn = tuple[Floats, Floats]


def _gap_lines(
    group: _Drawn, reference: _Drawn, features: list[str], names: dict[str, Any], level: float
) -> Iterator[dict[str, Any]]:
    """Gap of each column that is named, then of the sum of all, which is the last column of both.

    The limits are percentiles of the difference of two means that are drawn apart.
    """
    columns = [*features, "(all columns)"]
    gap, draws = (side[..., -len(columns) :] for side in (group[0] - reference[0], group[1] - reference[1]))
    for i, limits in enumerate(zip(*percentile_limits(draws, level), strict=True)):
        metric = "attribution_gap_total" if i == len(features) else "attribution_gap"
        yield row(metric, gap[i], *limits, feature=columns[i], method="two-sample bootstrap, percentile", **names)


def _group_means(values: Floats, w: Floats, n_draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Mean of a group and its bootstrap draws ``(n_draws, d)``; NaN in draws of rows without weight."""
    counts = row_counts(len(values), n_draws, rng) * w
    return w @ values / w.sum(), _ratio(counts @ values, counts.sum(axis=1, keepdims=True))
