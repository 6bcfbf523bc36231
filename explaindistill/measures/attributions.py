"""What Shapley values say as a whole: which columns move a model or part its groups, and how far two models agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from explaindistill.errors import InvalidInputError
from explaindistill.measures.importance import compare_importance
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.resampling import percentile_limits, row_counts
from explaindistill.numerics.statistics.tallies import weights_of

__all__ = ["attribution_gaps", "attribution_importance", "compare_attributions"]

Floats = NDArray[np.float64]


def attribution_importance(
    values: ArrayLike,
    features: Sequence[str],
    *,
    error: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    scale: str = "value",
    method: str = "exact",
    subject: str = "student",
) -> pd.DataFrame:
    r"""Mean size of each column's Shapley values, :math:`\tfrac1n \sum_i |\phi_{ij}|`.

    Parameters
    ----------
    values : array of shape (n, d)
    features : d names
    error : array of shape (n, d), optional
        Standard errors of sampled values. Noise makes absolute values larger than they are: :math:`\phi^2 - se^2` is
        unbiased for the square, so its root (0 where it is negative) takes the place of :math:`|\phi|`.
    sample_weight : array of shape (n,), optional
    level, subject
        As in the other measures.
    scale : str
        Unit of the values, kept in ``subset``.
    method : str

    Returns
    -------
    DataFrame
        Canonical columns, ``feature``, ``sd`` (of the values over rows), ``share`` (of the sum of estimates) and
        ``direction`` (mean of the values). The interval is Student's over rows.

    Examples
    --------
    >>> found = attribution_importance([[1.0, 0.0], [-3.0, 0.0]], ["a", "b"])
    >>> found[["feature", "estimate", "share"]].values.tolist()
    [['a', 2.0, 1.0], ['b', 0.0, 0.0]]
    """
    phi = _table(values, features)
    w = weights_of(sample_weight, len(phi))
    share = w / w.sum()
    size = sizes(phi, error)
    mean, n = share @ size, int((w > 0).sum())
    spread = np.sqrt((share**2) @ (size - mean) ** 2 * n / max(n - 1, 1))
    half = special.stdtrit(max(n - 1, 1), 0.5 + level / 2) * spread if n > 1 else np.full(len(mean), np.nan)
    total, direction = float(mean.sum()), share @ phi
    sd = np.sqrt(share @ (phi - direction) ** 2)
    return frame(
        (
            row("shapley", mean[j], max(mean[j] - half[j], 0.0), mean[j] + half[j], n=n, subject=subject, subset=scale,
                method=method, feature=name, sd=sd[j], share=mean[j] / total if total > 0 else 0.0,
                direction=direction[j])
            for j, name in enumerate(features)
        ),
        extra=["feature", "sd", "share", "direction"],
    )  # fmt: skip


def sizes(values: Floats, error: ArrayLike | None) -> Floats:
    """Absolute values; where they were sampled, less what their noise adds."""
    if error is None:
        return np.abs(values)
    noise = np.nan_to_num(np.asarray(error, dtype=float))
    return np.sqrt(np.maximum(values**2 - noise**2, 0.0))


def compare_attributions(
    teacher: ArrayLike,
    student: ArrayLike,
    features: Sequence[str],
    *,
    error: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    top: int = 5,
    level: float = 0.95,
    n_draws: int = 200,
    rng: np.random.Generator | int = 0,
    scale: str = "",
    subject: str = "student",
) -> pd.DataFrame:
    """Compare the Shapley values of two models for the same rows, background and scale.

    Parameters
    ----------
    teacher, student : arrays of shape (n, d)
    features : d names
    error : array of shape (n, d), optional
        Standard errors of the teacher's values.
    sample_weight, top, level, n_draws, rng, subject
        As in :func:`~explaindistill.measures.importance.compare_importance`.
    scale : str

    Returns
    -------
    DataFrame
        Lines of :func:`~explaindistill.measures.importance.compare_importance`, with bootstrap intervals over rows;
        ``importance_sign`` is the share of the teacher's attribution, row by row, that the student gives the same sign.

    Examples
    --------
    >>> phi = np.array([[1.0, -2.0], [0.5, 1.0], [2.0, 0.1]])
    >>> compare_attributions(phi, phi, ["a", "b"])["estimate"].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    t, s = _table(teacher, features), _table(student, features)
    order = np.argsort(np.array(features, dtype=object), kind="stable")
    names = [str(features[j]) for j in order]
    by_row = sizes(t, error)[:, order], sizes(s, None)[:, order]
    w = weights_of(sample_weight, len(t))
    tables = [pd.DataFrame({"feature": names, "estimate": w @ part / w.sum()}) for part in by_row]
    what = f"Shapley, {scale}" if scale else "Shapley"
    shared: dict[str, Any] = {"top": top, "level": level, "n_draws": n_draws, "subject": subject}
    found = compare_importance(*tables, rows=by_row, sample_weight=w, rng=rng, subset=what, **shared)
    same = (np.abs(t) * (np.sign(t) == np.sign(s))).sum(axis=1) * w
    whole = np.abs(t).sum(axis=1) * w
    counts = row_counts(len(t), n_draws, np.random.default_rng(rng))
    drawn = _ratio(counts @ same, counts @ whole)
    at = found["metric"] == "importance_sign"
    found.loc[at, "estimate"] = float(_ratio(same.sum(), whole.sum()))
    found.loc[at, ["low", "high"]] = percentile_limits(drawn, level)
    return found


def _ratio(top: Any, bottom: Any) -> Floats:
    """NaN where the denominator is 0."""
    top, bottom = np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)
    return np.divide(top, bottom, out=np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan), where=bottom > 0)


def attribution_gaps(
    values: ArrayLike,
    features: Sequence[str],
    groups: ArrayLike,
    *,
    reference: Any = None,
    attribute: str = "group",
    sample_weight: ArrayLike | None = None,
    minimum: int = 10,
    n_draws: int = 500,
    level: float = 0.95,
    rng: np.random.Generator | int = 0,
    scale: str = "",
    subject: str = "student",
) -> pd.DataFrame:
    r"""Which columns a gap between groups comes from.

    Since a row's Shapley values sum to its answer less the base,
    :math:`\sum_j (\bar\phi_{j,A} - \bar\phi_{j,B}) = \bar f_A - \bar f_B`: the gap in mean answers falls into one part
    per column, exactly.

    Parameters
    ----------
    values : array of shape (n, d)
    features : d names
    groups : array of shape (n,)
        Missing groups are left out.
    reference : group, optional
        The largest when None.
    attribute : str
        Name of the attribute, for the frame.
    sample_weight : array of shape (n,), optional
    minimum : int
        A group with fewer rows is ``small`` and has the whole gap only: so few rows say nothing of single columns.
    n_draws : int, at least 20
        Bootstrap samples, drawn within each group apart: the intervals speak of the difference, not of what would be
        seen if there were none.
    level, rng, subject
        As in the other measures.
    scale : str
        Unit of the values, kept in ``subset``.

    Returns
    -------
    DataFrame
        Canonical columns and ``feature``; ``metric`` is ``attribution_gap`` for a column, ``attribution_gap_total`` for
        their sum, whose ``feature`` is ``"(all columns)"``.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 8 (two samples).

    Examples
    --------
    >>> phi = np.array([[1.0, 0.5], [1.0, -0.5], [0.0, 0.5], [0.0, -0.5]])
    >>> found = attribution_gaps(phi, ["income", "age"], ["a", "a", "b", "b"], reference="b", minimum=1)
    >>> found[["feature", "estimate"]].values.tolist()
    [['income', 1.0], ['age', 0.0], ['(all columns)', 1.0]]
    """
    phi = _table(values, features)
    if n_draws < 20:
        raise InvalidInputError(f"n_draws must be at least 20, got {n_draws}")
    label = np.asarray(groups, dtype=object)
    if len(label) != len(phi):
        raise InvalidInputError(f"groups must have one value per row, {len(phi)}, got {len(label)}")
    known = pd.Series(label).value_counts()
    named = sorted(known.index, key=lambda g: (-int(known[g]), str(g)))
    if reference is None and named:
        reference = named[0]
    elif reference not in named:
        raise InvalidInputError(f"reference must be one of the groups {sorted(map(str, named))}, got {reference!r}")
    w = weights_of(sample_weight, len(phi))
    generator = np.random.default_rng(rng)
    full = np.column_stack([phi, phi.sum(axis=1)])
    sized = {g: int(known[g]) for g in named}
    means = {g: _group_means(full[label == g], w[label == g], n_draws, generator) for g in named}
    lines: list[dict[str, Any]] = []
    for g in named:
        if g == reference:
            continue
        (own, drawn), (other, drawn_other) = means[g], means[reference]
        names: dict[str, Any] = {"subject": subject, "attribute": attribute, "group": str(g), "subset": scale}
        names |= {"reference": str(reference), "n": sized[g], "method": "two-sample bootstrap, percentile"}
        if small := min(sized[g], sized[reference]) < minimum:
            names |= {"status": "small", "reason": f"fewer than {minimum} rows in a group"}
        told = ["(all columns)"] if small else [*map(str, features), "(all columns)"]
        gap, limits = own - other, percentile_limits((drawn - drawn_other)[:, -len(told) :], level)
        for name, *found in zip(told, gap[-len(told) :], *limits, strict=True):
            metric = "attribution_gap_total" if name == told[-1] else "attribution_gap"
            lines.append(row(metric, *found, feature=name, **names))
    return frame(lines, extra=["feature"])


def _group_means(values: Floats, w: Floats, n_draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Mean of a group and its bootstrap draws ``(n_draws, d)``; NaN in draws of rows without weight."""
    counts = row_counts(len(values), n_draws, rng) * w
    return w @ values / w.sum(), _ratio(counts @ values, counts.sum(axis=1, keepdims=True))


def _table(values: ArrayLike, features: Sequence[str]) -> Floats:
    phi = np.asarray(values, dtype=float)
    if phi.ndim != 2 or phi.shape[1] != len(features):
        raise InvalidInputError(f"values must have one column per feature, {len(features)}, got shape {phi.shape}")
    return phi
