"""Do probabilities mean what they say: calibration and ranking, overall and by group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from explaindistill.errors import InvalidInputError
from explaindistill.measures.groups import groupings
from explaindistill.measures.table import few_clusters, frame, row, shares
from explaindistill.numerics.statistics.clusters import student_quantile
from explaindistill.numerics.statistics.intervals import normal_quantile, wilson
from explaindistill.numerics.statistics.ranks import auc_and_interval
from explaindistill.numerics.statistics.recalibration import recalibrated
from explaindistill.numerics.statistics.tallies import mean_function, row_labels, tally, weights_of

__all__ = ["AUC_MINIMUM", "calibration", "reliability"]

AUC_MINIMUM = 25
"""Rows of either label below which an AUC is ``small``: its interval rests on the rarer label, whose rows alone decide
how long it is. A trade-off: a higher number calls the AUC of most small groups so."""
Floats = NDArray[np.float64]
Line = dict[str, Any]


def calibration(
    y: ArrayLike,
    p: ArrayLike,
    *,
    attributes: pd.DataFrame | None = None,
    intersections: bool | int = True,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    r"""Calibration and AUC, overall and in each group.

    =========================  ============================================================================
    metric                     what it is
    =========================  ============================================================================
    ``calibration_gap``        observed minus expected share, :math:`\sum(y-p)/n`; 0 is right
    ``calibration_ratio``      observed over expected, :math:`\sum y / \sum p`; 1 is right
    ``spiegelhalter``          :math:`\sum (y-p)(1-2p) / \sqrt{\sum (1-2p)^2 p(1-p)}`, Spiegelhalter's z; beyond ±1.96
                               the probabilities are wrong somewhere
    ``calibration_slope``      of the logistic regression of y on logit(p); below 1: too extreme
    ``calibration_intercept``  of the same regression with the slope held at 1; 0 is right
    ``auc``                    chance that a positive is ranked above a negative
    =========================  ============================================================================

    The expected calibration error is not here: of a perfectly calibrated model it is 0.18 with 30 rows and
    0.01 with 10,000, so groups of unlike size cannot be compared by it.

    Parameters
    ----------
    y : bool array of shape (n,)
        Whether the true label is the favourable one.
    p : array of shape (n,)
        Its probability.
    attributes : DataFrame of n rows, optional
    intersections, sample_weight, clusters, level, subject
        As in `explaindistill.measures.bias.group_rates`. With clusters there is no Spiegelhalter's z: its variance is
        that of independent labels.

    Returns
    -------
    DataFrame
        Canonical columns, then ``p_value`` (of the hypothesis that the group is calibrated). ``n`` counts the rows and
        ``k`` those whose true label is the favourable one. The AUC of a group with fewer than 25 rows of either label
        has the status ``small``.

    References
    ----------
    Spiegelhalter (1986), doi:10.1002/sim.4780050506; Cox (1958), doi:10.1093/biomet/45.3-4.562; Newcombe (2006),
    doi:10.1002/sim.2324.

    Examples
    --------
    >>> table = calibration([True, False, True, False], [0.8, 0.2, 0.6, 0.3]).set_index("metric")["estimate"]
    >>> round(float(table["calibration_gap"]), 3), float(table["auc"])
    (0.025, 1.0)
    """
    truth, chance = _truths(y), np.asarray(p, dtype=float)
    if truth.shape != chance.shape or truth.ndim != 1:
        raise InvalidInputError(f"y and p must be vectors of one length, got shapes {truth.shape} and {chance.shape}")
    if not ((chance >= 0) & (chance <= 1)).all():
        raise InvalidInputError("p must hold probabilities between 0 and 1")
    labels = None if clusters is None else row_labels(clusters, len(truth))
    sample = _Sample(truth, chance, weights_of(sample_weight, len(truth)), labels, level)
    lines = [line | {"subject": subject} for line in _one(sample)]
    for grouping in groupings(attributes, intersections) if attributes is not None else ():
        for code, name in enumerate(grouping.names):
            who = {"subject": subject, "attribute": grouping.attribute, "group": name}
            lines += [line | who for line in _one(sample.at(grouping.codes == code))]
    return frame(lines, extra=["p_value"])


@dataclass(frozen=True)
class _Sample:
    """Rows with labels y, probabilities p, weights w and clusters, and the level of their intervals."""

    y: NDArray[np.bool_]
    p: Floats
    w: Floats
    clusters: NDArray[Any] | None
    level: float

    def at(self, rows: NDArray[np.bool_]) -> _Sample:
        """Only the marked rows."""
        clusters = None if self.clusters is None else self.clusters[rows]
        return replace(self, y=self.y[rows], p=self.p[rows], w=self.w[rows], clusters=clusters)

    @property
    def n(self) -> Line:
        """Rows and positives."""
        return {"n": len(self.y), "k": float(self.y.sum())}

    @property
    def few(self) -> Line:
        """Status and reason where the rows are in too few clusters."""
        return {} if self.clusters is None or not len(self.y) else few_clusters(len(np.unique(self.clusters)))


def _truths(y: ArrayLike) -> NDArray[np.bool_]:
    """Labels as booleans; a missing one is neither, though NaN would count as true."""
    values = np.asarray(y)
    if (gone := pd.isna(values)).any():
        raise InvalidInputError(f"y must hold no missing labels, got {int(gone.sum())} of {len(values)}")
    return values.astype(bool)


def _one(sample: _Sample) -> Iterator[Line]:
    """Every line of one set of rows; those without weight are left out."""
    sample = sample.at(sample.w > 0)
    n, y = sample.n, sample.y
    yield from (line | sample.few for line in _in_the_large(sample))
    yield _spiegelhalter(sample)
    yield from (line | sample.few for line in _recalibration(sample))
    unknown = (np.nan, np.nan, np.nan)
    area = auc_and_interval(sample.p, y, sample.w, sample.level, sample.clusters) if len(y) else unknown
    line = row("auc", *area, method="newcombe 2006 and logit", **n)
    few = min(y.sum(), (~y).sum())
    if 0 < few < AUC_MINIMUM:
        line |= {"status": "small", "reason": f"{few} rows of one label, fewer than {AUC_MINIMUM}"}
    if sample.clusters is not None and few:
        line |= few_clusters(min(len(np.unique(sample.clusters[side])) for side in (y, ~y)))
    yield line


def _in_the_large(sample: _Sample) -> Iterator[Line]:
    r"""Gap :math:`g = \sum w(y - p) / \sum w` and ratio :math:`\sum wy / \sum wp`.

    Standard errors of g: :math:`\sqrt{\sum w^2 p(1-p)} / \sum w` where the probabilities are right, and
    :math:`\sqrt{\frac{n}{n-1} \sum w^2 (y - p - g)^2} / \sum w` in any case. The interval takes the larger, since
    residuals that are all alike in a small sample have hardly any variance. The interval of the ratio is Wilson's of
    the observed share over the expected one, which is known. With clusters the error of the gap is that of the mean of
    the residuals between clusters with Student's quantile, and the ratio R is the mean of :math:`(y - R p) / \bar p`;
    its interval is no narrower than Wilson's of the observed share at the rows that the clusters are worth.
    """
    y, p, w, n, level = sample.y, sample.p, sample.w, sample.n, sample.level
    z, total, expected = normal_quantile(level), w.sum(), (w * p).sum()
    if len(y) == 0:
        yield row("calibration_gap", np.nan, np.nan, np.nan, **n)
        return
    gap = float((w * (y - p)).sum() / total)
    spread = float(np.sqrt((w**2 * p * (1 - p)).sum())) / total
    # The test takes the variance under calibration, the interval that of the residuals.
    error = float(np.sqrt((w**2 * (y - p - gap) ** 2).sum() * len(y) / max(len(y) - 1, 1))) / total
    half, p_value = z * max(error, spread), _p_value(gap, spread, np.inf)
    ratio = float((w * y).sum() / expected) if expected > 0 else np.nan
    mean = expected / total if expected > 0 else np.nan
    if sample.clusters is not None:
        smooth = mean_function((y - p)[:, None], _first, sample_weight=w, clusters=sample.clusters)
        half = np.maximum(half, float(student_quantile(smooth.freedom, level)) * smooth.standard_error)
        p_value = _p_value(gap, smooth.standard_error, smooth.freedom)
    yield row("calibration_gap", gap, gap - half, gap + half, method="normal", p_value=p_value, **n)
    counted = tally(y, np.zeros(len(y), dtype=np.int64), 1, sample_weight=w, clusters=sample.clusters)
    low, high = (float(limit[0]) / mean for limit in wilson(*counted.worth(level), level))
    if sample.clusters is not None and np.isfinite(ratio):
        between = mean_function(np.column_stack([y, p]), _ratio, sample_weight=w, clusters=sample.clusters)
        least, most = between.limits(level)
        low, high = float(np.maximum(np.minimum(low, least), 0.0)), float(np.maximum(high, most))
    yield row("calibration_ratio", ratio, low, high, method="wilson over expected", **n)


def _first(means: Floats) -> float:
    return float(means[0])


def _ratio(means: Floats) -> float:
    return float(means[0] / means[1])


def _p_value(distance: float, error: float, freedom: float) -> float:
    """Two-sided p-value of a distance in standard errors; NaN where the error is not known, or is 0."""
    if not error > 0 or np.isnan(freedom):
        return float("nan")
    z = -abs(distance) / error
    return float(2 * (special.ndtr(z) if np.isinf(freedom) else special.stdtr(freedom, z)))


def _spiegelhalter(sample: _Sample) -> Line:
    """Spiegelhalter's z with weights; undefined where every probability is 0, 1 or one half."""
    y, p, w, n = sample.y, sample.p, sample.w, sample.n
    variance = float((w**2 * (1 - 2 * p) ** 2 * p * (1 - p)).sum())
    if variance <= 0:
        return row("spiegelhalter", np.nan, np.nan, np.nan, **n)
    if sample.clusters is not None:
        reason = "cannot say with clusters: its variance is that of independent labels"
        return row("spiegelhalter", np.nan, np.nan, np.nan, status="undefined", reason=reason, **n)
    z = float((w * (y - p) * (1 - 2 * p)).sum() / np.sqrt(variance))
    return row("spiegelhalter", z, np.nan, np.nan, method="z", p_value=float(2 * special.ndtr(-abs(z))), **n)


def _recalibration(sample: _Sample) -> Iterator[Line]:
    """Intercept a (with the slope b held at 1) and slope b of logit P(y = 1) = a + b logit(p), with Wald's interval."""
    y, n = sample.y, sample.n
    both = recalibrated(y, sample.p, sample.w, sample.clusters) if len(y) else (None, None)
    for name, neutral, fitted in zip(("calibration_intercept", "calibration_slope"), (0.0, 1.0), both, strict=True):
        if fitted is None:
            reason = "one label only, one probability only, or labels that the probabilities separate"
            yield row(name, np.nan, np.nan, np.nan, status="undefined", reason=reason, **n)
            continue
        p_value = _p_value(fitted.estimate - neutral, fitted.standard_error, fitted.freedom)
        yield row(name, fitted.estimate, *fitted.limits(sample.level), method="wald", p_value=p_value, **n)


def reliability(
    y: ArrayLike,
    p: ArrayLike,
    *,
    n_bins: int = 10,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """Observed share in bins of equally many rows by probability, for a reliability diagram.

    Parameters
    ----------
    y : bool array of shape (n,)
    p : array of shape (n,)
    n_bins : int, at least 1
        Fewer result where probabilities repeat: equal ones stand in one bin. A trade-off: more bins show more of the
        curve, each from fewer rows.
    sample_weight, clusters, level, subject
        As in `calibration`; bins have equally many rows, weighted or not.

    Returns
    -------
    DataFrame
        Canonical columns with ``metric`` ``observed_share`` (``k`` of ``n`` rows of the bin in ``subset``) and Wilson's
        interval, then ``predicted``, the bin's mean probability.

    References
    ----------
    Murphy and Winkler (1977), doi:10.2307/2346866 (the diagram).

    Examples
    --------
    >>> reliability([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8], n_bins=2)[["estimate", "predicted"]].round(2).values.tolist()
    [[0.0, 0.15], [1.0, 0.75]]
    """
    if n_bins < 1:
        raise InvalidInputError(f"n_bins must be at least 1, got {n_bins}")
    truth, chance = _truths(y), np.asarray(p, dtype=float)
    w = weights_of(sample_weight, len(truth))
    labels = None if clusters is None else row_labels(clusters, len(truth))
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, n_bins + 1)[1:-1])) if len(chance) else np.empty(0)
    present, place = np.unique(np.searchsorted(edges, chance, side="left"), return_inverse=True)
    names = [{"subject": subject, "subset": f"bin {i + 1}"} for i in range(len(present))]
    counted = tally(truth, place, len(present), sample_weight=w, clusters=labels)
    lines = shares("observed_share", counted, names, level=level)
    total = np.bincount(place, w, len(present))
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(place, w * chance, len(present)) / total
    return frame((line | {"predicted": m} for line, m in zip(lines, predicted, strict=True)), extra=["predicted"])
